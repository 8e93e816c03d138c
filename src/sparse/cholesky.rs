//! Cholesky factors of symmetric matrices by faer's supernodal kernels: L Lᵀ where the matrix is positive definite
//! (networks of conductances), L D Lᵀ without pivoting where it is symmetric only (branches of inductors: quasi-definite
//! matrices have such factors in any order; R. J. Vanderbei, SIAM J. Optim. 5, 1995). Half the work of an LU. Ideal
//! voltage sources do not make a network indefinite as long as something else says what one of their terminals is at: the
//! [`Frame`] takes them out, and only the rest, the core, is factored.
//!
//! ```text
//! factor:  values symmetric? else refused.   L Lᵀ; a pivot ≤ 0 or at the level of rounding: L D Lᵀ;
//!          a trial solution must come out with a small residual, else refused
//! refused: the supernodal LU takes over
//! ```
//! faer's complex factors are of Hermitian matrices; those of AC analyses are symmetric and not Hermitian, so there is
//! no complex kernel of this kind.

use std::sync::Arc;

use faer::dyn_stack::{MemBuffer, MemStack, StackReq};
use faer::linalg::cholesky::ldlt::factor::LdltRegularization;
use faer::linalg::cholesky::llt::factor::LltRegularization;
use faer::sparse::linalg::SupernodalThreshold;
use faer::sparse::linalg::cholesky::supernodal::{SupernodalLdltRef, SupernodalLltRef};
use faer::sparse::linalg::cholesky::{
    CholeskySymbolicParams, LdltRef, LltRef, SymbolicCholesky, SymbolicCholeskyRaw, SymmetricOrdering,
    factorize_symbolic_cholesky,
};
use faer::sparse::{SparseColMatRef, SymbolicSparseColMatRef};
use faer::{Conj, MatMut, Par, Side};

use super::etree::NONE;
use super::frame::Frame;
use super::supernodal::{ACCURACY, Tree};
use super::{Kernel, Options, Singular, Stale, Stats, Supernodal};

/// A pivot of at most this fraction of its diagonal is rounding noise.
const NOISE: f64 = 64.0 * f64::EPSILON;
/// Values that differ by no more than this fraction count as equal.
const SYMMETRY: f64 = 4.0 * f64::EPSILON;

/// What depends on the pattern.
#[derive(Debug)]
struct Analysis {
    factor: SymbolicCholesky<u32>,
    frame: Frame,
    /// The lower triangle of the core in the order of elimination, by columns, diagonal always there.
    ptr: Vec<u32>,
    row: Vec<u32>,
    /// Slots of each entry and of its mirror image; 0 where there is none.
    slot: Vec<(u32, u32)>,
    scratch: StackReq,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    None,
    Llt,
    Ldlt,
}

/// Symmetric factors, or those of the kernel that stands in.
pub struct Cholesky {
    tree: Arc<Tree>,
    options: Options,
    /// `None`: there have been no symmetric values yet.
    analysis: Option<Arc<Analysis>>,
    form: Form,
    /// A solution could not be brought to [`ACCURACY`]: the next factors are the other kernel's.
    is_suspect: bool,
    stats: Stats,
    /// Of the core: powers of two that bring the diagonal near 1.
    scale: Vec<f64>,
    a: Vec<f64>,
    l: Vec<f64>,
    x: Vec<f64>,
    /// By slot, as last given.
    values: Vec<f64>,
    trial: [Vec<f64>; 3],
    memory: Vec<MemBuffer>,
    other: Option<Box<Supernodal<f64>>>,
}

