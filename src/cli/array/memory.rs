//! One selected cell: reading, half-selected cells, margins and sizes.

use std::fmt::Write;

use serde_json::json;

use super::args::{Cells, Memory, Selection, Wires};
use super::output::{Item, Picture, Report};
use super::{Job, certified, input};
use crate::array::Wiring;
use crate::array::study::{self, Crossbar, Margin, Reading};
use crate::base::units::format_si;
use crate::diag::Diagnostic;
use crate::plot::{Axis, Colour, Figure, Heat, Mark, Pane, Trace};

fn ready(
    selection: &Selection,
    cells: &Cells,
    wires: &Wires,
) -> Result<(input::Given, Wiring, crate::array::Scheme, (usize, usize)), Vec<Diagnostic>> {
    let given = input::cells(cells);
    let (rows, cols) = given.as_ref().map_or((1, 1), |g| (g.rows, g.cols));
    match (given, input::wiring(wires, rows, cols)) {
        (Ok(g), Ok(w)) => {
            let (scheme, at) = input::selection(selection, &w).map_err(|d| vec![d])?;
            Ok((g, w, scheme, at))
        }
        (a, b) => Err(a.err().into_iter().chain(b.err()).flatten().collect()),
    }
}

pub fn read(selection: &Selection, cells: &Cells, wires: &Wires, job: &Job) -> Result<Report, Vec<Diagnostic>> {
    let (given, wiring, scheme, (row, col)) = ready(selection, cells, wires)?;
    let n = given.cols;
    let geometry = wiring.select(&scheme, row, col, selection.voltage).map_err(|d| vec![d])?;
    let s = study::solve(geometry, &given.law, given.g.clone(), &job.settings, &job.control)?;
    let k = row * n + col;
    let (own, out) = (s.cells[k], s.currents.column(col));
    // Cells that share a line with the selected one, and the rest.
    let (mut of_row, mut of_col, mut rest) = (0.0, 0.0, 0.0);
    for (l, i) in s.cells.iter().enumerate().filter(|(l, i)| *l != k && i.is_finite()) {
        let p = i * s.across(l);
        if l / n == row {
            of_row += p;
        } else if l % n == col {
            of_col += p;
        } else {
            rest += p;
        }
    }
    let mut r = Report { is_partial: s.certificate.is_partial, ..Report::default() };
    r.messages.extend(s.warning.clone());
    let _ = writeln!(r.text, "array             {} x {n}, scheme {}", given.rows, selection.scheme);
    let _ = writeln!(
        r.text,
        "selected cell     row {row}, column {col}: {} across, {} through it",
        format_si(s.across(k), "V"),
        format_si(own, "A")
    );
    let _ = writeln!(
        r.text,
        "bit line          {}, of which {} by other ways",
        format_si(out, "A"),
        format_si(out - own, "A")
    );
    let _ = writeln!(r.text, "word line         {}", format_si(s.currents.word[0][row] + s.currents.word[1][row], "A"));
    let _ = writeln!(
        r.text,
        "power             {}: selected cell {}, others of its row {}, of its column {}, all others {}",
        format_si(s.currents.source_power, "W"),
        format_si(own * s.across(k), "W"),
        format_si(of_row, "W"),
        format_si(of_col, "W"),
        format_si(rest, "W")
    );
    r.text.push_str(&certified(&s.certificate));
    r.summary = json!({
        "row": row, "col": col, "cell_voltage": s.across(k), "cell_current": own, "bit_current": out,
        "sneak_current": out - own, "power": s.currents.source_power, "residual": s.certificate.residual,
        "power_selected": own * s.across(k), "power_row": of_row, "power_column": of_col, "power_rest": rest,
    });
    r.picture = Some(Picture::Heat(Box::new(Heat {
        title: format!("Voltage across the cells, {}", selection.scheme),
        rows: given.rows,
        cols: n,
        values: s.all_across(),
        label: "voltage".into(),
        unit: "V".into(),
        x_label: "column".into(),
        y_label: "row".into(),
        mark: Some((row, col)),
        ..Heat::default()
    })));
    r.items = vec![
        Item::vector("column_currents", s.currents.columns()),
        Item::vector("row_currents", s.currents.rows()),
        Item::matrix("cell_voltages", n, s.all_across()),
        Item::matrix("cell_currents", n, s.cells),
    ];
    Ok(r)
}

pub fn disturb(
    v0: f64,
    all: Option<usize>,
    selection: &Selection,
    cells: &Cells,
    wires: &Wires,
    job: &Job,
) -> Result<Report, Vec<Diagnostic>> {
    let (given, wiring, scheme, at) = ready(selection, cells, wires)?;
    let (m, n) = (given.rows, given.cols);
    if !(v0 > 0.0) || selection.voltage == 0.0 {
        use crate::diag::codes::array::ARRAY_LAW;
        return Err(vec![Diagnostic::error(ARRAY_LAW, "`--v0` must be above 0 V, and `--voltage` not 0 V")]);
    }
    let targets: Vec<(usize, usize)> = match all {
        None => vec![at],
        Some(count) => {
            let count = if count == 0 { m * n } else { count.min(m * n) };
            (0..count).map(|k| k * (m * n) / count).map(|k| (k / n, k % n)).collect()
        }
    };
    if at.0 >= m || at.1 >= n {
        return Err(vec![crate::array::geometry::no_cell(at.0, at.1, m, n)]);
    }
    let d = study::disturb(
        &Crossbar { wiring: &wiring, law: &given.law, g: &given.g },
        &scheme,
        selection.voltage,
        v0,
        &targets,
        &job.settings,
        &job.control,
    )?;
    let mut r = Report { is_partial: job.control.is_cancelled(), ..Report::default() };
    let _ = writeln!(r.text, "array             {m} x {n}, scheme {}, {} writes", selection.scheme, d.writes);
    let _ = writeln!(
        r.text,
        "drift             {:.3e} of a full write at most (row {}, column {}), {:.3e} in the mean",
        d.largest, d.worst.0, d.worst.1, d.mean
    );
    let _ = writeln!(r.text, "selected cells    see {:.2} % of the voltage at least", 100.0 * d.least_selected);
    let _ = writeln!(r.text, "residual          {:.1e} of the sources' currents, the worst of all", d.residual);
    r.summary = json!({
        "writes": d.writes, "largest": d.largest, "worst_cell": [d.worst.0, d.worst.1], "mean": d.mean,
        "least_selected": d.least_selected, "residual": d.residual,
    });
    r.picture = Some(Picture::Heat(Box::new(Heat {
        title: format!("Drift after {} writes, {}", d.writes, selection.scheme),
        rows: m,
        cols: n,
        values: d.map.clone(),
        label: "of a full write".into(),
        x_label: "column".into(),
        y_label: "row".into(),
        mark: Some(d.worst),
        ..Heat::default()
    })));
    r.items = vec![Item::matrix("drift", n, d.map)];
    Ok(r)
}

