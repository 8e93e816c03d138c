//! Conjugate gradients over one plane, preconditioned by that plane's lines.
//!
//! ```text
//!   b is eliminated:    S w = fw + D (Tb + D)⁻¹ fb,      S = Tw + D - D (Tb + D)⁻¹ D
//!   preconditioner:     M = Tw + D
//! ```
//!
//! Both Tw + D and Tb + D fall apart into tridiagonal lines, so that a product with S and a solution with M cost a few
//! operations for each cell. The eigenvalues of M⁻¹S lie in (0, 1]; about sqrt(κ) ln(2/ε)/2 iterations with
//! κ = 1/(1 - max g²/((g + λ)(g + μ))), λ and μ the smallest eigenvalues of the wires: a handful as long as
//! n² r g < 10, then in proportion to n sqrt(r g). Which plane is eliminated makes no difference: both preconditioned
//! Schur complements have the same eigenvalues. Here the bit lines go, because rows lie together in memory.
//!
//! [`Coarse`](super::coarse::Coarse) takes the error that is smooth along both directions, where there is much of it: the
//! iterations then stay some tens.
//!
//! An iteration passes over memory twice. Down the rows: solution, new direction p, first half of the bit lines, which with
//! Tb + D = L Δ Lᵀ gives the length of the step before S p is known,
//!
//! ```text
//!   p·S p = p·(Tw + D) p - y·Δ⁻¹ y,      y = L⁻¹ D p
//! ```
//!
//! and up the rows: second half, S p, residual, word lines.

use super::coarse::Values;
use super::planes::{Matrix, TIED, TOGETHER, dot, max_abs, of_row, sum};
use super::rows::{back, couple, direct, direct_first, direct_sums, forward, product, step, up as up_row, weighted};
use crate::base::Control;
use crate::base::control::Progress;

/// The right-hand side.
pub(crate) enum Rhs<'a> {
    /// Sources at the ends of the lines, V.
    Ends { word: [&'a [f64]; 2], bit: [&'a [f64]; 2] },
    /// Currents into all nodes, A; held nodes do not move.
    Full { word: &'a [f64], bit: &'a [f64] },
    /// Both.
    Both { word: &'a [f64], bit: &'a [f64], ends: ([&'a [f64]; 2], [&'a [f64]; 2]) },
}

impl<'a> Rhs<'a> {
    fn ends(&self) -> Option<([&'a [f64]; 2], [&'a [f64]; 2])> {
        match self {
            Rhs::Ends { word, bit } => Some((*word, *bit)),
            Rhs::Full { .. } => None,
            Rhs::Both { ends, .. } => Some(*ends),
        }
    }

    /// Of the sources, V; infinite where there are none.
    pub fn largest_voltage(&self) -> f64 {
        let Some((word, bit)) = self.ends() else { return f64::INFINITY };
        let top = word.iter().chain(&bit).fold(0.0, |s, v| max_abs(s, v));
        if top > 0.0 { top } else { f64::INFINITY }
    }

    fn full(&self) -> Option<(&'a [f64], &'a [f64])> {
        match self {
            Rhs::Ends { .. } => None,
            Rhs::Full { word, bit } | Rhs::Both { word, bit, .. } => Some((word, bit)),
        }
    }
}

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    /// Of the residual's norm against that of the right-hand side.
    pub tol: f64,
    /// The largest preconditioned residual, V: how far voltages of lines that hardly anything holds may be off. The norm
    /// of currents says little about them.
    pub volts: f64,
    pub iterations: usize,
}

/// How it went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    pub iterations: usize,
    pub converged: bool,
    pub cancelled: bool,
}

/// Work space: four vectors over the cells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    /// Voltages of the word lines: the guess before, the solution after.
    pub x: Vec<f64>,
    r: Vec<f64>,
    pub p: Vec<f64>,
    /// Voltages of the bit lines after a solution.
    pub q: Vec<f64>,
    /// One row.
    next: Vec<f64>,
    /// Sums over the columns, for bit lines without resistance.
    columns: Vec<f64>,
    /// Of the coarse grid.
    coarse: Values,
}

impl Work {
    pub fn new(a: &Matrix) -> Work {
        let all = || vec![0.0; a.m * a.n];
        let coarse = Values::default();
        Work { x: all(), r: all(), p: all(), q: all(), next: vec![0.0; a.n], columns: vec![0.0; a.n], coarse }
    }

