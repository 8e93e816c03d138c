//! `.model` cards: where a name is looked up, inheritance, bins, the device type that a level selects, and the
//! parameters checked against the device's table.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::elab::{Elab, MAX_DEPTH};
use super::scope::Scope;
use super::text::Fields;
use crate::base::Sym;
use crate::base::units::format_si;
use crate::device::card::NO_MODEL;
use crate::device::{DeviceInfo, DeviceType, ModelCard, ParamId, ParamKind, ParamSpec, Value, param, registry};
use crate::diag::codes::circuit as codes;
use crate::diag::codes::device as device_codes;
use crate::diag::{Code, Diagnostic, FileId, Span, nearest};
use crate::netlist::ast::{Element, Field, FieldKind, ModelDef};

/// Models already turned into cards.
#[derive(Default)]
pub(super) struct ModelCache {
    /// By definition and scope of definition: group and index; none if faulty.
    used: HashMap<(usize, usize), Option<(usize, u32)>>,
    /// Cards made from a definition, whatever the scope: equal ones are shared.
    cards: HashMap<usize, Vec<(usize, u32)>>,
    /// Types by definition.
    types: HashMap<(usize, u8), Option<Arc<dyn DeviceType>>>,
}

/// A model as an element finds it.
#[derive(Clone)]
pub(super) struct Found<'a> {
    pub scope: Rc<Scope<'a>>,
    pub defs: Vec<&'a ModelDef>,
    pub is_binned: bool,
}

/// Words on model cards that describe the part to people and programs, not its behaviour.
const ANNOTATIONS: &[&str] = &[
    "mfg", "vceo", "icrating", "vds", "qg", "vpk", "iave", "type", "version", "level", "lmin", "lmax", "wmin", "wmax",
    "lref", "wref",
];

