//! The cost of a transient step: ring oscillators of eleven stages (MOS levels 1 and 3) and an RC ladder of a thousand
//! sections. Throughput counts accepted steps, so the time of one step is its reciprocal.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferrospice::base::Control;
use ferrospice::dataset::{Meta, Schema, Sink};
use ferrospice::{analysis, circuit, diag::SourceMap, netlist, sim::Simulation};
use num_complex::Complex64;

struct NoFiles;

impl netlist::Files for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

/// Keeps the number of accepted steps only.
#[derive(Default)]
struct Count(u64);

impl Sink for Count {
    fn begin(&mut self, _: &Schema) {}
    fn point(&mut self, _: &[f64]) {}
    fn point_complex(&mut self, _: &[Complex64]) {}
    fn end(&mut self, meta: Meta) {
        self.0 = meta.stats.accepted;
    }
}

fn ring(stages: usize, models: &str) -> String {
    let mut s = format!("ring\n{models}Vdd vdd 0 PWL(0 0 1n 3.3)\nIkick 0 n0 PULSE(0 50u 2n 0.1n 0.1n 1n 1)\n");
    for k in 0..stages {
        let (a, b) = (k, (k + 1) % stages);
        let _ = writeln!(s, "Mp{k} n{b} n{a} vdd vdd pch w=4u l=1u ad=8p as=8p pd=12u ps=12u");
        let _ = writeln!(s, "Mn{k} n{b} n{a} 0 0 nch w=2u l=1u ad=4p as=4p pd=8u ps=8u");
    }
    s.push_str(".tran 50p 20n 0 100p\n.end\n");
    s
}

fn ladder(sections: usize) -> String {
    let mut s = String::from("ladder\nVin n0 0 PULSE(0 1 0 10n 10n 2u 4u)\n");
    for k in 0..sections {
        let _ = writeln!(s, "R{k} n{k} n{} 1k\nC{k} n{} 0 1p", k + 1, k + 1);
    }
    s.push_str(".tran 10n 4u 0 20n\n.end\n");
    s
}

fn compile(text: &str) -> (Simulation, circuit::Analysis) {
    let mut sources = SourceMap::new();
    let options = netlist::ParseOptions::default();
    let (deck, _) = netlist::parse(&NoFiles, "deck.cir", text, &options, &mut sources);
    let (circuit, faults) = circuit::elaborate(&deck, &sources, &circuit::Overrides::default());
    let circuit = Arc::new(circuit.unwrap_or_else(|| panic!("{faults:?}")));
    let sim = Simulation::compile(&circuit).unwrap_or_else(|faults| panic!("{faults:?}"));
    (sim, circuit.analyses[0].0.clone())
}

fn run(sim: &Simulation, what: &circuit::Analysis) -> u64 {
    let (mut sim, mut count) = (sim.clone(), Count::default());
    let probes = [];
    analysis::run(what, &mut sim, &probes, &mut count, &Control::default()).unwrap_or_else(|f| panic!("{f:?}"));
    count.0
}

fn tran(c: &mut Criterion) {
    const COMMON: &str = "tox=20n cgso=0.3n cgdo=0.3n cj=0.3m mj=0.5 cjsw=0.2n mjsw=0.33 pb=0.8";
    let one = format!(
        ".model nch nmos level=1 vto=0.7 kp=100u gamma=0.4 phi=0.65 lambda=0.05 {COMMON}\n\
         .model pch pmos level=1 vto=-0.7 kp=40u gamma=0.4 phi=0.65 lambda=0.05 {COMMON}\n"
    );
    let more = format!("nsub=2e16 xj=0.2u theta=0.08 vmax=1.5e5 eta=0.02 kappa=0.3 {COMMON}");
    let three =
        format!(".model nch nmos level=3 vto=0.7 uo=500 {more}\n.model pch pmos level=3 vto=-0.7 uo=180 {more}\n");
    let decks =
        [("ring 11 level 1", ring(11, &one)), ("ring 11 level 3", ring(11, &three)), ("ladder 1000", ladder(1000))];
    let mut group = c.benchmark_group("tran");
    group.sample_size(10);
    for (name, text) in &decks {
        let (sim, what) = compile(text);
        group.throughput(Throughput::Elements(run(&sim, &what)));
        group.bench_function(*name, |b| b.iter(|| run(&sim, &what)));
    }
    group.finish();
}

criterion_group!(benches, tran);
criterion_main!(benches);
