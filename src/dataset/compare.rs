//! Are two results the same waveforms? The heart of golden tests and of `diff`.
//!
//! Each signal present in both tables is compared on the union of both grids, a from b's line and b from a's, so a
//! feature that falls between two points of either side is not missed. The error of a signal is
//!
//! max over the grid of |a − b| / (reltol·range + abstol),  range = max(max|a|, max|b|),
//!
//! so 1 is the limit. A shift of a steep edge by a fraction of a step is not a difference of waveforms: within one
//! grid segment the distance is taken to the interval of values the other side has over the neighbouring segment
//! when `edge_tolerant` is set.

use super::{Column, Table, interp};

/// One signal's comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalDiff {
    pub name: String,
    /// Largest |a − b|, in the signal's unit.
    pub max_abs: f64,
    /// Largest |a − b| over the larger of both signals' peak magnitudes; 0 when both are zero throughout.
    pub max_rel: f64,
    /// The axis value where it is.
    pub at: f64,
    /// Within tolerance?
    pub is_same: bool,
}

/// The outcome of [`compare`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// Worst first.
    pub signals: Vec<SignalDiff>,
    /// Signals that only one side has.
    pub only_a: Vec<String>,
    pub only_b: Vec<String>,
    /// Part of one axis that the other does not reach, as a fraction of the longer one.
    pub missing_axis: f64,
}

impl Comparison {
    /// Every common signal within tolerance, at least one of them, and the axes end together (to 1e-6).
    pub fn is_same(&self) -> bool {
        !self.signals.is_empty() && self.signals.iter().all(|s| s.is_same) && self.missing_axis <= 1e-6
    }

    /// The worst signal's error relative to its range; 0 when there are no signals.
    pub fn worst(&self) -> f64 {
        self.signals.iter().map(|s| s.max_rel).fold(0.0, f64::max)
    }
}

/// Compares the signals two tables share, by name. Tables without an axis are compared point by point.
pub fn compare(a: &Table, b: &Table, reltol: f64, abstol: f64) -> Comparison {
    compare_with(a, b, reltol, &|_| abstol, false)
}

/// As [`compare`], with an absolute tolerance for each signal by name; `edge_tolerant` forgives the shift of an edge
/// by less than one segment of either grid.
pub fn compare_with(
    a: &Table,
    b: &Table,
    reltol: f64,
    abstol: &dyn Fn(&str) -> f64,
    edge_tolerant: bool,
) -> Comparison {
    let mut out = Comparison::default();
    let (xa, xb) = (grid(a), grid(b));
    let with_axis = a.schema.has_axis && b.schema.has_axis;
    if let (Some(ea), Some(eb)) = (xa.last(), xb.last()) {
        let (sa, sb) = (xa[0], xb[0]);
        let long = (ea - sa).abs().max((eb - sb).abs());
        if long > 0.0 {
            out.missing_axis = ((ea - eb).abs().max((sa - sb).abs())) / long;
        } else if with_axis && sa != sb {
            out.missing_axis = 1.0;
        }
    } else if xa.len() != xb.len() {
        out.missing_axis = 1.0;
    }
    for (i, s) in a.schema.signals.iter().enumerate() {
        if with_axis && i == 0 {
            continue;
        }
        let Some(j) = b.find(&s.name).filter(|&j| !(with_axis && j == 0)) else {
            out.only_a.push(s.name.to_string());
            continue;
        };
        let (Some(ca), Some(cb)) = (a.columns.get(i), b.columns.get(j)) else { continue };
        let peak = |c: &Column| (0..c.len()).map(|k| c.at(k).norm()).filter(|m| m.is_finite()).fold(0.0, f64::max);
        let range = peak(ca).max(peak(cb));
        let mut worst = (0.0f64, f64::NAN);
        let mut see = |d: f64, x: f64| {
            // A NaN on one side only is the worst there is; on both sides it is the same.
            if d > worst.0 || d.is_nan() && !worst.0.is_infinite() {
                worst = (if d.is_nan() { f64::INFINITY } else { d }, x);
            }
        };
        one_way(&xa, ca, &xb, cb, edge_tolerant, &mut see);
        one_way(&xb, cb, &xa, ca, edge_tolerant, &mut see);
        let tol = reltol * range + abstol(&s.name);
        out.signals.push(SignalDiff {
            name: s.name.to_string(),
            max_abs: worst.0,
            max_rel: if worst.0 == 0.0 { 0.0 } else { worst.0 / range },
            at: worst.1,
            is_same: worst.0 <= tol,
        });
    }
    for (j, s) in b.schema.signals.iter().enumerate() {
        if !(with_axis && j == 0) && a.find(&s.name).is_none() {
            out.only_b.push(s.name.to_string());
        }
    }
    out.signals.sort_by(|p, q| q.max_rel.total_cmp(&p.max_rel));
    out
}

