//! How fast steps shrink with factors that are at hand, learned from those before.
//!
//! A first step of length d leaves an error of about `theta/(1 - theta) d`. Where a factorisation or a solution is dear, one
//! iteration less for each time point is worth knowing theta: it is taken from the last searches that had two steps with such
//! a matrix, as codes for stiff equations do (P. N. Brown, G. D. Byrne, A. C. Hindmarsh, "VODE", SIAM J. Sci. Stat. Comput.
//! 10:1038, 1989, section 3). What was learned is trusted less with every search that ended without having been measured, so
//! that now and then one is.

use super::Matrix;

/// How much less is known after each search that ended unmeasured.
const FORGOTTEN: f64 = 1.15;
/// Share of the last measurement where it was better than what was known.
const SHARE: f64 = 0.3;

/// Contraction by kind of matrix; infinite: unknown.
#[derive(Clone, Copy, Debug)]
pub struct Rate([f64; 3]);

impl Default for Rate {
    fn default() -> Self {
        Rate([f64::INFINITY; 3])
    }
}

impl Rate {
    fn of(&mut self, matrix: Matrix) -> &mut f64 {
        &mut self.0[matrix as usize]
    }

    /// A step with this matrix was followed by one `theta` times as long.
    pub fn learn(&mut self, matrix: Matrix, theta: f64) {
        let known = self.of(matrix);
        *known = if *known <= theta || !known.is_finite() { theta } else { *known + SHARE * (theta - *known) };
    }

    /// The error that a step with this matrix leaves, in lengths of the step.
    pub fn left(&mut self, matrix: Matrix) -> f64 {
        let theta = *self.of(matrix);
        if theta < 1.0 { theta / (1.0 - theta) } else { f64::INFINITY }
    }

    /// A search has ended with its first step.
    pub fn age(&mut self, matrix: Matrix) {
        // An exact 0 would never be looked at again.
        let known = self.of(matrix);
        *known = (*known * FORGOTTEN).max(1e-3);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_is_trusted_less_and_less() {
        let mut r = Rate::default();
        assert_eq!(r.left(Matrix::Old), f64::INFINITY);
        r.learn(Matrix::Old, 0.1);
        assert!((r.left(Matrix::Old) - 0.1 / 0.9).abs() < 1e-12 && r.left(Matrix::Exact) == f64::INFINITY);
        for _ in 0..20 {
            r.age(Matrix::Old);
        }
        assert_eq!(r.left(Matrix::Old), f64::INFINITY);
    }

    #[test]
    fn a_worse_rate_counts_at_once() {
        let mut r = Rate::default();
        r.learn(Matrix::Exact, 0.01);
        r.learn(Matrix::Exact, 0.5);
        assert_eq!(r.left(Matrix::Exact), 1.0);
        r.learn(Matrix::Exact, 0.0);
        assert!((r.left(Matrix::Exact) - 0.35 / 0.65).abs() < 1e-12);
    }
}
