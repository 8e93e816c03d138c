//! A function as Cranelift sees it: a loop around its nodes. A routine does one instance in a pass, an evaluation two (see
//! `lanes`); an odd one out is paired with itself.
//!
//! Where the instances of a pair part at an `if`, both bodies are computed and their results blended; a body that neither
//! needs is jumped over. A loop goes on until both are done, and what is done stays as it is.

use std::collections::{HashMap, HashSet};

use cranelift_codegen::Context;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{
    AbiParam, BlockArg, FuncRef, InstBuilder, MemFlagsData, Signature, StackSlotData, StackSlotKind, Type, Value, types,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::JITModule;
use cranelift_module::{Linkage, Module};

use super::frame::Frame;
use super::lanes::{Form, Num, pair_type};
use super::varying::varying;
use super::{KEYS, STUCK, Sizes, calls, field};
use crate::veriloga::ir::{Def, Func, If, In, Loop, MAX_TRIPS, Node, Op, Ty, Val, env, has_effect};
use crate::veriloga::lower::Lowered;

pub fn ty(t: Ty) -> Type {
    match t {
        Ty::Real => types::F64,
        Ty::Int => types::I32,
        Ty::Bool => types::I8,
    }
}

/// Memory that nothing else names while the code runs.
fn flags() -> MemFlagsData {
    MemFlagsData::trusted()
}

/// Memory that nothing writes while the code runs: a load may stand where its value is needed, and again where it is needed
/// again. Everything that setup computed would stay alive from the function's start to its end otherwise.
fn fixed() -> MemFlagsData {
    MemFlagsData::trusted().with_readonly().with_can_move()
}

/// Pairs of numbers lie at multiples of 8 bytes, not of 16: instructions that insist on those would fault.
fn pairs() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

/// As `pairs`, of what nothing writes while the code runs.
pub fn fixed_pairs() -> MemFlagsData {
    pairs().with_readonly().with_can_move()
}

/// What a function is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Two instances at once; unknowns lie instance by instance; the list of pairs says which are computed.
    Evaluation,
    /// One instance at a time, a range of them; unknowns by their numbers; parameters, events and effects.
    Routine,
}

/// What a function needs besides its inputs.
pub struct Needs {
    /// Bits of constants, for both instances of a pair each.
    pub constants: Vec<u64>,
    /// Numbers of its frame.
    pub frame: usize,
}

/// A function of one pointer, to [`super::Raw`]. Results of an instance are listed in the order of the outputs.
pub fn build(
    func: &Func,
    lowered: &Lowered,
    sizes: &Sizes,
    module: &mut JITModule,
    ctx: &mut Context,
    kind: Kind,
) -> Result<Needs, String> {
    if ctx.func.signature.params.is_empty() {
        let pointer = module.target_config().pointer_type();
        ctx.func.signature.params.push(AbiParam::new(pointer));
    }
    let imports = import(func, module)?;
    let config = module.target_config();
    let mut fctx = FunctionBuilderContext::new();
    let mut b = FunctionBuilder::new(&mut ctx.func, &mut fctx);
    let refs: HashMap<String, FuncRef> =
        imports.into_iter().map(|(name, id)| (name, module.declare_func_in_func(id, b.func))).collect();

    let [start, head, body, exit] = std::array::from_fn(|_| b.create_block());
    b.append_block_params_for_function_params(start);
    b.switch_to_block(start);
    let raw = b.block_params(start)[0];
    let count = b.ins().load(types::I64, fixed(), raw, field::COUNT);
    let first = b.ins().load(types::I64, fixed(), raw, field::FIRST);
    b.append_block_param(head, types::I64);
    b.ins().jump(head, &[BlockArg::Value(first)]);
    b.switch_to_block(head);
    let i = b.block_params(head)[0];
    let more = b.ins().icmp(IntCC::UnsignedLessThan, i, count);
    b.ins().brif(more, body, &[], exit, &[]);
    b.switch_to_block(body);

    let varying = match kind {
        Kind::Evaluation => varying(func),
        Kind::Routine => vec![false; func.vals.len()],
    };
    let vals = vec![None; func.vals.len()];
    let read =
        func.vals.iter().filter_map(|v| if let Def::Op(Op::Input(c, ..)) = v.def { Some(c) } else { None }).collect();
    let (shared, lanes) = (Shared::new(raw), [Lane::new(i); 2]);
    let may = |v: Val| kind == Kind::Evaluation && varying[v.index()] && func.ty(v) != Ty::Int;
    let frame = Frame::new(func, may);
    let mut g = Gen {
        b,
        func,
        lowered,
        sizes,
        refs,
        raw,
        kind,
        varying,
        vals,
        class: i,
        shared,
        lanes,
        frame,
        at: 0,
        body: 0,
        bodies: 0,
        constants: vec![],
        constant_of: HashMap::new(),
        read,
    };
    g.enter(i);
    g.nodes(&func.nodes);
    g.at += 1;
    for (k, (_, v)) in func.outputs.iter().enumerate() {
        g.output(k, *v);
    }
    let next = g.b.ins().iadd_imm_u(i, 1);
    g.b.ins().jump(head, &[BlockArg::Value(next)]);
    g.b.switch_to_block(exit);
    g.b.ins().return_(&[]);
    g.b.seal_all_blocks();
    g.b.finalize(config);
    Ok(Needs { constants: g.constants, frame: 2 * g.frame.len })
}

