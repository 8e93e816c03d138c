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
use super::plan::{SLACK, Segment, segments};
use super::scale::equilibrate;
use super::{Cause, Kernel, Options, Scalar, Singular, Stale, Stats, Symbolic};

/// Factors of a matrix: `P A Q = L U + F`, block by block; unit lower L by columns, upper U and F by rows (`plan` says
/// how they lie in memory).
#[derive(Clone, Debug)]
pub struct Lu<T> {
    pub(super) sym: Arc<Symbolic>,
    pub(super) options: Options,
    pub(super) is_factored: bool,
    pub(super) stats: Stats,
    pub(super) segments: Vec<Segment>,
    /// Pivot position → row index of the pattern.
    pub(super) pivot_row: Vec<u32>,
    /// Scales by pivot and column position. Pivots are chosen among scaled values; the factors are unscaled.
    pub(super) row_scale: Vec<f64>,
    pub(super) col_scale: Vec<f64>,
    /// Pivots, L, U, F, and the slot behind every value (0: fill). The fill again, ascending.
    pub(super) val: Vec<T>,
    pub(super) src: Vec<u32>,
    pub(super) fill: Vec<u32>,
    /// Pivot positions of the rows of the matrix's entries within the blocks; slots are in `sym`.
    pub(super) in_pos: Vec<u32>,
    /// 1 / pivot.
    pub(super) inv: Vec<T>,
    /// Patterns; all indices are pivot positions, ascending.
    pub(super) l_ptr: Vec<u32>,
    pub(super) l_idx: Vec<u32>,
    pub(super) u_ptr: Vec<u32>,
    pub(super) u_idx: Vec<u32>,
    pub(super) f_ptr: Vec<u32>,
    pub(super) f_idx: Vec<u32>,
    /// U by columns: rows, and where the values are.
    pub(super) c_ptr: Vec<u32>,
    pub(super) c_row: Vec<u32>,
    pub(super) c_pos: Vec<u32>,
    pub(super) is_listed: bool,
    pub(super) list_limit: u64,
    /// Start of every pivot's targets; the targets.
    pub(super) t_ptr: Vec<u32>,
    pub(super) targets: Vec<u32>,
    pub(super) l_limit: Vec<f64>,
    pub(super) u_limit: Vec<f64>,
    /// Growth that is refused: never what fresh pivots could not avoid.
    pub(super) growth_limit: f64,
    /// Dense work vector of one or more numbers per unknown. All zero before `factor`; else anything.
    pub(super) x: Vec<T>,
    /// Columns that a partial refactorisation has to do again, one bit each.
    pub(super) dirty: Vec<u64>,
    /// Column index of the pattern → position.
    pub(super) col_pos: Vec<u32>,
    /// Scratch of `lay_out`.
    pub(super) alone: Vec<bool>,
    pub(super) next: Vec<u32>,
    pub(super) map: Vec<u32>,
    pub(super) work: Work<T>,
}

/// Work space of `factor`.
#[derive(Clone, Debug, Default)]
pub(super) struct Work<T> {
    /// Scaled columns of L, rows as row positions, and of U, rows as pivot positions; in order of discovery.
    pub l_ptr: Vec<u32>,
    pub l_idx: Vec<u32>,
    pub l_val: Vec<T>,
    pub u_ptr: Vec<u32>,
    pub u_idx: Vec<u32>,
    pub u_val: Vec<T>,
    pub inv: Vec<T>,
    /// Row position → pivot position.
    pub pos: Vec<u32>,
    /// Pivot position → row position.
    pub row: Vec<u32>,
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
    /// Row position → scale.
    pub scale: Vec<f64>,
    max: Vec<f64>,
}

