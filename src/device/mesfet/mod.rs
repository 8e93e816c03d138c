//! The GaAs field-effect transistor of Statz, Newman, Smith, Pucel and Haus.

use crate::device::gated::Fets;
use crate::device::{Batch, DeviceInfo, DeviceType, Env, Group, Terminal};
use crate::diag::Diagnostic;

mod core;
#[cfg(test)]
#[rustfmt::skip]
mod golden;
pub mod params;
#[cfg(test)]
mod tests;

static INFO: DeviceInfo = DeviceInfo {
    name: "mesfet",
    letter: 'z',
    model_types: &[("nmf", 1.0), ("pmf", -1.0)],
    levels: &[1],
    model_required: true,
    terminals: &[
        Terminal { name: "d", doc: "Drain", optional: false },
        Terminal { name: "g", doc: "Gate", optional: false },
        Terminal { name: "s", doc: "Source", optional: false },
    ],
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
