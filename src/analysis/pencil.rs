//! Finite eigenvalues of a sparse pencil: all s with det(G + sC) = 0.
//!
//! ```text
//! C = B Eᵀ by complete pivoting, component by component: r columns, r = number of independent charges and fluxes
//! T = Eᵀ (G + σC)⁻¹ B (r × r);  eigenvalue μ of T ↔ s = σ − 1/μ;  μ = 0 is an eigenvalue at infinity
//! a shift σ sees well what lies within a few decades of it: more shifts where eigenvalues are found far away
//! refine every one by two-sided inverse iteration:  s −= wᵀC v₀ / wᵀC v,  v = A(s)⁻¹ C v₀, w = A(s)⁻ᵀ Cᵀ w₀
//! keep it when det A(s) winds around 0 along a small circle about it
//! ```
//! The last step is what makes the answer safe: a high order at infinity (a long RC ladder seen as a zero problem) is
//! torn by rounding into finite values that mean nothing, and the winding number of the determinant exposes them.

use std::sync::Arc;

use faer::Mat;
use num_complex::Complex64;

use crate::base::rng::Stream;
use crate::sparse::{Builder, Kernel, Lu, Options, Pattern, Singular, Symbolic};

/// G + sC on one pattern.
pub struct Pencil {
    pattern: Arc<Pattern>,
    symbolic: Arc<Symbolic>,
    g: Vec<f64>,
    c: Vec<f64>,
}

/// Why there are no eigenvalues to tell.
#[derive(Debug)]
pub enum Fault {
    /// det(G + sC) is zero for every s.
    Degenerate(Singular),
    /// More states than a dense solver should be given.
    TooManyStates(usize),
    Interrupted,
}

/// Largest number of states for the dense eigenvalue solver.
pub const MAX_STATES: usize = 2000;
const MAX_SHIFTS: usize = 12;
/// Decades, as a factor, within which a shift is trusted.
const REACH: f64 = 1e4;
/// Relative rank tolerance and smallest |μ| that is not zero.
const NOISE: f64 = 1e-13;

type Column = Vec<(u32, f64)>;

impl Pencil {
    /// From entries (row, column, G, C) as unknown numbers; repetitions add up, ground is dropped.
    pub fn new(n: usize, entries: &[(u32, u32, f64, f64)]) -> Result<Pencil, Fault> {
        let mut builder = Builder::new();
        for &(r, c, ..) in entries {
            builder.add(r, c);
        }
        let (pattern, slots) = builder.finish(n);
        let pattern = Arc::new(pattern);
        let (mut g, mut c) = (vec![0.0; pattern.slots()], vec![0.0; pattern.slots()]);
        for (&(_, _, ge, ce), &s) in entries.iter().zip(&slots) {
            g[s as usize] += ge;
            c[s as usize] += ce;
        }
        let symbolic = Symbolic::analyze(&pattern).map_err(Fault::Degenerate)?;
        Ok(Pencil { pattern, symbolic, g, c })
    }

    /// All finite eigenvalues, rad/s, by falling real part; conjugates next to each other, positive imaginary part first.
    pub fn eigenvalues(&self, is_cancelled: &dyn Fn() -> bool) -> Result<Vec<Complex64>, Fault> {
        let (b, e) = self.content();
        let r = b.len();
        if r > MAX_STATES {
            return Err(Fault::TooManyStates(r));
        }
        if r == 0 {
            // Nothing moves, but a pencil without any solution is still a fault.
            let mut lu = Lu::<f64>::new(self.symbolic.clone(), Options::default());
            return lu.factor(&self.g).map(|()| vec![]).map_err(Fault::Degenerate);
        }
        let found = self.search(&b, &e, is_cancelled)?;
        let mut lu = Lu::<Complex64>::new(self.symbolic.clone(), Options::default());
        let smallest = found.iter().map(|s| s.norm()).filter(|s| *s > 0.0).fold(f64::INFINITY, f64::min);
        let mut kept: Vec<Complex64> = vec![];
        for s in found {
            if is_cancelled() {
                return Err(Fault::Interrupted);
            }
            if s.im < 0.0 {
                continue;
            }
            let s = self.refine(&mut lu, s);
            let radius = if s.norm() > 0.0 { 3e-3 * s.norm() } else { 1e-3 * smallest.min(1.0) };
            if self.winds(&mut lu, s, radius) {
                kept.push(s);
                if s.im > 0.0 {
                    kept.push(s.conj());
                }
            }
        }
        kept.sort_by(|a, b| b.re.total_cmp(&a.re).then(b.im.total_cmp(&a.im)));
        Ok(kept)
    }

