//! Sweeps the capacitor of a low-pass filter from Rust and prints its rise time.
//!
//! `cargo run --example sweep`

use ferrospice::base::Control;
use ferrospice::diag::render::{self, Style};
use ferrospice::session::{self, Memory, RunOptions};

const DECK: &str = "\
RC low pass: rise time against capacitance
.param c=1n
V1 in 0 pulse(0 1 0 1p 1p 1 2)
R1 in out 1k
C1 out 0 {c}
.tran {c*10} {c*10k}
.meas tran rise trig v(out) val=0.1 rise=1 targ v(out) val=0.9 rise=1
.end
";

fn main() {
    for c in [1e-9, 2.2e-9, 4.7e-9, 10e-9] {
        let options = RunOptions { params: vec![("c".into(), c)], ..RunOptions::default() };
        let outcome = session::run_text("rc.cir", DECK, &options, &Memory::default(), &Control::default());
        if outcome.has_errors() {
            eprint!("{}", render::text(&outcome.diagnostics, &outcome.sources, Style::default()));
            std::process::exit(1);
        }
        // The 10 % to 90 % rise time of a first-order low pass is ln(9) RC.
        let expected = 9f64.ln() * 1e3 * c;
        for rise in outcome.measure("rise") {
            println!("c = {c:.1e} F: rise time {rise:.4e} s, expected {expected:.4e} s");
        }
    }
}
