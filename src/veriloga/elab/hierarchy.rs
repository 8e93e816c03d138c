//! Instances of modules, and generate constructs.

use super::super::ast::{self, Ex, ExprKind, Ident, Item, ItemKind};
use super::super::hir::{self, Dim, Node, NodeId, Ty};
use super::module::Binding;
use super::system::sys_param;
use super::{Bits, Def, Elab, Given, ScopeKind};
use crate::diag::codes::veriloga as code;
use crate::diag::nearest::did_you_mean;
use crate::diag::{Diagnostic, Span};

impl<'a> Elab<'a> {
    /// Instances and generate constructs; other items are left to others.
    pub(super) fn structure(&mut self, item: &'a Item, siblings: &'a [Item]) {
        match &item.kind {
            ItemKind::Instance(i) => self.instances(i, item.span, siblings),
            ItemKind::Defparam(list) => {
                // Applied where the instance is made; here only the form is checked.
                for (target, _) in list {
                    if !matches!(&self.ast.expr(*target).kind, ExprKind::Path(p) if p.len() == 2) {
                        let span = self.ex_span(*target);
                        self.error_help(
                            code::UNSUPPORTED,
                            span,
                            "this form of `defparam` is not supported",
                            "`defparam instance.parameter = value;`",
                        );
                    }
                }
            }
            ItemKind::Generate(items) => {
                let is_instances = items.iter().all(|i| matches!(i.kind, ItemKind::Instance(_)));
                if is_instances {
                    items.iter().for_each(|i| self.structure(i, siblings));
                } else {
                    self.gen_items(items, ScopeKind::Block, self.prefix());
                }
            }
            ItemKind::GenBlock(name, items) => {
                let prefix = match name {
                    Some(n) => format!("{}{}.", self.prefix(), self.text(n.name)),
                    None => self.prefix(),
                };
                self.gen_items(items, ScopeKind::Block, prefix);
            }
            ItemKind::GenIf(cond, a, b) => match self.constant_bool(*cond, "the condition of a generate construct") {
                Some(true) => self.branch(a),
                Some(false) => {
                    if let Some(b) = b {
                        self.branch(b);
                    }
                }
                None => {}
            },
            ItemKind::GenCase(selector, arms) => self.gen_case(*selector, arms),
            ItemKind::GenFor(f) => self.gen_for(f, item.span),
            // Who gives parameters may do without defaults that fit.
            ItemKind::Fault(d) if self.frame.is_top && self.overrides.is_empty() => {
                self.m.unsettled = Some((**d).clone())
            }
            ItemKind::Fault(d) => self.diags.push((**d).clone()),
            _ => {}
        }
    }

    /// One alternative: a block, or a single item.
    fn branch(&mut self, item: &'a Item) {
        match &item.kind {
            ItemKind::GenBlock(..)
            | ItemKind::Generate(_)
            | ItemKind::GenIf(..)
            | ItemKind::GenFor(_)
            | ItemKind::GenCase(..) => {
                self.structure(item, &[]);
            }
            _ => self.gen_items(std::slice::from_ref(item), ScopeKind::Block, self.prefix()),
        }
    }

    fn gen_items(&mut self, items: &'a [Item], kind: ScopeKind, prefix: String) {
        self.push_scope(kind, prefix);
        self.module_body(items, None, None);
        self.pop_scope();
    }

    fn gen_case(&mut self, selector: Ex, arms: &'a [(Vec<Ex>, Item)]) {
        let Some(s) = self.constant(|x| x.expr(selector)) else { return };
        let Some(value) = self.eval(s, true) else {
            let span = self.ex_span(selector);
            self.error(
                code::NOT_CONSTANT,
                span,
                "the selector of a generate construct must be known before the simulation",
            );
            return;
        };
        let mut default = None;
        for (values, item) in arms {
            if values.is_empty() {
                default = Some(item);
            }
            for v in values {
                let Some(x) = self.constant(|s| s.expr(*v)) else { continue };
                let Some(other) = self.eval(x, true) else { continue };
                if value == other || (value.as_f64().is_some() && value.as_f64() == other.as_f64()) {
                    return self.branch(item);
                }
            }
        }
        if let Some(item) = default {
            self.branch(item);
        }
    }

