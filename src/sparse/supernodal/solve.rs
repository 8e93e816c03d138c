//! Triangular solves over the fronts, for N right-hand sides at once (components of one unknown side by side).
//!
//! ```text
//! A x = b:   blocks from the last: up the tree  y := L⁻¹ P y, rows below -= L y;
//!            down the tree  x := U⁻¹ (y − U x below); then earlier blocks -= F x
//! Aᵀ x = b:  blocks from the first: earlier blocks' Fᵀ; up  y := U⁻ᵀ y, below -= Uᵀ y; down  x := Pᵀ L⁻ᵀ (y − Lᵀ x below)
//! ```

use super::dense::Dense;
use super::tree::Tree;

pub(super) struct Solve<'a, T, const N: usize> {
    pub tree: &'a Tree,
    pub lu: &'a [T],
    pub perm: &'a [u32],
    /// 1 / pivot by position.
    pub inv: &'a [T],
    /// Entries above the diagonal blocks.
    pub up_val: &'a [T],
    pub x: &'a mut [[T; N]],
    /// One front's pivots; its pivots and rows below.
    pub y: &'a mut [[T; N]],
    pub z: &'a mut [[T; N]],
    pub is_transposed: bool,
}

impl<T: Dense, const N: usize> pulp::WithSimd for Solve<'_, T, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        if S::F64_LANES > 2 || cfg!(target_arch = "aarch64") { self.run::<true>() } else { self.run::<false>() }
    }
}

/// x -= a y, side by side.
#[inline(always)]
fn sub<T: Dense, const FMA: bool, const N: usize>(x: &mut [T; N], a: T, y: &[T; N]) {
    for j in 0..N {
        x[j] = x[j].msub::<FMA>(a, y[j]);
    }
}

/// z -= A y for K columns of A with stride `ld`.
#[inline(always)]
fn some<T: Dense, const FMA: bool, const N: usize, const K: usize>(a: &[T], ld: usize, y: &[[T; N]], z: &mut [[T; N]]) {
    let m = z.len();
    let mut column = [&a[..0]; K];
    let mut factor = [[T::ZERO; N]; K];
    for p in 0..K {
        column[p] = &a[p * ld..][..m];
        factor[p] = y[p];
    }
    for i in 0..m {
        let mut v = z[i];
        for p in 0..K {
            sub::<T, FMA, N>(&mut v, column[p][i], &factor[p]);
        }
        z[i] = v;
    }
}

/// z -= A y by columns of A, four at a time; A is m × k with stride `ld`.
#[inline(always)]
fn columns<T: Dense, const FMA: bool, const N: usize>(a: &[T], ld: usize, y: &[[T; N]], z: &mut [[T; N]]) {
    if z.is_empty() {
        return;
    }
    let k = y.len();
    let mut p = 0;
    while p + 4 <= k {
        some::<T, FMA, N, 4>(&a[p * ld..], ld, &y[p..], z);
        p += 4;
    }
    match k - p {
        3 => some::<T, FMA, N, 3>(&a[p * ld..], ld, &y[p..], z),
        2 => some::<T, FMA, N, 2>(&a[p * ld..], ld, &y[p..], z),
        1 => some::<T, FMA, N, 1>(&a[p * ld..], ld, &y[p..], z),
        _ => {}
    }
}

/// z[j] -= sum over i of A[i, j] y[i]; A is y.len() × z.len() with stride `ld`.
#[inline(always)]
fn dots<T: Dense, const FMA: bool, const N: usize>(a: &[T], ld: usize, y: &[[T; N]], z: &mut [[T; N]]) {
    let m = y.len();
    for (j, z) in z.iter_mut().enumerate() {
        let a = &a[j * ld..][..m];
        let mut sums = [[T::ZERO; N]; 4];
        let (ac, ar) = a.as_chunks::<4>();
        let (yc, yr) = y.as_chunks::<4>();
        for (a, y) in ac.iter().zip(yc) {
            for q in 0..4 {
                sub::<T, FMA, N>(&mut sums[q], a[q], &y[q]);
            }
        }
        for (&a, y) in ar.iter().zip(yr) {
            sub::<T, FMA, N>(&mut sums[0], a, y);
        }
        for w in 0..N {
            z[w] += (sums[0][w] + sums[1][w]) + (sums[2][w] + sums[3][w]);
        }
    }
}

