//! Nested dissection of a graph whose vertices lie in a plane.
//!
//! ```text
//! vertices without a place get that of a neighbour that has one
//! cut(V):  across the longer side of V at the median; the separator is, of either half, the vertices with neighbours in
//!          the other one: the smaller of both sets.   cut(A), cut(B), then the separator; small parts by minimum degree
//! ```
//! In an array every node is joined only to those of its own cell and the next ones along its line, so that a cut between two
//! columns meets one node of every word line and nothing else. A. George, SIAM J. Numer. Anal. 10, 1973.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{LARGE, LEAF};
use crate::sparse::etree::{Graph, NONE};
use crate::sparse::ordering::minimum_degree;

/// Place of a vertex that lies nowhere.
pub const NOWHERE: [u32; 2] = [u32::MAX; 2];

/// An order for elimination: position → vertex. Vertices joined to very many others come last.
pub fn order(g: &Graph, places: &[[u32; 2]]) -> Vec<u32> {
    let n = g.n();
    let dense = (10.0 * (n as f64).sqrt()).max(40.0) as usize;
    let is_dense = |v: u32| g.of(v as usize).len() > dense;
    let places = spread(g, places, &is_dense);
    // Vertices that nothing joins to a place are eliminated before all others: they are separate graphs, but for dense ones.
    let (mut lost, mut here, mut last) = (vec![], vec![], vec![]);
    for v in 0..n as u32 {
        if is_dense(v) {
            last.push(v);
        } else if places[v as usize] == NOWHERE {
            lost.push(v);
        } else {
            here.push(v);
        }
    }
    let part: Vec<AtomicU32> = (0..n).map(|_| AtomicU32::new(NONE)).collect();
    let mut order = lost;
    leaf(g, &part, &mut order, NONE - 1);
    for &v in &here {
        part[v as usize].store(1, Ordering::Relaxed);
    }
    Cut { g, places: &places, part: &part }.dissect(&mut here, 1);
    order.extend(here);
    order.extend(last);
    order
}

/// Places for all vertices that can be reached from one that has a place.
fn spread(g: &Graph, places: &[[u32; 2]], is_dense: &dyn Fn(u32) -> bool) -> Vec<[u32; 2]> {
    let mut places = places.to_vec();
    let mut queue: Vec<u32> = (0..g.n() as u32).filter(|&v| places[v as usize] != NOWHERE && !is_dense(v)).collect();
    let mut next = 0;
    while next < queue.len() {
        let v = queue[next];
        next += 1;
        for &u in g.of(v as usize) {
            if places[u as usize] == NOWHERE && !is_dense(u) {
                places[u as usize] = places[v as usize];
                queue.push(u);
            }
        }
    }
    places
}

struct Cut<'a> {
    g: &'a Graph,
    places: &'a [[u32; 2]],
    /// The part that a vertex belongs to; parts that are worked on side by side have different numbers.
    part: &'a [AtomicU32],
}

impl Cut<'_> {
    fn is_in(&self, v: u32, part: u32) -> bool {
        self.part[v as usize].load(Ordering::Relaxed) == part
    }

    /// Orders the vertices of part `own`; the numbers of its halves are 2 own and 2 own + 1.
    fn dissect(&self, vertices: &mut [u32], own: u32) {
        let Some((a, b)) = self.halves(vertices, own) else {
            return leaf(self.g, self.part, vertices, own);
        };
        let (first, rest) = vertices.split_at_mut(a);
        let second = &mut rest[..b];
        if a + b > LARGE {
            rayon::join(|| self.dissect(first, 2 * own), || self.dissect(second, 2 * own + 1));
        } else {
            self.dissect(first, 2 * own);
            self.dissect(second, 2 * own + 1);
        }
    }

    /// Sorts the vertices into two halves and their separator; how many there are in the halves.
    fn halves(&self, vertices: &mut [u32], own: u32) -> Option<(usize, usize)> {
        if vertices.len() <= LEAF || own >= 1 << 29 {
            return None;
        }
        let mut low = [u32::MAX; 2];
        let mut high = [0; 2];
        for &v in vertices.iter() {
            for (d, &x) in self.places[v as usize].iter().enumerate() {
                low[d] = low[d].min(x);
                high[d] = high[d].max(x);
            }
        }
        let extent = |d: usize| high[d] - low[d];
        // Across the longer side; where it is one cell wide, there is nothing to cut.
        let d = usize::from(extent(1) > extent(0));
        if extent(d) == 0 {
            return None;
        }
        let mut count = vec![0u32; extent(d) as usize + 1];
        let along = |v: u32| (self.places[v as usize][d] - low[d]) as usize;
        vertices.iter().for_each(|&v| count[along(v)] += 1);
        let half = vertices.len() as u32 / 2;
        let (mut sum, mut at, mut least) = (0, 1, u32::MAX);
        for (k, c) in count[..count.len() - 1].iter().enumerate() {
            sum += c;
            if sum.abs_diff(half) < least {
                (least, at) = (sum.abs_diff(half), k + 1);
            }
        }
        let (left, right) = (2 * own, 2 * own + 1);
        for &v in vertices.iter() {
            let to = if along(v) < at { left } else { right };
            self.part[v as usize].store(to, Ordering::Relaxed);
        }
        let meets = |v: u32, other: u32| self.g.of(v as usize).iter().any(|&u| self.is_in(u, other));
        let border = |from: u32, other: u32| -> Vec<u32> {
            vertices.iter().copied().filter(|&v| self.is_in(v, from) && meets(v, other)).collect()
        };
        let (a, b) = (border(left, right), border(right, left));
        let separator = if a.len() <= b.len() { a } else { b };
        for &v in &separator {
            self.part[v as usize].store(NONE, Ordering::Relaxed);
        }
        let old = vertices.to_vec();
        let side = |p: u32| old.iter().copied().filter(move |&v| self.is_in(v, p));
        let mut sizes = [0; 2];
        let mut slots = vertices.iter_mut();
        for (size, p) in sizes.iter_mut().zip([left, right]) {
            for v in side(p) {
                if let Some(s) = slots.next() {
                    *s = v;
                }
                *size += 1;
            }
        }
        slots.zip(separator).for_each(|(s, v)| *s = v);
        Some((sizes[0], sizes[1]))
    }
}

