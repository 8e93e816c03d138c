//! Left-looking LU on the block triangular form (J. R. Gilbert, T. Peierls, "Sparse partial pivoting in time
//! proportional to arithmetic operations", SIAM J. Sci. Stat. Comput. 9, 1988; T. A. Davis, E. Palamadai Natarajan,
//! "Algorithm 907: KLU", ACM TOMS 37, 2010).
//!
//! ```text
//! for every block, for every column k of it:
//!     reach: rows that L's columns can touch from the column's entries, depth first, over pruned columns
//!     x := scaled column; for j in topological order of the reach: u_jk := x_j; x -= u_jk · L_j
//!     pivot: the diagonal if |x_d| ≥ pivrel · max |x_i|, else the largest; noise counts as zero
//!     L_k := x / pivot
//!     prune: columns j with both u_jk and l_kj need show later searches their pivotal rows only
//!            (S. C. Eisenstat, J. W. H. Liu, SIAM J. Matrix Anal. Appl. 13, 1992)
//! ```
//! A candidate is noise when it is at most `rank_tol` times the sum of the magnitudes it was computed from: the
//! running error bound of its own subtraction.

use std::sync::Arc;

use super::block::NONE;
use super::scale::equilibrate;
use super::{Cause, Kernel, Options, Scalar, Singular, Stale, Stats, Symbolic};

/// Factors of a matrix: `B = P R A C Q` block by block, with unit lower L and upper U.
#[derive(Clone, Debug)]
pub struct Lu<T> {
    pub(super) sym: Arc<Symbolic>,
    pub(super) options: Options,
    pub(super) is_factored: bool,
    pub(super) stats: Stats,
    /// Pivot position → row index of the pattern.
    pub(super) pivot_row: Vec<u32>,
    /// Scales by row and column position.
    pub(super) row_scale: Vec<f64>,
    pub(super) col_scale: Vec<f64>,
    /// Entries of the blocks in elimination order: pivot position and scale factor (slots are in `sym`).
    pub(super) in_pos: Vec<u32>,
    pub(super) in_scale: Vec<f64>,
    /// Entries above the blocks.
    pub(super) up_pos: Vec<u32>,
    pub(super) up_scale: Vec<f64>,
    pub(super) up_val: Vec<T>,
    /// Columns of L below, and of U above the diagonal; row indices are pivot positions, ascending.
    pub(super) l_ptr: Vec<u32>,
    pub(super) l_idx: Vec<u32>,
    pub(super) l_val: Vec<T>,
    pub(super) u_ptr: Vec<u32>,
    pub(super) u_idx: Vec<u32>,
    pub(super) u_val: Vec<T>,
    /// 1 / pivot.
    pub(super) inv: Vec<T>,
    /// Dense work vector, all zero between calls of factor and refactor.
    pub(super) x: Vec<T>,
    work: Work,
    pairs: Vec<(u32, T)>,
}

/// Work space of `factor`.
#[derive(Clone, Debug, Default)]
struct Work {
    /// Row position → pivot position.
    pos: Vec<u32>,
    /// Pivot position → row position.
    row: Vec<u32>,
    /// Column position → the row position that is its diagonal now, and back.
    diagonal: Vec<u32>,
    column: Vec<u32>,
    /// The column whose search met the row last.
    seen: Vec<u32>,
    /// End of the part of an L column that searches look at.
    end: Vec<u32>,
    is_pruned: Vec<bool>,
    stack: Vec<(u32, u32)>,
    topo: Vec<u32>,
    below: Vec<u32>,
    /// Sum of magnitudes behind each component of x.
    bound: Vec<f64>,
    scale: Vec<f64>,
    max: Vec<f64>,
}

impl<T: Scalar> Lu<T> {
    pub fn new(sym: Arc<Symbolic>, options: Options) -> Self {
        let n = sym.pattern.n();
        let stats = Stats { unknowns: n, nnz: sym.pattern.nnz(), blocks: sym.block_count(), ..Stats::default() };
        Lu {
            options,
            is_factored: false,
            stats,
            pivot_row: vec![0; n],
            row_scale: vec![1.0; n],
            col_scale: vec![1.0; n],
            in_pos: vec![0; sym.in_row.len()],
            in_scale: vec![1.0; sym.in_row.len()],
            up_pos: vec![0; sym.up_row.len()],
            up_scale: vec![1.0; sym.up_row.len()],
            up_val: vec![T::ZERO; sym.up_row.len()],
            l_ptr: vec![0; n + 1],
            l_idx: vec![],
            l_val: vec![],
            u_ptr: vec![0; n + 1],
            u_idx: vec![],
            u_val: vec![],
            inv: vec![T::ZERO; n],
            x: vec![T::ZERO; n],
            work: Work::default(),
            pairs: vec![],
            sym,
        }
    }

