//! What the supernodal kernel knows from the pattern alone: fronts, their tree, where everything goes.
//!
//! The rows of the matrix are permuted so that matched entries are its diagonal and everything lies in diagonal blocks
//! or above them; inside the blocks the pattern is taken as symmetric. Columns of one supernode are
//! eliminated together in one dense *front* of s pivots and r rows below:
//!
//! ```text
//!             s     r
//!        s  [ L\U   U ]      the factors, (s + r) × s and s × r, both column by column, stay
//!        r  [ L     C ]      C, the update for the fronts above, lives on a stack until its parent has added it
//! ```
//! I. S. Duff, J. K. Reid, "The multifrontal solution of indefinite sparse symmetric linear equations", ACM TOMS 9,
//! 1983. Small supernodes are merged into their parents where a measured cost model says that the zeros they bring cost
//! less than a front of their own (C. Ashcraft, R. Grimes, ACM TOMS 15, 1989).

use std::sync::Arc;

use super::cost;
use crate::sparse::Pattern;
use crate::sparse::block::components;
use crate::sparse::etree::{self, Graph, NONE, inverse};
use crate::sparse::ordering::{self, Known, Ordering};

/// Fronts of a pattern in the order of their elimination; shared by the real and the complex factors.
#[derive(Debug)]
pub struct Tree {
    pub(crate) pattern: Arc<Pattern>,
    /// Position → row and column index of the pattern.
    pub row_perm: Vec<u32>,
    pub col_perm: Vec<u32>,
    /// Pivots of front f: positions `cols[f]..cols[f + 1]`.
    pub(crate) cols: Vec<u32>,
    /// Rows below the pivots of every front (positions, ascending), and where each is in the parent's front.
    pub(crate) row_ptr: Vec<usize>,
    pub(crate) rows: Vec<u32>,
    pub(crate) map: Vec<u32>,
    /// Children of front f: `children[child_ptr[f]..child_ptr[f + 1]]`.
    pub(crate) child_ptr: Vec<u32>,
    pub(crate) children: Vec<u32>,
    /// Where the factors of a front begin.
    pub(crate) lu_ptr: Vec<usize>,
    /// Where the update of a front lies on the stack of its side; sides alternate with the depth.
    pub(crate) update_at: Vec<usize>,
    pub(crate) is_right: Vec<bool>,
    pub(crate) stack: [usize; 2],
    /// Subtrees that can be factored side by side, in front order; all fronts outside them come after.
    pub(crate) tasks: Vec<Task>,
    /// Matrix entries of a front: slot and place among the factors of that front.
    pub(crate) entry_ptr: Vec<u32>,
    pub(crate) entry_slot: Vec<u32>,
    pub(crate) entry_at: Vec<u32>,
    /// Entries above the diagonal blocks, by column position.
    pub(crate) up_ptr: Vec<u32>,
    pub(crate) up_row: Vec<u32>,
    pub(crate) up_slot: Vec<u32>,
    /// Where every diagonal block starts: position and front; one more than blocks.
    pub(crate) block_start: Vec<u32>,
    pub(crate) blocks: Vec<u32>,
    /// Rows of the tallest front.
    pub(crate) max_side: usize,
    pub(crate) max_pivots: usize,
    /// The order that was used.
    pub ordering: Ordering,
    /// Entries of L and U, pivots once, and of the part above the blocks.
    pub fill: u64,
    /// Multiplications of one factorisation.
    pub flops: f64,
    /// Estimated seconds of one refactorisation and solution.
    pub seconds: f64,
}

/// A subtree: its fronts, and its own part of both stacks.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub fronts: std::ops::Range<usize>,
    pub stack: [std::ops::Range<usize>; 2],
}

/// Estimated seconds of factorisation below which a tree is not divided, and parts that the rest is divided into.
const DIVIDED: f64 = if cfg!(test) { 1e-4 } else { 5e-3 };
const PARTS: f64 = 12.0;

impl Tree {
    pub fn n(&self) -> usize {
        self.col_perm.len()
    }

    pub fn fronts(&self) -> usize {
        self.cols.len() - 1
    }

    /// Pivots and rows below of a front.
    #[inline]
    pub(crate) fn shape(&self, f: usize) -> (usize, usize) {
        ((self.cols[f + 1] - self.cols[f]) as usize, self.row_ptr[f + 1] - self.row_ptr[f])
    }

