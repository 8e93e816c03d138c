//! Interned identifiers. Verilog-A distinguishes upper and lower case.

use std::collections::HashMap;
use std::sync::Arc;

/// An interned identifier or string.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Name(pub u32);

#[derive(Clone, Debug)]
pub struct Names {
    texts: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, Name>,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Names { texts: vec![], ids: HashMap::new() };
        for (i, word) in KEYWORDS.iter().enumerate() {
            let name = names.intern(word);
            debug_assert_eq!(name.0 as usize, i);
        }
        names
    }
}

impl Names {
    pub fn intern(&mut self, text: &str) -> Name {
        if let Some(&n) = self.ids.get(text) {
            return n;
        }
        let text: Arc<str> = text.into();
        let name = Name(self.texts.len() as u32);
        self.texts.push(text.clone());
        self.ids.insert(text, name);
        name
    }

    pub fn find(&self, text: &str) -> Option<Name> {
        self.ids.get(text).copied()
    }

    pub fn text(&self, name: Name) -> &str {
        self.texts.get(name.0 as usize).map_or("", |t| t)
    }
}

/// Declares keyword constants: their names are the first ones interned.
macro_rules! keywords {
    ($($constant:ident = $text:literal),* $(,)?) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, dead_code)]
        enum Position { $($constant),* }
        /// The words that the grammar gives a meaning; all others are identifiers.
        #[allow(dead_code)]
        pub mod kw {
            use super::{Name, Position};
            $(pub const $constant: Name = Name(Position::$constant as u32);)*
        }
        const KEYWORDS: &[&str] = &[$($text),*];
    };
}

keywords! {
    MODULE = "module", MACROMODULE = "macromodule", ENDMODULE = "endmodule", CONNECTMODULE = "connectmodule",
    ANALOG = "analog", INITIAL = "initial", ALWAYS = "always", FUNCTION = "function", ENDFUNCTION = "endfunction",
    TASK = "task", ENDTASK = "endtask",
    BEGIN = "begin", END = "end", IF = "if", ELSE = "else", CASE = "case", CASEX = "casex", CASEZ = "casez",
    ENDCASE = "endcase", DEFAULT = "default", FOR = "for", WHILE = "while", REPEAT = "repeat", FOREVER = "forever",
    GENERATE = "generate", ENDGENERATE = "endgenerate", GENVAR = "genvar",
    PARAMETER = "parameter", LOCALPARAM = "localparam", ALIASPARAM = "aliasparam", DEFPARAM = "defparam",
    SPECPARAM = "specparam",
    REAL = "real", INTEGER = "integer", STRING = "string", REALTIME = "realtime", TIME = "time",
    FROM = "from", EXCLUDE = "exclude", INF = "inf",
    INPUT = "input", OUTPUT = "output", INOUT = "inout", GROUND = "ground", BRANCH = "branch",
    DISCIPLINE = "discipline", ENDDISCIPLINE = "enddiscipline", NATURE = "nature", ENDNATURE = "endnature",
    POTENTIAL = "potential", FLOW = "flow", DOMAIN = "domain", CONTINUOUS = "continuous", DISCRETE = "discrete",
    ACCESS = "access", ABSTOL = "abstol", UNITS = "units", DDT_NATURE = "ddt_nature", IDT_NATURE = "idt_nature",
    OR = "or", WIRE = "wire", WREAL = "wreal", REG = "reg", TRI = "tri", SUPPLY0 = "supply0", SUPPLY1 = "supply1",
    SIGNED = "signed", ASSIGN = "assign", EVENT = "event", POSEDGE = "posedge", NEGEDGE = "negedge",
    SPECIFY = "specify", ENDSPECIFY = "endspecify", PRIMITIVE = "primitive", ENDPRIMITIVE = "endprimitive",
    PARAMSET = "paramset", ENDPARAMSET = "endparamset", CONNECTRULES = "connectrules",
    ENDCONNECTRULES = "endconnectrules", CONFIG = "config", ENDCONFIG = "endconfig",
    INITIAL_STEP = "initial_step", FINAL_STEP = "final_step", INITIAL_MODEL = "initial_model",
    INITIAL_INSTANCE = "initial_instance", CROSS = "cross", ABOVE = "above", TIMER = "timer", ABSDELTA = "absdelta",
    WAIT = "wait", DISABLE = "disable", RETURN = "return", BREAK = "break", CONTINUE = "continue",
    ELECTRICAL = "electrical", LOGIC = "logic",
}

