//! Arrays of linear cells: voltages of all nodes for given conductances and drivers.

use super::geometry::{Geometry, conductance_faults, no_cell};
use super::islands::Islands;
use super::krylov::{Rhs, Stop};
use super::mixed::Solver;
use super::planes::{Matrix, dot, max_abs};
use super::residual::{Rows, full_residual, scale};
use super::solution::Currents;
use crate::base::Control;
use crate::diag::Diagnostic;
use crate::diag::codes::array::{ARRAY_CELL, ARRAY_UNSOLVED};

/// How exactly to solve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Norm of the imbalance of currents over all nodes, against that of the currents that the sources could send; and
    /// voltages to ten times this share of the largest source. 1e-12, the default, gives the smallest column current of a
    /// large array to 1e-9, most to 1e-11.
    pub tol: f64,
    /// At most so many iterations; 0: by the size.
    pub iterations: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { tol: 1e-12, iterations: 0 }
    }
}

/// What a solution is worth: computed from the solution itself over all 2 m n nodes, not from the iteration.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Certificate {
    pub iterations: usize,
    /// Norm of the imbalance of currents against that of the sources (see [`Settings::tol`]).
    pub residual: f64,
    /// The largest imbalance at any node, A.
    pub worst: f64,
    /// Stopped by the user: voltages so far.
    pub is_partial: bool,
}

/// An array of linear cells with its work space: 56 bytes for each cell, 64 where wires hardly conduct.
#[derive(Clone, Debug)]
pub struct Linear {
    geometry: Geometry,
    a: Matrix,
    solver: Solver,
    rows: Rows,
    volts: [[Vec<f64>; 2]; 2],
    islands: Islands,
    is_started: bool,
}

pub(crate) fn volts(geometry: &Geometry) -> [[Vec<f64>; 2]; 2] {
    [&geometry.word, &geometry.bit].map(|p| [0, 1].map(|e| p.ends[e].iter().map(|e| e.volts).collect()))
}

impl Linear {
    /// Conductances in S, row by row. All faults at once.
    pub fn new(geometry: Geometry, conductances: Vec<f64>) -> Result<Linear, Vec<Diagnostic>> {
        let mut faults = geometry.faults();
        if faults.is_empty() {
            faults = conductance_faults(&geometry, &conductances);
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let islands = Islands::find(&geometry, |k| conductances[k] > 0.0);
        let mut a = Matrix::new(&geometry, conductances);
        islands.tie(&mut a);
        let solver = Solver::new(&mut a);
        let rows = Rows::new(a.n);
        Ok(Linear { volts: volts(&geometry), geometry, a, solver, rows, islands, is_started: false })
    }

    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    pub fn conductances(&self) -> &[f64] {
        &self.a.g
    }

    /// What is to be said about lines that float.
    pub fn warning(&self) -> Option<Diagnostic> {
        self.islands.warning()
    }

    /// Gives a cell another conductance, S; two lines are factored anew.
    pub fn set_conductance(&mut self, row: usize, col: usize, g: f64) -> Result<(), Diagnostic> {
        let (m, n) = (self.a.m, self.a.n);
        if row >= m || col >= n {
            return Err(no_cell(row, col, m, n));
        }
        if !(0.0..f64::INFINITY).contains(&g) {
            return Err(Diagnostic::error(ARRAY_CELL, format!("a conductance of {g} S at row {row}, column {col}")));
        }
        let was = std::mem::replace(&mut self.a.g[row * n + col], g);
        if (was == 0.0) == (g == 0.0) {
            self.solver.refactor_cell(&mut self.a, row, col);
        } else {
            self.islands = Islands::find(&self.geometry, |k| self.a.g[k] > 0.0);
            self.islands.tie(&mut self.a);
            self.solver.factor(&mut self.a);
        }
        Ok(())
    }

    /// Sets the voltage of word line `line`, at all its ends that are connected.
    pub fn set_word_volts(&mut self, line: usize, volts: f64) {
        self.geometry.word.set_volts(line, volts);
        self.volts = self::volts(&self.geometry);
    }

    pub fn set_bit_volts(&mut self, line: usize, volts: f64) {
        self.geometry.bit.set_volts(line, volts);
        self.volts = self::volts(&self.geometry);
    }

    /// Solves, beginning at the last solution.
    pub fn solve(&mut self, settings: &Settings, control: &Control) -> Result<Certificate, Diagnostic> {
        let [word, bit] = &self.volts;
        if !std::mem::replace(&mut self.is_started, true) {
            self.solver.guess(&self.a, [&word[0], &word[1]]);
        }
        let rhs = Rhs::Ends { word: [&word[0], &word[1]], bit: [&bit[0], &bit[1]] };
        let certificate = solve(&mut self.a, &mut self.solver, &mut self.rows, &rhs, settings, control)?;
        let (x, b) = self.solver.lines_mut();
        self.islands.blank(self.a.n, x, b);
        Ok(certificate)
    }

    /// Voltages of the word-line nodes, row by row, V. NaN where nothing determines them.
    pub fn word(&self) -> &[f64] {
        self.solver.x()
    }

    /// Voltages of the bit-line nodes, row by row, V.
    pub fn bit(&self) -> &[f64] {
        self.solver.b()
    }

    /// Current of the cell at `k = row * columns + column`, from word to bit line, A.
    pub fn cell_current(&self, k: usize) -> f64 {
        let v = self.word()[k] - self.bit()[k];
        // Where nothing determines the voltage, nothing flows.
        if v.is_nan() { 0.0 } else { self.a.g[k] * v }
    }

    /// Currents at the ends of the lines and the powers.
    pub fn currents(&self) -> Currents {
        Currents::new(&self.geometry, self.word(), self.bit(), |k| self.cell_current(k))
    }

    /// Voltages of the word lines and of the bit lines, and the currents of the cells, without a copy.
    pub fn into_parts(mut self) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        let mut current = std::mem::take(&mut self.a.g);
        let (x, b) = self.solver.into_lines(&self.a);
        for (c, (w, b)) in current.iter_mut().zip(x.iter().zip(&b)) {
            let v = w - b;
            *c = if v.is_nan() { 0.0 } else { *c * v };
        }
        (x, b, current)
    }

