//! Tables of points: `$table_model` in one to three inputs, `noise_table`.
//!
//! Points lie on isolines (Verilog-AMS LRM 2.4, 9.21): for each value of the first input there is a table in the others, and
//! these tables need not have the same inputs. A value is found from the inside outwards: what the inner tables give is
//! interpolated over the outer input. On each input the interpolation is a linear function of the values at the knots, so
//! that derivatives of any order with respect to any input come by the same way:
//!
//! ```text
//! linear   y = A y_i + B y_j                                              A = (x_j - x)/h, B = 1 - A, h = x_j - x_i
//! cubic    y = A y_i + B y_j + ((A³ - A) m_i + (B³ - B) m_j) h²/6         m: second derivatives of the natural spline
//! square   y = A y_i + B y_j - A B h² c_i                                 c: of the smooth spline, half the second derivative
//! nearest  y of the nearer knot; midway the one further from zero
//! ```
//!
//! Beyond the ends: the end's value (`C`), or a straight line with the slope at the end (`L`; `E` too, so that iterations
//! may stray, while an accepted point there is a fault).

use std::sync::Arc;

use super::hir::{AxisControl, Extrapolation, Interpolation};

#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    axes: Arc<[AxisControl]>,
    root: Arc<Level>,
}

/// The value 0 everywhere.
impl Default for Table {
    fn default() -> Self {
        let root = Level::Line { knots: vec![0.0], values: vec![0.0], bends: vec![] };
        let axis = AxisControl {
            interpolation: Interpolation::Linear,
            below: Extrapolation::Constant,
            above: Extrapolation::Constant,
        };
        Table { axes: [axis].into(), root: root.into() }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Level {
    /// The innermost input: values at the knots and their spline's coefficients (m or c above).
    Line { knots: Vec<f64>, values: Vec<f64>, bends: Vec<f64> },
    /// `bends[i n + k]`: second derivative at knot i for the value 1 at knot k and 0 elsewhere; empty without a spline.
    Fan { knots: Vec<f64>, bends: Vec<f64>, inner: Vec<Level> },
}

/// How a value follows from the knots i and j: factors of y_i, y_j, m_i, m_j.
struct Piece {
    i: usize,
    j: usize,
    y: [f64; 2],
    m: [f64; 2],
}

impl Table {
    /// From columns of equal length: one for each axis (those ignored too), then the dependent ones, of which `column`
    /// (from 1) counts. The message says what is wrong with the points.
    pub fn new(columns: &[Vec<f64>], axes: &[AxisControl], column: usize) -> Result<Table, String> {
        let n = axes.len();
        let Some(values) = (n + column).checked_sub(1).and_then(|k| columns.get(k)) else {
            return Err(format!("{} columns are needed, there are {}", n + column, columns.len()));
        };
        let inputs: Vec<&Vec<f64>> = columns
            .iter()
            .zip(axes)
            .filter(|(_, a)| a.interpolation != Interpolation::Ignore)
            .map(|(c, _)| c)
            .collect();
        let axes: Vec<AxisControl> =
            axes.iter().filter(|a| a.interpolation != Interpolation::Ignore).copied().collect();
        if values.is_empty() {
            return Err("the table has no points".into());
        }
        let mut rows: Vec<(Vec<f64>, f64)> =
            values.iter().enumerate().map(|(r, y)| (inputs.iter().map(|c| c[r]).collect(), *y)).collect();
        if rows.iter().any(|(x, y)| !y.is_finite() || x.iter().any(|x| !x.is_finite())) {
            return Err("a point of the table is not finite".into());
        }
        rows.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal));
        if let Some(w) = rows.windows(2).find(|w| w[0].0 == w[1].0) {
            let at: Vec<String> = w[0].0.iter().map(f64::to_string).collect();
            return Err(format!("the point {} is given twice", at.join(", ")));
        }
        Ok(Table { root: level(&rows, 0, &axes).into(), axes: axes.into() })
    }

    /// The value (orders 0) or a derivative.
    pub fn eval(&self, x: [f64; 3], order: [u8; 3]) -> f64 {
        self.root.eval(&self.axes, &x, &order)
    }