    /// Every word line at the voltage of its drivers; 0 where it has none.
    pub fn guess(&mut self, a: &Matrix, volts: [&[f64]; 2]) {
        for (i, row) in self.x.chunks_exact_mut(a.n).enumerate() {
            let (mut sum, mut weight) = (0.0, 0.0);
            for (ends, volts) in a.word.ends.iter().zip(volts) {
                // A held end counts for all.
                let g = ends[i].min(1e12);
                sum += g * volts[i];
                weight += g;
            }
            row.fill(if weight > 0.0 { sum / weight } else { 0.0 });
        }
    }

    /// Solves from the guess in `x`. Afterwards `x` has the word lines and `q` the bit lines.
    pub fn solve(&mut self, a: &Matrix, rhs: &Rhs, stop: Stop, control: &Control) -> Run {
        let mut run = Run::default();
        let scale = scale(a, rhs);
        self.p.fill(0.0);
        if let Some(c) = &a.coarse {
            c.fit(&mut self.coarse);
        }
        self.hold(a, rhs);
        self.residual(a, rhs);
        let (mut rn, mut rz, mut largest) = self.first(a);
        let target = (stop.tol * scale).powi(2);
        let first = rn.max(f64::MIN_POSITIVE);
        let (mut alpha, mut beta) = (0.0, 0.0);
        loop {
            if rn <= target && largest <= stop.volts {
                run.converged = true;
                break;
            }
            if run.iterations >= stop.iterations || !rn.is_finite() {
                break;
            }
            if control.is_cancelled() {
                run.cancelled = true;
                break;
            }
            let fraction = ((first / rn).ln() / (first / target).ln()).clamp(0.0, 1.0);
            control.progress(
                "array",
                &Progress { fraction, at: (rn.sqrt() / scale).min(1e300), step: 0.0, points: run.iterations },
            );
            let pq = self.down(a, alpha, beta);
            alpha = 0.0;
            if !(pq > 0.0) {
                // Rounding has eaten the direction: this is as far as double precision goes.
                break;
            }
            alpha = rz / pq;
            let (rn1, rz1, largest1) = self.up(a, alpha);
            beta = rz1 / rz;
            (rn, rz, largest) = (rn1, rz1, largest1);
            run.iterations += 1;
        }
        if alpha != 0.0 {
            self.x.iter_mut().zip(&self.p).for_each(|(x, p)| *x += alpha * p);
        }
        self.bit_lines(a, rhs);
        run
    }

    /// Puts held word lines at their voltages.
    fn hold(&mut self, a: &Matrix, rhs: &Rhs) {
        let ends = rhs.ends();
        for i in 0..a.m {
            for e in 0..2 {
                if a.word.is_held(e, i) {
                    let v = ends.map_or(0.0, |(w, _)| w[e][i]);
                    let row = &mut self.x[i * a.n..(i + 1) * a.n];
                    if a.word.is_ideal() {
                        row.fill(v);
                    } else {
                        row[e * (a.n - 1)] = v;
                    }
                }
            }
        }
    }

    /// x += α p, p = z + β p, and the first half of t = (Tb + D)⁻¹ D p; z is in `q`, t goes there. Returns p·S p.
    fn down(&mut self, a: &Matrix, alpha: f64, beta: f64) -> f64 {
        pulp::Arch::new().dispatch(Pass::Down(self, a, alpha, beta)).0
    }

    /// The second half of t, r -= α S p with S p = Tw p + D (p - t), and z = M⁻¹ r into `q`, but for the coarse grid's
    /// part, whose coefficients are kept. Returns |r|², r·z and the largest |z|.
    fn up(&mut self, a: &Matrix, alpha: f64) -> (f64, f64, f64) {
        pulp::Arch::new().dispatch(Pass::Up(self, a, alpha))
    }

    /// The same for a residual that is there.
    fn first(&mut self, a: &Matrix) -> (f64, f64, f64) {
        pulp::Arch::new().dispatch(Pass::First(self, a))
    }

