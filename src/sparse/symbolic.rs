//! What depends on the pattern alone: blocks, fill-reducing order within them, and the matrix rearranged.
//!
//! Each diagonal block is ordered by approximate minimum degree on A + Aᵀ (Amestoy, Davis, Duff, SIAM J. Matrix Anal.
//! Appl. 17, 1996; faer's implementation). With B = A(row_perm, col_perm), the matched entries are B's diagonal and
//! everything lies in diagonal blocks or above them.

use std::sync::Arc;

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::sparse::SymbolicSparseColMatRef;
use faer::sparse::linalg::amd;

use super::block::{components, transversal};
use super::{Pattern, Singular};

/// Blocks and order of a pattern; shared by all factors of matrices with it.
#[derive(Clone, Debug)]
pub struct Symbolic {
    pub(super) pattern: Arc<Pattern>,
    /// Position → row or column index of the pattern.
    pub(super) row_perm: Vec<u32>,
    pub(super) col_perm: Vec<u32>,
    /// Block starts (positions); one more than blocks.
    pub(super) blocks: Vec<u32>,
    /// Entries inside the diagonal blocks, by column position: row position and slot.
    pub(super) in_ptr: Vec<u32>,
    pub(super) in_row: Vec<u32>,
    pub(super) in_slot: Vec<u32>,
    /// Entries above the diagonal blocks.
    pub(super) up_ptr: Vec<u32>,
    pub(super) up_row: Vec<u32>,
    pub(super) up_slot: Vec<u32>,
}

impl Symbolic {
    pub fn analyze(pattern: &Arc<Pattern>) -> Result<Arc<Symbolic>, Singular> {
        Ok(Symbolic::matched(pattern, &transversal(pattern)?))
    }

    /// With the row that is to be the diagonal of every column.
    pub fn matched(pattern: &Arc<Pattern>, row_of: &[u32]) -> Arc<Symbolic> {
        let n = pattern.n();
        let found = components(pattern, row_of);
        let mut col_perm = found.order;
        let mut col_of = vec![0u32; n];
        for (c, &r) in row_of.iter().enumerate() {
            col_of[r as usize] = c as u32;
        }
        // Position of a column within its block, while that block is being ordered.
        let mut local = vec![u32::MAX; n];
        let mut scratch = Scratch::default();
        for w in found.start.windows(2) {
            let members = &mut col_perm[w[0] as usize..w[1] as usize];
            if members.len() > 2 {
                scratch.order(pattern, &col_of, members, &mut local);
            }
        }
        let row_perm: Vec<u32> = col_perm.iter().map(|&c| row_of[c as usize]).collect();
        let mut row_pos = vec![0u32; n];
        for (k, &r) in row_perm.iter().enumerate() {
            row_pos[r as usize] = k as u32;
        }
        let mut s = Symbolic {
            pattern: pattern.clone(),
            row_perm,
            col_perm,
            blocks: found.start,
            in_ptr: Vec::with_capacity(n + 1),
            in_row: vec![],
            in_slot: vec![],
            up_ptr: Vec::with_capacity(n + 1),
            up_row: vec![],
            up_slot: vec![],
        };
        s.in_ptr.push(0);
        s.up_ptr.push(0);
        for w in s.blocks.windows(2) {
            for k in w[0]..w[1] {
                for p in pattern.range(s.col_perm[k as usize] as usize) {
                    let row = row_pos[pattern.rows()[p] as usize];
                    if row >= w[0] {
                        s.in_row.push(row);
                        s.in_slot.push(p as u32 + 1);
                    } else {
                        s.up_row.push(row);
                        s.up_slot.push(p as u32 + 1);
                    }
                }
                s.in_ptr.push(s.in_row.len() as u32);
                s.up_ptr.push(s.up_row.len() as u32);
            }
        }
        Arc::new(s)
    }

    pub fn pattern(&self) -> &Arc<Pattern> {
        &self.pattern
    }

    /// Diagonal blocks.
    pub fn block_count(&self) -> usize {
        self.blocks.len() - 1
    }
}

#[derive(Default)]
struct Scratch {
    ptr: Vec<u32>,
    idx: Vec<u32>,
    perm: Vec<u32>,
    inv: Vec<u32>,
}

impl Scratch {
    /// Reorders the columns of one block. Leaves the order alone should AMD fail.
    fn order(&mut self, pattern: &Pattern, col_of: &[u32], members: &mut [u32], local: &mut [u32]) {
        let m = members.len();
        for (k, &c) in members.iter().enumerate() {
            local[c as usize] = k as u32;
        }
        self.ptr.clear();
        self.idx.clear();
        self.ptr.push(0);
        for &c in members.iter() {
            let first = self.idx.len();
            for p in pattern.range(c as usize) {
                let r = local[col_of[pattern.rows()[p] as usize] as usize];
                if r != u32::MAX {
                    self.idx.push(r);
                }
            }
            self.idx[first..].sort_unstable();
            self.ptr.push(self.idx.len() as u32);
        }
        for &c in members.iter() {
            local[c as usize] = u32::MAX;
        }
        self.perm.clear();
        self.perm.resize(m, 0);
        self.inv.clear();
        self.inv.resize(m, 0);
        let block = SymbolicSparseColMatRef::new_checked(m, m, &self.ptr, None, &self.idx);
        let mut mem = MemBuffer::new(amd::order_scratch::<u32>(m, self.idx.len()));
        let stack = MemStack::new(&mut mem);
        let done = amd::order(&mut self.perm, &mut self.inv, block, amd::Control::default(), stack);
        if done.is_ok() {
            let old = members.to_vec();
            for (to, &from) in members.iter_mut().zip(&self.perm) {
                *to = old[from as usize];
            }
        }
    }
}
