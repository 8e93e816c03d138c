//! Kernels against dense elimination, on random and on circuit-like matrices.

use std::sync::Arc;

use num_complex::Complex64;
use proptest::prelude::*;

use super::*;
use crate::base::rng::Stream;

pub(crate) struct Rng(Stream, u32);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Rng(Stream { seed, run: 0, instance: 0 }, 0)
    }
    pub(crate) fn unit(&mut self) -> f64 {
        self.1 += 1;
        self.0.uniform(self.1, 0)
    }
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((self.unit() * n as f64) as usize).min(n - 1)
    }
    pub(crate) fn signed(&mut self) -> f64 {
        2.0 * self.unit() - 1.0
    }
}

/// Dense solution by Gaussian elimination with partial pivoting; `None` when a pivot is below 1e-12 of the norm.
pub(crate) fn dense_solve<T: Scalar>(p: &Pattern, values: &[T], b: &[T], transposed: bool) -> Option<Vec<T>> {
    let n = p.n();
    let mut a = vec![vec![T::ZERO; n + 1]; n];
    for (r, c, s) in p.entries() {
        let (r, c) = if transposed { (c, r) } else { (r, c) };
        a[r as usize - 1][c as usize - 1] = values[s as usize];
    }
    for (row, &v) in a.iter_mut().zip(b) {
        row[n] = v;
    }
    for k in 0..n {
        let best = (k..n).max_by(|&i, &j| a[i][k].mag().total_cmp(&a[j][k].mag()))?;
        a.swap(k, best);
        if a[k][k].mag() < 1e-12 {
            return None;
        }
        let (above, below) = a.split_at_mut(k + 1);
        let pivot = &above[k];
        for row in below {
            let f = row[k] * pivot[k].recip();
            for (x, &y) in row.iter_mut().zip(pivot).skip(k) {
                *x -= f * y;
            }
        }
    }
    for k in (0..n).rev() {
        let mut v = a[k][n];
        for (&c, row) in a[k][k + 1..n].iter().zip(&a[k + 1..]) {
            v -= c * row[n];
        }
        a[k][n] = v * a[k][k].recip();
    }
    Some(a.into_iter().map(|r| r[n]).collect())
}

pub(super) fn close<T: Scalar>(a: &[T], b: &[T], tol: f64) -> bool {
    let size = b.iter().map(|v| v.modulus()).fold(1e-300, f64::max);
    a.iter().zip(b).all(|(&x, &y)| (x - y).modulus() <= tol * size)
}

pub(crate) fn random_pattern(rng: &mut Rng, n: usize, extra: usize, keep_diagonal: bool) -> Arc<Pattern> {
    let mut b = Builder::new();
    // A hidden permutation keeps the pattern structurally regular without a diagonal.
    let mut perm: Vec<usize> = (0..n).collect();
    if !keep_diagonal {
        for i in (1..n).rev() {
            perm.swap(i, rng.below(i + 1));
        }
    }
    for (i, &j) in perm.iter().enumerate() {
        b.add(i as u32 + 1, j as u32 + 1);
    }
    for _ in 0..extra {
        b.add(rng.below(n + 1) as u32, rng.below(n + 1) as u32);
    }
    Arc::new(b.finish(n).0)
}

pub(crate) fn random_values<T: Scalar>(rng: &mut Rng, p: &Pattern, mut make: impl FnMut(&mut Rng) -> T) -> Vec<T> {
    (0..p.slots()).map(|_| make(rng)).collect()
}

