//! A circuit made ready to solve: unknowns numbered, matrix pattern and slots fixed, devices in batches.
//!
//! [`Simulation::compile`] builds it; [`Simulation::load`] evaluates `f, q, df/dx, dq/dx` at a point; the analyses do the
//! rest. Everything that an iteration touches is allocated here, once.

mod compile;
mod guess;
mod linear;
mod modified;
mod names;
mod probe;
pub mod report;
mod rows;
mod system;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use crate::base::Sym;
use crate::circuit::{Circuit, SweepTarget};
use crate::dataset::Stats;
use crate::device::{AnalysisKind, Batch, Env, ParamId, Point, Unknown, UnknownSpec, Wishes};
use crate::diag::Diagnostic;
use crate::sparse::{Analysis, Kernel, Pattern, Singular};

use modified::Modified;
use rows::Rows;

pub use probe::Probe;
pub use system::{Dynamic, System};

/// Messages of devices beyond these are lost.
const MAX_MESSAGES: usize = 100_000;

/// One device type's instances and where they live.
#[derive(Clone)]
pub(crate) struct BatchSlot {
    pub batch: Box<dyn Batch>,
    /// Its part of the iteration memory.
    pub memory: Range<usize>,
    /// Its internal unknowns are `base..base + specs.len()`.
    pub base: Unknown,
    pub specs: Arc<[UnknownSpec]>,
    /// Evaluated once and replayed as a matrix product.
    pub is_replayed: bool,
    pub is_nonlinear: bool,
}

/// An unknown that OP and DC hold at a value, with the slots of its row.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub unknown: Unknown,
    pub value: f64,
    pub row_slots: Vec<u32>,
    pub diagonal: u32,
}

/// Elaborates the circuit again with other values of sweep variables.
pub type Rebuild = Arc<dyn Fn(&[(SweepTarget, f64)]) -> Result<Circuit, Vec<Diagnostic>> + Send + Sync>;

/// Compiled form of a circuit. `Clone` gives an independent copy for a run side by side.
#[derive(Clone)]
pub struct Simulation {
    pub circuit: Arc<Circuit>,
    pub env: Env,
    /// Nodes including ground; unknowns below this number are node voltages.
    pub(crate) nodes: usize,
    /// Unknowns including ground.
    pub(crate) n: usize,
    pub(crate) slots: Vec<BatchSlot>,
    pub(crate) branches: Arc<HashMap<Sym, Unknown>>,
    pub(crate) pattern: Arc<Pattern>,
    pub(crate) solver: Arc<Analysis>,
    pub(crate) kernel: Box<dyn Kernel<f64>>,
    /// Slot of (i, i), 0 where the pattern has none.
    pub(crate) diagonal: Arc<[u32]>,
    pub(crate) holds: Arc<[Hold]>,
    /// Absolute tolerance of every unknown and of every row's residual.
    pub(crate) abstol: Vec<f64>,
    pub(crate) row_tol: Vec<f64>,
    /// Absolute tolerance of every unknown in the steps of a transient.
    pub(crate) step_abstol: Vec<f64>,
    /// Unknowns that some nonlinear device reads.
    pub(crate) is_nonlinear: Vec<bool>,
    pub(crate) memory: Vec<f64>,
    /// Constant matrices of the replayed batches, by slot and by row.
    pub(crate) g_linear: Vec<f64>,
    pub(crate) c_linear: Vec<f64>,
    pub(crate) g_rows: Rows<f64>,
    pub(crate) c_rows: Rows<f64>,
    /// Slots that batches with an `eval` at every iteration write.
    pub(crate) is_live: Arc<[bool]>,
    /// The slots of dq/dx that can differ from zero.
    pub(crate) content: Rows<u32>,
    pub f: Vec<f64>,
    pub q: Vec<f64>,
    pub g: Vec<f64>,
    pub c: Vec<f64>,
    pub(crate) jacobian: Vec<f64>,
    pub(crate) magnitude: Vec<f64>,
    /// The a0 of the Jacobian and its factors where that says everything: a circuit without nonlinear devices.
    pub(crate) factored_for: Option<f64>,
    /// The kernel has pivots that were chosen in this analysis.
    pub(crate) has_pivots: bool,
    pub(crate) has_nonlinear: bool,
    /// A nonlinear device was evaluated since the last factorisation.
    pub(crate) is_moved: bool,
    /// Whether factors of an earlier Jacobian may serve.
    pub(crate) modified: Modified,
    pub stats: Stats,
    /// The last singularity, for the report.
    pub(crate) last_singular: Option<Singular>,
    /// The last instance with a loop that does not end, for the report.
    pub(crate) endless: Option<Sym>,
    /// Where the last equation without a value was met, for the report.
    pub(crate) bad_point: Option<(Point, Vec<f64>)>,
    /// Nodes forced to a value through a large conductance (`.ic` in the operating point, `.nodeset` at first).
    pub(crate) forced: Vec<(Unknown, f64)>,
    /// Internal nodes of devices that nothing determines, and how many of them the user knows of.
    pub(crate) adrift: Vec<usize>,
    pub(crate) adrift_told: usize,
    /// What devices had to say at accepted points, oldest first.
    pub messages: Vec<String>,
    /// What devices write to files, by name.
    pub files: BTreeMap<String, String>,
    /// How to get the circuit at another point of a sweep over what a compiled circuit cannot change.
    pub rebuild: Option<Rebuild>,
}

