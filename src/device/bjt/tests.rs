//! Operating points against ngspice 39, Jacobians, Gummel's plot, noise, excess phase.

use std::sync::Arc;

use num_complex::Complex64;

use super::golden::GOLDEN;
use super::*;
use crate::base::rng::Stream;
use crate::device::testkit::{Bench, NGSPICE_KT};

fn bench(pol: f64, model: &[(&str, f64)], inst: &[(&str, f64)], env: &Env) -> Bench {
    let inst: Vec<(&str, Value)> = inst.iter().map(|(n, v)| (*n, Value::Num(*v))).collect();
    Bench::new(Arc::new(Bjt), pol, model, &inst, 4, 0, env)
}

#[test]
fn operating_points_of_ngspice() {
    let mut bad = vec![];
    for (k, case) in GOLDEN.iter().enumerate() {
        let env = Env { temp: (case.temp_c + 273.15) * NGSPICE_KT, tnom: 300.15 * NGSPICE_KT, ..Env::default() };
        let b = bench(case.polarity, case.model, case.inst, &env);
        let names = b.batch.op_vars();
        let mut values = vec![0.0; names.len()];
        for (bias, row) in case.rows {
            let mut x = vec![0.0; b.n];
            (x[1], x[2], x[4]) = (case.polarity * bias[1], case.polarity * bias[0], case.polarity * bias[2]);
            b.batch.op_values(0, &Point::dc(), &x, &[], &mut values);
            let get = |n: &str| values[names.iter().position(|v| v.name == n).unwrap_or(0)];
            let what = ["ic", "ib", "is", "gm", "gpi", "gmu", "gx", "go", "cpi", "cmu", "cbx", "csub"];
            for (name, expected) in what.iter().zip(row) {
                let x = get(name);
                let floor = if name.starts_with('c') { 1e-19 } else { 1e-16 };
                if (x - expected).abs() > 2e-6 * expected.abs() + floor {
                    bad.push(format!("case {k} at {bias:?}: {name} = {x:e}, ngspice {expected:e}"));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

const FULL: &[(&str, f64)] = &[
    ("is", 1e-15),
    ("bf", 120.0),
    ("br", 3.0),
    ("vaf", 60.0),
    ("var", 15.0),
    ("ikf", 1e-2),
    ("ikr", 5e-3),
    ("ise", 1e-13),
    ("isc", 1e-12),
    ("nf", 1.01),
    ("cje", 1e-12),
    ("cjc", 5e-13),
    ("xcjc", 0.4),
    ("cjs", 1e-12),
    ("mjs", 0.4),
    ("tf", 3e-10),
    ("xtf", 2.0),
    ("vtf", 3.0),
    ("itf", 5e-3),
    ("tr", 1e-8),
    ("iss", 1e-16),
];

#[test]
fn jacobians_are_the_derivatives() {
    let s = Stream { seed: 9, run: 0, instance: 0 };
    let with = |more: &[(&'static str, f64)]| FULL.iter().chain(more).copied().collect::<Vec<_>>();
    let variants = [
        vec![("is", 1e-16)],
        with(&[]),
        with(&[("rb", 200.0), ("rbm", 20.0), ("rc", 10.0), ("re", 1.0)]),
        with(&[("rb", 200.0), ("rbm", 20.0), ("irb", 1e-5), ("nkf", 0.6)]),
        with(&[("rco", 50.0), ("gamma", 1e-9), ("vo", 2.0), ("qco", 1e-12), ("rc", 5.0)]),
        with(&[("subs", -1.0)]),
    ];
    for (k, model) in variants.iter().enumerate() {
        for pol in [1.0, -1.0] {
            let mut b = bench(pol, model, &[("area", 1.5)], &Env::default());
            let mut misses = 0;
            let mut worst: f64 = 0.0;
            for i in 0..1000u32 {
                let draw = |j: u32, lo: f64, hi: f64| lo + (hi - lo) * s.uniform(i, 10 * k as u32 + j);
                let vbe = draw(0, -1.5, 0.85);
                let vbc = draw(1, -3.0, 0.75);
                let mut x = vec![0.0; b.n];
                let (ve, vb, vc) = (0.3, 0.3 + vbe, 0.3 + vbe - vbc);
                (x[1], x[2], x[3]) = (pol * vc, pol * vb, pol * ve);
                x[4] = pol * (vc.min(vb) + draw(2, -2.0, 0.5)).min(vb + 0.5);
                if k == 5 {
                    x[4] = pol * (vb - draw(2, -0.5, 2.0));
                }
                // Internal nodes: collector, epi, base, emitter, near their outer ones.
                let outer: &[usize] = match k {
                    2 => &[1, 2, 3],
                    3 => &[2],
                    4 => &[1, 1],
                    _ => &[],
                };
                for (n, o) in outer.iter().enumerate() {
                    x[5 + n] = x[*o] + 0.02 * draw(4 + n as u32, -1.0, 1.0);
                }
                b.iter.fill(0.0);
                let e = b.jacobian_error(&Point::dc(), &x);
                if e > 1e-4 {
                    misses += 1;
                } else {
                    worst = worst.max(e);
                }
            }
            // The epi layer's current depends on vbc - vbcx; its tiny slopes by the base alone drown in the rounding of differences.
            let allowed = if k == 4 { 60 } else { 3 };
            assert!(misses <= allowed, "variant {k} polarity {pol}: {misses} misses, worst otherwise {worst}");
        }
    }
}

#[test]
fn gummel_plot_and_symmetry() {
    let mut b = bench(1.0, &[("is", 1e-16), ("bf", 150.0), ("br", 5.0)], &[], &Env::default());
    let at = Point { gmin: 0.0, ..Point::dc() };
    let i = |b: &mut Bench, vb: f64, vc: f64, ve: f64| b.eval(&at, &[0.0, vc, vb, ve, -5.0]).f.clone();
    let decade = consts::K_Q * 300.15 * std::f64::consts::LN_10;
    let (a, c) = (i(&mut b, 0.5, 1.0, 0.0), i(&mut b, 0.5 + decade, 1.0, 0.0));
    assert!((c[1] / a[1] - 10.0).abs() < 1e-6 && (a[1] / a[2] - 150.0).abs() < 1e-4);
    // Reciprocity: forward and reverse transport are equal.
    let r = i(&mut b, 0.5, 0.0, 1.0);
    assert!((r[3] / a[1] - 1.0).abs() < 1e-9 && (r[3] / r[2] - 5.0).abs() < 1e-6);
    // The currents of all terminals sum to zero.
    assert!(a[1..5].iter().sum::<f64>().abs() < 1e-20);
}

#[test]
fn shot_and_thermal_noise() {
    let model = [("is", 1e-16), ("bf", 100.0), ("rb", 100.0), ("kf", 1e-15)];
    let b = bench(1.0, &model, &[], &Env::default());
    let at = Point { gmin: 0.0, ..Point::dc() };
    let x = [0.0, 3.0, 0.7, 0.0, 0.0, 0.7];
    let ic = 1e-16 * ((0.7 / (consts::K_Q * 300.15)).exp_m1() + 1.0);
    let mut out = vec![];
    b.batch.noise(&at, &x, &mut out);
    let find = |n: &str| out.iter().find(|s| s.name == n).copied().unwrap_or_else(|| panic!("{n}"));
    assert!((find("rb").white / (4.0 * consts::K * 300.15 / 100.0) - 1.0).abs() < 1e-12);
    assert!((find("ic").white / (2.0 * consts::Q * ic) - 1.0).abs() < 1e-6);
    assert!((find("ib").white / (2.0 * consts::Q * ic / 100.0) - 1.0).abs() < 1e-6);
    assert!((find("1overf").flicker / (1e-15 * ic / 100.0) - 1.0).abs() < 1e-6);
}

/// The filter of excess phase and what small-signal analyses add to it, as one transfer from u to y: static 1, Bessel's
/// poles in the time domain, a pure delay in AC.
#[test]
fn excess_phase() {
    let model = [("is", 1e-16), ("bf", 100.0), ("tf", 1e-9), ("ptf", 30.0)];
    let mut b = bench(1.0, &model, &[], &Env::default());
    let at = Point { gmin: 0.0, ..Point::dc() };
    let names: Vec<_> = b.batch.unknowns().iter().map(|u| u.name).collect();
    assert_eq!(names, ["delayed", "delayed_rate"]);
    let vt = consts::K_Q * 300.15;
    let u = 1e-16 * (0.7 / vt).exp_m1();
    // c, b, e, s, y, w: at rest y = u and w = 0, and the collector's current is that of the transistor without delay.
    let x = [0.0, 3.0, 0.7, 0.0, 0.0, u, 0.0];
    let out = b.eval(&at, &x);
    assert!(out.f[5].abs() < 1e-9 * u && out.f[6] == 0.0);
    assert!((out.f[1] / u - 1.0).abs() < 1e-9, "{} {u}", out.f[1]);
    assert!(b.jacobian_error(&at, &x) < 1e-4);

    let td = 30f64.to_radians() * 1e-9;
    let gm = 1e-16 * (0.7 / vt).exp() / vt;
    for omega in [1e7, 1e9, 5e9] {
        let (mut rhs, mut y) = (vec![Complex64::default(); b.n], vec![Complex64::default(); 1 + b.n * b.n + b.n]);
        b.batch.ac(&at, &x, omega, &mut AcLoad { rhs: &mut rhs, y: &mut y });
        let entry = |r: usize, c: usize| {
            let k = 1 + r * b.n + c;
            Complex64::new(out.g[k], omega * out.c[k]) + y[k]
        };
        // Rows 5 and 6 with the base's voltage 1: a y + b w = -k, d y + e w = 0.
        let (a, w, k) = (entry(5, 5), entry(5, 6), entry(5, 2));
        let (d, e) = (entry(6, 5), entry(6, 6));
        let transfer = -k / (a - w * d / e) / gm;
        assert!((transfer - Complex64::from_polar(1.0, -omega * td)).norm() < 1e-9, "{omega}: {transfer}");
    }
}
