//! Ideal voltage sources in a symmetric matrix: pairs of unknowns that are substituted around what remains.
//!
//! A source makes a network of conductances indefinite. But its equation, a row with a zero diagonal, alone says what the
//! voltage of its node is, and its current occurs in the balance of that node alone:
//!
//! ```text
//!              i   held  core
//!   source  [  0    a     0  ]     first: the held voltage
//!   node    [  a    d     gᵀ ]     last:  the current
//!   others  [  0    g     G  ]     the core, symmetric and, of conductances, positive definite
//! ```
//! Sources that begin where others end follow one after another. Which unknowns are pairs is read off the values, since
//! branches have diagonals in the pattern for elements that fill them.

use super::Pattern;

/// A source: indices of its branch and of the node that it holds, and the slots of both entries between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pair {
    branch: u32,
    node: u32,
    pivots: [u32; 2],
    /// The rest of the node's column in `entries`: first what is in the core or a branch, then held nodes.
    first: u32,
    middle: u32,
    end: u32,
}

/// Pairs around the core of a symmetric matrix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Indices of the core in the order of elimination.
    pub core: Vec<u32>,
    /// In the order in which voltages become known.
    pairs: Vec<Pair>,
    /// Row index, slot, and slot of the mirror image.
    entries: Vec<(u32, [u32; 2])>,
    /// Slots that must be zero for this.
    zeros: Vec<u32>,
}

/// Not a branch, not held; the others have the number of their pair.
const FREE: u32 = u32::MAX;

impl Frame {
    /// For values that are symmetric; `order` is that of the elimination.
    pub fn new(p: &Pattern, values: &[f64], order: &[u32]) -> Frame {
        let n = p.n();
        let mut frame = Frame::default();
        let (mut branch, mut held) = (vec![FREE; n], vec![FREE; n]);
        let slot = |r: u32, c: u32| p.slot(r + 1, c + 1);
        let is_filled = |s: u32| s != 0 && values[s as usize] != 0.0;
        let filled = |c: u32| {
            let range = p.range(c as usize);
            let rows = p.rows()[range.clone()].iter().zip(&values[range.start + 1..]);
            rows.filter(|e| *e.1 != 0.0).map(|e| *e.0)
        };
        let mut queue: Vec<u32> = (0..n as u32).filter(|&c| !is_filled(slot(c, c))).collect();
        let mut next = 0;
        while next < queue.len() {
            let b = queue[next];
            next += 1;
            if branch[b as usize] != FREE || held[b as usize] != FREE {
                continue;
            }
            let mut open = filled(b).filter(|&i| held[i as usize] == FREE);
            let (Some(node), None) = (open.next(), open.next()) else { continue };
            if branch[node as usize] != FREE {
                continue;
            }
            let k = frame.pairs.len() as u32;
            (branch[b as usize], held[node as usize]) = (k, k);
            let pivots = [slot(b, node), slot(node, b)];
            frame.pairs.push(Pair { branch: b, node, pivots, first: 0, middle: 0, end: 0 });
            // Another source may begin here.
            queue.extend(filled(node).filter(|&i| !is_filled(slot(i, i))));
        }
        for (k, pair) in frame.pairs.iter_mut().enumerate() {
            let is_held = |i: u32| held[i as usize] != FREE;
            let mut part = |wanted: bool| {
                let column = p.range(pair.node as usize).map(|at| (p.rows()[at], at as u32 + 1));
                let rows = column.filter(|&(i, _)| i != pair.branch && is_held(i) == wanted);
                frame.entries.extend(rows.map(|(i, s)| (i, [s, slot(pair.node, i)])));
                frame.entries.len() as u32
            };
            let middle = part(false);
            (pair.middle, pair.end) = (middle, part(true));
            // Whatever else the branch's equation could read; what is held by then, it may.
            let column = p.range(pair.branch as usize).map(|at| (p.rows()[at], at as u32 + 1));
            let others = column.filter(|e| held[e.0 as usize] > k as u32);
            frame.zeros.extend(others.map(|e| e.1));
        }
        let mut end = 0;
        for pair in &mut frame.pairs {
            pair.first = end;
            end = pair.end;
        }
        let is_core = |c: &&u32| branch[**c as usize] == FREE && held[**c as usize] == FREE;
        frame.core = order.iter().filter(is_core).copied().collect();
        frame
    }

    /// Numbers that it needs beside those of the core.
    pub fn len(&self) -> usize {
        2 * self.pairs.len() + self.entries.len()
    }

    /// Can these values be substituted? `is_same` compares mirror images.
    pub fn is_sound(&self, values: &[f64], is_same: impl Fn(f64, f64) -> bool) -> bool {
        let of = |s: u32| if s == 0 { 0.0 } else { values[s as usize] };
        let is_pivot = |v: f64| v.is_finite() && v.recip().is_finite();
        self.pairs.iter().all(|p| is_pivot(of(p.pivots[0])) && is_same(of(p.pivots[0]), of(p.pivots[1])))
            && self.entries.iter().all(|e| of(e.1[0]).is_finite() && is_same(of(e.1[0]), of(e.1[1])))
            && self.zeros.iter().all(|&s| of(s) == 0.0)
    }