    /// C = B Eᵀ as sparse columns, found by complete pivoting on each connected part of C after equilibration.
    fn content(&self) -> (Vec<Column>, Vec<Column>) {
        let n = self.pattern.n();
        let entries: Vec<(usize, usize, f64)> = self
            .pattern
            .entries()
            .map(|(r, c, s)| (r as usize - 1, c as usize - 1, self.c[s as usize]))
            .filter(|e| e.2 != 0.0)
            .collect();
        // Rows are 0..n, columns n..2n of a union-find forest.
        let mut parent: Vec<usize> = (0..2 * n).collect();
        fn root(parent: &mut [usize], mut i: usize) -> usize {
            while parent[i] != i {
                parent[i] = parent[parent[i]];
                i = parent[i];
            }
            i
        }
        for &(r, c, _) in &entries {
            let (a, b) = (root(&mut parent, r), root(&mut parent, n + c));
            parent[a] = b;
        }
        let mut parts: std::collections::BTreeMap<usize, Vec<(usize, usize, f64)>> = Default::default();
        for e in entries {
            parts.entry(root(&mut parent, e.0)).or_default().push(e);
        }
        let (mut b, mut e) = (vec![], vec![]);
        for part in parts.values() {
            split(part, &mut b, &mut e);
        }
        (b, e)
    }

    /// Eigenvalues gathered from as many shifts as their spread needs.
    fn search(&self, b: &[Column], e: &[Column], is_cancelled: &dyn Fn() -> bool) -> Result<Vec<Complex64>, Fault> {
        let mut shifts: Vec<(f64, Vec<Complex64>)> = vec![];
        let mut wanted = vec![self.typical_rate()];
        while let Some(sigma) = wanted.pop() {
            if is_cancelled() {
                return Err(Fault::Interrupted);
            }
            let seen = self.near(sigma, b, e)?;
            shifts.push((sigma, seen));
            if shifts.len() >= MAX_SHIFTS {
                break;
            }
            // The farthest eigenvalue that no shift is near to.
            let far = |s: f64| shifts.iter().map(|(x, _)| (s / x).ln().abs()).fold(f64::INFINITY, f64::min);
            let low = shifts.iter().map(|s| s.0).fold(f64::INFINITY, f64::min);
            let next = self
                .assigned(&shifts)
                .into_iter()
                .map(|s| s.norm())
                .filter(|s| *s > 1e-12 * low && far(*s) > REACH.ln())
                .max_by(|x, y| far(*x).total_cmp(&far(*y)));
            wanted.extend(next);
        }
        let low = shifts.iter().map(|s| s.0).fold(f64::INFINITY, f64::min);
        let mut all = self.assigned(&shifts);
        for s in &mut all {
            if s.norm() <= 1e-12 * low {
                *s = Complex64::new(0.0, 0.0);
            }
        }
        Ok(all)
    }

    /// Of every shift, the eigenvalues that are nearer to it than to any other, on the logarithmic scale.
    fn assigned(&self, shifts: &[(f64, Vec<Complex64>)]) -> Vec<Complex64> {
        let mut all = vec![];
        for (k, (sigma, seen)) in shifts.iter().enumerate() {
            let is_mine = |s: &&Complex64| {
                let distance = |x: f64| (s.norm().max(1e-300) / x).ln().abs();
                shifts.iter().enumerate().all(|(j, o)| {
                    let (d, mine) = (distance(o.0), distance(*sigma));
                    j == k || mine < d || (mine == d && k < j)
                })
            };
            all.extend(seen.iter().filter(is_mine));
        }
        all
    }

    /// Geometric mean of the rates |G|/|C| of rows that have both.
    fn typical_rate(&self) -> f64 {
        let n = self.pattern.n();
        let (mut g, mut c) = (vec![0.0f64; n + 1], vec![0.0f64; n + 1]);
        for (r, _, s) in self.pattern.entries() {
            g[r as usize] = g[r as usize].max(self.g[s as usize].abs());
            c[r as usize] = c[r as usize].max(self.c[s as usize].abs());
        }
        let logs: Vec<f64> =
            g.iter().zip(&c).filter(|(g, c)| **g > 0.0 && **c > 0.0).map(|(g, c)| (g / c).ln()).collect();
        if logs.is_empty() { 1.0 } else { (logs.iter().sum::<f64>() / logs.len() as f64).exp() }
    }

