//! Elements → instances. What a field means depends on the letter, on the models in scope and on the device's table:
//! nodes first, then model, values and flags in any order, then `key=value`.

use std::rc::Rc;
use std::sync::Arc;

use super::draft::Draft;
use super::elab::{Elab, Pending};
use super::models::{Found, instance_param};
use super::names::{RATINGS, with_article};
use super::scope::{Scope, Value as ParamValue};
use super::text::{Fields, number_of};
use super::{PENDING, PLACE_NONE, Place};
use crate::base::Sym;
use crate::device::inductor;
use crate::device::{DeviceInfo, DeviceType, ParamKind, Unknown, Value, param, registry};
use crate::diag::codes::circuit as codes;
use crate::diag::{Diagnostic, Span, nearest};
use crate::expr::Expr;
use crate::expr::ast::ExprKind;
use crate::netlist::ast::{Element, Field, FieldKind};

impl<'a> Elab<'a> {
    /// Lowers an element, or puts it aside when it reads signals or other elements.
    pub fn lower(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element, full: Sym, letter: u8) {
        self.parasitics.clear();
        match letter {
            b'r' | b'c' | b'l' => {
                if let Some(name) = self.signal_passive(scope, e, letter) {
                    self.put_aside(scope, e, full, name, 2);
                } else {
                    self.passive(scope, e, full, letter);
                }
            }
            b'v' | b'i' => self.source(scope, e, full, letter),
            b'e' | b'g' if !self.is_nonlinear(e) => self.linear_controlled(scope, e, full, letter),
            b'e' | b'g' | b'f' | b'h' => {
                let name = self.controlled_type(e, letter);
                self.put_aside(scope, e, full, name, 2);
            }
            b'b' => {
                let fields = Fields::of(self.deck, e.fields);
                let has =
                    |k: &str| fields.all.iter().any(|f| f.kind == FieldKind::Key && self.deck.names.get(f.sym) == k);
                let name = if has("i") { "bsource_i" } else { "bsource_v" };
                self.put_aside(scope, e, full, name, 2);
            }
            b'k' => self.put_aside(scope, e, full, "mutual", 0),
            b'w' => self.put_aside(scope, e, full, "cswitch", 2),
            b'n' | b'y' if !self.library.is_empty() => self.module_element(scope, e, full, letter),
            _ => self.generic(scope, e, full, letter),
        }
    }

    /// Lowers what was put aside: every node and element is known now.
    pub fn lower_signals(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element, full: Sym) {
        self.parasitics.clear();
        match self.letter(e) {
            b'c' | b'l' if self.is_polynomial(scope, e) => self.polynomial(scope, e, full),
            letter @ (b'r' | b'c' | b'l') => self.expression_passive(scope, e, full, letter),
            letter @ (b'e' | b'g' | b'f' | b'h') => self.controlled(scope, e, full, letter),
            b'b' => self.behavioural(scope, e, full),
            b'k' => self.mutual(scope, e, full),
            letter => self.generic(scope, e, full, letter),
        }
    }

    pub fn letter(&self, e: &Element) -> u8 {
        self.deck.names.get(e.name).bytes().next().unwrap_or(b' ')
    }

    fn put_aside(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element, full: Sym, name: &str, nodes: usize) {
        let Some(ty) = self.device(scope, e, name) else { return };
        let g = self.group(&ty);
        let fields = Fields::of(self.deck, e.fields);
        for f in fields.all.iter().take(nodes) {
            if f.kind == FieldKind::Word {
                self.node(scope, f.sym);
            }
        }
        self.set_place(full, Place { group: g as u32, index: PENDING });
        self.pending.push(Pending { el: e, scope: scope.clone() });
    }

    /// A native device by its registry name.
    pub fn device(&mut self, scope: &Scope<'a>, e: &Element, name: &str) -> Option<Arc<dyn DeviceType>> {
        let ty = registry::by_name(name);
        if ty.is_none() {
            let d = Diagnostic::error(codes::NO_DEVICE, format!("no device `{name}` is built in"))
                .at(e.span(), "needed by this element");
            self.report_in(scope, d);
        }
        ty
    }

