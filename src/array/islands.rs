//! Lines that nothing determines: pieces of line that no driver reaches, not even through cells.
//!
//! Breaks cut lines into pieces. Pieces that conducting cells join are one group; a group without a driver is tied to
//! ground at one node, which carries no current, and its voltages are reported as NaN.

use super::geometry::{Geometry, Plane};
use super::planes::{Matrix, of_row};
use crate::diag::Diagnostic;
use crate::diag::codes::array::ARRAY_UNTIED;

/// Pieces of the lines of one plane.
#[derive(Clone, Debug)]
struct Pieces {
    /// Number of the first piece of each line, and the number of all.
    first: Vec<u32>,
    /// Broken segments, sorted by line.
    opens: Vec<(usize, usize)>,
}

impl Pieces {
    fn new(plane: &Plane) -> Pieces {
        let mut opens = plane.opens.clone();
        opens.sort_unstable();
        opens.dedup();
        let mut first = Vec::with_capacity(plane.lines() + 1);
        let mut n = 0;
        for line in 0..=plane.lines() {
            first.push(n);
            n += 1 + of_row(&opens, line).len() as u32;
        }
        Pieces { first, opens }
    }

    fn count(&self) -> usize {
        self.first.last().map_or(0, |n| *n as usize)
    }

    fn of(&self, line: usize, k: usize) -> usize {
        self.first[line] as usize + of_row(&self.opens, line).partition_point(|o| o.1 < k)
    }

    /// Line and first node of a piece.
    fn start(&self, piece: usize) -> (usize, usize) {
        let line = self.first.partition_point(|f| *f as usize <= piece) - 1;
        let nth = piece - self.first[line] as usize;
        (line, if nth == 0 { 0 } else { of_row(&self.opens, line)[nth - 1].1 + 1 })
    }
}

/// The pieces, and which of them float for good.
#[derive(Clone, Debug)]
pub(crate) struct Islands {
    word: Pieces,
    bit: Pieces,
    /// Of the word lines' pieces, then of the bit lines'; empty if none is adrift.
    is_adrift: Vec<bool>,
    /// One piece of each group that is adrift.
    tied: Vec<usize>,
}

fn root(parent: &mut [u32], mut k: usize) -> usize {
    while parent[k] as usize != k {
        parent[k] = parent[parent[k] as usize];
        k = parent[k] as usize;
    }
    k
}

impl Islands {
    pub fn find(geometry: &Geometry, conducts: impl Fn(usize) -> bool) -> Islands {
        let (m, n) = (geometry.rows, geometry.cols);
        let (word, bit) = (Pieces::new(&geometry.word), Pieces::new(&geometry.bit));
        let offset = word.count();
        let total = offset + bit.count();
        let mut is_driven = vec![false; total];
        for (plane, pieces, offset, nodes) in [(&geometry.word, &word, 0, n), (&geometry.bit, &bit, offset, m)] {
            for line in 0..plane.lines() {
                for (e, k) in [(0, 0), (1, nodes - 1)] {
                    is_driven[offset + pieces.of(line, k)] |= !plane.ends[e][line].is_floating();
                }
            }
        }
        let mut out = Islands { word, bit, is_adrift: vec![], tied: vec![] };
        if is_driven.iter().all(|d| *d) {
            return out;
        }
        let mut parent: Vec<u32> = (0..total as u32).collect();
        let is_whole = out.word.opens.is_empty() && out.bit.opens.is_empty();
        for i in 0..m {
            for j in (0..n).filter(|j| conducts(i * n + j)) {
                let (a, b) = if is_whole { (i, offset + j) } else { (out.word.of(i, j), offset + out.bit.of(j, i)) };
                let (a, b) = (root(&mut parent, a), root(&mut parent, b));
                if a != b {
                    let (low, high) = (a.min(b), a.max(b));
                    parent[high] = low as u32;
                    is_driven[low] |= is_driven[high];
                }
            }
        }
        out.tied = (0..total).filter(|&k| parent[k] as usize == k && !is_driven[k]).collect();
        if !out.tied.is_empty() {
            out.is_adrift = (0..total).map(|k| !is_driven[root(&mut parent, k)]).collect();
        }
        out
    }

    /// Ties every group to ground.
    pub fn tie(&self, a: &mut Matrix) {
        let offset = self.word.count();
        a.word.ties.clear();
        a.bit.ties.clear();
        for &k in &self.tied {
            if k < offset {
                a.word.ties.push(self.word.start(k));
            } else {
                let (line, at) = self.bit.start(k - offset);
                a.bit.ties.push((at, line));
            }
        }
        a.word.ties.sort_unstable();
        a.bit.ties.sort_unstable();
    }

    /// Voltages that nothing determines become NaN.
    pub fn blank(&self, cols: usize, word: &mut [f64], bit: &mut [f64]) {
        if self.tied.is_empty() {
            return;
        }
        let offset = self.word.count();
        for k in 0..word.len() {
            let (i, j) = (k / cols, k % cols);
            if self.is_adrift[self.word.of(i, j)] {
                word[k] = f64::NAN;
            }
            if self.is_adrift[offset + self.bit.of(j, i)] {
                bit[k] = f64::NAN;
            }
        }
    }

    /// Says which lines float.
    pub fn warning(&self) -> Option<Diagnostic> {
        if self.tied.is_empty() {
            return None;
        }
        let offset = self.word.count();
        let names: Vec<String> = (0..self.is_adrift.len())
            .filter(|&k| self.is_adrift[k])
            .map(|k| match k.checked_sub(offset) {
                None => format!("word line {}", self.word.start(k).0),
                Some(b) => format!("bit line {}", self.bit.start(b).0),
            })
            .collect();
        let mut shown = names.iter().take(6).cloned().collect::<Vec<_>>().join(", ");
        if names.len() > 6 {
            shown.push_str(&format!(" and {} more", names.len() - 6));
        }
        Some(
            Diagnostic::warning(ARRAY_UNTIED, format!("nothing determines the voltage of {shown}"))
                .help("connect an end of the line, or accept NaN there: no current flows"),
        )
    }
}
