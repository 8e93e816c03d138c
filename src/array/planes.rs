//! The two planes of wires as matrices, factored line by line.
//!
//! The nodal equations of an array with word-line voltages w and bit-line voltages b are
//!
//! ```text
//!   [ Tw + D    -D    ] [w]   [fw]        Tw: every row a tridiagonal line,  Tb: every column one,
//!   [  -D     Tb + D  ] [b] = [fb]        D = diag(conductances of the cells)
//! ```
//!
//! Lines are factored without subtraction: with s_k the conductance from node k to anything but its own line, the
//! conductance seen backwards from node k is e_k = s_k + (g in series with e_(k-1)), the pivot is e_k + g. All terms are
//! positive, so that pivots are right to the last digits even where lines float and cells conduct 1e-15 S.
//!
//! A node that is held by a source has no pivot (its inverse is 0) and stays at its value. A plane whose wires have no
//! resistance has one node a line; vectors over its nodes are then constant along lines.

use super::coarse::Coarse;
use super::float::Real;
use super::geometry::{Geometry, Plane};
use super::rows::{Wire, differences};

/// Conductance, S, that ties a group of lines without any driver to ground: no current flows through it.
const TIE: f64 = 1.0;
/// Rows solved together, so that their recurrences overlap.
const GROUP: usize = 4;

/// One plane of wires.
#[derive(Clone, Debug)]
pub(crate) struct Wires {
    /// S of a segment; infinite: a line is one node.
    pub g: f64,
    /// From every node to ground, S: capacitances of a time step.
    pub shunt: f64,
    /// S from the sources at the ends; infinite: held.
    pub ends: [Vec<f64>; 2],
    /// Nodes (row, column) after which, along the line, the wire is broken; sorted.
    pub breaks: Vec<(usize, usize)>,
    /// Nodes that are tied to ground; sorted.
    pub ties: Vec<(usize, usize)>,
}

impl Wires {
    fn new(plane: &Plane, is_word: bool) -> Wires {
        let conductances = |k: usize| plane.ends[k].iter().map(|e| e.conductance()).collect();
        let place = |&(line, k): &(usize, usize)| if is_word { (line, k) } else { (k, line) };
        let mut breaks: Vec<(usize, usize)> = plane.opens.iter().map(place).collect();
        breaks.sort_unstable();
        breaks.dedup();
        Wires { g: 1.0 / plane.segment, shunt: 0.0, ends: [conductances(0), conductances(1)], breaks, ties: vec![] }
    }

    pub fn is_ideal(&self) -> bool {
        self.g == f64::INFINITY
    }

    /// Is the line's node at that end held?
    pub fn is_held(&self, end: usize, line: usize) -> bool {
        self.ends[end][line] == f64::INFINITY
    }
}

/// The entries of row `i` in a list sorted by row.
#[inline]
pub(crate) fn of_row(list: &[(usize, usize)], i: usize) -> &[(usize, usize)] {
    if list.is_empty() {
        return list;
    }
    let from = list.partition_point(|e| e.0 < i);
    let to = from + list[from..].partition_point(|e| e.0 == i);
    &list[from..to]
}

/// Both planes, the cells between, and the factors of the lines.
#[derive(Clone, Debug)]
pub(crate) struct Matrix<T = f64> {
    pub m: usize,
    pub n: usize,
    /// Conductances of the cells, row by row. [`Matrix::factor`] follows a change.
    pub g: Vec<T>,
    pub word: Wires,
    pub bit: Wires,
    /// Inverse pivots of the lines, row by row; of an ideal plane one per line.
    pub pw: Vec<T>,
    pub pb: Vec<T>,
    /// Where it pays.
    pub coarse: Option<Coarse>,
}

struct Factor<'a, T>(&'a mut Matrix<T>, bool);

impl<T: Real> pulp::NullaryFnOnce for Factor<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        if self.1 {
            self.0.factor_lines();
        } else {
            self.0.factor_bit(0, self.0.n);
        }
    }
}

