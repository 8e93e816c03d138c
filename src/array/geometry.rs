//! The planes of wires: lines, their segments, and what is at their ends.
//!
//! ```text
//!   word line i:   end 0 ──R0──┬──r──┬──r── ... ──┬──R1── end 1        cols nodes, one at each cell
//!                             (i,0) (i,1)       (i,n-1)
//!   bit line j:    end 0 (top) ──R0── (0,j) ──r── (1,j) ... (m-1,j) ──R1── end 1 (bottom)
//! ```
//!
//! Rows and columns are counted from 0. Resistances in Ω, conductances in S, voltages in V, capacitances in F per node.
//! The resistance of an end is all that lies between an ideal source and the first cell: driver and lead.

use crate::diag::Diagnostic;
use crate::diag::codes::array::{ARRAY_CELL, ARRAY_PLACE, ARRAY_SHAPE, ARRAY_SIZE, ARRAY_WIRE};

/// The most cells that an array may have.
pub const MAX_CELLS: usize = 1 << 28;

/// What is at one end of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End {
    /// Between the source and the first node, Ω; infinite: not connected, 0: the node is held at `volts`.
    pub ohms: f64,
    pub volts: f64,
}

impl End {
    pub const FLOATING: End = End { ohms: f64::INFINITY, volts: 0.0 };

    pub fn driven(volts: f64, ohms: f64) -> End {
        End { ohms, volts }
    }

    pub fn is_floating(self) -> bool {
        self.ohms == f64::INFINITY
    }

    /// S; infinite for an end without resistance.
    pub fn conductance(self) -> f64 {
        1.0 / self.ohms
    }
}

/// One plane of parallel lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Resistance of a segment between neighbouring nodes; 0: a line is one node.
    pub segment: f64,
    /// Capacitance of a node to ground.
    pub capacitance: f64,
    /// Both ends of every line.
    pub ends: [Vec<End>; 2],
    /// Broken segments: line, and the node before the break (between nodes `k` and `k + 1`).
    pub opens: Vec<(usize, usize)>,
}

impl Plane {
    /// Lines that float at both ends.
    pub fn floating(lines: usize, segment: f64) -> Plane {
        Plane {
            segment,
            capacitance: 0.0,
            ends: [vec![End::FLOATING; lines], vec![End::FLOATING; lines]],
            opens: vec![],
        }
    }

    pub fn lines(&self) -> usize {
        self.ends[0].len()
    }

    /// Sets the voltage of all ends of a line that are connected.
    pub fn set_volts(&mut self, line: usize, volts: f64) {
        for ends in &mut self.ends {
            if let Some(e) = ends.get_mut(line).filter(|e| !e.is_floating()) {
                e.volts = volts;
            }
        }
    }

    pub fn is_floating(&self, line: usize) -> bool {
        self.ends.iter().all(|e| e.get(line).is_none_or(|e| e.is_floating()))
    }
}

/// Rows x columns of cells between a plane of word lines and a plane of bit lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Geometry {
    pub rows: usize,
    pub cols: usize,
    /// `rows` lines with `cols` nodes.
    pub word: Plane,
    /// `cols` lines with `rows` nodes.
    pub bit: Plane,
}

impl Geometry {
    /// All lines floating.
    pub fn new(rows: usize, cols: usize, word_segment: f64, bit_segment: f64) -> Geometry {
        Geometry { rows, cols, word: Plane::floating(rows, word_segment), bit: Plane::floating(cols, bit_segment) }
    }

    /// The usual crossbar of vector-matrix products: word lines driven with `volts` on the left, bit lines grounded at the
    /// bottom, each through one more segment of wire. As many word lines as voltages.
    pub fn crossbar(volts: &[f64], cols: usize, word_segment: f64, bit_segment: f64) -> Geometry {
        let mut g = Geometry::new(volts.len(), cols, word_segment, bit_segment);
        for (e, v) in g.word.ends[0].iter_mut().zip(volts) {
            *e = End::driven(*v, word_segment);
        }
        g.bit.ends[1].fill(End::driven(0.0, bit_segment));
        g
    }

    pub fn cells(&self) -> usize {
        self.rows * self.cols
    }

    /// Everything that is wrong with the planes.
    pub fn faults(&self) -> Vec<Diagnostic> {
        let (m, n) = (self.rows, self.cols);
        if m == 0 || n == 0 || m.checked_mul(n).is_none_or(|c| c > MAX_CELLS) {
            return vec![
                Diagnostic::error(ARRAY_SIZE, format!("an array of {m} x {n} cells"))
                    .note(format!("the limit is {MAX_CELLS} cells")),
            ];
        }
        let mut out = vec![];
        for (plane, word, lines, nodes) in [(&self.word, "word", m, n), (&self.bit, "bit", n, m)] {
            plane_faults(plane, word, lines, nodes, &mut out);
        }
        out
    }
}

