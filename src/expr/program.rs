//! Compiled expressions: straight code on numbered registers, with exact derivatives.
//!
//! Every instruction writes the register of its own number, once. The two sides of a condition are jumped over, not
//! evaluated and thrown away. Derivatives come from one sweep backwards over the same code (adjoints; A. Griewank and
//! A. Walther, "Evaluating Derivatives", SIAM 2008, ch. 3), so all of them together cost about as much as two values, however many
//! inputs there are:
//!
//! ```text
//! adj[result] = 1
//! for each instruction r = f(a, b), last first:   adj[a] += adj[r] * df/da,   adj[b] += adj[r] * df/db
//! ```
//!
//! Values and derivatives are cut to ±[`HUGE`], divisors are kept away from 0 and functions are continued beyond their
//! domains ([`super::functions`]): finite inputs give finite results.

use std::sync::Arc;

use super::ast::{BinaryOp, Expr};
use super::functions::{self, FUNCTIONS, HUGE, Kind};
use crate::base::Sym;
use crate::diag::{Diagnostic, Span};

/// What a name or a call means where the expression stands. `circuit` implements it.
pub trait Scope {
    /// A parameter's value. `None`: there is no such parameter. `Some(Err)`: it has a fault of its own, already reported.
    fn param(&mut self, name: &str) -> Option<Result<f64, ()>>;
    /// A `.func`: its formal arguments and body.
    fn func(&mut self, name: &str) -> Option<(Vec<String>, Expr)>;
    /// The unknown of a node for `v(node)`; `None` where signals make no sense or the node does not exist.
    fn node(&mut self, name: &str) -> Option<u32>;
    /// The element whose current `i(name)` means, by full name. A terminal's current is asked for as `name:terminal`:
    /// `i(q1,b)`, `ib(q1)` and `ix(q1:b)` all ask for `q1:b`.
    fn branch(&mut self, name: &str) -> Option<Sym>;
    /// Draws for `gauss`, `agauss`, `unif`, `aunif`, `limit`: a standard normal and a uniform on (-1, 1); both advance.
    fn normal(&mut self) -> f64;
    fn uniform(&mut self) -> f64;
    /// Every other known name, for "did you mean".
    fn known_names(&self) -> Vec<String>;
}

/// An input of a program, in the order of `inputs()`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Input {
    /// Voltage of an unknown against ground. Ground itself (unknown 0) is never an input.
    Node(u32),
    /// Branch current of a named element.
    Branch(Sym),
    /// s
    Time,
    /// Circuit temperature, °C.
    Temper,
    /// Frequency in AC, Hz (0 elsewhere).
    Hertz,
    /// Output of the k-th `ddt`/`idt` of this program.
    State(u16),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StateKind {
    /// y = d(arg)/dt
    Ddt,
    /// dy/dt = arg, y(0) = initial
    Idt { initial: f64 },
}

/// A `ddt` or `idt` inside an expression: an extra unknown of the device that holds the program.
///
/// The argument has no states of its own: an `Input::State(k)` of it is the k-th state of the whole program.
#[derive(Clone, Debug, PartialEq)]
pub struct StateOp {
    pub kind: StateKind,
    pub arg: Program,
}

/// Register number.
pub(super) type Reg = u32;

/// One instruction; constants are held as bits so that instructions can be compared and hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ins {
    Const(u64),
    Input(u16),
    Neg(Reg),
    Not(Reg),
    Add(Reg, Reg),
    Sub(Reg, Reg),
    Mul(Reg, Reg),
    Div(Reg, Reg),
    /// A comparison or logical operator: 0 or 1.
    Test(BinaryOp, Reg, Reg),
    CopySign(Reg, Reg),
    /// A function of the table.
    One(u16, Reg),
    Two(u16, Reg, Reg),
    Table(u16, Reg),
    /// To `target` if the register is 0.
    JumpIfZero(Reg, u32),
    Jump(u32),
    /// The first if the condition was not 0, else the second; the other may not have been evaluated.
    Phi(Reg, Reg, Reg),
}

/// A piecewise linear function.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Points {
    pub points: Vec<(f64, f64)>,
    pub extrapolate: bool,
}

