//! What an `.array` card says cell by cell: tables of parameters, dead and stuck cells, broken lines.

use super::card::{Array, Map};
use crate::base::npy;
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
    bytes: &dyn Fn(&str) -> Result<Vec<u8>, String>,
    span: Span,
    faults: &mut Vec<Diagnostic>,
) -> Array {
    let shape = (a.layers * a.rows, a.cols);
    // Of a resistor the value itself is known to be positive; what other cells take is theirs to judge.
    let is_resistor = a.cell.eq_ignore_ascii_case("r");
    for m in &mut a.maps {
        let values = match bytes(&m.file) {
            Ok(b) if b.starts_with(npy::MAGIC) => numpy(&m.file, &b, shape, span, faults),
            Ok(b) if b.starts_with(b"PK") => {
                let help = "save one array of it as `.npy`";
                fault(faults, span, format!("`{}` is an archive of arrays", m.file), help);
                continue;
            }
            Ok(b) => table(&m.file, &String::from_utf8_lossy(&b), shape, span, faults),
            Err(why) => {
                let help = "files are looked for beside the deck and in `-I` folders";
                fault(faults, span, format!("cannot read `{}`: {why}", m.file), help);
                continue;
            }
        };
        let must_be_positive = is_resistor && m.param == "r";
        for (k, v) in values.iter().enumerate().filter(|(_, v)| must_be_positive && !(**v > 0.0)).take(SHOWN) {
            let d = format!("`{}`: the resistance at row {}, column {} is {v}", m.file, k / shape.1, k % shape.1);
            fault(faults, span, d, "it must be positive; `dead=\"i,j\"` leaves a cell out");
        }
        m.values = values;
    }
    a
}

/// Faults of one kind that are shown of one file.
const SHOWN: usize = 5;

/// A NumPy matrix, or a vector with all cells row by row.
fn numpy(file: &str, b: &[u8], shape: (usize, usize), span: Span, faults: &mut Vec<Diagnostic>) -> Vec<f64> {
    let m = match npy::read(b) {
        Ok(m) => m,
        Err(why) => {
            fault(faults, span, format!("`{file}`: {why}"), "float64 in rows and columns, as `numpy.save` writes it");
            return vec![];
        }
    };
    if (m.rows, m.cols) != shape && !(m.is_vector && m.cols == shape.0 * shape.1) {
        let d = format!("`{file}` is {} x {}, the array {} x {}", m.rows, m.cols, shape.0, shape.1);
        fault(faults, span, d, "one row for each row; the layers of a stack follow each other");
        return vec![];
    }
    for (k, v) in m.data.iter().enumerate().filter(|(_, v)| !v.is_finite()).take(SHOWN) {
        let d = format!("`{file}`: `{v}` at row {}, column {} is not a number", k / shape.1, k % shape.1);
        fault(faults, span, d, "finite numbers are needed");
    }
    m.data
}

/// A text with a line for each row.
fn table(
    file: &str,
    content: &str,
    (rows, cols): (usize, usize),
    span: Span,
    faults: &mut Vec<Diagnostic>,
) -> Vec<f64> {
    let lines: Vec<&str> = content.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    if lines.len() != rows {
        let d = format!("`{file}` has {} lines, the array {rows} rows", lines.len());
        fault(faults, span, d, "one line for each row; the layers of a stack follow each other");
        return vec![];
    }
    let mut values = Vec::with_capacity(rows * cols);
    for (i, l) in lines.iter().enumerate() {
        let cells: Vec<&str> = l.split([',', ' ', '\t', ';']).filter(|w| !w.is_empty()).collect();
        if cells.len() != cols {
            let d = format!("`{file}`: row {i} has {} values, the array {cols} columns", cells.len());
            fault(faults, span, d, "values are separated by commas or blanks");
            continue;
        }
        for (j, c) in cells.iter().enumerate() {
            match parse_number(c).filter(|n| n.len == c.len() && n.value.is_finite()) {
                Some(n) => values.push(n.value),
                None => fault(
                    faults,
                    span,
                    format!("`{file}`: `{c}` at row {i}, column {j} is not a number"),
                    "finite numbers; SI suffixes such as 10k are understood",
                ),
            }
        }
    }
    values
}
