//! All instances of a module, evaluated together.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use num_complex::Complex64;

use super::chunks::Memory;
use super::class::{Class, Place, Shape, classify, shape};
use super::codes::Plan;
use super::events::Events;
use super::routine::Routine;
use super::signals::Signals;
use super::targets::Targets;
use super::text::Texts;
use super::{Target, VaDevice};
use crate::base::rng::Stream;
use crate::device::{
    AcLoad, AnalysisKind, Batch, Binder, Env, Group, IterMem, Load, Message, NoiseSource, OpVar, ParamId, Point, Slot,
    Spectrum, Trouble, Unknown, UnknownSpec, Wiring, Wishes,
};
use crate::diag::Diagnostic;
use crate::veriloga::interp::{Machine, World};
use crate::veriloga::ir::{In, Out, env, signal, sim};
use crate::veriloga::jit::KEYS;
use crate::veriloga::jit::plain::{Inputs, Log};
use crate::veriloga::lower::Program;
use crate::veriloga::table::Table;

thread_local! {
    /// Results of routines that run on a batch that is not to be changed.
    static SCRATCH: RefCell<(Vec<f64>, Vec<f64>, Log)> = RefCell::default();
    static BEFORE: RefCell<Vec<f64>> = const { RefCell::new(vec![]) };
}

/// Builds the batch of a group.
pub fn build(dev: &Arc<VaDevice>, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
    let mut faults = vec![];
    let classes = classify(dev, group, env, &mut faults);
    if faults.iter().any(Diagnostic::is_error) {
        return Err(faults);
    }
    let shapes: Vec<Shape> = classes.list.iter().map(|c| shape(dev, c)).collect();
    let n = group.len();
    let l = &dev.program.lowered;
    let (nu, ne) = (l.unknowns.len(), dev.program.entries.len());
    let mut terminals = vec![];
    let mut first_terminal = vec![];
    for inst in group.iter() {
        first_terminal.push(terminals.len());
        terminals.extend_from_slice(inst.nodes);
    }
    let mut b = VaBatch {
        dev: dev.clone(),
        n,
        classes: classes.list,
        shapes,
        class_of: classes.of,
        terminals,
        first_terminal,
        rows: vec![0; n * nu],
        slots: vec![0; n * ne],
        plan: None,
        refusal: None,
        targets: Targets::default(),
        cache: vec![],
        flat: Flat::default(),
        hidden: vec![],
        uniforms: vec![0.5; n * l.uniforms as usize],
        normals: vec![0.0; n * l.normals as usize],
        keys: vec![0.5; n * KEYS],
        signal_entries: l
            .signals
            .iter()
            .map(|s| {
                let ends = s.output.zip(s.input);
                ends.and_then(|e| dev.program.entries.iter().position(|x| *x == e)).unwrap_or(usize::MAX)
            })
            .collect(),
        signals: Signals::new(&l.signals, n),
        kind: AnalysisKind::Op,
        streams: (0..n).map(|i| group.stream(i)).collect(),
        cycle: 0,
        started: false,
        last_time: 0.0,
        env: *env,
        temp: env.temp,
        max_row: 0,
        events: Events::new(dev, n),
        texts: Texts::default(),
        jumped: vec![false; n],
        machine: Machine::default(),
        results: vec![],
        log: Log::default(),
        again: Log::default(),
        signal_numbers: vec![],
        memory: Memory::default(),
        version: 0,
    };
    b.pack();
    b.begin(AnalysisKind::Op);
    Ok(Box::new(b))
}

