//! What operations mean: on constants while building, on values in the interpreter.

use super::{BinOp, Const, UnOp};
use crate::base::fastmath;
use crate::veriloga::math;

/// One operand. The type is the operation's; anything else is a fault of ours and gives zero.
pub fn eval_un(op: UnOp, a: Const) -> Const {
    use UnOp::*;
    match a {
        Const::Real(x) => Const::Real(match op {
            Neg => -x,
            Abs => x.abs(),
            Sqrt => x.sqrt(),
            Exp => fastmath::exp(x),
            Expm1 => x.exp_m1(),
            Ln => fastmath::ln(x),
            Log1p => x.ln_1p(),
            Log10 => x.log10(),
            Sin => x.sin(),
            Cos => x.cos(),
            Tan => x.tan(),
            Asin => x.asin(),
            Acos => x.acos(),
            Atan => x.atan(),
            Sinh => x.sinh(),
            Cosh => x.cosh(),
            Tanh => x.tanh(),
            Asinh => x.asinh(),
            Acosh => x.acosh(),
            Atanh => x.atanh(),
            Floor => x.floor(),
            Ceil => x.ceil(),
            FToI => return Const::Int(math::to_int(x)),
            _ => f64::NAN,
        }),
        Const::Int(i) => match op {
            INot => Const::Int(!i),
            IToF => Const::Real(f64::from(i)),
            _ => Const::Int(i.wrapping_neg()),
        },
        Const::Bool(b) => match op {
            BToI => Const::Int(i32::from(b)),
            _ => Const::Bool(!b),
        },
    }
}

/// Two operands.
pub fn eval_bin(op: BinOp, a: Const, b: Const) -> Const {
    use BinOp::*;
    match (a, b) {
        (Const::Real(x), Const::Real(y)) => Const::Real(match op {
            Add => x + y,
            Sub => x - y,
            Mul => x * y,
            Div => x / y,
            Rem => x % y,
            Pow => math::pow(x, y),
            Atan2 => x.atan2(y),
            Hypot => x.hypot(y),
            Poisson => math::poisson(x, y),
            ChiSquare => math::chi_square(x, y),
            StudentT => math::student_t(x, y),
            Erlang => math::erlang(x, y),
            Seeded => math::seeded(x, y),
            SeededNormal => math::seeded_normal(x, y),
            Eq => return Const::Bool(x == y),
            Ne => return Const::Bool(x != y),
            Lt => return Const::Bool(x < y),
            Le => return Const::Bool(x <= y),
            _ => f64::NAN,
        }),
        (Const::Int(x), Const::Int(y)) => Const::Int(match op {
            IAdd => x.wrapping_add(y),
            ISub => x.wrapping_sub(y),
            IMul => x.wrapping_mul(y),
            IDiv => math::idiv(x, y),
            IRem => math::irem(x, y),
            IShl => math::shl(x, y),
            IShr => math::shr(x, y),
            ISar => math::sar(x, y),
            IAnd => x & y,
            IOr => x | y,
            IXor => x ^ y,
            IEq => return Const::Bool(x == y),
            INe => return Const::Bool(x != y),
            ILt => return Const::Bool(x < y),
            ILe => return Const::Bool(x <= y),
            _ => 0,
        }),
        (Const::Bool(x), Const::Bool(y)) => Const::Bool(match op {
            And => x && y,
            Or => x || y,
            _ => x != y,
        }),
        _ => Const::Bool(false),
    }
}
