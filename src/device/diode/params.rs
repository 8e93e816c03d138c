//! Parameter tables of the junction diode. Names and defaults are those of SPICE3 and its descendants.

use crate::device::Range;

crate::param_table! { pub static INSTANCE = [
    AREA: "area" real "" , Range::POSITIVE, "Area factor (default: the model's area)";
    PJ: "pj" | "perim" real "" , Range::NON_NEGATIVE, "Perimeter factor (default: the model's pj)";
    M: "m" real "" = 1.0, Range::POSITIVE, "Number of devices in parallel";
    OFF: "off" flag "" = 0.0, Range::ANY, "Start the operating point with this diode off";
    IC: "ic" real "V", Range::ANY, "Initial voltage with uic";
    TEMP: "temp" real "°C", Range::ANY, "Device temperature (default: the circuit's)";
    DTEMP: "dtemp" real "K" = 0.0, Range::ANY, "Device temperature above the circuit's";
] }

/// The tables below live in a module of their own because instance and model share names.
pub mod model {
    use crate::device::Range;

    crate::param_table! { pub static MODEL = [
        IS: "is" | "js" real "A" = 1e-14, Range::NON_NEGATIVE, "Saturation current per unit area";
        JSW: "jsw" | "isw" real "A" = 0.0, Range::NON_NEGATIVE, "Sidewall saturation current per unit perimeter";
        N: "n" real "" = 1.0, Range::POSITIVE, "Emission coefficient";
        NS: "ns" real "", Range::POSITIVE, "Sidewall emission coefficient (default: n)";
        ISR: "isr" real "A" = 0.0, Range::NON_NEGATIVE, "Recombination saturation current per unit area";
        NR: "nr" real "" = 1.0, Range::POSITIVE, "Recombination emission coefficient";
        IKF: "ikf" | "ik" real "A" = 0.0, Range::NON_NEGATIVE, "Forward knee current of high injection (0: none)";
        IKR: "ikr" real "A" = 0.0, Range::NON_NEGATIVE, "Reverse knee current (0: none)";
        RS: "rs" real "Ω" = 0.0, Range::NON_NEGATIVE, "Series resistance for unit area";
        TRS: "trs" | "trs1" real "1/K" = 0.0, Range::ANY, "First temperature coefficient of rs";
        TRS2: "trs2" real "1/K²" = 0.0, Range::ANY, "Second temperature coefficient of rs";
        TT: "tt" real "s" = 0.0, Range::NON_NEGATIVE, "Transit time";
        TTT1: "ttt1" real "1/K" = 0.0, Range::ANY, "First temperature coefficient of tt";
        TTT2: "ttt2" real "1/K²" = 0.0, Range::ANY, "Second temperature coefficient of tt";
        CJO: "cjo" | "cj0" | "cj" real "F" = 0.0, Range::NON_NEGATIVE, "Zero-bias junction capacitance per unit area";
        VJ: "vj" | "pb" real "V" = 1.0, Range::POSITIVE, "Junction potential";
        MJ: "m" | "mj" real "" = 0.5, Range::FRACTION, "Grading coefficient";
        TM1: "tm1" real "1/K" = 0.0, Range::ANY, "First temperature coefficient of m";
        TM2: "tm2" real "1/K²" = 0.0, Range::ANY, "Second temperature coefficient of m";
        CJP: "cjp" | "cjsw" real "F" = 0.0, Range::NON_NEGATIVE, "Zero-bias sidewall capacitance per unit perimeter";
        PHP: "php" | "vjsw" real "V" = 1.0, Range::POSITIVE, "Sidewall junction potential";
        MJSW: "mjsw" real "" = 0.33, Range::FRACTION, "Sidewall grading coefficient";
        FC: "fc" real "" = 0.5, Range::FRACTION, "Forward-bias limit of the depletion formula, in units of vj";
        FCS: "fcs" real "" = 0.5, Range::FRACTION, "The same for the sidewall";
        BV: "bv" | "vb" real "V", Range::POSITIVE, "Reverse breakdown voltage (default: none)";
        IBV: "ibv" | "ib" real "A" = 1e-3, Range::NON_NEGATIVE, "Current at breakdown (of the whole device, whatever its area)";
        NBV: "nbv" real "", Range::POSITIVE, "Breakdown emission coefficient (default: n)";
        TCV: "tcv" real "1/K" = 0.0, Range::ANY, "Temperature coefficient of bv";
        JTUN: "jtun" real "A" = 0.0, Range::NON_NEGATIVE, "Tunnelling saturation current per unit area";
        JTUNSW: "jtunsw" real "A" = 0.0, Range::NON_NEGATIVE, "Tunnelling saturation current per unit perimeter";
        NTUN: "ntun" real "" = 30.0, Range::POSITIVE, "Tunnelling emission coefficient";
        XTITUN: "xtitun" real "" = 3.0, Range::ANY, "Temperature exponent of the tunnelling current";
        KEG: "keg" real "" = 1.0, Range::ANY, "Factor on eg for the tunnelling current";
        AREA: "area" real "" = 1.0, Range::POSITIVE, "Default area factor of instances";
        PJ: "pj" real "" = 0.0, Range::NON_NEGATIVE, "Default perimeter factor of instances";
        EG: "eg" real "eV" = 1.11, Range::POSITIVE, "Activation energy";
        XTI: "xti" real "" = 3.0, Range::ANY, "Temperature exponent of is";
        TLEV: "tlev" int "" = 0.0, Range::between(0.0, 2.0), "Temperature law of bv: 0 bv - tcv dT, else bv (1 - tcv dT)";
        TLEVC: "tlevc" int "" = 0.0, Range::between(0.0, 1.0), "Temperature equations of the capacitances";
        CTA: "cta" | "ctc" real "1/K" = 0.0, Range::ANY, "Temperature coefficient of cjo (tlevc=1)";
        CTP: "ctp" real "1/K" = 0.0, Range::ANY, "Temperature coefficient of cjp (tlevc=1)";
        TPB: "tpb" | "tvj" real "V/K" = 0.0, Range::ANY, "Temperature coefficient of vj (tlevc=1)";
        TPHP: "tphp" real "V/K" = 0.0, Range::ANY, "Temperature coefficient of php (tlevc=1)";
        TNOM: "tnom" | "tref" real "°C", Range::ANY, "Temperature of measurement (default: .options tnom)";
        KF: "kf" real "" = 0.0, Range::NON_NEGATIVE, "Flicker-noise coefficient";
        AF: "af" real "" = 1.0, Range::ANY, "Flicker-noise exponent";
    ] }
}