    /// q = b for the word lines in `x`; r = fw - Tw x - D (x - b).
    fn residual(&mut self, a: &Matrix, rhs: &Rhs) {
        self.bit_lines(a, rhs);
        let n = a.n;
        let full = rhs.full();
        let ends = rhs.ends();
        for i in 0..a.m {
            let rows = i * n..(i + 1) * n;
            let r = &mut self.r[rows.clone()];
            let (x, b, g) = (&self.x[rows.clone()], &self.q[rows.clone()], &a.g[rows.clone()]);
            a.word_row(i, x, r);
            for j in 0..n {
                r[j] = -r[j] - g[j] * (x[j] - b[j]);
            }
            if let Some((w, _)) = full {
                r.iter_mut().zip(&w[rows]).for_each(|(r, f)| *r += f);
            }
            if let Some((w, _)) = ends {
                let s = [a.word.ends[0][i], a.word.ends[1][i]];
                r[0] += if s[0] < f64::INFINITY { s[0] * w[0][i] } else { 0.0 };
                r[n - 1] += if s[1] < f64::INFINITY { s[1] * w[1][i] } else { 0.0 };
            }
            a.mask_word(i, r);
        }
    }

    /// q = (Tb + D)⁻¹ (fb + D x), held nodes at their voltages.
    fn bit_lines(&mut self, a: &Matrix, rhs: &Rhs) {
        pulp::Arch::new().dispatch(|| bit_lines(self, a, rhs));
    }
}

/// A pass over memory. Not a closure: the compiler may leave a long one outside of the function with vector instructions.
enum Pass<'a> {
    Down(&'a mut Work, &'a Matrix, f64, f64),
    Up(&'a mut Work, &'a Matrix, f64),
    First(&'a mut Work, &'a Matrix),
}

impl pulp::NullaryFnOnce for Pass<'_> {
    type Output = (f64, f64, f64);

    #[inline(always)]
    fn call(self) -> Self::Output {
        match self {
            Pass::Down(work, a, alpha, beta) => (down(work, a, alpha, beta), 0.0, 0.0),
            Pass::Up(work, a, alpha) => up(work, a, alpha),
            Pass::First(work, a) => first(work, a),
        }
    }
}

#[inline(always)]
fn bit_lines(work: &mut Work, a: &Matrix, rhs: &Rhs) {
    let (x, q) = (&work.x, &mut work.q);
    let (m, n) = (a.m, a.n);
    let b = &a.bit;
    let full = rhs.full().map(|f| f.1);
    let volts = rhs.ends().map(|e| e.1);
    // What the sources at the ends send into a node, and the voltage of a held one.
    let source = |e: usize, j: usize| volts.map_or(0.0, |v| v[e][j]);
    if b.is_ideal() {
        let t = &mut work.columns;
        t.fill(0.0);
        for i in 0..m {
            let rows = i * n..(i + 1) * n;
            let (x, g) = (&x[rows.clone()], &a.g[rows.clone()]);
            for j in 0..n {
                t[j] += g[j] * x[j];
            }
            if let Some(f) = full {
                t.iter_mut().zip(&f[rows]).for_each(|(t, f)| *t += f);
            }
        }
        for j in 0..n {
            let held = (0..2).find(|&e| b.is_held(e, j));
            t[j] = match held {
                Some(e) => source(e, j),
                None => (t[j] + b.ends[0][j] * source(0, j) + b.ends[1][j] * source(1, j)) * a.pb[j],
            };
        }
        q.chunks_exact_mut(n).for_each(|row| row.copy_from_slice(t));
        return;
    }
    let gb = b.g;
    for i in 0..m {
        let rows = i * n..(i + 1) * n;
        let (before, now) = q.split_at_mut(i * n);
        let (t, x, g) = (&mut now[..n], &x[rows.clone()], &a.g[rows.clone()]);
        product(t, g, x);
        if let Some(f) = full {
            t.iter_mut().zip(&f[rows]).for_each(|(t, f)| *t += f);
        }
        // Ends here, and held nodes next door.
        for (e, here, near) in [(0, 0, 1), (1, m - 1, m.wrapping_sub(2))] {
            if volts.is_none() || (i != here && i != near) {
                continue;
            }
            for j in 0..n {
                let s = b.ends[e][j];
                if i == here && s < f64::INFINITY {
                    t[j] += s * source(e, j);
                } else if i == near && s == f64::INFINITY {
                    let after = if e == 0 { 0 } else { near };
                    if !of_row(&b.breaks, after).iter().any(|t| t.1 == j) {
                        t[j] += gb * source(e, j);
                    }
                }
            }
        }
        if i > 0 {
            let (u, f) = (&before[(i - 1) * n..i * n], &a.pb[(i - 1) * n..i * n]);
            let breaks = of_row(&b.breaks, i - 1);
            if breaks.is_empty() {
                forward(t, u, f, gb);
            } else {
                for j in (0..n).filter(|&j| !breaks.iter().any(|t| t.1 == j)) {
                    t[j] += (gb * f[j]) * u[j];
                }
            }
        }
    }
    let next = &mut work.next;
    next.fill(0.0);
    for i in (0..m).rev() {
        let rows = i * n..(i + 1) * n;
        let (t, f) = (&mut q[rows.clone()], &a.pb[rows]);
        for &(_, j) in of_row(&b.breaks, i) {
            next[j] = 0.0;
        }
        back(next, t, f, gb);
        t.copy_from_slice(next);
        for (e, here) in [(0, 0), (1, m - 1)] {
            if i == here {
                // A held node's neighbour has its share already.
                for j in (0..n).filter(|&j| b.is_held(e, j)) {
                    t[j] = source(e, j);
                    next[j] = 0.0;
                }
            }
        }
    }
}

