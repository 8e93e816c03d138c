//! Multifrontal LU on the symmetrised pattern: pivots are sought inside supernodes only, so structure, memory and the
//! order of all sums are fixed by the pattern. What that costs in stability is watched and mended:
//!
//! ```text
//! factor:  scales; diagonal from a matching of large entries where the present one has vanished; fronts.
//!          A pivot that is only noise is replaced by √ε (X. S. Li, J. W. Demmel, ACM TOMS 29, 2003).
//!          Replaced pivots or large entries of L: a trial solution must be refined to `ACCURACY`, else the
//!          left-looking LU with full pivoting takes over, which also says what is singular.
//! solve:   measured, and refined where that is not enough (M. Arioli, J. W. Demmel, I. S. Duff, SIAM J. Matrix Anal.
//!          Appl. 10, 1989); where that fails, the next factorisation is the left-looking kernel's
//! ```

pub mod cost;
mod dense;
mod matching;
mod numeric;
mod refine;
mod solve;
pub mod tree;

use std::sync::Arc;

use super::scale::equilibrate;
use super::{Cause, Kernel, Lu, Options, Singular, Stale, Stats, Symbolic};
pub use dense::Dense;
use dense::Watch;
pub use tree::Tree;

/// Backward error of every solution, by components; factors that cannot reach it are refused.
pub const ACCURACY: f64 = 1e-12;
/// An entry of L above this calls for a trial solution.
const GROWTH: f64 = 1e2;
/// A pivot of at most this fraction of its column before elimination is rounding noise.
const NOISE: f64 = 64.0 * f64::EPSILON;
/// A new diagonal means a new analysis: at most so many in the life of a kernel.
const REMATCHES: u32 = 3;
/// Right-hand sides that are solved side by side.
const SIDE: usize = 8;

/// Factors by fronts.
#[derive(Clone, Debug)]
pub struct Supernodal<T> {
    tree: Arc<Tree>,
    options: Options,
    is_factored: bool,
    /// Pivots were short of what they should be: solutions are refined as far as they go.
    is_refined: bool,
    /// The row or column of a solution that could not be brought to [`ACCURACY`].
    suspect: Option<u32>,
    stats: Stats,
    values: Vec<T>,
    /// Scales by row and column index of the pattern.
    row_scale: Vec<f64>,
    col_scale: Vec<f64>,
    /// Scales of the entries in the fronts, and entries above the blocks.
    scale: Vec<f64>,
    up_scale: Vec<f64>,
    up_val: Vec<T>,
    lu: Vec<T>,
    perm: Vec<u32>,
    /// 1 / pivot by position.
    inv: Vec<T>,
    stacks: [Vec<T>; 2],
    /// One for every task of the tree, and one for the rest.
    works: Vec<numeric::Work<T>>,
    /// Largest entry of L, and pivots replaced, in the last factorisation.
    growth: f64,
    perturbed: u32,
    x: Vec<[T; 1]>,
    y: Vec<[T; 1]>,
    z: Vec<[T; 1]>,
    /// The same for several right-hand sides; made when first asked for.
    wide: [Vec<[T; SIDE]>; 3],
    refine: refine::Work<T>,
    /// Times that another diagonal was taken.
    rematched: u32,
    /// Takes over where pivoting inside supernodes is not enough.
    fallback: Option<Box<Lu<T>>>,
    symbolic: Option<Arc<Symbolic>>,
}

impl<T: Dense> Supernodal<T> {
    pub fn new(tree: Arc<Tree>, options: Options) -> Self {
        let mut s = Supernodal {
            options,
            is_factored: false,
            is_refined: false,
            suspect: None,
            stats: Stats::default(),
            values: vec![T::ZERO; tree.pattern.slots()],
            row_scale: vec![1.0; tree.n()],
            col_scale: vec![1.0; tree.n()],
            scale: vec![],
            up_scale: vec![],
            up_val: vec![],
            lu: vec![],
            perm: vec![],
            inv: vec![],
            stacks: [vec![], vec![]],
            works: vec![],
            growth: 0.0,
            perturbed: 0,
            x: vec![],
            y: vec![],
            z: vec![],
            wide: [vec![], vec![], vec![]],
            refine: refine::Work::new(tree.n(), tree.pattern.slots()),
            rematched: 0,
            fallback: None,
            symbolic: None,
            tree: tree.clone(),
        };
        s.adopt(tree);
        s
    }

