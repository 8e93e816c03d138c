//! Arguments and files into arrays; every fault is a diagnostic.

use std::path::Path;

use super::args::{Cells, Drive, Ground, Selection, Wires, pair, si};
use crate::array::geometry::{Listing, MAX_CELLS, apply_defects, place};
use crate::array::laws::{LAWS, Table};
use crate::array::{Defect, Law, Scheme, Wiring};
use crate::base::fastmath;
use crate::base::rng::Stream;
use crate::diag::codes::array::{ARRAY_CELL, ARRAY_LAW, ARRAY_SHAPE, ARRAY_SIZE, ARRAY_WIRE};
use crate::diag::{Diagnostic, nearest};
use crate::output::npy::{self, Matrix};

/// Cells read and checked.
pub struct Given {
    pub rows: usize,
    pub cols: usize,
    /// S, row by row.
    pub g: Vec<f64>,
    pub law: Law,
}

pub fn cells(args: &Cells) -> Result<Given, Vec<Diagnostic>> {
    let mut faults = vec![];
    let law = law(&args.law, &args.param, args.table.as_deref()).map_err(|d| faults.extend(d)).ok();
    let matrix = matrix(args).map_err(|d| faults.extend(d)).ok();
    let (Some(law), Some(mut m)) = (law, matrix) else { return Err(faults) };
    if args.spread != 0.0 {
        if args.spread > 0.0 && args.spread < 20.0 {
            let stream = Stream { seed: args.seed, run: 0, instance: 1 };
            for (k, g) in m.data.iter_mut().enumerate() {
                *g *= (args.spread * stream.normal((k >> 32) as u32, k as u32)).exp();
            }
        } else {
            faults.push(Diagnostic::error(ARRAY_CELL, format!("`--spread` is {}; 0 to 20 is possible", args.spread)));
        }
    }
    let mut defects: Vec<(usize, usize, Defect)> = args.dead.iter().map(|&(i, j)| (i, j, Defect::Dead)).collect();
    for text in &args.stuck {
        let parsed = text.split_once('=').and_then(|(at, ohms)| Some((pair(at).ok()?, si(ohms).ok()?)));
        match parsed {
            Some(((i, j), ohms)) if ohms > 0.0 => defects.push((i, j, Defect::Stuck(1.0 / ohms))),
            _ => faults.push(
                Diagnostic::error(ARRAY_CELL, format!("`--stuck {text}` is not a cell and a resistance above 0"))
                    .help("e.g. `--stuck 3,5=1k`"),
            ),
        }
    }
    faults.extend(apply_defects(m.rows, m.cols, &mut m.data, &defects));
    if faults.is_empty() { Ok(Given { rows: m.rows, cols: m.cols, g: m.data, law }) } else { Err(faults) }
}

