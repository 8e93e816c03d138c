//! Operations.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value};

use super::calls;
use super::codegen::{Gen, ty};
use super::lanes::{Form, Num};
use crate::veriloga::ir::{BinOp, Const, Op, Ty, UnOp, Val};

impl Gen<'_, '_> {
    pub fn op(&mut self, op: &Op) -> Num {
        match *op {
            Op::Const(Const::Real(x)) => Num::One(self.b.ins().f64const(x)),
            Op::Const(Const::Int(k)) => Num::One(self.b.ins().iconst(ty(Ty::Int), i64::from(k))),
            Op::Const(Const::Bool(x)) => Num::One(self.b.ins().iconst(ty(Ty::Bool), i64::from(x))),
            Op::Input(class, k, t) => self.input(class, k, t),
            Op::Un(o, a) => self.un(o, a),
            Op::Bin(o, a, c) => self.bin(o, a, c),
            Op::Select(c, a, e) => {
                let t = self.func.ty(a);
                let are_shared = [c, a, e].iter().all(|v| self.form_of(*v) == Form::One);
                let c = self.get(c);
                let [a, e] = [a, e].map(|v| match are_shared || t == Ty::Int {
                    true => self.get(v),
                    false => Num::Two(self.two_of(v)),
                });
                self.select(c, a, e, t)
            }
            Op::Fma(a, b, c) if [a, b, c].iter().all(|v| self.form_of(*v) == Form::One) => {
                let [x, y, z] = [a, b, c].map(|v| self.get(v)).map(|x| self.each(x)[0]);
                Num::One(self.b.ins().fma(x, y, z))
            }
            Op::Fma(a, b, c) => {
                let [x, y, z] = [a, b, c].map(|v| self.two_of(v));
                Num::Two(self.b.ins().fma(x, y, z))
            }
            Op::Limit(_, _, l) => self.get(l),
            Op::Table(look, inputs) => {
                let tables = self.b.ins().iconst(cranelift_codegen::ir::types::I64, self.sizes.tables as i64);
                let first = self.b.ins().imul(self.class, tables);
                let at = self.b.ins().iadd_imm_u(first, i64::from(look.table));
                let [a, b, c] = look.order;
                let order = i64::from(i32::from_le_bytes([a, b, c, 0]));
                let order = self.b.ins().iconst(ty(Ty::Int), order);
                let inputs = inputs.map(|v| self.get(v));
                let array = self.shared.tables;
                self.per_lane(&inputs, Ty::Real, |g, x| g.call(calls::TABLE, &[array, at, order, x[0], x[1], x[2]]))
            }
            // Replaced before code is generated.
            Op::Ddt(..) | Op::Noise(_) | Op::Ddx(..) => self.zero(Form::One, Ty::Real),
            // Setup's.
            Op::Text(o, _) => self.zero(Form::One, o.result()),
        }
    }

    /// Something that is done for one instance at a time, or once for both.
    fn per_lane(&mut self, args: &[Num], t: Ty, mut f: impl FnMut(&mut Self, &[Value]) -> Value) -> Num {
        let pairs: Vec<[Value; 2]> = args.iter().map(|a| self.each(*a)).collect();
        let lane = |k: usize| pairs.iter().map(|p| p[k]).collect::<Vec<_>>();
        if args.iter().all(|a| matches!(a, Num::One(_))) {
            return Num::One(f(self, &lane(0)));
        }
        let pair = [f(self, &lane(0)), f(self, &lane(1))];
        self.joined(pair, t)
    }

    fn un(&mut self, o: UnOp, a: Val) -> Num {
        let x = self.get(a);
        if let Num::Two(x) = x {
            let done = match o {
                UnOp::Neg => Some(self.b.ins().fneg(x)),
                UnOp::Abs => Some(self.b.ins().fabs(x)),
                UnOp::Sqrt => Some(self.b.ins().sqrt(x)),
                UnOp::Not => Some(self.b.ins().bnot(x)),
                UnOp::Exp => Some(self.exp(x)),
                UnOp::Ln => Some(self.ln(x)),
                _ => None,
            };
            if let Some(y) = done {
                return Num::Two(y);
            }
        }
        self.per_lane(&[x], o.result(), |g, x| g.un_scalar(o, x[0]))
    }

