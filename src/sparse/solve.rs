//! Triangular solves, block by block.
//!
//! `P R A C Q = B` is block upper triangular with diagonal blocks `L U` and F above them:
//!
//! ```text
//! A x = b:   y := P R b;  last block first: y := U⁻¹ L⁻¹ y, earlier y -= F y;  x := C Q y
//! Aᵀ x = b:  y := Qᵀ C b; first block first: y -= Fᵀ y earlier, y := L⁻ᵀ U⁻ᵀ y; x := R Pᵀ y
//! ```

use super::{Lu, Scalar};

impl<T: Scalar> Lu<T> {
    pub(super) fn solve_all(&mut self, rhs: &mut [T]) {
        if !self.is_factored {
            rhs.fill(T::from(f64::NAN));
            return;
        }
        let sym = &*self.sym;
        let x = &mut self.x[..];
        for ((x, &r), &s) in x.iter_mut().zip(&self.pivot_row).zip(&self.row_scale) {
            *x = rhs[r as usize].times(s);
        }
        for w in sym.blocks.windows(2).rev() {
            let (s, e) = (w[0] as usize, w[1] as usize);
            if e - s == 1 {
                x[s] *= self.inv[s];
            } else {
                let mut p0 = self.l_ptr[s] as usize;
                for k in s..e {
                    let p1 = self.l_ptr[k + 1] as usize;
                    let f = x[k];
                    for (&i, &l) in self.l_idx[p0..p1].iter().zip(&self.l_val[p0..p1]) {
                        x[i as usize] -= l * f;
                    }
                    p0 = p1;
                }
                let mut p1 = self.u_ptr[e] as usize;
                for k in (s..e).rev() {
                    let p0 = self.u_ptr[k] as usize;
                    let f = x[k] * self.inv[k];
                    x[k] = f;
                    for (&i, &u) in self.u_idx[p0..p1].iter().zip(&self.u_val[p0..p1]) {
                        x[i as usize] -= u * f;
                    }
                    p1 = p0;
                }
            }
            let mut p0 = sym.up_ptr[s] as usize;
            for k in s..e {
                let p1 = sym.up_ptr[k + 1] as usize;
                if p1 > p0 {
                    let f = x[k];
                    for (&i, &v) in self.up_pos[p0..p1].iter().zip(&self.up_val[p0..p1]) {
                        x[i as usize] -= v * f;
                    }
                }
                p0 = p1;
            }
        }
        for ((x, &c), &s) in x.iter_mut().zip(&sym.col_perm).zip(&self.col_scale) {
            rhs[c as usize] = x.times(s);
            *x = T::ZERO;
        }
    }

    pub(super) fn solve_all_transposed(&mut self, rhs: &mut [T]) {
        if !self.is_factored {
            rhs.fill(T::from(f64::NAN));
            return;
        }
        let sym = &*self.sym;
        let x = &mut self.x[..];
        for ((x, &c), &s) in x.iter_mut().zip(&sym.col_perm).zip(&self.col_scale) {
            *x = rhs[c as usize].times(s);
        }
        let dot = |x: &[T], idx: &[u32], val: &[T]| {
            let mut sum = T::ZERO;
            for (&i, &v) in idx.iter().zip(val) {
                sum += v * x[i as usize];
            }
            sum
        };
        for w in sym.blocks.windows(2) {
            let (s, e) = (w[0] as usize, w[1] as usize);
            for k in s..e {
                let f = sym.up_ptr[k] as usize..sym.up_ptr[k + 1] as usize;
                let u = self.u_ptr[k] as usize..self.u_ptr[k + 1] as usize;
                let mut v = x[k];
                v -= dot(x, &self.up_pos[f.clone()], &self.up_val[f]);
                v -= dot(x, &self.u_idx[u.clone()], &self.u_val[u]);
                x[k] = v * self.inv[k];
            }
            for k in (s..e).rev() {
                let l = self.l_ptr[k] as usize..self.l_ptr[k + 1] as usize;
                let v = dot(x, &self.l_idx[l.clone()], &self.l_val[l]);
                x[k] -= v;
            }
        }
        for ((x, &r), &s) in x.iter_mut().zip(&self.pivot_row).zip(&self.row_scale) {
            rhs[r as usize] = x.times(s);
            *x = T::ZERO;
        }
    }
}
