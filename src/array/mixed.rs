//! Which precision an array of conductances is iterated in.
//!
//! ```text
//!   x, b and r = fw - Tw x - D (x - b):      double
//!   z = M⁻¹ r, p, S p and the recursion of r:   single, in a unit in which |r| is about 1
//! ```
//!
//! The iteration is bound by memory, and single precision is half of it. Directions are rounded, but they are what they
//! are: x takes them as they stand, in double precision. In single precision its rounding, times the conductance of the wires,
//! would be a residual that takes iterations of its own. So the recursion loses digits only where products with S are computed:
//! 1e-6 of where it began. At 1e-4 the residual is computed anew from x, and the iteration goes on in the old direction
//! ("reliable updates": Sleijpen and van der Vorst, Computing 56 (1996) 141; Clark et al., Comput. Phys. Commun. 181 (2010)
//! 1517). A solution is accepted by such a residual only, and the certificate is the same as ever.
//!
//! Where wires hardly conduct, the smooth part of p - t in S p drowns in rounding. Large arrays of that kind, and those without
//! resistance in a plane, are iterated in double precision from the start; any other in which a new residual is not clearly
//! smaller than the last one goes on so.

use super::coarse::Coarse;
use super::krylov::{Rhs, Run, Stop, Work};
use super::planes::Matrix;
use crate::base::Control;

/// Condition number above which single precision takes more iterations than it is worth.
const HARD: f64 = 1000.0;

/// The iteration and its work space.
#[derive(Clone, Debug)]
pub(crate) enum Solver {
    Single { low: Box<Matrix<f32>>, work: Box<Work<f32>> },
    Double(Box<Work>),
}

impl Solver {
    /// Factors what it needs.
    pub fn new(a: &mut Matrix) -> Solver {
        let mut solver = Solver::Double(Box::default());
        solver.factor(a);
        solver
    }

    /// After any change; voltages stay.
    pub fn factor(&mut self, a: &mut Matrix) {
        let (x, b) = std::mem::take(self).into_lines(a);
        let is_plain = !a.word.is_ideal() && !a.bit.is_ideal();
        *self = if is_plain && !(Coarse::condition(a) > HARD) {
            a.pw = vec![];
            a.factor_bit_lines();
            let mut low = Box::new(Matrix::lower(a));
            low.coarse = Coarse::new(a);
            Solver::Single { low, work: Box::new(Work::from_lines(x, b, a.n)) }
        } else {
            double(a, x, b)
        };
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
            self.double(a);
        }
        let Solver::Double(work) = self else { return Run::default() };
        work.start_finite();
        let left = Stop { iterations: stop.iterations - before.min(stop.iterations), ..stop };
        let run = work.solve(a, a, rhs, left, control);
        Run { iterations: run.iterations + before, ..run }
    }

    /// From now on all in double precision.
    pub fn double(&mut self, a: &mut Matrix) {
        let (x, b) = std::mem::take(self).into_lines(a);
        *self = double(a, x, b);
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
        Solver::Double(Box::default())
    }
}

fn double(a: &mut Matrix, x: Vec<f64>, b: Vec<f64>) -> Solver {
    a.factor();
    Solver::Double(Box::new(Work::from_lines(x, b, a.n)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::geometry::{End, Geometry};
    use crate::array::tests::Random;
    use crate::array::{Linear, Settings};

    fn floating(n: usize, wire: f64) -> Geometry {
        let mut g = Geometry::new(n, n, wire, wire);
        g.word.ends[0][0] = End::driven(1.0, wire);
        g.bit.ends[1][n - 1] = End::driven(0.0, wire);
        g
    }

    fn crossbar(n: usize, wire: f64) -> Geometry {
        let volts: Vec<f64> = (0..n).map(|i| ((i * 37) % 101) as f64 / 101.0).collect();
        Geometry::crossbar(&volts, n, wire, wire)
    }

    /// Voltages by single precision as far as it goes, and by double precision alone; the certified residuals; whether
    /// single precision went all the way.
    fn both(geometry: Geometry, g: &[f64]) -> ([Vec<f64>; 2], [f64; 2], bool) {
        let control = Control::default();
        let mut mixed = Linear::new(geometry.clone(), g.to_vec()).unwrap();
        assert!(mixed.solver().is_single());
        let first = mixed.solve(&Settings::default(), &control).unwrap();
        let mut exact = Linear::new(geometry, g.to_vec()).unwrap();
        exact.doubled();
        let second = exact.solve(&Settings::default(), &control).unwrap();
        assert!(!exact.solver().is_single());
        let all = |a: &Linear| a.word().iter().chain(a.bit()).copied().collect();
        ([all(&mixed), all(&exact)], [first.residual, second.residual], mixed.solver().is_single())
    }

    #[test]
    fn single_precision_finds_what_double_finds() {
        let mut r = Random::new(3);
        for (n, wire, lo, hi) in
            [(7, 1.0, 1e4, 1e6), (31, 10.0, 1e3, 1e5), (64, 1.0, 1e4, 1e6), (150, 1.0, 1e4, 1e6), (90, 10.0, 1e2, 1e4)]
        {
            for geometry in [crossbar(n, wire), floating(n, wire)] {
                let g: Vec<f64> = (0..n * n).map(|_| 1.0 / r.log(lo, hi)).collect();
                let ([x, y], residuals, is_single) = both(geometry, &g);
                assert!(is_single, "{n}: single precision is enough here");
                assert!(residuals.iter().all(|r| *r <= 1e-12), "{n}: {residuals:?}");
                let off = x.iter().zip(&y).fold(0.0f64, |s, (x, y)| s.max((x - y).abs()));
                assert!(off <= 3e-11, "{n}: {off:e}");
            }
        }
    }

    /// Cells that conduct like wires, lines too short for a coarse grid: the planes lock together, and what drives currents
    /// is below the rounding of single precision.
    #[test]
    fn double_precision_takes_over_where_single_stops() {
        let mut r = Random::new(5);
        let n = 40;
        let g: Vec<f64> = (0..n * n).map(|_| 1.0 / r.log(1e-1, 1e1)).collect();
        let ([x, y], residuals, is_single) = both(floating(n, 1e3), &g);
        assert!(!is_single, "single precision cannot do this");
        assert!(residuals[0] <= 4.0 * residuals[1].max(1e-12), "{residuals:?}");
        let off = x.iter().zip(&y).fold(0.0f64, |s, (x, y)| s.max((x - y).abs()));
        assert!(off <= 1e-9, "{off:e}");
    }

    /// Conductances that single precision takes for nothing, in a line that nothing else holds.
    #[test]
    fn what_single_precision_cannot_hold_is_left_to_double() {
        let (m, n) = (6, 5);
        let mut g = vec![1e-5; m * n];
        g[n..2 * n].fill(1e-60);
        let mut geometry = crossbar(m, 1.0);
        geometry = Geometry { cols: n, ..geometry };
        geometry.bit.ends.iter_mut().for_each(|e| e.truncate(n));
        geometry.word.ends[0][1] = End::FLOATING;
        let ([x, y], residuals, is_single) = both(geometry, &g);
        assert!(!is_single);
        assert!(residuals[0] <= 1e-12, "{residuals:?}");
        // All cells of the line are equal: it is at the mean of the bit lines.
        let mean = x[m * n + n..m * n + 2 * n].iter().sum::<f64>() / n as f64;
        assert!((x[n] - mean).abs() <= 1e-9 && (x[n] - y[n]).abs() <= 1e-9, "{} {mean}", x[n]);
    }
}
