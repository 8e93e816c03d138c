//! Built-in laws of cells without memory. Every cell has a conductance g, S, of its own; the law's parameters are common.
//!
//! ```text
//!   ohmic        i = g v
//!   sinh         i = g/κ sinh(κ v)                                   κ in 1/V: tunnelling and hopping, g at v = 0
//!   exponential  selector i = Is sinh(u/v0) in series with g         exponential (type I) selector, 1S1R
//!   threshold    selector i = u Gs(u) in series with g               threshold (type II) selector, 1S1R
//!                Gs = Goff + (Gon - Goff) / (1 + exp(-(|u| - vth)/width))
//!   table        i = g/g0 · I(v), I monotone between given points    measured cells; g0 = I's slope at 0
//! ```
//!
//! The node between selector and memory element is eliminated cell by cell: u solves s(u) = g (v - u), where s is odd and
//! rises, so that u lies between 0 and v. Newton's method with the bracket kept does not fail.
//! Tables are interpolated by F. N. Fritsch and R. E. Carlson, SIAM J. Numer. Anal. 17 (1980) 238: monotone cubics.

use super::cells::{Cells, Frame, Moment, Stuck, run_of};
use super::geometry::Listing;
use crate::base::fastmath;
use crate::diag::Diagnostic;
use crate::diag::codes::array::{ARRAY_CELL, ARRAY_LAW};

/// Current against voltage, by points.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    v: Vec<f64>,
    i: Vec<f64>,
    slope: Vec<f64>,
    /// Slope at 0 V.
    g0: f64,
}

/// The law that all cells of an array share.
#[derive(Clone, Debug, PartialEq)]
pub enum Law {
    Ohmic,
    Sinh { kappa: f64 },
    Exponential { is: f64, v0: f64 },
    Threshold { vth: f64, width: f64, off: f64, on: f64 },
    Table(Table),
}

/// A parameter of a law, for help texts and the command line.
#[derive(Clone, Copy, Debug)]
pub struct LawParam {
    pub name: &'static str,
    pub unit: &'static str,
    pub default: f64,
    pub doc: &'static str,
}

/// A law by name.
#[derive(Clone, Copy, Debug)]
pub struct LawInfo {
    pub name: &'static str,
    pub doc: &'static str,
    pub params: &'static [LawParam],
}

const fn param(name: &'static str, unit: &'static str, default: f64, doc: &'static str) -> LawParam {
    LawParam { name, unit, default, doc }
}

/// The register of laws.
pub static LAWS: &[LawInfo] = &[
    LawInfo { name: "ohmic", doc: "i = g v", params: &[] },
    LawInfo {
        name: "sinh",
        doc: "i = g/kappa sinh(kappa v): tunnelling and hopping",
        params: &[param("kappa", "1/V", 2.0, "nonlinearity; i(V)/i(V/2) = 2 cosh(kappa V/2)")],
    },
    LawInfo {
        name: "exponential",
        doc: "exponential selector i = is sinh(u/v0) in series with g",
        params: &[
            param("is", "A", 1e-12, "current of the selector at u = v0 asinh(1)"),
            param("v0", "V", 0.05, "scale of its exponent"),
        ],
    },
    LawInfo {
        name: "threshold",
        doc: "threshold selector, off below vth and on above, in series with g",
        params: &[
            param("vth", "V", 0.8, "threshold voltage"),
            param("width", "V", 0.02, "of the transition"),
            param("off", "S", 1e-9, "conductance below"),
            param("on", "S", 1e-3, "conductance above"),
        ],
    },
    LawInfo { name: "table", doc: "i = g/g0 I(v) with I from a file of voltage and current", params: &[] },
];

