//! Nested dissection: which unknowns are eliminated last, so that the rest falls into two parts, and so on.
//!
//! ```text
//! order(G): a separator S splits G into A and B; order(A), order(B), then S; small parts by minimum degree
//! separate(G): a cut across distances (`distance`): what geometry gives on meshes, without knowing it;
//!              where that is wider than a mesh's, also by contraction (`multilevel`); the better one
//! improve(G, S): local moves (`improve`)
//! ```
//! A. George, SIAM J. Numer. Anal. 10, 1973. Everything is deterministic: halves are ordered side by side, but nothing
//! depends on who is first.

mod distance;
mod improve;
mod multilevel;
pub mod placed;

use super::etree::{Graph, NONE};
use super::ordering::minimum_degree;
use improve::{Net, SEPARATOR};

/// Parts of at most so many vertices are ordered by minimum degree.
const LEAF: usize = 120;
/// Parts with more vertices are ordered on several threads.
const LARGE: usize = 8_000;
/// A separator of at most this many times √n is as narrow as those of a mesh.
const NARROW: f64 = 1.5;

/// An order for elimination: position → vertex. Vertices joined to very many others come last.
pub fn order(g: &Graph) -> Vec<u32> {
    let n = g.n();
    let dense = (10.0 * (n as f64).sqrt()).max(40.0) as usize;
    let (last, first): (Vec<u32>, Vec<u32>) = (0..n as u32).partition(|&v| g.of(v as usize).len() > dense);
    let mut local = vec![NONE; n];
    let part = subgraph(g, &first, &mut local);
    drop(local);
    let mut out = first;
    dissect(part, &mut out);
    out.extend(last);
    out
}

/// The graph induced by some vertices.
fn subgraph(g: &Graph, of: &[u32], local: &mut [u32]) -> Graph {
    for (k, &v) in of.iter().enumerate() {
        local[v as usize] = k as u32;
    }
    let mut ptr = Vec::with_capacity(of.len() + 1);
    let mut adj = Vec::with_capacity(of.iter().map(|&v| g.of(v as usize).len()).sum());
    ptr.push(0);
    for &v in of {
        adj.extend(g.of(v as usize).iter().map(|&u| local[u as usize]).filter(|&u| u != NONE));
        ptr.push(adj.len() as u32);
    }
    for &v in of {
        local[v as usize] = NONE;
    }
    Graph { ptr, adj }
}

/// Puts the names of a graph's vertices into the order of elimination.
fn dissect(g: Graph, names: &mut [u32]) {
    let n = g.n();
    let part = if n <= LEAF { vec![] } else { separate(&g) };
    let side = |p: u8| (0..n as u32).filter(|&v| part[v as usize] == p).collect::<Vec<_>>();
    let (a, b, s) = if part.is_empty() { (vec![], vec![], vec![]) } else { (side(0), side(1), side(SEPARATOR)) };
    drop(part);
    if a.is_empty() || b.is_empty() {
        let old = names.to_vec();
        for (name, k) in names.iter_mut().zip(minimum_degree(&g)) {
            *name = old[k as usize];
        }
        return;
    }
    let mut local = vec![NONE; n];
    let (ga, gb) = (subgraph(&g, &a, &mut local), subgraph(&g, &b, &mut local));
    drop((g, local));
    let old = names.to_vec();
    for (name, &k) in names.iter_mut().zip(a.iter().chain(&b).chain(&s)) {
        *name = old[k as usize];
    }
    drop((old, s));
    let (first, rest) = names.split_at_mut(a.len());
    let second = &mut rest[..b.len()];
    if n > LARGE {
        rayon::join(|| dissect(ga, first), || dissect(gb, second));
    } else {
        dissect(ga, first);
        dissect(gb, second);
    }
}

/// The half of every vertex, or [`SEPARATOR`].
fn separate(g: &Graph) -> Vec<u8> {
    let n = g.n();
    let cut = distance::separate(g);
    let narrow = NARROW * (n as f64).sqrt();
    if cut.as_ref().is_some_and(|c| c.0 <= narrow) {
        return cut.map(|c| c.1).unwrap_or_default();
    }
    let net = Net { ptr: g.ptr.clone(), edge: vec![1; g.adj.len()], adj: g.adj.clone(), vertex: vec![1; n] };
    let part = multilevel::separate(&net, &mut multilevel::Dice(n as u64));
    match cut {
        Some((width, cut)) if width <= improve::width(&part) => cut,
        _ => part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn grid(w: u32, h: u32) -> Graph {
        let at = move |i: u32, j: u32| i * w + j;
        let across = (0..h).flat_map(move |i| (1..w).map(move |j| (at(i, j - 1), at(i, j))));
        let down = (1..h).flat_map(move |i| (0..w).map(move |j| (at(i - 1, j), at(i, j))));
        Graph::new((w * h) as usize, across.chain(down))
    }

    #[test]
    fn a_grid_is_cut_across() {
        let g = grid(60, 30);
        let n = g.n();
        let net = Net { ptr: g.ptr.clone(), edge: vec![1; g.adj.len()], adj: g.adj.clone(), vertex: vec![1; n] };
        let contracted = multilevel::separate(&net, &mut multilevel::Dice(1));
        for (part, most) in [(contracted, 36), (separate(&g), 30)] {
            let size = |p: u8| part.iter().filter(|&&x| x == p).count();
            for v in 0..n {
                assert!(part[v] != 0 || g.of(v).iter().all(|&u| part[u as usize] != 1));
            }
            assert!(size(SEPARATOR) <= most, "{}", size(SEPARATOR));
            assert!(size(0).max(size(1)) <= (0.6 * n as f64) as usize);
        }
    }

    #[test]
    fn every_vertex_once() {
        let islands = Graph::new(4000, (1..4000).filter(|k| k % 7 != 0).map(|k| (k - 1, k)));
        let star = Graph::new(3000, (1..3000).map(|k| (0, k)));
        for g in [grid(70, 50), star, islands, Graph::new(900, std::iter::empty())] {
            let mut o = order(&g);
            o.sort_unstable();
            assert!(o.into_iter().eq(0..g.n() as u32));
        }
    }

    #[test]
    fn the_number_of_threads_does_not_matter() {
        let g = grid(150, 140);
        let on = |threads: usize| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let alone = on(1).install(|| order(&g));
        assert_eq!(alone, on(4).install(|| order(&g)));
    }
}