    fn un_scalar(&mut self, o: UnOp, x: Value) -> Value {
        match o {
            UnOp::Neg => self.b.ins().fneg(x),
            UnOp::Abs => self.b.ins().fabs(x),
            UnOp::Sqrt => self.b.ins().sqrt(x),
            UnOp::INeg => self.b.ins().ineg(x),
            UnOp::INot => self.b.ins().bnot(x),
            UnOp::Not => {
                let one = self.b.ins().iconst(ty(Ty::Bool), 1);
                self.b.ins().bxor(x, one)
            }
            UnOp::IToF => self.b.ins().fcvt_from_sint(ty(Ty::Real), x),
            UnOp::BToI => self.b.ins().uextend(ty(Ty::Int), x),
            o => self.call(o.name(), &[x]),
        }
    }

    fn bin(&mut self, o: BinOp, a: Val, c: Val) -> Num {
        let is_vector = [a, c].iter().any(|v| self.form_of(*v) == Form::Two);
        if is_vector && is_direct(o) {
            // The second operand of an instruction may lie in memory.
            let swaps = matches!(o, BinOp::Add | BinOp::Mul) && self.is_in_memory(a) && !self.is_in_memory(c);
            let (a, c) = if swaps { (c, a) } else { (a, c) };
            let (x, y) = (self.two_of(a), self.two_of(c));
            return Num::Two(self.bin_direct(o, x, y));
        }
        let (x, y) = (self.get(a), self.get(c));
        self.per_lane(&[x, y], o.result(), |g, x| g.bin_scalar(o, x[0], x[1]))
    }

    /// Operations that are one instruction, on scalars and on vectors.
    fn bin_direct(&mut self, o: BinOp, x: Value, y: Value) -> Value {
        let b = &mut self.b;
        match o {
            BinOp::Add => b.ins().fadd(x, y),
            BinOp::Sub => b.ins().fsub(x, y),
            BinOp::Mul => b.ins().fmul(x, y),
            BinOp::Div => b.ins().fdiv(x, y),
            BinOp::Eq => b.ins().fcmp(FloatCC::Equal, x, y),
            BinOp::Ne => b.ins().fcmp(FloatCC::NotEqual, x, y),
            BinOp::Lt => b.ins().fcmp(FloatCC::LessThan, x, y),
            BinOp::Le => b.ins().fcmp(FloatCC::LessThanOrEqual, x, y),
            BinOp::Or => b.ins().bor(x, y),
            BinOp::Xor => b.ins().bxor(x, y),
            _ => b.ins().band(x, y),
        }
    }

    fn bin_scalar(&mut self, o: BinOp, x: Value, y: Value) -> Value {
        let b = &mut self.b;
        match o {
            o if is_direct(o) => self.bin_direct(o, x, y),
            BinOp::IAdd => b.ins().iadd(x, y),
            BinOp::ISub => b.ins().isub(x, y),
            BinOp::IMul => b.ins().imul(x, y),
            BinOp::IAnd => b.ins().band(x, y),
            BinOp::IOr => b.ins().bor(x, y),
            BinOp::IXor => b.ins().bxor(x, y),
            BinOp::IEq => b.ins().icmp(IntCC::Equal, x, y),
            BinOp::INe => b.ins().icmp(IntCC::NotEqual, x, y),
            BinOp::ILt => b.ins().icmp(IntCC::SignedLessThan, x, y),
            BinOp::ILe => b.ins().icmp(IntCC::SignedLessThanOrEqual, x, y),
            o => self.call(o.name(), &[x, y]),
        }
    }
}

fn is_direct(o: BinOp) -> bool {
    use BinOp::*;
    matches!(o, Add | Sub | Mul | Div | Eq | Ne | Lt | Le | And | Or | Xor)
}
