//! Refactor and solve of every kernel and peer on the same matrices, in turns in one process, as a Markdown table.

use std::hint::black_box;
use std::time::{Duration, Instant};

use faer::prelude::Solve;
use faer::sparse::linalg::solvers::{Llt, Lu as FaerLu, SymbolicLlt, SymbolicLu};
use faer::sparse::{SparseColMat, SymbolicSparseColMat};
use faer::{MatMut, Side};
use ferrospice::sparse::{Analysis, KERNELS, Options};

use crate::decks::Case;
#[cfg(feature = "bench-klu")]
use crate::klu::{Klu, Scaling};

/// Somebody who can refactor and solve.
struct Runner {
    name: String,
    refactor: Box<dyn FnMut()>,
    solve: Box<dyn FnMut(&mut [f64])>,
}

/// All that can be run on a matrix.
fn runners(case: &Case) -> Vec<Option<Runner>> {
    let mut all = vec![];
    let is_large = case.pattern.n() > 300_000;
    #[cfg(feature = "bench-klu")]
    for (name, scaling) in [("KLU", Scaling::Max), ("KLU unscaled", Scaling::None)] {
        if is_large && scaling == Scaling::None {
            continue;
        }
        let klu = Klu::new(case.pattern.col_ptr(), case.pattern.rows(), &case.values[1..], scaling);
        all.push(klu.map(|klu| {
            let klu = std::rc::Rc::new(std::cell::RefCell::new(klu));
            let again = klu.clone();
            Runner {
                name: name.into(),
                refactor: Box::new(move || klu.borrow_mut().refactor()),
                solve: Box::new(move |b| again.borrow_mut().solve(b)),
            }
        }));
    }
    let analysis = Analysis::new(&case.pattern).ok();
    let chosen = analysis.as_ref().map_or("", |a| a.kernel("auto").name);
    for info in KERNELS {
        all.push(analysis.as_ref().and_then(|a| {
            // Fronts are not worth laying out where they are not taken, nor what takes seconds where they are.
            let is_apart = if chosen == "lu" { info.name != "lu" } else { a.estimate(info.name).seconds > 1.0 };
            if is_apart && info.name != chosen {
                return None;
            }
            let mut kernel = (info.real)(a, &Options::default());
            kernel.factor(&case.values).ok()?;
            if kernel.name() != info.name {
                return None;
            }
            let kernel = std::rc::Rc::new(std::cell::RefCell::new(kernel));
            let (again, values) = (kernel.clone(), case.values.clone());
            Some(Runner {
                name: format!("{}{}", info.name, if info.name == chosen { " (auto)" } else { "" }),
                refactor: Box::new(move || kernel.borrow_mut().update(black_box(&values)).expect("factored before")),
                solve: Box::new(move |b| again.borrow_mut().solve(b)),
            })
        }));
    }
    all.push(faer_llt(case));
    // Minutes, on the largest.
    if !is_large {
        all.push(faer_lu(case));
    }
    all
}

/// The matrix as faer wants it; `symmetrised` replaces the values by a diagonally dominant symmetric matrix on the
/// pattern of A + Aᵀ.
fn faer_matrix(case: &Case, symmetrised: bool) -> Option<SparseColMat<u32, f64>> {
    let n = case.pattern.n();
    let mut entries: Vec<(u32, u32, f64)> =
        case.pattern.entries().map(|(r, c, s)| (r - 1, c - 1, case.values[s as usize])).collect();
    if symmetrised {
        let mut sum = vec![0.0; n];
        let mut both = vec![];
        for &(r, c, v) in &entries {
            if r != c {
                sum[r as usize] += v.abs();
                sum[c as usize] += v.abs();
                both.push((r, c, 0.5 * v));
                both.push((c, r, 0.5 * v));
            }
        }
        both.extend(sum.iter().enumerate().map(|(i, s)| (i as u32, i as u32, s + 1e-12)));
        entries = both;
    }
    entries.sort_by_key(|e| (e.1, e.0));
    entries.dedup_by(|a, b| {
        let is_same = (a.0, a.1) == (b.0, b.1);
        b.2 += if is_same { a.2 } else { 0.0 };
        is_same
    });
    let mut ptr = vec![0u32; n + 1];
    for e in &entries {
        ptr[e.1 as usize + 1] += 1;
    }
    for k in 0..n {
        ptr[k + 1] += ptr[k];
    }
    let rows = entries.iter().map(|e| e.0).collect();
    let symbolic = SymbolicSparseColMat::new_checked(n, n, ptr, None, rows);
    Some(SparseColMat::new(symbolic, entries.iter().map(|e| e.2).collect()))
}

fn faer_llt(case: &Case) -> Option<Runner> {
    let matrix = faer_matrix(case, !case.is_spd)?;
    let symbolic = SymbolicLlt::try_new(matrix.symbolic(), Side::Lower).ok()?;
    let llt = Llt::try_new_with_symbolic(symbolic.clone(), matrix.as_ref(), Side::Lower).ok()?;
    let llt = std::rc::Rc::new(std::cell::RefCell::new(llt));
    let again = llt.clone();
    Some(Runner {
        name: if case.is_spd { "faer LLT".into() } else { "faer LLT (sym.)".into() },
        refactor: Box::new(move || {
            *llt.borrow_mut() =
                Llt::try_new_with_symbolic(symbolic.clone(), matrix.as_ref(), Side::Lower).expect("factored before");
        }),
        solve: Box::new(move |b| {
            let n = b.len();
            again.borrow().solve_in_place(MatMut::from_column_major_slice_mut(b, n, 1));
        }),
    })
}