    pub fn symbolic(&self) -> &Arc<Symbolic> {
        &self.sym
    }

    fn factor_all(&mut self, values: &[T]) -> Result<(), Singular> {
        let sym = self.sym.clone();
        let n = sym.pattern.n();
        self.is_factored = false;
        self.find_infinite(values)?;
        self.work.reset(n);
        self.l_idx.clear();
        self.l_val.clear();
        self.u_idx.clear();
        self.u_val.clear();
        self.rescale(values);
        let mut flops = 0;
        for w in sym.blocks.windows(2) {
            for k in w[0] as usize..w[1] as usize {
                self.reach(&sym, k);
                flops += self.eliminate(&sym, values, k);
                let pivot = self.choose(k)?;
                flops += self.store(k, pivot);
                self.prune(k, pivot);
            }
        }
        self.arrange(&sym, values);
        self.stats.flops = flops + n as u64;
        self.stats.factor_nnz = n + self.l_idx.len() + self.u_idx.len() + self.up_val.len();
        self.is_factored = true;
        Ok(())
    }

    fn find_infinite(&self, values: &[T]) -> Result<(), Singular> {
        let bad = self.sym.pattern.entries().find(|e| !values[e.2 as usize].mag().is_finite());
        match bad {
            None => Ok(()),
            Some((row, column, _)) => Err(Singular { cause: Cause::NotFinite, column, row, floating: vec![column] }),
        }
    }

    /// Scales by position: `work.scale` holds rows by row position, `col_scale` columns by column position.
    fn rescale(&mut self, values: &[T]) {
        let sym = &self.sym;
        let n = sym.pattern.n();
        self.work.scale.resize(n, 1.0);
        self.work.max.resize(2 * n, 0.0);
        if !self.options.equilibrate {
            self.work.scale.fill(1.0);
            self.col_scale.fill(1.0);
            return;
        }
        // Row scales land in `row_scale` by row index first.
        let (row, col) = (&mut self.row_scale, &mut self.col_scale);
        equilibrate(&sym.pattern, values, row, col, &mut self.work.max);
        for (to, &r) in self.work.scale.iter_mut().zip(&sym.row_perm) {
            *to = row[r as usize];
        }
        for (to, &c) in self.work.max.iter_mut().zip(&sym.col_perm) {
            *to = col[c as usize];
        }
        col.copy_from_slice(&self.work.max[..n]);
    }

