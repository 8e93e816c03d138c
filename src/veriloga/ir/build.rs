//! Building functions: constants folded, neutral operations dropped, equal operations in scope made one.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::fold::{eval_bin, eval_un};
use super::{BinOp, Body, Const, Def, Func, If, In, Loop, Node, Op, Sink, Ty, UnOp, Val, ValData};

/// An open list of nodes, with the operations that were numbered in it.
#[derive(Default)]
struct Scope {
    nodes: Vec<Node>,
    known: Vec<Val>,
}

fn hash(op: &Op) -> u64 {
    FxBuildHasher.hash_one(op)
}

/// Writes a [`Func`] from top to bottom.
#[derive(Default)]
pub struct Builder {
    pub func: Func,
    scopes: Vec<Scope>,
    /// Values in scope, found by the operation that computes them.
    known: HashTable<Val>,
    /// Bodies of an `if` up to this cost are computed both, and a `select` chooses.
    pub convert: u32,
}

impl Builder {
    pub fn new(name: &str) -> Builder {
        let func = Func { name: name.into(), ..Func::default() };
        Builder { func, scopes: vec![Scope::default()], known: HashTable::new(), convert: 0 }
    }

    /// For a copy of a function, which will be about as large.
    pub fn like(func: &Func) -> Builder {
        let n = func.vals.len();
        let mut b = Builder::new(&func.name);
        b.func.vals.reserve(n);
        b.known = HashTable::with_capacity(n);
        b
    }

    pub fn finish(mut self) -> Func {
        debug_assert_eq!(self.scopes.len(), 1);
        self.func.nodes = self.scopes.pop().map_or(vec![], |s| s.nodes);
        self.func
    }

    pub fn ty(&self, v: Val) -> Ty {
        self.func.ty(v)
    }

    /// A value that no operation computes (result or parameter).
    pub fn fresh(&mut self, ty: Ty) -> Val {
        self.push_val(ty, Def::Joined)
    }

    fn push_val(&mut self, ty: Ty, def: Def) -> Val {
        self.func.vals.push(ValData { ty, def });
        Val(self.func.vals.len() as u32 - 1)
    }

    pub fn node(&mut self, node: Node) {
        if let Some(s) = self.scopes.last_mut() {
            s.nodes.push(node);
        }
    }

    /// Opens a nested list of nodes; [`Builder::close`] gives it back.
    pub fn open(&mut self) {
        self.scopes.push(Scope::default());
    }

    pub fn close(&mut self) -> Vec<Node> {
        let scope = self.scopes.pop().unwrap_or_default();
        for v in &scope.known {
            let hash = self.func.op(*v).map_or(0, hash);
            if let Ok(entry) = self.known.find_entry(hash, |k| k == v) {
                entry.remove();
            }
        }
        scope.nodes
    }

    pub fn depth(&self) -> usize {
        self.scopes.len()
    }

    /// What computes a value; `None` for one that a join or a loop hands out.
    pub fn definition(&self, v: Val) -> Option<&Op> {
        self.func.op(v)
    }

    pub fn constant(&self, v: Val) -> Option<Const> {
        self.func.constant(v)
    }

    pub fn real(&mut self, x: f64) -> Val {
        self.op(Op::Const(Const::Real(x)))
    }

    pub fn int(&mut self, i: i32) -> Val {
        self.op(Op::Const(Const::Int(i)))
    }

    pub fn bool(&mut self, b: bool) -> Val {
        self.op(Op::Const(Const::Bool(b)))
    }

    pub fn input(&mut self, class: In, index: u32, ty: Ty) -> Val {
        self.op(Op::Input(class, index, ty))
    }

    pub fn un(&mut self, op: UnOp, a: Val) -> Val {
        self.op(Op::Un(op, a))
    }

    pub fn bin(&mut self, op: BinOp, a: Val, b: Val) -> Val {
        self.op(Op::Bin(op, a, b))
    }

    pub fn add(&mut self, a: Val, b: Val) -> Val {
        self.bin(BinOp::Add, a, b)
    }

    pub fn sub(&mut self, a: Val, b: Val) -> Val {
        self.bin(BinOp::Sub, a, b)
    }

    pub fn mul(&mut self, a: Val, b: Val) -> Val {
        self.bin(BinOp::Mul, a, b)
    }

    pub fn div(&mut self, a: Val, b: Val) -> Val {
        self.bin(BinOp::Div, a, b)
    }