    /// `row_of`: for every column index the row index that is to be its diagonal. Without a wish for an ordering the
    /// one that is estimated to be faster is taken.
    pub fn new(pattern: &Arc<Pattern>, row_of: &[u32], wanted: Option<Ordering>) -> Tree {
        Tree::knowing(pattern, row_of, wanted, None)
    }

    /// The same; with the columns in the minimum degree order of the blocks, if that is known.
    pub fn knowing(
        pattern: &Arc<Pattern>,
        row_of: &[u32],
        wanted: Option<Ordering>,
        minimum_degree: Option<&[u32]>,
    ) -> Tree {
        let n = pattern.n();
        let found = components(pattern, row_of);
        let col_at = inverse(&found.order);
        let mut row_at = vec![0u32; n];
        for (c, &r) in row_of.iter().enumerate() {
            row_at[r as usize] = col_at[c];
        }
        let mut block = vec![0u32; n];
        for (b, w) in found.start.windows(2).enumerate() {
            block[w[0] as usize..w[1] as usize].fill(b as u32);
        }
        let (row_at, block) = (&row_at, &block);
        let entries = found.order.iter().enumerate().flat_map(|(k, &c)| {
            let rows = &pattern.rows()[pattern.range(c as usize)];
            let inside = rows.iter().map(|&r| row_at[r as usize]).filter(move |&i| block[i as usize] == block[k]);
            inside.map(move |i| (i, k as u32))
        });
        let graph = Graph::new(n, entries);
        let places: Vec<[u32; 2]> = match pattern.places() {
            [] => vec![],
            p => found.order.iter().map(|&c| p[c as usize]).collect(),
        };
        let minimum_degree: Option<Vec<u32>> =
            minimum_degree.map(|columns| columns.iter().map(|&c| col_at[c as usize]).collect());
        let known = Known { wanted, minimum_degree: minimum_degree.as_deref(), places: &places };
        let (order, ordering) = ordering::order(&graph, &found.start, known);
        let graph = graph.relabel(&order);

        let merged = Supernodes::new(&graph);
        let (last, fronts) = merged.arrange();
        let graph = graph.relabel(&last);
        let order: Vec<u32> = last.iter().map(|&k| order[k as usize]).collect();
        let mut t = Tree {
            pattern: pattern.clone(),
            row_perm: order.iter().map(|&k| row_of[found.order[k as usize] as usize]).collect(),
            col_perm: order.iter().map(|&k| found.order[k as usize]).collect(),
            cols: fronts.cols,
            row_ptr: vec![0],
            rows: vec![],
            map: vec![],
            child_ptr: vec![],
            children: vec![],
            lu_ptr: vec![0],
            update_at: vec![],
            is_right: vec![],
            stack: [0; 2],
            tasks: vec![],
            entry_ptr: vec![],
            entry_slot: vec![],
            entry_at: vec![],
            up_ptr: vec![0],
            up_row: vec![],
            up_slot: vec![],
            block_start: found.start,
            blocks: vec![],
            max_side: 0,
            max_pivots: 0,
            ordering,
            fill: 0,
            flops: 0.0,
            seconds: 0.0,
        };
        t.adopt(&fronts.parent);
        t.fill_rows(&graph, &fronts.parent);
        t.stack_updates(&fronts.parent);
        t.place_entries();
        let starts = t.block_start.iter();
        t.blocks = starts.map(|&b| t.cols.partition_point(|&c| c < b) as u32).collect();
        for f in 0..t.fronts() {
            let (s, r) = t.shape(f);
            t.max_side = t.max_side.max(s + r);
            t.max_pivots = t.max_pivots.max(s);
            t.fill += (s * (s + 2 * r)) as u64;
            t.flops += cost::flops(s, r);
            t.seconds += cost::front(s, r) + cost::solve(s, r);
        }
        t.fill += t.up_row.len() as u64;
        t
    }

    fn adopt(&mut self, parent: &[u32]) {
        let m = parent.len();
        let mut ptr = vec![0u32; m + 1];
        for &p in parent.iter().filter(|&&p| p != NONE) {
            ptr[p as usize + 1] += 1;
        }
        for f in 0..m {
            ptr[f + 1] += ptr[f];
        }
        let mut next = ptr.clone();
        self.children = vec![0; ptr[m] as usize];
        for (f, &p) in parent.iter().enumerate().filter(|(_, p)| **p != NONE) {
            self.children[next[p as usize] as usize] = f as u32;
            next[p as usize] += 1;
        }
        self.child_ptr = ptr;
    }

    pub(crate) fn children(&self, f: usize) -> &[u32] {
        &self.children[self.child_ptr[f] as usize..self.child_ptr[f + 1] as usize]
    }