#[inline(always)]
fn down(work: &mut Work, a: &Matrix, alpha: f64, beta: f64) -> f64 {
    let (x, p, q, columns) = (&mut work.x, &mut work.p, &mut work.q, &mut work.columns);
    let n = a.n;
    let mut product = 0.0;
    if a.bit.is_ideal() {
        columns.fill(0.0);
    }
    for i in 0..a.m {
        let (before, now) = q.split_at_mut(i * n);
        let rows = i * n..(i + 1) * n;
        let (z, x, p, g) = (&mut now[..n], &mut x[rows.clone()], &mut p[rows.clone()], &a.g[rows.clone()]);
        if let Some(c) = &a.coarse {
            c.spread(i, z, &mut work.coarse);
            a.mask_word(i, z);
        }
        let by = (alpha, beta);
        if a.bit.is_ideal() {
            product += direct_sums(columns, x, p, z, g, by);
        } else if i == 0 {
            product += direct_first(z, x, p, (g, &a.pb[rows]), by);
        } else {
            let (t, f) = (&before[(i - 1) * n..i * n], &a.pb[(i - 1) * n..i * n]);
            let h = &a.pb[rows];
            product += direct(z, x, p, (g, h), (t, f, a.bit.g), by);
            for &(_, j) in of_row(&a.bit.breaks, i - 1) {
                let y = g[j] * p[j];
                product += h[j] * (z[j] * z[j] - y * y);
                z[j] = y;
            }
        }
        product += a.word_power(i, p);
    }
    if a.bit.is_ideal() {
        product -= weighted(&a.pb, columns);
    }
    product
}

#[inline(always)]
fn up(work: &mut Work, a: &Matrix, alpha: f64) -> (f64, f64, f64) {
    let (r, p, q) = (&mut work.r, &work.p, &mut work.q);
    let (next, columns) = (&mut work.next, &mut work.columns);
    let n = a.n;
    let mut sums = Sums::default();
    if let Some(c) = &a.coarse {
        c.clear(&mut work.coarse);
    }
    if a.bit.is_ideal() {
        columns.iter_mut().zip(&a.pb).for_each(|(c, f)| *c *= f);
    }
    next.fill(0.0);
    for from in (0..a.m).step_by(TOGETHER).rev() {
        let to = (from + TOGETHER).min(a.m);
        for i in (from..to).rev() {
            let rows = i * n..(i + 1) * n;
            let (p, q, r) = (&p[rows.clone()], &mut q[rows.clone()], &mut r[rows.clone()]);
            let g = &a.g[rows.clone()];
            if !a.bit.is_ideal() {
                for &(_, j) in of_row(&a.bit.breaks, i) {
                    next[j] = 0.0;
                }
            }
            if let (false, Some(wire)) = (a.bit.is_ideal(), a.plain_word(i)) {
                sums.rn += up_row(q, r, next, p, (g, &a.pb[rows], a.bit.g), (wire, alpha));
                continue;
            }
            if a.bit.is_ideal() {
                next.copy_from_slice(columns);
            } else {
                back(next, q, &a.pb[rows], a.bit.g);
            }
            a.word_row(i, p, q);
            couple(q, p, g, next);
            a.mask_word(i, q);
            step(r, q, alpha);
            sums.rn += if a.word.is_ideal() { 0.0 } else { dot(r, r) };
        }
        sums.word_lines(a, from, &r[from * n..to * n], &mut q[from * n..to * n], &mut work.coarse);
    }
    sums.finish(a, &mut work.coarse)
}