impl Points {
    /// Value and slope. At a point that of the interval to its right; there is at least one point.
    pub fn at(&self, x: f64) -> (f64, f64) {
        let p = &self.points;
        let n = p.len();
        let k = p.partition_point(|q| q.0 <= x);
        if n == 1 {
            return (p[0].1, 0.0);
        }
        let (lo, hi) = match k {
            0 if !self.extrapolate => return (p[0].1, 0.0),
            k if k == n && (!self.extrapolate || x == p[n - 1].0) => {
                let slope = if self.extrapolate { slope(p[n - 2], p[n - 1]) } else { 0.0 };
                return (p[n - 1].1, slope);
            }
            0 => (p[0], p[1]),
            k if k == n => (p[n - 2], p[n - 1]),
            k => (p[k - 1], p[k]),
        };
        let m = slope(lo, hi);
        (lo.1 + m * (x - lo.0), m)
    }
}

fn slope(lo: (f64, f64), hi: (f64, f64)) -> f64 {
    if hi.0 > lo.0 { cut((hi.1 - lo.1) / (hi.0 - lo.0)) } else { 0.0 }
}

/// A compiled expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    pub(super) inputs: Vec<Input>,
    pub(super) states: Vec<StateOp>,
    /// Shared by copies on other nodes: thousands of cells of an array run the same few instructions.
    pub(super) code: Arc<[Ins]>,
    pub(super) tables: Vec<Arc<Points>>,
    pub(super) result: Reg,
    pub(super) span: Span,
}

impl Program {
    /// Compiles; parameters are folded into constants. All faults are returned (none when the only fault is one
    /// of a parameter that was reported before).
    pub fn compile(expr: &Expr, scope: &mut dyn Scope) -> Result<Program, Vec<Diagnostic>> {
        super::compile::program(expr, scope)
    }

    /// Evaluates an expression of parameters alone, at once.
    pub fn constant(expr: &Expr, scope: &mut dyn Scope) -> Result<f64, Vec<Diagnostic>> {
        super::compile::constant(expr, scope)
    }

    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The same program with other inputs: a copy of an element on other nodes.
    #[must_use]
    pub fn with_inputs(&self, f: &dyn Fn(Input) -> Input) -> Program {
        let mut p = self.clone();
        p.inputs.iter_mut().for_each(|i| *i = f(*i));
        for s in &mut p.states {
            s.arg = s.arg.with_inputs(f);
        }
        p
    }

    /// The `ddt`/`idt` operators, inner ones first.
    pub fn states(&self) -> &[StateOp] {
        &self.states
    }

    /// The value, if no input is read at all.
    pub fn as_constant(&self) -> Option<f64> {
        match &*self.code {
            [Ins::Const(bits)] => Some(f64::from_bits(*bits)),
            _ => None,
        }
    }

    /// Numbers of scratch needed by `eval` and `eval_grad`.
    pub fn scratch_len(&self) -> usize {
        2 * self.code.len()
    }

    /// Where the expression stands, for run-time messages.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Value at `x` (one number per input).
    pub fn eval(&self, x: &[f64], scratch: &mut [f64]) -> f64 {
        debug_assert_eq!(x.len(), self.inputs.len());
        let code = &*self.code;
        let r = &mut scratch[..code.len()];
        let mut pc = 0;
        while pc < code.len() {
            let value = match code[pc] {
                Ins::Const(bits) => f64::from_bits(bits),
                Ins::Input(k) => x[k as usize],
                Ins::Neg(a) => -r[a as usize],
                Ins::Not(a) => f64::from(r[a as usize] == 0.0),
                Ins::Add(a, b) => cut(r[a as usize] + r[b as usize]),
                Ins::Sub(a, b) => cut(r[a as usize] - r[b as usize]),
                Ins::Mul(a, b) => cut(r[a as usize] * r[b as usize]),
                Ins::Div(a, b) => cut(functions::divide(r[a as usize], r[b as usize])),
                Ins::Test(op, a, b) => test(op, r[a as usize], r[b as usize]),
                Ins::CopySign(a, b) => functions::copy_sign(r[a as usize], r[b as usize]),
                Ins::One(f, a) => call_one(f, r[a as usize]),
                Ins::Two(f, a, b) => call_two(f, r[a as usize], r[b as usize]),
                Ins::Table(t, a) => cut(self.tables[t as usize].at(r[a as usize]).0),
                Ins::Phi(c, a, b) => r[if r[c as usize] != 0.0 { a } else { b } as usize],
                Ins::Jump(target) => {
                    pc = target as usize;
                    continue;
                }
                Ins::JumpIfZero(c, target) => {
                    pc = if r[c as usize] == 0.0 { target as usize } else { pc + 1 };
                    continue;
                }
            };
            r[pc] = value;
            pc += 1;
        }
        r[self.result as usize]
    }