fn reading(memory: &Memory) -> Result<(Reading, Wiring), Vec<Diagnostic>> {
    let mut faults = vec![];
    let law = input::law(&memory.law, &memory.param, None).map_err(|d| faults.extend(d)).ok();
    let scheme = input::scheme(&memory.scheme).map_err(|d| faults.push(d)).ok();
    let wiring = input::wiring(&memory.wires, 1, 1).map_err(|d| faults.extend(d)).ok();
    for (name, r) in [("on", memory.on), ("off", memory.off), ("resistor", memory.resistor.unwrap_or(1.0))] {
        if !(r > 0.0 && r.is_finite()) {
            use crate::diag::codes::array::ARRAY_CELL;
            faults.push(Diagnostic::error(ARRAY_CELL, format!("`--{name}`: a resistance of {r} Ω")));
        }
    }
    match (law, scheme, wiring) {
        (Some(law), Some(scheme), Some(wiring)) if faults.is_empty() => Ok((
            Reading {
                on: 1.0 / memory.on,
                off: 1.0 / memory.off,
                law,
                scheme,
                volts: memory.voltage,
                sense: memory.resistor.unwrap_or(memory.on),
                search: memory.search,
            },
            wiring,
        )),
        _ => Err(faults),
    }
}

fn listed(list: &[(usize, Margin)]) -> (String, Vec<f64>) {
    let mut text =
        format!("{:>6} {:>12} {:>12} {:>12} {:>10} {:>8}\n", "n", "on", "off", "sneak (off)", "margin", "ones");
    let mut data = vec![];
    for (n, m) in list {
        let _ = writeln!(
            text,
            "{n:>6} {:>12} {:>12} {:>12} {:>8.3} % {:>8}",
            format_si(m.on, "A"),
            format_si(m.off, "A"),
            format_si(m.sneak_off, "A"),
            100.0 * m.margin,
            m.ones
        );
        data.extend([*n as f64, m.on, m.off, m.sneak_on, m.sneak_off, m.margin, m.ones as f64]);
    }
    (text, data)
}

fn curve(list: &[(usize, Margin)], title: &str) -> Picture {
    let trace = Trace {
        name: "margin".into(),
        x: list.iter().map(|m| m.0 as f64).collect(),
        y: list.iter().map(|m| 100.0 * m.1.margin).collect(),
        colour: Colour::Nth(0),
        mark: Mark::Both,
    };
    Picture::Figure(Box::new(Figure {
        title: title.into(),
        x: Axis { label: "lines".into(), is_log: true, margin: 0.03, ..Axis::default() },
        panes: vec![Pane {
            y: Axis { label: "margin".into(), unit: "%".into(), margin: 0.05, ..Axis::default() },
            traces: vec![trace],
        }],
        ..Figure::default()
    }))
}

pub fn margins(memory: &Memory, sizes: &[usize], job: &Job) -> Result<Report, Vec<Diagnostic>> {
    let (reading, wiring) = reading(memory)?;
    let mut list = vec![];
    for &n in sizes.iter().filter(|n| **n > 0) {
        let w = wiring.resized(n, n);
        let (m, _) = study::margin(&w, &reading, study::far_cell(&w), &job.settings, &job.control)?;
        list.push((n, m));
    }
    let (text, data) = listed(&list);
    Ok(Report {
        text,
        summary: json!({ "scheme": memory.scheme, "search": memory.search }),
        items: vec![Item::matrix("margin", 7, data)],
        picture: Some(curve(&list, "Read margin against size")),
        is_partial: job.control.is_cancelled(),
        ..Report::default()
    })
}

pub fn size(memory: &Memory, least: f64, most: usize, job: &Job) -> Result<Report, Vec<Diagnostic>> {
    let (reading, wiring) = reading(memory)?;
    let (n, list) = study::largest(&wiring, &reading, least, most, &job.settings, &job.control)?;
    let (mut text, data) = listed(&list);
    let more = if n == most { " (looked no further)" } else { "" };
    let _ = writeln!(text, "\nlargest           {n} x {n} for a margin of {:.3} %{more}", 100.0 * least);
    Ok(Report {
        text,
        summary: json!({ "largest": n, "least": least, "most": most }),
        items: vec![Item::matrix("margin", 7, data)],
        picture: Some(curve(&list, "Read margin against size")),
        is_partial: job.control.is_cancelled(),
        ..Report::default()
    })
}
