//! Linear systems of a network, line by line: what most networks need instead of a factorization.
//!
//! ```text
//!   A = T + G        T: every plane's lines, tridiagonal, with the cells' slopes on the diagonal
//!                    G: slopes between lines of one cell, plane by plane, G = L + U in the order of the planes
//!   z = (T + L)⁻¹ r       plane after plane, each line by itself;        A z = r + U z
//!   GCR: z and A z are made orthogonal to the directions before, the residual is made as small as they allow
//! ```
//!
//! One direction costs a few operations for each node. Their number grows like that of [`krylov`](super::krylov): a handful
//! while wires conduct much better than cells. A system that would take many more is left to the factorization, and so is
//! one with lines that nothing holds or cells of negative slope. S. C. Eisenstat, H. C. Elman, M. H. Schultz, SIAM J.
//! Numer. Anal. 20, 1983.

use super::planes::{dot, max_abs};

/// Directions at most: beyond, a factorization is cheaper.
const MOST: usize = 16;
/// After a system that takes more directions, so many are left to the factorization: at first, and at most. The number
/// doubles with every such system, and is halved with every other.
const PATIENCE: [usize; 2] = [2, 64];
/// Lines along rows that are solved together, so that their recurrences overlap.
const TOGETHER: usize = 8;
/// Cells whose slopes are handed out at once.
const STRETCH: usize = 256;

/// One plane, by cell.
#[derive(Clone, Debug)]
struct Side {
    along_row: bool,
    /// S to the next node of the line; 0 where there is none.
    wire: Vec<f64>,
    /// S to the sources at the line's ends and to neighbours that are held.
    fixed: Vec<f64>,
    /// Held by a source.
    is_held: Vec<bool>,
    /// Capacitance to ground, F.
    capacitance: Vec<f64>,
    /// First the diagonal without the wires, then inverse pivots; 0: held.
    inverse: Vec<f64>,
}

/// Slopes of the currents of one plane with the voltages of another.
#[derive(Clone, Debug)]
struct Pair {
    row: usize,
    col: usize,
    g: Vec<f64>,
    /// A node of either plane is held: what concerns it is not asked for.
    is_cut: bool,
    is_zero: bool,
}

/// How accurate a solution is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accuracy {
    /// Of the residual's norm against that of the right-hand side.
    pub residual: f64,
    /// The last direction's largest share of a voltage against the largest of the solution: the norm of currents says
    /// little about lines that hardly anything holds.
    pub volts: f64,
}

/// The lines of a network with its present slopes.
#[derive(Clone, Debug)]
pub(super) struct Sweeps {
    cols: usize,
    cells: usize,
    sides: Vec<Side>,
    pairs: Vec<Pair>,
    /// Where each tap pair of each layer goes: a pair, or the diagonal of a plane.
    homes: Vec<Vec<Home>>,
    order: Vec<usize>,
    /// Numbers of the unknowns by plane and cell; 0: held.
    unknown: Vec<u32>,
    r: Vec<f64>,
    x: Vec<f64>,
    z: Vec<Vec<f64>>,
    u: Vec<Vec<f64>>,
    length: [f64; MOST],
    /// Systems that are still left to the factorization, and how many there will be after the next failure.
    waiting: usize,
    patience: usize,
}

#[derive(Clone, Copy, Debug)]
enum Home {
    Diagonal(usize),
    Pair(usize),
}

/// A plane as [`Sweeps::new`] wants it, by cell.
pub(super) struct SideSpec<'a> {
    pub along_row: bool,
    pub wire: Vec<f64>,
    pub ends: Vec<f64>,
    pub node: &'a [u32],
}

struct Factor<'a>(&'a mut Sweeps);

impl pulp::NullaryFnOnce for Factor<'_> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        self.0.factor_lines()
    }
}

struct Solve<'a>(&'a mut Sweeps, Accuracy);

impl pulp::NullaryFnOnce for Solve<'_> {
    type Output = bool;

    #[inline(always)]
    fn call(self) -> bool {
        self.0.reduce(self.1)
    }
}

