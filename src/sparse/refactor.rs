//! New values, same pattern and pivots: the inner loop of every Newton iteration.
//!
//! ```text
//! listed:    val := matrix; for every pivot k:  L_k := val / u_kk;  for u_kj in row k, l_ik in L_k: val[target] -= l u
//! unlisted:  for every column k: x := column; for u_jk, j ascending: x -= u_jk · L_j; U, L_k := x
//! partial:   dirty columns only, by either rule; a dirty column j with an L_j makes all k with u_jk dirty
//! ```
//! Every entry receives its updates in ascending order of pivots by all three, so they give the same bits.
//!
//! **Monitor.** The frozen pivots have lost their right to be pivots when some |l|, equilibrated, exceeds 1 / `stale`,
//! when U has grown beyond `growth` times its column of the matrix (and beyond what fresh pivots allowed), when a pivot
//! is what rounding has left of the matrix entry at its place, or when anything is not finite. Exact tests need an
//! access per entry; the loops only add up magnitudes by column of L and by row of U and compare with limits below which
//! nothing can be wrong: the worst equilibration within the column for L, a few times the sum last found sound for U.
//! Beyond the limit of L its column is looked at entry by entry; beyond that of U, [`Lu::judge`] looks at everything and
//! either refuses or moves the limits.

use std::ops::Range;

use super::lu::Lu;
use super::plan::SLACK;
use super::{Scalar, Stale};

/// The exact test of L's column k: all |l|, equilibrated, are at most 1 / `stale`.
#[cold]
fn is_small<'a, T: Scalar>(
    mut column: impl Iterator<Item = (&'a u32, &'a T)>,
    row_scale: &[f64],
    k: usize,
    stale: f64,
) -> bool {
    column.all(|(&i, l)| l.mag() * (row_scale[i as usize] / row_scale[k]) * stale <= 1.0)
}

impl<T: Scalar> Lu<T> {
    pub(super) fn refactor_all(&mut self, values: &[T]) -> Result<(), Stale> {
        if !self.is_factored {
            return Err(Stale { column: 0, ratio: 0.0 });
        }
        let is_calm = if self.is_listed { self.run_listed(values) } else { self.run_unlisted(values) };
        self.finish(values, is_calm)
    }

    pub(super) fn refactor_some(&mut self, values: &[T], columns: &[u32]) -> Result<(), Stale> {
        if !self.is_factored {
            return Err(Stale { column: 0, ratio: 0.0 });
        }
        let is_calm = self.run_dirty(values, columns);
        self.finish(values, is_calm)
    }

    fn finish(&mut self, values: &[T], is_calm: bool) -> Result<(), Stale> {
        self.is_factored = is_calm && self.pivots_are_sound(values);
        if self.is_factored {
            return Ok(());
        }
        self.judge(values)?;
        self.is_factored = true;
        Ok(())
    }

