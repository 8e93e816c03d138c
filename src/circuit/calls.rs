//! Calls of subcircuits: nodes bound to ports, parameters evaluated where the call stands, a new scope for the body.

use std::rc::Rc;

use super::elab::{Elab, MAX_DEPTH};
use super::scope::{Call, Param, Scope, SymMap, Value};
use super::text::{Fields, number_of};
use crate::diag::codes::circuit as codes;
use crate::diag::{Diagnostic, FileId, Span, nearest};
use crate::library;
use crate::netlist::ast::{Element, Field, FieldKind, ParamText, Stmt};

impl<'a> Elab<'a> {
    /// `X1 a b c name params: w=1u m=2`
    pub fn call(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element) {
        let fields = Fields::of(self.deck, e.fields);
        let split = fields.first_key();
        let mut words = &fields.all[..split];
        while let Some(last) = words.last()
            && matches!(self.deck.names.get(last.sym), "params:" | "params" | "param:" | ":")
        {
            words = &words[..words.len() - 1];
        }
        let Some((name, nodes)) = words.split_last() else {
            let d = Diagnostic::error(codes::MISSING, "a subcircuit call needs nodes and the name of a subcircuit");
            self.report_in(scope, d.at(e.span(), "nothing is given"));
            return;
        };
        let at = Span::new(e.file, name.lo, name.hi);
        let mut target = name.sym;
        if name.kind != FieldKind::Word || scope.find_subckt(target).is_none() {
            // The name may come from a text parameter.
            if let Some(sym) = self.lone_name(e.file, name)
                && let Some(Some(Value::Text(t))) = self.param(scope, sym)
            {
                target = self.names.intern(&t);
            }
        }
        let Some((home, def)) = scope.find_subckt(target) else {
            if self.is_module(target) {
                return self.module_call(scope, e, split, name, target);
            }
            if self.module_of_model(scope, e, split, name, target) {
                return;
            }
            let text = self.names.get(target).to_string();
            let known: Vec<String> = scope
                .outwards()
                .flat_map(|s| s.subckts.borrow().keys().map(|k| self.names.get(*k).to_string()).collect::<Vec<_>>())
                .collect();
            let mut d = Diagnostic::error(codes::UNKNOWN_SUBCKT, format!("unknown subcircuit `{text}`"))
                .at(at, "no such `.subckt`");
            if let Some(h) = library_card(&text) {
                d = d.help(h);
            } else if let Some(h) = nearest::did_you_mean(&text, known.iter().map(String::as_str)) {
                d = d.help(h);
            } else if let Some(h) = nearest::did_you_mean(&text, self.module_names()) {
                d = d.help(h);
            } else if known.is_empty() {
                d = d.help("no subcircuit is defined here: is an `.include` or `.lib` missing?");
            }
            self.report_in(scope, d);
            return;
        };
        if nodes.len() != def.ports.len() {
            let ports: Vec<&str> = def.ports.iter().map(|(p, _)| self.deck.names.get(*p)).collect();
            let given: Vec<&str> = nodes.iter().map(|f| self.deck.names.get(f.sym)).collect();
            let text = self.deck.names.get(def.name);
            let d = Diagnostic::error(
                codes::WRONG_NODES,
                format!("`{text}` has {} ports, and {} nodes are given", ports.len(), given.len()),
            )
            .at(e.span(), format!("nodes: {}", given.join(" ")))
            .at(def.span, format!("ports: {}", ports.join(" ")));
            self.report_in(scope, d);
            return;
        }
        let mut up = scope.calls.as_ref();
        while let Some(c) = up {
            if std::ptr::eq(c.def, def as *const _ as *const ()) {
                let text = self.deck.names.get(def.name);
                let d = Diagnostic::error(codes::RECURSIVE, format!("subcircuit `{text}` calls itself"))
                    .at(e.span(), "this call is inside it")
                    .at(def.span, "defined here");
                self.report_in(scope, d);
                return;
            }
            up = c.up.as_ref();
        }
        let depth = scope.calls.as_ref().map_or(0, |c| c.depth) + 1;
        if depth > MAX_DEPTH {
            self.report_in(
                scope,
                Diagnostic::error(codes::TOO_LARGE, format!("subcircuits are nested more than {MAX_DEPTH} deep"))
                    .at(e.span(), "at this call"),
            );
            return;
        }
        let full = self.full_name(scope, e.name);
        if let Some(first) = self.subckt_calls.insert(full, e.span()) {
            let d = Diagnostic::error(codes::DUPLICATE, format!("element `{}` is defined twice", self.names.get(full)));
            self.report_in(scope, d.at(e.span(), "again here").at(first, "first here"));
            return;
        }
        let path = self.names.get(full).to_string();
        let prefix = format!("{path}.");
        let mut ports = Vec::with_capacity(nodes.len());
        for ((p, _), f) in def.ports.iter().zip(nodes) {
            let n = self.node(scope, f.sym);
            ports.push((*p, n));
        }
        if self.wants_ports() {
            for (p, n) in &ports {
                let text = format!("{prefix}{}", self.names.get(*p));
                let sym = self.names.intern(&text);
                self.ports.insert(sym, *n);
            }
        }
        self.cut_pins(full, e.span(), &mut ports);
        // Parameters of the call are evaluated where the call stands.
        let mut params: SymMap<Param<'a>> = SymMap::default();
        let mut m = scope.m;
        for (key, values) in fields.keyed(split) {
            let text = self.deck.names.get(key.sym);
            let Some(value) = values.first() else {
                self.report_in(
                    scope,
                    Diagnostic::error(codes::MISSING, format!("`{text}` has no value"))
                        .at(Span::new(e.file, key.lo, key.hi), "a value is needed after this"),
                );
                continue;
            };
            let v = if values.len() > 1 {
                let run = values;
                self.expr_of_run(scope, e.file, run).and_then(|x| self.constant(scope, &x)).map(Value::Num)
            } else {
                self.call_value(scope, e.file, value)
            };
            if text == "m" && !def.params.iter().any(|p| p.name == key.sym) {
                if let Some(Value::Num(x)) = v {
                    if x > 0.0 {
                        m *= x;
                    } else {
                        let d =
                            Diagnostic::error(codes::OUT_OF_RANGE_CALL, format!("multiplier m = {x} must be positive"));
                        self.report_in(scope, d.at(Span::new(e.file, value.lo, value.hi), "here"));
                    }
                }
                continue;
            }
            let in_body = || def.body.iter().any(|s| matches!(s, Stmt::Param(p) if p.name == key.sym));
            if !def.params.iter().any(|p| p.name == key.sym) && !in_body() {
                let known: Vec<&str> = def.params.iter().map(|p| self.deck.names.get(p.name)).collect();
                let sub = self.deck.names.get(def.name);
                let mut d = Diagnostic::warning(
                    codes::UNKNOWN_CALL_PARAM,
                    format!("subcircuit `{sub}` has no parameter `{text}`"),
                )
                .at(Span::new(e.file, key.lo, key.hi), "not in its parameter list");
                if let Some(h) = nearest::did_you_mean(text, known.iter().copied()) {
                    d = d.help(h);
                }
                self.report_in(scope, d);
            }
            let slot = match v {
                Some(Value::Num(x)) => Param::Num(x),
                Some(Value::Text(t)) => Param::Text(t),
                None => Param::Bad,
            };
            params.insert(key.sym, slot);
        }
        for p in &def.params {
            params.entry(p.name).or_insert_with(|| match &p.value {
                ParamText::Text(t) => Param::Text(t.as_str().into()),
                ParamText::Expr(_) => Param::Def(p),
            });
        }
        let call = Call { path, span: e.span(), def: def as *const _ as *const (), up: scope.calls.clone(), depth };
        let mut inner = Scope {
            parent: Some(home),
            prefix: prefix.into(),
            calls: Some(Rc::new(call)),
            params: params.into(),
            m,
            ..Scope::top()
        };
        inner.set_ports(ports);
        let inner = Rc::new(inner);
        self.define(&inner, &def.body);
        self.walk(&inner, &def.body);
    }

    /// A bare word in a call that is no parameter but names a model or a subcircuit is passed on as text.
    fn call_value(&mut self, scope: &Rc<Scope<'a>>, file: FileId, f: &Field) -> Option<Value> {
        if f.kind == FieldKind::Word && number_of(self.deck.names.get(f.sym)).is_none() {
            let known = scope.outwards().any(|s| {
                s.models.borrow().contains_key(&f.sym)
                    || s.bins.borrow().contains_key(&f.sym)
                    || s.subckts.borrow().contains_key(&f.sym)
            });
            let is_param = scope.outwards().any(|s| s.params.borrow().contains_key(&f.sym));
            if known && !is_param {
                return Some(Value::Text(self.deck.names.get(f.sym).into()));
            }
        }
        self.value(scope, file, f)
    }
}

/// For a name that is not defined: the library may have a card of it.
pub(super) fn library_card(name: &str) -> Option<String> {
    library::read(&library::root().join(format!("cards/{name}.lib")))?;
    Some(format!("the library has a card of this name: `.include \"cards/{name}.lib\"` defines it"))
}
