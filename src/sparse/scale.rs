//! Equilibration: row and column scales, powers of two, so that nothing is rounded.
//!
//! D. Ruiz, "A scaling algorithm to equilibrate both rows and columns norms in matrices", RAL-TR-2001-034: divide
//! row i and column j by the square roots of their largest entries, again and again; symmetric matrices stay
//! symmetric, which keeps the diagonal attractive as pivot.

use super::{Pattern, Scalar};

/// At most so many; each halves the exponents. Most circuits need two.
const PASSES: usize = 6;

/// Power of two nearest to 1/√max; 1 for an empty row.
fn half_inverse(max: f64) -> f64 {
    if max > 0.0 && max.is_finite() { (-0.5 * max.log2()).round().exp2() } else { 1.0 }
}

/// Scales such that `row[i] · a_ij · col[j]` has largest entries near 1. `max` is work space of 2 n.
pub fn equilibrate<T: Scalar>(pattern: &Pattern, values: &[T], row: &mut [f64], col: &mut [f64], max: &mut [f64]) {
    let n = pattern.n();
    row.fill(1.0);
    col.fill(1.0);
    for _ in 0..PASSES {
        max.fill(0.0);
        let (row_max, col_max) = max.split_at_mut(n);
        for c in 0..n {
            let range = pattern.range(c);
            for (&r, &v) in pattern.rows()[range.clone()].iter().zip(&values[range.start + 1..]) {
                let m = (v.mag() * row[r as usize]) * col[c];
                row_max[r as usize] = row_max[r as usize].max(m);
                col_max[c] = col_max[c].max(m);
            }
        }
        let mut is_done = true;
        for (s, &m) in row.iter_mut().zip(&*row_max).chain(col.iter_mut().zip(&*col_max)) {
            *s *= half_inverse(m);
            is_done &= m == 0.0 || (0.25..=4.0).contains(&m);
        }
        if is_done {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Builder;

    #[test]
    fn eighteen_decades_meet() {
        let mut b = Builder::new();
        for (r, c) in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3)] {
            b.add(r, c);
        }
        let (p, _) = b.finish(3);
        let v = [0.0, 1e6, 1e-3, 2e-3, 1e-18, 0.0];
        let (mut r, mut c, mut w) = ([0.0; 3], [0.0; 3], [0.0; 6]);
        equilibrate(&p, &v, &mut r, &mut c, &mut w);
        assert!(r.iter().chain(&c).all(|s| s.log2().fract() == 0.0));
        assert_eq!((r[2], c[2]), (1.0, 1.0));
        let big = v[2] * r[1] * c[0];
        assert!((0.2..5.0).contains(&big), "{big}");
    }
}
