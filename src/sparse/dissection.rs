//! Nested dissection by multilevel vertex separators.
//!
//! ```text
//! order(G): a separator S splits G into A and B; order(A), order(B), then S; small parts by minimum degree
//! separate(G): match neighbours along heavy edges and contract, until G is small;
//!              grow one half breadth first from several seeds, its border is the separator, the best one stays;
//!              expand step by step, improving the separator at each
//! improve(G, S): move a vertex of S into a half, its neighbours in the other half into S, greedily, also uphill for a
//!              while; back to the best state; until nothing is gained
//! ```
//! A. George, SIAM J. Numer. Anal. 10, 1973; G. Karypis, V. Kumar, SIAM J. Sci. Comput. 20, 1998; B. Hendrickson,
//! E. Rothberg, SIAM J. Sci. Comput. 20, 1998; C. M. Fiduccia, R. M. Mattheyses, DAC 1982. Everything is deterministic:
//! halves are ordered side by side, but nothing depends on who is first.

use std::collections::BinaryHeap;

use super::etree::{Graph, NONE};
use super::ordering::minimum_degree;

/// Parts of at most so many vertices are ordered by minimum degree.
const LEAF: usize = 160;
/// Graphs are contracted to about this size.
const COARSE: usize = 90;
/// Seeds tried on the smallest graph.
const SEEDS: usize = 6;
/// The larger half may have this share of the weight.
const SHARE: f64 = 0.58;
/// Parts with more vertices are ordered on several threads.
const LARGE: usize = 20_000;

/// A graph with weights of vertices and edges.
#[derive(Clone, Debug, Default)]
struct Net {
    ptr: Vec<u32>,
    adj: Vec<u32>,
    edge: Vec<u32>,
    vertex: Vec<u32>,
}

const SEPARATOR: u8 = 2;

impl Net {
    fn n(&self) -> usize {
        self.vertex.len()
    }

    fn of(&self, v: usize) -> &[u32] {
        &self.adj[self.ptr[v] as usize..self.ptr[v + 1] as usize]
    }

    fn weight(&self) -> u64 {
        self.vertex.iter().map(|&w| u64::from(w)).sum()
    }
}

/// A small generator: only variety is asked of it.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        ((self.0 >> 33) as usize * n) >> 31
    }
}

/// An order for elimination: position → vertex. Vertices joined to very many others come last.
pub fn order(g: &Graph) -> Vec<u32> {
    let n = g.n();
    let dense = (10.0 * (n as f64).sqrt()).max(40.0) as usize;
    let (last, first): (Vec<u32>, Vec<u32>) = (0..n as u32).partition(|&v| g.of(v as usize).len() > dense);
    let mut local = vec![NONE; n];
    let (part, names) = subgraph(g, &first, &mut local);
    let mut out = dissect(part, names);
    out.extend(last);
    out
}

/// The graph induced by some vertices, and their names.
fn subgraph(g: &Graph, of: &[u32], local: &mut [u32]) -> (Graph, Vec<u32>) {
    for (k, &v) in of.iter().enumerate() {
        local[v as usize] = k as u32;
    }
    let mut ptr = Vec::with_capacity(of.len() + 1);
    let mut adj = vec![];
    ptr.push(0);
    for &v in of {
        adj.extend(g.of(v as usize).iter().map(|&u| local[u as usize]).filter(|&u| u != NONE));
        ptr.push(adj.len() as u32);
    }
    for &v in of {
        local[v as usize] = NONE;
    }
    (Graph { ptr, adj }, of.to_vec())
}

fn dissect(g: Graph, names: Vec<u32>) -> Vec<u32> {
    let n = g.n();
    let leaf = |g: &Graph| minimum_degree(g).into_iter().map(|k| names[k as usize]).collect();
    if n <= LEAF {
        return leaf(&g);
    }
    let net = Net { ptr: g.ptr.clone(), edge: vec![1; g.adj.len()], adj: g.adj.clone(), vertex: vec![1; n] };
    let part = separate(&net, &mut Dice(n as u64));
    drop(net);
    let side = |p: u8| (0..n as u32).filter(|&v| part[v as usize] == p).collect::<Vec<_>>();
    let (a, b, s) = (side(0), side(1), side(SEPARATOR));
    if a.is_empty() || b.is_empty() {
        return leaf(&g);
    }
    let mut local = vec![NONE; n];
    let (ga, a) = subgraph(&g, &a, &mut local);
    let (gb, b) = subgraph(&g, &b, &mut local);
    drop((g, local));
    let rename = |v: Vec<u32>| v.into_iter().map(|k| names[k as usize]).collect::<Vec<_>>();
    let (a, b) = (rename(a), rename(b));
    let (mut out, b) =
        if n > LARGE { rayon::join(|| dissect(ga, a), || dissect(gb, b)) } else { (dissect(ga, a), dissect(gb, b)) };
    out.extend(b);
    out.extend(s.into_iter().map(|k| names[k as usize]));
    out
}

