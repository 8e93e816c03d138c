//! Signals that cards name and that cannot exist, in a netlist that is at fault elsewhere.
//!
//! Where elements could not be lowered their nodes and branches are missing from the circuit, so that only a name that
//! stands on no element line at all is surely wrong. In a netlist without faults the simulation itself is asked.

use std::collections::HashSet;

use super::columns::Wish;
use super::point;
use super::signals::Named;
use crate::circuit::{Analysis, Circuit};
use crate::dataset::{Column, PlotKind, Quantity, Signal, Table};
use crate::diag::codes::results::{MEASURE_FUNCTION, MEASURE_NAME, UNKNOWN_SIGNAL};
use crate::diag::{Diagnostic, SourceMap, nearest};
use crate::measure;

/// Names and functions that no `.meas` or `.check` can mean: both are evaluated on a table of the signals that they name,
/// whatever its numbers are, and what that says of names is kept. `may_be` says which further words are not surely wrong.
pub(super) fn in_measures(circuit: &Circuit, may_be: &dyn Fn(&str) -> bool) -> Vec<Diagnostic> {
    if circuit.measures.is_empty() && circuit.checks.is_empty() {
        return vec![];
    }
    let mut table = Table::default();
    table.schema.kind = PlotKind::Tran;
    table.schema.has_axis = true;
    table.push_column(Signal::new("time", Quantity::Time), Column::Real(vec![0.0, 1.0]));
    for w in &point::wishes(circuit).0 {
        let name = match &w.named {
            Named::Plain(n) => n.clone(),
            Named::Power(x) => format!("p({x})"),
            Named::Energy(x) => format!("e({x})"),
        };
        if table.index(&name).is_none() {
            table.push_column(Signal::new(name, Quantity::Other("")), Column::Real(vec![0.0, 1.0]));
        }
    }
    // These analyses name their own results.
    let names_results = |a: &Analysis| {
        matches!(a, Analysis::Noise { .. } | Analysis::Tf { .. } | Analysis::Sens { .. } | Analysis::Pz { .. })
    };
    let is_open = circuit.analyses.iter().any(|(a, _)| names_results(a));
    let mut done: Vec<&str> = vec![];
    let mut faults = vec![];
    let mut keep = |found: Vec<Diagnostic>| {
        faults.extend(found.into_iter().filter(|d| d.code == MEASURE_FUNCTION || d.code == MEASURE_NAME && !is_open));
    };
    let is_measure = |done: &[&str], n: &str| {
        let head = n.rsplit_once('_').map_or(n, |p| p.0);
        done.iter().any(|m| m.eq_ignore_ascii_case(n) || m.eq_ignore_ascii_case(head))
    };
    let is_node = |n: &str| circuit.node(n).is_some() || circuit.instance(n).is_some() || may_be(n);
    for m in &circuit.measures {
        let names = |n: &str| (is_node(n) || is_measure(&done, n)).then_some(1.0).or_else(|| circuit.param(n));
        if let Ok(spec) = measure::parse(&m.text, m.span) {
            keep(measure::evaluate(&m.name, &spec, &table, &names, m.span).1);
        }
        done.push(&m.name);
    }
    for c in &circuit.checks {
        let names = |n: &str| (is_node(n) || is_measure(&done, n)).then_some(1.0).or_else(|| circuit.param(n));
        if let Err(found) = measure::eval_scalar(&c.expr, &names, &[&table]) {
            keep(found);
        }
    }
    faults
}

/// One fault for each signal that nothing in the deck can mean.
pub(super) fn unknown(circuit: &Circuit, sources: &SourceMap) -> Vec<Diagnostic> {
    let written = words_of_elements(sources);
    let mut reported = HashSet::new();
    let (wishes, ..) = point::wishes(circuit);
    let mut faults: Vec<Diagnostic> = wishes
        .iter()
        .filter_map(|w| fault(circuit, &written, w))
        .filter(|d| reported.insert(d.message.clone()))
        .collect();
    faults.extend(in_measures(circuit, &|n| written.contains(n)));
    faults
}

fn fault(circuit: &Circuit, written: &HashSet<String>, w: &Wish) -> Option<Diagnostic> {
    let (shown, name, is_node) = match &w.named {
        Named::Plain(n) => match (n.strip_prefix('@'), n.split_once('(')) {
            (Some(rest), _) => (n.clone(), rest.split('[').next().unwrap_or(rest), false),
            (None, Some((f, rest))) => (n.clone(), rest.trim_end_matches(')'), f == "v"),
            (None, None) => return None,
        },
        Named::Power(x) => (format!("p({x})"), x.as_str(), false),
        Named::Energy(x) => (format!("e({x})"), x.as_str(), false),
    };
    // `i(q1:b)` names a terminal, `x1.x2.out` a node of a subcircuit: any part may be what is missing.
    let is_written = |n: &str| n.split([',', ':', '.']).any(|part| written.contains(part));
    let exists = if is_node { circuit.node(name).is_some() } else { circuit.instance(name).is_some() };
    if exists || is_written(name) || written.contains(name) {
        return None;
    }
    let mut d = Diagnostic::error(UNKNOWN_SIGNAL, format!("unknown signal `{shown}`"));
    if !w.span.is_nowhere() {
        d = d.at(w.span, "asked for here");
    }
    let frame = |x: &str| shown.replacen(name, x, 1);
    let known: Vec<String> = if is_node {
        circuit.nodes.iter().skip(1).map(|s| frame(circuit.names.get(*s))).collect()
    } else {
        circuit.groups.iter().flat_map(|g| g.iter()).map(|i| frame(circuit.names.get(i.name))).collect()
    };
    match nearest::did_you_mean(&shown, known.iter().map(String::as_str)) {
        Some(help) => Some(d.help(help)),
        None => Some(d),
    }
}

/// Every word that stands on a line that is no card, lower case.
fn words_of_elements(sources: &SourceMap) -> HashSet<String> {
    let mut words = HashSet::new();
    for file in sources.files() {
        let mut is_card = false;
        for line in file.text.lines().map(str::trim_start) {
            if !line.starts_with('+') {
                is_card =
                    line.starts_with(['.', '*']) && !line.get(..7).is_some_and(|s| s.eq_ignore_ascii_case(".subckt"));
            }
            if !is_card {
                let ends = |c: char| c.is_whitespace() || "(){}[],:.=+-*/'\"".contains(c);
                words.extend(line.split(ends).filter(|w| !w.is_empty()).map(str::to_lowercase));
                words.extend(line.split_whitespace().map(str::to_lowercase));
            }
        }
    }
    words
}
