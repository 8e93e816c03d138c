//! Results against ngspice's, stored in `tests/golden/ngspice/` by `tests/golden/generate.py` (which says how they were
//! made): operating points and sweeps point by point, waveforms after interpolation on both time grids.
//!
//! `FERROSPICE_DECK=mos1` compares only the decks with `mos1` in their name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ferrospice::base::Control;
use ferrospice::dataset::{Column, PlotKind, Table};
use ferrospice::diag::render::{self, Style};
use ferrospice::session::{self, Disk, RunOptions};
use num_complex::Complex64;
use rayon::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    deck: String,
    hash: String,
    program: String,
    #[serde(default)]
    tolerance: Tolerance,
    plots: Vec<Plot>,
}

/// What a deck asks for beyond the usual, with a reason in the deck.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Tolerance {
    rel: Option<f64>,
    tran: Option<f64>,
    time: Option<f64>,
}

#[derive(Deserialize)]
struct Plot {
    kind: String,
    #[serde(default)]
    axis: Vec<f64>,
    signals: BTreeMap<String, Values>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    Real(Vec<f64>),
    Complex {
        re: Vec<f64>,
        im: Vec<f64>,
    },
    /// A thinned waveform: straight lines between its points stay within `error` of the whole.
    Wave {
        t: Vec<f64>,
        v: Vec<f64>,
        error: f64,
    },
}

/// Static results: relative to the value; what is small against `floor` is compared to the floor.
const OP: f64 = 1e-6;
const AC: f64 = 1e-5;
/// ngspice's sensitivities are finite differences of relative step 1e-6.
const SENS: f64 = 1e-5;

/// Waveforms agree to 10 reltol of their range; the goldens are not meant to be better than this.
const LEAST_TRAN: f64 = 1e-3;

/// Below this a quantity is nought: V or A. Junctions carry gmin x V beside their own current, and currents are
/// differences of larger ones.
fn floor(name: &str) -> f64 {
    if name.starts_with("i(") { 1e-12 } else { 1e-9 }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/ngspice")
}

#[test]
fn results_agree_with_ngspice() {
    let only = std::env::var("FERROSPICE_DECK").unwrap_or_default();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().flatten().map(|e| e.path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "json") && p.to_string_lossy().contains(&only));
    files.sort();
    let faults = Mutex::new(vec![]);
    let signals = Mutex::new(0);
    files.par_iter().for_each(|path| {
        let golden: Golden = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let (found, count) = check(&golden);
        *signals.lock().unwrap() += count;
        faults.lock().unwrap().extend(found.into_iter().map(|f| format!("{}: {f}", golden.deck)));
    });
    let mut faults = faults.into_inner().unwrap();
    faults.sort();
    assert!(faults.is_empty(), "{} differences\n{}", faults.len(), faults.join("\n"));
    println!("{} decks, {} signals", files.len(), signals.into_inner().unwrap());
    assert!(!only.is_empty() || files.len() >= 60);
}

/// Faults of one deck, and how many signals were compared.
fn check(golden: &Golden) -> (Vec<String>, usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&golden.deck);
    let Ok(text) = std::fs::read(&path) else {
        return (vec!["the deck is gone".into()], 0);
    };
    assert!(golden.program.starts_with("ngspice"));
    if fnv1a(&text) != golden.hash {
        return (vec!["the deck changed: run tests/golden/generate.py".into()], 0);
    }
    let outcome = session::run(&path, &RunOptions::default(), &Disk, &Control::default());
    if outcome.has_errors() {
        let text = render::text(&outcome.diagnostics, &outcome.sources, Style::default());
        return (vec![format!("does not run\n{text}")], 0);
    }
    let mut faults = vec![];
    let mut count = 0;
    for plot in &golden.plots {
        let Some(kind) = PlotKind::from_word(&plot.kind) else {
            faults.push(format!("plot of unknown kind {}", plot.kind));
            continue;
        };
        let Some(table) = outcome.tables().find(|t| t.schema.kind == kind) else {
            faults.push(format!("no {} result", plot.kind));
            continue;
        };
        for (name, values) in &plot.signals {
            count += 1;
            let Some(column) = column(table, name) else {
                faults.push(format!("{}: no signal {name}", plot.kind));
                continue;
            };
            if let Some(fault) = difference(golden, plot, table, name, values, column) {
                faults.push(format!("{} {name}: {fault}", plot.kind));
            }
        }
    }
    (faults, count)
}