/// Declares the functions that this one calls.
fn import(func: &Func, module: &mut JITModule) -> Result<Vec<(String, cranelift_module::FuncId)>, String> {
    let mut out: Vec<(String, cranelift_module::FuncId)> = vec![];
    for v in &func.vals {
        let (name, from, n, to) = match &v.def {
            Def::Op(Op::Un(o, _)) if calls::un(*o).is_some() => (o.name(), o.operand(), 1, o.result()),
            Def::Op(Op::Bin(o, ..)) if calls::bin(*o).is_some() => (o.name(), o.operand(), 2, o.result()),
            _ => continue,
        };
        if out.iter().any(|(k, _)| k == name) {
            continue;
        }
        let mut sig: Signature = module.make_signature();
        for _ in 0..n {
            sig.params.push(AbiParam::new(ty(from)));
        }
        sig.returns.push(AbiParam::new(ty(to)));
        let id = module.declare_function(&format!("va_{name}"), Linkage::Import, &sig).map_err(|e| e.to_string())?;
        out.push((name.to_string(), id));
    }
    let has_table = func.vals.iter().any(|v| matches!(v.def, Def::Op(Op::Table(..))));
    let others: [(&str, bool, &[Type], Option<Type>); 2] = [
        (
            calls::TABLE,
            has_table,
            &[types::I64, types::I64, types::I32, types::F64, types::F64, types::F64],
            Some(types::F64),
        ),
        (calls::EFFECT, has_effect(&func.nodes), &[types::I64, types::I64, types::I64, types::I64, types::I64], None),
    ];
    for (name, is_needed, from, to) in others {
        if is_needed {
            let mut sig = module.make_signature();
            sig.params.extend(from.iter().map(|t| AbiParam::new(*t)));
            sig.returns.extend(to.map(AbiParam::new));
            let id = module.declare_function(name, Linkage::Import, &sig).map_err(|e| e.to_string())?;
            out.push((name.to_string(), id));
        }
    }
    Ok(out)
}

/// Addresses of what instances of a class share.
#[derive(Clone, Copy)]
pub struct Shared {
    pub cache: Value,
    pub constants: Value,
    frame: Value,
    pub tables: Value,
    params: Value,
    given: Value,
    connected: Value,
    env: Value,
}

impl Shared {
    fn new(x: Value) -> Shared {
        Shared { cache: x, constants: x, frame: x, tables: x, params: x, given: x, connected: x, env: x }
    }
}

/// An instance: its number, and the addresses of what is its own.
#[derive(Clone, Copy)]
struct Lane {
    number: Value,
    /// The unknowns, or their numbers.
    x: Value,
    hidden: Value,
    old: Value,
    uniforms: Value,
    normals: Value,
    keys: Value,
    signals: Value,
    events: Value,
    out: Value,
}