impl Table {
    /// Points in rising order of voltage with 0 V among them or between them; currents must not fall.
    pub fn new(points: &[(f64, f64)]) -> Result<Table, Diagnostic> {
        let fault = |text: String| Err(Diagnostic::error(ARRAY_LAW, text));
        if points.len() < 2 {
            return fault("a table of current against voltage needs two points at least".into());
        }
        for (k, p) in points.windows(2).enumerate() {
            let is_good = p.iter().all(|p| p.0.is_finite() && p.1.is_finite()) && p[1].0 > p[0].0 && p[1].1 >= p[0].1;
            if !is_good {
                return fault(format!(
                    "line {} of the table, {} V and {} A: voltages must rise and currents must not fall",
                    k + 2,
                    p[1].0,
                    p[1].1
                ));
            }
        }
        let n = points.len();
        let v: Vec<f64> = points.iter().map(|p| p.0).collect();
        let i: Vec<f64> = points.iter().map(|p| p.1).collect();
        let d: Vec<f64> = (0..n - 1).map(|k| (i[k + 1] - i[k]) / (v[k + 1] - v[k])).collect();
        let mut slope = vec![0.0; n];
        slope[0] = d[0];
        slope[n - 1] = d[n - 2];
        for k in 1..n - 1 {
            // The weighted harmonic mean: 0 where one side is flat.
            let (h0, h1) = (v[k] - v[k - 1], v[k + 1] - v[k]);
            let (w0, w1) = (2.0 * h1 + h0, h1 + 2.0 * h0);
            slope[k] = if d[k - 1] > 0.0 && d[k] > 0.0 { (w0 + w1) / (w0 / d[k - 1] + w1 / d[k]) } else { 0.0 };
        }
        let mut table = Table { v, i, slope, g0: 1.0 };
        table.g0 = table.at(0.0).1;
        if !(table.g0 > 0.0) {
            return fault("the table's current does not rise at 0 V".into());
        }
        Ok(table)
    }

    /// Current and slope; straight on beyond the ends.
    fn at(&self, x: f64) -> (f64, f64) {
        let n = self.v.len();
        let k = self.v.partition_point(|v| *v <= x);
        if k == 0 || k == n {
            let e = if k == 0 { 0 } else { n - 1 };
            return (self.i[e] + self.slope[e] * (x - self.v[e]), self.slope[e]);
        }
        let h = self.v[k] - self.v[k - 1];
        let t = (x - self.v[k - 1]) / h;
        let (a, b) = (self.i[k - 1], self.i[k]);
        let (p, q) = (h * self.slope[k - 1], h * self.slope[k]);
        let d = b - a;
        // a + p t + (3d - 2p - q) t² + (p + q - 2d) t³
        let (c2, c3) = (3.0 * d - 2.0 * p - q, p + q - 2.0 * d);
        (a + t * (p + t * (c2 + t * c3)), (p + t * (2.0 * c2 + 3.0 * t * c3)) / h)
    }
}

impl Law {
    /// A law by its name and the values of its parameters, in the order of [`LAWS`].
    pub fn by_name(name: &str, values: &[f64]) -> Option<Law> {
        Some(match (name, values) {
            ("ohmic", []) => Law::Ohmic,
            ("sinh", &[kappa]) => Law::Sinh { kappa },
            ("exponential", &[is, v0]) => Law::Exponential { is, v0 },
            ("threshold", &[vth, width, off, on]) => Law::Threshold { vth, width, off, on },
            _ => return None,
        })
    }

    /// What is out of range.
    pub fn faults(&self) -> Vec<Diagnostic> {
        let positive = |list: &[(&str, f64)]| {
            list.iter()
                .filter(|(_, x)| !(*x > 0.0 && x.is_finite()))
                .map(|(n, x)| {
                    Diagnostic::error(ARRAY_LAW, format!("`{n}` of the cells' law is {x}; it must be above 0"))
                })
                .collect::<Vec<_>>()
        };
        match *self {
            Law::Ohmic | Law::Table(_) => vec![],
            Law::Sinh { kappa } => positive(&[("kappa", kappa)]),
            Law::Exponential { is, v0 } => positive(&[("is", is), ("v0", v0)]),
            Law::Threshold { vth, width, off, on } => {
                let mut d = positive(&[("vth", vth), ("width", width), ("off", off), ("on", on)]);
                if off > on {
                    d.push(Diagnostic::error(ARRAY_LAW, format!("`off` ({off} S) is above `on` ({on} S)")));
                }
                d
            }
        }
    }