impl<'a> Elab<'a> {
    /// Looks a model name up, outwards from a scope.
    pub fn find_model(&self, scope: &Rc<Scope<'a>>, name: Sym) -> Option<Found<'a>> {
        scope.outwards().find_map(|s| {
            let one = s.models.borrow().get(&name).copied();
            if let Some(d) = one {
                return Some(Found { scope: s, defs: vec![d], is_binned: false });
            }
            let bins = s.bins.borrow().get(&name).cloned();
            bins.map(|defs| Found { scope: s, defs, is_binned: true })
        })
    }

    /// Reports a bare word that may stand for a value or a model and is neither.
    pub fn is_nothing(&mut self, scope: &Rc<Scope<'a>>, e: &Element, f: &Field) -> bool {
        let text = self.deck.names.get(f.sym);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_word = f.kind == FieldKind::Word
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(is_name)
            && !matches!(text, "temper" | "temp" | "pi" | "inf")
            && crate::expr::functions::constant(text).is_none();
        if !is_word || self.param(scope, f.sym).is_some() || self.over.params.iter().any(|p| p.0 == text) {
            return false;
        }
        let mut known = self.param_names(scope);
        for s in scope.outwards() {
            let (models, bins) = (s.models.borrow(), s.bins.borrow());
            known.extend(models.keys().chain(bins.keys()).map(|n| self.names.get(*n).to_string()));
        }
        let mut d =
            Diagnostic::error(codes::UNKNOWN_MODEL, format!("`{text}` is neither a value, a parameter nor a model"))
                .at(Span::new(e.file, f.lo, f.hi), "not defined here");
        if let Some(h) = nearest::did_you_mean(text, known.iter().map(String::as_str)) {
            d = d.help(h);
        }
        self.report_in(scope, d);
        true
    }

    /// Chooses the bin whose `[lmin, lmax) x [wmin, wmax)` holds the instance's length and width.
    pub fn choose_bin(&mut self, found: &Found<'a>, l: f64, w: f64, span: Span) -> Option<&'a ModelDef> {
        if !found.is_binned {
            return found.defs.first().copied();
        }
        let mut table = vec![];
        for d in found.defs.iter().copied() {
            let mut b = [0.0, f64::INFINITY, 0.0, f64::INFINITY];
            for (k, name) in ["lmin", "lmax", "wmin", "wmax"].iter().enumerate() {
                if let Some(x) = self.model_number(&found.scope, d, name) {
                    b[k] = x;
                }
            }
            // A hair of slack: limits and sizes are decimal numbers that met different roundings.
            let slack = 1e-9;
            if l >= b[0] * (1.0 - slack)
                && l < b[1] * (1.0 - slack)
                && w >= b[2] * (1.0 - slack)
                && w < b[3] * (1.0 - slack)
            {
                return Some(d);
            }
            table.push((d, b));
        }
        // The largest bin is closed above.
        if let Some((d, _)) =
            table.iter().find(|(_, b)| l >= b[0] && l <= b[1] * (1.0 + 1e-9) && w >= b[2] && w <= b[3] * (1.0 + 1e-9))
        {
            return Some(d);
        }
        let mut diag = Diagnostic::error(codes::NO_BIN, format!("no bin of the model holds l = {l:e}, w = {w:e}"))
            .at(span, "this element");
        for (d, b) in table {
            let name = self.deck.names.get(d.name);
            diag = diag.note(format!("{name}: l from {:e} to {:e}, w from {:e} to {:e}", b[0], b[1], b[2], b[3]));
        }
        let scope = found.scope.clone();
        self.report_in(&scope, diag);
        None
    }

    /// The definition and its ancestors, itself first.
    fn lineage(&mut self, scope: &Rc<Scope<'a>>, def: &'a ModelDef) -> Vec<&'a ModelDef> {
        let mut chain = vec![def];
        let mut at = def;
        while let Some((parent, span)) = at.parent {
            let next = scope.outwards().find_map(|s| s.models.borrow().get(&parent).copied());
            let Some(next) = next else {
                let name = self.deck.names.get(parent);
                let mut d = Diagnostic::error(codes::UNKNOWN_MODEL, format!("unknown model `{name}` after `ako:`"))
                    .at(span, "no such `.model`");
                if let Some(h) = self.model_help(scope, name) {
                    d = d.help(h);
                }
                self.report_in(scope, d);
                break;
            };
            if chain.len() > MAX_DEPTH {
                let d = Diagnostic::error(
                    codes::TOO_LARGE,
                    format!("models inherit from each other more than {MAX_DEPTH} deep"),
                );
                self.report_in(scope, d.at(def.parent.map_or(def.name_span, |p| p.1), "this chain of `ako:`"));
                break;
            }
            if chain.iter().any(|c| std::ptr::eq(*c, next)) {
                let names: Vec<&str> = chain.iter().chain([&next]).map(|c| self.deck.names.get(c.name)).collect();
                let mut d = Diagnostic::error(
                    codes::MODEL_CYCLE,
                    format!("models inherit from each other in a circle: {}", names.join(" → ")),
                );
                for c in &chain {
                    d = d.at(c.parent.map_or(c.name_span, |p| p.1), "inherits here");
                }
                self.report_in(scope, d);
                break;
            }
            chain.push(next);
            at = next;
        }
        chain
    }

    /// A parameter of a model card that elaboration itself needs (`level`, bin limits), own or inherited.
    fn model_number(&mut self, scope: &Rc<Scope<'a>>, def: &'a ModelDef, key: &str) -> Option<f64> {
        for d in self.lineage(scope, def) {
            let fields = Fields::of(self.deck, d.fields);
            let hit = fields.keyed(0).into_iter().find(|(k, _)| self.deck.names.get(k.sym) == key);
            if let Some((_, [value, ..])) = hit {
                return self.number(scope, d.file, value);
            }
        }
        None
    }

    /// The device type of a model for an element letter. Faults are reported once.
    pub fn model_type(
        &mut self,
        found: &Found<'a>,
        def: &'a ModelDef,
        letter: u8,
        used_at: Span,
    ) -> Option<Arc<dyn DeviceType>> {
        let key = (def as *const _ as usize, letter);
        if let Some(t) = self.models.types.get(&key) {
            return t.clone();
        }
        let t = self.model_type_uncached(found, def, letter, used_at);
        self.models.types.insert(key, t.clone());
        t
    }

    fn model_type_uncached(
        &mut self,
        found: &Found<'a>,
        def: &'a ModelDef,
        letter: u8,
        used_at: Span,
    ) -> Option<Arc<dyn DeviceType>> {
        let scope = found.scope.clone();
        let chain = self.lineage(&scope, def);
        // `ako` cards may leave the type word to the parent.
        let typed = chain.iter().find(|d| !self.deck.names.get(d.type_word).is_empty()).copied().unwrap_or(def);
        let word = self.deck.names.get(typed.type_word);
        let level = self.model_number(&scope, def, "level").unwrap_or(1.0);
        let letter_char = letter as char;
        if level.fract() == 0.0
            && level >= 0.0
            && let Some(t) = registry::by_model(letter_char, word, level as u32)
        {
            return Some(t);
        }
        if self.library.has(word) {
            let word = word.to_string();
            return self.module_type(&word);
        }
        let has_word = |i: &DeviceInfo| i.model_types.iter().any(|(w, _)| w.eq_ignore_ascii_case(word));
        let same: Vec<&DeviceInfo> =
            registry::all().iter().map(|t| t.info()).filter(|i| i.letter == letter_char && has_word(i)).collect();
        let name = self.deck.names.get(def.name);
        let d = if !same.is_empty() {
            let mut levels: Vec<String> =
                same.iter().flat_map(|i| i.levels.iter().map(|l| format!("{l} ({})", i.name))).collect();
            levels.dedup();
            Diagnostic::error(codes::UNKNOWN_LEVEL, format!("there is no level {level} of `{word}` models"))
                .at(typed.type_span, format!("model `{name}` asks for level {level}"))
                .help(format!("levels that exist: {}", levels.join(", ")))
        } else if let Some(other) = registry::all().iter().map(|t| t.info()).find(|i| has_word(i)) {
            Diagnostic::error(
                codes::WRONG_MODEL_TYPE,
                format!(
                    "model `{name}` is of type `{word}`, which elements with the letter {} use, not {}",
                    other.letter.to_ascii_uppercase(),
                    letter_char.to_ascii_uppercase()
                ),
            )
            .at(used_at, "used here")
            .at(typed.type_span, "its type")
        } else {
            let known: Vec<&str> =
                registry::all().iter().flat_map(|t| t.info().model_types.iter().map(|(w, _)| *w)).collect();
            let mut d = Diagnostic::error(codes::UNKNOWN_MODEL_TYPE, format!("unknown model type `{word}`"))
                .at(typed.type_span, "no device has models of this type");
            if let Some(h) = nearest::did_you_mean(word, known.iter().copied()) {
                d = d.help(h);
            }
            let mut here: Vec<&str> = vec![];
            for i in registry::all().iter().map(|t| t.info()).filter(|i| i.letter == letter_char) {
                here.extend(i.model_types.iter().map(|(w, _)| *w));
            }
            let mut seen = std::collections::HashSet::new();
            here.retain(|w| seen.insert(*w));
            if here.is_empty() {
                d
            } else {
                d.help(format!("types for {}: {}", letter_char.to_ascii_uppercase(), here.join(", ")))
            }
        };
        self.report_in(&scope, d);
        None
    }

    /// The group and the index of the card of a model, made at its first use in a scope.
    pub fn use_model(
        &mut self,
        found: &Found<'a>,
        def: &'a ModelDef,
        ty: &Arc<dyn DeviceType>,
    ) -> Option<(usize, u32)> {
        let id = def as *const _ as usize;
        let key = (id, Rc::as_ptr(&found.scope) as *const u8 as usize);
        // The address of a subcircuit's scope may be used again by a later one: only the top level's is lasting.
        let is_top = found.scope.parent.is_none();
        if is_top && let Some(hit) = self.models.used.get(&key) {
            return *hit;
        }
        let card = self.model_card(found, def, ty.info());
        let group = self.group(ty);
        let made = card.map(|card| {
            let shared = self.models.cards.get(&id).and_then(|list| {
                list.iter().rev().take(16).copied().find(|(g, m)| {
                    *g == group && self.groups[*g].models.get(*m as usize).is_some_and(|c| same_params(c, &card))
                })
            });
            shared.unwrap_or_else(|| {
                let m = self.groups[group].models.len() as u32;
                debug_assert!(m < NO_MODEL);
                self.groups[group].models.push(card);
                self.models.cards.entry(id).or_default().push((group, m));
                (group, m)
            })
        });
        if is_top {
            self.models.used.insert(key, made);
        }
        made
    }

    fn model_card(&mut self, found: &Found<'a>, def: &'a ModelDef, info: &DeviceInfo) -> Option<ModelCard> {
        let scope = found.scope.clone();
        let chain = self.lineage(&scope, def);
        let typed = chain.iter().find(|d| !self.deck.names.get(d.type_word).is_empty()).copied().unwrap_or(def);
        let word = self.deck.names.get(typed.type_word);
        let polarity = info.model_types.iter().find(|(w, _)| w.eq_ignore_ascii_case(word)).map_or(1.0, |(_, p)| *p);
        let name: Arc<str> = format!("{}{}", scope.prefix, self.deck.names.get(def.name)).into();
        let mut card = ModelCard { name, span: def.name_span, polarity, params: vec![] };
        // Ancestors first, so that the model's own values replace theirs.
        for d in chain.into_iter().rev() {
            let fields = Fields::of(self.deck, d.fields);
            let first = fields.first_key();
            for f in &fields.all[..first] {
                if f.kind == FieldKind::Word {
                    self.bare_model_word(&scope, d, f, info, &mut card);
                }
            }
            for (key, values) in fields.keyed(first) {
                let text = self.deck.names.get(key.sym);
                let at = Span::new(d.file, key.lo, key.hi);
                let Some(pid) = param::find(info.model, text) else {
                    self.unknown_model_param(&scope, d, text, at, info);
                    continue;
                };
                let Some(spec) = info.model.get(pid as usize) else { continue };
                let (used, rest) = split_values(spec, values);
                if let Some(v) = self.param_value(&scope, d.file, spec, at, used) {
                    card.params.retain(|(i, _)| *i != pid);
                    card.params.push((pid, v));
                }
                for f in rest {
                    self.bare_model_word(&scope, d, f, info, &mut card);
                }
            }
        }
        card.params.shrink_to_fit();
        Some(card)
    }

    fn bare_model_word(
        &mut self,
        scope: &Rc<Scope<'a>>,
        d: &ModelDef,
        f: &Field,
        info: &DeviceInfo,
        card: &mut ModelCard,
    ) {
        if f.kind == FieldKind::Comma {
            return;
        }
        let text = self.deck.names.get(f.sym);
        let at = Span::new(d.file, f.lo, f.hi);
        match param::find(info.model, text) {
            Some(id) if info.model[id as usize].kind == ParamKind::Flag => card.set(id, 1.0),
            _ => {
                let diag = Diagnostic::warning(codes::UNEXPECTED, format!("`{text}` on a model card has no `=`"))
                    .at(at, "ignored");
                self.report_in(scope, diag.help("write `name=value`"));
            }
        }
    }

    fn unknown_model_param(&mut self, scope: &Rc<Scope<'a>>, d: &ModelDef, text: &str, at: Span, info: &DeviceInfo) {
        if ANNOTATIONS.contains(&text) {
            return;
        }
        let name = self.deck.names.get(d.name);
        let mut diag = Diagnostic::warning(
            codes::UNKNOWN_MODEL_PARAM,
            format!("`{}` models have no parameter `{text}`; its value on `{name}` is ignored", info.name),
        )
        .at(at, "ignored");
        let known = info.model.iter().flat_map(|p| std::iter::once(p.name).chain(p.aliases.iter().copied()));
        if let Some(h) = nearest::did_you_mean(text, known.chain(["level"])) {
            diag = diag.help(h);
        } else if param::find(info.instance, text).is_some() {
            diag = diag.help(format!("`{text}` is given on the element, not on the model"));
        }
        self.report_in(scope, diag);
    }

    /// Reads and checks the value of a parameter by its table entry.
    pub fn param_value(
        &mut self,
        scope: &Rc<Scope<'a>>,
        file: FileId,
        spec: &ParamSpec,
        at: Span,
        values: &[Field],
    ) -> Option<Value> {
        let Some(first) = values.first() else {
            if spec.kind == ParamKind::Flag {
                return Some(Value::Num(1.0));
            }
            self.report_in(
                scope,
                Diagnostic::error(codes::MISSING, format!("`{}` has no value", spec.name))
                    .at(at, "a value is needed after this"),
            );
            return None;
        };
        match spec.kind {
            ParamKind::Vector => {
                let mut list = vec![];
                for f in values {
                    match f.kind {
                        FieldKind::Open | FieldKind::Close | FieldKind::Comma => {}
                        _ => list.push(self.checked(scope, file, spec, f)?),
                    }
                }
                Some(Value::Vector(list.into()))
            }
            ParamKind::Text => self.value_text(scope, file, first).map(|t| Value::Text(t.into())),
            ParamKind::Real | ParamKind::Int | ParamKind::Flag | ParamKind::Expr => {
                let plain = values.len() == 1;
                if plain {
                    return self.checked(scope, file, spec, first).map(Value::Num);
                }
                let e = self.expr_of_run(scope, file, values)?;
                let x = self.constant(scope, &e)?;
                self.check(scope, spec, x, Span::new(file, first.lo, values.last().map_or(first.hi, |l| l.hi)))
                    .then_some(Value::Num(x))
            }
        }
    }

    fn value_text(&mut self, scope: &Rc<Scope<'a>>, file: FileId, f: &Field) -> Option<String> {
        match f.kind {
            FieldKind::Text => Some(self.sources.text(Span::new(file, f.lo, f.hi)).to_string()),
            _ => {
                if let Some(sym) = self.lone_name(file, f)
                    && let Some(v) = self.param(scope, sym)
                {
                    return match v? {
                        super::scope::Value::Text(t) => Some(t.to_string()),
                        super::scope::Value::Num(x) => Some(x.to_string()),
                    };
                }
                Some(self.deck.names.get(f.sym).to_string())
            }
        }
    }

    fn checked(&mut self, scope: &Rc<Scope<'a>>, file: FileId, spec: &ParamSpec, f: &Field) -> Option<f64> {
        if spec.kind == ParamKind::Flag && f.kind == FieldKind::Word {
            match self.deck.names.get(f.sym) {
                "yes" | "true" | "on" => return Some(1.0),
                "no" | "false" | "off" => return Some(0.0),
                _ => {}
            }
        }
        let x = self.number(scope, file, f)?;
        self.check(scope, spec, x, Span::new(file, f.lo, f.hi)).then_some(x)
    }

    /// Range and wholeness of a value.
    pub fn check(&mut self, scope: &Rc<Scope<'a>>, spec: &ParamSpec, x: f64, at: Span) -> bool {
        let fault = |code: Code, message: String| Diagnostic::error(code, message).at(at, spec.doc);
        if spec.kind == ParamKind::Int && x.fract() != 0.0 {
            self.report_in(
                scope,
                fault(codes::NOT_WHOLE, format!("`{}` must be a whole number, and is {x}", spec.name)),
            );
            return false;
        }
        if !spec.range.contains(x) {
            let value = format_si(x, spec.unit);
            self.report_in(
                scope,
                fault(device_codes::OUT_OF_RANGE, format!("`{}` = {value} must be {}", spec.name, spec.range.words())),
            );
            return false;
        }
        true
    }
}

/// The fields that belong to a value, and what follows without a key.
fn split_values<'f>(spec: &ParamSpec, values: &'f [Field]) -> (&'f [Field], &'f [Field]) {
    let n = match spec.kind {
        ParamKind::Vector => values.len(),
        _ => values.len().min(1),
    };
    values.split_at(n)
}

fn same_params(a: &ModelCard, b: &ModelCard) -> bool {
    a.params.len() == b.params.len()
        && a.params.iter().zip(&b.params).all(|((i, x), (j, y))| {
            i == j
                && match (x, y) {
                    (Value::Num(x), Value::Num(y)) => x.to_bits() == y.to_bits(),
                    (Value::Text(x), Value::Text(y)) => x == y,
                    (Value::Vector(x), Value::Vector(y)) => x == y,
                    _ => false,
                }
        })
}

/// The parameter table entry that a key means, on an instance.
pub(super) fn instance_param(info: &DeviceInfo, key: &str) -> Option<(ParamId, ParamSpec)> {
    let id = param::find(info.instance, key)?;
    info.instance.get(id as usize).map(|s| (id, *s))
}
