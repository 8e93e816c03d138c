//! `ferrospice run`.

use std::path::PathBuf;

use super::args::Run;
use super::progress::Meter;
use super::settings::{self, Outputs};
use super::term::Term;
use super::{figures, interrupt, report};
use crate::base::Control;
use crate::base::control::Watch;
use crate::diag::Diagnostic;
use crate::output::{self, Dialect, RawOptions};
use crate::session::{self, Disk, Outcome, Status, files};

pub fn run(args: &Run, term: &mut Term) -> u8 {
    (term.json, term.quiet) = (args.json, args.quiet);
    let mut options = match settings::options(&args.reading) {
        Ok(o) => o,
        Err(faults) => return super::usage(&faults, term),
    };
    let outputs = Outputs::of(args);
    options.plots = outputs.plots.clone().unwrap_or_default();
    options.device_tables = !args.quiet;
    let meter = Meter::new(args.progress, args.quiet || args.json);
    let control = Control::new(meter.clone().map(|m| m as std::sync::Arc<dyn Watch>));
    interrupt::watch(control.cancel_flag());

    let mut outcome = session::run(&args.deck, &options, &Disk, &control);
    if let Some(m) = meter {
        m.finish();
    }
    for m in outcome.points.iter().flat_map(|p| &p.messages) {
        term.note(&if args.json { format!("{}\n", serde_json::json!({ "message": m })) } else { format!("{m}\n") });
    }
    let mut unseen = None;
    if !args.quiet {
        let text = if args.json { report::json_lines(&outcome) } else { report::text(&outcome) };
        unseen = text.is_empty().then(|| report::unseen(&outcome));
        term.print(&text);
        term.flush();
    }
    let (written, faults) = write(&mut outcome, &outputs, args, term);
    if let Some(hint) = unseen.filter(|_| written.is_empty()) {
        term.note(&hint);
    }
    let status = outcome.status();
    outcome.diagnostics.extend(faults);
    term.report(&outcome.diagnostics, &outcome.sources);
    let written_badly = outcome.status();
    if status == Status::Ok { written_badly.exit_code() } else { status.exit_code() }
}

/// What was written, and what could not be. Figures first: they may need columns that the files do not keep.
fn write(outcome: &mut Outcome, outputs: &Outputs, args: &Run, term: &Term) -> (Vec<PathBuf>, Vec<Diagnostic>) {
    let mut faults = vec![];
    if args.stats {
        term.note(&report::stats(outcome));
    }
    if !outcome.has_run {
        return (vec![], faults);
    }
    let mut written: Vec<PathBuf> = vec![];
    let mut keep = |r: Result<Vec<PathBuf>, Diagnostic>| match r {
        Ok(paths) => written.extend(paths),
        Err(d) => faults.push(d),
    };
    if let Some(exprs) = &outputs.plots {
        for r in figures::of_run(outcome, exprs, outputs, &Disk) {
            keep(r);
        }
    }
    if outputs.dir.is_some() && outcome.points.iter().any(|p| !p.measures.is_empty()) {
        let path = outputs.path(".meas.csv");
        keep(files::write_measures(outcome, &path, &Disk).map(|()| vec![path]));
    }
    let raw = RawOptions { is_ascii: outputs.is_ascii, dialect: outputs.dialect, ..RawOptions::default() };
    let in_dir = outputs.dir.is_some() && outputs.formats.iter().any(|f| f.starts_with("raw"));
    if outputs.dialect == Dialect::Ltspice {
        let of_dir = in_dir.then(|| outputs.path(".log"));
        for path in outputs.rawfile.iter().map(|p| p.with_extension("log")).chain(of_dir) {
            keep(files::write_log(outcome, &path, &Disk).map(|()| vec![path]));
        }
    }
    let dataset = outcome.take_dataset();
    if let Some(path) = &outputs.rawfile {
        keep(output::format("raw").and_then(|f| files::write(&dataset, path, f, &raw, &Disk)));
    }
    if outputs.dir.is_some() {
        for name in &outputs.formats {
            keep(output::format(name).and_then(|f| {
                let extension = f.extensions.first().copied().unwrap_or(f.name);
                let path = outputs.path(&format!(".{extension}"));
                files::write(&dataset, &path, f, &raw, &Disk)
            }));
        }
    }
    if !args.quiet {
        for path in &written {
            term.note(&if args.json {
                format!("{}\n", serde_json::json!({ "wrote": path.display().to_string() }))
            } else {
                format!("wrote {}\n", path.display())
            });
        }
    }
    (written, faults)
}
