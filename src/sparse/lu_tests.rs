//! The left-looking kernel: one set of factors by every way to them, and what it refuses.

use std::sync::Arc;

use num_complex::Complex64;
use proptest::prelude::*;

use super::tests::{Rng, network, random_pattern, random_values};
use super::*;

/// With targets listed, and without.
fn both<T: Scalar>(p: &Arc<Pattern>) -> [Lu<T>; 2] {
    let symbolic = Symbolic::analyze(p).unwrap();
    [u64::MAX, 0].map(|limit| {
        let mut lu = Lu::new(symbolic.clone(), Options::default());
        lu.list_limit = limit;
        lu
    })
}

fn same_ways<T: Scalar>(rng: &mut Rng, p: &Arc<Pattern>, make: fn(&mut Rng) -> T) -> Result<(), TestCaseError> {
    let n = p.n();
    let [mut listed, mut unlisted] = both::<T>(p);
    let mut values = random_values(rng, p, make);
    // The dump slot holds what devices on ground left there.
    values[0] = T::from(f64::NAN);
    if listed.factor(&values).is_err() {
        prop_assert!(unlisted.factor(&values).is_err());
        return Ok(());
    }
    unlisted.factor(&values).unwrap();
    prop_assert!(listed.is_listed);
    for round in 0..4 {
        let columns: Vec<u32> = match round {
            0 => (1..=n as u32).collect(),
            _ => (0..rng.below(4)).map(|_| rng.below(n + 1) as u32).collect(),
        };
        for &c in columns.iter().filter(|&&c| c > 0) {
            for k in p.range(c as usize - 1) {
                values[k + 1] *= T::from(1.0 + 0.1 * rng.signed());
            }
        }
        let mut partial = [listed.clone(), unlisted.clone()];
        let whole = listed.refactor(&values);
        prop_assert_eq!(whole, unlisted.refactor(&values));
        for lu in &mut partial {
            let part = lu.refactor_columns(&values, &columns);
            prop_assert_eq!(whole, part);
        }
        if whole.is_err() {
            return Ok(());
        }
        for lu in partial.iter().chain([&unlisted]) {
            prop_assert_eq!(&listed.val, &lu.val);
            prop_assert_eq!(&listed.inv, &lu.inv);
        }
    }
    Ok(())
}