impl Lane {
    fn new(x: Value) -> Lane {
        Lane { number: x, x, hidden: x, old: x, uniforms: x, normals: x, keys: x, signals: x, events: x, out: x }
    }
}

pub struct Gen<'a, 'f> {
    pub b: FunctionBuilder<'f>,
    pub func: &'a Func,
    lowered: &'a Lowered,
    pub sizes: &'a Sizes,
    refs: HashMap<String, FuncRef>,
    raw: Value,
    kind: Kind,
    pub varying: Vec<bool>,
    vals: Vec<Option<Num>>,
    /// Of the instances of this pass.
    pub class: Value,
    pub shared: Shared,
    lanes: [Lane; 2],
    frame: Frame,
    /// Number of the operation, and of the body that it is in; as `Frame` counts.
    at: u32,
    body: u32,
    bodies: u32,
    pub constants: Vec<u64>,
    pub constant_of: HashMap<u64, u32>,
    /// Classes of inputs that the function reads.
    read: HashSet<In>,
}

impl Gen<'_, '_> {
    pub fn is_evaluation(&self) -> bool {
        self.kind == Kind::Evaluation
    }

    /// What costs no more to make than to keep.
    fn is_remade(&self, v: Val) -> bool {
        self.is_evaluation()
            && matches!(self.func.op(v), Some(Op::Const(_) | Op::Input(In::Cache | In::Sim, _, Ty::Real)))
    }

    pub fn get(&mut self, v: Val) -> Num {
        if let (true, Some(op)) = (self.is_remade(v), self.func.op(v)) {
            return self.op(op);
        }
        match (self.vals[v.index()], self.frame.home(v)) {
            (Some(x), None) => x,
            (Some(x), Some(_)) if self.frame.is_near(v, (self.at, self.body)) => x,
            (_, Some(place)) => {
                let t = pair_type(self.func.ty(v));
                Num::Two(self.b.ins().load(t, pairs(), self.shared.frame, 16 * place as i32))
            }
            // The verifier has seen to it that this does not happen.
            (None, None) => self.zero(Form::One, self.func.ty(v)),
        }
    }

    /// Does the vector of a value come from memory?
    pub fn is_in_memory(&self, v: Val) -> bool {
        let is_far = self.frame.home(v).is_some() && !self.frame.is_near(v, (self.at, self.body));
        is_far || self.is_remade(v)
    }

    /// The form in which `get` gives a value.
    pub fn form_of(&self, v: Val) -> Form {
        match (self.vals[v.index()], self.frame.home(v)) {
            (_, Some(_)) | (Some(Num::Two(_)), _) => Form::Two,
            (Some(Num::Each(_)), _) => Form::Each,
            _ => Form::One,
        }
    }

    /// Keeps a value that has been made.
    fn set(&mut self, v: Val, x: Num) {
        // What has a home is read from there, also where both instances turned out to have the same number.
        let Some(place) = self.frame.home(v) else {
            self.vals[v.index()] = Some(x);
            return;
        };
        let x = self.two(x, self.func.ty(v));
        self.b.ins().store(pairs(), x, self.shared.frame, 16 * place as i32);
        self.vals[v.index()] = Some(Num::Two(x));
    }

    fn array(&mut self, field: i32) -> Value {
        self.b.ins().load(types::I64, fixed(), self.raw, field)
    }

    /// base + index size
    fn offset(&mut self, base: Value, index: Value, size: usize) -> Value {
        let size = self.b.ins().iconst(types::I64, size as i64);
        let bytes = self.b.ins().imul(index, size);
        self.b.ins().iadd(base, bytes)
    }

    /// Address of the part of an array that a number has.
    fn part(&mut self, field: i32, index: Value, size: usize) -> Value {
        let base = self.array(field);
        if size == 0 { base } else { self.offset(base, index, size) }
    }

    /// The same for the inputs of a class: nothing where the function reads none of them.
    fn part_of(&mut self, class: Option<In>, field: i32, index: Value, size: usize) -> Value {
        if class.is_some_and(|c| self.read.contains(&c)) { self.part(field, index, size) } else { self.raw }
    }

