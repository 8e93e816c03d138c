//! A coarse grid of bilinear functions: the second level of the preconditioner.
//!
//! ```text
//!   M⁻¹ + V E⁻¹ Vᵀ,    V = (Vw, 0),    E = Wᵀ A W,    W = diag(Vw, Vb)        A the matrix of both planes
//! ```
//!
//! Line solutions leave one kind of error: smooth along both directions at once, where the two planes follow each other
//! and wires hardly carry anything. With lines of n segments of conductance gw and cells of g, sine modes l of the word
//! lines and k of the bit lines reduce by 1 - g²/((g + λ_l)(g + μ_k)), λ_l = (l π/2n)² gw: slow while λ and μ are below g,
//! which is n √(g/gw) modes in each direction. These few are solved on a grid of hat functions: one bilinear function w and
//! one b for each node of the grid, the exact energy of cells and wires between them, a banded Cholesky factor. It takes
//! one pass over the cells, and turns n √(r g) iterations into some tens. (Two-level additive Schwarz with a Galerkin
//! coarse space: Smith, Bjørstad, Gropp, "Domain Decomposition", 1996.)
//!
//! Any positive definite E leaves the solution what it is. Breaks in lines are therefore not seen here, and a held node
//! counts as one with a segment to ground.

use super::float::Real;
use super::planes::{Matrix, TIED, Wires, dot, sum};

/// Below this condition number the lines alone are quick.
const WORTH: f64 = 8.0;
/// Lines between two lines of the grid at least, and most intervals.
const SPACING: usize = 24;
const MOST: usize = 64;

/// Hat functions over the nodes 0 .. n of a line.
#[derive(Clone, Debug)]
struct Hats {
    /// Nodes at which hats have their tops.
    tops: Vec<usize>,
    /// Position within the interval, 0..1, and its square, for each node.
    t: Vec<f64>,
    t2: Vec<f64>,
}

impl Hats {
    fn new(n: usize, intervals: usize) -> Hats {
        let tops: Vec<usize> = (0..=intervals).map(|k| k * (n - 1) / intervals).collect();
        let mut t = vec![1.0; n];
        for w in tops.windows(2) {
            let length = (w[1] - w[0]) as f64;
            (w[0]..w[1]).for_each(|j| t[j] = (j - w[0]) as f64 / length);
        }
        let t2 = t.iter().map(|t| t * t).collect();
        Hats { tops, t, t2 }
    }

    fn count(&self) -> usize {
        self.tops.len()
    }

    /// Nodes of an interval; the last one has the line's last node, too.
    fn nodes(&self, interval: usize) -> std::ops::Range<usize> {
        let last = interval + 2 == self.tops.len();
        self.tops[interval]..self.tops[interval + 1] + usize::from(last)
    }

    /// Interval of a node.
    fn interval(&self, node: usize) -> usize {
        (self.tops.partition_point(|t| *t <= node) - 1).min(self.tops.len() - 2)
    }

    /// Σ h_a h_b over the nodes, and of the differences between neighbours: for each interval aa, ab, bb.
    fn mass(&self, interval: usize) -> [f64; 3] {
        let nodes = self.nodes(interval);
        pairs(nodes.len() as f64, sum(&self.t[nodes.clone()]), sum(&self.t2[nodes]))
    }
}

/// Products of the two hats of an interval from the sums of 1, t, t².
fn pairs(s0: f64, s1: f64, s2: f64) -> [f64; 3] {
    [(s0 - 2.0 * s1) + s2, s1 - s2, s2]
}

#[derive(Clone, Debug)]
pub(crate) struct Coarse {
    /// Along word lines (over the columns) and along bit lines (over the rows).
    across: Hats,
    down: Hats,
    /// Cholesky factor: row k has its entries k - band ..= k.
    factor: Vec<f64>,
    band: usize,
}

/// Sums and coefficients of one solution.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    all: Vec<f64>,
    row: Vec<f64>,
}

