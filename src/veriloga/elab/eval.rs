//! Values of constant expressions: on the typed representation, so that there is one meaning of every operator.

use super::super::hir::{BinOp, ExprId, ExprKind, MathFn, ParamId, ParamKind, Ty, UnOp};
use super::{Elab, Value};

impl Value {
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Real(x) => Some(*x),
            Value::Int(k) => Some(f64::from(*k)),
            Value::Bool(b) => Some(f64::from(u8::from(*b))),
            Value::Str(_) => None,
        }
    }

    /// Converted as an assignment to this type would.
    pub fn to(&self, ty: Ty) -> Option<Value> {
        Some(match (ty, self) {
            (Ty::Str, Value::Str(_)) => self.clone(),
            (Ty::Real, _) => Value::Real(self.as_f64()?),
            (Ty::Int, Value::Real(x)) => Value::Int(round(*x)),
            (Ty::Int, _) => Value::Int(self.as_f64()? as i32),
            (Ty::Bool, _) => Value::Bool(self.as_f64()? != 0.0),
            _ => return None,
        })
    }
}

/// Half away from zero, limited to 32 bits.
fn round(x: f64) -> i32 {
    x.round() as i32
}

impl Elab<'_> {
    /// The value of an expression of numbers and parameters. With `mark` the parameters it depends on decide the structure
    /// of the module from here on.
    pub(super) fn eval(&mut self, e: ExprId, mark: bool) -> Option<Value> {
        let x = self.m.exprs[e].clone();
        let (ty, span) = (x.ty, x.span);
        let _ = span;
        Some(match x.kind {
            ExprKind::Real(x) => Value::Real(x),
            ExprKind::Int(k) => Value::Int(k),
            ExprKind::Bool(b) => Value::Bool(b),
            ExprKind::Str(s) => Value::Str(s),
            ExprKind::Param(p) => self.eval_param(p, mark)?,
            ExprKind::ParamElement(p, index) => {
                let dims = self.m.params[p].dims.clone();
                let mut at = 0usize;
                for (d, i) in dims.iter().zip(&index) {
                    let Value::Int(k) = self.eval(*i, mark)? else { return None };
                    if k < 0 || k as usize >= d.len() {
                        return None;
                    }
                    at = at * d.len() + k as usize;
                }
                let e = *self.m.params[p].default.get(at)?;
                if mark {
                    self.structural.insert(p);
                }
                self.eval(e, mark)?
            }
            ExprKind::Unary(op, a) => {
                let a = self.eval(a, mark)?;
                match (op, a) {
                    (UnOp::Neg, Value::Real(x)) => Value::Real(-x),
                    (UnOp::Neg, Value::Int(k)) => Value::Int(k.wrapping_neg()),
                    (UnOp::Not, Value::Bool(b)) => Value::Bool(!b),
                    (UnOp::BitNot, Value::Int(k)) => Value::Int(!k),
                    (UnOp::RedAnd, Value::Int(k)) => Value::Bool(k == -1),
                    (UnOp::RedOr, Value::Int(k)) => Value::Bool(k != 0),
                    (UnOp::RedXor, Value::Int(k)) => Value::Bool(k.count_ones() % 2 == 1),
                    _ => return None,
                }
            }
            ExprKind::Binary(op, a, b) => {
                let x = self.eval(a, mark)?;
                // The second operand of a decided condition is of no interest.
                match (op, &x) {
                    (BinOp::And, Value::Bool(false)) | (BinOp::Or, Value::Bool(true)) => return Some(x),
                    _ => {}
                }
                let y = self.eval(b, mark)?;
                binary(op, &x, &y)?
            }
            ExprKind::Select(c, a, b) => match self.eval(c, mark)? {
                Value::Bool(true) => self.eval(a, mark)?,
                _ => self.eval(b, mark)?,
            },
            ExprKind::Cast(a) => self.eval(a, mark)?.to(ty)?,
            ExprKind::Math(f, args) => {
                let mut values = vec![];
                for a in args {
                    values.push(self.eval(a, mark)?);
                }
                math(f, ty, &values)?
            }
            ExprKind::ParamGiven(p) => match self.m.params[p].kind {
                ParamKind::Derived { is_given } => Value::Bool(is_given),
                ParamKind::Local => Value::Bool(false),
                ParamKind::Parameter => {
                    if mark {
                        self.structural.insert(p);
                    }
                    let name = &self.m.params[p].name;
                    Value::Bool(self.overrides.iter().any(|o| o.0 == *name))
                }
            },
            ExprKind::Concat(parts) => {
                let mut out = String::new();
                for p in parts {
                    let Value::Str(s) = self.eval(p, mark)? else { return None };
                    out.push_str(&s);
                }
                Value::Str(out)
            }
            ExprKind::StrLen(a) => match self.eval(a, mark)? {
                Value::Str(s) => Value::Int(s.len() as i32),
                _ => return None,
            },
            _ => return None,
        })
    }

    fn eval_param(&mut self, p: ParamId, mark: bool) -> Option<Value> {
        let param = &self.m.params[p];
        let is_free = param.kind == ParamKind::Parameter;
        if !param.dims.is_empty() {
            return None;
        }
        if is_free && mark {
            self.structural.insert(p);
        }
        if is_free && let Some((_, v)) = self.overrides.iter().find(|o| o.0 == param.name) {
            return v.to(param.ty);
        }
        // A local parameter carries the mark to what it depends on, so its value cannot be taken from the store.
        if !mark && let Some(v) = self.known.get(&p) {
            return v.clone();
        }
        let default = *param.default.first()?;
        let value = self.eval(default, mark && !is_free);
        self.known.insert(p, value.clone());
        value
    }

    pub(super) fn eval_int(&mut self, e: ExprId, mark: bool) -> Option<i32> {
        match self.eval(e, mark)? {
            Value::Int(k) => Some(k),
            Value::Bool(b) => Some(i32::from(b)),
            Value::Real(x) if x.is_finite() => Some(round(x)),
            _ => None,
        }
    }
}

