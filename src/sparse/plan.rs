//! From the elimination's record to what `refactor` and `solve` walk through.
//!
//! ```text
//! val = [ pivots (n) | L by columns | U by rows | F by rows ]        F: what lies above the diagonal blocks
//! src: the slot behind every value, 0 where there is fill
//! targets: for every pivot j, every u_jk of its row, every l_ij of its column: where (i, k) lies in val
//! ```
//! With targets, eliminating a pivot is `val[t] -= l · u` down three lists, without a dense work vector to scatter into,
//! gather from and clear. They cost four bytes a multiplication, so a matrix that fills does without ([`Lu::is_listed`])
//! and is worth another kernel anyway.
//!
//! The factors are those of the matrix as given: scales are powers of two, so dividing them out again changes no digit,
//! and neither `refactor` nor `solve` has to multiply by them.
//!
//! A block of one column has no L; its part of F is kept as if it were its row of U. A run of such blocks is then one
//! backward substitution.

use super::lu::{Lu, Work};
use super::{Scalar, Symbolic};

/// Multiplications up to which a list of their targets is made, per entry of the factors.
const LISTED_PER_ENTRY: u64 = 24;
const LISTED: u64 = 1 << 25;

/// The row sums of U may grow by this before somebody looks at the growth itself.
pub(super) const SLACK: f64 = 16.0;

/// Positions that are solved in one go: a block, or a run of blocks of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub start: u32,
    pub end: u32,
    pub is_block: bool,
}

pub(super) fn segments(blocks: &[u32]) -> Vec<Segment> {
    let mut all: Vec<Segment> = vec![];
    for w in blocks.windows(2) {
        let is_block = w[1] - w[0] > 1;
        match all.last_mut() {
            Some(last) if !is_block && !last.is_block => last.end = w[1],
            _ => all.push(Segment { start: w[0], end: w[1], is_block }),
        }
    }
    all
}

fn set<T: Clone>(v: &mut Vec<T>, n: usize, x: T) {
    v.clear();
    v.resize(n, x);
}

impl<T: Scalar> Lu<T> {
    /// Lays out the factors that `work` holds. False when a value does not fit a number without its scales.
    pub(super) fn lay_out(&mut self, sym: &Symbolic, values: &[T]) -> bool {
        let n = sym.pattern.n();
        let Work { pos, row, scale, .. } = &self.work;
        for k in 0..n {
            let r = row[k] as usize;
            self.pivot_row[k] = sym.row_perm[r];
            self.row_scale[k] = scale[r];
        }
        // Patterns of L by columns and of U by columns, ascending.
        self.l_ptr.copy_from_slice(&self.work.l_ptr);
        self.l_idx.clear();
        self.l_idx.extend(self.work.l_idx.iter().map(|&i| pos[i as usize]));
        for w in self.l_ptr.windows(2) {
            self.l_idx[w[0] as usize..w[1] as usize].sort_unstable();
        }
        self.c_ptr.copy_from_slice(&self.work.u_ptr);
        self.c_row.clear();
        self.c_row.extend_from_slice(&self.work.u_idx);
        for w in self.c_ptr.windows(2) {
            self.c_row[w[0] as usize..w[1] as usize].sort_unstable();
        }
        self.transpose(sym);
        let (lu, f) = (n + self.l_idx.len() + self.u_idx.len(), self.f_idx.len());
        set(&mut self.val, lu + f, T::ZERO);
        set(&mut self.src, lu + f, 0);
        self.place(sym, values)
    }

    /// U and F by rows; `c_pos` becomes the position of every entry of U's columns.
    fn transpose(&mut self, sym: &Symbolic) {
        let n = sym.pattern.n();
        let pos = &self.work.pos;
        set(&mut self.alone, n, false);
        for w in sym.blocks.windows(2) {
            self.alone[w[0] as usize] = w[1] - w[0] == 1;
        }
        self.u_ptr.fill(0);
        self.f_ptr.fill(0);
        for &j in &self.c_row {
            self.u_ptr[j as usize + 1] += 1;
        }
        for &r in &sym.up_row {
            let r = pos[r as usize] as usize;
            let ptr = if self.alone[r] { &mut self.u_ptr } else { &mut self.f_ptr };
            ptr[r + 1] += 1;
        }
        for k in 0..n {
            self.u_ptr[k + 1] += self.u_ptr[k];
            self.f_ptr[k + 1] += self.f_ptr[k];
        }
        set(&mut self.u_idx, self.u_ptr[n] as usize, 0);
        set(&mut self.f_idx, self.f_ptr[n] as usize, 0);
        set(&mut self.c_pos, self.c_row.len(), 0);
        let u0 = (n + self.l_idx.len()) as u32;
        let next = &mut self.next;
        next.clear();
        next.extend_from_slice(&self.u_ptr[..n]);
        for k in 0..n {
            for p in self.c_ptr[k] as usize..self.c_ptr[k + 1] as usize {
                let at = &mut next[self.c_row[p] as usize];
                self.u_idx[*at as usize] = k as u32;
                self.c_pos[p] = u0 + *at;
                *at += 1;
            }
        }
    }

