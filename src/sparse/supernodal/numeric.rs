//! Numeric factorisation: one pass over the fronts, children before parents.
//!
//! ```text
//! for every front: clear; add the matrix entries of its pivots' rows and columns; add the children's updates;
//!     L\U := its pivot block and what is below; U := L⁻¹ P U; C -= L U
//! ```

use super::dense::{self, Dense, Watch};
use super::tree::{Task, Tree};

/// Some fronts to factor, with the parts of everything that belong to them.
pub(super) struct Sweep<'a, T> {
    pub tree: &'a Tree,
    /// Fronts of a subtree, or those outside all of them.
    pub fronts: Fronts,
    /// Values by slot, and scales by matrix entry in the order of the tree.
    pub values: &'a [T],
    pub scale: &'a [f64],
    /// Factors, row orders and reciprocals of the pivots from the first front's on.
    pub lu: &'a mut [T],
    pub perm: &'a mut [u32],
    pub inv: &'a mut [T],
    /// Parts of the stacks, and where they begin.
    pub stacks: [&'a mut [T]; 2],
    pub base: [usize; 2],
    pub work: &'a mut Work<T>,
    pub watch: Watch,
}

#[derive(Clone, Debug)]
pub(super) enum Fronts {
    Task(std::ops::Range<usize>),
    Rest,
}

/// Work space of one sweep.
#[derive(Clone, Debug)]
pub(super) struct Work<T> {
    /// One column of U.
    column: Vec<T>,
    /// Magnitudes of a front's pivots before elimination.
    diagonal: Vec<f64>,
}

impl<T: Dense> Work<T> {
    pub fn new(tree: &Tree) -> Self {
        Work { column: vec![T::ZERO; tree.max_pivots], diagonal: vec![0.0; tree.max_pivots] }
    }
}

/// Everything that a factorisation writes.
pub(super) struct Whole<'a, T> {
    pub lu: &'a mut [T],
    pub perm: &'a mut [u32],
    pub inv: &'a mut [T],
    pub stacks: [&'a mut [T]; 2],
}

/// Factors all fronts: subtrees side by side where there are threads, then the rest. Sums are the same in any case.
pub(super) fn eliminate<T: Dense>(
    tree: &Tree,
    values: &[T],
    scale: &[f64],
    whole: Whole<'_, T>,
    works: &mut [Work<T>],
    watch: Watch,
) -> Watch {
    let mut watch = watch;
    let Whole { lu, perm, inv, stacks: [left, right] } = whole;
    let Some((last, works)) = works.split_last_mut() else { return watch };
    if !tree.tasks.is_empty() {
        let part = Part {
            lu: &mut *lu,
            perm: &mut *perm,
            inv: &mut *inv,
            left: &mut *left,
            right: &mut *right,
            front: 0,
            base: [0, 0],
        };
        let is_parallel = rayon::current_num_threads() > 1;
        watch = watch.join(side_by_side(tree, values, scale, part, &tree.tasks, works, watch, is_parallel));
    }
    let rest = Sweep {
        tree,
        fronts: Fronts::Rest,
        values,
        scale,
        lu,
        perm,
        inv,
        stacks: [left, right],
        base: [0, 0],
        work: last,
        watch,
    };
    pulp::Arch::new().dispatch(rest)
}

/// What belongs to some consecutive tasks and the fronts between them, from a front and from places on the stacks on.
struct Part<'a, T> {
    lu: &'a mut [T],
    perm: &'a mut [u32],
    inv: &'a mut [T],
    left: &'a mut [T],
    right: &'a mut [T],
    front: usize,
    base: [usize; 2],
}

impl<'a, T> Part<'a, T> {
    fn split(self, tree: &Tree, task: &Task) -> (Self, Self) {
        let f = task.fronts.start;
        let (lu, lu1) = self.lu.split_at_mut(tree.lu_ptr[f] - tree.lu_ptr[self.front]);
        let columns = (tree.cols[f] - tree.cols[self.front]) as usize;
        let (perm, perm1) = self.perm.split_at_mut(columns);
        let (inv, inv1) = self.inv.split_at_mut(columns);
        let (left, left1) = self.left.split_at_mut(task.stack[0].start - self.base[0]);
        let (right, right1) = self.right.split_at_mut(task.stack[1].start - self.base[1]);
        let base = [task.stack[0].start, task.stack[1].start];
        (
            Part { lu, perm, inv, left, right, ..self },
            Part { lu: lu1, perm: perm1, inv: inv1, left: left1, right: right1, front: f, base },
        )
    }
}

fn side_by_side<T: Dense>(
    tree: &Tree,
    values: &[T],
    scale: &[f64],
    part: Part<'_, T>,
    tasks: &[Task],
    works: &mut [Work<T>],
    watch: Watch,
    is_parallel: bool,
) -> Watch {
    if let [task] = tasks {
        let (_, own) = part.split(tree, task);
        let Some(work) = works.first_mut() else { return watch };
        return pulp::Arch::new().dispatch(Sweep {
            tree,
            fronts: Fronts::Task(task.fronts.clone()),
            values,
            scale,
            lu: own.lu,
            perm: own.perm,
            inv: own.inv,
            stacks: [own.left, own.right],
            base: own.base,
            work,
            watch,
        });
    }
    let half = tasks.len() / 2;
    let (first, second) = tasks.split_at(half);
    let (part1, part2) = part.split(tree, &second[0]);
    let (works1, works2) = works.split_at_mut(half);
    let a = || side_by_side(tree, values, scale, part1, first, works1, watch, is_parallel);
    let b = || side_by_side(tree, values, scale, part2, second, works2, watch, is_parallel);
    let (a, b) = if is_parallel { rayon::join(a, b) } else { (a(), b()) };
    a.join(b)
}

