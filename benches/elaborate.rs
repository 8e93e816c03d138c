//! Parsing and elaborating a generated deck of 200,000 elements; target: half a second.

use std::fmt::Write;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use ferrospice::{circuit, diag::SourceMap, netlist};

struct NoFiles;

impl netlist::Files for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

/// A mesh of resistors and capacitors with a diode here and there.
fn deck(elements: usize) -> String {
    let mut s = String::from("generated\n.model dm d is=1e-14\nV1 n0 0 1\n");
    for k in 0..elements - 1 {
        let (a, b) = (k / 3, k / 3 + 1);
        let _ = match k % 3 {
            0 => writeln!(s, "R{k} n{a} n{b} {}k", 1 + k % 9),
            1 => writeln!(s, "C{k} n{b} 0 {}p", 1 + k % 7),
            _ if k % 30 == 2 => writeln!(s, "D{k} n{b} 0 dm"),
            _ => writeln!(s, "R{k} n{b} 0 1meg"),
        };
    }
    s.push_str(".op\n.end\n");
    s
}

fn elaborate(c: &mut Criterion) {
    let text = deck(200_000);
    let mut group = c.benchmark_group("elaborate");
    group.sample_size(10);
    group.bench_function("parse+elaborate 200000 elements", |b| {
        b.iter(|| {
            let mut sources = SourceMap::new();
            let options = netlist::ParseOptions::default();
            let (deck, faults) = netlist::parse(&NoFiles, "deck.cir", &text, &options, &mut sources);
            assert!(faults.iter().all(|d| !d.is_error()));
            let (circuit, _) = circuit::elaborate(&deck, &sources, &circuit::Overrides::default());
            assert_eq!(circuit.map(|c| c.element_count()), Some(200_000));
        });
    });
    group.finish();
}

criterion_group!(benches, elaborate);
criterion_main!(benches);
