//! Which values differ between the two instances of a pair.
//!
//! Both are of one class, so that what setup computed, tables and the simulator's numbers are the same for both; all that
//! comes of unknowns and of what an instance remembers may differ.

use crate::veriloga::ir::{Func, In, Node, Op};

fn is_shared(class: In) -> bool {
    matches!(class, In::Cache | In::Param | In::Given | In::Connected | In::Env | In::Sim)
}

/// By value: may it differ?
pub fn varying(func: &Func) -> Vec<bool> {
    let mut out = vec![false; func.vals.len()];
    mark(func, &func.nodes, &mut out);
    out
}

fn mark(func: &Func, nodes: &[Node], out: &mut [bool]) {
    for n in nodes {
        match n {
            Node::Effect(..) => {}
            Node::Let(v) => {
                let Some(op) = func.op(*v) else { continue };
                let mut any = matches!(op, Op::Input(class, ..) if !is_shared(*class));
                op.for_each(|x| any |= out[x.index()]);
                out[v.index()] = any;
            }
            Node::If(i) => {
                mark(func, &i.then.nodes, out);
                mark(func, &i.els.nodes, out);
                for (k, r) in i.results.iter().enumerate() {
                    let sources = [i.cond, i.then.yields[k], i.els.yields[k]];
                    out[r.index()] = sources.iter().any(|v| out[v.index()]);
                }
            }
            Node::Loop(l) => {
                for (p, v) in l.params.iter().zip(&l.init) {
                    out[p.index()] = out[v.index()];
                }
                // What the body gives may differ though what it began with did not. Nothing is ever unmarked, so that
                // this ends.
                loop {
                    mark(func, &l.head, out);
                    mark(func, &l.body.nodes, out);
                    let mut is_new = false;
                    for (p, v) in l.params.iter().zip(&l.body.yields) {
                        let now = out[p.index()] | out[v.index()] | out[l.cond.index()];
                        is_new |= now != out[p.index()];
                        out[p.index()] = now;
                    }
                    if !is_new {
                        break;
                    }
                }
                for (r, p) in l.results.iter().zip(&l.params) {
                    out[r.index()] = out[p.index()];
                }
            }
        }
    }
}
