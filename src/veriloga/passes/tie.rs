//! An evaluation for instances whose nodes are tied together.
//!
//! Nodes of a module that are one node of the circuit, because the module collapses them or the netlist connects them, or
//! that are the reference, make much of an evaluation idle: differences of potential that are zero for good, derivatives
//! with respect to them, results that go to the reference. What is left is summed by row and by matrix entry here, where
//! the sums fold and contract like everything else.

use std::collections::HashMap;
use std::hash::Hash;

use super::live::Deps;
use crate::veriloga::ir::{Builder, Const, Func, In, Keep, Op, Out, Sink, Val, copy_nodes, mapped};

/// By unknown of the module the first one that is the same, or `None` for the reference.
pub type Ties = Vec<Option<u32>>;

/// All unknowns apart.
pub fn apart(unknowns: usize) -> Ties {
    (0..unknowns as u32).map(Some).collect()
}

/// Sums in the order in which their places come up.
struct Sums<K> {
    number: HashMap<K, usize>,
    list: Vec<(K, Val)>,
}

impl<K: Copy + Eq + Hash> Sums<K> {
    fn new() -> Self {
        Sums { number: HashMap::new(), list: vec![] }
    }

    fn add(&mut self, b: &mut Builder, to: K, v: Val, plus: bool) {
        let number = *self.number.entry(to).or_insert_with(|| {
            self.list.push((to, b.real(0.0)));
            self.list.len() - 1
        });
        let old = &mut self.list[number].1;
        *old = if plus { b.add(*old, v) } else { b.sub(*old, v) };
    }
}

/// From rows and their derivatives by probe (`Out::G` and `Out::C` of a row and a probe) to rows and derivatives by
/// unknown, of the unknowns that `ties` leaves. `probes`: the unknowns between which they are; `convert`: see
/// [`Builder::convert`].
pub fn tie(func: &Func, probes: &[(Option<u32>, Option<u32>)], ties: &Ties, convert: u32) -> Func {
    let at = |u: u32| ties[u as usize];
    let ends: Vec<(Option<u32>, Option<u32>)> =
        probes.iter().map(|(hi, lo)| (hi.and_then(at), lo.and_then(at))).collect();
    let is_idle = |p: u32| ends[p as usize].0 == ends[p as usize].1;
    // Probes with the same ends are the first one of them.
    let mut first = HashMap::new();
    let same: Vec<u32> = (0..).zip(&ends).map(|(p, e)| *first.entry(*e).or_insert(p)).collect();

    let is_wanted = |s: &Sink| match s.class {
        Out::F | Out::Q => at(s.a).is_some(),
        Out::G | Out::C => at(s.a).is_some() && !is_idle(s.b),
        _ => true,
    };
    let wanted = || func.outputs.iter().filter(|(s, _)| is_wanted(s));
    let live = Deps::new(func, true).cone(wanted().map(|o| o.1));
    let mut b = Builder::like(func);
    b.convert = convert;
    let mut map = vec![None; func.vals.len()];
    let keep = Keep { live: Some(&live), effects: false };
    copy_nodes(&mut b, &mut map, func, &func.nodes, &keep, &mut |b, map, _, op| match op {
        Op::Input(In::Probe, p, _) if is_idle(*p) => b.real(0.0),
        Op::Input(In::Probe, p, ty) => b.input(In::Probe, same[*p as usize], *ty),
        op => b.op(op.map(|x| mapped(map, x))),
    });
    let mut rows = Sums::new();
    let mut entries = Sums::new();
    for (s, v) in wanted() {
        let v = mapped(&map, *v);
        match (s.class, at(s.a)) {
            (Out::F | Out::Q, Some(row)) => rows.add(&mut b, (s.class, row), v, true),
            (Out::G | Out::C, Some(row)) => {
                let (hi, lo) = ends[s.b as usize];
                for (column, plus) in [(hi, true), (lo, false)] {
                    if let Some(column) = column {
                        entries.add(&mut b, (s.class, row, column), v, plus);
                    }
                }
            }
            _ => {}
        }
    }
    for ((class, row), v) in rows.list {
        b.output(Sink::new(class, row), v);
    }
    for ((class, a, column), v) in entries.list {
        if b.constant(v) != Some(Const::Real(0.0)) {
            b.output(Sink { class, a, b: column }, v);
        }
    }
    for (s, v) in func.outputs.iter().filter(|(s, _)| !matches!(s.class, Out::F | Out::Q | Out::G | Out::C)) {
        b.output(*s, mapped(&map, *v));
    }
    b.finish().checked("tied nodes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::veriloga::ir::{parse, verify};

    /// f0 = exp(v(0,2)) + sin(v(1,2)) = -f2, and what they are by v(0,2), v(1,2) and v(3,2).
    const BY_PROBE: &str = "func t {
  v0:f = in probe 0
  v1:f = in probe 1
  v2:f = in probe 2
  v3:f = exp v0
  v4:f = sin v1
  v5:f = add v3 v4
  v6:f = cos v1
  v7:f = tan v2
  v8:f = neg v5
  out f 0 0 = v5
  out g 0 0 = v3
  out g 0 1 = v6
  out g 0 2 = v7
  out f 2 0 = v8
  out old 0 0 = v4
}";
    const PROBES: [(Option<u32>, Option<u32>); 3] = [(Some(0), Some(2)), (Some(1), Some(2)), (Some(3), Some(2))];

    fn tied(ties: &Ties) -> (String, Vec<(Out, u32, u32)>) {
        let f = tie(&parse(BY_PROBE).unwrap(), &PROBES, ties, 0);
        verify(&f).unwrap();
        (f.to_string(), f.outputs.iter().map(|(s, _)| (s.class, s.a, s.b)).collect())
    }

    #[test]
    fn unknowns_apart_have_derivatives_of_their_own() {
        let (text, outputs) = tied(&apart(4));
        assert!(["exp", "sin", "cos", "tan"].iter().all(|op| text.contains(op)), "{text}");
        let columns: Vec<u32> = outputs.iter().filter(|o| o.0 == Out::G).map(|o| o.2).collect();
        assert_eq!((columns, outputs.len()), (vec![0, 2, 1, 3], 7));
    }

    #[test]
    fn what_ties_make_idle_is_not_computed() {
        // Unknown 1 is 2, and 3 is 0: v(1,2) is zero and so is its sine, derivatives by it are nobody's business.
        let (text, outputs) = tied(&vec![Some(0), Some(2), Some(2), Some(0)]);
        assert!(
            text.contains("exp") && text.contains("tan") && !text.contains("sin") && !text.contains("cos"),
            "{text}"
        );
        assert!(text.matches("probe").count() == 1, "v(3,2) is v(0,2): {text}");
        assert!(outputs.contains(&(Out::G, 0, 0)) && outputs.contains(&(Out::G, 0, 2)) && outputs.len() == 5, "{text}");
        // At the reference it has neither row nor column.
        let (text, outputs) = tied(&vec![Some(0), None, None, Some(0)]);
        assert_eq!(outputs, [(Out::F, 0, 0), (Out::G, 0, 0), (Out::Old, 0, 0)], "{text}");
        // All at the reference: what remains is what limiting functions keep.
        let (text, outputs) = tied(&vec![None; 4]);
        assert!(outputs == [(Out::Old, 0, 0)] && !text.contains("exp"), "{text}");
    }
}
