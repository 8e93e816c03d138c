//! The SPICE raw file, as ngspice writes it and its clients read it.
//!
//! ```text
//! Title: <title>
//! Date: Sun Nov 22 00:21:44  2026
//! Command: ngspice-compatible ferrospice-0.1.0
//! Plotname: Transient Analysis
//! Flags: real
//! No. Variables: 2
//! No. Points: 226
//! Variables:
//! <tab>0<tab>time<tab>time
//! <tab>1<tab>v(out)<tab>voltage
//! Binary:
//! <226 × 2 little-endian f64, point by point>
//! ```
//!
//! Complex plots have two f64 per value, the frequency axis included. The point count stands in eight columns, so that
//! it can be filled in at the end. Readers key on `Plotname:`; some refuse a file whose `Command:` names no simulator
//! they know, hence its wording. What the format has no room for (seed, deck hash, step values) goes into `Command:`
//! too, after commas (a semicolon would begin a new command for ngspice, which runs that line when it loads a file).

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use num_complex::Complex64;

use crate::dataset::{Column, Dataset, Meta, PlotKind, Quantity, Schema, Table};

/// Whose raw file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// One plot per step.
    #[default]
    Ngspice,
    /// The steps of a sweep in one plot, `Flags: … stepped`, as LTspice does.
    Ltspice,
}

#[derive(Clone, Debug, Default)]
pub struct RawOptions {
    pub is_ascii: bool,
    /// ASCII only: an empty line after each point, as ngspice's `write` command does and its batch mode does not.
    pub blank_lines: bool,
    pub dialect: Dialect,
    /// Leave out `Command:` (the server protocol of ngspice has none).
    pub no_command: bool,
}

/// The name of a signal in a raw file: lower case, no blanks, axis names as ngspice has them.
pub fn variable_name(schema: &Schema, i: usize) -> String {
    let Some(s) = schema.signals.get(i) else { return String::new() };
    if schema.has_axis && i == 0 && schema.kind == PlotKind::Dc {
        match s.quantity {
            Quantity::Voltage => return "v(v-sweep)".into(),
            Quantity::Current => return "v(i-sweep)".into(),
            Quantity::Temperature => return "temp-sweep".into(),
            _ if is_resistor(&s.name) => return "res-sweep".into(),
            _ => {}
        }
    }
    let name = s.name.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect::<String>().to_lowercase();
    // ngspice writes totals of noise as if they were nodes.
    match s.quantity {
        Quantity::Voltage if schema.kind == PlotKind::NoiseIntegrated => format!("v({name})"),
        Quantity::Current if schema.kind == PlotKind::NoiseIntegrated => format!("i({name})"),
        _ => name,
    }
}

/// Is a sweep's axis the value of a resistor: `@r1`, `@x1.r1`?
fn is_resistor(name: &str) -> bool {
    name.strip_prefix('@').and_then(|n| n.rsplit('.').next()).is_some_and(|n| n.starts_with(['r', 'R']))
        && !name.contains('[')
}

/// The type word of a signal.
pub fn variable_type(schema: &Schema, i: usize) -> &'static str {
    match schema.signals.get(i) {
        Some(s) if schema.has_axis && i == 0 && schema.kind == PlotKind::Dc => match s.quantity {
            Quantity::Temperature => "temp-sweep",
            Quantity::Other("Ω") => "res-sweep",
            _ if is_resistor(&s.name) => "res-sweep",
            q => q.word(),
        },
        Some(s) => s.quantity.word(),
        None => "notype",
    }
}

/// The header up to and including `Binary:` or `Values:`; also the offset of the point count in it.
pub fn header(
    schema: &Schema,
    meta: &Meta,
    points: usize,
    options: &RawOptions,
    date: Option<SystemTime>,
) -> (String, usize) {
    let one_line = |s: &str| s.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let word = |s: &str| one_line(s).replace([',', ';'], "_");
    let version = if meta.version.is_empty() { env!("CARGO_PKG_VERSION") } else { &meta.version };
    let mut h = format!("Title: {}\nDate: {}\n", one_line(&meta.title), date_line(date));
    let is_lt = options.dialect == Dialect::Ltspice;
    if !options.no_command {
        let whose = if is_lt { "ltspice-compatible" } else { "ngspice-compatible" };
        h.push_str(&format!("Command: {whose} ferrospice-{}", one_line(version.trim_start_matches("ferrospice-"))));
        if !meta.deck_hash.is_empty() {
            h.push_str(&format!(", deck {}", word(&meta.deck_hash)));
        }
        if meta.seed != 0 {
            h.push_str(&format!(", seed {}", meta.seed));
        }
        for (name, value) in &meta.sweep {
            h.push_str(&format!(", step {}={value:e}", word(name)));
        }
        if meta.is_partial {
            h.push_str(", partial");
        }
        h.push('\n');
    }
    h.push_str(&format!("Plotname: {}\n", schema.kind.title()));
    let kind = if schema.is_complex { "complex" } else { "real" };
    if is_lt {
        let double = if schema.is_complex { "" } else { " double" };
        let stepped = if meta.sweep.is_empty() { "" } else { " stepped" };
        h.push_str(&format!("Flags: {kind}{double} forward{stepped}\n"));
    } else {
        h.push_str(&format!("Flags: {kind}\n"));
    }
    h.push_str(&format!("No. Variables: {}\nNo. Points: ", schema.signals.len()));
    let at = h.len();
    h.push_str(&format!("{points:<8}\n"));
    if is_lt {
        h.push_str("Offset:   0.0000000000000000e+000\n");
    }
    h.push_str("Variables:\n");
    for i in 0..schema.signals.len() {
        h.push_str(&format!("\t{i}\t{}\t{}\n", variable_name(schema, i), variable_type(schema, i)));
    }
    h.push_str(if options.is_ascii { "Values:\n" } else { "Binary:\n" });
    (h, at)
}

