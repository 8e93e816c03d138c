//! Results as text for people, and as JSON lines for programs.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::dataset::{PlotKind, Table};
use crate::measure;
use crate::session::{Outcome, PointResult, number};

/// Rows of an operating-point table beyond which the rest is only counted.
const MAX_ROWS: usize = 2000;
/// Columns of text of a `.print` table.
const WIDTH: usize = 80;

/// Everything that a run says on standard output.
pub fn text(outcome: &Outcome) -> String {
    let mut s = String::new();
    let many = outcome.points.len() > 1;
    for p in &outcome.points {
        let mut part = String::new();
        point(&mut part, p);
        if part.is_empty() {
            continue;
        }
        if many {
            let _ = writeln!(s, "=== {} ===\n", p.label);
        }
        s.push_str(&part);
    }
    s
}

fn point(s: &mut String, p: &PointResult) {
    for t in &p.tables {
        let table = &t.table;
        match table.schema.kind {
            PlotKind::Op => operating_point(s, table, t.selected, p),
            // Small tables without an axis are shown whole.
            PlotKind::Tf | PlotKind::Sens | PlotKind::Pz | PlotKind::NoiseIntegrated if !table.schema.has_axis => {
                heading(s, table);
                list(s, table, table.columns.len());
                s.push('\n');
            }
            PlotKind::Pz => {
                heading(s, table);
                rows(s, table);
                s.push('\n');
            }
            _ => {}
        }
    }
    for t in &p.prints {
        s.push_str(&t.text(WIDTH));
    }
    if !p.measures.is_empty() {
        s.push_str(measure::print::ngspice(&p.measures, 6).trim_start_matches('\n'));
        s.push('\n');
    }
    for f in &p.fouriers {
        s.push_str(&f.print());
        s.push('\n');
    }
    if !p.checks.is_empty() {
        s.push_str("Checks\n");
        for c in &p.checks {
            let _ = writeln!(s, "  {} {} = {}", if c.is_ok { "ok  " } else { "FAIL" }, c.name, c.text());
        }
        s.push('\n');
    }
}

fn heading(s: &mut String, table: &Table) {
    let _ = writeln!(s, "{}", table.schema.kind.title());
}

fn operating_point(s: &mut String, table: &Table, selected: usize, p: &PointResult) {
    heading(s, table);
    list(s, table, selected.min(table.columns.len()));
    s.push('\n');
    for d in &p.devices {
        let _ = writeln!(s, "{}", d.device);
        let mut columns: Vec<Vec<String>> = vec![];
        let names = d.rows.iter().map(|r| r.0.clone());
        columns.push(std::iter::once("name".to_string()).chain(names).collect());
        for (k, v) in d.vars.iter().enumerate() {
            let unit = if v.unit.is_empty() { String::new() } else { format!(" [{}]", v.unit) };
            let values = d.rows.iter().map(|r| r.1.get(k).map_or(String::new(), |x| number(*x)));
            columns.push(std::iter::once(format!("{}{unit}", v.name)).chain(values).collect());
        }
        aligned(s, &columns);
        s.push('\n');
    }
    if !p.devices_left_out.is_empty() {
        let list: Vec<String> = p.devices_left_out.iter().map(|(d, n)| format!("{d} ({n})")).collect();
        let _ = writeln!(
            s,
            "No table of {}: too many devices. `.save @name[quantity]` keeps what is wanted of one.\n",
            list.join(", ")
        );
    }
}

/// One signal a line: name, last value, unit.
fn list(s: &mut String, table: &Table, count: usize) {
    let signals = table.schema.signals.iter().zip(&table.columns).take(count);
    let width = signals.clone().take(MAX_ROWS).map(|(g, _)| g.name.chars().count()).max().unwrap_or(0);
    for (g, c) in signals.take(MAX_ROWS) {
        let value = match c {
            crate::dataset::Column::Real(v) => v.last().map_or(String::new(), |x| number(*x)),
            crate::dataset::Column::Complex(v) => {
                v.last().map_or(String::new(), |z| format!("{} {}j", number(z.re), signed(z.im)))
            }
        };
        let _ = writeln!(s, "  {:<width$}  {value:>14} {}", g.name, g.quantity.unit());
    }
    if count > MAX_ROWS {
        let _ = writeln!(s, "  and {} more; -o or -r writes them all", count - MAX_ROWS);
    }
}

fn signed(x: f64) -> String {
    if x < 0.0 { format!("- {}", number(-x)) } else { format!("+ {}", number(x)) }
}

/// A small table with an axis.
fn rows(s: &mut String, table: &Table) {
    let columns: Vec<Vec<String>> = table
        .schema
        .signals
        .iter()
        .zip(&table.columns)
        .map(|(g, c)| {
            let cells = (0..c.len().min(MAX_ROWS)).map(|k| match c {
                crate::dataset::Column::Real(v) => number(v[k]),
                crate::dataset::Column::Complex(v) => format!("{} {}j", number(v[k].re), signed(v[k].im)),
            });
            std::iter::once(g.name.to_string()).chain(cells).collect()
        })
        .collect();
    aligned(s, &columns);
}

fn trim_end(s: &mut String) {
    s.truncate(s.trim_end_matches(' ').len());
    s.push('\n');
}

