//! Separators by contraction.
//!
//! ```text
//! separate(G): match neighbours along heavy edges and contract, until G is small;
//!              grow one half breadth first from several seeds, its border is the separator, the best one stays;
//!              expand step by step, improving the separator at each
//! ```
//! G. Karypis, V. Kumar, SIAM J. Sci. Comput. 20, 1998; B. Hendrickson, E. Rothberg, SIAM J. Sci. Comput. 20, 1998.

use super::improve::{Net, SEPARATOR, improve};
use crate::sparse::etree::NONE;

/// Graphs are contracted to about this size.
const COARSE: usize = 90;
/// Seeds tried on the smallest graph.
const SEEDS: usize = 6;

/// A small generator: only variety is asked of it.
pub struct Dice(pub u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        ((self.0 >> 33) as usize * n) >> 31
    }
}

/// The half of every vertex, or [`SEPARATOR`].
pub fn separate(net: &Net, dice: &mut Dice) -> Vec<u8> {
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
