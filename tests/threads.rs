//! Results do not depend on the number of threads, nor on the company that an instance has in its batch.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use ferrospice::base::Control;
use ferrospice::dataset::{Meta, Schema, Sink, Stats};
use ferrospice::netlist::Files;
use ferrospice::session::BackEnd;
use ferrospice::veriloga::Library;
use ferrospice::{analysis, circuit, diag::SourceMap, netlist, sim::Simulation, veriloga};
use num_complex::Complex64;

/// The file of a module and no other.
struct OneFile;

impl netlist::Files for OneFile {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        let is_ekv = path.file_name().is_some_and(|name| name == "ekv.va");
        is_ekv.then(|| include_str!("../models/ekv.va").to_string()).ok_or(std::io::ErrorKind::NotFound.into())
    }
}

/// Every number of every point, as bits, and the statistics.
#[derive(Default)]
struct Bits(Vec<u64>, Stats);

impl Sink for Bits {
    fn begin(&mut self, _: &Schema) {}
    fn point(&mut self, row: &[f64]) {
        self.0.extend(row.iter().map(|x| x.to_bits()));
    }
    fn point_complex(&mut self, _: &[Complex64]) {}
    fn end(&mut self, meta: Meta) {
        self.1 = meta.stats;
    }
}

/// Chains of inverters, one beside the other, that switch one after another.
fn inverters(count: usize, stop: &str, options: &str) -> String {
    let mut s = format!(
        "inverters\n.model n nmos level=1 vto=0.7 kp=100u gamma=0.4 lambda=0.05 tox=20n cgso=0.3n cgdo=0.3n cj=0.3m cjsw=0.2n\n\
         .model p pmos level=3 vto=-0.7 uo=180 nsub=2e16 xj=0.2u theta=0.08 vmax=1.5e5 tox=20n cgso=0.3n cgdo=0.3n cj=0.3m\n\
         {options}\nVdd vdd 0 3.3\nVin n0 0 PULSE(0 3.3 0.2n 0.1n 0.1n 1n 4n)\n"
    );
    for k in 0..count {
        let _ = writeln!(s, "Mp{k} n{} n{k} vdd vdd p w=4u l=1u ad=8p as=8p pd=12u ps=12u", k + 1);
        let _ = writeln!(s, "Mn{k} n{} n{k} 0 0 n w=2u l=1u ad=4p as=4p pd=8u ps=8u", k + 1);
    }
    let _ = write!(s, ".tran 50p {stop}\n.end\n");
    s
}

/// Clippers with a diode and a transistor each, all driven by the same sine.
fn clippers(count: usize) -> String {
    let mut s = String::from(
        "clippers\n.model d d is=1e-14 rs=2 cjo=1p tt=1n\n.model q npn is=1e-15 bf=100 rb=100 cje=1p cjc=0.5p tf=0.3n\n\
         Vcc vcc 0 5\nVin n0 0 SIN(0 1 100meg)\n",
    );
    for k in 1..=count {
        let _ = writeln!(s, "R{k} n0 n{k} {}\nD{k} n{k} 0 d\nRb{k} n{k} b{k} 2k\nQ{k} c{k} b{k} 0 q", 1000 + k);
        let _ = writeln!(s, "Rc{k} vcc c{k} 10k");
    }
    s.push_str(".tran 0.2n 10n\n.end\n");
    s
}

/// Inverters of compiled transistors in chains, each with its bulk at its source, and one follower that has none there.
fn compiled(count: usize) -> String {
    let mut s = String::from(
        "compiled\n.hdl \"ekv.va\"\n.model n ekv(theta=0.1 cov=1e-10)\n.model p ekv(type=-1 kp=40u cov=1e-10)\n\
         Vdd vdd 0 1.8\nVin n0 0 PULSE(0 1.8 0.1n 0.1n 0.1n 1n 4n)\nNf vdd n1 f 0 n\nRf f 0 10k\n",
    );
    for k in 0..count {
        let from = if k % 40 == 0 { 0 } else { k };
        let _ = writeln!(s, "Np{k} n{} n{from} vdd vdd p w=4u\nNn{k} n{} n{from} 0 0 n w=2u", k + 1, k + 1);
    }
    s.push_str(".tran 20p 0.4n\n.end\n");
    s
}

fn run(text: &str, threads: usize) -> Bits {
    run_with(text, threads, BackEnd::Native)
}

fn run_with(text: &str, threads: usize, back_end: BackEnd) -> Bits {
    let mut sources = SourceMap::new();
    let options = netlist::ParseOptions::default();
    let (deck, _) = netlist::parse(&OneFile, "deck.cir", text, &options, &mut sources);
    let mut library = Library::new(|p: &Path| OneFile.read(p), back_end);
    for (file, path, _) in &deck.hdl {
        assert!(library.load(*file, path, &mut sources, &veriloga::Options::default()).is_empty());
    }
    let (circuit, faults) = circuit::elaborate_with(&deck, &sources, &circuit::Overrides::default(), &library);
    let circuit = Arc::new(circuit.unwrap_or_else(|| panic!("{faults:?}")));
    let mut sim = Simulation::compile(&circuit).unwrap_or_else(|faults| panic!("{faults:?}"));
    let probes: Vec<_> = ["v(n1)", "v(n2)", "v(n40)"].iter().filter_map(|name| sim.probe(name)).collect();
    let mut bits = Bits::default();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| analysis::run(&circuit.analyses[0].0, &mut sim, &probes, &mut bits, &Control::default()))
        .unwrap_or_else(|f| panic!("{f:?}"));
    bits
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    // Enough transistors of each level for all threads to take part.
    for text in [inverters(1100, "0.3n", ""), clippers(1100)] {
        let one = run(&text, 1);
        assert!(one.0.len() > 30, "{:?}", one.1);
        for threads in [2, 4] {
            assert!(one.0 == run(&text, threads).0, "{threads} threads give another waveform");
        }
    }
}

/// Two parts of a batch side by side, and more than two; among them an instance without code of its own.
#[test]
fn batches_of_compiled_modules_are_shared_by_threads() {
    for count in [100, 400] {
        let text = compiled(count);
        let one = run(&text, 1);
        assert!(one.0.len() > 30 && one.1.device_evals > 0, "{:?}", one.1);
        for threads in [2, 4] {
            assert!(one.0 == run(&text, threads).0, "{threads} threads give another waveform");
        }
    }
}

/// Code for instances whose nodes are tied together gives what the equations give that know of no ties.
#[test]
fn tied_nodes_change_nothing() {
    let text = compiled(20).replace(".tran", ".options bypass=0\n.tran");
    let (native, reference) = (run(&text, 1), run_with(&text, 1, BackEnd::Interpreter));
    let values = |bits: &Bits| bits.0.iter().map(|b| f64::from_bits(*b)).collect::<Vec<f64>>();
    let (native, reference) = (values(&native), values(&reference));
    assert!(native.len() == reference.len() && native.iter().any(|v| *v > 1.5));
    for (a, b) in native.iter().zip(&reference) {
        assert!((a - b).abs() <= 1e-6 * b.abs() + 1e-9, "{a} {b}");
    }
}
