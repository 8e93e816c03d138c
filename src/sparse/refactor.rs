//! New values, same pattern and pivots: the inner loop of every Newton iteration.
//!
//! ```text
//! for every column k: x := scaled column; for j in U's column, ascending: u_jk := x_j; x -= u_jk · L_j; L_k := x / x_k
//! ```
//! Ascending pivot positions are a topological order, so no search is needed. Blocks need no loop of their own: a
//! block of one column has empty L and U. While L's column is divided, its largest entry is watched: |l| above
//! 1 / `stale` means that the frozen pivot has lost its right to be one.

use super::{Lu, Scalar, Stale};

impl<T: Scalar> Lu<T> {
    pub(super) fn refactor_all(&mut self, values: &[T]) -> Result<(), Stale> {
        if !self.is_factored {
            return Err(Stale { column: 0, ratio: 0.0 });
        }
        self.is_factored = false;
        let sym = &*self.sym;
        for ((v, &slot), &s) in self.up_val.iter_mut().zip(&sym.up_slot).zip(&self.up_scale) {
            *v = values[slot as usize].times(s);
        }
        let stale = self.options.stale;
        let x = &mut self.x[..];
        let (mut a0, mut l0, mut u0) = (0, 0, 0);
        let ends = sym.in_ptr[1..].iter().zip(&self.l_ptr[1..]).zip(&self.u_ptr[1..]);
        for (k, (((&a1, &l1), &u1), inv)) in ends.zip(&mut self.inv).enumerate() {
            let (a1, l1, u1) = (a1 as usize, l1 as usize, u1 as usize);
            let entries = self.in_pos[a0..a1].iter().zip(&sym.in_slot[a0..a1]).zip(&self.in_scale[a0..a1]);
            for ((&i, &slot), &s) in entries {
                x[i as usize] = values[slot as usize].times(s);
            }
            let (l_done, l_rest) = self.l_val.split_at_mut(l0);
            for (&j, u) in self.u_idx[u0..u1].iter().zip(&mut self.u_val[u0..u1]) {
                let j = j as usize;
                let f = std::mem::take(&mut x[j]);
                *u = f;
                let (c0, c1) = (self.l_ptr[j] as usize, self.l_ptr[j + 1] as usize);
                for (&i, &l) in self.l_idx[c0..c1].iter().zip(&l_done[c0..c1]) {
                    x[i as usize] -= l * f;
                }
            }
            let pivot = std::mem::take(&mut x[k]);
            let d = pivot.recip();
            *inv = d;
            let mut max = 0.0;
            for (&i, l) in self.l_idx[l0..l1].iter().zip(l_rest) {
                let v = std::mem::take(&mut x[i as usize]) * d;
                *l = v;
                let m = v.mag();
                max = if m > max { m } else { max };
            }
            // False for NaN and for a pivot whose reciprocal is not finite.
            if !(max * stale <= 1.0 && d.mag() < f64::INFINITY && pivot.mag() < f64::INFINITY) {
                let ratio = if max > 0.0 { 1.0 / max } else { 0.0 };
                x.fill(T::ZERO);
                return Err(Stale { column: sym.col_perm[k] + 1, ratio });
            }
            (a0, l0, u0) = (a1, l1, u1);
        }
        self.is_factored = true;
        Ok(())
    }
}