    /// Addresses for the pass `i`.
    fn enter(&mut self, i: Value) {
        let s = *self.sizes;
        let numbers = match self.kind {
            Kind::Routine => [i; 2],
            Kind::Evaluation => {
                let at = self.part(field::ORDER, i, 8);
                [0, 4].map(|k| self.b.ins().uload32(fixed(), at, k))
            }
        };
        let class = self.part(field::CLASSES, numbers[0], 4);
        let class = self.b.ins().uload32(fixed(), class, 0);
        self.class = class;
        let is_routine = self.kind == Kind::Routine;
        let width = if is_routine { 8 } else { 16 };
        let only_routine = |class: In| is_routine.then_some(class);
        self.shared = Shared {
            cache: self.part_of(Some(In::Cache), field::CACHE, class, width * s.slots),
            constants: self.array(field::CONSTANTS),
            frame: self.array(field::FRAME),
            tables: self.array(field::TABLES),
            params: self.part_of(only_routine(In::Param), field::PARAMS, class, 8 * s.params),
            given: self.part_of(only_routine(In::Given), field::GIVEN, class, 8 * s.params),
            connected: self.part_of(only_routine(In::Connected), field::CONNECTED, class, 8 * s.terminals),
            env: self.part_of(only_routine(In::Env), field::ENV, class, 8 * env::COUNT),
        };
        // Results of a routine lie instance by instance, those of an evaluation pair by pair, output by output.
        let (which, size) = if is_routine { (numbers[0], 8 * s.outputs) } else { (i, 16 * s.outputs) };
        let out = self.part(field::OUT, which, size);
        self.lanes = numbers.map(|number| Lane {
            number,
            x: match self.kind {
                Kind::Evaluation => self.part(field::X, number, 8 * s.unknowns),
                Kind::Routine => self.part(field::ROWS, number, 4 * s.unknowns),
            },
            hidden: self.part_of(Some(In::Hidden), field::HIDDEN, number, 8 * s.cells),
            old: self.part_of((!is_routine).then_some(In::Old), field::OLD, number, 8 * s.limits),
            uniforms: self.part_of(Some(In::Uniform), field::UNIFORMS, number, 8 * s.uniforms),
            normals: self.part_of(Some(In::Normal), field::NORMALS, number, 8 * s.normals),
            keys: self.part_of(Some(In::Key), field::KEYS, number, 8 * KEYS),
            signals: self.part_of(Some(In::Signal), field::SIGNALS, number, 8 * s.signals),
            events: self.part_of(only_routine(In::Event), field::EVENTS, number, 8 * s.events),
            out,
        });
    }

    fn real_at(&mut self, base: Value, k: u32) -> Value {
        self.b.ins().load(types::F64, fixed(), base, (8 * k) as i32)
    }

    /// Number `k` of what each instance has at a place of its own.
    fn own(&mut self, place: fn(&Lane) -> Value, k: u32) -> Num {
        let [a, b] = self.lanes;
        let x = self.real_at(place(&a), k);
        match self.kind {
            Kind::Routine => Num::One(x),
            Kind::Evaluation => {
                let y = self.real_at(place(&b), k);
                Num::Two(self.pack([x, y]))
            }
        }
    }

    /// A number kept as f64, as the type that is wanted.
    fn typed(&mut self, x: Num, t: Ty) -> Num {
        match (t, x) {
            (Ty::Real, x) => x,
            (Ty::Int, Num::One(x)) => Num::One(self.b.ins().fcvt_to_sint_sat(types::I32, x)),
            (Ty::Int, x) => {
                let pair = self.each(x);
                Num::Each(pair.map(|x| self.b.ins().fcvt_to_sint_sat(types::I32, x)))
            }
            (Ty::Bool, Num::One(x)) => {
                let z = self.b.ins().f64const(0.0);
                Num::One(self.b.ins().fcmp(FloatCC::NotEqual, x, z))
            }
            (Ty::Bool, x) => {
                let (x, z) = (self.two(x, Ty::Real), self.constant(0.0));
                Num::Two(self.b.ins().fcmp(FloatCC::NotEqual, x, z))
            }
        }
    }

