//! The three kernels on arrays: analysis, refactorisation, solution, and the costs per operation that
//! `sparse::choose` and `sparse::supernodal::cost` are made of. `cargo bench --bench kernels -- [x|t SIDE]...`: resistive
//! crossbars and one-transistor-one-resistor arrays; without arguments a set of small ones.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use ferrospice::sparse::{Analysis, Builder, KERNELS, Kernel, Options, Pattern, Tree, supernodal::cost};

type Entries = Vec<(u32, u32, f64)>;

/// A conductance between two unknowns, 0 being ground.
fn conductance(e: &mut Entries, a: u32, b: u32, g: f64) {
    e.extend([(a, a, g), (b, b, g), (a, b, -g), (b, a, -g)]);
}

/// Two planes of wires, a resistor at every crossing, drivers at the line ends.
fn crossbar(m: u32) -> Entries {
    let (top, bottom) = (|i: u32, j: u32| 1 + i * m + j, |i: u32, j: u32| 1 + m * m + i * m + j);
    let mut e = vec![];
    for i in 0..m {
        conductance(&mut e, top(i, 0), 0, 1e-2);
        conductance(&mut e, bottom(m - 1, i), 0, 1e-2);
        for j in 0..m {
            conductance(&mut e, top(i, j), bottom(i, j), 1e-6 * f64::from(1 + (i * 7 + j * 13) % 11));
            if j + 1 < m {
                conductance(&mut e, top(i, j), top(i, j + 1), 0.4);
            }
            if i + 1 < m {
                conductance(&mut e, bottom(i, j), bottom(i + 1, j), 0.4);
            }
        }
    }
    e
}

/// Word lines along the rows, bit and source lines along the columns, a transistor and a resistor in every cell.
fn transistors(m: u32) -> Entries {
    let at = |i: u32, j: u32, k: u32| 1 + 4 * (i * m + j) + k;
    let mut e = vec![];
    for i in 0..m {
        conductance(&mut e, at(i, 0, 0), 0, 1e-2);
        conductance(&mut e, at(0, i, 1), 0, 1e-2);
        conductance(&mut e, at(m - 1, i, 2), 0, 1e-2);
        for j in 0..m {
            let (w, b, s, d) = (at(i, j, 0), at(i, j, 1), at(i, j, 2), at(i, j, 3));
            if j + 1 < m {
                conductance(&mut e, w, at(i, j + 1, 0), 0.4);
            }
            if i + 1 < m {
                conductance(&mut e, b, at(i + 1, j, 1), 0.4);
                conductance(&mut e, s, at(i + 1, j, 2), 0.4);
            }
            conductance(&mut e, b, d, 1e-5 * f64::from(1 + (i * 7 + j * 11) % 11));
            conductance(&mut e, d, s, 1e-5 * f64::from(1 + (i * 3 + j * 5) % 7));
            let gm = 1e-4;
            e.extend([(d, w, gm), (d, s, -gm), (s, w, -gm), (s, s, gm)]);
            conductance(&mut e, w, d, 1e-6);
            conductance(&mut e, w, s, 1e-6);
        }
    }
    e
}

fn assemble(n: usize, e: &Entries) -> (Arc<Pattern>, Vec<f64>) {
    let mut b = Builder::new();
    e.iter().for_each(|&(r, c, _)| b.add(r, c));
    let (p, slots) = b.finish(n);
    let mut v = vec![0.0; p.slots()];
    e.iter().zip(&slots).for_each(|(e, &s)| v[s as usize] += e.2);
    v[0] = 0.0;
    (Arc::new(p), v)
}

/// Milliseconds of the fastest of some runs.
fn fastest(runs: usize, mut f: impl FnMut()) -> f64 {
    let once = |_| {
        let start = Instant::now();
        f();
        start.elapsed().as_secs_f64() * 1e3
    };
    (0..runs).map(once).fold(f64::INFINITY, f64::min)
}

fn measure(kind: &str, side: u32) {
    let (n, e) = match kind {
        "x" => (2 * side * side, crossbar(side)),
        _ => (4 * side * side, transistors(side)),
    };
    let (p, v) = assemble(n as usize, &e);
    drop(e);
    let mut analysis = None;
    let lu = fastest(1, || analysis = Analysis::new(&p).ok());
    let analysis = analysis.expect("every node has a diagonal");
    let fronts = fastest(1, || {
        black_box(analysis.tree().fronts());
    });
    println!("\n{kind} {side}x{side}: {n} unknowns, analysis {lu:.0} ms, fronts {fronts:.0} ms");
    println!("| kernel | order | fill | flops | factor ms | refactor ms | solve ms | of 8 ms | estimate ms |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for info in KERNELS {
        let c = analysis.estimate(info.name);
        let mut k = (info.real)(&analysis, &Options::default());
        let factor = fastest(1, || k.factor(&v).expect("regular"));
        let refactor = fastest(5, || k.refactor(black_box(&v)).expect("the same values"));
        let mut x = vec![1.0; n as usize];
        let solve = fastest(5, || k.solve(black_box(&mut x)));
        let mut many = vec![1.0; 8 * n as usize];
        let eight = fastest(3, || k.solve_many(black_box(&mut many)));
        println!(
            "| {} | {} | {:.2e} | {:.2e} | {factor:.1} | {refactor:.1} | {solve:.1} | {eight:.1} | {:.1} |",
            k.name(),
            c.ordering,
            k.stats().factor_nnz as f64,
            k.stats().flops as f64,
            c.seconds * 1e3,
        );
    }
    println!("chosen: {}", analysis.kernel("auto").name);
}

/// A single dense front of s pivots over r rows, measured against the cost model.
fn front(s: u32, r: u32) {
    let n = s + r;
    let mut e = vec![];
    // Copies side by side, so that one call is long enough to be timed.
    let copies = (400_000 / (n * n)).max(1);
    for k in 0..copies {
        for i in 0..n {
            for j in 0..n {
                if i < s || j < s || i == j {
                    e.push((1 + k * n + i, 1 + k * n + j, if i == j { f64::from(n) + 1.0 } else { -1.0 }));
                }
            }
        }
    }
    let (p, v) = assemble((copies * n) as usize, &e);
    let rows: Vec<u32> = (0..copies * n).collect();
    let tree = Arc::new(Tree::new(&p, &rows, None));
    let mut k = ferrospice::sparse::Supernodal::new(tree.clone(), Options::default());
    k.factor(&v).expect("diagonally dominant");
    let t = fastest(20, || k.refactor(black_box(&v)).expect("the same values"));
    let flops = tree.flops / f64::from(copies);
    println!(
        "| {s} | {r} | {} | {:.0} | {:.0} | {:.2} |",
        tree.fronts() as u32 / copies,
        t * 1e6 / f64::from(copies),
        (cost::front(s as usize, r as usize) + cost::front(r as usize, 0)) * 1e9,
        flops / (t * 1e6 / f64::from(copies)),
    );
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    if args.is_empty() {
        println!("| pivots | rows | fronts | ns | model ns | multiplications/ns |\n|---|---|---|---|---|---|");
        for (s, r) in
            [(1, 2), (1, 4), (2, 6), (4, 8), (4, 16), (8, 16), (8, 40), (16, 40), (40, 80), (100, 200), (400, 0)]
        {
            front(s, r);
        }
        measure("x", 64);
        measure("t", 32);
    }
    for pair in args.chunks_exact(2) {
        measure(&pair[0], pair[1].parse().expect("a side length"));
    }
}