impl<T: Scalar> Lu<T> {
    pub fn new(sym: Arc<Symbolic>, options: Options) -> Self {
        let n = sym.pattern.n();
        let stats = Stats { unknowns: n, nnz: sym.pattern.nnz(), blocks: sym.block_count(), ..Stats::default() };
        let mut col_pos = vec![0; n];
        for (k, &c) in sym.col_perm.iter().enumerate() {
            col_pos[c as usize] = k as u32;
        }
        Lu {
            options,
            is_factored: false,
            stats,
            segments: segments(&sym.blocks),
            pivot_row: vec![0; n],
            row_scale: vec![1.0; n],
            col_scale: vec![1.0; n],
            val: vec![],
            src: vec![],
            fill: vec![],
            in_pos: vec![0; sym.in_row.len()],
            inv: vec![T::ZERO; n],
            l_ptr: vec![0; n + 1],
            l_idx: vec![],
            u_ptr: vec![0; n + 1],
            u_idx: vec![],
            f_ptr: vec![0; n + 1],
            f_idx: vec![],
            c_ptr: vec![0; n + 1],
            c_row: vec![],
            c_pos: vec![],
            is_listed: false,
            list_limit: Self::default_list_limit(),
            t_ptr: vec![],
            targets: vec![],
            l_limit: vec![0.0; n],
            u_limit: vec![0.0; n],
            growth_limit: options.growth,
            x: vec![T::ZERO; n],
            dirty: vec![0; n.div_ceil(64)],
            col_pos,
            alone: vec![],
            next: vec![],
            map: vec![0; n],
            work: Work::default(),
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
        self.x.fill(T::ZERO);
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
        if !self.lay_out(&sym, values) {
            // Numbers beyond 1e±308 once their scales are gone.
            let smallest = |k: &usize| self.work.inv[*k].mag().recip() / (self.row_scale[*k] * self.col_scale[*k]);
            let k = (0..n).min_by(|a, b| smallest(a).total_cmp(&smallest(b))).unwrap_or(0);
            let (column, row) = (sym.col_perm[k] + 1, self.pivot_row[k] + 1);
            return Err(Singular { cause: Cause::Numerical, column, row, floating: vec![column] });
        }
        self.stats.flops = flops + n as u64;
        self.stats.factor_nnz = self.val.len();
        self.growth_limit = self.options.growth.max(SLACK * self.pivot_growth(values));
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
            w.stack.push((j, w.l_ptr[j as usize]));
            'search: while let Some(&(j, from)) = w.stack.last() {
                let mut p = from;
                while p < w.end[j as usize] {
                    let r = w.l_idx[p as usize] as usize;
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
                            w.stack.push((next, w.l_ptr[next as usize]));
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
            w.u_idx.push(j);
            w.u_val.push(u);
            let col = w.l_ptr[j as usize] as usize..w.l_ptr[j as usize + 1] as usize;
            flops += col.len() as u64;
            if u == T::ZERO {
                continue;
            }
            for (&r, &l) in w.l_idx[col.clone()].iter().zip(&w.l_val[col]) {
                let t = l * u;
                self.x[r as usize] -= t;
                w.bound[r as usize] += t.mag();
            }
        }
        w.u_ptr[k + 1] = w.u_idx.len() as u32;
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
        w.inv[k] = inv;
        w.pos[pivot] = k as u32;
        w.row[k] = pivot as u32;
        for &i in &w.below {
            if i as usize != pivot {
                w.l_idx.push(i);
                w.l_val.push(std::mem::replace(&mut self.x[i as usize], T::ZERO) * inv);
                w.bound[i as usize] = 0.0;
            }
        }
        w.l_ptr[k + 1] = w.l_idx.len() as u32;
        w.end[k] = w.l_ptr[k + 1];
        // The column whose diagonal was taken gets this one's.
        let d = w.diagonal[k];
        if d as usize != pivot {
            let other = w.column[pivot];
            w.diagonal[other as usize] = d;
            w.column[d as usize] = other;
            w.diagonal[k] = pivot as u32;
            w.column[pivot] = k as u32;
        }
        u64::from(w.l_ptr[k + 1] - w.l_ptr[k])
    }

    fn prune(&mut self, k: usize, pivot: usize) {
        let w = &mut self.work;
        for &j in &w.topo {
            let j = j as usize;
            let col = w.l_ptr[j] as usize..w.l_ptr[j + 1] as usize;
            if w.is_pruned[j] || !w.l_idx[col.clone()].contains(&(pivot as u32)) {
                continue;
            }
            let (mut head, mut tail) = (col.start, col.end);
            while head < tail {
                if w.pos[w.l_idx[head] as usize] == NONE {
                    tail -= 1;
                    w.l_idx.swap(head, tail);
                    w.l_val.swap(head, tail);
                } else {
                    head += 1;
                }
            }
            w.end[j] = head as u32;
            w.is_pruned[j] = true;
        }
        debug_assert_eq!(w.pos[pivot], k as u32);
    }

    /// Column k has no pivot: its null vector says which unknowns float, and the work space is cleared.
    fn singular(&mut self, k: usize) -> Singular {
        let sym = self.sym.clone();
        let start = sym.blocks[sym.blocks.partition_point(|&s| s as usize <= k) - 1] as usize;
        self.x.fill(T::ZERO);
        self.work.bound.fill(0.0);
        // U₁₁ y = −u_k, y_k = 1.
        let column = |k: usize| self.work.u_ptr[k] as usize..self.work.u_ptr[k + 1] as usize;
        for p in column(k) {
            self.x[self.work.u_idx[p] as usize] = -self.work.u_val[p];
        }
        let unknown = |k: usize| sym.col_perm[k] + 1;
        let mut support = vec![(self.col_scale[k], unknown(k))];
        for j in (start..k).rev() {
            let y = self.x[j] * self.work.inv[j];
            for p in column(j) {
                self.x[self.work.u_idx[p] as usize] -= self.work.u_val[p] * y;
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

impl<T: Scalar> Work<T> {
    fn reset(&mut self, n: usize) {
        for v in [&mut self.l_ptr, &mut self.u_ptr] {
            v.clear();
            v.resize(n + 1, 0);
        }
        self.l_idx.clear();
        self.l_val.clear();
        self.u_idx.clear();
        self.u_val.clear();
        self.inv.clear();
        self.inv.resize(n, T::ZERO);
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

    fn refactor_columns(&mut self, values: &[T], columns: &[u32]) -> Result<(), Stale> {
        self.refactor_some(values, columns)?;
        self.stats.refactored += 1;
        Ok(())
    }

    fn solve(&mut self, rhs: &mut [T]) {
        self.stats.solved += 1;
        self.solve_lanes::<1>(rhs);
    }

    fn solve_transposed(&mut self, rhs: &mut [T]) {
        self.stats.solved += 1;
        self.solve_lanes_transposed::<1>(rhs);
    }

    fn solve_many(&mut self, rhs: &mut [T]) {
        let n = self.sym.pattern.n();
        if n == 0 {
            return;
        }
        self.stats.solved += (rhs.len() / n) as u64;
        let mut fours = rhs.chunks_exact_mut(4 * n);
        for four in &mut fours {
            self.solve_lanes::<4>(four);
        }
        for one in fours.into_remainder().chunks_exact_mut(n) {
            self.solve_lanes::<1>(one);
        }
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
