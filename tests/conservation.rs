//! Conservation laws and identities that hold whatever the numbers are.

use ferrospice::base::Control;
use ferrospice::dataset::{PlotKind, Table};
use ferrospice::session::{self, Memory, Outcome, RunOptions};

fn run(deck: &str) -> Outcome {
    let out = session::run_text("deck.cir", deck, &RunOptions::default(), &Memory::default(), &Control::default());
    assert!(!out.has_errors(), "{:?}", out.diagnostics);
    out
}

fn table(out: &Outcome, kind: PlotKind) -> &Table {
    out.tables().find(|t| t.schema.kind == kind).expect("the analysis ran")
}

/// A node that only capacitors touch keeps its charge, however loose the tolerances and however many pulses.
#[test]
fn an_isolated_node_keeps_its_charge() {
    for method in ["trap", "gear", "be", "trbdf2"] {
        let out = run(&format!(
            "isolated node between capacitors\n\
             V1 a 0 PULSE(0 1 1n 1n 1n 5n 13n)\n\
             C1 a x 1p\nC2 x 0 3p\nC3 x b 2p\nR1 b 0 1k\n\
             .ic v(x)=0.3\n.options reltol=1e-2 method={method}\n.tran 1n 2u\n.end\n"
        ));
        let t = table(&out, PlotKind::Tran);
        let [a, x, b] = ["v(a)", "v(x)", "v(b)"].map(|n| t.real(n).unwrap());
        let charge = |k: usize| 1e-12 * (x[k] - a[k]) + 3e-12 * x[k] + 2e-12 * (x[k] - b[k]);
        let start = charge(0);
        for k in 0..t.len() {
            assert!((charge(k) - start).abs() < 1e-20, "{method} point {k}: {:e} C", charge(k) - start);
        }
    }
}

/// Same with nonlinear charges: the total of an isolated node with two junctions on it.
#[test]
fn nonlinear_charges_are_conserved() {
    let out = run("charge on two expression capacitors\n\
         V1 a 0 SIN(0 1 10meg)\n\
         C1 a x q='1e-12*v(a,x)*(1+0.2*v(a,x)*v(a,x))'\nC2 x 0 q='2e-12*tanh(v(x))'\n\
         .options reltol=1e-2\n.tran 1n 5u\n.end\n");
    let t = table(&out, PlotKind::Tran);
    let (a, x) = (t.real("v(a)").unwrap(), t.real("v(x)").unwrap());
    let charges = |k: usize| (-1e-12 * (a[k] - x[k] + 0.2 * (a[k] - x[k]).powi(3)), 2e-12 * x[k].tanh());
    let largest = (0..t.len()).map(charges).map(|(p, q)| p.abs() + q.abs()).fold(0.0, f64::max);
    for k in 0..t.len() {
        // Newton's last step leaves its square: far less than reltol.
        let (p, q) = charges(k);
        assert!((p + q).abs() < 1e-4 * largest, "point {k}: {:e} of {largest:e}", p + q);
    }
    let mean = |r: std::ops::Range<usize>| r.clone().map(|k| charges(k).0 + charges(k).1).sum::<f64>() / r.len() as f64;
    let (early, late) = (mean(0..t.len() / 2), mean(t.len() / 2..t.len()));
    assert!((late - early).abs() < 1e-5 * largest, "drift from {early:e} to {late:e}");
}

/// What the source delivers is what the resistor burns plus what the inductor and the capacitor store.
#[test]
fn energy_balances() {
    let out = run("series RLC from a step\n\
         V1 a 0 PULSE(0 1 1u 10n)\nR1 a b 10\nL1 b c 10u\nC1 c 0 10n\n\
         .options reltol=1e-5\n.tran 10n 10u\n\
         .meas tran delivered integ par('-v(a)*i(v1)')\n\
         .meas tran burnt integ par('v(a,b)*v(a,b)/10')\n\
         .meas tran vend find v(c) at=10u\n.meas tran iend find i(l1) at=10u\n.end\n");
    let m = |n: &str| out.measure(n)[0];
    let stored = 0.5 * 10e-9 * m("vend").powi(2) + 0.5 * 10e-6 * m("iend").powi(2);
    assert!((m("delivered") - m("burnt") - stored).abs() < 2e-4 * m("delivered"));
}

/// A current of zero mean leaves no charge behind after 200 periods, beside a circuit whose switching makes the steps uneven
/// and Newton's method fail now and then.
#[test]
fn a_train_of_pulses_leaves_no_charge() {
    let out = run("charge of a train\n\
         i1 0 q pulse(-1 1 0 10m 10m 40m 0.1)\nc1 q 0 1\n\
         v2 a 0 pulse(-1 1 0 10m 10m 40m 0.1)\nd1 a b dd\n.model dd d\nr1 b 0 1k\nc2 b 0 1u\n\
         .ic v(q)=0\n.tran 0.1 20\n\
         .meas tran early find v(q) at=1\n.meas tran late find v(q) at=20\n\
         .meas tran swing pp v(q) from=19.9 to=20\n.end\n");
    let m = |n: &str| out.measure(n)[0];
    let s = &table(&out, PlotKind::Tran).meta.stats;
    assert!(s.rejected_newton > 100, "{s:?}");
    assert!((m("late") - m("early")).abs() < 1e-6 * m("swing"), "{} {} {}", m("early"), m("late"), m("swing"));
}

