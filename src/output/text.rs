//! Tables for people: `.print` as ngspice prints it, operating points, and a plain grid.

use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, Table as Grid, presets};

use super::raw::c_exponent;
use crate::base::units::format_si;
use crate::dataset::{Column, Quantity, Table};

/// Columns of text that ngspice's tables have.
pub const WIDTH: usize = 80;

/// A `.print` table: `Index`, the axis, then the columns asked for (indices into the table). Columns that do not fit into
/// `width` go into further tables below, each with index and axis again. Complex values are `re,<tab>im`, as in ngspice.
pub fn print_table(table: &Table, columns: &[usize], width: usize) -> String {
    let mut out = String::new();
    let axis = table.schema.has_axis.then_some(0);
    let columns: Vec<usize> = columns.iter().copied().filter(|&i| Some(i) != axis && i < table.columns.len()).collect();
    // 8 for the index, 16 for each number.
    let room = (width.saturating_sub(8) / 16).max(2) - usize::from(axis.is_some());
    let weight = |i: usize| if table.columns[i].is_complex() { 2 } else { 1 };
    let mut rest = columns.as_slice();
    while !rest.is_empty() {
        let (mut n, mut used) = (0, 0);
        while n < rest.len() && (n == 0 || used + weight(rest[n]) <= room) {
            used += weight(rest[n]);
            n += 1;
        }
        let (now, later) = rest.split_at(n);
        rest = later;
        let center = |s: &str| format!("{:>w$}", s, w = (width + s.chars().count()) / 2);
        let _ = writeln!(out, "{}\n{}", center(&table.meta.title), center(table.schema.kind.title()));
        for (name, value) in &table.meta.sweep {
            let _ = writeln!(out, "{}", center(&format!("{name} = {value:e}")));
        }
        let rule = "-".repeat(width);
        let _ = writeln!(out, "{rule}");
        let _ = write!(out, "Index   ");
        for &i in axis.iter().chain(now) {
            let name = table.schema.signals.get(i).map_or("", |s| &s.name);
            let w = if Some(i) == axis { 16 } else { 16 * weight(i) };
            let _ = write!(out, "{name:<w$}");
        }
        let _ = writeln!(out, "\n{rule}");
        for k in 0..table.len() {
            let _ = write!(out, "{k}\t");
            for &i in axis.iter().chain(now) {
                let z = table.columns[i].at(k);
                if table.columns[i].is_complex() && Some(i) != axis {
                    let _ = write!(out, "{},\t{}\t", c_exponent(z.re, 6), c_exponent(z.im, 6));
                } else {
                    let _ = write!(out, "{}\t", c_exponent(z.re, 6));
                }
            }
            out.push('\n');
        }
        out.push('\n');
    }
    out
}

/// An operating point in engineering notation: node voltages, branch currents, then device quantities as a matrix with a
/// row per instance.
pub fn op_table(table: &Table) -> String {
    let mut out = String::new();
    let value = |i: usize| table.columns.get(i).map_or(f64::NAN, |c: &Column| c.at(0).re);
    let (mut nodes, mut branches, mut others) = (vec![], vec![], vec![]);
    let mut instances: Vec<(&str, Vec<(&str, String)>)> = vec![];
    for (i, s) in table.schema.signals.iter().enumerate() {
        let text = format_si(value(i), s.quantity.unit());
        // `@m1[gm]`
        let internal = s.name.strip_prefix('@').and_then(|n| n.strip_suffix(']')).and_then(|n| n.rsplit_once('['));
        if let Some((instance, param)) = internal {
            match instances.iter_mut().find(|x| x.0 == instance) {
                Some(x) => x.1.push((param, text)),
                None => instances.push((instance, vec![(param, text)])),
            }
        } else if s.quantity == Quantity::Voltage {
            nodes.push(vec![s.name.to_string(), text]);
        } else if s.quantity == Quantity::Current {
            branches.push(vec![s.name.to_string(), text]);
        } else {
            others.push(vec![s.name.to_string(), text]);
        }
    }
    for (head, rows) in [("Node", nodes), ("Branch", branches), ("Quantity", others)] {
        if !rows.is_empty() {
            out.push_str(&grid(&[head, "Value"], &rows));
            out.push('\n');
        }
    }
    // Instances that show the same quantities share a table.
    while let Some((_, first)) = instances.first() {
        let keys: Vec<String> = first.iter().map(|p| p.0.to_string()).collect();
        let (same, rest): (Vec<_>, Vec<_>) =
            instances.into_iter().partition(|x| x.1.iter().map(|p| p.0).eq(keys.iter().map(String::as_str)));
        instances = rest;
        let mut head = vec!["Instance"];
        head.extend(keys.iter().map(String::as_str));
        let rows: Vec<Vec<String>> = same
            .into_iter()
            .map(|(name, values)| std::iter::once(name.to_string()).chain(values.into_iter().map(|v| v.1)).collect())
            .collect();
        out.push_str(&grid(&head, &rows));
        out.push('\n');
    }
    out
}

/// Aligned columns under a rule: names to the left, numbers to the right.
pub fn grid(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut g = Grid::new();
    g.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    g.set_header(head);
    for row in rows {
        g.add_row(row);
    }
    for (i, column) in g.column_iter_mut().enumerate() {
        column.set_padding((if i == 0 { 0 } else { 1 }, 1));
        if i > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut out = String::new();
    let text = g.to_string();
    let width = text.lines().map(|l| l.chars().count()).max().unwrap_or(0);
    for (n, line) in text.lines().enumerate() {
        out.push_str(line.trim_end());
        out.push('\n');
        if n == 0 {
            out.push_str(&"-".repeat(width.saturating_sub(1)));
            out.push('\n');
        }
    }
    out
}