fn check_all<T: Scalar>(rng: &mut Rng, p: &Arc<Pattern>, make: fn(&mut Rng) -> T) {
    let sym = Symbolic::analyze(p).unwrap();
    let mut lu = Lu::<T>::new(sym, Options::default());
    let mut values = random_values(rng, p, make);
    for round in 0..3 {
        if round > 0 {
            for v in &mut values {
                *v *= T::from(1.0 + 0.2 * rng.signed());
            }
        }
        let b: Vec<T> = (0..p.n()).map(|_| make(rng)).collect();
        let Some(want) = dense_solve(p, &values, &b, false) else { continue };
        let cond = {
            let mut fresh = lu.clone();
            match fresh.factor(&values) {
                Ok(()) => condition(&mut fresh, p, &values),
                Err(_) => f64::INFINITY,
            }
        };
        if cond > 1e9 {
            continue;
        }
        lu.update(&values).unwrap();
        let mut x = b.clone();
        lu.solve(&mut x);
        assert!(close(&x, &want, 1e-12 * cond + 1e-10), "solve, condition {cond:e}");
        let mut y = b.clone();
        lu.solve_transposed(&mut y);
        let want = dense_solve(p, &values, &b, true).unwrap();
        assert!(close(&y, &want, 1e-12 * cond + 1e-10), "transposed, condition {cond:e}");
        let mut many = b.clone();
        many.extend_from_slice(&b);
        lu.solve_many(&mut many);
        assert_eq!(many[..p.n()], many[p.n()..]);
        assert_eq!(many[..p.n()], x[..]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn random_matrices_agree_with_dense(seed: u64, n in 1usize..40, density in 0usize..6, diagonal: bool) {
        let mut rng = Rng::new(seed);
        let p = random_pattern(&mut rng, n, n * density, diagonal);
        check_all::<f64>(&mut rng, &p, |r| r.signed());
        check_all::<Complex64>(&mut rng, &p, |r| Complex64::new(r.signed(), r.signed()));
    }

    #[test]
    fn refactor_equals_factor(seed: u64, n in 1usize..60) {
        let mut rng = Rng::new(seed);
        let p = random_pattern(&mut rng, n, 3 * n, false);
        let values = random_values(&mut rng, &p, |r| r.signed());
        let mut lu = Lu::<f64>::new(Symbolic::analyze(&p).unwrap(), Options::default());
        if lu.factor(&values).is_ok() {
            let first = lu.clone();
            lu.refactor(&values).unwrap();
            let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(x, y)| (x - y).abs() <= 1e-9 * x.abs().max(1e-3));
            prop_assert_eq!(first.val.len(), lu.val.len());
            prop_assert!(near(&first.val, &lu.val));
            prop_assert!(near(&first.inv, &lu.inv));
        }
    }

    #[test]
    fn structural_rank_is_found(seed: u64, n in 1usize..30, entries in 0usize..90) {
        // Against augmenting paths written the short way.
        let mut rng = Rng::new(seed);
        let mut b = Builder::new();
        for _ in 0..entries {
            b.add(1 + rng.below(n) as u32, 1 + rng.below(n) as u32);
        }
        let p = Arc::new(b.finish(n).0);
        fn augment(p: &Pattern, c: usize, seen: &mut [bool], col_of: &mut [usize]) -> bool {
            for k in p.range(c) {
                let r = p.rows()[k] as usize;
                if !std::mem::replace(&mut seen[r], true)
                    && (col_of[r] == usize::MAX || augment(p, col_of[r], seen, col_of))
                {
                    col_of[r] = c;
                    return true;
                }
            }
            false
        }
        let mut col_of = vec![usize::MAX; n];
        let rank = (0..n).filter(|&c| augment(&p, c, &mut vec![false; n], &mut col_of)).count();
        match Symbolic::analyze(&p) {
            Ok(_) => prop_assert_eq!(rank, n),
            Err(e) => {
                prop_assert!(rank < n);
                prop_assert_eq!(e.cause, Cause::Structural);
                prop_assert!(e.column >= 1 && e.column as usize <= n && e.row >= 1 && e.row as usize <= n);
            }
        }
    }
}

/// A network of conductances between unknowns (0 is ground), as (a, b, siemens).
pub(crate) fn network(n: usize, branches: &[(u32, u32, f64)]) -> (Arc<Pattern>, Vec<f64>) {
    let mut b = Builder::new();
    for &(i, j, _) in branches {
        for (r, c) in [(i, i), (j, j), (i, j), (j, i)] {
            b.add(r, c);
        }
    }
    let (p, slots) = b.finish(n);
    let mut v = vec![0.0; p.slots()];
    for (&(.., g), s) in branches.iter().zip(slots.chunks(4)) {
        for (k, &s) in s.iter().enumerate() {
            v[s as usize] += if k < 2 { g } else { -g };
        }
    }
    (Arc::new(p), v)
}

fn lu(p: &Arc<Pattern>) -> Lu<f64> {
    Lu::new(Symbolic::analyze(p).unwrap(), Options::default())
}

#[test]
fn ladder_of_a_hundred_thousand_has_no_fill() {
    let n = 100_000;
    let branches: Vec<_> = (1..=n as u32).map(|i| (i - 1, i, 1.0)).collect();
    let (p, v) = network(n, &branches);
    let mut lu = lu(&p);
    lu.factor(&v).unwrap();
    assert_eq!(lu.stats().factor_nnz, 3 * n - 2);
    // 1 A into the far end: the drops add up.
    let mut x = vec![0.0; n];
    x[n - 1] = 1.0;
    lu.refactor(&v).unwrap();
    lu.solve(&mut x);
    // The condition number is 4 n²/π²: rounding costs six digits.
    assert!((x[n - 1] / n as f64 - 1.0).abs() < 1e-5);
    assert!((x[0] - 1.0).abs() < 1e-5);
}

#[test]
fn grid_of_resistors() {
    let m = 40u32;
    let at = |i: u32, j: u32| 1 + i * m + j;
    let mut branches = vec![(at(0, 0), 0, 1.0)];
    for i in 0..m {
        for j in 0..m {
            if i + 1 < m {
                branches.push((at(i, j), at(i + 1, j), 1.0));
            }
            if j + 1 < m {
                branches.push((at(i, j), at(i, j + 1), 1.0));
            }
        }
    }
    let n = (m * m) as usize;
    let (p, v) = network(n, &branches);
    let mut lu = lu(&p);
    lu.factor(&v).unwrap();
    // Minimum degree on a grid: well below the banded 2·n·m.
    assert!(lu.stats().factor_nnz < n * m as usize, "{:?}", lu.stats());
    let mut x = vec![0.0; n];
    x[n - 1] = 1.0;
    let b = x.clone();
    lu.solve(&mut x);
    let mut r = vec![0.0; n];
    p.residual(&v, &x, &b, &mut r);
    assert!(r.iter().all(|e| e.abs() < 1e-11));
    assert!((x[0] - 1.0).abs() < 1e-10);
    assert!(lu.pivot_growth(&v) < 10.0);
}

/// Voltage source E on node 1, conductances g between 1-2 and 2-ground: unknowns v1, v2, i.
fn divider(g1: f64, g2: f64) -> (Arc<Pattern>, Vec<f64>) {
    let mut b = Builder::new();
    for (r, c) in [(1, 1), (1, 2), (2, 1), (2, 2), (1, 3), (3, 1)] {
        b.add(r, c);
    }
    let (p, s) = b.finish(3);
    let mut v = vec![0.0; p.slots()];
    for (s, x) in s.iter().zip([g1, -g1, -g1, g1 + g2, 1.0, 1.0]) {
        v[*s as usize] = x;
    }
    (Arc::new(p), v)
}

#[test]
fn branch_rows_and_bad_scaling() {
    for (g1, g2) in [(1e-18, 1e-18), (1e6, 1e6), (1e-3, 1e-18), (1e-18, 1e6), (1e6, 1e-6)] {
        let (p, v) = divider(g1, g2);
        let mut lu = lu(&p);
        lu.factor(&v).unwrap();
        let mut x = [0.0, 0.0, 2.0];
        lu.solve(&mut x);
        let i = -2.0 * g1 * g2 / (g1 + g2);
        assert!((x[0] - 2.0).abs() < 1e-12);
        assert!((x[1] / (2.0 * g1 / (g1 + g2)) - 1.0).abs() < 1e-9, "{g1:e} {g2:e}: {x:?}");
        // g1 + g2 keeps only eps·g1/g2 of g2.
        let tol = 1e-9 + f64::EPSILON * g1 / g2;
        assert!((x[2] / i - 1.0).abs() < tol, "{g1:e} {g2:e}: {x:?}");
    }
}

#[test]
fn a_floating_island_is_named() {
    // Nodes 3, 4, 5 hang together but on nothing else; odd conductances do not cancel to the last bit.
    let (p, v) = network(5, &[(1, 0, 1e-3), (1, 2, 0.1), (3, 4, 0.3), (4, 5, 0.7e-3), (3, 5, 1.0 / 3.0)]);
    let e = lu(&p).factor(&v).unwrap_err();
    assert_eq!(e.cause, Cause::Numerical);
    let mut f = e.floating.clone();
    f.sort_unstable();
    assert_eq!(f, [3, 4, 5]);
    assert!(f.contains(&e.column) && f.contains(&e.row));
}

#[test]
fn faulty_values_are_named() {
    let (p, mut v) = divider(1.0, 1.0);
    v[p.slot(2, 2) as usize] = f64::NAN;
    let e = lu(&p).factor(&v).unwrap_err();
    assert_eq!((e.cause, e.column, e.row), (Cause::NotFinite, 2, 2));
    // Two ideal sources across the same pair.
    let mut b = Builder::new();
    for (r, c) in [(1, 1), (1, 2), (2, 1), (1, 3), (3, 1)] {
        b.add(r, c);
    }
    let e = Symbolic::analyze(&Arc::new(b.finish(3).0)).unwrap_err();
    assert_eq!(e.cause, Cause::Structural);
}

#[test]
fn a_stale_pivot_is_refused_and_replaced() {
    let mut b = Builder::new();
    for (r, c) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
        b.add(r, c);
    }
    let p = Arc::new(b.finish(2).0);
    let mut lu = lu(&p);
    let mut v = vec![0.0, 1.0, 1.0, 1.0, 3.0];
    lu.factor(&v).unwrap();
    v[1] = 1e-13;
    v[4] = 1e-13;
    let refused = lu.refactor(&v).unwrap_err();
    assert!(refused.ratio < 1e-9);
    assert!(!lu.is_factored());
    let mut x = [1.0, 2.0];
    lu.solve(&mut x);
    assert!(x[0].is_nan());
    lu.update(&v).unwrap();
    let mut x = [1.0, 2.0];
    lu.solve(&mut x);
    assert!((x[0] - 2.0).abs() < 1e-12 && (x[1] - 1.0).abs() < 1e-12);
    v[2] = f64::NAN;
    assert!(lu.refactor(&v).is_err());
    assert!(lu.update(&v).is_err());
}

