//! The bipolar transistor of SPICE: Gummel and Poon's integral charge control model with Kull's quasi-saturation.

use crate::device::{Batch, DeviceInfo, DeviceType, Env, Group, Terminal};
use crate::diag::Diagnostic;

pub mod params;

static INFO: DeviceInfo = DeviceInfo {
    name: "bjt",
    letter: 'q',
    model_types: &[("npn", 1.0), ("pnp", -1.0)],
    levels: &[1],
    model_required: true,
    terminals: &[
        Terminal { name: "c", doc: "Collector", optional: false },
        Terminal { name: "b", doc: "Base", optional: false },
        Terminal { name: "e", doc: "Emitter", optional: false },
        Terminal { name: "s", doc: "Substrate", optional: true },
    ],
    instance: params::INSTANCE,
    model: params::model::MODEL,
    positional: Some(params::AREA),
    has_branch: false,
    doc: "Bipolar transistor: Gummel and Poon (1970) with current-dependent base resistance, split base-collector capacitance, transit-time bias dependence, excess phase, substrate junction and quasi-saturation (Kull et al. 1985). Antognetti and Massobrio, Semiconductor Device Modeling with SPICE, ch. 2.",
};

/// The registry's entry.
pub struct Bjt;

impl DeviceType for Bjt {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }

    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        Err(vec![])
    }
}