    fn gen_for(&mut self, f: &'a ast::GenFor, span: Span) {
        let Some(id) = self.simple(f.head.var) else { return };
        match self.lookup(id.name).map(|d| d.0.clone()) {
            Some(Def::Genvar(_)) => {}
            // `for (genvar i = 0; ...)`, or a genvar that nobody declared.
            None => self.declare(id, Def::Genvar(None)),
            Some(_) => {
                let text = self.text(id.name);
                self.error_help(
                    code::LOOP,
                    id.span,
                    format!("`{text}` is no genvar"),
                    format!("declare it: `genvar {text};`"),
                );
                return;
            }
        }
        let block = match &f.body.kind {
            ItemKind::GenBlock(Some(n), _) => self.text(n.name).to_string(),
            _ => "gen".to_string(),
        };
        let items: &'a [Item] = match &f.body.kind {
            ItemKind::GenBlock(_, items) | ItemKind::Generate(items) => items,
            _ => std::slice::from_ref(&f.body),
        };
        let Some(mut value) = self.constant_int(f.head.init, "the start of this loop") else { return };
        loop {
            self.set_genvar(id, Some(value));
            match self.constant_bool(f.head.cond, "the condition of this loop") {
                Some(true) => {}
                _ => break,
            }
            if !self.spend(span) {
                break;
            }
            let prefix = format!("{}{block}[{value}].", self.prefix());
            self.gen_items(items, ScopeKind::Block, prefix);
            let Some(next) = self.constant_int(f.head.step, "the step of this loop") else { break };
            if next == value {
                let at = self.ex_span(f.head.step);
                self.error(code::LOOP, at, "the loop does not advance");
                break;
            }
            value = next;
        }
        self.set_genvar(id, None);
    }

    fn instances(&mut self, i: &'a ast::Instance, span: Span, siblings: &'a [Item]) {
        let name = self.text(i.module.name);
        let Some(module) = self.ast.modules.iter().rfind(|m| m.name.name == i.module.name) else {
            let known: Vec<&str> = self.ast.modules.iter().map(|m| self.names.text(m.name.name)).collect();
            let help = did_you_mean(name, known).unwrap_or_else(|| "include the file that describes it".into());
            self.error_help(code::UNKNOWN_MODULE, i.module.span, format!("there is no module `{name}`"), help);
            return;
        };
        if self.stack.contains(&i.module.name) || self.stack.len() >= self.options.max_hierarchy {
            self.error(code::RECURSION, i.module.span, format!("module `{name}` contains itself"));
            return;
        }
        let dim = match &i.range {
            Some(r) => match self.dim(r) {
                Some(d) => Some(d),
                None => return,
            },
            None => None,
        };
        let n = dim.map_or(1, |d| d.len());
        if !i.is_transparent {
            self.declare(i.name, Def::Scope);
        }
        let connections = self.connections(i, module);
        for k in 0..n {
            if !self.spend(span) {
                return;
            }
            let suffix = match dim {
                Some(Dim { left, right }) if left <= right => format!("[{}]", left + k as i32),
                Some(Dim { left, .. }) => format!("[{}]", left - k as i32),
                None => String::new(),
            };
            let path = format!("{}{}{suffix}", self.prefix(), self.text(i.name.name));
            let mut binding = Binding::default();
            for (port, nodes, at) in &connections {
                // Vectors are dealt out over an array of instances.
                let nodes = if n > 1 && nodes.len() > 1 && nodes.len().is_multiple_of(n) {
                    let w = nodes.len() / n;
                    nodes[k * w..(k + 1) * w].to_vec()
                } else {
                    nodes.clone()
                };
                binding.ports.insert(port.name, (nodes, *at));
            }
            self.param_values(i, module, siblings, &mut binding);
            if i.is_transparent {
                self.enter(module, self.prefix(), Some(binding));
                continue;
            }
            self.m.instances.push(hir::Instance { path: path.clone(), module: name.to_string(), span });
            self.enter(module, format!("{path}."), Some(binding));
        }
    }

    /// Port of the module, nets connected, place.
    fn connections(&mut self, i: &'a ast::Instance, module: &'a ast::Module) -> Vec<(Ident, Vec<NodeId>, Span)> {
        let mut out: Vec<(Ident, Vec<NodeId>, Span)> = vec![];
        let name = self.text(i.module.name);
        let positional = i.ports.iter().filter(|c| c.name.is_none()).count();
        if positional > module.ports.len() {
            let d = Diagnostic::error(
                code::PORT,
                format!("module `{name}` has {} ports, {positional} nets are connected", module.ports.len()),
            )
            .at(i.name.span, "")
            .at(module.name.span, "described here");
            self.diags.push(d);
        }
        for (k, c) in i.ports.iter().enumerate() {
            let port = match c.name {
                Some(n) => n,
                None => match module.ports.get(k) {
                    Some(p) => *p,
                    None => continue,
                },
            };
            let Some(e) = c.value else { continue };
            self.implicit_net(e);
            let Some(nodes) = self.nets(e) else { continue };
            if out.iter().any(|o| o.0.name == port.name) {
                let text = self.text(port.name);
                self.error(code::PORT, c.span, format!("port `{text}` is connected twice"));
                continue;
            }
            out.push((port, nodes, c.span));
        }
        out
    }

    /// A name that is used only to connect instances is a net.
    fn implicit_net(&mut self, e: Ex) {
        let ast: &'a ast::Ast = self.ast;
        if let ExprKind::Path(p) = &ast.expr(e).kind
            && let [id] = p[..]
            && self.lookup(id.name).is_none()
        {
            let name = format!("{}{}", self.prefix(), self.text(id.name));
            let n = self.m.nodes.push(Node {
                name,
                discipline: None,
                port: None,
                attrs: hir::Attrs::default(),
                initial: None,
                span: id.span,
            });
            self.declare(id, Def::Net(Bits { dim: None, items: vec![n] }));
        }
    }

    fn param_values(
        &mut self,
        i: &'a ast::Instance,
        module: &'a ast::Module,
        siblings: &'a [Item],
        binding: &mut Binding,
    ) {
        let order: Vec<Ident> = module
            .items
            .iter()
            .filter_map(|x| match &x.kind {
                ItemKind::Params(p) if !p.is_local => Some(p.list.iter().map(|p| p.declared.name)),
                _ => None,
            })
            .flatten()
            .collect();
        for (k, c) in i.params.iter().enumerate() {
            if c.is_system {
                let text = c.name.map_or("", |n| self.text(n.name));
                let Some(p) = sys_param(text) else {
                    let known = ["mfactor", "xposition", "yposition", "angle", "hflip", "vflip"];
                    let help =
                        did_you_mean(text, known).unwrap_or_else(|| format!("there are `${}`", known.join("`, `$")));
                    self.error_help(code::OVERRIDE, c.span, format!("instances have no `${text}`"), help);
                    continue;
                };
                if let Some(e) = c.value {
                    let value = self.constant(|s| s.real_expr(e));
                    match p.placement() {
                        None => binding.mfactor = value,
                        Some(k) => binding.placement[k] = value,
                    }
                }
                continue;
            }
            let id = match c.name {
                Some(n) => n,
                None => match order.get(k) {
                    Some(n) => *n,
                    None => {
                        let text = self.text(i.module.name);
                        self.error(code::OVERRIDE, c.span, format!("module `{text}` has {} parameters", order.len()));
                        continue;
                    }
                },
            };
            let Some(e) = c.value else { continue };
            self.give(id, e, c.span, binding);
        }
        for item in siblings {
            let ItemKind::Defparam(list) = &item.kind else { continue };
            for (target, value) in list {
                if let ExprKind::Path(p) = &self.ast.expr(*target).kind
                    && let [inst, param] = p[..]
                    && inst.name == i.name.name
                {
                    let span = self.ex_span(*target);
                    binding.params.remove(&param.name);
                    self.give(param, *value, span, binding);
                }
            }
        }
    }

    fn give(&mut self, id: Ident, e: Ex, span: Span, binding: &mut Binding) {
        let is_list =
            matches!(self.ast.expr(e).kind, ExprKind::Array(_) | ExprKind::Concat(_) | ExprKind::Replicate(..));
        let values = self.constant(|s| if is_list { s.list(e, Ty::Real) } else { s.expr(e).map(|x| vec![x]) });
        let Some(values) = values else { return };
        if binding.params.insert(id.name, Given { values, span }).is_some() {
            let text = self.text(id.name);
            self.error(code::OVERRIDE, span, format!("parameter `{text}` is set twice"));
        }
    }
}