impl<T: Real> Matrix<T> {
    /// Not factored yet.
    pub fn new(geometry: &Geometry, g: Vec<T>) -> Matrix<T> {
        let (m, n) = (geometry.rows, geometry.cols);
        debug_assert_eq!(g.len(), m * n);
        let (word, bit) = (Wires::new(&geometry.word, true), Wires::new(&geometry.bit, false));
        let pw = vec![T::ZERO; if word.is_ideal() { m } else { m * n }];
        let pb = vec![T::ZERO; if bit.is_ideal() { n } else { m * n }];
        Matrix { m, n, g, word, bit, pw, pb, coarse: None }
    }

    pub fn factor(&mut self) {
        let nodes = if self.word.is_ideal() { self.m } else { self.m * self.n };
        self.pw.resize(nodes, T::ZERO);
        pulp::Arch::new().dispatch(Factor(self, true));
    }

    /// Only the bit lines, without a coarse grid.
    pub fn factor_bit_lines(&mut self) {
        self.coarse = None;
        pulp::Arch::new().dispatch(Factor(self, false));
    }

    #[inline(always)]
    fn factor_lines(&mut self) {
        self.factor_word(0, self.m);
        self.factor_bit(0, self.n);
        self.coarse = Coarse::new(self);
    }

    /// After the conductance of one cell has changed. The coarse grid hardly does.
    pub fn refactor_cell(&mut self, row: usize, col: usize) {
        self.factor_word(row, row + 1);
        self.refactor_bit(col);
    }

    /// One bit line.
    pub fn refactor_bit(&mut self, col: usize) {
        self.factor_bit(col, col + 1);
    }

    #[inline(always)]
    fn factor_word(&mut self, from: usize, to: usize) {
        let n = self.n;
        let w = &self.word;
        let mut i = from;
        while i < to {
            let special = |i: usize| !of_row(&w.breaks, i).is_empty() || !of_row(&w.ties, i).is_empty();
            if w.is_ideal() {
                let sum: f64 = self.g[i * n..(i + 1) * n].iter().map(|g| g.wide()).sum();
                let ties = TIE * of_row(&w.ties, i).len() as f64;
                self.pw[i] = T::of(1.0 / (sum + n as f64 * w.shunt + w.ends[0][i] + w.ends[1][i] + ties));
                i += 1;
            } else if i + GROUP <= to && !(i..i + GROUP).any(special) {
                let rows = i * n..(i + GROUP) * n;
                factor_rows::<T, GROUP>(&self.g[rows.clone()], &mut self.pw[rows], n, w, i);
                i += GROUP;
            } else {
                let rows = i * n..(i + 1) * n;
                let (breaks, ties) = (of_row(&w.breaks, i), of_row(&w.ties, i));
                factor_row(&self.g[rows.clone()], &mut self.pw[rows], w, i, breaks, ties);
                i += 1;
            }
        }
    }

    #[inline(always)]
    fn factor_bit(&mut self, from: usize, to: usize) {
        let (m, n) = (self.m, self.n);
        let b = &self.bit;
        let mut carry = vec![T::ZERO; to - from];
        if b.is_ideal() {
            for i in 0..m {
                let g = &self.g[i * n + from..i * n + to];
                carry.iter_mut().zip(g).for_each(|(c, g)| *c += *g);
            }
            for &(_, j) in b.ties.iter().filter(|t| t.1 >= from && t.1 < to) {
                carry[j - from] += T::of(TIE);
            }
            for (c, j) in carry.iter().zip(from..to) {
                self.pb[j] = T::of(1.0 / (c.wide() + m as f64 * b.shunt + b.ends[0][j] + b.ends[1][j]));
            }
            return;
        }
        let (gb, shunt) = (T::of(b.g), T::of(b.shunt));
        for i in 0..m {
            let g = &self.g[i * n + from..i * n + to];
            let p = &mut self.pb[i * n + from..i * n + to];
            let ties = of_row(&b.ties, i);
            let breaks = of_row(&b.breaks, i);
            if i == 0 || i + 1 == m || !ties.is_empty() || !breaks.is_empty() {
                let next = if i + 1 == m { T::ZERO } else { gb };
                for (k, j) in (from..to).enumerate() {
                    let mut s = g[k] + shunt + carry[k];
                    s += T::of(if i == 0 { b.ends[0][j] } else { 0.0 });
                    s += T::of(if i + 1 == m { b.ends[1][j] } else { 0.0 });
                    s += T::of(TIE * ties.iter().filter(|t| t.1 == j).count() as f64);
                    let next = if breaks.iter().any(|t| t.1 == j) { T::ZERO } else { next };
                    (p[k], carry[k]) = pivot(s, next);
                }
            } else {
                for ((p, g), c) in p.iter_mut().zip(g).zip(&mut carry) {
                    let e = *g + shunt + *c;
                    let inverse = T::ONE / (e + gb);
                    *p = inverse;
                    *c = gb * (e * inverse);
                }
            }
        }
    }
}

