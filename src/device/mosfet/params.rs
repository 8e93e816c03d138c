//! Parameter tables of the MOS transistors of levels 1, 2 and 3. What the levels share comes first in each model
//! table, with the same numbers, so that common code reads all three.

use crate::device::Range;

crate::param_table! { pub static INSTANCE = [
    L: "l" real "m", Range::POSITIVE, "Channel length (default: .options defl)";
    W: "w" real "m", Range::POSITIVE, "Channel width (default: .options defw)";
    AD: "ad" real "m²", Range::NON_NEGATIVE, "Drain area (default: .options defad)";
    AS: "as" real "m²", Range::NON_NEGATIVE, "Source area (default: .options defas)";
    PD: "pd" real "m" = 0.0, Range::NON_NEGATIVE, "Drain perimeter";
    PS: "ps" real "m" = 0.0, Range::NON_NEGATIVE, "Source perimeter";
    NRD: "nrd" real "" = 1.0, Range::NON_NEGATIVE, "Squares of drain diffusion";
    NRS: "nrs" real "" = 1.0, Range::NON_NEGATIVE, "Squares of source diffusion";
    M: "m" real "" = 1.0, Range::POSITIVE, "Number of devices in parallel";
    OFF: "off" flag "" = 0.0, Range::ANY, "Start the operating point with this transistor off";
    IC: "ic" vector "V", Range::ANY, "Initial vds, vgs, vbs with uic";
    ICVDS: "icvds" real "V", Range::ANY, "Initial vds with uic";
    ICVGS: "icvgs" real "V", Range::ANY, "Initial vgs with uic";
    ICVBS: "icvbs" real "V", Range::ANY, "Initial vbs with uic";
    TEMP: "temp" real "°C", Range::ANY, "Device temperature (default: the circuit's)";
    DTEMP: "dtemp" real "K" = 0.0, Range::ANY, "Device temperature above the circuit's";
] }

/// Writes one level's model table: the common block, then what the level adds. The three defaults in which the
/// levels differ are arguments.
macro_rules! mos_model {
    ([$($tox:tt)*] $mjsw:literal; $($extra:tt)*) => {
        crate::param_table! { pub static MODEL = [
            VTO: "vto" | "vt0" real "V", Range::ANY, "Threshold voltage at zero bias (default: from nsub, or 0)";
            KP: "kp" real "A/V²", Range::NON_NEGATIVE, "Transconductance parameter (default: uo cox, or 2e-5)";
            GAMMA: "gamma" real "V^½", Range::NON_NEGATIVE, "Bulk threshold parameter (default: from nsub, or 0)";
            PHI: "phi" real "V", Range::POSITIVE, "Surface potential at strong inversion (default: from nsub, or 0.6)";
            RD: "rd" real "Ω", Range::NON_NEGATIVE, "Drain resistance (default: rsh nrd)";
            RS: "rs" real "Ω", Range::NON_NEGATIVE, "Source resistance (default: rsh nrs)";
            RSH: "rsh" real "Ω" = 0.0, Range::NON_NEGATIVE, "Sheet resistance of drain and source";
            CBD: "cbd" real "F", Range::NON_NEGATIVE, "Zero-bias bulk-drain capacitance (default: cj ad)";
            CBS: "cbs" real "F", Range::NON_NEGATIVE, "Zero-bias bulk-source capacitance (default: cj as)";
            IS: "is" real "A" = 1e-14, Range::NON_NEGATIVE, "Bulk junction saturation current";
            JS: "js" real "A/m²" = 0.0, Range::NON_NEGATIVE, "Bulk junction saturation current density (with ad, as)";
            PB: "pb" real "V" = 0.8, Range::POSITIVE, "Bulk junction potential";
            CGSO: "cgso" real "F/m" = 0.0, Range::NON_NEGATIVE, "Gate-source overlap capacitance per width";
            CGDO: "cgdo" real "F/m" = 0.0, Range::NON_NEGATIVE, "Gate-drain overlap capacitance per width";
            CGBO: "cgbo" real "F/m" = 0.0, Range::NON_NEGATIVE, "Gate-bulk overlap capacitance per length";
            CJ: "cj" real "F/m²" = 0.0, Range::NON_NEGATIVE, "Bottom junction capacitance per area";
            MJ: "mj" real "" = 0.5, Range::FRACTION, "Bottom grading coefficient";
            CJSW: "cjsw" real "F/m" = 0.0, Range::NON_NEGATIVE, "Sidewall junction capacitance per perimeter";
            MJSW: "mjsw" real "" = $mjsw, Range::FRACTION, "Sidewall grading coefficient";
            FC: "fc" real "" = 0.5, Range::FRACTION, "Forward-bias limit of the depletion formula";
            TOX: "tox" real "m" $($tox)*, Range::POSITIVE, "Oxide thickness";
            NSUB: "nsub" real "1/cm³", Range::POSITIVE, "Substrate doping";
            NSS: "nss" real "1/cm²" = 0.0, Range::ANY, "Surface state density";
            TPG: "tpg" int "" = 1.0, Range::between(-1.0, 1.0), "Gate: 1 doped opposite to the substrate, -1 the same, 0 aluminium";
            LD: "ld" real "m" = 0.0, Range::ANY, "Lateral diffusion";
            UO: "uo" | "u0" real "cm²/V/s" = 600.0, Range::POSITIVE, "Surface mobility";
            TNOM: "tnom" | "tref" real "°C", Range::ANY, "Temperature of measurement (default: .options tnom)";
            KF: "kf" real "" = 0.0, Range::NON_NEGATIVE, "Flicker-noise coefficient";
            AF: "af" real "" = 1.0, Range::ANY, "Flicker-noise exponent";
            NLEV: "nlev" int "", Range::between(0.0, 3.0),
                "Flicker-noise equation: 0 kf id^af/(cox leff²), 1 kf id^af/(cox w leff), 2 and 3 kf gm²/(cox w leff); default kf id^af/(cox² w leff)";
            CAPMOD: "capmod" int "" = 0.0, Range::between(0.0, 1.0),
                "Gate capacitances: 0 Meyer, 1 Ward-Dutton (charge-conserving)";
            XQC: "xqc" real "", Range::between(0.0, 1.0),
                "Drain's share of the channel charge in saturation; up to 0.5 it selects capmod=1 (default 0.4)";
            $($extra)*
        ] }
    };
}

