//! Parameter tables of the GaAs metal-semiconductor field-effect transistor.

use crate::device::Range;

crate::param_table! { pub static INSTANCE = [
    AREA: "area" real "" = 1.0, Range::POSITIVE, "Area factor";
    M: "m" real "" = 1.0, Range::POSITIVE, "Number of devices in parallel";
    OFF: "off" flag "" = 0.0, Range::ANY, "Start the operating point with this transistor off";
    IC: "ic" vector "V", Range::ANY, "Initial vds, vgs with uic";
    ICVDS: "icvds" real "V", Range::ANY, "Initial vds with uic";
    ICVGS: "icvgs" real "V", Range::ANY, "Initial vgs with uic";
    TEMP: "temp" real "°C", Range::ANY, "Device temperature (default: the circuit's)";
    DTEMP: "dtemp" real "K" = 0.0, Range::ANY, "Device temperature above the circuit's";
] }

/// The tables below live in a module of their own because instance and model share names.
pub mod model {
    use crate::device::Range;

    crate::param_table! { pub static MODEL = [
        VTO: "vto" | "vt0" real "V" = -2.0, Range::ANY, "Pinch-off voltage";
        ALPHA: "alpha" real "1/V" = 2.0, Range::POSITIVE, "Saturation-voltage parameter";
        BETA: "beta" real "A/V²" = 2.5e-3, Range::NON_NEGATIVE, "Transconductance parameter";
        LAMBDA: "lambda" real "1/V" = 0.0, Range::ANY, "Channel-length modulation";
        B: "b" real "1/V" = 0.3, Range::NON_NEGATIVE, "Doping-tail extending parameter";
        RD: "rd" real "Ω" = 0.0, Range::NON_NEGATIVE, "Drain resistance";
        RS: "rs" real "Ω" = 0.0, Range::NON_NEGATIVE, "Source resistance";
        CGS: "cgs" real "F" = 0.0, Range::NON_NEGATIVE, "Zero-bias gate-source capacitance";
        CGD: "cgd" real "F" = 0.0, Range::NON_NEGATIVE, "Zero-bias gate-drain capacitance";
        PB: "pb" real "V" = 1.0, Range::POSITIVE, "Gate junction potential";
        IS: "is" real "A" = 1e-14, Range::NON_NEGATIVE, "Gate junction saturation current";
        FC: "fc" real "" = 0.5, Range::FRACTION, "Forward-bias limit of the depletion formula";
        VTOTC: "vtotc" real "V/K" = 0.0, Range::ANY, "Temperature coefficient of vto: vto + vtotc dT";
        BETATCE: "betatce" real "%/K" = 0.0, Range::ANY, "Temperature coefficient of beta: beta 1.01^(betatce dT)";
        EG: "eg" real "eV", Range::POSITIVE, "Energy gap: giving it lets is grow with the temperature (without it is stays, as in ngspice)";
        XTI: "xti" real "" = 0.0, Range::ANY, "Temperature exponent of is, used with eg";
        TNOM: "tnom" | "tref" real "°C", Range::ANY, "Temperature of measurement (default: .options tnom)";
        KF: "kf" real "" = 0.0, Range::NON_NEGATIVE, "Flicker-noise coefficient";
        AF: "af" real "" = 1.0, Range::ANY, "Flicker-noise exponent";
    ] }
}
