//! Reads SPICE raw files: binary and ascii, several plots, with and without empty lines between points, ours, ngspice's
//! and LTspice's (UTF-16 headers, single-precision values, stepped plots).
//!
//! A plot that breaks off in its data is kept up to the last whole point and marked partial; a count of zero (a file
//! still growing, or ngspice's server protocol) means everything up to the end.

use num_complex::Complex64;

use super::bad_file;
use crate::dataset::{Column, Dataset, Meta, PlotKind, Quantity, Schema, Signal, Table};
use crate::diag::Diagnostic;

/// `Title:`, in UTF-8 or UTF-16.
pub fn sniff(bytes: &[u8]) -> bool {
    let head: Vec<u8> =
        bytes.iter().take(16).filter(|b| **b != 0).skip_while(|b| b.is_ascii_whitespace()).copied().collect();
    head.len() >= 6 && head[..6].eq_ignore_ascii_case(b"title:")
}

/// All plots of a file.
pub fn read(bytes: &[u8]) -> Result<Dataset, Diagnostic> {
    let mut r = Reader { bytes, at: 0, is_utf16: bytes.get(1) == Some(&0) };
    let mut dataset = Dataset::default();
    while !r.is_at_end() {
        r.plot(&mut dataset)?;
    }
    if dataset.tables.is_empty() {
        return Err(bad_file("the raw file has no plot"));
    }
    Ok(dataset)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    is_utf16: bool,
}

#[derive(Default)]
struct Header {
    title: String,
    command: String,
    plotname: String,
    flags: String,
    variables: usize,
    points: usize,
    names: Vec<(String, String)>,
}

