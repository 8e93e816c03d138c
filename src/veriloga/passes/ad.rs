//! Forward-mode differentiation of a function, sparse in its variables.
//!
//! Each value on the way to a wanted result carries the derivatives with respect to those variables that it depends on;
//! the chain rule is written as further operations right behind the operation that it belongs to, so that folding and value
//! numbering see both. Where a rule would give 0/0 at the edge of a domain (sqrt, pow, hypot at 0) the derivative is 0.
//! `ddx` is the same machinery run first, so that the Jacobian of an expression with `ddx` is of second order.

use super::live::Deps;
use crate::veriloga::ir::{
    BinOp, Body, Builder, Const, Func, If, In, Lookup, Loop, Node, Op, Ty, UnOp, Val, env, mapped,
};

/// A variable of differentiation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Var {
    Probe(u32),
    /// The value of a limited quantity, by site.
    Limited(u32),
    /// The value of a `ddt`, by site.
    Ddt(u32),
    Noise(u32),
    /// K
    Temperature,
}

/// Stands for the temperature where a direction names probes.
pub const TEMPERATURE: u32 = u32::MAX;

/// Derivatives of one value, by variable in ascending order; what is missing is zero.
pub type Derivatives = Vec<(Var, Val)>;

/// The function being rebuilt, where its values went, and the derivatives of the wanted ones (by old value).
pub struct Differentiated {
    pub builder: Builder,
    pub map: Vec<Option<Val>>,
    derivatives: Vec<Derivatives>,
}

impl Differentiated {
    pub fn of(&self, old: Val) -> &[(Var, Val)] {
        &self.derivatives[old.index()]
    }

    pub fn value(&self, old: Val) -> Val {
        mapped(&self.map, old)
    }
}

/// The variable that an operation is.
fn seed(op: &Op) -> Option<Var> {
    match op {
        Op::Input(In::Probe, k, _) => Some(Var::Probe(*k)),
        Op::Limit(k, ..) => Some(Var::Limited(*k)),
        Op::Ddt(k, _) => Some(Var::Ddt(*k)),
        Op::Noise(k) => Some(Var::Noise(*k)),
        Op::Input(In::Env, env::TEMPERATURE, _) => Some(Var::Temperature),
        _ => None,
    }
}

/// Rebuilds `func` with the derivatives of `roots` with respect to the variables that `wants` picks.
pub fn differentiate(func: &Func, roots: &[Val], wants: &dyn Fn(Var) -> bool) -> Differentiated {
    Ad::new(func, roots.iter().copied(), wants, vec![]).run()
}

/// Replaces every `ddx` by the derivative that it stands for, innermost first.
pub fn resolve_ddx(func: Func) -> Func {
    let mut func = func;
    loop {
        let is_ddx = |f: &Func, v: Val| matches!(f.op(v), Some(Op::Ddx(..)));
        let all: Vec<Val> = (0..func.vals.len() as u32).map(Val).filter(|v| is_ddx(&func, *v)).collect();
        if all.is_empty() {
            return func;
        }
        let operand = |v: Val| match func.op(v) {
            Some(Op::Ddx(_, a)) => *a,
            _ => v,
        };
        let nested = Deps::new(&func, false).sources(1, |v| is_ddx(&func, v).then_some(0));
        let innermost: Vec<Val> = all.iter().copied().filter(|v| nested[operand(*v).index()] == 0).collect();
        let roots: Vec<Val> = innermost.iter().map(|v| operand(*v)).collect();
        // A derivative inside of its own loop has no innermost one: there nothing can be resolved, and it counts as zero.
        let resolve = if innermost.is_empty() { all } else { innermost };
        let mut probes: Vec<u32> = vec![];
        for v in &resolve {
            if let Some(Op::Ddx(k, _)) = func.op(*v) {
                probes.extend(func.directions[*k as usize].iter().map(|d| d.0));
            }
        }
        probes.sort_unstable();
        let wants = |v: Var| match v {
            Var::Probe(p) => probes.binary_search(&p).is_ok(),
            Var::Temperature => probes.binary_search(&TEMPERATURE).is_ok(),
            _ => false,
        };
        let done = Ad::new(&func, roots.into_iter(), &wants, resolve).run();
        let mut next = done.builder;
        for (s, v) in &func.outputs {
            next.output(*s, mapped(&done.map, *v));
        }
        func = next.finish().checked("ddx");
    }
}

