//! What holds for every function between passes: each value is defined once and before it is used, in a scope that is
//! open there; types agree; bodies yield what their node promises.

use super::{Body, Def, Func, Node, Op, Ty, Val};

struct Verifier<'a> {
    func: &'a Func,
    visible: Vec<bool>,
    defined: Vec<bool>,
    scope: Vec<Val>,
}

type Res = Result<(), String>;

/// The first fault found.
pub fn verify(func: &Func) -> Res {
    let n = func.vals.len();
    let mut v = Verifier { func, visible: vec![false; n], defined: vec![false; n], scope: vec![] };
    v.nodes(&func.nodes)?;
    for (s, val) in &func.outputs {
        v.used(*val)?;
        if func.outputs.iter().filter(|(o, _)| o == s).count() > 1 {
            return Err(format!("output {} {} {} is given twice", s.class.name(), s.a, s.b));
        }
    }
    Ok(())
}

impl Verifier<'_> {
    fn used(&self, v: Val) -> Res {
        match self.visible.get(v.index()) {
            Some(true) => Ok(()),
            _ => Err(format!("{v} is used where it is not defined")),
        }
    }

    fn typed(&self, v: Val, ty: Ty) -> Res {
        self.used(v)?;
        if self.func.ty(v) == ty { Ok(()) } else { Err(format!("{v} is {}, not {ty}", self.func.ty(v))) }
    }

    fn define(&mut self, v: Val) -> Res {
        match self.defined.get_mut(v.index()) {
            Some(d) if !*d => *d = true,
            _ => return Err(format!("{v} is defined twice")),
        }
        self.visible[v.index()] = true;
        self.scope.push(v);
        Ok(())
    }

    fn close(&mut self, mark: usize) {
        for v in self.scope.drain(mark..) {
            self.visible[v.index()] = false;
        }
    }

    fn yields(&self, body: &Body, to: &[Val]) -> Res {
        if body.yields.len() != to.len() {
            return Err(format!("{} values yielded for {}", body.yields.len(), to.len()));
        }
        body.yields.iter().zip(to).try_for_each(|(y, r)| self.typed(*y, self.func.ty(*r)))
    }

    fn joined(&self, vals: &[Val]) -> Res {
        let bad = vals.iter().find(|v| self.func.op(**v).is_some());
        bad.map_or(Ok(()), |v| Err(format!("{v} is a result and an operation")))
    }

    fn nodes(&mut self, nodes: &[Node]) -> Res {
        nodes.iter().try_for_each(|n| self.node(n))
    }

    fn node(&mut self, node: &Node) -> Res {
        match node {
            Node::Let(v) => {
                let Def::Op(op) = &self.func.vals[v.index()].def else {
                    return Err(format!("{v} has no operation"));
                };
                self.op(*v, op)?;
                self.define(*v)
            }
            Node::Effect(_, args) => args.iter().try_for_each(|v| self.used(*v)),
            Node::If(i) => {
                self.typed(i.cond, Ty::Bool)?;
                for body in [&i.then, &i.els] {
                    let mark = self.scope.len();
                    self.nodes(&body.nodes)?;
                    self.yields(body, &i.results)?;
                    self.close(mark);
                }
                self.joined(&i.results)?;
                i.results.iter().try_for_each(|r| self.define(*r))
            }
            Node::Loop(l) => {
                if l.params.len() != l.init.len() || l.params.len() != l.results.len() {
                    return Err("a loop with unequal parameters, values and results".into());
                }
                for ((p, i), r) in l.params.iter().zip(&l.init).zip(&l.results) {
                    self.typed(*i, self.func.ty(*p))?;
                    if self.func.ty(*r) != self.func.ty(*p) {
                        return Err(format!("{r} and {p} differ in type"));
                    }
                }
                self.joined(&l.params)?;
                self.joined(&l.results)?;
                let mark = self.scope.len();
                l.params.iter().try_for_each(|p| self.define(*p))?;
                self.nodes(&l.head)?;
                self.typed(l.cond, Ty::Bool)?;
                self.nodes(&l.body.nodes)?;
                self.yields(&l.body, &l.params)?;
                self.close(mark);
                l.results.iter().try_for_each(|r| self.define(*r))
            }
        }
    }

    fn op(&self, v: Val, op: &Op) -> Res {
        match op {
            Op::Const(_) | Op::Input(..) | Op::Noise(_) => {}
            Op::Un(o, a) => self.typed(*a, o.operand())?,
            Op::Bin(o, a, b) => [a, b].into_iter().try_for_each(|x| self.typed(*x, o.operand()))?,
            Op::Select(c, a, b) => {
                self.typed(*c, Ty::Bool)?;
                self.used(*a)?;
                self.typed(*b, self.func.ty(*a))?;
            }
            Op::Fma(a, b, c) => [a, b, c].into_iter().try_for_each(|x| self.typed(*x, Ty::Real))?,
            Op::Ddt(_, a) => self.typed(*a, Ty::Real)?,
            Op::Limit(_, a, b) => [a, b].into_iter().try_for_each(|x| self.typed(*x, Ty::Real))?,
            Op::Table(_, x) => x.iter().try_for_each(|x| self.typed(*x, Ty::Real))?,
            Op::Text(_, x) => x.iter().try_for_each(|x| self.used(*x))?,
            Op::Ddx(k, a) => {
                self.typed(*a, Ty::Real)?;
                if *k as usize >= self.func.directions.len() {
                    return Err(format!("{v} has no direction {k}"));
                }
            }
        }
        if self.func.op_type(op) == self.func.ty(v) { Ok(()) } else { Err(format!("{v} has the wrong type")) }
    }
}
