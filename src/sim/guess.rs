//! Where the search for an operating point begins.
//!
//! Nodes that ideal voltage sources tie to ground, in chains too, are known before anything is solved. Equations that have
//! no value or no slope there are tried from other places: with those voltages spread through the linear conductances,
//!
//! ```text
//! v_i <- v_i - (G v + i)_i / G_ii        over the nodes that no source holds
//! ```
//!
//! and then a little and a lot beside them. Devices may complete what they keep, too.

use super::Simulation;
use crate::base::rng::Stream;
use crate::device::{IterMem, Linearity, Load, Point};

/// Sweeps of the relaxation.
const SWEEPS: usize = 30;
/// V, beside the spread voltages; half of the tries is above all of them, for ln(v).
const BESIDE: [f64; 5] = [1e-3, 1e-3, 0.1, 0.1, 1.0];
/// Other unknowns are moved by this fraction of it.
const OTHERS: f64 = 1e-3;

impl Simulation {
    /// Puts the voltages that sources dictate into `x`. Which nodes these are is returned.
    pub fn guess(&mut self, at: &Point, x: &mut [f64]) -> Vec<bool> {
        let mut ties: Vec<(usize, usize, f64)> = vec![];
        let zeros = vec![0.0; self.n];
        for (g, group) in self.circuit.groups.iter().enumerate().filter(|(_, g)| g.info().name == "vsource") {
            self.f.fill(0.0);
            let mut mem = IterMem::new(&mut []);
            let mut out = Load { f: &mut self.f, q: &mut self.q, g: &mut self.g, c: &mut self.c };
            self.slots[g].batch.eval(at, &zeros, &mut mem, &mut out);
            for i in group.iter() {
                if let ([p, n, ..], Some(b)) = (i.nodes, self.branches.get(&i.name)) {
                    // The row is v(p) - v(n) - E.
                    ties.push((*p as usize, *n as usize, -self.f[*b as usize]));
                }
            }
        }
        let mut known = vec![false; self.n];
        known[0] = true;
        loop {
            let before = ties.len();
            ties.retain(|&(p, n, e)| {
                let (from, to, e) = if known[n] { (n, p, e) } else { (p, n, -e) };
                if known[from] && !known[to] {
                    x[to] = x[from] + e;
                    known[to] = true;
                }
                !known[p] || !known[n]
            });
            if ties.len() == before {
                return known;
            }
        }
    }

    /// The largest voltage that an independent source has at one of these times.
    pub fn largest_drive(&mut self, times: impl Iterator<Item = f64> + Clone) -> f64 {
        let zeros = vec![0.0; self.n];
        let mut largest = 0.0f64;
        for (g, group) in self.circuit.groups.iter().enumerate().filter(|(_, g)| g.info().name == "vsource") {
            for t in times.clone() {
                self.f.fill(0.0);
                let at = self.point_tran(t);
                let mut mem = IterMem::new(&mut []);
                let mut out = Load { f: &mut self.f, q: &mut self.q, g: &mut self.g, c: &mut self.c };
                self.slots[g].batch.eval(&at, &zeros, &mut mem, &mut out);
                for b in group.iter().filter_map(|i| self.branches.get(&i.name)) {
                    largest = largest.max(self.f[*b as usize].abs());
                }
            }
        }
        largest
    }

    /// Another place to begin at than the guess in `x`. False: there is no further one.
    pub(super) fn guess_again(&mut self, at: &Point, attempt: usize, x: &mut [f64]) -> bool {
        let Some(tries) = (BESIDE.len() + 1).checked_sub(attempt).filter(|t| *t > 0) else { return false };
        let known = self.guess(at, x);
        self.spread(at, &known, x);
        for s in &mut self.slots {
            s.batch.prime(at, x);
        }
        if tries <= BESIDE.len() {
            let k = attempt - 1;
            let stream = Stream { seed: 0, run: 0, instance: u32::MAX - 1 };
            for u in 1..self.n {
                if known[u] {
                    continue;
                }
                let r = stream.uniform(k as u32, u as u32);
                let part = if k.is_multiple_of(2) { 0.5 + 0.5 * r } else { 2.0 * r - 1.0 };
                x[u] += BESIDE[k] * part * if u < self.nodes { 1.0 } else { OTHERS };
            }
        }
        true
    }

    fn spread(&mut self, at: &Point, known: &[bool], x: &mut [f64]) {
        let zeros = vec![0.0; self.n];
        for a in [&mut self.f, &mut self.q, &mut self.g, &mut self.c] {
            a.fill(0.0);
        }
        for s in self.slots.iter().filter(|s| s.batch.linearity() != Linearity::Nonlinear) {
            let mut mem = IterMem::new(&mut self.memory[s.memory.clone()]);
            let mut out = Load { f: &mut self.f, q: &mut self.q, g: &mut self.g, c: &mut self.c };
            s.batch.eval(at, &zeros, &mut mem, &mut out);
        }
        let mut row = vec![0.0; self.n];
        for _ in 0..SWEEPS {
            row.copy_from_slice(&self.f);
            for (r, c, s) in self.pattern.entries() {
                row[r as usize] += self.g[s as usize] * x[c as usize];
            }
            for u in 1..self.nodes {
                let own = self.g[self.diagonal[u] as usize];
                if !known[u] && self.diagonal[u] != 0 && own > 0.0 {
                    x[u] -= row[u] / own;
                }
            }
        }
        self.is_moved = true;
        self.factored_for = None;
    }
}