    /// Substitutes held voltages into right-hand sides; they wait in the places of the branches.
    pub fn before(&self, values: &[f64], x: &mut [f64]) {
        for p in &self.pairs {
            let volts = x[p.branch as usize] / values[p.pivots[0] as usize];
            for &(i, [slot, _]) in &self.entries[p.first as usize..p.end as usize] {
                x[i as usize] -= values[slot as usize] * volts;
            }
            x[p.branch as usize] = volts;
        }
    }

    /// Currents of sources, once `x` has the solution of the core; everything is in its own place then.
    pub fn after(&self, values: &[f64], x: &mut [f64]) {
        for p in self.pairs.iter().rev() {
            let mut sum = x[p.node as usize];
            for &(i, [_, mirror]) in &self.entries[p.first as usize..p.middle as usize] {
                sum -= values[mirror as usize] * x[i as usize];
            }
            x[p.node as usize] = x[p.branch as usize];
            x[p.branch as usize] = sum / values[p.pivots[1] as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sparse::supernodal::tests::crossbar;
    use crate::sparse::{Analysis, Builder, Cholesky, Kernel, Lu, Options, Stale};

    /// The crossbar with ideal sources, each given by its two nodes.
    fn driven(n: u32, sources: &[(u32, u32)]) -> (Arc<Pattern>, Vec<f64>, u32) {
        let (p, v) = crossbar(n);
        let m = p.n() as u32;
        let mut b = Builder::new();
        let mut values = vec![];
        let mut add = |r: u32, c: u32, v: f64| {
            b.add(r, c);
            values.push(if r * c > 0 { v } else { 0.0 });
        };
        p.entries().for_each(|(r, c, s)| add(r, c, v[s as usize]));
        for (branch, &(plus, minus)) in (m + 1..).zip(sources) {
            add(branch, branch, 0.0);
            for (node, sign) in [(plus, 1.0), (minus, -1.0)] {
                add(node, branch, sign);
                add(branch, node, sign);
            }
        }
        let (p, slots) = b.finish(m as usize + sources.len());
        let mut by_slot = vec![0.0; p.slots()];
        slots.iter().zip(values).for_each(|(&s, v)| by_slot[s as usize] += v);
        (Arc::new(p), by_slot, m)
    }

    fn solutions(k: &mut dyn Kernel<f64>, n: usize) -> [Vec<f64>; 2] {
        let mut x: Vec<f64> = (0..n).map(|i| ((i * 31) % 17) as f64 * 1e-3 - 7e-3).collect();
        let mut y = x.clone();
        k.solve(&mut x);
        k.solve_transposed(&mut y);
        [x, y]
    }

    fn agree(a: &[Vec<f64>; 2], b: &[Vec<f64>; 2]) {
        for (x, y) in a.iter().zip(b) {
            let size = y.iter().fold(0.0, |s: f64, v| s.max(v.abs()));
            assert!(size > 0.0 && x.iter().zip(y).all(|(x, y)| (x - y).abs() <= 1e-10 * size));
        }
    }

    #[test]
    fn sources_are_taken_out_of_networks() {
        // From ground, from there to another node (named in either order), from that one on, and one on its own.
        let (p, mut v, nodes) = driven(16, &[(6, 1), (1, 0), (9, 6), (200, 0)]);
        let a = Analysis::new(&p).unwrap();
        let frame = Frame::new(&p, &v, &a.tree().col_perm);
        assert_eq!((frame.pairs.len(), frame.core.len()), (4, nodes as usize - 4));
        let mut k = Cholesky::new(a.tree().clone(), Options::default());
        let mut lu = Lu::new(a.symbolic().clone(), Options::default());
        for _ in 0..3 {
            k.update(&v).unwrap();
            lu.factor(&v).unwrap();
            assert_eq!((k.name(), k.has_fallen_back()), ("cholesky", false));
            agree(&solutions(&mut k, p.n()), &solutions(&mut lu, p.n()));
            for (r, c, s) in p.entries().filter(|e| e.0 <= nodes && e.1 <= nodes) {
                let some = (f64::from(r.min(c)) * 7.3 + f64::from(r.max(c))).sin().abs();
                v[s as usize] *= if r == c { 1.4 } else { 1.0 + 0.3 * some };
            }
        }
        assert_eq!((k.stats().factored, k.stats().refactored), (1, 2));
        // A source with something in series reads its own current, and is no pair any more.
        let own = p.slot(nodes + 4, nodes + 4) as usize;
        v[own] = -3.0;
        assert!(matches!(k.refactor(&v), Err(Stale { .. })));
        k.factor(&v).unwrap();
        lu.factor(&v).unwrap();
        assert_eq!(k.name(), "cholesky");
        agree(&solutions(&mut k, p.n()), &solutions(&mut lu, p.n()));
        // As before, to the last bit: what came between does not matter.
        v[own] = 0.0;
        k.factor(&v).unwrap();
        let mut fresh = Cholesky::new(a.tree().clone(), Options::default());
        fresh.factor(&v).unwrap();
        assert_eq!(solutions(&mut k, p.n()), solutions(&mut fresh, p.n()));
    }

    #[test]
    fn two_sources_at_a_node_are_singular() {
        let (p, v, nodes) = driven(8, &[(6, 0), (6, 0)]);
        let a = Analysis::new(&p).unwrap();
        let e = Cholesky::new(a.tree().clone(), Options::default()).factor(&v).unwrap_err();
        assert!(e.column > nodes, "{e:?}");
    }
}
