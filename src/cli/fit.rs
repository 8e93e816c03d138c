//! `ferrospice fit`: parameters of a deck fitted to its `.check` cards.

use serde_json::json;

use super::args::Fit;
use super::settings;
use super::term::Term;
use super::{interrupt, usage};
use crate::base::Control;
use crate::session::fit::{Target, Variable, fit, goal};
use crate::session::{Disk, Status, World, number};

pub fn run(args: &Fit, term: &mut Term) -> u8 {
    term.json = args.json;
    let mut faults = vec![];
    let mut variables = vec![];
    for v in &args.vary {
        match Variable::parse(v) {
            Ok(v) => variables.push(v),
            Err(f) => faults.push(f),
        }
    }
    let options = match settings::options(&args.reading) {
        Ok(o) if faults.is_empty() => o,
        Ok(_) => return usage(&faults, term),
        Err(more) => {
            faults.extend(more);
            return usage(&faults, term);
        }
    };
    let name = args.deck.display().to_string();
    let text = match Disk.read(&args.deck) {
        Ok(t) => t,
        Err(e) => return usage(&[format!("cannot read `{name}`: {e}")], term),
    };
    let control = Control::new(None);
    interrupt::watch(control.cancel_flag());
    let seed = args.reading.seed.unwrap_or(1);
    let f = match fit(&name, &text, &options, &Disk, &variables, args.starts.max(1), seed, &control) {
        Ok(f) => f,
        Err(outcome) => {
            term.report(&outcome.diagnostics, &outcome.sources);
            if !outcome.has_errors() {
                term.note(&format!("`{name}` has no `.check` to fit to\n"));
            }
            return outcome.status().max(Status::Fault).exit_code();
        }
    };
    let all_ok = f.best.checks.iter().all(|c| c.is_ok);
    if args.json {
        let checks: Vec<_> = (f.best.checks.iter().zip(&f.first.checks))
            .map(|(c, b)| json!({"name": c.name, "goal": goal(c), "before": b.value, "after": c.value, "ok": c.is_ok}))
            .collect();
        let values: serde_json::Map<String, serde_json::Value> =
            variables.iter().zip(&f.best.values).map(|(v, x)| (v.name(), json!(x))).collect();
        let idle: Vec<String> = variables.iter().zip(&f.idle).filter(|i| *i.1).map(|(v, _)| v.name()).collect();
        let line = json!({"values": values, "checks": checks, "cost": f.best.cost, "runs": f.runs, "ok": all_ok, "idle": idle,
                          "interrupted": f.is_interrupted});
        term.line(&line.to_string());
    } else {
        table(
            term,
            &["figure", "at first", "fitted", "goal", ""],
            f.best.checks.iter().zip(&f.first.checks).map(|(c, b)| {
                let value = |x: Option<f64>| x.map_or("no value".into(), number);
                vec![
                    c.name.clone(),
                    value(b.value),
                    value(c.value),
                    goal(c),
                    if c.is_ok { "ok" } else { "MISSED" }.into(),
                ]
            }),
        );
        term.line("");
        table(
            term,
            &["variable", "at first", "fitted", "bounds", ""],
            variables.iter().enumerate().map(|(k, v)| {
                let x = f.best.values[k];
                let note = match x {
                    _ if f.idle[k] => "moves no check",
                    _ if x == v.lo || x == v.hi => "at its bound",
                    _ => "",
                };
                let bounds = format!("{} to {}", number(v.lo), number(v.hi));
                vec![v.name(), number(f.first.values[k]), number(x), bounds, note.into()]
            }),
        );
        let missed = f.best.checks.iter().filter(|c| !c.is_ok).count();
        let verdict = if all_ok {
            "all checks hold".into()
        } else {
            format!("{missed} of {} checks MISSED", f.best.checks.len())
        };
        term.line(&format!(
            "\n{verdict}; {} runs; sum of squares, a tolerance being 1: {} -> {}\n",
            f.runs,
            number(f.first.cost),
            number(f.best.cost)
        ));
        for (v, x) in variables.iter().zip(&f.best.values) {
            match &v.target {
                Target::Param(p) => term.line(&format!(".param {p}={}", number(*x))),
                Target::Model(card, p) => term.line(&format!("* .model {card}: {p}={}", number(*x))),
            }
        }
    }
    match (f.is_interrupted, all_ok) {
        (true, _) => Status::Interrupted.exit_code(),
        (false, true) => 0,
        (false, false) => Status::Fault.exit_code(),
    }
}

/// Aligned columns under a heading.
fn table(term: &Term, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<Vec<String>> = std::iter::once(head.iter().map(|h| h.to_string()).collect()).chain(rows).collect();
    let width = |k: usize| rows.iter().map(|r| r[k].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    for r in &rows {
        let cells: Vec<String> = r.iter().zip(&widths).map(|(c, w)| format!("{c:<w$}")).collect();
        term.line(cells.join("  ").trim_end());
    }
}