impl Reader<'_> {
    /// Nothing but blanks left.
    fn is_at_end(&self) -> bool {
        self.bytes.get(self.at..).is_none_or(|rest| rest.iter().all(|b| b.is_ascii_whitespace() || *b == 0))
    }

    fn line(&mut self) -> Option<String> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let rest = &self.bytes[self.at..];
        if self.is_utf16 {
            let n = rest.chunks_exact(2).position(|c| c == [b'\n', 0]);
            let (len, used) = n.map_or((rest.len() / 2 * 2, rest.len()), |n| (2 * n, 2 * n + 2));
            self.at += used;
            let units: Vec<u16> = rest[..len].chunks_exact(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect();
            return Some(String::from_utf16_lossy(&units).trim_end_matches('\r').to_string());
        }
        let n = rest.iter().position(|&b| b == b'\n');
        let (len, used) = n.map_or((rest.len(), rest.len()), |n| (n, n + 1));
        self.at += used;
        Some(String::from_utf8_lossy(&rest[..len]).trim_end_matches('\r').to_string())
    }

    fn plot(&mut self, dataset: &mut Dataset) -> Result<(), Diagnostic> {
        let mut h = Header::default();
        let is_binary = loop {
            let Some(line) = self.line() else {
                return Err(bad_file("the raw file breaks off in its header, before `Binary:` or `Values:`"));
            };
            if line.trim().is_empty() {
                continue;
            }
            let Some((key, value)) = line.split_once(':') else {
                return Err(bad_file(format!("a line of the raw file's header has no `:`: `{}`", shorten(&line))));
            };
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            match key.as_str() {
                "title" => h.title = value.to_string(),
                "command" => h.command = value.to_string(),
                "plotname" => h.plotname = value.to_string(),
                "flags" => h.flags = value.to_ascii_lowercase(),
                "no. variables" | "no. of data columns" => h.variables = count(&key, value)?,
                "no. points" | "no. of data rows" => h.points = count(&key, value)?,
                "variables" => self.variables(&mut h, value)?,
                "binary" => break true,
                "values" => break false,
                // Date, Offset, Backannotation, Option and whatever others add.
                _ => {}
            }
        };
        if h.names.is_empty() {
            return Err(bad_file("the raw file has no `Variables:`"));
        }
        let is_complex = h.flags.split_whitespace().any(|f| f == "complex");
        let columns = if is_binary { self.binary(&h, is_complex) } else { self.ascii(&h, is_complex)? };
        store(h, is_complex, columns, dataset);
        Ok(())
    }

    fn variables(&mut self, h: &mut Header, first: &str) -> Result<(), Diagnostic> {
        let mut pending = (!first.is_empty()).then(|| first.to_string());
        while h.names.len() < h.variables {
            let Some(line) = pending.take().or_else(|| self.line()) else {
                return Err(bad_file(format!(
                    "the raw file breaks off in `Variables:`: {} of {} are there",
                    h.names.len(),
                    h.variables
                )));
            };
            // The server protocol repeats the counts here.
            if let Some((key, value)) = line.split_once(':')
                && key.trim().to_ascii_lowercase().starts_with("no. of data")
            {
                count(key, value.trim())?;
                continue;
            }
            let mut words = line.split_whitespace();
            let (Some(number), Some(name)) = (words.next(), words.next()) else {
                if line.trim().is_empty() {
                    continue;
                }
                return Err(bad_file(format!("a variable of the raw file cannot be read: `{}`", shorten(&line))));
            };
            if number.parse::<usize>().is_err() {
                return Err(bad_file(format!("a variable of the raw file has no number: `{}`", shorten(&line))));
            }
            h.names.push((name.to_string(), words.next().unwrap_or("notype").to_string()));
        }
        Ok(())
    }

    fn binary(&mut self, h: &Header, is_complex: bool) -> Vec<Vec<Complex64>> {
        let n = h.names.len();
        let has = |f: &str| h.flags.split_whitespace().any(|w| w == f);
        // LTspice: the axis in double, the rest in single precision, unless the flags say `double`.
        let is_single = !is_complex
            && !has("double")
            && (h.command.to_ascii_lowercase().contains("ltspice") || self.is_utf16)
            && !h.command.contains("ferrospice");
        let stride = if is_single { 8 + 4 * (n - 1) } else { n * if is_complex { 16 } else { 8 } };
        let available = (self.bytes.len() - self.at) / stride;
        let points = if h.points == 0 { available } else { h.points.min(available) };
        let mut columns = vec![Vec::with_capacity(points); n];
        for k in 0..points {
            let row = &self.bytes[self.at + k * stride..self.at + (k + 1) * stride];
            for (i, column) in columns.iter_mut().enumerate() {
                column.push(if is_single && i > 0 {
                    let at = 8 + 4 * (i - 1);
                    f64::from(f32::from_le_bytes([row[at], row[at + 1], row[at + 2], row[at + 3]])).into()
                } else if is_complex {
                    Complex64::new(double(row, 16 * i), double(row, 16 * i + 8))
                } else {
                    // LTspice marks points it has dropped by a negative time.
                    let x = double(row, 8 * i);
                    (if is_single && h.names[0].1 == "time" { x.abs() } else { x }).into()
                });
            }
        }
        self.at = if points < h.points { self.bytes.len() } else { self.at + points * stride };
        columns
    }

    fn ascii(&mut self, h: &Header, is_complex: bool) -> Result<Vec<Vec<Complex64>>, Diagnostic> {
        let n = h.names.len();
        let mut columns: Vec<Vec<Complex64>> = vec![vec![]; n];
        let mut row: Vec<Complex64> = Vec::with_capacity(n);
        let mut done = 0;
        while h.points == 0 || done < h.points {
            let before = self.at;
            let Some(line) = self.line() else { break };
            if h.points == 0 && line.get(..6).is_some_and(|s| s.eq_ignore_ascii_case("title:")) {
                self.at = before;
                break;
            }
            // A point's first line begins with its number.
            let words = line.split_whitespace().skip(usize::from(row.is_empty()));
            for word in words {
                if row.len() < n {
                    row.push(number(word, is_complex)?);
                }
            }
            if row.len() == n {
                for (c, z) in columns.iter_mut().zip(row.drain(..)) {
                    c.push(z);
                }
                done += 1;
            }
        }
        Ok(columns)
    }
}

fn double(row: &[u8], at: usize) -> f64 {
    let mut b = [0; 8];
    b.copy_from_slice(&row[at..at + 8]);
    f64::from_le_bytes(b)
}

