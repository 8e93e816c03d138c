//! An evaluation as one list of vector operations: bodies of conditions one after the other, elementary functions written
//! out, every value a number that is given once.

use std::collections::HashMap;

use super::super::{calls, varying::varying};
use crate::veriloga::ir::{BinOp, Const, Func, If, In, Node, Op, Ty, UnOp, Val};
use crate::veriloga::lower::Lowered;

/// A value: four f64, or four masks of 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct V(pub u32);

impl V {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where a value comes from when it is in no register and has no home.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// It has been computed, and is kept.
    Made,
    /// A constant, by its number.
    Constant(u32),
    /// What setup computed for the class.
    Cache(u32),
    Sim(u32),
}

/// What every instance has at a place of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Own {
    X,
    Hidden,
    Old,
    Uniforms,
    Normals,
    Keys,
    Signals,
}

impl Own {
    pub const COUNT: usize = 7;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Two {
    Add,
    Sub,
    Mul,
    Div,
    And,
    AndNot,
    Or,
    Xor,
    /// Of the bits as integers.
    AddInt,
}

/// Comparisons, as the processor numbers them; with NaN only `NotEqual` holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compare {
    Equal = 0x00,
    NotEqual = 0x04,
    Less = 0x11,
    LessOrEqual = 0x12,
    GreaterOrEqual = 0x1D,
    Greater = 0x1E,
}

#[derive(Clone, Copy, Debug)]
pub enum Step {
    Two(Two, V, V, V),
    Compare(Compare, V, V, V),
    /// d, a: d = ±(a b) ± c
    Fma {
        d: V,
        a: V,
        b: V,
        c: V,
        negates_product: bool,
        negates_addend: bool,
    },
    Sqrt(V, V),
    /// Down or up.
    Round(V, V, bool),
    Shift {
        d: V,
        a: V,
        is_left: bool,
        by: u8,
    },
    /// d = mask ? a : e
    Blend {
        d: V,
        mask: V,
        a: V,
        e: V,
    },
    /// Number of what each instance has.
    Own(V, Own, u32),
    /// A function of one or two numbers, instance by instance: its address.
    Call {
        d: V,
        address: u64,
        a: V,
        b: Option<V>,
    },
    /// What a body leaves for the result of its `if`.
    Put(V, V),
    Out(V, u32),
    Label(u32),
    Jump(u32),
    /// Jumps where the mask holds for nobody.
    JumpIfNone(V, u32),
    JumpIfAll(V, u32),
    /// Jumps where what all instances of the class share is 0.
    JumpIfZero(Source, u32),
}

impl Step {
    /// What is read, in the order in which it is best brought into registers.
    pub fn operands(&self) -> [Option<V>; 3] {
        match *self {
            Step::Two(_, _, a, b) | Step::Compare(_, _, a, b) => [Some(a), Some(b), None],
            Step::Fma { a, b, c, .. } => [Some(a), Some(b), Some(c)],
            Step::Sqrt(_, a) | Step::Round(_, a, _) | Step::Shift { a, .. } | Step::Put(_, a) | Step::Out(a, _) => {
                [Some(a), None, None]
            }
            Step::Blend { mask, a, e, .. } => [Some(mask), Some(e), Some(a)],
            Step::Call { a, b, .. } => [Some(a), b, None],
            Step::JumpIfNone(m, _) | Step::JumpIfAll(m, _) => [Some(m), None, None],
            Step::Own(..) | Step::Label(_) | Step::Jump(_) | Step::JumpIfZero(..) => [None; 3],
        }
    }
}

/// The list, and what it needs.
#[derive(Default)]
pub struct Steps {
    pub list: Vec<Step>,
    /// By value.
    pub sources: Vec<Source>,
    /// Bits.
    pub constants: Vec<u64>,
    pub labels: u32,
    constant_of: HashMap<u64, V>,
}

impl Steps {
    pub fn fresh(&mut self) -> V {
        self.source(Source::Made)
    }

    fn source(&mut self, s: Source) -> V {
        self.sources.push(s);
        V(self.sources.len() as u32 - 1)
    }

    pub fn constant_bits(&mut self, bits: u64) -> V {
        if let Some(v) = self.constant_of.get(&bits) {
            return *v;
        }
        let v = self.source(Source::Constant(self.constants.len() as u32));
        self.constants.push(bits);
        self.constant_of.insert(bits, v);
        v
    }

    pub fn constant(&mut self, x: f64) -> V {
        self.constant_bits(x.to_bits())
    }

    pub fn two(&mut self, op: Two, a: V, b: V) -> V {
        let d = self.fresh();
        self.list.push(Step::Two(op, d, a, b));
        d
    }