/// The axis, or the point number where there is none.
fn grid(t: &Table) -> Vec<f64> {
    t.axis().map_or_else(|| (0..t.len()).map(|k| k as f64).collect(), Column::re)
}

/// Every point of `c` against the line through `d`.
fn one_way(x: &[f64], c: &Column, xd: &[f64], d: &Column, edge_tolerant: bool, see: &mut dyn FnMut(f64, f64)) {
    // Sweeps that turn back (nested, hysteresis) share a grid or cannot be compared by interpolation.
    let same_grid = x.len() == xd.len() && x.iter().zip(xd).all(|(p, q)| (p - q).abs() <= 1e-9 * p.abs().max(q.abs()));
    for (k, &at) in x.iter().enumerate() {
        let p = c.at(k);
        if same_grid {
            let q = d.at(k);
            see(if p.is_nan() && q.is_nan() { 0.0 } else { (p - q).norm() }, at);
            continue;
        }
        let Some((m, f)) = interp::locate(xd, at) else { continue };
        let q = if f > 0.0 { d.at(m) + (d.at(m + 1) - d.at(m)) * f } else { d.at(m) };
        let mut e = if p.is_nan() && q.is_nan() { 0.0 } else { (p - q).norm() };
        // A jump (two points at one abscissa) is met by either side of it.
        if f == 0.0 && m > 0 && xd[m - 1] == xd[m] {
            e = e.min((p - d.at(m - 1)).norm());
        }
        if edge_tolerant && !c.is_complex() && !d.is_complex() {
            let lo = m.saturating_sub(1);
            let hi = (m + 2).min(d.len().saturating_sub(1));
            let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
            for n in lo..=hi {
                min = min.min(d.at(n).re);
                max = max.max(d.at(n).re);
            }
            if p.re >= min && p.re <= max {
                e = 0.0;
            } else {
                e = e.min((p.re - max).max(min - p.re));
            }
        }
        see(e, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{PlotKind, Quantity, Schema, Signal, Sink};

    fn table(points: &[(f64, f64)]) -> Table {
        let mut t = Table::default();
        t.begin(&Schema {
            kind: PlotKind::Tran,
            has_axis: true,
            is_complex: false,
            signals: vec![Signal::new("time", Quantity::Time), Signal::new("v(a)", Quantity::Voltage)],
        });
        for &(x, y) in points {
            t.point(&[x, y]);
        }
        t
    }

    #[test]
    fn a_line_is_the_same_on_any_grid_and_a_hidden_spike_is_seen() {
        let a = table(&[(0.0, 0.0), (1.0, 1.0), (4.0, 4.0)]);
        let b = table(&[(0.0, 0.0), (2.5, 2.5), (4.0, 4.0)]);
        assert!(compare(&a, &b, 1e-9, 0.0).is_same());
        let c = table(&[(0.0, 0.0), (2.0, 2.0), (2.1, 2.6), (2.2, 2.2), (4.0, 4.0)]);
        let d = compare(&a, &c, 1e-3, 0.0);
        assert!(!d.is_same());
        assert!((d.signals[0].max_abs - 0.5).abs() < 1e-12);
        assert_eq!(d.signals[0].at, 2.1);
        assert!(!compare(&a, &table(&[(0.0, 0.0), (3.0, 3.0)]), 1.0, 0.0).is_same(), "ends early");
        assert!(!compare(&a, &table(&[(0.0, 0.0), (3.0, f64::NAN), (4.0, 4.0)]), 1.0, 0.0).is_same());
        assert!(!compare(&a, &Table::default(), 1.0, 0.0).is_same());
    }

    #[test]
    fn a_shifted_edge_can_be_forgiven() {
        let a = table(&[(0.0, 0.0), (1.0, 0.0), (1.01, 1.0), (2.0, 1.0)]);
        let b = table(&[(0.0, 0.0), (1.005, 0.0), (1.015, 1.0), (2.0, 1.0)]);
        assert!(!compare(&a, &b, 1e-3, 0.0).is_same());
        assert!(compare_with(&a, &b, 1e-3, &|_| 0.0, true).is_same());
    }
}
