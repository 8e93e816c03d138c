//! How an array is driven: which ends of the lines are connected, and the voltages of the usual schemes.

use super::geometry::{End, Geometry, no_cell};
use crate::diag::Diagnostic;

/// Wires and what is connected at the four sides, without voltages.
#[derive(Clone, Debug, PartialEq)]
pub struct Wiring {
    pub rows: usize,
    pub cols: usize,
    /// Resistance of a segment, Ω.
    pub word_segment: f64,
    pub bit_segment: f64,
    /// Capacitance of a node to ground, F.
    pub word_capacitance: f64,
    pub bit_capacitance: f64,
    /// Resistance between driver and first cell at the left, right, top and bottom, Ω; `None`: nothing connected there.
    pub sides: [Option<f64>; 4],
    /// Broken segments: line, and the node before the break.
    pub word_opens: Vec<(usize, usize)>,
    pub bit_opens: Vec<(usize, usize)>,
}

impl Wiring {
    /// Drivers at the left, grounds at the bottom, each through one segment of wire.
    pub fn crossbar(rows: usize, cols: usize, wire: f64) -> Wiring {
        Wiring {
            rows,
            cols,
            word_segment: wire,
            bit_segment: wire,
            word_capacitance: 0.0,
            bit_capacitance: 0.0,
            sides: [Some(wire), None, None, Some(wire)],
            word_opens: vec![],
            bit_opens: vec![],
        }
    }

    /// The same wires around another number of cells; broken segments beyond the edge are left out.
    #[must_use]
    pub fn resized(&self, rows: usize, cols: usize) -> Wiring {
        let keep = |list: &[(usize, usize)], lines: usize, nodes: usize| {
            list.iter().copied().filter(|o| o.0 < lines && o.1 + 1 < nodes).collect()
        };
        Wiring {
            rows,
            cols,
            word_opens: keep(&self.word_opens, rows, cols),
            bit_opens: keep(&self.bit_opens, cols, rows),
            ..self.clone()
        }
    }

    /// With the voltages of lines; `None` floats.
    pub fn geometry(&self, word: &[Option<f64>], bit: &[Option<f64>]) -> Geometry {
        let mut g = Geometry::new(word.len(), bit.len(), self.word_segment, self.bit_segment);
        g.word.capacitance = self.word_capacitance;
        g.bit.capacitance = self.bit_capacitance;
        g.word.opens.clone_from(&self.word_opens);
        g.bit.opens.clone_from(&self.bit_opens);
        let [left, right, top, bottom] = self.sides;
        for (ends, volts, sides) in [(&mut g.word.ends, word, [left, right]), (&mut g.bit.ends, bit, [top, bottom])] {
            for (ends, side) in ends.iter_mut().zip(sides) {
                for (end, v) in ends.iter_mut().zip(volts) {
                    if let (Some(ohms), Some(v)) = (side, v) {
                        *end = End::driven(*v, ohms);
                    }
                }
            }
        }
        g
    }

    /// Word lines at these voltages, bit lines grounded.
    pub fn inputs(&self, volts: &[f64]) -> Geometry {
        let word: Vec<Option<f64>> = volts.iter().map(|v| Some(*v)).collect();
        self.geometry(&word, &vec![Some(0.0); self.cols])
    }

    /// A scheme around the selected cell, at V volts across it.
    pub fn select(&self, scheme: &Scheme, row: usize, col: usize, volts: f64) -> Result<Geometry, Diagnostic> {
        if row >= self.rows || col >= self.cols {
            return Err(no_cell(row, col, self.rows, self.cols));
        }
        let (w, b) = scheme.others(volts);
        let mut word = vec![w; self.rows];
        let mut bit = vec![b; self.cols];
        word[row] = Some(volts);
        bit[col] = Some(0.0);
        Ok(self.geometry(&word, &bit))
    }
}

/// What the lines that are not selected are at. The selected word line is at V, the selected bit line at 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scheme {
    /// Not connected.
    Floating,
    Grounded,
    /// Both at V/2.
    Half,
    /// Word lines at V/3, bit lines at 2V/3.
    Third,
    /// Shares of V; `None` floats.
    Custom {
        word: Option<f64>,
        bit: Option<f64>,
    },
}

impl Scheme {
    pub const NAMES: [&'static str; 4] = ["floating", "grounded", "half", "third"];

    pub fn by_name(name: &str) -> Option<Scheme> {
        Some(match name.to_ascii_lowercase().as_str() {
            "floating" => Scheme::Floating,
            "grounded" => Scheme::Grounded,
            "half" | "v/2" => Scheme::Half,
            "third" | "v/3" => Scheme::Third,
            _ => return None,
        })
    }

    /// Voltages of the other word lines and bit lines.
    pub fn others(&self, volts: f64) -> (Option<f64>, Option<f64>) {
        match *self {
            Scheme::Floating => (None, None),
            Scheme::Grounded => (Some(0.0), Some(0.0)),
            Scheme::Half => (Some(0.5 * volts), Some(0.5 * volts)),
            Scheme::Third => (Some(volts / 3.0), Some(2.0 * volts / 3.0)),
            Scheme::Custom { word, bit } => (word.map(|x| x * volts), bit.map(|x| x * volts)),
        }
    }
}