    pub fn neg(&mut self, a: Val) -> Val {
        self.un(UnOp::Neg, a)
    }

    pub fn not(&mut self, a: Val) -> Val {
        self.un(UnOp::Not, a)
    }

    pub fn and(&mut self, a: Val, b: Val) -> Val {
        self.bin(BinOp::And, a, b)
    }

    pub fn select(&mut self, c: Val, a: Val, b: Val) -> Val {
        self.op(Op::Select(c, a, b))
    }

    pub fn output(&mut self, sink: Sink, v: Val) {
        self.func.outputs.push((sink, v));
    }

    /// Adds an operation, or finds the value that it would have.
    pub fn op(&mut self, op: Op) -> Val {
        // Signs move outwards, so that what differs by a sign only is computed once.
        if let Op::Bin(o @ (BinOp::Mul | BinOp::Div), a, b) = op {
            let negated = |v: Val| match self.func.op(v) {
                Some(Op::Un(UnOp::Neg, x)) => Some(*x),
                _ => None,
            };
            let (x, y) = match (negated(a), negated(b)) {
                (Some(x), None) => (x, b),
                (None, Some(y)) => (a, y),
                (Some(x), Some(y)) => return self.op(Op::Bin(o, x, y)),
                (None, None) => return self.plain_op(op),
            };
            let v = self.op(Op::Bin(o, x, y));
            return self.op(Op::Un(UnOp::Neg, v));
        }
        self.plain_op(op)
    }

    fn plain_op(&mut self, op: Op) -> Val {
        let op = match self.simplify(&op) {
            Simple::Same(v) => return v,
            Simple::Other(o) => o,
            Simple::No => op,
        };
        let key = hash(&op);
        if let Some(&v) = self.known.find(key, |v| self.func.op(*v) == Some(&op)) {
            return v;
        }
        // Constants and inputs stand at the top, where everything sees them.
        let is_leaf = matches!(op, Op::Const(_) | Op::Input(..));
        let ty = self.func.op_type(&op);
        let v = self.push_val(ty, Def::Op(op));
        let scope = if is_leaf { self.scopes.first_mut() } else { self.scopes.last_mut() };
        if let Some(s) = scope {
            s.nodes.push(Node::Let(v));
            if !is_leaf {
                s.known.push(v);
            }
        }
        self.enter(key, v);
        v
    }

    /// From now on `v` is what its operation is found by.
    fn enter(&mut self, key: u64, v: Val) {
        let func = &self.func;
        self.known.insert_unique(key, v, |v| func.op(*v).map_or(0, hash));
    }

