//! What depends on what, and a function without what nobody needs.

use crate::veriloga::ir::{Builder, Func, Keep, Node, Op, Sink, Val, copy_nodes, mapped};

/// Values that each value is made of, conditions of the control flow included where `control` says so.
pub struct Deps {
    /// Operands of value `v`: `on[start[v]..start[v + 1]]`.
    start: Vec<u32>,
    on: Vec<Val>,
    /// Values that effects and the `if`s and loops around them need.
    pub effects: Vec<Val>,
}

/// (value, what it is made of), in the order of the text.
#[derive(Default)]
struct Edges {
    list: Vec<(Val, Val)>,
    effects: Vec<Val>,
}

impl Edges {
    /// True: there are effects among them.
    fn nodes(&mut self, func: &Func, nodes: &[Node], control: bool) -> bool {
        let mut has_effect = false;
        for n in nodes {
            match n {
                Node::Let(v) => {
                    if let Some(op) = func.op(*v) {
                        let mut is_condition = matches!(op, Op::Select(..)) && !control;
                        op.for_each(|x| {
                            if !std::mem::take(&mut is_condition) {
                                self.list.push((*v, x));
                            }
                        });
                    }
                }
                Node::Effect(_, args) => {
                    self.effects.extend(args);
                    has_effect = true;
                }
                Node::If(i) => {
                    for (k, r) in i.results.iter().enumerate() {
                        self.list.extend([(*r, i.then.yields[k]), (*r, i.els.yields[k])]);
                        if control {
                            self.list.push((*r, i.cond));
                        }
                    }
                    let inside = [&i.then, &i.els].map(|b| self.nodes(func, &b.nodes, control));
                    if inside.contains(&true) {
                        self.effects.push(i.cond);
                        has_effect = true;
                    }
                }
                Node::Loop(l) => {
                    for (k, (r, p)) in l.results.iter().zip(&l.params).enumerate() {
                        self.list.extend([(*r, *p), (*p, l.init[k]), (*p, l.body.yields[k])]);
                        if control {
                            self.list.push((*p, l.cond));
                        }
                    }
                    let inside = [&l.head, &l.body.nodes].map(|b| self.nodes(func, b, control));
                    if inside.contains(&true) {
                        self.effects.push(l.cond);
                        has_effect = true;
                    }
                }
            }
        }
        has_effect
    }
}

impl Deps {
    pub fn new(func: &Func, control: bool) -> Deps {
        let mut edges = Edges::default();
        edges.nodes(func, &func.nodes, control);
        let n = func.vals.len();
        let mut start = vec![0u32; n + 1];
        for (v, _) in &edges.list {
            start[v.index() + 1] += 1;
        }
        for v in 0..n {
            start[v + 1] += start[v];
        }
        let mut next = start.clone();
        let mut on = vec![Val(0); edges.list.len()];
        for (v, x) in &edges.list {
            on[next[v.index()] as usize] = *x;
            next[v.index()] += 1;
        }
        Deps { start, on, effects: edges.effects }
    }

    fn of(&self, v: usize) -> &[Val] {
        &self.on[self.start[v] as usize..self.start[v + 1] as usize]
    }

    /// Everything that the roots are made of.
    pub fn cone(&self, roots: impl IntoIterator<Item = Val>) -> Vec<bool> {
        let mut seen = vec![false; self.start.len() - 1];
        let mut work: Vec<Val> = roots.into_iter().collect();
        while let Some(v) = work.pop() {
            if !std::mem::replace(&mut seen[v.index()], true) {
                work.extend(self.of(v.index()));
            }
        }
        seen
    }

    /// Which of the numbered sources each value is made of, as sets of bits: `words` numbers a value.
    pub fn sources(&self, words: usize, is_source: impl Fn(Val) -> Option<usize>) -> Vec<u64> {
        let n = self.start.len() - 1;
        let mut sets = vec![0u64; n * words];
        for v in 0..n {
            if let Some(k) = is_source(Val(v as u32)) {
                sets[v * words + k / 64] |= 1 << (k % 64);
            }
        }
        // Operands have lower numbers than what is made of them, but for what loops carry.
        let is_ordered = (0..n).all(|v| self.of(v).iter().all(|x| x.index() < v));
        loop {
            let mut changed = false;
            for v in 0..n {
                for x in self.of(v) {
                    for w in 0..words {
                        let old = sets[v * words + w];
                        let new = old | sets[x.index() * words + w];
                        sets[v * words + w] = new;
                        changed |= new != old;
                    }
                }
            }
            if is_ordered || !changed {
                return sets;
            }
        }
    }
}

/// The function with only the chosen outputs, and effects or none; built anew, so that constants fold and equal
/// operations merge. `convert`: see [`Builder::convert`].
pub fn prune(func: &Func, keep: impl Fn(&Sink) -> bool, effects: bool, convert: u32) -> Func {
    let deps = Deps::new(func, true);
    let outputs: Vec<(Sink, Val)> = func.outputs.iter().filter(|(s, _)| keep(s)).copied().collect();
    let roots = outputs.iter().map(|o| o.1).chain(deps.effects.iter().copied().filter(|_| effects));
    let live = deps.cone(roots);
    let mut b = Builder::like(func);
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
