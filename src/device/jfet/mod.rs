//! The junction field-effect transistor of SPICE: Shichman and Hodges with the doping-tail parameter.

use crate::device::gated::{self, Fets};
use crate::device::{Batch, DeviceInfo, DeviceType, Env, Group};
use crate::diag::Diagnostic;

mod core;
#[cfg(test)]
#[rustfmt::skip]
mod golden;
pub mod params;

static INFO: DeviceInfo = DeviceInfo {
    name: "jfet",
    letter: 'j',
    model_types: &[("njf", 1.0), ("pjf", -1.0)],
    levels: &[1],
    model_required: true,
    terminals: gated::TERMINALS,
    instance: params::INSTANCE,
    model: params::model::MODEL,
    positional: Some(params::AREA),
    has_branch: false,
    doc: "Junction field-effect transistor: Shichman and Hodges (1968) with the doping-tail parameter b of Sydney University; gate junctions with depletion charge. Antognetti and Massobrio, Semiconductor Device Modeling with SPICE, ch. 3.",
};

/// The registry's entry.
pub struct Jfet;

impl DeviceType for Jfet {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }

    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        Ok(Box::new(Fets::<core::Core>::build(group, env)?))
    }
}

#[cfg(test)]
#[test]
fn equations_and_derivatives() {
    crate::device::gated_tests::check(std::sync::Arc::new(Jfet), golden::GOLDEN);
}