    /// Value, and the partial derivative with respect to each input in `grad`.
    pub fn eval_grad(&self, x: &[f64], grad: &mut [f64], scratch: &mut [f64]) -> f64 {
        debug_assert_eq!(grad.len(), self.inputs.len());
        let code = &*self.code;
        let n = code.len();
        let (r, adj) = scratch.split_at_mut(n);
        let value = self.eval(x, r);
        grad.fill(0.0);
        let adj = &mut adj[..n];
        adj.fill(0.0);
        adj[self.result as usize] = 1.0;
        for pc in (0..=self.result as usize).rev() {
            let d = adj[pc];
            // Code that was jumped over has adjoint 0: nothing evaluated uses it.
            if d == 0.0 {
                continue;
            }
            let d = cut(d);
            let y = r[pc];
            match code[pc] {
                Ins::Const(_) | Ins::Not(_) | Ins::Test(..) | Ins::Jump(_) | Ins::JumpIfZero(..) => {}
                Ins::Input(k) => grad[k as usize] += d,
                Ins::Neg(a) => adj[a as usize] -= d,
                Ins::Add(a, b) => {
                    adj[a as usize] += d;
                    adj[b as usize] += d;
                }
                Ins::Sub(a, b) => {
                    adj[a as usize] += d;
                    adj[b as usize] -= d;
                }
                Ins::Mul(a, b) => {
                    let (va, vb) = (r[a as usize], r[b as usize]);
                    adj[a as usize] += d * vb;
                    adj[b as usize] += d * va;
                }
                Ins::Div(a, b) => {
                    let (da, db) = functions::divide_slopes(r[a as usize], r[b as usize]);
                    adj[a as usize] += d * da;
                    adj[b as usize] += d * cut(db);
                }
                Ins::CopySign(a, b) => {
                    adj[a as usize] += d * functions::copy_sign_slopes(r[a as usize], r[b as usize]).0;
                }
                Ins::One(f, a) => {
                    if let Kind::One { d: slope, .. } = FUNCTIONS[f as usize].kind {
                        adj[a as usize] += d * cut(slope(r[a as usize], y));
                    }
                }
                Ins::Two(f, a, b) => {
                    if let Kind::Two { d: slopes, .. } = FUNCTIONS[f as usize].kind {
                        let (da, db) = slopes(r[a as usize], r[b as usize], y);
                        adj[a as usize] += d * cut(da);
                        adj[b as usize] += d * cut(db);
                    }
                }
                Ins::Table(t, a) => adj[a as usize] += d * self.tables[t as usize].at(r[a as usize]).1,
                Ins::Phi(c, a, b) => adj[if r[c as usize] != 0.0 { a } else { b } as usize] += d,
            }
        }
        grad.iter_mut().for_each(|g| *g = cut(*g));
        value
    }
}

/// Keeps a number within ±[`HUGE`].
pub(super) fn cut(x: f64) -> f64 {
    x.clamp(-HUGE, HUGE)
}

pub(super) fn test(op: BinaryOp, a: f64, b: f64) -> f64 {
    f64::from(match op {
        BinaryOp::Lt => a < b,
        BinaryOp::Le => a <= b,
        BinaryOp::Gt => a > b,
        BinaryOp::Ge => a >= b,
        BinaryOp::Eq => a == b,
        BinaryOp::Ne => a != b,
        BinaryOp::And => a != 0.0 && b != 0.0,
        _ => a != 0.0 || b != 0.0,
    })
}

pub(super) fn call_one(f: u16, a: f64) -> f64 {
    match FUNCTIONS[f as usize].kind {
        Kind::One { f, .. } => cut(f(a)),
        _ => 0.0,
    }
}

pub(super) fn call_two(f: u16, a: f64, b: f64) -> f64 {
    match FUNCTIONS[f as usize].kind {
        Kind::Two { f, .. } => cut(f(a, b)),
        _ => 0.0,
    }
}
