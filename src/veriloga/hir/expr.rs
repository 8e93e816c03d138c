//! Expressions. Each node says which types its operands have; `ty` is the type of the value.

use super::{BranchId, ExprId, FunctionId, LValue, NodeId, OperatorId, ParamId, PortId, Ty, VarId};
use crate::diag::Span;

#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub ty: Ty,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    Potential,
    Flow,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// May be infinite (`inf`), never NaN.
    Real(f64),
    Int(i32),
    Bool(bool),
    Str(String),
    Param(ParamId),
    /// An element of a parameter array: one zero-based index for each dimension, of type Int.
    ParamElement(ParamId, Vec<ExprId>),
    Var(VarId),
    /// An element of a variable array: one zero-based index for each dimension, of type Int. Out of range: 0.
    VarElement(VarId, Vec<ExprId>),
    /// Operand types: see [`UnOp`].
    Unary(UnOp, ExprId),
    /// Both operands have one type: see [`BinOp`].
    Binary(BinOp, ExprId, ExprId),
    /// `c ? a : b` with `c` Bool and both values of type `ty`. Only one is evaluated.
    Select(ExprId, ExprId, ExprId),
    /// To `ty`. Real to Int rounds half away from zero; Int or Real to Bool is `!= 0`; Bool to Int or Real is 0 or 1.
    Cast(ExprId),
    /// Real arguments and value, or Int for `Abs`, `Min`, `Max` of integers (then `ty` is Int), `Clog2` and `Trunc`.
    Math(MathFn, Vec<ExprId>),
    /// Potential of `hi` above `lo`.
    Potential {
        hi: NodeId,
        lo: NodeId,
    },
    /// Flow through a branch from `hi` to `lo`.
    Flow(BranchId),
    /// Flow into the module through a port: `I(<p>)`.
    PortFlow(PortId),
    /// An analog operator with an identity of its own; real.
    Operator(OperatorId),
    /// A call of an analog function. Arguments in its order; for output and inout arguments the variable written.
    Call(FunctionId, Vec<CallArg>),
    /// A random draw, once for each accepted step; identified by this expression's id.
    Random(Random),
    /// Kelvin.
    Temperature,
    /// k T / q, at the argument's temperature or the device's.
    ThermalVoltage(Option<ExprId>),
    /// Seconds.
    AbsTime,
    SysParam(SysParam),
    /// `$simparam("gmin", default)`; without a default an unknown name is a fault at run time. Real.
    SimParam {
        name: String,
        default: Option<ExprId>,
    },
    /// `$simparam$str("module")`.
    SimParamStr(String),
    /// Bool.
    ParamGiven(ParamId),
    /// Bool.
    PortConnected(PortId),
    /// Bool: the analysis is one of those named.
    Analysis(Vec<String>),
    /// Value of `{a, b}` and `{n{a}}` of strings.
    Concat(Vec<ExprId>),
    /// Length of a string; Int.
    StrLen(ExprId),
    /// Substring `s.substr(i, j)`, inclusive zero-based Int bounds.
    StrSub(ExprId, ExprId, ExprId),
    /// `s.atoi()` (`ty` Int) or `s.atoreal()` (`ty` Real).
    StrToNumber(ExprId),
    /// `s.toupper()`, `s.tolower()`.
    StrCase {
        arg: ExprId,
        is_upper: bool,
    },
    /// `$test$plusargs`-like and file functions are not supported; `$fopen(name, mode)` gives a descriptor. Int.
    FileOpen {
        name: ExprId,
        mode: Option<ExprId>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum CallArg {
    In(ExprId),
    Out(LValue),
    /// The variable is read before the call and written after it.
    Inout(LValue),
    /// Whole arrays: of the variable in the call.
    Array(VarId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnOp {
    /// Real or Int.
    Neg,
    /// Bool.
    Not,
    /// Int.
    BitNot,
    /// Reductions of an Int to a Bool.
    RedAnd,
    RedOr,
    RedXor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinOp {
    /// Real or Int. Int division truncates; by zero it gives 0.
    Add,
    Sub,
    Mul,
    Div,
    /// Sign of the left operand, as `fmod`.
    Rem,
    /// Real or Int.
    Pow,
    /// Real, Int or Str operands, Bool value (`Eq` and `Ne` of Bool too).
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
    /// Bool; the right operand is evaluated only if it matters.
    And,
    Or,
    /// Int.
    BitAnd,
    BitOr,
    BitXor,
    /// Logical and arithmetic shifts.
    Shl,
    Shr,
    Sar,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MathFn {
    Sqrt,
    Exp,
    Expm1,
    Ln,
    Log1p,
    Log10,
    Abs,
    Min,
    Max,
    Floor,
    Ceil,
    /// Toward zero; real argument, Int value.
    Trunc,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Atan2,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Hypot,
    /// Int argument and value.
    Clog2,
}

/// What describes the instance in its surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SysParam {
    Mfactor,
    XPosition,
    YPosition,
    Angle,
    HFlip,
    VFlip,
}

impl SysParam {
    /// Those that say where the instance lies.
    pub const PLACEMENT: [SysParam; 5] =
        [SysParam::XPosition, SysParam::YPosition, SysParam::Angle, SysParam::HFlip, SysParam::VFlip];

    pub fn placement(self) -> Option<usize> {
        Self::PLACEMENT.iter().position(|p| *p == self)
    }

    /// Name in Verilog-A, unit, what it is without any instance saying so, and what it says (LRM 2.4, 6.3.6).
    pub fn facts(self) -> (&'static str, &'static str, f64, &'static str) {
        match self {
            SysParam::Mfactor => ("$mfactor", "", 1.0, "Number of equal instances in parallel"),
            SysParam::XPosition => ("$xposition", "m", 0.0, "Position in the layout, x"),
            SysParam::YPosition => ("$yposition", "m", 0.0, "Position in the layout, y"),
            SysParam::Angle => ("$angle", "deg", 0.0, "Rotation in the layout, counterclockwise"),
            SysParam::HFlip => ("$hflip", "", 1.0, "-1: mirrored horizontally"),
            SysParam::VFlip => ("$vflip", "", 1.0, "-1: mirrored vertically"),
        }
    }
}

/// Distributions by their parameters, of type real. The integer forms (`$dist_*`, `$random`) have `ty` Int.
#[derive(Clone, Debug, PartialEq)]
pub enum Random {
    /// `$random`: all 32-bit integers.
    Integer(Seed),
    /// `$arandom`.
    AnalogInteger {
        seed: Seed,
        is_global: bool,
    },
    Uniform(Seed, ExprId, ExprId),
    /// Mean, standard deviation.
    Normal(Seed, ExprId, ExprId),
    Exponential(Seed, ExprId),
    Poisson(Seed, ExprId),
    ChiSquare(Seed, ExprId),
    T(Seed, ExprId),
    /// Shape k, mean.
    Erlang(Seed, ExprId, ExprId),
}

/// The first argument of a random function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seed {
    None,
    /// An integer variable: a stream of its own, started from its first value.
    Variable(VarId),
    /// A constant or parameter, Int.
    Value(ExprId),
}
