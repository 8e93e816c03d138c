//! The GaAs field-effect transistor of Statz, Newman, Smith, Pucel and Haus.

use crate::device::gated::{self, Fets};
use crate::device::{Batch, DeviceInfo, DeviceType, Env, Group};
use crate::diag::Diagnostic;

mod core;
#[cfg(test)]
#[rustfmt::skip]
mod golden;
pub mod params;

static INFO: DeviceInfo = DeviceInfo {
    name: "mesfet",
    letter: 'z',
    model_types: &[("nmf", 1.0), ("pmf", -1.0)],
    levels: &[1],
    model_required: true,
    terminals: gated::TERMINALS,
    instance: params::INSTANCE,
    model: params::model::MODEL,
    positional: Some(params::AREA),
    has_branch: false,
    doc: "GaAs MESFET: id = beta (vgs-vto)^2/(1 + b (vgs-vto)) (1 - (1 - alpha vds/3)^3)(1 + lambda vds) with the continuous gate charge of Statz et al., IEEE Trans. Electron Devices 34 (1987) 160.",
};

/// The registry's entry.
pub struct Mesfet;

impl DeviceType for Mesfet {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }

    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        Ok(Box::new(Fets::<core::Core>::build(group, env)?))
    }
}

#[cfg(test)]
#[test]
fn temperature() {
    use crate::base::consts;
    use crate::device::testkit::Bench;
    use crate::device::{Point, Value};
    let model = [("vto", -1.5), ("vtotc", -1e-3), ("beta", 1e-3), ("betatce", -0.5), ("eg", 1.42), ("is", 1e-14)];
    // id of the saturated channel (b = 0.3 V⁻¹, alpha vds > 3), and the gate's current.
    let at = |inst: &[(&str, Value)]| {
        let b = Bench::new(std::sync::Arc::new(Mesfet), 1.0, &model, inst, 3, 0, &Env::default());
        let mut v = vec![0.0; b.batch.op_vars().len()];
        b.batch.op_values(0, &Point { gmin: 0.0, ..Point::dc() }, &[0.0, 3.0, 0.2, 0.0], &[], &mut v);
        (v[0], v[2])
    };
    let channel = |vto: f64, beta: f64| beta * (0.2 - vto) * (0.2 - vto) / (1.0 + 0.3 * (0.2 - vto));
    let ((i0, g0), (i1, g1), by_temp) =
        (at(&[]), at(&[("dtemp", Value::Num(50.0))]), at(&[("temp", Value::Num(77.0))]));
    assert_eq!((i1, g1), by_temp);
    assert!((i0 / channel(-1.5, 1e-3) - 1.0).abs() < 1e-6);
    assert!((i1 / channel(-1.55, 1e-3 * 1.01f64.powf(-25.0)) - 1.0).abs() < 1e-6);
    let gate = |t: f64| {
        let (vt, ratio) = (consts::K_Q * t, t / 300.15);
        1e-14 * ((ratio - 1.0) * 1.42 / vt).exp() * (0.2 / vt).exp_m1()
    };
    // The gate-drain junction adds its reverse current, is at most.
    assert!((g0 - gate(300.15)).abs() < 2e-14 && (g1 / gate(350.15) - 1.0).abs() < 1e-2);
}

#[cfg(test)]
#[test]
fn equations_and_derivatives() {
    crate::device::gated_tests::check(std::sync::Arc::new(Mesfet), golden::GOLDEN);
}