    /// Current and slope of one cell.
    pub fn at(&self, g: f64, v: f64) -> (f64, f64) {
        match self {
            Law::Ohmic => (g * v, g),
            Law::Sinh { kappa } => {
                let (s, c) = sinh_cosh(kappa * v);
                (g / kappa * s, g * c)
            }
            Law::Exponential { is, v0 } => {
                let start = |v: f64| v0 * (g * v / is).asinh();
                series(g, v, start, |u| {
                    let (s, c) = sinh_cosh(u / v0);
                    (is * s, is / v0 * c)
                })
            }
            Law::Threshold { vth, width, off, on } => series(
                g,
                v,
                |v| v * g / (g + off),
                |u| {
                    let e = fastmath::exp(-((u - vth) / width).clamp(-700.0, 700.0));
                    let s = 1.0 / (1.0 + e);
                    let c = off + (on - off) * s;
                    (u * c, c + u * (on - off) * s * (1.0 - s) / width)
                },
            ),
            Law::Table(t) => {
                let (i, d) = t.at(v);
                (g / t.g0 * i, g / t.g0 * d)
            }
        }
    }
}

/// A selector s(u) in series with a conductance: current and slope at v. `start` is a guess of u for v > 0.
fn series(g: f64, v: f64, start: impl Fn(f64) -> f64, s: impl Fn(f64) -> (f64, f64)) -> (f64, f64) {
    if g == 0.0 || !v.is_finite() {
        return (0.0 * v, 0.0);
    }
    let x = v.abs();
    let (mut lo, mut hi) = (0.0, x);
    let mut u = start(x).clamp(lo, hi);
    let mut slope = 0.0;
    for _ in 0..200 {
        let (i, d) = s(u);
        slope = d;
        let h = i - g * (x - u);
        if h > 0.0 {
            hi = u;
        } else {
            lo = u;
        }
        let step = h / (d + g);
        if step.abs() <= 1e-15 * x {
            break;
        }
        let next = u - step;
        u = if next > lo && next < hi { next } else { 0.5 * (lo + hi) };
    }
    // The steeper of the two says less about the current.
    let i = if slope > g { g * (x - u) } else { s(u).0 };
    // Two conductances in series.
    (i.copysign(v), slope * (g / (slope + g)))
}

/// sinh and cosh without losing digits near 0.
#[inline(always)]
pub(crate) fn sinh_cosh(x: f64) -> (f64, f64) {
    // Beyond, currents are infinite in any case; the clamp keeps slopes finite for a search that went too far.
    let x = if x > 600.0 { 600.0 } else { x };
    let x = if x < -600.0 { -600.0 } else { x };
    let e = fastmath::exp(x);
    let r = 1.0 / e;
    let x2 = x * x;
    let small = x * (1.0 + x2 / 6.0 * (1.0 + x2 / 20.0 * (1.0 + x2 / 42.0 * (1.0 + x2 / 72.0 * (1.0 + x2 / 110.0)))));
    (if x2 < 0.1 { small } else { 0.5 * (e - r) }, 0.5 * (e + r))
}

#[inline(always)]
fn sinh(kappa: f64, cells: &[f64], v: &[f64], i: &mut [f64], g: &mut [f64]) {
    let n = cells.len();
    let (v, i, g) = (&v[..n], &mut i[..n], &mut g[..n]);
    let r = 1.0 / kappa;
    for k in 0..n {
        let (s, c) = sinh_cosh(kappa * v[k]);
        i[k] = cells[k] * r * s;
        g[k] = cells[k] * c;
    }
}

/// Cells of one law.
#[derive(Clone, Debug)]
pub struct LawCells {
    law: Law,
    g: Vec<f64>,
}

impl LawCells {
    /// Conductances in S, row by row.
    pub fn new(law: Law, g: Vec<f64>) -> Result<LawCells, Vec<Diagnostic>> {
        let mut faults = law.faults();
        let mut bad = Listing::default();
        for (k, g) in g.iter().enumerate() {
            if !(0.0..f64::INFINITY).contains(g) {
                bad.add(|| format!("cell {k}: {g} S"));
            }
        }
        bad.report(&mut faults, ARRAY_CELL, |n| format!("{n} cells have no valid conductance"));
        if faults.is_empty() { Ok(LawCells { law, g }) } else { Err(faults) }
    }

