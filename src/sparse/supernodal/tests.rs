//! The supernodal kernel against dense elimination and against the left-looking kernel.

use std::sync::Arc;

use num_complex::Complex64;
use proptest::prelude::*;

use super::*;
use crate::sparse::lu_tests::decades;
use crate::sparse::ordering::Ordering;
use crate::sparse::tests::{Rng, dense_solve, network, random_pattern, random_values};
use crate::sparse::{Pattern, block};

fn tree(p: &Arc<Pattern>, ordering: Option<Ordering>) -> Arc<Tree> {
    Arc::new(Tree::new(p, &block::transversal(p).unwrap(), ordering))
}

/// Largest |b − A x| / (|A| |x| + |b|), component by component.
fn error<T: Dense>(p: &Pattern, values: &[T], x: &[T], b: &[T], transposed: bool) -> f64 {
    let mut r = b.to_vec();
    let mut w: Vec<f64> = b.iter().map(|v| v.modulus()).collect();
    for (i, j, s) in p.entries() {
        let (i, j) = if transposed { (j, i) } else { (i, j) };
        let v = values[s as usize];
        r[i as usize - 1] -= v * x[j as usize - 1];
        w[i as usize - 1] += v.modulus() * x[j as usize - 1].modulus();
    }
    r.iter().zip(&w).map(|(r, w)| if *w > 0.0 { r.modulus() / w } else { r.modulus() }).fold(0.0, f64::max)
}

/// |A| |A⁻¹| in the largest sum of a row.
fn dense_condition<T: Dense>(p: &Pattern, values: &[T]) -> f64 {
    let n = p.n();
    let (mut rows, mut inverse) = (vec![0.0; n], vec![0.0; n]);
    p.entries().for_each(|(r, _, s)| rows[r as usize - 1] += values[s as usize].modulus());
    for k in 0..n {
        let mut unit = vec![T::ZERO; n];
        unit[k] = T::from(1.0);
        let Some(column) = dense_solve(p, values, &unit, false) else { return f64::INFINITY };
        inverse.iter_mut().zip(&column).for_each(|(sum, x)| *sum += x.modulus());
    }
    let most = |v: &[f64]| v.iter().fold(0.0, |m, x| f64::max(m, *x));
    most(&rows) * most(&inverse)
}

