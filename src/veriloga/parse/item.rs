//! What stands in a module: declarations, analog blocks, functions, instances, generate constructs.

use super::Parser;
use crate::diag::Diagnostic;
use crate::diag::codes::veriloga as code;
use crate::veriloga::ast::{
    AliasTarget, Branches, Connection, Declared, ExprKind, For, Function, GenFor, Ident, Instance, Item, ItemKind,
    Nets, Param, Params, Ports, Stmt, StmtKind, TypeWord, ValueRange, ValueSet, Vars,
};
use crate::veriloga::hir::Direction;
use crate::veriloga::text::Tok;
use crate::veriloga::text::names::kw;
use crate::veriloga::text::token::P;

impl Parser<'_> {
    pub(super) fn item(&mut self) -> Option<Item> {
        let attrs = self.attributes();
        let start = self.span();
        let errors = self.errors();
        let kind = self.deeper(|p| p.item_kind()).flatten();
        if self.errors() > errors && !matches!(kind, Some(ItemKind::Analog(_) | ItemKind::AnalogInitial(_))) {
            self.ast.has_gaps = true;
        }
        let kind = kind?;
        Some(Item { kind, attrs, span: self.from(start) })
    }

    /// A declaration inside of a block or function.
    pub(super) fn block_item(&mut self) -> Option<Item> {
        self.item()
    }

    fn item_kind(&mut self) -> Option<ItemKind> {
        let start = self.span();
        Some(match self.tok() {
            Tok::P(P::Semi) => {
                self.bump();
                ItemKind::Null
            }
            Tok::Missing => {
                self.bump();
                self.eat(P::Semi);
                ItemKind::Null
            }
            Tok::Ident(kw::INPUT) => self.ports(Direction::Input),
            Tok::Ident(kw::OUTPUT) => self.ports(Direction::Output),
            Tok::Ident(kw::INOUT) => self.ports(Direction::Inout),
            Tok::Ident(kw::GROUND) => {
                self.bump();
                self.nets(None, true)
            }
            Tok::Ident(kw::WIRE | kw::TRI | kw::SUPPLY0 | kw::SUPPLY1) => {
                let is_ground = self.is_word(kw::SUPPLY0);
                self.bump();
                self.nets(None, is_ground)
            }
            Tok::Ident(kw::PARAMETER | kw::LOCALPARAM) => self.params(false),
            Tok::Ident(kw::ALIASPARAM) => self.alias()?,
            Tok::Ident(kw::REAL | kw::REALTIME) => self.vars(TypeWord::Real),
            Tok::Ident(kw::INTEGER) => self.vars(TypeWord::Integer),
            Tok::Ident(kw::STRING) => self.vars(TypeWord::String),
            Tok::Ident(kw::BRANCH) => self.branches(),
            Tok::Ident(kw::GENVAR) => {
                self.bump();
                let mut list = vec![];
                loop {
                    list.extend(self.new_name("name of a genvar"));
                    if !self.eat(P::Comma) {
                        break;
                    }
                }
                self.end_of_item();
                ItemKind::Genvars(list)
            }
            Tok::Ident(kw::ANALOG) => return self.analog(),
            Tok::Ident(kw::FUNCTION) => {
                let span = self.span();
                self.lint(
                    code::DIALECT,
                    span,
                    "functions of analog blocks are declared `analog function`",
                    "write `analog function`",
                );
                return self.function();
            }
            Tok::Ident(kw::GENERATE) => {
                self.bump();
                let items = self.items_until(kw::ENDGENERATE);
                ItemKind::Generate(items)
            }
            Tok::Ident(kw::BEGIN) => self.gen_block()?,
            Tok::Ident(kw::IF) => {
                self.bump();
                self.expect(P::LParen);
                let cond = self.expr();
                self.expect(P::RParen);
                let then = Box::new(self.item()?);
                let otherwise = if self.eat_word(kw::ELSE) { self.item().map(Box::new) } else { None };
                ItemKind::GenIf(cond, then, otherwise)
            }
            Tok::Ident(kw::FOR) => {
                let Some((var, init, cond, step_var, step)) = self.for_head() else {
                    self.recover();
                    return None;
                };
                let body = self.item()?;
                let null = Box::new(Stmt { kind: StmtKind::Null, span: start });
                ItemKind::GenFor(Box::new(GenFor { head: For { var, init, cond, step_var, step, body: null }, body }))
            }
            Tok::Ident(kw::CASE) => self.gen_case()?,
            Tok::Ident(kw::DEFPARAM) => {
                self.bump();
                let mut list = vec![];
                loop {
                    let target = self.primary_expr();
                    if !self.expect(P::Assign) {
                        self.recover();
                        return None;
                    }
                    list.push((target, self.expr()));
                    if !self.eat(P::Comma) {
                        break;
                    }
                }
                self.end_of_item();
                ItemKind::Defparam(list)
            }
            Tok::Ident(kw::SPECIFY) => {
                self.skip_construct(kw::ENDSPECIFY, "specify blocks");
                ItemKind::Null
            }
            Tok::Ident(kw::INITIAL) => {
                self.unsupported(
                    start,
                    "digital `initial` blocks are not supported",
                    "`analog initial begin ... end` or `@(initial_step)`",
                );
                self.bump();
                self.stmt();
                ItemKind::Null
            }
            Tok::Ident(
                n @ (kw::ALWAYS | kw::ASSIGN | kw::REG | kw::WREAL | kw::TASK | kw::EVENT | kw::TIME | kw::SPECPARAM),
            ) if matches!(self.peek(1), Tok::Ident(_) | Tok::P(P::At | P::LBrack | P::Hash)) => {
                let word = self.names.text(n).to_string();
                self.unsupported(
                    start,
                    &format!("`{word}` belongs to digital Verilog and is not supported"),
                    "analog behaviour stands in an `analog` block",
                );
                self.bump();
                if n == kw::ALWAYS {
                    self.stmt();
                } else if n == kw::TASK {
                    while !matches!(self.tok(), Tok::Eof | Tok::Ident(kw::ENDTASK | kw::ENDMODULE)) {
                        self.bump();
                    }
                    self.eat_word(kw::ENDTASK);
                } else {
                    self.recover();
                }
                ItemKind::Null
            }
            Tok::Ident(n) if !super::is_reserved(n) => return self.net_or_instance(),
            Tok::P(P::At) | Tok::System(_) => {
                self.report(
                    Diagnostic::error(code::SYNTAX, "a statement stands outside of the analog block")
                        .at(start, "")
                        .help("statements belong into `analog begin ... end`"),
                );
                self.stmt();
                ItemKind::Null
            }
            _ => {
                self.expected("a declaration or an `analog` block");
                let at = self.at;
                self.recover();
                if self.at == at && !matches!(self.tok(), Tok::Ident(kw::ENDMODULE | kw::MODULE)) {
                    self.bump();
                }
                return None;
            }
        })
    }

    pub(super) fn end_of_item(&mut self) {
        if !self.expect(P::Semi) && !self.starts_line() {
            self.recover();
        }
    }

    fn items_until(&mut self, end: crate::veriloga::text::Name) -> Vec<Item> {
        let mut items = vec![];
        while !matches!(self.tok(), Tok::Eof | Tok::Ident(kw::ENDMODULE | kw::MODULE)) && !self.is_word(end) {
            let before = self.at;
            items.extend(self.item());
            if self.at == before {
                self.bump();
            }
        }
        self.expect_word(end);
        items
    }

    fn gen_block(&mut self) -> Option<ItemKind> {
        self.bump();
        let name = if self.eat(P::Colon) { self.new_name("name of the block") } else { None };
        let items = self.items_until(kw::END);
        Some(ItemKind::GenBlock(name, items))
    }

    fn gen_case(&mut self) -> Option<ItemKind> {
        self.bump();
        self.expect(P::LParen);
        let selector = self.expr();
        self.expect(P::RParen);
        let mut arms = vec![];
        while !matches!(self.tok(), Tok::Eof | Tok::Ident(kw::ENDCASE | kw::ENDMODULE | kw::MODULE)) {
            let before = self.at;
            let mut values = vec![];
            if self.eat_word(kw::DEFAULT) {
                self.eat(P::Colon);
            } else {
                loop {
                    values.push(self.expr());
                    if !self.eat(P::Comma) {
                        break;
                    }
                }
                self.expect(P::Colon);
            }
            if let Some(item) = self.item() {
                arms.push((values, item));
            }
            if self.at == before {
                self.bump();
            }
        }
        self.expect_word(kw::ENDCASE);
        Some(ItemKind::GenCase(selector, arms))
    }

    fn ports(&mut self, direction: Direction) -> ItemKind {
        self.bump();
        let (discipline, range) = self.port_type();
        let names = self.declared_list("name of a port");
        self.end_of_item();
        ItemKind::Ports(Ports { direction, discipline, range, names })
    }

    fn nets(&mut self, discipline: Option<Ident>, is_ground: bool) -> ItemKind {
        let mut discipline = discipline;
        // `wire electrical a;` and `ground electrical gnd;` are met.
        if let (Tok::Ident(n), Tok::Ident(_)) = (self.tok(), self.peek(1))
            && !super::is_reserved(n)
            && discipline.is_none()
        {
            discipline = self.ident("discipline");
        }
        let range = if self.is(P::LBrack) { self.range() } else { None };
        let names = self.declared_list("name of a net");
        self.end_of_item();
        ItemKind::Nets(Nets { discipline, is_ground, range, names })
    }

    /// `a, b[0:3] = 1, c (* .. *)`
    pub(super) fn declared_list(&mut self, what: &str) -> Vec<Declared> {
        let mut list = vec![];
        loop {
            match self.declared(what) {
                Some(d) => list.push(d),
                None => {
                    while !matches!(self.tok(), Tok::Eof | Tok::P(P::Semi | P::Comma))
                        && !matches!(self.tok(), Tok::Ident(n) if super::is_boundary(n))
                    {
                        self.bump();
                    }
                }
            }
            if !self.eat(P::Comma) {
                return list;
            }
            // A comma before the semicolon is a slip.
            if self.is(P::Semi) {
                self.error("a name is missing after the comma", "");
                return list;
            }
        }
    }

    fn declared(&mut self, what: &str) -> Option<Declared> {
        let mut attrs = self.attributes();
        let name = self.new_name(what)?;
        let mut dims = vec![];
        while self.is(P::LBrack) {
            dims.extend(self.range());
        }
        attrs.extend(self.late_attributes());
        let init = if self.eat(P::Assign) { Some(self.expr()) } else { None };
        attrs.extend(self.late_attributes());
        Some(Declared { name, dims, init, attrs })
    }

    pub(super) fn vars(&mut self, ty: TypeWord) -> ItemKind {
        self.bump();
        // `real [0:3] a, b;`: a range before the names, as for nets.
        let before = if self.is(P::LBrack) { self.range() } else { None };
        let mut list = self.declared_list("name of a variable");
        if let Some(r) = before {
            for d in &mut list {
                d.dims.insert(0, r.clone());
            }
        }
        self.end_of_item();
        ItemKind::Vars(Vars { ty, list })
    }

    /// `parameter real a = 1 from (0:inf), b = 2;`; in a module header it ends before `)` or another `parameter`.
    pub(super) fn params(&mut self, in_header: bool) -> ItemKind {
        let is_local = self.is_word(kw::LOCALPARAM);
        self.bump();
        self.eat_word(kw::SIGNED);
        let ty = match self.tok() {
            Tok::Ident(kw::REAL | kw::REALTIME) => Some(TypeWord::Real),
            Tok::Ident(kw::INTEGER) => Some(TypeWord::Integer),
            Tok::Ident(kw::STRING) => Some(TypeWord::String),
            _ => None,
        };
        if ty.is_some() {
            self.bump();
        }
        let range = if self.is(P::LBrack) { self.range() } else { None };
        let mut list = vec![];
        loop {
            let Some(mut declared) = self.declared("name of a parameter") else {
                if !in_header {
                    self.recover();
                }
                return ItemKind::Params(Params { is_local, ty, range, list });
            };
            let mut ranges = vec![];
            while matches!(self.tok(), Tok::Ident(kw::FROM | kw::EXCLUDE)) {
                let before = self.at;
                ranges.extend(self.value_range());
                if self.at == before {
                    self.bump();
                }
            }
            declared.attrs.extend(self.late_attributes());
            if declared.init.is_none() {
                self.diags.push(
                    Diagnostic::error(code::PARAM_DEFAULT, "a parameter needs a default value")
                        .at(declared.name.span, "")
                        .help("for example `parameter real x = 0;`"),
                );
            }
            list.push(Param { declared, ranges });
            if in_header && self.is(P::Comma) && matches!(self.peek(1), Tok::Ident(kw::PARAMETER | kw::LOCALPARAM)) {
                break;
            }
            if !self.eat(P::Comma) {
                break;
            }
        }
        if !in_header {
            self.end_of_item();
        }
        ItemKind::Params(Params { is_local, ty, range, list })
    }

    /// `from [0:inf)`, `exclude 0`, `from '{"a", "b"}`.
    fn value_range(&mut self) -> Option<ValueRange> {
        let start = self.span();
        let is_exclude = self.is_word(kw::EXCLUDE);
        self.bump();
        let lo_inclusive = match self.tok() {
            Tok::P(P::LBrack) => true,
            Tok::P(P::LParen) => false,
            Tok::P(P::TickBrace | P::LBrace) => {
                let e = self.expr();
                let values = match &self.ast.expr(e).kind {
                    ExprKind::Array(v) | ExprKind::Concat(v) => v.clone(),
                    _ => vec![e],
                };
                return Some(ValueRange { is_exclude, set: ValueSet::Values(values), span: self.from(start) });
            }
            _ => {
                let e = self.expr();
                return Some(ValueRange { is_exclude, set: ValueSet::Values(vec![e]), span: self.from(start) });
            }
        };
        self.bump();
        let lo = self.expr();
        if is_exclude && self.eat(P::RParen) {
            // `exclude (x)`.
            return Some(ValueRange { is_exclude, set: ValueSet::Values(vec![lo]), span: self.from(start) });
        }
        if self.is(P::Comma) {
            let span = self.span();
            if !std::mem::replace(&mut self.dialect.range_commas, true) {
                self.lint(code::DIALECT, span, "the bounds of a range are separated by a colon", "write `from (0:1)`");
            }
            self.bump();
        } else if !self.expect(P::Colon) {
            while !matches!(self.tok(), Tok::Eof | Tok::P(P::Semi | P::RParen | P::RBrack)) {
                self.bump();
            }
            self.bump();
            return None;
        }
        let hi = self.expr();
        let hi_inclusive = match self.tok() {
            Tok::P(P::RBrack) => true,
            Tok::P(P::RParen) => false,
            _ => {
                self.expected("`)` or `]`");
                return None;
            }
        };
        self.bump();
        Some(ValueRange {
            is_exclude,
            set: ValueSet::Interval { lo, lo_inclusive, hi, hi_inclusive },
            span: self.from(start),
        })
    }

    pub(super) fn alias(&mut self) -> Option<ItemKind> {
        self.bump();
        // A type is sometimes repeated.
        while matches!(self.tok(), Tok::Ident(kw::REAL | kw::INTEGER | kw::STRING)) {
            self.bump();
        }
        let name = self.new_name("name of the alias")?;
        if !self.expect(P::Assign) {
            self.recover();
            return None;
        }
        let target = match self.tok() {
            Tok::System(n) => {
                let span = self.span();
                self.bump();
                AliasTarget::System(Ident { name: n, span })
            }
            _ => AliasTarget::Param(self.ident("name of a parameter")?),
        };
        let _ = self.late_attributes();
        self.end_of_item();
        Some(ItemKind::Alias(name, target))
    }

    fn branches(&mut self) -> ItemKind {
        self.bump();
        let mut terminals = vec![];
        if self.is(P::LParen) {
            terminals = self.args();
        } else {
            self.expected("`(`");
        }
        let range = if self.is(P::LBrack) { self.range() } else { None };
        let mut names = self.declared_list("name of a branch");
        if let Some(r) = range {
            names.iter_mut().for_each(|n| n.dims.insert(0, r.clone()));
        }
        self.end_of_item();
        ItemKind::Branches(Branches { terminals, names })
    }

    fn analog(&mut self) -> Option<ItemKind> {
        self.bump();
        if self.is_word(kw::FUNCTION) {
            return self.function();
        }
        if self.is_word(kw::INITIAL) {
            self.bump();
            return Some(ItemKind::AnalogInitial(self.stmt()));
        }
        Some(ItemKind::Analog(self.stmt()))
    }

    fn function(&mut self) -> Option<ItemKind> {
        self.bump();
        let ty = match self.tok() {
            Tok::Ident(kw::INTEGER) => TypeWord::Integer,
            Tok::Ident(kw::STRING) => TypeWord::String,
            _ => TypeWord::Real,
        };
        if matches!(self.tok(), Tok::Ident(kw::INTEGER | kw::STRING | kw::REAL | kw::REALTIME)) {
            self.bump();
        }
        let name = self.new_name("name of the function")?;
        let mut f = Function { ty, name, args: vec![], items: vec![], body: vec![] };
        if self.eat(P::LParen) {
            self.ansi_args(&mut f);
        }
        if !self.expect(P::Semi) {
            self.recover();
        }
        loop {
            match self.tok() {
                Tok::Ident(kw::ENDFUNCTION) => {
                    self.bump();
                    // `endfunction;` is common.
                    break;
                }
                Tok::Eof | Tok::Ident(kw::ENDMODULE | kw::MODULE) => {
                    let found = self.found();
                    let span = self.span();
                    self.report(
                        Diagnostic::error(code::SYNTAX, format!("expected `endfunction`, found {found}"))
                            .at(span, "")
                            .at(name.span, "this function is not closed"),
                    );
                    break;
                }
                _ => {}
            }
            let before = self.at;
            let direction = |t: Tok| match t {
                Tok::Ident(kw::INPUT) => Some(Direction::Input),
                Tok::Ident(kw::OUTPUT) => Some(Direction::Output),
                Tok::Ident(kw::INOUT) => Some(Direction::Inout),
                _ => None,
            };
            if let Some(d) = direction(self.tok()) {
                self.bump();
                let ty = self.type_word();
                let range = if self.is(P::LBrack) { self.range() } else { None };
                for mut a in self.declared_list("name of an argument") {
                    if let Some(r) = &range {
                        a.dims.insert(0, r.clone());
                    }
                    f.args.push((d, a, ty));
                }
                self.end_of_item();
            } else if self.is_declaration() {
                f.items.extend(self.block_item());
            } else {
                f.body.push(self.stmt());
            }
            if self.at == before {
                self.bump();
            }
        }
        let mut stmts = f.body.iter().filter(|s| !matches!(s.kind, StmtKind::Null));
        if let (Some(_), Some(second)) = (stmts.next(), stmts.next()) {
            let message = "the body of a function is one statement";
            self.lint(code::DIALECT, second.span, message, "other compilers want `begin ... end` around several");
        }
        Some(ItemKind::Function(f))
    }

    fn type_word(&mut self) -> Option<TypeWord> {
        let ty = match self.tok() {
            Tok::Ident(kw::REAL | kw::REALTIME) => TypeWord::Real,
            Tok::Ident(kw::INTEGER) => TypeWord::Integer,
            Tok::Ident(kw::STRING) => TypeWord::String,
            _ => return None,
        };
        self.bump();
        Some(ty)
    }

    /// `(input real x, y, output z)`.
    fn ansi_args(&mut self, f: &mut Function) {
        let mut direction = Direction::Input;
        let mut ty = None;
        while !matches!(self.tok(), Tok::Eof | Tok::P(P::RParen | P::Semi)) {
            let before = self.at;
            let new = match self.tok() {
                Tok::Ident(kw::INPUT) => Some(Direction::Input),
                Tok::Ident(kw::OUTPUT) => Some(Direction::Output),
                Tok::Ident(kw::INOUT) => Some(Direction::Inout),
                _ => None,
            };
            if let Some(d) = new {
                self.bump();
                direction = d;
                ty = None;
            }
            if let Some(t) = self.type_word() {
                ty = Some(t);
            }
            if let Some(a) = self.declared("name of an argument") {
                f.args.push((direction, a, Some(ty.unwrap_or(TypeWord::Real))));
            }
            self.eat(P::Comma);
            if self.at == before {
                self.bump();
            }
        }
        self.expect(P::RParen);
    }

    /// `electrical a, b;` against `mod #(.p(1)) x1 (a, b);`, and statements that stand outside of a block.
    fn net_or_instance(&mut self) -> Option<ItemKind> {
        let start = self.span();
        let next = self.peek(1);
        let is_instance = match next {
            Tok::P(P::Hash) => true,
            Tok::Ident(n) if !super::is_reserved(n) => {
                matches!(self.peek(2), Tok::P(P::LParen))
                    || (self.peek(2) == Tok::P(P::LBrack) && self.paren_after_range(2))
            }
            _ => false,
        };
        if is_instance {
            return self.instances();
        }
        if matches!(next, Tok::P(P::Contribute | P::Assign)) || matches!(next, Tok::P(P::LParen)) {
            self.report(
                Diagnostic::error(code::SYNTAX, "a statement stands outside of the analog block")
                    .at(start, "")
                    .help("statements belong into `analog begin ... end`; is there an `end` too many before?"),
            );
            self.faulty = usize::MAX;
            self.stmt();
            return Some(ItemKind::Null);
        }
        let discipline = self.ident("a declaration")?;
        let is_name = matches!(self.tok(), Tok::Ident(n) if !super::is_reserved(n));
        if !is_name && !matches!(self.tok(), Tok::P(P::LBrack | P::AttrOpen)) {
            let text = self.names.text(discipline.name).to_string();
            let mut d = Diagnostic::error(code::SYNTAX, format!("`{text}` does not start a declaration")).at(start, "");
            if let Some(h) =
                crate::diag::nearest::did_you_mean(&text, super::reserved().chain(["electrical", "thermal"]))
            {
                d = d.help(h);
            }
            self.report(d);
            while !matches!(self.tok(), Tok::Eof | Tok::P(P::Semi) | Tok::Ident(kw::ENDMODULE)) {
                self.bump();
            }
            self.eat(P::Semi);
            return None;
        }
        Some(self.nets(Some(discipline), false))
    }

    fn paren_after_range(&self, ahead: usize) -> bool {
        let mut k = ahead;
        while !matches!(self.peek(k), Tok::P(P::RBrack) | Tok::Eof) {
            k += 1;
        }
        self.peek(k + 1) == Tok::P(P::LParen)
    }

    fn instances(&mut self) -> Option<ItemKind> {
        let module = self.ident("name of a module")?;
        let mut params = vec![];
        if self.eat(P::Hash) {
            if self.is(P::LParen) {
                params = self.connections();
            } else {
                // `#5`: one value without parentheses.
                let span = self.span();
                let value = self.primary_expr();
                params.push(Connection { name: None, is_system: false, value: Some(value), span });
            }
        }
        let mut list = vec![];
        loop {
            let start = self.span();
            let Some(name) = self.new_name("name of the instance") else {
                self.recover();
                break;
            };
            let range = if self.is(P::LBrack) { self.range() } else { None };
            let ports = if self.is(P::LParen) { self.connections() } else { vec![] };
            let kind = ItemKind::Instance(Instance {
                module,
                params: params.clone(),
                name,
                range,
                ports,
                is_transparent: false,
            });
            list.push(Item { kind, attrs: vec![], span: self.from(start) });
            if !self.eat(P::Comma) {
                break;
            }
        }
        self.end_of_item();
        Some(if list.len() == 1 { list.remove(0).kind } else { ItemKind::Generate(list) })
    }

    /// `(.a(x), .b(y))`, `(x, y)`.
    fn connections(&mut self) -> Vec<Connection> {
        let mut list = vec![];
        self.bump();
        if self.eat(P::RParen) {
            return list;
        }
        loop {
            let start = self.span();
            let _ = self.attributes();
            if self.eat(P::Dot) {
                let (name, is_system) = match self.tok() {
                    Tok::Ident(n) => (n, false),
                    Tok::System(n) => (n, true),
                    _ => {
                        self.expected("a name after `.`");
                        break;
                    }
                };
                let name = Ident { name, span: self.span() };
                self.bump();
                let mut value = None;
                if self.expect(P::LParen) {
                    if !self.is(P::RParen) {
                        value = Some(self.expr());
                    }
                    self.expect(P::RParen);
                }
                list.push(Connection { name: Some(name), is_system, value, span: self.from(start) });
            } else if matches!(self.tok(), Tok::P(P::Comma | P::RParen)) {
                list.push(Connection { name: None, is_system: false, value: None, span: start });
            } else {
                let value = Some(self.expr());
                list.push(Connection { name: None, is_system: false, value, span: self.from(start) });
            }
            if !self.eat(P::Comma) {
                break;
            }
        }
        if !self.expect(P::RParen) {
            while !matches!(self.tok(), Tok::Eof | Tok::P(P::Semi | P::RParen)) {
                self.bump();
            }
            self.eat(P::RParen);
        }
        list
    }
}