fn binary(op: BinOp, x: &Value, y: &Value) -> Option<Value> {
    use BinOp as B;
    Some(match (x, y) {
        (Value::Real(a), Value::Real(b)) => match op {
            B::Add => Value::Real(a + b),
            B::Sub => Value::Real(a - b),
            B::Mul => Value::Real(a * b),
            B::Div => Value::Real(a / b),
            B::Rem => Value::Real(a % b),
            B::Pow => Value::Real(a.powf(*b)),
            B::Lt => Value::Bool(a < b),
            B::Le => Value::Bool(a <= b),
            B::Gt => Value::Bool(a > b),
            B::Ge => Value::Bool(a >= b),
            B::Eq => Value::Bool(a == b),
            B::Ne => Value::Bool(a != b),
            _ => return None,
        },
        (Value::Int(a), Value::Int(b)) => {
            let (a, b) = (*a, *b);
            match op {
                B::Add => Value::Int(a.wrapping_add(b)),
                B::Sub => Value::Int(a.wrapping_sub(b)),
                B::Mul => Value::Int(a.wrapping_mul(b)),
                B::Div => Value::Int(if b == 0 { 0 } else { a.wrapping_div(b) }),
                B::Rem => Value::Int(if b == 0 { 0 } else { a.wrapping_rem(b) }),
                B::Pow => Value::Int(f64::from(a).powi(b) as i32),
                B::Lt => Value::Bool(a < b),
                B::Le => Value::Bool(a <= b),
                B::Gt => Value::Bool(a > b),
                B::Ge => Value::Bool(a >= b),
                B::Eq => Value::Bool(a == b),
                B::Ne => Value::Bool(a != b),
                B::BitAnd => Value::Int(a & b),
                B::BitOr => Value::Int(a | b),
                B::BitXor => Value::Int(a ^ b),
                B::Shl => Value::Int(if (0..32).contains(&b) { a << b } else { 0 }),
                B::Shr => Value::Int(if (0..32).contains(&b) { ((a as u32) >> b) as i32 } else { 0 }),
                B::Sar => Value::Int(a >> b.clamp(0, 31)),
                _ => return None,
            }
        }
        (Value::Bool(a), Value::Bool(b)) => match op {
            B::And => Value::Bool(*a && *b),
            B::Or => Value::Bool(*a || *b),
            B::Eq => Value::Bool(a == b),
            B::Ne => Value::Bool(a != b),
            _ => return None,
        },
        (Value::Str(a), Value::Str(b)) => match op {
            B::Eq => Value::Bool(a == b),
            B::Ne => Value::Bool(a != b),
            B::Lt => Value::Bool(a < b),
            B::Le => Value::Bool(a <= b),
            B::Gt => Value::Bool(a > b),
            B::Ge => Value::Bool(a >= b),
            _ => return None,
        },
        _ => return None,
    })
}

fn math(f: MathFn, ty: Ty, v: &[Value]) -> Option<Value> {
    let x = v.first()?.as_f64()?;
    let y = || v.get(1).and_then(Value::as_f64);
    let r = match f {
        MathFn::Sqrt => x.sqrt(),
        MathFn::Exp => x.exp(),
        MathFn::Expm1 => x.exp_m1(),
        MathFn::Ln => x.ln(),
        MathFn::Log1p => x.ln_1p(),
        MathFn::Log10 => x.log10(),
        MathFn::Abs => x.abs(),
        MathFn::Min => x.min(y()?),
        MathFn::Max => x.max(y()?),
        MathFn::Floor => x.floor(),
        MathFn::Ceil => x.ceil(),
        MathFn::Trunc => x.trunc(),
        MathFn::Sin => x.sin(),
        MathFn::Cos => x.cos(),
        MathFn::Tan => x.tan(),
        MathFn::Asin => x.asin(),
        MathFn::Acos => x.acos(),
        MathFn::Atan => x.atan(),
        MathFn::Atan2 => x.atan2(y()?),
        MathFn::Sinh => x.sinh(),
        MathFn::Cosh => x.cosh(),
        MathFn::Tanh => x.tanh(),
        MathFn::Asinh => x.asinh(),
        MathFn::Acosh => x.acosh(),
        MathFn::Atanh => x.atanh(),
        MathFn::Hypot => x.hypot(y()?),
        MathFn::Clog2 => {
            let k = x as i32 as u32;
            f64::from(if k <= 1 { 0 } else { 32 - (k - 1).leading_zeros() })
        }
    };
    if r.is_nan() {
        return None;
    }
    Some(if ty == Ty::Int { Value::Int(r as i32) } else { Value::Real(r) })
}
