//! Setup and evaluation apart: what depends only on parameters and temperature is computed once.
//!
//! A value is invariant if all that it is made of is: constants, parameters, the temperature. Setup computes every
//! invariant value that the rest needs, speculatively (both bodies of every `if`), and stores it in a slot; the evaluation
//! reads slots. A loop counts as a whole.

use std::collections::BTreeMap;

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
    let slots: std::cell::RefCell<BTreeMap<Val, u32>> = Default::default();
    let slot = |v: Val| {
        let mut s = slots.borrow_mut();
        let n = s.len() as u32;
        *s.entry(v).or_insert(n)
    };
    let mut b = Builder::like(func);
    let mut map: Vec<Option<Val>> = vec![None; func.vals.len()];
    // Reading a slot costs nothing until somebody uses it: `prune` drops the others, and slots are numbered after it.
    let is_constant = |k: usize| matches!(func.op(Val(k as u32)), Some(Op::Const(_)));
    let live: Vec<bool> = (0..func.vals.len()).map(|k| !inv[k] || is_constant(k)).collect();
    for k in 0..live.len() {
        if storable(Val(k as u32)) {
            let v = Val(k as u32);
            map[k] = Some(b.input(In::Cache, slot(v), func.ty(v)));
        }
    }
    let keep = Keep { live: Some(&live), effects: true };
    copy_nodes(&mut b, &mut map, func, &func.nodes, &keep, &mut |b, map, _, op| b.op(op.map(|x| mapped(map, x))));
    for (s, v) in func.outputs.iter().filter(|(s, _)| !is_setup(s.class)) {
        b.output(*s, mapped(&map, *v));
    }
    let rest = prune(&b.finish(), |_| true, true, 0);
    let mut used = BTreeMap::new();
    for v in &rest.vals {
        if let crate::veriloga::ir::Def::Op(Op::Input(In::Cache, k, _)) = v.def {
            let n = used.len() as u32;
            used.entry(k).or_insert(n);
        }
    }
    let rest = renumber(&rest, &used).checked("split, evaluation");

    let by_slot: BTreeMap<u32, Val> = slots.into_inner().into_iter().map(|(v, k)| (k, v)).collect();
    let mut s = Builder::new("setup");
    s.convert = u32::MAX;
    let mut map: Vec<Option<Val>> = vec![None; func.vals.len()];
    copy_invariant(&mut s, &mut map, func, &func.nodes, &inv);
    for (old, new) in &used {
        if let Some(v) = by_slot.get(old) {
            s.output(Sink::new(Out::Cache, *new), mapped(&map, *v));
        }
    }
    for (sink, v) in func.outputs.iter().filter(|(s, _)| is_setup(s.class)) {
        if inv[v.index()] {
            s.output(*sink, mapped(&map, *v));
        }
    }
    let setup = prune(&s.finish(), |_| true, false, u32::MAX).checked("split, setup");
    Split { setup, rest, slots: used.len() }
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

/// Gives the cache inputs their final numbers.
fn renumber(func: &Func, to: &BTreeMap<u32, u32>) -> Func {
    let mut b = Builder::like(func);
    b.func.directions.clone_from(&func.directions);
    let mut map = vec![None; func.vals.len()];
    copy_nodes(&mut b, &mut map, func, &func.nodes, &Keep::ALL, &mut |b, map, _, op| {
        b.op(match op {
            Op::Input(In::Cache, k, ty) => Op::Input(In::Cache, to.get(k).copied().unwrap_or(0), *ty),
            op => op.map(|x| mapped(map, x)),
        })
    });
    for (s, v) in &func.outputs {
        b.output(*s, mapped(&map, *v));
    }
    b.finish()
}