fn check<T: Dense>(rng: &mut Rng, p: &Arc<Pattern>, make: fn(&mut Rng) -> T) {
    let mut kernel = Supernodal::<T>::new(tree(p, None), Options::default());
    let mut lu = Lu::<T>::new(Symbolic::analyze(p).unwrap(), Options::default());
    let mut values = random_values(rng, p, make);
    for round in 0..3 {
        if round > 0 {
            for v in &mut values {
                *v *= T::from(1.0 + 0.2 * rng.signed());
            }
        }
        let b: Vec<T> = (0..p.n()).map(|_| make(rng)).collect();
        let (mine, other) = (kernel.update(&values), lu.update(&values));
        let Some(want) = dense_solve(p, &values, &b, false) else { continue };
        let cond = match other {
            Ok(()) => crate::sparse::condition(&mut lu, p, &values),
            Err(_) => f64::INFINITY,
        };
        if cond > 1e9 {
            continue;
        }
        mine.unwrap();
        let close = |x: &[T], y: &[T]| {
            let size = y.iter().map(|v| v.modulus()).fold(1e-300, f64::max);
            let off = x.iter().zip(y).fold(0.0, |m, (&x, &y)| f64::max(m, (x - y).modulus()));
            let within = |cond: f64| off <= (1e-12 * cond + 1e-10) * size;
            // The estimate is a lower bound, and now and then a poor one.
            within(cond) || within(dense_condition(p, &values))
        };
        let mut x = b.clone();
        kernel.solve(&mut x);
        assert!(error(p, &values, &x, &b, false) <= ACCURACY);
        assert!(close(&x, &want), "condition {cond:e}");
        let mut y = b.clone();
        kernel.solve_transposed(&mut y);
        assert!(error(p, &values, &y, &b, true) <= ACCURACY);
        let mut z = b.clone();
        lu.solve_transposed(&mut z);
        assert!(close(&y, &z), "condition {cond:e}");
        let mut many: Vec<T> = (0..11).flat_map(|_| b.clone()).collect();
        kernel.solve_many(&mut many);
        assert!(many.chunks(p.n()).all(|c| c == &x[..]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn random_matrices_agree_with_dense(seed: u64, n in 1usize..60, density in 0usize..6, diagonal: bool) {
        let mut rng = Rng::new(seed);
        let p = random_pattern(&mut rng, n, n * density, diagonal);
        check::<f64>(&mut rng, &p, |r| r.signed());
        check::<Complex64>(&mut rng, &p, |r| Complex64::new(r.signed(), r.signed()));
    }

    /// Fronts and Cholesky factors leave no residual where 1e-18 S meets 1e6 S, without being told to refine.
    #[test]
    fn decades_leave_no_residual(seed: u64, n in 2usize..120, chords in 0usize..120, skewed: bool) {
        let mut rng = Rng::new(seed);
        let (p, mut v) = decades(&mut rng, n, chords);
        if skewed {
            // A controlled current beside every conductance.
            for (r, c, s) in p.entries() {
                v[s as usize] *= if r < c { 0.9 } else { 1.0 };
            }
        }
        let a = crate::sparse::Analysis::new(&p).unwrap();
        for info in &crate::sparse::KERNELS[1..] {
            let mut k = (info.real)(&a, &Options::default());
            for _ in 0..2 {
                k.update(&v).unwrap();
                let b: Vec<f64> = (0..n).map(|_| rng.signed()).collect();
                let (mut x, mut y) = (b.clone(), b.clone());
                k.solve(&mut x);
                k.solve_transposed(&mut y);
                prop_assert!(error(&p, &v, &x, &b, false) <= ACCURACY, "{}", k.name());
                prop_assert!(error(&p, &v, &y, &b, true) <= ACCURACY, "{}", k.name());
            }
        }
    }
}

/// No row of the solution may be left with an error that is only small beside other rows: elimination without
/// refinement leaves 1e-10 here.
#[test]
fn rows_of_small_terms_come_out_right() {
    for diagonal in [false, true] {
        let mut rng = Rng::new(6_919_701_425_506_830_195);
        let p = random_pattern(&mut rng, 58, 58 * 3, diagonal);
        check::<f64>(&mut rng, &p, |r| r.signed());
        check::<Complex64>(&mut rng, &p, |r| Complex64::new(r.signed(), r.signed()));
    }
}

/// Subtrees go to whichever thread is free, and every sum is made in the same order all the same.
#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let (p, mut v) = crossbar(64);
    for (r, c, s) in p.entries() {
        v[s as usize] *= if r > c { 0.7 } else { 1.0 };
    }
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut k = Supernodal::new(tree(&p, None), Options::default());
            assert!(k.tree.tasks.len() > 2);
            k.factor(&v).unwrap();
            k.refactor(&v).unwrap();
            let mut x: Vec<f64> = (0..3 * p.n()).map(|i| (i % 13) as f64 - 6.0).collect();
            let n = p.n();
            k.solve(&mut x[..n]);
            k.solve_transposed(&mut x[n..2 * n]);
            k.solve_many(&mut x);
            (k.lu.clone(), k.perm.clone(), x)
        })
    };
    let alone = run(1);
    for threads in [2, 3, 8] {
        assert!(run(threads) == alone, "{threads} threads");
    }
}

/// Two planes of wires, a resistor at every crossing, drivers at the line ends.
pub(crate) fn crossbar(m: u32) -> (Arc<Pattern>, Vec<f64>) {
    let top = |i: u32, j: u32| 1 + 2 * (i * m + j);
    let bottom = |i: u32, j: u32| 2 + 2 * (i * m + j);
    let mut branches = vec![];
    for i in 0..m {
        branches.push((top(i, 0), 0, 1e-2));
        branches.push((bottom(m - 1, i), 0, 1e-2));
        for j in 0..m {
            branches.push((top(i, j), bottom(i, j), 1e-6 * (1.0 + f64::from((i * 7 + j * 13) % 11))));
            if j + 1 < m {
                branches.push((top(i, j), top(i, j + 1), 0.4));
            }
            if i + 1 < m {
                branches.push((bottom(i, j), bottom(i + 1, j), 0.4));
            }
        }
    }
    network(2 * (m * m) as usize, &branches)
}

#[test]
fn crossbars_in_both_orders() {
    let (p, v) = crossbar(40);
    let b: Vec<f64> = (0..p.n()).map(|k| if k % 97 == 0 { 1e-3 } else { 0.0 }).collect();
    let mut lu = Lu::new(Symbolic::analyze(&p).unwrap(), Options::default());
    lu.factor(&v).unwrap();
    let mut want = b.clone();
    lu.solve(&mut want);
    for ordering in [Ordering::Amd, Ordering::Dissection] {
        let mut k = Supernodal::new(tree(&p, Some(ordering)), Options::default());
        assert_eq!(k.tree().ordering, ordering);
        k.factor(&v).unwrap();
        k.refactor(&v).unwrap();
        assert_eq!((k.perturbed(), k.has_fallen_back()), (0, false));
        let mut x = b.clone();
        k.solve(&mut x);
        assert!(error(&p, &v, &x, &b, false) <= ACCURACY);
        let size = want.iter().map(|v| v.abs()).fold(0.0, f64::max);
        assert!(x.iter().zip(&want).all(|(x, y)| (x - y).abs() <= 1e-8 * size));
    }
}

