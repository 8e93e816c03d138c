//! Steps as machine code.
//!
//! A value is in a register as long as there is room: the one that is needed last gives way, into a home in memory if it is
//! not there already. Where ways part or meet, what is needed later is in its home, so that no way has to know of another.

use super::super::{KEYS, Sizes, field};
use super::asm::{Asm, Code, Cond, Gpr, Label, Order, Reg, Rm};
use super::steps::{Own, Source, Step, Steps, Two, V};

const NEVER: u32 = u32::MAX;
const NONE: u32 = u32::MAX;
const REGISTERS: usize = 16;
/// A number that is used again within so many steps is worth a register; others are read from memory where they are needed.
const SOON: u32 = 12;
/// Steps by which a value that needs no store gives way before one that does.
const CLEAN: u32 = 24;

/// Instances that are done at once.
pub const LANES: usize = 4;
/// Bytes of a vector.
const VECTOR: i32 = 32;
/// On the stack: arguments and results of calls, where the results go, then for each kind of own numbers and each lane an
/// address.
const FIRST_ARGUMENT: i32 = 0;
const SECOND_ARGUMENT: i32 = 32;
const RESULT: i32 = 64;
const RESULTS: i32 = 96;
const ADDRESSES: i32 = 112;
/// With six saved registers and the return address it keeps rsp at a multiple of 16.
const STACK: i32 = ADDRESSES + Own::COUNT as i32 * LANES as i32 * 8 + 8;

/// Where the results of this pass go.
const OUT: Gpr = Gpr::R8;
const FRAME: Gpr = Gpr::Rbx;
const CONSTANTS: Gpr = Gpr::Rbp;
const RAW: Gpr = Gpr::R13;
const CACHE: Gpr = Gpr::R14;
/// The instances of this pass, and the end of all.
const AT: Gpr = Gpr::R15;
const END: Gpr = Gpr::R12;
const SAVED: [Gpr; 6] = [Gpr::Rbx, Gpr::Rbp, Gpr::R12, Gpr::R13, Gpr::R14, Gpr::R15];

/// The code, and how many homes of four numbers it needs.
pub struct Emitted {
    pub code: Vec<u8>,
    pub homes: usize,
}

pub fn emit(steps: &Steps, sizes: &Sizes) -> Emitted {
    let mut e = Emit::new(steps);
    let reads = |own: Own| steps.list.iter().any(|s| matches!(s, Step::Own(_, o, _) if *o == own));
    let all = [Own::X, Own::Hidden, Own::Old, Own::Uniforms, Own::Normals, Own::Keys, Own::Signals];
    let [head, exit] = [0; 2].map(|_| e.asm.new_label());
    for r in SAVED {
        e.asm.push(r);
    }
    e.asm.plus_constant(Gpr::Rsp, -STACK);
    e.asm.copy(RAW, Gpr::Rdi);
    for (r, at) in [(CONSTANTS, field::CONSTANTS), (FRAME, field::FRAME), (AT, field::ORDER), (Gpr::Rax, field::COUNT)]
    {
        e.asm.load(r, Rm::Mem(RAW, at));
    }
    e.asm.times(END, Gpr::Rax, 4 * LANES as i32);
    e.asm.plus(END, Rm::Reg(AT as u8));
    e.asm.load(OUT, Rm::Mem(RAW, field::OUT));
    e.asm.store(OUT, Rm::Mem(Gpr::Rsp, RESULTS));
    e.asm.bind(head);
    e.asm.compare(AT, Rm::Reg(END as u8));
    e.asm.jump_if(Cond::AboveOrEqual, exit);
    for lane in 0..LANES {
        e.asm.load_u32(Gpr::Rax, AT, 4 * lane as i32);
        for own in all.into_iter().filter(|o| reads(*o)) {
            let (at, size) = place(own, sizes);
            e.address(Gpr::Rdx, at, size, address(own as usize, lane));
        }
    }
    // All of them are of the class of the last one.
    e.asm.times(Gpr::Rax, Gpr::Rax, 4);
    e.asm.plus(Gpr::Rax, Rm::Mem(RAW, field::CLASSES));
    e.asm.load_u32(Gpr::Rax, Gpr::Rax, 0);
    e.asm.times(CACHE, Gpr::Rax, 16 * sizes.slots as i32);
    e.asm.plus(CACHE, Rm::Mem(RAW, field::CACHE));
    for (i, s) in steps.list.iter().enumerate() {
        e.step(i as u32, s);
    }
    e.asm.plus_constant(AT, 4 * LANES as i32);
    e.asm.plus_constant(OUT, VECTOR * sizes.outputs as i32);
    e.asm.store(OUT, Rm::Mem(Gpr::Rsp, RESULTS));
    e.asm.jump(head);
    e.asm.bind(exit);
    e.asm.zero_upper();
    e.asm.plus_constant(Gpr::Rsp, STACK);
    for r in SAVED.into_iter().rev() {
        e.asm.pop(r);
    }
    e.asm.ret();
    Emitted { code: e.asm.finish(), homes: e.homes }
}