/// Words that end or begin something and therefore never name anything of the user's.
pub fn is_reserved(name: Name) -> bool {
    const FREE: &[Name] = &[
        kw::POTENTIAL,
        kw::FLOW,
        kw::DOMAIN,
        kw::CONTINUOUS,
        kw::DISCRETE,
        kw::ACCESS,
        kw::ABSTOL,
        kw::UNITS,
        kw::DDT_NATURE,
        kw::IDT_NATURE,
        kw::INITIAL_MODEL,
        kw::INITIAL_INSTANCE,
        kw::ABSDELTA,
        kw::ELECTRICAL,
        kw::LOGIC,
        kw::CONFIG,
        kw::ENDCONFIG,
        kw::EVENT,
        kw::SPECPARAM,
        kw::PRIMITIVE,
        kw::RETURN,
        kw::BREAK,
        kw::CONTINUE,
        kw::SIGNED,
        kw::TIME,
        kw::WAIT,
        kw::DISABLE,
        kw::TASK,
        kw::WREAL,
        kw::TRI,
        kw::REG,
        kw::ASSIGN,
        kw::FOREVER,
        kw::ALWAYS,
    ];
    (name.0 as usize) < KEYWORDS.len() && !FREE.contains(&name)
}

/// All reserved words, for "did you mean".
pub fn reserved() -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().enumerate().filter(|(i, _)| is_reserved(Name(*i as u32))).map(|(_, w)| *w)
}

/// Is this a keyword of Verilog-AMS (LRM 2.4, annex B)? More of them than have a meaning here.
pub fn is_standard_keyword(word: &str) -> bool {
    STANDARD.binary_search(&word).is_ok()
}

#[rustfmt::skip]
const STANDARD: &[&str] = &[
    "above", "abs", "absdelay", "absdelta", "abstol", "ac_stim", "access", "acos", "acosh", "aliasparam", "always",
    "analog", "analysis", "and", "asin", "asinh", "assert", "assign", "atan", "atan2", "atanh", "automatic",
    "begin", "branch", "buf", "bufif0", "bufif1", "case", "casex", "casez", "ceil", "cell", "cmos", "config",
    "connect", "connectmodule", "connectrules", "continuous", "cos", "cosh", "cross", "ddt", "ddt_nature", "ddx",
    "deassign", "default", "defparam", "design", "disable", "discipline", "discrete", "domain", "driver_update",
    "edge", "else", "end", "endcase", "endconfig", "endconnectrules", "enddiscipline", "endfunction", "endgenerate",
    "endmodule", "endnature", "endparamset", "endprimitive", "endspecify", "endtable", "endtask", "event",
    "exclude", "exp", "final_step", "flicker_noise", "floor", "flow", "for", "force", "forever", "fork", "from",
    "function", "generate", "genvar", "ground", "highz0", "highz1", "hypot", "idt", "idt_nature", "idtmod", "if",
    "ifnone", "incdir", "include", "inf", "initial", "initial_step", "inout", "input", "instance", "integer",
    "join", "laplace_nd", "laplace_np", "laplace_zd", "laplace_zp", "large", "last_crossing", "liblist", "library",
    "limexp", "ln", "localparam", "log", "macromodule", "max", "medium", "merged", "min", "module", "nand",
    "nature", "negedge", "net_resolution", "nmos", "noise_table", "noise_table_log", "nor", "noshowcancelled",
    "not", "notif0", "notif1", "or", "output", "parameter", "paramset", "pmos", "posedge", "potential", "pow",
    "primitive", "pull0", "pull1", "pulldown", "pullup", "pulsestyle_ondetect", "pulsestyle_onevent", "rcmos",
    "real", "realtime", "reg", "release", "repeat", "resolveto", "rnmos", "rpmos", "rtran", "rtranif0", "rtranif1",
    "scalared", "showcancelled", "signed", "sin", "sinh", "slew", "small", "specify", "specparam", "split", "sqrt",
    "string", "strong0", "strong1", "supply0", "supply1", "table", "tan", "tanh", "task", "time", "timer", "tran",
    "tranif0", "tranif1", "transition", "tri", "tri0", "tri1", "triand", "trior", "trireg", "units", "unsigned",
    "use", "uwire", "vectored", "wait", "wand", "weak0", "weak1", "while", "white_noise", "wire", "wor", "wreal",
    "xnor", "xor", "zi_nd", "zi_np", "zi_zd", "zi_zp",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_of_the_standard_are_in_order() {
        assert!(STANDARD.is_sorted());
        assert!(is_standard_keyword("edge") && !is_standard_keyword("gap"));
    }
}
