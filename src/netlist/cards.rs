//! The table of dot cards: names, other spellings, what becomes of them.

/// What the parser does with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// Kept for elaboration, field by field.
    Card,
    /// Read by the parser itself.
    Structure,
    /// Without effect here; a lint says so.
    Ignored,
    /// Known from other simulators, but not supported.
    Unsupported,
}

/// A card: canonical name, other spellings, handling, half a line of explanation.
pub struct CardInfo {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub handling: Handling,
    pub doc: &'static str,
}

const fn card(name: &'static str, aliases: &'static [&'static str], handling: Handling, doc: &'static str) -> CardInfo {
    CardInfo { name, aliases, handling, doc }
}

use Handling::{Card, Ignored, Structure, Unsupported};

/// All cards that are known, without the dot.
pub static CARDS: &[CardInfo] = &[
    card("ac", &[], Card, "small-signal frequency analysis"),
    card("alter", &[], Unsupported, "HSPICE: run again with changes; use `.step`"),
    card("array", &[], Structure, "cells at the crossings of lines, with their wires"),
    card("backanno", &[], Ignored, "LTspice: for its schematic editor"),
    card("check", &[], Card, "expectation on a measure, for `check --run`"),
    card("connect", &[], Unsupported, "HSPICE: joins two nodes; use a 0 V source or one name"),
    card("control", &[], Structure, "ngspice: start of a script, skipped"),
    card("csparam", &[], Ignored, "ngspice: hands a parameter to the script"),
    card("data", &[], Structure, "table of parameter values for a sweep"),
    card("dc", &[], Card, "sweeps of sources, parameters, temperature"),
    card("disto", &[], Card, "small-signal distortion"),
    card("else", &[], Structure, "other branch of `.if`"),
    card("elseif", &["elif"], Structure, "further condition of `.if`"),
    card("end", &[], Structure, "end of the deck"),
    card("endc", &[], Structure, "end of `.control`"),
    card("enddata", &[], Structure, "end of `.data`"),
    card("endif", &[], Structure, "end of `.if`"),
    card("endl", &[], Structure, "end of a library section"),
    card("ends", &["eom"], Structure, "end of a subcircuit"),
    card("four", &["fourier"], Card, "harmonics of a transient signal"),
    card("func", &["function"], Structure, "definition of a function"),
    card("global", &[], Card, "nodes of one name everywhere"),
    card("hdl", &["va", "verilog", "veriloga"], Structure, "Verilog-A source file"),
    card("ic", &["initial_condition"], Card, "initial conditions"),
    card("if", &[], Structure, "conditional part of the deck"),
    card("include", &["inc", "incl"], Structure, "text of another file"),
    card("lib", &["library"], Structure, "section of a library file, or its definition"),
    card("loadbias", &[], Unsupported, "loads an operating point; give `.nodeset` or `.ic` values"),
    card("machine", &[], Unsupported, "LTspice: state machine"),
    card(
        "mc",
        &[],
        Unsupported,
        "PSPICE: Monte Carlo; use `agauss` or `gauss` in parameters and `.step` over a run number",
    ),
    card("meas", &["measure"], Card, "figure taken from the results"),
    card("model", &[], Structure, "device model"),
    card("nodeset", &[], Card, "first guess of node voltages"),
    card("noise", &[], Card, "small-signal noise"),
    card("op", &[], Card, "operating point"),
    card("options", &["opt", "option", "opts"], Card, "settings of the simulator"),
    card("param", &["params", "parameter", "parameters"], Structure, "definition of parameters"),
    card("plot", &[], Card, "signals to draw"),
    card("print", &[], Card, "signals to tabulate"),
    card("probe", &[], Card, "signals to keep"),
    card("protect", &["prot"], Ignored, "HSPICE: hides the listing"),
    card("pz", &[], Card, "poles and zeros"),
    card("save", &[], Card, "signals to keep"),
    card("sens", &[], Card, "sensitivities"),
    card("sp", &[], Unsupported, "S parameters; use `.ac`"),
    card("savebias", &[], Unsupported, "saves an operating point"),
    card("step", &[], Card, "outer sweep around the analyses"),
    card("stimulus", &["stmlib"], Unsupported, "PSPICE: waveform library; write the waveform at its source"),
    card("subckt", &["macro", "subcircuit"], Structure, "definition of a subcircuit"),
    card("temp", &["temperature"], Card, "circuit temperatures, °C"),
    card("tf", &[], Card, "DC transfer function"),
    card("title", &[], Structure, "title of the deck"),
    card("tran", &["transient"], Card, "time domain"),
    card("unprotect", &["unprot"], Ignored, "HSPICE: shows the listing again"),
    card("wave", &[], Unsupported, "LTspice: writes a sound file; use `ferrospice run` and its output files"),
    card("wcase", &[], Unsupported, "PSPICE: worst case; use `.step` or `.sens`"),
    card("width", &[], Ignored, "width of printed pages"),
];

/// A card by any of its spellings, lower-case and without the dot.
pub fn find(name: &str) -> Option<&'static CardInfo> {
    CARDS.iter().find(|c| c.name == name || c.aliases.contains(&name))
}

/// All spellings with the dot, for "did you mean".
pub(super) fn spellings() -> Vec<String> {
    CARDS.iter().flat_map(|c| std::iter::once(&c.name).chain(c.aliases)).map(|n| format!(".{n}")).collect()
}