/// Which array, and how many numbers an instance has there.
fn place(own: Own, s: &Sizes) -> (i32, usize) {
    match own {
        Own::X => (field::X, s.unknowns),
        Own::Hidden => (field::HIDDEN, s.cells),
        Own::Old => (field::OLD, s.limits),
        Own::Uniforms => (field::UNIFORMS, s.uniforms),
        Own::Normals => (field::NORMALS, s.normals),
        Own::Keys => (field::KEYS, KEYS),
        Own::Signals => (field::SIGNALS, s.signals),
    }
}

/// Where on the stack the address of a kind and lane lies.
fn address(kind: usize, lane: usize) -> i32 {
    ADDRESSES + 8 * (kind * LANES + lane) as i32
}

fn bit(r: Reg) -> u16 {
    1 << r
}

struct Emit<'a> {
    asm: Asm,
    steps: &'a Steps,
    labels: Vec<Label>,
    /// Numbers of the steps that use a value: those of value `v` from `next[v]` to `ends[v]`.
    uses: Vec<u32>,
    next: Vec<u32>,
    ends: Vec<u32>,
    register: Vec<Option<Reg>>,
    holds: [Option<V>; REGISTERS],
    home: Vec<u32>,
    is_saved: Vec<bool>,
    free: Vec<u32>,
    /// Homes that the present step may still read.
    left: Vec<u32>,
    homes: usize,
}