/// The common block alone, for code that serves all levels.
pub mod common {
    use crate::device::Range;
    mos_model! { [] 0.5; }
}

/// Level 1 (Shichman and Hodges).
pub mod level1 {
    use crate::device::Range;
    mos_model! { [] 0.5;
        LAMBDA: "lambda" real "1/V" = 0.0, Range::ANY, "Channel-length modulation";
    }
}

/// Level 2 (Grove and Frohman-Bentchkowsky).
pub mod level2 {
    use crate::device::Range;
    mos_model! { [= 1e-7] 0.33;
        LAMBDA: "lambda" real "1/V", Range::ANY, "Channel-length modulation (default: computed from nsub)";
        DELTA: "delta" real "" = 0.0, Range::ANY, "Width effect on the threshold";
        UCRIT: "ucrit" real "V/cm" = 1e4, Range::NON_NEGATIVE, "Critical field of mobility degradation";
        UEXP: "uexp" real "" = 0.0, Range::ANY, "Exponent of mobility degradation";
        UTRA: "utra" real "" = 0.0, Range::between(0.0, 0.0), "Transverse field coefficient; SPICE2 and its descendants have it 0";
        VMAX: "vmax" real "m/s" = 0.0, Range::NON_NEGATIVE, "Maximum carrier drift velocity (0: none)";
        XJ: "xj" real "m" = 0.0, Range::NON_NEGATIVE, "Junction depth";
        NEFF: "neff" real "" = 1.0, Range::POSITIVE, "Total channel charge coefficient";
        NFS: "nfs" real "1/cm²" = 0.0, Range::NON_NEGATIVE, "Fast surface state density (0: no weak inversion)";
    }
}

/// Level 3 (semi-empirical; Dang).
pub mod level3 {
    use crate::device::Range;
    mos_model! { [= 1e-7] 0.33;
        DELTA: "delta" real "" = 0.0, Range::ANY, "Width effect on the threshold";
        ETA: "eta" real "" = 0.0, Range::ANY, "Static feedback of vds on the threshold";
        THETA: "theta" real "1/V" = 0.0, Range::ANY, "Mobility modulation by vgs";
        KAPPA: "kappa" real "" = 0.2, Range::NON_NEGATIVE, "Saturation field factor";
        VMAX: "vmax" real "m/s" = 0.0, Range::NON_NEGATIVE, "Maximum carrier drift velocity (0: none)";
        XJ: "xj" real "m" = 0.0, Range::NON_NEGATIVE, "Junction depth";
        NFS: "nfs" real "1/cm²" = 0.0, Range::NON_NEGATIVE, "Fast surface state density (0: no weak inversion)";
        XL: "xl" real "m" = 0.0, Range::ANY, "Mask adjustment of the length";
        XW: "xw" real "m" = 0.0, Range::ANY, "Mask adjustment of the width";
        WD: "wd" real "m" = 0.0, Range::ANY, "Narrowing of the width by diffusion, each side";
        DELVTO: "delvto" | "delvt0" real "V" = 0.0, Range::ANY, "Shift of the threshold voltage";
    }
}