/// A network whose conductances go from 1e-18 S to 1e6 S.
pub(crate) fn decades(rng: &mut Rng, n: usize, chords: usize) -> (Arc<Pattern>, Vec<f64>) {
    let decade = |r: &mut Rng| 10f64.powf(-18.0 + 24.0 * r.unit());
    let mut branches: Vec<(u32, u32, f64)> = vec![];
    for i in 1..=n as u32 {
        branches.push((rng.below(i as usize) as u32, i, decade(rng)));
    }
    for _ in 0..chords {
        branches.push((rng.below(n + 1) as u32, rng.below(n + 1) as u32, decade(rng)));
    }
    branches.retain(|b| b.0 != b.1);
    // A leak that its node's sum still holds to seven digits: what a double has lost no solver brings back.
    let mut sum = vec![0.0; n + 1];
    for b in &branches {
        sum[b.0 as usize] += b.2;
        sum[b.1 as usize] += b.2;
    }
    branches.extend((1..=n as u32).map(|i| (0, i, decade(rng).max(1e-9 * sum[i as usize]))));
    network(n, &branches)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn all_ways_lead_to_the_same_bits(seed: u64, n in 1usize..80, density in 0usize..4, diagonal: bool) {
        let mut rng = Rng::new(seed);
        let p = random_pattern(&mut rng, n, n * density, diagonal);
        same_ways::<f64>(&mut rng, &p, |r| r.signed())?;
        same_ways::<Complex64>(&mut rng, &p, |r| Complex64::new(r.signed(), r.signed()))?;
    }

    #[test]
    fn many_are_as_one_by_one(seed: u64, n in 1usize..40, count in 0usize..10) {
        let mut rng = Rng::new(seed);
        let p = random_pattern(&mut rng, n, 2 * n, true);
        let values = random_values(&mut rng, &p, |r| r.signed());
        let mut lu = both::<f64>(&p)[0].clone();
        if lu.factor(&values).is_ok() {
            let b: Vec<f64> = (0..n * count).map(|_| rng.signed()).collect();
            let (mut many, mut one) = (b.clone(), b);
            lu.solve_many(&mut many);
            one.chunks_exact_mut(n).for_each(|x| lu.solve(x));
            prop_assert_eq!(many, one);
        }
    }

    /// Conductances from 1e-18 to 1e6 S in one network: residual of every row relative to the terms of that row.
    #[test]
    fn twenty_four_decades_leave_no_residual(seed: u64, n in 2usize..120, chords in 0usize..120) {
        let mut rng = Rng::new(seed);
        let (p, mut values) = decades(&mut rng, n, chords);
        let mut lu = both::<f64>(&p)[0].clone();
        for _ in 0..2 {
            lu.update(&values).unwrap();
            let b: Vec<f64> = (0..n).map(|_| rng.signed()).collect();
            let mut x = b.clone();
            lu.solve(&mut x);
            let mut work = vec![0.0; n];
            refine(&mut lu, &p, &values, &b, &mut x, &mut work);
            let (mut r, mut size) = (vec![0.0; n], b.iter().map(|v| v.abs()).collect::<Vec<_>>());
            p.residual(&values, &x, &b, &mut r);
            for (row, c, s) in p.entries() {
                size[row as usize - 1] += (values[s as usize] * x[c as usize - 1]).abs();
            }
            for (r, s) in r.iter().zip(&size) {
                prop_assert!(r.abs() <= 1e-12 * s, "{r:e} of {s:e}");
            }
            values.iter_mut().for_each(|v| *v *= 1.0 + 0.5 * rng.unit());
        }
    }
}

fn matrix(n: usize, entries: &[(u32, u32, f64)]) -> (Arc<Pattern>, Vec<f64>) {
    let mut b = Builder::new();
    entries.iter().for_each(|e| b.add(e.0, e.1));
    let (p, slots) = b.finish(n);
    let mut v = vec![0.0; p.slots()];
    slots.iter().zip(entries).for_each(|(&s, e)| v[s as usize] += e.2);
    (Arc::new(p), v)
}

#[test]
fn growth_is_refused() {
    // l = 1 / 3e-6 is one that `stale` still allows; two of them in a row swell u to 1e11 of its column.
    let (p, mut v) = matrix(
        4,
        &[(1, 1, 1.0), (2, 1, 1.0), (1, 4, 1.0), (2, 2, 1.0), (3, 2, 1.0), (3, 3, 1.0), (4, 3, 1.0), (4, 4, 1.0)],
    );
    for mut lu in both::<f64>(&p) {
        v.fill(1.0);
        v[p.slot(1, 4) as usize] = 0.5;
        lu.factor(&v).unwrap();
        lu.refactor(&v).unwrap();
        // Only the diagonal shrinks: whatever the order of elimination, the products of l grow.
        for d in 1..=4 {
            v[p.slot(d, d) as usize] = 3e-6;
        }
        let refused = lu.refactor(&v).unwrap_err();
        assert!(refused.ratio < 1e-7, "{refused:?}");
        assert!(!lu.is_factored());
        lu.update(&v).unwrap();
        let b = [1.0, 2.0, 3.0, 4.0];
        let mut x = b;
        lu.solve(&mut x);
        let mut r = [0.0; 4];
        p.residual(&v, &x, &b, &mut r);
        assert!(r.iter().all(|r| r.abs() < 1e-12), "{r:?}");
    }
}

