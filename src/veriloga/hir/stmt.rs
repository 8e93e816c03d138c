//! Statements of analog blocks and functions.

use super::{BranchId, EventId, ExprId, OperatorId, Quantity, VarId};
use crate::diag::Span;

#[derive(Clone, Debug, PartialEq)]
pub struct Stmt {
    pub kind: StmtKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum StmtKind {
    /// `value` has the variable's type.
    Assign {
        target: LValue,
        value: ExprId,
    },
    /// Whole arrays, element by element: `a = '{...}` or `a = b` with as many values as elements, row by row.
    AssignArray {
        target: VarId,
        values: Vec<ExprId>,
    },
    /// `<+` with a real value. Contributions of one quantity to a branch add up; the last quantity contributed wins.
    Contribute {
        branch: BranchId,
        quantity: Quantity,
        value: ExprId,
    },
    /// `V(b): lhs == rhs;` the branch's quantity is whatever makes the equation hold.
    Indirect {
        branch: BranchId,
        quantity: Quantity,
        lhs: ExprId,
        rhs: ExprId,
    },
    /// `cond` is Bool.
    If {
        cond: ExprId,
        then: Vec<Stmt>,
        otherwise: Vec<Stmt>,
    },
    /// The first arm with a value equal to the selector (all of one type), else the default.
    Case {
        selector: ExprId,
        arms: Vec<CaseArm>,
        default: Vec<Stmt>,
    },
    /// `while` and `for` (whose initial assignment stands before it): `cond` Bool; `step` after each round.
    Loop {
        cond: ExprId,
        body: Vec<Stmt>,
        step: Vec<Stmt>,
    },
    /// `count` is Int, evaluated once.
    Repeat {
        count: ExprId,
        body: Vec<Stmt>,
    },
    /// `@(a or b) body`.
    OnEvent {
        events: Vec<EventId>,
        body: Vec<Stmt>,
    },
    Task(Task),
    /// A value computed for its side effects: a function call with output arguments, `$random(seed)`.
    Eval(ExprId),
}

#[derive(Clone, Debug, PartialEq)]
pub struct LValue {
    pub var: VarId,
    /// Zero-based, one for each dimension, Int; empty for a scalar. Out of range: nothing is written.
    pub index: Vec<ExprId>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CaseArm {
    pub values: Vec<ExprId>,
    pub body: Vec<Stmt>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub kind: EventKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// At the first point of an analysis; of those named only, if any are.
    InitialStep(Vec<String>),
    FinalStep(Vec<String>),
    /// `expr` real; `direction` Int; `enable` Bool.
    Cross {
        expr: ExprId,
        direction: Option<ExprId>,
        time_tol: Option<ExprId>,
        expr_tol: Option<ExprId>,
        enable: Option<ExprId>,
    },
    /// True at the start as well, if the expression is positive there.
    Above {
        expr: ExprId,
        time_tol: Option<ExprId>,
        expr_tol: Option<ExprId>,
        enable: Option<ExprId>,
    },
    Timer {
        start: ExprId,
        period: Option<ExprId>,
        time_tol: Option<ExprId>,
        enable: Option<ExprId>,
    },
    /// `absdelta(expr, delta)`: each time the expression has moved by delta.
    AbsDelta {
        expr: ExprId,
        delta: ExprId,
        time_tol: Option<ExprId>,
        expr_tol: Option<ExprId>,
        enable: Option<ExprId>,
    },
    /// ADMS dialect: code that depends on model parameters only; runs as if it stood before the rest.
    InitialModel,
    /// ADMS dialect: code that depends on parameters and temperature only.
    InitialInstance,
}

/// System tasks.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// `$strobe`, `$display`, `$write`, `$monitor`, `$debug` and the severities.
    Text {
        kind: TextKind,
        items: Vec<FormatItem>,
    },
    /// `$finish`, `$stop`; the level of chatter (0, 1, 2).
    Finish {
        level: Option<ExprId>,
    },
    Stop {
        level: Option<ExprId>,
    },
    /// The next step is at most this long.
    BoundStep(ExprId),
    /// Degree of the derivative that jumps, Int; -1 asks for another iteration after limiting. Also in functions.
    Discontinuity(ExprId),
    /// A `$limit` call that stands alone.
    Limit(OperatorId),
    /// `$fstrobe`, `$fdisplay`, `$fwrite`, `$fmonitor`, `$fdebug`.
    FileText {
        descriptor: ExprId,
        kind: TextKind,
        items: Vec<FormatItem>,
    },
    FileClose(ExprId),
    /// `$sformat(target, ...)`, `$swrite(target, ...)`.
    FormatString {
        target: LValue,
        items: Vec<FormatItem>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextKind {
    /// At accepted points, with a line end.
    Strobe,
    Display,
    /// Like display, no line end.
    Write,
    /// At accepted points where an argument has changed.
    Monitor,
    /// At every evaluation.
    Debug,
    Info,
    Warning,
    Error,
    /// Ends the run. The level of chatter of `$fatal(n, ...)` is dropped.
    Fatal,
}

/// A format string, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub enum FormatItem {
    Text(String),
    /// `%e %f %g %r` (`r`: with SI suffix): real.
    Real {
        value: ExprId,
        conversion: char,
        width: Option<u32>,
        precision: Option<u32>,
        flags: String,
    },
    /// `%d %b %o %h %c`: Int.
    Int {
        value: ExprId,
        conversion: char,
        width: Option<u32>,
        flags: String,
    },
    /// `%s`: Str.
    Str {
        value: ExprId,
        width: Option<u32>,
        flags: String,
    },
    /// `%m`: path of the instance; within a merged-in instance the rest of the path.
    InstancePath(String),
    /// `%l`.
    LibraryName,
}