/// How many modes of the lines of a plane are slow, and how slow the first one is: g/(λ + s).
fn slowness(wires: &Wires, nodes: usize, g: f64) -> (f64, f64) {
    let h = std::f64::consts::FRAC_PI_2 / nodes as f64;
    let first = h * h * wires.g + wires.shunt;
    let ratio = g / first;
    (ratio, ratio.sqrt())
}

impl Coarse {
    /// How many times worse than the lines' own is the smooth error, and the slow modes in each direction; 0 where lines are
    /// too short, or have no resistance.
    #[inline(always)]
    fn slowness<T: Real>(a: &Matrix<T>) -> (f64, [f64; 2]) {
        let (m, n) = (a.m, a.n);
        if a.word.is_ideal() || a.bit.is_ideal() || m < 2 * SPACING || n < 2 * SPACING {
            return (0.0, [0.0; 2]);
        }
        let mean = (0..m).map(|i| sum(&a.g[i * n..(i + 1) * n]).wide()).sum::<f64>() / (m * n) as f64;
        let (rw, modes_w) = slowness(&a.word, n, mean);
        let (rb, modes_b) = slowness(&a.bit, m, mean);
        let s = 1.0 / ((1.0 + 1.0 / rw) * (1.0 + 1.0 / rb));
        (1.0 / (1.0 - s), [modes_w, modes_b])
    }

    /// The condition number of the system that the lines precondition, for lines that are long enough for a grid; 0 for
    /// others.
    pub fn condition(a: &Matrix) -> f64 {
        Coarse::slowness(a).0
    }

    /// None where the lines alone will do.
    #[inline(always)]
    pub fn new<T: Real>(a: &Matrix<T>) -> Option<Coarse> {
        let (m, n) = (a.m, a.n);
        let (condition, [modes_w, modes_b]) = Coarse::slowness(a);
        if !(condition > WORTH) {
            return None;
        }
        let intervals =
            |modes: f64, nodes: usize| ((2.0 * modes).ceil() as usize).clamp(1, (nodes / SPACING).min(MOST));
        let across = Hats::new(n, intervals(modes_w, n));
        let down = Hats::new(m, intervals(modes_b, m));
        let mut out = Coarse { across, down, factor: vec![], band: 0 };
        out.band = 2 * (out.across.count() + 1) + 1;
        out.factor = vec![0.0; out.size() * (out.band + 1)];
        out.cells(a);
        out.wires(a);
        out.decompose().then_some(out)
    }

    fn size(&self) -> usize {
        2 * self.across.count() * self.down.count()
    }

    /// Makes room.
    pub fn fit(&self, v: &mut Values) {
        v.all.resize(self.size(), 0.0);
        v.row.resize(self.across.count(), 0.0);
    }

    fn index(&self, down: usize, across: usize, plane: usize) -> usize {
        2 * (down * self.across.count() + across) + plane
    }

    fn add(&mut self, i: usize, j: usize, value: f64) {
        let (i, j) = (i.max(j), i.min(j));
        self.factor[i * (self.band + 1) + self.band - (i - j)] += value;
    }

    /// `f(node, node, weight)` for the products of the four hats over one interval in each direction, every pair once.
    fn products(&self, at: (usize, usize), down: [f64; 3], across: [f64; 3], mut f: impl FnMut(usize, usize, f64)) {
        let node = |k: usize| self.index(at.0 + k / 2, at.1 + k % 2, 0);
        for p in 0..4 {
            for q in 0..=p {
                f(node(p), node(q), down[p / 2 + q / 2] * across[p % 2 + q % 2]);
            }
        }
    }