fn column<'a>(table: &'a Table, name: &str) -> Option<&'a Column> {
    let at = table.schema.signals.iter().position(|s| *s.name == *name)?;
    table.columns.get(at)
}

fn difference(
    golden: &Golden,
    plot: &Plot,
    table: &Table,
    name: &str,
    values: &Values,
    column: &Column,
) -> Option<String> {
    let rel = golden.tolerance.rel.unwrap_or(match plot.kind.as_str() {
        "sens" => SENS,
        "op" | "dc" | "tf" | "pz" => OP,
        _ => AC,
    });
    match values {
        Values::Wave { t, v, error } => {
            let reltol: f64 = table.meta.options.get("reltol").and_then(|s| s.parse().ok()).unwrap_or(1e-3);
            let tol = golden.tolerance.tran.unwrap_or((10.0 * reltol).max(LEAST_TRAN));
            let stop = t.last().copied().unwrap_or(0.0);
            let slack = golden.tolerance.time.unwrap_or(0.0) * stop;
            waves(table.axis()?.re().as_slice(), &column.re(), t, v, *error, tol, slack)
        }
        Values::Real(expected) => {
            let z: Vec<Complex64> = expected.iter().map(|&x| x.into()).collect();
            points(plot, table, name, &z, &complex(column), rel)
        }
        Values::Complex { re, im } => {
            let z: Vec<Complex64> = re.iter().zip(im).map(|(&a, &b)| Complex64::new(a, b)).collect();
            points(plot, table, name, &z, &complex(column), rel)
        }
    }
}

fn complex(c: &Column) -> Vec<Complex64> {
    match c {
        Column::Real(v) => v.iter().map(|&x| x.into()).collect(),
        Column::Complex(v) => v.clone(),
    }
}

/// Tables point by point.
fn points(
    plot: &Plot,
    table: &Table,
    name: &str,
    expected: &[Complex64],
    got: &[Complex64],
    rel: f64,
) -> Option<String> {
    if expected.len() != got.len() {
        return Some(format!("{} points, expected {}", got.len(), expected.len()));
    }
    let axis = table.axis().map(|a| a.re()).unwrap_or_default();
    for (a, b) in axis.iter().zip(&plot.axis) {
        if (a - b).abs() > 1e-6 * b.abs() + 1e-12 {
            return Some(format!("axis {a:e}, expected {b:e}"));
        }
    }
    // Spectra have no floor: they are small by nature.
    let floor = if plot.kind.starts_with("noise") { 0.0 } else { floor(name) };
    let mut worst = (1.0, None);
    for (k, (e, g)) in expected.iter().zip(got).enumerate() {
        let excess = (e - g).norm() / (rel * e.norm() + floor).max(f64::MIN_POSITIVE);
        // A NaN is a fault too.
        if !(excess <= worst.0) {
            worst = (excess, Some(k));
        }
    }
    let k = worst.1?;
    let at = axis.get(k).map_or(String::new(), |x| format!(" at {x:e}"));
    let (e, g) = (expected[k], got[k]);
    let off = (e - g).norm() / e.norm();
    Some(format!("{} instead of {}{at} (relative {off:.2e}, allowed {rel:.0e})", show(g), show(e)))
}

fn show(z: Complex64) -> String {
    if z.im == 0.0 { format!("{:.9e}", z.re) } else { format!("{:.9e}{:+.9e}j", z.re, z.im) }
}

