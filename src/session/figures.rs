//! Figures of results: which tables belong together, what is drawn of them, evaluated and handed to `plot`.
//!
//! An entry is an expression of signals, or `Y vs X` for an X-Y figure (hysteresis loops). Entries that share their
//! horizontal axis share a figure; each analysis has figures of its own; the points of a sweep are a family of curves.

use super::derive;
use crate::dataset::{Quantity, Signal, Table};
use crate::diag::{Diagnostic, Span};
use crate::plot::{self, Figure};

/// A figure and what to add to the name of its file: empty when there is one only.
pub struct Drawn {
    pub suffix: String,
    pub figure: Figure,
}

/// Draws entries over groups of tables (each group the sweep points of one analysis). Without entries: all node
/// voltages. Faults and warnings come beside the figures.
pub fn draw(groups: &[Vec<&Table>], entries: &[String], style: &plot::Options) -> (Vec<Drawn>, Vec<Diagnostic>) {
    let mut drawn: Vec<(String, Figure)> = vec![];
    let mut messages = vec![];
    let entries: Vec<(String, Option<String>)> = entries.iter().map(|e| split(e)).collect();
    // An entry that no analysis can show is a fault; one that some can is drawn where it can.
    let mut missing: Vec<Option<Vec<Diagnostic>>> = entries.iter().map(|_| None).collect();
    let mut shown = vec![false; entries.len()];
    for group in groups.iter().filter(|g| g.iter().any(|t| t.schema.has_axis && t.len() > 1)) {
        let word = group.first().map_or("", |t| t.schema.kind.word()).to_string();
        if entries.is_empty() {
            let tables: Vec<Table> = group.iter().map(|t| voltages(t)).collect();
            figure(&tables, &[], None, style, word, &mut drawn, &mut messages);
            continue;
        }
        let mut axes: Vec<Option<&String>> = entries.iter().map(|e| e.1.as_ref()).collect();
        axes.dedup();
        for x in axes {
            let mut tables: Vec<Table> = group.iter().map(|t| bare(t)).collect();
            let mut names = vec![];
            if let Some(x) = x
                && let Err(faults) = add(&mut tables, group, x)
            {
                missing.iter_mut().for_each(|m| *m = Some(faults.clone()));
                continue;
            }
            for (k, (y, _)) in entries.iter().enumerate().filter(|(_, e)| e.1.as_ref() == x) {
                match add(&mut tables, group, y) {
                    Ok(name) => {
                        shown[k] = true;
                        names.push(name);
                    }
                    Err(faults) => missing[k] = Some(faults),
                }
            }
            if !names.is_empty() {
                let x = x.map(|x| name_of(x));
                figure(&tables, &names, x, style, word.clone(), &mut drawn, &mut messages);
            }
        }
    }
    for (is_shown, fault) in shown.iter().zip(missing) {
        if let (false, Some(f)) = (is_shown, fault) {
            messages.extend(f);
        }
    }
    messages.dedup();
    let is_only = drawn.len() == 1;
    let mut used: Vec<String> = vec![];
    let named = drawn.into_iter().map(|(word, figure)| {
        let mut suffix = if is_only { String::new() } else { format!("_{word}") };
        let mut n = 1;
        while used.contains(&suffix) {
            n += 1;
            suffix = format!("_{word}{n}");
        }
        used.push(suffix.clone());
        Drawn { suffix, figure }
    });
    (named.collect(), messages)
}

fn figure(
    tables: &[Table],
    names: &[String],
    x: Option<String>,
    style: &plot::Options,
    word: String,
    drawn: &mut Vec<(String, Figure)>,
    messages: &mut Vec<Diagnostic>,
) {
    let options = plot::Options { signals: names.to_vec(), x, ..style.clone() };
    match plot::auto(&tables.iter().collect::<Vec<_>>(), &options) {
        Ok((figure, warnings)) => {
            drawn.push((word, figure));
            messages.extend(warnings);
        }
        Err(faults) => messages.extend(faults),
    }
}

/// `i(v1) vs v(in)`
fn split(entry: &str) -> (String, Option<String>) {
    match entry.split_once(" vs ") {
        Some((y, x)) => (y.trim().to_string(), Some(x.trim().to_string())),
        None => (entry.trim().to_string(), None),
    }
}

fn name_of(text: &str) -> String {
    derive::strip(text).to_lowercase()
}

/// The table with its axis alone.
fn bare(t: &Table) -> Table {
    let keep: Vec<usize> = if t.schema.has_axis { vec![0] } else { vec![] };
    t.with_columns(&keep)
}

/// The table with its axis and node voltages; with everything where there is no voltage.
fn voltages(t: &Table) -> Table {
    let axis = usize::from(t.schema.has_axis);
    let is_shown = |s: &Signal| s.quantity == Quantity::Voltage && !s.name.starts_with('@');
    let mut keep: Vec<usize> = (0..axis).collect();
    keep.extend((axis..t.columns.len()).filter(|&k| is_shown(&t.schema.signals[k])));
    if keep.len() == axis { t.clone() } else { t.with_columns(&keep) }
}

/// Adds the column of an expression to every table; returns its name.
fn add(tables: &mut [Table], sources: &[&Table], text: &str) -> Result<String, Vec<Diagnostic>> {
    let name = name_of(text);
    let columns = sources.iter().map(|s| derive::evaluate(text, s, Span::NOWHERE)).collect::<Result<Vec<_>, _>>()?;
    for (t, (column, quantity)) in tables.iter_mut().zip(columns) {
        if t.index(&name).is_none() {
            t.push_column(Signal::new(name.clone(), quantity), column);
        }
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Column, PlotKind, Schema};

    fn table() -> Table {
        let mut t = Table {
            schema: Schema { kind: PlotKind::Tran, has_axis: true, is_complex: false, signals: vec![] },
            ..Table::default()
        };
        t.push_column(Signal::new("time", Quantity::Time), Column::Real(vec![0.0, 1.0, 2.0]));
        t.push_column(Signal::new("v(a)", Quantity::Voltage), Column::Real(vec![1.0, 3.0, 2.0]));
        t.push_column(Signal::new("i(v1)", Quantity::Current), Column::Real(vec![1e-3, 3e-3, 0.0]));
        t
    }

    #[test]
    fn bare_tables_keep_all_points() {
        let t = table();
        assert_eq!((bare(&t).columns.len(), bare(&t).len()), (1, 3));
        assert_eq!((voltages(&t).columns.len(), voltages(&t).len()), (2, 3));
    }

    #[test]
    fn entries_that_share_an_axis_share_a_figure() {
        let t = table();
        let entries: Vec<String> = ["v(a)", "i(v1)*2", "i(v1) vs v(a)"].map(String::from).to_vec();
        let (drawn, messages) = draw(&[vec![&t]], &entries, &plot::Options::default());
        assert!(messages.is_empty(), "{messages:?}");
        let suffixes: Vec<&str> = drawn.iter().map(|d| d.suffix.as_str()).collect();
        assert_eq!(suffixes, ["_tran", "_tran2"]);
        let (drawn, messages) = draw(&[vec![&t]], &[], &plot::Options::default());
        assert_eq!((drawn.len(), drawn[0].suffix.as_str(), messages.len()), (1, "", 0));
        assert!(!draw(&[vec![&t]], &["v(b)".into()], &plot::Options::default()).1.is_empty());
    }
}