    fn simplify(&self, op: &Op) -> Simple {
        use Simple::{No, Other, Same};
        let c = |v: Val| self.func.constant(v);
        let real = |v: Val| match c(v) {
            Some(Const::Real(x)) => Some(x),
            _ => None,
        };
        let boolean = |v: Val| match c(v) {
            Some(Const::Bool(x)) => Some(x),
            _ => None,
        };
        match *op {
            Op::Un(o, a) => {
                if let Some(x) = c(a) {
                    return Other(Op::Const(eval_un(o, x)));
                }
                match (o, self.func.op(a)) {
                    (UnOp::Neg, Some(Op::Un(UnOp::Neg, b))) | (UnOp::Not, Some(Op::Un(UnOp::Not, b))) => Same(*b),
                    (UnOp::FToI, Some(Op::Un(UnOp::IToF, b))) => Same(*b),
                    (UnOp::Neg, Some(Op::Bin(BinOp::Sub, x, y))) => Other(Op::Bin(BinOp::Sub, *y, *x)),
                    _ => No,
                }
            }
            Op::Bin(o, a, b) => {
                if let (Some(x), Some(y)) = (c(a), c(b)) {
                    return Other(Op::Const(eval_bin(o, x, y)));
                }
                match o {
                    BinOp::Add => match (real(a), real(b)) {
                        (Some(0.0), _) => Same(b),
                        (_, Some(0.0)) => Same(a),
                        _ => match (self.func.op(a), self.func.op(b)) {
                            (_, Some(Op::Un(UnOp::Neg, y))) => Other(Op::Bin(BinOp::Sub, a, *y)),
                            (Some(Op::Un(UnOp::Neg, x)), _) => Other(Op::Bin(BinOp::Sub, b, *x)),
                            _ if b < a => Other(Op::Bin(o, b, a)),
                            _ => No,
                        },
                    },
                    BinOp::Sub => match (real(a), real(b)) {
                        (Some(0.0), _) => Other(Op::Un(UnOp::Neg, b)),
                        (_, Some(0.0)) => Same(a),
                        _ => match self.func.op(b) {
                            Some(Op::Un(UnOp::Neg, y)) => Other(Op::Bin(BinOp::Add, a, *y)),
                            _ => No,
                        },
                    },
                    BinOp::Mul => match (real(a), real(b)) {
                        (Some(1.0), _) => Same(b),
                        (_, Some(1.0)) => Same(a),
                        (Some(-1.0), _) => Other(Op::Un(UnOp::Neg, b)),
                        (_, Some(-1.0)) => Other(Op::Un(UnOp::Neg, a)),
                        _ if b < a => Other(Op::Bin(o, b, a)),
                        _ => No,
                    },
                    BinOp::Div if real(b) == Some(1.0) => Same(a),
                    BinOp::Pow if real(b) == Some(1.0) => Same(a),
                    BinOp::Pow if real(b) == Some(2.0) => Other(Op::Bin(BinOp::Mul, a, a)),
                    BinOp::Pow if real(b) == Some(0.5) => Other(Op::Un(UnOp::Sqrt, a)),
                    BinOp::And => match (boolean(a), boolean(b)) {
                        (Some(true), _) => Same(b),
                        (_, Some(true)) => Same(a),
                        (Some(false), _) => Same(a),
                        (_, Some(false)) => Same(b),
                        _ if a == b => Same(a),
                        _ => No,
                    },
                    BinOp::Or => match (boolean(a), boolean(b)) {
                        (Some(false), _) => Same(b),
                        (_, Some(false)) => Same(a),
                        (Some(true), _) => Same(a),
                        (_, Some(true)) => Same(b),
                        _ if a == b => Same(a),
                        _ => No,
                    },
                    _ => No,
                }
            }
            Op::Select(cond, a, b) => match boolean(cond) {
                Some(true) => Same(a),
                Some(false) => Same(b),
                None if a == b => Same(a),
                None => match (boolean(a), boolean(b)) {
                    (Some(true), Some(false)) => Same(cond),
                    (Some(false), Some(true)) => Other(Op::Un(UnOp::Not, cond)),
                    _ => match self.func.op(cond) {
                        Some(Op::Un(UnOp::Not, n)) => Other(Op::Select(*n, b, a)),
                        _ => No,
                    },
                },
            },
            _ => No,
        }
    }

    /// What the nodes cost to run, in additions; effects may not run for nothing.
    fn cost(&self, nodes: &[Node]) -> u32 {
        let one = |n: &Node| match n {
            Node::Effect(..) => u32::MAX,
            // Only setup runs loops for nothing.
            Node::Loop(_) | Node::If(_) if self.convert != u32::MAX || has_effect(std::slice::from_ref(n)) => u32::MAX,
            Node::Loop(_) | Node::If(_) => 1,
            Node::Let(v) => match self.func.op(*v) {
                Some(Op::Un(o, _)) => match o {
                    UnOp::Neg | UnOp::Abs | UnOp::Not | UnOp::IToF | UnOp::BToI | UnOp::INeg | UnOp::INot => 1,
                    UnOp::Sqrt => 6,
                    _ => 25,
                },
                Some(Op::Bin(o, ..)) => match o {
                    BinOp::Div => 5,
                    BinOp::Rem | BinOp::Pow | BinOp::Atan2 | BinOp::Hypot => 40,
                    BinOp::Seeded | BinOp::SeededNormal => 60,
                    BinOp::Poisson | BinOp::ChiSquare | BinOp::StudentT | BinOp::Erlang => 1000,
                    _ => 1,
                },
                Some(Op::Table(..)) => 40,
                _ => 1,
            },
        };
        nodes.iter().fold(0, |sum: u32, n| sum.saturating_add(one(n)))
    }

