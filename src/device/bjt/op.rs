//! Operating-point quantities of the bipolar transistor.

use crate::device::OpVar;

pub const OP_VARS: &[OpVar] = &[
    OpVar { name: "ic", unit: "A", doc: "Current into the collector" },
    OpVar { name: "ib", unit: "A", doc: "Current into the base" },
    OpVar { name: "ie", unit: "A", doc: "Current into the emitter" },
    OpVar { name: "is", unit: "A", doc: "Current into the substrate" },
    OpVar { name: "vbe", unit: "V", doc: "Internal base-emitter voltage times polarity" },
    OpVar { name: "vbc", unit: "V", doc: "Internal base-collector voltage times polarity" },
    OpVar { name: "gm", unit: "S", doc: "Transconductance" },
    OpVar { name: "gpi", unit: "S", doc: "Input conductance" },
    OpVar { name: "gmu", unit: "S", doc: "Base-collector conductance" },
    OpVar { name: "gx", unit: "S", doc: "Conductance of the base resistance" },
    OpVar { name: "go", unit: "S", doc: "Output conductance" },
    OpVar { name: "cpi", unit: "F", doc: "Base-emitter capacitance" },
    OpVar { name: "cmu", unit: "F", doc: "Internal base-collector capacitance" },
    OpVar { name: "cbx", unit: "F", doc: "External base-collector capacitance" },
    OpVar { name: "csub", unit: "F", doc: "Substrate capacitance" },
    OpVar { name: "ccs", unit: "F", doc: "Substrate capacitance" },
    OpVar { name: "geqcb", unit: "F", doc: "Slope of the base-emitter charge by vbc" },
    OpVar { name: "qbe", unit: "C", doc: "Base-emitter charge" },
    OpVar { name: "qbc", unit: "C", doc: "Base-collector charge" },
    OpVar { name: "p", unit: "W", doc: "Power, series resistances included" },
];
