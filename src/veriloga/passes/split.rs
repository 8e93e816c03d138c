//! Setup and evaluation apart: what depends only on parameters and temperature is computed once.
//!
//! A value is invariant if all that it is made of is: constants, parameters, the temperature. Setup computes every
//! invariant value that the rest needs, speculatively (both bodies of every `if`), and stores it in a slot; the evaluation
//! reads slots. A loop counts as a whole.

use super::live::prune;
use crate::veriloga::ir::{Builder, Func, In, Keep, Loop, Node, Op, Out, Sink, Val, copy_nodes, has_effect, mapped};

/// Is this input the same at every evaluation?
pub fn is_invariant_input(class: In) -> bool {
    matches!(class, In::Param | In::Given | In::Connected | In::Env | In::Cache)
}

/// Which values are invariant.
pub fn invariants(func: &Func) -> Vec<bool> {
    let mut inv = vec![false; func.vals.len()];
    mark(func, &func.nodes, &mut inv);
    inv
}

fn mark(func: &Func, nodes: &[Node], inv: &mut [bool]) {
    for n in nodes {
        match n {
            Node::Effect(..) => {}
            Node::Let(v) => {
                let Some(op) = func.op(*v) else { continue };
                inv[v.index()] = match op {
                    Op::Const(_) => true,
                    Op::Input(class, ..) => is_invariant_input(*class),
                    Op::Ddt(..) | Op::Noise(_) | Op::Limit(..) | Op::Ddx(..) | Op::Table(..) => false,
                    _ => {
                        let mut all = true;
                        op.for_each(|x| all &= inv[x.index()]);
                        all
                    }
                };
            }
            Node::If(i) => {
                mark(func, &i.then.nodes, inv);
                mark(func, &i.els.nodes, inv);
                for (k, r) in i.results.iter().enumerate() {
                    let (a, b) = (i.then.yields[k], i.els.yields[k]);
                    inv[r.index()] = inv[i.cond.index()] && inv[a.index()] && inv[b.index()];
                }
            }
            Node::Loop(l) => {
                let start = l.init.iter().all(|v| inv[v.index()]);
                for p in &l.params {
                    inv[p.index()] = start;
                }
                mark(func, &l.head, inv);
                mark(func, &l.body.nodes, inv);
                let fixed = start && inv[l.cond.index()] && l.body.yields.iter().all(|v| inv[v.index()]);
                let whole = fixed && !speaks(l);
                if !whole {
                    l.params.iter().for_each(|p| inv[p.index()] = false);
                    mark(func, &l.head, inv);
                    mark(func, &l.body.nodes, inv);
                }
                l.results.iter().for_each(|r| inv[r.index()] = whole);
            }
        }
    }
}

/// Does a loop do something that happens at every accepted point?
fn speaks(l: &Loop) -> bool {
    has_effect(&l.head) || has_effect(&l.body.nodes)
}

/// Is a loop computed once, as a whole?
fn is_whole(l: &Loop, inv: &[bool]) -> bool {
    !l.results.is_empty() && !speaks(l) && l.results.iter().all(|r| inv[r.index()])
}

/// What `split` gives: setup (outputs `Cache`) and the rest (inputs `Cache`), and the number of slots.
pub struct Split {
    pub setup: Func,
    pub rest: Func,
    pub slots: usize,
}

/// Outputs that setup gives: facts of the topology, points of tables.
fn is_setup(class: Out) -> bool {
    matches!(class, Out::Flag | Out::Table)
}

