//! The junction diode of SPICE: ideal, recombination, sidewall, tunnelling and breakdown currents, high injection,
//! depletion and diffusion charge, series resistance, temperature, noise.

use crate::device::{Batch, DeviceInfo, DeviceType, Env, Group, Terminal};
use crate::diag::Diagnostic;

pub mod params;

static INFO: DeviceInfo = DeviceInfo {
    name: "diode",
    letter: 'd',
    model_types: &[("d", 1.0)],
    levels: &[1],
    model_required: true,
    terminals: &[
        Terminal { name: "p", doc: "Anode", optional: false },
        Terminal { name: "n", doc: "Cathode", optional: false },
    ],
    instance: params::INSTANCE,
    model: params::model::MODEL,
    positional: Some(params::AREA),
    has_branch: false,
    doc: "Junction diode: i = is (exp(v/(n vt)) - 1) with recombination, high injection, breakdown, sidewall and tunnelling currents; q = tt i + depletion charge. Nagel, UCB/ERL M520 (1975); Antognetti and Massobrio, Semiconductor Device Modeling with SPICE, ch. 1.",
};

/// The registry's entry.
pub struct Diode;

impl DeviceType for Diode {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }

    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        Err(vec![])
    }
}