    pub(crate) fn matrix(&self) -> &Matrix {
        &self.a
    }

    /// Double precision from the start.
    #[cfg(test)]
    pub(super) fn doubled(&mut self) {
        self.solver.double(&mut self.a);
    }

    pub(crate) fn solver(&self) -> &Solver {
        &self.solver
    }
}

/// Solves and certifies.
pub(crate) fn solve(
    a: &mut Matrix,
    solver: &mut Solver,
    rows: &mut Rows,
    rhs: &Rhs,
    settings: &Settings,
    control: &Control,
) -> Result<Certificate, Diagnostic> {
    let most = if settings.iterations > 0 { settings.iterations } else { 1000 + 20 * (a.m + a.n) };
    // NaN of a former solution is no guess.
    solver.lines_mut().0.iter_mut().filter(|v| !v.is_finite()).for_each(|v| *v = 0.0);
    let top = rhs.largest_voltage();
    let mut total = Certificate::default();
    let mut last = f64::INFINITY;
    let mut is_cancelled = false;
    for _ in 0..3 {
        let left = most - total.iterations.min(most);
        let stop = Stop { tol: settings.tol, volts: 10.0 * settings.tol * top, iterations: left };
        let run = solver.solve(a, rhs, stop, control);
        total.iterations += run.iterations;
        (total.residual, total.worst) = certify(a, rhs, (solver.x(), solver.b()), rows);
        is_cancelled = run.cancelled;
        if is_cancelled || total.residual <= 4.0 * settings.tol || !(total.residual < 0.25 * last) {
            break;
        }
        last = total.residual;
    }
    total.is_partial = is_cancelled;
    let is_good = total.residual <= settings.tol.max(1e-9);
    if !is_cancelled && !is_good {
        return Err(Diagnostic::error(
            ARRAY_UNSOLVED,
            format!(
                "after {} iterations the currents of the {} x {} array are out of balance by {:.3e} of the sources'",
                total.iterations, a.m, a.n, total.residual
            ),
        )
        .help("check the units of conductances and wires, or allow a larger tolerance"));
    }
    Ok(total)
}

/// Not a closure: see [`super::krylov`].
struct Certify<'a> {
    a: &'a Matrix,
    rhs: &'a Rhs<'a>,
    lines: (&'a [f64], &'a [f64]),
    rows: &'a mut Rows,
}

impl pulp::NullaryFnOnce for Certify<'_> {
    type Output = (f64, f64);

    /// |r|² and the largest |r|.
    #[inline(always)]
    fn call(self) -> (f64, f64) {
        let Certify { a, rhs, lines: (w, b), rows } = self;
        let n = a.n;
        let (mut square, mut worst) = (0.0, 0.0f64);
        let cell = |i: usize, out: &mut [f64]| {
            let at = i * n..(i + 1) * n;
            ohmic(out, &a.g[at.clone()], &w[at.clone()], &b[at]);
        };
        full_residual(a, rhs, (w, b), rows, cell, |_, rw, rb| {
            square += dot(rw, rw) + dot(rb, rb);
            worst = max_abs(max_abs(worst, rw), rb);
        });
        (square, worst)
    }
}

fn certify(a: &Matrix, rhs: &Rhs, lines: (&[f64], &[f64]), rows: &mut Rows) -> (f64, f64) {
    let (square, mut worst) = pulp::Arch::new().dispatch(Certify { a, rhs, lines, rows });
    // NaN must be seen.
    if square.is_nan() {
        worst = f64::NAN;
    }
    let scale = scale(a, rhs);
    (if square == 0.0 { 0.0 } else { square.sqrt() / scale }, worst)
}

#[inline(always)]
fn ohmic(out: &mut [f64], g: &[f64], w: &[f64], b: &[f64]) {
    let n = out.len();
    let (g, w, b) = (&g[..n], &w[..n], &b[..n]);
    for j in 0..n {
        out[j] = g[j] * (w[j] - b[j]);
    }
}
