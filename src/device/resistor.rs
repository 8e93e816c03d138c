//! Resistor: `i = (v_p - v_n) m / R(T)`.
//!
//! R(T) = r scale (1 + tc1 dT + tc2 dT²) with dT = T - tnom, or r scale 1.01^(tce dT) when `tce` is given. Without a
//! value the sheet resistance of the model gives it: r = rsh (l - short)/(w - narrow).
//! Noise: thermal 4kT/R, and flicker kf |i|^af / (f^ef weff^wf leff^lf). Equations: Nagel, "SPICE2", ERL-M520, 1975,
//! and the ngspice manual, section "Resistors".

use super::*;

crate::param_table! { pub static INSTANCE = [
    R: "r" | "resistance" real "Ω", Range::ANY, "Resistance at tnom; without it the model's sheet resistance and geometry give it";
    AC: "ac" real "Ω", Range::ANY, "Resistance in AC and noise analysis (default: that of DC)";
    TC: "tc" vector "1/°C", Range::ANY, "tc1 and tc2 in one list: tc=tc1[,tc2]";
    TC1: "tc1" real "1/°C", Range::ANY, "Linear temperature coefficient (default: the model's)";
    TC2: "tc2" real "1/°C²", Range::ANY, "Quadratic temperature coefficient (default: the model's)";
    TCE: "tce" real "%/°C", Range::ANY, "Exponential temperature coefficient; replaces tc1 and tc2";
    M: "m" real "" = 1.0, Range::POSITIVE, "Number of equal resistors in parallel";
    SCALE: "scale" real "" = 1.0, Range::ANY, "Factor on the resistance";
    TEMP: "temp" real "°C", Range::ANY, "Temperature of this resistor (default: that of the circuit)";
    DTEMP: "dtemp" real "°C" = 0.0, Range::ANY, "Temperature above that of the circuit";
    NOISY: "noisy" | "noise" flag "" = 1.0, Range::ANY, "0 takes the resistor out of noise analysis";
    W: "w" | "width" real "m", Range::POSITIVE, "Width (default: the model's defw)";
    L: "l" | "length" real "m", Range::POSITIVE, "Length (default: the model's l)";
] }

crate::param_table! { pub static MODEL = [
    RSH: "rsh" real "Ω/sq", Range::NON_NEGATIVE, "Sheet resistance";
    DEFW: "defw" | "w" real "m" = 1e-5, Range::POSITIVE, "Default width";
    DEFL: "l" | "defl" real "m" = 1e-5, Range::POSITIVE, "Default length";
    NARROW: "narrow" | "dw" real "m" = 0.0, Range::ANY, "Narrowing by side etching";
    SHORT: "short" | "dlr" real "m" = 0.0, Range::ANY, "Shortening by side etching";
    RES: "r" | "res" real "Ω", Range::ANY, "Default resistance of instances without a value";
    MTC1: "tc1" | "tc1r" real "1/°C" = 0.0, Range::ANY, "Linear temperature coefficient";
    MTC2: "tc2" | "tc2r" real "1/°C²" = 0.0, Range::ANY, "Quadratic temperature coefficient";
    MTCE: "tce" real "%/°C", Range::ANY, "Exponential temperature coefficient";
    TNOM: "tnom" | "t_measured" real "°C", Range::ANY, "Temperature at which the parameters were measured (default: .options tnom)";
    KF: "kf" real "" = 0.0, Range::NON_NEGATIVE, "Flicker noise coefficient";
    AF: "af" real "" = 1.0, Range::ANY, "Flicker noise exponent of the current";
    EF: "ef" real "" = 1.0, Range::ANY, "Flicker noise exponent of the frequency";
    WF: "wf" real "" = 1.0, Range::ANY, "Flicker noise exponent of the width";
    LF: "lf" real "" = 1.0, Range::ANY, "Flicker noise exponent of the length";
] }

pub static INFO: DeviceInfo = DeviceInfo {
    name: "resistor",
    letter: 'r',
    model_types: &[("r", 1.0), ("res", 1.0)],
    levels: &[],
    model_required: false,
    terminals: common::TWO,
    instance: INSTANCE,
    model: MODEL,
    positional: Some(R),
    has_branch: false,
    doc: "Linear resistor with temperature coefficients, sheet-resistance model, thermal and flicker noise. \
          A resistance of zero is taken as 1 mΩ with a warning.",
};

pub struct Resistor;

impl DeviceType for Resistor {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}