    #[inline(always)]
    fn cells<T: Real>(&mut self, a: &Matrix<T>) {
        let n = a.n;
        let intervals = self.across.count() - 1;
        let mut sums = vec![[0.0; 9]; intervals];
        for k in 0..self.down.count() - 1 {
            sums.fill([0.0; 9]);
            for i in self.down.nodes(k) {
                let g = &a.g[i * n..(i + 1) * n];
                let vertical = pairs(1.0, self.down.t[i], self.down.t2[i]);
                for (l, s) in sums.iter_mut().enumerate() {
                    let nodes = self.across.nodes(l);
                    let g = &g[nodes.clone()];
                    let (t, t2) = (&self.across.t[nodes.clone()], &self.across.t2[nodes]);
                    let row = pairs(sum(g).wide(), moment(g, t), moment(g, t2));
                    for (v, s) in vertical.iter().zip(s.chunks_exact_mut(3)) {
                        s.iter_mut().zip(&row).for_each(|(s, r)| *s += v * r);
                    }
                }
            }
            for (l, s) in sums.iter().enumerate() {
                // Not a product of two sums: the nine are given directly.
                let node = |c: usize| (k + c / 2, l + c % 2);
                for p in 0..4 {
                    for q in 0..=p {
                        let v = s[3 * (p / 2 + q / 2) + p % 2 + q % 2];
                        let (x, y) = (node(p), node(q));
                        let (x, y) = (self.index(x.0, x.1, 0), self.index(y.0, y.1, 0));
                        self.add(x, y, v);
                        self.add(x + 1, y + 1, v);
                        self.add(x + 1, y, -v);
                        if p != q {
                            self.add(x, y + 1, -v);
                        }
                    }
                }
            }
        }
    }

    fn wires<T>(&mut self, a: &Matrix<T>) {
        let mut entries = vec![];
        let steep = |h: &Hats, k: usize| {
            let s = 1.0 / (h.tops[k + 1] - h.tops[k]) as f64;
            [s, -s, s]
        };
        for k in 0..self.down.count() - 1 {
            for l in 0..self.across.count() - 1 {
                let (mk, ml) = (self.down.mass(k), self.across.mass(l));
                let (sk, sl) = (steep(&self.down, k), steep(&self.across, l));
                for (plane, wires, down, across) in [(0, &a.word, mk, sl), (1, &a.bit, sk, ml)] {
                    self.products((k, l), down, across, |x, y, v| entries.push((x + plane, y + plane, wires.g * v)));
                    if wires.shunt > 0.0 {
                        self.products((k, l), mk, ml, |x, y, v| {
                            entries.push((x + plane, y + plane, wires.shunt * v));
                        });
                    }
                }
            }
        }
        // One node to ground.
        let mut ground = |plane: usize, i: usize, j: usize, g: f64| {
            let (k, l) = (self.down.interval(i), self.across.interval(j));
            let (s, t) = (self.down.t[i], self.across.t[j]);
            let (s, t) = ([1.0 - s, s], [1.0 - t, t]);
            for p in 0..4 {
                for q in 0..=p {
                    let v = g * s[p / 2] * s[q / 2] * t[p % 2] * t[q % 2];
                    let (x, y) = (self.index(k + p / 2, l + p % 2, plane), self.index(k + q / 2, l + q % 2, plane));
                    entries.push((x, y, v));
                }
            }
        };
        for (e, at) in [(0, 0), (1, a.n - 1)] {
            for i in 0..a.m {
                ground(0, i, at, a.word.ends[e][i].min(a.word.g));
            }
        }
        for (e, at) in [(0, 0), (1, a.m - 1)] {
            for j in 0..a.n {
                ground(1, at, j, a.bit.ends[e][j].min(a.bit.g));
            }
        }
        a.word.ties.iter().for_each(|&(i, j)| ground(0, i, j, TIED));
        a.bit.ties.iter().for_each(|&(i, j)| ground(1, i, j, TIED));
        entries.into_iter().for_each(|(x, y, v)| self.add(x, y, v));
    }

    /// False if it is not positive definite.
    #[inline(always)]
    fn decompose(&mut self) -> bool {
        let (size, band) = (self.size(), self.band);
        let width = band + 1;
        for i in 0..size {
            let (done, now) = self.factor.split_at_mut(i * width);
            let row = &mut now[..width];
            // Rounding must not make a line that nothing holds negative.
            row[band] *= 1.0 + 1e-12;
            for j in i.saturating_sub(band)..=i {
                let at = band - (i - j);
                // Entries of both rows from i - band on.
                let (x, rest) = row.split_at_mut(at);
                let shared = at.min(j);
                let from = at - shared;
                if j == i {
                    let d = rest[0] - dot(&x[from..], &x[from..]);
                    if !(d > 0.0) || !d.is_finite() {
                        return false;
                    }
                    rest[0] = d.sqrt();
                } else {
                    let other = &done[j * width..(j + 1) * width];
                    rest[0] = (rest[0] - dot(&x[from..], &other[band - shared..band])) / other[band];
                }
            }
        }
        true
    }

