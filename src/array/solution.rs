//! Currents and powers that follow from the voltages of an array.

use super::geometry::{Geometry, Plane};
use super::planes::sum;

/// Currents at the ends of the lines, A, and powers, W.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Currents {
    /// Into each word line from its two ends.
    pub word: [Vec<f64>; 2],
    /// Out of each bit line into its two ends.
    pub bit: [Vec<f64>; 2],
    /// Delivered by the sources.
    pub source_power: f64,
    /// Dissipated in cells, wire segments, and the resistances at the ends.
    pub cell_power: f64,
    pub wire_power: f64,
    pub end_power: f64,
}

impl Currents {
    /// `cell` gives the current of the cell at row * columns + column, from word to bit line.
    pub fn new(geometry: &Geometry, w: &[f64], b: &[f64], cell: impl Fn(usize) -> f64) -> Currents {
        let (m, n) = (geometry.rows, geometry.cols);
        let mut out =
            Currents { word: [vec![0.0; m], vec![0.0; m]], bit: [vec![0.0; n], vec![0.0; n]], ..Currents::default() };
        let mut rows = vec![0.0; m];
        let mut cols = vec![0.0; n];
        let (mut current, mut power) = (vec![0.0; n], vec![0.0; n]);
        pulp::Arch::new().dispatch(|| {
            for i in 0..m {
                let at = i * n..(i + 1) * n;
                current.iter_mut().zip(at.clone()).for_each(|(c, k)| *c = cell(k));
                powers(&mut power, &current, &w[at.clone()], &b[at]);
                rows[i] = sum(&current);
                cols.iter_mut().zip(&current).for_each(|(s, c)| *s += c);
                out.cell_power += sum(&power);
            }
        });
        let word = LineSet { plane: &geometry.word, nodes: n, first: |i| i * n, step: 1, v: w, sign: 1.0 };
        let bit = LineSet { plane: &geometry.bit, nodes: m, first: |j| j, step: n, v: b, sign: -1.0 };
        word.ends(&rows, &cell, &mut out.word);
        bit.ends(&cols, &|k| -cell(k), &mut out.bit);
        for (ends, plane, sign) in [(&out.word, &geometry.word, 1.0), (&out.bit, &geometry.bit, -1.0)] {
            for e in 0..2 {
                for (i, end) in ends[e].iter().zip(&plane.ends[e]) {
                    if !end.is_floating() {
                        out.source_power += sign * i * end.volts;
                        out.end_power += i * i * end.ohms;
                    }
                }
            }
        }
        out.wire_power = if geometry.word.segment > 0.0 { word.power() } else { 0.0 }
            + if geometry.bit.segment > 0.0 { bit.power() } else { 0.0 };
        out
    }

    /// Current out of bit line `j` at all its ends, A.
    pub fn column(&self, j: usize) -> f64 {
        self.bit[0][j] + self.bit[1][j]
    }

    /// Currents out of all bit lines, A.
    pub fn columns(&self) -> Vec<f64> {
        self.bit[0].iter().zip(&self.bit[1]).map(|(a, b)| a + b).collect()
    }

    /// Currents into all word lines, A.
    pub fn rows(&self) -> Vec<f64> {
        self.word[0].iter().zip(&self.word[1]).map(|(a, b)| a + b).collect()
    }
}

/// The lines of one plane within the vectors over all nodes.
struct LineSet<'a, F: Fn(usize) -> usize> {
    plane: &'a Plane,
    nodes: usize,
    first: F,
    step: usize,
    v: &'a [f64],
    /// +1: currents count into the line, -1: out of it.
    sign: f64,
}

