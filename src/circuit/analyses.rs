//! Cards → analyses, initial conditions and the rest of [`Circuit`].

use std::rc::Rc;

use super::cards::{Analysis, Freq, Step, SweepRange, SweepTarget};
use super::elab::Elab;
use super::scope::Scope;
use super::text::Fields;
use super::{Circuit, PLACE_NONE};
use crate::base::Sym;
use crate::base::units::format_si;
use crate::diag::codes::circuit as codes;
use crate::diag::{Diagnostic, Span, nearest};
use crate::netlist::ast::{Card, Field, FieldKind};

/// A signal such as `v(a,b)`, put together from fields.
pub(super) struct Item {
    pub text: String,
    pub span: Span,
}

/// A card being read.
pub(super) struct Line<'a> {
    pub card: &'a Card,
    pub fields: &'a [Field],
    pub at: usize,
}

impl<'a> Line<'a> {
    pub fn peek(&self) -> Option<&'a Field> {
        self.fields.get(self.at)
    }

    pub fn next(&mut self) -> Option<&'a Field> {
        let f = self.fields.get(self.at);
        self.at += usize::from(f.is_some());
        f
    }

    pub fn span(&self, f: &Field) -> Span {
        Span::new(self.card.file, f.lo, f.hi)
    }
}

impl<'a> Elab<'a> {
    pub fn line(&self, card: &'a Card) -> Line<'a> {
        Line { card, fields: Fields::of(self.deck, card.fields).all, at: 0 }
    }

    pub fn word(&self, f: &Field) -> &'a str {
        self.deck.names.get(f.sym)
    }

    /// The next field as a number; `what` is said where it is missing.
    pub fn need(&mut self, l: &mut Line<'a>, what: &str) -> Option<f64> {
        while l.peek().is_some_and(|f| f.kind == FieldKind::Comma) {
            l.at += 1;
        }
        let top = self.top.clone();
        match l.next() {
            Some(f) => self.number(&top, l.card.file, f),
            None => {
                let name = self.deck.names.get(l.card.name);
                let d = Diagnostic::error(codes::MISSING, format!("`.{name}` has no {what}"));
                self.report(d.at(l.card.span(), format!("{what} is missing")));
                None
            }
        }
    }

    pub fn card_fault(&mut self, card: &Card, message: impl Into<String>, label: impl Into<String>) {
        self.report(Diagnostic::error(codes::CARD, message).at(card.span(), label));
    }

    /// The next signal: `v(a,b)`, `i(v1)`, `@m1[gm]`, `v(a)-v(b)`, `{..}`; fields without blanks between belong together.
    pub fn item(&mut self, l: &mut Line<'a>) -> Option<Item> {
        while l.peek().is_some_and(|f| f.kind == FieldKind::Comma) {
            l.at += 1;
        }
        let first = *l.next()?;
        let mut depth = usize::from(first.kind == FieldKind::Open);
        let mut last = first;
        while let Some(f) = l.peek() {
            let touches = super::text::outer_lo(f) <= super::text::outer_hi(&last) && f.kind != FieldKind::Comma;
            let opens = f.kind == FieldKind::Open && last.kind == FieldKind::Word && depth == 0 && f.lo <= last.hi + 1;
            if depth == 0 && !touches && !opens {
                break;
            }
            match f.kind {
                FieldKind::Open => depth += 1,
                FieldKind::Close => {
                    if depth == 0 {
                        break;
                    }
                    depth -= 1;
                }
                _ => {}
            }
            last = *f;
            l.at += 1;
        }
        let span = Span::new(l.card.file, first.lo, last.hi);
        let is_one = std::ptr::eq(&first, &last) || (first.lo == last.lo && first.hi == last.hi);
        let text = if is_one && matches!(first.kind, FieldKind::Expr) {
            self.word(&first).to_string()
        } else {
            super::text::source_text(self.sources, span)
        };
        let mut text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
        // PSPICE's `v([out])`.
        if text.contains("([") {
            text = text.replace("([", "(").replace("])", ")");
        }
        Some(Item { text, span })
    }