    pub fn nodes_of(
        &mut self,
        scope: &Rc<Scope<'a>>,
        e: &Element,
        words: &[Field],
        info: &DeviceInfo,
    ) -> Option<Vec<Unknown>> {
        let need = info.terminals.iter().filter(|t| !t.optional).count();
        let given = words.iter().take_while(|f| matches!(f.kind, FieldKind::Word)).count();
        if given < need {
            self.wrong_nodes(scope, e, words, info, given);
            return None;
        }
        Some(words.iter().take(words.len().min(info.terminals.len())).map(|f| self.node(scope, f.sym)).collect())
    }

    pub fn wrong_nodes(
        &mut self,
        scope: &Rc<Scope<'a>>,
        e: &Element,
        words: &[Field],
        info: &DeviceInfo,
        given: usize,
    ) {
        let need = info.terminals.iter().filter(|t| !t.optional).count();
        let max = info.terminals.len();
        let count = if need == max { need.to_string() } else { format!("{need} to {max}") };
        let name = self.deck.names.get(e.name).to_string();
        let list: Vec<&str> = words.iter().take(given).map(|f| self.deck.names.get(f.sym)).collect();
        let terminals: Vec<&str> = info.terminals.iter().map(|t| t.name).collect();
        let shown = if list.is_empty() { "none".to_string() } else { list.join(" ") };
        let d = Diagnostic::error(codes::WRONG_NODES, format!("`{name}` needs {count} nodes, and {given} are given"))
            .at(e.span(), format!("nodes: {shown}"))
            .help(format!("{} connects {}", with_article(info.name), terminals.join(", ")));
        self.report_in(scope, d);
    }

    /// Reads `key=value` fields into a draft by the device's table.
    pub fn keys(
        &mut self,
        scope: &Rc<Scope<'a>>,
        e: &Element,
        keyed: &[(&Field, &[Field])],
        draft: &mut Draft,
    ) -> bool {
        let mut ok = true;
        for (key, values) in keyed {
            ok &= self.key(scope, e, key, values, draft);
        }
        ok
    }

    fn key(&mut self, scope: &Rc<Scope<'a>>, e: &Element, key: &Field, values: &[Field], draft: &mut Draft) -> bool {
        let ty = draft.ty.clone();
        let info = ty.info();
        let text = self.deck.names.get(key.sym);
        let at = Span::new(e.file, key.lo, key.hi);
        let Some((id, spec)) = instance_param(info, text) else {
            if let Some(ok) = self.parasitic(scope, e, key, values.first()) {
                return values.iter().skip(1).fold(ok, |ok, f| ok & self.flag_or_value(scope, e, f, draft, true));
            }
            if RATINGS.contains(&text) {
                let d = Diagnostic::lint(codes::RATING, format!("`{text}` has no effect"));
                self.report_in(scope, d.at(at, "a rating or a part number: nothing is simulated of it"));
                return true;
            }
            self.unknown_instance_param(scope, info, text, at);
            return false;
        };
        // A list may be given for what is a scalar only inside parentheses; words after the value are flags.
        let n = match spec.kind {
            ParamKind::Vector => list_len(values),
            _ => scalar_len(values),
        };
        let (mine, rest) = values.split_at(n.min(values.len()));
        let v = self.param_value(scope, e.file, &spec, at, mine);
        let mut ok = v.is_some();
        if let Some(v) = v {
            draft.set(id, v);
        }
        for f in rest {
            ok &= self.flag_or_value(scope, e, f, draft, true);
        }
        ok
    }

