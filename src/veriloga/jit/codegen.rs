//! The evaluation as Cranelift sees it: a loop over instances around the function's nodes.

use std::collections::HashMap;

use cranelift_codegen::Context;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{
    AbiParam, BlockArg, FuncRef, InstBuilder, MemFlagsData, Signature, StackSlotData, StackSlotKind, Type, Value, types,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::JITModule;
use cranelift_module::{Linkage, Module};

use super::{KEYS, LIMITED, STUCK, Sizes, calls, field};
use crate::veriloga::ir::{
    BinOp, Const, Def, Func, In, MAX_TRIPS, Node, Op, Out, Sink, Ty, UnOp, Val, env, has_effect,
};
use crate::veriloga::lower::{Lowered, Program};

fn ty(t: Ty) -> Type {
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

/// Builds the function in `ctx`.
pub fn build(p: &Program, sizes: &Sizes, module: &mut JITModule, ctx: &mut Context) -> Result<(), String> {
    let entry_of = p.entries.iter().enumerate().map(|(k, e)| (*e, k)).collect();
    build_loop(&p.eval, &p.lowered, sizes, module, ctx, Results::Rows(entry_of))
}

/// Where results go: into rows and matrix entries, or each to a place of its own.
pub enum Results {
    /// By row and column the number of the entry.
    Rows(HashMap<(u32, u32), usize>),
    Listed,
}

/// A function of one pointer, the body once for each instance.
pub fn build_loop(
    func: &Func,
    lowered: &Lowered,
    sizes: &Sizes,
    module: &mut JITModule,
    ctx: &mut Context,
    results: Results,
) -> Result<(), String> {
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

    let start = b.create_block();
    b.append_block_params_for_function_params(start);
    b.switch_to_block(start);
    let raw = b.block_params(start)[0];
    let get = |b: &mut FunctionBuilder, at: i32| b.ins().load(types::I64, flags(), raw, at);
    let count = get(&mut b, field::COUNT);
    let first = get(&mut b, field::FIRST);
    let base = Base {
        x: get(&mut b, field::X),
        rows: get(&mut b, field::ROWS),
        slots: get(&mut b, field::SLOTS),
        classes: get(&mut b, field::CLASSES),
        cache: get(&mut b, field::CACHE),
        sim: get(&mut b, field::SIM),
        hidden: get(&mut b, field::HIDDEN),
        uniforms: get(&mut b, field::UNIFORMS),
        normals: get(&mut b, field::NORMALS),
        old: get(&mut b, field::OLD),
        f: get(&mut b, field::F),
        q: get(&mut b, field::Q),
        g: get(&mut b, field::G),
        c: get(&mut b, field::C),
        flags: get(&mut b, field::FLAGS),
        signals: get(&mut b, field::SIGNALS),
        tables: get(&mut b, field::TABLES),
        keys: get(&mut b, field::KEYS),
        params: get(&mut b, field::PARAMS),
        given: get(&mut b, field::GIVEN),
        connected: get(&mut b, field::CONNECTED),
        env: get(&mut b, field::ENV),
        events: get(&mut b, field::EVENTS),
        out: get(&mut b, field::OUT),
        log: get(&mut b, field::LOG),
    };
    let head = b.create_block();
    let body = b.create_block();
    let exit = b.create_block();
    b.append_block_param(head, types::I64);
    b.ins().jump(head, &[BlockArg::Value(first)]);
    b.switch_to_block(head);
    let i = b.block_params(head)[0];
    let more = b.ins().icmp(IntCC::UnsignedLessThan, i, count);
    b.ins().brif(more, body, &[], exit, &[]);
    b.switch_to_block(body);

    let vals = vec![None; func.vals.len()];
    let mut g = Gen { b, func, lowered, sizes, refs, base, i, class: i, vals, at: base, results };
    g.enter();
    g.nodes(&func.nodes);
    for (k, (sink, v)) in func.outputs.iter().enumerate() {
        g.output(k, *sink, *v);
    }
    let one = g.b.ins().iconst(types::I64, 1);
    let next = g.b.ins().iadd(i, one);
    g.b.ins().jump(head, &[BlockArg::Value(next)]);
    g.b.switch_to_block(exit);
    g.b.ins().return_(&[]);
    g.b.seal_all_blocks();
    g.b.finalize(config);
    Ok(())
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

/// Addresses: of the arrays, and of what belongs to the present instance.
#[derive(Clone, Copy)]
struct Base {
    x: Value,
    rows: Value,
    slots: Value,
    classes: Value,
    cache: Value,
    sim: Value,
    hidden: Value,
    uniforms: Value,
    normals: Value,
    old: Value,
    f: Value,
    q: Value,
    g: Value,
    c: Value,
    flags: Value,
    signals: Value,
    tables: Value,
    keys: Value,
    params: Value,
    given: Value,
    connected: Value,
    env: Value,
    events: Value,
    out: Value,
    log: Value,
}

struct Gen<'a, 'f> {
    b: FunctionBuilder<'f>,
    func: &'a Func,
    lowered: &'a Lowered,
    sizes: &'a Sizes,
    refs: HashMap<String, FuncRef>,
    base: Base,
    at: Base,
    i: Value,
    /// The class of the instance.
    class: Value,
    vals: Vec<Option<Value>>,
    results: Results,
}

impl Gen<'_, '_> {
    fn get(&mut self, v: Val) -> Value {
        match self.vals[v.index()] {
            Some(x) => x,
            // The verifier has seen to it that this does not happen.
            None => {
                let t = ty(self.func.ty(v));
                self.zero(t)
            }
        }
    }

    fn zero(&mut self, t: Type) -> Value {
        if t == types::F64 { self.b.ins().f64const(0.0) } else { self.b.ins().iconst(t, 0) }
    }

    fn offset(&mut self, base: Value, index: Value, size: usize) -> Value {
        let size = self.b.ins().iconst(types::I64, size as i64);
        let bytes = self.b.ins().imul(index, size);
        self.b.ins().iadd(base, bytes)
    }

    /// Addresses of the instance.
    fn enter(&mut self) {
        let (s, base, i) = (*self.sizes, self.base, self.i);
        self.at.rows = self.offset(base.rows, i, 4 * s.unknowns);
        self.at.slots = self.offset(base.slots, i, 4 * s.entries);
        self.at.hidden = self.offset(base.hidden, i, 8 * s.cells);
        self.at.old = self.offset(base.old, i, 8 * s.limits);
        self.at.uniforms = self.offset(base.uniforms, i, 8 * s.uniforms);
        self.at.normals = self.offset(base.normals, i, 8 * s.normals);
        let class = self.offset(base.classes, i, 4);
        let class = self.b.ins().uload32(flags(), class, 0);
        self.class = class;
        self.at.cache = self.offset(base.cache, class, 8 * s.slots);
        self.at.signals = self.offset(base.signals, i, 8 * s.signals);
        self.at.keys = self.offset(base.keys, i, 8 * KEYS);
        if matches!(self.results, Results::Listed) {
            self.at.params = self.offset(base.params, class, 8 * s.params);
            self.at.given = self.offset(base.given, class, 8 * s.params);
            self.at.connected = self.offset(base.connected, class, 8 * s.terminals);
            self.at.env = self.offset(base.env, class, 8 * env::COUNT);
            self.at.events = self.offset(base.events, i, 8 * s.events);
            self.at.out = self.offset(base.out, i, 8 * s.outputs);
        }
    }

    fn real_at(&mut self, base: Value, k: u32) -> Value {
        self.b.ins().load(types::F64, fixed(), base, (8 * k) as i32)
    }

    /// A number kept as f64, as the type that is wanted.
    fn typed(&mut self, x: Value, t: Ty) -> Value {
        match t {
            Ty::Real => x,
            Ty::Int => self.b.ins().fcvt_to_sint_sat(types::I32, x),
            Ty::Bool => {
                let z = self.b.ins().f64const(0.0);
                self.b.ins().fcmp(FloatCC::NotEqual, x, z)
            }
        }
    }

    fn unknown(&mut self, u: u32) -> Value {
        let rows = self.at.rows;
        let index = self.b.ins().uload32(flags(), rows, (4 * u) as i32);
        let address = self.offset(self.base.x, index, 8);
        self.b.ins().load(types::F64, fixed(), address, 0)
    }

    fn input(&mut self, class: In, k: u32, t: Ty) -> Value {
        let x = match class {
            In::Probe => {
                let (hi, lo) = self.lowered.probes[k as usize];
                match (hi, lo) {
                    (Some(h), None) => self.unknown(h),
                    (Some(h), Some(l)) => {
                        let (h, l) = (self.unknown(h), self.unknown(l));
                        self.b.ins().fsub(h, l)
                    }
                    (None, Some(l)) => {
                        let l = self.unknown(l);
                        self.b.ins().fneg(l)
                    }
                    (None, None) => self.b.ins().f64const(0.0),
                }
            }
            In::Cache => self.real_at(self.at.cache, k),
            In::Sim => self.real_at(self.at.sim, k),
            In::Hidden => self.real_at(self.at.hidden, k),
            // Limited values are their arguments outside of iterations.
            In::Old if matches!(self.results, Results::Listed) => self.b.ins().f64const(0.0),
            // Written at the end.
            In::Old => self.b.ins().load(types::F64, flags(), self.at.old, (8 * k) as i32),
            In::Uniform => self.real_at(self.at.uniforms, k),
            In::Normal => self.real_at(self.at.normals, k),
            In::Signal => self.real_at(self.at.signals, k),
            In::Key => self.real_at(self.at.keys, k),
            In::Event | In::Param | In::Given | In::Connected | In::Env if matches!(self.results, Results::Listed) => {
                let base = match class {
                    In::Event => self.at.events,
                    In::Param => self.at.params,
                    In::Given => self.at.given,
                    In::Connected => self.at.connected,
                    _ => self.at.env,
                };
                self.real_at(base, k)
            }
            // Not in an evaluation: events are none while a step is solved; the others are setup's.
            In::Event | In::Limited | In::Param | In::Given | In::Connected | In::Env => self.b.ins().f64const(0.0),
        };
        self.typed(x, t)
    }

    fn call(&mut self, name: &str, args: &[Value]) -> Value {
        match self.refs.get(name) {
            Some(f) => {
                let call = self.b.ins().call(*f, args);
                self.b.inst_results(call)[0]
            }
            None => self.b.ins().f64const(f64::NAN),
        }
    }

    fn op(&mut self, v: Val, op: &Op) -> Value {
        match *op {
            Op::Const(Const::Real(x)) => self.b.ins().f64const(x),
            Op::Const(Const::Int(k)) => self.b.ins().iconst(types::I32, i64::from(k)),
            Op::Const(Const::Bool(x)) => self.b.ins().iconst(types::I8, i64::from(x)),
            Op::Input(class, k, t) => self.input(class, k, t),
            Op::Un(o, a) => {
                let x = self.get(a);
                self.un(o, x)
            }
            Op::Bin(o, a, c) => {
                let (x, y) = (self.get(a), self.get(c));
                self.bin(o, x, y)
            }
            Op::Select(c, a, e) => {
                let (c, a, e) = (self.get(c), self.get(a), self.get(e));
                self.b.ins().select(c, a, e)
            }
            Op::Limit(_, _, l) => self.get(l),
            Op::Table(look, inputs) => {
                let tables = self.b.ins().iconst(types::I64, self.sizes.tables as i64);
                let first = self.b.ins().imul(self.class, tables);
                let number = self.b.ins().iconst(types::I64, i64::from(look.table));
                let at = self.b.ins().iadd(first, number);
                let [a, b, c] = look.order;
                let order = self.b.ins().iconst(types::I32, i64::from(i32::from_le_bytes([a, b, c, 0])));
                let [x, y, z] = inputs.map(|v| self.get(v));
                self.call(calls::TABLE, &[self.at.tables, at, order, x, y, z])
            }
            Op::Ddt(..) | Op::Noise(_) | Op::Ddx(..) => {
                let t = ty(self.func.ty(v));
                self.zero(t)
            }
        }
    }

    fn un(&mut self, o: UnOp, x: Value) -> Value {
        match o {
            UnOp::Neg => self.b.ins().fneg(x),
            UnOp::Abs => self.b.ins().fabs(x),
            UnOp::Sqrt => self.b.ins().sqrt(x),
            UnOp::INeg => self.b.ins().ineg(x),
            UnOp::INot => self.b.ins().bnot(x),
            UnOp::Not => {
                let one = self.b.ins().iconst(types::I8, 1);
                self.b.ins().bxor(x, one)
            }
            UnOp::IToF => self.b.ins().fcvt_from_sint(types::F64, x),
            UnOp::BToI => self.b.ins().uextend(types::I32, x),
            o => self.call(o.name(), &[x]),
        }
    }

    fn bin(&mut self, o: BinOp, x: Value, y: Value) -> Value {
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
            BinOp::IAdd => b.ins().iadd(x, y),
            BinOp::ISub => b.ins().isub(x, y),
            BinOp::IMul => b.ins().imul(x, y),
            BinOp::IAnd | BinOp::And => b.ins().band(x, y),
            BinOp::IOr | BinOp::Or => b.ins().bor(x, y),
            BinOp::IXor | BinOp::Xor => b.ins().bxor(x, y),
            BinOp::IEq => b.ins().icmp(IntCC::Equal, x, y),
            BinOp::INe => b.ins().icmp(IntCC::NotEqual, x, y),
            BinOp::ILt => b.ins().icmp(IntCC::SignedLessThan, x, y),
            BinOp::ILe => b.ins().icmp(IntCC::SignedLessThanOrEqual, x, y),
            o => self.call(o.name(), &[x, y]),
        }
    }

    fn args(&mut self, vals: &[Val]) -> Vec<BlockArg> {
        vals.iter().map(|v| BlockArg::Value(self.get(*v))).collect()
    }

    fn nodes(&mut self, nodes: &[Node]) {
        let func = self.func;
        for n in nodes {
            match n {
                Node::Let(v) => {
                    if let Def::Op(op) = &func.vals[v.index()].def {
                        let x = self.op(*v, op);
                        self.vals[v.index()] = Some(x);
                    }
                }
                Node::Effect(site, args) => self.effect(*site, args),
                Node::If(i) => {
                    let [then, els, join] = std::array::from_fn(|_| self.b.create_block());
                    for r in &i.results {
                        let x = self.b.append_block_param(join, ty(func.ty(*r)));
                        self.vals[r.index()] = Some(x);
                    }
                    let c = self.get(i.cond);
                    self.b.ins().brif(c, then, &[], els, &[]);
                    for (block, body) in [(then, &i.then), (els, &i.els)] {
                        self.b.switch_to_block(block);
                        self.nodes(&body.nodes);
                        let args = self.args(&body.yields);
                        self.b.ins().jump(join, &args);
                    }
                    self.b.switch_to_block(join);
                }
                Node::Loop(l) => {
                    let [head, body, stuck, exit] = std::array::from_fn(|_| self.b.create_block());
                    for p in &l.params {
                        let x = self.b.append_block_param(head, ty(func.ty(*p)));
                        self.vals[p.index()] = Some(x);
                    }
                    let trips = self.b.append_block_param(head, types::I32);
                    let mut init = self.args(&l.init);
                    let zero = self.b.ins().iconst(types::I32, 0);
                    init.push(BlockArg::Value(zero));
                    self.b.ins().jump(head, &init);
                    self.b.switch_to_block(head);
                    self.nodes(&l.head);
                    let c = self.get(l.cond);
                    self.b.ins().brif(c, body, &[], exit, &[]);
                    self.b.switch_to_block(body);
                    self.nodes(&l.body.nodes);
                    let mut next = self.args(&l.body.yields);
                    let one = self.b.ins().iconst(types::I32, 1);
                    let trips = self.b.ins().iadd(trips, one);
                    next.push(BlockArg::Value(trips));
                    let most = self.b.ins().iconst(types::I32, i64::from(MAX_TRIPS));
                    let fine = self.b.ins().icmp(IntCC::UnsignedLessThan, trips, most);
                    self.b.ins().brif(fine, head, &next, stuck, &[]);
                    self.b.switch_to_block(stuck);
                    let yes = self.b.ins().iconst(types::I32, 1);
                    let at = self.at.flags;
                    self.b.ins().store(flags(), yes, at, 4 * STUCK as i32);
                    self.b.ins().jump(exit, &[]);
                    self.b.switch_to_block(exit);
                    for (r, p) in l.results.iter().zip(&l.params) {
                        self.vals[r.index()] = self.vals[p.index()];
                    }
                }
            }
        }
    }

    /// array[index of this instance] += v
    fn accumulate(&mut self, array: Value, indices: Value, k: usize, v: Value) {
        let index = self.b.ins().uload32(flags(), indices, (4 * k) as i32);
        let address = self.offset(array, index, 8);
        let old = self.b.ins().load(types::F64, flags(), address, 0);
        let new = self.b.ins().fadd(old, v);
        self.b.ins().store(flags(), new, address, 0);
    }

    /// Numbers of any type as f64.
    fn as_real(&mut self, v: Val) -> Value {
        let x = self.get(v);
        match self.func.ty(v) {
            Ty::Real => x,
            Ty::Int => self.b.ins().fcvt_from_sint(types::F64, x),
            Ty::Bool => {
                let x = self.b.ins().uextend(types::I32, x);
                self.b.ins().fcvt_from_sint(types::F64, x)
            }
        }
    }

    /// Tells the log; an evaluation is silent.
    fn effect(&mut self, site: u32, args: &[Val]) {
        let (Results::Listed, Some(f)) = (&self.results, self.refs.get(calls::EFFECT).copied()) else { return };
        let size = 8 * args.len().max(1) as u32;
        let slot = self.b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, size, 3));
        for (k, v) in args.iter().enumerate() {
            let x = self.as_real(*v);
            self.b.ins().stack_store(types::I64, x, slot, 8 * k as i32);
        }
        let address = self.b.ins().stack_addr(types::I64, slot, 0);
        let site = self.b.ins().iconst(types::I64, i64::from(site));
        let count = self.b.ins().iconst(types::I64, args.len() as i64);
        self.b.ins().call(f, &[self.at.log, self.i, site, count, address]);
    }

    fn output(&mut self, k: usize, sink: Sink, v: Val) {
        let at = self.at;
        let entry = match &self.results {
            Results::Rows(entries) => entries.get(&(sink.a, sink.b)).copied().unwrap_or(0),
            Results::Listed => {
                let x = self.as_real(v);
                self.b.ins().store(flags(), x, at.out, 8 * k as i32);
                return;
            }
        };
        let x = self.get(v);
        match sink.class {
            Out::F => self.accumulate(at.f, at.rows, sink.a as usize, x),
            Out::Q => self.accumulate(at.q, at.rows, sink.a as usize, x),
            Out::G => self.accumulate(at.g, at.slots, entry, x),
            Out::C => self.accumulate(at.c, at.slots, entry, x),
            Out::Old => {
                self.b.ins().store(flags(), x, at.old, (8 * sink.a) as i32);
            }
            Out::IsLimited => {
                let old = self.b.ins().load(types::I32, flags(), at.flags, 4 * LIMITED as i32);
                let x = self.b.ins().uextend(types::I32, x);
                let new = self.b.ins().bor(old, x);
                self.b.ins().store(flags(), new, at.flags, 4 * LIMITED as i32);
            }
            _ => {}
        }
    }
}
