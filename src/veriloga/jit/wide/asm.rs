//! Machine code of x86-64 with AVX2 and FMA: the instructions that evaluations are made of, as bytes.
//!
//! Encodings: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.

/// A vector register, 0 to 15: four f64.
pub type Reg = u8;

/// A general register.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Gpr {
    Rax = 0,
    Rdx = 2,
    Rbx = 3,
    Rsp = 4,
    Rbp = 5,
    Rdi = 7,
    R8 = 8,
    R12 = 12,
    R13 = 13,
    R14 = 14,
    R15 = 15,
}

/// The last operand of an instruction.
#[derive(Clone, Copy)]
pub enum Rm {
    Reg(u8),
    /// Base register and displacement in bytes.
    Mem(Gpr, i32),
}

/// What tells one vector instruction from another: the opcode map (1: 0F, 2: 0F38, 3: 0F3A), the mandatory prefix (0: none,
/// 1: 66, 2: F3, 3: F2), W, and the opcode.
#[derive(Clone, Copy)]
pub struct Code(pub u8, pub u8, pub u8, pub u8);

impl Code {
    pub const LOAD: Code = Code(1, 1, 0, 0x10);
    pub const STORE: Code = Code(1, 1, 0, 0x11);
    pub const MOVE: Code = Code(1, 1, 0, 0x28);
    pub const BROADCAST: Code = Code(2, 1, 0, 0x19);
    pub const ADD: Code = Code(1, 1, 0, 0x58);
    pub const MUL: Code = Code(1, 1, 0, 0x59);
    pub const SUB: Code = Code(1, 1, 0, 0x5C);
    pub const DIV: Code = Code(1, 1, 0, 0x5E);
    pub const SQRT: Code = Code(1, 1, 0, 0x51);
    pub const AND: Code = Code(1, 1, 0, 0x54);
    /// Not the first, and the second.
    pub const AND_NOT: Code = Code(1, 1, 0, 0x55);
    pub const OR: Code = Code(1, 1, 0, 0x56);
    pub const XOR: Code = Code(1, 1, 0, 0x57);
    /// 64-bit integers.
    pub const ADD_INT: Code = Code(1, 1, 0, 0xD4);
    pub const COMPARE: Code = Code(1, 1, 0, 0xC2);
    pub const BLEND: Code = Code(3, 1, 0, 0x4B);
    pub const ROUND: Code = Code(3, 1, 0, 0x09);
    /// By an immediate number of bits; which way stands in the first operand's place.
    pub const SHIFT: Code = Code(1, 1, 0, 0x73);
    pub const SIGNS: Code = Code(1, 1, 0, 0x50);
    const LOAD_LOW: Code = Code(1, 3, 0, 0x10);
    const LOAD_HIGH: Code = Code(1, 1, 0, 0x16);
    const STORE_LOW: Code = Code(1, 3, 0, 0x11);
    const INSERT: Code = Code(3, 1, 0, 0x18);

    /// a = ±(a m) ± c: the sum of opcodes for the order of operands, the sign of the product, and that of the addend.
    pub fn fma(order: Order, negates_product: bool, negates_addend: bool) -> Code {
        let row = order as u8;
        let kind = match (negates_product, negates_addend) {
            (false, false) => 0x8,
            (false, true) => 0xA,
            (true, false) => 0xC,
            (true, true) => 0xE,
        };
        Code(2, 1, 1, row << 4 | kind)
    }
}

/// Which operands of `op1, op2, op3` are multiplied and which is added: 132 is op1 op3 + op2.
#[derive(Clone, Copy)]
pub enum Order {
    O132 = 0x9,
    O213 = 0xA,
    O231 = 0xB,
}

/// Conditions of jumps.
#[derive(Clone, Copy)]
pub enum Cond {
    Equal = 0x4,
    AboveOrEqual = 0x3,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Label(u32);

#[derive(Default)]
pub struct Asm {
    pub code: Vec<u8>,
    labels: Vec<usize>,
    /// Where a distance of 32 bits is missing, and to which label.
    open: Vec<(usize, Label)>,
}

impl Asm {
    fn byte(&mut self, x: u8) {
        self.code.push(x);
    }

    fn word(&mut self, x: i32) {
        self.code.extend(x.to_le_bytes());
    }

    /// ModRM, SIB, displacement.
    fn operand(&mut self, reg: u8, rm: Rm) {
        let reg = (reg & 7) << 3;
        match rm {
            Rm::Reg(r) => self.byte(0xC0 | reg | r & 7),
            Rm::Mem(base, at) => {
                let low = base as u8 & 7;
                let short = i8::try_from(at);
                self.byte(if short.is_ok() { 0x40 } else { 0x80 } | reg | low);
                if low == 4 {
                    self.byte(0x24);
                }
                match short {
                    Ok(at) => self.byte(at.to_le_bytes()[0]),
                    Err(_) => self.word(at),
                }
            }
        }
    }

    fn vex(&mut self, Code(map, prefix, w, op): Code, is_wide: bool, reg: u8, first: Reg, rm: Rm) {
        let beyond = match rm {
            Rm::Reg(r) => r,
            Rm::Mem(base, _) => base as u8,
        } >> 3;
        let rest = (!first & 15) << 3 | u8::from(is_wide) << 2 | prefix;
        if map == 1 && w == 0 && beyond == 0 {
            self.code.extend([0xC5, (!reg & 8) << 4 | rest]);
        } else {
            self.code.extend([0xC4, (!reg & 8) << 4 | 0x40 | (!beyond & 1) << 5 | map, w << 7 | rest]);
        }
        self.byte(op);
        self.operand(reg, rm);
    }

