//! Expressions to values.

use super::{Cell, Lower, codes};
use crate::base::consts::{K_Q, ZERO_C};
use crate::veriloga::hir::{self, BinOp as HBin, ExprId, ExprKind, MathFn, UnOp as HUn};
use crate::veriloga::ir::{BinOp, Const, In, TextOp, Ty, UnOp, Val, env, sim};

impl Lower<'_> {
    pub(super) fn expr(&mut self, id: ExprId) -> Val {
        let m = self.m;
        let e = &m.exprs[id];
        match &e.kind {
            ExprKind::Real(x) => self.b.real(*x),
            ExprKind::Int(k) => self.b.int(*k),
            ExprKind::Bool(x) => self.b.bool(*x),
            ExprKind::Str(s) => {
                let k = self.string(s);
                self.b.int(k as i32)
            }
            ExprKind::Param(p) => self.read_param(*p, 0),
            ExprKind::ParamElement(p, index) => self.read_param_element(*p, index),
            ExprKind::Var(v) => self.read(Cell::Var(*v, 0)),
            ExprKind::VarElement(v, index) => self.read_element(*v, index),
            ExprKind::Unary(op, a) => {
                let a = self.expr(*a);
                self.unary(*op, a)
            }
            ExprKind::Binary(op, a, b) => self.binary(*op, *a, *b, e.span),
            ExprKind::Select(c, a, b) => {
                let c = self.expr(*c);
                let r = self.branch(c, |l| vec![l.expr(*a)], |l| vec![l.expr(*b)]);
                r[0]
            }
            ExprKind::Cast(a) => {
                let v = self.expr(*a);
                match Self::ir_type(e.ty) {
                    Ty::Real => self.coerce_real(v),
                    Ty::Int => self.coerce_int(v),
                    Ty::Bool => self.coerce_bool(v),
                }
            }
            ExprKind::Math(f, args) => {
                let args: Vec<Val> = args.iter().map(|a| self.expr(*a)).collect();
                self.math(*f, &args, e.ty)
            }
            ExprKind::Potential { hi, lo } => self.potential(*hi, *lo),
            ExprKind::Flow(b) => self.flow(*b),
            ExprKind::PortFlow(p) => self.port_flow(p.0),
            ExprKind::Operator(op) => self.operator(*op),
            ExprKind::Call(f, args) => self.call(*f, args, e.span),
            ExprKind::Random(r) => self.random(r, e.ty, e.span),
            ExprKind::Temperature => self.temperature(),
            ExprKind::ThermalVoltage(t) => {
                let t = match t {
                    Some(t) => self.expr(*t),
                    None => self.temperature(),
                };
                let k = self.b.real(K_Q);
                self.b.mul(k, t)
            }
            ExprKind::AbsTime => self.sim(sim::TIME),
            ExprKind::SysParam(p) => match p.placement() {
                None => self.environment(env::MFACTOR),
                Some(k) => self.environment(env::PLACEMENT + k as u32),
            },
            ExprKind::SimParam { name, default } => self.sim_param(name, *default, e.span),
            ExprKind::SimParamStr(name) => {
                let text = match name.as_str() {
                    "simulatorName" => "ferrospice",
                    "simulatorVersion" => env!("CARGO_PKG_VERSION"),
                    "module" => m.name.as_str(),
                    _ => "",
                };
                let k = self.string(text);
                self.b.int(k as i32)
            }
            ExprKind::ParamGiven(p) => match m.params[*p].kind {
                hir::ParamKind::Parameter => {
                    let k = self.param_index.get(&(*p, 0)).copied().unwrap_or(0);
                    self.b.input(In::Given, k, Ty::Bool)
                }
                hir::ParamKind::Local => self.b.bool(false),
                hir::ParamKind::Derived { is_given } => self.b.bool(is_given),
            },
            ExprKind::PortConnected(p) => self.b.input(In::Connected, p.0, Ty::Bool),
            ExprKind::Analysis(names) => self.analysis(names),
            ExprKind::StrLen(a) => match self.text_of(*a) {
                Some(t) => self.b.int(t.chars().count() as i32),
                None => self.text(TextOp::Length, &[*a], e.span),
            },
            ExprKind::Concat(parts) => {
                let texts: Option<Vec<String>> = parts.iter().map(|p| self.text_of(*p)).collect();
                match texts {
                    Some(t) => {
                        let k = self.string(&t.concat());
                        self.b.int(k as i32)
                    }
                    None => {
                        let mut sum = self.expr(parts[0]);
                        for p in &parts[1..] {
                            let next = self.expr(*p);
                            sum = self.text_of_values(TextOp::Join, &[sum, next], e.span);
                        }
                        sum
                    }
                }
            }
            ExprKind::StrCase { arg, is_upper } => match self.text_of(*arg) {
                Some(t) => {
                    let t = if *is_upper { t.to_uppercase() } else { t.to_lowercase() };
                    let k = self.string(&t);
                    self.b.int(k as i32)
                }
                None => self.text(if *is_upper { TextOp::Upper } else { TextOp::Lower }, &[*arg], e.span),
            },
            ExprKind::StrSub(a, from, to) => {
                let (lo, hi) = (self.expr(*from), self.expr(*to));
                match (self.text_of(*a), self.b.constant(lo), self.b.constant(hi)) {
                    (Some(t), Some(Const::Int(lo)), Some(Const::Int(hi))) if 0 <= lo && lo <= hi => {
                        let part: String = t.chars().skip(lo as usize).take((hi - lo) as usize + 1).collect();
                        let k = self.string(&part);
                        self.b.int(k as i32)
                    }
                    (Some(_), Some(_), Some(_)) => self.b.int(0),
                    _ => self.text(TextOp::Part, &[*a, *from, *to], e.span),
                }
            }
            ExprKind::StrToNumber(a) => match self.text_of(*a) {
                Some(t) => {
                    let x: f64 = t.trim().parse().unwrap_or(0.0);
                    if e.ty == hir::Ty::Int { self.b.int(x as i32) } else { self.b.real(x) }
                }
                None => self.text(if e.ty == hir::Ty::Int { TextOp::ToInt } else { TextOp::ToReal }, &[*a], e.span),
            },
            ExprKind::FileOpen { name, mode } => self.open_file(*name, *mode, e.span),
        }
    }

    /// The text of a string expression that is known now.
    pub(super) fn text_of(&mut self, e: ExprId) -> Option<String> {
        let v = self.expr(e);
        match self.b.constant(v) {
            Some(Const::Int(k)) => self.out.strings.get(k as usize).cloned(),
            _ => None,
        }
    }

    fn unary(&mut self, op: HUn, a: Val) -> Val {
        match (op, self.b.ty(a)) {
            (HUn::Neg, Ty::Real) => self.b.neg(a),
            (HUn::Neg, _) => self.b.un(UnOp::INeg, a),
            (HUn::Not, _) => self.b.not(a),
            (HUn::BitNot, _) => self.b.un(UnOp::INot, a),
            (HUn::RedAnd, _) => {
                let k = self.b.int(-1);
                self.b.bin(BinOp::IEq, a, k)
            }
            (HUn::RedOr, _) => {
                let k = self.b.int(0);
                self.b.bin(BinOp::INe, a, k)
            }
            (HUn::RedXor, _) => {
                let mut x = a;
                for s in [16, 8, 4, 2, 1] {
                    let s = self.b.int(s);
                    let y = self.b.bin(BinOp::IShr, x, s);
                    x = self.b.bin(BinOp::IXor, x, y);
                }
                let one = self.b.int(1);
                let bit = self.b.bin(BinOp::IAnd, x, one);
                self.b.bin(BinOp::IEq, bit, one)
            }
        }
    }

    fn binary(&mut self, op: HBin, a: ExprId, b: ExprId, span: crate::diag::Span) -> Val {
        let is_text = self.m.exprs[a].ty == hir::Ty::Str;
        let x = self.expr(a);
        if matches!(op, HBin::And | HBin::Or) {
            // The right side may call a function that writes: it runs only when it matters.
            let f = self.b.bool(op == HBin::Or);
            let r = if op == HBin::And {
                self.branch(x, |l| vec![l.expr(b)], |_| vec![f])
            } else {
                self.branch(x, |_| vec![f], |l| vec![l.expr(b)])
            };
            return r[0];
        }
        let y = self.expr(b);
        if is_text && [(a, x), (b, y)].into_iter().any(|(e, v)| self.may_be_made(e, v)) {
            self.unsupported("comparing text that is made while simulating", span);
            return self.b.bool(false);
        }
        if is_text && !matches!(op, HBin::Eq | HBin::Ne) {
            let (first, second) = if matches!(op, HBin::Lt | HBin::Ge) { (x, y) } else { (y, x) };
            let less = self.text_of_values(TextOp::Less, &[first, second], span);
            return if matches!(op, HBin::Lt | HBin::Gt) { less } else { self.b.not(less) };
        }
        let ty = self.b.ty(x);
        let by = |r, i| if ty == Ty::Real { r } else { i };
        let bin = match op {
            HBin::Add => by(BinOp::Add, BinOp::IAdd),
            HBin::Sub => by(BinOp::Sub, BinOp::ISub),
            HBin::Mul => by(BinOp::Mul, BinOp::IMul),
            HBin::Div => by(BinOp::Div, BinOp::IDiv),
            HBin::Rem => by(BinOp::Rem, BinOp::IRem),
            HBin::Pow => {
                if ty == Ty::Real {
                    return self.b.bin(BinOp::Pow, x, y);
                }
                let (x, y) = (self.coerce_real(x), self.coerce_real(y));
                let r = self.b.bin(BinOp::Pow, x, y);
                return self.b.un(UnOp::FToI, r);
            }
            HBin::Lt => by(BinOp::Lt, BinOp::ILt),
            HBin::Le => by(BinOp::Le, BinOp::ILe),
            HBin::Gt => return self.b.bin(by(BinOp::Lt, BinOp::ILt), y, x),
            HBin::Ge => return self.b.bin(by(BinOp::Le, BinOp::ILe), y, x),
            HBin::Eq | HBin::Ne => {
                let o = match (ty, op) {
                    (Ty::Bool, HBin::Eq) => {
                        let d = self.b.bin(BinOp::Xor, x, y);
                        return self.b.not(d);
                    }
                    (Ty::Bool, _) => BinOp::Xor,
                    (Ty::Real, HBin::Eq) => BinOp::Eq,
                    (Ty::Real, _) => BinOp::Ne,
                    (Ty::Int, HBin::Eq) => BinOp::IEq,
                    (Ty::Int, _) => BinOp::INe,
                };
                return self.b.bin(o, x, y);
            }
            HBin::And | HBin::Or => return x,
            HBin::BitAnd => BinOp::IAnd,
            HBin::BitOr => BinOp::IOr,
            HBin::BitXor => BinOp::IXor,
            HBin::Shl => BinOp::IShl,
            HBin::Shr => BinOp::IShr,
            HBin::Sar => BinOp::ISar,
        };
        self.b.bin(bin, x, y)
    }

    fn math(&mut self, f: MathFn, a: &[Val], ty: hir::Ty) -> Val {
        use MathFn::*;
        let un = match f {
            Sqrt => UnOp::Sqrt,
            Exp => UnOp::Exp,
            Expm1 => UnOp::Expm1,
            Ln => UnOp::Ln,
            Log1p => UnOp::Log1p,
            Log10 => UnOp::Log10,
            Floor => UnOp::Floor,
            Ceil => UnOp::Ceil,
            Sin => UnOp::Sin,
            Cos => UnOp::Cos,
            Tan => UnOp::Tan,
            Asin => UnOp::Asin,
            Acos => UnOp::Acos,
            Atan => UnOp::Atan,
            Sinh => UnOp::Sinh,
            Cosh => UnOp::Cosh,
            Tanh => UnOp::Tanh,
            Asinh => UnOp::Asinh,
            Acosh => UnOp::Acosh,
            Atanh => UnOp::Atanh,
            Abs if ty == hir::Ty::Int => {
                let z = self.b.int(0);
                let c = self.b.bin(BinOp::ILt, a[0], z);
                let n = self.b.un(UnOp::INeg, a[0]);
                return self.b.select(c, n, a[0]);
            }
            Abs => UnOp::Abs,
            Min | Max => {
                let lt = if ty == hir::Ty::Int { BinOp::ILt } else { BinOp::Lt };
                let (x, y) = if f == Min { (a[0], a[1]) } else { (a[1], a[0]) };
                let c = self.b.bin(lt, x, y);
                return self.b.select(c, a[0], a[1]);
            }
            Trunc => {
                let z = self.b.real(0.0);
                let c = self.b.bin(BinOp::Lt, a[0], z);
                let up = self.b.un(UnOp::Ceil, a[0]);
                let down = self.b.un(UnOp::Floor, a[0]);
                let t = self.b.select(c, up, down);
                return self.b.un(UnOp::FToI, t);
            }
            Atan2 => return self.b.bin(BinOp::Atan2, a[0], a[1]),
            Hypot => return self.b.bin(BinOp::Hypot, a[0], a[1]),
            Clog2 => {
                let one = self.b.int(1);
                let zero = self.b.int(0);
                let n = self.b.bin(BinOp::ISub, a[0], one);
                let mut sum = zero;
                for k in 0..31 {
                    let k = self.b.int(k);
                    let s = self.b.bin(BinOp::ISar, n, k);
                    let c = self.b.bin(BinOp::ILt, zero, s);
                    let bit = self.b.un(UnOp::BToI, c);
                    sum = self.b.bin(BinOp::IAdd, sum, bit);
                }
                return sum;
            }
        };
        self.b.un(un, a[0])
    }

    fn sim_param(&mut self, name: &str, default: Option<ExprId>, span: crate::diag::Span) -> Val {
        match name {
            "gmin" => self.sim(sim::GMIN),
            "iniLim" => {
                let first = self.sim_flag(sim::IS_FIRST_ITERATION);
                self.coerce_real(first)
            }
            "sourceScaleFactor" => self.sim(sim::SOURCE_SCALE),
            "tnom" => {
                let t = self.environment(env::TNOM);
                let z = self.b.real(ZERO_C);
                self.b.sub(t, z)
            }
            "scale" | "simulatorSubversion" | "shrink" | "gdev" if default.is_none() => {
                self.b.real(if name == "scale" { 1.0 } else { 0.0 })
            }
            "simulatorVersion" => self.b.real(0.1),
            _ => match default {
                Some(d) => {
                    let v = self.expr(d);
                    self.coerce_real(v)
                }
                None => {
                    self.fault(
                        codes::UNKNOWN_SIMPARAM,
                        format!("`$simparam(\"{name}\")` is not known and has no default"),
                        span,
                        "give a second argument",
                    );
                    self.b.real(0.0)
                }
            },
        }
    }

    /// Analyses by name: what a point can tell (LRM 2.4, 4.6.1). The operating point before a transient is `tran`, `ic`
    /// and `static`; that of AC is `ac` and `static`, its frequencies are `ac` alone.
    pub(super) fn analysis(&mut self, names: &[String]) -> Val {
        let mut any = self.b.bool(false);
        for n in names {
            let is_static = self.sim_flag(sim::IS_SEARCH);
            let is_tran = self.sim_flag(sim::IS_TRAN);
            let is = match n.as_str() {
                "static" => is_static,
                "tran" => is_tran,
                "ic" => self.b.and(is_static, is_tran),
                "dc" | "op" => {
                    let (ac, noise) = (self.sim_flag(sim::IS_AC), self.sim_flag(sim::IS_NOISE));
                    let other = self.b.bin(BinOp::Or, is_tran, ac);
                    let other = self.b.bin(BinOp::Or, other, noise);
                    let other = self.b.not(other);
                    self.b.and(is_static, other)
                }
                "ac" => self.sim_flag(sim::IS_AC),
                "noise" => self.sim_flag(sim::IS_NOISE),
                _ => self.b.bool(false),
            };
            any = self.b.bin(BinOp::Or, any, is);
        }
        any
    }

    pub(super) fn real_expr(&mut self, e: ExprId) -> Val {
        let v = self.expr(e);
        self.coerce_real(v)
    }
}