#[test]
fn a_floating_island_is_named() {
    let (p, v) = network(5, &[(1, 0, 1e-3), (1, 2, 0.1), (3, 4, 0.3), (4, 5, 0.7e-3), (3, 5, 1.0 / 3.0)]);
    let mut k = Supernodal::new(tree(&p, None), Options::default());
    let e = k.factor(&v).unwrap_err();
    assert_eq!(e.cause, Cause::Numerical);
    let mut f = e.floating.clone();
    f.sort_unstable();
    assert_eq!(f, [3, 4, 5]);
    assert!(!k.is_factored());
    let mut x = vec![1.0; 5];
    k.solve(&mut x);
    assert!(x[0].is_nan());
}

#[test]
fn sources_have_no_diagonal() {
    // Nodes 1..=m in a chain of resistors, every third held by a source with a branch whose diagonal stays zero.
    let m = 60u32;
    let mut b = crate::sparse::Builder::new();
    let mut entries = vec![];
    let mut add = |r: u32, c: u32, v: f64| {
        b.add(r, c);
        entries.push(v);
    };
    for i in 1..m {
        for (r, c, v) in [(i, i, 1e-3), (i + 1, i + 1, 1e-3), (i, i + 1, -1e-3), (i + 1, i, -1e-3)] {
            add(r, c, v);
        }
    }
    for k in 0..m / 3 {
        let (node, branch) = (3 * k + 1, m + 1 + k);
        for (r, c, v) in [(node, branch, 1.0), (branch, node, 1.0), (branch, branch, 0.0)] {
            add(r, c, v);
        }
    }
    let n = (m + m / 3) as usize;
    let (p, slots) = b.finish(n);
    let mut v = vec![0.0; p.slots()];
    for (s, x) in slots.iter().zip(entries) {
        v[*s as usize] += x;
    }
    let p = Arc::new(p);
    let mut k = Supernodal::new(tree(&p, None), Options::default());
    k.factor(&v).unwrap();
    assert_eq!((k.perturbed(), k.has_fallen_back()), (0, false));
    let b: Vec<f64> = (0..n).map(|i| if i >= m as usize { 1.0 } else { 0.0 }).collect();
    let mut x = b.clone();
    k.solve(&mut x);
    assert!(error(&p, &v, &x, &b, false) <= ACCURACY);
    assert!(x[..58].iter().all(|v| (v - 1.0).abs() < 1e-12));
}

#[test]
fn twenty_four_decades_meet() {
    // A ladder whose rungs go from 1e-18 S to 1e6 S.
    let n = 120u32;
    let g = |i: u32| 10f64.powi(-18 + (i * 5 % 25) as i32);
    let branches: Vec<_> = (1..=n).flat_map(|i| [(i - 1, i, g(i)), (i, 0, g(i + 7))]).collect();
    let (p, v) = network(n as usize, &branches);
    let mut k = Supernodal::new(tree(&p, None), Options::default());
    k.factor(&v).unwrap();
    let b: Vec<f64> = (0..n).map(g).collect();
    let mut x = b.clone();
    k.solve(&mut x);
    assert!(error(&p, &v, &x, &b, false) <= ACCURACY);
}

#[test]
fn a_vanished_pivot_is_mended_or_refused() {
    // [0 1; 1 0] spread over distant unknowns: no supernode can hold both once the values say so.
    let (p, mut v) = network(30, &(1..=30).map(|i| (i - 1, i, 1.0)).collect::<Vec<_>>());
    let mut k = Supernodal::new(tree(&p, None), Options::default());
    k.factor(&v).unwrap();
    for i in 1..=30 {
        v[p.slot(i, i) as usize] = 0.0;
    }
    k.update(&v).unwrap();
    let b: Vec<f64> = (0..30).map(|i| f64::from(i) - 11.0).collect();
    let mut x = b.clone();
    k.solve(&mut x);
    assert!(error(&p, &v, &x, &b, false) <= ACCURACY);
    let mut y = b.clone();
    k.solve_transposed(&mut y);
    assert!(error(&p, &v, &y, &b, true) <= ACCURACY);
    v[p.slot(4, 5) as usize] = f64::NAN;
    assert!(k.refactor(&v).is_err());
    let e = k.factor(&v).unwrap_err();
    assert_eq!((e.cause, e.column, e.row), (Cause::NotFinite, 5, 4));
}
