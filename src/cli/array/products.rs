//! Inputs on all word lines: solutions, IR drop, products, the effective matrix.

use std::fmt::Write;
use std::path::Path;

use serde_json::json;

use super::args::{Cells, Wires};
use super::cell::Made;
use super::output::{Item, Picture, Report};
use super::{Job, certified, input};
use crate::array::study::{self, Converters, Crossbar, Solved};
use crate::array::{Array, Effective, Law, Linear, Wiring};
use crate::base::rng::Stream;
use crate::base::units::format_si;
use crate::diag::Diagnostic;
use crate::diag::codes::array::ARRAY_SHAPE;
use crate::plot::{Axis, Colour, Figure, Heat, Mark, Pane, Trace};

fn head(given: &input::Given, w: &Wiring) -> String {
    let wire = if w.word_segment == w.bit_segment {
        format!("{} Ω a segment", w.word_segment)
    } else {
        format!("{} Ω and {} Ω a segment (word, bit)", w.word_segment, w.bit_segment)
    };
    let (least, most, dead) = given.g.chunks(1024).fold((f64::INFINITY, 0.0, 0), |(least, most, dead), g| {
        g.iter().fold((least, most, dead), |(least, most, dead): (f64, f64, usize), &g| {
            let low = if g > 0.0 { g } else { f64::INFINITY };
            (if low < least { low } else { least }, if g > most { g } else { most }, dead + usize::from(g == 0.0))
        })
    });
    let mut text = format!(
        "array             {} x {}, wires {wire}, cells {} to {}",
        given.rows,
        given.cols,
        format_si(1.0 / most, "Ω"),
        format_si(1.0 / least, "Ω")
    );
    if dead > 0 {
        let _ = write!(text, ", {dead} open");
    }
    text.push('\n');
    text
}

fn map(rows: usize, cols: usize, values: Vec<f64>, title: &str, label: &str, unit: &str) -> Heat {
    Heat {
        title: title.into(),
        footer: format!("ferrospice {}", env!("CARGO_PKG_VERSION")),
        rows,
        cols,
        values,
        label: label.into(),
        unit: unit.into(),
        x_label: "column".into(),
        y_label: "row".into(),
        ..Heat::default()
    }
}

fn ready(cells: &Cells, wires: &Wires) -> Result<(input::Given, Wiring), Vec<Diagnostic>> {
    let given = input::cells(cells);
    let (rows, cols) = given.as_ref().map_or((1, 1), |g| (g.rows, g.cols));
    match (given, input::wiring(wires, rows, cols)) {
        (Ok(g), Ok(w)) => Ok((g, w)),
        (a, b) => Err(a.err().into_iter().chain(b.err()).flatten().collect()),
    }
}

fn powers(s: &Solved) -> String {
    let c = &s.currents;
    let share = |p: f64| if c.source_power == 0.0 { 0.0 } else { 100.0 * p / c.source_power };
    format!(
        "power             {}: cells {:.1} %, wires {:.1} %, ends {:.1} %\n",
        format_si(c.source_power, "W"),
        share(c.cell_power),
        share(c.wire_power),
        share(c.end_power)
    )
}

/// Smallest, mean and largest of the columns' currents.
fn columns(currents: &[f64]) -> String {
    let at = |better: fn(&f64, &f64) -> bool| {
        (0..currents.len()).fold(0, |k, j| if better(&currents[j], &currents[k]) { j } else { k })
    };
    let (lo, hi) = (at(|a, b| a < b), at(|a, b| a > b));
    let mean = currents.iter().sum::<f64>() / currents.len() as f64;
    format!(
        "column currents   {} (column {lo}) to {} (column {hi}), mean {}\n",
        format_si(currents[lo], "A"),
        format_si(currents[hi], "A"),
        format_si(mean, "A")
    )
}