    /// Finds the pattern of column k: `topo` (pivotal columns, dependents first) and `below` (rows without pivot yet).
    fn reach(&mut self, sym: &Symbolic, k: usize) {
        let w = &mut self.work;
        w.topo.clear();
        w.below.clear();
        let stamp = k as u32;
        for &i in &sym.in_row[sym.in_ptr[k] as usize..sym.in_ptr[k + 1] as usize] {
            if w.seen[i as usize] == stamp {
                continue;
            }
            w.seen[i as usize] = stamp;
            let j = w.pos[i as usize];
            if j == NONE {
                w.below.push(i);
                continue;
            }
            w.stack.push((j, self.l_ptr[j as usize]));
            'search: while let Some(&(j, from)) = w.stack.last() {
                let mut p = from;
                while p < w.end[j as usize] {
                    let r = self.l_idx[p as usize] as usize;
                    p += 1;
                    if w.seen[r] != stamp {
                        w.seen[r] = stamp;
                        let next = w.pos[r];
                        if next == NONE {
                            w.below.push(r as u32);
                        } else {
                            if let Some(top) = w.stack.last_mut() {
                                top.1 = p;
                            }
                            w.stack.push((next, self.l_ptr[next as usize]));
                            continue 'search;
                        }
                    }
                }
                w.topo.push(j);
                w.stack.pop();
            }
        }
    }

    /// Solves for column k with the columns of L so far; appends to U. Returns multiplications.
    fn eliminate(&mut self, sym: &Symbolic, values: &[T], k: usize) -> u64 {
        let w = &mut self.work;
        let range = sym.in_ptr[k] as usize..sym.in_ptr[k + 1] as usize;
        for (&i, &slot) in sym.in_row[range.clone()].iter().zip(&sym.in_slot[range]) {
            let v = values[slot as usize].times(w.scale[i as usize]).times(self.col_scale[k]);
            self.x[i as usize] = v;
            w.bound[i as usize] = v.mag();
        }
        let mut flops = 0;
        for &j in w.topo.iter().rev() {
            let i = w.row[j as usize] as usize;
            let u = std::mem::replace(&mut self.x[i], T::ZERO);
            w.bound[i] = 0.0;
            self.u_idx.push(j);
            self.u_val.push(u);
            let col = self.l_ptr[j as usize] as usize..self.l_ptr[j as usize + 1] as usize;
            flops += col.len() as u64;
            if u == T::ZERO {
                continue;
            }
            for (&r, &l) in self.l_idx[col.clone()].iter().zip(&self.l_val[col]) {
                let t = l * u;
                self.x[r as usize] -= t;
                w.bound[r as usize] += t.mag();
            }
        }
        self.u_ptr[k + 1] = self.u_idx.len() as u32;
        flops
    }

    /// The row position of column k's pivot.
    fn choose(&mut self, k: usize) -> Result<usize, Singular> {
        let w = &self.work;
        let size = |i: usize| {
            let m = self.x[i].mag();
            let is_noise = m <= self.options.rank_tol * w.bound[i]
                || (self.options.pivtol > 0.0 && m <= self.options.pivtol * w.scale[i] * self.col_scale[k]);
            if is_noise { 0.0 } else { m }
        };
        let (mut best, mut max) = (NONE, 0.0);
        for &i in &w.below {
            let m = size(i as usize);
            if m > max {
                (best, max) = (i, m);
            }
        }
        let d = w.diagonal[k] as usize;
        if w.seen[d] == k as u32 && w.pos[d] == NONE {
            let m = size(d);
            if m > 0.0 && m >= self.options.pivrel * max {
                return Ok(d);
            }
        }
        // Products may overflow although every entry is finite.
        if best == NONE || !max.is_finite() {
            return Err(self.singular(k));
        }
        Ok(best as usize)
    }

    /// Appends column k of L and notes its pivot. Returns divisions.
    fn store(&mut self, k: usize, pivot: usize) -> u64 {
        let w = &mut self.work;
        let inv = std::mem::replace(&mut self.x[pivot], T::ZERO).recip();
        w.bound[pivot] = 0.0;
        self.inv[k] = inv;
        w.pos[pivot] = k as u32;
        w.row[k] = pivot as u32;
        for &i in &w.below {
            if i as usize != pivot {
                self.l_idx.push(i);
                self.l_val.push(std::mem::replace(&mut self.x[i as usize], T::ZERO) * inv);
                w.bound[i as usize] = 0.0;
            }
        }
        self.l_ptr[k + 1] = self.l_idx.len() as u32;
        w.end[k] = self.l_ptr[k + 1];
        // The column whose diagonal was taken gets this one's.
        let d = w.diagonal[k];
        if d as usize != pivot {
            let other = w.column[pivot];
            w.diagonal[other as usize] = d;
            w.column[d as usize] = other;
            w.diagonal[k] = pivot as u32;
            w.column[pivot] = k as u32;
        }
        u64::from(self.l_ptr[k + 1] - self.l_ptr[k])
    }

    fn prune(&mut self, k: usize, pivot: usize) {
        let w = &mut self.work;
        for &j in &w.topo {
            let j = j as usize;
            let col = self.l_ptr[j] as usize..self.l_ptr[j + 1] as usize;
            if w.is_pruned[j] || !self.l_idx[col.clone()].contains(&(pivot as u32)) {
                continue;
            }
            let (mut head, mut tail) = (col.start, col.end);
            while head < tail {
                if w.pos[self.l_idx[head] as usize] == NONE {
                    tail -= 1;
                    self.l_idx.swap(head, tail);
                    self.l_val.swap(head, tail);
                } else {
                    head += 1;
                }
            }
            w.end[j] = head as u32;
            w.is_pruned[j] = true;
        }
        debug_assert_eq!(w.pos[pivot], k as u32);
    }

    /// Turns row positions into pivot positions everywhere and lays the matrix out for `refactor` and `solve`.
    fn arrange(&mut self, sym: &Symbolic, values: &[T]) {
        let n = sym.pattern.n();
        let w = &self.work;
        for i in &mut self.l_idx {
            *i = w.pos[*i as usize];
        }
        sort_columns(&self.l_ptr, &mut self.l_idx, &mut self.l_val, &mut self.pairs);
        sort_columns(&self.u_ptr, &mut self.u_idx, &mut self.u_val, &mut self.pairs);
        for k in 0..n {
            let row = w.row[k] as usize;
            self.pivot_row[k] = sym.row_perm[row];
            self.row_scale[k] = w.scale[row];
        }
        for k in 0..n {
            let cs = self.col_scale[k];
            for p in sym.in_ptr[k] as usize..sym.in_ptr[k + 1] as usize {
                let row = sym.in_row[p] as usize;
                self.in_pos[p] = w.pos[row];
                self.in_scale[p] = w.scale[row] * cs;
            }
            for p in sym.up_ptr[k] as usize..sym.up_ptr[k + 1] as usize {
                let row = sym.up_row[p] as usize;
                self.up_pos[p] = w.pos[row];
                self.up_scale[p] = w.scale[row] * cs;
                self.up_val[p] = values[sym.up_slot[p] as usize].times(self.up_scale[p]);
            }
        }
    }

    /// Column k has no pivot: its null vector says which unknowns float, and the work space is cleared.
    fn singular(&mut self, k: usize) -> Singular {
        let sym = self.sym.clone();
        let start = sym.blocks[sym.blocks.partition_point(|&s| s as usize <= k) - 1] as usize;
        self.x.fill(T::ZERO);
        self.work.bound.fill(0.0);
        // U₁₁ y = −u_k, y_k = 1.
        let column = |k: usize| self.u_ptr[k] as usize..self.u_ptr[k + 1] as usize;
        for p in column(k) {
            self.x[self.u_idx[p] as usize] = -self.u_val[p];
        }
        let unknown = |k: usize| sym.col_perm[k] + 1;
        let mut support = vec![(self.col_scale[k], unknown(k))];
        for j in (start..k).rev() {
            let y = self.x[j] * self.inv[j];
            for p in column(j) {
                self.x[self.u_idx[p] as usize] -= self.u_val[p] * y;
            }
            support.push((y.mag() * self.col_scale[j], unknown(j)));
        }
        self.x.fill(T::ZERO);
        let max = support.iter().map(|s| s.0).fold(0.0, f64::max);
        support.retain(|s| s.0 > 1e-6 * max || s.1 == unknown(k));
        support.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        support.truncate(16);
        let mut floating: Vec<u32> = support.into_iter().map(|s| s.1).collect();
        if !floating.contains(&unknown(k)) {
            floating.truncate(15);
            floating.push(unknown(k));
        }
        let row = sym.row_perm[self.work.diagonal[k] as usize] + 1;
        Singular { cause: Cause::Numerical, column: unknown(k), row, floating }
    }
}

