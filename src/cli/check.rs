//! `ferrospice check`: netlists without running them, or their `.check` cards.

use serde_json::json;

use super::args::Check;
use super::settings;
use super::term::Term;
use super::{interrupt, usage};
use crate::base::Control;
use crate::circuit::cards::CheckTest;
use crate::diag::Diagnostic;
use crate::diag::codes::session as code;
use crate::session::{self, Disk, Outcome, RunOptions, Status};

pub fn run(args: &Check, term: &mut Term) -> u8 {
    (term.json, term.quiet) = (args.json, args.quiet);
    let options = match settings::options(&args.reading) {
        Ok(o) => o,
        Err(faults) => return usage(&faults, term),
    };
    let control = Control::new(None);
    interrupt::watch(control.cancel_flag());
    let mut worst = Status::Ok;
    let (mut passed, mut failed) = (0, 0);
    for deck in &args.decks {
        let name = deck.display().to_string();
        if args.run {
            let mut outcome = session::run(deck, &options, &Disk, &control);
            if outcome.has_run && outcome.checks().next().is_none() {
                outcome
                    .diagnostics
                    .push(Diagnostic::warning(code::NOTHING_TO_CHECK, format!("`{name}` has no `.check`")));
            }
            term.report(&outcome.diagnostics, &outcome.sources);
            let (p, f) = verdicts(&name, &outcome, args, term);
            (passed, failed) = (passed + p, failed + f);
            if let Some(percent) = args.settled.filter(|_| !control.is_cancelled()) {
                let tighter = RunOptions { reltol_factor: Some(0.1), ..options.clone() };
                let second = session::run(deck, &tighter, &Disk, &control);
                failed += moved(&name, &outcome, &second, percent, term);
            }
            worst = worst.max(outcome.status());
        } else {
            let outcome = session::check(deck, &options, &Disk);
            term.report(&outcome.diagnostics, &outcome.sources);
            if args.json {
                term.line(&json!({ "deck": name, "ok": !outcome.has_errors(), "elements": outcome.elements, "nodes": outcome.nodes }).to_string());
            } else if !outcome.has_errors() && !args.quiet {
                let (e, n) = (count(outcome.elements, "element"), count(outcome.nodes, "node"));
                term.line(&format!("{name}: ok, {e}, {n}"));
            }
            worst = worst.max(outcome.status());
        }
        if control.is_cancelled() {
            break;
        }
    }
    if args.run {
        if args.json {
            term.line(&json!({ "passed": passed, "failed": failed }).to_string());
        } else {
            term.line(&format!("{passed} passed, {failed} failed"));
        }
    }
    match worst {
        Status::Interrupted => Status::Interrupted.exit_code(),
        _ if failed > 0 => Status::Fault.exit_code(),
        other => other.exit_code(),
    }
}

/// Figures that moved when the tolerance was tightened.
fn moved(deck: &str, first: &Outcome, second: &Outcome, percent: f64, term: &Term) -> usize {
    let mut failed = 0;
    let mut say = |name: &str, text: String| {
        failed += 1;
        if term.json {
            term.line(&json!({ "deck": deck, "check": name, "settled": false, "why": text }).to_string());
        } else {
            term.line(&format!("MOVE {deck}: {name} {text}"));
        }
    };
    for (a, b) in first.checks().zip(second.checks()) {
        // What is measured against zero, or only has to be small, is noise within its bound.
        let noise = match a.test {
            CheckTest::WithinAbs { tol, .. } => tol,
            CheckTest::Less(v) => v.abs(),
            _ => 0.0,
        };
        match (a.value, b.value) {
            (Some(x), Some(y)) => {
                if (x - y).abs() > (0.01 * percent * x.abs().max(y.abs())).max(noise) {
                    say(&a.name, format!("= {}, and {} at a tenth of reltol", session::number(x), session::number(y)));
                }
            }
            (None, None) => {}
            _ => say(&a.name, "has a value at one of the tolerances only".into()),
        }
    }
    if first.checks().count() != second.checks().count() {
        say("*", "other checks at a tenth of reltol".into());
    }
    failed
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// One line a check. A deck that did not run to its end without any check to show for it is one failure.
fn verdicts(deck: &str, outcome: &Outcome, args: &Check, term: &Term) -> (usize, usize) {
    let (mut passed, mut failed) = (0, 0);
    for p in &outcome.points {
        for c in &p.checks {
            if c.is_ok {
                passed += 1;
            } else {
                failed += 1;
            }
            if args.json {
                let line = json!({
                    "deck": deck, "check": c.name, "at": p.label, "ok": c.is_ok, "value": c.value,
                    "expected": session::expectation(&c.test),
                });
                term.line(&line.to_string());
            } else if !c.is_ok || !args.quiet {
                let at = if p.label.is_empty() { String::new() } else { format!(" [{}]", p.label) };
                term.line(&format!("{} {deck}: {}{at} = {}", if c.is_ok { "ok  " } else { "FAIL" }, c.name, c.text()));
            }
        }
    }
    if failed == 0 && outcome.has_errors() {
        failed += 1;
        if args.json {
            term.line(&json!({ "deck": deck, "ok": false }).to_string());
        } else {
            term.line(&format!("FAIL {deck}: did not run without errors"));
        }
    }
    (passed, failed)
}