impl Sweeps {
    /// `taps`: the planes of a cell's lines, layer by layer. `capacitance`: by unknown.
    pub fn new((rows, cols): (usize, usize), specs: Vec<SideSpec>, taps: &[Vec<usize>], capacitance: &[f64]) -> Sweeps {
        let cells = rows * cols;
        let mut sides: Vec<Side> = vec![];
        let mut unknown = vec![];
        for s in specs {
            unknown.extend_from_slice(s.node);
            let step = if s.along_row { 1 } else { cols };
            let mut fixed = s.ends;
            for (k, w) in s.wire.iter().enumerate().filter(|w| *w.1 > 0.0) {
                let held = (s.node[k] == 0, s.node[k + step] == 0);
                fixed[k] += if held.1 { *w } else { 0.0 };
                fixed[k + step] += if held.0 { *w } else { 0.0 };
            }
            let mut wire = s.wire;
            for k in 0..cells {
                if wire[k] > 0.0 && (s.node[k] == 0 || s.node[k + step] == 0) {
                    wire[k] = 0.0;
                }
            }
            sides.push(Side {
                along_row: s.along_row,
                wire,
                fixed,
                is_held: s.node.iter().map(|u| *u == 0).collect(),
                capacitance: s.node.iter().map(|u| capacitance[*u as usize]).collect(),
                inverse: vec![0.0; cells],
            });
        }
        let mut pairs: Vec<Pair> = vec![];
        let mut homes = vec![];
        for tap in taps {
            let mut own = vec![];
            for &row in tap {
                for &col in tap {
                    if row == col {
                        own.push(Home::Diagonal(row));
                        continue;
                    }
                    let known = pairs.iter().position(|p| (p.row, p.col) == (row, col));
                    own.push(Home::Pair(known.unwrap_or(pairs.len())));
                    if known.is_none() {
                        let is_cut = [row, col].iter().any(|p| sides[*p].is_held.contains(&true));
                        pairs.push(Pair { row, col, g: vec![0.0; cells], is_cut, is_zero: true });
                    }
                }
            }
            homes.push(own);
        }
        let all = cells * sides.len();
        Sweeps {
            cols,
            cells,
            order: (0..sides.len()).collect(),
            sides,
            pairs,
            homes,
            unknown,
            r: vec![0.0; all],
            x: vec![0.0; all],
            z: vec![vec![0.0; all]],
            u: vec![vec![0.0; all]],
            length: [0.0; MOST],
            waiting: 0,
            patience: PATIENCE[0],
        }
    }

    /// Whether the next system is to be tried here.
    pub fn is_due(&mut self) -> bool {
        let is_due = self.waiting == 0;
        self.waiting = self.waiting.saturating_sub(1);
        is_due
    }

    /// Takes the slopes of the cells, layer by layer, and factors the lines. False: not possible this way.
    pub fn set(&mut self, slopes: &[f64], a0: f64) -> bool {
        for s in &mut self.sides {
            for (d, (g, c)) in s.inverse.iter_mut().zip(s.fixed.iter().zip(&s.capacitance)) {
                *d = g + a0 * c;
            }
        }
        self.pairs.iter_mut().for_each(|p| p.g.fill(0.0));
        let t = self.homes.first().map_or(0, |h| h.len());
        for (g, homes) in slopes.chunks_exact(self.cells * t).zip(&self.homes) {
            // All slopes of a cell lie together: a stretch of cells is looked at again before it is forgotten.
            for first in (0..self.cells).step_by(STRETCH) {
                let own = first..self.cells.min(first + STRETCH);
                for (k, home) in homes.iter().enumerate() {
                    let to = match *home {
                        Home::Diagonal(p) => &mut self.sides[p].inverse[own.clone()],
                        Home::Pair(p) => &mut self.pairs[p].g[own.clone()],
                    };
                    to.iter_mut().zip(g[first * t + k..].iter().step_by(t)).for_each(|(to, g)| *to += g);
                }
            }
        }
        for p in &mut self.pairs {
            if p.is_cut {
                let held = self.sides[p.row].is_held.iter().zip(&self.sides[p.col].is_held);
                p.g.iter_mut().zip(held).for_each(|(g, held)| *g = if *held.0 || *held.1 { 0.0 } else { *g });
            }
            p.is_zero = max_abs(0.0, &p.g) == 0.0;
        }
        // Planes that depend on the fewest others come first.
        let depends = |p: usize| self.pairs.iter().filter(|x| x.row == p && !x.is_zero).count();
        for (k, p) in self.order.iter_mut().enumerate() {
            *p = k;
        }
        self.order.sort_by_key(|p| depends(*p));
        pulp::Arch::new().dispatch(Factor(self))
    }

