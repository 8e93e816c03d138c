//! The body of a module: declarations in the order in which they need each other, then analog blocks.

use super::super::ast::{self, Attr, Declared, Ex, Ident, Item, ItemKind};
use super::super::hir::{self, Dim, Direction, ExprId, Node, NodeId, Port, Stmt, SysParam};
use super::super::text::Name;
use super::function::ty;
use super::{Bits, Def, Elab, Frame, Given, PortRef, ScopeKind};
use crate::diag::codes::veriloga as code;
use crate::diag::nearest::did_you_mean;
use crate::diag::{Diagnostic, Span};
use std::collections::HashMap;

/// What an instance connects and sets.
#[derive(Default)]
pub(super) struct Binding {
    pub ports: HashMap<Name, (Vec<NodeId>, Span)>,
    pub params: HashMap<Name, Given>,
    pub mfactor: Option<ExprId>,
    pub placement: [Option<ExprId>; 5],
}

/// Everything that declarations say of one net.
struct NetSpec<'a> {
    id: Ident,
    direction: Option<(Direction, Span)>,
    discipline: Option<Ident>,
    is_ground: bool,
    range: Option<&'a ast::Range>,
    attrs: Vec<&'a Attr>,
    init: Option<Ex>,
    in_header: bool,
}

impl<'a> Elab<'a> {
    pub(super) fn top(&mut self, m: &'a ast::Module) {
        self.natures();
        self.m.attrs = self.attrs(m.attrs.iter());
        self.m.nodes.push(Node {
            name: "0".into(),
            discipline: None,
            port: None,
            attrs: hir::Attrs::default(),
            initial: None,
            span: m.name.span,
        });
        let count = self.ast.modules.iter().filter(|x| x.name.name == m.name.name).count();
        if count > 1
            && let Some(first) = self.ast.modules.iter().find(|x| x.name.name == m.name.name)
        {
            let d =
                Diagnostic::error(code::DUPLICATE, format!("module `{}` is described twice", self.text(m.name.name)))
                    .at(m.name.span, "again here")
                    .at(first.name.span, "first here");
            self.diags.push(d);
        }
        self.enter(m, String::new(), None);
        let names: Vec<&String> = self.overrides.iter().map(|o| &o.0).collect();
        for name in names {
            if self.m.param(name).is_none() {
                let d =
                    Diagnostic::error(code::OVERRIDE, format!("module `{}` has no parameter `{name}`", self.m.name));
                self.diags.push(d);
            }
        }
    }

    /// Elaborates a module in surroundings of its own.
    pub(super) fn enter(&mut self, m: &'a ast::Module, prefix: String, binding: Option<Binding>) {
        let mfactor = match (self.frame.mfactor, binding.as_ref().and_then(|b| b.mfactor)) {
            (Some(around), Some(own)) => Some(self.times(own, around)),
            (around, own) => own.or(around),
        };
        let own = binding.as_ref().map_or([None; 5], |b| b.placement);
        let mut placement = self.frame.placement;
        for ((place, own), p) in placement.iter_mut().zip(own).zip(SysParam::PLACEMENT) {
            *place = match (*place, own) {
                (Some(around), Some(own)) => Some(self.placed(p, own, around)),
                (around, own) => own.or(around),
            };
        }
        let frame = Frame {
            mfactor,
            placement,
            prefix: prefix.clone(),
            ports: HashMap::new(),
            default_discipline: m.default_discipline,
            timescale: m.timescale,
            default_transition: m.default_transition,
            is_top: binding.is_none(),
        };
        let saved_frame = std::mem::replace(&mut self.frame, frame);
        let saved_scopes = std::mem::take(&mut self.scopes);
        let saved_place = std::mem::take(&mut self.place);
        self.stack.push(m.name.name);
        self.push_scope(ScopeKind::Module, prefix);
        self.module_body(&m.items, Some(m), binding.as_ref());
        self.stack.pop();
        self.scopes = saved_scopes;
        self.frame = saved_frame;
        self.place = saved_place;
    }