pub(super) fn plane_faults(plane: &Plane, word: &str, lines: usize, nodes: usize, out: &mut Vec<Diagnostic>) {
    if !(0.0..f64::INFINITY).contains(&plane.segment) {
        let d = Diagnostic::error(ARRAY_WIRE, format!("a wire resistance of {} Ω in the {word} lines", plane.segment));
        out.push(d.help("0 or more ohms for each segment between two cells"));
    }
    if !(0.0..f64::INFINITY).contains(&plane.capacitance) {
        out.push(Diagnostic::error(
            ARRAY_WIRE,
            format!("a capacitance of {} F per node of the {word} lines", plane.capacitance),
        ));
    }
    for (ends, side) in plane.ends.iter().zip(["first", "second"]) {
        if ends.len() != lines {
            out.push(Diagnostic::error(
                ARRAY_SHAPE,
                format!("{} {side} ends are given for {lines} {word} lines", ends.len()),
            ));
            continue;
        }
        let mut bad = Listing::default();
        for (k, e) in ends.iter().enumerate() {
            if !(e.ohms >= 0.0) {
                bad.add(|| format!("{word} line {k}: {} Ω", e.ohms));
            } else if !e.volts.is_finite() {
                bad.add(|| format!("{word} line {k}: {} V", e.volts));
            }
        }
        bad.report(out, ARRAY_WIRE, |n| format!("{n} of the {side} ends of the {word} lines are not valid"));
    }
    if plane.segment == 0.0
        && let Some(o) = plane.opens.first()
    {
        out.push(
            Diagnostic::error(ARRAY_WIRE, format!("{word} line {} is broken, but its wire has no resistance", o.0))
                .help("a line without resistance is one node; give its segments a resistance"),
        );
    }
    if plane.segment == 0.0 || nodes == 1 {
        for (k, (a, b)) in plane.ends[0].iter().zip(&plane.ends[1]).enumerate() {
            if a.ohms == 0.0 && b.ohms == 0.0 && a.volts != b.volts {
                out.push(Diagnostic::error(
                    ARRAY_WIRE,
                    format!(
                        "{word} line {k} is held at {} V and at {} V, with no resistance between",
                        a.volts, b.volts
                    ),
                ));
                break;
            }
        }
    }
    for &(line, k) in &plane.opens {
        if line >= lines || k + 1 >= nodes {
            out.push(Diagnostic::error(
                ARRAY_PLACE,
                format!("a break after node {k} of {word} line {line}: there are {lines} lines of {nodes} nodes"),
            ));
        }
    }
}

/// The first few of many faults of one kind, and how many there are.
#[derive(Default)]
pub struct Listing {
    texts: Vec<String>,
    count: usize,
}

impl Listing {
    const SHOWN: usize = 6;

    pub fn add(&mut self, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.texts.len() < Self::SHOWN {
            self.texts.push(text());
        }
    }

    pub fn report(self, out: &mut Vec<Diagnostic>, code: crate::diag::Code, title: impl Fn(usize) -> String) {
        if self.count == 0 {
            return;
        }
        let mut d = Diagnostic::error(code, title(self.count));
        let shown = self.texts.len();
        for t in self.texts {
            d = d.note(t);
        }
        if self.count > shown {
            d = d.note(format!("and {} more", self.count - shown));
        }
        out.push(d);
    }
}

/// `row 3, column 5`
pub fn place(k: usize, cols: usize) -> String {
    format!("row {}, column {}", k / cols, k % cols)
}

/// Faults of a matrix of conductances, row by row.
pub fn conductance_faults(geometry: &Geometry, conductances: &[f64]) -> Vec<Diagnostic> {
    let (m, n) = (geometry.rows, geometry.cols);
    let mut out = vec![];
    if conductances.len() != m * n {
        out.push(Diagnostic::error(
            ARRAY_SHAPE,
            format!("{} conductances for an array of {m} x {n} cells", conductances.len()),
        ));
        return out;
    }
    let mut bad = Listing::default();
    let is_valid = |g: &f64| (0.0..f64::INFINITY).contains(g);
    // In pieces without a branch: valid matrices pass quickly.
    if conductances.chunks(1024).all(|c| c.iter().fold(true, |s, g| s & is_valid(g))) {
        return out;
    }
    for (k, g) in conductances.iter().enumerate() {
        if !(0.0..f64::INFINITY).contains(g) {
            bad.add(|| format!("{}: {g} S", place(k, n)));
        }
    }
    bad.report(&mut out, ARRAY_CELL, |c| match c {
        1 => "one cell has no valid conductance".into(),
        c => format!("{c} cells have no valid conductance"),
    });
    out
}

/// A cell that does not work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Defect {
    /// No contact.
    Dead,
    /// A fixed conductance, S.
    Stuck(f64),
}

/// Puts defects into a matrix of conductances. Faults name the cells that do not exist.
pub fn apply_defects(
    rows: usize,
    cols: usize,
    conductances: &mut [f64],
    defects: &[(usize, usize, Defect)],
) -> Vec<Diagnostic> {
    let mut out = vec![];
    for &(i, j, d) in defects {
        if i >= rows || j >= cols {
            out.push(no_cell(i, j, rows, cols));
        } else if let Some(g) = conductances.get_mut(i * cols + j) {
            *g = match d {
                Defect::Dead => 0.0,
                Defect::Stuck(g) => g,
            };
        }
    }
    out
}

/// A cell outside of the array.
pub fn no_cell(row: usize, col: usize, rows: usize, cols: usize) -> Diagnostic {
    Diagnostic::error(ARRAY_PLACE, format!("there is no cell {row},{col} in an array of {rows} x {cols}"))
        .help(format!("rows are 0 to {}, columns 0 to {}", rows.saturating_sub(1), cols.saturating_sub(1)))
}
