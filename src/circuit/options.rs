//! `.options`, `.temp`, `.global`.

use super::elab::Elab;
use super::text::Fields;
use crate::base::units::format_si;
use crate::diag::codes::circuit as codes;
use crate::diag::{Diagnostic, Span, nearest};
use crate::netlist::ast::{Card, Field, FieldKind};

/// Names that mean something to other simulators and nothing here: accepted in silence.
const INERT: &[&str] = &[
    "acct",
    "list",
    "node",
    "nomod",
    "nopage",
    "noopiter",
    "opts",
    "post",
    "probe",
    "ingold",
    "numdgt",
    "width",
    "limpts",
    "cptime",
    "lvltim",
    "itl3",
    "itl5",
    "itl6",
    "noinit",
    "noacct",
    "autostop",
    "savecurrents",
    "keepopinfo",
    "nomodcheck",
    "scale",
    "plotwinsize",
    "rawfile",
    "filetype",
    "co",
    "brief",
    "nofft",
    "warn",
    "badmos3",
    "oldlimit",
    "trytocompact",
    "minbreak",
    "ptranmax",
    "device",
    "parser",
    "timeint",
];

/// Values of `solver`: the kernel that is expected to be fastest on the circuit, or one by name.
pub const SOLVERS: [&str; 4] = ["auto", "lu", "multifrontal", "cholesky"];

/// Values of `relref`: each unknown's own recent magnitude, or the largest voltage and the largest current of the circuit.
pub const REFERENCES: [&str; 2] = ["alllocal", "sigglobal"];

/// All names of options, for "did you mean".
const KNOWN: &[&str] = &[
    "reltol",
    "abstol",
    "vntol",
    "chgtol",
    "gmin",
    "gshunt",
    "rshunt",
    "cshunt",
    "pivrel",
    "pivtol",
    "trtol",
    "itl1",
    "itl2",
    "itl4",
    "gminsteps",
    "srcsteps",
    "method",
    "maxord",
    "xmu",
    "relref",
    "temp",
    "tnom",
    "seed",
    "interp",
    "dcstate",
    "solver",
    "threads",
    "defl",
    "defw",
    "defad",
    "defas",
    "klu",
    "sparse",
    "bypass",
    "modnewton",
];