    fn run_listed(&mut self, values: &[T]) -> bool {
        let n = self.inv.len();
        let val = &mut self.val[..];
        for (v, &s) in val.iter_mut().zip(&self.src) {
            *v = values[s as usize];
        }
        for &p in &self.fill {
            val[p as usize] = T::ZERO;
        }
        let mut is_calm = true;
        let (mut l, mut u) = (n, n + self.l_idx.len());
        let (l0, u0) = (l, u);
        let mut targets = &self.targets[..];
        let ends = self.l_ptr[1..].iter().zip(&self.u_ptr[1..]);
        let limits = self.l_limit.iter().zip(&self.u_limit);
        for (k, (((&l1, &u1), (&l_limit, &u_limit)), inv)) in ends.zip(limits).zip(&mut self.inv).enumerate() {
            let (l1, u1) = (l0 + l1 as usize, u0 + u1 as usize);
            let d = val[k].recip();
            *inv = d;
            let count = l1 - l;
            let (mut l_sum, mut u_sum) = (0.0, 0.0);
            match count {
                0 => {}
                1 => {
                    let a = val[l] * d;
                    val[l] = a;
                    l_sum = a.mag();
                    let (now, rest) = targets.split_at(u1 - u);
                    targets = rest;
                    for (p, &t) in (u..u1).zip(now) {
                        let f = val[p];
                        u_sum += f.mag();
                        val[t as usize] -= a * f;
                    }
                }
                2 => {
                    let (a, b) = (val[l] * d, val[l + 1] * d);
                    (val[l], val[l + 1]) = (a, b);
                    l_sum = a.mag() + b.mag();
                    let (now, rest) = targets.split_at(2 * (u1 - u));
                    targets = rest;
                    for (p, t) in (u..u1).zip(now.as_chunks::<2>().0) {
                        let f = val[p];
                        u_sum += f.mag();
                        val[t[0] as usize] -= a * f;
                        val[t[1] as usize] -= b * f;
                    }
                }
                3 => {
                    let (a, b, c) = (val[l] * d, val[l + 1] * d, val[l + 2] * d);
                    (val[l], val[l + 1], val[l + 2]) = (a, b, c);
                    l_sum = a.mag() + b.mag() + c.mag();
                    let (now, rest) = targets.split_at(3 * (u1 - u));
                    targets = rest;
                    for (p, t) in (u..u1).zip(now.as_chunks::<3>().0) {
                        let f = val[p];
                        u_sum += f.mag();
                        val[t[0] as usize] -= a * f;
                        val[t[1] as usize] -= b * f;
                        val[t[2] as usize] -= c * f;
                    }
                }
                _ => {
                    // A copy of L's column frees the loop below of aliases.
                    let column = &mut self.x[..count];
                    for (v, x) in val[l..l1].iter_mut().zip(&mut *column) {
                        let a = *v * d;
                        *v = a;
                        *x = a;
                        l_sum += a.mag();
                    }
                    let (now, rest) = targets.split_at(count * (u1 - u));
                    targets = rest;
                    for (p, t) in (u..u1).zip(now.chunks_exact(count)) {
                        let f = val[p];
                        u_sum += f.mag();
                        for (&t, &a) in t.iter().zip(&*column) {
                            val[t as usize] -= a * f;
                        }
                    }
                }
            }
            // False for NaN.
            is_calm &= u_sum <= u_limit;
            if !(l_sum <= l_limit) {
                let column = self.l_idx[l - l0..l1 - l0].iter().zip(&val[l..l1]);
                is_calm &= is_small(column, &self.row_scale, k, self.options.stale);
            }
            (l, u) = (l1, u1);
        }
        is_calm
    }

    fn run_unlisted(&mut self, values: &[T]) -> bool {
        self.load_above(values);
        self.x.fill(T::ZERO);
        let mut is_calm = true;
        for k in 0..self.inv.len() {
            is_calm &= self.column_unlisted(values, k);
        }
        is_calm
    }

    fn load_above(&mut self, values: &[T]) {
        let (u0, f0) = (self.inv.len() + self.l_idx.len(), self.val.len() - self.f_idx.len());
        let at = |k: u32| u0 + self.u_ptr[k as usize] as usize;
        let alone = self.segments.iter().filter(|s| !s.is_block).map(|s| at(s.start)..at(s.end));
        for range in alone.chain(std::iter::once(f0..self.val.len())) {
            for (v, &s) in self.val[range.clone()].iter_mut().zip(&self.src[range]) {
                *v = values[s as usize];
            }
        }
    }

