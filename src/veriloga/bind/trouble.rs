//! Why an evaluation has no value: asked after a failure, by the reference back end.
//!
//! A result that is not finite is followed back through the operations that gave it to the one whose operands all were
//! finite; if that is a number that the parameters decide, on into the function that computes those. What the operation
//! stumbled over is named by the parameters and variables behind it.

use std::collections::{BTreeSet, HashMap};

use super::batch::{Evaluation, VaBatch};
use crate::device::{Point, Trouble};
use crate::veriloga::interp::Machine;
use crate::veriloga::ir::{BinOp, Const, Def, Func, In, Node, Op, Out, UnOp, Val, signal};

/// Instances beyond these are not looked at for a loop without end: what is asked at each failure must not take longer than
/// a search.
const MAX_REHEARSED: usize = 1000;
/// Names beyond these are left out.
const MAX_NAMES: usize = 4;

/// Does the function have loops at all?
fn has_loop(nodes: &[Node]) -> bool {
    nodes.iter().any(|n| match n {
        Node::Loop(_) => true,
        Node::If(i) => has_loop(&i.then.nodes) || has_loop(&i.els.nodes),
        Node::Let(_) | Node::Effect(..) => false,
    })
}

/// A function that has run, and where its joined values came from.
struct Run<'a> {
    func: &'a Func,
    machine: &'a Machine,
    sources: HashMap<Val, Vec<Val>>,
}

impl<'a> Run<'a> {
    fn new(func: &'a Func, machine: &'a Machine) -> Self {
        let mut run = Run { func, machine, sources: HashMap::new() };
        run.collect(&func.nodes);
        run
    }

    fn collect(&mut self, nodes: &[Node]) {
        for n in nodes {
            match n {
                Node::Let(_) | Node::Effect(..) => {}
                Node::If(i) => {
                    let taken = matches!(self.machine.value(i.cond), Const::Bool(true));
                    let body = if taken { &i.then } else { &i.els };
                    self.sources.extend(i.results.iter().zip(&body.yields).map(|(r, y)| (*r, vec![*y])));
                    self.collect(&body.nodes);
                }
                Node::Loop(l) => {
                    self.sources.extend(l.results.iter().zip(&l.params).map(|(r, p)| (*r, vec![*p])));
                    let ends = l.init.iter().zip(&l.body.yields);
                    self.sources.extend(l.params.iter().zip(ends).map(|(p, (i, y))| (*p, vec![*y, *i])));
                    self.collect(&l.head);
                    self.collect(&l.body.nodes);
                }
            }
        }
    }

    fn number(&self, v: Val) -> f64 {
        self.machine.value(v).to_f64()
    }

    fn operands(&self, v: Val) -> Vec<Val> {
        let mut list = vec![];
        match &self.func.vals[v.index()].def {
            Def::Op(Op::Select(c, a, b)) => {
                list.push(if matches!(self.machine.value(*c), Const::Bool(true)) { *a } else { *b });
            }
            Def::Op(op) => op.for_each(|x| list.push(x)),
            Def::Joined => list.extend(self.sources.get(&v).into_iter().flatten()),
        }
        list
    }

    /// The operation that made a value of finite ones which is not finite.
    fn culprit(&self, v: Val) -> Option<Val> {
        let mut seen = BTreeSet::new();
        let mut at = v;
        while !self.number(at).is_finite() && seen.insert(at) {
            let Some(next) = self.operands(at).into_iter().find(|x| !self.number(*x).is_finite()) else {
                return Some(at);
            };
            at = next;
        }
        None
    }

    /// Inputs that a value depends on.
    fn leaves(&self, v: Val) -> Vec<(In, u32)> {
        let (mut seen, mut todo, mut found) = (BTreeSet::new(), vec![v], vec![]);
        while let Some(v) = todo.pop() {
            if !seen.insert(v) {
                continue;
            }
            match self.func.op(v) {
                Some(Op::Input(class, k, _)) => found.push((*class, *k)),
                _ => todo.extend(self.operands(v)),
            }
        }
        found
    }

    /// The operation in words, and the operand to look at.
    fn words(&self, v: Val) -> Option<(String, Val)> {
        let n = |v: Val| self.number(v);
        Some(match *self.func.op(v)? {
            Op::Un(UnOp::Ln | UnOp::Log10, a) => (format!("it takes the logarithm of {}", n(a)), a),
            Op::Un(UnOp::Sqrt, a) => (format!("it takes the square root of {}", n(a)), a),
            Op::Un(UnOp::Exp, a) => (format!("exp({:.4}) overflows", n(a)), a),
            Op::Un(o, a) => (format!("it computes {}({})", o.name(), n(a)), a),
            Op::Bin(BinOp::Div, _, b) if n(b) == 0.0 => ("it divides by 0".to_string(), b),
            Op::Bin(BinOp::Pow, a, b) => (format!("it raises {} to the power {}", n(a), n(b)), a),
            Op::Bin(o, a, b) => (format!("it computes {}({:e}, {:e})", o.name(), n(a), n(b)), b),
            _ => return None,
        })
    }
}

