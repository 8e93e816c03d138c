//! What the tests of all transistors with a gate junction have in common: operating points and capacitances against
//! ngspice 39, Jacobians, symmetry, noise.

use std::sync::Arc;

use super::testkit::{Bench, NGSPICE_KT};
use super::{DeviceType, Env, Point, Value};
use crate::base::consts;
use crate::base::rng::Stream;

/// One model and its operating points.
pub struct Case {
    pub polarity: f64,
    pub model: &'static [(&'static str, f64)],
    pub inst: &'static [(&'static str, f64)],
    pub temp_c: f64,
    /// (vgs, vds) times polarity; currents into d and g; gm gds ggs ggd; cgs cgd
    pub rows: &'static [([f64; 2], [f64; 8])],
}

/// All of them for one type of device.
pub fn check(ty: Arc<dyn DeviceType>, golden: &[Case]) {
    operating_points(&ty, golden);
    jacobians(&ty);
    symmetry_and_noise(&ty);
}

fn bench(ty: &Arc<dyn DeviceType>, pol: f64, model: &[(&str, f64)], inst: &[(&str, f64)], env: &Env) -> Bench {
    let inst: Vec<(&str, Value)> = inst.iter().map(|(n, v)| (*n, Value::Num(*v))).collect();
    Bench::new(ty.clone(), pol, model, &inst, 3, 0, env)
}

fn operating_points(ty: &Arc<dyn DeviceType>, golden: &[Case]) {
    let mut bad = vec![];
    for (k, case) in golden.iter().enumerate() {
        let env = Env { temp: (case.temp_c + 273.15) * NGSPICE_KT, tnom: 300.15 * NGSPICE_KT, ..Env::default() };
        let b = bench(ty, case.polarity, case.model, case.inst, &env);
        let names = b.batch.op_vars();
        let mut values = vec![0.0; names.len()];
        for ([vgs, vds], row) in case.rows {
            let x = [0.0, case.polarity * vds, case.polarity * vgs, 0.0];
            b.batch.op_values(0, &Point::dc(), &x, &[], &mut values);
            let what = ["id", "ig", "gm", "gds", "ggs", "ggd", "cgs", "cgd"];
            for (i, (name, expected)) in what.iter().zip(row).enumerate() {
                // For vds < 0 ngspice gives the slopes of the exchanged transistor with the signs of the current.
                if *vds < 0.0 && (*name == "gm" || *name == "gds") {
                    continue;
                }
                let x = values[names.iter().position(|v| v.name == *name).unwrap_or(0)];
                let x = if i < 2 { case.polarity * x } else { x };
                if (x - expected).abs() > 2e-6 * expected.abs() + if i < 6 { 1e-15 } else { 1e-19 } {
                    bad.push(format!("case {k} at {vgs} {vds}: {name} = {x:e}, ngspice {expected:e}"));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

fn jacobians(ty: &Arc<dyn DeviceType>) {
    let s = Stream { seed: 3, run: 0, instance: 0 };
    let small = [("vto", -1.5), ("cgs", 1e-12), ("cgd", 4e-13), ("lambda", 0.03), ("pb", 0.8)];
    let full: Vec<(&str, f64)> = small.iter().copied().chain([("b", 0.7), ("rd", 10.0), ("rs", 5.0)]).collect();
    for (v, model) in [&small[..], &full].into_iter().enumerate() {
        for pol in [1.0, -1.0] {
            let mut b = bench(ty, pol, model, &[("area", 1.5)], &Env::default());
            let mut misses = 0;
            for i in 0..1000u32 {
                let draw = |j: u32, lo: f64, hi: f64| lo + (hi - lo) * s.uniform(i, 8 * v as u32 + j);
                let (vgs, vgd) = (draw(0, -4.0, 0.7), draw(1, -4.0, 0.7));
                let mut x = vec![0.0; b.n];
                (x[1], x[2], x[3]) = (pol * (0.3 + vgs - vgd), pol * (0.3 + vgs), pol * 0.3);
                if v == 1 {
                    (x[4], x[5]) = (x[1] + 0.01, x[3] - 0.01);
                }
                if i % 2 == 0 {
                    let mut y = x.clone();
                    y[1] += draw(2, -0.2, 0.2);
                    y[2] += draw(3, -0.2, 0.2);
                    b.batch.accept(&Point::tran(0.0), &y);
                }
                b.iter.fill(0.0);
                misses += u32::from(b.jacobian_error(&Point::tran(1e-9), &x) > 1e-4);
            }
            assert!(misses <= 5, "variant {v} polarity {pol}: {misses} misses");
        }
    }
}

/// Drain and source may be exchanged, and noise is that of the channel.
fn symmetry_and_noise(ty: &Arc<dyn DeviceType>) {
    let model = [("vto", -1.5), ("beta", 1e-3), ("kf", 1e-16)];
    let mut b = bench(ty, 1.0, &model, &[], &Env::default());
    let f = b.eval(&Point::dc(), &[0.0, 2.0, 0.1, 0.5]).f;
    b.iter.fill(0.0);
    let r = b.eval(&Point::dc(), &[0.0, 0.5, 0.1, 2.0]).f;
    assert!((f[1] - r[3]).abs() < 1e-17 && f[1..4].iter().sum::<f64>().abs() < 1e-17);

    let x = [0.0, 5.0, -0.5, 0.0];
    let mut values = vec![0.0; b.batch.op_vars().len()];
    b.batch.op_values(0, &Point::dc(), &x, &[], &mut values);
    let (id, gm) = (values[0], values[8]);
    let mut out = vec![];
    b.batch.noise(&Point::dc(), &x, &mut out);
    assert!((out[0].white / (8.0 / 3.0 * consts::K * 300.15 * gm) - 1.0).abs() < 1e-9);
    assert!((out[1].flicker / (1e-16 * id) - 1.0).abs() < 1e-6);
}