    /// Eigenvalues as seen from a real shift.
    fn near(&self, sigma: f64, b: &[Column], e: &[Column]) -> Result<Vec<Complex64>, Fault> {
        let mut sigma = sigma;
        let mut lu = Lu::<f64>::new(self.symbolic.clone(), Options::default());
        let mut values = vec![0.0; self.g.len()];
        let mut attempt = 0;
        loop {
            for ((v, g), c) in values.iter_mut().zip(&self.g).zip(&self.c) {
                *v = g + sigma * c;
            }
            match lu.factor(&values) {
                Ok(()) => break,
                // An eigenvalue may sit exactly there; three in a row are no accident.
                Err(s) if attempt == 3 => return Err(Fault::Degenerate(s)),
                Err(_) => sigma *= 1.37,
            }
            attempt += 1;
        }
        let r = b.len();
        let mut t = vec![vec![0.0; r]; r];
        let mut x = vec![0.0; self.pattern.n()];
        for (j, column) in b.iter().enumerate() {
            x.fill(0.0);
            for &(i, v) in column {
                x[i as usize] = v;
            }
            lu.solve(&mut x);
            for (row, e) in t.iter_mut().zip(e) {
                row[j] = e.iter().map(|&(i, v)| v * x[i as usize]).sum();
            }
        }
        balance(&mut t);
        let norm = t.iter().map(|r| r.iter().map(|v| v.abs()).sum::<f64>()).fold(0.0, f64::max);
        let matrix = Mat::from_fn(r, r, |i, j| t[i][j]);
        let Ok(mu) = matrix.eigenvalues() else { return Ok(vec![]) };
        let finite = mu.into_iter().filter(|m| m.norm() > NOISE * norm && m.norm().is_finite());
        Ok(finite.map(|m| sigma - m.finv()).collect())
    }

    fn factor_at(&self, lu: &mut Lu<Complex64>, s: Complex64, values: &mut Vec<Complex64>) -> bool {
        values.clear();
        values.extend(self.g.iter().zip(&self.c).map(|(&g, &c)| g + s * c));
        lu.update(values).is_ok()
    }

    /// A few steps of two-sided inverse iteration; the start when they lead elsewhere.
    fn refine(&self, lu: &mut Lu<Complex64>, start: Complex64) -> Complex64 {
        let n = self.pattern.n();
        let stream = Stream { seed: 0x7065_6e63, run: 0, instance: 0 };
        let random = |k: u32| -> Vec<Complex64> {
            (0..n).map(|i| Complex64::new(stream.uniform(i as u32, k) - 0.5, 0.0)).collect()
        };
        let c: Vec<Complex64> = self.c.iter().map(|&c| c.into()).collect();
        let (one, zero) = (Complex64::new(1.0, 0.0), Complex64::new(0.0, 0.0));
        let (mut v, mut w) = (random(0), random(1));
        let (mut cv, mut cw) = (vec![zero; n], vec![zero; n]);
        let mut values = vec![];
        let mut s = start;
        let mut best = (f64::INFINITY, start);
        for _ in 0..6 {
            if !self.factor_at(lu, s, &mut values) {
                // Exactly singular: this is an eigenvalue.
                return s;
            }
            cv.fill(zero);
            cw.fill(zero);
            self.pattern.mul_add(&c, one, &v, &mut cv);
            self.pattern.mul_transposed_add(&c, one, &w, &mut cw);
            v.clone_from(&cv);
            w.clone_from(&cw);
            lu.solve(&mut v);
            lu.solve_transposed(&mut w);
            let above: Complex64 = w.iter().zip(&cv).map(|(w, c)| w * c).sum();
            cv.fill(zero);
            self.pattern.mul_add(&c, one, &v, &mut cv);
            let below: Complex64 = w.iter().zip(&cv).map(|(w, c)| w * c).sum();
            let step = above / below;
            if !step.norm().is_finite() || (s - step - start).norm() > 1e-3 * start.norm() {
                break;
            }
            s -= step;
            if step.norm() >= best.0 || step.norm() <= 1e-15 * s.norm() {
                break;
            }
            best = (step.norm(), s);
            for z in [&mut v, &mut w] {
                let size = z.iter().map(|x| x.norm()).fold(0.0, f64::max);
                if size > 0.0 && size.is_finite() {
                    z.iter_mut().for_each(|x| *x /= size);
                }
            }
        }
        best.1
    }