fn matrix(args: &Cells) -> Result<Matrix, Vec<Diagnostic>> {
    let one = |d: Diagnostic| vec![d];
    let orient = |m: Matrix| if args.transpose { m.transposed() } else { m };
    if let Some(path) = &args.conductances {
        let m = orient(npy::read_path(path).map_err(one)?);
        let mut bad = Listing::default();
        for (k, g) in m.data.iter().enumerate() {
            if !(0.0..f64::INFINITY).contains(g) {
                bad.add(|| format!("{}: {g} S", place(k, m.cols)));
            }
        }
        return listed(bad, m, "conductances of 0 or more");
    }
    if let Some(path) = &args.resistances {
        let mut m = orient(npy::read_path(path).map_err(one)?);
        let mut bad = Listing::default();
        for (k, r) in m.data.iter_mut().enumerate() {
            if !(*r > 0.0) {
                bad.add(|| format!("{}: {r} Ω", place(k, m.cols)));
            }
            *r = 1.0 / *r;
        }
        return listed(bad, m, "resistances above 0");
    }
    let Some((rows, cols)) = args.size else {
        return Err(vec![
            Diagnostic::error(ARRAY_SHAPE, "no cells are given")
                .help("`--conductances FILE`, `--resistances FILE`, or `--uniform OHMS --size ROWSxCOLS`"),
        ]);
    };
    if rows == 0 || cols == 0 || rows.checked_mul(cols).is_none_or(|c| c > MAX_CELLS) {
        return Err(vec![Diagnostic::error(ARRAY_SIZE, format!("an array of {rows} x {cols} cells"))]);
    }
    let random = match &args.random {
        None => None,
        Some(text) => match text.split_once(':').and_then(|(a, b)| Some((si(a).ok()?, si(b).ok()?))) {
            Some((lo, hi)) if lo > 0.0 && hi >= lo && hi.is_finite() => Some((lo, hi)),
            _ => {
                return Err(vec![
                    Diagnostic::error(ARRAY_CELL, format!("`--random {text}` is not a range of resistances"))
                        .help("e.g. `--random 10k:1meg`"),
                ]);
            }
        },
    };
    let data = match (random, args.uniform) {
        (Some((lo, hi)), _) => {
            let stream = Stream { seed: args.seed, run: 0, instance: 0 };
            let span = (hi / lo).ln();
            let mut g = vec![0.0; rows * cols];
            for (k, g) in g.chunks_mut(1024).enumerate() {
                stream.uniforms(1024 * k as u64, g);
                pulp::Arch::new().dispatch(|| g.iter_mut().for_each(|g| *g = 1.0 / (lo * fastmath::exp(span * *g))));
            }
            g
        }
        (None, Some(r)) if r > 0.0 => vec![1.0 / r; rows * cols],
        (None, Some(r)) => return Err(vec![Diagnostic::error(ARRAY_CELL, format!("cells of {r} Ω"))]),
        (None, None) => {
            return Err(vec![
                Diagnostic::error(ARRAY_SHAPE, "a size, but no cells").help("`--uniform OHMS` or `--random LOW:HIGH`"),
            ]);
        }
    };
    Ok(Matrix { rows, cols, data, is_vector: false })
}

fn listed(bad: Listing, m: Matrix, wanted: &str) -> Result<Matrix, Vec<Diagnostic>> {
    let mut faults = vec![];
    bad.report(&mut faults, ARRAY_CELL, |n| match n {
        1 => format!("one cell is not valid: {wanted} are wanted"),
        n => format!("{n} cells are not valid: {wanted} are wanted"),
    });
    if faults.is_empty() { Ok(m) } else { Err(faults) }
}

/// A law by name with its parameters.
pub fn law(name: &str, params: &[String], table: Option<&Path>) -> Result<Law, Vec<Diagnostic>> {
    let mut faults = vec![];
    let Some(info) = LAWS.iter().find(|l| l.name.eq_ignore_ascii_case(name)) else {
        let d = Diagnostic::error(ARRAY_LAW, format!("unknown law of cells `{name}`"));
        let help = nearest::did_you_mean(name, LAWS.iter().map(|l| l.name))
            .unwrap_or_else(|| "`ferrospice array laws` lists them".into());
        return Err(vec![d.help(help)]);
    };
    let mut values: Vec<f64> = info.params.iter().map(|p| p.default).collect();
    for text in params {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        let known = info.params.iter().position(|p| p.name.eq_ignore_ascii_case(key.trim()));
        match (known, si(value.trim())) {
            (Some(k), Ok(v)) => values[k] = v,
            (None, _) => {
                faults.push(Diagnostic::error(ARRAY_LAW, format!("law `{}` has no parameter `{key}`", info.name)).help(
                    match info.params.iter().map(|p| p.name).collect::<Vec<_>>() {
                        l if l.is_empty() => "it has none".to_string(),
                        l => format!("it has {}", l.join(", ")),
                    },
                ))
            }
            (_, Err(_)) => faults.push(Diagnostic::error(ARRAY_LAW, format!("`{text}`: the value is not a number"))),
        }
    }
    let law = match (info.name, table) {
        ("table", Some(path)) => match npy::read_path(path) {
            Ok(m) if m.cols == 2 => {
                let points: Vec<(f64, f64)> = m.data.chunks_exact(2).map(|p| (p[0], p[1])).collect();
                Table::new(&points).map(Law::Table).map_err(|d| faults.push(d)).ok()
            }
            Ok(m) => {
                faults.push(Diagnostic::error(
                    ARRAY_SHAPE,
                    format!("`{}` has {} columns; voltage and current are wanted", path.display(), m.cols),
                ));
                None
            }
            Err(d) => {
                faults.push(d);
                None
            }
        },
        ("table", None) => {
            faults.push(Diagnostic::error(ARRAY_LAW, "law `table` without a table").help("`--table FILE`"));
            None
        }
        (name, _) => Law::by_name(name, &values),
    };
    if let Some(l) = &law {
        faults.extend(l.faults());
    }
    law.filter(|_| faults.is_empty()).ok_or(faults)
}

