//! Comma-separated values as RFC 4180 has them: CRLF line ends, one header line, quotes where a name has a comma.
//!
//! A complex signal `x` is two columns `re(x)` and `im(x)`; the frequency axis is one. The steps of a sweep are stacked in
//! one table whose first columns `step(NAME)` hold the step values. Numbers are the shortest that read back exactly.

use std::io::{self, Write};

use num_complex::Complex64;

use super::bad_file;
use crate::dataset::{Column, Dataset, Meta, PlotKind, Quantity, Schema, Signal, Table};
use crate::diag::Diagnostic;

/// Writes the tables; those of different shape one after the other, with an empty line and a header each.
pub fn write(dataset: &Dataset, w: &mut dyn Write, units: bool) -> io::Result<()> {
    for (n, family) in super::families(dataset).into_iter().enumerate() {
        let tables: Vec<&Table> = family.iter().filter_map(|&i| dataset.tables.get(i)).collect();
        let Some(first) = tables.first() else { continue };
        if n > 0 {
            w.write_all(b"\r\n")?;
        }
        let mut head: Vec<String> = first.meta.sweep.iter().map(|(name, _)| format!("step({name})")).collect();
        for (i, s) in first.schema.signals.iter().enumerate() {
            let unit = match s.quantity.unit() {
                u if units && !u.is_empty() => format!(" [{u}]"),
                _ => String::new(),
            };
            if is_split(first, i) {
                head.push(format!("re({}){unit}", s.name));
                head.push(format!("im({}){unit}", s.name));
            } else {
                head.push(format!("{}{unit}", s.name));
            }
        }
        let line = head.iter().map(|h| quote(h)).collect::<Vec<_>>().join(",");
        write!(w, "{line}\r\n")?;
        let mut line = String::new();
        for t in &tables {
            for k in 0..t.len() {
                line.clear();
                for (_, value) in &t.meta.sweep {
                    push(&mut line, *value);
                }
                for (i, c) in t.columns.iter().enumerate() {
                    let z = c.at(k);
                    push(&mut line, z.re);
                    if is_split(first, i) {
                        push(&mut line, z.im);
                    }
                }
                line.pop();
                line.push_str("\r\n");
                w.write_all(line.as_bytes())?;
            }
        }
    }
    Ok(())
}

/// Is this signal two columns?
fn is_split(t: &Table, i: usize) -> bool {
    !(t.schema.has_axis && i == 0) && t.columns.get(i).is_some_and(Column::is_complex)
}

fn push(line: &mut String, x: f64) {
    use std::fmt::Write;
    // Display writes 1e-15 with all its zeros.
    let plain = x == 0.0 || (1e-3..1e6).contains(&x.abs());
    let _ = if plain || !x.is_finite() { write!(line, "{x},") } else { write!(line, "{x:e},") };
}

fn quote(s: &str) -> String {
    if s.contains([',', '"', '\r', '\n']) { format!("\"{}\"", s.replace('"', "\"\"")) } else { s.to_string() }
}

/// A first line with a comma or a known axis name, in printable text.
pub fn sniff(bytes: &[u8]) -> bool {
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or(&[]);
    let Ok(text) = std::str::from_utf8(line) else { return false };
    let text = text.trim_end();
    !text.is_empty() && text.len() < 1 << 20 && !text.chars().any(char::is_control)
}

/// Splits one record; `None` at the end. Handles quotes, also over line ends.
fn record(text: &str, at: &mut usize) -> Option<Vec<String>> {
    let b = text.as_bytes();
    if *at >= b.len() {
        return None;
    }
    let (mut fields, mut field, mut quoted) = (vec![], Vec::new(), false);
    while *at < b.len() {
        let c = b[*at];
        *at += 1;
        match c {
            b'"' if quoted && b.get(*at) == Some(&b'"') => {
                field.push(b'"');
                *at += 1;
            }
            b'"' => quoted = !quoted,
            b',' if !quoted => fields.push(std::mem::take(&mut field)),
            b'\n' if !quoted => break,
            b'\r' if !quoted && b.get(*at).is_none_or(|n| *n == b'\n') => {}
            c => field.push(c),
        }
    }
    fields.push(field);
    Some(fields.into_iter().map(|f| String::from_utf8_lossy(&f).trim().to_string()).collect())
}

