//! `ferrospice array`: studies of arrays without a netlist.

pub mod args;
mod cell;
mod gated;
mod input;
mod memory;
mod output;
mod products;
mod write;

use std::sync::Arc;
use std::time::Instant;

use args::{ArrayArgs, ArrayCommand, Results};
use output::{Report, give};

use super::progress::Meter;
use super::term::Term;
use super::{interrupt, usage};
use crate::array::laws::LAWS;
use crate::array::{Certificate, Settings};
use crate::base::Control;
use crate::base::control::Watch;
use crate::base::units::format_si;
use crate::diag::codes::array::ARRAY_SHAPE;
use crate::diag::{Diagnostic, SourceMap};

/// What a study works with.
struct Job<'a> {
    results: &'a Results,
    settings: Settings,
    control: Control,
}

pub fn run(args: &ArrayArgs, term: &mut Term) -> u8 {
    match &args.command {
        ArrayCommand::Solve { inputs, volts, cells, device, wires, results } => {
            study(results, term, |job| match &device.cell {
                Some(file) => {
                    let matrices = [&cells.conductances, &cells.resistances];
                    if matrices.iter().any(|m| m.is_some()) || cells.uniform.is_some() || cells.random.is_some() {
                        let d =
                            Diagnostic::error(ARRAY_SHAPE, "cells are given twice: by `--cell`, and by their values");
                        return Err(vec![d.help("`--map PARAM=FILE` gives a model's parameters cell by cell")]);
                    }
                    let made = cell::cells(device, file, &["wl", "bl"], cells.size)?;
                    products::devices(made, inputs.as_deref(), *volts, wires, job)
                }
                None => products::solve(inputs.as_deref(), *volts, cells, wires, job),
            })
        }
        ArrayCommand::Irdrop { inputs, ratios, sizes, cells, wires, results } => {
            study(results, term, |job| match ratios {
                Some(r) => products::table(r, sizes, job),
                None => products::ir_drop(inputs.as_deref(), cells, wires, job),
            })
        }
        ArrayCommand::Vmm { inputs, sets, dac_bits, adc_bits, noise, cells, wires, results } => {
            let converters = crate::array::study::Converters {
                dac_bits: *dac_bits,
                adc_bits: *adc_bits,
                noise: *noise,
                seed: cells.seed,
                ..Default::default()
            };
            study(results, term, |job| products::vmm(inputs.as_deref(), *sets, &converters, cells, wires, job))
        }
        ArrayCommand::Effective { cells, wires, results } => {
            study(results, term, |job| products::effective(cells, wires, job))
        }
        ArrayCommand::Read { selection, cells, wires, results } => {
            study(results, term, |job| memory::read(selection, cells, wires, job))
        }
        ArrayCommand::Disturb { v0, all, selection, cells, wires, results } => {
            study(results, term, |job| memory::disturb(*v0, *all, selection, cells, wires, job))
        }
        ArrayCommand::Gated(g) => study(&g.results, term, |job| gated::run(g, job)),
        ArrayCommand::Write(w) => study(&w.results, term, |job| write::run(w, job)),
        ArrayCommand::Margin { memory, sizes } => {
            study(&memory.results, term, |job| memory::margins(memory, sizes, job))
        }
        ArrayCommand::Size { memory, least, most } => {
            study(&memory.results, term, |job| memory::size(memory, *least, *most, job))
        }
        ArrayCommand::Laws => {
            for l in LAWS {
                term.line(&format!("{:12} {}", l.name, l.doc));
                for p in l.params {
                    term.line(&format!("    {:8} {:>8} {:4} {}", p.name, format!("{:e}", p.default), p.unit, p.doc));
                }
            }
            0
        }
    }
}

/// Sets up threads, progress and interruption around a study, and shows what comes of it.
fn study(results: &Results, term: &mut Term, f: impl FnOnce(&Job) -> Result<Report, Vec<Diagnostic>> + Send) -> u8 {
    (term.json, term.quiet) = (results.json, results.quiet);
    if !(results.tol > 0.0 && results.tol < 1.0) {
        return usage(&[format!("--tol {}: a number between 0 and 1", results.tol)], term);
    }
    let meter = Meter::new(results.progress, results.quiet || results.json);
    let control = Control::new(meter.clone().map(|m| m as Arc<dyn Watch>));
    interrupt::watch(control.cancel_flag());
    let job = Job { results, settings: Settings { tol: results.tol, ..Settings::default() }, control };
    let start = Instant::now();
    let outcome = if results.threads == 0 {
        // On a thread of the pool: who hands over work from outside sleeps until it is done, and wakes late.
        rayon::scope(|_| f(&job))
    } else {
        match rayon::ThreadPoolBuilder::new().num_threads(results.threads).build() {
            Ok(pool) => pool.install(|| f(&job)),
            Err(e) => return usage(&[format!("--threads {}: {e}", results.threads)], term),
        }
    };
    if let Some(m) = meter {
        m.finish();
    }
    match outcome {
        Ok(mut report) => {
            let seconds = start.elapsed().as_secs_f64();
            report.text.push_str(&format!("time              {}\n", format_si(seconds, "s")));
            if report.is_partial {
                report.text.push_str("interrupted: what was found so far\n");
            }
            if let serde_json::Value::Object(m) = &mut report.summary {
                m.insert("seconds".into(), serde_json::json!(seconds));
            }
            give(report, job.results, term)
        }
        Err(faults) => {
            term.report(&faults, &SourceMap::new());
            1
        }
    }
}

/// `residual          3.1e-14 of the sources' currents, at most 2e-17 A at a node; 11 iterations`
fn certified(c: &Certificate) -> String {
    format!(
        "residual          {:.1e} of the sources' currents, at most {} at a node; {} iterations\n",
        c.residual,
        format_si(c.worst, "A"),
        c.iterations
    )
}