impl Analysis {
    fn new(tree: &Tree, frame: Frame) -> Option<Analysis> {
        let (n, p) = (frame.core.len(), &*tree.pattern);
        // Number in the core of every unknown.
        let mut at = vec![NONE; tree.n()];
        for (k, &c) in frame.core.iter().enumerate() {
            at[c as usize] = k as u32;
        }
        // Entries below the diagonal with the slots of both images, or above it where there is no other.
        let below = || {
            p.entries().filter_map(|(r, c, slot)| {
                let (i, j) = (at[r as usize - 1], at[c as usize - 1]);
                if i == NONE || j == NONE || i == j {
                    return None;
                }
                let mirror = p.slot(c, r);
                match i > j {
                    true => Some((i, j, (slot, mirror))),
                    false => (mirror == 0).then_some((j, i, (slot, 0))),
                }
            })
        };
        let mut ptr = vec![0u32; n + 1];
        below().for_each(|e| ptr[e.1 as usize + 1] += 1);
        for k in 0..n {
            ptr[k + 1] += ptr[k] + 1;
        }
        let mut list = vec![(0, (0, 0)); ptr[n] as usize];
        let mut next = ptr[..n].to_vec();
        for (k, &c) in frame.core.iter().enumerate() {
            let slot = p.slot(c + 1, c + 1);
            list[next[k] as usize] = (k as u32, (slot, slot));
            next[k] += 1;
        }
        for (i, j, slots) in below() {
            list[next[j as usize] as usize] = (i, slots);
            next[j as usize] += 1;
        }
        drop((at, next));
        for w in ptr.windows(2) {
            list[w[0] as usize..w[1] as usize].sort_unstable();
        }
        let row: Vec<u32> = list.iter().map(|e| e.0).collect();
        let slot = list.iter().map(|e| e.1).collect();
        drop(list);
        // Elimination trees are read off the upper triangle, values off the lower.
        let upper = transpose(&ptr, &row);
        let upper = SymbolicSparseColMatRef::new_checked(n, n, &upper.0, None, &upper.1);
        let params = CholeskySymbolicParams {
            supernodal_flop_ratio_threshold: SupernodalThreshold::FORCE_SUPERNODAL,
            ..CholeskySymbolicParams::default()
        };
        let factor = factorize_symbolic_cholesky(upper, Side::Upper, SymmetricOrdering::Identity, params).ok()?;
        let scratch = factor
            .factorize_numeric_llt_scratch::<f64>(Par::Seq, Default::default())
            .or(factor.factorize_numeric_ldlt_scratch::<f64>(Par::Seq, Default::default()))
            .or(factor.solve_in_place_scratch::<f64>(1, Par::Seq));
        Some(Analysis { factor, frame, ptr, row, slot, scratch })
    }
}

/// The transposed pattern: by rows what was by columns.
fn transpose(ptr: &[u32], row: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let n = ptr.len() - 1;
    let mut start = vec![0u32; n + 1];
    row.iter().for_each(|&i| start[i as usize + 1] += 1);
    for k in 0..n {
        start[k + 1] += start[k];
    }
    let mut next = start.clone();
    let mut col = vec![0u32; row.len()];
    for j in 0..n {
        for &i in &row[ptr[j] as usize..ptr[j + 1] as usize] {
            col[next[i as usize] as usize] = j as u32;
            next[i as usize] += 1;
        }
    }
    (start, col)
}

/// Equal to rounding.
fn is_same(x: f64, y: f64) -> bool {
    (x - y).abs() <= SYMMETRY * x.abs()
}

impl Cholesky {
    pub fn new(tree: Arc<Tree>, options: Options) -> Self {
        let n = tree.n();
        Cholesky {
            options,
            form: Form::None,
            is_suspect: false,
            stats: Stats {
                unknowns: n,
                nnz: tree.pattern.nnz(),
                blocks: tree.block_start.len() - 1,
                flops: (tree.flops / 2.0) as u64,
                ..Stats::default()
            },
            scale: vec![],
            a: vec![],
            l: vec![],
            x: vec![],
            values: vec![0.0; tree.pattern.slots()],
            trial: [vec![0.0; n], vec![0.0; n], vec![0.0; n]],
            memory: vec![],
            other: None,
            analysis: None,
            tree,
        }
    }