#[test]
fn triangular_matrices_need_no_elimination() {
    let mut rng = Rng::new(11);
    let n = 200;
    let mut perm: Vec<u32> = (1..=n as u32).collect();
    for i in (1..n).rev() {
        perm.swap(i, rng.below(i + 1));
    }
    let mut b = Builder::new();
    for i in 0..n {
        b.add(perm[i], perm[(i * 7) % n]);
        for _ in 0..3 {
            b.add(perm[rng.below(i + 1)], perm[(i * 7) % n]);
        }
    }
    let p = Arc::new(b.finish(n).0);
    let v = random_values(&mut rng, &p, |r| 1.0 + r.unit());
    let mut lu = lu(&p);
    lu.factor(&v).unwrap();
    assert_eq!(lu.stats().blocks, n);
    assert_eq!(lu.stats().factor_nnz, p.nnz());
    // What lies above the diagonal is kept as rows of U.
    assert!(lu.l_idx.is_empty() && lu.c_row.is_empty() && lu.f_idx.is_empty());
}

#[test]
fn condition_of_a_known_matrix() {
    let (p, v) = network(3, &[(1, 0, 1.0), (2, 0, 1e-4), (3, 0, 1e-2)]);
    let mut lu = lu(&p);
    lu.factor(&v).unwrap();
    let c = condition(&mut lu, &p, &v);
    assert!((c / 1e4 - 1.0).abs() < 1e-9, "{c}");
    // Refinement of a spoilt solution.
    let b = [1.0, 1.0, 1.0];
    let mut x = [1.001, 1e4, 1e2];
    let mut work = [0.0; 3];
    refine(&mut lu, &p, &v, &b, &mut x, &mut work);
    assert!((x[0] - 1.0).abs() < 1e-12);
}