    /// `module` is absent for the items of a generate block.
    pub(super) fn module_body(
        &mut self,
        items: &'a [Item],
        module: Option<&'a ast::Module>,
        binding: Option<&Binding>,
    ) {
        let prefix = self.prefix();
        let is_top = self.frame.is_top && module.is_some();
        // Parameters.
        let first = self.params.len();
        let mut used: Vec<Name> = vec![];
        let mut order: Vec<Name> = vec![];
        for item in items {
            if let ItemKind::Params(p) = &item.kind {
                order.extend(p.list.iter().filter(|_| !p.is_local).map(|p| p.declared.name.name));
                self.declare_params(p, &item.attrs, is_top, &prefix, &mut |_, id| {
                    let g = binding.and_then(|b| b.params.get(&id.name)).cloned();
                    if g.is_some() {
                        used.push(id.name);
                    }
                    g
                });
            }
        }
        for k in first..self.params.len() {
            let span = self.params[k].ast.declared.name.span;
            self.param_id(k, span);
        }
        for item in items {
            if let ItemKind::Alias(name, target) = &item.kind {
                // An instance may set a parameter by its alias.
                if let ast::AliasTarget::Param(t) = target
                    && let Some(g) = binding.and_then(|b| b.params.get(&name.name)).cloned()
                {
                    used.push(name.name);
                    self.set_by_alias(*t, g);
                }
                self.alias(*name, *target);
            }
        }
        if let (Some(b), Some(m)) = (binding, module) {
            let mut unknown: Vec<(Name, Span)> =
                b.params.iter().filter(|(n, _)| !used.contains(n)).map(|(n, g)| (*n, g.span)).collect();
            unknown.sort_by_key(|u| u.1.order());
            for (n, span) in unknown {
                let (text, of) = (self.text(n), self.text(m.name.name));
                let known: Vec<&str> = order.iter().map(|n| self.names.text(*n)).collect();
                let mut d =
                    Diagnostic::error(code::OVERRIDE, format!("module `{of}` has no parameter `{text}`")).at(span, "");
                if let Some(h) = crate::diag::nearest::did_you_mean(text, known) {
                    d = d.help(h);
                }
                self.diags.push(d);
            }
        }
        // Nets.
        self.nets_of(items, module, binding);
        for item in items {
            match &item.kind {
                ItemKind::Genvars(list) => {
                    for g in list {
                        self.declare(*g, Def::Genvar(None));
                    }
                }
                ItemKind::Vars(v) => {
                    for d in &v.list {
                        // `real x;` for a port that is a real number: the port was declared already.
                        self.var(ty(v.ty), d, &item.attrs, hir::Owner::Module);
                    }
                }
                ItemKind::Branches(b) => self.branches(b),
                _ => {}
            }
        }
        // Functions: heads, then bodies.
        let first = self.functions.len();
        for item in items {
            if let ItemKind::Function(f) = &item.kind {
                self.declare_function(f);
            }
        }
        for k in first..self.functions.len() {
            self.function_body(k);
        }
        self.check_recursion(first);
        // Instances come before the statements, which may name what is in them; their statements come after.
        let own = (std::mem::take(&mut self.m.initial), std::mem::take(&mut self.m.analog));
        for item in items {
            self.structure(item, items);
        }
        let inner = (std::mem::replace(&mut self.m.initial, own.0), std::mem::replace(&mut self.m.analog, own.1));
        for item in items {
            match &item.kind {
                ItemKind::AnalogInitial(s) => {
                    self.place.in_initial = true;
                    let list = self.stmts(std::slice::from_ref(s));
                    self.place.in_initial = false;
                    self.m.initial.extend(list);
                }
                ItemKind::Analog(s) => {
                    let list: Vec<Stmt> = self.stmts(std::slice::from_ref(s));
                    self.m.analog.extend(list);
                }
                _ => {}
            }
        }
        self.m.initial.extend(inner.0);
        self.m.analog.extend(inner.1);
    }