#[inline(always)]
fn first(work: &mut Work, a: &Matrix) -> (f64, f64, f64) {
    let n = a.n;
    let mut sums = Sums::default();
    if let Some(c) = &a.coarse {
        c.clear(&mut work.coarse);
    }
    for from in (0..a.m).step_by(TOGETHER) {
        let rows = from * n..(from + TOGETHER).min(a.m) * n;
        let (r, q) = (&work.r[rows.clone()], &mut work.q[rows]);
        q.copy_from_slice(r);
        sums.rn += if a.word.is_ideal() { 0.0 } else { dot(r, r) };
        sums.word_lines(a, from, r, q, &mut work.coarse);
    }
    sums.finish(a, &mut work.coarse)
}

/// |r|², r·z, the largest |z|.
#[derive(Default)]
struct Sums {
    rn: f64,
    rz: f64,
    largest: f64,
}

impl Sums {
    /// z = M⁻¹ r for a few word lines from line `i` on; z holds r before. Of |r|² only that of ideal lines is summed here.
    #[inline(always)]
    fn word_lines(&mut self, a: &Matrix, i: usize, r: &[f64], z: &mut [f64], coarse: &mut Values) {
        let n = a.n;
        if let Some(c) = &a.coarse {
            for (k, r) in r.chunks_exact(n).enumerate() {
                c.collect(i + k, r, coarse);
            }
        }
        let rows = r.len() / n;
        if a.word.is_ideal() {
            for (k, r) in r.chunks_exact(n).enumerate() {
                let s = sum(r);
                let f = a.pw[i + k];
                self.rn += if f == 0.0 { 0.0 } else { s * s };
                self.rz += s * s * f;
            }
            a.solve_word(i, rows, z);
            self.largest = max_abs(self.largest, z);
        } else {
            let (rz, largest) = a.solve_word(i, rows, z);
            self.rz += rz;
            self.largest = if largest > self.largest { largest } else { self.largest };
        }
    }

    #[inline(always)]
    fn finish(self, a: &Matrix, coarse: &mut Values) -> (f64, f64, f64) {
        let (energy, most) = a.coarse.as_ref().map_or((0.0, 0.0), |c| c.solve(coarse));
        (self.rn, self.rz + energy, self.largest + most)
    }
}

/// The size of the right-hand side, A.
pub(crate) fn scale(a: &Matrix, rhs: &Rhs) -> f64 {
    let mut s = 0.0;
    if let Some((w, b)) = rhs.full() {
        s += dot(w, w) + dot(b, b);
    }
    if let Some((w, b)) = rhs.ends() {
        let series = |end: f64, line: f64| if end == f64::INFINITY { line } else { end * line / (end + line) };
        for (wires, volts, pivots, is_word) in [(&a.word, w, &a.pw, true), (&a.bit, b, &a.pb, false)] {
            for e in 0..2 {
                for (k, v) in volts[e].iter().enumerate() {
                    let end = wires.ends[e][k];
                    if end == 0.0 || *v == 0.0 {
                        continue;
                    }
                    let line = if !wires.is_ideal() {
                        wires.g
                    } else if end < f64::INFINITY && pivots[k] > 0.0 {
                        1.0 / pivots[k]
                    } else if is_word {
                        a.g[k * a.n..(k + 1) * a.n].iter().sum()
                    } else {
                        (0..a.m).map(|i| a.g[i * a.n + k]).sum()
                    };
                    s += (if line == 0.0 { end.min(1.0) } else { series(end, line) } * v).powi(2);
                }
            }
        }
    }
    s.sqrt()
}

/// Room for one row of everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    word: Vec<f64>,
    bit: Vec<f64>,
    current: Vec<f64>,
    columns: Vec<f64>,
}

impl Rows {
    pub fn new(n: usize) -> Rows {
        let row = || vec![0.0; n];
        Rows { word: row(), bit: row(), current: row(), columns: row() }
    }
}

