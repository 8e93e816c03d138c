//! Maps: a value for each cell of a matrix, as colours, with a scale beside it.
//!
//! Row 0 is at the top, column 0 at the left, as matrices are written. A map finer than the picture is drawn in blocks, each
//! with the mean of its cells; the footer says so.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::draw::{Canvas, Font, LABEL_SIZE, TICK_SIZE, TITLE_SIZE, cannot_draw, encode_png};
use super::raster::{self, Raster};
use super::style::{self, FAINT, FRAME, INK};
use super::ticks;
use crate::diag::Diagnostic;
use crate::diag::codes::results::{NOTHING_TO_PLOT, UNKNOWN_FORMAT};

/// The most blocks along a side.
const BLOCKS: usize = 400;
const SVG_SCALE: u32 = 8;

/// A map of a matrix.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heat {
    pub title: String,
    pub footer: String,
    pub rows: usize,
    pub cols: usize,
    /// Row by row; what is not finite is left blank.
    pub values: Vec<f64>,
    /// What the values are, and their unit.
    pub label: String,
    pub unit: String,
    pub x_label: String,
    pub y_label: String,
    /// Colours by the logarithm of the magnitude.
    pub is_log: bool,
    /// A cell to mark: row, column.
    pub mark: Option<(usize, usize)>,
}

/// Means over blocks of cells.
struct Blocks {
    rows: usize,
    cols: usize,
    values: Vec<f64>,
    size: usize,
}

impl Heat {
    fn blocks(&self) -> Blocks {
        let size = self.rows.max(self.cols).div_ceil(BLOCKS).max(1);
        let (rows, cols) = (self.rows.div_ceil(size), self.cols.div_ceil(size));
        let mut values = Vec::with_capacity(rows * cols);
        for i in 0..rows {
            for j in 0..cols {
                let (mut sum, mut n) = (0.0, 0);
                for r in i * size..((i + 1) * size).min(self.rows) {
                    for v in &self.values[r * self.cols + j * size..r * self.cols + ((j + 1) * size).min(self.cols)] {
                        let v = if self.is_log { v.abs().log10() } else { *v };
                        if v.is_finite() {
                            sum += v;
                            n += 1;
                        }
                    }
                }
                values.push(if n > 0 { sum / f64::from(n) } else { f64::NAN });
            }
        }
        Blocks { rows, cols, values, size }
    }

    /// SVG or PNG by a file name's extension.
    pub fn encode(&self, extension: &str) -> Result<Vec<u8>, Diagnostic> {
        style::register_fonts();
        let (width, height) = self.size();
        match extension.to_ascii_lowercase().as_str() {
            "svg" => {
                let mut text = String::new();
                {
                    let (w, h) = (width * SVG_SCALE, height * SVG_SCALE);
                    let area = SVGBackend::with_string(&mut text, (w, h)).into_drawing_area();
                    self.draw(&Canvas { area: &area, scale: f64::from(SVG_SCALE) })?;
                    area.present().map_err(cannot_draw)?;
                }
                let big = format!("width=\"{}\" height=\"{}\"", width * SVG_SCALE, height * SVG_SCALE);
                Ok(text.replacen(&big, &format!("width=\"{width}\" height=\"{height}\""), 1).into_bytes())
            }
            "png" => {
                let scale = 2.0;
                let (w, h) = (2 * width as usize, 2 * height as usize);
                let mut rgb = vec![255u8; 3 * w * h];
                {
                    let area = Raster::new(&mut rgb, w, h).into_drawing_area();
                    self.draw(&Canvas { area: &area, scale: f64::from(raster::SUB) * scale })?;
                    area.present().map_err(cannot_draw)?;
                }
                encode_png(&rgb, w, h, scale)
            }
            other => Err(Diagnostic::error(UNKNOWN_FORMAT, format!("pictures cannot be written as `{other}`"))
                .help("use `.svg` or `.png`")),
        }
    }

    /// Logical pixels: the longer side of the map takes 560.
    fn size(&self) -> (u32, u32) {
        let (w, h) = self.map_size();
        (w as u32 + 190, h as u32 + 110)
    }

    fn map_size(&self) -> (f64, f64) {
        let ratio = (self.rows as f64 / self.cols.max(1) as f64).clamp(0.15, 6.0);
        if ratio <= 1.0 {
            (560.0, (560.0 * ratio).round().max(120.0))
        } else {
            ((560.0 / ratio).round().max(120.0), 560.0)
        }
    }

