//! What an `.array` card says cell by cell: tables of parameters, dead and stuck cells, broken lines.

use super::card::{Array, Map};
use crate::base::units::parse_number;
use crate::diag::codes::netlist as codes;
use crate::diag::{Diagnostic, Span};

type Given = Option<(String, Span)>;

fn fault(faults: &mut Vec<Diagnostic>, span: Span, message: String, help: &str) {
    faults.push(Diagnostic::error(codes::ARRAY, message).at(span, "in this array").help(help));
}

/// `i,j`, or `layer,i,j`, inside of the array; the words behind it.
fn place<'t>(a: &Array, word: &'t str, more: usize) -> Option<((usize, usize, usize), Vec<&'t str>)> {
    let parts: Vec<&str> = word.split(',').collect();
    let first = parts.len().checked_sub(more)?;
    let numbers: Option<Vec<usize>> = parts[..first].iter().map(|p| p.parse().ok()).collect();
    let at = match numbers?[..] {
        [i, j] if a.layers == 1 => (0, i, j),
        [l, i, j] if a.layers > 1 => (l, i, j),
        _ => return None,
    };
    let fits = at.0 < a.layers && at.1 < a.rows && at.2 < a.cols;
    fits.then(|| (at, parts[first..].to_vec()))
}

/// `map="s0:init.csv g:g.csv" dead="3,4" stuck="1,2,10k" open="wl,3,5"`
pub fn lists(a: &mut Array, [map, dead, stuck, open]: [Given; 4], whole: Span, faults: &mut Vec<Diagnostic>) {
    let form = if a.layers > 1 { "layer,row,column" } else { "row,column" };
    if let Some((text, span)) = map {
        for w in text.split_whitespace() {
            match w.split_once(':') {
                Some((p, f)) if !p.is_empty() && !f.is_empty() => {
                    a.maps.push(Map { param: p.to_lowercase(), file: f.into(), values: vec![] });
                }
                _ => fault(faults, span, format!("`{w}` is not `parameter:file`"), "for example `map=\"s0:init.csv\"`"),
            }
        }
    }
    if let Some((text, span)) = dead {
        for w in text.split_whitespace() {
            match place(a, w, 0) {
                Some((at, _)) => a.dead.push(at),
                None => {
                    fault(faults, span, format!("there is no cell `{w}`"), &format!("a cell is {form}, counted from 0"))
                }
            }
        }
    }
    if let Some((text, span)) = stuck {
        for w in text.split_whitespace() {
            match place(a, w, 1) {
                Some((at, r)) if parse_number(r[0]).is_none_or(|n| n.value > 0.0) => {
                    a.stuck.push((at, r[0].to_string()))
                }
                _ => fault(faults, span, format!("`{w}` is no cell with a resistance"), &format!("write {form},ohms")),
            }
        }
    }
    if let Some(at) = a.stuck.iter().map(|s| s.0).find(|at| a.dead.contains(at)) {
        let cell = if a.layers > 1 { format!("{},{},{}", at.0, at.1, at.2) } else { format!("{},{}", at.1, at.2) };
        let help = "a dead cell is not there; a stuck one is a resistance";
        faults.push(
            Diagnostic::error(codes::ARRAY, format!("cell `{cell}` is both dead and stuck"))
                .at(whole, "in this array")
                .help(help),
        );
    }
    if let Some((text, span)) = open {
        for w in text.split_whitespace() {
            let parts: Vec<&str> = w.split(',').collect();
            let found = match parts[..] {
                [plane, line, at] => a
                    .planes
                    .iter()
                    .find(|p| p.name == plane && p.r.is_some())
                    .zip(line.parse::<usize>().ok().zip(at.parse::<usize>().ok()))
                    .filter(|(p, (l, k))| *l < p.lines(a) && *k < p.cells(a))
                    .map(|(p, (l, k))| (p.name.clone(), l, k)),
                _ => None,
            };
            match found {
                Some(o) => a.open.push(o),
                None => fault(
                    faults,
                    span,
                    format!("there is no segment `{w}`"),
                    "write line,number,crossing for the segment before that crossing: `open=\"wl,3,5\"`; the line needs a resistance",
                ),
            }
        }
    }
}

/// Reads the tables.
pub fn gather(
    mut a: Array,
    text: &dyn Fn(&str) -> Result<String, String>,
    span: Span,
    faults: &mut Vec<Diagnostic>,
) -> Array {
    let rows = a.layers * a.rows;
    // Of a resistor the value itself is known to be positive; what other cells take is theirs to judge.
    let is_resistor = a.cell.eq_ignore_ascii_case("r");
    for m in &mut a.maps {
        let content = match text(&m.file) {
            Ok(t) => t,
            Err(why) => {
                fault(
                    faults,
                    span,
                    format!("cannot read `{}`: {why}", m.file),
                    "files are looked for beside the deck and in `-I` folders",
                );
                continue;
            }
        };
        let lines: Vec<&str> =
            content.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
        if lines.len() != rows {
            let d = format!("`{}` has {} lines, the array {rows} rows", m.file, lines.len());
            fault(faults, span, d, "one line for each row; the layers of a stack follow each other");
            continue;
        }
        for (i, l) in lines.iter().enumerate() {
            let cells: Vec<&str> = l.split([',', ' ', '\t', ';']).filter(|w| !w.is_empty()).collect();
            if cells.len() != a.cols {
                let d = format!("`{}`: row {i} has {} values, the array {} columns", m.file, cells.len(), a.cols);
                fault(faults, span, d, "values are separated by commas or blanks");
                continue;
            }
            for (j, c) in cells.iter().enumerate() {
                match parse_number(c).filter(|n| n.len == c.len() && n.value.is_finite()) {
                    Some(n) if is_resistor && m.param == "r" && !(n.value > 0.0) => {
                        let d = format!("`{}`: the resistance at row {i}, column {j} is {c}", m.file);
                        fault(faults, span, d, "it must be positive; `dead=\"i,j\"` leaves a cell out");
                    }
                    Some(_) => m.values.push(c.to_string()),
                    None => fault(
                        faults,
                        span,
                        format!("`{}`: `{c}` at row {i}, column {j} is not a number", m.file),
                        "finite numbers; SI suffixes such as 10k are understood",
                    ),
                }
            }
        }
    }
    a
}