pub fn solve(
    path: Option<&Path>,
    volts: Option<f64>,
    cells: &Cells,
    wires: &Wires,
    job: &Job,
) -> Result<Report, Vec<Diagnostic>> {
    let (mut given, wiring) = ready(cells, wires)?;
    let (m, n) = (given.rows, given.cols);
    let inputs = input::inputs(path, volts, m).map_err(|d| vec![d])?;
    if inputs.len() > m {
        let converters = Converters::default();
        return sets(&given, &wiring, &inputs, &converters, job);
    }
    let head = head(&given, &wiring);
    let g = std::mem::take(&mut given.g);
    let s = study::solve(wiring.inputs(&inputs), &given.law, g, &job.settings, &job.control)?;
    let currents = s.currents.columns();
    let mut r = Report { is_partial: s.certificate.is_partial, ..Report::default() };
    r.messages.extend(s.warning.clone());
    r.text = head + &columns(&currents) + &powers(&s) + &certified(&s.certificate);
    if given.law != Law::Ohmic {
        let _ = writeln!(r.text, "newton            {} steps, {} halvings", s.statistics.newton, s.statistics.damped);
    }
    r.summary = json!({
        "rows": m, "cols": n, "residual": s.certificate.residual, "worst": s.certificate.worst,
        "iterations": s.certificate.iterations, "newton": s.statistics.newton,
        "power": s.currents.source_power, "cell_power": s.currents.cell_power, "wire_power": s.currents.wire_power,
        "current": currents.iter().sum::<f64>(),
    });
    r.picture = job
        .results
        .plot
        .is_some()
        .then(|| Picture::Heat(Box::new(map(m, n, s.all_across(), "Voltage across the cells", "voltage", "V"))));
    let rows = s.currents.rows();
    r.items = vec![
        Item::vector("column_currents", currents),
        Item::vector("row_currents", rows),
        Item::matrix("word_voltages", n, s.word),
        Item::matrix("bit_voltages", n, s.bit),
        Item::matrix("cell_currents", n, s.cells),
    ];
    Ok(r)
}

/// Cells of a model.
pub fn devices(
    made: Made,
    path: Option<&Path>,
    volts: Option<f64>,
    wires: &Wires,
    job: &Job,
) -> Result<Report, Vec<Diagnostic>> {
    let (m, n) = (made.rows, made.cols);
    let wiring = input::wiring(wires, m, n)?;
    let inputs = input::inputs(path, volts, m).map_err(|d| vec![d])?;
    if inputs.len() != m {
        let d = Diagnostic::error(ARRAY_SHAPE, format!("{} sets of inputs", inputs.len() / m.max(1)));
        return Err(vec![d.help("cells of a model take one set at a time")]);
    }
    let mut array = Array::new(wiring.inputs(&inputs), made.cells)?;
    let certificate = array.solve(&job.settings, &job.control).map_err(|d| vec![d])?;
    let currents = array.currents();
    let mut r = Report { is_partial: certificate.is_partial, ..Report::default() };
    r.messages.extend(array.warning());
    let _ = writeln!(r.text, "array             {m} x {n}, wires {} Ω a segment", wiring.word_segment);
    r.text += &columns(&currents.columns());
    r.text += &certified(&certificate);
    let s = &array.statistics;
    let _ = writeln!(r.text, "newton            {} steps, {} halvings", s.newton, s.damped);
    r.summary = json!({
        "rows": m, "cols": n, "residual": certificate.residual, "worst": certificate.worst,
        "iterations": certificate.iterations, "newton": s.newton, "power": currents.source_power,
        "cell_power": currents.cell_power, "wire_power": currents.wire_power,
        "current": currents.columns().iter().sum::<f64>(),
    });
    let across = array.word().iter().zip(array.bit()).map(|(w, b)| w - b).collect();
    r.picture = Some(Picture::Heat(Box::new(map(m, n, across, "Voltage across the cells", "voltage", "V"))));
    r.items = vec![
        Item::vector("column_currents", currents.columns()),
        Item::vector("row_currents", currents.rows()),
        Item::matrix("word_voltages", n, array.word().to_vec()),
        Item::matrix("bit_voltages", n, array.bit().to_vec()),
        Item::matrix("cell_currents", n, array.cell_currents().to_vec()),
    ];
    Ok(r)
}