    fn draw<DB: DrawingBackend>(&self, c: &Canvas<DB>) -> Result<(), Diagnostic> {
        c.area.fill(&WHITE).map_err(cannot_draw)?;
        let blocks = self.blocks();
        let finite = || blocks.values.iter().copied().filter(|v| v.is_finite());
        let (mut lo, mut hi) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        if lo > hi || self.values.len() != self.rows * self.cols {
            return Err(Diagnostic::error(NOTHING_TO_PLOT, "nothing to draw: the map has no finite value"));
        }
        if hi - lo <= 1e-9 * hi.abs().max(lo.abs()) {
            let half = if hi == 0.0 { 0.5 } else { 0.05 * hi.abs() };
            (lo, hi) = (lo - half, hi + half);
        }
        let (w, h) = self.map_size();
        let (left, top) = (78.0, 46.0);
        let (right, bottom) = (left + w, top + h);
        let rect = |x0: f64, y0: f64, x1: f64, y1: f64, colour: RGBColor| {
            let r = Rectangle::new([(c.px(x0), c.px(y0)), (c.px(x1), c.px(y1))], colour.filled());
            c.area.draw(&r).map_err(cannot_draw)
        };
        // Runs of one colour are one rectangle.
        let (bw, bh) = (w * blocks.size as f64 / self.cols as f64, h * blocks.size as f64 / self.rows as f64);
        for i in 0..blocks.rows {
            let colour = |j: usize| {
                let v = blocks.values[i * blocks.cols + j];
                v.is_finite().then(|| style::scale((v - lo) / (hi - lo)))
            };
            let (y0, y1) = (top + i as f64 * bh, (top + (i + 1) as f64 * bh).min(bottom));
            let mut from = 0;
            for j in 1..=blocks.cols {
                if j == blocks.cols || colour(j) != colour(from) {
                    if let Some(fill) = colour(from) {
                        rect(left + from as f64 * bw, y0, (left + j as f64 * bw).min(right), y1, fill)?;
                    }
                    from = j;
                }
            }
        }
        let frame = |x0: f64, y0: f64, x1: f64, y1: f64| {
            let p = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)];
            p.windows(2).try_for_each(|s| c.line(s, FRAME, 1.0))
        };
        frame(left, top, right, bottom)?;
        let (tick, label) = (Font::new(TICK_SIZE, INK), Font::new(LABEL_SIZE, INK));
        for (name, count, length) in [("x", self.cols, w), ("y", self.rows, h)] {
            let t = ticks::linear(0.0, count as f64 - 1.0 + 1e-9, ((length / 70.0) as usize).clamp(2, 8), "");
            for (v, text) in t.major.iter().filter(|(v, _)| v.fract() == 0.0) {
                let at = (v + 0.5) / count as f64 * length;
                if name == "x" {
                    c.line(&[(left + at, bottom), (left + at, bottom + 4.0)], FRAME, 1.0)?;
                    c.text(text, (left + at, bottom + 12.0), tick, HPos::Center, VPos::Center)?;
                } else {
                    c.line(&[(left - 4.0, top + at), (left, top + at)], FRAME, 1.0)?;
                    c.text(text, (left - 7.0, top + at), tick, HPos::Right, VPos::Center)?;
                }
            }
        }
        c.text(&self.x_label, (0.5 * (left + right), bottom + 31.0), label, HPos::Center, VPos::Center)?;
        c.upright(&self.y_label, (16.0, 0.5 * (top + bottom)), label)?;
        if let Some((i, j)) = self.mark {
            let at = (left + (j as f64 + 0.5) / self.cols as f64 * w, top + (i as f64 + 0.5) / self.rows as f64 * h);
            let r = 6.0;
            for (dx, dy) in [(r, r), (r, -r)] {
                let cross = [(at.0 - dx, at.1 - dy), (at.0 + dx, at.1 + dy)];
                c.line(&cross, WHITE, 4.0)?;
                c.line(&cross, RGBColor(0xd5, 0x5e, 0x00), 2.0)?;
            }
        }
        // The scale.
        let (x0, x1) = (right + 18.0, right + 34.0);
        for k in 0..128 {
            let y = |k: i32| bottom - f64::from(k) / 128.0 * h;
            rect(x0, y(k + 1), x1, y(k), style::scale((f64::from(k) + 0.5) / 128.0))?;
        }
        frame(x0, top, x1, bottom)?;
        let t = if self.is_log {
            ticks::log(10f64.powf(lo), 10f64.powf(hi), 8, &self.unit)
        } else {
            ticks::linear(lo, hi, 7, &self.unit)
        };
        for (v, text) in &t.major {
            let f = ((if self.is_log { v.log10() } else { *v }) - lo) / (hi - lo);
            let y = bottom - f * h;
            c.line(&[(x1, y), (x1 + 4.0, y)], FRAME, 1.0)?;
            c.text(text, (x1 + 7.0, y), tick, HPos::Left, VPos::Center)?;
        }
        let unit = format!("{}{}", t.prefix, self.unit);
        let text =
            if unit.trim().is_empty() { self.label.clone() } else { format!("{} ({})", self.label, unit.trim()) };
        c.text(&text, (x1 + 60.0, top - 12.0), tick, HPos::Right, VPos::Center)?;
        let font = Font { size: TITLE_SIZE, is_bold: true, colour: INK };
        let width = f64::from(self.size().0);
        let room = width - left - 24.0 - c.width(&text, tick);
        c.text(&c.fit(&self.title, font, room), (left, 20.0), font, HPos::Left, VPos::Center)?;
        let mut footer = self.footer.clone();
        if blocks.size > 1 {
            let sep = if footer.is_empty() { "" } else { " · " };
            footer.push_str(&format!("{sep}means of {0} x {0} cells", blocks.size));
        }
        let small = Font::new(9.5, FAINT);
        c.text(&c.fit(&footer, small, width - 24.0), (width - 12.0, bottom + 50.0), small, HPos::Right, VPos::Center)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_drawn_whole() {
        let mut heat = Heat {
            title: "map".into(),
            rows: 3,
            cols: 2,
            values: vec![1.0, 2.0, 3.0, 4.0, f64::NAN, 5.0],
            ..Heat::default()
        };
        heat.mark = Some((2, 1));
        let svg = String::from_utf8(heat.encode("svg").unwrap()).unwrap();
        assert!(svg.contains("map") && svg.matches("<rect").count() > 128);
        let png = heat.encode("png").unwrap();
        assert!(png.starts_with(b"\x89PNG"));
        assert!(heat.encode("pdf").is_err());
        let big = Heat { rows: 1000, cols: 1000, values: vec![1.0; 1_000_000], is_log: true, ..Heat::default() };
        assert!(String::from_utf8(big.encode("svg").unwrap()).unwrap().contains("means of 3 x 3 cells"));
        assert!(Heat { rows: 1, cols: 1, values: vec![f64::NAN], ..Heat::default() }.encode("svg").is_err());
    }
}