#[test]
fn registry() {
    let (p, v) = divider(1.0, 1.0);
    let sym = Analysis::new(&p).unwrap();
    for info in KERNELS {
        let mut k = (info.real)(&sym, &Options::default());
        assert_eq!(k.name(), info.name);
        k.update(&v).unwrap();
        k.update(&v).unwrap();
        assert_eq!((k.stats().factored, k.stats().refactored), (1, 1));
        let _ = (info.complex)(&sym, &Options::default());
    }
    assert!(kernel("auto").is_none() && kernel("LU").is_some() && kernel("nothing").is_none());
    assert_eq!(sym.kernel("auto").name, "lu");
    let empty = Arc::new(Builder::new().finish(0).0);
    let mut lu = lu(&empty);
    lu.factor(&[0.0]).unwrap();
    lu.solve(&mut []);
}

#[test]
fn determinant_has_its_sign() {
    let mut b = Builder::new();
    for (r, c) in [(1, 2), (2, 3), (3, 1), (1, 1), (2, 2)] {
        b.add(r, c);
    }
    let p = Arc::new(b.finish(3).0);
    let mut lu = lu(&p);
    let mut v = vec![0.0; p.slots()];
    for (r, c, x) in [(1, 2, 2.0), (2, 3, 3.0), (3, 1, 5.0), (1, 1, 1.0), (2, 2, 1.0)] {
        v[p.slot(r, c) as usize] = x;
    }
    lu.factor(&v).unwrap();
    let (d, e) = lu.determinant();
    assert!((d * e.exp2() - 30.0).abs() < 1e-12);
    v[p.slot(3, 1) as usize] = -5.0;
    lu.factor(&v).unwrap();
    let (d, e) = lu.determinant();
    assert!((d * e.exp2() + 30.0).abs() < 1e-12);
}