    /// Column k by way of the work vector, which is zero before and after.
    fn column_unlisted(&mut self, values: &[T], k: usize) -> bool {
        let n = self.inv.len();
        let x = &mut self.x[..];
        let c = self.c_ptr[k] as usize..self.c_ptr[k + 1] as usize;
        let l = self.l_ptr[k] as usize..self.l_ptr[k + 1] as usize;
        let a = self.sym.in_ptr[k] as usize..self.sym.in_ptr[k + 1] as usize;
        for (&i, &s) in self.in_pos[a.clone()].iter().zip(&self.sym.in_slot[a]) {
            x[i as usize] = values[s as usize];
        }
        let mut is_calm = true;
        for (&j, &p) in self.c_row[c.clone()].iter().zip(&self.c_pos[c]) {
            let j = j as usize;
            let f = std::mem::take(&mut x[j]);
            self.val[p as usize] = f;
            let below = self.l_ptr[j] as usize..self.l_ptr[j + 1] as usize;
            is_calm &= f.mag() <= self.u_limit[j];
            for (&i, &a) in self.l_idx[below.clone()].iter().zip(&self.val[n + below.start..n + below.end]) {
                x[i as usize] -= a * f;
            }
        }
        let pivot = std::mem::take(&mut x[k]);
        self.val[k] = pivot;
        let d = pivot.recip();
        self.inv[k] = d;
        let mut sum = 0.0;
        for (&i, v) in self.l_idx[l.clone()].iter().zip(&mut self.val[n + l.start..n + l.end]) {
            *v = std::mem::take(&mut x[i as usize]) * d;
            sum += v.mag();
        }
        is_calm & (sum <= self.l_limit[k] || self.is_small(k))
    }

    /// Column k by way of the targets.
    fn column_listed(&mut self, values: &[T], k: usize) -> bool {
        let n = self.inv.len();
        let u0 = n + self.l_idx.len();
        let val = &mut self.val[..];
        let get = |s: u32| if s == 0 { T::ZERO } else { values[s as usize] };
        let c = self.c_ptr[k] as usize..self.c_ptr[k + 1] as usize;
        let l = n + self.l_ptr[k] as usize..n + self.l_ptr[k + 1] as usize;
        val[k] = get(self.src[k]);
        for (v, &s) in val[l.clone()].iter_mut().zip(&self.src[l.clone()]) {
            *v = get(s);
        }
        for &p in &self.c_pos[c.clone()] {
            val[p as usize] = get(self.src[p as usize]);
        }
        let mut is_calm = true;
        for (&j, &p) in self.c_row[c.clone()].iter().zip(&self.c_pos[c]) {
            let j = j as usize;
            let f = val[p as usize];
            is_calm &= f.mag() <= self.u_limit[j];
            let (a0, a1) = (n + self.l_ptr[j] as usize, n + self.l_ptr[j + 1] as usize);
            let nth = p as usize - u0 - self.u_ptr[j] as usize;
            let at = self.t_ptr[j] as usize + nth * (a1 - a0);
            for (a, &t) in (a0..a1).zip(&self.targets[at..]) {
                let a = val[a];
                val[t as usize] -= a * f;
            }
        }
        let d = val[k].recip();
        self.inv[k] = d;
        let mut sum = 0.0;
        for v in &mut val[l] {
            *v *= d;
            sum += v.mag();
        }
        is_calm & (sum <= self.l_limit[k] || self.is_small(k))
    }

    fn run_dirty(&mut self, values: &[T], columns: &[u32]) -> bool {
        self.dirty.fill(0);
        for &c in columns.iter().filter(|&&c| c > 0) {
            let k = self.col_pos[c as usize - 1];
            self.dirty[k as usize / 64] |= 1 << (k % 64);
        }
        self.load_above(values);
        if !self.is_listed {
            self.x.fill(T::ZERO);
        }
        let mut is_calm = true;
        for w in 0..self.dirty.len() {
            let mut done = 0u64;
            // The word gains bits while its columns are done, always above the current one.
            loop {
                let left = self.dirty[w] & !done;
                if left == 0 {
                    break;
                }
                let bit = left.trailing_zeros();
                done |= 1 << bit;
                let k = 64 * w + bit as usize;
                is_calm &= if self.is_listed { self.column_listed(values, k) } else { self.column_unlisted(values, k) };
                if self.l_ptr[k + 1] > self.l_ptr[k] {
                    for &j in &self.u_idx[self.u_ptr[k] as usize..self.u_ptr[k + 1] as usize] {
                        self.dirty[j as usize / 64] |= 1 << (j % 64);
                    }
                }
            }
        }
        is_calm
    }

