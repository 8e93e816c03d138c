//! Analog operators, noise sources, limiting, tables: what has an identity and may have state.
//!
//! All arguments are real expressions unless said otherwise.

use super::{BranchId, ExprId, FunctionId, NodeId};
use crate::diag::Span;

#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    pub kind: OperatorKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum OperatorKind {
    Ddt {
        arg: ExprId,
        abstol: Option<ExprId>,
    },
    /// `assert` is Bool: while it holds the value is `ic`.
    Idt {
        arg: ExprId,
        ic: Option<ExprId>,
        assert: Option<ExprId>,
        abstol: Option<ExprId>,
    },
    /// The value wraps into `offset .. offset + modulus`; without `modulus` it is `idt`.
    IdtMod {
        arg: ExprId,
        ic: Option<ExprId>,
        modulus: Option<ExprId>,
        offset: Option<ExprId>,
        abstol: Option<ExprId>,
    },
    /// Partial derivative with respect to a node's potential or a branch's flow, others held.
    Ddx {
        arg: ExprId,
        wrt: DdxVar,
    },
    LimExp(ExprId),
    Laplace(Laplace),
    AbsDelay {
        arg: ExprId,
        delay: ExprId,
        max_delay: Option<ExprId>,
    },
    Transition {
        arg: ExprId,
        delay: Option<ExprId>,
        rise: Option<ExprId>,
        fall: Option<ExprId>,
        tolerance: Option<ExprId>,
    },
    /// Rates; the falling one is negative, absent it is minus the rising one.
    Slew {
        arg: ExprId,
        rise: Option<ExprId>,
        fall: Option<ExprId>,
    },
    /// `direction` as in cross: +1, -1, 0. Int.
    LastCrossing {
        arg: ExprId,
        direction: Option<ExprId>,
    },
    WhiteNoise {
        power: ExprId,
        name: Option<String>,
    },
    /// power / f^exponent.
    FlickerNoise {
        power: ExprId,
        exponent: ExprId,
        name: Option<String>,
    },
    /// Pairs of frequency and power, interpolated linearly or (`is_log`) in log-log.
    NoiseTable {
        table: Table,
        is_log: bool,
        name: Option<String>,
    },
    AcStim {
        analysis: String,
        magnitude: Option<ExprId>,
        phase: Option<ExprId>,
    },
    /// `$limit(V(a, b), ...)`. `arg` is a probe of potential or flow (possibly negated).
    Limit {
        arg: ExprId,
        limiter: Limiter,
    },
    TableModel {
        inputs: Vec<ExprId>,
        table: Table,
        /// One for each input.
        axes: Vec<AxisControl>,
        /// Which dependent column, from 1.
        column: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DdxVar {
    /// The unknown `V(node)`.
    Potential(NodeId),
    /// `V(hi, lo)` (an extension): half of the derivative by `V(hi)` less half of that by `V(lo)`, which is f' of an f(V(hi, lo)).
    Difference(NodeId, NodeId),
    Flow(BranchId),
    /// `$temperature` (accepted by several tools).
    Temperature,
}

/// A rational transfer function.
#[derive(Clone, Debug, PartialEq)]
pub struct Laplace {
    pub arg: ExprId,
    pub num: Roots,
    pub den: Roots,
    pub abstol: Option<ExprId>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Roots {
    /// Coefficients of s^0, s^1, ...
    Coefficients(Vec<ExprId>),
    /// Zeros or poles: pairs of real and imaginary parts, in rad/s. A root r stands for (1 - s/r), r = 0 for s.
    Pairs(Vec<(ExprId, ExprId)>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Limiter {
    /// `"pnjlim"`: step, critical voltage.
    PnJunction { vte: ExprId, vcrit: ExprId },
    /// `"fetlim"`: threshold voltage.
    Fet { vto: ExprId },
    /// `"vdslim"` and its other spelling `"limvds"`.
    DrainSource,
    /// Another name: has no effect beyond what the simulator knows by it.
    Named(String, Vec<ExprId>),
    /// An analog function: (new value, old value, arguments...).
    User(FunctionId, Vec<ExprId>),
    /// `$limit(x)`: whatever the simulator thinks best.
    Default,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Table {
    /// A file name (a string expression, usually a literal), found beside the source.
    File(ExprId),
    /// For each column its values: independent ones first. For noise: frequencies, powers.
    Columns(Vec<Vec<ExprId>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AxisControl {
    pub interpolation: Interpolation,
    pub below: Extrapolation,
    pub above: Extrapolation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// `I`: the column is not an axis.
    Ignore,
    /// `D`: nearest point.
    Nearest,
    Linear,
    Quadratic,
    Cubic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extrapolation {
    /// `C`.
    Constant,
    /// `L`.
    Linear,
    /// `E`: a fault at run time.
    Error,
}
