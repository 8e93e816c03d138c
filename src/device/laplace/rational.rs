//! An expression in `s` as a quotient of two polynomials.

use crate::diag::Diagnostic;
use crate::diag::codes::device as codes;
use crate::expr::ast::{BinaryOp, ExprKind, UnaryOp};
use crate::expr::{Expr, Program, Scope};

/// Highest power that is multiplied out.
const MAX_POWER: f64 = 64.0;

/// Coefficients in ascending powers of s.
type Poly = Vec<f64>;

struct Ratio {
    num: Poly,
    den: Poly,
}

/// Numerator and denominator of a rational expression in `s`, ascending powers; all other names are parameters.
pub fn rational(expr: &Expr, scope: &mut dyn Scope) -> Result<(Vec<f64>, Vec<f64>), Vec<Diagnostic>> {
    let r = walk(expr, scope)?;
    Ok((trim(r.num), trim(r.den)))
}

fn trim(mut p: Poly) -> Poly {
    while p.len() > 1 && p.last() == Some(&0.0) {
        p.pop();
    }
    p
}

fn is_s(e: &Expr) -> bool {
    matches!(&e.kind, ExprKind::Name(n) if n.eq_ignore_ascii_case("s"))
}

fn has_s(e: &Expr) -> bool {
    let mut found = false;
    e.visit(&mut |e| found |= is_s(e));
    found
}

fn add(a: &[f64], b: &[f64], sign: f64) -> Poly {
    let at = |p: &[f64], k: usize| p.get(k).copied().unwrap_or(0.0);
    (0..a.len().max(b.len())).map(|k| at(a, k) + sign * at(b, k)).collect()
}

fn mul(a: &[f64], b: &[f64]) -> Poly {
    let mut p = vec![0.0; (a.len() + b.len()).saturating_sub(1)];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            p[i + j] += x * y;
        }
    }
    p
}

fn constant(x: f64) -> Ratio {
    Ratio { num: vec![x], den: vec![1.0] }
}

fn not_rational(e: &Expr, why: &str) -> Vec<Diagnostic> {
    vec![
        Diagnostic::error(codes::NOT_RATIONAL, "the transfer function is not a quotient of polynomials in s")
            .at(e.span, why),
    ]
}

fn sum(a: Ratio, b: Ratio, sign: f64) -> Ratio {
    if a.den == b.den {
        return Ratio { num: add(&a.num, &b.num, sign), den: a.den };
    }
    Ratio { num: add(&mul(&a.num, &b.den), &mul(&b.num, &a.den), sign), den: mul(&a.den, &b.den) }
}

fn power(e: &Expr, base: Ratio, n: f64) -> Result<Ratio, Vec<Diagnostic>> {
    if n.fract() != 0.0 || n.abs() > MAX_POWER {
        return Err(not_rational(e, &format!("the power {n} is not a whole number up to {MAX_POWER}")));
    }
    let mut r = constant(1.0);
    for _ in 0..n.abs() as u32 {
        r = Ratio { num: mul(&r.num, &base.num), den: mul(&r.den, &base.den) };
    }
    if n >= 0.0 { Ok(r) } else { inverse(e, r) }
}

fn inverse(e: &Expr, r: Ratio) -> Result<Ratio, Vec<Diagnostic>> {
    if r.num.iter().all(|x| *x == 0.0) {
        return Err(not_rational(e, "division by zero"));
    }
    Ok(Ratio { num: r.den, den: r.num })
}

fn both(a: &Expr, b: &Expr, scope: &mut dyn Scope) -> Result<(Ratio, Ratio), Vec<Diagnostic>> {
    match (walk(a, scope), walk(b, scope)) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(mut a), Err(b)) => {
            a.extend(b);
            Err(a)
        }
        (Err(d), _) | (_, Err(d)) => Err(d),
    }
}

fn walk(e: &Expr, scope: &mut dyn Scope) -> Result<Ratio, Vec<Diagnostic>> {
    if is_s(e) {
        return Ok(Ratio { num: vec![0.0, 1.0], den: vec![1.0] });
    }
    if !has_s(e) {
        return Program::constant(e, scope).map(constant);
    }
    match &e.kind {
        ExprKind::Unary(UnaryOp::Neg, a) => {
            let r = walk(a, scope)?;
            Ok(Ratio { num: r.num.iter().map(|x| -x).collect(), den: r.den })
        }
        ExprKind::Binary(op @ (BinaryOp::Add | BinaryOp::Sub), a, b) => {
            let (a, b) = both(a, b, scope)?;
            Ok(sum(a, b, if *op == BinaryOp::Add { 1.0 } else { -1.0 }))
        }
        ExprKind::Binary(BinaryOp::Mul, a, b) => {
            let (a, b) = both(a, b, scope)?;
            Ok(Ratio { num: mul(&a.num, &b.num), den: mul(&a.den, &b.den) })
        }
        ExprKind::Binary(BinaryOp::Div, a, b) => {
            let (x, y) = both(a, b, scope)?;
            let y = inverse(b, y)?;
            Ok(Ratio { num: mul(&x.num, &y.num), den: mul(&x.den, &y.den) })
        }
        ExprKind::Binary(BinaryOp::Pow, a, b) if !has_s(b) => {
            let n = Program::constant(b, scope)?;
            let base = walk(a, scope)?;
            power(e, base, n)
        }
        ExprKind::Call(name, args) if matches!(name.to_ascii_lowercase().as_str(), "pow" | "pwr") => match &args[..] {
            [a, b] if !has_s(b) => {
                let n = Program::constant(b, scope)?;
                let base = walk(a, scope)?;
                power(e, base, n)
            }
            _ => Err(not_rational(e, "a power of s needs a constant exponent")),
        },
        ExprKind::Call(name, _) => Err(not_rational(e, &format!("`{name}` of s is not rational"))),
        ExprKind::Select(c, a, b) if !has_s(c) => {
            let which = if Program::constant(c, scope)? != 0.0 { a } else { b };
            walk(which, scope)
        }
        _ => Err(not_rational(e, "this cannot be written as a quotient of polynomials")),
    }
}