    /// Begins the sums of a vector.
    pub fn clear(&self, v: &mut Values) {
        v.all.fill(0.0);
    }

    /// Adds Vᵀ of row `i`.
    #[inline(always)]
    pub fn collect<T: Real>(&self, i: usize, r: &[T], v: &mut Values) {
        let row = &mut v.row;
        row.fill(0.0);
        for l in 0..self.across.count() - 1 {
            let nodes = self.across.nodes(l);
            let (s0, s1) = (sum(&r[nodes.clone()]).wide(), moment(&r[nodes.clone()], &self.across.t[nodes]));
            row[l] += s0 - s1;
            row[l + 1] += s1;
        }
        let k = self.down.interval(i);
        for (k, weight) in [(k, 1.0 - self.down.t[i]), (k + 1, self.down.t[i])] {
            let at = 2 * k * row.len();
            v.all[at..].iter_mut().step_by(2).zip(&*row).for_each(|(s, r)| *s += weight * r);
        }
    }

    /// c = E⁻¹ of the sums. Returns the sums times c, and the largest of the word lines' coefficients.
    #[inline(always)]
    pub fn solve(&self, v: &mut Values) -> (f64, f64) {
        let (size, band) = (self.size(), self.band);
        let width = band + 1;
        let x = &mut v.all;
        let mut energy = 0.0;
        for i in 0..size {
            let row = &self.factor[i * width..(i + 1) * width];
            let from = i.saturating_sub(band);
            let y = (x[i] - dot(&row[band - (i - from)..band], &x[from..i])) / row[band];
            energy += y * y;
            x[i] = y;
        }
        let mut largest = 0.0f64;
        for i in (0..size).rev() {
            let row = &self.factor[i * width..(i + 1) * width];
            let from = i.saturating_sub(band);
            let y = x[i] / row[band];
            x[i] = y;
            take(&mut x[from..i], &row[band - (i - from)..band], y);
            if i % 2 == 0 {
                largest = largest.max(y.abs());
            }
        }
        (energy, largest)
    }

    /// z += V c in row `i`.
    #[inline(always)]
    pub fn spread<T: Real>(&self, i: usize, z: &mut [T], v: &mut Values) {
        let (k, s) = (self.down.interval(i), self.down.t[i]);
        let count = self.across.count();
        for (l, c) in v.row.iter_mut().enumerate() {
            *c = (1.0 - s) * v.all[2 * (k * count + l)] + s * v.all[2 * ((k + 1) * count + l)];
        }
        for l in 0..count - 1 {
            let nodes = self.across.nodes(l);
            ramp(&mut z[nodes.clone()], &self.across.t[nodes], v.row[l], v.row[l + 1] - v.row[l]);
        }
    }
}

#[inline(always)]
fn ramp<T: Real>(z: &mut [T], t: &[f64], from: f64, by: f64) {
    let t = &t[..z.len()];
    for j in 0..z.len() {
        z[j] += T::of(from + by * t[j]);
    }
}

/// v·t
#[inline(always)]
fn moment<T: Real>(v: &[T], t: &[f64]) -> f64 {
    let mut s = [0.0; 8];
    let ((v8, v), (t8, t)) = (v.as_chunks::<8>(), t.as_chunks::<8>());
    for (v, t) in v8.iter().zip(t8) {
        for k in 0..8 {
            s[k] += v[k].wide() * t[k];
        }
    }
    sum(&s) + v.iter().zip(t).map(|(v, t)| v.wide() * t).sum::<f64>()
}