impl<'a> Elab<'a> {
    pub fn read_globals(&mut self, cards: &[&'a Card]) {
        for c in cards.iter().filter(|c| self.deck.names.get(c.name) == "global") {
            for f in Fields::of(self.deck, c.fields).all {
                if f.kind == FieldKind::Word {
                    self.globals.insert(f.sym, ());
                }
            }
        }
    }

    pub fn read_temp(&mut self, cards: &[&'a Card]) {
        let top = self.top.clone();
        for c in cards.iter().filter(|c| self.deck.names.get(c.name) == "temp") {
            let fields = Fields::of(self.deck, c.fields);
            if let Some(f) = fields.all.first()
                && let Some(t) = self.number(&top, c.file, f)
            {
                self.set_temp_card(t);
            }
        }
    }

    pub fn read_options(&mut self, cards: &[&'a Card]) {
        for c in cards.iter().filter(|c| matches!(self.deck.names.get(c.name), "options" | "option" | "opt")) {
            let fields = Fields::of(self.deck, c.fields);
            let mut i = 0;
            while let Some(f) = fields.all.get(i) {
                i += 1;
                match f.kind {
                    FieldKind::Key => {
                        let value = fields.all.get(i);
                        i += 1;
                        self.option(c, f, value);
                    }
                    FieldKind::Word => self.option(c, f, None),
                    _ => {}
                }
            }
        }
    }

    /// Reports a word that is none of these.
    fn is_one_of(&mut self, at: Span, text: &str, what: &str, words: &[&str]) -> bool {
        let is_known = words.contains(&text);
        if !is_known {
            let d = Diagnostic::error(codes::OPTION_VALUE, format!("unknown {what} `{text}`"));
            self.report(d.at(at, "here").help(format!("there are: {}", words.join(", "))));
        }
        is_known
    }

    fn option(&mut self, c: &Card, key: &Field, value: Option<&Field>) {
        let top = self.top.clone();
        let name = self.deck.names.get(key.sym).to_string();
        let at = Span::new(c.file, key.lo, key.hi);
        let text = value.map(|v| self.deck.names.get(v.sym).to_string()).unwrap_or_default();
        self.options.given.push((name.clone(), text.clone()));
        if INERT.contains(&name.as_str()) {
            return;
        }
        match name.as_str() {
            "method" => {
                let m = match text.as_str() {
                    "trap" | "trapezoidal" => "trap",
                    "gear" | "bdf" => "gear",
                    "be" | "euler" | "backwardeuler" => "be",
                    "trbdf2" | "tr-bdf2" => "trbdf2",
                    _ => {
                        let d = Diagnostic::error(codes::OPTION_VALUE, format!("unknown integration method `{text}`"));
                        return self.report(d.at(at, "here").help("methods: trap, gear, be, trbdf2"));
                    }
                };
                self.options.method = m.into();
                return;
            }
            "solver" => {
                if self.is_one_of(at, &text, "linear kernel", &SOLVERS) {
                    self.options.solver = text;
                }
                return;
            }
            "relref" => {
                if self.is_one_of(at, &text, "reference of errors", &REFERENCES) {
                    self.options.relref = text;
                }
                return;
            }
            "klu" | "sparse" => {
                self.options.solver = "auto".into();
                return;
            }
            "dcstate" => {
                match text.as_str() {
                    "hold" => self.options.dc_state_steady = false,
                    "steady" => self.options.dc_state_steady = true,
                    _ => {
                        let d = Diagnostic::error(
                            codes::OPTION_VALUE,
                            format!("dcstate is `hold` or `steady`, not `{text}`"),
                        );
                        self.report(d.at(at, "here"));
                    }
                }
                return;
            }
            "interp" if value.is_none() => {
                self.options.interp = true;
                return;
            }
            _ => {}
        }
        if !KNOWN.contains(&name.as_str()) {
            let mut d =
                Diagnostic::warning(codes::UNKNOWN_OPTION, format!("unknown option `{name}`")).at(at, "ignored");
            if let Some(h) = nearest::did_you_mean(&name, KNOWN.iter().copied()) {
                d = d.help(h);
            }
            return self.report(d);
        }
        let Some(v) = value else {
            let d = Diagnostic::error(codes::MISSING, format!("option `{name}` has no value"));
            return self.report(d.at(at, "write `name=value`"));
        };
        let Some(x) = self.number(&top, c.file, v) else { return };
        let positive = x > 0.0 && x.is_finite();
        let whole = x >= 0.0 && x.fract() == 0.0 && x < 1e9;
        let o = &mut self.options;
        let ok = match name.as_str() {
            "reltol" => set(&mut o.reltol, x, positive && x < 1.0),
            "abstol" => set(&mut o.abstol, x, positive),
            "vntol" => set(&mut o.vntol, x, positive),
            "chgtol" => set(&mut o.chgtol, x, positive),
            "gmin" => set(&mut o.gmin, x, x >= 0.0 && x.is_finite()),
            "gshunt" => set(&mut o.gshunt, x, x >= 0.0 && x.is_finite()),
            "rshunt" => set(&mut o.gshunt, 1.0 / x, positive),
            "cshunt" => set(&mut o.cshunt, x, x >= 0.0 && x.is_finite()),
            "pivrel" => set(&mut o.pivrel, x, positive && x <= 1.0),
            "pivtol" => set(&mut o.pivtol, x, x >= 0.0),
            "trtol" => set(&mut o.trtol, x, positive),
            "xmu" => set(&mut o.xmu, x, (0.0..=0.5).contains(&x)),
            "temp" => set(&mut o.temp_c, x, x > -273.15),
            "tnom" => set(&mut o.tnom_c, x, x > -273.15),
            "itl1" => count(&mut o.itl1, x, whole && x > 0.0),
            "itl2" => count(&mut o.itl2, x, whole && x > 0.0),
            "itl4" => count(&mut o.itl4, x, whole && x > 0.0),
            "gminsteps" => count(&mut o.gminsteps, x, whole),
            "srcsteps" => count(&mut o.srcsteps, x, whole),
            "maxord" => count(&mut o.maxord, x, whole && (1.0..=6.0).contains(&x)),
            "threads" => count(&mut o.threads, x, whole),
            "seed" => {
                o.seed = x.abs() as u64;
                whole
            }
            "interp" => {
                o.interp = x != 0.0;
                true
            }
            "bypass" => {
                o.bypass = x != 0.0;
                true
            }
            "modnewton" => {
                o.modnewton = x != 0.0;
                true
            }
            "defl" => set(&mut self.env.defl, x, positive),
            "defw" => set(&mut self.env.defw, x, positive),
            "defad" => set(&mut self.env.defad, x, x >= 0.0),
            "defas" => set(&mut self.env.defas, x, x >= 0.0),
            _ => true,
        };
        if !ok {
            let d = Diagnostic::error(codes::OPTION_VALUE, format!("option `{name}` cannot be {}", format_si(x, "")));
            self.report(d.at(Span::new(c.file, v.lo, v.hi), "this value"));
        }
    }
}

fn set(slot: &mut f64, x: f64, ok: bool) -> bool {
    if ok {
        *slot = x;
    }
    ok
}

fn count(slot: &mut usize, x: f64, ok: bool) -> bool {
    if ok {
        *slot = x as usize;
    }
    ok
}
