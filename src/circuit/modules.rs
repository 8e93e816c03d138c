//! Instances of Verilog-A modules: `X1 nodes module p=...`, `N1 nodes model`, `Yname x nodes model`.

use std::rc::Rc;
use std::sync::Arc;

use super::draft::Draft;
use super::elab::Elab;
use super::models::Found;
use super::scope::Scope;
use super::text::Fields;
use crate::base::Sym;
use crate::device::{DeviceType, ParamId, Value, param};
use crate::diag::codes::circuit as codes;
use crate::diag::{Diagnostic, Span, nearest};
use crate::library;
use crate::netlist::ast::{Element, Field, FieldKind, ModelDef};

impl<'a> Elab<'a> {
    pub(super) fn is_module(&self, name: Sym) -> bool {
        self.library.has(self.names.get(name))
    }

    /// Modules that a name may have meant: those that were read, and the library's families.
    pub(super) fn module_names(&self) -> impl Iterator<Item = &str> {
        self.library.modules().chain(library::models().map(|m| m.0))
    }

    /// The device type of a module; what is wrong with the module is reported once.
    pub(super) fn module_type(&mut self, name: &str) -> Option<Arc<dyn DeviceType>> {
        let library = self.library;
        match library.device(name, self.sources)? {
            Ok((ty, notes)) => {
                for d in notes {
                    self.report(d);
                }
                Some(ty)
            }
            Err(faults) => {
                for d in faults {
                    self.report(d);
                }
                None
            }
        }
    }

    /// `X1 a b module p=1`
    pub(super) fn module_call(
        &mut self,
        scope: &Rc<Scope<'a>>,
        e: &'a Element,
        split: usize,
        name: &Field,
        target: Sym,
    ) {
        let full = self.full_name(scope, e.name);
        let module = self.names.get(target).to_string();
        let fields = Fields::of(self.deck, e.fields);
        let at = fields.all[..split].iter().position(|f| std::ptr::eq(f, name)).unwrap_or(split);
        let Some(ty) = self.module_type(&module) else { return };
        self.module_instance(scope, e, full, ty, None, &fields.all[..at], split);
    }

    /// `X1 a b model`, where the model's type is a module; false: there is no such model.
    pub(super) fn module_of_model(
        &mut self,
        scope: &Rc<Scope<'a>>,
        e: &'a Element,
        split: usize,
        name: &Field,
        target: Sym,
    ) -> bool {
        let fields = Fields::of(self.deck, e.fields);
        let at = fields.all[..split].iter().position(|f| std::ptr::eq(f, name)).unwrap_or(split);
        let full = self.full_name(scope, e.name);
        self.model_instance(scope, e, full, b'x', name, target, &fields.all[..at], split)
    }

    /// An instance whose last word is the name of a model; false: there is no such model.
    #[allow(clippy::too_many_arguments)]
    fn model_instance(
        &mut self,
        scope: &Rc<Scope<'a>>,
        e: &'a Element,
        full: Sym,
        letter: u8,
        name: &Field,
        target: Sym,
        nodes: &[Field],
        split: usize,
    ) -> bool {
        let Some(found) = self.find_model(scope, target) else { return false };
        let Some(def) = found.defs.first().copied() else { return true };
        if let Some(ty) = self.model_type(&found, def, letter, Span::new(e.file, name.lo, name.hi)) {
            self.module_instance(scope, e, full, ty, Some((found, def)), nodes, split);
        }
        true
    }