/// Waveforms on both time grids: golden points against our lines, our points against the golden's lines.
fn waves(time: &[f64], ours: &[f64], t: &[f64], v: &[f64], thinned: f64, tol: f64, slack: f64) -> Option<String> {
    let range = v.iter().copied().fold(f64::MIN, f64::max) - v.iter().copied().fold(f64::MAX, f64::min);
    let size = v.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    // A constant waveform is compared to its value, a current of nothing but gmin to a floor.
    let allowed = (tol * range).max(1e-6 * size).max(1e-12);
    let mut worst = (0.0, 0.0, 0.0, 0.0);
    let mut look = |x: f64, e: f64, lo: f64, hi: f64, allowed: f64| {
        // With slack in time the other waveform may have the value anywhere near.
        let off = if e < lo {
            lo - e
        } else if e > hi {
            e - hi
        } else {
            0.0
        };
        let ratio = off / allowed;
        if !(ratio <= worst.0) {
            worst = (ratio, x, e, if e < lo { lo } else { hi });
        }
    };
    // Near the end a slack in time has nothing to look at.
    let end = t.last().copied().unwrap_or(0.0);
    let looked_at = |x: f64| slack == 0.0 || x + slack <= end;
    for (&x, &e) in t.iter().zip(v).filter(|(x, _)| looked_at(**x)) {
        // Between our points the waveform is a curve, not a line: both interpolations count.
        let (lo, hi) = span(time, ours, x - slack, x + slack);
        let c = cubic(time, ours, x);
        look(x, e, lo.min(c), hi.max(c), allowed);
    }
    for (&x, &e) in time.iter().zip(ours).filter(|(x, _)| looked_at(**x)) {
        let (lo, hi) = span(t, v, x - slack, x + slack);
        look(x, e, lo, hi, allowed + thinned);
    }
    let (ratio, x, a, b) = worst;
    if ratio <= 1.0 {
        return None;
    }
    Some(format!(
        "{a:.6e} against {b:.6e} at {x:.6e} s ({:.2e} of the range, allowed {tol:.0e})",
        (a - b).abs() / range
    ))
}

/// Least and largest value of a piecewise linear waveform over [a, b].
fn span(t: &[f64], v: &[f64], a: f64, b: f64) -> (f64, f64) {
    let (x, y) = (at(t, v, a), at(t, v, b));
    let (mut lo, mut hi) = (x.min(y), x.max(y));
    let first = t.partition_point(|&x| x < a);
    for (_, &y) in t.iter().zip(v).skip(first).take_while(|(x, _)| **x <= b) {
        lo = lo.min(y);
        hi = hi.max(y);
    }
    if x.is_nan() || y.is_nan() { (f64::NAN, f64::NAN) } else { (lo, hi) }
}

/// The cubic through the two points on either side; the line at the ends.
fn cubic(t: &[f64], v: &[f64], x: f64) -> f64 {
    let k = t.partition_point(|&s| s < x);
    if k < 2 || k + 1 >= t.len() {
        return at(t, v, x);
    }
    let (t, v) = (&t[k - 2..k + 2], &v[k - 2..k + 2]);
    (0..4).map(|i| v[i] * (0..4).filter(|&j| j != i).map(|j| (x - t[j]) / (t[i] - t[j])).product::<f64>()).sum()
}

fn at(t: &[f64], v: &[f64], x: f64) -> f64 {
    let k = t.partition_point(|&s| s < x);
    match (k.checked_sub(1), t.get(k)) {
        (_, None) => v.last().copied().unwrap_or(f64::NAN),
        (None, Some(_)) => v[0],
        (Some(j), Some(&b)) => v[j] + (v[k] - v[j]) * (x - t[j]) / (b - t[j]),
    }
}

/// FNV-1a, 64 bits: the golden files carry the hash of the deck that they are of.
fn fnv1a(data: &[u8]) -> String {
    let hash = data.iter().fold(0xcbf29ce484222325, |h: u64, &b| (h ^ u64::from(b)).wrapping_mul(0x100000001b3));
    format!("{hash:016x}")
}

#[test]
fn hash_of_a_known_text() {
    assert_eq!(fnv1a(b"foobar"), "85944171f73967e8");
}
