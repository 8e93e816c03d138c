//! Capacitor: `q = m C(T) (v_p - v_n)`.
//!
//! C(T) = c scale (1 + tc1 dT + tc2 dT²). Without a value the geometry gives it:
//! c = cj (l - short)(w - narrow) + 2 cjsw (l - short + w - narrow); without cj, cj = di ε0/thick.
//! Reference: ngspice manual, section "Capacitors".

use super::*;

crate::param_table! { pub static INSTANCE = [
    C: "c" | "cap" | "capacitance" real "F", Range::ANY, "Capacitance at tnom; without it the model gives it";
    IC: "ic" real "V", Range::ANY, "Initial voltage, used with uic";
    TC: "tc" vector "1/°C", Range::ANY, "tc1 and tc2 in one list: tc=tc1[,tc2]";
    TC1: "tc1" real "1/°C", Range::ANY, "Linear temperature coefficient (default: the model's)";
    TC2: "tc2" real "1/°C²", Range::ANY, "Quadratic temperature coefficient (default: the model's)";
    M: "m" real "" = 1.0, Range::POSITIVE, "Number of equal capacitors in parallel";
    SCALE: "scale" real "" = 1.0, Range::ANY, "Factor on the capacitance";
    TEMP: "temp" real "°C", Range::ANY, "Temperature of this capacitor (default: that of the circuit)";
    DTEMP: "dtemp" real "°C" = 0.0, Range::ANY, "Temperature above that of the circuit";
    W: "w" | "width" real "m", Range::POSITIVE, "Width (default: the model's defw)";
    L: "l" | "length" real "m", Range::POSITIVE, "Length (default: the model's defl)";
] }

crate::param_table! { pub static MODEL = [
    CAP: "cap" | "c" real "F", Range::ANY, "Default capacitance of instances without a value";
    CJ: "cj" real "F/m²", Range::NON_NEGATIVE, "Capacitance per area";
    CJSW: "cjsw" real "F/m" = 0.0, Range::NON_NEGATIVE, "Capacitance per length of the edge";
    DEFW: "defw" | "w" real "m" = 1e-5, Range::POSITIVE, "Default width";
    DEFL: "defl" | "l" real "m" = 0.0, Range::NON_NEGATIVE, "Default length";
    NARROW: "narrow" real "m" = 0.0, Range::ANY, "Narrowing by side etching";
    SHORT: "short" real "m" = 0.0, Range::ANY, "Shortening by side etching";
    MTC1: "tc1" real "1/°C" = 0.0, Range::ANY, "Linear temperature coefficient";
    MTC2: "tc2" real "1/°C²" = 0.0, Range::ANY, "Quadratic temperature coefficient";
    TNOM: "tnom" | "t_measured" real "°C", Range::ANY, "Temperature at which the parameters were measured (default: .options tnom)";
    DI: "di" real "" = 3.9, Range::NON_NEGATIVE, "Relative permittivity of the insulator (used with thick)";
    THICK: "thick" real "m", Range::POSITIVE, "Thickness of the insulator; with di gives cj where that is not given";
] }

pub static INFO: DeviceInfo = DeviceInfo {
    name: "capacitor",
    letter: 'c',
    model_types: &[("c", 1.0), ("cap", 1.0)],
    levels: &[],
    model_required: false,
    terminals: common::TWO,
    instance: INSTANCE,
    model: MODEL,
    positional: Some(C),
    has_branch: false,
    doc: "Linear capacitor with temperature coefficients and a geometric model.",
};

pub struct Capacitor;

impl DeviceType for Capacitor {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}