fn sets(
    given: &input::Given,
    wiring: &Wiring,
    inputs: &[f64],
    converters: &Converters,
    job: &Job,
) -> Result<Report, Vec<Diagnostic>> {
    let p = study::products(
        &Crossbar { wiring, law: &given.law, g: &given.g },
        inputs,
        converters,
        &job.settings,
        &job.control,
    )?;
    let n = given.cols;
    let count = inputs.len() / given.rows;
    let mut r = Report { is_partial: p.is_partial, ..Report::default() };
    r.text = head(given, wiring);
    let _ = writeln!(r.text, "input sets        {count}");
    let _ = writeln!(
        r.text,
        "error             {:.4} % root mean square, {:.4} % at most, of the ideal currents' root mean square",
        100.0 * p.rms,
        100.0 * p.largest
    );
    let _ = writeln!(r.text, "residual          {:.1e} of the sources' currents, the worst of all sets", p.residual);
    r.summary = json!({
        "rows": given.rows, "cols": n, "sets": count, "rms_error": p.rms, "largest_error": p.largest,
        "residual": p.residual,
    });
    let dots = Trace {
        name: "columns".into(),
        x: p.ideal.clone(),
        y: p.currents.clone(),
        colour: Colour::Nth(0),
        mark: Mark::Dots,
    };
    let top = p.ideal.iter().copied().fold(0.0, f64::max);
    let line =
        Trace { name: "ideal".into(), x: vec![0.0, top], y: vec![0.0, top], colour: Colour::Nth(6), mark: Mark::Line };
    let axis = |label: &str| Axis { label: label.into(), unit: "A".into(), margin: 0.04, ..Axis::default() };
    r.picture = Some(Picture::Figure(Box::new(Figure {
        title: "Column currents against ideal ones".into(),
        x: axis("without wires"),
        panes: vec![Pane { y: axis("with wires"), traces: vec![line, dots] }],
        width: 640,
        height: 600,
        ..Figure::default()
    })));
    r.items = vec![
        Item::matrix("currents", n, p.currents),
        Item::matrix("ideal", n, p.ideal),
        Item::vector("rms_error", p.by_set),
    ];
    Ok(r)
}

pub fn vmm(
    path: Option<&Path>,
    count: usize,
    converters: &Converters,
    cells: &Cells,
    wires: &Wires,
    job: &Job,
) -> Result<Report, Vec<Diagnostic>> {
    let (given, wiring) = ready(cells, wires)?;
    let inputs = match path {
        Some(_) => input::inputs(path, None, given.rows).map_err(|d| vec![d])?,
        None => {
            let stream = Stream { seed: cells.seed, run: 0, instance: 1 };
            (0..count.max(1) * given.rows).map(|k| stream.uniform((k >> 32) as u32, k as u32)).collect()
        }
    };
    sets(&given, &wiring, &inputs, converters, job)
}

pub fn effective(cells: &Cells, wires: &Wires, job: &Job) -> Result<Report, Vec<Diagnostic>> {
    let (given, wiring) = ready(cells, wires)?;
    let (m, n) = (given.rows, given.cols);
    let array = Linear::new(wiring.inputs(&vec![0.0; m]), given.g.clone())?;
    let e = Effective::new(&array, &job.settings, &job.control).map_err(|d| vec![d])?;
    let mut r = Report { is_partial: e.is_partial, ..Report::default() };
    r.text = head(&given, &wiring);
    let off: f64 = (0..m * n).map(|k| (e.g[k % n * m + k / n] - given.g[k]).powi(2)).sum();
    let all: f64 = given.g.iter().map(|g| g * g).sum();
    let _ = writeln!(
        r.text,
        "distance          {:.4} % of the cells' conductances (Frobenius)",
        100.0 * (off / all).sqrt()
    );
    let _ = writeln!(r.text, "residual          {:.1e} of the sources' currents, the worst of all lines", e.residual);
    r.summary = json!({ "rows": m, "cols": n, "distance": (off / all).sqrt(), "residual": e.residual });
    // As the cells lie: row by word line.
    let by_row: Vec<f64> = (0..m * n).map(|k| e.g[k % n * m + k / n]).collect();
    r.picture = Some(Picture::Heat(Box::new(map(m, n, by_row.clone(), "Effective conductance", "conductance", "S"))));
    r.items = vec![Item::matrix("effective", n, by_row)];
    Ok(r)
}