/// Minimum degree among some vertices. Their part gets the number `own`.
fn leaf(g: &Graph, part: &[AtomicU32], vertices: &mut [u32], own: u32) {
    if vertices.len() < 3 {
        return;
    }
    vertices.sort_unstable();
    for &v in vertices.iter() {
        part[v as usize].store(own, Ordering::Relaxed);
    }
    let local = |u: u32| {
        let is_own = part[u as usize].load(Ordering::Relaxed) == own;
        is_own.then(|| vertices.binary_search(&u).ok().map(|k| k as u32)).flatten()
    };
    let mut own_graph = Graph { ptr: vec![0], adj: vec![] };
    for &v in vertices.iter() {
        own_graph.adj.extend(g.of(v as usize).iter().filter_map(|&u| local(u)));
        own_graph.ptr.push(own_graph.adj.len() as u32);
    }
    let old = vertices.to_vec();
    for (v, k) in vertices.iter_mut().zip(minimum_degree(&own_graph)) {
        *v = old[k as usize];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sparse::etree;

    /// Word and bit lines of m x n cells: vertices 2 (i n + j) and 2 (i n + j) + 1.
    fn crossbar(m: u32, n: u32) -> (Graph, Vec<[u32; 2]>) {
        let at = move |i: u32, j: u32| 2 * (i * n + j);
        let all = (0..m).flat_map(move |i| (0..n).map(move |j| (i, j)));
        let cells = all.clone().map(move |(i, j)| (at(i, j), at(i, j) + 1));
        let words = all.clone().filter(|p| p.1 > 0).map(move |(i, j)| (at(i, j - 1), at(i, j)));
        let bits = all.clone().filter(|p| p.0 > 0).map(move |(i, j)| (at(i - 1, j) + 1, at(i, j) + 1));
        let places = all.flat_map(|(i, j)| [[i, j]; 2]).collect();
        (Graph::new((2 * m * n) as usize, cells.chain(words).chain(bits)), places)
    }

    fn flops(g: &Graph, order: &[u32]) -> f64 {
        let g = g.relabel(order);
        etree::work(&etree::counts(&g, &etree::parents(&g))).1
    }

    #[test]
    fn an_array_is_cut_between_its_columns() {
        let (g, places) = crossbar(64, 64);
        let o = order(&g, &places);
        let mut sorted = o.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..g.n() as u32));
        // The last separator: one node of each line across.
        let top: Vec<[u32; 2]> = o[o.len() - 64..].iter().map(|&v| places[v as usize]).collect();
        assert!((0..2).any(|d| top.iter().all(|p| p[d] == top[0][d])), "{top:?}");
        // No more work than without knowing the places.
        assert!(flops(&g, &o) < 1.1 * flops(&g, &super::super::order(&g)));
        let on = |threads: usize| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(on(1).install(|| order(&g, &places)), on(4).install(|| order(&g, &places)));
    }

    #[test]
    fn vertices_without_a_place_follow_their_neighbours() {
        let (g, mut places) = crossbar(20, 30);
        for k in (0..places.len()).filter(|k| k % 3 == 0) {
            places[k] = NOWHERE;
        }
        let n = g.n() as u32;
        let edges = (0..n).flat_map(|v| g.of(v as usize).iter().map(move |&u| (v, u))).collect::<Vec<_>>();
        // A star over everything, and a pair of its own.
        let star = (0..n).step_by(2).map(|v| (v, n));
        let all: Vec<_> = edges.into_iter().chain(star).chain([(n + 1, n + 2)]).collect();
        let g = Graph::new(n as usize + 3, all.iter().copied());
        places.extend([NOWHERE; 3]);
        let mut o = order(&g, &places);
        assert_eq!(o.last(), Some(&n));
        o.sort_unstable();
        assert!(o.into_iter().eq(0..n + 3));
    }
}