    fn unknown(&mut self, u: u32) -> Value {
        match self.kind {
            Kind::Evaluation => {
                let [a, b] = self.lanes.map(|l| l.x).map(|at| self.real_at(at, u));
                self.pack([a, b])
            }
            Kind::Routine => {
                let index = self.b.ins().uload32(fixed(), self.lanes[0].x, (4 * u) as i32);
                let x = self.array(field::X);
                let address = self.offset(x, index, 8);
                self.real_at(address, 0)
            }
        }
    }

    fn probe(&mut self, k: u32) -> Num {
        let x = match self.lowered.probes[k as usize] {
            (Some(h), None) => self.unknown(h),
            (Some(h), Some(l)) => {
                let (h, l) = (self.unknown(h), self.unknown(l));
                self.b.ins().fsub(h, l)
            }
            (None, Some(l)) => {
                let l = self.unknown(l);
                self.b.ins().fneg(l)
            }
            (None, None) => return self.zero(Form::One, Ty::Real),
        };
        if self.kind == Kind::Routine { Num::One(x) } else { Num::Two(x) }
    }

    pub fn input(&mut self, class: In, k: u32, t: Ty) -> Num {
        let is_routine = self.kind == Kind::Routine;
        let s = self.shared;
        let shared = |g: &mut Self, at: Value| Num::One(g.real_at(at, k));
        let x = match class {
            In::Probe => self.probe(k),
            In::Cache if is_routine => shared(self, s.cache),
            // Both instances find it here.
            In::Cache => Num::One(self.real_at(s.cache, 2 * k)),
            In::Sim => {
                let at = self.array(field::SIM);
                shared(self, at)
            }
            In::Hidden => self.own(|l| l.hidden, k),
            In::Old if !is_routine => self.own(|l| l.old, k),
            In::Uniform => self.own(|l| l.uniforms, k),
            In::Normal => self.own(|l| l.normals, k),
            In::Signal => self.own(|l| l.signals, k),
            In::Key => self.own(|l| l.keys, k),
            In::Event if is_routine => self.own(|l| l.events, k),
            In::Param if is_routine => shared(self, s.params),
            In::Given if is_routine => shared(self, s.given),
            In::Connected if is_routine => shared(self, s.connected),
            In::Env if is_routine => shared(self, s.env),
            // Not in an evaluation: events are none while a step is solved; the others are setup's. Limited values are
            // their arguments outside of iterations.
            In::Old | In::Event | In::Limited | In::Param | In::Given | In::Connected | In::Env => {
                self.zero(Form::One, Ty::Real)
            }
        };
        self.typed(x, t)
    }

    pub fn call(&mut self, name: &str, args: &[Value]) -> Value {
        match self.refs.get(name) {
            Some(f) => {
                let call = self.b.ins().call(*f, args);
                self.b.inst_results(call)[0]
            }
            None => self.b.ins().f64const(f64::NAN),
        }
    }

    /// Values in the forms of others: into their homes, or for the block where those are parameters.
    fn args(&mut self, from: &[Val], to: &[Val]) -> Vec<BlockArg> {
        let mut out = vec![];
        for (v, t) in from.iter().zip(to) {
            let x = match self.form(*t) {
                Form::Two => Num::Two(self.two_of(*v)),
                form => {
                    let x = self.get(*v);
                    self.as_form(x, form, self.func.ty(*t))
                }
            };
            match self.frame.home(*t) {
                Some(_) => self.set(*t, x),
                None => self.push(x, &mut out),
            }
        }
        out
    }

    /// A body inside of the present one.
    fn inside(&mut self, nodes: &[Node]) -> u32 {
        self.bodies += 1;
        let outer = std::mem::replace(&mut self.body, self.bodies);
        self.nodes(nodes);
        outer
    }

    fn nodes(&mut self, nodes: &[Node]) {
        let func = self.func;
        for n in nodes {
            self.at += 1;
            match n {
                Node::Let(v) => {
                    if let (Def::Op(op), false) = (&func.vals[v.index()].def, self.is_remade(*v)) {
                        let x = self.op(op);
                        self.set(*v, x);
                    }
                }
                Node::Effect(site, args) => self.effect(*site, args),
                Node::If(i) => {
                    match self.get(i.cond) {
                        Num::One(c) => self.branch(c, i),
                        c => {
                            let mask = self.two(c, Ty::Bool);
                            self.part_ways(mask, i);
                        }
                    }
                    self.at += 1;
                }
                Node::Loop(l) => self.repeat(l),
            }
        }
    }

