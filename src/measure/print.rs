//! Measurements as text: as ngspice prints them, and as LTspice logs them (for programs that read logs).

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Measurement;
use crate::dataset::PlotKind;

/// `%.*e` as C prints it.
fn sci(x: f64, digits: usize) -> String {
    if x.is_nan() {
        return "failed".into();
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

fn heading(kind: PlotKind) -> &'static str {
    match kind {
        PlotKind::Tran => "Transient Analysis",
        PlotKind::Ac => "AC Analysis",
        PlotKind::Dc => "DC Analysis",
        PlotKind::NoiseDensity | PlotKind::NoiseIntegrated => "Noise Analysis",
        k => k.title(),
    }
}

/// Blocks of ngspice's form, one for each analysis, `digits` after the point (6 by default there):
///
/// ```text
///   Measurements for Transient Analysis
///
/// tdelay              =  7.354692e-07 targ=  2.235469e-06 trig=  1.500000e-06
/// ```
pub fn ngspice(measures: &[Measurement], digits: usize) -> String {
    let mut out = String::new();
    let mut kinds: Vec<&str> = vec![];
    for m in measures {
        if !kinds.contains(&heading(m.kind)) {
            kinds.push(heading(m.kind));
        }
    }
    for kind in kinds {
        let _ = writeln!(out, "\n  Measurements for {kind}\n");
        for m in measures.iter().filter(|m| heading(m.kind) == kind) {
            let _ = writeln!(out, "{}", line(m, digits));
        }
    }
    out
}

/// One line of the block.
pub fn line(m: &Measurement, digits: usize) -> String {
    let mut out = format!("{:<20}=  {}", m.name, sci(m.value, digits));
    for (key, x) in &m.tails {
        let _ = write!(out, " {key}=  {}", sci(*x, digits));
    }
    out
}

/// LTspice's form for a run without steps: `name: label=1.5 FROM 0 TO 1e-06`.
pub fn ltspice(measures: &[Measurement]) -> String {
    let mut out = String::new();
    for m in measures {
        let value = if m.is_failed() { "FAILED".to_string() } else { format!("{}", m.value) };
        let label = if m.label.is_empty() { "expr" } else { &m.label };
        let _ = write!(out, "{}: {}={value}", m.name, label.to_lowercase());
        for (key, x) in &m.tails {
            match *key {
                "at" => drop(write!(out, " AT {x}")),
                "from" | "trig" => {}
                "to" => drop(write!(out, " FROM {} TO {x}", tail(m, "from"))),
                "targ" => drop(write!(out, " FROM {} TO {x}", tail(m, "trig"))),
                _ => {}
            }
        }
        out.push('\n');
    }
    out
}

fn tail(m: &Measurement, key: &str) -> f64 {
    m.tails.iter().find(|t| t.0 == key).map_or(f64::NAN, |t| t.1)
}

/// LTspice's form for a swept run: one `Measurement: name` table each, a line a step.
pub fn ltspice_stepped(steps: &[Vec<Measurement>]) -> String {
    let mut out = String::new();
    let mut order: Vec<&str> = vec![];
    let mut rows: BTreeMap<&str, Vec<(usize, &Measurement)>> = BTreeMap::new();
    for (n, step) in steps.iter().enumerate() {
        for m in step {
            if !rows.contains_key(m.name.as_str()) {
                order.push(&m.name);
            }
            rows.entry(&m.name).or_default().push((n + 1, m));
        }
    }
    for name in order {
        let Some(rows) = rows.get(name) else { continue };
        // A measure that failed has no tails: one that did not says which columns there are.
        let Some(first) = rows.iter().map(|r| r.1).max_by_key(|m| m.tails.len()) else { continue };
        let label = if first.label.is_empty() { "expr" } else { &first.label };
        let _ = write!(out, "Measurement: {name}\n  step\t{}", label.to_lowercase());
        for (key, _) in &first.tails {
            let _ = write!(out, "\t{}", key.to_uppercase());
        }
        out.push('\n');
        for (n, m) in rows {
            let _ = write!(out, "{n:6}\t{}", m.value);
            for (key, _) in &first.tails {
                let _ = write!(out, "\t{}", tail(m, key));
            }
            out.push('\n');
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_has_as_many_columns_as_the_others() {
        let made = |value, tails: &[(&'static str, f64)]| {
            vec![Measurement {
                name: "top".into(),
                kind: PlotKind::Tran,
                value,
                unit: "V".into(),
                tails: tails.to_vec(),
                label: "MAX".into(),
            }]
        };
        let text = ltspice_stepped(&[made(f64::NAN, &[]), made(2.0, &[("at", 1.0)])]);
        assert_eq!(text, "Measurement: top\n  step\tmax\tAT\n     1\tNaN\tNaN\n     2\t2\t1\n\n");
    }
}
