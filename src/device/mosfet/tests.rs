//! Operating points against ngspice 39, Jacobians, charges, noise.

use std::sync::Arc;

use super::golden::{Case, LEVEL1, LEVEL2, LEVEL3};
use super::*;
use crate::base::consts;
use crate::base::rng::Stream;
use crate::device::testkit::Bench;
use crate::device::{Point, Value};

/// ngspice 39 has the k and q of CODATA 2014; the ratio of its k/q to ours. Scaling the temperature by it makes the
/// thermal voltages equal.
const NGSPICE_KT: f64 = 1.380_648_52e-23 / 1.602_176_620_8e-19 / consts::K_Q;

fn device(level: u32) -> Arc<dyn DeviceType> {
    match level {
        1 => Arc::new(Mosfet::<One>::new()),
        2 => Arc::new(Mosfet::<Two>::new()),
        _ => Arc::new(Mosfet::<Three>::new()),
    }
}

fn bench(level: u32, pol: f64, model: &[(&str, f64)], inst: &[(&str, f64)], env: &Env) -> Bench {
    let inst: Vec<(&str, Value)> = inst.iter().map(|(n, v)| (*n, Value::Num(*v))).collect();
    Bench::new(device(level), pol, model, &inst, 4, 0, env)
}

/// Node voltages for (vgs, vds, vbs) with the source at 0.
fn nodes(n: usize, pol: f64, [vgs, vds, vbs]: [f64; 3]) -> Vec<f64> {
    let mut x = vec![0.0; n];
    (x[1], x[2], x[4]) = (pol * vds, pol * vgs, pol * vbs);
    x
}