    pub fn unknown_instance_param(&mut self, scope: &Scope<'a>, info: &DeviceInfo, text: &str, at: Span) {
        let mut d = Diagnostic::error(
            codes::UNKNOWN_INSTANCE_PARAM,
            format!("{} has no parameter `{text}`", with_article(info.name)),
        )
        .at(at, "unknown parameter");
        let known = info.instance.iter().flat_map(|p| std::iter::once(p.name).chain(p.aliases.iter().copied()));
        if matches!(text, "rser" | "lser" | "rpar" | "cpar" | "rlshunt") {
            // LTspice's parasitics: part of the circuit, so that they cannot be left out silently.
            d = d.help("write it as an element of its own, in series or in parallel");
        } else if let Some(h) = nearest::did_you_mean(text, known) {
            d = d.help(h);
        } else if param::find(info.model, text).is_some() {
            d = d.help(format!("`{text}` belongs on the `.model` card"));
        } else {
            let all: Vec<&str> = info.instance.iter().map(|p| p.name).collect();
            d = d.note(format!("parameters: {}", all.join(", ")));
        }
        self.report_in(scope, d);
    }

    /// A field after nodes and model without a key: a flag (`off`) or the positional value.
    fn flag_or_value(
        &mut self,
        scope: &Rc<Scope<'a>>,
        e: &Element,
        f: &Field,
        draft: &mut Draft,
        has_value: bool,
    ) -> bool {
        let ty = draft.ty.clone();
        let info = ty.info();
        let at = Span::new(e.file, f.lo, f.hi);
        if f.kind == FieldKind::Comma {
            return true;
        }
        if f.kind == FieldKind::Word {
            let text = self.deck.names.get(f.sym);
            if let Some((id, spec)) = instance_param(info, text)
                && spec.kind == ParamKind::Flag
            {
                draft.set(id, Value::Num(1.0));
                return true;
            }
        }
        if matches!(f.kind, FieldKind::Word | FieldKind::Expr | FieldKind::Text)
            && !has_value
            && let Some(id) = info.positional
            && let Some(spec) = info.instance.get(id as usize)
        {
            if self.is_nothing(scope, e, f) {
                return false;
            }
            let Some(x) = self.number(scope, e.file, f) else { return false };
            if !self.check(scope, spec, x, at) {
                return false;
            }
            self.suspicious(scope, e, f, info);
            draft.set(id, Value::Num(x));
            return true;
        }
        if f.kind == FieldKind::Close {
            // The parser reported it.
            return false;
        }
        let text = self.sources.text(at).to_string();
        let name = self.deck.names.get(e.name);
        let mut d = Diagnostic::error(codes::UNEXPECTED, format!("`{text}` on `{name}` is not understood"))
            .at(at, "neither a value that is expected here nor a flag");
        if f.kind == FieldKind::Word
            && !has_value
            && let Some(h) = self.model_help(scope, &text)
        {
            d = d.help(h);
        }
        let flags: Vec<&str> = info.instance.iter().filter(|p| p.kind == ParamKind::Flag).map(|p| p.name).collect();
        if !flags.is_empty() {
            d = d.help(format!("flags of {}: {}", with_article(info.name), flags.join(", ")));
        }
        self.report_in(scope, d);
        false
    }

    /// Finishes a draft: multiplier, arenas, place.
    pub fn emit(&mut self, scope: &Rc<Scope<'a>>, e: &Element, full: Sym, mut draft: Draft) {
        if !self.parasitics.is_empty() {
            self.expand_parasitics(scope, e, full, &mut draft);
        }
        let info = draft.ty.info();
        if scope.m != 1.0 {
            match param::find(info.instance, "m") {
                Some(id) => {
                    let own = draft
                        .params
                        .iter()
                        .rev()
                        .find(|(i, _)| *i == id)
                        .and_then(|(_, v)| if let Value::Num(x) = v { Some(*x) } else { None });
                    draft.set(id, Value::Num(own.unwrap_or(1.0) * scope.m));
                }
                None if info.terminals.is_empty() => {}
                None => {
                    let d = Diagnostic::warning(
                        codes::NO_MULTIPLIER,
                        format!(
                            "{} has no multiplier; the m = {} of the call does not apply to it",
                            with_article(info.name),
                            scope.m
                        ),
                    );
                    self.report_in(scope, d.at(e.span(), "this element is taken once"));
                }
            }
        }
        let ty = draft.ty.clone();
        let g = self.group(&ty);
        let index = self.groups[g].len() as u32;
        self.groups[g].push(full, e.span(), draft.model, draft.nodes, draft.refs, draft.params);
        self.set_place(full, Place { group: g as u32, index });
    }