    /// Makes room, once values have shown that it will be needed.
    fn prepare(&mut self, values: &[f64]) -> bool {
        let p = &*self.tree.pattern;
        let of = |slot: u32| if slot == 0 { 0.0 } else { values[slot as usize] };
        let is_symmetric = p.entries().all(|(r, c, s)| is_same(values[s as usize], of(p.slot(c, r))));
        if !is_symmetric || self.tree.row_perm != self.tree.col_perm {
            return false;
        }
        // What stands from other values must not decide anything.
        let frame = Frame::new(p, values, &self.tree.col_perm);
        if self.analysis.as_ref().is_some_and(|a| a.frame == frame) {
            return true;
        }
        self.analysis = None;
        (self.a, self.l, self.memory) = (vec![], vec![], vec![]);
        let n = frame.core.len();
        let Some(analysis) = Analysis::new(&self.tree, frame).filter(|_| n > 0) else { return false };
        (self.scale, self.x) = (vec![1.0; n], vec![0.0; n]);
        self.a = vec![0.0; analysis.row.len()];
        self.l = vec![0.0; analysis.factor.len_val()];
        self.memory = vec![MemBuffer::new(analysis.scratch)];
        self.stats.factor_nnz = self.l.len() + analysis.frame.len();
        self.analysis = Some(Arc::new(analysis));
        true
    }

    /// Is the supernodal LU doing the work?
    pub fn has_fallen_back(&self) -> bool {
        self.other.is_some()
    }

    /// Takes the values over. False: they are not symmetric, not finite, or sources are others.
    fn load(&mut self, values: &[f64]) -> bool {
        let Some(analysis) = &self.analysis else { return false };
        let mut is_symmetric = analysis.frame.is_sound(values, is_same);
        for j in 0..self.scale.len() {
            let range = analysis.ptr[j] as usize..analysis.ptr[j + 1] as usize;
            let entries = analysis.row[range.clone()].iter().zip(&analysis.slot[range.clone()]);
            for ((&i, &(lower, upper)), a) in entries.zip(&mut self.a[range]) {
                let of = |slot: u32| if slot == 0 { 0.0 } else { values[slot as usize] };
                let (x, y) = (of(lower), of(upper));
                is_symmetric &= is_same(x, y);
                *a = x * self.scale[j] * self.scale[i as usize];
            }
        }
        is_symmetric
    }

    fn rescale(&mut self, values: &[f64]) {
        let Some(analysis) = &self.analysis else { return };
        for (s, &c) in self.scale.iter_mut().zip(&analysis.frame.core) {
            let d = values[self.tree.pattern.slot(c + 1, c + 1) as usize].abs();
            let is_usable = self.options.equilibrate && d > 0.0 && d.is_finite();
            *s = if is_usable && self.tree.pattern.slot(c + 1, c + 1) != 0 {
                (-0.5 * d.log2()).round().exp2()
            } else {
                1.0
            };
        }
    }

    fn factor_as(&mut self, form: Form) -> bool {
        let (Some(analysis), Some(memory)) = (&self.analysis, self.memory.first_mut()) else { return false };
        let n = self.x.len();
        let lower = SymbolicSparseColMatRef::new_checked(n, n, &analysis.ptr, None, &analysis.row);
        let a = SparseColMatRef::new(lower, &self.a);
        let stack = MemStack::new(memory);
        let done = match form {
            Form::None => false,
            Form::Llt => {
                let plain = LltRegularization::default();
                let f = &analysis.factor;
                f.factorize_numeric_llt(&mut self.l, a, Side::Lower, plain, Par::Seq, stack, Default::default()).is_ok()
            }
            Form::Ldlt => {
                let plain = LdltRegularization::default();
                let f = &analysis.factor;
                f.factorize_numeric_ldlt(&mut self.l, a, Side::Lower, plain, Par::Seq, stack, Default::default())
                    .is_ok()
            }
        };
        done && self.has_sound_pivots(form)
    }

