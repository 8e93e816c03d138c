//! Paramsets (LRM 2.4, 6.4): a module with some of its parameters computed from fewer ones.
//!
//! A paramset becomes a module with the ports of the one it is for and an instance of that. Several of one name become one
//! module that has all their parameters; which of them an instance gets is a condition of a generate construct:
//!
//! ```text
//! k fits:   every parameter that is given is one of k's, and all values, defaults and local ones included, are in k's ranges
//! order:    fewest parameters left to their defaults, then most local parameters with a range; two that are equal: a fault
//! ```
//! The values of set k are local parameters of that module, with names that no text can have.

use std::cmp::Reverse;

use super::Parser;
use crate::diag::codes::veriloga as code;
use crate::diag::nearest::did_you_mean;
use crate::diag::{Diagnostic, Span};
use crate::veriloga::ast::{
    Connection, Declared, Ex, ExprKind, Ident, Instance, Item, ItemKind, Module, Nets, Op, Param, Params, TypeWord,
    ValueSet,
};
use crate::veriloga::text::names::kw;
use crate::veriloga::text::token::P;
use crate::veriloga::text::{Name, Tok};

/// A paramset as it stands in the text.
pub(super) struct Paramset {
    name: Ident,
    base: Ident,
    span: Span,
    /// Parameters, local ones among them, and aliases.
    items: Vec<Item>,
    /// What it sets.
    values: Vec<Connection>,
}

impl Paramset {
    fn params(&self) -> impl Iterator<Item = (&Params, &Param, &Item)> {
        self.items.iter().flat_map(|i| {
            let of = if let ItemKind::Params(p) = &i.kind { Some(p) } else { None };
            of.into_iter().flat_map(move |g| g.list.iter().map(move |p| (g, p, i)))
        })
    }

    fn open(&self) -> usize {
        self.params().filter(|p| !p.0.is_local).count()
    }

    fn local_ranges(&self) -> usize {
        self.params().filter(|p| p.0.is_local && !p.1.ranges.is_empty()).count()
    }
}