impl VaBatch {
    /// The first instance whose evaluation at `x` was given up in a loop.
    pub(super) fn find_endless(&self, at: &Point, x: &[f64], memory: &[f64]) -> Option<usize> {
        if !has_loop(&self.program().eval().nodes) {
            return None;
        }
        let mut machine = Machine::default();
        (0..self.n.min(MAX_REHEARSED)).find(|i| {
            self.rehearse(*i, at, x, memory, &mut machine);
            machine.is_stuck
        })
    }

    /// Evaluates an instance and keeps every value of it in the machine. The first result that is not finite is returned.
    fn rehearse(&self, i: usize, at: &Point, x: &[f64], memory: &[f64], machine: &mut Machine) -> Option<Val> {
        let p = self.program();
        let (no, ns) = (p.lowered.limit_states as usize, p.lowered.signals.len() * signal::COUNT);
        let numbers = self.sim_numbers(at);
        let (old, signals) = memory.split_at(self.n * no);
        let (old, signals) = (&old[i * no..][..no], &signals[i * ns..][..ns]);
        let mut world = Evaluation { batch: self, i, numbers: &numbers, x, old, signals };
        machine.run(p.eval(), &mut world, &mut |_, _| ());
        let matters = |c: Out| matches!(c, Out::F | Out::Q | Out::G | Out::C);
        let mut bad: Vec<_> = p.eval().outputs.iter().filter(|(s, _)| matters(s.class)).collect();
        bad.retain(|(_, v)| !machine.value(*v).to_f64().is_finite());
        bad.iter().min_by_key(|(s, _)| s.class).map(|(_, v)| *v)
    }

    pub(super) fn find_trouble(&self, at: &Point, x: &[f64], memory: &[f64]) -> Option<Trouble> {
        let mut machine = Machine::default();
        (0..self.n).find_map(|i| {
            let bad = self.rehearse(i, at, x, memory, &mut machine)?;
            let run = Run::new(self.program().eval(), &machine);
            let text = run.culprit(bad).and_then(|v| self.describe(i, &run, v))?;
            Some(Trouble { instance: i, text })
        })
    }

    /// What happened, and what is behind it.
    fn describe(&self, i: usize, run: &Run, culprit: Val) -> Option<String> {
        let program = self.program();
        let l = &program.lowered;
        let class = self.class(i);
        let cached = |k: u32| program.setup.outputs.iter().find(|(s, _)| s.class == Out::Cache && s.a == k);
        let mut setup = Machine::default();
        setup.run(&program.setup, &mut |c, k| class.input(c, k, self.temp), &mut |_, _| ());
        let setup = Run::new(&program.setup, &setup);
        let (words, leaves) = match run.func.op(culprit) {
            Some(Op::Input(In::Cache, k, _)) => {
                let v = setup.culprit(cached(*k)?.1)?;
                let (words, a) = setup.words(v)?;
                (words, setup.leaves(a))
            }
            Some(Op::Input(In::Hidden, k, _)) => {
                let name = l.cells.get(*k as usize).map_or("a variable", |c| &c.name);
                return Some(format!("`{name}`, which keeps its value, is no finite number"));
            }
            _ => {
                let (words, a) = run.words(culprit)?;
                let mut leaves = vec![];
                for (class, k) in run.leaves(a) {
                    match (class, cached(k)) {
                        (In::Cache, Some((_, v))) => leaves.extend(setup.leaves(*v)),
                        _ => leaves.push((class, k)),
                    }
                }
                (words, leaves)
            }
        };
        let (mut zeros, mut others) = (BTreeSet::new(), BTreeSet::new());
        for (class_of, k) in leaves {
            let at = k as usize;
            let (name, value) = match class_of {
                In::Param => (format!("parameter `{}`", self.dev.param_names.get(at)?), class.values.get(at).copied()?),
                In::Hidden => {
                    let value = self.hidden.get(i * l.cells.len() + at).copied()?;
                    (format!("`{}`, read before it is assigned,", l.cells.get(at)?.name), value)
                }
                _ => continue,
            };
            if value == 0.0 {
                zeros.insert(name)
            } else {
                others.insert(name)
            };
        }
        let list = |names: &BTreeSet<String>| {
            names.iter().take(MAX_NAMES).map(|n| n.trim_end_matches(',').to_string()).collect::<Vec<_>>().join(", ")
        };
        Some(match (zeros.len(), others.len()) {
            (0, 0) => words,
            (0, _) => format!("{words}, which depends on {}", list(&others)),
            (1, _) => format!("{words}: {} is 0", zeros.iter().next()?),
            _ => format!("{words}; these are 0: {}", list(&zeros)),
        })
    }
}