    /// Row structures, factor layout and relative positions.
    fn fill_rows(&mut self, graph: &Graph, parent: &[u32]) {
        let n = graph.n();
        let m = self.cols.len() - 1;
        let mut seen = vec![NONE; n];
        for f in 0..m {
            let (c0, c1) = (self.cols[f], self.cols[f + 1]);
            let first = self.rows.len();
            for k in c0..c1 {
                for &i in graph.of(k as usize) {
                    if i >= c1 && seen[i as usize] != f as u32 {
                        seen[i as usize] = f as u32;
                        self.rows.push(i);
                    }
                }
            }
            for c in self.child_ptr[f]..self.child_ptr[f + 1] {
                let c = self.children[c as usize] as usize;
                for p in self.row_ptr[c]..self.row_ptr[c + 1] {
                    let i = self.rows[p];
                    if i >= c1 && seen[i as usize] != f as u32 {
                        seen[i as usize] = f as u32;
                        self.rows.push(i);
                    }
                }
            }
            self.rows[first..].sort_unstable();
            self.row_ptr.push(self.rows.len());
            let (s, r) = self.shape(f);
            self.lu_ptr.push(self.lu_ptr[f] + s * (s + 2 * r));
        }
        // `seen` becomes: position → place in the front at hand.
        self.map = vec![0; self.rows.len()];
        for f in 0..m {
            let (c0, c1) = (self.cols[f], self.cols[f + 1]);
            for k in c0..c1 {
                seen[k as usize] = k - c0;
            }
            for (k, &i) in self.rows[self.row_ptr[f]..self.row_ptr[f + 1]].iter().enumerate() {
                seen[i as usize] = c1 - c0 + k as u32;
            }
            for c in self.child_ptr[f]..self.child_ptr[f + 1] {
                let c = self.children[c as usize] as usize;
                debug_assert_eq!(parent[c], f as u32);
                for p in self.row_ptr[c]..self.row_ptr[c + 1] {
                    self.map[p] = seen[self.rows[p] as usize];
                }
            }
        }
    }

    /// Fixes the place of every update. A front's children lie on top of the other side's stack, so nothing moves;
    /// subtrees that may run side by side have stacks of their own.
    fn stack_updates(&mut self, parent: &[u32]) {
        let m = parent.len();
        self.is_right = vec![false; m];
        for f in (0..m).rev() {
            if parent[f] != NONE {
                self.is_right[f] = !self.is_right[parent[f] as usize];
            }
        }
        self.update_at = vec![0; m];
        self.divide(parent);
        let mut tasks = std::mem::take(&mut self.tasks);
        let mut base = [0; 2];
        let mut is_done = vec![false; m];
        for task in &mut tasks {
            let top = self.stack_range(task.fronts.clone(), base, &is_done);
            task.stack = [base[0]..top[0], base[1]..top[1]];
            base = top;
            is_done[task.fronts.clone()].fill(true);
        }
        self.stack = self.stack_range(0..m, base, &is_done);
        self.tasks = tasks;
    }

    /// Lays out the updates of the fronts that are not done, from `base` on; the highest place used on either side.
    fn stack_range(&mut self, fronts: std::ops::Range<usize>, base: [usize; 2], is_done: &[bool]) -> [usize; 2] {
        let mut top = base;
        let mut highest = base;
        for f in fronts.filter(|&f| !is_done[f]) {
            let side = usize::from(self.is_right[f]);
            let (_, r) = self.shape(f);
            self.update_at[f] = top[side];
            top[side] += r * r;
            highest[side] = highest[side].max(top[side]);
            if let Some(&c) = self.children(f).iter().find(|&&c| !is_done[c as usize]) {
                top[1 - side] = self.update_at[c as usize];
            }
        }
        highest
    }

    /// Takes subtrees of at most a share of the whole, as high up as they go.
    fn divide(&mut self, parent: &[u32]) {
        let m = parent.len();
        let mut below: Vec<f64> = (0..m).map(|f| self.shape(f)).map(|(s, r)| cost::front(s, r)).collect();
        let mut first: Vec<u32> = (0..m as u32).collect();
        for f in 0..m {
            if parent[f] != NONE {
                let p = parent[f] as usize;
                below[p] += below[f];
                first[p] = first[p].min(first[f]);
            }
        }
        let total: f64 = (0..m).filter(|&f| parent[f] == NONE).map(|f| below[f]).sum();
        if total < DIVIDED {
            return;
        }
        let is_small = |f: usize| below[f] <= total / PARTS;
        for f in 0..m {
            let is_top = parent[f] == NONE || !is_small(parent[f] as usize);
            // Very small ones are not worth handing out.
            if is_small(f) && is_top && below[f] > total / (8.0 * PARTS) {
                self.tasks.push(Task { fronts: first[f] as usize..f + 1, stack: [0..0, 0..0] });
            }
        }
    }

