//! Work that is saved must not show: devices that rest on their tangents, factors that serve more than one Jacobian.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use ferrospice::base::Control;
use ferrospice::dataset::{Meta, Schema, Sink, Stats};
use ferrospice::{analysis, circuit, diag::SourceMap, netlist, sim::Simulation};
use num_complex::Complex64;

struct NoFiles;

impl netlist::Files for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

/// Time and probes of every point, and the statistics.
#[derive(Default)]
struct Rows(Vec<Vec<f64>>, Stats);

impl Sink for Rows {
    fn begin(&mut self, _: &Schema) {}
    fn point(&mut self, row: &[f64]) {
        self.0.push(row.to_vec());
    }
    fn point_complex(&mut self, _: &[Complex64]) {}
    fn end(&mut self, meta: Meta) {
        self.1 = meta.stats;
    }
}

fn compile(text: &str) -> Simulation {
    let mut sources = SourceMap::new();
    let options = netlist::ParseOptions::default();
    let (deck, _) = netlist::parse(&NoFiles, "deck.cir", text, &options, &mut sources);
    let (circuit, faults) = circuit::elaborate(&deck, &sources, &circuit::Overrides::default());
    let circuit = Arc::new(circuit.unwrap_or_else(|| panic!("{faults:?}")));
    Simulation::compile(&circuit).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn run(text: &str, probes: &[&str]) -> Rows {
    simulate(&mut compile(text), probes)
}

fn simulate(sim: &mut Simulation, probes: &[&str]) -> Rows {
    let probes: Vec<_> = probes.iter().map(|name| sim.probe(name).unwrap()).collect();
    let mut rows = Rows::default();
    let circuit = sim.circuit.clone();
    analysis::run(&circuit.analyses[0].0, sim, &probes, &mut rows, &Control::default())
        .unwrap_or_else(|f| panic!("{f:?}"));
    rows
}

/// The largest difference of any probe, each run's points on the straight lines of the other's.
fn apart(a: &Rows, b: &Rows) -> f64 {
    let mut worst = 0.0f64;
    for r in &b.0 {
        let k = a.0.partition_point(|p| p[0] < r[0]).clamp(1, a.0.len() - 1);
        let (p, q) = (&a.0[k - 1], &a.0[k]);
        let w = (r[0] - p[0]) / (q[0] - p[0]);
        for c in 1..r.len() {
            worst = worst.max((r[c] - (p[c] + w * (q[c] - p[c]))).abs());
        }
    }
    worst
}

/// Runs with everything evaluated, and with devices at rest: evaluations saved, and how far apart the runs are, V.
fn compare(text: &str, probes: &[&str]) -> (Stats, f64) {
    let exact = run(&text.replace(".end", ".options bypass=0\n.end"), probes);
    let quiet = run(text, probes);
    assert_eq!(exact.1.bypassed, 0);
    (quiet.1.clone(), apart(&exact, &quiet))
}

#[test]
fn transistors_at_rest() {
    let mut s = String::from(
        "inverters\n.model n nmos level=1 vto=0.7 kp=100u gamma=0.4 lambda=0.05 tox=20n cgso=0.3n cgdo=0.3n cj=0.3m cjsw=0.2n rsh=20\n\
         .model p pmos level=3 vto=-0.7 uo=180 nsub=2e16 xj=0.2u theta=0.08 vmax=1.5e5 tox=20n cgso=0.3n cgdo=0.3n cj=0.3m\n\
         Vdd vdd 0 3.3\nVin n0 0 PULSE(0 3.3 0.2n 0.1n 0.1n 1n 4n)\n",
    );
    for k in 0..60 {
        let _ = writeln!(s, "Mp{k} n{} n{k} vdd vdd p w=4u l=1u ad=8p as=8p pd=12u ps=12u", k + 1);
        let _ = writeln!(s, "Mn{k} n{} n{k} 0 0 n w=2u l=1u ad=4p as=4p pd=8u ps=8u nrd=1 nrs=1", k + 1);
    }
    s.push_str(".tran 50p 4n\n.end\n");
    let (stats, apart) = compare(&s, &["v(n1)", "v(n2)", "v(n40)"]);
    assert!(stats.bypassed > 2 * stats.instance_evals, "{stats:?}");
    assert!(apart < 0.03, "{apart} V apart");
}

#[test]
fn diodes_at_rest() {
    // Charge pumps that settle one after another; a series resistance in every other diode.
    let mut s = String::from(
        "pumps\n.model d1 d is=1e-14 cjo=1p tt=1n\n.model d2 d is=1e-14 rs=5 cjo=1p m=0.33 bv=40\n\
         Vin in 0 SIN(0 5 1meg)\n",
    );
    for k in 0..20 {
        let _ = writeln!(
            s,
            "Da{k} 0 m{k} d1\nDb{k} m{k} o{k} d2\nCa{k} in m{k} 1n\nCb{k} o{k} 0 {}n\nR{k} o{k} 0 1meg",
            k + 1
        );
    }
    s.push_str(".tran 5n 20u\n.end\n");
    let (stats, apart) = compare(&s, &["v(o0)", "v(o5)", "v(o19)"]);
    assert!(2 * stats.bypassed > stats.instance_evals, "{stats:?}");
    assert!(apart < 0.01, "{apart} V apart");
}

#[test]
fn bipolar_transistors_at_rest() {
    let mut s = String::from(
        "amplifiers\n.model q npn is=1e-15 bf=100 vaf=60 ikf=10m rb=100 rbm=20 irb=0.1m re=1 rc=10 cje=1p cjc=0.5p cjs=1p tf=0.3n tr=10n xtf=2 vtf=3 itf=5m\n\
         Vcc vcc 0 10\n",
    );
    for k in 0..12 {
        let _ = writeln!(
            s,
            "Vi{k} i{k} 0 PULSE(0 1 {}n 5n 5n 100n)\nRs{k} i{k} b{k} 5k\nQ{k} c{k} b{k} e{k} 0 q\nRc{k} vcc c{k} 2k\nRe{k} e{k} 0 100",
            50 + 150 * k
        );
    }
    s.push_str(".tran 1n 2u\n.end\n");
    let (stats, apart) = compare(&s, &["v(c0)", "v(c5)", "v(c11)"]);
    assert!(stats.bypassed > 2 * stats.instance_evals, "{stats:?}");
    assert!(apart < 0.03, "{apart} V apart");
}

#[test]
fn another_temperature_forgets_what_was_kept() {
    let text = "hot\n.model d d is=1e-14 cjo=1p rs=10\n.model q npn is=1e-15 bf=100 cje=1p\n.model n nmos vto=0.7 kp=100u tox=20n\n\
                V1 a 0 PULSE(0 1 1n 1n 1n 5n)\nR1 a b 1k\nD1 b 0 d\nVc c 0 3\nR2 c e 10k\nQ1 e b 0 q\nR3 c f 10k\nM1 f a 0 0 n w=10u l=1u\n\
                .tran 0.1n 10n\n.end\n";
    let probes = ["v(b)", "v(e)", "v(f)"];
    let mut used = compile(text);
    let cold = simulate(&mut used, &probes);
    used.set_temperature(400.0);
    let again = simulate(&mut used, &probes);
    let mut fresh = compile(text);
    fresh.set_temperature(400.0);
    let hot = simulate(&mut fresh, &probes);
    assert!(apart(&cold, &hot) > 0.05);
    assert!(hot.1.bypassed > 0 && apart(&hot, &again) < 1e-9, "{}", apart(&hot, &again));
}

#[test]
fn an_analysis_does_not_depend_on_what_ran_before() {
    let mixed = "mixed\n.model d d is=1e-14 cjo=1p rs=10\n.model q npn is=1e-15 bf=100 cje=1p\n.model n nmos vto=0.7 kp=100u tox=20n\n\
                 V1 a 0 PULSE(0.4 1 1n 1n 1n 5n)\nR1 a b 1k\nD1 b 0 d\nVc c 0 3\nR2 c e 10k\nQ1 e b 0 q\nR3 c f 10k\nM1 f a 0 0 n w=10u l=1u\n\
                 S1 c g a 0 s\nR4 g 0 1k\n.model s sw(vt=0.5 vh=0.3 ron=100 roff=1meg)\nZ1 c f 0 z\n.model z nmf(cgs=1p cgd=1p)\n\
                 .tran 0.1n 4n\n.end\n";
    for (text, probes) in [(mixed, &["v(b)", "v(e)", "v(f)", "v(g)"][..]), (&array(24), &["v(r1_0)", "v(c12_23)"][..])]
    {
        let mut used = compile(text);
        let first = simulate(&mut used, probes);
        let second = simulate(&mut used, probes);
        assert_eq!(first.0, second.0);
        assert_eq!((first.1.iterations, first.1.bypassed), (second.1.iterations, second.1.bypassed));
    }
}

/// An array of nonlinear resistors with wires, one row of which is pulsed: its factors are dear.
fn array(n: usize) -> String {
    let mut s = String::from("array\n");
    for i in 0..n {
        let wave = if i == 1 { "PULSE(0 1.5 1n 2n 2n 4n)".into() } else { format!("DC {}", 0.01 * (i % 3) as f64) };
        let _ = writeln!(s, "Vr{i} r{i}_s 0 {wave}\nRd{i} r{i}_s r{i}_0 50\nRc{i} c{i}_{} 0 50", n - 1);
        for j in 0..n {
            let next = j + 1;
            if next < n {
                let _ = writeln!(s, "Rw{i}_{j} r{i}_{j} r{i}_{next} 5\nRb{i}_{j} c{i}_{j} c{i}_{next} 5");
            }
            let v = format!("v(r{i}_{j},c{j}_{i})");
            let _ = writeln!(s, "Cw{i}_{j} r{i}_{j} 0 10f\nBm{i}_{j} r{i}_{j} c{j}_{i} i=2e-6*sinh(3*{v})");
        }
    }
    s.push_str(".tran 0.1n 10n\n.end\n");
    s
}

#[test]
fn old_factors_serve_while_newton_converges_fast() {
    let text = array(24);
    let probes = ["v(r1_0)", "v(r1_23)", "v(r5_12)", "v(c12_23)"];
    let full = run(&text.replace(".end", ".options modnewton=0\n.end"), &probes);
    let modified = run(&text, &probes);
    let count = |r: &Rows| r.1.factorizations + r.1.refactorizations;
    assert_eq!(full.1.modified, 0);
    assert!(modified.1.modified > 0 && 3 * count(&modified) < 2 * count(&full), "{:?}\n{:?}", modified.1, full.1);
    assert!(apart(&full, &modified) < 2e-3, "{}", apart(&full, &modified));
}