fn compare(level: u32, cases: &[Case]) {
    let mut bad = vec![];
    for (k, case) in cases.iter().enumerate() {
        let env = Env { temp: (case.temp_c + 273.15) * NGSPICE_KT, tnom: 300.15 * NGSPICE_KT, ..Env::default() };
        let tnom = case.model.iter().find(|(n, _)| *n == "tnom").map(|(_, t)| (t + 273.15) * NGSPICE_KT - 273.15);
        let model: Vec<(&str, f64)> =
            case.model.iter().map(|&(n, v)| (n, if n == "tnom" { tnom.unwrap_or(v) } else { v })).collect();
        let b = bench(level, case.polarity, &model, case.inst, &env);
        let names = b.batch.op_vars();
        let mut values = vec![0.0; names.len()];
        for (bias, row) in case.rows {
            b.batch.op_values(0, &Point::dc(), &nodes(b.n, case.polarity, *bias), &[], &mut values);
            let get = |n: &str| values[names.iter().position(|v| v.name == n).unwrap_or(0)];
            let what = ["id", "gm", "gds", "gmbs", "von", "vdsat", "cgs", "cgd", "cgb", "cbd", "cbs", "ib"];
            for (name, expected) in what.iter().zip(row) {
                // Some slopes that ngspice reports leave terms out: with a forward-biased bulk, at level 2, and at level 3
                // with theta, eta or vmax. Below threshold its vdsat is what the last iteration left there, and at
                // level 2 with vmax its vdsat < 0 there lets a current flow.
                let is_slope = name.starts_with('g');
                let skip = is_slope && (level == 2 || level == 3 && k > 0 || bias[2] > 0.0)
                    || *name == "vdsat" && row[0].abs() < 1e-9
                    || level == 2 && row[5] < 0.0;
                if skip {
                    continue;
                }
                let x = get(name);
                // Junctions: -is below -3 vt in ngspice, the smooth continuation here.
                let tol = match name.as_bytes()[0] {
                    b'c' => 1e-5 * expected.abs() + 1e-19,
                    b'v' => 2e-6 * expected.abs() + 1e-6,
                    _ if case.temp_c > 27.0 => 2e-6 * expected.abs() + 8e-13,
                    _ => 2e-6 * expected.abs() + 2e-14,
                };
                if (x - expected).abs() > tol {
                    bad.push(format!("case {k} at {bias:?}: {name} = {x:e}, ngspice {expected:e}"));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn level_1_operating_points_of_ngspice() {
    compare(1, LEVEL1);
}

#[test]
fn level_2_operating_points_of_ngspice() {
    compare(2, LEVEL2);
}

#[test]
fn level_3_operating_points_of_ngspice() {
    compare(3, LEVEL3);
}

/// Every region of every variant: weak inversion, linear, saturation, both modes, forward-biased bulk.
const VARIANTS: &[(u32, &[(&str, f64)])] = &[
    (
        1,
        &[
            ("vto", 0.7),
            ("gamma", 0.5),
            ("lambda", 0.03),
            ("tox", 2e-8),
            ("cj", 2e-4),
            ("cjsw", 1e-10),
            ("cgso", 1e-10),
        ],
    ),
    (1, &[("vto", -1.0), ("kp", 5e-5), ("rd", 10.0), ("rs", 20.0), ("tox", 2e-8), ("nsub", 1e16)]),
    (1, &[("vto", 0.7), ("gamma", 0.5), ("tox", 2e-8), ("xqc", 0.3)]),
    (1, &[("vto", 0.7), ("tox", 2e-8), ("capmod", 1.0)]),
    (2, &[("vto", 0.8), ("gamma", 0.6), ("lambda", 0.02)]),
    (2, &[("nsub", 2e16), ("tox", 2.5e-8), ("ucrit", 6e4), ("uexp", 0.15), ("xj", 4e-7), ("ld", 2e-7), ("delta", 0.8)]),
    (2, &[("vto", 0.8), ("nsub", 1e16), ("tox", 3e-8), ("nfs", 2e11), ("xj", 3e-7), ("ucrit", 1e4), ("uexp", 0.2)]),
    (2, &[("vto", 0.8), ("nsub", 1.5e16), ("tox", 2.5e-8), ("vmax", 6e4), ("neff", 2.0), ("xj", 3e-7), ("nfs", 1e11)]),
    (3, &[("vto", 0.7), ("gamma", 0.5)]),
    (
        3,
        &[("nsub", 2e16), ("tox", 2.5e-8), ("theta", 0.08), ("eta", 0.1), ("kappa", 0.5), ("xj", 3e-7), ("delta", 0.9)],
    ),
    (3, &[("vto", 0.8), ("nsub", 1e16), ("tox", 3e-8), ("nfs", 2e11), ("theta", 0.1), ("vmax", 1.5e5), ("xj", 3e-7)]),
    (3, &[("vto", 0.8), ("nsub", 1e15), ("tox", 3e-8), ("nfs", 2e11), ("kappa", 0.7), ("capmod", 1.0)]),
];

#[test]
fn jacobians_are_the_derivatives() {
    let s = Stream { seed: 5, run: 0, instance: 0 };
    let geometry = [("l", 2e-6), ("w", 1e-5), ("ad", 1e-10), ("as", 8e-11), ("pd", 4e-5), ("ps", 3e-5)];
    for (v, (level, model)) in VARIANTS.iter().enumerate() {
        for pol in [1.0, -1.0] {
            let model: Vec<(&str, f64)> =
                model.iter().map(|&(n, x)| (n, if n == "vto" { pol * x } else { x })).collect();
            let mut b = bench(*level, pol, &model, &geometry, &Env::default());
            let (mut worst, mut misses) = (0.0f64, 0);
            for k in 0..1000u32 {
                let draw = |j: u32, lo: f64, hi: f64| lo + (hi - lo) * s.uniform(k, 8 * v as u32 + j);
                let vds = if k % 3 == 0 { draw(0, -0.5, 0.5) } else { draw(0, -4.0, 4.0) };
                let vbs = vds.min(0.0) + draw(1, -3.0, 0.4);
                let bias = [vds.min(0.0) + draw(2, -2.0, 4.0), vds, vbs];
                let mut x = nodes(b.n, pol, bias);
                x.iter_mut().skip(1).for_each(|x| *x += 0.25);
                // Drain and source behind their resistances.
                if b.n == 7 {
                    (x[5], x[6]) = (x[1] + 0.003, x[3] - 0.004);
                }
                // The path sum of the Meyer charges starts somewhere else.
                if k % 2 == 0 {
                    let mut y = x.clone();
                    y[2] += draw(3, -0.2, 0.2);
                    y[1] += draw(4, -0.2, 0.2);
                    b.batch.accept(&Point::tran(0.0), &y);
                }
                let at = Point { is_static: false, ..Point::tran(1e-9) };
                b.iter.fill(0.0);
                let e = b.jacobian_error(&at, &x);
                // A difference across a region's boundary, or of a vanishing charge, says nothing; those are few.
                if e > 1e-4 {
                    misses += 1;
                } else {
                    worst = worst.max(e);
                }
            }
            assert!(misses <= 10, "level {level} variant {v} polarity {pol}: {misses} misses, worst {worst}");
        }
    }
}

#[test]
fn currents_are_continuous_over_region_boundaries() {
    for (level, model) in VARIANTS {
        let mut b = bench(*level, 1.0, model, &[("l", 2e-6), ("w", 1e-5)], &Env::default());
        if b.n > 5 {
            continue;
        }
        let at = Point { gmin: 0.0, ..Point::dc() };
        // Fine sweeps through threshold, vdsat, vds = 0 and vbs = 0: no step may exceed what the slope explains.
        let sweeps: [fn(f64) -> [f64; 3]; 4] = [
            |t| [3.0 * t, 0.3, -0.5],
            |t| [2.5, 4.0 * t, -1.0],
            |t| [2.0, 0.2 * t - 0.1, -0.5],
            |t| [2.0, 1.0, 0.6 * t - 0.3],
        ];
        for sweep in sweeps {
            let n = 4000;
            let mut last: Option<(f64, f64)> = None;
            for k in 0..=n {
                let x = nodes(b.n, 1.0, sweep(f64::from(k) / f64::from(n)));
                b.iter.fill(0.0);
                let out = b.eval(&at, &x);
                let i = out.f[1];
                if let Some((j, slope)) = last {
                    let step = (i - j).abs();
                    assert!(step <= 3.0 * slope + 4e-7, "level {level} {model:?} at {x:?}: {j} {i}");
                    last = Some((i, step.max(0.5 * slope)));
                } else {
                    last = Some((i, 1e-5));
                }
            }
        }
    }
}

#[test]
fn ward_dutton_charges_return_after_a_cycle_and_meyer_pairs_cancel() {
    let mut b = bench(1, 1.0, &[("vto", 0.7), ("gamma", 0.5), ("tox", 2e-8), ("xqc", 0.4)], &[], &Env::default());
    let at = Point::tran(1e-9);
    for bias in [[2.0, 1.0, -1.0], [3.0, 0.1, -1.0], [0.1, 2.0, 0.0], [2.0, -1.5, -2.0]] {
        let out = b.eval(&at, &nodes(b.n, 1.0, bias));
        assert!(out.q[1..5].iter().sum::<f64>().abs() < 1e-27 + 1e-12 * out.q[2].abs());
    }
    let mut m = bench(1, 1.0, &[("vto", 0.7), ("gamma", 0.5), ("tox", 2e-8)], &[], &Env::default());
    for bias in [[2.0, 1.0, -1.0], [3.0, 0.1, -1.0], [0.1, 2.0, 0.0]] {
        let x = nodes(m.n, 1.0, bias);
        let before = m.eval(&at, &x);
        m.batch.accept(&at, &x);
        let after = m.eval(&at, &x);
        assert!(before.q[1..5].iter().sum::<f64>().abs() < 1e-12 * before.q[2].abs());
        // Acceptance does not move the charge.
        assert!((1..5).all(|k| (before.q[k] - after.q[k]).abs() <= 1e-12 * before.q[k].abs()));
    }
}

#[test]
fn drain_and_source_may_be_exchanged() {
    let m = &[("vto", 0.7), ("gamma", 0.5), ("lambda", 0.03), ("tox", 2e-8)];
    let mut b = bench(1, 1.0, m, &[], &Env::default());
    let f = b.eval(&Point::dc(), &[0.0, 3.0, 2.5, 0.5, -1.0]).f;
    b.iter.fill(0.0);
    let r = b.eval(&Point::dc(), &[0.0, 0.5, 2.5, 3.0, -1.0]).f;
    assert!((f[1] - r[3]).abs() < 1e-18 && (f[3] - r[1]).abs() < 1e-18);
}

#[test]
fn channel_noise() {
    let m = &[("vto", 0.7), ("kp", 5e-5), ("tox", 2e-8), ("kf", 1e-26), ("af", 1.0), ("rd", 5.0)];
    let b = bench(1, 1.0, m, &[("l", 2e-6), ("w", 1e-5)], &Env::default());
    let mut out = vec![];
    b.batch.noise(&Point::dc(), &[0.0, 3.0, 1.7, 0.0, 0.0, 3.0], &mut out);
    let (gm, id) = (5e-5 * 5.0, 0.5 * 5e-5 * 5.0);
    let cox = super::common::EPS_OX / 2e-8;
    assert!((out[0].white / (4.0 * consts::K * 300.15 / 5.0) - 1.0).abs() < 1e-12);
    assert!((out[1].white / (8.0 / 3.0 * consts::K * 300.15 * gm) - 1.0).abs() < 1e-9);
    assert!((out[2].flicker / (1e-26 * id / (2e-11 * cox * cox)) - 1.0).abs() < 1e-9);
}

#[test]
fn impossible_geometry_and_doping_are_diagnosed() {
    use crate::device::{ModelCard, param};
    let ty = device(1);
    let mut group = Group::new(ty.clone());
    let id = |n: &str| param::find(ty.info().model, n).unwrap_or(0);
    group.models.push(ModelCard {
        name: "m".into(),
        span: crate::diag::Span::NOWHERE,
        polarity: 1.0,
        params: vec![(id("ld"), 1e-6.into()), (id("nsub"), 1e9.into())],
    });
    let l = param::find(ty.info().instance, "l").unwrap_or(0);
    group.push(Default::default(), crate::diag::Span::NOWHERE, Some(0), 1..=4, [], [(l, 1e-6.into())]);
    let faults = ty.batch(&group, &Env::default()).err().unwrap_or_default();
    assert_eq!(faults.iter().map(|d| d.code.0).collect::<Vec<_>>(), ["E0412", "E0411"]);
}