    fn set_by_alias(&mut self, target: Ident, g: Given) {
        let Some((Def::Param(k), ..)) = self.lookup(target.name).map(|(d, s, o)| (d.clone(), s, o)) else { return };
        let Some(p) = self.param_id(k, target.span) else { return };
        let ty = self.m.params[p].ty;
        let mut values = vec![];
        for v in g.values {
            values.extend(self.cast(v, ty));
        }
        if values.len() == self.m.params[p].len() {
            self.m.params[p].default = values;
            self.m.params[p].kind = hir::ParamKind::Derived { is_given: true };
            self.known.remove(&p);
        }
    }

    fn nets_of(&mut self, items: &'a [Item], module: Option<&'a ast::Module>, binding: Option<&Binding>) {
        let mut specs: Vec<NetSpec<'a>> = vec![];
        let mut at: HashMap<Name, usize> = HashMap::new();
        for id in module.map_or(&[][..], |m| &m.ports) {
            if let Some(k) = at.get(&id.name) {
                let first: Span = specs[*k].id.span;
                let d = Diagnostic::error(
                    code::DUPLICATE,
                    format!("port `{}` stands twice in the header", self.text(id.name)),
                )
                .at(id.span, "again here")
                .at(first, "first here");
                self.diags.push(d);
                continue;
            }
            at.insert(id.name, specs.len());
            specs.push(NetSpec {
                id: *id,
                direction: None,
                discipline: None,
                is_ground: false,
                range: None,
                attrs: vec![],
                init: None,
                in_header: true,
            });
        }
        for item in items {
            let (names, direction, discipline, range, is_ground): (&'a [Declared], _, _, _, _) = match &item.kind {
                ItemKind::Ports(p) => (&p.names, Some(p.direction), p.discipline, p.range.as_ref(), false),
                ItemKind::Nets(n) => (&n.names, None, n.discipline, n.range.as_ref(), n.is_ground),
                _ => continue,
            };
            for d in names {
                let k = *at.entry(d.name.name).or_insert_with(|| {
                    specs.push(NetSpec {
                        id: d.name,
                        direction: None,
                        discipline: None,
                        is_ground: false,
                        range: None,
                        attrs: vec![],
                        init: None,
                        in_header: false,
                    });
                    specs.len() - 1
                });
                let s = &mut specs[k];
                let text = self.names.text(d.name.name);
                if let Some(dir) = direction {
                    if let Some((_, first)) = s.direction {
                        let d =
                            Diagnostic::error(code::DUPLICATE, format!("the direction of `{text}` is declared twice"))
                                .at(d.name.span, "again here")
                                .at(first, "first here");
                        self.diags.push(d);
                    }
                    s.direction = Some((dir, d.name.span));
                    if !s.in_header {
                        self.diags.push(
                            Diagnostic::error(code::PORT, format!("`{text}` is not a port of the module's header"))
                                .at(d.name.span, "a direction belongs to a port")
                                .help(format!(
                                    "add `{text}` to the list after the module's name, or leave out the direction"
                                )),
                        );
                    }
                }
                if let Some(x) = discipline {
                    if let Some(first) = s.discipline
                        && first.name != x.name
                    {
                        let d = Diagnostic::error(code::DUPLICATE, format!("net `{text}` has two disciplines"))
                            .at(x.span, "")
                            .at(first.span, "first here");
                        self.diags.push(d);
                    }
                    s.discipline = Some(x);
                }
                s.is_ground |= is_ground;
                s.range = range.or(d.dims.first()).or(s.range);
                s.attrs.extend(item.attrs.iter().chain(&d.attrs));
                s.init = d.init.or(s.init);
            }
        }
        if let (Some(b), Some(m)) = (binding, module) {
            for (name, (_, span)) in &b.ports {
                if !m.ports.iter().any(|p| p.name == *name) {
                    let (text, of) = (self.text(*name), self.text(m.name.name));
                    let known: Vec<&str> = m.ports.iter().map(|p| self.text(p.name)).collect();
                    let help = did_you_mean(text, known.iter().copied())
                        .unwrap_or_else(|| format!("its ports are `{}`", known.join("`, `")));
                    self.error_help(code::PORT, *span, format!("module `{of}` has no port `{text}`"), help);
                }
            }
        }
        for s in specs {
            self.net_from(s, binding);
        }
    }