    /// How far the inputs lie beyond ends that may not be passed; 0: nowhere.
    pub fn outside(&self, x: [f64; 3]) -> f64 {
        self.root.outside(&self.axes, &x)
    }

    /// Points of a table of one input.
    pub fn points(&self) -> Vec<(f64, f64)> {
        match &*self.root {
            Level::Line { knots, values, .. } => knots.iter().copied().zip(values.iter().copied()).collect(),
            Level::Fan { .. } => vec![],
        }
    }

    /// One number back for compiled code and the interpreter alike; see `ir::Lookup`.
    pub fn look_up(&self, x: [f64; 3], order: [u8; 3]) -> f64 {
        if order == super::ir::Lookup::OUTSIDE { self.outside(x) } else { self.eval(x, order) }
    }
}

fn level(rows: &[(Vec<f64>, f64)], depth: usize, axes: &[AxisControl]) -> Level {
    let spline: fn(&[f64], &[f64]) -> Vec<f64> = match axes[depth].interpolation {
        Interpolation::Cubic => cubic,
        Interpolation::Quadratic => quadratic,
        _ => |_, _| vec![],
    };
    let is_spline = matches!(axes[depth].interpolation, Interpolation::Cubic | Interpolation::Quadratic);
    if depth + 1 == axes.len() {
        let knots: Vec<f64> = rows.iter().map(|r| r.0[depth]).collect();
        let values: Vec<f64> = rows.iter().map(|r| r.1).collect();
        let bends = spline(&knots, &values);
        return Level::Line { knots, values, bends };
    }
    let (mut knots, mut inner) = (vec![], vec![]);
    for part in rows.chunk_by(|a, b| a.0[depth] == b.0[depth]) {
        knots.push(part[0].0[depth]);
        inner.push(level(part, depth + 1, axes));
    }
    let n = knots.len();
    let mut bends = vec![];
    if is_spline {
        bends = vec![0.0; n * n];
        for k in 0..n {
            let unit: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i == k))).collect();
            for (i, m) in spline(&knots, &unit).into_iter().enumerate() {
                bends[i * n + k] = m;
            }
        }
    }
    Level::Fan { knots, bends, inner }
}

/// Second derivatives of the natural cubic spline: h_i-1 m_i-1 + 2 (h_i-1 + h_i) m_i + h_i m_i+1 = 6 (slope_i - slope_i-1),
/// solved by elimination without pivots, since the matrix is diagonally dominant.
fn cubic(x: &[f64], y: &[f64]) -> Vec<f64> {
    let n = x.len();
    let mut m = vec![0.0; n];
    if n < 3 {
        return m;
    }
    let mut upper = vec![0.0; n];
    for i in 1..n - 1 {
        let (h0, h1) = (x[i] - x[i - 1], x[i + 1] - x[i]);
        let right = 6.0 * ((y[i + 1] - y[i]) / h1 - (y[i] - y[i - 1]) / h0);
        let diagonal = 2.0 * (h0 + h1) - h0 * upper[i - 1];
        upper[i] = h1 / diagonal;
        m[i] = (right - h0 * m[i - 1]) / diagonal;
    }
    m[n - 1] = 0.0;
    for i in (1..n - 1).rev() {
        m[i] -= upper[i] * m[i + 1];
    }
    m
}

/// Coefficients c of the quadratic spline y = y_i + s_i (x - x_i) + c_i (x - x_i)(x - x_i+1), s the slope of the chord. Equal
/// slopes at the knots leave one of them free: c_i h_i = a_i ± d with a_i+1 = s_i+1 - s_i - a_i. The reference does not say
/// which; the d taken makes the sum of the squared jumps of c least, so that a parabola stays one.
fn quadratic(x: &[f64], y: &[f64]) -> Vec<f64> {
    let n = x.len();
    let mut c = vec![0.0; n];
    if n < 3 {
        return c;
    }
    let h: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
    let s: Vec<f64> = y.windows(2).zip(&h).map(|(w, h)| (w[1] - w[0]) / h).collect();
    let mut a = vec![0.0; n - 1];
    let (mut above, mut below, mut sign) = (0.0, 0.0, 1.0);
    for i in 0..n - 2 {
        a[i + 1] = s[i + 1] - s[i] - a[i];
        let p = a[i + 1] / h[i + 1] - a[i] / h[i];
        let q = -sign * (1.0 / h[i + 1] + 1.0 / h[i]);
        above -= p * q;
        below += q * q;
        sign = -sign;
    }
    let d = above / below;
    for i in 0..n - 1 {
        c[i] = (a[i] + if i % 2 == 0 { d } else { -d }) / h[i];
    }
    c
}

