//! Compiled expressions: a postfix program with exact forward derivatives.

use super::ast::Expr;
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
    /// The element whose current `i(name)` means, by full name.
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
    /// Voltage of an unknown against ground.
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
#[derive(Clone, Debug)]
pub struct StateOp {
    pub kind: StateKind,
    pub arg: Program,
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Program {
    inputs: Vec<Input>,
    states: Vec<StateOp>,
}

impl Program {
    /// Compiles; parameters are folded into constants. All faults are returned.
    pub fn compile(expr: &Expr, scope: &mut dyn Scope) -> Result<Program, Vec<Diagnostic>> {
        let _ = (expr, scope);
        Err(vec![])
    }

    /// Evaluates an expression of parameters alone, at once.
    pub fn constant(expr: &Expr, scope: &mut dyn Scope) -> Result<f64, Vec<Diagnostic>> {
        let _ = (expr, scope);
        Err(vec![])
    }

    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The `ddt`/`idt` operators, inner ones first.
    pub fn states(&self) -> &[StateOp] {
        &self.states
    }

    /// The value, if no input is read at all.
    pub fn as_constant(&self) -> Option<f64> {
        None
    }

    /// Numbers of scratch needed by `eval` and `eval_grad`.
    pub fn scratch_len(&self) -> usize {
        0
    }

    /// Value at `x` (one number per input).
    pub fn eval(&self, x: &[f64], scratch: &mut [f64]) -> f64 {
        let _ = (x, scratch);
        0.0
    }

    /// Value, and the partial derivative with respect to each input in `grad`.
    pub fn eval_grad(&self, x: &[f64], grad: &mut [f64], scratch: &mut [f64]) -> f64 {
        let _ = (x, grad, scratch);
        0.0
    }

    /// Where the expression stands, for run-time messages.
    pub fn span(&self) -> Span {
        Span::NOWHERE
    }
}