    /// The determinant turns at least once around 0 along the circle.
    fn winds(&self, lu: &mut Lu<Complex64>, center: Complex64, radius: f64) -> bool {
        const POINTS: usize = 16;
        let mut values = vec![];
        let mut first = None;
        let mut last = Complex64::new(1.0, 0.0);
        let mut angle = 0.0;
        for k in 0..POINTS {
            let s = center + Complex64::from_polar(radius, std::f64::consts::TAU * (k as f64 + 0.5) / POINTS as f64);
            if !self.factor_at(lu, s, &mut values) {
                // Singular on the circle as well: nothing can be said against it.
                return true;
            }
            let d = lu.determinant().0;
            if first.is_none() {
                first = Some(d);
            } else {
                angle += (d / last).arg();
            }
            last = d;
        }
        angle += first.map_or(0.0, |f| (f / last).arg());
        angle > std::f64::consts::PI
    }
}

/// One connected part of C into its columns of B and E: complete pivoting on the equilibrated dense block.
fn split(part: &[(usize, usize, f64)], b: &mut Vec<Column>, e: &mut Vec<Column>) {
    let sorted = |f: fn(&(usize, usize, f64)) -> usize| {
        let mut v: Vec<usize> = part.iter().map(f).collect();
        v.sort_unstable();
        v.dedup();
        v
    };
    let (rows, cols) = (sorted(|e| e.0), sorted(|e| e.1));
    let place = |v: &[usize], x: usize| v.partition_point(|y| *y < x);
    let mut a = vec![vec![0.0; cols.len()]; rows.len()];
    for &(r, c, v) in part {
        a[place(&rows, r)][place(&cols, c)] += v;
    }
    let (mut row_scale, mut col_scale) = (vec![1.0; rows.len()], vec![1.0; cols.len()]);
    for _ in 0..4 {
        for (row, s) in a.iter_mut().zip(&mut row_scale) {
            let f = root_inverse(row.iter().fold(0.0, |m: f64, v| m.max(v.abs())));
            row.iter_mut().for_each(|v| *v *= f);
            *s *= f;
        }
        for (j, s) in col_scale.iter_mut().enumerate() {
            let f = root_inverse(a.iter().fold(0.0, |m: f64, row| m.max(row[j].abs())));
            a.iter_mut().for_each(|row| row[j] *= f);
            *s *= f;
        }
    }
    let mut first = 0.0;
    loop {
        let mut best = (0, 0, 0.0);
        for (i, row) in a.iter().enumerate() {
            for (j, v) in row.iter().enumerate() {
                if v.abs() > best.2 {
                    best = (i, j, v.abs());
                }
            }
        }
        let (pi, pj, size) = best;
        if first == 0.0 {
            first = size;
        }
        if size <= NOISE * first {
            return;
        }
        let pivot_row = a[pi].clone();
        let pivot = pivot_row[pj];
        let mut column = vec![];
        for (i, row) in a.iter_mut().enumerate() {
            let f = row[pj] / pivot;
            if f != 0.0 {
                column.push((rows[i] as u32, f / row_scale[i]));
                for (x, y) in row.iter_mut().zip(&pivot_row) {
                    *x -= f * y;
                }
            }
            row[pj] = 0.0;
        }
        a[pi].fill(0.0);
        b.push(column);
        let nonzero = pivot_row.iter().enumerate().filter(|(_, v)| **v != 0.0);
        e.push(nonzero.map(|(j, v)| (cols[j] as u32, v / col_scale[j])).collect());
    }
}

/// Power of two near 1/√x; 1 for 0.
fn root_inverse(x: f64) -> f64 {
    if x > 0.0 { (-0.5 * x.log2()).round().exp2() } else { 1.0 }
}