#[derive(Clone)]
pub struct VaBatch {
    pub(super) dev: Arc<VaDevice>,
    pub(super) n: usize,
    pub(super) classes: Vec<Class>,
    shapes: Vec<Shape>,
    pub(super) class_of: Vec<u32>,
    terminals: Vec<Unknown>,
    first_terminal: Vec<usize>,
    /// Unknown of each module unknown, instance by instance; 0 where there is none.
    pub(super) rows: Vec<Unknown>,
    pub(super) slots: Vec<Slot>,
    /// Machine code; none: the interpreter evaluates, and why it does where that was not asked for.
    plan: Option<Plan>,
    refusal: Option<String>,
    pub(super) targets: Targets,
    /// Slots of all classes, one class after the other, every number twice.
    pub(super) cache: Vec<f64>,
    pub(super) flat: Flat,
    /// Committed values of persisting cells, instance by instance.
    pub(super) hidden: Vec<f64>,
    pub(super) uniforms: Vec<f64>,
    pub(super) normals: Vec<f64>,
    pub(super) keys: Vec<f64>,
    /// Number of the matrix entry of each operator with a frequency response.
    signal_entries: Vec<usize>,
    pub(super) signals: Signals,
    kind: AnalysisKind,
    pub(super) streams: Vec<u32>,
    /// Accepted points since the analysis began.
    cycle: u32,
    pub(super) started: bool,
    /// s
    pub(super) last_time: f64,
    pub(super) env: Env,
    pub(super) temp: f64,
    max_row: usize,
    pub(super) events: Events,
    pub(super) texts: Texts,
    pub(super) jumped: Vec<bool>,
    machine: Machine,
    /// Scratch of accepted points: results of all instances, effects, effects of instances with events.
    pub(super) results: Vec<f64>,
    pub(super) log: Log,
    pub(super) again: Log,
    pub(super) signal_numbers: Vec<f64>,
    pub(super) memory: Memory,
    /// Of everything but the unknowns and the simulator's numbers that an evaluation reads.
    pub(super) version: u32,
}

/// What routines read of the classes, one class after the other.
#[derive(Clone, Default)]
pub(super) struct Flat {
    accept_cache: Vec<f64>,
    pub(super) tables: Vec<Table>,
    params: Vec<f64>,
    given: Vec<f64>,
    connected: Vec<f64>,
    env: Vec<f64>,
}

impl VaBatch {
    pub(super) fn program(&self) -> &Program {
        &self.dev.program
    }

    fn pack(&mut self) {
        self.version += 1;
        self.cache.clear();
        self.flat = Flat::default();
        let flag = |b: bool| f64::from(u8::from(b));
        let n = self.dev.program.lowered.scalars();
        for c in &self.classes {
            self.cache.extend(c.cache.iter().flat_map(|x| [*x; 2]));
            let f = &mut self.flat;
            f.accept_cache.extend_from_slice(&c.accept_cache);
            f.tables.extend_from_slice(&c.tables);
            f.params.extend_from_slice(&c.values);
            f.given.extend((0..n).map(|k| flag(c.given.get(k).is_some_and(|x| !x.is_nan()))));
            f.connected.extend(c.connected.iter().map(|x| flag(*x)));
            f.env.extend((0..env::COUNT as u32).map(|k| c.input(In::Env, k, self.temp)));
        }
    }

    /// An analysis begins: what persists has its initial values again.
    fn reset(&mut self) {
        self.version += 1;
        let cells = self.program().lowered.cells.len();
        self.hidden.clear();
        self.hidden.resize(self.n * cells, 0.0);
        for i in 0..self.n {
            let c = &self.classes[self.class_of[i] as usize];
            self.hidden[i * cells..(i + 1) * cells].copy_from_slice(&c.initial);
        }
        self.cycle = 0;
        self.started = false;
        self.jumped.fill(false);
        self.events.reset();
        self.signals.reset();
        self.texts = Texts::default();
        self.draw();
    }

    /// Random numbers of the point to come.
    fn draw(&mut self) {
        let run = Stream { seed: self.env.seed, run: self.env.run, instance: u32::MAX };
        for (keys, instance) in self.keys.chunks_exact_mut(KEYS).zip(&self.streams) {
            let own = Stream { instance: *instance, ..run };
            keys.copy_from_slice(&[own.uniform(u32::MAX, 0), run.uniform(u32::MAX, 0), run.uniform(self.cycle, 0)]);
        }
        let (nu, nn) = (self.program().lowered.uniforms as usize, self.program().lowered.normals as usize);
        for i in 0..self.n {
            let stream = Stream { seed: self.env.seed, run: self.env.run, instance: self.streams[i] };
            for k in 0..nu {
                self.uniforms[i * nu + k] = stream.uniform(self.cycle, k as u32);
            }
            for k in 0..nn {
                self.normals[i * nn + k] = stream.normal(self.cycle, (1 << 20) + k as u32);
            }
        }
    }

    pub(super) fn next_cycle(&mut self) {
        self.cycle += 1;
        self.draw();
    }

