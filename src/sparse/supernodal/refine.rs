//! Iterative refinement to a componentwise backward error (W. Oettli, W. Prager, Numer. Math. 6, 1964).
//!
//! ```text
//! ω = max over i of |b − A x|ᵢ / (|A| |x| + |b|)ᵢ
//! repeat: x += A⁻¹ (b − A x)  while ω is too large and shrinks
//! ```
//! Every solution is measured: with pivots from within supernodes no bound on L and U tells beforehand whether a row
//! whose terms are all small comes out right, and one product with A is little beside the triangular solves. In
//! working precision a step or two make ω of the order of rounding (R. D. Skeel, Math. Comp. 35, 1980), unless the
//! terms of one row are so small beside the others' that they are rounding noise themselves; such rows are judged
//! against the largest component of x instead (Arioli, Demmel, Duff, see the kernel).

use super::{ACCURACY, Dense, Supernodal};

/// Rounds of refinement at most.
const ROUNDS: usize = 12;
/// Small enough to stop at once, where the factors are suspect and where they are not.
const DONE: f64 = 4.0 * f64::EPSILON;
const CALM: f64 = 0.25 * ACCURACY;

#[derive(Clone, Debug)]
pub(super) struct Work<T> {
    pub b: Vec<T>,
    pub x: Vec<T>,
    /// Residual of every row, and the magnitudes it was summed from.
    sum: Vec<(T, f64)>,
    step: Vec<T>,
    pub scale: Vec<f64>,
    pub by_slot: Vec<f64>,
    pub trial: Vec<T>,
}

impl<T: Dense> Work<T> {
    pub fn new(n: usize, slots: usize) -> Self {
        Work {
            b: vec![T::ZERO; n],
            x: vec![T::ZERO; n],
            sum: vec![(T::ZERO, 0.0); n],
            step: vec![T::ZERO; n],
            scale: vec![0.0; 2 * n],
            by_slot: vec![1.0; slots],
            trial: vec![T::ZERO; n],
        }
    }
}

impl<T: Dense> Supernodal<T> {
    /// Backward error ω of x, for `b` and `x` in the work space, and the row that has it; leaves the residuals.
    fn backward_error(&mut self, is_transposed: bool) -> (f64, usize) {
        let pattern = &*self.tree.pattern;
        let w = &mut self.refine;
        for (s, &b) in w.sum.iter_mut().zip(&w.b) {
            *s = (b, b.mag());
        }
        for (c, &x) in w.x.iter().enumerate() {
            let range = pattern.range(c);
            let column = pattern.rows()[range.clone()].iter().zip(&self.values[range.start + 1..]);
            if is_transposed {
                let (mut r, mut size) = w.sum[c];
                for (&i, &v) in column {
                    let term = v * w.x[i as usize];
                    r -= term;
                    size += term.mag();
                }
                w.sum[c] = (r, size);
            } else {
                for (&i, &v) in column {
                    let term = v * x;
                    let (r, size) = &mut w.sum[i as usize];
                    *r -= term;
                    *size += term.mag();
                }
            }
        }
        let mut worst = (0.0, 0);
        for (i, &(r, size)) in w.sum.iter().enumerate() {
            let r = r.mag();
            // Also where there is no number.
            if !(r <= worst.0 * size) {
                worst = (r / size, i);
            }
        }
        worst
    }

    /// Is ω small but for rows whose terms are noise beside the largest component of x? For the state that
    /// [`Supernodal::backward_error`] has left.
    fn is_accurate_but_for_noise(&mut self, is_transposed: bool) -> bool {
        let pattern = &*self.tree.pattern;
        let w = &mut self.refine;
        let largest = w.x.iter().map(|x| x.mag()).fold(0.0, f64::max);
        let row = &mut w.scale[..pattern.n()];
        row.fill(0.0);
        for (r, c, s) in pattern.entries() {
            let i = if is_transposed { c } else { r };
            row[i as usize - 1] += self.values[s as usize].mag();
        }
        let few = 1e3 * pattern.n() as f64 * f64::EPSILON;
        w.sum.iter().zip(row).all(|(&(r, size), row)| {
            let scale = *row * largest;
            r.mag() <= ACCURACY * if size > few * scale { size } else { size + scale }
        })
    }

    /// Solves and refines. Where the error stays too large: the row that has it.
    pub(super) fn refined(&mut self, rhs: &mut [T], is_transposed: bool) -> Result<(), usize> {
        self.refine.b.copy_from_slice(rhs);
        self.solve_once(rhs, is_transposed);
        self.improve(rhs, is_transposed)
    }

    /// Measures and refines the solution x of what `b` in the work space says.
    pub(super) fn improve(&mut self, x: &mut [T], is_transposed: bool) -> Result<(), usize> {
        let target = if self.is_refined { DONE } else { CALM };
        self.refine.x.copy_from_slice(x);
        let mut last = self.backward_error(is_transposed);
        if last.0 <= target {
            return Ok(());
        }
        for _ in 0..ROUNDS {
            if !last.0.is_finite() {
                break;
            }
            let mut step = std::mem::take(&mut self.refine.step);
            for (d, s) in step.iter_mut().zip(&self.refine.sum) {
                *d = s.0;
            }
            self.solve_once(&mut step, is_transposed);
            for (x, &d) in self.refine.x.iter_mut().zip(&step) {
                *x += d;
            }
            self.refine.step = step;
            let now = self.backward_error(is_transposed);
            if !(now.0 < last.0) {
                break;
            }
            x.copy_from_slice(&self.refine.x);
            let is_slow = now.0 > 0.5 * last.0;
            last = now;
            if last.0 <= target || (is_slow && last.0 <= ACCURACY) {
                break;
            }
        }
        if last.0 <= ACCURACY {
            return Ok(());
        }
        self.refine.x.copy_from_slice(x);
        self.backward_error(is_transposed);
        if self.is_accurate_but_for_noise(is_transposed) { Ok(()) } else { Err(last.1) }
    }

    /// Can the factors solve for a right-hand side without structure?
    pub(super) fn passes_trial(&mut self, is_transposed: bool) -> bool {
        if !(self.growth < f64::INFINITY) {
            return false;
        }
        let mut b = std::mem::take(&mut self.refine.trial);
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let scale = if is_transposed { &self.col_scale } else { &self.row_scale };
        for (v, &s) in b.iter_mut().zip(scale) {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            // Of the size that the equation's own scale makes 1.
            let unit = (state >> 11) as f64 / (1u64 << 53) as f64;
            *v = T::from((0.5 + unit) * if state & 1024 == 0 { 1.0 } else { -1.0 } / s);
        }
        let result = self.refined(&mut b, is_transposed);
        self.refine.trial = b;
        result.is_ok()
    }
}
