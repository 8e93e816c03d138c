//! Refactorisation and solution on the patterns of a ladder, a grid and a ring.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use ferrospice::sparse::{Builder, Kernel, Lu, Options, Symbolic};

/// Pattern and values of a conductance network with a little something to ground at every node.
fn network(n: u32, edges: impl Iterator<Item = (u32, u32)>) -> (Box<dyn Kernel<f64>>, Vec<f64>) {
    let mut b = Builder::new();
    (1..=n).for_each(|i| b.add(i, i));
    for (p, q) in edges {
        b.add(p, q);
        b.add(q, p);
    }
    let pattern = Arc::new(b.finish(n as usize).0);
    let mut values = vec![0.0];
    values.extend(pattern.entries().map(|(r, c, s)| if r == c { 8.5 } else { -1.0 - 1e-3 * f64::from(s % 17) }));
    let symbolic = Symbolic::analyze(&pattern).expect("every node has a diagonal");
    let mut kernel: Box<dyn Kernel<f64>> = Box::new(Lu::new(symbolic, Options::default()));
    kernel.factor(&values).expect("diagonally dominant");
    (kernel, values)
}

fn ladder(n: u32) -> impl Iterator<Item = (u32, u32)> {
    (1..n).map(|i| (i, i + 1))
}

fn grid(side: u32) -> impl Iterator<Item = (u32, u32)> {
    let at = move |r: u32, c: u32| r * side + c + 1;
    (0..side).flat_map(move |r| {
        let across = (1..side).map(move |c| (at(r, c - 1), at(r, c)));
        across.chain((0..side).filter(move |_| r > 0).map(move |c| (at(r - 1, c), at(r, c))))
    })
}

/// Inverters in a ring with a supply node that all of them share.
fn ring(n: u32) -> impl Iterator<Item = (u32, u32)> {
    (1..=n).flat_map(move |i| [(i, i % n + 1), (i, n + 1)])
}

fn lu(c: &mut Criterion) {
    let cases = [
        ("ladder 1000", network(1000, ladder(1000))),
        ("grid 100x100", network(10_000, grid(100))),
        ("ring 101", network(102, ring(101))),
    ];
    for (name, (mut kernel, values)) in cases {
        let n = kernel.stats().unknowns;
        let mut rhs = vec![1.0; n];
        c.bench_function(&format!("refactor/{name}"), |b| b.iter(|| kernel.refactor(black_box(&values))));
        c.bench_function(&format!("solve/{name}"), |b| {
            b.iter(|| {
                rhs.fill(1.0);
                kernel.solve(black_box(&mut rhs));
            });
        });
    }
}

criterion_group!(benches, lu);
criterion_main!(benches);