/// Splits; see [`is_setup`].
pub fn split(func: &Func) -> Split {
    let inv = invariants(func);
    // Values inside of an invariant loop exist in the loop only.
    let mut inner = vec![false; func.vals.len()];
    mark_loops(&func.nodes, &inv, false, &mut inner);
    let storable = |v: Val| inv[v.index()] && !inner[v.index()] && !matches!(func.op(v), Some(Op::Const(_)));

    // Evaluation: what it reads of the storable values becomes an input.
    let is_constant = |k: usize| matches!(func.op(Val(k as u32)), Some(Op::Const(_)));
    let mut live: Vec<bool> = inv.iter().map(|i| !i).collect();
    let mut is_read = vec![false; func.vals.len()];
    let varying = Keep { live: Some(&live), effects: true };
    varying.for_each_read(func, &func.nodes, &mut |v| is_read[v.index()] = true);
    let outputs = || func.outputs.iter().filter(|(s, _)| !is_setup(s.class));
    outputs().for_each(|(_, v)| is_read[v.index()] = true);
    let stored: Vec<Val> =
        (0..func.vals.len() as u32).map(Val).filter(|v| is_read[v.index()] && storable(*v)).collect();
    (0..live.len()).for_each(|k| live[k] |= is_read[k] && is_constant(k));
    let keep = Keep { live: Some(&live), effects: true };
    let mut b = Builder::like(func);
    let mut map: Vec<Option<Val>> = vec![None; func.vals.len()];
    for (k, v) in stored.iter().enumerate() {
        map[v.index()] = Some(b.input(In::Cache, k as u32, func.ty(*v)));
    }
    copy_nodes(&mut b, &mut map, func, &func.nodes, &keep, &mut |b, map, _, op| b.op(op.map(|x| mapped(map, x))));
    for (s, v) in outputs() {
        b.output(*s, mapped(&map, *v));
    }
    let rest = b.finish().checked("split, evaluation");

    let mut s = Builder::new("setup");
    s.convert = u32::MAX;
    let mut map: Vec<Option<Val>> = vec![None; func.vals.len()];
    copy_invariant(&mut s, &mut map, func, &func.nodes, &inv);
    for (k, v) in stored.iter().enumerate() {
        s.output(Sink::new(Out::Cache, k as u32), mapped(&map, *v));
    }
    for (sink, v) in func.outputs.iter().filter(|(s, _)| is_setup(s.class)) {
        if inv[v.index()] {
            s.output(*sink, mapped(&map, *v));
        }
    }
    let setup = prune(&s.finish(), |_| true, false, u32::MAX).checked("split, setup");
    Split { setup, rest, slots: stored.len() }
}

fn mark_loops(nodes: &[Node], inv: &[bool], inside: bool, inner: &mut [bool]) {
    for n in nodes {
        match n {
            Node::Effect(..) => {}
            Node::Let(v) => inner[v.index()] = inside,
            Node::If(i) => {
                mark_loops(&i.then.nodes, inv, inside, inner);
                mark_loops(&i.els.nodes, inv, inside, inner);
                i.results.iter().for_each(|r| inner[r.index()] = inside);
            }
            Node::Loop(l) => {
                // In a loop that varies, what does not depend on its parameters may move out.
                let whole = is_whole(l, inv);
                let inside_now = inside || whole;
                l.params.iter().for_each(|p| inner[p.index()] = true);
                mark_loops(&l.head, inv, inside_now, inner);
                mark_loops(&l.body.nodes, inv, inside_now, inner);
                l.results.iter().for_each(|r| inner[r.index()] = inside);
            }
        }
    }
}

/// Copies what is invariant; bodies that are entered conditionally are computed always.
fn copy_invariant(b: &mut Builder, map: &mut [Option<Val>], func: &Func, nodes: &[Node], inv: &[bool]) {
    for n in nodes {
        match n {
            Node::Effect(..) => {}
            Node::Let(v) => {
                if inv[v.index()]
                    && let Some(op) = func.op(*v)
                {
                    map[v.index()] = Some(b.op(op.map(|x| mapped(map, x))));
                }
            }
            Node::If(i) => {
                copy_invariant(b, map, func, &i.then.nodes, inv);
                copy_invariant(b, map, func, &i.els.nodes, inv);
                for (k, r) in i.results.iter().enumerate() {
                    if inv[r.index()] {
                        let [c, t, e] = [i.cond, i.then.yields[k], i.els.yields[k]].map(|v| mapped(map, v));
                        map[r.index()] = Some(b.select(c, t, e));
                    }
                }
            }
            Node::Loop(l) => {
                if is_whole(l, inv) {
                    let node = std::slice::from_ref(n);
                    copy_nodes(b, map, func, node, &Keep { live: None, effects: false }, &mut |b, map, _, op| {
                        b.op(op.map(|x| mapped(map, x)))
                    });
                } else {
                    copy_invariant(b, map, func, &l.head, inv);
                    copy_invariant(b, map, func, &l.body.nodes, inv);
                }
            }
        }
    }
}
