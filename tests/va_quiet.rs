//! Verilog-A instances that stand still: fewer evaluations, the same waveform, the same bits on any number of threads.

use std::fmt::Write;
use std::path::Path;

use ferrospice::base::Control;
use ferrospice::dataset::Table;
use ferrospice::diag::render::{self, Style};
use ferrospice::session::world::Memory;
use ferrospice::session::{self, RunOptions};

/// A transistor with one interpolated law from weak to strong inversion, charges, and a series resistance at its drain.
const MODULE: &str = "`include \"disciplines.vams\"
`include \"constants.vams\"
module fet(d, g, s); inout d, g, s; electrical d, g, s, di;
parameter real pol = 1; parameter real k = 1e-4; parameter real vt = 0.5; parameter real n = 1.3;
real phi, f, r;
analog begin
  phi = 2 * n * $vt;
  f = ln(1 + exp((pol * V(g, s) - vt) / phi));
  r = ln(1 + exp((pol * V(g, s) - vt - n * pol * V(di, s)) / phi));
  I(di, s) <+ pol * k * phi * phi * (f * f - r * r);
  I(d, di) <+ V(d, di) / 50;
  I(g, s) <+ ddt(2e-15 * V(g, s) + 1e-15 * f * phi * pol);
  I(g, d) <+ ddt(1e-15 * V(g, d));
  I(d, s) <+ ddt(5e-15 * V(d, s));
end
endmodule
";

fn run(stages: usize, options: &str, threads: usize) -> Table {
    let mut deck =
        format!("chain\n.hdl \"m.va\"\n.options {options}\nvdd vdd 0 1.5\nvin n0 0 pulse(0 1.5 0.1n 50p 50p 1n 3n)\n");
    for k in 0..stages {
        let _ = writeln!(deck, "xp{k} n{next} n{k} vdd fet pol=-1 k=2e-4\nxn{k} n{next} n{k} 0 fet", next = k + 1);
    }
    let _ = write!(deck, ".save v(n1) v(n2) v(n{stages})\n.tran 20p 3n\n.end\n");
    let world = Memory::new([("m.va", MODULE), ("t.cir", deck.as_str())]);
    let options = RunOptions { threads, ..RunOptions::default() };
    let mut out = session::run(Path::new("t.cir"), &options, &world, &Control::default());
    assert!(!out.has_errors(), "{}", render::text(&out.diagnostics, &out.sources, Style::default()));
    out.points.remove(0).tables.remove(0).table
}

fn columns(t: &Table) -> Vec<Vec<f64>> {
    t.schema.signals.iter().map(|s| t.column(&s.name).unwrap().re()).collect()
}

#[test]
fn tangents_save_evaluations_and_keep_the_waveform() {
    let (exact, quiet) = (run(30, "bypass=0", 1), run(30, "bypass=1", 1));
    let (all, kept) = (&exact.meta.stats, &quiet.meta.stats);
    assert_eq!(all.bypassed, 0);
    assert!(kept.bypassed > kept.instance_evals, "{kept:?}");
    let (a, b) = (columns(&exact), columns(&quiet));
    let time = |c: &[Vec<f64>]| c[0].clone();
    let (ta, tb) = (time(&a), time(&b));
    let mut worst = 0.0f64;
    for (j, t) in tb.iter().enumerate() {
        let k = ta.partition_point(|x| x < t).clamp(1, ta.len() - 1);
        let w = (t - ta[k - 1]) / (ta[k] - ta[k - 1]);
        for c in 1..a.len() {
            worst = worst.max((b[c][j] - (a[c][k - 1] + w * (a[c][k] - a[c][k - 1]))).abs());
        }
    }
    assert!(worst < 0.015, "{worst} V apart");
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    // More than one thread takes part from 64 instances on.
    for options in ["bypass=0", "bypass=1"] {
        let one = run(60, options, 1);
        assert!(one.len() > 30);
        for threads in [2, 3] {
            let bits = |t: &Table| columns(t).concat().into_iter().map(f64::to_bits).collect::<Vec<_>>();
            assert!(bits(&one) == bits(&run(60, options, threads)), "{options}, {threads} threads");
        }
    }
}
