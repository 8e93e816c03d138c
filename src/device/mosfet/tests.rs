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
                let x = get(name);
                let tol = 1e-6 * expected.abs() + if name.starts_with('c') { 1e-20 } else { 2e-14 };
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