    pub fn compare(&mut self, how: Compare, a: V, b: V) -> V {
        let d = self.fresh();
        self.list.push(Step::Compare(how, d, a, b));
        d
    }

    pub fn blend(&mut self, mask: V, a: V, e: V) -> V {
        let d = self.fresh();
        self.list.push(Step::Blend { d, mask, a, e });
        d
    }

    pub fn label(&mut self) -> u32 {
        self.labels += 1;
        self.labels - 1
    }
}

/// From values of the function to those of the list.
struct Maker<'a> {
    func: &'a Func,
    lowered: &'a Lowered,
    varying: Vec<bool>,
    uses: Vec<u32>,
    /// Uses as conditions of `if`s.
    conditions: Vec<u32>,
    map: Vec<Option<V>>,
    cache: HashMap<(In, u32), V>,
    steps: Steps,
}

/// The steps of a function; `None` if there is something in it that is not done in this way: integers, loops, tables.
pub fn steps(func: &Func, lowered: &Lowered) -> Option<Steps> {
    if !func.nodes.iter().all(|n| is_plain(func, n)) {
        return None;
    }
    let n = func.vals.len();
    let (mut uses, mut conditions) = (vec![0; n], vec![0; n]);
    count(func, &func.nodes, &mut uses, &mut conditions);
    func.outputs.iter().for_each(|(_, v)| uses[v.index()] += 1);
    let mut m = Maker {
        func,
        lowered,
        varying: varying(func),
        uses,
        conditions,
        map: vec![None; n],
        cache: HashMap::new(),
        steps: Steps::default(),
    };
    let mut outputs: HashMap<Val, Vec<u32>> = HashMap::new();
    for (k, (_, v)) in func.outputs.iter().enumerate() {
        outputs.entry(*v).or_default().push(k as u32);
    }
    for n in &func.nodes {
        m.node(n)?;
        let made = match n {
            Node::Let(v) => std::slice::from_ref(v),
            Node::If(i) => &i.results[..],
            Node::Loop(_) | Node::Effect(..) => &[],
        };
        // What only goes out need not be kept.
        for v in made {
            for k in outputs.get(v).into_iter().flatten() {
                m.out(*v, *k);
            }
        }
    }
    Some(m.steps)
}

fn is_plain(func: &Func, n: &Node) -> bool {
    match n {
        Node::Let(v) => func.ty(*v) != Ty::Int && !matches!(func.op(*v), Some(Op::Table(..) | Op::Text(..)) | None),
        Node::If(i) => {
            let mut bodies = i.then.nodes.iter().chain(&i.els.nodes);
            bodies.all(|n| is_plain(func, n)) && i.results.iter().all(|r| func.ty(*r) != Ty::Int)
        }
        Node::Loop(_) => false,
        Node::Effect(..) => true,
    }
}

fn count(func: &Func, nodes: &[Node], uses: &mut [u32], conditions: &mut [u32]) {
    for n in nodes {
        match n {
            Node::Let(v) => {
                if let Some(op) = func.op(*v) {
                    op.for_each(|x| uses[x.index()] += 1);
                }
            }
            Node::If(i) => {
                uses[i.cond.index()] += 1;
                conditions[i.cond.index()] += 1;
                for b in [&i.then, &i.els] {
                    count(func, &b.nodes, uses, conditions);
                    b.yields.iter().for_each(|y| uses[y.index()] += 1);
                }
            }
            Node::Loop(_) | Node::Effect(..) => {}
        }
    }
}

