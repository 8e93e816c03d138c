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
//! An iteration passes over memory three times: down the rows (new direction, first half of the bit lines), up the rows
//! (second half, product with S), and once more for the update and the word lines.

use super::planes::{Matrix, TIED, TOGETHER, dot, max_abs, of_row, sum};
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
    p: Vec<f64>,
    /// Voltages of the bit lines after a solution.
    pub q: Vec<f64>,
    /// One row.
    next: Vec<f64>,
    /// Sums over the columns, for bit lines without resistance.
    columns: Vec<f64>,
}

impl Work {
    pub fn new(a: &Matrix) -> Work {
        let all = || vec![0.0; a.m * a.n];
        Work { x: all(), r: all(), p: all(), q: all(), next: vec![0.0; a.n], columns: vec![0.0; a.n] }
    }

    /// Solves from the guess in `x`. Afterwards `x` has the word lines and `q` the bit lines.
    pub fn solve(&mut self, a: &Matrix, rhs: &Rhs, stop: Stop, control: &Control) -> Run {
        let mut run = Run::default();
        let scale = scale(a, rhs);
        self.p.fill(0.0);
        self.hold(a, rhs);
        self.residual(a, rhs);
        let (mut rn, mut rz, mut largest) = self.advance(a, 0.0);
        let target = (stop.tol * scale).powi(2);
        let first = rn.max(f64::MIN_POSITIVE);
        let mut beta = 0.0;
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
            self.down(a, beta);
            let pq = self.up(a);
            if !(pq > 0.0) {
                // Rounding has eaten the direction: this is as far as double precision goes.
                break;
            }
            let (rn1, rz1, largest1) = self.advance(a, rz / pq);
            beta = rz1 / rz;
            (rn, rz, largest) = (rn1, rz1, largest1);
            run.iterations += 1;
        }
        self.back_substitute(a, rhs);
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

    /// p = z + β p, and the first half of t = (Tb + D)⁻¹ D p; z is in `q`, t goes there.
    fn down(&mut self, a: &Matrix, beta: f64) {
        pulp::Arch::new().dispatch(|| down(self, a, beta));
    }

    /// The second half of t, and q = Tw p + D (p - t). Returns p·q.
    fn up(&mut self, a: &Matrix) -> f64 {
        pulp::Arch::new().dispatch(|| up(self, a))
    }