    /// Closes the two bodies of an `if` that were built between `open` and `close`; results that agree or fold away need
    /// none. Returns one value per pair of yields.
    pub fn join(&mut self, cond: Val, then: Vec<Node>, ty: Vec<Val>, els: Vec<Node>, ey: Vec<Val>) -> Vec<Val> {
        let cost = self.cost(&then).saturating_add(self.cost(&els)).saturating_add(ty.len() as u32);
        if self.convert > 0 && cost <= self.convert && !has_effect(&then) && !has_effect(&els) {
            for n in then.into_iter().chain(els) {
                if let Node::Let(v) = n
                    && let Some(op) = self.func.op(v)
                {
                    let key = hash(op);
                    if self.known.find(key, |k| self.func.op(*k) == Some(op)).is_none() {
                        self.enter(key, v);
                        self.scopes.last_mut().into_iter().for_each(|s| s.known.push(v));
                    }
                }
                self.node(n);
            }
            return ty.into_iter().zip(ey).map(|(a, b)| self.select(cond, a, b)).collect();
        }
        let mut results = vec![];
        let mut out = vec![];
        let (mut then, mut els) = (Body { nodes: then, yields: vec![] }, Body { nodes: els, yields: vec![] });
        for (a, b) in ty.into_iter().zip(ey) {
            if a == b {
                out.push(a);
                continue;
            }
            let r = self.fresh(self.func.ty(a));
            then.yields.push(a);
            els.yields.push(b);
            results.push(r);
            out.push(r);
        }
        if !(results.is_empty() && then.nodes.is_empty() && els.nodes.is_empty()) {
            self.node(Node::If(Box::new(If { cond, then, els, results })));
        }
        out
    }
}

enum Simple {
    Same(Val),
    Other(Op),
    No,
}

/// What a pass keeps of a function.
pub struct Keep<'a> {
    /// By value; `None`: all.
    pub live: Option<&'a [bool]>,
    pub effects: bool,
}

impl Keep<'_> {
    pub const ALL: Keep<'static> = Keep { live: None, effects: true };

    fn has(&self, v: Val) -> bool {
        self.live.is_none_or(|l| l[v.index()])
    }

    /// Numbers of the results of an `if` that are kept; `None`: nothing of it is.
    fn of_if(&self, i: &If) -> Option<Vec<usize>> {
        let kept: Vec<usize> = (0..i.results.len()).filter(|k| self.has(i.results[*k])).collect();
        let acts = || self.effects && (has_effect(&i.then.nodes) || has_effect(&i.els.nodes));
        (!kept.is_empty() || acts()).then_some(kept)
    }

    /// The same of a loop.
    fn of_loop(&self, l: &Loop) -> Option<Vec<usize>> {
        let is_kept = |k: &usize| self.has(l.results[*k]) || self.has(l.params[*k]);
        let kept: Vec<usize> = (0..l.results.len()).filter(is_kept).collect();
        let acts = || self.effects && (has_effect(&l.head) || has_effect(&l.body.nodes));
        (!kept.is_empty() || acts()).then_some(kept)
    }

    /// Shows what the nodes that are kept read.
    pub fn for_each_read(&self, func: &Func, nodes: &[Node], f: &mut dyn FnMut(Val)) {
        for node in nodes {
            match node {
                Node::Let(v) if self.has(*v) => func.op(*v).into_iter().for_each(|op| op.for_each(&mut *f)),
                Node::Let(_) => {}
                Node::Effect(_, args) if self.effects => args.iter().for_each(|v| f(*v)),
                Node::Effect(..) => {}
                Node::If(i) => {
                    let Some(kept) = self.of_if(i) else { continue };
                    f(i.cond);
                    for body in [&i.then, &i.els] {
                        self.for_each_read(func, &body.nodes, f);
                        kept.iter().for_each(|k| f(body.yields[*k]));
                    }
                }
                Node::Loop(l) => {
                    let Some(kept) = self.of_loop(l) else { continue };
                    f(l.cond);
                    kept.iter().for_each(|k| [l.init[*k], l.body.yields[*k]].into_iter().for_each(&mut *f));
                    self.for_each_read(func, &l.head, f);
                    self.for_each_read(func, &l.body.nodes, f);
                }
            }
        }
    }
}

/// The copy of a value.
pub fn mapped(map: &[Option<Val>], v: Val) -> Val {
    debug_assert!(map[v.index()].is_some(), "{v} has no copy");
    map[v.index()].unwrap_or(Val(0))
}

/// Makes the copy of one operation: (builder, map of values so far, the value copied, its operation).
pub type OnLet<'a> = dyn FnMut(&mut Builder, &[Option<Val>], Val, &Op) -> Val + 'a;