    /// The results of an `if` from here on: parameters of a block, but for those that have homes.
    fn results(&mut self, block: cranelift_codegen::ir::Block, results: &[Val]) -> Vec<(Val, Num)> {
        let mut out = vec![];
        for r in results {
            if self.frame.home(*r).is_none() {
                let x = self.param(block, self.form(*r), self.func.ty(*r));
                out.push((*r, x));
            }
        }
        out
    }

    /// What a body has left in registers is no longer there.
    fn joined_results(&mut self, all: &[Val], params: Vec<(Val, Num)>) {
        all.iter().for_each(|r| self.vals[r.index()] = None);
        params.into_iter().for_each(|(r, x)| self.vals[r.index()] = Some(x));
    }

    /// An `if` at which all go the same way.
    fn branch(&mut self, c: Value, i: &If) {
        let [then, els, join] = std::array::from_fn(|_| self.b.create_block());
        let params = self.results(join, &i.results);
        self.b.ins().brif(c, then, &[], els, &[]);
        for (block, body) in [(then, &i.then), (els, &i.els)] {
            self.b.switch_to_block(block);
            let outer = self.inside(&body.nodes);
            let args = self.args(&body.yields, &i.results);
            self.b.ins().jump(join, &args);
            self.body = outer;
        }
        self.b.switch_to_block(join);
        self.joined_results(&i.results, params);
    }

    /// An `if` at which the instances of a pair may part.
    fn part_ways(&mut self, mask: Value, i: &If) {
        let [then, skip, middle, els, join] = std::array::from_fn(|_| self.b.create_block());
        let any = self.b.ins().vany_true(mask);
        let of_then = self.results(middle, &i.results);
        let params = self.results(join, &i.results);
        self.b.ins().brif(any, then, &[], skip, &[]);
        self.b.switch_to_block(then);
        let outer = self.inside(&i.then.nodes);
        let args = self.args(&i.then.yields, &i.results);
        self.b.ins().jump(middle, &args);
        // What is not computed is not chosen, whatever lies in its home.
        self.b.switch_to_block(skip);
        let mut args = vec![];
        for (r, _) in &of_then {
            let zero = self.zero(self.form(*r), self.func.ty(*r));
            self.push(zero, &mut args);
        }
        self.b.ins().jump(middle, &args);
        self.b.switch_to_block(middle);
        self.body = outer;
        let mut args = vec![];
        of_then.iter().for_each(|(_, x)| self.push(*x, &mut args));
        let mask = self.two_of(i.cond);
        let all = self.b.ins().vall_true(mask);
        self.b.ins().brif(all, join, &args, els, &[]);
        self.b.switch_to_block(els);
        self.inside(&i.els.nodes);
        let mask = self.two_of(i.cond);
        self.joined_results(&i.results, of_then);
        let mut args = vec![];
        for (r, v) in i.results.iter().zip(&i.els.yields) {
            let t = self.func.ty(*r);
            let (a, e) = (self.get(*r), self.get(*v));
            let x = self.select(Num::Two(mask), a, e, t);
            let x = self.as_form(x, self.form(*r), t);
            match self.frame.home(*r) {
                Some(_) => self.set(*r, x),
                None => self.push(x, &mut args),
            }
            self.vals[r.index()] = None;
        }
        self.b.ins().jump(join, &args);
        self.body = outer;
        self.b.switch_to_block(join);
        self.joined_results(&i.results, params);
    }