impl<T: Dense, const N: usize> Solve<'_, T, N> {
    #[inline(always)]
    fn run<const FMA: bool>(mut self) {
        let blocks = self.tree.blocks.len() - 1;
        for b in 0..blocks {
            if self.is_transposed {
                self.above_transposed::<FMA>(b);
                for f in self.range(b) {
                    self.up_transposed::<FMA>(f);
                }
                for f in self.range(b).rev() {
                    self.down_transposed::<FMA>(f);
                }
            } else {
                let b = blocks - 1 - b;
                for f in self.range(b) {
                    self.up::<FMA>(f);
                }
                for f in self.range(b).rev() {
                    self.down::<FMA>(f);
                }
                self.above::<FMA>(b);
            }
        }
    }

    #[inline(always)]
    fn range(&self, b: usize) -> std::ops::Range<usize> {
        self.tree.blocks[b] as usize..self.tree.blocks[b + 1] as usize
    }

    #[inline(always)]
    fn up<const FMA: bool>(&mut self, f: usize) {
        let t = self.tree;
        let (s, r) = t.shape(f);
        let first = t.cols[f] as usize;
        let l = &self.lu[t.lu_ptr[f]..];
        let m = s + r;
        let rows = &t.rows[t.row_ptr[f]..t.row_ptr[f + 1]];
        // The whole column at once: pivots, then the rows below.
        let z = &mut self.z[..m];
        for (z, &p) in z.iter_mut().zip(&self.perm[first..first + s]) {
            *z = self.x[first + p as usize];
        }
        for (z, &i) in z[s..].iter_mut().zip(rows) {
            *z = self.x[i as usize];
        }
        for k in (0..s).step_by(4) {
            let end = (k + 4).min(s);
            let (head, rest) = z.split_at_mut(end);
            let head = &mut head[k..];
            for p in 0..end - k {
                let (done, next) = head.split_at_mut(p + 1);
                for (y, &a) in next.iter_mut().zip(&l[(k + p) * m + k + p + 1..]) {
                    sub::<T, FMA, N>(y, a, &done[p]);
                }
            }
            columns::<T, FMA, N>(&l[k * m + end..], m, head, rest);
        }
        self.x[first..first + s].copy_from_slice(&z[..s]);
        for (z, &i) in z[s..].iter().zip(rows) {
            self.x[i as usize] = *z;
        }
    }

    #[inline(always)]
    fn down<const FMA: bool>(&mut self, f: usize) {
        let t = self.tree;
        let (s, r) = t.shape(f);
        let first = t.cols[f] as usize;
        let l = &self.lu[t.lu_ptr[f]..t.lu_ptr[f + 1]];
        let m = s + r;
        let y = &mut self.y[..s];
        y.copy_from_slice(&self.x[first..first + s]);
        if r > 0 {
            let z = &mut self.z[..r];
            for (z, &i) in z.iter_mut().zip(&t.rows[t.row_ptr[f]..t.row_ptr[f + 1]]) {
                *z = self.x[i as usize];
            }
            columns::<T, FMA, N>(&l[s * m..], s, z, y);
        }
        let inv = &self.inv[first..first + s];
        let mut end = s;
        while end > 0 {
            let k = end.saturating_sub(4);
            let (rest, tail) = y[..end].split_at_mut(k);
            for p in (0..end - k).rev() {
                for v in &mut tail[p] {
                    *v *= inv[k + p];
                }
                let (before, done) = tail.split_at_mut(p);
                for (y, &a) in before.iter_mut().zip(&l[(k + p) * m + k..]) {
                    sub::<T, FMA, N>(y, a, &done[0]);
                }
            }
            columns::<T, FMA, N>(&l[k * m..], m, tail, rest);
            end = k;
        }
        self.x[first..first + s].copy_from_slice(y);
    }

    #[inline(always)]
    fn up_transposed<const FMA: bool>(&mut self, f: usize) {
        let t = self.tree;
        let (s, r) = t.shape(f);
        let first = t.cols[f] as usize;
        let l = &self.lu[t.lu_ptr[f]..t.lu_ptr[f + 1]];
        let m = s + r;
        let y = &mut self.x[first..first + s];
        for k in 0..s {
            let (done, rest) = y.split_at_mut(k);
            dots::<T, FMA, N>(&l[k * m..], m, done, &mut rest[..1]);
            for v in &mut y[k] {
                *v *= self.inv[first + k];
            }
        }
        if r > 0 {
            let rows = &t.rows[t.row_ptr[f]..t.row_ptr[f + 1]];
            let z = &mut self.z[..r];
            z.fill([T::ZERO; N]);
            dots::<T, FMA, N>(&l[s * m..], s, y, z);
            for (z, &i) in z.iter().zip(rows) {
                for (x, &v) in self.x[i as usize].iter_mut().zip(z) {
                    *x += v;
                }
            }
        }
    }

    #[inline(always)]
    fn down_transposed<const FMA: bool>(&mut self, f: usize) {
        let t = self.tree;
        let (s, r) = t.shape(f);
        let first = t.cols[f] as usize;
        let l = &self.lu[t.lu_ptr[f]..];
        let m = s + r;
        let y = &mut self.y[..s];
        y.copy_from_slice(&self.x[first..first + s]);
        if r > 0 {
            let z = &mut self.z[..r];
            for (z, &i) in z.iter_mut().zip(&t.rows[t.row_ptr[f]..t.row_ptr[f + 1]]) {
                *z = self.x[i as usize];
            }
            dots::<T, FMA, N>(&l[s..], m, z, y);
        }
        for k in (0..s).rev() {
            let (head, done) = y.split_at_mut(k + 1);
            dots::<T, FMA, N>(&l[k * m + k + 1..], m, done, &mut head[k..]);
        }
        for (y, &p) in y.iter().zip(&self.perm[first..]) {
            self.x[first + p as usize] = *y;
        }
    }

    /// Earlier blocks -= F x.
    #[inline(always)]
    fn above<const FMA: bool>(&mut self, b: usize) {
        let t = self.tree;
        for k in t.block_start[b] as usize..t.block_start[b + 1] as usize {
            let x = self.x[k];
            for p in t.up_ptr[k] as usize..t.up_ptr[k + 1] as usize {
                sub::<T, FMA, N>(&mut self.x[t.up_row[p] as usize], self.up_val[p], &x);
            }
        }
    }

    /// x -= Fᵀ earlier blocks.
    #[inline(always)]
    fn above_transposed<const FMA: bool>(&mut self, b: usize) {
        let t = self.tree;
        for k in t.block_start[b] as usize..t.block_start[b + 1] as usize {
            let mut x = self.x[k];
            for p in t.up_ptr[k] as usize..t.up_ptr[k + 1] as usize {
                sub::<T, FMA, N>(&mut x, self.up_val[p], &self.x[t.up_row[p] as usize]);
            }
            self.x[k] = x;
        }
    }
}
