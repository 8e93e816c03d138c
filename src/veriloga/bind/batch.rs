//! All instances of a module, evaluated together.

use std::sync::Arc;

use num_complex::Complex64;

use super::class::{Class, Place, Shape, classify, run, shape};
use super::events::Events;
use super::text::Message;
use super::{Target, VaDevice};
use crate::base::rng::Stream;
use crate::device::{
    AcLoad, Batch, Binder, Env, Group, IterMem, Load, NoiseSource, OpVar, ParamId, Point, Slot, Unknown, UnknownSpec,
    Wiring, Wishes,
};
use crate::diag::Diagnostic;
use crate::veriloga::interp::Machine;
use crate::veriloga::ir::{In, Out, sim};
use crate::veriloga::jit::Args;
use crate::veriloga::lower::Program;

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
        cache: vec![],
        hidden: vec![],
        uniforms: vec![0.5; n * l.uniforms as usize],
        normals: vec![0.0; n * l.normals as usize],
        names: group.iter().map(|i| i.name).collect(),
        cycle: 0,
        started: false,
        last_time: 0.0,
        env: *env,
        temp: env.temp,
        max_row: 0,
        max_slot: 0,
        events: Events::new(dev, n),
        messages: vec![],
        jumped: vec![false; n],
        machine: Machine::default(),
    };
    b.pack();
    b.begin();
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
    slots: Vec<Slot>,
    /// Slots of all classes, one class after the other.
    cache: Vec<f64>,
    /// Committed values of persisting cells, instance by instance.
    pub(super) hidden: Vec<f64>,
    uniforms: Vec<f64>,
    normals: Vec<f64>,
    pub(super) names: Vec<crate::base::Sym>,
    /// Accepted points since the analysis began.
    cycle: u32,
    pub(super) started: bool,
    /// s
    pub(super) last_time: f64,
    pub(super) env: Env,
    pub(super) temp: f64,
    max_row: usize,
    max_slot: usize,
    pub(super) events: Events,
    pub(super) messages: Vec<Message>,
    pub(super) jumped: Vec<bool>,
    pub(super) machine: Machine,
}

impl VaBatch {
    pub(super) fn program(&self) -> &Program {
        &self.dev.program
    }

    fn pack(&mut self) {
        self.cache.clear();
        for c in &self.classes {
            self.cache.extend_from_slice(&c.cache);
        }
    }

    /// An analysis begins: what persists has its initial values again.
    fn reset(&mut self) {
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
        self.draw();
    }

