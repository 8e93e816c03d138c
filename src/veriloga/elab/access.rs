//! Nets, branches and access functions.

use super::super::ast::{Ex, ExprKind, Ident};
use super::super::hir::{self, BranchId, DisciplineId, ExprId, NodeId, Quantity, Ty, UnOp};
use super::super::text::names::kw;
use super::expr::zero_based;
use super::{Bits, BranchRef, Def, Elab, PortRef};
use crate::diag::codes::veriloga as code;
use crate::diag::{Diagnostic, Span};

/// What stands in the parentheses of an access function.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Nodes(NodeId, NodeId),
    Branch(BranchId),
    Port(PortRef),
}

impl<'a> Elab<'a> {
    /// Whether a name is an access function of some nature, or `potential`, `flow`.
    pub(super) fn is_access(&self, id: Ident) -> bool {
        matches!(id.name, kw::POTENTIAL | kw::FLOW) || self.natures_of(id).next().is_some()
    }

    fn natures_of(&self, id: Ident) -> impl Iterator<Item = &hir::Nature> {
        let text = self.names.text(id.name);
        self.m.natures.values().filter(move |n| n.access == text)
    }

    /// One net: a name, an element of a vector, or a scalar.
    pub(super) fn net(&mut self, e: Ex) -> Option<NodeId> {
        match &self.ast.expr(e).kind {
            ExprKind::Missing => return None,
            ExprKind::Path(p) if p.len() > 1 => {
                // A net of a merged-in instance or generate block.
                let joined: Vec<&str> = p.iter().map(|p| self.text(p.name)).collect();
                let name = format!("{}{}", self.frame.prefix, joined.join("."));
                if let Some(n) = self.m.node(&name) {
                    return Some(n);
                }
            }
            _ => {}
        }
        let nets = self.nets(e)?;
        let span = self.ex_span(e);
        match nets[..] {
            [one] => Some(one),
            _ => {
                self.error_help(
                    code::INDEX,
                    span,
                    format!("this is a vector of {} nets", nets.len()),
                    "name one of its elements",
                );
                None
            }
        }
    }

    /// One net or all of a vector.
    pub(super) fn nets(&mut self, e: Ex) -> Option<Vec<NodeId>> {
        let ast: &'a super::Ast = self.ast;
        let span = self.ex_span(e);
        let (base, index) = match &ast.expr(e).kind {
            ExprKind::Concat(parts) => {
                let mut all = vec![];
                for p in parts {
                    all.extend(self.nets(*p)?);
                }
                return Some(all);
            }
            ExprKind::Slice(b, m, n) => {
                let bits = self.net_bits(*b)?;
                let (m, n) = (self.constant_int(*m, "an index of a net"), self.constant_int(*n, "an index of a net"));
                let (m, n) = (m?, n?);
                let step = if m <= n { 1 } else { -1 };
                let mut out = vec![];
                let mut k = m;
                loop {
                    out.push(self.bit(&bits, k, span)?);
                    if k == n {
                        return Some(out);
                    }
                    k += step;
                }
            }
            ExprKind::Index(..) => self.split_index(e),
            _ => (e, vec![]),
        };
        let bits = self.net_bits(base)?;
        match index[..] {
            [] => Some(bits.items),
            [i] => {
                let k = self.constant_int(i, "an index of a net")?;
                Some(vec![self.bit(&bits, k, span)?])
            }
            _ => {
                self.error(code::INDEX, span, "a net has one index");
                None
            }
        }
    }