    /// Lays out memory for a tree.
    fn adopt(&mut self, tree: Arc<Tree>) {
        let t = &*tree;
        let fill = |v: &mut Vec<T>, n: usize| {
            v.clear();
            v.resize(n, T::ZERO);
        };
        let zero = [T::ZERO; 1];
        self.scale = vec![1.0; t.entry_slot.len()];
        self.up_scale = vec![1.0; t.up_slot.len()];
        fill(&mut self.up_val, t.up_slot.len());
        fill(&mut self.lu, t.lu_ptr[t.fronts()]);
        self.perm = vec![0; t.n()];
        fill(&mut self.inv, t.n());
        fill(&mut self.stacks[0], t.stack[0]);
        fill(&mut self.stacks[1], t.stack[1]);
        self.works = vec![numeric::Work::new(t); t.tasks.len() + 1];
        self.x = vec![zero; t.n()];
        self.y = vec![zero; t.max_pivots];
        self.z = vec![zero; t.max_side];
        self.wide = [vec![], vec![], vec![]];
        self.stats.unknowns = t.n();
        self.stats.nnz = t.pattern.nnz();
        self.stats.blocks = t.blocks.len() - 1;
        self.stats.factor_nnz = t.fill as usize;
        self.stats.flops = t.flops as u64;
        self.tree = tree;
    }

    pub fn tree(&self) -> &Arc<Tree> {
        &self.tree
    }

    /// Largest entry of L of the last factorisation: how far pivoting was hindered.
    pub fn growth(&self) -> f64 {
        self.growth
    }

    /// Pivots of the last factorisation that were replaced.
    pub fn perturbed(&self) -> u32 {
        self.perturbed
    }

    /// Is another kernel doing the work?
    pub fn has_fallen_back(&self) -> bool {
        self.fallback.is_some()
    }

    fn rescale(&mut self, values: &[T]) {
        if self.options.equilibrate {
            let work = &mut self.refine.scale;
            equilibrate(&self.tree.pattern, values, &mut self.row_scale, &mut self.col_scale, work);
        } else {
            // Scaled as a whole, for the size of a replaced pivot is that of a number near 1.
            let max = values[1..].iter().map(|v| v.mag()).fold(0.0, f64::max);
            self.row_scale.fill(if max > 0.0 { (-max.log2().round()).exp2() } else { 1.0 });
            self.col_scale.fill(1.0);
        }
    }

    fn spread_scales(&mut self) {
        let t = &*self.tree;
        // By slot first: the entries of the fronts are in no order of the pattern.
        let by_slot = &mut self.refine.by_slot;
        for c in 0..t.n() {
            let range = t.pattern.range(c);
            for (&r, s) in t.pattern.rows()[range.clone()].iter().zip(&mut by_slot[range.start + 1..]) {
                *s = self.row_scale[r as usize] * self.col_scale[c];
            }
        }
        for (s, &slot) in self.scale.iter_mut().zip(&t.entry_slot) {
            *s = by_slot[slot as usize];
        }
        for (s, &slot) in self.up_scale.iter_mut().zip(&t.up_slot) {
            *s = by_slot[slot as usize];
        }
    }

    /// Fronts for `self.values`.
    fn eliminate(&mut self) -> Watch {
        let t = &*self.tree;
        for ((v, &slot), &s) in self.up_val.iter_mut().zip(&t.up_slot).zip(&self.up_scale) {
            *v = self.values[slot as usize].times(s);
        }
        let [left, right] = &mut self.stacks;
        let whole =
            numeric::Whole { lu: &mut self.lu, perm: &mut self.perm, inv: &mut self.inv, stacks: [left, right] };
        let watch = Watch {
            pivrel: self.options.pivrel,
            perturbation: f64::EPSILON.sqrt(),
            noise: NOISE,
            growth: 0.0,
            perturbed: 0,
            first: 0,
            base: 0,
        };
        numeric::eliminate(t, &self.values, &self.scale, whole, &mut self.works, watch)
    }