    /// Random numbers of the point to come.
    fn draw(&mut self) {
        let (nu, nn) = (self.program().lowered.uniforms as usize, self.program().lowered.normals as usize);
        for i in 0..self.n {
            let stream = Stream { seed: self.env.seed, run: self.env.run, instance: self.names[i].0 };
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
        s[sim::IS_FIRST_ITERATION as usize] = flag(at.is_first_iteration);
        s[sim::INITIAL_STEP as usize] = flag(!self.started);
        s[sim::HERTZ as usize] = at.hertz;
        s
    }

    pub(super) fn class(&self, i: usize) -> &Class {
        &self.classes[self.class_of[i] as usize]
    }

    /// An input of instance `i` outside of Newton's iteration.
    pub(super) fn input(&self, i: usize, numbers: &[f64; sim::COUNT], x: &[f64], class: In, k: u32) -> f64 {
        let l = &self.program().lowered;
        let k0 = k as usize;
        match class {
            In::Probe => self.probe(i, x, k0),
            In::Sim => numbers.get(k0).copied().unwrap_or(0.0),
            In::Hidden => self.hidden[i * l.cells.len() + k0],
            In::Uniform => self.uniforms[i * l.uniforms as usize + k0],
            In::Normal => self.normals[i * l.normals as usize + k0],
            In::Event | In::Old | In::Limited => 0.0,
            _ => self.class(i).input(class, k, self.temp),
        }
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
        let rows = &self.rows[i * nu..(i + 1) * nu];
        let slots = &self.slots[i * ne..(i + 1) * ne];
        let old: Vec<f64> = mem.values[i * no..(i + 1) * no].to_vec();
        let mut new = old.clone();
        let mut limited = false;
        let slot = |r: u32, c: u32| p.entries.iter().position(|e| *e == (r, c)).map_or(0, |k| slots[k]);
        run(
            &p.eval,
            machine,
            &mut |c, k| if c == In::Old { old[k as usize] } else { self.input(i, numbers, x, c, k) },
            &mut |c, a, b, v| match c {
                Out::F => out.f(rows[a as usize], v),
                Out::Q => out.q(rows[a as usize], v),
                Out::G => out.g(slot(a, b), v),
                Out::C => out.c(slot(a, b), v),
                Out::Old => new[a as usize] = v,
                Out::IsLimited => limited |= v != 0.0,
                _ => {}
            },
        );
        mem.values[i * no..(i + 1) * no].copy_from_slice(&new);
        mem.limited |= limited;
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
        self.max_slot = self.slots.iter().copied().max().unwrap_or(0) as usize;
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
        self.n * self.program().lowered.limit_states as usize
    }

    fn eval(&self, at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load) {
        let numbers = self.sim_numbers(at);
        let Some(kernel) = &self.dev.kernel else {
            let mut machine = Machine::default();
            for i in 0..self.n {
                self.interpret(i, &numbers, x, mem, out, &mut machine);
            }
            return;
        };
        let args = Args {
            count: self.n,
            x,
            rows: &self.rows,
            slots: &self.slots,
            classes: &self.class_of,
            cache: &self.cache,
            sim: &numbers,
            hidden: &self.hidden,
            uniforms: &self.uniforms,
            normals: &self.normals,
            old: &mut *mem.values,
            f: &mut *out.f,
            q: &mut *out.q,
            g: &mut *out.g,
            c: &mut *out.c,
            max_row: self.max_row,
            max_slot: self.max_slot,
            class_count: self.classes.len(),
        };
        mem.limited |= kernel.run(args);
    }

    fn crossing(&self, at0: &Point, x0: &[f64], at: &Point, x: &[f64]) -> Option<f64> {
        self.find_crossing(at0, x0, at, x)
    }

    fn accept(&mut self, at: &Point, x: &[f64]) -> Wishes {
        self.accept_point(at, x)
    }

    fn begin(&mut self) {
        self.reset();
    }

    fn finish(&mut self, at: &Point, x: &[f64]) {
        self.final_step(at, x);
    }

    fn take_messages(&mut self, out: &mut Vec<(u32, String)>) {
        self.text_of_messages(out);
    }

    fn noise(&self, at: &Point, x: &[f64], out: &mut Vec<NoiseSource>) {
        let p = self.program();
        let l = &p.lowered;
        if l.noises.is_empty() {
            return;
        }
        let numbers = self.sim_numbers(at);
        let mut machine = Machine::default();
        let nu = l.unknowns.len();
        for i in 0..self.n {
            let mut power = vec![0.0; l.noises.len()];
            let mut exponent = vec![1.0; l.noises.len()];
            let mut gain = vec![0.0; l.noises.len()];
            run(&p.noise, &mut machine, &mut |c, k| self.input(i, &numbers, x, c, k), &mut |c, a, b, v| match (c, b) {
                (Out::Noise, 0) => power[a as usize] = v,
                (Out::Noise, _) => exponent[a as usize] = v,
                (Out::Gain, _) => gain[a as usize] = v,
                _ => {}
            });
            let row = |u: Option<u32>| u.map_or(0, |u| self.rows[i * nu + u as usize]);
            for (k, s) in l.noises.iter().enumerate().filter(|(_, s)| !s.is_stimulus) {
                let density = power[k] * gain[k] * gain[k] / self.class(i).mfactor;
                let (white, flicker) = if s.is_flicker { (0.0, density) } else { (density, 0.0) };
                out.push(NoiseSource {
                    instance: i as u32,
                    name: self.dev.noise_names[k],
                    p: row(s.hi),
                    n: row(s.lo),
                    white,
                    flicker,
                    exponent: exponent[k],
                });
            }
        }
    }

    fn ac(&self, at: &Point, x: &[f64], _omega: f64, out: &mut AcLoad) {
        let p = self.program();
        let l = &p.lowered;
        if !l.noises.iter().any(|s| s.is_stimulus) {
            return;
        }
        let numbers = self.sim_numbers(at);
        let mut machine = Machine::default();
        let nu = l.unknowns.len();
        for i in 0..self.n {
            let mut polar = vec![(0.0, 0.0); l.noises.len()];
            let mut gains = vec![];
            run(&p.noise, &mut machine, &mut |c, k| self.input(i, &numbers, x, c, k), &mut |c, a, b, v| match (c, b) {
                (Out::Noise, 0) => polar[a as usize].0 = v,
                (Out::Noise, _) => polar[a as usize].1 = v,
                (Out::Gain, b) if b > 0 => gains.push((a, b - 1, v)),
                _ => {}
            });
            for (k, n, gain) in gains {
                let (magnitude, phase) = polar[k as usize];
                if let Some(row) = l.noises[k as usize].rows.get(n as usize) {
                    // What the residual gains moves to the other side.
                    let z = Complex64::from_polar(magnitude * gain, phase);
                    out.rhs[self.rows[i * nu + *row as usize] as usize] -= z;
                }
            }
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        self.dev.op_vars()
    }

    fn op_values(&self, i: usize, at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let numbers = self.sim_numbers(at);
        let mut machine = Machine::default();
        run(&self.program().op, &mut machine, &mut |c, k| self.input(i, &numbers, x, c, k), &mut |_, a, _, v| {
            if let Some(o) = out.get_mut(a as usize) {
                *o = v;
            }
        });
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        let c = self.class(instance);
        match self.dev.targets.get(id as usize)? {
            Target::Mfactor => Some(c.mfactor),
            Target::Param(first, _) => c.values.get(*first as usize).copied(),
        }
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
