//! Block triangular form: a maximum transversal (I. S. Duff, "On algorithms for obtaining a maximum transversal",
//! ACM TOMS 7, 1981), then the strong components of the matched matrix (R. E. Tarjan, SIAM J. Comput. 1, 1972).
//!
//! ```text
//! match every column to itself where the diagonal is present
//! for every column left over: grow an alternating path to a free row; none: structurally singular
//! edge c → c' when column c has an entry in the row matched to c'
//! components in the order in which Tarjan closes them: entries lie in the block or above it
//! ```
//! Both searches keep their own stacks: a ladder of 10⁶ nodes does not overflow the thread's.

use super::{Cause, Pattern, Singular};

pub const NONE: u32 = u32::MAX;

/// For every column index the row index matched to it.
pub fn transversal(pattern: &Pattern) -> Result<Vec<u32>, Singular> {
    let n = pattern.n();
    let rows = pattern.rows();
    let mut row_of = vec![NONE; n];
    let mut col_of = vec![NONE; n];
    for c in 0..n {
        if pattern.slot(c as u32 + 1, c as u32 + 1) != 0 {
            row_of[c] = c as u32;
            col_of[c] = c as u32;
        }
    }
    // Entries before `cheap[c]` are known to lie in matched rows, and rows never become free again.
    let mut cheap: Vec<u32> = pattern.col_ptr()[..n].to_vec();
    let mut next = vec![0u32; n];
    let mut seen = vec![NONE; n];
    let mut path: Vec<u32> = vec![];
    for root in 0..n {
        if row_of[root] != NONE {
            continue;
        }
        path.clear();
        path.push(root as u32);
        seen[root] = root as u32;
        next[root] = pattern.col_ptr()[root];
        let mut free = NONE;
        'grow: while let Some(&c) = path.last() {
            let c = c as usize;
            let end = pattern.col_ptr()[c + 1];
            while cheap[c] < end {
                let r = rows[cheap[c] as usize];
                cheap[c] += 1;
                if col_of[r as usize] == NONE {
                    free = r;
                    break 'grow;
                }
            }
            while next[c] < end {
                let to = col_of[rows[next[c] as usize] as usize] as usize;
                next[c] += 1;
                if seen[to] != root as u32 {
                    seen[to] = root as u32;
                    next[to] = pattern.col_ptr()[to];
                    path.push(to as u32);
                    continue 'grow;
                }
            }
            path.pop();
        }
        if free == NONE {
            let left = |r: &usize| col_of[*r] == NONE;
            let row = Some(root).filter(left).or_else(|| (0..n).find(left)).unwrap_or(root);
            // Every column seen competes with the root for too few rows.
            let others = (0..n).filter(|&c| c != root && seen[c] == root as u32);
            let floating = std::iter::once(root).chain(others).take(16).map(|c| c as u32 + 1).collect();
            return Err(Singular { cause: Cause::Structural, column: root as u32 + 1, row: row as u32 + 1, floating });
        }
        // The columns on the path pass their rows on towards the root.
        while let Some(c) = path.pop() {
            let had = std::mem::replace(&mut row_of[c as usize], free);
            col_of[free as usize] = c;
            free = had;
        }
    }
    Ok(row_of)
}

/// Columns grouped into diagonal blocks of an upper block triangular matrix, given their matched rows.
pub struct Blocks {
    /// Column indices in block order.
    pub order: Vec<u32>,
    /// Where each block starts in `order`; one more entry than blocks.
    pub start: Vec<u32>,
}

pub fn components(pattern: &Pattern, row_of: &[u32]) -> Blocks {
    let n = pattern.n();
    let mut col_of = vec![0u32; n];
    for (c, &r) in row_of.iter().enumerate() {
        col_of[r as usize] = c as u32;
    }
    let mut blocks = Blocks { order: Vec::with_capacity(n), start: vec![0] };
    let mut index = vec![NONE; n];
    let mut low = vec![0u32; n];
    let mut closed = vec![false; n];
    let mut next = vec![0u32; n];
    let mut open: Vec<u32> = vec![];
    let mut call: Vec<u32> = vec![];
    let mut count = 0;
    for root in 0..n {
        if index[root] != NONE {
            continue;
        }
        call.push(root as u32);
        while let Some(&c) = call.last() {
            let c = c as usize;
            if index[c] == NONE {
                index[c] = count;
                low[c] = count;
                count += 1;
                next[c] = pattern.col_ptr()[c];
                open.push(c as u32);
            }
            let mut descend = None;
            while next[c] < pattern.col_ptr()[c + 1] {
                let to = col_of[pattern.rows()[next[c] as usize] as usize] as usize;
                next[c] += 1;
                if index[to] == NONE {
                    descend = Some(to as u32);
                    break;
                }
                if !closed[to] {
                    low[c] = low[c].min(index[to]);
                }
            }
            if let Some(to) = descend {
                call.push(to);
                continue;
            }
            call.pop();
            if let Some(&parent) = call.last() {
                low[parent as usize] = low[parent as usize].min(low[c]);
            }
            if low[c] == index[c] {
                while let Some(member) = open.pop() {
                    closed[member as usize] = true;
                    blocks.order.push(member);
                    if member as usize == c {
                        break;
                    }
                }
                blocks.start.push(blocks.order.len() as u32);
            }
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::Builder;

    fn pattern(n: usize, entries: &[(u32, u32)]) -> Pattern {
        let mut b = Builder::new();
        for &(r, c) in entries {
            b.add(r, c);
        }
        b.finish(n).0
    }

    #[test]
    fn voltage_source_is_matched_across() {
        // Node 1 with a conductance, branch 2 of a source on it: the branch column takes the node's row.
        let p = pattern(2, &[(1, 1), (1, 2), (2, 1)]);
        assert_eq!(transversal(&p).unwrap(), [1, 0]);
    }

    #[test]
    fn missing_equation_is_named() {
        // Unknowns 2 and 3 share the single row 2.
        let p = pattern(3, &[(1, 1), (2, 2), (2, 3)]);
        let e = transversal(&p).unwrap_err();
        assert_eq!((e.cause, e.column, e.row), (Cause::Structural, 3, 3));
        assert_eq!(e.floating, [3, 2]);
    }

    #[test]
    fn permuted_triangular_falls_apart() {
        let p = pattern(4, &[(1, 1), (2, 2), (3, 3), (4, 4), (1, 2), (2, 4), (3, 1), (3, 4)]);
        let m = transversal(&p).unwrap();
        let b = components(&p, &m);
        assert_eq!(b.start, [0, 1, 2, 3, 4]);
        let place = |c: u32| b.order.iter().position(|x| *x == c).unwrap();
        // Entry (row, col): the row's column comes first.
        assert!(place(0) < place(1) && place(1) < place(3) && place(2) < place(0));
    }
}