    /// d = first op rm, on four numbers. Instructions of one operand have no first: 0 stands there.
    pub fn vector(&mut self, op: Code, d: Reg, first: Reg, rm: Rm) {
        self.vex(op, true, d, first, rm);
    }

    /// As `vector`, with one more byte.
    pub fn vector_with(&mut self, op: Code, d: Reg, first: Reg, rm: Rm, byte: u8) {
        self.vex(op, true, d, first, rm);
        self.byte(byte);
    }

    pub fn shift(&mut self, d: Reg, a: Reg, is_left: bool, by: u8) {
        self.vector_with(Code::SHIFT, if is_left { 6 } else { 2 }, d, Rm::Reg(a), by);
    }

    /// The low numbers of a register from two places, or its high ones.
    pub fn load_half(&mut self, d: Reg, low: Rm) {
        self.vex(Code::LOAD_LOW, false, d, 0, low);
    }

    pub fn load_other_half(&mut self, d: Reg, high: Rm) {
        self.vex(Code::LOAD_HIGH, false, d, d, high);
    }

    /// The upper two numbers from the lower ones of another register.
    pub fn join(&mut self, d: Reg, upper: Reg) {
        self.vector_with(Code::INSERT, d, d, Rm::Reg(upper), 1);
    }

    pub fn store_low(&mut self, from: Reg, at: Rm) {
        self.vex(Code::STORE_LOW, false, from, 0, at);
    }

    /// Upper halves of all registers are forgotten: what code without AVX wants to find.
    pub fn zero_upper(&mut self) {
        self.code.extend([0xC5, 0xF8, 0x77]);
    }

    fn rex(&mut self, op: u8, reg: u8, rm: Rm) {
        let beyond = match rm {
            Rm::Reg(r) => r,
            Rm::Mem(base, _) => base as u8,
        } >> 3;
        self.code.extend([0x48 | (reg >> 3) << 2 | beyond, op]);
        self.operand(reg, rm);
    }

    pub fn load(&mut self, d: Gpr, from: Rm) {
        self.rex(0x8B, d as u8, from);
    }

    pub fn store(&mut self, from: Gpr, to: Rm) {
        self.rex(0x89, from as u8, to);
    }

    pub fn copy(&mut self, d: Gpr, from: Gpr) {
        self.load(d, Rm::Reg(from as u8));
    }

    /// d = 32 bits of memory.
    pub fn load_u32(&mut self, d: Gpr, base: Gpr, at: i32) {
        let (reg, rm) = (d as u8, Rm::Mem(base, at));
        self.code.extend([0x40 | (reg >> 3) << 2 | base as u8 >> 3, 0x8B]);
        self.operand(reg, rm);
    }

    /// d = a k
    pub fn times(&mut self, d: Gpr, a: Gpr, k: i32) {
        self.rex(0x69, d as u8, Rm::Reg(a as u8));
        self.word(k);
    }

    pub fn plus(&mut self, d: Gpr, rm: Rm) {
        self.rex(0x03, d as u8, rm);
    }

    pub fn plus_constant(&mut self, d: Gpr, k: i32) {
        self.rex(0x81, 0, Rm::Reg(d as u8));
        self.word(k);
    }

    pub fn compare(&mut self, a: Gpr, rm: Rm) {
        self.rex(0x3B, a as u8, rm);
    }

    /// Compares the 32 bits of `a` with a small number.
    pub fn compare_small(&mut self, a: Gpr, k: i8) {
        self.byte(0x83);
        self.operand(7, Rm::Reg(a as u8));
        self.byte(k.to_le_bytes()[0]);
    }

    /// Compares with zero.
    pub fn test(&mut self, a: Gpr) {
        self.rex(0x85, a as u8, Rm::Reg(a as u8));
    }

    pub fn push(&mut self, r: Gpr) {
        let r = r as u8;
        self.code.extend([0x40 | r >> 3, 0x50 | r & 7]);
    }

    pub fn pop(&mut self, r: Gpr) {
        let r = r as u8;
        self.code.extend([0x40 | r >> 3, 0x58 | r & 7]);
    }

    /// Calls a function by way of rax.
    pub fn call(&mut self, address: u64) {
        self.code.extend([0x48, 0xB8]);
        self.code.extend(address.to_le_bytes());
        self.code.extend([0xFF, 0xD0]);
    }

    pub fn ret(&mut self) {
        self.byte(0xC3);
    }

    pub fn new_label(&mut self) -> Label {
        self.labels.push(usize::MAX);
        Label(self.labels.len() as u32 - 1)
    }

    /// A label is here.
    pub fn bind(&mut self, l: Label) {
        self.labels[l.0 as usize] = self.code.len();
    }

    fn distance(&mut self, l: Label) {
        self.open.push((self.code.len(), l));
        self.word(0);
    }

    pub fn jump(&mut self, l: Label) {
        self.byte(0xE9);
        self.distance(l);
    }

    pub fn jump_if(&mut self, c: Cond, l: Label) {
        self.code.extend([0x0F, 0x80 | c as u8]);
        self.distance(l);
    }

    /// The code, with all distances.
    pub fn finish(mut self) -> Vec<u8> {
        for (at, l) in self.open {
            let from = at + 4;
            let distance = self.labels[l.0 as usize].wrapping_sub(from) as i32;
            self.code[at..from].copy_from_slice(&distance.to_le_bytes());
        }
        self.code
    }
}