    /// No pivot is what rounding has left of its diagonal.
    fn has_sound_pivots(&self, form: Form) -> bool {
        let Some(analysis) = &self.analysis else { return false };
        let SymbolicCholeskyRaw::Supernodal(s) = analysis.factor.raw() else { return false };
        (0..s.n_supernodes()).all(|k| {
            let (start, l) = match form {
                Form::Llt => {
                    let node = SupernodalLltRef::new(s, &self.l).supernode(k);
                    (node.start(), node.val())
                }
                _ => {
                    let node = SupernodalLdltRef::new(s, &self.l).supernode(k);
                    (node.start(), node.val())
                }
            };
            (0..l.ncols()).all(|j| {
                let pivot = if form == Form::Llt { l[(j, j)] * l[(j, j)] } else { l[(j, j)].abs() };
                let diagonal = self.a[analysis.ptr[start + j] as usize].abs();
                pivot > NOISE * diagonal.max(1e-2) && pivot < f64::INFINITY
            })
        })
    }

    fn solve_once(&mut self, rhs: &mut [f64]) {
        let (Some(analysis), Some(memory)) = (&self.analysis, self.memory.first_mut()) else { return };
        let frame = &analysis.frame;
        frame.before(&self.values, rhs);
        for ((x, &c), &s) in self.x.iter_mut().zip(&frame.core).zip(&self.scale) {
            *x = rhs[c as usize] * s;
        }
        let n = self.x.len();
        let x = MatMut::from_column_major_slice_mut(&mut self.x, n, 1);
        let stack = MemStack::new(memory);
        match self.form {
            Form::Ldlt => {
                LdltRef::new(&analysis.factor, &self.l).solve_in_place_with_conj(Conj::No, x, Par::Seq, stack);
            }
            _ => LltRef::new(&analysis.factor, &self.l).solve_in_place_with_conj(Conj::No, x, Par::Seq, stack),
        }
        for ((x, &c), &s) in self.x.iter().zip(&frame.core).zip(&self.scale) {
            rhs[c as usize] = x * s;
        }
        frame.after(&self.values, rhs);
    }

    /// Solves, measures and corrects, as far as it goes where the factors had no pivots to choose. The backward error of
    /// the result.
    fn solve_corrected(&mut self, rhs: &mut [f64]) -> f64 {
        let target = if self.form == Form::Ldlt { 4.0 * f64::EPSILON } else { 0.25 * ACCURACY };
        let [mut b, mut r, mut w] = std::mem::take(&mut self.trial);
        b.copy_from_slice(rhs);
        self.solve_once(rhs);
        let mut worst = f64::INFINITY;
        for round in 0..4 {
            let last = worst;
            worst = self.error(rhs, &b, &mut r, &mut w);
            if worst <= target || round == 3 || !(worst < 0.5 * last) {
                break;
            }
            self.solve_once(&mut r);
            for (x, d) in rhs.iter_mut().zip(&r) {
                *x += d;
            }
        }
        self.trial = [b, r, w];
        worst
    }

    /// Componentwise backward error; r = b − A x.
    fn error(&self, x: &[f64], b: &[f64], r: &mut [f64], w: &mut [f64]) -> f64 {
        let p = &self.tree.pattern;
        r.copy_from_slice(b);
        for (w, b) in w.iter_mut().zip(b) {
            *w = b.abs();
        }
        for c in 0..p.n() {
            let range = p.range(c);
            for (&i, &v) in p.rows()[range.clone()].iter().zip(&self.values[range.start + 1..]) {
                r[i as usize] -= v * x[c];
                w[i as usize] += (v * x[c]).abs();
            }
        }
        let mut worst = 0.0;
        for (&r, &w) in r.iter().zip(&*w) {
            let ratio = r.abs() / w;
            if r != 0.0 && !(ratio <= worst) {
                worst = ratio;
            }
        }
        worst
    }