    /// Fills `src`, `val`, `fill`, `targets` and the limits of the monitor.
    fn place(&mut self, sym: &Symbolic, values: &[T]) -> bool {
        let n = sym.pattern.n();
        let (l0, u0) = (n, n + self.l_idx.len());
        let f0 = u0 + self.u_idx.len();
        // F, and the rows of blocks of one, in column order: both are filled from the front of their rows.
        self.next.clear();
        self.next.extend((0..n).map(|k| if self.alone[k] { self.u_ptr[k] } else { self.f_ptr[k] }));
        for k in 0..n {
            for p in sym.up_ptr[k] as usize..sym.up_ptr[k + 1] as usize {
                let r = self.work.pos[sym.up_row[p] as usize] as usize;
                let at = self.next[r] as usize;
                self.next[r] += 1;
                let (idx, base) = if self.alone[r] { (&mut self.u_idx, u0) } else { (&mut self.f_idx, f0) };
                idx[at] = k as u32;
                self.src[base + at] = sym.up_slot[p];
                self.val[base + at] = values[sym.up_slot[p] as usize];
            }
        }
        // Where each pivot's targets start; their number decides whether there are any.
        self.t_ptr.clear();
        self.t_ptr.push(0);
        let mut flops = 0;
        for j in 0..n {
            let l = u64::from(self.l_ptr[j + 1] - self.l_ptr[j]);
            let u = if l > 0 { u64::from(self.u_ptr[j + 1] - self.u_ptr[j]) } else { 0 };
            flops += l * u;
            self.t_ptr.push(flops.min(u64::from(u32::MAX)) as u32);
        }
        self.is_listed = flops <= LISTED.min(self.list_limit.saturating_mul(f0 as u64));
        set(&mut self.targets, if self.is_listed { flops as usize } else { 0 }, 0);

        // Column by column: `map` says where a row's entry of this column lies.
        let mut is_sound = true;
        let map = &mut self.map;
        for k in 0..n {
            let c = self.c_ptr[k] as usize..self.c_ptr[k + 1] as usize;
            let l = self.l_ptr[k] as usize..self.l_ptr[k + 1] as usize;
            for (&j, &at) in self.c_row[c.clone()].iter().zip(&self.c_pos[c.clone()]) {
                map[j as usize] = at;
            }
            map[k] = k as u32;
            for p in l {
                map[self.l_idx[p] as usize] = (l0 + p) as u32;
            }
            for p in sym.in_ptr[k] as usize..sym.in_ptr[k + 1] as usize {
                let row = self.work.pos[sym.in_row[p] as usize];
                self.in_pos[p] = row;
                self.src[map[row as usize] as usize] = sym.in_slot[p];
            }
            // u_jk = u'_jk / (r_j c_k), pivot = pivot' / (r_k c_k), l_ik = l'_ik r_k / r_i.
            let col = 1.0 / self.col_scale[k];
            for p in c.clone() {
                let (j, v) = (self.work.u_idx[p] as usize, self.work.u_val[p]);
                let v = v.times(col / self.row_scale[j]);
                is_sound &= v.mag().is_finite();
                self.val[map[j] as usize] = v;
            }
            let inv = self.work.inv[k].times(self.row_scale[k] * self.col_scale[k]);
            is_sound &= inv.mag().is_finite() && inv != T::ZERO;
            self.inv[k] = inv;
            self.val[k] = inv.recip();
            for p in self.work.l_ptr[k] as usize..self.work.l_ptr[k + 1] as usize {
                let i = self.work.pos[self.work.l_idx[p] as usize] as usize;
                let v = self.work.l_val[p].times(self.row_scale[k] / self.row_scale[i]);
                is_sound &= v.mag().is_finite();
                self.val[map[i] as usize] = v;
            }
            if self.is_listed {
                for p in c {
                    let j = self.c_row[p] as usize;
                    let l = self.l_ptr[j] as usize..self.l_ptr[j + 1] as usize;
                    let nth = self.c_pos[p] as usize - u0 - self.u_ptr[j] as usize;
                    let at = self.t_ptr[j] as usize + nth * l.len();
                    for (t, &i) in self.targets[at..].iter_mut().zip(&self.l_idx[l]) {
                        *t = map[i as usize];
                    }
                }
            }
        }
        self.fill.clear();
        self.fill.extend((0..f0 as u32).filter(|&p| self.src[p as usize] == 0));
        self.set_limits();
        is_sound
    }

    /// Sums of |L| by column and of |U| by row up to which nothing can be wrong (see `refactor`).
    fn set_limits(&mut self) {
        let n = self.inv.len();
        let u0 = n + self.l_idx.len();
        for k in 0..n {
            let l = self.l_ptr[k] as usize..self.l_ptr[k + 1] as usize;
            let u = self.u_ptr[k] as usize..self.u_ptr[k + 1] as usize;
            let widest = self.l_idx[l].iter().map(|&i| self.row_scale[i as usize]).fold(0.0, f64::max);
            self.l_limit[k] = self.row_scale[k] / (self.options.stale * widest);
            let natural = self.u_idx[u.clone()].iter().map(|&j| 1.0 / self.col_scale[j as usize]).fold(0.0, f64::max);
            let sum: f64 = self.val[u0 + u.start..u0 + u.end].iter().map(|v| v.mag()).sum();
            self.u_limit[k] = SLACK * sum.max(natural / self.row_scale[k]);
        }
    }

    /// Lists of targets for matrices that fill moderately; the tests set other limits.
    pub(super) const fn default_list_limit() -> u64 {
        LISTED_PER_ENTRY
    }
}
