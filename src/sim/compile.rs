//! Circuit → simulation: number the unknowns, record the pattern, bind the slots, replay the linear devices.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::modified::Modified;
use super::names::Namer;
use super::rows::Rows;
use super::{BatchSlot, Hold, Simulation};
use crate::base::Sym;
use crate::circuit::Circuit;
use crate::dataset::Stats;
use crate::device::{Binder, IterMem, Linearity, Load, Point, Slot, Unknown, UnknownKind, Wiring};
use crate::diag::Diagnostic;
use crate::sparse::{self, dissection::placed::NOWHERE};

/// First pass: what is asked for. Second pass: where it went.
struct Recorder(sparse::Builder);

impl Wiring for Recorder {
    fn slot(&mut self, row: Unknown, col: Unknown) -> Slot {
        self.0.add(row, col);
        0
    }
}

struct Replayer<'a> {
    slots: &'a [u32],
    next: usize,
}

impl Wiring for Replayer<'_> {
    fn slot(&mut self, _: Unknown, _: Unknown) -> Slot {
        self.next += 1;
        self.slots[self.next - 1]
    }
}

impl Simulation {
    /// Builds the simulation. All faults that devices find in their parameters are returned.
    pub fn compile(circuit: &Arc<Circuit>) -> Result<Simulation, Vec<Diagnostic>> {
        let env = circuit.env;
        let options = &circuit.options;
        let mut faults = vec![];
        let mut failed = false;
        let mut slots: Vec<BatchSlot> = vec![];
        let nodes = circuit.nodes.len().max(1);
        let mut n = nodes;
        let mut memory = 0;
        for group in &circuit.groups {
            match group.ty.batch(group, &env) {
                Ok(batch) => {
                    let specs: Arc<[_]> = batch.unknowns().into();
                    let len = batch.iter_len();
                    let is_replayed = batch.linearity() == Linearity::Linear;
                    slots.push(BatchSlot {
                        base: n as Unknown,
                        memory: memory..memory + len,
                        is_replayed,
                        is_nonlinear: batch.linearity() == Linearity::Nonlinear,
                        specs,
                        batch,
                    });
                    n += slots.last().map_or(0, |s| s.specs.len());
                    memory += len;
                }
                Err(d) => {
                    failed = true;
                    faults.extend(d);
                }
            }
        }
        if failed {
            return Err(faults);
        }

        let mut branches: HashMap<Sym, Unknown> = HashMap::new();
        for (s, group) in slots.iter().zip(&circuit.groups) {
            for (k, spec) in s.specs.iter().enumerate() {
                if spec.name == "i" {
                    branches.insert(group.get(spec.instance as usize).name, s.base + k as Unknown);
                }
            }
        }
        let mut missing = vec![];
        for (s, group) in slots.iter_mut().zip(&circuit.groups) {
            for i in group.iter() {
                for r in i.refs {
                    if !branches.contains_key(r) {
                        missing.push(super::report::no_branch(circuit, i.span, circuit.names.get(*r)));
                    }
                }
            }
            let internals: Vec<Unknown> = (s.base..s.base + s.specs.len() as Unknown).collect();
            let branch = |name: Sym| branches.get(&name).copied().unwrap_or(0);
            s.batch.assign(&Binder { internals: &internals, branch: &branch });
        }
        if !missing.is_empty() {
            return Err(missing);
        }

        let mut recorder = Recorder(sparse::Builder::new());
        let mut counts = vec![];
        let mut is_nonlinear = vec![false; n];
        for s in &mut slots {
            let before = recorder.0.len();
            s.batch.connect(&mut recorder);
            counts.push(recorder.0.len() - before);
            if s.batch.linearity() == Linearity::Nonlinear {
                recorder.0.columns_since(before).for_each(|c| is_nonlinear[c as usize] = true);
            }
        }
        // Every node and every held row needs its diagonal: for shunts, forced nodes and homotopies, and an internal node so
        // that it can be tied. Other rows do not: a voltage source has none, and saying otherwise would hide structural
        // singularities.
        for u in 1..nodes as Unknown {
            recorder.0.add(u, u);
        }
        for s in &slots {
            for (k, spec) in s.specs.iter().enumerate() {
                let is_node = spec.kind == UnknownKind::Voltage;
                if is_node || spec.hold.is_some() || !circuit.state_ics.is_empty() || !circuit.free_currents.is_empty()
                {
                    recorder.0.add(s.base + k as Unknown, s.base + k as Unknown);
                }
            }
        }
        let (pattern, numbers) = recorder.0.finish(n - 1);
        let mut at = 0;
        let mut is_live = vec![false; pattern.slots()];
        for (s, count) in slots.iter_mut().zip(counts) {
            s.batch.connect(&mut Replayer { slots: &numbers[at..at + count], next: 0 });
            if !s.is_replayed {
                numbers[at..at + count].iter().for_each(|&slot| is_live[slot as usize] = true);
            }
            at += count;
        }
        drop(numbers);

        let namer = Namer::new(circuit, nodes, &slots);
        let diagonal: Arc<[u32]> = (0..n as Unknown).map(|u| pattern.slot(u, u)).collect();
        let mut abstol = vec![options.vntol; n];
        let mut row_tol = vec![options.abstol; n];
        let mut holds: Vec<Hold> = vec![];
        for s in &slots {
            for (k, spec) in s.specs.iter().enumerate() {
                let u = s.base as usize + k;
                (abstol[u], row_tol[u]) = match spec.kind {
                    UnknownKind::Voltage => (options.vntol, options.abstol),
                    UnknownKind::Current => (options.abstol, options.vntol),
                    UnknownKind::State { abstol, residual_tol, .. } => (abstol, residual_tol),
                };
                if let Some(value) = spec.hold.filter(|_| !options.dc_state_steady) {
                    holds.push(Hold { unknown: u as Unknown, value, row_slots: vec![], diagonal: diagonal[u] });
                }
            }
        }
        for (name, state, value, at) in &circuit.state_ics {
            if let Some(u) = find_state(circuit, &slots, *name, state) {
                match holds.iter_mut().find(|h| h.unknown == u) {
                    Some(h) => h.value = *value,
                    None => holds.push(Hold {
                        unknown: u,
                        value: *value,
                        row_slots: vec![],
                        diagonal: diagonal[u as usize],
                    }),
                }
            } else {
                faults.push(super::report::no_state(circuit, *name, state, *at, &states(circuit, &slots, *name)));
            }
        }
        for name in &circuit.free_currents {
            if let Some(u) = branches.get(name).copied()
                && !holds.iter().any(|h| h.unknown == u)
            {
                holds.push(Hold { unknown: u, value: 0.0, row_slots: vec![], diagonal: diagonal[u as usize] });
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        if !holds.is_empty() {
            let held: HashMap<u32, usize> = holds.iter().enumerate().map(|(k, h)| (h.unknown, k)).collect();
            for (row, _, slot) in pattern.entries() {
                if let Some(k) = held.get(&row) {
                    holds[*k].row_slots.push(slot);
                }
            }
        }

        let mut pattern = pattern;
        if !circuit.places.is_empty() {
            let mut places = circuit.places[1..].to_vec();
            places.resize(n - 1, NOWHERE);
            pattern.place(places);
        }
        let pattern = Arc::new(pattern);
        let solver = match sparse::Analysis::new(&pattern) {
            Ok(s) => s,
            Err(s) => return Err(vec![super::report::structurally_singular(circuit, &namer, &s)]),
        };
        let kernel_info = solver.kernel(&options.solver);
        let kernel_options = sparse::Options { pivrel: options.pivrel, ..sparse::Options::default() };
        let kernel = (kernel_info.real)(&solver, &kernel_options);
        let choice = solver.estimate(kernel_info.name);
        let values = pattern.slots();
        let stats = Stats {
            unknowns: n - 1,
            matrix_entries: pattern.nnz(),
            kernel: kernel_info.name.into(),
            ordering: choice.ordering.into(),
            factor_flops: choice.flops as u64,
            factor_estimate: choice.seconds,
            min_step: f64::INFINITY,
            ..Stats::default()
        };
        let has_nonlinear = slots.iter().any(|s| s.batch.linearity() == Linearity::Nonlinear);
        let mut sim = Simulation {
            circuit: circuit.clone(),
            env,
            nodes,
            n,
            slots,
            branches: Arc::new(branches),
            pattern,
            solver,
            kernel,
            diagonal,
            holds: holds.into(),
            step_abstol: abstol.clone(),
            abstol,
            row_tol,
            is_nonlinear,
            memory: vec![0.0; memory],
            g_linear: vec![0.0; values],
            c_linear: vec![0.0; values],
            g_rows: Rows::default(),
            c_rows: Rows::default(),
            is_live: is_live.into(),
            content: Rows::default(),
            f: vec![0.0; n],
            q: vec![0.0; n],
            g: vec![0.0; values],
            c: vec![0.0; values],
            jacobian: vec![0.0; values],
            magnitude: vec![0.0; n],
            factored_for: None,
            has_pivots: false,
            has_nonlinear,
            is_moved: true,
            modified: Modified::new(circuit.options.modnewton),
            stats,
            last_singular: None,
            endless: None,
            bad_point: None,
            adrift: vec![],
            adrift_told: 0,
            forced: vec![],
            messages: vec![],
            files: BTreeMap::new(),
            rebuild: None,
        };
        sim.set_temperature(env.temp);
        Ok(sim)
    }

    /// Evaluates the replayed batches once; from then on they are a matrix product.
    pub(crate) fn replay_all(&mut self) {
        self.g_linear.fill(0.0);
        self.c_linear.fill(0.0);
        self.f.fill(0.0);
        self.q.fill(0.0);
        let x = vec![0.0; self.n];
        let at = Point::tran(0.0);
        for s in &self.slots {
            if s.is_replayed {
                let mut mem = IterMem::new(&mut []);
                let mut out = Load { f: &mut self.f, q: &mut self.q, g: &mut self.g_linear, c: &mut self.c_linear };
                s.batch.eval(&at, &x, &mut mem, &mut out);
            }
        }
        let options = &self.circuit.options;
        for u in 1..self.nodes {
            let d = self.diagonal[u] as usize;
            self.g_linear[d] += options.gshunt;
            self.c_linear[d] += options.cshunt;
        }
        let (pattern, n) = (&self.pattern, self.n);
        let rows = |values: &[f64]| {
            let nonzero = pattern.entries().filter(|e| values[e.2 as usize] != 0.0);
            Rows::new(n, nonzero.map(|(r, c, s)| (r, c, values[s as usize])))
        };
        self.g_rows = rows(&self.g_linear);
        self.c_rows = rows(&self.c_linear);
        let may_hold = |s: u32| self.is_live[s as usize] || self.c_linear[s as usize] != 0.0;
        self.content = Rows::new(n, pattern.entries().filter(|e| may_hold(e.2)));
        self.factored_for = None;
    }

    pub(crate) fn relinearize(&mut self, group: usize) {
        self.factored_for = None;
        if self.slots[group].is_replayed {
            self.replay_all();
        }
    }
}

/// The internal unknowns of an instance, by name.
fn states<'s>(circuit: &Circuit, slots: &'s [BatchSlot], name: Sym) -> Vec<&'s str> {
    let found = slots.iter().zip(&circuit.groups).find_map(|(s, g)| Some((s, g.iter().position(|i| i.name == name)?)));
    let Some((slot, index)) = found else { return vec![] };
    slot.specs.iter().filter(|p| p.instance as usize == index).map(|p| p.name).collect()
}

/// The unknown of an instance's internal state, or of its branch current for `i`.
fn find_state(circuit: &Circuit, slots: &[BatchSlot], name: Sym, state: &str) -> Option<Unknown> {
    slots.iter().zip(&circuit.groups).find_map(|(s, group)| {
        let index = group.iter().position(|i| i.name == name)?;
        let k = s.specs.iter().position(|p| p.instance as usize == index && p.name.eq_ignore_ascii_case(state))?;
        Some(s.base + k as Unknown)
    })
}