    // --- R, C, L ---

    fn passive(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element, full: Sym, letter: u8) {
        let name = match letter {
            b'r' => "resistor",
            b'c' => "capacitor",
            _ => "inductor",
        };
        let Some(mut ty) = self.device(scope, e, name) else { return };
        let fields = Fields::of(self.deck, e.fields);
        let split = fields.first_key();
        let words = &fields.all[..split];
        let Some(nodes) = self.nodes_of(scope, e, words, ty.info()) else { return };
        let rest = words.get(nodes.len()..).unwrap_or(&[]);
        let mut found: Option<(Found<'a>, Span)> = None;
        let mut values: Vec<&Field> = vec![];
        for f in rest {
            if f.kind == FieldKind::Word
                && found.is_none()
                && number_of(self.deck.names.get(f.sym)).is_none()
                && let Some(m) = self.model_by_field(scope, e, f)
            {
                found = Some((m, Span::new(e.file, f.lo, f.hi)));
                continue;
            }
            values.push(f);
        }
        let mut ok = true;
        let mut picked = None;
        if let Some((m, at)) = &found {
            let first = m.defs.first().copied();
            let Some(t) = first.and_then(|d| self.model_type(m, d, letter, *at)) else { return };
            ty = t;
            picked = first;
        }
        let mut draft = Draft::new(ty.clone());
        draft.nodes = nodes;
        let info = ty.info();
        for f in values {
            let has = info.positional.is_some_and(|p| draft.params.iter().any(|(i, _)| *i == p));
            ok &= self.flag_or_value(scope, e, f, &mut draft, has);
        }
        ok &= self.keys(scope, e, &fields.keyed(split), &mut draft);
        if let (Some((m, at)), Some(def)) = (&found, picked) {
            let def = if m.is_binned { self.bin_of(m, &draft, *at) } else { Some(def) };
            let Some((_, index)) = def.and_then(|d| self.use_model(m, d, &ty)) else { return self.mark(full, &ty) };
            draft.model = Some(index);
        }
        let given = info.positional.is_some_and(|p| draft.params.iter().any(|(i, _)| *i == p));
        if ok && !given && draft.model.is_none() {
            let name = self.deck.names.get(e.name);
            let d = Diagnostic::error(codes::MISSING, format!("`{name}` has no value"))
                .at(e.span(), "a value or a model is needed after the nodes");
            self.report_in(scope, d);
            ok = false;
        }
        if ok { self.emit(scope, e, full, draft) } else { self.mark(full, &ty) }
    }

    /// Keeps the name of a faulty element known, so that what refers to it is not reported as well.
    pub fn mark(&mut self, full: Sym, ty: &Arc<dyn DeviceType>) {
        let g = self.group(ty);
        if self.place(full) == PLACE_NONE {
            self.set_place(full, Place { group: g as u32, index: PENDING });
        }
    }

    fn bin_of(&mut self, m: &Found<'a>, draft: &Draft, at: Span) -> Option<&'a crate::netlist::ast::ModelDef> {
        let info = draft.ty.info();
        let value = |name: &str, default: f64| {
            let id = param::find(info.instance, name)?;
            draft
                .params
                .iter()
                .rev()
                .find(|(i, _)| *i == id)
                .and_then(|(_, v)| if let Value::Num(x) = v { Some(*x) } else { None })
                .or(info.instance.get(id as usize).and_then(|s| s.default))
                .or(Some(default))
        };
        let (l, w) = (value("l", self.env.defl).unwrap_or(0.0), value("w", self.env.defw).unwrap_or(0.0));
        // Bins are chosen by the width of one finger.
        let nf = value("nf", 1.0).filter(|n| *n > 0.0).unwrap_or(1.0);
        self.choose_bin(m, l, w / nf, at)
    }

    /// The model that a word names, directly or through a text parameter.
    fn model_by_field(&mut self, scope: &Rc<Scope<'a>>, e: &Element, f: &Field) -> Option<Found<'a>> {
        if f.kind == FieldKind::Word
            && let Some(m) = self.find_model(scope, f.sym)
        {
            return Some(m);
        }
        let sym = self.lone_name(e.file, f)?;
        match self.param(scope, sym) {
            Some(Some(ParamValue::Text(t))) => {
                let sym = self.names.lookup(&t)?;
                self.find_model(scope, sym)
            }
            _ => None,
        }
    }

    /// The behavioural type of an R, C or L whose value reads signals.
    fn signal_passive(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element, letter: u8) -> Option<&'static str> {
        let fields = Fields::of(self.deck, e.fields);
        let has_poly = || fields.all.get(2).is_some_and(|f| self.deck.names.get(f.sym) == "poly");
        if fields.all.len() <= 3 && !has_poly() && fields.all.iter().all(|f| f.kind == FieldKind::Word) {
            return None;
        }
        let name = match letter {
            b'r' => "rexpr",
            b'c' => "cexpr",
            _ => "lexpr",
        };
        let always = |k: &str| matches!((letter, k), (b'c', "q" | "charge") | (b'l', "flux"));
        let split = fields.first_key();
        let mut hit = self.is_polynomial(scope, e);
        for f in fields.all.iter().take(split).skip(2) {
            if f.kind == FieldKind::Expr {
                hit |= self.field_uses_signals(scope, e, std::slice::from_ref(f));
            }
        }
        for (k, values) in fields.keyed(split) {
            let key = self.deck.names.get(k.sym);
            hit |= always(key);
            if matches!(key, "r" | "resistance" | "c" | "cap" | "capacitance" | "l" | "ind" | "inductance") {
                hit |= self.field_uses_signals(scope, e, values);
            }
        }
        hit.then_some(name)
    }

    fn field_uses_signals(&mut self, scope: &Rc<Scope<'a>>, e: &Element, run: &[Field]) -> bool {
        if run.len() == 1 && run[0].kind == FieldKind::Word {
            return false;
        }
        let quiet = self.quiet;
        self.quiet = true;
        let expr = self.expr_of_run(scope, e.file, run);
        self.quiet = quiet;
        expr.is_some_and(|x| self.uses_signals(scope, &x, 0))
    }

    /// Does an expression read voltages, currents, time or frequency, itself or through a `.func`?
    pub fn uses_signals(&self, scope: &Rc<Scope<'a>>, x: &Expr, depth: usize) -> bool {
        match &x.kind {
            ExprKind::Number(_) => false,
            ExprKind::Name(n) => {
                matches!(n.as_str(), "time" | "hertz" | "freq")
                    && !self
                        .names
                        .lookup(n)
                        .is_some_and(|s| scope.outwards().any(|o| o.params.borrow().contains_key(&s)))
            }
            ExprKind::Call(f, args) => {
                if matches!(
                    f.as_str(),
                    "v" | "i" | "ddt" | "idt" | "sdt" | "ib" | "ic" | "ie" | "id" | "ig" | "is" | "ix"
                ) {
                    return true;
                }
                let body =
                    self.names.lookup(f).and_then(|s| scope.outwards().find_map(|o| o.funcs.borrow().get(&s).copied()));
                args.iter().any(|a| self.uses_signals(scope, a, depth))
                    || (depth < 16 && body.is_some_and(|b| self.uses_signals(scope, &b.body, depth + 1)))
            }
            ExprKind::Unary(_, a) => self.uses_signals(scope, a, depth),
            ExprKind::Binary(_, a, b) => self.uses_signals(scope, a, depth) || self.uses_signals(scope, b, depth),
            ExprKind::Select(c, a, b) => [c, a, b].iter().any(|x| self.uses_signals(scope, x, depth)),
        }
    }

    // --- S W T D Q J M Z ---

    fn generic(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element, full: Sym, letter: u8) {
        let types: Vec<Arc<dyn DeviceType>> =
            registry::all().iter().filter(|t| t.info().letter == letter as char).cloned().collect();
        let name = self.deck.names.get(e.name).to_string();
        let Some(first) = types.first().cloned() else {
            let mut letters: Vec<String> =
                registry::all().iter().map(|t| t.info().letter.to_ascii_uppercase().to_string()).collect();
            letters.push("X".into());
            letters.sort();
            letters.dedup();
            let d = Diagnostic::error(
                codes::UNKNOWN_LETTER,
                format!("no kind of element begins with `{}`", name.chars().next().unwrap_or(' ').to_ascii_uppercase()),
            )
            .at(e.span(), "this line");
            let instead = match name.as_bytes().first() {
                Some(b'a') => Some("XSPICE and LTspice `A` devices are not built in: write it with B or E sources"),
                Some(b'o' | b'p' | b'u') => {
                    Some("lossy and coupled lines are not built in: use T, or a ladder of R, L and C")
                }
                Some(b'n' | b'y') => {
                    Some("`N` and `Y` are instances of Verilog-A modules: name their file with `.hdl \"file.va\"`")
                }
                _ => None,
            };
            let d = instead.into_iter().fold(d, Diagnostic::help).help(format!(
                "elements begin with one of {}; cards begin with a dot and comments with `*`",
                letters.join(" ")
            ));
            self.report_in(scope, d);
            return;
        };
        let refs = usize::from(letter == b'w');
        let need = types.iter().map(|t| t.info().terminals.iter().filter(|t| !t.optional).count()).min().unwrap_or(0);
        let max = types.iter().map(|t| t.info().terminals.len()).max().unwrap_or(0);
        let fields = Fields::of(self.deck, e.fields);
        let split = fields.first_key();
        let words = &fields.all[..split];
        let takes_model = types.iter().any(|t| !t.info().model_types.is_empty());
        let mut ty = first.clone();
        let mut found = None;
        let mut node_count = max.min(words.len());
        if takes_model {
            let from = need + refs;
            let mut at = (from..words.len()).find_map(|i| self.model_by_field(scope, e, &words[i]).map(|m| (i, m)));
            if at.is_none() {
                // Too few nodes: the model name stands where a node should.
                at = (0..from.min(words.len()))
                    .rev()
                    .find_map(|i| self.model_by_field(scope, e, &words[i]).map(|m| (i, m)));
            }
            let Some((i, m)) = at else {
                self.no_model(scope, e, words, &first, from);
                return self.mark(full, &first);
            };
            let given = i.saturating_sub(refs);
            let span = Span::new(e.file, words[i].lo, words[i].hi);
            let Some(t) = m.defs.first().copied().and_then(|d| self.model_type(&m, d, letter, span)) else {
                return self.mark(full, &first);
            };
            ty = t;
            if given < need || given > ty.info().terminals.len() {
                self.wrong_nodes(scope, e, words, ty.info(), given);
                return self.mark(full, &ty);
            }
            node_count = given;
            found = Some((m, span, i));
        }
        let info = *ty.info();
        let mut draft = Draft::new(ty.clone());
        if node_count < info.terminals.iter().filter(|t| !t.optional).count() {
            self.wrong_nodes(scope, e, words, &info, node_count);
            return self.mark(full, &ty);
        }
        for f in &words[..node_count] {
            if f.kind != FieldKind::Word {
                self.report_in(
                    scope,
                    Diagnostic::error(codes::UNEXPECTED, format!("a node name is needed on `{name}`"))
                        .at(Span::new(e.file, f.lo, f.hi), "instead of this"),
                );
                return self.mark(full, &ty);
            }
            let n = self.node(scope, f.sym);
            draft.nodes.push(n);
        }
        let mut ok = true;
        if refs == 1 {
            match words.get(node_count) {
                Some(f) => match self.control_branch(scope, e, f) {
                    Some(s) => draft.refs.push(s),
                    None => ok = false,
                },
                None => ok = false,
            }
        }
        let after = found.as_ref().map_or(node_count + refs, |(_, _, i)| i + 1);
        for f in words.get(after..).unwrap_or(&[]) {
            let has = info.positional.is_some_and(|p| draft.params.iter().any(|(i, _)| *i == p));
            ok &= self.flag_or_value(scope, e, f, &mut draft, has);
        }
        ok &= self.keys(scope, e, &fields.keyed(split), &mut draft);
        if let Some((m, span, _)) = &found {
            let def = if m.is_binned { self.bin_of(m, &draft, *span) } else { m.defs.first().copied() };
            match def.and_then(|d| self.use_model(m, d, &ty)) {
                Some((_, index)) => draft.model = Some(index),
                None => ok = false,
            }
        }
        if ok { self.emit(scope, e, full, draft) } else { self.mark(full, &ty) }
    }

    fn no_model(
        &mut self,
        scope: &Rc<Scope<'a>>,
        e: &Element,
        words: &[Field],
        first: &Arc<dyn DeviceType>,
        from: usize,
    ) {
        let info = first.info();
        // The model's name is the last word that is neither a number nor a flag.
        let word = words.iter().skip(from).rev().find(|f| {
            let t = self.deck.names.get(f.sym);
            matches!(f.kind, FieldKind::Word | FieldKind::Expr)
                && number_of(t).is_none()
                && param::find(info.instance, t).is_none()
        });
        let name = self.deck.names.get(e.name);
        let Some(word) = word else {
            if words.len() < from {
                let given = words.len();
                return self.wrong_nodes(scope, e, words, info, given);
            }
            let types: Vec<&str> = info.model_types.iter().map(|(t, _)| *t).collect();
            let d = Diagnostic::error(codes::MISSING, format!("`{name}` has no model"))
                .at(e.span(), "a model name is needed after the nodes");
            return self
                .report_in(scope, d.help(format!("for example `.model mymodel {}`", types.first().unwrap_or(&"d"))));
        };
        let text = self.deck.names.get(word.sym);
        let mut d = Diagnostic::error(codes::UNKNOWN_MODEL, format!("unknown model `{text}`"))
            .at(Span::new(e.file, word.lo, word.hi), "no such `.model` is visible here");
        match self.model_help(scope, text) {
            Some(h) => d = d.help(h),
            None => d = d.help("define it with `.model`, or include the library that has it"),
        }
        self.report_in(scope, d);
    }

    /// The element whose current controls another.
    pub fn control_branch(&mut self, scope: &Rc<Scope<'a>>, e: &Element, f: &Field) -> Option<Sym> {
        let text = self.deck.names.get(f.sym).to_string();
        let s = self.branch_of(scope, &text);
        if s.is_none() {
            let at = Span::new(e.file, f.lo, f.hi);
            let known: Vec<String> = self.local_elements(scope);
            let mut d = Diagnostic::error(codes::UNKNOWN_ELEMENT, format!("unknown element `{text}`"))
                .at(at, "its current is asked for");
            if let Some(h) = nearest::did_you_mean(&text, known.iter().map(String::as_str)) {
                d = d.help(h);
            }
            self.report_in(scope, d);
        }
        s
    }

    /// Names of the elements of a scope, for "did you mean".
    pub fn local_elements(&self, scope: &Scope<'a>) -> Vec<String> {
        self.places
            .iter()
            .enumerate()
            .filter(|(_, p)| **p != PLACE_NONE)
            .map(|(i, _)| self.names.get(Sym(i as u32)))
            .filter_map(|n| n.strip_prefix(&*scope.prefix))
            .filter(|n| !n.contains('.'))
            .take(100_000)
            .map(str::to_string)
            .collect()
    }

    fn mutual(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element, full: Sym) {
        let Some(ty) = self.device(scope, e, "mutual") else { return };
        let fields = Fields::of(self.deck, e.fields);
        let split = fields.first_key();
        let mut draft = Draft::new(ty.clone());
        let mut ok = true;
        for f in &fields.all[..split] {
            let text = self.deck.names.get(f.sym);
            if f.kind == FieldKind::Word && text.starts_with('l') {
                let known = self.find_element(scope, text);
                match known {
                    Some(s)
                        if self
                            .groups
                            .get(self.place(s).group as usize)
                            .is_some_and(|g| g.info().name == "inductor") =>
                    {
                        if draft.refs.contains(&s) {
                            let d = Diagnostic::error(codes::UNEXPECTED, format!("`{text}` is coupled with itself"));
                            self.report_in(scope, d.at(Span::new(e.file, f.lo, f.hi), "named twice"));
                            ok = false;
                        } else {
                            draft.refs.push(s);
                        }
                    }
                    Some(_) => {
                        let d = Diagnostic::error(codes::UNEXPECTED, format!("`{text}` is not a linear inductor"));
                        self.report_in(scope, d.at(Span::new(e.file, f.lo, f.hi), "cannot be coupled"));
                        ok = false;
                    }
                    None => ok &= self.control_branch(scope, e, f).is_some(),
                }
            } else {
                let has = draft.params.iter().any(|(i, _)| Some(*i) == ty.info().positional);
                ok &= self.flag_or_value(scope, e, f, &mut draft, has);
            }
        }
        ok &= self.keys(scope, e, &fields.keyed(split), &mut draft);
        if ok && draft.refs.len() < 2 {
            let name = self.deck.names.get(e.name);
            let d = Diagnostic::error(
                codes::MISSING,
                format!("`{name}` couples {} inductor(s), and two or more are needed", draft.refs.len()),
            );
            self.report_in(scope, d.at(e.span(), "write `K1 L1 L2 0.99`"));
            ok = false;
        }
        if ok && draft.params.is_empty() {
            let name = self.deck.names.get(e.name);
            self.report_in(
                scope,
                Diagnostic::error(codes::MISSING, format!("`{name}` has no coupling coefficient"))
                    .at(e.span(), "a value from -1 to 1 is needed"),
            );
            ok = false;
        }
        if !ok {
            return self.mark(full, &ty);
        }
        self.emit(scope, e, full, draft);
    }

    /// The coupling follows the temperature of its windings, so it is given all that decides their inductance; the
    /// windings are told that they are coupled.
    pub fn fill_windings(&mut self) {
        let Some(k) = self.groups.iter().position(|g| g.info().name == "mutual") else { return };
        let Some(id) = param::find(self.groups[k].info().instance, "windings") else { return };
        for i in 0..self.groups[k].len() {
            let refs = self.groups[k].get(i).refs.to_vec();
            let mut windings = vec![];
            for s in refs {
                let p = self.place(s);
                if let Some(g) = self.groups.get_mut(p.group as usize)
                    && (p.index as usize) < g.len()
                {
                    windings.extend(inductor::winding(&g.get(p.index as usize), &self.env));
                    g.set_instance_param(p.index as usize, inductor::COUPLED, 1.0.into());
                }
            }
            self.groups[k].set_instance_param(i, id, Value::Vector(windings.into()));
        }
    }

    /// Lint: `10M` is ten milliohm.
    pub fn suspicious(&mut self, scope: &Scope<'a>, e: &Element, f: &Field, info: &DeviceInfo) {
        if info.name != "resistor" || f.kind != FieldKind::Word {
            return;
        }
        let at = Span::new(e.file, f.lo, f.hi);
        if let Some(d) = crate::netlist::lint::number(self.sources.text(at), at, true) {
            self.report_in(scope, d);
        }
    }
}

/// Fields of one scalar value: a parenthesised expression counts whole.
fn scalar_len(values: &[Field]) -> usize {
    match values.first().map(|f| f.kind) {
        None => 0,
        Some(FieldKind::Open) => closing(values),
        Some(_) if values.get(1).is_some_and(|f| f.kind == FieldKind::Open) => 1 + closing(&values[1..]),
        Some(_) => 1,
    }
}

/// Fields of a list: `a,b,c`, or `(a b c)`.
fn list_len(values: &[Field]) -> usize {
    if values.first().is_some_and(|f| f.kind == FieldKind::Open) {
        return closing(values);
    }
    let mut n = usize::from(!values.is_empty());
    while values.get(n).is_some_and(|f| f.kind == FieldKind::Comma) && n + 1 < values.len() {
        n += 2;
    }
    n
}

/// Length of a parenthesised run that starts at 0.
fn closing(values: &[Field]) -> usize {
    let mut depth = 0usize;
    for (i, f) in values.iter().enumerate() {
        match f.kind {
            FieldKind::Open => depth += 1,
            FieldKind::Close => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return i + 1;
                }
            }
            _ => {}
        }
    }
    values.len()
}