    /// Replaces the right-hand side, by unknown without number 0, by the solution. False: it is as it was.
    pub fn solve(&mut self, b: &mut [f64], accuracy: Accuracy) -> bool {
        for (r, u) in self.r.iter_mut().zip(&self.unknown) {
            *r = if *u == 0 { 0.0 } else { b[*u as usize - 1] };
        }
        if !pulp::Arch::new().dispatch(Solve(self, accuracy)) {
            self.waiting = self.patience;
            self.patience = PATIENCE[1].min(2 * self.patience);
            return false;
        }
        self.patience = PATIENCE[0].max(self.patience / 2);
        for (x, u) in self.x.iter().zip(&self.unknown).filter(|x| *x.1 != 0) {
            b[*u as usize - 1] = *x;
        }
        true
    }

    #[inline(always)]
    fn factor_lines(&mut self) -> bool {
        let n = self.cols;
        let mut is_sound = true;
        for s in &mut self.sides {
            let (wire, held) = (&s.wire[..], &s.is_held[..]);
            // Without subtraction, as in `planes`: what a node sees of the nodes before it, in series.
            let mut pivot = |at: usize, d: f64, seen: f64| -> (f64, f64) {
                let (e, next) = (d + seen, wire[at]);
                let inverse = 1.0 / (e + next);
                is_sound &= held[at] || (inverse > 0.0 && inverse < f64::INFINITY);
                if held[at] { (0.0, 0.0) } else { (inverse, next * (e * inverse)) }
            };
            let rows = self.cells / n;
            if s.along_row {
                let mut i = 0;
                while i < rows {
                    let group = TOGETHER.min(rows - i);
                    let mut seen = [0.0; TOGETHER];
                    for j in 0..n {
                        for (k, seen) in seen[..group].iter_mut().enumerate() {
                            let at = (i + k) * n + j;
                            (s.inverse[at], *seen) = pivot(at, s.inverse[at], *seen);
                        }
                    }
                    i += group;
                }
            } else {
                // `z` has room that nobody uses at this time.
                let seen = &mut self.z[0][..n];
                seen.fill(0.0);
                for at in 0..self.cells {
                    (s.inverse[at], seen[at % n]) = pivot(at, s.inverse[at], seen[at % n]);
                }
            }
        }
        is_sound
    }

    /// z = (T + L)⁻¹ r and u = r + U z, into direction `k`.
    #[inline(always)]
    fn direction(&mut self, k: usize) {
        let all = self.cells;
        let (z, u) = (&mut self.z[k], &mut self.u[k]);
        z.copy_from_slice(&self.r);
        u.copy_from_slice(&self.r);
        for (nth, &p) in self.order.iter().enumerate() {
            for pair in self.pairs.iter().filter(|x| x.row == p && !x.is_zero) {
                if self.order[..nth].contains(&pair.col) {
                    let (to, from) = two(z, p, pair.col, all);
                    subtract(to, &pair.g, from);
                }
            }
            self.sides[p].solve(&mut z[p * all..(p + 1) * all], self.cols);
            // What the planes before depend on.
            for pair in self.pairs.iter().filter(|x| x.col == p && !x.is_zero) {
                if self.order[..nth].contains(&pair.row) {
                    add(&mut u[pair.row * all..(pair.row + 1) * all], &pair.g, &z[p * all..(p + 1) * all]);
                }
            }
        }
    }

    #[inline(always)]
    fn reduce(&mut self, accuracy: Accuracy) -> bool {
        self.x.fill(0.0);
        let first = dot(&self.r, &self.r);
        if first == 0.0 {
            return true;
        }
        let enough = first * accuracy.residual * accuracy.residual;
        for k in 0..MOST {
            if self.z.len() == k {
                self.z.push(vec![0.0; self.r.len()]);
                self.u.push(vec![0.0; self.r.len()]);
            }
            self.direction(k);
            let (zs, z) = self.z.split_at_mut(k);
            let (us, u) = self.u.split_at_mut(k);
            let (z, u) = (&mut z[0], &mut u[0]);
            for ((z0, u0), length) in zs.iter().zip(us.iter()).zip(&self.length) {
                let share = -dot(u, u0) / length;
                along(u, share, u0);
                along(z, share, z0);
            }
            let length = dot(u, u);
            let share = dot(u, &self.r) / length;
            if !share.is_finite() {
                return false;
            }
            self.length[k] = length;
            along(&mut self.x, share, z);
            along(&mut self.r, -share, u);
            let left = dot(&self.r, &self.r);
            let moved = share.abs() * max_abs(0.0, z);
            if left <= enough && (left == 0.0 || moved <= accuracy.volts * max_abs(0.0, &self.x)) {
                return true;
            }
        }
        false
    }
}

