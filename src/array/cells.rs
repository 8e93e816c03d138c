//! What a cell is to an array: a current between two lines that depends on their voltage, and on what the cell keeps.
//!
//! Whatever a cell has inside (nodes between a selector and a memristor, filament states) is eliminated in the cell: at
//! given voltage v the cell solves its own equations
//!
//! ```text
//!   0 = f(v, z) + d/dt c(v, z)              internal unknowns z
//!   i = f0(v, z) + d/dt c0(v, z)            current from word to bit line
//! ```
//!
//! and returns i and di/dv with z(v) followed. Time derivatives are a0 c + past, as the integrator says.

use std::ops::Range;

/// When a run of cells is evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    pub time: f64,
    /// Weight of the contents in their derivative, 1/s; 0: nothing moves, states are held at their values.
    pub a0: f64,
    /// How far, V, the voltages at a device may be from those of its last evaluation for its tangent there to be taken; 0:
    /// never. For cells of devices.
    pub quiet: f64,
    /// The rest of the derivatives, for each cell of the run the terminal's, then the internals'. Empty if `a0` is 0.
    pub past: &'a [f64],
}

impl Moment<'_> {
    pub const STATIC: Moment<'static> = Moment { time: 0.0, a0: 0.0, quiet: 0.0, past: &[] };
}

/// A run of cells at their voltages, and what they answer.
#[derive(Debug)]
pub struct Frame<'a> {
    /// Number of the first cell, row * columns + column.
    pub first: usize,
    /// Voltage of the word line above the bit line, V.
    pub v: &'a [f64],
    /// Internal unknowns, cell by cell: a guess before, the solution after.
    pub z: &'a mut [f64],
    /// Current from word to bit line, A, and its slope, S.
    pub i: &'a mut [f64],
    pub g: &'a mut [f64],
    /// Contents, cell by cell: of the terminals (C), then of the internal unknowns. Empty where nobody asks.
    pub c: &'a mut [f64],
}

/// A cell whose own equations were not solved.
#[derive(Clone, Debug, PartialEq)]
pub struct Stuck {
    pub cell: usize,
    pub text: String,
}

/// An internal unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct Internal {
    pub name: String,
    pub unit: String,
    /// Its rate of change enters its equation: it is followed in time.
    pub is_dynamic: bool,
    /// Below this differences do not matter.
    pub abstol: f64,
}

/// All cells of an array.
pub trait Cells: Send + Sync {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The internal unknowns of each cell, the same for all.
    fn internals(&self) -> &[Internal] {
        &[]
    }

    /// Whether charge is stored between the terminals.
    fn has_charge(&self) -> bool {
        false
    }

    /// The internal unknowns before anything happens, cell by cell.
    fn start(&self, z: &mut [f64]) {
        let _ = z;
    }

    /// Current and slope of a run of cells. No allocation where cells are plain.
    fn eval(&self, at: &Moment, frame: Frame) -> Result<(), Stuck>;

    /// False for a cell that never conducts: it ties no line to another.
    fn conducts(&self, cell: usize) -> bool {
        let _ = cell;
        true
    }

    /// One evaluation is exact for all voltages: i = g v.
    fn is_linear(&self) -> bool {
        false
    }

    /// A point in time was accepted: cells with memory beyond their internals commit it. The next moment at which
    /// something is known to happen.
    fn accept(&mut self, time: f64, v: &[f64], z: &[f64]) -> f64 {
        let _ = (time, v, z);
        f64::INFINITY
    }
}

/// Cells of the run that a frame covers.
pub(crate) fn run_of(frame: &Frame) -> Range<usize> {
    frame.first..frame.first + frame.v.len()
}

/// A run of cells on any number of lines.
#[derive(Debug)]
pub struct LineFrame<'a> {
    /// Number of the first cell; runs are rows.
    pub first: usize,
    /// Voltages of each cell's lines, V.
    pub v: &'a [f64],
    /// Internal unknowns, cell by cell: a guess before, the solution after.
    pub z: &'a mut [f64],
    /// Currents out of each line into the cell, A.
    pub i: &'a mut [f64],
    /// Slope of every current with every voltage of the cell, S, row by row.
    pub g: &'a mut [f64],
    /// Contents, cell by cell: of the lines (C), then of the internal unknowns. Empty where nobody asks.
    pub c: &'a mut [f64],
}

/// Cells between any number of lines: with gates, sources, bulks.
pub trait LineCells: Send + Sync {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lines of each cell.
    fn lines(&self) -> usize;

    fn internals(&self) -> &[Internal] {
        &[]
    }

    fn start(&self, z: &mut [f64]) {
        let _ = z;
    }

    /// Whether a line stores something in the cell, as far as is known: its voltage is then followed in time.
    fn is_stored(&self, line: usize) -> bool {
        let _ = line;
        true
    }

    /// A row of cells.
    fn eval(&self, at: &Moment, frame: LineFrame) -> Result<(), Stuck>;

    /// One evaluation of a row: the internal unknowns follow the lines' voltages by the slopes of the evaluation before
    /// (the guess itself if this is the first one), and currents and contents are those after the correction that is due.
    /// Whether that correction is small enough to be the last one.
    fn once(&self, at: &Moment, is_first: bool, frame: LineFrame) -> Result<bool, Stuck> {
        let _ = is_first;
        self.eval(at, frame).map(|()| true)
    }

    /// See [`Cells::accept`].
    fn accept(&mut self, time: f64, v: &[f64], z: &[f64]) -> f64 {
        let _ = (time, v, z);
        f64::INFINITY
    }
}
