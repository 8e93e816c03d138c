//! What depends on what, and a function without what nobody needs.

use crate::veriloga::ir::{Builder, Func, Keep, Node, Sink, Val, copy_nodes, has_effect, mapped};

/// Values that each value is made of, conditions of the control flow included where `control` says so.
pub struct Deps {
    on: Vec<Vec<Val>>,
    /// Values that effects and the `if`s and loops around them need.
    pub effects: Vec<Val>,
}

impl Deps {
    pub fn new(func: &Func, control: bool) -> Deps {
        let mut d = Deps { on: vec![vec![]; func.vals.len()], effects: vec![] };
        d.nodes(func, &func.nodes, control);
        d
    }

    fn nodes(&mut self, func: &Func, nodes: &[Node], control: bool) {
        for n in nodes {
            match n {
                Node::Let(v) => {
                    if let Some(op) = func.op(*v) {
                        let mut first = true;
                        op.for_each(|x| {
                            let is_condition = matches!(op, crate::veriloga::ir::Op::Select(..)) && first;
                            first = false;
                            if control || !is_condition {
                                self.on[v.index()].push(x);
                            }
                        });
                    }
                }
                Node::Effect(_, args) => self.effects.extend(args),
                Node::If(i) => {
                    for (k, r) in i.results.iter().enumerate() {
                        self.on[r.index()].extend([i.then.yields[k], i.els.yields[k]]);
                        if control {
                            self.on[r.index()].push(i.cond);
                        }
                    }
                    if has_effect(&i.then.nodes) || has_effect(&i.els.nodes) {
                        self.effects.push(i.cond);
                    }
                    self.nodes(func, &i.then.nodes, control);
                    self.nodes(func, &i.els.nodes, control);
                }
                Node::Loop(l) => {
                    for (k, (r, p)) in l.results.iter().zip(&l.params).enumerate() {
                        self.on[r.index()].push(*p);
                        self.on[p.index()].extend([l.init[k], l.body.yields[k]]);
                        if control {
                            self.on[p.index()].push(l.cond);
                        }
                    }
                    if has_effect(&l.head) || has_effect(&l.body.nodes) {
                        self.effects.push(l.cond);
                    }
                    self.nodes(func, &l.head, control);
                    self.nodes(func, &l.body.nodes, control);
                }
            }
        }
    }

    /// Everything that the roots are made of.
    pub fn cone(&self, roots: impl IntoIterator<Item = Val>) -> Vec<bool> {
        let mut seen = vec![false; self.on.len()];
        let mut work: Vec<Val> = roots.into_iter().collect();
        while let Some(v) = work.pop() {
            if !std::mem::replace(&mut seen[v.index()], true) {
                work.extend(&self.on[v.index()]);
            }
        }
        seen
    }
}

/// Which values are made of a value that `is_source` picks (through values or conditions).
pub fn reaching(func: &Func, is_source: impl Fn(Val) -> bool) -> Vec<bool> {
    let deps = Deps::new(func, true);
    let mut users: Vec<Vec<Val>> = vec![vec![]; func.vals.len()];
    for (v, on) in deps.on.iter().enumerate() {
        for x in on {
            users[x.index()].push(Val(v as u32));
        }
    }
    let mut seen = vec![false; func.vals.len()];
    let mut work: Vec<Val> = (0..func.vals.len() as u32).map(Val).filter(|v| is_source(*v)).collect();
    while let Some(v) = work.pop() {
        if !std::mem::replace(&mut seen[v.index()], true) {
            work.extend(&users[v.index()]);
        }
    }
    seen
}

/// The function with only the chosen outputs, and effects or none; built anew, so that constants fold and equal
/// operations merge. `convert`: see [`Builder::convert`].
pub fn prune(func: &Func, keep: impl Fn(&Sink) -> bool, effects: bool, convert: u32) -> Func {
    let deps = Deps::new(func, true);
    let outputs: Vec<(Sink, Val)> = func.outputs.iter().filter(|(s, _)| keep(s)).copied().collect();
    let roots = outputs.iter().map(|o| o.1).chain(deps.effects.iter().copied().filter(|_| effects));
    let live = deps.cone(roots);
    let mut b = Builder::new(&func.name);
    b.convert = convert;
    b.func.directions.clone_from(&func.directions);
    let mut map = vec![None; func.vals.len()];
    let keep = Keep { live: Some(&live), effects };
    copy_nodes(&mut b, &mut map, func, &func.nodes, &keep, &mut |b, map, _, op| b.op(op.map(|x| mapped(map, x))));
    for (s, v) in outputs {
        b.output(s, mapped(&map, v));
    }
    b.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::veriloga::ir::{Out, parse, verify};

    #[test]
    fn only_what_is_needed_stays() {
        let f = parse(
            "func t {
  v0:f = in probe 0
  v1:f = exp v0
  v2:f = const 1.0
  v3:b = lt v0 v2
  v4:f, v5:f = if v3 { v6:f = sin v0 yield v6 v1 } else { yield v2 v0 }
  v7:f, v8:f = loop (v9:f = v0, v10:f = v1) { v11:b = lt v9 v2 } while v11 { v12:f = add v9 v2 yield v12 v9 }
  effect 3 (v4)
  out f 0 0 = v5
  out f 1 0 = v7
}",
        )
        .unwrap();
        let g = prune(&f, |s| s.class == Out::F && s.a == 0, false, 0);
        verify(&g).unwrap();
        assert!(!g.to_string().contains("loop") && !g.to_string().contains("sin"), "{g}");
        let g = prune(&f, |s| s.a == 1, false, 0);
        verify(&g).unwrap();
        // The second parameter of the loop is nobody's business.
        assert!(!g.to_string().contains("exp") && !g.to_string().contains("if"), "{g}");
        let g = prune(&f, |_| false, true, 0);
        assert!(g.to_string().contains("effect") && !g.to_string().contains("exp"), "{g}");
    }

    #[test]
    fn short_bodies_become_selects() {
        let f = parse(
            "func t {
  v0:f = in probe 0
  v2:f = const 1.0
  v3:b = lt v0 v2
  v4:f = if v3 { v6:f = mul v0 v0 yield v6 } else { yield v2 }
  out f 0 0 = v4
}",
        )
        .unwrap();
        let g = prune(&f, |_| true, false, 10);
        verify(&g).unwrap();
        assert!(g.to_string().contains("select") && !g.to_string().contains("if"), "{g}");
    }
}