    /// Eliminates and decides whether the factors can be used, also transposed where that is asked. The position of a
    /// suspect pivot otherwise.
    fn try_values(&mut self, is_thorough: bool) -> Result<(), u32> {
        let watch = self.eliminate();
        self.growth = watch.growth;
        self.perturbed = watch.perturbed;
        let is_calm = watch.perturbed == 0 && watch.growth <= GROWTH;
        self.is_refined = !is_calm;
        if is_calm || (self.passes_trial(false) && (!is_thorough || self.passes_trial(true))) {
            return Ok(());
        }
        Err(watch.first.saturating_sub(1))
    }

    fn factor_all(&mut self, values: &[T]) -> Result<(), Singular> {
        self.is_factored = false;
        self.fallback = None;
        let pattern = self.tree.pattern.clone();
        if let Some((row, column, _)) = pattern.entries().find(|e| !values[e.2 as usize].mag().is_finite()) {
            return Err(Singular { cause: Cause::NotFinite, column, row, floating: vec![column] });
        }
        self.values.copy_from_slice(values);
        self.rescale(values);
        if self.suspect.take().is_some() {
            self.is_refined = true;
            self.fall_back(values)?;
            self.is_factored = true;
            return Ok(());
        }
        self.spread_scales();
        let mut result = self.try_values(true);
        if self.is_refined
            && self.rematched < REMATCHES
            && let Some(row_of) = matching::replacement(&self.tree, values, &self.row_scale, &self.col_scale)
        {
            self.rematched += 1;
            let tree = Tree::new(&pattern, &row_of, Some(self.tree.ordering));
            self.adopt(Arc::new(tree));
            self.spread_scales();
            result = self.try_values(true);
        }
        if result.is_err() {
            self.fall_back(values)?;
        }
        self.is_factored = true;
        Ok(())
    }

    fn fall_back(&mut self, values: &[T]) -> Result<(), Singular> {
        if self.symbolic.is_none() {
            self.symbolic = Some(Symbolic::analyze(&self.tree.pattern)?);
        }
        if let Some(symbolic) = &self.symbolic {
            let mut lu = Lu::new(symbolic.clone(), self.options);
            lu.factor(values)?;
            self.fallback = Some(Box::new(lu));
        }
        Ok(())
    }

    /// One solution with the factors as they are.
    fn solve_once(&mut self, rhs: &mut [T], is_transposed: bool) {
        if let Some(lu) = &mut self.fallback {
            return if is_transposed { lu.solve_transposed(rhs) } else { lu.solve(rhs) };
        }
        let t = &*self.tree;
        let (rows, cols, rs, cs) = match is_transposed {
            false => (&t.row_perm, &t.col_perm, &self.row_scale, &self.col_scale),
            true => (&t.col_perm, &t.row_perm, &self.col_scale, &self.row_scale),
        };
        for (x, &r) in self.x.iter_mut().zip(rows) {
            x[0] = rhs[r as usize].times(rs[r as usize]);
        }
        pulp::Arch::new().dispatch(solve::Solve {
            tree: t,
            lu: &self.lu,
            perm: &self.perm,
            inv: &self.inv,
            up_val: &self.up_val,
            x: &mut self.x,
            y: &mut self.y,
            z: &mut self.z,
            is_transposed,
        });
        for (x, &c) in self.x.iter().zip(cols) {
            rhs[c as usize] = x[0].times(cs[c as usize]);
        }
    }