pub fn ir_drop(path: Option<&Path>, cells: &Cells, wires: &Wires, job: &Job) -> Result<Report, Vec<Diagnostic>> {
    let (given, wiring) = ready(cells, wires)?;
    let (m, n) = (given.rows, given.cols);
    let inputs = input::inputs(path, Some(1.0), m).map_err(|d| vec![d])?;
    let inputs = &inputs[..m];
    let s = study::solve(wiring.inputs(inputs), &given.law, given.g.clone(), &job.settings, &job.control)?;
    let d = study::ir_drop(&s, &wiring, &given.law, &given.g, inputs);
    let mut r = Report { is_partial: s.certificate.is_partial, ..Report::default() };
    r.messages.extend(s.warning.clone());
    r.text = head(&given, &wiring);
    let _ = writeln!(
        r.text,
        "column currents   {:.2} % of ideal in the mean, {:.2} % in the worst",
        100.0 * d.mean,
        100.0 * d.least
    );
    let _ = writeln!(
        r.text,
        "worst cell        row {}, column {}: {:.2} % of the driver's voltage",
        d.worst.0,
        d.worst.1,
        100.0 * d.lowest
    );
    let _ = write!(r.text, "n² r/R            {:.4}", d.figure);
    let _ = writeln!(
        r.text,
        "{}",
        if d.figure < 0.3 {
            format!(": to first order a loss of {:.2} %", 100.0 * (1.0 - d.first_order))
        } else {
            String::new()
        }
    );
    r.text.push_str(&powers(&s));
    r.text.push_str(&certified(&s.certificate));
    r.summary = json!({
        "rows": m, "cols": n, "mean": d.mean, "worst_column": d.least, "lowest": d.lowest,
        "worst_cell": [d.worst.0, d.worst.1], "figure": d.figure, "residual": s.certificate.residual,
        "iterations": s.certificate.iterations,
    });
    let mut heat = map(m, n, d.map.clone(), "Voltage across the cells over the driver's", "share", "");
    heat.mark = Some(d.worst);
    r.picture = Some(Picture::Heat(Box::new(heat)));
    r.items = vec![Item::matrix("share", n, d.map), Item::vector("columns", d.columns)];
    Ok(r)
}

/// Equal cells, all inputs 1 V: mean column, worst column, lowest cell for sizes and ratios R/r.
pub fn table(ratios: &[f64], sizes: &[usize], job: &Job) -> Result<Report, Vec<Diagnostic>> {
    let ratios: Vec<f64> = if ratios.is_empty() { vec![1e4, 1e5, 1e6] } else { ratios.to_vec() };
    let mut r = Report::default();
    r.text.push_str("mean column / worst column / lowest cell, over ideal; all cells R, all inputs 1 V\n\n");
    let _ = write!(r.text, "{:>8}", "R/r");
    sizes.iter().for_each(|n| {
        let _ = write!(r.text, "{n:>24}");
    });
    r.text.push('\n');
    let mut data = vec![];
    let mut residual = 0.0f64;
    let mut traces = vec![];
    for (k, ratio) in ratios.iter().enumerate() {
        let _ = write!(r.text, "{ratio:>8.0e}");
        let mut trace = Trace {
            name: format!("R/r = {ratio:.0e}"),
            x: vec![],
            y: vec![],
            colour: Colour::Nth(k),
            mark: Mark::Both,
        };
        for &n in sizes {
            let wiring = Wiring::crossbar(n, n, 1.0);
            let (inputs, g) = (vec![1.0; n], vec![1.0 / ratio; n * n]);
            let s = study::solve(wiring.inputs(&inputs), &Law::Ohmic, g.clone(), &job.settings, &job.control)?;
            let d = study::ir_drop(&s, &wiring, &Law::Ohmic, &g, &inputs);
            residual = residual.max(s.certificate.residual);
            r.is_partial |= s.certificate.is_partial;
            let _ = write!(r.text, "{:>24}", format!("{:.4}/{:.4}/{:.4}", d.mean, d.least, d.lowest));
            data.extend([*ratio, n as f64, d.mean, d.least, d.lowest]);
            trace.x.push(n as f64);
            trace.y.push(d.mean);
        }
        r.text.push('\n');
        traces.push(trace);
    }
    let _ = writeln!(r.text, "\nresidual          {residual:.1e} of the sources' currents, the worst of all");
    r.summary = json!({ "ratios": ratios, "sizes": sizes, "residual": residual });
    r.items = vec![Item::matrix("irdrop", 5, data)];
    r.picture = Some(Picture::Figure(Box::new(Figure {
        title: "Mean column current over ideal".into(),
        x: Axis { label: "lines".into(), is_log: true, margin: 0.03, ..Axis::default() },
        panes: vec![Pane { y: Axis { label: "share".into(), range: Some((0.0, 1.0)), ..Axis::default() }, traces }],
        ..Figure::default()
    })));
    Ok(r)
}
