//! Arrays of nonlinear cells: inexact Newton over the wire planes.
//!
//! ```text
//! w, b <- the voltages of the lines' drivers
//! repeat: i, g <- cells at w - b;  F <- imbalance of currents at all nodes
//!         stop if |F| <= tol |sources| and the last step was small
//!         factor the lines with D = diag(g);  solve J d = F to the progress so far, which keeps the second order
//!         (Dembo, Eisenstat and Steihaug, SIAM J. Numer. Anal. 19 (1982) 400)
//!         halve d until |F| falls
//! ```
//!
//! Where a step does not help, the sources are turned up in steps from 0 (continuation); the law itself is never
//! changed. A cell with a falling characteristic enters the matrix with the slope of its chord, so that the matrix stays
//! positive definite; the equations stay what they are.

use super::cells::{Cells, Frame, Moment, Stuck};
use super::geometry::{Geometry, place};
use super::islands::Islands;
use super::krylov::{Rhs, Stop, Work};
use super::linear::{Certificate, Settings, volts};
use super::planes::{Matrix, dot, max_abs};
use super::residual::{Rows, full_residual, scale};
use super::solution::Currents;
use crate::base::Control;
use crate::base::control::Progress;
use crate::diag::Diagnostic;
use crate::diag::codes::array::{ARRAY_NO_CONVERGENCE, ARRAY_SHAPE};

/// Newton iterations of one attempt.
const ITERATIONS: usize = 80;
/// A step is small when no voltage moves by more than this share of the largest source: one more would be exact.
const SMALL: f64 = 1e-6;

/// How a solution was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    pub newton: usize,
    pub inner: usize,
    /// Halvings of steps.
    pub damped: usize,
    /// Levels at which the sources were stopped on the way up; 0: found directly.
    pub levels: usize,
}

/// What remains of the past in a transient: contents of line nodes and of cells.
pub(crate) struct Past<'a> {
    pub time: f64,
    pub a0: f64,
    /// Currents into nodes from the past of the line capacitances (negative of the derivative's rest).
    pub word: &'a [f64],
    pub bit: &'a [f64],
    /// For each cell, the rest of the derivatives of its contents.
    pub cells: &'a [f64],
}

/// An array of cells with its work space.
pub struct Array<C: Cells> {
    geometry: Geometry,
    pub(crate) cells: C,
    pub(crate) a: Matrix,
    work: Work,
    volts: [[Vec<f64>; 2]; 2],
    islands: Islands,
    pub(crate) w: Vec<f64>,
    pub(crate) b: Vec<f64>,
    /// Currents of the cells.
    pub(crate) i: Vec<f64>,
    /// Internal unknowns of the cells, and their contents.
    pub(crate) z: Vec<f64>,
    pub(crate) c: Vec<f64>,
    fw: Vec<f64>,
    fb: Vec<f64>,
    /// Voltage of one row of cells.
    v: Vec<f64>,
    rows: Rows,
    /// The sources' voltages at the present level.
    scaled: [[Vec<f64>; 2]; 2],
    is_started: bool,
    pub statistics: Statistics,
}

enum Outcome {
    Converged,
    Cancelled,
    Failed { cell: usize, residual: f64, why: Option<String> },
}