    /// The `In::Sim` numbers of a point.
    pub(super) fn sim_numbers(&self, at: &Point) -> [f64; sim::COUNT] {
        let flag = |b: bool| f64::from(u8::from(b));
        let mut s = [0.0; sim::COUNT];
        s[sim::TIME as usize] = at.time;
        s[sim::GMIN as usize] = at.gmin;
        s[sim::SOURCE_SCALE as usize] = at.source_scale;
        s[sim::IS_STATIC as usize] = flag(at.is_static);
        s[sim::IS_TRAN as usize] = flag(!at.is_static || at.is_tran_op);
        s[sim::IS_AC as usize] = flag(self.kind == AnalysisKind::Ac);
        s[sim::IS_NOISE as usize] = flag(self.kind == AnalysisKind::Noise);
        s[sim::IS_FIRST_ITERATION as usize] = flag(at.is_first_iteration);
        s[sim::INITIAL_STEP as usize] = flag(!self.started);
        s[sim::HERTZ as usize] = at.hertz;
        s[sim::IS_SEARCH as usize] = flag(at.is_static && !at.is_small_signal);
        s
    }

    pub(super) fn class(&self, i: usize) -> &Class {
        &self.classes[self.class_of[i] as usize]
    }

    /// An input of instance `i` for the interpreter.
    fn input(&self, i: usize, numbers: &[f64; sim::COUNT], x: &[f64], class: In, k: u32) -> f64 {
        let l = &self.program().lowered;
        let k0 = k as usize;
        match class {
            In::Probe => self.probe(i, x, k0),
            In::Sim => numbers.get(k0).copied().unwrap_or(0.0),
            In::Hidden => self.hidden[i * l.cells.len() + k0],
            In::Uniform => self.uniforms[i * l.uniforms as usize + k0],
            In::Normal => self.normals[i * l.normals as usize + k0],
            In::Key => self.keys[i * KEYS + k0],
            In::Event | In::Old | In::Limited | In::Signal => 0.0,
            _ => self.class(i).input(class, k, self.temp),
        }
    }

    /// What routines read.
    pub(super) fn inputs<'a>(
        &'a self,
        numbers: &'a [f64; sim::COUNT],
        x: &'a [f64],
        events: &'a [f64],
        signals: &'a [f64],
        cache: &'a [f64],
    ) -> Inputs<'a> {
        Inputs {
            count: self.n,
            class_count: self.classes.len(),
            x,
            rows: &self.rows,
            max_row: self.max_row,
            classes: &self.class_of,
            cache,
            sim: numbers,
            hidden: &self.hidden,
            uniforms: &self.uniforms,
            normals: &self.normals,
            keys: &self.keys,
            signals,
            tables: &self.flat.tables,
            params: &self.flat.params,
            given: &self.flat.given,
            connected: &self.flat.connected,
            env: &self.flat.env,
            events,
        }
    }

    pub(super) fn accept_cache(&self) -> &[f64] {
        &self.flat.accept_cache
    }

    /// Numbers of the operators that look back, at a time.
    pub(super) fn fill_signals(&self, t: f64, out: &mut [f64]) {
        let n = self.program().lowered.signals.len() * signal::COUNT;
        if n > 0 {
            for (i, part) in out.chunks_exact_mut(n).enumerate() {
                self.signals.fill(i, t, part);
            }
        }
    }

    /// Runs a routine at two points and shows both results, instance by instance.
    pub(super) fn consult_twice(
        &self,
        routine: &Routine,
        (at0, x0): (&Point, &[f64]),
        (at, x): (&Point, &[f64]),
        show: &mut dyn FnMut(usize, &[f64], &[f64]),
    ) {
        let n = routine.outputs();
        BEFORE.with_borrow_mut(|before| {
            before.clear();
            let cache = self.accept_cache();
            self.consult(routine, cache, at0, x0, None, &mut |_, results| before.extend_from_slice(results));
            self.consult(routine, cache, at, x, None, &mut |i, now| show(i, &before[i * n..(i + 1) * n], now));
        });
    }

    /// Runs a routine without events and shows its results, instance by instance.
    pub(super) fn consult(
        &self,
        routine: &Routine,
        cache: &[f64],
        at: &Point,
        x: &[f64],
        only: Option<usize>,
        show: &mut dyn FnMut(usize, &[f64]),
    ) {
        let l = &self.program().lowered;
        let n = routine.outputs();
        let numbers = self.sim_numbers(at);
        SCRATCH.with_borrow_mut(|(results, signals, log)| {
            signals.clear();
            signals.resize(self.n * l.signals.len() * signal::COUNT, 0.0);
            self.fill_signals(at.time, signals);
            results.clear();
            results.resize(self.n * n, 0.0);
            log.clear();
            let inputs = self.inputs(&numbers, x, self.events.none(), signals, cache);
            let range = only.map_or(0..self.n, |i| i..i + 1);
            routine.run(l, &inputs, range.clone(), results, log);
            for i in range {
                show(i, &results[i * n..(i + 1) * n]);
            }
        });
    }

    fn probe(&self, i: usize, x: &[f64], k: usize) -> f64 {
        let l = &self.program().lowered;
        let nu = l.unknowns.len();
        let at = |u: Option<u32>| u.map_or(0.0, |u| x[self.rows[i * nu + u as usize] as usize]);
        let (hi, lo) = l.probes[k];
        at(hi) - at(lo)
    }

    /// The reference evaluation of one instance.
    fn interpret(
        &self,
        i: usize,
        numbers: &[f64; sim::COUNT],
        x: &[f64],
        mem: &mut IterMem,
        out: &mut Load,
        machine: &mut Machine,
    ) {
        let p = self.program();
        let l = &p.lowered;
        let (nu, no, ne) = (l.unknowns.len(), l.limit_states as usize, p.entries.len());
        let ns = l.signals.len() * signal::COUNT;
        let rows = &self.rows[i * nu..(i + 1) * nu];
        let slots = &self.slots[i * ne..(i + 1) * ne];
        let old: Vec<f64> = mem.values[i * no..(i + 1) * no].to_vec();
        let signals: Vec<f64> = mem.values[self.n * no + i * ns..][..ns].to_vec();
        let mut new = old.clone();
        let mut limited = false;
        let slot = |r: u32, c: u32| p.entries.iter().position(|e| *e == (r, c)).map_or(0, |k| slots[k]);
        let mut world = Evaluation { batch: self, i, numbers, x, old: &old, signals: &signals };
        machine.run(p.eval(), &mut world, &mut |s, v| match s.class {
            Out::F => out.f(rows[s.a as usize], v),
            Out::Q => out.q(rows[s.a as usize], v),
            Out::G => out.g(slot(s.a, s.b), v),
            Out::C => out.c(slot(s.a, s.b), v),
            Out::Old => new[s.a as usize] = v,
            Out::IsLimited => limited |= v != 0.0,
            _ => {}
        });
        mem.values[i * no..(i + 1) * no].copy_from_slice(&new);
        mem.limited |= limited;
    }
}

