//! Expressions as text, with no more parentheses than needed; parsing it again gives the same tree.

use std::fmt::{self, Display, Formatter};

use super::ast::{BinaryOp, Expr, ExprKind, UNARY_POWER, UnaryOp};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_at(f, self, 0)
    }
}

/// The loosest operator of an expression.
fn power(e: &Expr) -> u8 {
    match &e.kind {
        ExprKind::Number(x) if x.is_sign_negative() => UNARY_POWER,
        ExprKind::Number(_) | ExprKind::Name(_) | ExprKind::Call(..) => u8::MAX,
        ExprKind::Unary(..) => UNARY_POWER,
        ExprKind::Binary(op, ..) => op.power(),
        ExprKind::Select(..) => 0,
    }
}

/// Writes `e` where only operators that bind at least as tightly as `min` may stand bare.
fn write_at(f: &mut Formatter<'_>, e: &Expr, min: u8) -> fmt::Result {
    if power(e) < min {
        f.write_str("(")?;
        write_at(f, e, 0)?;
        return f.write_str(")");
    }
    match &e.kind {
        ExprKind::Number(x) => write_number(f, *x),
        ExprKind::Name(n) => f.write_str(n),
        ExprKind::Call(name, args) => {
            write!(f, "{name}(")?;
            for (i, a) in args.iter().enumerate() {
                if i > 0 {
                    f.write_str(",")?;
                }
                write_at(f, a, 0)?;
            }
            f.write_str(")")
        }
        ExprKind::Unary(op, a) => {
            f.write_str(match op {
                UnaryOp::Neg => "-",
                UnaryOp::Not => "!",
            })?;
            write_at(f, a, UNARY_POWER)
        }
        ExprKind::Binary(op, a, b) => {
            write_at(f, a, op.power())?;
            match op {
                BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem | BinaryOp::Pow => f.write_str(op.symbol())?,
                _ => write!(f, " {} ", op.symbol())?,
            }
            // `2**-1` needs no parentheses, but they are clearer.
            write_at(f, b, op.power() + 1)
        }
        ExprKind::Select(c, a, b) => {
            write_at(f, c, 1)?;
            f.write_str(" ? ")?;
            write_at(f, a, 0)?;
            f.write_str(" : ")?;
            write_at(f, b, 0)
        }
    }
}

/// The shortest text that reads back as the same number.
fn write_number(f: &mut Formatter<'_>, x: f64) -> fmt::Result {
    if x == 0.0 || (1e-4..1e7).contains(&x.abs()) { write!(f, "{x}") } else { write!(f, "{x:e}") }
}