impl Level {
    fn eval(&self, axes: &[AxisControl], x: &[f64], order: &[u8]) -> f64 {
        let (Some(axis), Some(&at), Some(&d)) = (axes.first(), x.first(), order.first()) else { return 0.0 };
        match self {
            Level::Line { knots, values, bends } => {
                let p = piece(knots, *axis, at, d);
                let straight = p.y[0] * values[p.i] + p.y[1] * values[p.j];
                match (bends.get(p.i), bends.get(p.j)) {
                    (Some(a), Some(b)) => straight + p.m[0] * a + p.m[1] * b,
                    _ => straight,
                }
            }
            Level::Fan { knots, bends, inner } => {
                let p = piece(knots, *axis, at, d);
                let value = |k: usize| inner[k].eval(&axes[1..], &x[1..], &order[1..]);
                let n = knots.len();
                if bends.is_empty() || p.m == [0.0; 2] {
                    let mut sum = 0.0;
                    for (k, c) in [(p.i, p.y[0]), (p.j, p.y[1])] {
                        if c != 0.0 {
                            sum += c * value(k);
                        }
                    }
                    return sum;
                }
                (0..n)
                    .map(|k| {
                        let mut c = p.m[0] * bends[p.i * n + k] + p.m[1] * bends[p.j * n + k];
                        c += if k == p.i { p.y[0] } else { 0.0 };
                        c += if k == p.j { p.y[1] } else { 0.0 };
                        c * value(k)
                    })
                    .sum()
            }
        }
    }

    fn outside(&self, axes: &[AxisControl], x: &[f64]) -> f64 {
        let (Some(axis), Some(&at)) = (axes.first(), x.first()) else { return 0.0 };
        let (Level::Line { knots, .. } | Level::Fan { knots, .. }) = self;
        let (lo, hi) = (knots[0], knots[knots.len() - 1]);
        let below = if axis.below == Extrapolation::Error { (lo - at).max(0.0) } else { 0.0 };
        let above = if axis.above == Extrapolation::Error { (at - hi).max(0.0) } else { 0.0 };
        let here = below.max(above);
        match self {
            Level::Line { .. } => here,
            Level::Fan { inner, .. } => {
                let (i, j) = bracket(knots, at);
                let of = |k: usize| inner[k].outside(&axes[1..], &x[1..]);
                here.max(of(i)).max(of(j))
            }
        }
    }
}

/// The knots around x, the nearest two beyond the ends; the same one twice if there is one only.
fn bracket(knots: &[f64], x: f64) -> (usize, usize) {
    let n = knots.len();
    if n < 2 {
        return (0, 0);
    }
    let j = knots.partition_point(|k| *k <= x).clamp(1, n - 1);
    (j - 1, j)
}

/// The d-th derivative on this input as a combination of values and bends at two knots.
fn piece(knots: &[f64], axis: AxisControl, x: f64, d: u8) -> Piece {
    let n = knots.len();
    let (i, j) = bracket(knots, x);
    let is_constant = Piece { i, j, y: [if d == 0 { 1.0 } else { 0.0 }, 0.0], m: [0.0; 2] };
    if n < 2 {
        return is_constant;
    }
    if axis.interpolation == Interpolation::Nearest {
        let (a, b) = ((x - knots[i]).abs(), (knots[j] - x).abs());
        let takes_j = b < a || (b == a && knots[j].abs() > knots[i].abs());
        let k = if takes_j { j } else { i };
        return Piece { i: k, j: k, ..is_constant };
    }
    let (lo, hi) = (knots[0], knots[n - 1]);
    let end = if x < lo {
        Some((lo, axis.below))
    } else if x > hi {
        Some((hi, axis.above))
    } else {
        None
    };
    let of = |x: f64, d: u8| inside(knots[i], knots[j], x, d, axis.interpolation);
    let (y, m) = match end {
        None => of(x, d),
        Some((end, Extrapolation::Constant)) => {
            if d == 0 {
                of(end, 0)
            } else {
                ([0.0; 2], [0.0; 2])
            }
        }
        Some((end, _)) => match d {
            0 => {
                let (v, s) = (of(end, 0), of(end, 1));
                let along = |k: usize| (v.0[k] + (x - end) * s.0[k], v.1[k] + (x - end) * s.1[k]);
                let (a, b) = (along(0), along(1));
                ([a.0, b.0], [a.1, b.1])
            }
            1 => of(end, 1),
            _ => ([0.0; 2], [0.0; 2]),
        },
    };
    Piece { i, j, y, m }
}

