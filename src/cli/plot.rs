//! `ferrospice plot`: figures of a result file.

use super::args::Plot;
use super::settings;
use super::term::Term;
use crate::dataset::Table;
use crate::diag::{Diagnostic, SourceMap};
use crate::output;
use crate::plot;
use crate::session::{Disk, figures, files};

pub fn run(args: &Plot, term: &Term) -> u8 {
    let size = settings::size(&args.size);
    let path = args.output.clone().unwrap_or_else(|| args.file.with_extension("svg"));
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let mut faults = vec![];
    if let Err(f) = &size {
        faults.push(f.clone());
    }
    if !matches!(extension.as_str(), "svg" | "png") {
        faults.push(format!("-o {}: pictures are .svg or .png", path.display()));
    }
    if !faults.is_empty() {
        return super::usage(&faults, term);
    }
    let dataset = match output::read_path(&args.file) {
        Ok(d) => d,
        Err(d) => return fail(&[d], term),
    };
    let tables: Vec<&Table> = match args.number {
        None => dataset.tables.iter().collect(),
        Some(n) => match n.checked_sub(1).and_then(|k| dataset.tables.get(k)) {
            Some(t) => vec![t],
            None => {
                let fault = format!("--number {n}: the file has {} plots", dataset.tables.len());
                return super::usage(&[fault], term);
            }
        },
    };
    let entries: Vec<String> = match &args.x {
        Some(x) => args.exprs.iter().map(|e| format!("{e} vs {x}")).collect(),
        None => args.exprs.clone(),
    };
    let (width, height) = size.unwrap_or((960, 600));
    let style = plot::Options {
        title: args.title.clone(),
        log_x: args.logx.then_some(true),
        log_y: args.logy.then_some(true),
        width,
        height,
        ..plot::Options::default()
    };
    let (drawn, mut messages) = figures::draw(&groups(&tables), &entries, &style);
    let is_faulty = messages.iter().any(Diagnostic::is_error);
    if !is_faulty {
        for d in drawn {
            let target = if d.suffix.is_empty() { path.clone() } else { files::with_suffix(&path, &d.suffix) };
            match d.figure.encode(&extension).and_then(|b| files::write_bytes(&target, &b, &Disk)) {
                Ok(()) => term.note(&format!("wrote {}\n", target.display())),
                Err(d) => messages.push(d),
            }
        }
    }
    fail(&messages, term)
}

/// Reports; 1 when there is an error among the messages.
fn fail(messages: &[Diagnostic], term: &Term) -> u8 {
    term.report(messages, &SourceMap::new());
    u8::from(messages.iter().any(Diagnostic::is_error))
}

/// Consecutive tables of one kind with the same signals: the points of a sweep.
fn groups<'a>(tables: &[&'a Table]) -> Vec<Vec<&'a Table>> {
    let mut found: Vec<Vec<&Table>> = vec![];
    for &t in tables {
        match found.last_mut().and_then(|g| g.first().map(|f| f.schema == t.schema).map(|same| (same, g))) {
            Some((true, g)) => g.push(t),
            _ => found.push(vec![t]),
        }
    }
    found
}