pub fn wiring(args: &Wires, rows: usize, cols: usize) -> Result<Wiring, Vec<Diagnostic>> {
    let word = args.wire_word.unwrap_or(args.wire);
    let bit = args.wire_bit.unwrap_or(args.wire);
    let mut faults = vec![];
    for (name, r) in [("wire", word), ("wire", bit), ("driver", args.driver), ("sense", args.sense)] {
        if !(0.0..f64::INFINITY).contains(&r) {
            faults.push(Diagnostic::error(ARRAY_WIRE, format!("`--{name}`: a resistance of {r} Ω")));
        }
    }
    faults.dedup();
    let at = |on: bool, ohms: f64| on.then_some(ohms);
    let (w, b) = (word + args.driver, bit + args.sense);
    let wiring = Wiring {
        word_segment: word,
        bit_segment: bit,
        sides: [
            at(args.drive != Drive::Right, w),
            at(args.drive != Drive::Left, w),
            at(args.ground != Ground::Bottom, b),
            at(args.ground != Ground::Top, b),
        ],
        word_opens: args.open_word.clone(),
        bit_opens: args.open_bit.clone(),
        ..Wiring::crossbar(rows, cols, args.wire)
    };
    if faults.is_empty() { Ok(wiring) } else { Err(faults) }
}

/// Input sets: one or several rows of `rows` voltages.
pub fn inputs(path: Option<&Path>, volts: Option<f64>, rows: usize) -> Result<Vec<f64>, Diagnostic> {
    let Some(path) = path else { return Ok(vec![volts.unwrap_or(1.0); rows]) };
    let m = npy::read_path(path)?;
    let wrong =
        |what: String| Diagnostic::error(ARRAY_SHAPE, format!("`{}` has {what} for {rows} word lines", path.display()));
    if let Some(k) = m.data.iter().position(|v| !v.is_finite()) {
        let at = if m.is_vector { format!("entry {k}") } else { place(k, m.cols) };
        return Err(Diagnostic::error(ARRAY_WIRE, format!("`{}`, {at}: {} V", path.display(), m.data[k])));
    }
    if m.is_vector && m.data.len() != rows {
        return Err(wrong(format!("{} voltages", m.data.len())));
    }
    if !m.is_vector && m.cols != rows {
        let d = wrong(format!("{} x {} voltages", m.rows, m.cols));
        return Err(if m.rows == rows { d.help("one set of inputs is one row of the file: transpose it") } else { d });
    }
    Ok(m.data)
}

pub fn scheme(text: &str) -> Result<Scheme, Diagnostic> {
    if let Some(s) = Scheme::by_name(text) {
        return Ok(s);
    }
    let share = |t: &str| if t.eq_ignore_ascii_case("z") { Some(None) } else { si(t).ok().map(Some) };
    let custom = text.split_once(':').and_then(|(w, b)| Some(Scheme::Custom { word: share(w)?, bit: share(b)? }));
    custom.ok_or_else(|| {
        Diagnostic::error(ARRAY_WIRE, format!("unknown scheme `{text}`"))
            .help(format!("{}, or WORD:BIT as shares of the voltage, e.g. `0.5:z`", Scheme::NAMES.join(", ")))
    })
}

/// The selected cell and scheme; other than existing cells are refused by the study.
pub fn selection(s: &Selection, w: &Wiring) -> Result<(Scheme, (usize, usize)), Diagnostic> {
    Ok((scheme(&s.scheme)?, s.select.unwrap_or_else(|| crate::array::study::far_cell(w))))
}
