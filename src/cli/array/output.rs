//! Results of `ferrospice array` as files, pictures and text.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::args::Results;
use crate::cli::term::Term;
use crate::diag::codes::results::UNKNOWN_FORMAT;
use crate::diag::{Diagnostic, SourceMap};
use crate::output::npy::{Named, write_archive};
use crate::plot::{Figure, Heat};
use crate::session::{Disk, World, files};

/// An array of the result.
pub struct Item {
    pub name: &'static str,
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

impl Item {
    pub fn vector(name: &'static str, data: Vec<f64>) -> Item {
        Item { name, shape: vec![data.len()], data }
    }

    pub fn matrix(name: &'static str, cols: usize, data: Vec<f64>) -> Item {
        Item { name, shape: vec![data.len() / cols.max(1), cols], data }
    }
}

/// What a study has to show.
#[derive(Default)]
pub struct Report {
    /// Lines for people.
    pub text: String,
    /// The same for machines.
    pub summary: Value,
    pub items: Vec<Item>,
    pub picture: Option<Picture>,
    pub messages: Vec<Diagnostic>,
    pub is_partial: bool,
}

pub enum Picture {
    Heat(Box<Heat>),
    Figure(Box<Figure>),
}

/// Shows and writes; the exit code.
pub fn give(report: Report, results: &Results, term: &Term) -> u8 {
    let mut messages = report.messages;
    let mut meta = report.summary.clone();
    if let Value::Object(m) = &mut meta {
        m.insert("version".into(), json!(env!("CARGO_PKG_VERSION")));
        m.insert("partial".into(), json!(report.is_partial));
    }
    if !results.quiet {
        if results.json {
            term.line(&meta.to_string());
        } else {
            term.print(&report.text);
        }
        term.flush();
    }
    let mut written: Vec<PathBuf> = vec![];
    if let Some(path) = &results.output {
        match write(path, &report.items, &meta) {
            Ok(paths) => written.extend(paths),
            Err(d) => messages.push(d),
        }
    }
    if let Some(path) = &results.plot {
        let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        let bytes = match &report.picture {
            Some(Picture::Heat(h)) => Some(h.encode(&extension)),
            Some(Picture::Figure(f)) => Some(f.encode(&extension)),
            None => None,
        };
        match bytes.map(|b| b.and_then(|b| files::write_bytes(path, &b, &Disk))) {
            Some(Ok(())) => written.push(path.clone()),
            Some(Err(d)) => messages.push(d),
            None => {}
        }
    }
    if !results.quiet {
        for path in &written {
            term.note(&if results.json {
                format!("{}\n", json!({ "wrote": path.display().to_string() }))
            } else {
                format!("wrote {}\n", path.display())
            });
        }
    }
    term.report(&messages, &SourceMap::new());
    match (messages.iter().any(Diagnostic::is_error), report.is_partial) {
        (true, _) => 1,
        (false, true) => 130,
        _ => 0,
    }
}

fn write(path: &Path, items: &[Item], meta: &Value) -> Result<Vec<PathBuf>, Diagnostic> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let put = |path: &Path, fill: &mut dyn FnMut(&mut dyn std::io::Write) -> std::io::Result<()>| {
        Disk.write(path, fill).map_err(|e| crate::output::cannot_write(path, &e))
    };
    match extension.as_str() {
        "npz" => {
            let named: Vec<Named> =
                items.iter().map(|i| Named { name: i.name, shape: i.shape.clone(), data: &i.data }).collect();
            put(path, &mut |w| write_archive(w, &named, &meta.to_string()))?;
            Ok(vec![path.to_path_buf()])
        }
        "json" => {
            let mut all = meta.clone();
            if let Value::Object(m) = &mut all {
                for i in items {
                    // JSON has no NaN: it becomes null.
                    let value = match i.shape[..] {
                        [_, n] => json!(i.data.chunks(n.max(1)).collect::<Vec<_>>()),
                        _ => json!(i.data),
                    };
                    m.insert(i.name.into(), value);
                }
            }
            put(path, &mut |w| writeln!(w, "{all}"))?;
            Ok(vec![path.to_path_buf()])
        }
        "csv" => {
            let mut paths = vec![];
            for (k, i) in items.iter().enumerate() {
                let target =
                    if k == 0 { path.to_path_buf() } else { files::with_suffix(path, &format!("_{}", i.name)) };
                let cols = match i.shape[..] {
                    [_, n] => n.max(1),
                    _ => 1,
                };
                put(&target, &mut |w| {
                    if i.shape.len() < 2 {
                        writeln!(w, "{}", i.name)?;
                    }
                    for row in i.data.chunks(cols) {
                        let line: Vec<String> = row.iter().map(|x| format!("{x:?}")).collect();
                        writeln!(w, "{}", line.join(","))?;
                    }
                    Ok(())
                })?;
                paths.push(target);
            }
            Ok(paths)
        }
        other => Err(Diagnostic::error(UNKNOWN_FORMAT, format!("results of arrays cannot be written as `{other}`"))
            .help("use `.npz`, `.json` or `.csv`")),
    }
}
