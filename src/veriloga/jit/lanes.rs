//! Numbers of one or of two instances.
//!
//! An evaluation computes two instances at once, in both halves of a vector register: reals as two f64, booleans as masks
//! of two i64 (all bits or none). Integers are rare; each instance has its own register. What both instances share stays
//! one number until it meets one that they do not.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, ConstantData, Endianness, InstBuilder, MemFlagsData, Type, Value, types};

use super::codegen::{Gen, fixed_pairs, ty};
use crate::veriloga::ir::{Const, In, Op, Ty, Val};

/// A value in compiled code.
#[derive(Clone, Copy)]
pub enum Num {
    /// The same for all instances that are computed at once.
    One(Value),
    /// A vector of two.
    Two(Value),
    /// Two registers.
    Each([Value; 2]),
}

/// The form that a value has where paths meet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    One,
    Two,
    Each,
}

/// The vector type of two numbers.
pub fn pair_type(t: Ty) -> Type {
    if t == Ty::Real { types::F64X2 } else { types::I64X2 }
}

impl Gen<'_, '_> {
    /// The form of a value that may differ between instances.
    pub fn form(&self, v: Val) -> Form {
        match (self.varying[v.index()], self.func.ty(v)) {
            (false, _) => Form::One,
            (true, Ty::Int) => Form::Each,
            (true, _) => Form::Two,
        }
    }

    /// A vector of two equal constants.
    pub fn constant(&mut self, x: f64) -> Value {
        self.constant_bits(types::F64X2, x.to_bits())
    }

    pub fn constant_bits(&mut self, t: Type, bits: u64) -> Value {
        if self.is_evaluation() {
            let next = self.constants.len() as u32;
            let k = *self.constant_of.entry(bits).or_insert(next);
            if k == next {
                self.constants.push(bits);
            }
            return self.b.ins().load(t, fixed_pairs(), self.shared.constants, 16 * k as i32);
        }
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&bits.to_le_bytes());
        bytes[8..].copy_from_slice(&bits.to_le_bytes());
        let at = self.b.func.dfg.constants.insert(ConstantData::from(&bytes[..]));
        self.b.ins().vconst(t, at)
    }

    /// A vector of two scalars.
    pub fn pack(&mut self, [a, b]: [Value; 2]) -> Value {
        let t = if self.b.func.dfg.value_type(a) == types::F64 { types::F64X2 } else { types::I64X2 };
        let x = self.b.ins().scalar_to_vector(t, a);
        self.b.ins().insertlane(x, b, 1)
    }

    /// All bits or none, from a boolean.
    fn bits(&mut self, x: Value) -> Value {
        let x = self.b.ins().uextend(types::I64, x);
        self.b.ins().ineg(x)
    }

    /// The vector of a value of this type; not for integers.
    pub fn two(&mut self, x: Num, t: Ty) -> Value {
        match x {
            Num::Two(x) => x,
            Num::One(x) => {
                let x = if t == Ty::Bool { self.bits(x) } else { x };
                self.b.ins().splat(pair_type(t), x)
            }
            Num::Each([x, y]) => {
                let pair = if t == Ty::Bool { [self.bits(x), self.bits(y)] } else { [x, y] };
                self.pack(pair)
            }
        }
    }

    /// As `two`, of a value of the function: what lies in memory in pairs comes from there.
    pub fn two_of(&mut self, v: Val) -> Value {
        match self.func.op(v) {
            Some(Op::Const(Const::Real(x))) => self.constant(*x),
            Some(Op::Input(In::Cache, k, Ty::Real)) if self.is_evaluation() => {
                let at = self.shared.cache;
                self.b.ins().load(types::F64X2, fixed_pairs(), at, 16 * *k as i32)
            }
            _ => {
                let x = self.get(v);
                self.two(x, self.func.ty(v))
            }
        }
    }

    /// Scalars of both instances.
    pub fn each(&mut self, x: Num) -> [Value; 2] {
        match x {
            Num::One(x) => [x, x],
            Num::Each(pair) => pair,
            Num::Two(x) => {
                let is_real = self.b.func.dfg.value_type(x) == types::F64X2;
                [0u8, 1].map(|lane| {
                    let x = self.b.ins().extractlane(x, lane);
                    if is_real { x } else { self.b.ins().icmp_imm_u(IntCC::NotEqual, x, 0) }
                })
            }
        }
    }

    /// From scalars of both instances.
    pub fn joined(&mut self, pair: [Value; 2], t: Ty) -> Num {
        if t == Ty::Int { Num::Each(pair) } else { Num::Two(self.two(Num::Each(pair), t)) }
    }

    pub fn as_form(&mut self, x: Num, form: Form, t: Ty) -> Num {
        match form {
            Form::One => x,
            Form::Two => Num::Two(self.two(x, t)),
            Form::Each => Num::Each(self.each(x)),
        }
    }

    pub fn zero(&mut self, form: Form, t: Ty) -> Num {
        match form {
            Form::Two => Num::Two(self.constant_bits(pair_type(t), 0)),
            _ => {
                let x = match t {
                    Ty::Real => self.b.ins().f64const(0.0),
                    _ => self.b.ins().iconst(ty(t), 0),
                };
                if form == Form::One { Num::One(x) } else { Num::Each([x, x]) }
            }
        }
    }

    /// A parameter of a block.
    pub fn param(&mut self, block: Block, form: Form, t: Ty) -> Num {
        match form {
            Form::One => Num::One(self.b.append_block_param(block, ty(t))),
            Form::Two => Num::Two(self.b.append_block_param(block, pair_type(t))),
            Form::Each => Num::Each([0; 2].map(|_| self.b.append_block_param(block, ty(t)))),
        }
    }

    pub fn push(&self, x: Num, out: &mut Vec<BlockArg>) {
        match x {
            Num::One(x) | Num::Two(x) => out.push(BlockArg::Value(x)),
            Num::Each(pair) => out.extend(pair.map(BlockArg::Value)),
        }
    }

    fn little() -> MemFlagsData {
        MemFlagsData::new().with_endianness(Endianness::Little)
    }

    pub fn as_reals(&mut self, x: Value) -> Value {
        self.b.ins().bitcast(types::F64X2, Self::little(), x)
    }

    pub fn as_bits(&mut self, x: Value) -> Value {
        self.b.ins().bitcast(types::I64X2, Self::little(), x)
    }

    /// By lane: `a` where the mask is set, `e` elsewhere.
    pub fn blend(&mut self, mask: Value, a: Value, e: Value) -> Value {
        let is_real = self.b.func.dfg.value_type(a) == types::F64X2;
        let mask = if is_real { self.as_reals(mask) } else { mask };
        self.b.ins().bitselect(mask, a, e)
    }

    /// As `blend`, of values of any form.
    pub fn select(&mut self, c: Num, a: Num, e: Num, t: Ty) -> Num {
        match (c, a, e) {
            (Num::One(c), Num::One(a), Num::One(e)) => Num::One(self.b.ins().select(c, a, e)),
            (c, a, e) if t == Ty::Int => {
                let (c, a, e) = (self.each(c), self.each(a), self.each(e));
                Num::Each([0, 1].map(|k| self.b.ins().select(c[k], a[k], e[k])))
            }
            (c, a, e) => {
                let (a, e) = (self.two(a, t), self.two(e, t));
                Num::Two(match c {
                    Num::One(c) => self.b.ins().select(c, a, e),
                    c => {
                        let mask = self.two(c, Ty::Bool);
                        self.blend(mask, a, e)
                    }
                })
            }
        }
    }
}