/// The current of a capacitor jumps at the corners of its voltage: its integral over a ramp is the charge, by the measure too.
#[test]
fn the_measured_integral_of_a_current_is_its_charge() {
    let out = run("charge of a ramp\n\
         v1 a 0 pulse(-1 1 1u 1u 2u 3u 10u)\nc1 a 0 1n\nr1 a b 1k\nc2 b 0 0.2n\ni1 0 c pulse(0 1m 1u 1u 2u 3u 10u)\n\
         l1 c 0 1u\n.tran 10u 1m\n\
         .meas tran up integ i(v1) from=0.9905m to=0.995m\n.meas tran down integ i(v1) from=0.9949m to=0.9995m\n\
         .meas tran flux integ v(c) from=0.9905m to=0.994m\n.meas tran most max i(c1)\n.end\n");
    let m = |n: &str| out.measure(n)[0];
    assert!((m("up") + 2.4e-9).abs() < 1e-4 * 2.4e-9, "{}", m("up"));
    assert!((m("down") - 2.4e-9).abs() < 1e-4 * 2.4e-9, "{}", m("down"));
    assert!((m("flux") - 1e-9).abs() < 1e-4 * 1e-9, "{}", m("flux"));
    assert!((m("most") - 2e-3).abs() < 1e-6 * 2e-3, "{}", m("most"));
}

/// The amplitude and phase of a settled transient are those of AC.
#[test]
fn ac_is_the_settled_transient() {
    let out = run("AC against transient, nonlinear amplifier at small signal\n\
         V1 in 0 DC 0.62 SIN(0.62 0.1m 1meg) AC 1\n\
         R1 vcc c 2k\nD1 in b dm\nR2 b 0 10k\nVcc vcc 0 5\nG1 c 0 b 0 1m\nC1 c 0 100p\n\
         .model dm d is=1e-14 cjo=1p tt=1n\n\
         .options reltol=1e-6 vntol=1e-12\n\
         .ac lin 1 1meg 1meg\n.tran 1n 12u 0 2n\n\
         .meas tran hi max v(c) from=10u to=12u\n.meas tran lo min v(c) from=10u to=12u\n.end\n");
    let ac = table(&out, PlotKind::Ac);
    let ferrospice::dataset::Column::Complex(v) = ac.column("v(c)").unwrap() else { panic!("complex") };
    let swing = (out.measure("hi")[0] - out.measure("lo")[0]) / 2e-4;
    assert!((swing - v[0].norm()).abs() < 2e-3 * v[0].norm(), "{swing} {}", v[0].norm());
}

/// A homotopy leaves nothing behind: with gmin=0 the leakage of an off diode is its saturation current alone.
#[test]
fn nothing_artificial_stays() {
    let out = run("femtoampere leakage\n\
         V1 a 0 -1\nD1 a b dm\nV2 b 0 0\n.model dm d is=1e-18\n\
         .options gmin=0 abstol=1e-21\n.op\n.end\n");
    let i = table(&out, PlotKind::Op).real("i(v2)").unwrap()[0];
    assert!((i + 1e-18).abs() < 1e-21, "{i:e}");
}

/// A nanosecond pulse followed by three years of rest costs hundreds of steps.
#[test]
fn rest_is_cheap() {
    let out = run("pulse, then rest\n\
         V1 a 0 PULSE(0 1 0 0.1n 0.1n 1n)\nR1 a b 1k\nC1 b 0 1p\nC2 b 0 0.1p\nR2 b 0 1meg\n\
         .tran 0.1n 1e8\n.end\n");
    let t = table(&out, PlotKind::Tran);
    let s = &t.meta.stats;
    assert!(s.accepted + s.rejected_lte + s.rejected_newton < 500, "{s:?}");
    assert!(t.real("v(b)").unwrap().iter().cloned().fold(0.0, f64::max) > 0.5);
    assert!(t.real("v(b)").unwrap().last().unwrap().abs() < 1e-6);
}

/// A diode of constant capacitance (m=0) that starts from `ic` discharges as v exp(-t/RC).
#[test]
fn a_diode_starts_from_its_charge() {
    let out = run("initial condition of a junction\n\
         D1 d 0 dm ic=-2\nR1 d 0 10k\n.model dm d is=1e-20 cjo=10p m=0\n\
         .options reltol=1e-5 gmin=0\n.tran 1n 200n uic\n\
         .meas tran v0 find v(d) at=0\n.meas tran v1 find v(d) at=100n\n.end\n");
    assert!((out.measure("v0")[0] + 2.0).abs() < 1e-6, "{:?}", out.measure("v0"));
    assert!((out.measure("v1")[0] + 2.0 * (-1f64).exp()).abs() < 1e-3, "{:?}", out.measure("v1"));
}