impl Parser<'_> {
    /// `paramset name module; ... endparamset`
    pub(super) fn paramset(&mut self) -> Option<Paramset> {
        let start = self.span();
        self.bump();
        let (name, base) = (self.new_name("name of the paramset"), self.ident("name of a module"));
        self.end_of_item();
        let (mut items, mut values): (Vec<Item>, Vec<Connection>) = (vec![], vec![]);
        let mut variables: Vec<(Name, TypeWord)> = vec![];
        loop {
            let at = self.at;
            let attrs = self.attributes();
            let span = self.span();
            match self.tok() {
                Tok::Ident(kw::ENDPARAMSET) => {
                    self.bump();
                    break;
                }
                Tok::Eof | Tok::Ident(kw::MODULE | kw::MACROMODULE | kw::PARAMSET) => {
                    self.expected("`endparamset`");
                    break;
                }
                Tok::Ident(kw::PARAMETER | kw::LOCALPARAM) => {
                    let kind = self.params(false);
                    items.push(Item { kind, attrs, span });
                }
                Tok::Ident(kw::ALIASPARAM) => {
                    if let Some(kind) = self.alias() {
                        items.push(Item { kind, attrs, span });
                    }
                }
                Tok::Ident(word @ (kw::REAL | kw::INTEGER | kw::STRING)) => {
                    let ty = match word {
                        kw::INTEGER => TypeWord::Integer,
                        kw::STRING => TypeWord::String,
                        _ => TypeWord::Real,
                    };
                    if let ItemKind::Vars(v) = self.vars(ty) {
                        variables.extend(v.list.iter().map(|d| (d.name.name, ty)));
                    }
                }
                Tok::P(P::Dot) => {
                    self.bump();
                    let at = Ident { name: Name::default(), span: self.span() };
                    let found = match self.tok() {
                        Tok::Ident(name) => Some((Ident { name, ..at }, false)),
                        Tok::System(name) => Some((Ident { name, ..at }, true)),
                        _ => None,
                    };
                    let Some((name, is_system)) = found else {
                        self.expected("a name after `.`");
                        self.recover();
                        continue;
                    };
                    self.bump();
                    if !self.expect(P::Assign) {
                        self.recover();
                        continue;
                    }
                    let value = Some(self.expr());
                    values.push(Connection { name: Some(name), is_system, value, span: self.from(span) });
                    self.end_of_item();
                }
                Tok::P(P::Semi) => self.bump(),
                Tok::Ident(name) if self.peek(1) == Tok::P(P::Assign) => {
                    let id = Ident { name, span };
                    self.bump();
                    self.bump();
                    let init = Some(self.expr());
                    self.end_of_item();
                    let Some((_, ty)) = variables.iter().find(|v| v.0 == name) else {
                        let text = self.names.text(name).to_string();
                        let d = Diagnostic::error(code::UNKNOWN_NAME, format!("`{text}` is not declared"));
                        self.diags
                            .push(d.at(span, "").help(format!("a parameter of the module is set by `.{text} = `")));
                        continue;
                    };
                    // A variable that is assigned once is a parameter that nobody sets.
                    let declared = Declared { name: id, dims: vec![], init, attrs: vec![] };
                    let list = vec![Param { declared, ranges: vec![] }];
                    let kind = ItemKind::Params(Params { is_local: true, ty: Some(*ty), range: None, list });
                    items.push(Item { kind, attrs, span });
                }
                _ => {
                    let help = "a paramset has parameters, assignments to its variables and `.parameter = value;`";
                    self.unsupported(span, "this statement is not supported in a paramset", help);
                    self.recover();
                    if matches!(self.tok(), Tok::Ident(kw::BEGIN | kw::END | kw::IF | kw::ELSE | kw::ANALOG)) {
                        self.bump();
                    }
                }
            }
            if self.at == at {
                self.bump();
            }
        }
        Some(Paramset { name: name?, base: base?, span: self.from(start), items, values })
    }

    /// Makes modules of them, those first that others are for.
    pub(super) fn resolve_paramsets(&mut self, sets: Vec<Paramset>) {
        let mut groups: Vec<Vec<Paramset>> = vec![];
        for s in sets {
            match groups.iter_mut().find(|g| g[0].name.name == s.name.name) {
                Some(g) => g.push(s),
                None => groups.push(vec![s]),
            }
        }
        loop {
            let before = groups.len();
            let waits = |g: &Vec<Paramset>, all: &[Vec<Paramset>]| {
                g.iter().any(|s| all.iter().any(|o| o[0].name.name == s.base.name))
            };
            let ready = (0..groups.len()).filter(|k| !waits(&groups[*k], &groups)).collect::<Vec<_>>();
            for k in ready.into_iter().rev() {
                let g = groups.remove(k);
                self.group(g);
            }
            if groups.len() == before {
                break;
            }
        }
        for s in groups.into_iter().flatten() {
            let text = self.names.text(s.name.name).to_string();
            let d = Diagnostic::error(code::RECURSION, format!("paramset `{text}` is for itself"));
            self.diags.push(d.at(s.base.span, ""));
        }
    }

    fn group(&mut self, mut sets: Vec<Paramset>) {
        let mut ports = None;
        for s in &sets {
            let Some(base) = self.ast.modules.iter().rfind(|m| m.name.name == s.base.name) else {
                let text = self.names.text(s.base.name).to_string();
                let known: Vec<&str> = self.ast.modules.iter().map(|m| self.names.text(m.name.name)).collect();
                let help = did_you_mean(&text, known).unwrap_or_else(|| "include the file that describes it".into());
                let d = Diagnostic::error(code::UNKNOWN_MODULE, format!("there is no module `{text}`"));
                self.diags.push(d.at(s.base.span, "").help(help));
                return;
            };
            let first = *ports.get_or_insert(base.ports.len());
            if first != base.ports.len() {
                let message = "paramsets of one name are for modules with as many ports";
                self.diags.push(Diagnostic::error(code::PORT, message).at(s.base.span, ""));
                return;
            }
        }
        sets.sort_by_key(|s| (s.open(), Reverse(s.local_ranges())));
        let Some(head) = sets.first() else { return };
        let Some(base) = self.ast.modules.iter().rfind(|m| m.name.name == head.base.name).cloned() else { return };
        let mut m = Module { name: head.name, items: shell(&base), span: head.span, attrs: vec![], ..base };
        if sets.len() == 1 {
            m.items.extend(head.items.iter().cloned());
            let values = head.values.clone();
            let instance = self.instance(head, &m.ports, values);
            m.items.push(instance);
        } else {
            self.union(&sets, &mut m);
            let choice = self.choice(&sets, &m);
            m.items.push(choice);
        }
        self.ast.modules.push(m);
    }

    fn instance(&mut self, s: &Paramset, ports: &[Ident], params: Vec<Connection>) -> Item {
        let connect = |p: &Ident| {
            let value = Some(self.add(ExprKind::Path(vec![*p]), p.span));
            Connection { name: None, is_system: false, value, span: p.span }
        };
        let ports = ports.iter().map(connect).collect();
        let kind = Instance { module: s.base, params, name: s.name, range: None, ports, is_transparent: true };
        Item { kind: ItemKind::Instance(kind), attrs: vec![], span: s.span }
    }

    /// The parameters of all sets, each once, without ranges: those decide which set it is.
    fn union(&mut self, sets: &[Paramset], m: &mut Module) {
        let mut seen: Vec<Name> = vec![];
        for s in sets {
            for (g, p, item) in s.params().filter(|p| !p.0.is_local) {
                if !seen.contains(&p.declared.name.name) {
                    seen.push(p.declared.name.name);
                    let list = vec![Param { declared: p.declared.clone(), ranges: vec![] }];
                    let kind = ItemKind::Params(Params { list, ..g.clone() });
                    m.items.push(Item { kind, attrs: item.attrs.clone(), span: item.span });
                }
            }
            for item in s.items.iter() {
                if let ItemKind::Alias(name, _) = &item.kind
                    && !seen.contains(&name.name)
                {
                    seen.push(name.name);
                    m.items.push(item.clone());
                }
            }
        }
        // The values in each set.
        for (k, s) in sets.iter().enumerate() {
            for (g, p, item) in s.params() {
                let mut declared = p.declared.clone();
                declared.name.name = self.of_set(declared.name.name, k);
                let span = declared.name.span;
                let default = declared.init.map(|e| self.renamed(e, s, k));
                declared.init = match (default, g.is_local) {
                    (Some(default), false) => {
                        let given = self.given(p.declared.name);
                        let own = self.add(ExprKind::Path(vec![p.declared.name]), span);
                        Some(self.add(ExprKind::Ternary(given, own, default), span))
                    }
                    (default, _) => default,
                };
                let list = vec![Param { declared, ranges: vec![] }];
                let kind = ItemKind::Params(Params { is_local: true, list, ..g.clone() });
                m.items.push(Item { kind, attrs: vec![], span: item.span });
            }
        }
    }

    /// An instance of the first set that fits.
    fn choice(&mut self, sets: &[Paramset], m: &Module) -> Item {
        let fits: Vec<Ex> = (0..sets.len()).map(|k| self.fits(sets, k)).collect();
        let span = m.span;
        let text = self.names.text(m.name.name).to_string();
        let mut none = Diagnostic::error(code::PARAMSET, format!("no paramset `{text}` fits the parameters given"));
        none = none.help("all that is given must be parameters of one set, and all its values in its ranges");
        for s in sets {
            none = none.at(s.name.span, "");
        }
        let fault = |d: Diagnostic| Item { kind: ItemKind::Fault(Box::new(d)), attrs: vec![], span };
        let mut rest = fault(none);
        for (k, s) in sets.iter().enumerate().rev() {
            let values =
                s.values.iter().map(|c| Connection { value: c.value.map(|e| self.renamed(e, s, k)), ..c.clone() });
            let values = values.collect::<Vec<_>>();
            let mut chosen = self.instance(s, &m.ports, values);
            let rank = |s: &Paramset| (s.open(), s.local_ranges());
            for (j, other) in sets.iter().enumerate().skip(k + 1).filter(|(_, o)| rank(o) == rank(s)) {
                let d = Diagnostic::error(code::PARAMSET, format!("two paramsets `{text}` fit the parameters given"));
                let d = d.at(s.name.span, "this one").at(other.name.span, "and this one");
                let kind = ItemKind::GenIf(fits[j], Box::new(fault(d)), Some(Box::new(chosen)));
                chosen = Item { kind, attrs: vec![], span };
            }
            let kind = ItemKind::GenIf(fits[k], Box::new(chosen), Some(Box::new(rest)));
            rest = Item { kind, attrs: vec![], span };
        }
        rest
    }

    /// Whether set `k` can be meant.
    fn fits(&mut self, sets: &[Paramset], k: usize) -> Ex {
        let s = &sets[k];
        let mut all = self.add(ExprKind::Int(1), s.span);
        let own: Vec<Name> = s.params().filter(|p| !p.0.is_local).map(|p| p.1.declared.name.name).collect();
        let mut others: Vec<Name> = vec![];
        for (_, p, _) in sets.iter().flat_map(Paramset::params).filter(|p| !p.0.is_local) {
            let id = p.declared.name;
            if !own.contains(&id.name) && !others.contains(&id.name) {
                others.push(id.name);
                let given = self.given(id);
                let absent = self.add(ExprKind::Unary(Op::Not, given), s.span);
                all = self.both(Op::LogicAnd, all, absent);
            }
        }
        for (_, p, _) in s.params() {
            let id = Ident { name: self.of_set(p.declared.name.name, k), span: p.declared.name.span };
            let (mut included, mut excluded) = (None, None);
            for r in &p.ranges {
                let hit = match &r.set {
                    ValueSet::Interval { lo, lo_inclusive, hi, hi_inclusive } => {
                        let x = self.add(ExprKind::Path(vec![id]), r.span);
                        let (lo, hi) = (self.renamed(*lo, s, k), self.renamed(*hi, s, k));
                        let low = self.both(if *lo_inclusive { Op::Le } else { Op::Lt }, lo, x);
                        let high = self.both(if *hi_inclusive { Op::Le } else { Op::Lt }, x, hi);
                        self.both(Op::LogicAnd, low, high)
                    }
                    ValueSet::Values(list) => {
                        let mut any = self.add(ExprKind::Int(0), r.span);
                        for e in list {
                            let x = self.add(ExprKind::Path(vec![id]), r.span);
                            let e = self.renamed(*e, s, k);
                            let is = self.both(Op::Eq, x, e);
                            any = self.both(Op::LogicOr, any, is);
                        }
                        any
                    }
                };
                let to = if r.is_exclude { &mut excluded } else { &mut included };
                *to = Some(match *to {
                    Some(old) => self.both(Op::LogicOr, old, hit),
                    None => hit,
                });
            }
            if let Some(x) = included {
                all = self.both(Op::LogicAnd, all, x);
            }
            if let Some(x) = excluded {
                let not = self.add(ExprKind::Unary(Op::Not, x), s.span);
                all = self.both(Op::LogicAnd, all, not);
            }
        }
        all
    }

    fn both(&mut self, op: Op, a: Ex, b: Ex) -> Ex {
        let span = self.ast.expr(b).span;
        self.add(ExprKind::Binary(op, a, b), span)
    }

    fn given(&mut self, id: Ident) -> Ex {
        let path = self.add(ExprKind::Path(vec![id]), id.span);
        let name = self.names.intern("param_given");
        self.add(ExprKind::System(Ident { name, span: id.span }, Some(vec![path])), id.span)
    }

    /// The name of a parameter's value in set `k`.
    fn of_set(&mut self, name: Name, k: usize) -> Name {
        let text = format!("{}#{k}", self.names.text(name));
        self.names.intern(&text)
    }

    /// An expression of set `k`, with its values in place of its parameters.
    fn renamed(&mut self, e: Ex, s: &Paramset, k: usize) -> Ex {
        let span = self.ast.expr(e).span;
        let kind = self.ast.expr(e).kind.clone();
        let one = |p: &mut Self, e: Ex| p.renamed(e, s, k);
        let all = |p: &mut Self, v: Vec<Ex>| v.into_iter().map(|e| p.renamed(e, s, k)).collect::<Vec<_>>();
        let is_own = |name: Name| s.params().any(|p| p.1.declared.name.name == name);
        let kind = match kind {
            ExprKind::Path(p) if p.len() == 1 && is_own(p[0].name) => {
                ExprKind::Path(vec![Ident { name: self.of_set(p[0].name, k), span: p[0].span }])
            }
            // Given is what the interface was given.
            ExprKind::System(id, args) if self.names.text(id.name) != "param_given" => {
                ExprKind::System(id, args.map(|v| all(self, v)))
            }
            ExprKind::Index(a, b) => ExprKind::Index(one(self, a), one(self, b)),
            ExprKind::Slice(a, b, c) => ExprKind::Slice(one(self, a), one(self, b), one(self, c)),
            ExprKind::Call(p, v) => ExprKind::Call(p, all(self, v)),
            ExprKind::Unary(o, a) => ExprKind::Unary(o, one(self, a)),
            ExprKind::Binary(o, a, b) => ExprKind::Binary(o, one(self, a), one(self, b)),
            ExprKind::Ternary(a, b, c) => ExprKind::Ternary(one(self, a), one(self, b), one(self, c)),
            ExprKind::Concat(v) => ExprKind::Concat(all(self, v)),
            ExprKind::Array(v) => ExprKind::Array(all(self, v)),
            ExprKind::Replicate(n, v) => ExprKind::Replicate(one(self, n), all(self, v)),
            other => other,
        };
        self.add(kind, span)
    }
}

/// Declarations of a module's ports.
fn shell(base: &Module) -> Vec<Item> {
    let is_port = |d: &Declared| base.ports.iter().any(|p| p.name == d.name.name);
    let keep = |i: &Item| {
        let kind = match &i.kind {
            ItemKind::Ports(p) => ItemKind::Ports(p.clone()),
            ItemKind::Nets(n) if n.names.iter().any(is_port) => {
                let names = n.names.iter().filter(|d| is_port(d)).cloned().collect();
                ItemKind::Nets(Nets { names, ..n.clone() })
            }
            _ => return None,
        };
        Some(Item { kind, attrs: i.attrs.clone(), span: i.span })
    };
    base.items.iter().filter_map(keep).collect()
}