/// An evaluation as the interpreter reads it.
pub(super) struct Evaluation<'a> {
    pub(super) batch: &'a VaBatch,
    pub(super) i: usize,
    pub(super) numbers: &'a [f64; sim::COUNT],
    pub(super) x: &'a [f64],
    pub(super) old: &'a [f64],
    pub(super) signals: &'a [f64],
}

impl World for Evaluation<'_> {
    fn input(&mut self, class: In, k: u32) -> f64 {
        match class {
            In::Old => self.old[k as usize],
            In::Signal => self.signals[k as usize],
            _ => self.batch.input(self.i, self.numbers, self.x, class, k),
        }
    }

    fn table(&mut self, table: u32, order: [u8; 3], x: [f64; 3]) -> f64 {
        self.batch.class(self.i).tables.get(table as usize).map_or(0.0, |t| t.look_up(x, order))
    }
}

impl Batch for VaBatch {
    fn len(&self) -> usize {
        self.n
    }

    fn unknowns(&self) -> Vec<UnknownSpec> {
        let l = &self.program().lowered;
        let mut out = vec![];
        for i in 0..self.n {
            let class = self.class(i);
            for u in &self.shapes[self.class_of[i] as usize].internals {
                let (name, kind) = self.dev.unknowns[*u as usize];
                let idt = l.idts.iter().position(|d| d.unknown == *u);
                let held = idt.filter(|k| self.program().held[*k]);
                let hold = held.and_then(|k| class.flag(Program::ic_flag(k as u32)));
                out.push(UnknownSpec { instance: i as u32, name, kind, hold, initial: hold.unwrap_or(0.0) });
            }
        }
        out
    }

