//! Figures: panes of curves, as SVG text or PNG bytes.
//!
//! A [`Figure`] says what is to be seen; [`auto`](auto::auto) makes one from tables; [`Figure::svg`] and [`Figure::png`] draw it.
//! Panes lie below each other and share their x axis. Numbers are in SI units; labels take prefixes where they suit.
//! Values that are not finite are gaps.

pub mod auto;
mod curve;
mod draw;
pub mod heat;
mod raster;
mod style;
mod ticks;

use crate::diag::Diagnostic;

pub use auto::{Options, auto};
pub use heat::Heat;

/// How a trace is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    #[default]
    Line,
    Dots,
    Both,
}

/// Which colour a trace has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Colour {
    /// The k-th of the palette; dashed from the second round on.
    Nth(usize),
    /// A place (0 to 1) on the dark-to-bright scale for families.
    Scale(f64),
}

/// One curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// For the legend; empty traces of a family after the first may share it.
    pub name: String,
    pub x: Vec<f64>,
    pub y: Vec<f64>,
    pub colour: Colour,
    pub mark: Mark,
}

/// An axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// What is along it, without unit: `time`, `voltage`.
    pub label: String,
    pub unit: String,
    pub is_log: bool,
    /// Fixed range; by the data if none.
    pub range: Option<(f64, f64)>,
    /// Blank share of the range at either end, where the data choose it.
    pub margin: f64,
}

/// A pane: curves over one y axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pane {
    pub y: Axis,
    pub traces: Vec<Trace>,
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub title: String,
    /// Small print below: how the result was made.
    pub footer: String,
    pub x: Axis,
    pub panes: Vec<Pane>,
    /// Size in logical pixels (1/96 inch).
    pub width: u32,
    pub height: u32,
    /// Pixels of line width.
    pub line_width: f64,
}

impl Default for Figure {
    fn default() -> Self {
        Figure {
            title: String::new(),
            footer: String::new(),
            x: Axis::default(),
            panes: vec![],
            width: 900,
            height: 560,
            line_width: 1.8,
        }
    }
}

impl Figure {
    /// The picture as SVG text.
    pub fn svg(&self) -> Result<String, Diagnostic> {
        draw::svg(self)
    }

    /// The picture as PNG bytes; `scale` pixels of the file for each logical one (2 suits screens and papers).
    pub fn png(&self, scale: f64) -> Result<Vec<u8>, Diagnostic> {
        draw::png(self, scale)
    }

    /// SVG or PNG (at scale 2) by a file name's extension.
    pub fn encode(&self, extension: &str) -> Result<Vec<u8>, Diagnostic> {
        use crate::diag::codes::results::UNKNOWN_FORMAT;
        match extension.to_ascii_lowercase().as_str() {
            "svg" => self.svg().map(String::into_bytes),
            "png" => self.png(2.0),
            other => Err(Diagnostic::error(UNKNOWN_FORMAT, format!("pictures cannot be written as `{other}`"))
                .help("use `.svg` or `.png`")),
        }
    }
}

#[cfg(test)]
mod tests;
