//! Results do not depend on the number of threads, nor on the company that an instance has in its batch.

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

fn run(text: &str, threads: usize) -> Bits {
    let mut sources = SourceMap::new();
    let options = netlist::ParseOptions::default();
    let (deck, _) = netlist::parse(&NoFiles, "deck.cir", text, &options, &mut sources);
    let (circuit, faults) = circuit::elaborate(&deck, &sources, &circuit::Overrides::default());
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