    /// Up to [`SIDE`] solutions at once.
    fn solve_wide(&mut self, rhs: &mut [T]) {
        let t = &*self.tree;
        let n = t.n();
        let [x, y, z] = &mut self.wide;
        x.resize(n, [T::ZERO; SIDE]);
        y.resize(t.max_pivots, [T::ZERO; SIDE]);
        z.resize(t.max_side, [T::ZERO; SIDE]);
        for (j, b) in rhs.chunks_exact(n).enumerate() {
            for (x, &r) in x.iter_mut().zip(&t.row_perm) {
                x[j] = b[r as usize].times(self.row_scale[r as usize]);
            }
        }
        let (lu, perm, inv, up_val) = (&self.lu, &self.perm, &self.inv, &self.up_val);
        pulp::Arch::new().dispatch(solve::Solve { tree: t, lu, perm, inv, up_val, x, y, z, is_transposed: false });
        for (j, b) in rhs.chunks_exact_mut(n).enumerate() {
            self.refine.b.copy_from_slice(b);
            let t = &*self.tree;
            for (x, &c) in self.wide[0].iter().zip(&t.col_perm) {
                b[c as usize] = x[j].times(self.col_scale[c as usize]);
            }
            let result = self.improve(b, false);
            self.note(result);
        }
    }

    fn note(&mut self, result: Result<(), usize>) {
        if let Err(row) = result {
            self.suspect = Some(row as u32 + 1);
        }
    }

    fn solve_any(&mut self, rhs: &mut [T], is_transposed: bool) {
        self.stats.solved += 1;
        if !self.is_factored {
            rhs.fill(T::from(f64::NAN));
        } else {
            let result = self.refined(rhs, is_transposed);
            self.note(result);
        }
    }
}

impl<T: Dense> Kernel<T> for Supernodal<T> {
    fn factor(&mut self, values: &[T]) -> Result<(), Singular> {
        self.stats.factored += 1;
        self.factor_all(values)
    }

    fn refactor(&mut self, values: &[T]) -> Result<(), Stale> {
        if !self.is_factored {
            return Err(Stale { column: 0, ratio: 0.0 });
        }
        if let Some(column) = self.suspect.filter(|_| self.fallback.is_none()) {
            self.is_factored = false;
            return Err(Stale { column, ratio: 0.0 });
        }
        if let Some(lu) = &mut self.fallback {
            self.values.copy_from_slice(values);
            let result = lu.refactor(values);
            self.is_factored = result.is_ok();
            result?;
        } else {
            self.is_factored = false;
            self.values.copy_from_slice(values);
            if let Err(position) = self.try_values(false) {
                let column = self.tree.col_perm.get(position as usize).map_or(0, |c| c + 1);
                return Err(Stale { column, ratio: if self.growth > 0.0 { 1.0 / self.growth } else { 0.0 } });
            }
            self.is_factored = true;
        }
        self.stats.refactored += 1;
        Ok(())
    }

    fn solve(&mut self, rhs: &mut [T]) {
        self.solve_any(rhs, false);
    }

    fn solve_transposed(&mut self, rhs: &mut [T]) {
        self.solve_any(rhs, true);
    }

    fn solve_many(&mut self, rhs: &mut [T]) {
        let n = self.tree.n();
        if n == 0 {
            return;
        }
        if !self.is_factored || self.fallback.is_some() || rhs.len() < 2 * n {
            for column in rhs.chunks_exact_mut(n) {
                self.solve(column);
            }
            return;
        }
        for some in rhs.chunks_mut(SIDE * n) {
            self.stats.solved += (some.len() / n) as u64;
            self.solve_wide(some);
        }
    }

    fn is_factored(&self) -> bool {
        self.is_factored
    }

    fn stats(&self) -> Stats {
        match &self.fallback {
            None => self.stats,
            Some(lu) => {
                let Stats { factored, refactored, solved, .. } = self.stats;
                Stats { factored, refactored, solved, ..lu.stats() }
            }
        }
    }

    fn name(&self) -> &'static str {
        if self.fallback.is_some() { "lu" } else { "multifrontal" }
    }

    fn clone_box(&self) -> Box<dyn Kernel<T>> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
pub(crate) mod tests;