    fn net_bits(&mut self, e: Ex) -> Option<Bits<NodeId>> {
        let span = self.ex_span(e);
        let id = match &self.ast.expr(e).kind {
            ExprKind::Path(p) if p.len() == 1 => p[0],
            ExprKind::Missing => return None,
            _ => {
                self.error(code::ACCESS, span, "the name of a net or branch is needed here");
                return None;
            }
        };
        match self.lookup(id.name).map(|(d, s, _)| (d.clone(), s)) {
            Some((Def::Net(bits), _)) => Some(bits),
            Some((_, declared)) => {
                let text = self.text(id.name);
                let d = Diagnostic::error(code::WRONG_KIND, format!("`{text}` is not a net"))
                    .at(id.span, "")
                    .at(declared, "declared here");
                self.diags.push(d);
                None
            }
            None => {
                self.unknown(id);
                None
            }
        }
    }

    fn bit<T: Copy>(&mut self, bits: &Bits<T>, k: i32, span: Span) -> Option<T> {
        match bits.dim {
            Some(d) if k >= d.left.min(d.right) && k <= d.left.max(d.right) => {
                bits.items.get(zero_based(&d, k) as usize).copied()
            }
            Some(d) => {
                self.error(code::INDEX, span, format!("index {k} is outside of [{}:{}]", d.left, d.right));
                None
            }
            None => {
                self.error(code::INDEX, span, "this is no vector and has no index");
                None
            }
        }
    }

    /// A branch by name.
    fn named_branch(&mut self, e: Ex) -> Option<Option<BranchRef>> {
        let span = self.ex_span(e);
        let (base, index) = self.split_index(e);
        let ExprKind::Path(p) = &self.ast.expr(base).kind else { return Some(None) };
        let [id] = p[..] else { return Some(None) };
        let Some((Def::Branch(bits), ..)) = self.lookup(id.name).map(|(d, s, o)| (d.clone(), s, o)) else {
            return Some(None);
        };
        match index[..] {
            [] if bits.dim.is_none() => Some(bits.items.first().copied()),
            [] => {
                self.error_help(code::INDEX, span, "this is a vector of branches", "name one of its elements");
                None
            }
            [i] => {
                let k = self.constant_int(i, "an index of a branch")?;
                Some(Some(self.bit(&bits, k, span)?))
            }
            _ => {
                self.error(code::INDEX, span, "a branch has one index");
                None
            }
        }
    }

    pub(super) fn branch_discipline(&self, b: BranchRef) -> Option<DisciplineId> {
        match b {
            BranchRef::Branch(b) => self.m.branches[b].discipline,
            BranchRef::Port(PortRef::Terminal(p)) => self.m.nodes[self.m.ports[p].node].discipline,
            BranchRef::Port(_) => None,
        }
    }

    /// The discipline of a net, given one if it has none.
    pub(super) fn net_discipline(&mut self, n: NodeId, span: Span) -> Option<DisciplineId> {
        if let Some(d) = self.m.nodes[n].discipline {
            return Some(d);
        }
        if n == hir::Module::GROUND {
            return None;
        }
        let d = self.default_discipline()?;
        let name = self.m.nodes[n].name.clone();
        let what = self.m.disciplines[d].name.clone();
        self.lint(
            code::IMPLICIT_DISCIPLINE,
            span,
            format!("net `{name}` has no discipline; it is taken as `{what}`"),
            format!("declare it: `{what} {name};`"),
        );
        self.m.nodes[n].discipline = Some(d);
        Some(d)
    }

    /// The branch between two nets, and whether it was first named the other way round.
    pub(super) fn unnamed_branch(
        &mut self,
        hi: NodeId,
        lo: NodeId,
        discipline: Option<DisciplineId>,
        span: Span,
    ) -> (BranchId, bool) {
        if let Some(b) = self.unnamed.get(&(hi, lo)) {
            return (*b, false);
        }
        if let Some(b) = self.unnamed.get(&(lo, hi)) {
            return (*b, true);
        }
        let b = self.m.branches.push(hir::Branch {
            name: None,
            hi,
            lo,
            discipline,
            is_flow_contributed: false,
            is_potential_contributed: false,
            is_flow_probed: false,
            span,
        });
        self.unnamed.insert((hi, lo), b);
        (b, false)
    }