fn separate(net: &Net, dice: &mut Dice) -> Vec<u8> {
    if net.n() > COARSE
        && let Some((coarse, to)) = contract(net, dice)
    {
        let part = separate(&coarse, dice);
        drop(coarse);
        let mut part: Vec<u8> = to.iter().map(|&c| part[c as usize]).collect();
        improve(net, &mut part);
        return part;
    }
    let mut best: Option<((u64, u64), Vec<u8>)> = None;
    for _ in 0..SEEDS {
        let mut part = grow(net, dice.below(net.n()));
        let cost = improve(net, &mut part);
        if best.as_ref().is_none_or(|b| cost < b.0) {
            best = Some((cost, part));
        }
    }
    best.map(|b| b.1).unwrap_or_default()
}

/// Halves the number of vertices, about; `None` where that does not work.
fn contract(net: &Net, dice: &mut Dice) -> Option<(Net, Vec<u32>)> {
    let n = net.n();
    let heaviest = (3 * net.weight() / (2 * COARSE as u64)).max(2);
    let mut order: Vec<u32> = (0..n as u32).collect();
    for i in (1..n).rev() {
        order.swap(i, dice.below(i + 1));
    }
    let mut to = vec![NONE; n];
    let mut mates: Vec<(u32, u32)> = Vec::with_capacity(n / 2 + 1);
    for &v in &order {
        let v = v as usize;
        if to[v] != NONE {
            continue;
        }
        let (mut mate, mut best) = (v, (0, 0));
        for p in net.ptr[v] as usize..net.ptr[v + 1] as usize {
            let u = net.adj[p] as usize;
            let both = u64::from(net.vertex[u]) + u64::from(net.vertex[v]);
            // Of equal edges the one to the lighter vertex.
            let key = (net.edge[p], u32::MAX - net.vertex[u]);
            if to[u] == NONE && both <= heaviest && key > best {
                (mate, best) = (u, key);
            }
        }
        to[v] = mates.len() as u32;
        to[mate] = mates.len() as u32;
        mates.push((v as u32, mate as u32));
    }
    if mates.len() as f64 > 0.95 * n as f64 {
        return None;
    }
    let mut coarse = Net::default();
    coarse.ptr.push(0);
    coarse.adj.reserve(net.adj.len() / 2);
    coarse.edge.reserve(net.adj.len() / 2);
    let mut place = vec![NONE; mates.len()];
    for (c, &(v, u)) in mates.iter().enumerate() {
        let first = coarse.adj.len();
        let pair = [v, u];
        let members = if v == u { &pair[..1] } else { &pair[..] };
        let mut weight = 0;
        for &m in members {
            weight += net.vertex[m as usize];
            for p in net.ptr[m as usize] as usize..net.ptr[m as usize + 1] as usize {
                let d = to[net.adj[p] as usize];
                if d as usize == c {
                    continue;
                }
                let at = &mut place[d as usize];
                if *at != NONE && *at as usize >= first {
                    coarse.edge[*at as usize] += net.edge[p];
                } else {
                    *at = coarse.adj.len() as u32;
                    coarse.adj.push(d);
                    coarse.edge.push(net.edge[p]);
                }
            }
        }
        coarse.vertex.push(weight);
        coarse.ptr.push(coarse.adj.len() as u32);
    }
    Some((coarse, to))
}

/// Half of the weight around a seed, and the border of it as separator.
fn grow(net: &Net, seed: usize) -> Vec<u8> {
    let n = net.n();
    let half = net.weight() / 2;
    let mut part = vec![1u8; n];
    let mut queue = std::collections::VecDeque::new();
    let mut seen = vec![false; n];
    let mut weight = 0;
    let mut next = seed;
    let mut tried = 0;
    'grow: while tried < n {
        if !seen[next] {
            seen[next] = true;
            queue.push_back(next as u32);
        }
        while let Some(v) = queue.pop_front() {
            weight += u64::from(net.vertex[v as usize]);
            if weight > half {
                break 'grow;
            }
            part[v as usize] = 0;
            for &u in net.of(v as usize) {
                if !std::mem::replace(&mut seen[u as usize], true) {
                    queue.push_back(u);
                }
            }
        }
        next = (next + 1) % n;
        tried += 1;
    }
    for v in 0..n {
        if part[v] == 1 && net.of(v).iter().any(|&u| part[u as usize] == 0) {
            part[v] = SEPARATOR;
        }
    }
    part
}

