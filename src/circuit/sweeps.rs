//! Sweeps: `.step` in the spellings of LTspice, PSPICE and Xyce, `.temp` lists, `.data` tables, `sweep` on an analysis.

use std::collections::HashMap;

use super::analyses::Line;
use super::cards::{Step, SweepRange, SweepTarget};
use super::elab::Elab;
use super::text::number_of;
use crate::diag::codes::circuit as codes;
use crate::diag::{Diagnostic, Span, nearest};
use crate::netlist::ast::{Card, Field, FieldKind};

/// `.data` tables: names and rows.
pub(super) type Tables = HashMap<String, (Vec<SweepTarget>, Vec<Vec<f64>>)>;

/// More points than this are taken for a mistake.
const MAX_POINTS: f64 = 1e8;

impl<'a> Elab<'a> {
    /// `.temp 0 25 70`: several values are a sweep.
    pub fn temps(&mut self, l: &mut Line<'a>) -> Option<Step> {
        if l.fields.is_empty() {
            self.card_fault(l.card, "`.temp` has no temperature", "in degrees Celsius");
            return None;
        }
        let mut rows = vec![];
        while l.peek().is_some() {
            let t = self.need(l, "temperature")?;
            if t.is_nan() || t <= -273.15 {
                self.card_fault(l.card, format!("{t} °C is below absolute zero"), "here");
                return None;
            }
            rows.push(vec![t]);
        }
        (rows.len() > 1).then(|| Step { targets: vec![SweepTarget::Temp], rows, span: l.card.span() })
    }