/// Reads what [`write`] writes, and any table of numbers with a header line whose first column is the axis.
pub fn read(bytes: &[u8]) -> Result<Dataset, Diagnostic> {
    let text = std::str::from_utf8(bytes).map_err(|_| bad_file("the CSV file is not UTF-8 text"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut at, mut line) = (0, 0);
    let mut dataset = Dataset::default();
    let mut block: Option<Block> = None;
    while let Some(fields) = record(text, &mut at) {
        line += 1;
        if fields.len() == 1 && fields[0].is_empty() {
            if let Some(b) = block.take() {
                b.finish(&mut dataset);
            }
            continue;
        }
        match &mut block {
            None => block = Some(Block::new(&fields)),
            Some(b) => b.row(&fields, line)?,
        }
    }
    if let Some(b) = block {
        b.finish(&mut dataset);
    }
    if dataset.tables.is_empty() {
        return Err(bad_file("the CSV file has no header line"));
    }
    Ok(dataset)
}

/// One header and its rows.
struct Block {
    steps: Vec<String>,
    signals: Vec<Signal>,
    /// Per signal: its column, and that of the imaginary part.
    source: Vec<(usize, Option<usize>)>,
    width: usize,
    rows: Vec<Vec<f64>>,
}

impl Block {
    fn new(head: &[String]) -> Block {
        let mut b = Block { steps: vec![], signals: vec![], source: vec![], width: head.len(), rows: vec![] };
        let mut i = 0;
        while i < head.len() {
            let (name, unit) = match head[i].strip_suffix(']').and_then(|h| h.rsplit_once('[')) {
                Some((name, unit)) => (name.trim(), Some(unit)),
                None => (head[i].as_str(), None),
            };
            let inner = |s: &str, f: &str| s.strip_prefix(f)?.strip_suffix(')').map(str::to_string);
            if let Some(step) = inner(name, "step(")
                && b.signals.is_empty()
            {
                b.steps.push(step);
                i += 1;
                continue;
            }
            let pair = inner(name, "re(").filter(|x| {
                head.get(i + 1).is_some_and(|h| {
                    let h = h.rsplit_once('[').map_or(h.as_str(), |(n, _)| n.trim());
                    inner(h, "im(").as_ref() == Some(x)
                })
            });
            let name = pair.clone().unwrap_or_else(|| name.to_string());
            let quantity = unit.map_or_else(|| Quantity::from_name(&name), Quantity::from_unit);
            b.source.push((i, pair.is_some().then_some(i + 1)));
            i += 1 + usize::from(pair.is_some());
            b.signals.push(Signal::new(name, quantity));
        }
        b
    }

    fn row(&mut self, fields: &[String], line: usize) -> Result<(), Diagnostic> {
        if fields.len() != self.width {
            return Err(bad_file(format!(
                "line {line} of the CSV file has {} fields, its header has {}",
                fields.len(),
                self.width
            )));
        }
        let numbers = fields.iter().map(|f| {
            if f.is_empty() {
                return Ok(f64::NAN);
            }
            f.parse().map_err(|_| bad_file(format!("`{f}` in line {line} of the CSV file is not a number")))
        });
        self.rows.push(numbers.collect::<Result<_, _>>()?);
        Ok(())
    }

    fn finish(self, dataset: &mut Dataset) {
        let is_complex = self.source.iter().any(|s| s.1.is_some());
        let axis = self.signals.first().map(|s| s.quantity);
        let kind = match axis {
            Some(Quantity::Time) => PlotKind::Tran,
            Some(Quantity::Frequency) if is_complex => PlotKind::Ac,
            Some(Quantity::Frequency) => PlotKind::NoiseDensity,
            _ if self.rows.len() == 1 => PlotKind::Op,
            _ => PlotKind::Dc,
        };
        let schema = Schema { kind, has_axis: kind != PlotKind::Op, is_complex, signals: self.signals };
        let n = self.steps.len();
        let mut groups: Vec<&[Vec<f64>]> = self.rows.chunk_by(|a, b| a[..n] == b[..n]).collect();
        if groups.is_empty() {
            groups.push(&[]);
        }
        for rows in groups {
            let columns = self.source.iter().map(|&(re, im)| match im {
                Some(im) => Column::Complex(rows.iter().map(|r| Complex64::new(r[re], r[im])).collect()),
                None if is_complex => Column::Complex(rows.iter().map(|r| r[re].into()).collect()),
                None => Column::Real(rows.iter().map(|r| r[re]).collect()),
            });
            let sweep = self.steps.iter().cloned().zip(rows.first().into_iter().flatten().copied()).collect();
            let meta = Meta { sweep, ..Meta::default() };
            dataset.tables.push(Table { schema: schema.clone(), columns: columns.collect(), meta });
        }
    }
}