fn aligned(s: &mut String, columns: &[Vec<String>]) {
    let widths: Vec<usize> = columns.iter().map(|c| c.iter().map(|x| x.chars().count()).max().unwrap_or(0)).collect();
    for row in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
        s.push(' ');
        for (k, (c, w)) in columns.iter().zip(&widths).enumerate() {
            let cell = c.get(row).map_or("", String::as_str);
            let _ = if k == 0 { write!(s, " {cell:<w$}") } else { write!(s, "  {cell:>w$}") };
        }
        trim_end(s);
    }
}

/// One JSON object a line: operating points, small tables, measures, checks, and one line for every table.
pub fn json_lines(outcome: &Outcome) -> String {
    let mut s = String::new();
    let mut line = |v: Value| {
        let _ = writeln!(s, "{v}");
    };
    for p in &outcome.points {
        let sweep: Map<String, Value> = p.sweep.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        for t in &p.tables {
            let table = &t.table;
            let names: Vec<&str> = table.schema.signals.iter().take(t.selected).map(|g| &*g.name).collect();
            let mut v = json!({
                "table": table.schema.kind.word(), "sweep": sweep, "points": table.len(), "signals": names,
                "partial": table.meta.is_partial, "stats": table.meta.stats,
            });
            if !table.schema.has_axis
                && let Some(o) = v.as_object_mut()
            {
                let values: Map<String, Value> = table
                    .schema
                    .signals
                    .iter()
                    .zip(&table.columns)
                    .take(t.selected)
                    .map(|(g, c)| (g.name.to_string(), json!(c.re().last())))
                    .collect();
                o.insert("values".into(), values.into());
            }
            line(v);
        }
        for d in &p.devices {
            for (name, values) in &d.rows {
                let vars: Map<String, Value> =
                    d.vars.iter().zip(values).map(|(v, x)| (v.name.to_string(), json!(x))).collect();
                line(json!({ "device": name, "type": d.device, "sweep": sweep, "values": vars }));
            }
        }
        for (device, count) in &p.devices_left_out {
            line(json!({ "devices_left_out": device, "sweep": sweep, "count": count }));
        }
        for m in &p.measures {
            line(json!({ "measure": m.name, "sweep": sweep, "value": m.value.is_finite().then_some(m.value) }));
        }
        for c in &p.checks {
            line(json!({
                "check": c.name, "sweep": sweep, "ok": c.is_ok, "value": c.value,
                "expected": crate::session::expectation(&c.test),
            }));
        }
    }
    s
}

/// For a run whose results nobody asked for: what there is, and how to get it.
pub fn unseen(outcome: &Outcome) -> String {
    let mut s = String::new();
    for t in outcome.points.first().iter().flat_map(|p| &p.tables) {
        let (points, signals) = (t.table.len(), t.table.columns.len());
        let _ = writeln!(s, "{}: {points} points of {signals} signals", t.table.schema.kind.title());
    }
    if outcome.points.len() > 1 {
        let _ = writeln!(s, "and the same for {} more points of the sweep", outcome.points.len() - 1);
    }
    if !s.is_empty() {
        s.push_str(
            "nothing was asked for: `-o DIR` writes results, `--plot` draws, `.print` and `.meas` cards show them\n",
        );
    }
    s
}

/// What the solver did, one line a table.
pub fn stats(outcome: &Outcome) -> String {
    let mut s = String::new();
    for p in &outcome.points {
        for t in &p.tables {
            let x = &t.table.meta.stats;
            let label = if p.label.is_empty() { String::new() } else { format!(" ({})", p.label) };
            let _ = writeln!(
                s,
                "{}{label}: {} unknowns, {} matrix entries, {} factor entries, kernel {} ({}, {} flops, about {:.2e} s a solution)\n  \
                 {} accepted, rejected {} by error, {} by Newton, {} by events; {} iterations, \
                 {} device evaluations, {} more by tangent\n  \
                 {} factorizations, {} refactorizations, {} solves ({} with old factors){}",
                t.table.schema.kind.title(),
                x.unknowns,
                x.matrix_entries,
                x.factor_entries,
                if x.kernel.is_empty() { "-" } else { &x.kernel },
                if x.ordering.is_empty() { "-" } else { &x.ordering },
                x.factor_flops,
                x.factor_estimate,
                x.accepted,
                x.rejected_lte,
                x.rejected_newton,
                x.rejected_event,
                x.iterations,
                x.instance_evals,
                x.bypassed,
                x.factorizations,
                x.refactorizations,
                x.solves,
                x.modified,
                if x.homotopy.is_empty() { String::new() } else { format!("; operating point: {}", x.homotopy) },
            );
            for (phase, seconds) in &x.seconds {
                let _ = writeln!(s, "  {phase:<12} {seconds:.6} s");
            }
        }
    }
    s
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut s = String::new();
        let column = |c: &[&str]| c.iter().map(|x| x.to_string()).collect();
        aligned(&mut s, &[column(&["name", "m1", "x1.m2"]), column(&["id [A]", "1e-6", "-0.25"])]);
        assert_eq!(s, "  name   id [A]\n  m1       1e-6\n  x1.m2   -0.25\n");
    }
}