impl Side {
    #[inline(always)]
    fn solve(&self, z: &mut [f64], n: usize) {
        let (p, w) = (&self.inverse[..z.len()], &self.wire[..z.len()]);
        if !self.along_row {
            let rows = z.len() / n;
            for i in 1..rows {
                let (before, here) = z[(i - 1) * n..(i + 1) * n].split_at_mut(n);
                let from = (i - 1) * n..i * n;
                forward(here, before, &p[from.clone()], &w[from]);
            }
            for i in (0..rows).rev() {
                let own = i * n..(i + 1) * n;
                if i + 1 == rows {
                    z[own.clone()].iter_mut().zip(&p[own]).for_each(|(z, p)| *z *= p);
                } else {
                    let (here, after) = z[i * n..(i + 2) * n].split_at_mut(n);
                    backward(here, after, &p[own.clone()], &w[own]);
                }
            }
            return;
        }
        let mut lines = z.chunks_exact_mut(n * TOGETHER);
        let (mut ps, mut ws) = (p.chunks_exact(n * TOGETHER), w.chunks_exact(n * TOGETHER));
        for ((z, p), w) in (&mut lines).zip(&mut ps).zip(&mut ws) {
            rows_together::<TOGETHER>(z, p, w, n);
        }
        let rest = lines.into_remainder().chunks_exact_mut(n);
        for ((z, p), w) in rest.zip(ps.remainder().chunks_exact(n)).zip(ws.remainder().chunks_exact(n)) {
            rows_together::<1>(z, p, w, n);
        }
    }
}

/// Lines along rows, side by side.
#[inline(always)]
fn rows_together<const K: usize>(z: &mut [f64], p: &[f64], w: &[f64], n: usize) {
    let (z, p, w) = (&mut z[..K * n], &p[..K * n], &w[..K * n]);
    let mut carry = [0.0; K];
    for j in 0..n {
        for k in 0..K {
            let at = k * n + j;
            let y = z[at] + carry[k];
            z[at] = y;
            carry[k] = (w[at] * p[at]) * y;
        }
    }
    carry = [0.0; K];
    for j in (0..n).rev() {
        for k in 0..K {
            let at = k * n + j;
            carry[k] = p[at] * (z[at] + w[at] * carry[k]);
            z[at] = carry[k];
        }
    }
}

// Inner loops are functions of slices: the compiler then knows that these do not overlap.

#[inline(always)]
fn forward(here: &mut [f64], before: &[f64], p: &[f64], w: &[f64]) {
    for (((h, b), p), w) in here.iter_mut().zip(before).zip(p).zip(w) {
        *h += (w * p) * b;
    }
}

#[inline(always)]
fn backward(here: &mut [f64], after: &[f64], p: &[f64], w: &[f64]) {
    for (((h, a), p), w) in here.iter_mut().zip(after).zip(p).zip(w) {
        *h = p * (*h + w * a);
    }
}

#[inline(always)]
fn subtract(to: &mut [f64], g: &[f64], x: &[f64]) {
    to.iter_mut().zip(g.iter().zip(x)).for_each(|(to, (g, x))| *to -= g * x);
}

#[inline(always)]
fn add(to: &mut [f64], g: &[f64], x: &[f64]) {
    to.iter_mut().zip(g.iter().zip(x)).for_each(|(to, (g, x))| *to += g * x);
}

#[inline(always)]
fn along(to: &mut [f64], share: f64, x: &[f64]) {
    to.iter_mut().zip(x).for_each(|(to, x)| *to += share * x);
}