    /// x += α p, r -= α q, z = M⁻¹ r into `q`. Returns |r|², r·z and the largest |z|.
    fn advance(&mut self, a: &Matrix, alpha: f64) -> (f64, f64, f64) {
        pulp::Arch::new().dispatch(|| advance(self, a, alpha))
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

    fn back_substitute(&mut self, a: &Matrix, rhs: &Rhs) {
        self.bit_lines(a, rhs);
    }

    /// q = (Tb + D)⁻¹ (fb + D x), held nodes at their voltages.
    fn bit_lines(&mut self, a: &Matrix, rhs: &Rhs) {
        let (x, q) = (&self.x, &mut self.q);
        let (m, n) = (a.m, a.n);
        let b = &a.bit;
        let full = rhs.full().map(|f| f.1);
        let volts = rhs.ends().map(|e| e.1);
        // What the sources at the ends send into a node, and the voltage of a held one.
        let source = |e: usize, j: usize| volts.map_or(0.0, |v| v[e][j]);
        if b.is_ideal() {
            let t = &mut self.columns;
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
            for j in 0..n {
                t[j] = g[j] * x[j];
            }
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
                    let (u, f) = (&u[..n], &f[..n]);
                    for j in 0..n {
                        t[j] += (gb * f[j]) * u[j];
                    }
                } else {
                    for j in (0..n).filter(|&j| !breaks.iter().any(|t| t.1 == j)) {
                        t[j] += (gb * f[j]) * u[j];
                    }
                }
            }
        }
        let next = &mut self.next;
        next.fill(0.0);
        for i in (0..m).rev() {
            let rows = i * n..(i + 1) * n;
            let (t, f) = (&mut q[rows.clone()], &a.pb[rows]);
            for &(_, j) in of_row(&b.breaks, i) {
                next[j] = 0.0;
            }
            for j in 0..n {
                t[j] = f[j] * t[j] + (gb * f[j]) * next[j];
                next[j] = t[j];
            }
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
}

#[inline(always)]
fn down(work: &mut Work, a: &Matrix, beta: f64) {
    let (p, q, columns) = (&mut work.p, &mut work.q, &mut work.columns);
    let n = a.n;
    if a.bit.is_ideal() {
        columns.fill(0.0);
        for ((p, z), g) in p.chunks_exact_mut(n).zip(q.chunks_exact(n)).zip(a.g.chunks_exact(n)) {
            direct_sums(columns, p, z, g, beta);
        }
        return;
    }
    for i in 0..a.m {
        let (before, now) = q.split_at_mut(i * n);
        let (z, p, g) = (&mut now[..n], &mut p[i * n..(i + 1) * n], &a.g[i * n..(i + 1) * n]);
        if i == 0 {
            direct_first(z, p, g, beta);
            continue;
        }
        let (t, f) = (&before[(i - 1) * n..i * n], &a.pb[(i - 1) * n..i * n]);
        direct(z, p, g, t, f, (a.bit.g, beta));
        for &(_, j) in of_row(&a.bit.breaks, i - 1) {
            z[j] = g[j] * p[j];
        }
    }
}

#[inline(always)]
fn up(work: &mut Work, a: &Matrix) -> f64 {
    let (p, q, next, columns) = (&work.p, &mut work.q, &mut work.next, &mut work.columns);
    let mut product = 0.0;
    let n = a.n;
    if a.bit.is_ideal() {
        columns.iter_mut().zip(&a.pb).for_each(|(c, f)| *c *= f);
    }
    next.fill(0.0);
    for i in (0..a.m).rev() {
        let rows = i * n..(i + 1) * n;
        let (p, q, g) = (&p[rows.clone()], &mut q[rows.clone()], &a.g[rows.clone()]);
        if a.bit.is_ideal() {
            next.copy_from_slice(columns);
        } else {
            for &(_, j) in of_row(&a.bit.breaks, i) {
                next[j] = 0.0;
            }
            back(next, q, &a.pb[rows], a.bit.g);
        }
        a.word_row(i, p, q);
        couple(q, p, g, next);
        a.mask_word(i, q);
        product += dot(p, q);
    }
    product
}

#[inline(always)]
fn advance(work: &mut Work, a: &Matrix, alpha: f64) -> (f64, f64, f64) {
    let (x, r, p, q) = (&mut work.x, &mut work.r, &work.p, &mut work.q);
    let (mut rn, mut rz, mut largest) = (0.0, 0.0, 0.0);
    let n = a.n;
    for i in (0..a.m).step_by(TOGETHER) {
        let rows = TOGETHER.min(a.m - i);
        let all = i * n..(i + rows) * n;
        let (x, r, p, q) = (&mut x[all.clone()], &mut r[all.clone()], &p[all.clone()], &mut q[all]);
        step(x, r, p, q, alpha);
        if a.word.is_ideal() {
            for (k, r) in r.chunks_exact(n).enumerate() {
                let s = sum(r);
                let f = a.pw[i + k];
                rn += if f == 0.0 { 0.0 } else { s * s };
                rz += s * s * f;
            }
            a.solve_word(i, rows, q);
        } else {
            rn += dot(r, r);
            a.solve_word(i, rows, q);
            rz += dot(r, q);
        }
        largest = max_abs(largest, q);
    }
    (rn, rz, largest)
}

// Inner loops are functions of slices: the compiler then knows that these do not overlap.

#[inline(always)]
fn direct_sums(c: &mut [f64], p: &mut [f64], z: &[f64], g: &[f64], beta: f64) {
    let n = c.len();
    let (p, z, g) = (&mut p[..n], &z[..n], &g[..n]);
    for j in 0..n {
        let d = z[j] + beta * p[j];
        p[j] = d;
        c[j] += g[j] * d;
    }
}

#[inline(always)]
fn direct_first(z: &mut [f64], p: &mut [f64], g: &[f64], beta: f64) {
    let n = z.len();
    let (p, g) = (&mut p[..n], &g[..n]);
    for j in 0..n {
        let d = z[j] + beta * p[j];
        p[j] = d;
        z[j] = g[j] * d;
    }
}

#[inline(always)]
fn direct(z: &mut [f64], p: &mut [f64], g: &[f64], t: &[f64], f: &[f64], (gb, beta): (f64, f64)) {
    let n = z.len();
    let (p, g, t, f) = (&mut p[..n], &g[..n], &t[..n], &f[..n]);
    for j in 0..n {
        let d = z[j] + beta * p[j];
        p[j] = d;
        z[j] = g[j] * d + (gb * f[j]) * t[j];
    }
}

#[inline(always)]
fn back(next: &mut [f64], q: &[f64], f: &[f64], gb: f64) {
    let n = next.len();
    let (q, f) = (&q[..n], &f[..n]);
    for j in 0..n {
        next[j] = f[j] * q[j] + (gb * f[j]) * next[j];
    }
}

#[inline(always)]
fn couple(q: &mut [f64], p: &[f64], g: &[f64], t: &[f64]) {
    let n = q.len();
    let (p, g, t) = (&p[..n], &g[..n], &t[..n]);
    for j in 0..n {
        q[j] += g[j] * (p[j] - t[j]);
    }
}

#[inline(always)]
fn step(x: &mut [f64], r: &mut [f64], p: &[f64], q: &mut [f64], alpha: f64) {
    let n = x.len();
    let (r, p, q) = (&mut r[..n], &p[..n], &mut q[..n]);
    for k in 0..n {
        x[k] += alpha * p[k];
        let d = r[k] - alpha * q[k];
        r[k] = d;
        q[k] = d;
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

/// The residual of the full system at word-line voltages `w` and bit-line voltages `b`, with the currents of the cells
/// (from word to bit line) given row by row: `each(i, word row, bit row)` sees currents missing at the nodes, A. Lines
/// without resistance have theirs at their first node.
pub(crate) fn full_residual(
    a: &Matrix,
    rhs: &Rhs,
    w: &[f64],
    b: &[f64],
    mut cell: impl FnMut(usize, &mut [f64]),
    mut each: impl FnMut(usize, &[f64], &[f64]),
) {
    let (m, n) = (a.m, a.n);
    let (mut rw, mut rb, mut current) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    let mut columns = vec![0.0; if a.bit.is_ideal() { n } else { 0 }];
    let (full, ends) = (rhs.full(), rhs.ends());
    for i in 0..m {
        let rows = i * n..(i + 1) * n;
        cell(i, &mut current);
        a.word_row(i, &w[rows.clone()], &mut rw);
        for j in 0..n {
            rw[j] = -rw[j] - current[j];
        }
        a.bit_row(i, b, &mut rb);
        for j in 0..n {
            rb[j] = current[j] - rb[j];
        }
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
        a.mask_word(i, &mut rw);
        a.mask_bit(i, &mut rb);
        if a.word.is_ideal() {
            let s = sum(&rw);
            rw.fill(0.0);
            rw[0] = s;
        }
        if a.bit.is_ideal() {
            columns.iter_mut().zip(&rb).for_each(|(c, r)| *c += r);
            rb.fill(0.0);
            if i + 1 == m {
                rb.copy_from_slice(&columns);
            }
        }
        each(i, &rw, &rb);
    }
}

impl Matrix {
    /// out = (Tb + shunt) v at row `i`.
    fn bit_row(&self, i: usize, v: &[f64], out: &mut [f64]) {
        let (m, n) = (self.m, self.n);
        let b = &self.bit;
        let row = |i: usize| &v[i * n..(i + 1) * n];
        let here = row(i);
        for j in 0..n {
            out[j] = b.shunt * here[j];
        }
        if !b.is_ideal() {
            if i > 0 {
                let above = row(i - 1);
                let breaks = of_row(&b.breaks, i - 1);
                for j in 0..n {
                    out[j] += b.g * (here[j] - above[j]);
                }
                for &(_, j) in breaks {
                    out[j] -= b.g * (here[j] - above[j]);
                }
            }
            if i + 1 < m {
                let below = row(i + 1);
                let breaks = of_row(&b.breaks, i);
                for j in 0..n {
                    out[j] += b.g * (here[j] - below[j]);
                }
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