impl Maker<'_> {
    /// A value; made now if it was left for the operation that needs it.
    fn get(&mut self, v: Val) -> Option<V> {
        if let Some(x) = self.map[v.index()] {
            return Some(x);
        }
        let Some(Op::Un(UnOp::Neg, a)) = self.func.op(v) else { return None };
        let a = self.get(*a)?;
        let x = self.negated(a);
        Some(x)
    }

    fn negated(&mut self, a: V) -> V {
        let sign = self.steps.constant(-0.0);
        self.steps.two(Two::Xor, a, sign)
    }

    /// Is this a change of sign that a product and sum takes along?
    fn is_left(&self, v: Val) -> bool {
        matches!(self.func.op(v), Some(Op::Un(UnOp::Neg, _))) && self.uses[v.index()] == 1
    }

    fn out(&mut self, v: Val, k: u32) {
        let Some(mut x) = self.get(v) else { return };
        if self.func.ty(v) == Ty::Bool {
            let one = self.steps.constant(1.0);
            x = self.steps.two(Two::And, x, one);
        }
        self.steps.list.push(Step::Out(x, k));
    }

    fn node(&mut self, n: &Node) -> Option<()> {
        match n {
            Node::Let(v) => {
                let k = v.index();
                if self.uses[k] > 0 && !(self.shared(*v).is_some() && self.uses[k] == self.conditions[k]) {
                    self.map[v.index()] = self.operation(*v)?;
                }
                Some(())
            }
            Node::If(i) => self.branch(i),
            Node::Loop(_) => None,
            // An evaluation is silent.
            Node::Effect(..) => Some(()),
        }
    }

    fn body(&mut self, nodes: &[Node]) -> Option<()> {
        nodes.iter().try_for_each(|n| self.node(n))
    }

    /// Where a condition lies that setup has decided.
    fn shared(&self, v: Val) -> Option<Source> {
        match *self.func.op(v)? {
            Op::Input(In::Cache, k, Ty::Bool) => Some(Source::Cache(k)),
            Op::Input(In::Sim, k, Ty::Bool) => Some(Source::Sim(k)),
            _ => None,
        }
    }

    fn branch(&mut self, i: &If) -> Option<()> {
        let shared = self.shared(i.cond);
        // Not looked at where something is shared.
        let mask = if shared.is_some() { V(0) } else { self.get(i.cond)? };
        let parts = self.varying[i.cond.index()];
        let results: Vec<(V, Val, Val)> = (0..i.results.len())
            .filter(|k| self.uses[i.results[*k].index()] > 0)
            .map(|k| {
                let r = self.steps.fresh();
                self.map[i.results[k].index()] = Some(r);
                (r, i.then.yields[k], i.els.yields[k])
            })
            .collect();
        let [other, join] = [0; 2].map(|_| self.steps.label());
        self.steps.list.push(match shared {
            Some(source) => Step::JumpIfZero(source, other),
            None => Step::JumpIfNone(mask, other),
        });
        self.body(&i.then.nodes)?;
        for (r, y, _) in &results {
            let y = self.get(*y)?;
            self.steps.list.push(Step::Put(*r, y));
        }
        if !parts {
            self.steps.list.push(Step::Jump(join));
        }
        self.steps.list.push(Step::Label(other));
        if parts {
            self.steps.list.push(Step::JumpIfAll(mask, join));
        }
        self.body(&i.els.nodes)?;
        for (r, _, y) in &results {
            let mut y = self.get(*y)?;
            if parts {
                // What is not computed is not chosen, whatever lies in its home.
                y = self.steps.blend(mask, *r, y);
            }
            self.steps.list.push(Step::Put(*r, y));
        }
        self.steps.list.push(Step::Label(join));
        Some(())
    }

    fn operation(&mut self, v: Val) -> Option<Option<V>> {
        let func = self.func;
        let op = func.op(v)?;
        Some(Some(match *op {
            Op::Const(Const::Real(x)) => self.steps.constant(x),
            Op::Const(Const::Bool(x)) => self.steps.constant_bits(if x { u64::MAX } else { 0 }),
            Op::Input(class, k, t) => self.input(class, k, t)?,
            Op::Un(UnOp::Neg, _) if self.is_left(v) => return Some(None),
            Op::Un(o, a) => {
                let a = self.get(a)?;
                self.un(o, a)?
            }
            Op::Bin(o, a, b) => {
                let (a, b) = (self.get(a)?, self.get(b)?);
                self.bin(o, a, b)?
            }
            Op::Select(c, a, e) => {
                let (c, a, e) = (self.get(c)?, self.get(a)?, self.get(e)?);
                self.steps.blend(c, a, e)
            }
            Op::Fma(a, b, c) => {
                let mut signs = [false; 3];
                let mut of = [a, b, c];
                for (x, sign) in of.iter_mut().zip(&mut signs) {
                    if let (true, Some(Op::Un(_, y))) = (self.is_left(*x), func.op(*x)) {
                        (*x, *sign) = (*y, true);
                    }
                }
                let [a, b, c] = of;
                let (a, b, c) = (self.get(a)?, self.get(b)?, self.get(c)?);
                let d = self.steps.fresh();
                let negates_product = signs[0] != signs[1];
                self.steps.list.push(Step::Fma { d, a, b, c, negates_product, negates_addend: signs[2] });
                d
            }
            Op::Limit(_, _, l) => self.get(l)?,
            // Replaced before code is generated.
            Op::Ddt(..) | Op::Noise(_) | Op::Ddx(..) => self.steps.constant(0.0),
            Op::Const(Const::Int(_)) | Op::Table(..) | Op::Text(..) => return None,
        }))
    }

    fn input(&mut self, class: In, k: u32, t: Ty) -> Option<V> {
        let own = |m: &mut Self, own: Own| {
            let d = m.steps.fresh();
            m.steps.list.push(Step::Own(d, own, k));
            d
        };
        let x = match class {
            In::Probe => self.probe(k),
            In::Cache | In::Sim => {
                let source = if class == In::Cache { Source::Cache(k) } else { Source::Sim(k) };
                match self.cache.get(&(class, k)) {
                    Some(v) => *v,
                    None => {
                        let v = self.steps.source(source);
                        self.cache.insert((class, k), v);
                        v
                    }
                }
            }
            In::Hidden => own(self, Own::Hidden),
            In::Old => own(self, Own::Old),
            In::Uniform => own(self, Own::Uniforms),
            In::Normal => own(self, Own::Normals),
            In::Signal => own(self, Own::Signals),
            In::Key => own(self, Own::Keys),
            // Not in an evaluation: events are none while a step is solved; the others are setup's.
            In::Event | In::Limited | In::Param | In::Given | In::Connected | In::Env => self.steps.constant(0.0),
        };
        match t {
            Ty::Real => Some(x),
            Ty::Bool => {
                let zero = self.steps.constant(0.0);
                Some(self.steps.compare(Compare::NotEqual, x, zero))
            }
            Ty::Int => None,
        }
    }

    fn probe(&mut self, k: u32) -> V {
        let mut of = |u: u32| {
            let d = self.steps.fresh();
            self.steps.list.push(Step::Own(d, Own::X, u));
            d
        };
        match self.lowered.probes[k as usize] {
            (Some(h), None) => of(h),
            (Some(h), Some(l)) => {
                let (h, l) = (of(h), of(l));
                self.steps.two(Two::Sub, h, l)
            }
            (None, Some(l)) => {
                let l = of(l);
                self.negated(l)
            }
            (None, None) => self.steps.constant(0.0),
        }
    }

    fn call(&mut self, address: *const u8, a: V, b: Option<V>) -> V {
        let d = self.steps.fresh();
        self.steps.list.push(Step::Call { d, address: address as u64, a, b });
        d
    }

    /// A power: four at once unless one of them is special.
    fn pow(&mut self, a: V, b: V) -> Option<V> {
        let r = self.steps.fresh();
        let [plain, join] = [0; 2].map(|_| self.steps.label());
        let is_special = self.steps.is_special_power(a, b);
        self.steps.list.push(Step::JumpIfNone(is_special, plain));
        let one_by_one = self.call(calls::bin(BinOp::Pow)?, a, Some(b));
        self.steps.list.extend([Step::Put(r, one_by_one), Step::Jump(join), Step::Label(plain)]);
        let p = self.steps.pow(a, b);
        self.steps.list.extend([Step::Put(r, p), Step::Label(join)]);
        Some(r)
    }

    fn un(&mut self, o: UnOp, a: V) -> Option<V> {
        let s = &mut self.steps;
        Some(match o {
            UnOp::Neg => self.negated(a),
            UnOp::Abs => {
                let sign = s.constant(-0.0);
                s.two(Two::AndNot, sign, a)
            }
            UnOp::Sqrt => {
                let d = s.fresh();
                s.list.push(Step::Sqrt(d, a));
                d
            }
            UnOp::Floor | UnOp::Ceil => {
                let d = s.fresh();
                s.list.push(Step::Round(d, a, o == UnOp::Ceil));
                d
            }
            UnOp::Not => {
                let ones = s.constant_bits(u64::MAX);
                s.two(Two::Xor, a, ones)
            }
            UnOp::Exp => s.exp(a),
            UnOp::Ln => s.ln(a),
            o if o.operand() == Ty::Real && o.result() == Ty::Real => self.call(calls::un(o)?, a, None),
            _ => return None,
        })
    }

    fn bin(&mut self, o: BinOp, a: V, b: V) -> Option<V> {
        let s = &mut self.steps;
        let op = match o {
            BinOp::Add => Two::Add,
            BinOp::Sub => Two::Sub,
            BinOp::Mul => Two::Mul,
            BinOp::Div => Two::Div,
            BinOp::And => Two::And,
            BinOp::Or => Two::Or,
            BinOp::Xor => Two::Xor,
            BinOp::Eq => return Some(s.compare(Compare::Equal, a, b)),
            BinOp::Ne => return Some(s.compare(Compare::NotEqual, a, b)),
            BinOp::Lt => return Some(s.compare(Compare::Less, a, b)),
            BinOp::Le => return Some(s.compare(Compare::LessOrEqual, a, b)),
            BinOp::Pow => return self.pow(a, b),
            o if o.operand() == Ty::Real => return Some(self.call(calls::bin(o)?, a, Some(b))),
            _ => return None,
        };
        Some(s.two(op, a, b))
    }
}
