//! Modified Newton: when the factors of an earlier Jacobian do for another iteration.
//!
//! Where a factorisation costs many times what a solution and an evaluation do (arrays with wires, meshes), an iteration
//! with the factors of an earlier Jacobian J0 is the cheaper one, as long as it converges fast:
//!
//! ```text
//! J0 dx = -F(x),   |e_{k+1}| <= theta |e_k|,   theta = ||1 - J0⁻¹ J||, measured as |dx_k| / |dx_{k-1}|
//! ```
//! The factors are taken while the coefficient a0 of the integration is near that of J0 and theta is small; otherwise
//! the next iteration has the Jacobian itself. A step whose factors served badly is followed by some that begin with their
//! own. All decisions are made from the numbers of the problem and of operations, never from measured times, so that runs
//! repeat to the last bit. Shampine, "Implementation of implicit formulas for the solution of ODEs", SIAM J. Sci. Stat.
//! Comput. 1:103 (1980); Hindmarsh et al., "SUNDIALS", ACM TOMS 31:363 (2005), section 2.1.

use crate::newton::Matrix;
use crate::sparse::Stats;

/// Multiplications of a factorisation for each entry of the factors from which it is much dearer than what else an
/// iteration does, and in all from which it matters.
const DEAR: u64 = 8;
const LARGE: u64 = 200_000;
/// How far a0 may be from that of the factors.
const NEAR: f64 = 1.25;
/// After factors that served badly, so many time points begin with their own.
const REST: u32 = 8;
/// After further iterations that they served badly, so many time points do without them there.
const WARY: u32 = 4;

#[derive(Clone, Debug)]
pub struct Modified {
    /// `.options modnewton`
    pub is_allowed: bool,
    is_worth: bool,
    /// The next iteration has the Jacobian itself.
    is_due: bool,
    rest: u32,
    wary: u32,
    pub matrix: Matrix,
}

impl Modified {
    pub fn new(is_allowed: bool) -> Self {
        Modified { is_allowed, is_worth: false, is_due: false, rest: 0, wary: 0, matrix: Matrix::Exact }
    }

    /// An analysis begins.
    pub fn begin(&mut self) {
        *self = Modified::new(self.is_allowed);
    }

    /// Learns what a factorisation costs.
    pub fn note(&mut self, after: &Stats) {
        self.is_worth = self.is_allowed && after.flops >= LARGE && after.flops >= DEAR * after.factor_nnz as u64;
        self.is_due = false;
    }

    /// Decides about the next step: `factored` is the a0 of the factors, `None` without any.
    pub fn decide(&mut self, a0: f64, factored: Option<f64>, is_first: bool) {
        self.matrix = Matrix::Exact;
        if is_first {
            self.wary = self.wary.saturating_sub(1);
            if self.rest > 0 {
                self.rest -= 1;
                return;
            }
        } else if self.wary > 0 {
            return;
        }
        let Some(old) = factored.filter(|_| self.is_worth && !self.is_due) else { return };
        if a0 == old {
            self.matrix = Matrix::Old;
        } else if a0 < NEAR * old && old < NEAR * a0 {
            self.matrix = Matrix::OfAnotherStep;
        }
    }

    /// Is a factorisation dear?
    pub fn is_worth(&self) -> bool {
        self.is_worth
    }

    /// What steps with the factors of another a0 are multiplied by: between what a circuit of contents alone and one of
    /// conductances alone would need, so that the error of either is the same (VODE, as in `newton/rate.rs`).
    pub fn scale(a0: f64, factored: f64) -> f64 {
        2.0 / (1.0 + a0 / factored)
    }

    /// The factors served badly.
    pub fn refresh(&mut self) {
        self.is_due = true;
        if self.matrix == Matrix::OfAnotherStep {
            self.rest = REST;
        } else {
            self.wary = WARY;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn large() -> Modified {
        let mut m = Modified::new(true);
        m.note(&Stats { flops: 10 * LARGE, factor_nnz: 1000, ..Stats::default() });
        m
    }

    #[test]
    fn factors_that_served_badly_are_left_alone_for_some_points() {
        let mut m = large();
        m.decide(1.0, Some(1.0), false);
        assert_eq!(m.matrix, Matrix::Old);
        m.refresh();
        m.note(&Stats { flops: 10 * LARGE, factor_nnz: 1000, ..Stats::default() });
        for _ in 0..WARY {
            m.decide(1.0, Some(1.0), false);
            assert_eq!(m.matrix, Matrix::Exact);
            m.decide(1.0, Some(1.0), true);
        }
        m.decide(1.0, Some(1.0), false);
        assert_eq!(m.matrix, Matrix::Old);
    }

    #[test]
    fn scaled_steps_err_alike_in_contents_and_conductances() {
        for ratio in [0.8, 1.0, 1.25] {
            let scale = Modified::scale(ratio, 1.0);
            // Of contents alone the step is `ratio` times too long, of conductances alone it is right.
            assert!(((scale * ratio - 1.0) + (scale - 1.0)).abs() < 1e-15);
        }
    }
}