fn inside(x0: f64, x1: f64, x: f64, d: u8, kind: Interpolation) -> ([f64; 2], [f64; 2]) {
    let h = x1 - x0;
    let (a, b) = ((x1 - x) / h, (x - x0) / h);
    let y = match d {
        0 => [a, b],
        1 => [-1.0 / h, 1.0 / h],
        _ => [0.0; 2],
    };
    let m = match d {
        0 if kind == Interpolation::Quadratic => [-a * b * h * h, 0.0],
        1 if kind == Interpolation::Quadratic => [h * (b - a), 0.0],
        2 if kind == Interpolation::Quadratic => [2.0, 0.0],
        _ if kind != Interpolation::Cubic => [0.0; 2],
        0 => [(a * a * a - a) * h * h / 6.0, (b * b * b - b) * h * h / 6.0],
        1 => [-(3.0 * a * a - 1.0) * h / 6.0, (3.0 * b * b - 1.0) * h / 6.0],
        2 => [a, b],
        3 => [-1.0 / h, 1.0 / h],
        _ => [0.0; 2],
    };
    (y, m)
}

/// Columns of a text: numbers between spaces or commas, a point in each line, `#` before remarks.
pub fn columns(text: &str) -> Result<Vec<Vec<f64>>, String> {
    let mut out: Vec<Vec<f64>> = vec![];
    for (n, line) in text.lines().enumerate() {
        let line = line.split(['#', '*']).next().unwrap_or("");
        let row: Vec<&str> = line.split([' ', '\t', ',', ';']).filter(|w| !w.is_empty()).collect();
        if row.is_empty() {
            continue;
        }
        if out.is_empty() {
            out.resize(row.len(), vec![]);
        }
        if row.len() != out.len() {
            return Err(format!("line {} has {} numbers, the lines before have {}", n + 1, row.len(), out.len()));
        }
        for (column, word) in out.iter_mut().zip(row) {
            let x = word.parse::<f64>().map_err(|_| format!("line {}: `{word}` is not a number", n + 1))?;
            column.push(x);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(interpolation: Interpolation, e: Extrapolation) -> AxisControl {
        AxisControl { interpolation, below: e, above: e }
    }

    #[test]
    fn lines_and_their_ends() {
        let data = [vec![2.0, 0.0, 1.0], vec![4.0, 0.0, 1.0]];
        let of = |e| Table::new(&data, &[axis(Interpolation::Linear, e)], 1).unwrap();
        let t = of(Extrapolation::Linear);
        for (x, y, d) in [(0.5, 0.5, 1.0), (1.5, 2.5, 3.0), (3.0, 7.0, 3.0), (-1.0, -1.0, 1.0)] {
            assert_eq!((t.eval([x, 0.0, 0.0], [0; 3]), t.eval([x, 0.0, 0.0], [1, 0, 0])), (y, d), "{x}");
        }
        let t = of(Extrapolation::Constant);
        assert_eq!((t.eval([3.0, 0.0, 0.0], [0; 3]), t.eval([3.0, 0.0, 0.0], [1, 0, 0])), (4.0, 0.0));
        let t = of(Extrapolation::Error);
        assert_eq!((t.outside([2.5, 0.0, 0.0]), t.outside([1.0, 0.0, 0.0])), (0.5, 0.0));
    }

    /// The natural spline through (0,0), (1,1), (2,0) has m = (0, -3, 0): y(1/2) = 1/2 + 3/16.
    #[test]
    fn the_natural_spline() {
        let t = Table::new(
            &[vec![0.0, 1.0, 2.0], vec![0.0, 1.0, 0.0]],
            &[axis(Interpolation::Cubic, Extrapolation::Linear)],
            1,
        )
        .unwrap();
        let at = |x: f64, d: u8| t.eval([x, 0.0, 0.0], [d, 0, 0]);
        assert!((at(0.5, 0) - 0.6875).abs() < 1e-15);
        assert!((at(1.0, 1)).abs() < 1e-15 && (at(1.0, 2) + 3.0).abs() < 1e-15);
        // Slope at 0: 1 + 1/2; beyond, a line.
        assert!((at(0.0, 1) - 1.5).abs() < 1e-15 && (at(-2.0, 0) + 3.0).abs() < 1e-15);
    }

    /// A parabola is its own quadratic spline; (0,0), (1,1), (2,0), (3,0) have c = (-7/4, -1/4, 5/4).
    #[test]
    fn the_quadratic_spline() {
        let x = vec![0.0, 1.0, 1.5, 4.0, 4.5];
        let y: Vec<f64> = x.iter().map(|x| 3.0 * x * x - x + 2.0).collect();
        let of =
            |x: Vec<f64>, y| Table::new(&[x, y], &[axis(Interpolation::Quadratic, Extrapolation::Linear)], 1).unwrap();
        let t = of(x, y);
        for x in [0.25, 1.25, 3.0, 4.4] {
            for (d, want) in [(0, 3.0 * x * x - x + 2.0), (1, 6.0 * x - 1.0), (2, 6.0), (3, 0.0)] {
                assert!((t.eval([x, 0.0, 0.0], [d, 0, 0]) - want).abs() < 1e-12, "{x} {d}");
            }
        }
        let t = of(vec![0.0, 1.0, 2.0, 3.0], vec![0.0, 1.0, 0.0, 0.0]);
        let at = |x: f64, d: u8| t.eval([x, 0.0, 0.0], [d, 0, 0]);
        assert_eq!((at(0.5, 0), at(2.5, 0), at(1.0, 1), at(2.0, 1)), (0.9375, -0.3125, -0.75, -1.25));
        assert_eq!((at(-1.0, 0), at(4.0, 0)), (-2.75, 1.25));
    }

    /// Splines on the outer and the inner input reproduce x y, and all mixed derivatives.
    #[test]
    fn inputs_of_two_dimensions() {
        let (mut x, mut y, mut z) = (vec![], vec![], vec![]);
        for i in 0..4 {
            // Isolines of different lengths.
            for k in 0..3 + i {
                x.push(f64::from(i));
                y.push(f64::from(k));
                z.push(f64::from(i) * f64::from(k) + 2.0);
            }
        }
        for kind in [Interpolation::Linear, Interpolation::Cubic] {
            let t = Table::new(&[x.clone(), y.clone(), z.clone()], &[axis(kind, Extrapolation::Linear); 2], 1).unwrap();
            let at = |o: [u8; 3]| t.eval([1.3, 0.7, 0.0], o);
            for (o, want) in [([0, 0, 0], 2.91), ([1, 0, 0], 0.7), ([0, 1, 0], 1.3), ([1, 1, 0], 1.0), ([2, 0, 0], 0.0)]
            {
                assert!((at(o) - want).abs() < 1e-12, "{kind:?} {o:?}: {}", at(o));
            }
        }
    }

    #[test]
    fn faults_are_told() {
        let a = [axis(Interpolation::Linear, Extrapolation::Linear)];
        assert!(Table::new(&[vec![1.0, 1.0], vec![0.0, 2.0]], &a, 1).unwrap_err().contains("twice"));
        assert!(Table::new(&[vec![1.0], vec![0.0]], &a, 2).unwrap_err().contains("3 columns"));
        assert!(Table::new(&[vec![], vec![]], &a, 1).unwrap_err().contains("no points"));
        assert_eq!(columns("# x y\n1 2\n\n3,4 # end\n").unwrap(), [[1.0, 3.0], [2.0, 4.0]]);
        assert!(columns("1 2\n3\n").unwrap_err().contains("line 2"));
        assert!(columns("1 x\n").unwrap_err().contains("`x`"));
    }
}
