//! Refactorisation and solution on circuit matrices.
//!
//! ```text
//! cargo bench --bench lu                                            criterion's figures, low-fill matrices
//! cargo bench --bench lu --features bench-klu -- --table [FILTER]   Markdown table against KLU and faer
//! cargo bench --bench lu --features bench-klu -- --arrays [FILTER]  the same for arrays (minutes)
//! cargo bench --bench lu -- --deck multiplier|ring|register|logic   the decks behind the matrices
//! cargo bench --bench lu -- --dump DIRECTORY                        the matrices as Matrix Market files
//! ```
//! The feature links SuiteSparse's libklu, for this comparison only.

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use ferrospice::sparse::{Analysis, KERNELS, Options};

#[path = "lu/decks.rs"]
mod decks;
#[cfg(feature = "bench-klu")]
#[path = "lu/klu.rs"]
mod klu;
#[path = "lu/table.rs"]
mod table;

fn lu(c: &mut Criterion) {
    for case in decks::low_fill() {
        let analysis = Analysis::new(&case.pattern).expect("structurally regular");
        let mut kernel = (KERNELS[0].real)(&analysis, &Options::default());
        kernel.factor(&case.values).expect("regular");
        let mut rhs = vec![1.0; case.pattern.n()];
        c.bench_function(&format!("refactor/{}", case.name), |b| b.iter(|| kernel.refactor(black_box(&case.values))));
        c.bench_function(&format!("solve/{}", case.name), |b| {
            b.iter(|| {
                rhs.fill(1.0);
                kernel.solve(black_box(&mut rhs));
            });
        });
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let filter = args.get(1).map_or("", String::as_str);
    match args.first().map(String::as_str) {
        Some("--table") => table::print(decks::low_fill().into_iter(), filter, Duration::from_secs(4)),
        Some("--arrays") => {
            table::print(decks::ARRAYS.iter().map(|make| make()), filter, Duration::from_secs(6));
        }
        Some("--dump") => decks::low_fill().iter().for_each(|c| decks::dump(c, filter)),
        Some("--deck") => match filter {
            "ring" => print!("{}", decks::ring_deck(101)),
            "register" => print!("{}", decks::shift_register_deck(200)),
            "logic" => print!("{}", decks::logic_deck(3000, 40, false)),
            _ => print!("{}", decks::multiplier_deck(16)),
        },
        _ => {
            let mut c = Criterion::default().configure_from_args();
            lu(&mut c);
            c.final_summary();
        }
    }
}