#[test]
fn growth_that_fresh_pivots_have_too_is_no_reason_to_refuse() {
    let branches: Vec<_> = (1..=50u32).flat_map(|i| [(i - 1, i, 1.0), (i, 0, 0.3)]).collect();
    let (p, v) = network(50, &branches);
    for mut lu in both::<f64>(&p) {
        lu.options.growth = 0.5;
        lu.factor(&v).unwrap();
        assert!(lu.pivot_growth(&v) > lu.options.growth);
        // One row of U beyond its limit makes the exact tests run.
        lu.u_limit.fill(0.0);
        lu.refactor(&v).unwrap();
    }
}

#[test]
fn larger_values_of_the_same_kind_pass() {
    // A homotopy takes all conductances up by nine decades: nothing has grown relative to the matrix.
    let branches: Vec<_> = (1..=50u32).flat_map(|i| [(i - 1, i, 1.0), (i, 0, 0.3)]).collect();
    let (p, mut v) = network(50, &branches);
    for mut lu in both::<f64>(&p) {
        lu.factor(&v).unwrap();
        for _ in 0..9 {
            v.iter_mut().for_each(|v| *v *= 10.0);
            lu.refactor(&v).unwrap();
        }
        assert_eq!(lu.stats().refactored, 9);
        v.iter_mut().for_each(|v| *v *= 1e-9);
    }
}

#[test]
fn what_cancels_is_refused_and_named() {
    // Node 2 hangs on node 1 alone once its leak is gone; then node 1 loses its own.
    let (p, v) = matrix(2, &[(1, 1, 0.3), (2, 2, 0.1), (1, 2, -0.1), (2, 1, -0.1)]);
    let mut w = v.clone();
    w[p.slot(1, 1) as usize] = 0.1;
    for mut lu in both::<f64>(&p) {
        lu.factor(&v).unwrap();
        assert!(lu.refactor(&w).is_err());
        let e = lu.update(&w).unwrap_err();
        assert_eq!(e.cause, Cause::Numerical);
        assert_eq!(e.floating.len(), 2);
        lu.update(&v).unwrap();
        assert!(lu.is_factored());
    }
}

#[test]
fn blocks_of_one_are_watched_too() {
    let (p, v) = matrix(3, &[(1, 1, 1.0), (2, 2, 2.0), (3, 3, 4.0), (1, 2, 1.0), (2, 3, 1.0)]);
    for mut lu in both::<f64>(&p) {
        for bad in [0.0, f64::NAN, f64::INFINITY] {
            lu.factor(&v).unwrap();
            let mut w = v.clone();
            w[p.slot(2, 2) as usize] = bad;
            assert_eq!(lu.refactor(&w).unwrap_err().column, 2, "{bad}");
            assert!(lu.update(&w).is_err());
            let mut w = v.clone();
            w[p.slot(2, 3) as usize] = bad;
            lu.factor(&v).unwrap();
            let refused = lu.refactor(&w);
            assert_eq!(refused.map_err(|e| e.column), if bad == 0.0 { Ok(()) } else { Err(3) });
        }
        lu.factor(&v).unwrap();
        let mut x = [3.0, 4.0, 8.0];
        lu.solve(&mut x);
        assert_eq!(x, [2.0, 1.0, 2.0]);
        let mut y = [1.0, 3.0, 6.0];
        lu.solve_transposed(&mut y);
        assert_eq!(y, [1.0, 1.0, 1.25]);
    }
}

#[test]
fn a_change_at_the_end_of_a_ladder_is_cheap_and_right() {
    let n = 1000;
    let branches: Vec<_> = (1..=n as u32).flat_map(|i| [(i - 1, i, 1.0), (i, 0, 0.5)]).collect();
    let (p, mut v) = network(n, &branches);
    let [mut a, _] = both::<f64>(&p);
    a.factor(&v).unwrap();
    let mut b = a.clone();
    let last = a.sym.col_perm[n - 1] + 1;
    v[p.slot(last, last) as usize] *= 2.0;
    a.refactor(&v).unwrap();
    b.refactor_columns(&v, &[last]).unwrap();
    assert_eq!(a.val, b.val);
    assert_eq!(b.dirty.iter().map(|w| w.count_ones()).sum::<u32>(), 1);
}
