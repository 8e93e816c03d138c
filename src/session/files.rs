//! Result files of a run, through the world.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::world::World;
use super::{Outcome, PointResult};
use crate::dataset::Dataset;
use crate::diag::Diagnostic;
use crate::diag::codes::session as code;
use crate::measure::{self, Measurement};
use crate::output::{self, Format, RawOptions, WriteOptions};

/// Writes a dataset in one format. A format that holds one kind of table gets a file for each:
/// `run.csv` becomes `run_tran.csv` and `run_ac.csv`. Returns what was written.
pub fn write(
    dataset: &Dataset,
    path: &Path,
    format: &Format,
    raw: &RawOptions,
    world: &dyn World,
) -> Result<Vec<PathBuf>, Diagnostic> {
    let options = WriteOptions {
        raw: raw.clone(),
        date: Some(UNIX_EPOCH + Duration::from_secs(world.now())),
        ..WriteOptions::default()
    };
    let families = output::families(dataset);
    if !format.is_flat || families.len() <= 1 {
        one(path, world, &mut |w| (format.write)(dataset, w, &options))?;
        return Ok(vec![path.to_path_buf()]);
    }
    let mut written = vec![];
    for family in families {
        let part = Dataset { tables: family.iter().filter_map(|&i| dataset.tables.get(i)).cloned().collect() };
        let word = part.tables.first().map_or("empty", |t| t.schema.kind.word());
        let mut target = with_suffix(path, &format!("_{word}"));
        let mut n = 1;
        while written.contains(&target) {
            n += 1;
            target = with_suffix(path, &format!("_{word}{n}"));
        }
        one(&target, world, &mut |w| (format.write)(&part, w, &options))?;
        written.push(target);
    }
    Ok(written)
}

/// `a/run.csv` and `_tran` make `a/run_tran.csv`.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let ext = path.extension().map(|e| format!(".{}", e.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{stem}{suffix}{ext}"))
}

/// The log that stands beside a rawfile of LTspice: title, steps and measures.
pub fn write_log(outcome: &Outcome, path: &Path, world: &dyn World) -> Result<(), Diagnostic> {
    let text = ltspice_log(&outcome.title, &outcome.points);
    one(path, world, &mut |w| w.write_all(text.as_bytes()))
}

/// ```text
/// Circuit: title
///
/// .step r=1000
/// .step r=2000
///
/// Measurement: vmax
///   step<TAB>max<TAB>AT
///      1<TAB>0.63<TAB>1e-06
/// ```
/// Without sweeps the measures stand one a line: `vmax: max=0.63 AT 1e-06`.
pub fn ltspice_log(title: &str, points: &[PointResult]) -> String {
    let title: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut s = format!("Circuit: {title}\n\n");
    let is_stepped = points.iter().any(|p| !p.sweep.is_empty());
    if is_stepped {
        for p in points {
            let values: Vec<String> =
                p.sweep.iter().map(|(n, v)| format!("{n}={}", super::points::shortest(*v))).collect();
            s.push_str(&format!(".step {}\n", values.join(" ")));
        }
        s.push('\n');
        let steps: Vec<Vec<Measurement>> = points.iter().map(|p| p.measures.clone()).collect();
        s.push_str(&measure::print::ltspice_stepped(&steps));
    } else {
        points.iter().for_each(|p| s.push_str(&measure::print::ltspice(&p.measures)));
    }
    s
}

/// Measures as CSV: one row a sweep point, sweep values first.
pub fn write_measures(outcome: &Outcome, path: &Path, world: &dyn World) -> Result<(), Diagnostic> {
    let text = measures_csv(&outcome.points);
    one(path, world, &mut |w| w.write_all(text.as_bytes()))
}

fn measures_csv(points: &[PointResult]) -> String {
    let Some(first) = points.iter().max_by_key(|p| p.measures.len()) else { return String::new() };
    let sweep = first.sweep.iter().map(|s| s.0.as_str());
    let names = first.measures.iter().map(|m: &Measurement| m.name.as_str());
    let mut text = sweep.chain(names).map(quoted).collect::<Vec<_>>().join(",");
    text.push('\n');
    for p in points {
        let sweep = p.sweep.iter().map(|s| format!("{:e}", s.1));
        let values = first.measures.iter().map(|m| {
            let value = p.measures.iter().find(|x| x.name == m.name).map_or(f64::NAN, |x| x.value);
            if value.is_finite() { format!("{value:e}") } else { "nan".into() }
        });
        text.push_str(&sweep.chain(values).collect::<Vec<_>>().join(","));
        text.push('\n');
    }
    text
}

/// RFC 4180.
fn quoted(name: &str) -> String {
    if name.contains([',', '"', '\n']) { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_string() }
}

/// Any other file.
pub fn write_bytes(path: &Path, bytes: &[u8], world: &dyn World) -> Result<(), Diagnostic> {
    one(path, world, &mut |w| w.write_all(bytes))
}

fn one(
    path: &Path,
    world: &dyn World,
    fill: &mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), Diagnostic> {
    world
        .write(path, fill)
        .map_err(|e| Diagnostic::error(code::OUTPUT_FAILED, format!("cannot write `{}`: {e}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::PlotKind;

    #[test]
    fn measures_are_rows() {
        let point = |r: f64, v: f64| PointResult {
            sweep: vec![("r".into(), r)],
            measures: vec![Measurement {
                name: "v(a,b)".into(),
                kind: PlotKind::Tran,
                value: v,
                unit: String::new(),
                tails: vec![],
                label: String::new(),
            }],
            ..PointResult::default()
        };
        assert_eq!(measures_csv(&[point(1.0, 0.5), point(2.0, f64::NAN)]), "r,\"v(a,b)\"\n1e0,5e-1\n2e0,nan\n");
        assert_eq!(with_suffix(Path::new("a/run.csv"), "_tran"), Path::new("a/run_tran.csv"));
    }
}