impl Simulation {
    /// Unknowns including ground.
    pub fn len(&self) -> usize {
        self.n
    }

    pub fn is_empty(&self) -> bool {
        self.n <= 1
    }

    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// What the linear kernels know of the pattern.
    pub fn solver(&self) -> &Arc<Analysis> {
        &self.solver
    }

    /// The batch of group `g` of the circuit.
    pub fn batch(&self, group: usize) -> &dyn Batch {
        self.slots[group].batch.as_ref()
    }

    pub fn batches(&self) -> impl Iterator<Item = &dyn Batch> {
        self.slots.iter().map(|s| s.batch.as_ref())
    }

    /// A batch's iteration memory, as `op_values` wants it.
    pub fn batch_memory(&self, group: usize) -> &[f64] {
        &self.memory[self.slots[group].memory.clone()]
    }

    pub(crate) fn is_linear(&self) -> bool {
        !self.has_nonlinear
    }

    /// Changes an instance parameter. False: the device cannot, elaborate again.
    pub fn set_param(&mut self, group: usize, instance: usize, id: ParamId, value: f64) -> bool {
        let ok = self.slots[group].batch.set_param(instance, id, value);
        if ok {
            let temp = self.env.temp;
            self.slots[group].batch.set_temperature(temp);
            self.relinearize(group);
        }
        ok
    }

    /// Changes a model parameter for all instances of the model.
    pub fn set_model_param(&mut self, group: usize, model: usize, id: ParamId, value: f64) -> bool {
        let ok = self.slots[group].batch.set_model_param(model, id, value);
        if ok {
            let temp = self.env.temp;
            self.slots[group].batch.set_temperature(temp);
            self.relinearize(group);
        }
        ok
    }

    /// K
    pub fn set_temperature(&mut self, temp: f64) {
        self.env.temp = temp;
        for s in &mut self.slots {
            s.batch.set_temperature(temp);
        }
        self.replay_all();
    }

    /// The end that the first event inside a solved step asks for; see [`Batch::crossing`].
    pub fn crossing(&self, at0: &Point, x0: &[f64], at: &Point, x: &[f64]) -> Option<f64> {
        self.slots.iter().filter_map(|s| s.batch.crossing(at0, x0, at, x)).reduce(f64::min)
    }

    /// Commits an accepted point to all batches.
    pub fn accept(&mut self, at: &Point, x: &[f64]) -> Wishes {
        let mut wishes = Wishes::default();
        for s in &mut self.slots {
            wishes.merge(&s.batch.accept(at, x));
        }
        self.collect_messages();
        wishes
    }

    /// An analysis begins. It does not depend on what ran before, to the last bit.
    pub fn begin(&mut self, kind: AnalysisKind) {
        self.factored_for = None;
        self.has_pivots = false;
        self.modified.begin();
        for s in &mut self.slots {
            s.batch.begin(kind);
        }
    }

    /// The last accepted point of an analysis.
    pub fn finish(&mut self, at: &Point, x: &[f64]) {
        for s in &mut self.slots {
            s.batch.finish(at, x);
        }
        self.collect_messages();
    }

    fn collect_messages(&mut self) {
        let mut found = vec![];
        for (s, group) in self.slots.iter_mut().zip(&self.circuit.groups) {
            s.batch.take_messages(&mut found);
            for m in found.drain(..) {
                let name = self.circuit.names.get(group.get(m.instance as usize).name);
                let text = m.text.replace("%m", name);
                match m.file {
                    Some(file) => {
                        let content = self.files.entry(file.replace("%m", name)).or_default();
                        if m.is_new_file {
                            content.clear();
                        }
                        content.push_str(&text);
                    }
                    None if self.messages.len() < MAX_MESSAGES => self.messages.push(text),
                    None => {}
                }
            }
        }
    }

    /// Starts counting anew: every analysis has its own statistics.
    pub(crate) fn restart_stats(&mut self) {
        let s = &self.stats;
        self.stats = Stats {
            unknowns: s.unknowns,
            matrix_entries: s.matrix_entries,
            factor_entries: s.factor_entries,
            kernel: s.kernel.clone(),
            ordering: s.ordering.clone(),
            factor_flops: s.factor_flops,
            factor_estimate: s.factor_estimate,
            min_step: f64::INFINITY,
            ..Stats::default()
        };
    }

    /// Operating point defaults for a [`Point`]: gmin from the options.
    pub fn point_dc(&self) -> Point {
        Point { gmin: self.circuit.options.gmin, ..Point::dc() }
    }

    pub fn point_tran(&self, time: f64) -> Point {
        let o = &self.circuit.options;
        // An exponential continued along its tangent is off by (d/vt)²/2: a twentieth of reltol at most.
        let quiet = if o.bypass { 0.02585 * (0.1 * o.reltol).sqrt() } else { 0.0 };
        Point { gmin: o.gmin, quiet, ..Point::tran(time) }
    }
}