    /// Resolves the arguments of an access function and says which quantity its name means for them.
    pub(super) fn target(&mut self, name: Ident, args: &[Ex], span: Span) -> Option<(Target, Quantity)> {
        let ast: &'a super::Ast = self.ast;
        let access = self.text(name.name);
        let target = match args {
            [one] => match &ast.expr(*one).kind {
                ExprKind::PortRef(p) => {
                    let port = self.port(*p)?;
                    Target::Port(port)
                }
                _ => match self.named_branch(*one)? {
                    Some(BranchRef::Branch(b)) => Target::Branch(b),
                    Some(BranchRef::Port(p)) => Target::Port(p),
                    None => Target::Nodes(self.net(*one)?, hir::Module::GROUND),
                },
            },
            [a, b] => {
                let (hi, lo) = (self.net(*a), self.net(*b));
                let (hi, lo) = (hi?, lo?);
                if hi == lo
                    && hi != hir::Module::GROUND
                    && self.sources.text(self.ex_span(*a)) == self.sources.text(self.ex_span(*b))
                {
                    let text = self.m.nodes[hi].name.clone();
                    self.lint(
                        code::SAME_NET,
                        span,
                        format!("both ends of the branch are the net `{text}`"),
                        "the potential of a net above itself is 0",
                    );
                }
                Target::Nodes(hi, lo)
            }
            _ => {
                self.error_help(
                    code::ARGUMENT_COUNT,
                    span,
                    format!("`{access}` takes one or two nets, or a branch"),
                    format!("`{access}(a)`, `{access}(a, b)`, `{access}(branch)`"),
                );
                return None;
            }
        };
        let discipline = match target {
            Target::Nodes(hi, lo) => self.pair_discipline(hi, lo, args, span)?,
            Target::Branch(b) => self.m.branches[b].discipline,
            Target::Port(PortRef::Terminal(p)) => {
                let node = self.m.ports[p].node;
                self.net_discipline(node, span)
            }
            Target::Port(PortRef::Inner { .. }) => self.default_discipline(),
        };
        let quantity = match name.name {
            kw::POTENTIAL => Quantity::Potential,
            kw::FLOW => Quantity::Flow,
            _ => self.quantity(name, discipline)?,
        };
        if matches!(target, Target::Port(_)) && quantity == Quantity::Potential {
            self.error_help(
                code::ACCESS,
                span,
                "a port branch has a flow only",
                "its potential is that of the net: `V(p)`",
            );
            return None;
        }
        Some((target, quantity))
    }

    /// Which of a discipline's quantities an access function means.
    fn quantity(&mut self, name: Ident, discipline: Option<DisciplineId>) -> Option<Quantity> {
        let access = self.text(name.name);
        let Some(d) = discipline else {
            // Nothing but the reference: any nature fits.
            let is_flow =
                self.m.disciplines.values().any(|d| d.flow.is_some_and(|n| self.m.natures[n].access == access));
            return Some(if is_flow { Quantity::Flow } else { Quantity::Potential });
        };
        let d = &self.m.disciplines[d];
        let of = |n: Option<hir::NatureId>| n.map(|n| self.m.natures[n].access.as_str());
        let (p, f) = (of(d.potential), of(d.flow));
        if p == Some(access) {
            return Some(Quantity::Potential);
        }
        if f == Some(access) {
            return Some(Quantity::Flow);
        }
        let known: Vec<String> = [p, f].into_iter().flatten().map(|a| format!("`{a}`")).collect();
        let message = format!("`{access}` is not an access function of discipline `{}`", d.name);
        let help = if known.is_empty() {
            "the discipline has no natures".to_string()
        } else {
            format!("its access functions are {}", known.join(" and "))
        };
        self.error_help(code::ACCESS, name.span, message, help);
        None
    }

