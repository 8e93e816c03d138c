//! Which precision an array of conductances is iterated in.
//!
//! ```text
//!   x, b and r = fw - Tw x - D (x - b):      double
//!   z = M⁻¹ r, p, S p and the recursion of r:   single, in a unit in which |r| is about 1
//! ```
//!
//! The iteration is bound by memory, and single precision is half of it. Directions are rounded, but they are what they
//! are: x takes them as they stand, in double precision, so that the recursion of the residual loses digits only where
//! products with S are computed, about 1e-7 of where it began. When it has fallen so far, the residual is computed anew
//! from x, and the iteration goes on in the old direction ("reliable updates": Sleijpen and van der Vorst, Computing 56
//! (1996) 141; Clark et al., Comput. Phys. Commun. 181 (2010) 1517). The certificate is the same as ever.
//!
//! Where wires hardly conduct, the smooth part of p - t in S p drowns in rounding. Such arrays, those with a coarse grid,
//! and those without resistance in a plane, are iterated in double precision from the start; any other in which a new
//! residual is not clearly smaller than the last one goes on so.

use super::coarse::Coarse;
use super::krylov::{Rhs, Run, Stop, Work};
use super::planes::Matrix;
use crate::base::Control;

/// The iteration and its work space.
#[derive(Clone, Debug)]
pub(crate) enum Solver {
    Single { low: Matrix<f32>, work: Work<f32> },
    Double(Work),
}

impl Solver {
    /// Factors what it needs.
    pub fn new(a: &mut Matrix) -> Solver {
        let mut solver = Solver::Double(Work::default());
        solver.factor(a);
        solver
    }

    /// After any change; voltages stay.
    pub fn factor(&mut self, a: &mut Matrix) {
        let (x, b) = std::mem::take(self).into_lines(a);
        let is_plain = !a.word.is_ideal() && !a.bit.is_ideal();
        *self = match is_plain.then(|| Coarse::new(a)) {
            Some(None) => {
                a.pw = vec![];
                a.factor_bit_lines();
                Solver::Single { low: Matrix::lower(a), work: Work::from_lines(x, b, a.n) }
            }
            _ => double(a, x, b),
        }
    }

    /// After the conductance of one cell has changed.
    pub fn refactor_cell(&mut self, a: &mut Matrix, row: usize, col: usize) {
        match self {
            Solver::Single { low, .. } => {
                a.refactor_bit(col);
                low.g[row * a.n + col] = a.g[row * a.n + col] as f32;
                low.refactor_cell(row, col);
            }
            Solver::Double(_) => a.refactor_cell(row, col),
        }
    }

    /// See [`Work::solve`].
    pub fn solve(&mut self, a: &mut Matrix, rhs: &Rhs, stop: Stop, control: &Control) -> Run {
        let mut before = 0;
        if let Solver::Single { low, work } = self {
            let run = work.solve(a, low, rhs, stop, control);
            if !run.stuck {
                return run;
            }
            before = run.iterations;
            let (x, b) = std::mem::take(self).into_lines(a);
            *self = double(a, x, b);
        }
        let Solver::Double(work) = self else { return Run::default() };
        work.start_finite();
        let left = Stop { iterations: stop.iterations - before.min(stop.iterations), ..stop };
        let run = work.solve(a, a, rhs, left, control);
        Run { iterations: run.iterations + before, ..run }
    }

    pub fn is_single(&self) -> bool {
        matches!(self, Solver::Single { .. })
    }

    /// Of the word lines.
    pub fn x(&self) -> &[f64] {
        match self {
            Solver::Single { work, .. } => &work.x,
            Solver::Double(work) => &work.x,
        }
    }

    /// Of the bit lines.
    pub fn b(&self) -> &[f64] {
        match self {
            Solver::Single { work, .. } => &work.b,
            Solver::Double(work) => &work.b,
        }
    }

    /// Of both.
    pub fn lines_mut(&mut self) -> (&mut Vec<f64>, &mut Vec<f64>) {
        match self {
            Solver::Single { work, .. } => (&mut work.x, &mut work.b),
            Solver::Double(work) => (&mut work.x, &mut work.b),
        }
    }

    pub fn guess(&mut self, a: &Matrix, volts: [&[f64]; 2]) {
        match self {
            Solver::Single { work, .. } => work.guess(a, volts),
            Solver::Double(work) => work.guess(a, volts),
        }
    }

    /// Voltages of the word and of the bit lines.
    pub fn into_lines(self, a: &Matrix) -> (Vec<f64>, Vec<f64>) {
        let (x, b) = match self {
            Solver::Single { work, .. } => (work.x, work.b),
            Solver::Double(work) => (work.x, work.b),
        };
        if x.is_empty() { (vec![0.0; a.m * a.n], vec![0.0; a.m * a.n]) } else { (x, b) }
    }
}

impl Default for Solver {
    fn default() -> Solver {
        Solver::Double(Work::default())
    }
}

fn double(a: &mut Matrix, x: Vec<f64>, b: Vec<f64>) -> Solver {
    a.factor();
    Solver::Double(Work::from_lines(x, b, a.n))
}
