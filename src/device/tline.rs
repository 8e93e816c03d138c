//! Lossless transmission line by the method of characteristics.

use super::*;

crate::param_table! { pub static INSTANCE = [
    Z0: "z0" | "zo" real "Ω", Range::POSITIVE, "Characteristic impedance";
    TD: "td" real "s", Range::POSITIVE, "Delay from end to end";
    F: "f" | "freq" real "Hz", Range::POSITIVE, "Frequency at which the line is nl wavelengths long (in place of td)";
    NL: "nl" real "" = 0.25, Range::POSITIVE, "Length in wavelengths at f";
    IC: "ic" vector "V,A", Range::ANY, "v1, i1, v2, i2 before time 0, used with uic";
    REL: "rel" real "" = 1.0, Range::POSITIVE, "A change of slope by more than this fraction is a corner whose echo is stepped on exactly";
    ABS: "abs" real "" = 1.0, Range::POSITIVE, "The same, as a factor on the absolute change";
] }

pub static INFO: DeviceInfo = DeviceInfo {
    name: "tline",
    letter: 't',
    model_types: &[],
    levels: &[],
    model_required: false,
    terminals: &[
        Terminal { name: "p1", doc: "port 1, positive", optional: false },
        Terminal { name: "n1", doc: "port 1, negative", optional: false },
        Terminal { name: "p2", doc: "port 2, positive", optional: false },
        Terminal { name: "n2", doc: "port 2, negative", optional: false },
    ],
    instance: INSTANCE,
    model: &[],
    positional: None,
    has_branch: false,
    doc: "Lossless transmission line. Internal unknowns i1 and i2 are the currents into p1 and p2.",
};

pub struct Tline;

impl DeviceType for Tline {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }
    fn batch(&self, _group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<crate::diag::Diagnostic>> {
        Err(vec![])
    }
}