/// The residual of the full system at word-line voltages `w` and bit-line voltages `b`, with the currents of the cells
/// (from word to bit line) given row by row: `each(i, word row, bit row)` sees currents missing at the nodes, A. Lines
/// without resistance have theirs at their first node.
#[inline(always)]
pub(crate) fn full_residual(
    a: &Matrix,
    rhs: &Rhs,
    (w, b): (&[f64], &[f64]),
    rows: &mut Rows,
    mut cell: impl FnMut(usize, &mut [f64]),
    mut each: impl FnMut(usize, &[f64], &[f64]),
) {
    let (m, n) = (a.m, a.n);
    let Rows { word: rw, bit: rb, current, columns } = rows;
    columns.fill(0.0);
    let (full, ends) = (rhs.full(), rhs.ends());
    for i in 0..m {
        let rows = i * n..(i + 1) * n;
        cell(i, current);
        a.word_row(i, &w[rows.clone()], rw);
        a.bit_row(i, b, rb);
        missing(rw, rb, current);
        if let Some((fw, fb)) = full {
            rw.iter_mut().zip(&fw[rows.clone()]).for_each(|(r, f)| *r += f);
            rb.iter_mut().zip(&fb[rows]).for_each(|(r, f)| *r += f);
        }
        if let Some((vw, vb)) = ends {
            for (e, j) in [(0, 0), (1, n - 1)] {
                let s = a.word.ends[e][i];
                rw[j] += if s < f64::INFINITY { s * vw[e][i] } else { 0.0 };
            }
            for (e, here) in [(0, 0), (1, m - 1)] {
                if i == here {
                    for j in 0..n {
                        let s = a.bit.ends[e][j];
                        rb[j] += if s < f64::INFINITY { s * vb[e][j] } else { 0.0 };
                    }
                }
            }
        }
        a.mask_word(i, rw);
        a.mask_bit(i, rb);
        if a.word.is_ideal() {
            let s = sum(rw);
            rw.fill(0.0);
            rw[0] = s;
        }
        if a.bit.is_ideal() {
            columns.iter_mut().zip(&*rb).for_each(|(c, r)| *c += r);
            rb.fill(0.0);
            if i + 1 == m {
                rb.copy_from_slice(columns);
            }
        }
        each(i, rw, rb);
    }
}

#[inline(always)]
fn missing(rw: &mut [f64], rb: &mut [f64], current: &[f64]) {
    let n = current.len();
    let (rw, rb) = (&mut rw[..n], &mut rb[..n]);
    for j in 0..n {
        rw[j] = -rw[j] - current[j];
        rb[j] = current[j] - rb[j];
    }
}

/// out += g (here - there)
#[inline(always)]
fn segment(out: &mut [f64], g: f64, here: &[f64], there: &[f64]) {
    let n = out.len();
    let (here, there) = (&here[..n], &there[..n]);
    for j in 0..n {
        out[j] += g * (here[j] - there[j]);
    }
}

impl Matrix {
    /// out = (Tb + shunt) v at row `i`.
    #[inline(always)]
    fn bit_row(&self, i: usize, v: &[f64], out: &mut [f64]) {
        let (m, n) = (self.m, self.n);
        let b = &self.bit;
        let row = |i: usize| &v[i * n..(i + 1) * n];
        let here = row(i);
        out.iter_mut().zip(here).for_each(|(o, v)| *o = b.shunt * v);
        if !b.is_ideal() {
            if i > 0 {
                let above = row(i - 1);
                let breaks = of_row(&b.breaks, i - 1);
                segment(out, b.g, here, above);
                for &(_, j) in breaks {
                    out[j] -= b.g * (here[j] - above[j]);
                }
            }
            if i + 1 < m {
                let below = row(i + 1);
                let breaks = of_row(&b.breaks, i);
                segment(out, b.g, here, below);
                for &(_, j) in breaks {
                    out[j] -= b.g * (here[j] - below[j]);
                }
            }
        }
        for &(_, j) in of_row(&b.ties, i) {
            out[j] += TIED * here[j];
        }
        for (e, at) in [(0, 0), (1, m - 1)] {
            if i == at {
                for j in 0..n {
                    let s = b.ends[e][j];
                    out[j] += if s < f64::INFINITY { s * here[j] } else { 0.0 };
                }
            }
        }
    }

    fn mask_bit(&self, i: usize, row: &mut [f64]) {
        let b = &self.bit;
        for (e, at) in [(0, 0), (1, self.m - 1)] {
            if b.is_ideal() || i == at {
                for (j, r) in row.iter_mut().enumerate() {
                    if b.is_held(e, j) {
                        *r = 0.0;
                    }
                }
            }
        }
    }
}
