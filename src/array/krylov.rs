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
use super::float::Real;
use super::planes::{Matrix, TOGETHER, dot, max_abs, of_row, sum};
use super::residual::scale;
use super::rows::{advance, back, couple, direct_sums, forward, product, step, weighted};
use super::single::fresh;
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
    pub fn ends(&self) -> Option<([&'a [f64]; 2], [&'a [f64]; 2])> {
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

    pub fn full(&self) -> Option<(&'a [f64], &'a [f64])> {
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
    /// The residual no longer follows the iteration: more digits are needed.
    pub stuck: bool,
}

/// Work space: the voltages, and three vectors over the cells for the iteration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work<T = f64> {
    /// Voltages of the word lines: the guess before, the solution after.
    pub x: Vec<f64>,
    /// Voltages of the bit lines after a solution.
    pub b: Vec<f64>,
    r: Vec<T>,
    p: Vec<T>,
    q: Vec<T>,
    /// One row.
    next: Vec<T>,
    /// Sums over the columns, for bit lines without resistance.
    columns: Vec<T>,
    /// Two rows.
    line: Vec<f64>,
    row: Vec<f64>,
    /// Of the coarse grid.
    coarse: Values,
}

/// Iterations after which a residual is computed anew in any case where the precision of its recursion is limited.
const LONGEST: usize = 100;

/// Where an iteration stands. Everything of the residual is in its unit.
struct State {
    /// Of the numbers in r, z and p: they are multiplied by it.
    unit: f64,
    /// |r|², r·z, the largest |z|.
    rn: f64,
    rz: f64,
    largest: f64,
    alpha: f64,
    beta: f64,
    /// |r|² and the largest |z| when the residual was computed last, and the iterations since.
    from: (f64, f64),
    since: usize,
}

impl State {
    /// |r|² and the largest |z| in A² and V.
    fn sizes(&self) -> (f64, f64) {
        (self.rn / (self.unit * self.unit), self.largest / self.unit)
    }
}

impl<T: Real> Work<T> {
    pub fn new(m: usize, n: usize) -> Work<T> {
        Work::from_lines(vec![0.0; m * n], vec![0.0; m * n], n)
    }

    /// With the voltages of another one.
    pub fn from_lines(x: Vec<f64>, b: Vec<f64>, n: usize) -> Work<T> {
        let all = || vec![T::ZERO; x.len()];
        let row = || vec![T::ZERO; n];
        let coarse = Values::default();
        Work {
            r: all(),
            p: all(),
            q: all(),
            x,
            b,
            next: row(),
            columns: row(),
            line: vec![0.0; n],
            row: vec![0.0; n],
            coarse,
        }
    }