struct Ad<'a> {
    func: &'a Func,
    b: Builder,
    map: Vec<Option<Val>>,
    wanted: Vec<bool>,
    wants: &'a dyn Fn(Var) -> bool,
    /// The variables wanted, ascending.
    vars: Vec<Var>,
    /// Variables that a value may depend on, as bits: `words` numbers a value.
    support: Vec<u64>,
    words: usize,
    d: Vec<Derivatives>,
    /// `ddx` operations to be replaced.
    resolve: Vec<bool>,
}

impl<'a> Ad<'a> {
    fn new(
        func: &'a Func,
        roots: impl Iterator<Item = Val>,
        wants: &'a dyn Fn(Var) -> bool,
        resolve: Vec<Val>,
    ) -> Ad<'a> {
        let wanted = Deps::new(func, false).cone(roots);
        let n = func.vals.len();
        let mut b = Builder::like(func);
        b.func.directions.clone_from(&func.directions);
        let mut vars: Vec<Var> = (0..n as u32)
            .map(Val)
            .filter(|v| wanted[v.index()])
            .filter_map(|v| func.op(v).and_then(seed).filter(|x| wants(*x)))
            .collect();
        vars.sort_unstable();
        vars.dedup();
        let words = vars.len().div_ceil(64);
        let mut marked = vec![false; n];
        resolve.iter().for_each(|v| marked[v.index()] = true);
        let mut ad = Ad {
            func,
            b,
            map: vec![None; n],
            wanted,
            wants,
            vars,
            support: vec![0; n * words],
            words,
            d: vec![vec![]; n],
            resolve: marked,
        };
        ad.supports(&func.nodes);
        ad
    }

    fn run(mut self) -> Differentiated {
        let func = self.func;
        self.nodes(&func.nodes);
        Differentiated { builder: self.b, map: self.map, derivatives: self.d }
    }

    /// Spreads the supports through nodes; true if something was added.
    fn supports(&mut self, nodes: &[Node]) -> bool {
        let mut changed = false;
        for n in nodes {
            match n {
                Node::Effect(..) => {}
                Node::Let(v) => {
                    let Some(op) = self.func.op(*v) else { continue };
                    if self.func.ty(*v) != Ty::Real || !self.wanted[v.index()] {
                        continue;
                    }
                    if let Some(k) = seed(op).and_then(|var| self.vars.binary_search(&var).ok()) {
                        let word = &mut self.support[v.index() * self.words + k / 64];
                        let new = *word | 1 << (k % 64);
                        changed |= new != *word;
                        *word = new;
                    }
                    if !matches!(op, Op::Limit(..) | Op::Ddt(..)) {
                        op.for_each(|x| changed |= self.flow(*v, x));
                    }
                }
                Node::If(i) => {
                    changed |= self.supports(&i.then.nodes);
                    changed |= self.supports(&i.els.nodes);
                    for (k, r) in i.results.iter().enumerate() {
                        changed |= self.flow(*r, i.then.yields[k]);
                        changed |= self.flow(*r, i.els.yields[k]);
                    }
                }
                Node::Loop(l) => {
                    for (p, i) in l.params.iter().zip(&l.init) {
                        changed |= self.flow(*p, *i);
                    }
                    loop {
                        let mut again = self.supports(&l.head);
                        again |= self.supports(&l.body.nodes);
                        for (p, y) in l.params.iter().zip(&l.body.yields) {
                            again |= self.flow(*p, *y);
                        }
                        changed |= again;
                        if !again {
                            break;
                        }
                    }
                    for (r, p) in l.results.iter().zip(&l.params) {
                        changed |= self.flow(*r, *p);
                    }
                }
            }
        }
        changed
    }

    fn flow(&mut self, to: Val, from: Val) -> bool {
        if self.func.ty(to) != Ty::Real || !self.wanted[to.index()] {
            return false;
        }
        let mut changed = false;
        for w in 0..self.words {
            let old = self.support[to.index() * self.words + w];
            let new = old | self.support[from.index() * self.words + w];
            self.support[to.index() * self.words + w] = new;
            changed |= new != old;
        }
        changed
    }

    /// Variables whose derivatives a value carries.
    fn carried(&self, v: Val) -> Vec<Var> {
        let words = &self.support[v.index() * self.words..(v.index() + 1) * self.words];
        let mut out = vec![];
        for (w, word) in words.iter().enumerate() {
            let mut left = *word;
            while left != 0 {
                out.push(self.vars[w * 64 + left.trailing_zeros() as usize]);
                left &= left - 1;
            }
        }
        out
    }

    fn has_support(&self, v: Val) -> bool {
        self.support[v.index() * self.words..(v.index() + 1) * self.words].iter().any(|w| *w != 0)
    }

    fn derivative(&self, v: Val, var: Var) -> Option<Val> {
        let d = &self.d[v.index()];
        d.binary_search_by_key(&var, |x| x.0).ok().map(|k| d[k].1)
    }

    fn store(&mut self, v: Val, var: Var, d: Val) {
        if self.b.constant(d) != Some(Const::Real(0.0)) {
            self.put(v, var, d);
        }
    }

    fn put(&mut self, v: Val, var: Var, d: Val) {
        let list = &mut self.d[v.index()];
        match list.binary_search_by_key(&var, |x| x.0) {
            Ok(k) => list[k].1 = d,
            Err(k) => list.insert(k, (var, d)),
        }
    }

    fn nodes(&mut self, nodes: &[Node]) {
        for n in nodes {
            match n {
                Node::Let(v) => self.operation(*v),
                Node::Effect(k, args) => {
                    let args = args.iter().map(|v| mapped(&self.map, *v)).collect();
                    self.b.node(Node::Effect(*k, args));
                }
                Node::If(i) => self.branch(i),
                Node::Loop(l) => self.repetition(l),
            }
        }
    }

    fn branch(&mut self, i: &If) {
        let cond = mapped(&self.map, i.cond);
        let extra: Vec<(usize, Var)> =
            i.results.iter().enumerate().flat_map(|(k, r)| self.carried(*r).into_iter().map(move |v| (k, v))).collect();
        let mut bodies = [(vec![], vec![]), (vec![], vec![])];
        for (body, out) in [&i.then, &i.els].into_iter().zip(&mut bodies) {
            self.b.open();
            self.nodes(&body.nodes);
            let mut yields: Vec<Val> = body.yields.iter().map(|v| mapped(&self.map, *v)).collect();
            for (k, var) in &extra {
                let d = self.derivative(body.yields[*k], *var);
                yields.push(d.unwrap_or_else(|| self.b.real(0.0)));
            }
            *out = (self.b.close(), yields);
        }
        let [(tn, ty), (en, ey)] = bodies;
        let out = self.b.join(cond, tn, ty, en, ey);
        let (values, derivatives) = out.split_at(i.results.len());
        for (r, v) in i.results.iter().zip(values) {
            self.map[r.index()] = Some(*v);
        }
        for ((k, var), d) in extra.iter().zip(derivatives) {
            self.store(i.results[*k], *var, *d);
        }
    }

    fn repetition(&mut self, l: &Loop) {
        let extra: Vec<(usize, Var)> =
            l.params.iter().enumerate().flat_map(|(k, p)| self.carried(*p).into_iter().map(move |v| (k, v))).collect();
        let mut init: Vec<Val> = l.init.iter().map(|v| mapped(&self.map, *v)).collect();
        let mut params: Vec<Val> = l.params.iter().map(|p| self.b.fresh(self.func.ty(*p))).collect();
        for (p, n) in l.params.iter().zip(&params) {
            self.map[p.index()] = Some(*n);
        }
        for (k, var) in &extra {
            let d = self.derivative(l.init[*k], *var);
            init.push(d.unwrap_or_else(|| self.b.real(0.0)));
            let p = self.b.fresh(Ty::Real);
            params.push(p);
            self.put(l.params[*k], *var, p);
        }
        self.b.open();
        self.nodes(&l.head);
        let cond = mapped(&self.map, l.cond);
        self.b.open();
        self.nodes(&l.body.nodes);
        let mut yields: Vec<Val> = l.body.yields.iter().map(|v| mapped(&self.map, *v)).collect();
        for (k, var) in &extra {
            let d = self.derivative(l.body.yields[*k], *var);
            yields.push(d.unwrap_or_else(|| self.b.real(0.0)));
        }
        let nodes = self.b.close();
        let head = self.b.close();
        let results: Vec<Val> =
            params.iter().map(|p| self.b.ty(*p)).collect::<Vec<_>>().into_iter().map(|t| self.b.fresh(t)).collect();
        for (r, n) in l.results.iter().zip(&results) {
            self.map[r.index()] = Some(*n);
        }
        for ((k, var), d) in extra.iter().zip(&results[l.results.len()..]) {
            self.put(l.results[*k], *var, *d);
        }
        self.b.node(Node::Loop(Box::new(Loop { params, init, head, cond, body: Body { nodes, yields }, results })));
    }

    fn operation(&mut self, v: Val) {
        let Some(op) = self.func.op(v) else { return };
        if let Op::Ddx(k, a) = op
            && self.resolve[v.index()]
        {
            let mut sum = self.b.real(0.0);
            for (probe, c) in self.func.directions[*k as usize].clone() {
                let var = if probe == TEMPERATURE { Var::Temperature } else { Var::Probe(probe) };
                if let Some(d) = self.derivative(*a, var) {
                    let c = self.b.real(c);
                    let term = self.b.mul(c, d);
                    sum = self.b.add(sum, term);
                }
            }
            self.map[v.index()] = Some(sum);
            return;
        }
        let r = {
            let map = &self.map;
            self.b.op(op.map(|x| mapped(map, x)))
        };
        self.map[v.index()] = Some(r);
        if !self.wanted[v.index()] || self.func.ty(v) != Ty::Real {
            return;
        }
        if let Some(var) = seed(op) {
            if (self.wants)(var) {
                let one = self.b.real(1.0);
                self.store(v, var, one);
            }
            return;
        }
        if !self.has_support(v) {
            return;
        }
        match *op {
            Op::Un(o, a) => {
                let Some(p) = self.partial(o, mapped(&self.map, a), r) else { return };
                // exp(-b/|x|) of tunnelling is flat at x = 0, where the slope of its argument is infinite: 0, not 0 inf.
                let flat = (o == UnOp::Exp && self.has_pole(a, 6)).then(|| {
                    let zero = self.b.real(0.0);
                    self.b.bin(BinOp::Eq, r, zero)
                });
                for k in 0..self.d[a.index()].len() {
                    let (var, d) = self.d[a.index()][k];
                    let mut x = self.b.mul(p, d);
                    if let Some(flat) = flat {
                        let zero = self.b.real(0.0);
                        x = self.b.select(flat, zero, x);
                    }
                    self.store(v, var, x);
                }
            }
            Op::Bin(o, a, b) => self.binary(v, o, a, b, r),
            Op::Select(c, a, b) => {
                let c = mapped(&self.map, c);
                for var in self.union(a, b) {
                    let (da, db) = (self.derivative(a, var), self.derivative(b, var));
                    if da.is_none() && db.is_none() {
                        continue;
                    }
                    let zero = self.b.real(0.0);
                    let x = self.b.select(c, da.unwrap_or(zero), db.unwrap_or(zero));
                    self.store(v, var, x);
                }
            }
            Op::Table(look, inputs) => {
                for (k, x) in inputs.iter().enumerate() {
                    let derivatives = self.d[x.index()].clone();
                    if derivatives.is_empty() {
                        continue;
                    }
                    let mut order = look.order;
                    order[k] = order[k].saturating_add(1);
                    let at = inputs.map(|x| mapped(&self.map, x));
                    let p = self.b.op(Op::Table(Lookup { order, ..look }, at));
                    for (var, d) in derivatives {
                        let mut sum = self.b.mul(p, d);
                        if let Some(old) = self.derivative(v, var) {
                            sum = self.b.add(old, sum);
                        }
                        self.put(v, var, sum);
                    }
                }
            }
            _ => {}
        }
    }

    /// May a value become infinite because something that moves divides it? Looks a few operations up.
    fn has_pole(&self, v: Val, depth: u32) -> bool {
        if depth == 0 {
            return false;
        }
        match self.func.op(v) {
            Some(Op::Bin(BinOp::Div, x, y)) => !self.d[y.index()].is_empty() || self.has_pole(*x, depth - 1),
            Some(Op::Bin(BinOp::Add | BinOp::Sub | BinOp::Mul, x, y) | Op::Select(_, x, y)) => {
                self.has_pole(*x, depth - 1) || self.has_pole(*y, depth - 1)
            }
            Some(Op::Un(UnOp::Neg, x)) => self.has_pole(*x, depth - 1),
            _ => false,
        }
    }

    /// Variables of which at least one of two values has a derivative.
    fn union(&self, a: Val, b: Val) -> Vec<Var> {
        let (a, b) = (&self.d[a.index()], &self.d[b.index()]);
        let mut out = Vec::with_capacity(a.len() + b.len());
        let (mut i, mut j) = (0, 0);
        while i < a.len() || j < b.len() {
            let (x, y) = (a.get(i).map(|d| d.0), b.get(j).map(|d| d.0));
            let least = match (x, y) {
                (Some(x), Some(y)) => x.min(y),
                (Some(v), None) | (None, Some(v)) => v,
                (None, None) => break,
            };
            i += usize::from(x == Some(least));
            j += usize::from(y == Some(least));
            out.push(least);
        }
        out
    }

    /// dr/dx of an operation of one operand.
    fn partial(&mut self, op: UnOp, x: Val, r: Val) -> Option<Val> {
        let b = &mut self.b;
        let one = b.real(1.0);
        let zero = b.real(0.0);
        Some(match op {
            UnOp::Neg => b.real(-1.0),
            UnOp::Abs => {
                let minus = b.real(-1.0);
                let c = b.bin(BinOp::Lt, x, zero);
                b.select(c, minus, one)
            }
            UnOp::Sqrt => {
                let half = b.real(0.5);
                let c = b.bin(BinOp::Lt, zero, r);
                let q = b.div(half, r);
                b.select(c, q, zero)
            }
            UnOp::Exp => r,
            UnOp::Expm1 => b.add(r, one),
            UnOp::Log1p => {
                let s = b.add(one, x);
                b.div(one, s)
            }
            UnOp::Ln => b.div(one, x),
            UnOp::Log10 => {
                let k = b.real(std::f64::consts::LOG10_E);
                b.div(k, x)
            }
            UnOp::Sin => b.un(UnOp::Cos, x),
            UnOp::Cos => {
                let s = b.un(UnOp::Sin, x);
                b.neg(s)
            }
            UnOp::Tan => {
                let s = b.mul(r, r);
                b.add(one, s)
            }
            UnOp::Asin | UnOp::Acos => {
                let s = b.mul(x, x);
                let s = b.sub(one, s);
                let s = b.un(UnOp::Sqrt, s);
                let k = if op == UnOp::Asin { one } else { b.real(-1.0) };
                b.div(k, s)
            }
            UnOp::Atan => {
                let s = b.mul(x, x);
                let s = b.add(one, s);
                b.div(one, s)
            }
            UnOp::Sinh => b.un(UnOp::Cosh, x),
            UnOp::Cosh => b.un(UnOp::Sinh, x),
            UnOp::Tanh => {
                let s = b.mul(r, r);
                b.sub(one, s)
            }
            UnOp::Asinh | UnOp::Acosh => {
                let s = b.mul(x, x);
                let s = if op == UnOp::Asinh { b.add(s, one) } else { b.sub(s, one) };
                let s = b.un(UnOp::Sqrt, s);
                b.div(one, s)
            }
            UnOp::Atanh => {
                let s = b.mul(x, x);
                let s = b.sub(one, s);
                b.div(one, s)
            }
            // Steps: flat where they have a slope.
            UnOp::Floor | UnOp::Ceil => return None,
            UnOp::INeg | UnOp::INot | UnOp::Not | UnOp::IToF | UnOp::FToI | UnOp::BToI => return None,
        })
    }

    fn binary(&mut self, v: Val, op: BinOp, a: Val, b: Val, r: Val) {
        let (x, y) = (mapped(&self.map, a), mapped(&self.map, b));
        let vars = self.union(a, b);
        let (has_a, has_b) = (!self.d[a.index()].is_empty(), !self.d[b.index()].is_empty());
        let (pa, pb) = self.partials(op, x, y, r, has_a, has_b);
        for var in vars {
            let mut sum: Option<Val> = None;
            for (p, w) in [(pa, a), (pb, b)] {
                if let (Some(p), Some(d)) = (p, self.derivative(w, var)) {
                    let term = self.b.mul(p, d);
                    sum = Some(match sum {
                        Some(s) => self.b.add(s, term),
                        None => term,
                    });
                }
            }
            if let Some(s) = sum {
                self.store(v, var, s);
            }
        }
    }

    /// dr/dx and dr/dy, as far as they are needed.
    fn partials(&mut self, op: BinOp, x: Val, y: Val, r: Val, a: bool, c: bool) -> (Option<Val>, Option<Val>) {
        let b = &mut self.b;
        let one = b.real(1.0);
        let zero = b.real(0.0);
        match op {
            BinOp::Add => (Some(one), Some(one)),
            BinOp::Sub => {
                let minus = b.real(-1.0);
                (Some(one), Some(minus))
            }
            BinOp::Mul => (Some(y), Some(x)),
            BinOp::Div => {
                let inv = b.div(one, y);
                let py = c.then(|| {
                    let q = b.mul(r, inv);
                    b.neg(q)
                });
                (Some(inv), py)
            }
            BinOp::Rem => {
                let py = c.then(|| {
                    let q = b.sub(r, x);
                    b.div(q, y)
                });
                (Some(one), py)
            }
            BinOp::Pow => {
                let px = a.then(|| {
                    // y r / x; at x = 0 the limit for y = 1, else 0.
                    let q = b.mul(y, r);
                    let q = b.div(q, x);
                    let is_one = b.bin(BinOp::Eq, y, one);
                    let edge = b.select(is_one, one, zero);
                    let is_zero = b.bin(BinOp::Eq, x, zero);
                    b.select(is_zero, edge, q)
                });
                let py = c.then(|| {
                    let l = b.un(UnOp::Ln, x);
                    let q = b.mul(r, l);
                    let c = b.bin(BinOp::Lt, zero, x);
                    b.select(c, q, zero)
                });
                (px, py)
            }
            BinOp::Atan2 => {
                let xx = b.mul(x, x);
                let yy = b.mul(y, y);
                let s = b.add(xx, yy);
                let s = b.div(one, s);
                let px = b.mul(y, s);
                let py = b.mul(x, s);
                (Some(px), Some(b.neg(py)))
            }
            BinOp::Hypot => {
                let c = b.bin(BinOp::Lt, zero, r);
                let inv = b.div(one, r);
                let inv = b.select(c, inv, zero);
                (Some(b.mul(x, inv)), Some(b.mul(y, inv)))
            }
            // Random draws and comparisons have no slope.
            _ => (None, None),
        }
    }
}
