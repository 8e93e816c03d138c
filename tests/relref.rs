//! `.options relref=`: what errors in time are relative to.

use ferrospice::base::Control;
use ferrospice::dataset::{Stats, Table};
use ferrospice::session::{self, Memory, Outcome, RunOptions};

fn run(deck: &str) -> Outcome {
    session::run_text("deck.cir", deck, &RunOptions::default(), &Memory::default(), &Control::default())
}

/// A selected line at volts, and beside it a half-selected one where the same pulse leaves microvolts through 1 aF and whose own
/// time constant is 100 times shorter. A state of a few 1e-9, inside of a device, follows with the time constant of the first.
fn deck(options: &str) -> String {
    format!(
        "lines\nV1 in 0 PULSE(0 3 10n 1n 1n 200n)\nR1 in sel 10k\nC1 sel 0 1p\nC2 sel half 1a\nR2 half 0 1k\nC3 half 0 100f\n\
         B1 s 0 V=idt(1e8*(1e-9*v(in)-v(s)),0)\nR3 s 0 1\n.tran 1n 400n\n.save v(sel) v(half) v(s)\n.options {options}\n.end\n"
    )
}

fn table(out: &Outcome) -> &Table {
    assert!(!out.has_errors(), "{:?}", out.diagnostics);
    out.tables().next().expect("a transient")
}

fn stats(out: &Outcome) -> Stats {
    table(out).meta.stats.clone()
}

/// Largest distance of a signal that follows the pulse with 10 ns to `top`, in shares of that.
fn error(out: &Outcome, name: &str, top: f64) -> f64 {
    let t = table(out);
    let (time, v) = (t.real("time").expect("time"), t.real(name).expect(name));
    let tau = 10e-9;
    let exact = |t: f64| {
        let ramp = |t: f64| if t > 0.0 { t - tau * (1.0 - (-t / tau).exp()) } else { 0.0 };
        1.0 / 1e-9 * (ramp(t - 10e-9) - ramp(t - 11e-9) - ramp(t - 211e-9) + ramp(t - 212e-9))
    };
    time.iter().zip(v).map(|(&t, v)| (v / top - exact(t)).abs()).fold(0.0, f64::max)
}

#[test]
fn small_signals_cost_steps_only_where_errors_are_their_own() {
    let (local, global) = (run(&deck("reltol=1e-4")), run(&deck("reltol=1e-4 relref=sigglobal")));
    let (l, g) = (stats(&local), stats(&global));
    assert!(4 * g.accepted < 3 * l.accepted, "{} and {} points", l.accepted, g.accepted);
    // What is large is as accurate as before.
    for out in [&local, &global] {
        assert!(error(out, "v(sel)", 3.0) < 2e-3, "{}", error(out, "v(sel)", 3.0));
        // States keep their own scale.
        assert!(error(out, "v(s)", 3e-9) < 2e-3, "{}", error(out, "v(s)", 3e-9));
    }
    assert_eq!(stats(&run(&deck("reltol=1e-4 relref=alllocal"))).accepted, l.accepted);
}

#[test]
fn an_unknown_reference_is_told() {
    let out = run(&deck("relref=sigloval"));
    let d = out.diagnostics.iter().find(|d| d.code.0 == "E0337").expect("a diagnostic");
    assert!(d.help.iter().any(|h| h.contains("there are: alllocal, sigglobal")), "{d:?}");
}