fn faer_lu(case: &Case) -> Option<Runner> {
    let matrix = faer_matrix(case, false)?;
    let symbolic = SymbolicLu::try_new(matrix.symbolic()).ok()?;
    let lu = FaerLu::try_new_with_symbolic(symbolic.clone(), matrix.as_ref()).ok()?;
    let lu = std::rc::Rc::new(std::cell::RefCell::new(lu));
    let again = lu.clone();
    Some(Runner {
        name: "faer LU".into(),
        refactor: Box::new(move || {
            *lu.borrow_mut() =
                FaerLu::try_new_with_symbolic(symbolic.clone(), matrix.as_ref()).expect("factored before");
        }),
        solve: Box::new(move |b| {
            let n = b.len();
            again.borrow().solve_in_place(MatMut::from_column_major_slice_mut(b, n, 1));
        }),
    })
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// ‖A x − b‖ / (‖A‖ ‖x‖ + ‖b‖), in the maximum and column-sum norms.
fn residual(case: &Case, x: &[f64], b: &[f64]) -> f64 {
    let mut r = vec![0.0; x.len()];
    case.pattern.residual(&case.values, x, b, &mut r);
    let max = |v: &[f64]| v.iter().fold(0.0f64, |m, e| m.max(e.abs()));
    max(&r) / (case.pattern.norm1(&case.values) * max(x) + max(b))
}

/// Prints rows for the cases whose name contains `filter`.
pub fn print(cases: impl Iterator<Item = Case>, filter: &str, budget: Duration) {
    println!("{} threads", rayon::current_num_threads());
    println!(
        "| matrix | unknowns | entries | solver | refactor µs | solve µs | sum µs | of KLU | of faer LLT | residual |"
    );
    println!("|---|---:|---:|---|---:|---:|---:|---:|---:|---:|");
    for case in cases.filter(|c| c.name.contains(filter)) {
        let n = case.pattern.n();
        let b: Vec<f64> = (0..n).map(|i| 1e-3 * (1.0 + (i % 7) as f64)).collect();
        let mut runners: Vec<Runner> = runners(&case).into_iter().flatten().collect();
        let mut x = vec![0.0; n];
        // One run each to see how often it fits into a turn of about two milliseconds; of the slow ones it is all.
        let mut times = vec![(vec![], vec![]); runners.len()];
        let mut first = vec![];
        for (r, (factor, solve)) in runners.iter_mut().zip(&mut times) {
            let t0 = Instant::now();
            (r.refactor)();
            let t1 = Instant::now();
            x.copy_from_slice(&b);
            (r.solve)(&mut x);
            solve.push(1e6 * t1.elapsed().as_secs_f64());
            factor.push(1e6 * (t1 - t0).as_secs_f64());
            first.push(t0.elapsed().as_secs_f64());
        }
        // Who takes far longer than the rest does not use up the others' time.
        let fastest: f64 = first.iter().copied().fold(f64::INFINITY, f64::min);
        let (mut spent, mut rounds) = (0.0, 0);
        while rounds < 3 || (spent < budget.as_secs_f64() && rounds < 400) {
            for ((r, &first), (factor, solve)) in runners.iter_mut().zip(&first).zip(&mut times) {
                let is_slow = first > 5.0 * fastest && first > 0.5;
                if is_slow {
                    continue;
                }
                let start = Instant::now();
                // Every run counts by itself, so that an interruption spoils one and not its turn.
                for _ in 0..(2e-3 / first).clamp(1.0, 200.0) as usize {
                    let t0 = Instant::now();
                    (r.refactor)();
                    let t1 = Instant::now();
                    x.copy_from_slice(&b);
                    (r.solve)(black_box(&mut x));
                    solve.push(1e6 * t1.elapsed().as_secs_f64());
                    factor.push(1e6 * (t1 - t0).as_secs_f64());
                }
                spent += start.elapsed().as_secs_f64();
            }
            rounds += 1;
        }
        let medians: Vec<(f64, f64)> = times.iter_mut().map(|(f, s)| (median(f), median(s))).collect();
        let sum_of = |name: &str| {
            let at = runners.iter().position(|r| r.name.starts_with(name));
            at.map_or(f64::NAN, |k| medians[k].0 + medians[k].1)
        };
        let (klu, llt) = (sum_of("KLU"), sum_of("faer LLT"));
        for (r, &(factor, solve)) in runners.iter_mut().zip(&medians) {
            let sum = factor + solve;
            let ratio = |to: f64| if to.is_nan() { "–".into() } else { format!("{:.3}", sum / to) };
            let (of, of_llt) = (ratio(klu), ratio(llt));
            x.copy_from_slice(&b);
            (r.solve)(&mut x);
            let error = if r.name.contains("sym.") { "–".into() } else { format!("{:.0e}", residual(&case, &x, &b)) };
            println!(
                "| {} | {n} | {} | {} | {factor:.1} | {solve:.1} | {sum:.1} | {of} | {of_llt} | {error} |",
                case.name,
                case.pattern.nnz(),
                r.name
            );
        }
    }
}