impl<'a> Emit<'a> {
    fn new(steps: &'a Steps) -> Emit<'a> {
        let n = steps.sources.len();
        let mut ends = vec![0u32; n + 1];
        let each = |f: &mut dyn FnMut(usize, u32)| {
            for (i, s) in steps.list.iter().enumerate() {
                s.operands().into_iter().flatten().for_each(|v| f(v.index(), i as u32));
            }
        };
        each(&mut |v, _| ends[v + 1] += 1);
        for k in 0..n {
            ends[k + 1] += ends[k];
        }
        let next = ends[..n].to_vec();
        let mut uses = vec![0; ends[n] as usize];
        let mut at = next.clone();
        each(&mut |v, i| {
            uses[at[v] as usize] = i;
            at[v] += 1;
        });
        let mut asm = Asm::default();
        let labels = (0..steps.labels).map(|_| asm.new_label()).collect();
        Emit {
            asm,
            steps,
            labels,
            uses,
            next,
            ends: at,
            register: vec![None; n],
            holds: [None; REGISTERS],
            home: vec![NONE; n],
            is_saved: vec![false; n],
            free: vec![],
            left: vec![],
            homes: 0,
        }
    }

    /// d = address of a lane's part of an array, also kept on the stack; the lane's number is in rax.
    fn address(&mut self, d: Gpr, field: i32, size: usize, at: i32) {
        self.asm.times(d, Gpr::Rax, 8 * size as i32);
        self.asm.plus(d, Rm::Mem(RAW, field));
        self.asm.store(d, Rm::Mem(Gpr::Rsp, at));
    }

    fn next_use(&self, v: V) -> u32 {
        let k = self.next[v.index()];
        if k < self.ends[v.index()] { self.uses[k as usize] } else { NEVER }
    }

    /// The next use behind a step.
    fn use_after(&self, v: V, i: u32) -> u32 {
        let (from, to) = (self.next[v.index()] as usize, self.ends[v.index()] as usize);
        self.uses[from..to].iter().copied().find(|k| *k > i).unwrap_or(NEVER)
    }

    fn must_be_stored(&self, v: V) -> bool {
        self.steps.sources[v.index()] == Source::Made && !self.is_saved[v.index()] && self.next_use(v) != NEVER
    }

    fn home_of(&mut self, v: V) -> Rm {
        if self.home[v.index()] == NONE {
            self.home[v.index()] = self.free.pop().unwrap_or_else(|| {
                self.homes += 1;
                self.homes as u32 - 1
            });
        }
        Rm::Mem(FRAME, VECTOR * self.home[v.index()] as i32)
    }

    fn save(&mut self, v: V, r: Reg) {
        let home = self.home_of(v);
        self.asm.vector(Code::STORE, r, 0, home);
        self.is_saved[v.index()] = true;
    }

    fn save_all(&mut self) {
        for r in 0..REGISTERS as u8 {
            if let Some(v) = self.holds[r as usize].filter(|v| self.must_be_stored(*v)) {
                self.save(v, r);
            }
        }
    }

    fn forget_all(&mut self) {
        for v in self.holds.iter_mut().filter_map(Option::take) {
            self.register[v.index()] = None;
        }
    }

    /// A register that holds nothing, none of those pinned.
    fn room(&mut self, pins: u16) -> Reg {
        let is_free = |r: &u8| pins & bit(*r) == 0 && self.holds[*r as usize].is_none();
        if let Some(r) = (0..REGISTERS as u8).find(is_free) {
            return r;
        }
        let when = |r: u8| {
            self.holds[r as usize].map_or(NEVER, |v| {
                let clean = if self.must_be_stored(v) { 0 } else { CLEAN };
                self.next_use(v).saturating_add(clean)
            })
        };
        let r = (0..REGISTERS as u8).filter(|r| pins & bit(*r) == 0).max_by_key(|r| when(*r)).unwrap_or(0);
        if let Some(v) = self.holds[r as usize].take() {
            if self.must_be_stored(v) {
                self.save(v, r);
            }
            self.register[v.index()] = None;
        }
        r
    }

    fn give(&mut self, v: V, r: Reg) {
        self.holds[r as usize] = Some(v);
        self.register[v.index()] = Some(r);
    }

    /// A register for a new value.
    fn made(&mut self, v: V) -> Reg {
        let r = self.room(0);
        self.give(v, r);
        r
    }

    /// Where an instruction can read a value that is in no register, if it can.
    fn memory(&self, v: V) -> Option<Rm> {
        match self.steps.sources[v.index()] {
            Source::Constant(k) => Some(Rm::Mem(CONSTANTS, VECTOR * k as i32)),
            Source::Made => Some(Rm::Mem(FRAME, VECTOR * self.home[v.index()] as i32)),
            Source::Cache(_) | Source::Sim(_) => None,
        }
    }

    /// Brings a value that is in no register into one.
    fn fetch(&mut self, v: V, r: Reg) {
        debug_assert!(self.steps.sources[v.index()] != Source::Made || self.is_saved[v.index()]);
        match (self.steps.sources[v.index()], self.memory(v)) {
            (_, Some(from)) => self.asm.vector(Code::LOAD, r, 0, from),
            (Source::Sim(k), _) => {
                self.asm.load(Gpr::Rax, Rm::Mem(RAW, field::SIM));
                self.asm.vector(Code::BROADCAST, r, 0, Rm::Mem(Gpr::Rax, 8 * k as i32));
            }
            (Source::Cache(k), _) => self.asm.vector(Code::BROADCAST, r, 0, Rm::Mem(CACHE, 16 * k as i32)),
            _ => {}
        }
    }

    fn in_register(&mut self, v: V, pins: u16) -> Reg {
        if let Some(r) = self.register[v.index()] {
            return r;
        }
        let r = self.room(pins);
        self.fetch(v, r);
        self.give(v, r);
        r
    }

    /// A value as the last operand of step `i`.
    fn operand(&mut self, v: V, i: u32, pins: u16) -> Rm {
        match (self.register[v.index()], self.memory(v)) {
            (Some(r), _) => Rm::Reg(r),
            (None, Some(at)) if self.use_after(v, i) > i.saturating_add(SOON) => at,
            _ => Rm::Reg(self.in_register(v, pins)),
        }
    }

    /// Step `i` has read its operands: those that nobody reads any more leave room.
    fn done(&mut self, i: u32) {
        for v in self.steps.list[i as usize].operands().into_iter().flatten() {
            let k = v.index();
            while self.next[k] < self.ends[k] && self.uses[self.next[k] as usize] <= i {
                self.next[k] += 1;
            }
            if self.next_use(v) == NEVER {
                if let Some(r) = self.register[k].take() {
                    self.holds[r as usize] = None;
                }
                if self.home[k] != NONE {
                    self.left.push(self.home[k]);
                    self.home[k] = NONE;
                }
            }
        }
    }

    fn step(&mut self, i: u32, s: &Step) {
        self.free.append(&mut self.left);
        match *s {
            Step::Two(op, d, a, b) => self.two(i, op, d, a, b),
            Step::Compare(how, d, a, b) => {
                let x = self.in_register(a, 0);
                let y = self.operand(b, i, bit(x));
                self.done(i);
                let d = self.made(d);
                self.asm.vector_with(Code::COMPARE, d, x, y, how as u8);
            }
            Step::Fma { d, a, b, c, negates_product, negates_addend } => {
                let (d, order, second, third) = self.fused(i, d, [a, b, c]);
                self.asm.vector(Code::fma(order, negates_product, negates_addend), d, second, third);
            }
            Step::Sqrt(d, a) => {
                let x = self.operand(a, i, 0);
                self.done(i);
                let d = self.made(d);
                self.asm.vector(Code::SQRT, d, 0, x);
            }
            Step::Round(d, a, is_up) => {
                let x = self.operand(a, i, 0);
                self.done(i);
                let d = self.made(d);
                self.asm.vector_with(Code::ROUND, d, 0, x, if is_up { 10 } else { 9 });
            }
            Step::Shift { d, a, is_left, by } => {
                let x = self.in_register(a, 0);
                self.done(i);
                let d = self.made(d);
                self.asm.shift(d, x, is_left, by);
            }
            Step::Blend { d, mask, a, e } => {
                let m = self.in_register(mask, 0);
                let e = self.in_register(e, bit(m));
                let a = self.operand(a, i, bit(m) | bit(e));
                self.done(i);
                let d = self.made(d);
                self.asm.vector_with(Code::BLEND, d, e, a, m << 4);
            }
            Step::Own(d, own, k) => self.own(d, own as usize, 8 * k as i32),
            Step::Call { d, address, a, b } => self.call(i, d, address, a, b),
            Step::Put(result, a) => {
                let x = self.in_register(a, 0);
                self.done(i);
                if self.next_use(result) != NEVER {
                    self.save(result, x);
                }
            }
            Step::Out(a, k) => {
                let x = self.in_register(a, 0);
                self.done(i);
                self.asm.vector(Code::STORE, x, 0, Rm::Mem(OUT, VECTOR * k as i32));
            }
            Step::Label(l) => {
                self.save_all();
                self.forget_all();
                self.asm.bind(self.labels[l as usize]);
            }
            Step::Jump(l) => {
                self.save_all();
                self.forget_all();
                self.asm.jump(self.labels[l as usize]);
            }
            Step::JumpIfNone(m, l) => self.part(i, m, l, 0),
            Step::JumpIfAll(m, l) => self.part(i, m, l, (1 << LANES) - 1),
            Step::JumpIfZero(source, l) => {
                self.save_all();
                match source {
                    Source::Cache(k) => self.asm.load(Gpr::Rax, Rm::Mem(CACHE, 16 * k as i32)),
                    Source::Sim(k) => {
                        self.asm.load(Gpr::Rax, Rm::Mem(RAW, field::SIM));
                        self.asm.load(Gpr::Rax, Rm::Mem(Gpr::Rax, 8 * k as i32));
                    }
                    Source::Made | Source::Constant(_) => {}
                }
                self.asm.test(Gpr::Rax);
                self.asm.jump_if(Cond::Equal, self.labels[l as usize]);
            }
        }
    }

    fn two(&mut self, i: u32, op: Two, d: V, a: V, b: V) {
        let (code, commutes) = match op {
            Two::Add => (Code::ADD, true),
            Two::Mul => (Code::MUL, true),
            Two::Sub => (Code::SUB, false),
            Two::Div => (Code::DIV, false),
            Two::And => (Code::AND, true),
            Two::AndNot => (Code::AND_NOT, false),
            Two::Or => (Code::OR, true),
            Two::Xor => (Code::XOR, true),
            Two::AddInt => (Code::ADD_INT, true),
        };
        let is_here = |v: V| self.register[v.index()].is_some();
        let (a, b) = if commutes && !is_here(a) && (is_here(b) || self.memory(b).is_none()) { (b, a) } else { (a, b) };
        let x = self.in_register(a, 0);
        let y = self.operand(b, i, bit(x));
        self.done(i);
        let d = self.made(d);
        self.asm.vector(code, d, x, y);
    }

    /// The registers of d = a b + c, which overwrites one of its operands: one that is needed no more, or a copy.
    fn fused(&mut self, i: u32, d: V, [a, b, c]: [V; 3]) -> (Reg, Order, Reg, Rm) {
        let dies = |e: &Self, v: V, others: [V; 2]| {
            e.register[v.index()].is_some() && e.use_after(v, i) == NEVER && !others.contains(&v)
        };
        let is_here = |e: &Self, v: V| e.register[v.index()].is_some();
        // The factor that is in a register stands first.
        let (a, b) = if is_here(self, a) || !is_here(self, b) { (a, b) } else { (b, a) };
        let (a, b) = if dies(self, b, [a, c]) && !dies(self, a, [b, c]) { (b, a) } else { (a, b) };
        if dies(self, c, [a, b]) {
            let z = self.in_register(c, 0);
            let x = self.in_register(a, bit(z));
            let y = self.operand(b, i, bit(z) | bit(x));
            self.done(i);
            self.give(d, z);
            return (z, Order::O231, x, y);
        }
        if dies(self, a, [b, c]) {
            let x = self.in_register(a, 0);
            let is_b_second = is_here(self, b) || !is_here(self, c);
            let (second, third) = if is_b_second { (b, c) } else { (c, b) };
            let y = self.in_register(second, bit(x));
            let z = self.operand(third, i, bit(x) | bit(y));
            self.done(i);
            self.give(d, x);
            return (x, if is_b_second { Order::O213 } else { Order::O132 }, y, z);
        }
        let x = self.in_register(a, 0);
        let y = self.operand(b, i, bit(x));
        let pins = bit(x) | if let Rm::Reg(r) = y { bit(r) } else { 0 };
        let r = self.room(pins);
        match self.register[c.index()] {
            Some(z) => self.asm.vector(Code::MOVE, r, 0, Rm::Reg(z)),
            None => self.fetch(c, r),
        }
        // Taken before anything is set free: what is free then is not this one.
        self.holds[r as usize] = Some(d);
        self.done(i);
        self.give(d, r);
        (r, Order::O231, x, y)
    }

    fn own(&mut self, d: V, kind: usize, at: i32) {
        if self.next_use(d) == NEVER {
            return;
        }
        let low = self.made(d);
        let high = self.room(bit(low));
        for (r, lane) in [(low, 0), (high, 2)] {
            self.asm.load(Gpr::Rax, Rm::Mem(Gpr::Rsp, address(kind, lane)));
            self.asm.load_half(r, Rm::Mem(Gpr::Rax, at));
            self.asm.load(Gpr::Rax, Rm::Mem(Gpr::Rsp, address(kind, lane + 1)));
            self.asm.load_other_half(r, Rm::Mem(Gpr::Rax, at));
        }
        self.asm.join(low, high);
    }

    fn call(&mut self, i: u32, d: V, function: u64, a: V, b: Option<V>) {
        let on_stack = |at: i32| Rm::Mem(Gpr::Rsp, at);
        let x = self.in_register(a, 0);
        self.asm.vector(Code::STORE, x, 0, on_stack(FIRST_ARGUMENT));
        if let Some(b) = b {
            let y = self.in_register(b, 0);
            self.asm.vector(Code::STORE, y, 0, on_stack(SECOND_ARGUMENT));
        }
        self.done(i);
        // A function keeps no vector register.
        self.save_all();
        self.forget_all();
        self.asm.zero_upper();
        for lane in 0..LANES as i32 {
            self.asm.load_half(0, on_stack(FIRST_ARGUMENT + 8 * lane));
            if b.is_some() {
                self.asm.load_half(1, on_stack(SECOND_ARGUMENT + 8 * lane));
            }
            self.asm.call(function);
            self.asm.store_low(0, on_stack(RESULT + 8 * lane));
        }
        self.asm.load(OUT, on_stack(RESULTS));
        let d = self.made(d);
        self.asm.vector(Code::LOAD, d, 0, on_stack(RESULT));
    }

    /// Jumps if the signs of the lanes are these.
    fn part(&mut self, i: u32, mask: V, l: u32, signs: i8) {
        let m = self.in_register(mask, 0);
        self.done(i);
        self.save_all();
        self.asm.vector(Code::SIGNS, Gpr::Rax as u8, 0, Rm::Reg(m));
        self.asm.compare_small(Gpr::Rax, signs);
        self.asm.jump_if(Cond::Equal, self.labels[l as usize]);
    }
}