    fn place_entries(&mut self) {
        let pattern = self.pattern.clone();
        let n = pattern.n();
        let m = self.cols.len() - 1;
        let mut front = vec![0u32; n];
        for f in 0..m {
            front[self.cols[f] as usize..self.cols[f + 1] as usize].fill(f as u32);
        }
        let row_at = inverse(&self.row_perm);
        let mut block_start = vec![0u32; n];
        for w in self.block_start.windows(2) {
            block_start[w[0] as usize..w[1] as usize].fill(w[0]);
        }
        let mut count = vec![0u32; m + 1];
        let each = |visit: &mut dyn FnMut(u32, u32, u32)| {
            for k in 0..n {
                for p in pattern.range(self.col_perm[k] as usize) {
                    visit(row_at[pattern.rows()[p] as usize], k as u32, p as u32 + 1);
                }
            }
        };
        let (mut up_ptr, mut up_row, mut up_slot) = (vec![0u32; n + 1], vec![], vec![]);
        each(&mut |i, k, slot| {
            if i < block_start[k as usize] {
                up_row.push(i);
                up_slot.push(slot);
                up_ptr[k as usize + 1] += 1;
            } else {
                count[front[i.min(k) as usize] as usize + 1] += 1;
            }
        });
        for k in 0..n {
            up_ptr[k + 1] += up_ptr[k];
        }
        for f in 0..m {
            count[f + 1] += count[f];
        }
        let mut next = count.clone();
        let mut slots = vec![0u32; count[m] as usize];
        let mut places = vec![0u32; count[m] as usize];
        each(&mut |i, k, slot| {
            if i < block_start[k as usize] {
                return;
            }
            let f = front[i.min(k) as usize] as usize;
            let (s, r) = self.shape(f);
            let (c0, c1) = (self.cols[f], self.cols[f + 1]);
            let rows = &self.rows[self.row_ptr[f]..self.row_ptr[f + 1]];
            let place = |i: u32| match i < c1 {
                true => (i - c0) as usize,
                false => s + rows.partition_point(|&x| x < i),
            };
            let (a, b) = (place(i), place(k));
            let at = if b < s { b * (s + r) + a } else { s * (s + r) + (b - s) * s + a };
            let to = &mut next[f];
            slots[*to as usize] = slot;
            places[*to as usize] = at as u32;
            *to += 1;
        });
        self.entry_ptr = count;
        self.entry_slot = slots;
        self.entry_at = places;
        self.up_ptr = up_ptr;
        self.up_row = up_row;
        self.up_slot = up_slot;
    }
}

/// Columns grouped into supernodes, in the order of a postordered elimination tree.
struct Supernodes {
    /// Position in the given order → supernode; supernode → its columns' number, rows below and parent.
    order: Vec<u32>,
    node: Vec<u32>,
    size: Vec<u32>,
    below: Vec<u32>,
    parent: Vec<u32>,
}

struct Fronts {
    cols: Vec<u32>,
    parent: Vec<u32>,
}

impl Supernodes {
    fn new(graph: &Graph) -> Supernodes {
        let n = graph.n();
        let order = etree::postorder(&etree::parents(graph));
        let graph = graph.relabel(&order);
        let parent = etree::parents(&graph);
        let count = etree::counts(&graph, &parent);
        let mut s = Supernodes { order, node: vec![0; n], size: vec![], below: vec![], parent: vec![] };
        let mut first: Vec<u32> = vec![];
        for k in 0..n {
            let joins = k > 0 && parent[k - 1] == k as u32 && count[k - 1] == count[k] + 1;
            if !joins {
                first.push(k as u32);
                s.size.push(0);
                s.below.push(0);
            }
            let f = first.len() - 1;
            s.node[k] = f as u32;
            s.size[f] += 1;
            s.below[f] = count[k];
        }
        for f in 0..first.len() {
            let top = (first[f] + s.size[f] - 1) as usize;
            s.parent.push(if parent[top] == NONE { NONE } else { s.node[parent[top] as usize] });
        }
        s.merge();
        s
    }

