//! Triangular solves, block by block, for one right-hand side or several at a time.
//!
//! `P A Q = B` is block upper triangular with diagonal blocks `L U` and F above them:
//!
//! ```text
//! A x = b:   y := P b;   last block first: y -= F y later, y := U⁻¹ L⁻¹ y;      x := Q y
//! Aᵀ x = b:  y := Qᵀ b;  first block first: y := L⁻ᵀ U⁻ᵀ y, later y -= Fᵀ y;   x := Pᵀ y
//! ```
//! L lies by columns, U and F by rows: forward substitution adds columns, backward substitution takes dot products.
//! W right-hand sides side by side share every index and factor that is read.

use super::{Lu, Scalar};

/// x[i] -= v f for all entries of a row or column.
#[inline(always)]
fn axpy<T: Scalar, const W: usize>(x: &mut [[T; W]], idx: &[u32], val: &[T], f: [T; W]) {
    for (&i, &v) in idx.iter().zip(val) {
        let x = &mut x[i as usize];
        for w in 0..W {
            x[w] -= v * f[w];
        }
    }
}

/// s - Σ v x[i]. Long rows (a supply's balance of currents) go through four sums, which need not wait for one another.
#[inline(always)]
fn minus_dot<T: Scalar, const W: usize>(x: &[[T; W]], idx: &[u32], val: &[T], mut s: [T; W]) -> [T; W] {
    let (mut idx, mut val) = (idx, val);
    if idx.len() >= 16 {
        let ((i4, i1), (v4, v1)) = (idx.as_chunks::<4>(), val.as_chunks::<4>());
        let mut sums = [[T::ZERO; W]; 4];
        for (i, v) in i4.iter().zip(v4) {
            for k in 0..4 {
                let x = &x[i[k] as usize];
                for w in 0..W {
                    sums[k][w] += v[k] * x[w];
                }
            }
        }
        for w in 0..W {
            s[w] -= (sums[0][w] + sums[1][w]) + (sums[2][w] + sums[3][w]);
        }
        (idx, val) = (i1, v1);
    }
    for (&i, &v) in idx.iter().zip(val) {
        let x = &x[i as usize];
        for w in 0..W {
            s[w] -= v * x[w];
        }
    }
    s
}

impl<T: Scalar> Lu<T> {
    /// Room for W right-hand sides.
    fn make_room(&mut self, w: usize) {
        let n = self.inv.len();
        if self.x.len() < w * n {
            self.x.resize(w * n, T::ZERO);
        }
    }

    pub(super) fn solve_lanes<const W: usize>(&mut self, rhs: &mut [T]) {
        if !self.is_factored {
            rhs.fill(T::from(f64::NAN));
            return;
        }
        self.make_room(W);
        let n = self.inv.len();
        let x = &mut self.x.as_chunks_mut::<W>().0[..n];
        for (x, &r) in x.iter_mut().zip(&self.pivot_row) {
            for w in 0..W {
                x[w] = rhs[w * n + r as usize];
            }
        }
        let (l_val, rest) = self.val[n..].split_at(self.l_idx.len());
        let (u_val, f_val) = rest.split_at(self.u_idx.len());
        for seg in self.segments.iter().rev() {
            let (s, e) = (seg.start as usize, seg.end as usize);
            if seg.is_block {
                let mut p0 = self.f_ptr[s] as usize;
                if self.f_ptr[e] as usize > p0 {
                    for (k, &p1) in (s..e).zip(&self.f_ptr[s + 1..]) {
                        let p1 = p1 as usize;
                        x[k] = minus_dot(x, &self.f_idx[p0..p1], &f_val[p0..p1], x[k]);
                        p0 = p1;
                    }
                }
                let mut p0 = self.l_ptr[s] as usize;
                for (k, &p1) in (s..e).zip(&self.l_ptr[s + 1..]) {
                    let p1 = p1 as usize;
                    let f = x[k];
                    axpy(x, &self.l_idx[p0..p1], &l_val[p0..p1], f);
                    p0 = p1;
                }
            }
            let mut p1 = self.u_ptr[e] as usize;
            let rows = self.u_ptr[s..e].iter().zip(&self.inv[s..e]).zip(&self.sym.col_perm[s..e]);
            for (k, ((&p0, &inv), &c)) in (s..e).zip(rows).rev() {
                let p0 = p0 as usize;
                let mut y = minus_dot(x, &self.u_idx[p0..p1], &u_val[p0..p1], x[k]);
                for w in 0..W {
                    y[w] *= inv;
                    rhs[w * n + c as usize] = y[w];
                }
                x[k] = y;
                p1 = p0;
            }
        }
    }

    pub(super) fn solve_lanes_transposed<const W: usize>(&mut self, rhs: &mut [T]) {
        if !self.is_factored {
            rhs.fill(T::from(f64::NAN));
            return;
        }
        self.make_room(W);
        let n = self.inv.len();
        let x = &mut self.x.as_chunks_mut::<W>().0[..n];
        for (x, &c) in x.iter_mut().zip(&self.sym.col_perm) {
            for w in 0..W {
                x[w] = rhs[w * n + c as usize];
            }
        }
        let (l_val, rest) = self.val[n..].split_at(self.l_idx.len());
        let (u_val, f_val) = rest.split_at(self.u_idx.len());
        for seg in &self.segments {
            let (s, e) = (seg.start as usize, seg.end as usize);
            for k in s..e {
                let mut f = x[k];
                for w in 0..W {
                    f[w] *= self.inv[k];
                }
                x[k] = f;
                let u = self.u_ptr[k] as usize..self.u_ptr[k + 1] as usize;
                axpy(x, &self.u_idx[u.clone()], &u_val[u], f);
            }
            if seg.is_block {
                for k in (s..e).rev() {
                    let l = self.l_ptr[k] as usize..self.l_ptr[k + 1] as usize;
                    x[k] = minus_dot(x, &self.l_idx[l.clone()], &l_val[l], x[k]);
                }
                for k in s..e {
                    let f = self.f_ptr[k] as usize..self.f_ptr[k + 1] as usize;
                    axpy(x, &self.f_idx[f.clone()], &f_val[f], x[k]);
                }
            }
        }
        for (x, &r) in x.iter().zip(&self.pivot_row) {
            for w in 0..W {
                rhs[w * n + r as usize] = x[w];
            }
        }
    }
}