    /// Everything that is not options, globals or temperature.
    pub fn read_cards(&mut self, cards: &[&'a Card]) -> Circuit {
        let mut c = Circuit::default();
        let tables = self.read_data(cards);
        let mut steps: Vec<Step> = vec![];
        for card in cards.iter().copied() {
            let mut l = self.line(card);
            let name = self.deck.names.get(card.name);
            match name {
                "options" | "option" | "opt" | "global" | "data" | "enddata" | "end" | "title" => {}
                "temp" => {
                    if let Some(s) = self.temps(&mut l) {
                        steps.insert(0, s);
                    }
                }
                "op" | "dc" | "tran" | "ac" | "noise" | "tf" | "sens" | "pz" | "disto" => {
                    let sweep = self.split_sweep(&mut l);
                    if let Some(a) = self.analysis(name, &mut l) {
                        c.analyses.push((a, card.span()));
                    }
                    if let Some(mut s) = sweep
                        && let Some(step) = self.step(&mut s, &tables)
                    {
                        steps.insert(0, step);
                    }
                }
                "step" => {
                    // The first `.step` is the innermost.
                    if let Some(s) = self.step(&mut l, &tables) {
                        steps.insert(0, s);
                    }
                }
                "ic" | "nodeset" => {
                    let top = self.top.clone();
                    self.initial(&top, card, &mut c);
                }
                "save" | "probe" => self.saves(&mut l, &mut c),
                "print" | "plot" => self.print(name, &mut l, &mut c),
                "four" | "fourier" => self.four(&mut l, &mut c),
                "meas" | "measure" => self.meas(&mut l, &mut c),
                "check" => self.check_card(&mut l, &mut c),
                // The parser knows all cards and reported the others.
                _ => {}
            }
        }
        for (scope, card) in std::mem::take(&mut self.local_cards) {
            self.initial(&scope, card, &mut c);
        }
        c.steps = steps;
        for (a, _) in &c.analyses {
            if let Analysis::Tran { step, stop, .. } = a {
                self.env.tstep = *step;
                self.env.tstop = *stop;
            }
            let asked: Vec<String> = match a {
                Analysis::Noise { output, .. } | Analysis::Tf { output, .. } | Analysis::Sens { output, .. } => {
                    vec![output.clone()]
                }
                _ => vec![],
            };
            let top = self.top.clone();
            for t in asked {
                self.wish_currents(&top, &t);
            }
        }
        let top = self.top.clone();
        let texts: Vec<String> = c
            .saves
            .iter()
            .map(|s| s.text.clone())
            .chain(c.prints.iter().flat_map(|p| p.signals.iter().map(|s| s.text.clone())))
            .chain(c.measures.iter().map(|m| m.text.clone()))
            .collect();
        for t in texts {
            self.wish_currents(&top, &t);
        }
        c
    }

    fn analysis(&mut self, name: &str, l: &mut Line<'a>) -> Option<Analysis> {
        match name {
            "op" => Some(Analysis::Op),
            "dc" => self.dc(l),
            "tran" => self.tran(l),
            "ac" => Some(Analysis::Ac { freq: self.freq(l)? }),
            "noise" => self.noise(l),
            "tf" => {
                let output = self.output(l, "output")?;
                let input = self.source_name(l, "input source")?;
                Some(Analysis::Tf { output, input })
            }
            "sens" => self.sens(l),
            "pz" => self.pz(l),
            _ => {
                let d = Diagnostic::error(codes::NOT_SUPPORTED, format!("`.{name}` is not supported"));
                self.report(
                    d.at(l.card.span(), "this analysis")
                        .help("a transient with `.four` or `.meas` gives the distortion of an output"),
                );
                None
            }
        }
    }

    fn dc(&mut self, l: &mut Line<'a>) -> Option<Analysis> {
        let mut sweeps = vec![];
        while l.peek().is_some() {
            if sweeps.len() == 3 {
                self.card_fault(l.card, "`.dc` sweeps at most three things", "more are given");
                return None;
            }
            sweeps.push(self.sweep(l)?);
        }
        if sweeps.is_empty() {
            self.card_fault(l.card, "`.dc` sweeps nothing", "write `.dc V1 0 5 0.1`");
            return None;
        }
        Some(Analysis::Dc { sweeps })
    }

    fn tran(&mut self, l: &mut Line<'a>) -> Option<Analysis> {
        let mut numbers: Vec<(f64, Span)> = vec![];
        let mut uic = false;
        let top = self.top.clone();
        while let Some(f) = l.next() {
            let at = l.span(f);
            match (f.kind, self.word(f)) {
                (FieldKind::Word, "uic" | "skipbp") => uic = true,
                (FieldKind::Word, "startup" | "steady" | "nodiscard" | "noopiter") => {
                    let w = self.word(f).to_string();
                    let d = Diagnostic::warning(codes::NOT_SUPPORTED, format!("`{w}` of `.tran` is not supported"));
                    self.report(d.at(at, "ignored"));
                }
                (FieldKind::Comma, _) => {}
                (FieldKind::Key, "uic") => {
                    if let Some(v) = l.next() {
                        uic = self.number(&top, l.card.file, v)? != 0.0;
                    }
                }
                _ => numbers.push((self.number(&top, l.card.file, f)?, at)),
            }
        }
        // LTspice's `.tran tstop`.
        if numbers.len() == 1 {
            let (stop, at) = numbers[0];
            numbers.insert(0, (stop / 50.0, at));
        }
        let [(step, step_at), (stop, stop_at), rest @ ..] = numbers.as_slice() else {
            self.card_fault(
                l.card,
                "`.tran` needs a print step and a stop time",
                "write `.tran tstep tstop [tstart [tmax]] [uic]`",
            );
            return None;
        };
        let start = rest.first().map_or(0.0, |x| x.0);
        let max_step = rest.get(1).map(|x| x.0).filter(|x| *x != 0.0);
        let mut fault = |at: Span, text: &str| {
            self.report(Diagnostic::error(codes::CARD, text).at(at, "this value"));
        };
        if stop.is_nan() || *stop <= 0.0 {
            fault(*stop_at, "the stop time of `.tran` must be positive");
            return None;
        }
        // `.tran 0 1u`: the step is free, a fiftieth serves for printing.
        let step = if *step == 0.0 { stop / 50.0 } else { *step };
        if step.is_nan() || step < 0.0 {
            fault(*step_at, "the step of `.tran` must be positive");
            return None;
        }
        if start.is_nan() || start < 0.0 || start >= *stop {
            fault(
                rest.first().map_or(*stop_at, |x| x.1),
                "the start time of `.tran` must lie between 0 and the stop time",
            );
            return None;
        }
        if max_step.is_some_and(|m| m.is_nan() || m < 0.0) {
            fault(rest.get(1).map_or(*stop_at, |x| x.1), "the largest step of `.tran` must be positive");
            return None;
        }
        if rest.len() > 2 {
            fault(rest[2].1, "`.tran` takes at most four numbers");
            return None;
        }
        Some(Analysis::Tran { step, stop: *stop, start, max_step, uic })
    }

    /// `dec 10 1 1meg`, `lin 100 1 1k`, `oct 8 20 20k`, `list 1 10 100`, `poi 3 1 10 100`.
    pub fn freq(&mut self, l: &mut Line<'a>) -> Option<Freq> {
        let word = l.peek().map(|f| self.word(f)).unwrap_or("");
        if !matches!(word, "dec" | "lin" | "oct" | "list" | "poi") {
            let name = self.deck.names.get(l.card.name);
            self.card_fault(
                l.card,
                format!("`.{name}` needs a kind of sweep"),
                "write `dec 10 1 1MEG`, `oct`, `lin` or `list`",
            );
            return None;
        }
        l.at += 1;
        if matches!(word, "list" | "poi") {
            if word == "poi" {
                self.need(l, "number of points")?;
            }
            let mut v = vec![];
            while l.peek().is_some() {
                self.check_mega(l);
                v.push(self.need(l, "frequency")?);
            }
            if v.is_empty() || v.iter().any(|f| f.is_nan() || *f < 0.0) {
                self.card_fault(l.card, "a list of frequencies needs one or more, none negative", "here");
                return None;
            }
            return Some(Freq::List(v));
        }
        let n = self.need(l, "number of points")?;
        self.check_mega(l);
        let a = self.need(l, "first frequency")?;
        self.check_mega(l);
        let b = self.need(l, "last frequency")?;
        if !(1.0..=1e9).contains(&n) {
            self.card_fault(l.card, format!("{n} is not a number of points"), "1 or more");
            return None;
        }
        let n = n as usize;
        let log = word != "lin";
        if a.is_nan() || b.is_nan() || !b.is_finite() || (log && a <= 0.0) || a < 0.0 || b < a {
            let help =
                if log && a <= 0.0 { "a logarithmic sweep begins above 0" } else { "the last is not below the first" };
            self.card_fault(
                l.card,
                format!("frequencies from {} to {} cannot be swept", format_si(a, "Hz"), format_si(b, "Hz")),
                help,
            );
            return None;
        }
        Some(match word {
            "lin" => Freq::Lin(n, a, b),
            "oct" => Freq::Oct(n, a, b),
            _ => Freq::Dec(n, a, b),
        })
    }

    fn check_mega(&mut self, l: &Line<'a>) {
        let Some(f) = l.peek() else { return };
        if let Some(d) = crate::netlist::lint::number(self.sources.text(l.span(f)), l.span(f), true) {
            self.report(d);
        }
    }

    fn output(&mut self, l: &mut Line<'a>, what: &str) -> Option<String> {
        match self.item(l) {
            Some(i) => {
                self.check_nodes(&i);
                Some(i.text)
            }
            None => {
                let name = self.deck.names.get(l.card.name);
                self.card_fault(l.card, format!("`.{name}` has no {what}"), format!("{what} is missing"));
                None
            }
        }
    }

    /// Nodes of `v(a,b)` must exist.
    fn check_nodes(&mut self, i: &Item) {
        let Some(inner) = i.text.strip_prefix("v(").and_then(|r| r.strip_suffix(')')) else { return };
        let top = self.top.clone();
        for n in inner.split(',') {
            if self.find_node(&top, n).is_none() {
                self.unknown_node(n, i.span);
            }
        }
    }

    pub fn unknown_node(&mut self, name: &str, at: Span) {
        let mut d = Diagnostic::error(codes::UNKNOWN_NODE, format!("unknown node `{name}`"))
            .at(at, "no element is connected to it");
        if let Some(h) = nearest::did_you_mean(name, self.nodes.iter().map(|s| self.names.get(*s))) {
            d = d.help(h);
        }
        self.report(d);
    }

    fn source_name(&mut self, l: &mut Line<'a>, what: &str) -> Option<String> {
        let Some(f) = l.next() else {
            let name = self.deck.names.get(l.card.name);
            self.card_fault(l.card, format!("`.{name}` has no {what}"), format!("{what} is missing"));
            return None;
        };
        let text = self.word(f).to_string();
        let top = self.top.clone();
        match self.find_element(&top, &text) {
            Some(s) => Some(self.names.get(s).to_string()),
            None => {
                self.unknown_element(&text, l.span(f));
                None
            }
        }
    }

    pub fn unknown_element(&mut self, name: &str, at: Span) {
        let top = self.top.clone();
        let known = self.local_elements(&top);
        let mut d =
            Diagnostic::error(codes::UNKNOWN_ELEMENT, format!("unknown element `{name}`")).at(at, "no such element");
        if let Some(h) = nearest::did_you_mean(name, known.iter().map(String::as_str)) {
            d = d.help(h);
        }
        self.report(d);
    }

    /// `.noise v(out,ref) v1 dec 10 1 1meg [every]`
    fn noise(&mut self, l: &mut Line<'a>) -> Option<Analysis> {
        let text = self.output(l, "output")?;
        let inner = text.strip_prefix("v(").and_then(|r| r.strip_suffix(')'));
        let (output, reference) = match inner.and_then(|i| i.split_once(',')) {
            Some((a, b)) => (format!("v({a})"), Some(b.to_string())),
            None => (text.clone(), None),
        };
        let input = self.source_name(l, "input source")?;
        let freq = self.freq(l)?;
        let every = match l.peek() {
            Some(_) => self.need(l, "number of points per summary")?,
            None => 0.0,
        };
        Some(Analysis::Noise { output, reference, input, freq, every: every.max(0.0) as usize })
    }

    /// `.sens v(out)`, `.sens v(out) ac dec 10 1 1k`, `.sens v(out) r1 r2`, `.sens v(out) dc`
    fn sens(&mut self, l: &mut Line<'a>) -> Option<Analysis> {
        let output = self.output(l, "output")?;
        let mut only = vec![];
        let mut freq = None;
        while let Some(f) = l.peek() {
            match self.word(f) {
                "ac" => {
                    l.at += 1;
                    freq = Some(self.freq(l)?);
                }
                "dc" => l.at += 1,
                w => {
                    only.push(w.to_string());
                    l.at += 1;
                }
            }
        }
        Some(Analysis::Sens { output, freq, only })
    }

    /// `.pz in+ in- out+ out- cur|vol pol|zer|pz`
    fn pz(&mut self, l: &mut Line<'a>) -> Option<Analysis> {
        let mut nodes = vec![];
        let top = self.top.clone();
        for _ in 0..4 {
            let Some(f) = l.next() else {
                self.card_fault(l.card, "`.pz` needs four nodes", "write `.pz in 0 out 0 vol pz`");
                return None;
            };
            let name = self.word(f).to_string();
            if self.find_node(&top, &name).is_none() {
                self.unknown_node(&name, l.span(f));
            }
            nodes.push(name);
        }
        let kind = l.next().map(|f| self.word(f)).unwrap_or("vol");
        let what = l.next().map(|f| self.word(f)).unwrap_or("pz");
        if !matches!(kind, "vol" | "cur") || !matches!(what, "pz" | "pol" | "zer") {
            self.card_fault(
                l.card,
                format!("`{kind} {what}` is not understood"),
                "`vol` or `cur`, then `pz`, `pol` or `zer`",
            );
            return None;
        }
        let mut it = nodes.into_iter();
        let mut pair = || (it.next().unwrap_or_default(), it.next().unwrap_or_default());
        Some(Analysis::Pz {
            input: pair(),
            output: pair(),
            is_voltage: kind == "vol",
            poles: what != "zer",
            zeros: what != "pol",
        })
    }

    /// `.ic v(a)=1 i(l1)=2 @x1[state]=0.5`, `.nodeset v(a)=1`
    fn initial(&mut self, scope: &Rc<Scope<'a>>, card: &'a Card, c: &mut Circuit) {
        let mut l = self.line(card);
        let is_ic = self.deck.names.get(card.name) == "ic";
        while l.peek().is_some() {
            let Some((target, at)) = self.assignment_target(&mut l) else { break };
            let Some(f) = l.next() else {
                self.card_fault(card, format!("`{target}` has no value"), "write `v(node)=value`");
                break;
            };
            let Some(x) = self.number(scope, card.file, f) else { continue };
            let inner = |p: &str| target.strip_prefix(p).and_then(|r| r.strip_suffix(')')).map(str::to_string);
            if let Some(n) = inner("v(") {
                match self.find_node(scope, &n) {
                    Some(0) => {}
                    Some(k) if is_ic => c.ics.push((k, x)),
                    Some(k) => c.nodesets.push((k, x)),
                    None => self.unknown_node(&n, at),
                }
            } else if let Some((inst, state)) = target
                .strip_prefix('@')
                .and_then(|t| t.strip_suffix(']'))
                .and_then(|t| t.split_once('['))
                .map(|(a, b)| (a.to_string(), b.to_string()))
                .or_else(|| inner("i(").map(|n| (n, "i".to_string())))
            {
                match self.find_element(scope, &inst) {
                    Some(s) => c.state_ics.push((s, state, x, at)),
                    None => self.unknown_element(&inst, at),
                }
            } else {
                let name = self.deck.names.get(card.name);
                let d = Diagnostic::error(codes::CARD, format!("`{target}` cannot be given in `.{name}`"));
                self.report(d.at(at, "write `v(node)=value`, `i(inductor)=value` or `@instance[state]=value`"));
            }
        }
    }

    /// The left-hand side of `v(a)=1`; the `=` is passed.
    fn assignment_target(&mut self, l: &mut Line<'a>) -> Option<(String, Span)> {
        while l.peek().is_some_and(|f| f.kind == FieldKind::Comma) {
            l.at += 1;
        }
        let first = *l.peek()?;
        let mut last = first;
        let mut depth = 0usize;
        while let Some(f) = l.peek() {
            match f.kind {
                FieldKind::Open => depth += 1,
                FieldKind::Close => depth = depth.saturating_sub(1),
                FieldKind::Symbol if depth == 0 => {
                    l.at += 1;
                    break;
                }
                FieldKind::Key if depth == 0 => {
                    last = *f;
                    l.at += 1;
                    break;
                }
                FieldKind::Word if depth == 0 && f.lo != first.lo => break,
                _ => {}
            }
            last = *f;
            l.at += 1;
        }
        let span = Span::new(l.card.file, first.lo, last.hi);
        let text = super::text::source_text(self.sources, span);
        let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '=').collect();
        Some((text, span))
    }

    /// A card inside a subcircuit: initial conditions are local, everything else belongs to the top level.
    pub fn local_card(&mut self, scope: &Rc<Scope<'a>>, card: &'a Card) {
        match self.deck.names.get(card.name) {
            "ic" | "nodeset" => self.local_cards.push((scope.clone(), card)),
            name => {
                let d = Diagnostic::warning(codes::CARD_IN_SUBCKT, format!("`.{name}` inside a subcircuit is ignored"));
                self.report_in(scope, d.at(card.span(), "move it to the top level"));
            }
        }
    }

    // --- sweeps ---

    /// One sweep of `.dc`: a target and a range.
    fn sweep(&mut self, l: &mut Line<'a>) -> Option<(SweepTarget, SweepRange)> {
        self.one_sweep(l, true)
    }

    pub fn is_element(&self, name: &str) -> Option<Sym> {
        let top = self.top.clone();
        self.find_element(&top, name).filter(|s| self.place(*s) != PLACE_NONE)
    }
}
