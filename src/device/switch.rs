//! Switches controlled by a voltage (`vswitch`, S) or by a current (`cswitch`, W).

use super::*;

crate::param_table! { pub static INSTANCE = [
    ON: "on" flag "" = 0.0, Range::ANY, "Closed at first, where the control lies within the hysteresis";
    OFF: "off" flag "" = 0.0, Range::ANY, "Open at first (the default)";
    M: "m" real "" = 1.0, Range::POSITIVE, "Number of equal switches in parallel";
] }

// The same table for both: `vt`/`it`, `vh`/`ih`, `von`/`ion`, `voff`/`ioff` are one parameter each.
crate::param_table! { pub static MODEL = [
    T: "vt" | "it" real "V|A" = 0.0, Range::ANY, "Threshold of the control";
    H: "vh" | "ih" real "V|A" = 0.0, Range::ANY, "Hysteresis: closes above t + |h|, opens below t - |h|";
    RON: "ron" real "Ω" = 1.0, Range::POSITIVE, "Resistance when closed";
    ROFF: "roff" real "Ω", Range::POSITIVE, "Resistance when open (default 1e12, or 1e6 for von/voff switches)";
    VON: "von" | "ion" real "V|A", Range::ANY, "Control at which a smooth switch (PSPICE type) is fully closed (default 1 V or 1 mA)";
    VOFF: "voff" | "ioff" real "V|A", Range::ANY, "Control at which a smooth switch is fully open (default 0)";
    WIDTH: "width" real "V|A", Range::POSITIVE, "Half the width of control over which a threshold switch passes from open to closed";
] }

static FOUR: &[Terminal] = &[
    Terminal { name: "p", doc: "first contact", optional: false },
    Terminal { name: "n", doc: "second contact", optional: false },
    Terminal { name: "cp", doc: "positive control", optional: false },
    Terminal { name: "cn", doc: "negative control", optional: false },
];

pub static VSWITCH: DeviceInfo = DeviceInfo {
    name: "vswitch",
    letter: 's',
    // The sign tells the threshold type (+1) from the smooth PSPICE type (-1).
    model_types: &[("sw", 1.0), ("vswitch", -1.0)],
    levels: &[],
    model_required: true,
    terminals: FOUR,
    instance: INSTANCE,
    model: MODEL,
    positional: None,
    has_branch: false,
    doc: "Switch controlled by a voltage, with hysteresis (sw) or with a smooth passage between voff and von (vswitch, \
          or sw with von/voff).",
};

pub static CSWITCH: DeviceInfo = DeviceInfo {
    name: "cswitch",
    letter: 'w',
    model_types: &[("csw", 1.0), ("iswitch", -1.0)],
    levels: &[],
    model_required: true,
    terminals: common::TWO,
    instance: INSTANCE,
    model: MODEL,
    positional: None,
    has_branch: false,
    doc: "Switch controlled by the branch current of ref 0, with hysteresis (csw) or with a smooth passage between ioff \
          and ion (iswitch).",
};

pub struct Vswitch;
pub struct Cswitch;

impl DeviceType for Vswitch {
    fn info(&self) -> &DeviceInfo {
        &VSWITCH
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}

impl DeviceType for Cswitch {
    fn info(&self) -> &DeviceInfo {
        &CSWITCH
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}