    fn is_small(&self, k: usize) -> bool {
        let n = self.inv.len();
        let l = self.l_ptr[k] as usize..self.l_ptr[k + 1] as usize;
        let column = self.l_idx[l.clone()].iter().zip(&self.val[n + l.start..n + l.end]);
        is_small(column, &self.row_scale, k, self.options.stale)
    }

    /// All pivots are finite, have finite reciprocals and are more than rounding noise of the entries at their places.
    fn pivots_are_sound(&self, values: &[T]) -> bool {
        let mut is_sound = true;
        for ((&d, &inv), &s) in self.val.iter().zip(&self.inv).zip(&self.src) {
            let noise = if s == 0 { 0.0 } else { values[s as usize].mag() * self.options.rank_tol };
            is_sound &= (d.mag() > noise) & (d.mag() < f64::INFINITY) & (inv.mag() < f64::INFINITY);
        }
        for range in self.above() {
            for v in &self.val[range] {
                is_sound &= v.mag() < f64::INFINITY;
            }
        }
        is_sound
    }

    /// Where the values above the diagonal blocks are: F, and the rows of blocks of one.
    fn above(&self) -> impl Iterator<Item = Range<usize>> {
        let (u0, f0) = (self.inv.len() + self.l_idx.len(), self.val.len() - self.f_idx.len());
        let at = move |k: u32| u0 + self.u_ptr[k as usize] as usize;
        let alone = self.segments.iter().filter(|s| !s.is_block).map(move |s| at(s.start)..at(s.end));
        alone.chain(std::iter::once(f0..self.val.len()))
    }

    /// The exact tests, column by column; new limits when all is well.
    #[cold]
    fn judge(&mut self, values: &[T]) -> Result<(), Stale> {
        let n = self.inv.len();
        let Self { sym, options, val, inv, src, row_scale, .. } = &*self;
        for k in 0..n {
            let stale = |ratio: f64| Stale { column: sym.col_perm[k] + 1, ratio };
            let d = val[k].mag();
            let noise = if src[k] == 0 { 0.0 } else { values[src[k] as usize].mag() * options.rank_tol };
            if !(d > noise && d < f64::INFINITY && inv[k].mag() < f64::INFINITY) {
                return Err(stale(0.0));
            }
            let l = self.l_ptr[k] as usize..self.l_ptr[k + 1] as usize;
            for (&i, v) in self.l_idx[l.clone()].iter().zip(&val[n + l.start..n + l.end]) {
                let m = v.mag() * (row_scale[i as usize] / row_scale[k]);
                if !(m * options.stale <= 1.0) {
                    return Err(stale(if m > 0.0 { 1.0 / m } else { 0.0 }));
                }
            }
            let growth = self.column_growth(values, k);
            if !(growth <= self.growth_limit) {
                return Err(stale(1.0 / growth));
            }
        }
        for (at, v) in self.above().flat_map(|r| r.clone().zip(&val[r])) {
            if !(v.mag() < f64::INFINITY) {
                let (u0, f0) = (n + self.l_idx.len(), val.len() - self.f_idx.len());
                let k = if at < f0 { self.u_idx[at - u0] } else { self.f_idx[at - f0] };
                return Err(Stale { column: sym.col_perm[k as usize] + 1, ratio: 0.0 });
            }
        }
        let u0 = n + self.l_idx.len();
        for k in 0..n {
            let u = u0 + self.u_ptr[k] as usize..u0 + self.u_ptr[k + 1] as usize;
            let sum: f64 = self.val[u].iter().map(|v| v.mag()).sum();
            self.u_limit[k] = self.u_limit[k].max(SLACK * sum);
        }
        Ok(())
    }
}