/// Plane `a` to change, plane `b` to read.
#[inline(always)]
fn two(v: &mut [f64], a: usize, b: usize, all: usize) -> (&mut [f64], &[f64]) {
    let (low, high) = v.split_at_mut(a.max(b) * all);
    let (low, high) = (&mut low[a.min(b) * all..][..all], &mut high[..all]);
    if a < b { (low, high) } else { (high, low) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Stream;

    fn draw(k: usize) -> f64 {
        Stream { seed: 5, run: 0, instance: 0 }.uniform(0, k as u32)
    }

    /// Two layers between three planes, slopes without symmetry, a broken line and a held node.
    fn network(ohms: f64) -> (Sweeps, Vec<Vec<f64>>, usize) {
        let (rows, cols) = (11, 9);
        let (all, taps) = (rows * cols, vec![vec![0usize, 1], vec![2, 1]]);
        let along = [true, false, true];
        let mut number = 0;
        let mut nodes = vec![];
        for p in 0..3 {
            let next = |k: usize| {
                let is_held = p == 1 && k == 3;
                number += u32::from(!is_held);
                if is_held { 0 } else { number }
            };
            nodes.push((0..all).map(next).collect::<Vec<u32>>());
        }
        let n = number as usize;
        let slopes: Vec<f64> = (0..2 * all)
            .flat_map(|c| {
                let (g, h) = (draw(2 * c) / ohms, draw(2 * c + 1) / ohms);
                [g, -g - 0.3 * h, -g, g + 0.3 * h]
            })
            .collect();
        let capacitance: Vec<f64> = (0..=n).map(|u| if u == 0 { 0.0 } else { 1e-15 }).collect();
        let a0 = 1e10;
        let mut a = vec![vec![0.0; n + 1]; n + 1];
        let mut specs = vec![];
        for (p, node) in nodes.iter().enumerate() {
            let (mut wire, mut ends) = (vec![0.0; all], vec![0.0; all]);
            let step = if along[p] { 1 } else { cols };
            for k in 0..all {
                let is_last = if along[p] { k % cols + 1 == cols } else { k / cols + 1 == rows };
                let is_broken = p == 0 && k == 4;
                if !is_last && !is_broken {
                    wire[k] = 0.5;
                    let (u, v) = (node[k] as usize, node[k + step] as usize);
                    for (r, c, g) in [(u, u, 0.5), (v, v, 0.5), (u, v, -0.5), (v, u, -0.5)] {
                        a[r][c] += g;
                    }
                }
                if k % (cols + 1) == 0 {
                    ends[k] = 0.25;
                    a[node[k] as usize][node[k] as usize] += 0.25;
                }
            }
            specs.push(SideSpec { along_row: along[p], wire, ends, node });
        }
        for (g, (layer, k)) in slopes.chunks(4).zip((0..2).flat_map(|l| (0..all).map(move |k| (l, k)))) {
            let u = [0, 1].map(|t| nodes[taps[layer][t]][k] as usize);
            for (at, (r, c)) in [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().enumerate() {
                a[u[r]][u[c]] += g[at];
            }
        }
        for u in 1..=n {
            a[u][u] += a0 * 1e-15;
        }
        let mut sweeps = Sweeps::new((rows, cols), specs, &taps, &capacitance);
        assert!(sweeps.set(&slopes, a0));
        (sweeps, a, n)
    }

    #[test]
    fn the_solution_satisfies_the_equations() {
        let (mut sweeps, a, n) = network(100.0);
        let b: Vec<f64> = (0..n).map(|k| draw(10_000 + k) - 0.5).collect();
        let mut x = b.clone();
        assert!(sweeps.is_due() && sweeps.solve(&mut x, Accuracy { residual: 1e-11, volts: 1e-8 }));
        for u in 1..=n {
            let sum: f64 = (1..=n).map(|v| a[u][v] * x[v - 1]).sum();
            assert!((sum - b[u - 1]).abs() < 1e-9, "row {u}: {sum} for {}", b[u - 1]);
        }
        assert!(x.iter().fold(0.0f64, |s, x| s.max(x.abs())) > 1.0);
    }

    /// Cells that conduct like wires take more directions than there are; the right-hand side stays, and the next systems
    /// are left to the factorization.
    #[test]
    fn hard_systems_are_left_alone() {
        let (mut sweeps, _, n) = network(0.05);
        let b: Vec<f64> = (0..n).map(|k| draw(10_000 + k) - 0.5).collect();
        let mut x = b.clone();
        assert!(!sweeps.solve(&mut x, Accuracy { residual: 1e-11, volts: 1e-8 }));
        assert_eq!(x, b);
        assert_eq!([0; 4].map(|_| sweeps.is_due()), [false, false, true, true]);
    }

    #[test]
    fn a_negative_slope_is_not_for_lines() {
        let (mut sweeps, _, _) = network(100.0);
        assert!(!sweeps.set(&vec![-10.0; 2 * 99 * 4], 0.0));
    }
}