fn count(key: &str, value: &str) -> Result<usize, Diagnostic> {
    value.parse().map_err(|_| bad_file(format!("`{key}` of the raw file is not a number: `{}`", shorten(value))))
}

fn number(word: &str, is_complex: bool) -> Result<Complex64, Diagnostic> {
    let real = |s: &str| {
        s.parse::<f64>().map_err(|_| bad_file(format!("a value of the raw file is not a number: `{}`", shorten(word))))
    };
    match word.split_once(',') {
        Some((re, im)) => Ok(Complex64::new(real(re)?, if is_complex { real(im)? } else { 0.0 })),
        None => Ok(real(word)?.into()),
    }
}

fn shorten(s: &str) -> String {
    s.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// `v(onoise_total)` is the total itself.
fn bare(name: &str) -> &str {
    let inner = name.strip_prefix("v(").or_else(|| name.strip_prefix("i("));
    inner.and_then(|n| n.strip_suffix(')')).unwrap_or(name)
}

/// Makes tables of a plot: one, or one for each step of a stepped LTspice plot.
fn store(h: Header, is_complex: bool, columns: Vec<Vec<Complex64>>, dataset: &mut Dataset) {
    let kind = PlotKind::from_title(&h.plotname).unwrap_or(PlotKind::Dc);
    let points = columns.first().map_or(0, Vec::len);
    let has_axis = match kind {
        PlotKind::Op | PlotKind::NoiseIntegrated | PlotKind::Tf | PlotKind::Pz => false,
        PlotKind::Sens => h.names.first().is_some_and(|n| n.1 == "frequency"),
        _ => true,
    };
    let signals = h.names.iter().map(|(name, word)| {
        let name = name.to_lowercase();
        let quantity = match Quantity::from_word(word) {
            Quantity::Other("") => Quantity::from_name(&name),
            q => q,
        };
        // The axis names that ngspice wraps in `v()`.
        let name = match name.as_str() {
            "v(v-sweep)" => "v-sweep".to_string(),
            "v(i-sweep)" | "i(i-sweep)" => "i-sweep".to_string(),
            _ if kind == PlotKind::NoiseIntegrated => bare(&name).to_string(),
            _ => name,
        };
        Signal::new(name, quantity)
    });
    let schema = Schema { kind, has_axis, is_complex, signals: signals.collect() };
    let mut meta = Meta { title: h.title.clone(), is_partial: h.points > points, ..Meta::default() };
    read_command(&h.command, &mut meta);
    let cuts = if h.flags.split_whitespace().any(|f| f == "stepped") { restarts(&columns[0]) } else { vec![] };
    let mut from = 0;
    for to in cuts.into_iter().chain([points]) {
        let columns = columns.iter().map(|c| {
            let part = c.get(from..to).unwrap_or(&[]);
            if is_complex { Column::Complex(part.to_vec()) } else { Column::Real(part.iter().map(|z| z.re).collect()) }
        });
        dataset.tables.push(Table { schema: schema.clone(), columns: columns.collect(), meta: meta.clone() });
        from = to;
    }
}

/// Where the axis comes back to its first value.
fn restarts(axis: &[Complex64]) -> Vec<usize> {
    (1..axis.len()).filter(|&k| axis[k].re == axis[0].re && axis[k - 1].re != axis[0].re).collect()
}

/// What [`super::raw::header`] put into `Command:`.
fn read_command(command: &str, meta: &mut Meta) {
    let mut parts = command.split(',').map(str::trim);
    meta.version = parts
        .next()
        .and_then(|s| s.split_whitespace().find_map(|w| w.strip_prefix("ferrospice-")))
        .unwrap_or("")
        .to_string();
    for part in parts {
        match part.split_once(' ') {
            Some(("deck", hash)) => meta.deck_hash = hash.to_string(),
            Some(("seed", n)) => meta.seed = n.parse().unwrap_or(0),
            Some(("step", pair)) => {
                if let Some((name, value)) = pair.rsplit_once('=')
                    && let Ok(value) = value.parse()
                {
                    meta.sweep.push((name.to_string(), value));
                }
            }
            _ => meta.is_partial |= part == "partial",
        }
    }
}