    /// NaN of a former solution is no guess.
    pub fn start_finite(&mut self) {
        self.x.iter_mut().filter(|v| !v.is_finite()).for_each(|v| *v = 0.0);
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

    /// Solves from the guess in `x`. Afterwards `x` has the word lines and `b` the bit lines. `low` is `a` in the precision
    /// of the iteration; of the factors of `a` only the bit lines' are used besides.
    pub fn solve(&mut self, a: &Matrix, low: &Matrix<T>, rhs: &Rhs, stop: Stop, control: &Control) -> Run {
        let mut run = Run::default();
        let scale = scale(a, rhs);
        self.p.fill(T::ZERO);
        if let Some(c) = &low.coarse {
            c.fit(&mut self.coarse);
        }
        self.hold(a, rhs);
        let mut s = State {
            unit: if T::REACH > 0.0 { power_of_two(1.0 / scale) } else { 1.0 },
            rn: 0.0,
            rz: 0.0,
            largest: 0.0,
            alpha: 0.0,
            beta: 0.0,
            from: (0.0, 0.0),
            since: 0,
        };
        self.anew(a, low, rhs, 0.0, &mut s);
        let target = (stop.tol * scale).powi(2);
        let first = s.sizes().0.max(f64::MIN_POSITIVE);
        loop {
            let (rn, largest) = s.sizes();
            // The recursion is good for some digits: beyond them, only the residual itself counts.
            let reach = T::REACH * T::REACH * s.from.0;
            let is_there = rn <= target && largest <= stop.volts;
            let is_spent = rn < reach || s.since >= LONGEST || is_there;
            if T::REACH > 0.0 && s.since > 0 && is_spent {
                let before = s.from;
                let step = std::mem::take(&mut s.alpha) / s.unit;
                let unit = power_of_two(s.unit / s.rn.sqrt());
                // The direction stays: what differs is small against it.
                s.beta *= unit / s.unit;
                s.unit = unit;
                self.anew(a, low, rhs, step, &mut s);
                let now = s.sizes();
                // NaN is no progress either.
                if !(now.0 < 0.1 * before.0 || now.1 < 0.25 * before.1) {
                    run.stuck = true;
                    break;
                }
                continue;
            }
            if is_there {
                run.converged = true;
                break;
            }
            if run.iterations >= stop.iterations || !rn.is_finite() {
                run.stuck = T::REACH > 0.0 && !rn.is_finite();
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
            let pq = self.down(low, s.alpha / s.unit, T::of(s.beta));
            s.alpha = 0.0;
            if !(pq > 0.0 && pq < f64::INFINITY) {
                // Rounding has eaten the direction: this is as far as the precision goes.
                run.stuck = T::REACH > 0.0;
                break;
            }
            // Exactly the number that the rows see.
            let alpha = T::of(s.rz / pq);
            s.alpha = alpha.wide();
            let (rn, rz, largest) = self.up(low, alpha);
            s.beta = rz / s.rz;
            (s.rn, s.rz, s.largest) = (rn, rz, largest);
            s.since += 1;
            run.iterations += 1;
        }
        if s.since > 0 {
            let step = if s.rn.is_finite() { s.alpha / s.unit } else { 0.0 };
            pulp::Arch::new().dispatch(Pass::BitLines(self, a, rhs, step));
        }
        run
    }

    /// x += step p; the residual there, and b.
    fn anew(&mut self, a: &Matrix, low: &Matrix<T>, rhs: &Rhs, step: f64, s: &mut State) {
        (s.rn, s.rz, s.largest) = pulp::Arch::new().dispatch(Pass::Anew(self, a, low, rhs, (step, s.unit)));
        s.from = s.sizes();
        s.since = 0;
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
    fn down(&mut self, a: &Matrix<T>, alpha: f64, beta: T) -> f64 {
        pulp::Arch::new().dispatch(Pass::Down(self, a, alpha, beta)).0
    }

    /// The second half of t, r -= α S p with S p = Tw p + D (p - t), and z = M⁻¹ r into `q`, but for the coarse grid's
    /// part, whose coefficients are kept. Returns |r|², r·z and the largest |z|.
    fn up(&mut self, a: &Matrix<T>, alpha: T) -> (f64, f64, f64) {
        pulp::Arch::new().dispatch(Pass::Up(self, a, alpha))
    }
}

/// The power of two below a positive number: products with it lose nothing.
fn power_of_two(x: f64) -> f64 {
    if x.is_finite() && x > 0.0 { 2f64.powi(x.log2().floor().clamp(-1000.0, 1000.0) as i32) } else { 1.0 }
}

/// A pass over memory. Not a closure: the compiler may leave a long one outside of the function with vector instructions.
enum Pass<'a, T> {
    Down(&'a mut Work<T>, &'a Matrix<T>, f64, T),
    Up(&'a mut Work<T>, &'a Matrix<T>, T),
    Anew(&'a mut Work<T>, &'a Matrix, &'a Matrix<T>, &'a Rhs<'a>, (f64, f64)),
    BitLines(&'a mut Work<T>, &'a Matrix, &'a Rhs<'a>, f64),
}

impl<T: Real> pulp::WithSimd for Pass<'_, T> {
    type Output = (f64, f64, f64);

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) -> Self::Output {
        match self {
            Pass::Down(work, a, alpha, beta) => (down(simd, work, a, alpha, beta), 0.0, 0.0),
            Pass::Up(work, a, alpha) => up(simd, work, a, alpha),
            Pass::Anew(work, a, low, rhs, by) => anew(simd, work, a, low, rhs, by),
            Pass::BitLines(work, a, rhs, step) => {
                bit_lines(work, a, rhs, step);
                (0.0, 0.0, 0.0)
            }
        }
    }
}

/// b for the word lines in `x`, r = fw - Tw x - D (x - b) in the given unit, and z = M⁻¹ r, all in one pass down the rows and
/// one up. Returns |r|², r·z and the largest |z|.
#[inline(always)]
fn anew<T: Real, S: pulp::Simd>(
    simd: S,
    work: &mut Work<T>,
    a: &Matrix,
    low: &Matrix<T>,
    rhs: &Rhs,
    (step, unit): (f64, f64),
) -> (f64, f64, f64) {
    let n = a.n;
    let mut sums = Sums::default();
    if let Some(c) = &low.coarse {
        c.clear(&mut work.coarse);
    }
    if a.bit.is_ideal() {
        ideal_bit_lines(work, a, rhs, step);
    } else {
        bit_lines_down(work, a, rhs, step);
        work.line.fill(0.0);
    }
    for from in (0..a.m).step_by(TOGETHER).rev() {
        let to = (from + TOGETHER).min(a.m);
        for i in (from..to).rev() {
            let rows = i * n..(i + 1) * n;
            let (x, b, g) = (&work.x[rows.clone()], &mut work.b[rows.clone()], &a.g[rows.clone()]);
            let is_inner = i > 0 && i + 1 < a.m && of_row(&a.bit.breaks, i).is_empty();
            match a.plain_word(i) {
                // All at once, so that what is read from far away is asked for together.
                Some(wire) if is_inner && !a.bit.is_ideal() => {
                    let lines = (g, &a.pb[rows.clone()], a.bit.g);
                    fresh(simd, &mut work.row, b, &mut work.line, x, lines, wire);
                }
                _ => {
                    if !a.bit.is_ideal() {
                        bit_row_up(b, &mut work.line, a, rhs, i);
                    }
                    a.word_row(i, x, &mut work.row);
                    missing(&mut work.row, x, b, g);
                }
            }
            sources_row(&mut work.row, a, rhs, i);
            let (r, q) = (&mut work.r[rows.clone()], &mut work.q[rows]);
            lower(r, q, &work.row, unit);
            sums.rn += if a.word.is_ideal() { 0.0 } else { dot(r, r).wide() };
        }
        let rows = from * n..to * n;
        sums.word_lines(low, from, &work.r[rows.clone()], &mut work.q[rows], &mut work.coarse);
    }
    sums.finish(low, &mut work.coarse)
}

/// From the currents into the word line to those that are missing, but for the sources'.
#[inline(always)]
fn missing(out: &mut [f64], x: &[f64], b: &[f64], g: &[f64]) {
    let n = out.len();
    let (x, b, g) = (&x[..n], &b[..n], &g[..n]);
    for j in 0..n {
        out[j] = -out[j] - g[j] * (x[j] - b[j]);
    }
}

/// The sources' share at the nodes of word line `i`; held nodes miss nothing.
#[inline(always)]
fn sources_row(out: &mut [f64], a: &Matrix, rhs: &Rhs, i: usize) {
    let n = a.n;
    if let Some((w, _)) = rhs.full() {
        out.iter_mut().zip(&w[i * n..(i + 1) * n]).for_each(|(r, f)| *r += f);
    }
    if let Some((w, _)) = rhs.ends() {
        let s = [a.word.ends[0][i], a.word.ends[1][i]];
        out[0] += if s[0] < f64::INFINITY { s[0] * w[0][i] } else { 0.0 };
        out[n - 1] += if s[1] < f64::INFINITY { s[1] * w[1][i] } else { 0.0 };
    }
    a.mask_word(i, out);
}

#[inline(always)]
fn lower<T: Real>(r: &mut [T], q: &mut [T], from: &[f64], unit: f64) {
    let n = from.len();
    let (r, q) = (&mut r[..n], &mut q[..n]);
    for j in 0..n {
        let x = T::of(unit * from[j]);
        r[j] = x;
        q[j] = x;
    }
}

/// x += step p, and b = (Tb + D)⁻¹ (fb + D x), held nodes at their voltages.
#[inline(always)]
fn bit_lines<T: Real>(work: &mut Work<T>, a: &Matrix, rhs: &Rhs, step: f64) {
    if a.bit.is_ideal() {
        ideal_bit_lines(work, a, rhs, step);
        return;
    }
    bit_lines_down(work, a, rhs, step);
    work.line.fill(0.0);
    for i in (0..a.m).rev() {
        bit_row_up(&mut work.b[i * a.n..(i + 1) * a.n], &mut work.line, a, rhs, i);
    }
}

#[inline(always)]
fn ideal_bit_lines<T: Real>(work: &mut Work<T>, a: &Matrix, rhs: &Rhs, step: f64) {
    let (x, q) = (&mut work.x, &mut work.b);
    let (m, n) = (a.m, a.n);
    let b = &a.bit;
    let full = rhs.full().map(|f| f.1);
    let volts = rhs.ends().map(|e| e.1);
    // What the sources at the ends send into a node, and the voltage of a held one.
    let source = |e: usize, j: usize| volts.map_or(0.0, |v| v[e][j]);
    let t = &mut work.line;
    t.fill(0.0);
    for i in 0..m {
        let rows = i * n..(i + 1) * n;
        let (x, g) = (&mut x[rows.clone()], &a.g[rows.clone()]);
        advance(x, &work.p[rows.clone()], step);
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
}

/// b = L⁻¹ (fb + D x) with Tb + D = L Δ Lᵀ.
#[inline(always)]
fn bit_lines_down<T: Real>(work: &mut Work<T>, a: &Matrix, rhs: &Rhs, step: f64) {
    let (x, q) = (&mut work.x, &mut work.b);
    let (m, n) = (a.m, a.n);
    let b = &a.bit;
    let full = rhs.full().map(|f| f.1);
    let volts = rhs.ends().map(|e| e.1);
    // What the sources at the ends send into a node, and the voltage of a held one.
    let source = |e: usize, j: usize| volts.map_or(0.0, |v| v[e][j]);
    let gb = b.g;
    for i in 0..m {
        let rows = i * n..(i + 1) * n;
        let (before, now) = q.split_at_mut(i * n);
        let (t, x, g) = (&mut now[..n], &mut x[rows.clone()], &a.g[rows.clone()]);
        advance(x, &work.p[rows.clone()], step);
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
}

/// One row of the other half, beginning at the last one; `next` is the row below, 0 at first.
#[inline(always)]
fn bit_row_up(t: &mut [f64], next: &mut [f64], a: &Matrix, rhs: &Rhs, i: usize) {
    let (m, n) = (a.m, a.n);
    let b = &a.bit;
    let f = &a.pb[i * n..(i + 1) * n];
    for &(_, j) in of_row(&b.breaks, i) {
        next[j] = 0.0;
    }
    back(next, t, f, b.g);
    t.copy_from_slice(next);
    for (e, here) in [(0, 0), (1, m - 1)] {
        if i == here {
            // A held node's neighbour has its share already.
            for j in (0..n).filter(|&j| b.is_held(e, j)) {
                t[j] = rhs.ends().map_or(0.0, |(_, v)| v[e][j]);
                next[j] = 0.0;
            }
        }
    }
}

#[inline(always)]
fn down<T: Real, S: pulp::Simd>(simd: S, work: &mut Work<T>, a: &Matrix<T>, alpha: f64, beta: T) -> f64 {
    let (x, p, q, columns) = (&mut work.x, &mut work.p, &mut work.q, &mut work.columns);
    let n = a.n;
    let mut product = 0.0;
    if a.bit.is_ideal() {
        columns.fill(T::ZERO);
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
            let h = &a.pb[rows];
            // Finite numbers by a conductance of 0 to what is not there.
            product += T::direct(simd, z, x, p, (g, h), (g, h, T::ZERO), by);
        } else {
            let (t, f) = (&before[(i - 1) * n..i * n], &a.pb[(i - 1) * n..i * n]);
            let h = &a.pb[rows];
            product += T::direct(simd, z, x, p, (g, h), (t, f, T::of(a.bit.g)), by);
            for &(_, j) in of_row(&a.bit.breaks, i - 1) {
                let y = g[j] * p[j];
                product += (h[j] * (z[j] * z[j] - y * y)).wide();
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
fn up<T: Real, S: pulp::Simd>(simd: S, work: &mut Work<T>, a: &Matrix<T>, alpha: T) -> (f64, f64, f64) {
    let (r, p, q) = (&mut work.r, &work.p, &mut work.q);
    let (next, columns) = (&mut work.next, &mut work.columns);
    let n = a.n;
    let mut sums = Sums::default();
    if let Some(c) = &a.coarse {
        c.clear(&mut work.coarse);
    }
    if a.bit.is_ideal() {
        columns.iter_mut().zip(&a.pb).for_each(|(c, f)| *c = *c * *f);
    }
    let gb = T::of(a.bit.g);
    next.fill(T::ZERO);
    for from in (0..a.m).step_by(TOGETHER).rev() {
        let to = (from + TOGETHER).min(a.m);
        for i in (from..to).rev() {
            let rows = i * n..(i + 1) * n;
            let (p, q, r) = (&p[rows.clone()], &mut q[rows.clone()], &mut r[rows.clone()]);
            let g = &a.g[rows.clone()];
            if !a.bit.is_ideal() {
                for &(_, j) in of_row(&a.bit.breaks, i) {
                    next[j] = T::ZERO;
                }
            }
            if let (false, Some(wire)) = (a.bit.is_ideal(), a.plain_word(i)) {
                sums.rn += T::up(simd, q, r, next, p, (g, &a.pb[rows], gb), (wire, alpha));
                continue;
            }
            if a.bit.is_ideal() {
                next.copy_from_slice(columns);
            } else {
                back(next, q, &a.pb[rows], gb);
            }
            a.word_row(i, p, q);
            couple(q, p, g, next);
            a.mask_word(i, q);
            step(r, q, alpha);
            sums.rn += if a.word.is_ideal() { 0.0 } else { dot(r, r).wide() };
        }
        sums.word_lines(a, from, &r[from * n..to * n], &mut q[from * n..to * n], &mut work.coarse);
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
    fn word_lines<T: Real>(&mut self, a: &Matrix<T>, i: usize, r: &[T], z: &mut [T], coarse: &mut Values) {
        let n = a.n;
        if let Some(c) = &a.coarse {
            for (k, r) in r.chunks_exact(n).enumerate() {
                c.collect(i + k, r, coarse);
            }
        }
        let rows = r.len() / n;
        if a.word.is_ideal() {
            for (k, r) in r.chunks_exact(n).enumerate() {
                let s = sum(r).wide();
                let f = a.pw[i + k].wide();
                self.rn += if f == 0.0 { 0.0 } else { s * s };
                self.rz += s * s * f;
            }
            a.solve_word(i, rows, z);
            self.largest = self.largest.max(max_abs(T::ZERO, z).wide());
        } else {
            let (rz, largest) = a.solve_word(i, rows, z);
            self.rz += rz;
            self.largest = if largest > self.largest { largest } else { self.largest };
        }
    }

    #[inline(always)]
    fn finish<T>(self, a: &Matrix<T>, coarse: &mut Values) -> (f64, f64, f64) {
        let (energy, most) = a.coarse.as_ref().map_or((0.0, 0.0), |c| c.solve(coarse));
        (self.rn, self.rz + energy, self.largest + most)
    }
}