impl<T: Dense> pulp::WithSimd for Sweep<'_, T> {
    type Output = Watch;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Watch {
        // Only instruction sets wider than the baseline come with a fused multiply-add.
        if S::F64_LANES > 2 || cfg!(target_arch = "aarch64") { self.run::<true>() } else { self.run::<false>() }
    }
}

impl<T: Dense> Sweep<'_, T> {
    #[inline(always)]
    fn run<const FMA: bool>(mut self) -> Watch {
        let parts = match self.fronts {
            Fronts::Task(_) => 1,
            Fronts::Rest => self.tree.tasks.len() + 1,
        };
        // One call: everything below it is inlined.
        for k in 0..parts {
            let (origin, fronts) = self.part(k);
            self.range::<FMA>(origin, fronts);
        }
        self.watch
    }

    /// The k-th range of fronts, and the front with which the parts of the factors begin.
    fn part(&self, k: usize) -> (usize, std::ops::Range<usize>) {
        match &self.fronts {
            Fronts::Task(range) => (range.start, range.clone()),
            Fronts::Rest => {
                let tasks = &self.tree.tasks;
                let from = if k == 0 { 0 } else { tasks[k - 1].fronts.end };
                (0, from..tasks.get(k).map_or(self.tree.fronts(), |task| task.fronts.start))
            }
        }
    }

    /// Factors fronts; the parts of the factors begin with those of front `origin`.
    #[inline(always)]
    fn range<const FMA: bool>(&mut self, origin: usize, fronts: std::ops::Range<usize>) {
        let t = self.tree;
        let lu0 = t.lu_ptr[origin];
        let col0 = t.cols[origin] as usize;
        let [left_at, right_at] = self.base;
        for f in fronts {
            let (s, r) = t.shape(f);
            let m = s + r;
            let front = &mut self.lu[t.lu_ptr[f] - lu0..t.lu_ptr[f + 1] - lu0];
            front.fill(T::ZERO);
            let entries = t.entry_ptr[f] as usize..t.entry_ptr[f + 1] as usize;
            let slots = t.entry_slot[entries.clone()].iter().zip(&t.entry_at[entries.clone()]);
            for ((&slot, &at), &scale) in slots.zip(&self.scale[entries]) {
                front[at as usize] = self.values[slot as usize].times(scale);
            }
            let (l, u) = front.split_at_mut(s * m);
            for (k, d) in self.work.diagonal[..s].iter_mut().enumerate() {
                *d = l[k * m + k].mag();
            }
            let [left, right] = &mut self.stacks;
            let ((own, own_at), (other, other_at)) = match t.is_right[f] {
                true => ((right, right_at), (left, left_at)),
                false => ((left, left_at), (right, right_at)),
            };
            let c = &mut own[t.update_at[f] - own_at..][..r * r];
            c.fill(T::ZERO);
            for &child in t.children(f) {
                let child = child as usize;
                let map = &t.map[t.row_ptr[child]..t.row_ptr[child + 1]];
                let size = map.len();
                extend(&other[t.update_at[child] - other_at..][..size * size], map, (s, r), l, u, c);
            }
            let first = t.cols[f] as usize - col0;
            let perm = &mut self.perm[first..first + s];
            self.watch.base = t.cols[f];
            let inv = &mut self.inv[first..first + s];
            dense::lu::<T, FMA>(m, s, l, perm, inv, &self.work.diagonal[..s], &mut self.watch);
            if r == 0 {
                continue;
            }
            if perm.iter().enumerate().any(|(k, &p)| p != k as u32) {
                for column in u.chunks_exact_mut(s) {
                    self.work.column[..s].copy_from_slice(column);
                    for (to, &from) in column.iter_mut().zip(&*perm) {
                        *to = self.work.column[from as usize];
                    }
                }
            }
            dense::lower::<T, FMA>(s, r, l, m, 0, u, s, 0);
            dense::multiply::<T, FMA>((r, r, s), &l[s..], m, u, s, c, r);
        }
    }
}

/// Adds a child's update: `map` says where its rows are in the front of s pivots and r rows below.
#[inline(always)]
fn extend<T: Dense>(update: &[T], map: &[u32], (s, r): (usize, usize), l: &mut [T], u: &mut [T], c: &mut [T]) {
    let size = map.len();
    if size == 0 {
        return;
    }
    let m = s + r;
    let head = map.partition_point(|&i| (i as usize) < s);
    for (column, &to) in update.chunks_exact(size).zip(map) {
        let to = to as usize;
        if to < s {
            let l = &mut l[to * m..(to + 1) * m];
            for (&v, &i) in column.iter().zip(map) {
                l[i as usize] += v;
            }
        } else {
            let u = &mut u[(to - s) * s..(to - s + 1) * s];
            for (&v, &i) in column[..head].iter().zip(map) {
                u[i as usize] += v;
            }
            let c = &mut c[(to - s) * r..(to - s + 1) * r];
            for (&v, &i) in column[head..].iter().zip(&map[head..]) {
                c[i as usize - s] += v;
            }
        }
    }
}
