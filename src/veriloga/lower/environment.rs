//! What the cells hold now, with a way back.
//!
//! Bodies of conditions change few of the cells that there are. Every change is noted on a trail, so that leaving a body
//! costs what was done in it, not what exists.

use rustc_hash::FxHashMap;

use super::Cell;
use crate::veriloga::ir::Val;

#[derive(Default)]
pub(super) struct Environment {
    number: FxHashMap<Cell, u32>,
    /// In the order in which they were first met, so that joins are made in a fixed order.
    cells: Vec<Cell>,
    now: Vec<Option<Val>>,
    /// Changed cells with what they held before.
    trail: Vec<(u32, Option<Val>)>,
}

/// All cells at some time.
pub(super) struct Snapshot(Vec<Option<Val>>);

/// A place on the trail.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize);

impl Environment {
    pub fn get(&self, cell: Cell) -> Option<Val> {
        self.number.get(&cell).and_then(|k| self.now[*k as usize])
    }

    pub fn set(&mut self, cell: Cell, v: Val) {
        let n = self.cells.len() as u32;
        let k = *self.number.entry(cell).or_insert(n);
        if k == n {
            self.cells.push(cell);
            self.now.push(None);
        }
        self.put(k, Some(v));
    }

    fn put(&mut self, k: u32, v: Option<Val>) {
        let old = std::mem::replace(&mut self.now[k as usize], v);
        if old != v {
            self.trail.push((k, old));
        }
    }

    pub fn mark(&self) -> Mark {
        Mark(self.trail.len())
    }

    /// Goes back to a mark. Returns what was changed since: number and value, ascending by number.
    pub fn undo(&mut self, mark: Mark) -> Vec<(u32, Option<Val>)> {
        let mut changed: Vec<(u32, Option<Val>)> =
            self.trail[mark.0..].iter().map(|(k, _)| (*k, self.now[*k as usize])).collect();
        changed.sort_unstable_by_key(|c| c.0);
        changed.dedup_by_key(|c| c.0);
        while self.trail.len() > mark.0 {
            if let Some((k, old)) = self.trail.pop() {
                self.now[k as usize] = old;
            }
        }
        changed
    }

    pub fn cell(&self, k: u32) -> Cell {
        self.cells[k as usize]
    }

    /// By number.
    pub fn value(&self, k: u32) -> Option<Val> {
        self.now[k as usize]
    }

    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.now.clone())
    }

    /// Back to a snapshot; the trail goes on, so that an outer body can still be left.
    pub fn restore(&mut self, s: &Snapshot) {
        for k in 0..self.now.len() {
            self.put(k as u32, s.0.get(k).copied().flatten());
        }
    }
}

impl Snapshot {
    pub fn get(&self, k: usize) -> Option<Val> {
        self.0.get(k).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_body_changed_is_undone_and_told() {
        let mut e = Environment::default();
        e.set(Cell::Charge(0), Val(1));
        let m = e.mark();
        e.set(Cell::Charge(0), Val(2));
        e.set(Cell::Charge(1), Val(3));
        e.set(Cell::Charge(0), Val(4));
        assert_eq!(e.undo(m), [(0, Some(Val(4))), (1, Some(Val(3)))]);
        assert_eq!((e.get(Cell::Charge(0)), e.get(Cell::Charge(1))), (Some(Val(1)), None));
    }

    #[test]
    fn a_snapshot_inside_of_a_body_leaves_the_way_out() {
        let mut e = Environment::default();
        let m = e.mark();
        e.set(Cell::Charge(0), Val(1));
        let s = e.snapshot();
        e.set(Cell::Charge(0), Val(2));
        e.set(Cell::Charge(1), Val(5));
        e.restore(&s);
        assert_eq!((e.get(Cell::Charge(0)), e.get(Cell::Charge(1))), (Some(Val(1)), None));
        e.undo(m);
        assert_eq!(e.get(Cell::Charge(0)), None);
    }
}