    fn repeat(&mut self, l: &Loop) {
        let [head, body, stuck, exit] = std::array::from_fn(|_| self.b.create_block());
        for p in &l.params {
            let x = self.param(head, self.form(*p), self.func.ty(*p));
            self.vals[p.index()] = Some(x);
        }
        let parts = self.varying[l.cond.index()];
        let trips = self.b.append_block_param(head, types::I32);
        let mut init = self.args(&l.init, &l.params);
        init.push(BlockArg::Value(self.b.ins().iconst(types::I32, 0)));
        // Those that go on.
        let active = parts.then(|| {
            let all = self.constant_bits(types::I64X2, u64::MAX);
            init.push(BlockArg::Value(all));
            self.b.append_block_param(head, types::I64X2)
        });
        self.b.ins().jump(head, &init);
        self.b.switch_to_block(head);
        let outer = self.inside(&l.head);
        let c = self.get(l.cond);
        let (more, active) = match (active, c) {
            (Some(a), c) => {
                let c = self.two(c, Ty::Bool);
                let still = self.b.ins().band(a, c);
                (self.b.ins().vany_true(still), Some(still))
            }
            (None, c) => (self.each(c)[0], None),
        };
        self.b.ins().brif(more, body, &[], exit, &[]);
        self.b.switch_to_block(body);
        self.nodes(&l.body.nodes);
        let mut next = vec![];
        for (p, v) in l.params.iter().zip(&l.body.yields) {
            let t = self.func.ty(*p);
            let (old, new) = (self.get(*p), self.get(*v));
            let x = active.map_or(new, |mask| self.select(Num::Two(mask), new, old, t));
            let x = self.as_form(x, self.form(*p), t);
            self.push(x, &mut next);
        }
        let trips = self.b.ins().iadd_imm_u(trips, 1);
        next.push(BlockArg::Value(trips));
        next.extend(active.map(BlockArg::Value));
        let fine = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, trips, i64::from(MAX_TRIPS));
        self.b.ins().brif(fine, head, &next, stuck, &[]);
        self.b.switch_to_block(stuck);
        let yes = self.b.ins().iconst(types::I32, 1);
        let at = self.array(field::FLAGS);
        self.b.ins().store(flags(), yes, at, 4 * STUCK as i32);
        self.b.ins().jump(exit, &[]);
        self.b.switch_to_block(exit);
        self.body = outer;
        self.at += 1;
        for (r, p) in l.results.iter().zip(&l.params) {
            self.vals[r.index()] = self.vals[p.index()];
        }
    }

    /// Numbers of any type as f64, of each instance.
    fn as_reals_each(&mut self, v: Val) -> [Value; 2] {
        let x = self.get(v);
        let pair = self.each(x);
        let t = self.func.ty(v);
        let mut one = |x: Value| match t {
            Ty::Real => x,
            Ty::Int => self.b.ins().fcvt_from_sint(types::F64, x),
            Ty::Bool => {
                let x = self.b.ins().uextend(types::I32, x);
                self.b.ins().fcvt_from_sint(types::F64, x)
            }
        };
        if let Num::One(_) = x { [one(pair[0]); 2] } else { pair.map(one) }
    }

    /// Tells the log; an evaluation is silent.
    fn effect(&mut self, site: u32, args: &[Val]) {
        let (Kind::Routine, Some(f)) = (self.kind, self.refs.get(calls::EFFECT).copied()) else { return };
        let size = 8 * args.len().max(1) as u32;
        let slot = self.b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, size, 3));
        for (k, v) in args.iter().enumerate() {
            let [x, _] = self.as_reals_each(*v);
            self.b.ins().stack_store(types::I64, x, slot, 8 * k as i32);
        }
        let address = self.b.ins().stack_addr(types::I64, slot, 0);
        let site = self.b.ins().iconst(types::I64, i64::from(site));
        let count = self.b.ins().iconst(types::I64, args.len() as i64);
        let log = self.array(field::LOG);
        self.b.ins().call(f, &[log, self.lanes[0].number, site, count, address]);
    }

    fn output(&mut self, k: usize, v: Val) {
        let pair = self.as_reals_each(v);
        let lanes = if self.kind == Kind::Routine { 1 } else { 2 };
        for (l, (x, lane)) in pair.into_iter().zip(self.lanes).take(lanes).enumerate() {
            self.b.ins().store(flags(), x, lane.out, 8 * (k * lanes + l) as i32);
        }
    }
}