/// Diagonal similarity by powers of two until row and column norms are near each other (B. N. Parlett, C. Reinsch,
/// "Balancing a matrix for calculation of eigenvalues and eigenvectors", Numer. Math. 13, 1969).
fn balance(t: &mut [Vec<f64>]) {
    let n = t.len();
    for _ in 0..20 {
        let mut is_done = true;
        for i in 0..n {
            let (mut row, mut col) = (0.0, 0.0);
            for j in (0..n).filter(|j| *j != i) {
                row += t[i][j].abs();
                col += t[j][i].abs();
            }
            if row == 0.0 || col == 0.0 {
                continue;
            }
            let f = (0.5 * (row / col).log2()).round().exp2();
            if f != 1.0 && (col * f + row / f) < 0.95 * (col + row) {
                is_done = false;
                t[i].iter_mut().for_each(|v| *v /= f);
                t.iter_mut().for_each(|r| r[i] *= f);
            }
        }
        if is_done {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eig(n: usize, entries: &[(u32, u32, f64, f64)]) -> Vec<Complex64> {
        Pencil::new(n, entries).unwrap().eigenvalues(&|| false).unwrap()
    }

    fn close(a: Complex64, re: f64, im: f64) -> bool {
        let b = Complex64::new(re, im);
        (a - b).norm() <= 1e-9 * b.norm()
    }

    #[test]
    fn rates_sixteen_decades_apart() {
        let taus: [f64; 6] = [1e-12, 3e-9, 3.1e-9, 1e-3, 10.0, 1e4];
        let entries: Vec<_> =
            taus.iter().enumerate().map(|(i, t)| (i as u32 + 1, i as u32 + 1, 1e-3, t * 1e-3)).collect();
        let found = eig(6, &entries);
        assert_eq!(found.len(), 6, "{found:?}");
        for (s, t) in found.iter().zip(taus.iter().rev()) {
            assert!(close(*s, -1.0 / t, 0.0), "{s} {t}");
        }
    }

    #[test]
    fn resonance_with_branch_current() {
        // Node 1: G, C to ground and L (branch 2): v − s L i = 0.
        let (g, c, l) = (1e-4, 1e-9, 1e-6);
        let found = eig(2, &[(1, 1, g, c), (1, 2, 1.0, 0.0), (2, 1, 1.0, 0.0), (2, 2, 0.0, -l)]);
        let a = g / (2.0 * c);
        let w = (1.0f64 / (l * c) - a * a).sqrt();
        assert_eq!(found.len(), 2);
        assert!(close(found[0], -a, w) && close(found[1], -a, -w), "{found:?}");
    }

    #[test]
    fn a_capacitor_loop_adds_no_state() {
        // Three capacitors in a triangle with a conductance at each node: rank 2 plus the ground one is missing.
        let mut m = vec![];
        for (a, b) in [(1, 2), (2, 3), (1, 3)] {
            m.extend([(a, a, 0.0, 1e-9), (b, b, 0.0, 1e-9), (a, b, 0.0, -1e-9), (b, a, 0.0, -1e-9)]);
        }
        m.extend((1..=3).map(|i| (i, i, 1e-3, 0.0)));
        let found = eig(3, &m);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|s| (s.re + 1e6 / 3.0).abs() < 1.0));
    }

    #[test]
    fn integrator_has_its_pole_at_zero() {
        let found = eig(2, &[(1, 1, 1e-3, 0.0), (2, 1, 1.0, 0.0), (2, 2, 0.0, 1e-6)]);
        assert_eq!(found, [Complex64::new(0.0, 0.0)]);
    }

    #[test]
    fn a_ladder_has_no_finite_zeros() {
        // Ten RC sections driven at node 1, seen at node 10: eigenvalues of the bordered pencil.
        let n = 10;
        let mut m = vec![];
        for i in 1..=n {
            m.push((i, i, 1e-3, 1e-9));
            if i > 1 {
                m.extend([(i - 1, i - 1, 1e-3, 0.0), (i, i - 1, -1e-3, 0.0), (i - 1, i, -1e-3, 0.0)]);
            }
        }
        assert_eq!(eig(n as usize, &m).len(), 10);
        m.extend([(1, n + 1, 1.0, 0.0), (n + 1, n, 1.0, 0.0)]);
        assert_eq!(eig(n as usize + 1, &m), []);
    }

    #[test]
    fn a_pencil_without_solution_is_a_fault() {
        let m = [(1, 1, 1.0, 1.0), (1, 2, 1.0, 1.0), (2, 1, 1.0, 1.0), (2, 2, 1.0, 1.0)];
        assert!(matches!(Pencil::new(2, &m).unwrap().eigenvalues(&|| false), Err(Fault::Degenerate(_))));
        assert!(matches!(Pencil::new(2, &m[..2]), Err(Fault::Degenerate(_))));
    }
}
