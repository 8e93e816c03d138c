//! Programs bound to unknowns: evaluation, Jacobian entries, and the unknowns of `ddt` and `idt`.
//!
//! Each `ddt`/`idt` of a program is an internal unknown y with a row of its own: `y - d(arg)/dt = 0`, or
//! `dy/dt - arg = 0` with y held at its initial value in DC.

use std::ops::Range;
use std::sync::Arc;

use num_complex::Complex64;

use super::*;
use crate::expr::{Expr, Input, Program, Scope, StateKind};

/// Where an input's value comes from.
#[derive(Clone, Copy, Debug)]
enum Src {
    Unknown(Unknown),
    Time,
    Temper,
    Hertz,
}

/// Names of the `ddt`/`idt` unknowns of an instance.
static STATE_NAMES: [&str; 16] = [
    "state1", "state2", "state3", "state4", "state5", "state6", "state7", "state8", "state9", "state10", "state11",
    "state12", "state13", "state14", "state15", "state16",
];

#[derive(Clone, Debug)]
struct StateRow {
    formula: usize,
    kind: StateKind,
    unknown: Unknown,
    diagonal: Slot,
}

/// Where residuals and Jacobian entries go: the load of an evaluation, or the difference that a frequency makes in AC.
pub trait Sink {
    fn f(&mut self, row: Unknown, v: f64);
    fn q(&mut self, row: Unknown, v: f64);
    fn g(&mut self, slot: Slot, v: f64);
    fn c(&mut self, slot: Slot, v: f64);
}

impl Sink for Load<'_> {
    fn f(&mut self, row: Unknown, v: f64) {
        Load::f(self, row, v);
    }
    fn q(&mut self, row: Unknown, v: f64) {
        Load::q(self, row, v);
    }
    fn g(&mut self, slot: Slot, v: f64) {
        Load::g(self, slot, v);
    }
    fn c(&mut self, slot: Slot, v: f64) {
        Load::c(self, slot, v);
    }
}

/// Adds `sign (g + jωc)` to a complex matrix.
pub struct AcSink<'a, 'b> {
    pub out: &'a mut AcLoad<'b>,
    pub sign: f64,
    pub omega: f64,
}

impl Sink for AcSink<'_, '_> {
    fn f(&mut self, _row: Unknown, _v: f64) {}
    fn q(&mut self, _row: Unknown, _v: f64) {}
    fn g(&mut self, slot: Slot, v: f64) {
        self.out.y[slot as usize] += self.sign * v;
    }
    fn c(&mut self, slot: Slot, v: f64) {
        self.out.y[slot as usize] += Complex64::new(0.0, self.sign * self.omega * v);
    }
}

/// The formulas of a batch; inputs and slots of all of them lie in common arenas.
#[derive(Clone, Default)]
pub struct Formulas {
    programs: Vec<Arc<Program>>,
    /// First input of each formula, and the end of the last.
    start: Vec<u32>,
    /// First state of the program that each formula belongs to.
    base: Vec<u32>,
    input: Vec<Input>,
    src: Vec<Src>,
    /// Entries in the two rows that the formula's value enters with + and -.
    plus: Vec<Slot>,
    minus: Vec<Slot>,
    states: Vec<StateRow>,
    widest: usize,
    scratch: usize,
    temp_c: f64,
    pub uses_hertz: bool,
    reads_time: bool,
}

struct NoNames;

impl Scope for NoNames {
    fn param(&mut self, _name: &str) -> Option<Result<f64, ()>> {
        None
    }
    fn func(&mut self, _name: &str) -> Option<(Vec<String>, Expr)> {
        None
    }
    fn node(&mut self, _name: &str) -> Option<u32> {
        None
    }
    fn branch(&mut self, _name: &str) -> Option<crate::base::Sym> {
        None
    }
    fn normal(&mut self) -> f64 {
        0.0
    }
    fn uniform(&mut self) -> f64 {
        0.0
    }
    fn known_names(&self) -> Vec<String> {
        vec![]
    }
}