    /// Could these values be factored this way, and does it solve?
    fn try_form(&mut self, form: Form) -> bool {
        self.form = form;
        if !self.factor_as(form) {
            self.form = Form::None;
            return false;
        }
        if form == Form::Ldlt {
            let Some(analysis) = &self.analysis else { return false };
            let mut b = vec![0.0; self.tree.n()];
            for (k, &c) in analysis.frame.core.iter().enumerate() {
                // Without structure, of the size that the equation's scale makes 1.
                let unit = ((k + c as usize) as u32).wrapping_mul(2_654_435_761) >> 8;
                b[c as usize] = (f64::from(unit) / f64::from(1 << 24) - 0.5) / self.scale[k];
            }
            let error = self.solve_corrected(&mut b);
            if !(error <= ACCURACY) {
                self.form = Form::None;
                return false;
            }
        }
        true
    }
}

impl Kernel<f64> for Cholesky {
    fn factor(&mut self, values: &[f64]) -> Result<(), Singular> {
        self.stats.factored += 1;
        self.values.copy_from_slice(values);
        self.form = Form::None;
        let is_suspect = std::mem::take(&mut self.is_suspect);
        let is_ready = !is_suspect && self.prepare(values);
        self.rescale(values);
        if is_ready && self.load(values) && (self.try_form(Form::Llt) || self.try_form(Form::Ldlt)) {
            self.other = None;
            return Ok(());
        }
        let other = self.other.get_or_insert_with(|| Box::new(Supernodal::new(self.tree.clone(), self.options)));
        other.factor(values)
    }

    fn refactor(&mut self, values: &[f64]) -> Result<(), Stale> {
        let result = match (&mut self.other, self.form) {
            (Some(other), _) => other.refactor(values),
            (None, form) if form == Form::None || self.is_suspect => Err(Stale { column: 0, ratio: 0.0 }),
            (None, form) => {
                self.values.copy_from_slice(values);
                self.form = Form::None;
                if self.load(values) && self.factor_as(form) {
                    self.form = form;
                    Ok(())
                } else {
                    Err(Stale { column: 0, ratio: 0.0 })
                }
            }
        };
        self.stats.refactored += u64::from(result.is_ok());
        result
    }

    fn solve(&mut self, rhs: &mut [f64]) {
        self.stats.solved += 1;
        match &mut self.other {
            Some(other) => other.solve(rhs),
            None if self.form == Form::None => rhs.fill(f64::NAN),
            None => self.is_suspect |= !(self.solve_corrected(rhs) <= ACCURACY),
        }
    }

    fn solve_transposed(&mut self, rhs: &mut [f64]) {
        match &mut self.other {
            Some(other) => {
                self.stats.solved += 1;
                other.solve_transposed(rhs);
            }
            None => self.solve(rhs),
        }
    }

    fn is_factored(&self) -> bool {
        self.other.as_ref().map_or(self.form != Form::None, |o| o.is_factored())
    }

    fn stats(&self) -> Stats {
        match &self.other {
            Some(other) => Stats {
                factored: self.stats.factored,
                refactored: self.stats.refactored,
                solved: self.stats.solved,
                ..other.stats()
            },
            None => self.stats,
        }
    }

    fn name(&self) -> &'static str {
        self.other.as_ref().map_or("cholesky", |o| o.name())
    }

    fn clone_box(&self) -> Box<dyn Kernel<f64>> {
        Box::new(self.clone())
    }
}

impl Clone for Cholesky {
    fn clone(&self) -> Self {
        Cholesky {
            tree: self.tree.clone(),
            options: self.options,
            analysis: self.analysis.clone(),
            form: self.form,
            is_suspect: self.is_suspect,
            stats: self.stats,
            scale: self.scale.clone(),
            a: self.a.clone(),
            l: self.l.clone(),
            x: self.x.clone(),
            values: self.values.clone(),
            trial: self.trial.clone(),
            memory: self.analysis.iter().map(|a| MemBuffer::new(a.scratch)).collect(),
            other: self.other.clone(),
        }
    }
}