/// Inverse pivot, and what the next node sees of this one through `next`.
#[inline(always)]
fn pivot<T: Real>(e: T, next: T) -> (T, T) {
    if e == T::INFINITY {
        return (T::ZERO, next);
    }
    let inverse = T::ONE / (e + next);
    (inverse, next * (e * inverse))
}

#[inline(always)]
fn factor_rows<T: Real, const K: usize>(g: &[T], p: &mut [T], n: usize, w: &Wires, first: usize) {
    let mut carry = [T::ZERO; K];
    let (wire, shunt) = (T::of(w.g), T::of(w.shunt));
    for j in 0..n {
        let is_end = j == 0 || j + 1 == n;
        for k in 0..K {
            let at = k * n + j;
            let mut e = g[at] + shunt + carry[k];
            if is_end {
                e += T::of(if j == 0 { w.ends[0][first + k] } else { 0.0 });
                e += T::of(if j + 1 == n { w.ends[1][first + k] } else { 0.0 });
                (p[at], carry[k]) = pivot(e, if j + 1 == n { T::ZERO } else { wire });
            } else {
                let inverse = T::ONE / (e + wire);
                p[at] = inverse;
                carry[k] = wire * (e * inverse);
            }
        }
    }
}

fn factor_row<T: Real>(
    g: &[T],
    p: &mut [T],
    w: &Wires,
    line: usize,
    breaks: &[(usize, usize)],
    ties: &[(usize, usize)],
) {
    let n = g.len();
    let mut carry = T::ZERO;
    for j in 0..n {
        let mut e = g[j] + T::of(w.shunt) + carry + T::of(TIE * ties.iter().filter(|t| t.1 == j).count() as f64);
        e += T::of(if j == 0 { w.ends[0][line] } else { 0.0 });
        e += T::of(if j + 1 == n { w.ends[1][line] } else { 0.0 });
        let is_last = j + 1 == n || breaks.iter().any(|t| t.1 == j);
        (p[j], carry) = pivot(e, if is_last { T::ZERO } else { T::of(w.g) });
    }
}

impl<T: Real> Matrix<T> {
    /// out = (Tw + shunt) v along row `i`; nodes that are held get 0.
    #[inline(always)]
    pub fn word_row(&self, i: usize, v: &[T], out: &mut [T]) {
        let n = self.n;
        let w = &self.word;
        let (v, out) = (&v[..n], &mut out[..n]);
        let (a, b) = (w.ends[0][i], w.ends[1][i]);
        let shunt = T::of(w.shunt);
        if w.is_ideal() {
            for j in 0..n {
                out[j] = shunt * v[j];
            }
        } else if n == 1 {
            out[0] = shunt * v[0];
        } else {
            let g = T::of(w.g);
            out[0] = shunt * v[0] + g * (v[0] - v[1]);
            inner_nodes(out, v, shunt, g);
            out[n - 1] = shunt * v[n - 1] + g * (v[n - 1] - v[n - 2]);
            for &(_, j) in of_row(&w.breaks, i) {
                let d = g * (v[j] - v[j + 1]);
                out[j] -= d;
                out[j + 1] += d;
            }
        }
        for &(_, j) in of_row(&w.ties, i) {
            out[j] += T::of(TIE) * v[j];
        }
        if a < f64::INFINITY {
            out[0] += T::of(a) * v[0];
        }
        if b < f64::INFINITY {
            out[n - 1] += T::of(b) * v[n - 1];
        }
    }

