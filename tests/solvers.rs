//! `.options solver=`: every linear kernel gives the same answers on decks, and the statistics say which one worked.

use std::fmt::Write;

use ferrospice::base::Control;
use ferrospice::dataset::{Column, PlotKind, Table};
use ferrospice::session::{self, Memory, Outcome, RunOptions};

fn run(deck: &str) -> Outcome {
    let out = session::run_text("deck.cir", deck, &RunOptions::default(), &Memory::default(), &Control::default());
    assert!(!out.has_errors(), "{:?}", out.diagnostics);
    out
}

fn table(out: &Outcome, kind: PlotKind) -> &Table {
    out.tables().find(|t| t.schema.kind == kind).expect("the analysis ran")
}

/// Rows and columns of wire segments with a cell at every crossing, driven at the left, sensed at the bottom.
fn array(m: usize, cell: impl Fn(usize, usize) -> String) -> String {
    // A current and a conductance, so that a network of resistors has a symmetric positive definite matrix.
    let mut s = String::from("array\nI1 0 in DC 10m AC 20m PULSE(10m 20m 1n 1n 1n 20n 50n)\nRin in 0 50\n");
    for i in 0..m {
        let _ = writeln!(s, "Rw{i} {} r{i}_0 100", if i % 2 == 0 { "in" } else { "0" });
        let _ = writeln!(s, "Rb{i} c{}_{i} 0 100", m - 1);
        for j in 0..m {
            let _ = writeln!(s, "{}", cell(i, j));
            let _ = writeln!(s, "Cr{i}_{j} r{i}_{j} 0 10f");
            if j + 1 < m {
                let _ = writeln!(s, "Rr{i}_{j} r{i}_{j} r{i}_{} 2.5", j + 1);
            }
            if i + 1 < m {
                let _ = writeln!(s, "Rc{i}_{j} c{i}_{j} c{}_{j} 2.5", i + 1);
            }
        }
    }
    s
}

/// Values of a column by solver, and the kernels that did the work.
fn by_solver(deck: &str, analysis: &str, kind: PlotKind, signals: &[&str]) -> Vec<(String, Vec<Vec<f64>>)> {
    let of = |solver: &str| {
        let out = run(&format!("{deck}.options solver={solver} reltol=1e-6\n{analysis}\n.end\n"));
        let t = table(&out, kind);
        assert!(t.meta.stats.factor_entries > 0);
        let values = signals.iter().map(|s| match t.column(s) {
            Some(Column::Real(v)) => v.clone(),
            Some(Column::Complex(z)) => z.iter().map(|z| z.norm()).collect(),
            None => panic!("no {s}"),
        });
        (t.meta.stats.kernel.clone(), values.collect())
    };
    ["auto", "lu", "multifrontal", "cholesky"].into_iter().map(of).collect()
}

fn agree(found: &[(String, Vec<Vec<f64>>)], tolerance: f64) {
    for (name, signals) in &found[1..] {
        for (one, other) in found[0].1.iter().zip(signals) {
            let size = one.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            let (a, b) = (one[one.len() - 1], other[other.len() - 1]);
            assert!((a - b).abs() <= tolerance * size, "{name}: {a:e} {b:e}");
        }
    }
}

#[test]
fn resistors() {
    let deck = array(20, |i, j| format!("Rx{i}_{j} r{i}_{j} c{i}_{j} {}", 1e4 * (1 + (3 * i + 5 * j) % 7) as f64));
    let signals = ["v(c19_7)", "v(r4_19)", "v(in)"];
    let found = by_solver(&deck, ".op", PlotKind::Op, &signals);
    agree(&found, 1e-10);
    let kernels: Vec<&str> = found.iter().map(|f| f.0.as_str()).collect();
    assert_eq!(kernels, [kernels[0], "lu", "multifrontal", "cholesky"]);
    agree(&by_solver(&deck, ".ac dec 2 1meg 1g", PlotKind::Ac, &signals), 1e-9);
    agree(&by_solver(&deck, ".tran 1n 12n", PlotKind::Tran, &signals), 1e-4);
}

#[test]
fn nonlinear_cells() {
    let mut deck = array(6, |i, j| format!("D{i}_{j} r{i}_{j} m{i}_{j} dx\nRx{i}_{j} m{i}_{j} c{i}_{j} 1k"));
    deck += ".model dx d is=1e-14 n=1.2\n";
    let signals = ["v(c5_3)", "v(m4_5)", "v(in)"];
    agree(&by_solver(&deck, ".op", PlotKind::Op, &signals), 1e-6);
    agree(&by_solver(&deck, ".tran 1n 12n", PlotKind::Tran, &signals), 1e-4);
}

/// Transistors make the values unsymmetric, which `cholesky` leaves to the multifrontal kernel.
#[test]
fn transistors() {
    let mut deck =
        array(8, |i, j| format!("M{i}_{j} c{i}_{j} r{i}_{j} s{i}_{j} 0 nx w=2u l=1u\nRx{i}_{j} s{i}_{j} 0 10k"));
    deck += ".model nx nmos level=1 vto=0.3 kp=100u lambda=0.02\nVb c0_0 0 1\n";
    let found = by_solver(&deck, ".op", PlotKind::Op, &["v(c7_0)", "v(s4_0)", "i(vb)"]);
    agree(&found, 1e-6);
    assert_eq!(found[3].0, "multifrontal");
}

/// A large array goes to the fronts by itself, a chain does not.
#[test]
fn the_choice_follows_the_fill() {
    let deck = array(64, |i, j| format!("Rx{i}_{j} r{i}_{j} c{i}_{j} 10k"));
    let kernel = |deck: &str| table(&run(&format!("{deck}.op\n.end\n")), PlotKind::Op).meta.stats.clone();
    let of = kernel(&deck);
    assert_ne!(of.kernel, "lu");
    assert!(of.factor_flops > 0 && !of.ordering.is_empty() && of.factorizations > 0);
    let mut chain = String::from("chain\nV1 n0 0 1\n");
    for i in 0..2000 {
        let _ = writeln!(chain, "R{i} n{i} n{} 1k\nC{i} n{} 0 1p", i + 1, i + 1);
    }
    chain += "Rl n2000 0 1k\n";
    assert_eq!(kernel(&chain).kernel, "lu");
}