impl<C: Cells> Array<C> {
    pub fn new(geometry: Geometry, cells: C) -> Result<Array<C>, Vec<Diagnostic>> {
        let mut faults = geometry.faults();
        if faults.is_empty() && cells.len() != geometry.cells() {
            faults.push(Diagnostic::error(
                ARRAY_SHAPE,
                format!("{} cells for an array of {} x {}", cells.len(), geometry.rows, geometry.cols),
            ));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let islands = Islands::find(&geometry, |k| cells.conducts(k));
        let all = geometry.cells();
        let mut a = Matrix::new(&geometry, vec![0.0; all]);
        islands.tie(&mut a);
        let work = Work::new(a.m, a.n);
        let mut z = vec![0.0; all * cells.internals().len()];
        cells.start(&mut z);
        Ok(Array {
            volts: volts(&geometry),
            v: vec![0.0; geometry.cols],
            rows: Rows::new(geometry.cols),
            scaled: volts(&geometry),
            geometry,
            cells,
            a,
            work,
            islands,
            w: vec![0.0; all],
            b: vec![0.0; all],
            i: vec![0.0; all],
            z,
            c: vec![],
            fw: vec![0.0; all],
            fb: vec![0.0; all],
            is_started: false,
            statistics: Statistics::default(),
        })
    }

    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    pub fn cells(&self) -> &C {
        &self.cells
    }

    /// The cells, to be changed; the next solution begins at the last one.
    pub fn cells_mut(&mut self) -> &mut C {
        &mut self.cells
    }

    pub fn warning(&self) -> Option<Diagnostic> {
        self.islands.warning()
    }

    /// Other drivers: the voltages at the ends, and which ends are connected to what.
    pub fn set_geometry(&mut self, geometry: Geometry) -> Result<(), Vec<Diagnostic>> {
        let mut faults = geometry.faults();
        if (geometry.rows, geometry.cols) != (self.geometry.rows, self.geometry.cols) {
            faults.push(Diagnostic::error(ARRAY_SHAPE, "an array keeps its number of rows and columns"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        self.volts = volts(&geometry);
        self.islands = Islands::find(&geometry, |k| self.cells.conducts(k));
        let g = std::mem::take(&mut self.a.g);
        self.a = Matrix::new(&geometry, g);
        self.islands.tie(&mut self.a);
        self.geometry = geometry;
        Ok(())
    }

    /// Sets the voltage of a word line, at all its ends that are connected.
    pub fn set_word_volts(&mut self, line: usize, volts: f64) {
        self.geometry.word.set_volts(line, volts);
        self.volts[0].iter_mut().filter_map(|v| v.get_mut(line)).for_each(|v| *v = volts);
    }

    pub fn set_bit_volts(&mut self, line: usize, volts: f64) {
        self.geometry.bit.set_volts(line, volts);
        self.volts[1].iter_mut().filter_map(|v| v.get_mut(line)).for_each(|v| *v = volts);
    }

    /// The next solution begins at the voltages of the drivers, and at the first values of the internal unknowns.
    pub fn restart(&mut self) {
        self.is_started = false;
        self.cells.start(&mut self.z);
    }

    /// Voltages of the word-line nodes, row by row, V. NaN where nothing determines them.
    pub fn word(&self) -> &[f64] {
        &self.w
    }

    pub fn bit(&self) -> &[f64] {
        &self.b
    }

    /// Currents of the cells from word to bit line, A.
    pub fn cell_currents(&self) -> &[f64] {
        &self.i
    }

    /// Internal unknowns, cell by cell.
    pub fn internals(&self) -> &[f64] {
        &self.z
    }

    pub fn internals_mut(&mut self) -> &mut [f64] {
        &mut self.z
    }

    pub fn currents(&self) -> Currents {
        Currents::new(&self.geometry, &self.w, &self.b, |k| if self.i[k].is_nan() { 0.0 } else { self.i[k] })
    }

    /// Power from the sources, W.
    pub fn source_power(&self) -> f64 {
        let (m, n) = (self.a.m, self.a.n);
        let mut power = 0.0;
        for (plane, v, nodes, step, across) in
            [(&self.geometry.word, &self.w, n, 1, n), (&self.geometry.bit, &self.b, m, n, 1)]
        {
            for e in 0..2 {
                for (line, end) in plane.ends[e].iter().enumerate().filter(|(_, e)| !e.is_floating()) {
                    if end.ohms == 0.0 {
                        // A held node has no drop to tell the current by.
                        return self.currents().source_power;
                    }
                    let node = line * across + e * (nodes - 1) * step;
                    power += end.volts * (end.volts - v[node]) / end.ohms;
                }
            }
        }
        power
    }

    /// The static solution: states are held at their values.
    pub fn solve(&mut self, settings: &Settings, control: &Control) -> Result<Certificate, Diagnostic> {
        self.a.word.shunt = 0.0;
        self.a.bit.shunt = 0.0;
        self.statistics = Statistics::default();
        let outcome = match self.newton(1.0, None, settings, control) {
            Outcome::Failed { .. } => self.turn_up(settings, control),
            o => o,
        };
        self.finish(outcome, None)
    }

    /// One step in time, from the present point as the guess. `None`: not converged.
    pub(crate) fn step(&mut self, past: &Past, settings: &Settings, control: &Control) -> Option<bool> {
        self.a.word.shunt = self.geometry.word.capacitance * past.a0;
        self.a.bit.shunt = self.geometry.bit.capacitance * past.a0;
        match self.newton(1.0, Some(past), settings, control) {
            Outcome::Converged => Some(true),
            Outcome::Cancelled => Some(false),
            Outcome::Failed { .. } => None,
        }
    }

    fn finish(&mut self, outcome: Outcome, past: Option<&Past>) -> Result<Certificate, Diagnostic> {
        if let Outcome::Failed { cell, residual, why } = outcome {
            let (row, col) = (cell / self.a.n, cell % self.a.n);
            let mut d = Diagnostic::error(
                ARRAY_NO_CONVERGENCE,
                format!(
                    "no solution for the {} x {} array: out of balance by {residual:.3e} of the sources' currents",
                    self.a.m, self.a.n
                ),
            )
            .note(format!(
                "worst at the cell of {}: {:.6} V, {:.3e} A",
                place(cell, self.a.n),
                self.w[cell] - self.b[cell],
                self.i[cell]
            ));
            if let Some(why) = why {
                d = d.note(format!("row {row}, column {col}: {why}"));
            }
            return Err(d.help("try the cell's law alone at that voltage, or smaller voltages at the drivers"));
        }
        let (residual, worst, _) = self.imbalance(1.0, past).unwrap_or((f64::NAN, f64::NAN, 0));
        self.islands.blank(self.a.n, &mut self.w, &mut self.b);
        let is_partial = matches!(outcome, Outcome::Cancelled);
        Ok(Certificate { iterations: self.statistics.inner, residual, worst, is_partial })
    }

    /// Voltages to begin at: those of the lines' drivers; lines that float are half way between all drivers.
    fn start(&mut self, level: f64) {
        let (m, n) = (self.a.m, self.a.n);
        let mut middle = (f64::INFINITY, f64::NEG_INFINITY);
        let line = |ends: &[Vec<super::End>; 2], k: usize| {
            let (mut sum, mut weight) = (0.0, 0.0);
            for e in ends.iter().map(|e| e[k]).filter(|e| !e.is_floating()) {
                let c = if e.ohms == 0.0 { 1e12 } else { e.conductance() };
                sum += c * e.volts;
                weight += c;
            }
            (weight > 0.0).then(|| sum / weight)
        };
        let word: Vec<Option<f64>> = (0..m).map(|i| line(&self.geometry.word.ends, i)).collect();
        let bit: Vec<Option<f64>> = (0..n).map(|j| line(&self.geometry.bit.ends, j)).collect();
        for v in word.iter().chain(&bit).flatten() {
            middle = (middle.0.min(*v), middle.1.max(*v));
        }
        let rest = if middle.0 <= middle.1 { 0.5 * (middle.0 + middle.1) } else { 0.0 };
        for i in 0..m {
            self.w[i * n..(i + 1) * n].fill(level * word[i].unwrap_or(rest));
            for j in 0..n {
                self.b[i * n + j] = level * bit[j].unwrap_or(rest);
            }
        }
        self.is_started = true;
    }

    /// Held nodes are at their voltages from the first iteration on.
    fn hold(&mut self, level: f64) {
        let (m, n) = (self.a.m, self.a.n);
        for e in 0..2 {
            for i in (0..m).filter(|&i| self.a.word.is_held(e, i)) {
                let v = level * self.volts[0][e][i];
                if self.a.word.is_ideal() {
                    self.w[i * n..(i + 1) * n].fill(v);
                } else {
                    self.w[i * n + e * (n - 1)] = v;
                }
            }
            for j in (0..n).filter(|&j| self.a.bit.is_held(e, j)) {
                let v = level * self.volts[1][e][j];
                if self.a.bit.is_ideal() {
                    (0..m).for_each(|i| self.b[i * n + j] = v);
                } else {
                    self.b[e * (m - 1) * n + j] = v;
                }
            }
        }
    }

    /// Evaluates the cells and the imbalance of currents at w, b into `fw`, `fb`; relative norm, the largest, its cell.
    fn imbalance(&mut self, level: f64, past: Option<&Past>) -> Result<(f64, f64, usize), Stuck> {
        let n = self.a.n;
        let k = self.cells.internals().len();
        let has_contents = !self.c.is_empty();
        for row in 0..self.a.m {
            let at = row * n..(row + 1) * n;
            let contents = at.start * (k + 1)..at.end * (k + 1);
            for ((v, w), b) in self.v.iter_mut().zip(&self.w[at.clone()]).zip(&self.b[at.clone()]) {
                *v = w - b;
            }
            let moment = match past {
                None => Moment::STATIC,
                Some(p) => Moment { time: p.time, a0: p.a0, quiet: 0.0, past: &p.cells[contents.clone()] },
            };
            let frame = Frame {
                first: at.start,
                v: &self.v,
                z: &mut self.z[at.start * k..at.end * k],
                i: &mut self.i[at.clone()],
                g: &mut self.a.g[at],
                c: if has_contents { &mut self.c[contents] } else { &mut [] },
            };
            self.cells.eval(&moment, frame)?;
        }
        for (to, from) in self.scaled.iter_mut().flatten().zip(self.volts.iter().flatten()) {
            to.iter_mut().zip(from).for_each(|(t, f)| *t = level * f);
        }
        let [vw, vb] = &self.scaled;
        let ends = ([&vw[0][..], &vw[1][..]], [&vb[0][..], &vb[1][..]]);
        let rhs = match past {
            None => Rhs::Ends { word: ends.0, bit: ends.1 },
            Some(p) => Rhs::Both { word: p.word, bit: p.bit, ends },
        };
        let (mut square, mut worst, mut where_) = (0.0, 0.0f64, 0);
        let (i, fw, fb) = (&self.i, &mut self.fw, &mut self.fb);
        let cell = |row: usize, out: &mut [f64]| out.copy_from_slice(&i[row * n..(row + 1) * n]);
        let (a, rows, at_nodes) = (&self.a, &mut self.rows, (&self.w[..], &self.b[..]));
        pulp::Arch::new().dispatch(|| {
            full_residual(a, &rhs, at_nodes, rows, cell, |row, rw, rb| {
                let at = row * n..(row + 1) * n;
                fw[at.clone()].copy_from_slice(rw);
                fb[at].copy_from_slice(rb);
                let s = dot(rw, rw) + dot(rb, rb);
                square += s;
                let most = max_abs(max_abs(0.0, rw), rb);
                if most > worst || s.is_nan() {
                    let is_it = |r: &f64| r.abs() == most || r.is_nan();
                    let k = rw.iter().position(is_it).or_else(|| rb.iter().position(is_it));
                    (worst, where_) = (if s.is_nan() { f64::NAN } else { most }, row * n + k.unwrap_or(0));
                }
            });
        });
        let size = scale(&self.a, &Rhs::Ends { word: ends.0, bit: ends.1 });
        let size = if size > 0.0 { size } else { 1e-6 };
        Ok((square.sqrt() / size, worst, where_))
    }

    fn newton(&mut self, level: f64, past: Option<&Past>, settings: &Settings, control: &Control) -> Outcome {
        if !self.is_started {
            self.start(level);
        }
        // NaN of a former solution is no guess.
        self.w.iter_mut().chain(&mut self.b).filter(|v| !v.is_finite()).for_each(|v| *v = 0.0);
        self.hold(level);
        let top = self.volts.iter().flatten().flatten().fold(0.0f64, |s, v| s.max(v.abs())).max(1e-3) * level.max(1e-3);
        let stuck = |s: Stuck| Outcome::Failed { cell: s.cell, residual: f64::NAN, why: Some(s.text) };
        let (mut rel, _, mut cell) = match self.imbalance(level, past) {
            Ok(r) => r,
            Err(s) => return stuck(s),
        };
        let first = rel;
        let mut last_step = f64::INFINITY;
        let mut least = f64::INFINITY;
        for iteration in 0..ITERATIONS {
            // Rounding ends it where the imbalance no longer falls and is small in any case.
            let is_floor = rel < 1e-9 && rel > 0.5 * least && last_step <= SMALL * top;
            if (rel <= settings.tol && last_step <= SMALL * top) || is_floor {
                return Outcome::Converged;
            }
            if !rel.is_finite() {
                return Outcome::Failed { cell, residual: rel, why: None };
            }
            if control.is_cancelled() {
                return Outcome::Cancelled;
            }
            least = least.min(rel);
            if past.is_none() {
                let fraction = ((first / rel).ln() / (first / settings.tol).ln()).clamp(0.0, 1.0);
                control.progress("newton", &Progress { fraction, at: rel, step: last_step, points: iteration });
            }
            self.chords();
            self.a.factor();
            let eta = rel.clamp(1e-8, 0.03);
            self.work.x.fill(0.0);
            let rhs = Rhs::Full { word: &self.fw, bit: &self.fb };
            let most = 1000 + 20 * (self.a.m + self.a.n);
            let stop = Stop { tol: eta, volts: f64::INFINITY, iterations: most };
            let run = self.work.solve(&self.a, &self.a, &rhs, stop, control);
            self.statistics.inner += run.iterations;
            self.statistics.newton += 1;
            if run.cancelled {
                return Outcome::Cancelled;
            }
            // Halve until the imbalance falls.
            let mut done = 0.0;
            let mut length = 1.0;
            loop {
                let by = length - done;
                pulp::Arch::new().dispatch(|| {
                    self.w.iter_mut().zip(&self.work.x).for_each(|(w, d)| *w += by * d);
                    self.b.iter_mut().zip(&self.work.b).for_each(|(b, d)| *b += by * d);
                });
                done = length;
                let (r, _, k) = match self.imbalance(level, past) {
                    Ok(r) => r,
                    Err(s) if length < 1e-3 => return stuck(s),
                    Err(s) => (f64::INFINITY, 0.0, s.cell),
                };
                // Near the end rounding decides, and a step does no harm.
                if r <= (1.0 - 1e-4 * length) * rel || (r < 1e-9 && r <= 2.0 * rel) {
                    (rel, cell) = (r, k);
                    break;
                }
                if length < 1e-6 {
                    return Outcome::Failed { cell: k, residual: r, why: None };
                }
                // The parabola through the two values and the slope -rel, kept within a tenth and a half.
                let fit = 0.5 * length * rel / (r - rel + length * rel);
                length = if fit.is_finite() { fit.clamp(0.1 * length, 0.5 * length) } else { 0.1 * length };
                self.statistics.damped += 1;
            }
            let moved = pulp::Arch::new().dispatch(|| max_abs(max_abs(0.0, &self.work.x), &self.work.b));
            last_step = length * moved;
            // Cells without nonlinearity are solved by one step.
            if self.cells.is_linear() && length == 1.0 {
                last_step = last_step.min(if rel <= settings.tol { 0.0 } else { last_step });
            }
        }
        Outcome::Failed { cell, residual: rel, why: None }
    }

    /// Slopes that are not positive are replaced by those of chords.
    fn chords(&mut self) {
        for (k, g) in self.a.g.iter_mut().enumerate() {
            if !(*g > 0.0) && self.i[k] != 0.0 {
                let v = self.w[k] - self.b[k];
                *g = (self.i[k] / v).abs();
                if !g.is_finite() {
                    *g = 0.0;
                }
            }
        }
    }

    /// Turns the sources up from 0.
    fn turn_up(&mut self, settings: &Settings, control: &Control) -> Outcome {
        self.is_started = false;
        self.cells.start(&mut self.z);
        let (mut level, mut step) = (0.0, 0.1);
        let (mut w, mut b, mut z) = (vec![0.0; self.w.len()], vec![0.0; self.b.len()], self.z.clone());
        let loose = Settings { tol: settings.tol.max(1e-8), ..*settings };
        loop {
            let next = f64::min(1.0, level + step);
            if level == 0.0 {
                self.start(next);
            }
            let goal = if next == 1.0 { settings } else { &loose };
            match self.newton(next, None, goal, control) {
                Outcome::Converged => {
                    self.statistics.levels += 1;
                    level = next;
                    if level == 1.0 {
                        return Outcome::Converged;
                    }
                    step *= 2.0;
                    w.copy_from_slice(&self.w);
                    b.copy_from_slice(&self.b);
                    z.copy_from_slice(&self.z);
                }
                Outcome::Cancelled => return Outcome::Cancelled,
                failed => {
                    step *= 0.25;
                    if step < 1e-4 {
                        return failed;
                    }
                    self.w.copy_from_slice(&w);
                    self.b.copy_from_slice(&b);
                    self.z.copy_from_slice(&z);
                }
            }
        }
    }
}
