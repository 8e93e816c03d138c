//! Separators across distances: on meshes what a ruler would give.
//!
//! ```text
//! landmarks: far apart from each other (one at the end of a search, each next one farthest from those so far)
//! for pairs of them: sort the vertices by d(a, v) − d(b, v), which runs straight from a to b, and sweep:
//!     the separator of a prefix is those of it that have neighbours outside; the narrowest near the middle
//! ```
//! A rectangle whose wires run along the axes is cut in the direction of an edge by two of its corners that share one.

use std::collections::VecDeque;

use super::improve::{Net, SEPARATOR, improve, score, width};
use crate::sparse::etree::{Graph, NONE};

/// Landmarks, and the pairs that are tried.
const LANDMARKS: usize = 4;
const PAIRS: [(usize, usize); 6] = [(0, 2), (0, 3), (0, 1), (2, 3), (1, 2), (1, 3)];
/// Where a sweep may stop: shares of the vertices.
const WINDOW: (f64, f64) = (0.44, 0.56);

/// Distances from a vertex, [`NONE`] where it does not reach; vertices reached.
fn search(g: &Graph, from: usize, distance: &mut [u32], queue: &mut VecDeque<u32>) -> usize {
    distance.fill(NONE);
    distance[from] = 0;
    queue.push_back(from as u32);
    let mut count = 0;
    while let Some(v) = queue.pop_front() {
        count += 1;
        let next = distance[v as usize] + 1;
        for &u in g.of(v as usize) {
            if distance[u as usize] == NONE {
                distance[u as usize] = next;
                queue.push_back(u);
            }
        }
    }
    count
}

/// Separator and its [`width`]; `None` where there is nothing to measure.
pub fn separate(g: &Graph) -> Option<(f64, Vec<u8>)> {
    let n = g.n();
    let mut queue = VecDeque::with_capacity(n);
    let mut far: Vec<Vec<u32>> = vec![vec![0; n]];
    if search(g, 0, &mut far[0], &mut queue) < n {
        return Some(components(g, &mut far[0], &mut queue));
    }
    // Of equally distant ones the one with the fewest neighbours: a corner.
    let degree = |v: usize| std::cmp::Reverse(g.of(v).len());
    let first = (0..n).max_by_key(|&v| (far[0][v], degree(v)))?;
    search(g, first, &mut far[0], &mut queue);
    let mut nearest = far[0].clone();
    for _ in 1..LANDMARKS {
        let next = (0..n).max_by_key(|&v| (nearest[v], degree(v)))?;
        let mut d = vec![0; n];
        search(g, next, &mut d, &mut queue);
        nearest.iter_mut().zip(&d).for_each(|(x, &d)| *x = d.min(*x));
        far.push(d);
    }
    let mut sweep = Sweep::new(n);
    let mut best: Option<(f64, usize, usize)> = None;
    for (pair, &(a, b)) in PAIRS.iter().enumerate() {
        sweep.sort(&far[a], &far[b]);
        if let Some((score, at)) = sweep.narrowest(g)
            && best.is_none_or(|b| score < b.0)
        {
            best = Some((score, pair, at));
        }
    }
    let (_, pair, at) = best?;
    sweep.sort(&far[PAIRS[pair].0], &far[PAIRS[pair].1]);
    let mut part = vec![1u8; n];
    for &v in &sweep.order[..at] {
        part[v as usize] = 0;
    }
    for v in 0..n {
        if part[v] == 0 && g.of(v).iter().any(|&u| part[u as usize] == 1) {
            part[v] = SEPARATOR;
        }
    }
    let net = Net { ptr: g.ptr.clone(), adj: g.adj.clone(), edge: vec![], vertex: vec![1; n] };
    improve(&net, &mut part);
    Some((width(&part), part))
}

/// Whole components to either half, the largest first.
fn components(g: &Graph, distance: &mut [u32], queue: &mut VecDeque<u32>) -> (f64, Vec<u8>) {
    let n = g.n();
    let mut number = vec![NONE; n];
    let mut sizes: Vec<(usize, u32)> = vec![];
    distance.fill(NONE);
    for v in 0..n {
        if number[v] != NONE {
            continue;
        }
        let c = sizes.len() as u32;
        number[v] = c;
        queue.push_back(v as u32);
        let mut size = 0;
        while let Some(v) = queue.pop_front() {
            size += 1;
            for &u in g.of(v as usize) {
                if number[u as usize] == NONE {
                    number[u as usize] = c;
                    queue.push_back(u);
                }
            }
        }
        sizes.push((size, c));
    }
    sizes.sort_unstable_by_key(|s| (std::cmp::Reverse(s.0), s.1));
    let mut half = vec![0u8; sizes.len()];
    let mut weight = [0; 2];
    for (size, c) in sizes {
        let to = usize::from(weight[1] < weight[0]);
        half[c as usize] = to as u8;
        weight[to] += size;
    }
    (0.0, number.into_iter().map(|c| half[c as usize]).collect())
}

/// Vertices in the order of a difference of distances.
struct Sweep {
    order: Vec<u32>,
    key: Vec<u32>,
    start: Vec<u32>,
    /// Neighbours that are not in the prefix; [`NONE`] outside it.
    outside: Vec<u32>,
}

impl Sweep {
    fn new(n: usize) -> Sweep {
        Sweep { order: vec![0; n], key: vec![0; n], start: vec![], outside: vec![NONE; n] }
    }

    fn sort(&mut self, a: &[u32], b: &[u32]) {
        let most = b.iter().copied().max().unwrap_or(0);
        let mut top = 0;
        for ((key, &a), &b) in self.key.iter_mut().zip(a).zip(b) {
            *key = a + most - b;
            top = top.max(*key);
        }
        self.start.clear();
        self.start.resize(top as usize + 2, 0);
        for &k in &self.key {
            self.start[k as usize + 1] += 1;
        }
        for k in 0..=top as usize {
            self.start[k + 1] += self.start[k];
        }
        for (v, &k) in self.key.iter().enumerate() {
            let at = &mut self.start[k as usize];
            self.order[*at as usize] = v as u32;
            *at += 1;
        }
    }

    /// The prefix in the window with the best separator.
    fn narrowest(&mut self, g: &Graph) -> Option<(f64, usize)> {
        let n = g.n();
        self.outside.fill(NONE);
        let (from, to) = ((WINDOW.0 * n as f64) as usize, (WINDOW.1 * n as f64) as usize);
        let mut border = 0usize;
        let mut best: Option<(f64, usize)> = None;
        for (k, &v) in self.order[..to].iter().enumerate() {
            let mut own = 0;
            for &u in g.of(v as usize) {
                match &mut self.outside[u as usize] {
                    &mut NONE => own += 1,
                    left => {
                        *left -= 1;
                        border -= usize::from(*left == 0);
                    }
                }
            }
            self.outside[v as usize] = own;
            border += usize::from(own > 0);
            if k + 1 >= from && k + 1 > border {
                let score = score(border, k + 1 - border, n - k - 1);
                if best.is_none_or(|b| score < b.0) {
                    best = Some((score, k + 1));
                }
            }
        }
        best
    }
}
