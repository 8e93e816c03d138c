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