    fn assign(&mut self, binder: &Binder) {
        let nu = self.program().lowered.unknowns.len();
        let mut next = 0;
        for i in 0..self.n {
            let shape = &self.shapes[self.class_of[i] as usize];
            for (u, place) in shape.places.iter().enumerate() {
                self.rows[i * nu + u] = match place {
                    Place::Terminal(t) => self.terminals[self.first_terminal[i] + *t as usize],
                    Place::Internal(k) => binder.internals.get(next + *k as usize).copied().unwrap_or(0),
                    Place::Nowhere => 0,
                };
            }
            next += shape.internals.len();
        }
        self.max_row = self.rows.iter().copied().max().unwrap_or(0) as usize;
    }

    fn connect(&mut self, w: &mut dyn Wiring) {
        let p = &self.dev.program;
        let (nu, ne) = (p.lowered.unknowns.len(), p.entries.len());
        for i in 0..self.n {
            for (k, (r, c)) in p.entries.iter().enumerate() {
                let (row, col) = (self.rows[i * nu + *r as usize], self.rows[i * nu + *c as usize]);
                self.slots[i * ne + k] = w.slot(row, col);
            }
        }
        if self.dev.is_native() {
            match self.dev.plan(&self.rows, self.n) {
                Ok(plan) => {
                    self.targets = Targets::new(&plan, &self.dev.program.entries, &self.rows, &self.slots);
                    self.plan = Some(plan);
                }
                Err(why) => self.refusal = Some(why),
            }
        }
    }

    fn set_temperature(&mut self, temp: f64) {
        self.temp = temp;
        for c in &mut self.classes {
            c.set_up(&self.dev.program, &mut self.machine, temp);
        }
        self.pack();
        if !self.started {
            self.reset();
        }
    }

    fn iter_len(&self) -> usize {
        let l = &self.program().lowered;
        self.n * (l.limit_states as usize + l.signals.len() * signal::COUNT)
    }

    fn eval(&self, at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load) {
        let numbers = self.sim_numbers(at);
        let limits = self.n * self.program().lowered.limit_states as usize;
        self.fill_signals(at.time, &mut mem.values[limits..]);
        let Some(plan) = &self.plan else {
            let mut machine = Machine::default();
            for i in 0..self.n {
                self.interpret(i, &numbers, x, mem, out, &mut machine);
            }
            return;
        };
        self.eval_native(plan, &numbers, (at, x), mem, out);
    }

    fn endless(&self, at: &Point, x: &[f64], memory: &[f64]) -> Option<usize> {
        self.find_endless(at, x, memory)
    }

    fn trouble(&self, at: &Point, x: &[f64], memory: &[f64]) -> Option<Trouble> {
        self.find_trouble(at, x, memory)
    }

    fn crossing(&self, at0: &Point, x0: &[f64], at: &Point, x: &[f64]) -> Option<f64> {
        self.find_crossing(at0, x0, at, x)
    }

    fn accept(&mut self, at: &Point, x: &[f64]) -> Wishes {
        self.version += u32::from(self.dev.reads.remembers());
        self.accept_point(at, x)
    }

    fn prime(&mut self, at: &Point, x: &[f64]) {
        self.version += 1;
        self.prime_cells(at, x);
    }

    fn begin(&mut self, kind: AnalysisKind) {
        self.kind = kind;
        self.reset();
    }

    fn finish(&mut self, at: &Point, x: &[f64]) {
        self.final_step(at, x);
        // What is compiled at its first use can tell only now.
        let name = &self.dev.module_name;
        if let Some(why) = &self.refusal {
            self.texts.note(format!("warning: `{name}` runs in the interpreter: {why}"));
        }
        for why in self.dev.refusals() {
            self.texts.note(format!("warning: a part of `{name}` runs in the interpreter: {why}"));
        }
    }

    fn take_messages(&mut self, out: &mut Vec<Message>) {
        self.texts.take(out);
    }