    /// Word line `i` if nothing is special about it: neither broken nor tied nor held.
    #[inline(always)]
    pub fn plain_word(&self, i: usize) -> Option<Wire<T>> {
        let w = &self.word;
        let is_plain = !w.is_ideal()
            && self.n > 1
            && !(w.is_held(0, i) || w.is_held(1, i))
            && of_row(&w.breaks, i).is_empty()
            && of_row(&w.ties, i).is_empty();
        let ends = [T::of(w.ends[0][i]), T::of(w.ends[1][i])];
        is_plain.then(|| Wire { g: T::of(w.g), shunt: T::of(w.shunt), ends })
    }

    /// v·(Tw + shunt) v along row `i`, as a sum of squares; held nodes are at 0.
    #[inline(always)]
    pub fn word_power(&self, i: usize, v: &[T]) -> f64 {
        let w = &self.word;
        let mut power = if w.shunt == 0.0 { 0.0 } else { w.shunt * dot(v, v).wide() };
        if !w.is_ideal() {
            power += w.g * differences(v);
            for &(_, j) in of_row(&w.breaks, i) {
                power -= w.g * (v[j] - v[j + 1]).wide().powi(2);
            }
        }
        for &(_, j) in of_row(&w.ties, i) {
            power += TIE * v[j].wide().powi(2);
        }
        for (g, v) in [(w.ends[0][i], v[0]), (w.ends[1][i], v[self.n - 1])] {
            power += if g < f64::INFINITY { g * v.wide().powi(2) } else { 0.0 };
        }
        power
    }

    /// Zeroes what belongs to held nodes of word line `i`.
    #[inline(always)]
    pub fn mask_word(&self, i: usize, row: &mut [T]) {
        let held = (self.word.is_held(0, i), self.word.is_held(1, i));
        if held == (false, false) {
            return;
        }
        if self.word.is_ideal() {
            row.fill(T::ZERO);
            return;
        }
        let last = row.len() - 1;
        if held.0 {
            row[0] = T::ZERO;
        }
        if held.1 {
            row[last] = T::ZERO;
        }
    }

    /// z = (Tw + D)⁻¹ z over the rows `i .. i + rows`; of an ideal plane, z is summed along lines first. Returns the
    /// product of z before with z after, and the largest |z| after; of an ideal plane nothing.
    #[inline(always)]
    pub fn solve_word(&self, i: usize, rows: usize, z: &mut [T]) -> (f64, f64) {
        let n = self.n;
        let w = &self.word;
        if w.is_ideal() {
            for (k, z) in z.chunks_exact_mut(n).enumerate() {
                let value = sum(z) * self.pw[i + k];
                z.fill(value);
            }
            return (0.0, 0.0);
        }
        let p = &self.pw[i * n..(i + rows) * n];
        let is_broken = !w.breaks.is_empty() && (i..i + rows).any(|i| !of_row(&w.breaks, i).is_empty());
        if rows == GROUP && !is_broken {
            return solve_rows(z, p, n, T::of(w.g));
        }
        let mut sums = (0.0, 0.0);
        for k in 0..rows {
            let (z, p) = (&mut z[k * n..(k + 1) * n], &p[k * n..(k + 1) * n]);
            let mut from = 0;
            let ends = of_row(&w.breaks, i + k).iter().map(|b| b.1 + 1).chain([n]);
            for to in ends {
                solve_row(&mut z[from..to], &p[from..to], T::of(w.g), &mut sums);
                from = to;
            }
        }
        sums
    }
}

impl Matrix<f32> {
    /// A matrix whose bit lines are factored, in single precision; its word lines are factored here. No coarse grid.
    pub fn lower(a: &Matrix) -> Matrix<f32> {
        let less = |v: &[f64]| v.iter().map(|x| *x as f32).collect();
        let (word, bit) = (a.word.clone(), a.bit.clone());
        let pw = vec![0.0; a.m * a.n];
        let mut low = Matrix { m: a.m, n: a.n, g: less(&a.g), word, bit, pw, pb: less(&a.pb), coarse: None };
        pulp::Arch::new().dispatch(|| low.factor_word(0, low.m));
        low
    }
}

// Inner loops are functions of slices: the compiler then knows that these do not overlap.

#[inline(always)]
fn inner_nodes<T: Real>(out: &mut [T], v: &[T], shunt: T, g: T) {
    let n = out.len();
    let (left, here, right, out) = (&v[..n - 2], &v[1..n - 1], &v[2..n], &mut out[1..n - 1]);
    for j in 0..n - 2 {
        out[j] = shunt * here[j] + g * ((here[j] - left[j]) + (here[j] - right[j]));
    }
}