/// The program of a parameter that may be a number or an expression.
pub fn program_of(value: Option<&Value>) -> Option<Arc<Program>> {
    match value? {
        Value::Expr(p) => Some(p.clone()),
        Value::Num(x) => Program::compile(&Expr::number(*x), &mut NoNames).ok().map(Arc::new),
        _ => None,
    }
}

impl Formulas {
    /// Does a value change with nothing but time?
    pub fn reads_time(&self) -> bool {
        self.reads_time
    }

    /// Adds a program and the arguments of its states; returns its number.
    pub fn add(&mut self, program: &Arc<Program>) -> usize {
        let base = self.states.len() as u32;
        for op in program.states() {
            let formula = self.push(Arc::new(op.arg.clone()), base);
            self.states.push(StateRow { formula, kind: op.kind, unknown: 0, diagonal: 0 });
        }
        self.push(program.clone(), base)
    }

    /// The same formula once more, for entries in another pair of rows. Evaluating either serves to stamp both.
    pub fn again(&mut self, f: usize) -> usize {
        self.push(self.programs[f].clone(), self.base[f])
    }

    fn push(&mut self, program: Arc<Program>, base: u32) -> usize {
        if self.start.is_empty() {
            self.start.push(0);
        }
        self.input.extend_from_slice(program.inputs());
        self.start.push(self.input.len() as u32);
        self.base.push(base);
        self.widest = self.widest.max(program.inputs().len());
        self.scratch = self.scratch.max(program.scratch_len());
        self.uses_hertz |= program.inputs().contains(&Input::Hertz);
        self.reads_time |= program.inputs().iter().any(|i| matches!(i, Input::Time | Input::Hertz));
        self.programs.push(program);
        self.programs.len() - 1
    }

    pub fn state_count(&self) -> usize {
        self.states.len()
    }

    /// Specifications of states `from..` of an instance.
    pub fn unknowns(&self, instance: usize, states: std::ops::Range<usize>, out: &mut Vec<UnknownSpec>) {
        for (k, s) in self.states[states].iter().enumerate() {
            let name = STATE_NAMES.get(k).copied().unwrap_or("state");
            let (unit, abstol, residual_tol, hold, initial) = match s.kind {
                // The unknown follows its argument exactly (its row is linear in it), so the tolerance may be loose.
                StateKind::Ddt => ("1/s", RATE_TOL, RATE_TOL, None, 0.0),
                StateKind::Idt { initial } => ("", 1e-12, 1e-6, Some(initial), initial),
            };
            let kind = UnknownKind::State { unit, abstol, residual_tol };
            out.push(UnknownSpec { instance: instance as u32, name, kind, hold, initial });
        }
    }

    pub fn set_state(&mut self, state: usize, unknown: Unknown) {
        self.states[state].unknown = unknown;
    }

    /// Resolves inputs once the states have their numbers.
    pub fn resolve(&mut self, binder: &Binder) {
        self.src.clear();
        for f in 0..self.programs.len() {
            for k in self.range(f) {
                self.src.push(match self.input[k] {
                    Input::Node(u) => Src::Unknown(u),
                    Input::Branch(s) => Src::Unknown((binder.branch)(s)),
                    Input::Time => Src::Time,
                    Input::Temper => Src::Temper,
                    Input::Hertz => Src::Hertz,
                    Input::State(s) => {
                        Src::Unknown(self.states.get(self.base[f] as usize + s as usize).map_or(0, |s| s.unknown))
                    }
                });
            }
        }
        self.plus = vec![0; self.src.len()];
        self.minus = vec![0; self.src.len()];
    }

    fn range(&self, f: usize) -> std::ops::Range<usize> {
        self.start[f] as usize..self.start[f + 1] as usize
    }

    /// Asks for the entries of a formula in the rows that its value enters with + and with -.
    pub fn connect(&mut self, w: &mut dyn Wiring, f: usize, plus: Unknown, minus: Unknown) {
        for k in self.range(f) {
            if let Src::Unknown(u) = self.src[k] {
                self.plus[k] = w.slot(plus, u);
                self.minus[k] = w.slot(minus, u);
            }
        }
    }