    /// The common discipline of two nets (None: both are the reference).
    fn pair_discipline(&mut self, hi: NodeId, lo: NodeId, args: &[Ex], span: Span) -> Option<Option<DisciplineId>> {
        let at = |s: &Self, k: usize| args.get(k).map_or(span, |e| s.ex_span(*e));
        let (first, second) = (at(self, 0), at(self, 1));
        let a = self.net_discipline(hi, first);
        let b = if lo == hir::Module::GROUND { None } else { self.net_discipline(lo, second) };
        match (a, b) {
            (Some(a), Some(b)) if !self.compatible(a, b) => {
                let (x, y) = (&self.m.disciplines[a].name, &self.m.disciplines[b].name);
                let (m, n) = (&self.m.nodes[hi].name, &self.m.nodes[lo].name);
                let d = Diagnostic::error(code::DISCIPLINES_DIFFER, "the nets have different disciplines")
                    .at(first, format!("`{m}` is {x}"))
                    .at(second, format!("`{n}` is {y}"));
                self.diags.push(d);
                None
            }
            (a, b) => Some(a.or(b)),
        }
    }

    /// Same natures, or one side leaves them open.
    pub(super) fn compatible(&self, a: DisciplineId, b: DisciplineId) -> bool {
        let (a, b) = (&self.m.disciplines[a], &self.m.disciplines[b]);
        let same = |x: Option<hir::NatureId>, y: Option<hir::NatureId>| match (x, y) {
            (Some(x), Some(y)) => x == y || self.m.natures[x].access == self.m.natures[y].access,
            _ => true,
        };
        same(a.potential, b.potential) && same(a.flow, b.flow)
    }

    /// `<p>`
    fn port(&mut self, e: Ex) -> Option<PortRef> {
        let span = self.ex_span(e);
        let (base, index) = self.split_index(e);
        let id = self.simple(base)?;
        let Some(bits) = self.frame.ports.get(&id.name).cloned() else {
            let text = self.text(id.name);
            self.error(code::ACCESS, span, format!("`{text}` is not a port of this module"));
            return None;
        };
        match index[..] {
            [] if bits.len() == 1 => bits.first().copied(),
            [i] => {
                let k = self.constant_int(i, "an index of a port")?;
                let Some((Def::Net(net), ..)) = self.lookup(id.name).map(|(d, s, o)| (d.clone(), s, o)) else {
                    return None;
                };
                let ports = Bits { dim: net.dim, items: bits };
                self.bit(&ports, k, span)
            }
            _ => {
                self.error_help(code::INDEX, span, "this port is a vector", "name one of its elements");
                None
            }
        }
    }

    pub(super) fn port_named(&mut self, e: Ex) -> Option<PortRef> {
        self.port(e)
    }

    /// An access function as a value.
    pub(super) fn probe(&mut self, name: Ident, args: &[Ex], span: Span) -> Option<ExprId> {
        if self.place.is_constant {
            self.error(code::NOT_CONSTANT, span, "a potential or flow is not a constant");
            return None;
        }
        if self.place.function.is_some() {
            self.error_help(
                code::MISPLACED,
                span,
                "a function cannot look at nets and branches",
                "pass the value as an argument",
            );
            return None;
        }
        let (target, quantity) = self.target(name, args, span)?;
        Some(match (target, quantity) {
            (Target::Nodes(hi, lo), Quantity::Potential) => self.potential(hi, lo, span),
            (Target::Branch(b), Quantity::Potential) => {
                let (hi, lo) = (self.m.branches[b].hi, self.m.branches[b].lo);
                self.potential(hi, lo, span)
            }
            (Target::Nodes(hi, lo), Quantity::Flow) => {
                let d = self.m.nodes[hi].discipline.or(self.m.nodes[lo].discipline);
                let (b, is_reversed) = self.unnamed_branch(hi, lo, d, span);
                self.flow(b, is_reversed, span)
            }
            (Target::Branch(b), Quantity::Flow) => self.flow(b, false, span),
            (Target::Port(PortRef::Terminal(p)), _) => {
                let x = self.add(hir::ExprKind::PortFlow(p), Ty::Real, span);
                self.of_one(x)
            }
            (Target::Port(PortRef::Inner { is_connected }), _) => {
                if is_connected {
                    self.error(
                        code::UNSUPPORTED,
                        span,
                        "the flow through a port of an instance inside of a module is not available",
                    );
                    return None;
                }
                self.real(0.0, span)
            }
        })
    }