/// What moving a separator vertex into half `to` takes off the separator.
fn gain(net: &Net, part: &[u8], v: usize, to: u8) -> i64 {
    let other = 1 - to;
    let pulled = net.of(v).iter().filter(|&&u| part[u as usize] == other).map(|&u| i64::from(net.vertex[u as usize]));
    i64::from(net.vertex[v]) - pulled.sum::<i64>()
}

/// Improves a separator; its weight, and the difference of the halves.
fn improve(net: &Net, part: &mut [u8]) -> (u64, u64) {
    let n = net.n();
    let total = net.weight();
    let most = (SHARE * total as f64) as u64;
    let mut weight = [0u64; 3];
    for (&p, &w) in part.iter().zip(&net.vertex) {
        weight[p as usize] += u64::from(w);
    }
    // A half that is too heavy counts like a larger separator.
    let cost = |w: &[u64; 3]| {
        let heavy = w[0].max(w[1]);
        (w[2] + heavy.saturating_sub(most), w[0].abs_diff(w[1]))
    };
    let mut moved = vec![false; n];
    let mut heap: BinaryHeap<(i64, u32, u8)> = BinaryHeap::new();
    let mut moves: Vec<(u32, u8, u32)> = vec![];
    let mut pulled: Vec<u32> = vec![];
    for _ in 0..6 {
        heap.clear();
        for v in 0..n {
            if part[v] == SEPARATOR {
                for to in [0, 1] {
                    heap.push((gain(net, part, v, to), v as u32, to));
                }
            }
        }
        let patience = 30 + heap.len() / 8;
        let start = cost(&weight);
        let (mut best, mut keep) = (start, 0);
        let mut skipped: Vec<(i64, u32, u8)> = vec![];
        while let Some((g, v, to)) = heap.pop() {
            let v = v as usize;
            if part[v] != SEPARATOR || moved[v] {
                continue;
            }
            let now = gain(net, part, v, to);
            if now < g {
                heap.push((now, v as u32, to));
                continue;
            }
            let other = 1 - to;
            if weight[to as usize] + u64::from(net.vertex[v]) > most && weight[to as usize] >= weight[other as usize] {
                skipped.push((now, v as u32, to));
                continue;
            }
            moved[v] = true;
            part[v] = to;
            let w = u64::from(net.vertex[v]);
            weight[to as usize] += w;
            weight[2] -= w;
            let first = pulled.len();
            for &u in net.of(v) {
                if part[u as usize] == other {
                    part[u as usize] = SEPARATOR;
                    let w = u64::from(net.vertex[u as usize]);
                    weight[other as usize] -= w;
                    weight[2] += w;
                    pulled.push(u);
                }
            }
            for &u in &pulled[first..] {
                for &x in net.of(u as usize).iter().chain([&u]) {
                    if part[x as usize] == SEPARATOR && !moved[x as usize] {
                        for to in [0, 1] {
                            heap.push((gain(net, part, x as usize, to), x, to));
                        }
                    }
                }
            }
            moves.push((v as u32, to, first as u32));
            let now = cost(&weight);
            if now < best {
                (best, keep) = (now, moves.len());
                heap.extend(skipped.drain(..));
            } else if moves.len() - keep > patience {
                break;
            }
        }
        for &(v, to, first) in moves[keep..].iter().rev() {
            for u in pulled.drain(first as usize..) {
                let w = u64::from(net.vertex[u as usize]);
                part[u as usize] = 1 - to;
                weight[2] -= w;
                weight[1 - to as usize] += w;
            }
            let w = u64::from(net.vertex[v as usize]);
            part[v as usize] = SEPARATOR;
            weight[to as usize] -= w;
            weight[2] += w;
        }
        for &(v, ..) in &moves {
            moved[v as usize] = false;
        }
        moves.clear();
        pulled.clear();
        if best >= start {
            break;
        }
    }
    cost(&weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(w: u32, h: u32) -> Graph {
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
        let part = separate(&net, &mut Dice(1));
        let size = |p: u8| part.iter().filter(|&&x| x == p).count();
        for v in 0..n {
            assert!(part[v] != 0 || g.of(v).iter().all(|&u| part[u as usize] != 1));
        }
        assert!(size(SEPARATOR) <= 36, "{}", size(SEPARATOR));
        assert!(size(0).max(size(1)) <= (0.6 * n as f64) as usize);
    }

    #[test]
    fn every_vertex_once() {
        for g in [grid(70, 50), Graph::new(3000, (1..3000).map(|k| (0, k))), Graph::new(900, std::iter::empty())] {
            let mut o = order(&g);
            o.sort_unstable();
            assert!(o.into_iter().eq(0..g.n() as u32));
        }
    }
}
