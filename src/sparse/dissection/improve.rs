//! Local improvement of a separator.
//!
//! ```text
//! improve(G, S): move a vertex of S into a half, its neighbours in the other half into S, greedily, also uphill for a
//!              while; back to the best state; until nothing is gained
//! ```
//! C. M. Fiduccia, R. M. Mattheyses, DAC 1982; C. Ashcraft, J. W. H. Liu, SIAM J. Matrix Anal. Appl. 19, 1998.

use std::collections::BinaryHeap;

/// The larger half may have this share of the weight.
const SHARE: f64 = 0.58;

/// A graph with weights of vertices and edges.
#[derive(Clone, Debug, Default)]
pub struct Net {
    pub ptr: Vec<u32>,
    pub adj: Vec<u32>,
    pub edge: Vec<u32>,
    pub vertex: Vec<u32>,
}

/// Neither half.
pub const SEPARATOR: u8 = 2;

impl Net {
    pub fn n(&self) -> usize {
        self.vertex.len()
    }

    pub fn of(&self, v: usize) -> &[u32] {
        &self.adj[self.ptr[v] as usize..self.ptr[v + 1] as usize]
    }

    pub fn weight(&self) -> u64 {
        self.vertex.iter().map(|&w| u64::from(w)).sum()
    }
}

/// What a separator costs that leaves halves of these sizes: narrow and even is best.
pub fn score(separator: usize, a: usize, b: usize) -> f64 {
    let (a, b) = (a as f64, b as f64);
    let even = 4.0 * a * b / ((a + b) * (a + b));
    (separator as f64 + 1e-3) / even
}

/// [`score`] of a separation.
pub fn width(part: &[u8]) -> f64 {
    let mut size = [0; 3];
    part.iter().for_each(|&p| size[p as usize] += 1);
    score(size[2], size[0], size[1])
}

/// What moving a separator vertex into half `to` takes off the separator.
fn gain(net: &Net, part: &[u8], v: usize, to: u8) -> i64 {
    let other = 1 - to;
    let pulled = net.of(v).iter().filter(|&&u| part[u as usize] == other).map(|&u| i64::from(net.vertex[u as usize]));
    i64::from(net.vertex[v]) - pulled.sum::<i64>()
}

/// Improves a separator; its weight, and the difference of the halves.
pub fn improve(net: &Net, part: &mut [u8]) -> (u64, u64) {
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
