//! Inductor: branch current `i` with the row `(v_n - v_p) + d/dt (L(T) i) = 0`; the row's q is the flux.
//!
//! L(T) = l scale (1 + tc1 dT + tc2 dT²)/m. Without a value the model gives it: `ind`, or from the geometry of a long
//! coil L = µ µ0 nt² csect/length. Reference: ngspice manual, section "Inductors".

use super::*;

crate::param_table! { pub static INSTANCE = [
    L: "l" | "ind" | "inductance" real "H", Range::ANY, "Inductance at tnom; without it the model gives it";
    IC: "ic" real "A", Range::ANY, "Initial current, used with uic";
    TC: "tc" vector "1/°C", Range::ANY, "tc1 and tc2 in one list: tc=tc1[,tc2]";
    TC1: "tc1" real "1/°C", Range::ANY, "Linear temperature coefficient (default: the model's)";
    TC2: "tc2" real "1/°C²", Range::ANY, "Quadratic temperature coefficient (default: the model's)";
    M: "m" real "" = 1.0, Range::POSITIVE, "Number of equal inductors in parallel";
    SCALE: "scale" real "" = 1.0, Range::ANY, "Factor on the inductance";
    TEMP: "temp" real "°C", Range::ANY, "Temperature of this inductor (default: that of the circuit)";
    DTEMP: "dtemp" real "°C" = 0.0, Range::ANY, "Temperature above that of the circuit";
    NT: "nt" real "", Range::NON_NEGATIVE, "Number of turns (default: the model's)";
    COUPLED: "coupled" flag "" = 0.0, Range::ANY, "Set by elaboration on windings of a mutual inductance: a change of value rebuilds the simulation";
] }

crate::param_table! { pub static MODEL = [
    IND: "ind" | "l" real "H", Range::ANY, "Default inductance of instances without a value";
    CSECT: "csect" real "m²", Range::POSITIVE, "Cross section of the coil";
    LENGTH: "length" real "m", Range::POSITIVE, "Length of the coil";
    MNT: "nt" real "" = 0.0, Range::NON_NEGATIVE, "Number of turns";
    MU: "mu" real "" = 1.0, Range::NON_NEGATIVE, "Relative permeability of the core";
    MTC1: "tc1" real "1/°C" = 0.0, Range::ANY, "Linear temperature coefficient";
    MTC2: "tc2" real "1/°C²" = 0.0, Range::ANY, "Quadratic temperature coefficient";
    TNOM: "tnom" | "t_measured" real "°C", Range::ANY, "Temperature at which the parameters were measured (default: .options tnom)";
] }

pub static INFO: DeviceInfo = DeviceInfo {
    name: "inductor",
    letter: 'l',
    model_types: &[("l", 1.0), ("ind", 1.0)],
    levels: &[],
    model_required: false,
    terminals: common::TWO,
    instance: INSTANCE,
    model: MODEL,
    positional: Some(L),
    has_branch: true,
    doc: "Linear inductor with a branch current, temperature coefficients and a coil model.",
};

pub struct Inductor;

impl DeviceType for Inductor {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}