impl<F: Fn(usize) -> usize> LineSet<'_, F> {
    fn is_open(&self, line: usize, k: usize) -> bool {
        self.plane.opens.contains(&(line, k))
    }

    /// Currents at the ends. `sums` are the currents of the lines' cells; `cell` counts away from the line.
    fn ends(&self, sums: &[f64], cell: &dyn Fn(usize) -> f64, out: &mut [Vec<f64>; 2]) {
        let p = self.plane;
        for line in 0..p.lines() {
            let ends = [p.ends[0][line], p.ends[1][line]];
            let is_whole = p.opens.iter().all(|o| o.0 != line);
            match (ends[0].is_floating(), ends[1].is_floating()) {
                (true, true) => {}
                // All that the cells take comes from the one end: no difference of nearly equal voltages.
                (false, true) if is_whole => out[0][line] = sums[line],
                (true, false) if is_whole => out[1][line] = sums[line],
                _ => {
                    for e in (0..2).filter(|&e| !ends[e].is_floating()) {
                        let at = |k: usize| (self.first)(line) + k * self.step;
                        let (k, near) = if e == 0 { (0, 1) } else { (self.nodes - 1, self.nodes.wrapping_sub(2)) };
                        let v = self.v[at(k)];
                        out[e][line] = if ends[e].ohms > 0.0 {
                            self.sign * (ends[e].volts - v) / ends[e].ohms
                        } else if p.segment == 0.0 || self.nodes == 1 {
                            // The other end, if it is connected, has a resistance.
                            let o = ends[1 - e];
                            let other = if o.is_floating() || o.ohms == 0.0 { 0.0 } else { (o.volts - v) / o.ohms };
                            let share = if o.ohms == 0.0 { 0.5 } else { 1.0 };
                            share * (sums[line] - self.sign * other)
                        } else {
                            // Held: what leaves through the first cell and the first segment.
                            let broken = self.nodes < 2 || self.is_open(line, k.min(near));
                            let wire = if broken { 0.0 } else { (v - self.v[at(near)]) / p.segment };
                            self.sign * wire + self.sign * cell(at(k))
                        };
                    }
                }
            }
        }
    }

    fn power(&self) -> f64 {
        let lines = self.plane.lines();
        let mut total = 0.0;
        if self.plane.opens.is_empty() && self.nodes > 1 {
            // Along the rows of memory in either plane.
            let n = if self.step == 1 { self.nodes } else { lines };
            let mut squares = vec![0.0; n];
            pulp::Arch::new().dispatch(|| {
                if self.step == 1 {
                    for row in self.v.chunks_exact(n) {
                        drops(&mut squares[..n - 1], &row[..n - 1], &row[1..]);
                        total += sum(&squares[..n - 1]);
                    }
                } else {
                    for (a, b) in self.v.chunks_exact(n).zip(self.v[n..].chunks_exact(n)) {
                        drops(&mut squares, a, b);
                        total += sum(&squares);
                    }
                }
            });
            return total / self.plane.segment;
        }
        for line in 0..lines {
            let is_whole = self.plane.opens.iter().all(|o| o.0 != line);
            for k in 0..self.nodes.saturating_sub(1) {
                let at = (self.first)(line) + k * self.step;
                let d = self.v[at] - self.v[at + self.step];
                if d.is_finite() && (is_whole || !self.is_open(line, k)) {
                    total += d * d;
                }
            }
        }
        total / self.plane.segment
    }
}

/// Where no current flows, the voltage may be unknown.
#[inline(always)]
fn powers(out: &mut [f64], c: &[f64], w: &[f64], b: &[f64]) {
    let n = out.len();
    let (c, w, b) = (&c[..n], &w[..n], &b[..n]);
    for j in 0..n {
        let p = c[j] * (w[j] - b[j]);
        out[j] = if c[j] == 0.0 { 0.0 } else { p };
    }
}

/// Squares of differences; those that are not known count as none.
#[inline(always)]
fn drops(out: &mut [f64], a: &[f64], b: &[f64]) {
    let n = out.len();
    let (a, b) = (&a[..n], &b[..n]);
    for j in 0..n {
        let d = a[j] - b[j];
        out[j] = if d.abs() < f64::INFINITY { d * d } else { 0.0 };
    }
}