    fn noise(&self, at: &Point, x: &[f64], out: &mut Vec<NoiseSource>) {
        let l = &self.program().lowered;
        if l.noises.is_empty() {
            return;
        }
        let nu = l.unknowns.len();
        let routine = self.dev.noise();
        let mut spectra: HashMap<(u32, u32), Arc<Spectrum>> = HashMap::new();
        self.consult(routine, &[], at, x, None, &mut |i, results| {
            let mut power = vec![0.0; l.noises.len()];
            let mut exponent = vec![1.0; l.noises.len()];
            let mut gain = vec![0.0; l.noises.len()];
            for ((s, _), v) in routine.func.outputs.iter().zip(results) {
                match (s.class, s.b) {
                    (Out::Noise, 0) => power[s.a as usize] = *v,
                    (Out::Noise, _) => exponent[s.a as usize] = *v,
                    (Out::Gain, _) => gain[s.a as usize] = *v,
                    _ => {}
                }
            }
            let row = |u: Option<u32>| u.map_or(0, |u| self.rows[i * nu + u as usize]);
            for (k, s) in l.noises.iter().enumerate().filter(|(_, s)| !s.is_stimulus) {
                // Shot noise is often written with a current that has a sign; a density has none.
                let density = power[k].abs() * gain[k] * gain[k] / self.class(i).mfactor;
                let (white, flicker) = if s.is_flicker { (0.0, density) } else { (density, 0.0) };
                let spectrum = s.table.map(|(t, is_log)| {
                    let shared = spectra.entry((self.class_of[i], t)).or_insert_with(|| {
                        Arc::new(Spectrum { points: self.class(i).tables[t as usize].points(), is_log })
                    });
                    shared.clone()
                });
                out.push(NoiseSource {
                    instance: i as u32,
                    name: self.dev.noise_names[k],
                    p: row(s.hi),
                    n: row(s.lo),
                    white,
                    flicker,
                    exponent: exponent[k],
                    spectrum,
                });
            }
        });
    }

    fn ac(&self, at: &Point, x: &[f64], omega: f64, out: &mut AcLoad) {
        let p = self.program();
        let l = &p.lowered;
        let nu = l.unknowns.len();
        if let (Some(accept), true) = (&self.dev.accept, l.signals.iter().any(|s| s.output.is_some())) {
            self.consult(accept, self.accept_cache(), at, x, None, &mut |i, results| {
                for (k, info) in l.signals.iter().enumerate() {
                    // Where parameters leave the operator out its entry is that of the reference, or none at all.
                    let entry = self.signal_entries[k];
                    if entry >= p.entries.len() || info.output.is_some_and(|u| self.rows[i * nu + u as usize] == 0) {
                        continue;
                    }
                    let Some(slot) = self.slots.get(i * p.entries.len() + entry) else { continue };
                    let first = accept.func.outputs.iter().position(|(s, _)| s.class == Out::Signal && s.a == k as u32);
                    if let Some(args) = first.and_then(|f| results.get(f..)) {
                        // The row is out - response in.
                        out.y[*slot as usize] -= Signals::response(info, args, omega);
                    }
                }
            });
        }
        if !l.noises.iter().any(|s| s.is_stimulus) {
            return;
        }
        let routine = self.dev.noise();
        self.consult(routine, &[], at, x, None, &mut |i, results| {
            let mut polar = vec![(0.0, 0.0); l.noises.len()];
            let mut gains = vec![];
            for ((s, _), v) in routine.func.outputs.iter().zip(results) {
                match (s.class, s.b) {
                    (Out::Noise, 0) => polar[s.a as usize].0 = *v,
                    (Out::Noise, _) => polar[s.a as usize].1 = *v,
                    (Out::Gain, b) if b > 0 => gains.push((s.a, b - 1, *v)),
                    _ => {}
                }
            }
            for (k, n, gain) in gains {
                let (magnitude, phase) = polar[k as usize];
                if let Some(row) = l.noises[k as usize].rows.get(n as usize) {
                    // What the residual gains moves to the other side.
                    let z = Complex64::from_polar(magnitude * gain, phase);
                    out.rhs[self.rows[i * nu + *row as usize] as usize] -= z;
                }
            }
        });
    }

    fn op_vars(&self) -> &'static [OpVar] {
        self.dev.op_vars()
    }

    fn op_values(&self, i: usize, at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let routine = self.dev.op();
        self.consult(routine, &[], at, x, Some(i), &mut |_, results| {
            for ((s, _), v) in routine.func.outputs.iter().zip(results) {
                if let Some(o) = out.get_mut(s.a as usize) {
                    *o = *v;
                }
            }
        });
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        let c = self.class(instance);
        match self.dev.targets.get(id as usize)? {
            Target::Mfactor => Some(c.mfactor),
            Target::Placement(k) => c.placement.get(*k).copied(),
            Target::Temp => Some(c.own_temp.0).filter(|t| !t.is_nan()),
            Target::Dtemp => Some(c.own_temp.1),
            Target::Param(first, _) => c.values.get(*first as usize).copied(),
        }
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