impl Work {
    fn reset(&mut self, n: usize) {
        let fill = |v: &mut Vec<u32>, x: u32| {
            v.clear();
            v.resize(n, x);
        };
        fill(&mut self.pos, NONE);
        fill(&mut self.row, NONE);
        fill(&mut self.seen, NONE);
        fill(&mut self.end, 0);
        for v in [&mut self.diagonal, &mut self.column] {
            v.clear();
            v.extend(0..n as u32);
        }
        self.is_pruned.clear();
        self.is_pruned.resize(n, false);
        self.bound.clear();
        self.bound.resize(n, 0.0);
        self.stack.clear();
    }
}

/// Sorts the rows of every column.
fn sort_columns<T: Scalar>(ptr: &[u32], idx: &mut [u32], val: &mut [T], pairs: &mut Vec<(u32, T)>) {
    for w in ptr.windows(2) {
        let range = w[0] as usize..w[1] as usize;
        let (i, v) = (&mut idx[range.clone()], &mut val[range]);
        if i.is_sorted() {
            continue;
        }
        pairs.clear();
        pairs.extend(i.iter().copied().zip(v.iter().copied()));
        pairs.sort_unstable_by_key(|p| p.0);
        for ((i, v), p) in i.iter_mut().zip(v).zip(&*pairs) {
            (*i, *v) = *p;
        }
    }
}

impl<T: Scalar> Kernel<T> for Lu<T> {
    fn factor(&mut self, values: &[T]) -> Result<(), Singular> {
        self.stats.factored += 1;
        self.factor_all(values)
    }

    fn refactor(&mut self, values: &[T]) -> Result<(), Stale> {
        self.refactor_all(values)?;
        self.stats.refactored += 1;
        Ok(())
    }

    fn solve(&mut self, rhs: &mut [T]) {
        self.stats.solved += 1;
        self.solve_all(rhs);
    }

    fn solve_transposed(&mut self, rhs: &mut [T]) {
        self.stats.solved += 1;
        self.solve_all_transposed(rhs);
    }

    fn is_factored(&self) -> bool {
        self.is_factored
    }

    fn stats(&self) -> Stats {
        self.stats
    }

    fn name(&self) -> &'static str {
        "lu"
    }

    fn clone_box(&self) -> Box<dyn Kernel<T>> {
        Box::new(self.clone())
    }
}