/// One line after another. With T = L P⁻¹ Lᵀ, z·T⁻¹z = |L⁻¹z|² weighted with the inverse pivots P.
#[inline(always)]
fn solve_row<T: Real>(z: &mut [T], p: &[T], g: T, (product, largest): &mut (f64, f64)) {
    let n = z.len();
    let p = &p[..n];
    let mut carry = T::ZERO;
    for j in 0..n {
        let y = z[j] + carry;
        z[j] = y;
        carry = (g * p[j]) * y;
        *product += (p[j] * (y * y)).wide();
    }
    let mut next = T::ZERO;
    for j in (0..n).rev() {
        next = p[j] * z[j] + (g * p[j]) * next;
        z[j] = next;
        let size = next.abs().wide();
        *largest = if size > *largest { size } else { *largest };
    }
}

/// Lines side by side: their recurrences overlap, and what one waits for, the others use. Written out, since the
/// compiler keeps a loop over the lines as a loop. Returns what [`solve_row`] adds up.
#[inline(always)]
fn solve_rows<T: Real>(z: &mut [T], p: &[T], n: usize, g: T) -> (f64, f64) {
    macro_rules! lines {
        ($($z:ident $p:ident $c:ident $s:ident),*) => {{
            let (mut zs, mut ps) = (z.chunks_exact_mut(n), p.chunks_exact(n));
            $(
                let (Some($z), Some($p)) = (zs.next(), ps.next()) else { return (0.0, 0.0) };
                let ($z, $p) = (&mut $z[..n], &$p[..n]);
                let (mut $c, mut $s) = (T::ZERO, T::ZERO);
            )*
            for j in 0..n {
                $(
                    let y = $z[j] + $c;
                    $z[j] = y;
                    $c = (g * $p[j]) * y;
                    $s += $p[j] * (y * y);
                )*
            }
            let product = 0.0 $(+ $s.wide())*;
            $(($c, $s) = (T::ZERO, T::ZERO);)*
            for j in (0..n).rev() {
                $(
                    let x = $p[j] * $z[j] + (g * $p[j]) * $c;
                    $z[j] = x;
                    $c = x;
                    $s = if x.abs() > $s { x.abs() } else { $s };
                )*
            }
            let largest = 0.0f64 $(.max($s.wide()))*;
            (product, largest)
        }};
    }
    lines!(z0 p0 c0 s0, z1 p1 c1 s1, z2 p2 c2 s2, z3 p3 c3 s3)
}

/// Σ v in a fixed order that suits vector units.
#[inline(always)]
pub(crate) fn sum<T: Real>(v: &[T]) -> T {
    let mut s = [T::ZERO; 8];
    let chunks = v.chunks_exact(8);
    let rest = chunks.remainder().iter().fold(T::ZERO, |s, x| s + *x);
    for c in chunks {
        for k in 0..8 {
            s[k] += c[k];
        }
    }
    ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7])) + rest
}

/// a·b in a fixed order that suits vector units.
#[inline(always)]
pub(crate) fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    let mut s = [T::ZERO; 8];
    let (x, y) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = x.remainder().iter().zip(y.remainder()).fold(T::ZERO, |s, (a, b)| s + *a * *b);
    for (a, b) in x.zip(y) {
        for k in 0..8 {
            s[k] += a[k] * b[k];
        }
    }
    ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7])) + rest
}

/// The larger of `than` and all |v|; NaN is not noticed.
#[inline(always)]
pub(crate) fn max_abs<T: Real>(than: T, v: &[T]) -> T {
    let mut s = [than; 8];
    let chunks = v.chunks_exact(8);
    for (s, x) in s.iter_mut().zip(chunks.remainder()) {
        *s = if x.abs() > *s { x.abs() } else { *s };
    }
    for c in chunks {
        for k in 0..8 {
            s[k] = if c[k].abs() > s[k] { c[k].abs() } else { s[k] };
        }
    }
    s.into_iter().fold(than, |s, x| if x > s { x } else { s })
}

/// Rows that are solved together.
pub(crate) const TOGETHER: usize = GROUP;
/// See [`TIE`].
pub(crate) const TIED: f64 = TIE;
