//! Iterative refinement to a componentwise backward error.
//!
//! ```text
//! ω = max over i of |b − A x|ᵢ / (|A| |x| + |b|)ᵢ
//! repeat: x += A⁻¹ (b − A x)  while ω > ε · few and ω at least halves
//! ```
//! Rows in which the denominator is so small that it is rounding noise itself are measured against the largest
//! component of x instead (Arioli, Demmel, Duff, see the kernel).

use super::{ACCURACY, Dense, Supernodal};

/// Rounds of refinement at most.
const ROUNDS: usize = 12;
/// Small enough to stop at once.
const DONE: f64 = 4.0 * f64::EPSILON;

#[derive(Clone, Debug)]
pub(super) struct Work<T> {
    pub b: Vec<T>,
    pub r: Vec<T>,
    pub x: Vec<T>,
    pub weight: Vec<f64>,
    pub row: Vec<f64>,
    pub scale: Vec<f64>,
    pub by_slot: Vec<f64>,
    pub trial: Vec<T>,
}

impl<T: Dense> Work<T> {
    pub fn new(n: usize, slots: usize) -> Self {
        Work {
            b: vec![T::ZERO; n],
            r: vec![T::ZERO; n],
            x: vec![T::ZERO; n],
            weight: vec![0.0; n],
            row: vec![0.0; n],
            scale: vec![0.0; 2 * n],
            by_slot: vec![1.0; slots],
            trial: vec![T::ZERO; n],
        }
    }
}

impl<T: Dense> Supernodal<T> {
    /// r = b − A x and the backward error of x, for `b` and `x` in the work space.
    fn backward_error(&mut self, is_transposed: bool) -> f64 {
        let pattern = &self.tree.pattern;
        let w = &mut self.refine;
        w.r.copy_from_slice(&w.b);
        w.weight.fill(0.0);
        w.row.fill(0.0);
        let mut largest: f64 = 0.0;
        for c in 0..pattern.n() {
            let range = pattern.range(c);
            largest = largest.max(w.x[c].mag());
            for (&r, &v) in pattern.rows()[range.clone()].iter().zip(&self.values[range.start + 1..]) {
                let (to, from) = if is_transposed { (c, r as usize) } else { (r as usize, c) };
                w.r[to] -= v * w.x[from];
                w.weight[to] += v.mag() * w.x[from].mag();
                w.row[to] += v.mag();
            }
        }
        let few = 1e3 * pattern.n() as f64 * f64::EPSILON;
        let mut worst = 0.0;
        for i in 0..pattern.n() {
            let size = w.r[i].mag();
            if size == 0.0 {
                continue;
            }
            let scale = w.row[i] * largest;
            let usual = w.weight[i] + w.b[i].mag();
            let ratio = size / if usual > few * scale { usual } else { w.weight[i] + scale };
            if !(ratio <= worst) {
                worst = ratio;
            }
        }
        worst
    }

    /// Solves and refines; the backward error reached.
    fn refined(&mut self, rhs: &mut [T], is_transposed: bool) -> f64 {
        self.refine.b.copy_from_slice(rhs);
        self.solve_once(rhs, is_transposed);
        self.refine.x.copy_from_slice(rhs);
        let mut last = self.backward_error(is_transposed);
        for _ in 0..ROUNDS {
            if last <= DONE || !last.is_finite() {
                break;
            }
            let mut step = std::mem::take(&mut self.refine.r);
            self.solve_once(&mut step, is_transposed);
            for (x, &d) in self.refine.x.iter_mut().zip(&step) {
                *x += d;
            }
            self.refine.r = step;
            let now = self.backward_error(is_transposed);
            if !(now < last) {
                break;
            }
            rhs.copy_from_slice(&self.refine.x);
            let is_slow = now > 0.5 * last;
            last = now;
            if is_slow && now <= ACCURACY {
                break;
            }
        }
        last
    }

    pub(super) fn solve_refined(&mut self, rhs: &mut [T], is_transposed: bool) {
        self.refined(rhs, is_transposed);
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
        let error = self.refined(&mut b, is_transposed);
        self.refine.trial = b;
        error <= ACCURACY
    }
}