    /// `.data name a b 1 2 3 4 .enddata`
    pub fn read_data(&mut self, cards: &[&'a Card]) -> Tables {
        let mut tables = Tables::new();
        let top = self.top.clone();
        for card in cards.iter().copied().filter(|c| self.deck.names.get(c.name) == "data") {
            let mut l = self.line(card);
            let Some(name) = l.next().map(|f| self.word(f).to_string()) else {
                self.card_fault(card, "`.data` has no name", "write `.data name param1 param2`");
                continue;
            };
            let mut targets = vec![];
            while let Some(f) = l.peek() {
                if f.kind == FieldKind::Word && number_of(self.word(f)).is_none() {
                    let is_number = self.word(f).starts_with(['+', '-', '.'])
                        || self.word(f).as_bytes().first().is_some_and(u8::is_ascii_digit);
                    if is_number {
                        break;
                    }
                    l.at += 1;
                    if let Some(t) = self.target_of(&l, f) {
                        targets.push(t);
                    }
                } else {
                    break;
                }
            }
            let mut values = vec![];
            while let Some(f) = l.next() {
                if matches!(f.kind, FieldKind::Word | FieldKind::Expr)
                    && let Some(x) = self.number(&top, card.file, f)
                {
                    values.push(x);
                }
            }
            if targets.is_empty() || values.is_empty() || values.len() % targets.len() != 0 {
                self.card_fault(
                    card,
                    format!("`.data {name}`: {} values do not fill rows of {}", values.len(), targets.len()),
                    "every row needs a value for each name",
                );
                continue;
            }
            let rows = values.chunks(targets.len()).map(<[f64]>::to_vec).collect();
            tables.insert(name, (targets, rows));
        }
        tables
    }

    /// Cuts `sweep ...` off an analysis card.
    pub fn split_sweep(&mut self, l: &mut Line<'a>) -> Option<Line<'a>> {
        let k = l.fields.iter().position(|f| f.kind == FieldKind::Word && self.deck.names.get(f.sym) == "sweep")?;
        let rest = Line { card: l.card, fields: l.fields, at: k + 1 };
        l.fields = &l.fields[..k];
        Some(rest)
    }

    /// One outer sweep.
    pub fn step(&mut self, l: &mut Line<'a>, tables: &Tables) -> Option<Step> {
        let span = l.card.span();
        if let Some(f) = l.peek()
            && f.kind == FieldKind::Key
            && self.word(f) == "data"
        {
            l.at += 1;
            let f = l.next()?;
            let name = self.word(f);
            let Some((targets, rows)) = tables.get(name) else {
                let mut d = Diagnostic::error(codes::UNKNOWN_DATA, format!("unknown `.data` table `{name}`"))
                    .at(l.span(f), "no such table");
                if let Some(h) = nearest::did_you_mean(name, tables.keys().map(String::as_str)) {
                    d = d.help(h);
                }
                self.report(d);
                return None;
            };
            return Some(Step { targets: targets.clone(), rows: rows.clone(), span });
        }
        if l.peek().is_none() {
            self.card_fault(l.card, "`.step` sweeps nothing", "write `.step param r 1k 10k 1k`");
            return None;
        }
        let (target, range) = self.one_sweep(l, false)?;
        if let Some(f) = l.peek() {
            let text = self.sources.text(l.span(f)).to_string();
            let d = Diagnostic::error(codes::UNEXPECTED, format!("`{text}` after the sweep is not understood"));
            self.report(d.at(l.span(f), "write each sweep as a `.step` of its own"));
            return None;
        }
        let rows: Vec<Vec<f64>> = range.points().into_iter().map(|x| vec![x]).collect();
        Some(Step { targets: vec![target], rows, span })
    }

    /// `[lin|dec|oct] target a b c`, `target lin|dec|oct n a b`, `target list ...`; after a target only three numbers
    /// when `many` sweeps may stand on one card.
    pub fn one_sweep(&mut self, l: &mut Line<'a>, many: bool) -> Option<(SweepTarget, SweepRange)> {
        let kind_of = |w: &str| match w {
            "lin" => Some('l'),
            "dec" => Some('d'),
            "oct" => Some('o'),
            "list" | "poi" => Some('s'),
            _ => None,
        };
        let mut kind = None;
        let mut kind_first = false;
        if let Some(f) = l.peek()
            && let Some(k) = kind_of(self.word(f))
        {
            kind = Some(k);
            kind_first = true;
            l.at += 1;
        }
        let target = self.target(l)?;
        let mut after = false;
        if let Some(f) = l.peek()
            && let Some(k) = kind_of(self.word(f))
        {
            kind = Some(k);
            after = true;
            l.at += 1;
        }
        let top = self.top.clone();
        if kind == Some('s') {
            let mut v = vec![];
            while let Some(f) = l.peek() {
                if f.kind == FieldKind::Comma || matches!(f.kind, FieldKind::Open | FieldKind::Close) {
                    l.at += 1;
                    continue;
                }
                let is_name = f.kind == FieldKind::Word
                    && number_of(self.word(f)).is_none()
                    && !top.params.borrow().contains_key(&f.sym);
                if many && is_name {
                    break;
                }
                l.at += 1;
                v.push(self.number(&top, l.card.file, f)?);
            }
            if v.is_empty() {
                self.card_fault(l.card, "the list of the sweep is empty", "give one or more values");
                return None;
            }
            return Some((target, SweepRange::List(v)));
        }
        let at = l.peek().map_or(l.card.span(), |f| l.span(f));
        let mut n3 = [0.0; 3];
        for (x, what) in n3.iter_mut().zip(["first value", "second value", "third value"]) {
            // A linear sweep without a step goes by one.
            if what == "third value" && l.peek().is_none() && kind.is_none() {
                *x = 1.0;
                continue;
            }
            *x = self.need(l, what)?;
        }
        // HSPICE counts points first (`x lin 10 1 2`), LTspice and Xyce last (`dec x 1 10 5`, `x dec 1 10 5` in neither).
        let points_first = after && !kind_first && matches!(kind, Some('d' | 'o'));
        let (a, b, n) = if points_first && self.deck.names.get(l.card.name) != "step" {
            (n3[1], n3[2], n3[0])
        } else {
            (n3[0], n3[1], n3[2])
        };
        self.range(l, kind, a, b, n, at, after && self.deck.names.get(l.card.name) != "step").map(|r| (target, r))
    }

    #[allow(clippy::too_many_arguments)]
    fn range(
        &mut self,
        l: &Line<'a>,
        kind: Option<char>,
        a: f64,
        b: f64,
        n: f64,
        at: Span,
        counted: bool,
    ) -> Option<SweepRange> {
        let mut fault = |text: String| {
            self.report(Diagnostic::error(codes::SWEEP, text).at(at, "this sweep"));
            None
        };
        if !(a.is_finite() && b.is_finite() && n.is_finite()) {
            return fault("the limits of a sweep must be finite".into());
        }
        match kind {
            Some(k @ ('d' | 'o')) => {
                if a <= 0.0 || b < a {
                    return fault(format!("a logarithmic sweep from {a} to {b} needs 0 < first <= last"));
                }
                if !(1.0..=1e6).contains(&n) {
                    return fault(format!("{n} is not a number of points"));
                }
                Some(if k == 'd' { SweepRange::Dec(n as usize, a, b) } else { SweepRange::Oct(n as usize, a, b) })
            }
            // HSPICE: `lin points first last`.
            Some('l') if counted => {
                let (n, a, b) = (a, b, n);
                if !(1.0..=MAX_POINTS).contains(&n) {
                    return fault(format!("{n} is not a number of points"));
                }
                let step = if n < 2.0 { 0.0 } else { (b - a) / (n.floor() - 1.0) };
                Some(SweepRange::Lin(a, b, step))
            }
            _ => {
                if n == 0.0 && a != b {
                    return fault("the step of a sweep is zero".into());
                }
                if ((b - a) / n) > MAX_POINTS {
                    return fault(format!("{:.0} points are too many", (b - a) / n));
                }
                let step = if (b - a) * n < 0.0 { -n } else { n };
                if step != n {
                    let d = Diagnostic::warning(
                        codes::STEP_SIGN,
                        format!("the step {n} leads away from the end of the sweep, {a} to {b}; {step} is taken"),
                    );
                    self.report(d.at(l.card.span(), "the sweep follows its limits"));
                }
                Some(SweepRange::Lin(a, b, step))
            }
        }
    }

    /// What is swept: `param x`, `temp`, `V1`, `@r1[tc1]`, `nch(vto)`, `nmos nch(vto)`, `r1:r`, `x`.
    fn target(&mut self, l: &mut Line<'a>) -> Option<SweepTarget> {
        let f = match l.next() {
            Some(f) => f,
            None => {
                self.card_fault(l.card, "the sweep has no target", "a source, parameter, model parameter or `temp`");
                return None;
            }
        };
        let word = self.word(f);
        if matches!(word, "param" | "parameter") || (f.kind == FieldKind::Key && word == "param") {
            let f = l.next()?;
            let name = self.word(f).to_string();
            return self.param_target(l, f, name);
        }
        // Model type words in front of the model: `nmos nch(vto)`.
        let is_open = |k: usize| l.fields.get(k).is_some_and(|x| x.kind == FieldKind::Open);
        if !is_open(l.at) && l.peek().is_some_and(|x| x.kind == FieldKind::Word) && is_open(l.at + 1) {
            let f = l.next()?;
            return self.model_target(l, f);
        }
        if is_open(l.at) {
            return self.model_target(l, f);
        }
        self.target_of(l, f)
    }

    fn model_target(&mut self, l: &mut Line<'a>, f: &'a Field) -> Option<SweepTarget> {
        let model = self.word(f).to_string();
        l.at += 1;
        let p = l.next()?;
        let param = self.word(p).to_string();
        if l.peek().is_some_and(|x| x.kind == FieldKind::Close) {
            l.at += 1;
        }
        let top = self.top.clone();
        if self.find_model(&top, f.sym).is_none() {
            let mut d = Diagnostic::error(codes::UNKNOWN_MODEL, format!("unknown model `{model}`"))
                .at(l.span(f), "no such `.model`");
            if let Some(h) = self.model_help(&top, &model) {
                d = d.help(h);
            }
            self.report(d);
            return None;
        }
        Some(SweepTarget::Model(model, param))
    }

    fn param_target(&mut self, l: &Line<'a>, f: &Field, name: String) -> Option<SweepTarget> {
        if !self.top.params.borrow().contains_key(&f.sym) {
            let known = self.param_names(&self.top.clone());
            let mut d = Diagnostic::error(codes::UNKNOWN_SWEEP, format!("unknown parameter `{name}`"))
                .at(l.span(f), "no global `.param` has this name");
            if let Some(h) = nearest::did_you_mean(&name, known.iter().map(String::as_str)) {
                d = d.help(h);
            }
            self.report(d.help(format!("define it with `.param {name}=...`")));
            return None;
        }
        Some(SweepTarget::Param(name))
    }

    /// A target in one word.
    fn target_of(&mut self, l: &Line<'a>, f: &Field) -> Option<SweepTarget> {
        let word = self.word(f).to_string();
        if matches!(word.as_str(), "temp" | "temper" | "temperature") && !self.top.params.borrow().contains_key(&f.sym)
        {
            return Some(SweepTarget::Temp);
        }
        if self.top.params.borrow().contains_key(&f.sym) {
            return Some(SweepTarget::Param(word));
        }
        let inst = |el: &Self, name: &str| el.is_element(name).map(|s| el.names.get(s).to_string());
        if let Some((name, param)) =
            word.strip_prefix('@').and_then(|w| w.strip_suffix(']')).and_then(|w| w.split_once('['))
        {
            if let Some(n) = inst(self, name) {
                return Some(SweepTarget::Instance(n, Some(param.to_string())));
            }
            if let Some(m) = self.names.lookup(name)
                && self.find_model(&self.top.clone(), m).is_some()
            {
                return Some(SweepTarget::Model(name.to_string(), param.to_string()));
            }
            self.unknown_element(name, l.span(f));
            return None;
        }
        if let Some(n) = inst(self, &word) {
            let last = n.rsplit('.').next().unwrap_or(&n);
            return Some(if last.starts_with(['v', 'i']) {
                SweepTarget::Source(n)
            } else {
                SweepTarget::Instance(n, None)
            });
        }
        if let Some((name, param)) = word.rsplit_once(':') {
            if let Some(n) = inst(self, name) {
                return Some(SweepTarget::Instance(n, Some(param.to_string())));
            }
            if let Some(m) = self.names.lookup(name)
                && self.find_model(&self.top.clone(), m).is_some()
            {
                return Some(SweepTarget::Model(name.to_string(), param.to_string()));
            }
        }
        let top = self.top.clone();
        let mut known = self.local_elements(&top);
        known.extend(self.param_names(&top));
        let mut d = Diagnostic::error(
            codes::UNKNOWN_SWEEP,
            format!("`{word}` is not a source, an element, a parameter or `temp`"),
        )
        .at(l.span(f), "cannot be swept");
        if let Some(h) = nearest::did_you_mean(&word, known.iter().map(String::as_str)) {
            d = d.help(h);
        }
        self.report(d);
        None
    }
}