/// Copies nodes of another function through the map of values; each operation is made by `on_let`. An `if` with a
/// constant condition becomes its body.
pub fn copy_nodes(
    b: &mut Builder,
    map: &mut [Option<Val>],
    from: &Func,
    nodes: &[Node],
    keep: &Keep,
    on_let: &mut OnLet,
) {
    for node in nodes {
        match node {
            Node::Let(v) => {
                if keep.has(*v)
                    && let Some(op) = from.op(*v)
                {
                    map[v.index()] = Some(on_let(b, map, *v, op));
                }
            }
            Node::Effect(k, args) => {
                if keep.effects {
                    let args = args.iter().map(|v| mapped(map, *v)).collect();
                    b.node(Node::Effect(*k, args));
                }
            }
            Node::If(i) => {
                let Some(kept) = keep.of_if(i) else { continue };
                let cond = mapped(map, i.cond);
                if let Some(Const::Bool(c)) = b.constant(cond) {
                    let body = if c { &i.then } else { &i.els };
                    copy_nodes(b, map, from, &body.nodes, keep, on_let);
                    for k in kept {
                        map[i.results[k].index()] = Some(mapped(map, body.yields[k]));
                    }
                    continue;
                }
                let mut bodies = [(vec![], vec![]), (vec![], vec![])];
                for (body, out) in [&i.then, &i.els].into_iter().zip(&mut bodies) {
                    b.open();
                    copy_nodes(b, map, from, &body.nodes, keep, on_let);
                    *out = (b.close(), kept.iter().map(|k| mapped(map, body.yields[*k])).collect());
                }
                let [(tn, ty), (en, ey)] = bodies;
                for (k, v) in kept.iter().zip(b.join(cond, tn, ty, en, ey)) {
                    map[i.results[*k].index()] = Some(v);
                }
            }
            Node::Loop(l) => {
                let Some(kept) = keep.of_loop(l) else { continue };
                let init: Vec<Val> = kept.iter().map(|k| mapped(map, l.init[*k])).collect();
                let params: Vec<Val> = kept.iter().map(|k| b.fresh(from.ty(l.params[*k]))).collect();
                for (k, n) in kept.iter().zip(&params) {
                    map[l.params[*k].index()] = Some(*n);
                }
                b.open();
                copy_nodes(b, map, from, &l.head, keep, on_let);
                let cond = mapped(map, l.cond);
                b.open();
                copy_nodes(b, map, from, &l.body.nodes, keep, on_let);
                let yields = kept.iter().map(|k| mapped(map, l.body.yields[*k])).collect();
                let nodes = b.close();
                let head = b.close();
                let results: Vec<Val> = kept.iter().map(|k| b.fresh(from.ty(l.results[*k]))).collect();
                for (k, n) in kept.iter().zip(&results) {
                    map[l.results[*k].index()] = Some(*n);
                }
                b.node(Node::Loop(Box::new(Loop { params, init, head, cond, body: Body { nodes, yields }, results })));
            }
        }
    }
}

/// Does something among these nodes reach the world?
pub fn has_effect(nodes: &[Node]) -> bool {
    nodes.iter().any(|n| match n {
        Node::Effect(..) => true,
        Node::Let(_) => false,
        Node::If(i) => has_effect(&i.then.nodes) || has_effect(&i.els.nodes),
        Node::Loop(l) => has_effect(&l.head) || has_effect(&l.body.nodes),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_operations_are_one_and_neutral_ones_none() {
        let mut b = Builder::new("t");
        let x = b.input(In::Probe, 0, Ty::Real);
        let y = b.input(In::Probe, 1, Ty::Real);
        assert_eq!(b.add(x, y), b.add(y, x));
        let zero = b.real(0.0);
        assert_eq!(b.add(x, zero), x);
        let two = b.real(2.0);
        let three = b.real(3.0);
        let six = b.mul(two, three);
        assert_eq!(b.constant(six), Some(Const::Real(6.0)));
        let c = b.bin(BinOp::Lt, x, y);
        assert_eq!(b.select(c, x, x), x);
    }

    #[test]
    fn what_was_numbered_in_a_body_is_forgotten_outside() {
        let mut b = Builder::new("t");
        let x = b.input(In::Probe, 0, Ty::Real);
        b.open();
        let inner = b.un(UnOp::Exp, x);
        let nodes = b.close();
        assert_eq!(nodes.len(), 1);
        assert_ne!(b.un(UnOp::Exp, x), inner);
    }
}
