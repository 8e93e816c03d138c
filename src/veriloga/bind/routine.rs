//! What runs at accepted points: one function for all instances, as machine code or in the interpreter.

use std::ops::Range;
use std::sync::OnceLock;

use super::BackEnd;
use crate::veriloga::interp::{Machine, World};
use crate::veriloga::ir::{Const, Func, In};
use crate::veriloga::jit::KEYS;
use crate::veriloga::jit::plain::{Inputs, Log, Plain};
use crate::veriloga::lower::Lowered;

/// A function whose results are listed for each instance in the order of its outputs.
pub struct Routine {
    pub func: Func,
    slots: usize,
    back_end: BackEnd,
    /// Made at the first use, unless asked for before.
    code: OnceLock<Result<Plain, String>>,
}

impl Routine {
    pub fn new(func: Func, slots: usize, back_end: BackEnd) -> Routine {
        Routine { func, slots, back_end, code: OnceLock::new() }
    }

    /// Results of one instance.
    pub fn outputs(&self) -> usize {
        self.func.outputs.len()
    }

    /// Generates the code; the message says what the code generator disliked.
    pub fn prepare(&self, l: &Lowered) -> Result<(), String> {
        match self.back_end {
            BackEnd::Native => self
                .code
                .get_or_init(|| Plain::compile(&self.func, l, self.slots))
                .as_ref()
                .map(|_| ())
                .map_err(String::clone),
            BackEnd::Interpreter => Ok(()),
        }
    }

    /// Why the interpreter runs what should be machine code.
    pub fn refusal(&self) -> Option<&str> {
        self.code.get().and_then(|c| c.as_ref().err()).map(String::as_str)
    }

    /// Runs the instances of a range. `out` has the results of all instances.
    pub fn run(&self, l: &Lowered, a: &Inputs, range: Range<usize>, out: &mut [f64], log: &mut Log) {
        if self.prepare(l).is_ok()
            && let Some(Ok(code)) = self.code.get()
        {
            return code.run(a, range, out, log);
        }
        let mut machine = Machine::default();
        let n = self.outputs();
        for i in range {
            let mut world = Reader { l, a, i, slots: self.slots, log: &mut *log };
            let mut results = out[i * n..(i + 1) * n].iter_mut();
            machine.run(&self.func, &mut world, &mut |_, v| {
                if let Some(o) = results.next() {
                    *o = v;
                }
            });
        }
    }
}

/// The same inputs for the interpreter.
struct Reader<'a> {
    l: &'a Lowered,
    a: &'a Inputs<'a>,
    i: usize,
    slots: usize,
    log: &'a mut Log,
}

impl World for Reader<'_> {
    fn input(&mut self, class: In, k: u32) -> f64 {
        let (a, l, i, k) = (self.a, self.l, self.i, k as usize);
        let class_of = a.classes.get(i).map_or(0, |c| *c as usize);
        let own = |list: &[f64], n: usize| list.get(i * n + k).copied().unwrap_or(0.0);
        let shared = |list: &[f64], n: usize| list.get(class_of * n + k).copied().unwrap_or(0.0);
        match class {
            In::Probe => {
                let n = l.unknowns.len();
                let at = |u: Option<u32>| u.map_or(0.0, |u| a.x[a.rows[i * n + u as usize] as usize]);
                let (hi, lo) = l.probes[k];
                at(hi) - at(lo)
            }
            In::Cache => shared(a.cache, self.slots),
            In::Param => shared(a.params, l.scalars()),
            In::Given => shared(a.given, l.scalars()),
            In::Connected => shared(a.connected, l.terminals as usize),
            In::Env => shared(a.env, crate::veriloga::ir::env::COUNT),
            In::Sim => a.sim.get(k).copied().unwrap_or(0.0),
            In::Hidden => own(a.hidden, l.cells.len()),
            In::Uniform => own(a.uniforms, l.uniforms as usize),
            In::Normal => own(a.normals, l.normals as usize),
            In::Key => own(a.keys, KEYS),
            In::Signal => own(a.signals, l.signals.len() * crate::veriloga::ir::signal::COUNT),
            In::Event => own(a.events, l.events.len()),
            In::Old | In::Limited => 0.0,
        }
    }

    fn table(&mut self, table: u32, order: [u8; 3], x: [f64; 3]) -> f64 {
        let class = self.a.classes.get(self.i).map_or(0, |c| *c as usize);
        self.a.tables.get(class * self.l.tables.len() + table as usize).map_or(0.0, |t| t.look_up(x, order))
    }

    fn effect(&mut self, site: u32, args: &[Const]) {
        self.log.push(self.i as u32, site, args.iter().map(|c| c.to_f64()));
    }
}