    pub fn conductances(&self) -> &[f64] {
        &self.g
    }
}

impl Cells for LawCells {
    fn len(&self) -> usize {
        self.g.len()
    }

    fn eval(&self, _: &Moment, frame: Frame) -> Result<(), Stuck> {
        let cells = &self.g[run_of(&frame)];
        let n = cells.len();
        let (v, i, g) = (&frame.v[..n], &mut frame.i[..n], &mut frame.g[..n]);
        match self.law {
            Law::Ohmic => {
                for k in 0..n {
                    i[k] = cells[k] * v[k];
                    g[k] = cells[k];
                }
            }
            Law::Sinh { kappa } => pulp::Arch::new().dispatch(|| sinh(kappa, cells, v, i, g)),
            _ => {
                for k in 0..n {
                    (i[k], g[k]) = self.law.at(cells[k], v[k]);
                }
            }
        }
        Ok(())
    }

    fn conducts(&self, cell: usize) -> bool {
        self.g[cell] > 0.0
    }

    fn is_linear(&self) -> bool {
        self.law == Law::Ohmic
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laws() -> Vec<Law> {
        vec![
            Law::Ohmic,
            Law::Sinh { kappa: 6.0 },
            Law::Exponential { is: 1e-12, v0: 0.04 },
            Law::Threshold { vth: 0.8, width: 0.02, off: 1e-9, on: 1e-3 },
            Law::Table(Table::new(&[(-2.0, -3e-6), (-1.0, -1e-6), (0.0, 0.0), (1.0, 1e-6), (2.0, 4e-6)]).unwrap()),
        ]
    }

    #[test]
    fn slopes_are_those_of_the_currents() {
        for law in laws() {
            for g in [1e-7, 1e-4] {
                for k in -30..=30 {
                    let v = 0.1 * f64::from(k) + 0.013;
                    let h = 1e-6;
                    let d = (law.at(g, v + h).0 - law.at(g, v - h).0) / (2.0 * h);
                    let (_, s) = law.at(g, v);
                    assert!((s - d).abs() <= 1e-4 * s.abs() + 1e-13, "{law:?} at {v} V: {s} for {d}");
                }
            }
        }
    }

    #[test]
    fn a_selector_in_series_takes_its_share() {
        // All but nothing falls on the memory element far above threshold, and nothing does below.
        let law = Law::Threshold { vth: 0.8, width: 0.01, off: 1e-10, on: 1.0 };
        assert!((law.at(1e-5, 2.0).0 - 2e-5 * (1.0 / (1.0 + 1e-5))).abs() < 1.3e-5);
        assert!(law.at(1e-5, 0.5).0 < 1e-10);
        let law = Law::Exponential { is: 1e-12, v0: 0.05 };
        for v in [0.1, 0.5, 1.0, 3.0, -2.0] {
            let (i, _) = law.at(1e-4, v);
            let u = 0.05 * (i / 1e-12).asinh();
            assert!((u + i / 1e-4 - v).abs() < 1e-12, "{v}: {i}");
        }
    }

    #[test]
    fn small_arguments_keep_their_digits() {
        for x in [1e-9, 1e-4, 0.01, 0.3, 0.32, 2.0, -0.2] {
            let (s, c) = sinh_cosh(x);
            assert!((s - f64::sinh(x)).abs() < 4e-16 * s.abs() && (c - f64::cosh(x)).abs() < 4e-16 * c, "{x}");
        }
    }

    #[test]
    fn faults_are_named() {
        assert!(Table::new(&[(0.0, 0.0)]).is_err() && Table::new(&[(0.0, 0.0), (1.0, -1.0)]).is_err());
        assert_eq!(Law::Threshold { vth: 0.8, width: 0.0, off: 1.0, on: 0.1 }.faults().len(), 2);
        let d = LawCells::new(Law::Sinh { kappa: f64::NAN }, vec![1.0, -1.0]).unwrap_err();
        assert_eq!(d.len(), 2);
        for info in LAWS.iter().filter(|l| l.name != "table") {
            let values: Vec<f64> = info.params.iter().map(|p| p.default).collect();
            assert!(Law::by_name(info.name, &values).unwrap().faults().is_empty());
        }
    }
}