    fn net_from(&mut self, s: NetSpec<'a>, binding: Option<&Binding>) {
        if !self.spend(s.id.span) {
            return;
        }
        let text = self.text(s.id.name);
        let discipline = s.discipline.and_then(|d| self.discipline_named(d));
        if s.in_header && s.direction.is_none() && self.frame.is_top {
            self.lint(
                code::IMPLICIT_DIRECTION,
                s.id.span,
                format!("port `{text}` has no direction; it is taken as `inout`"),
                format!("declare it: `inout {text};`"),
            );
        }
        let dim = match s.range {
            Some(r) => match self.dim(r) {
                Some(d) => Some(d),
                None => return,
            },
            None => None,
        };
        let count = dim.map_or(1, |d| d.len());
        let attrs = self.attrs(s.attrs.iter().copied());
        let initial = match s.init {
            Some(e) => self.constant(|x| x.real_expr(e)),
            None => None,
        };
        let prefix = self.prefix();
        let bound = binding.filter(|_| s.in_header).and_then(|b| b.ports.get(&s.id.name));
        if let Some((nodes, span)) = bound
            && nodes.len() != count
        {
            self.error(code::PORT, *span, format!("port `{text}` has {count} nets, {} are connected", nodes.len()));
            return;
        }
        let mut items = vec![];
        let mut ports = vec![];
        for k in 0..count {
            if k > 0 && !self.spend(s.id.span) {
                return;
            }
            let suffix = match dim {
                Some(Dim { left, right }) if left <= right => format!("[{}]", left + k as i32),
                Some(Dim { left, .. }) => format!("[{}]", left - k as i32),
                None => String::new(),
            };
            let name = format!("{prefix}{text}{suffix}");
            if let Some((nodes, span)) = bound {
                let n = nodes[k];
                match (self.m.nodes[n].discipline, discipline) {
                    (Some(a), Some(b)) if !self.compatible(a, b) => {
                        let (x, y) = (self.m.disciplines[a].name.clone(), self.m.disciplines[b].name.clone());
                        let message = format!("port `{text}` is of discipline {y}, the net connected to it of {x}");
                        self.error(code::DISCIPLINES_DIFFER, *span, message);
                    }
                    (None, Some(b)) if n != hir::Module::GROUND => self.m.nodes[n].discipline = Some(b),
                    _ => {}
                }
                items.push(n);
                ports.push(PortRef::Inner { is_connected: true });
                continue;
            }
            if s.is_ground {
                items.push(hir::Module::GROUND);
                continue;
            }
            let id = self.m.nodes.push(Node {
                name: name.clone(),
                discipline,
                port: None,
                attrs: attrs.clone(),
                initial,
                span: s.id.span,
            });
            items.push(id);
            if s.in_header {
                if self.frame.is_top {
                    let direction = s.direction.map_or(Direction::Inout, |d| d.0);
                    let p =
                        self.m.ports.push(Port { name, direction, node: id, attrs: attrs.clone(), span: s.id.span });
                    self.m.nodes[id].port = Some(p);
                    ports.push(PortRef::Terminal(p));
                } else {
                    ports.push(PortRef::Inner { is_connected: false });
                }
            }
        }
        if s.in_header {
            self.frame.ports.insert(s.id.name, ports);
        }
        self.declare(s.id, Def::Net(Bits { dim, items }));
    }
}
