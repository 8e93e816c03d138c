//! The reference back end: walks a function and computes.

use super::ir::{Const, Def, Func, In, MAX_TRIPS, Node, Op, Sink, TextOp, Ty, Val, eval_bin, eval_un};

/// What a function reads and the world that its effects reach.
pub trait World {
    fn input(&mut self, class: In, index: u32) -> f64;

    fn table(&mut self, table: u32, order: [u8; 3], x: [f64; 3]) -> f64 {
        let _ = (table, order, x);
        0.0
    }

    fn text(&mut self, op: TextOp, x: [f64; 3]) -> f64 {
        let _ = (op, x);
        0.0
    }

    fn effect(&mut self, site: u32, args: &[Const]) {
        let _ = (site, args);
    }
}

impl<F: FnMut(In, u32) -> f64> World for F {
    fn input(&mut self, class: In, index: u32) -> f64 {
        self(class, index)
    }
}

/// Scratch of the interpreter, kept between runs.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    vals: Vec<Const>,
    /// A loop was taken for endless.
    pub is_stuck: bool,
}

impl Machine {
    /// Runs `func`; `out` gets every output.
    pub fn run(&mut self, func: &Func, world: &mut dyn World, out: &mut dyn FnMut(Sink, f64)) {
        self.vals.clear();
        self.vals.resize(func.vals.len(), Const::Real(f64::NAN));
        self.is_stuck = false;
        self.nodes(func, &func.nodes, world);
        for (sink, v) in &func.outputs {
            let stuck = self.is_stuck && func.ty(*v) == Ty::Real;
            out(*sink, if stuck { f64::NAN } else { self.vals[v.index()].to_f64() });
        }
    }

    /// A value of the last run; NaN where it was not computed.
    pub fn value(&self, v: Val) -> Const {
        self.get(v)
    }

    fn get(&self, v: Val) -> Const {
        self.vals[v.index()]
    }

    fn is_true(&self, v: Val) -> bool {
        matches!(self.get(v), Const::Bool(true))
    }

    fn copy(&mut self, to: &[Val], from: &[Val], scratch: &mut Vec<Const>) {
        scratch.clear();
        scratch.extend(from.iter().map(|v| self.get(*v)));
        for (t, c) in to.iter().zip(scratch) {
            self.vals[t.index()] = *c;
        }
    }

    fn nodes(&mut self, func: &Func, nodes: &[Node], world: &mut dyn World) {
        for n in nodes {
            match n {
                Node::Let(v) => {
                    if let Def::Op(op) = &func.vals[v.index()].def {
                        self.vals[v.index()] = self.op(op, world);
                    }
                }
                Node::Effect(site, args) => {
                    let args: Vec<Const> = args.iter().map(|v| self.get(*v)).collect();
                    world.effect(*site, &args);
                }
                Node::If(i) => {
                    let body = if self.is_true(i.cond) { &i.then } else { &i.els };
                    self.nodes(func, &body.nodes, world);
                    self.copy(&i.results, &body.yields, &mut vec![]);
                }
                Node::Loop(l) => {
                    let mut scratch = vec![];
                    self.copy(&l.params, &l.init, &mut scratch);
                    let mut trips = 0;
                    loop {
                        self.nodes(func, &l.head, world);
                        if !self.is_true(l.cond) {
                            break;
                        }
                        self.nodes(func, &l.body.nodes, world);
                        self.copy(&l.params, &l.body.yields, &mut scratch);
                        trips += 1;
                        if trips >= MAX_TRIPS {
                            self.is_stuck = true;
                            break;
                        }
                    }
                    self.copy(&l.results, &l.params, &mut scratch);
                }
            }
        }
    }

    fn op(&self, op: &Op, world: &mut dyn World) -> Const {
        match *op {
            Op::Const(c) => c,
            Op::Input(class, k, ty) => Const::from_f64(world.input(class, k), ty),
            Op::Un(o, a) => eval_un(o, self.get(a)),
            Op::Bin(o, a, b) => eval_bin(o, self.get(a), self.get(b)),
            Op::Select(c, a, b) => self.get(if self.is_true(c) { a } else { b }),
            Op::Fma(a, b, c) => {
                let [a, b, c] = [a, b, c].map(|v| self.get(v).to_f64());
                Const::Real(a.mul_add(b, c))
            }
            Op::Limit(_, _, l) => self.get(l),
            Op::Table(look, x) => {
                let x = x.map(|v| self.get(v).to_f64());
                Const::Real(world.table(look.table, look.order, x))
            }
            Op::Text(o, x) => Const::from_f64(world.text(o, x.map(|v| self.get(v).to_f64())), o.result()),
            Op::Ddt(..) | Op::Noise(_) | Op::Ddx(..) => Const::Real(0.0),
        }
    }
}
