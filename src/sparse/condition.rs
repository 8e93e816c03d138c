//! How far to trust a solution: condition estimate, pivot growth, iterative refinement.

use super::{Kernel, Lu, Pattern, Scalar};

/// Estimates the condition number ‖A‖₁ ‖A⁻¹‖₁ from the kernel's factors of A, from below and nearly always within a
/// factor 3 (W. W. Hager, SIAM J. Sci. Stat. Comput. 5, 1984; N. J. Higham, ACM TOMS 14, 1988). Infinity without
/// factors or when a solve overflows.
pub fn condition<T: Scalar>(kernel: &mut dyn Kernel<T>, pattern: &Pattern, values: &[T]) -> f64 {
    let n = pattern.n();
    if n == 0 {
        return 1.0;
    }
    let norm = |x: &[T]| x.iter().map(|v| v.modulus()).sum::<f64>();
    let mut x = vec![T::from(1.0 / n as f64); n];
    let mut best = 0.0;
    let mut at = usize::MAX;
    for round in 0..5 {
        kernel.solve(&mut x);
        let size = norm(&x);
        if !size.is_finite() {
            return f64::INFINITY;
        }
        if round > 0 && size <= best {
            break;
        }
        best = size;
        for v in &mut x {
            let m = v.modulus();
            *v = if m > 0.0 { v.times(1.0 / m) } else { T::ONE }.conj();
        }
        kernel.solve_transposed(&mut x);
        let largest = (0..n).max_by(|&a, &b| x[a].modulus().total_cmp(&x[b].modulus())).unwrap_or(0);
        if largest == at {
            break;
        }
        at = largest;
        x.fill(T::ZERO);
        x[at] = T::ONE;
    }
    // Higham's second guess, against cancellation in the first.
    for (i, v) in x.iter_mut().enumerate() {
        let sign = if i % 2 == 0 { 1.0 } else { -1.0 };
        *v = T::from(sign * (1.0 + i as f64 / (n.max(2) - 1) as f64));
    }
    kernel.solve(&mut x);
    best = best.max(2.0 * norm(&x) / (3.0 * n as f64));
    best * pattern.norm1(values)
}

/// One step of iterative refinement of A x = b: x += A⁻¹ (b − A x). Returns the largest correction relative to the
/// largest component of x. `work` has the length of x.
pub fn refine<T: Scalar>(
    kernel: &mut dyn Kernel<T>,
    pattern: &Pattern,
    values: &[T],
    b: &[T],
    x: &mut [T],
    work: &mut [T],
) -> f64 {
    pattern.residual(values, x, b, work);
    kernel.solve(work);
    let (mut step, mut size): (f64, f64) = (0.0, 0.0);
    for (x, &d) in x.iter_mut().zip(&*work) {
        *x += d;
        step = step.max(d.modulus());
        size = size.max(x.modulus());
    }
    if size > 0.0 { step / size } else { step }
}

impl<T: Scalar> Lu<T> {
    /// Largest ratio, over the columns, of U to the (equilibrated) matrix: how much elimination has swollen the
    /// numbers, and so about the factor by which rounding errors have grown.
    pub fn pivot_growth(&self, values: &[T]) -> f64 {
        (0..self.inv.len()).map(|k| self.column_growth(values, k)).fold(0.0, f64::max)
    }

    /// Column k's part of [`Lu::pivot_growth`]; infinite where the factors are. The column's scale cancels.
    pub(super) fn column_growth(&self, values: &[T], k: usize) -> f64 {
        let n = self.inv.len();
        let l = self.l_ptr[k] as usize..self.l_ptr[k + 1] as usize;
        let c = self.c_ptr[k] as usize..self.c_ptr[k + 1] as usize;
        let given = |at: usize, row: usize| match self.src[at] {
            0 => 0.0,
            s => values[s as usize].mag() * self.row_scale[row],
        };
        let pivot = self.val[k].mag() * self.row_scale[k];
        let (mut before, mut after, mut is_finite) = (given(k, k), pivot, pivot.is_finite());
        for p in l {
            before = before.max(given(n + p, self.l_idx[p] as usize));
        }
        for (&j, &at) in self.c_row[c.clone()].iter().zip(&self.c_pos[c]) {
            let (j, at) = (j as usize, at as usize);
            before = before.max(given(at, j));
            let u = self.val[at].mag() * self.row_scale[j];
            is_finite &= u.is_finite();
            after = after.max(u);
        }
        match (is_finite, before > 0.0) {
            (false, _) => f64::INFINITY,
            (true, true) => after / before,
            (true, false) => 0.0,
        }
    }
}

impl<T: Scalar> Lu<T> {
    /// Determinant of the factored matrix as (d, e): d · 2ᵉ with |d| near 1. Zero without factors.
    pub fn determinant(&self) -> (T, f64) {
        if !self.is_factored {
            return (T::ZERO, 0.0);
        }
        let mut d = if is_odd(&self.pivot_row) == is_odd(&self.sym.col_perm) { T::ONE } else { -T::ONE };
        let mut e = 0.0;
        for inv in &self.inv {
            d *= inv.recip();
            let exponent = d.modulus().log2().round();
            d = d.times((-exponent).exp2());
            e += exponent;
        }
        (d, e)
    }
}

/// Parity of a permutation.
fn is_odd(perm: &[u32]) -> bool {
    let mut seen = vec![false; perm.len()];
    let mut odd = false;
    for start in 0..perm.len() {
        let mut at = start;
        let mut length = 0;
        while !std::mem::replace(&mut seen[at], true) {
            at = perm[at] as usize;
            length += 1;
        }
        odd ^= length > 0 && length % 2 == 0;
    }
    odd
}
