//! A diagonal of entries that are there: a voltage source has a place on the diagonal and never a value in it.

use super::{Dense, Tree};
use crate::sparse::block::transversal;
use crate::sparse::{Builder, Pattern};

/// Sizes (of the equilibrated matrix, largest entries near 1) that a diagonal is to have, from the first to try.
const WORTH: [f64; 3] = [1e-4, 1e-8, 0.0];

/// Another matching of columns to rows, where the tree's diagonal holds entries that are too small and a better one
/// exists.
pub(super) fn replacement<T: Dense>(tree: &Tree, values: &[T], row: &[f64], col: &[f64]) -> Option<Vec<u32>> {
    let p = &*tree.pattern;
    let size = |r: u32, c: u32, slot: u32| values[slot as usize].mag() * row[r as usize - 1] * col[c as usize - 1];
    let weakest = tree.row_perm.iter().zip(&tree.col_perm).map(|(&r, &c)| {
        let slot = p.slot(r + 1, c + 1);
        size(r + 1, c + 1, slot)
    });
    let weakest = weakest.fold(f64::INFINITY, f64::min);
    for worth in WORTH {
        if weakest > worth {
            return None;
        }
        let mut b = Builder::new();
        p.entries().filter(|&(r, c, s)| size(r, c, s) > worth).for_each(|(r, c, _)| b.add(r, c));
        let strong: Pattern = b.finish(p.n()).0;
        if let Ok(row_of) = transversal(&strong) {
            return Some(row_of);
        }
    }
    None
}