#[inline(always)]
fn take(x: &mut [f64], row: &[f64], y: f64) {
    let row = &row[..x.len()];
    for j in 0..x.len() {
        x[j] -= row[j] * y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::geometry::{End, Geometry};
    use crate::base::rng::Stream;

    /// The coarse energy of any coefficients is that of the functions that they stand for.
    #[test]
    fn the_energy_is_exact() {
        let (m, n) = (100, 130);
        let draw = |k: usize| Stream { seed: 4, run: 0, instance: 0 }.uniform(0, k as u32);
        let g: Vec<f64> = (0..m * n).map(|k| 1e-2 * 1e2f64.powf(draw(k))).collect();
        let mut geometry = Geometry::new(m, n, 2.0, 3.0);
        (0..m).for_each(|i| geometry.word.ends[i % 2][i] = End::driven(1.0, 5.0));
        geometry.bit.ends[1].fill(End::driven(0.0, 7.0));
        let mut a = Matrix::new(&geometry, g.clone());
        a.word.shunt = 1e-4;
        a.word.ties = vec![(3, 11)];
        a.bit.ties = vec![(m - 1, 0)];
        let c = Coarse::new(&a).expect("wires that hardly conduct");
        assert!(c.across.count() > 3 && c.down.count() > 3);
        let x: Vec<f64> = (0..c.size()).map(|k| draw(k + 100_000) - 0.5).collect();
        let value = |i: usize, j: usize, plane: usize| {
            let (k, l) = (c.down.interval(i), c.across.interval(j));
            let (s, t) = (c.down.t[i], c.across.t[j]);
            let at = |k: usize, l: usize| x[c.index(k, l, plane)];
            (1.0 - s) * ((1.0 - t) * at(k, l) + t * at(k, l + 1))
                + s * ((1.0 - t) * at(k + 1, l) + t * at(k + 1, l + 1))
        };
        let mut fine = 0.0;
        for i in 0..m {
            for j in 0..n {
                let (w, b) = (value(i, j, 0), value(i, j, 1));
                fine += g[i * n + j] * (w - b).powi(2) + 1e-4 * w * w;
                if j + 1 < n {
                    fine += (w - value(i, j + 1, 0)).powi(2) / 2.0;
                } else if i % 2 == 1 {
                    fine += w * w / 5.0;
                }
                if j == 0 && i % 2 == 0 {
                    fine += w * w / 5.0;
                }
                fine += if i + 1 < m { (b - value(i + 1, j, 1)).powi(2) / 3.0 } else { b * b / 7.0 };
                fine += if (i, j) == (3, 11) { TIED * w * w } else { 0.0 };
                fine += if (i, j) == (m - 1, 0) { TIED * b * b } else { 0.0 };
            }
        }
        let mut coarse = 0.0;
        for k in 0..c.size() {
            let y: f64 =
                (k..(k + c.band + 1).min(c.size())).map(|i| c.factor[i * (c.band + 1) + c.band - (i - k)] * x[i]).sum();
            coarse += y * y;
        }
        assert!((coarse / fine - 1.0).abs() < 1e-10, "{coarse} for {fine}");
        // The solution belongs to the same matrix: xᵀ E x from a right-hand side of the word lines alone.
        let mut v = Values::default();
        c.fit(&mut v);
        let r: Vec<f64> = (0..m * n).map(|k| draw(k + 200_000) - 0.5).collect();
        c.clear(&mut v);
        r.chunks_exact(n).enumerate().for_each(|(i, r)| c.collect(i, r, &mut v));
        let sums = v.all.clone();
        let (energy, largest) = c.solve(&mut v);
        let direct: f64 = sums.iter().zip(&v.all).map(|(s, c)| s * c).sum();
        assert!((energy / direct - 1.0).abs() < 1e-10);
        assert!(v.all.iter().step_by(2).all(|x| x.abs() <= largest));
        let mut spread = vec![0.0; m * n];
        spread.chunks_exact_mut(n).enumerate().for_each(|(i, z)| c.spread(i, z, &mut v));
        let work: f64 = r.iter().zip(&spread).map(|(r, z)| r * z).sum();
        assert!((work / energy - 1.0).abs() < 1e-10);
    }
}