    /// Merges children into parents where that is estimated to save time.
    fn merge(&mut self) {
        let m = self.size.len();
        let mut head = vec![NONE; m];
        let mut next = vec![NONE; m];
        for f in (0..m).rev() {
            if self.parent[f] != NONE {
                next[f] = std::mem::replace(&mut head[self.parent[f] as usize], f as u32);
            }
        }
        let mut into: Vec<u32> = (0..m as u32).collect();
        let mut queue: Vec<u32> = vec![];
        for p in 0..m {
            queue.clear();
            let mut c = head[p];
            while c != NONE {
                queue.push(c);
                c = next[c as usize];
            }
            let zeros = |s: &Supernodes, c: u32| s.size[p] + s.below[p] - s.below[c as usize];
            queue.sort_by_key(|&c| std::cmp::Reverse(zeros(self, c)));
            let mut kept = NONE;
            while let Some(c) = queue.pop() {
                let k = c as usize;
                let (sc, rc) = (self.size[k] as usize, self.below[k] as usize);
                let (sp, rp) = (self.size[p] as usize, self.below[p] as usize);
                let apart = cost::front(sc, rc) + cost::front(sp, rp) + cost::solve(sc, rc) + cost::solve(sp, rp);
                if cost::front(sc + sp, rp) + cost::solve(sc + sp, rp) <= apart {
                    into[k] = p as u32;
                    self.size[p] += self.size[k];
                    let mut g = head[k];
                    while g != NONE {
                        let after = next[g as usize];
                        self.parent[g as usize] = p as u32;
                        queue.push(g);
                        g = after;
                    }
                } else {
                    next[k] = kept;
                    kept = c;
                }
            }
            head[p] = kept;
        }
        // Parents have higher numbers: each chain is one look-up deep when taken from above.
        for f in (0..m).rev() {
            into[f] = into[into[f] as usize];
        }
        for node in &mut self.node {
            *node = into[*node as usize];
        }
        for f in 0..m {
            if into[f] != f as u32 {
                self.size[f] = 0;
            }
        }
    }

    /// The final order of the given positions, children that need more of the stack first, and the fronts in it.
    fn arrange(self) -> (Vec<u32>, Fronts) {
        let m = self.size.len();
        // Stack that a subtree needs at most, with its own update still there.
        let mut peak = vec![0u64; m];
        let mut kids: Vec<Vec<u32>> = vec![vec![]; m];
        let update = |f: usize| u64::from(self.below[f]).pow(2);
        let mut roots = vec![];
        for f in (0..m).filter(|&f| self.size[f] > 0) {
            let mut held = 0;
            let list = &mut kids[f];
            list.sort_by_key(|&c| std::cmp::Reverse(peak[c as usize] - update(c as usize)));
            for &c in list.iter() {
                peak[f] = peak[f].max(held + peak[c as usize]);
                held += update(c as usize);
            }
            peak[f] = peak[f].max(held + update(f));
            match self.parent[f] {
                NONE => roots.push(f as u32),
                p => kids[p as usize].push(f as u32),
            }
        }
        let mut members: Vec<u32> = vec![0; m + 1];
        for &f in &self.node {
            members[f as usize + 1] += 1;
        }
        for f in 0..m {
            members[f + 1] += members[f];
        }
        let mut fill = members.clone();
        let mut columns = vec![0u32; self.node.len()];
        for (k, &f) in self.node.iter().enumerate() {
            columns[fill[f as usize] as usize] = self.order[k];
            fill[f as usize] += 1;
        }
        let mut fronts = Fronts { cols: vec![0], parent: vec![] };
        let mut order = Vec::with_capacity(self.node.len());
        let mut number = vec![NONE; m];
        let mut sequence = vec![];
        let mut stack: Vec<(u32, u32)> = vec![];
        for root in roots {
            stack.push((root, 0));
            while let Some(top) = stack.last_mut() {
                let f = top.0 as usize;
                if let Some(&c) = kids[f].get(top.1 as usize) {
                    top.1 += 1;
                    stack.push((c, 0));
                    continue;
                }
                stack.pop();
                number[f] = sequence.len() as u32;
                sequence.push(f);
                order.extend_from_slice(&columns[members[f] as usize..members[f + 1] as usize]);
                fronts.cols.push(order.len() as u32);
            }
        }
        let up = |f: usize| if self.parent[f] == NONE { NONE } else { number[self.parent[f] as usize] };
        fronts.parent = sequence.into_iter().map(up).collect();
        (order, fronts)
    }
}