/// Writes all tables, one plot after the other.
pub fn write(dataset: &Dataset, w: &mut dyn Write, options: &RawOptions, date: Option<SystemTime>) -> io::Result<()> {
    if options.dialect == Dialect::Ltspice {
        for family in super::families(dataset) {
            let tables: Vec<&Table> = family.iter().filter_map(|&i| dataset.tables.get(i)).collect();
            write_plot(&tables, w, options, date)?;
        }
        return Ok(());
    }
    dataset.tables.iter().try_for_each(|t| write_plot(&[t], w, options, date))
}

/// One plot made of the points of tables with one schema.
fn write_plot(tables: &[&Table], w: &mut dyn Write, options: &RawOptions, date: Option<SystemTime>) -> io::Result<()> {
    let Some(first) = tables.first() else { return Ok(()) };
    let mut schema = first.schema.clone();
    schema.is_complex = first.is_complex();
    let points = tables.iter().map(|t| rows(t)).sum();
    w.write_all(header(&schema, &first.meta, points, options, date).0.as_bytes())?;
    let mut buf = Vec::new();
    let mut row = vec![Complex64::default(); schema.signals.len()];
    let mut number = 0;
    for t in tables {
        for k in 0..rows(t) {
            for (z, c) in row.iter_mut().zip(&t.columns) {
                *z = c.at(k);
            }
            buf.clear();
            encode(&mut buf, &row, schema.is_complex, number, options);
            w.write_all(&buf)?;
            number += 1;
        }
    }
    Ok(())
}

/// Points that every column has.
fn rows(t: &Table) -> usize {
    t.columns.iter().map(Column::len).min().unwrap_or(0)
}

/// One point, appended to `buf`.
pub fn encode(buf: &mut Vec<u8>, row: &[Complex64], is_complex: bool, number: usize, options: &RawOptions) {
    if !options.is_ascii {
        for z in row {
            buf.extend_from_slice(&z.re.to_le_bytes());
            if is_complex {
                buf.extend_from_slice(&z.im.to_le_bytes());
            }
        }
        return;
    }
    if options.blank_lines {
        buf.push(b' ');
    }
    buf.extend_from_slice(number.to_string().as_bytes());
    buf.push(b'\t');
    for z in row {
        buf.push(b'\t');
        buf.extend_from_slice(c_exponent(z.re, 15).as_bytes());
        if is_complex {
            buf.push(b',');
            buf.extend_from_slice(c_exponent(z.im, 15).as_bytes());
        }
        buf.push(b'\n');
    }
    if options.blank_lines {
        buf.push(b'\n');
    }
}

/// `%.{digits}e` as C prints it: two digits of exponent at least, with sign.
pub fn c_exponent(x: f64, digits: usize) -> String {
    if !x.is_finite() {
        let sign = if x.is_sign_negative() && !x.is_nan() { "-" } else { "" };
        return format!("{sign}{}", if x.is_nan() { "nan" } else { "inf" });
    }
    let s = format!("{x:.digits$e}");
    match s.split_once('e') {
        Some((m, e)) => {
            let (sign, e) = e.strip_prefix('-').map_or(('+', e), |e| ('-', e));
            format!("{m}e{sign}{e:0>2}")
        }
        None => s,
    }
}

/// `Sun Nov 22 00:21:44  2026`, in UTC.
pub fn date_line(date: Option<SystemTime>) -> String {
    let secs = date.unwrap_or_else(SystemTime::now).duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (days, rest) = (secs / 86400, secs % 86400);
    // Days to a date of the Gregorian calendar: eras of 400 years that begin on 1 March of year 0.
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    format!(
        "{} {} {day:2} {:02}:{:02}:{:02}  {year}",
        DAYS[(days % 7) as usize],
        MONTHS[(month - 1) as usize],
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}