    fn potential(&mut self, hi: NodeId, lo: NodeId, span: Span) -> ExprId {
        if hi == lo {
            return self.real(0.0, span);
        }
        if hi == hir::Module::GROUND {
            let x = self.add(hir::ExprKind::Potential { hi: lo, lo: hi }, Ty::Real, span);
            return self.add(hir::ExprKind::Unary(UnOp::Neg, x), Ty::Real, span);
        }
        self.add(hir::ExprKind::Potential { hi, lo }, Ty::Real, span)
    }

    /// Of a flow, that of one of the equal instances in parallel.
    fn of_one(&mut self, flow: ExprId) -> ExprId {
        let Some(m) = self.frame.mfactor else { return flow };
        let span = self.span_of(flow);
        self.add(hir::ExprKind::Binary(hir::BinOp::Div, flow, m), Ty::Real, span)
    }

    pub(super) fn times(&mut self, x: ExprId, m: ExprId) -> ExprId {
        let span = self.span_of(x);
        self.add(hir::ExprKind::Binary(hir::BinOp::Mul, x, m), Ty::Real, span)
    }

    fn flow(&mut self, b: BranchId, is_reversed: bool, span: Span) -> ExprId {
        self.m.branches[b].is_flow_probed = true;
        let x = self.add(hir::ExprKind::Flow(b), Ty::Real, span);
        let x = self.of_one(x);
        if is_reversed { self.add(hir::ExprKind::Unary(UnOp::Neg, x), Ty::Real, span) } else { x }
    }

    /// The branch that a contribution goes to, its quantity, and whether the sign turns.
    pub(super) fn sink(&mut self, e: Ex) -> Option<(BranchId, Quantity, bool)> {
        let ast: &'a super::Ast = self.ast;
        let span = self.ex_span(e);
        let (name, args) = match &ast.expr(e).kind {
            ExprKind::Call(path, args) if path.len() == 1 && self.is_access(path[0]) => (path[0], args),
            ExprKind::Missing => return None,
            ExprKind::Call(path, _) if path.len() == 1 => {
                let text = self.text(path[0].name);
                let known = ["V", "I", "Temp", "Pwr"];
                let help = crate::diag::nearest::did_you_mean(text, known)
                    .unwrap_or_else(|| "the left side is an access function of a discipline: `I(a, b)`".into());
                self.error_help(code::ACCESS, path[0].span, format!("`{text}` is not an access function"), help);
                return None;
            }
            _ => {
                self.error_help(
                    code::ACCESS,
                    span,
                    "a contribution goes to an access function",
                    "for example `I(a, b) <+ ...;`",
                );
                return None;
            }
        };
        let (target, quantity) = self.target(name, args, span)?;
        let (b, is_reversed) = match target {
            Target::Branch(b) => (b, false),
            Target::Nodes(hi, lo) => {
                let d = self.m.nodes[hi].discipline.or(self.m.nodes[lo].discipline);
                self.unnamed_branch(hi, lo, d, span)
            }
            Target::Port(_) => {
                self.error_help(
                    code::ACCESS,
                    span,
                    "nothing can be contributed to a port branch",
                    "contribute to the net: `I(p) <+ ...;`",
                );
                return None;
            }
        };
        let branch = &mut self.m.branches[b];
        match quantity {
            Quantity::Flow => branch.is_flow_contributed = true,
            Quantity::Potential => branch.is_potential_contributed = true,
        }
        Some((b, quantity, is_reversed))
    }
}