    pub fn connect_states(&mut self, w: &mut dyn Wiring) {
        for s in 0..self.states.len() {
            let (y, f) = (self.states[s].unknown, self.states[s].formula);
            self.states[s].diagonal = w.slot(y, y);
            self.connect(w, f, y, 0);
        }
    }

    pub fn set_temperature(&mut self, temp: f64) {
        self.temp_c = temp - crate::base::consts::ZERO_C;
    }

    /// Length of the buffer that evaluation needs: inputs, derivatives, scratch.
    pub fn buffer_len(&self) -> usize {
        2 * self.widest + self.scratch
    }

    /// Value; derivatives are left in the buffer for `stamp`. `instead` is a value to take for one unknown.
    pub fn eval(&self, f: usize, at: &Point, x: &[f64], buf: &mut [f64], instead: Option<(Unknown, f64)>) -> f64 {
        let (inputs, rest) = buf.split_at_mut(self.widest);
        let (grad, scratch) = rest.split_at_mut(self.widest);
        let r = self.range(f);
        let n = r.len();
        for (v, src) in inputs.iter_mut().zip(&self.src[r]) {
            *v = match *src {
                Src::Unknown(u) => match instead {
                    Some((w, value)) if w == u => value,
                    _ => x[u as usize],
                },
                Src::Time => at.time,
                Src::Temper => self.temp_c,
                Src::Hertz => at.hertz,
            };
        }
        self.programs[f].eval_grad(&inputs[..n], &mut grad[..n], scratch)
    }

    /// Adds `scale` times the derivatives of the formula evaluated last.
    pub fn stamp<S: Sink>(&self, f: usize, buf: &[f64], scale: f64, is_reactive: bool, out: &mut S) {
        for (k, d) in self.range(f).zip(&buf[self.widest..]) {
            let d = scale * d;
            if is_reactive {
                out.c(self.plus[k], d);
                out.c(self.minus[k], -d);
            } else {
                out.g(self.plus[k], d);
                out.g(self.minus[k], -d);
            }
        }
    }

    /// The part of the state rows that depends on the formulas.
    fn state_terms<S: Sink>(&self, which: Range<usize>, at: &Point, x: &[f64], buf: &mut [f64], out: &mut S) {
        for s in &self.states[which] {
            let arg = self.eval(s.formula, at, x, buf, None);
            match s.kind {
                StateKind::Ddt => {
                    out.q(s.unknown, -arg);
                    self.stamp(s.formula, buf, -1.0, true, out);
                }
                StateKind::Idt { .. } => {
                    out.f(s.unknown, -arg);
                    self.stamp(s.formula, buf, -1.0, false, out);
                }
            }
        }
    }

    /// Adds the rows of these states.
    pub fn eval_states(&self, which: Range<usize>, at: &Point, x: &[f64], buf: &mut [f64], out: &mut Load) {
        self.state_terms(which.clone(), at, x, buf, out);
        for s in &self.states[which] {
            let y = x[s.unknown as usize];
            match s.kind {
                StateKind::Ddt => {
                    Load::f(out, s.unknown, y);
                    Load::g(out, s.diagonal, 1.0);
                }
                StateKind::Idt { .. } => {
                    Load::q(out, s.unknown, y);
                    Load::c(out, s.diagonal, 1.0);
                }
            }
        }
    }

    /// What `hertz` changes, in the state rows and (through `terms`) in those of the elements: the small-signal
    /// system at this frequency less the one at which `eval` was asked.
    pub fn ac(
        &self,
        at: &Point,
        x: &[f64],
        omega: f64,
        out: &mut AcLoad,
        terms: &mut dyn FnMut(&Point, &mut [f64], &mut AcSink),
    ) {
        if !self.uses_hertz {
            return;
        }
        let mut buf = vec![0.0; self.buffer_len()];
        let here = Point { hertz: omega / std::f64::consts::TAU, ..*at };
        for (sign, point) in [(1.0, &here), (-1.0, at)] {
            let mut sink = AcSink { out, sign, omega };
            self.state_terms(0..self.states.len(), point, x, &mut buf, &mut sink);
            terms(point, &mut buf, &mut sink);
        }
    }
}