    /// `N1 a b model`, `Yanything name a b model`; the model's type, or the word itself, is a module.
    pub(super) fn module_element(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element, full: Sym, letter: u8) {
        let fields = Fields::of(self.deck, e.fields);
        let split = fields.first_key();
        let words = &fields.all[..split];
        let skip = usize::from(letter == b'y');
        let full = match words.first() {
            // Xyce writes the instance's name as a word of its own.
            Some(f) if skip == 1 => {
                let text = format!("{}!{}", self.names.get(full), self.deck.names.get(f.sym));
                self.names.intern(&text)
            }
            _ => full,
        };
        let Some((last, nodes)) = words.get(skip..).and_then(|w| w.split_last()) else {
            let d = Diagnostic::error(
                codes::MISSING,
                "an instance of a module needs nodes and the name of a model or module",
            );
            return self.report_in(scope, d.at(e.span(), "nothing is given"));
        };
        let at = Span::new(e.file, last.lo, last.hi);
        if self.model_instance(scope, e, full, letter, last, last.sym, nodes, split) {
            return;
        }
        let text = self.deck.names.get(last.sym).to_string();
        let stem = self.deck.names.get(e.name).get(1..).unwrap_or("").to_string();
        let module = [text.as_str(), stem.as_str()].into_iter().find(|n| self.library.has(n)).map(str::to_string);
        match module {
            Some(m) => {
                let nodes = if m == text { nodes } else { &words[skip..] };
                let Some(ty) = self.module_type(&m) else { return };
                self.module_instance(scope, e, full, ty, None, nodes, split);
            }
            None => {
                let mut d =
                    Diagnostic::error(codes::UNKNOWN_MODEL, format!("`{text}` is neither a model nor a module"))
                        .at(at, "the model of this instance");
                let near = || nearest::did_you_mean(&text, self.module_names());
                if let Some(h) = super::calls::library_card(&text).or_else(near) {
                    d = d.help(h);
                }
                self.report_in(scope, d);
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn module_instance(
        &mut self,
        scope: &Rc<Scope<'a>>,
        e: &'a Element,
        full: Sym,
        ty: Arc<dyn DeviceType>,
        model: Option<(Found<'a>, &'a ModelDef)>,
        nodes: &[Field],
        split: usize,
    ) {
        let Some(ty) = self.specialised(scope, e, ty, model.as_ref(), split) else { return };
        let info = *ty.info();
        let need = info.terminals.iter().rposition(|t| !t.optional).map_or(0, |k| k + 1);
        if nodes.len() < need || nodes.len() > info.terminals.len() || nodes.iter().any(|f| f.kind != FieldKind::Word) {
            let given = nodes.iter().take_while(|f| f.kind == FieldKind::Word).count();
            return self.wrong_nodes(scope, e, nodes, &info, given);
        }
        let mut draft = Draft::new(ty.clone());
        for f in nodes {
            let n = self.node(scope, f.sym);
            draft.nodes.push(n);
        }
        if let Some((found, def)) = model {
            match self.use_model(&found, def, &ty) {
                Some((_, m)) => draft.model = Some(m),
                None => return,
            }
        }
        let fields = Fields::of(self.deck, e.fields);
        let keyed = fields.keyed(split);
        if self.keys(scope, e, &keyed, &mut draft) {
            self.emit(scope, e, full, draft);
        }
    }

    /// The module with the values of structural parameters that this instance and its model give: its sizes may be others.
    fn specialised(
        &mut self,
        scope: &Rc<Scope<'a>>,
        e: &'a Element,
        ty: Arc<dyn DeviceType>,
        model: Option<&(Found<'a>, &'a ModelDef)>,
        split: usize,
    ) -> Option<Arc<dyn DeviceType>> {
        let library = self.library;
        let name = ty.info().name;
        if library.structural(name, &|_| Some(Value::Num(0.0))).is_empty() {
            return Some(ty);
        }
        let mut ty = ty;
        // What is structural may depend on the values themselves: at most so many rounds until it settles.
        for _ in 0..4 {
            let mut draft = Draft::new(ty.clone());
            let mut card = vec![];
            if let Some((found, def)) = model {
                let (group, m) = self.use_model(found, def, &ty)?;
                card.clone_from(&self.groups[group].models[m as usize].params);
            }
            let fields = Fields::of(self.deck, e.fields);
            let before = self.diags.len();
            let is_good = self.keys(scope, e, &fields.keyed(split), &mut draft);
            // They are reported when the instance itself is made.
            self.diags.truncate(before);
            if !is_good {
                return Some(ty);
            }
            let info = ty.info();
            let find = |list: &[(ParamId, Value)], id: ParamId| {
                list.iter().rev().find(|(i, _)| *i == id).map(|(_, v)| v.clone())
            };
            let given = library.structural(name, &|p| {
                let id = param::find(info.instance, p)?;
                find(&draft.params, id).or_else(|| find(&card, id))
            });
            if given.is_empty() {
                if let Some(d) = library.unsettled(name) {
                    self.report_in(scope, d.at(e.span(), "for this instance"));
                    return None;
                }
                return Some(ty);
            }
            let next = match library.device_with(name, &given, self.sources)? {
                Ok((next, _)) => next,
                Err(faults) => {
                    faults.into_iter().for_each(|d| self.report(d));
                    return None;
                }
            };
            if Arc::ptr_eq(&next, &ty) {
                break;
            }
            ty = next;
        }
        Some(ty)
    }
}
