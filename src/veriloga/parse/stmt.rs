//! Statements.

use super::Parser;
use crate::diag::codes::veriloga as code;
use crate::diag::{Diagnostic, Span};
use crate::veriloga::ast::{Block, CaseArm, EventExpr, Ex, ExprKind, For, Ident, Stmt, StmtKind};
use crate::veriloga::text::Tok;
use crate::veriloga::text::names::kw;
use crate::veriloga::text::token::P;

impl Parser<'_> {
    pub(super) fn stmt(&mut self) -> Stmt {
        let start = self.span();
        match self.deeper(|p| p.stmt_here()) {
            Some(kind) => Stmt { kind, span: self.from(start) },
            None => Stmt { kind: StmtKind::Missing, span: start },
        }
    }

    fn stmt_here(&mut self) -> StmtKind {
        let _ = self.attributes();
        let start = self.span();
        match self.tok() {
            Tok::P(P::Semi) => {
                self.bump();
                StmtKind::Null
            }
            Tok::Ident(kw::BEGIN) => StmtKind::Block(self.block()),
            Tok::Ident(kw::IF) => self.if_stmt(),
            Tok::Ident(kw::CASE | kw::CASEX | kw::CASEZ) => self.case_stmt(),
            Tok::Ident(kw::FOR) => match self.for_stmt() {
                Some(f) => StmtKind::For(f),
                None => StmtKind::Missing,
            },
            Tok::Ident(kw::WHILE) => {
                self.bump();
                let cond = self.parenthesized();
                StmtKind::While(cond, Box::new(self.stmt()))
            }
            Tok::Ident(kw::REPEAT) => {
                self.bump();
                let count = self.parenthesized();
                StmtKind::Repeat(count, Box::new(self.stmt()))
            }
            Tok::P(P::At) => self.event_stmt(),
            // `generate ... endgenerate` around statements: Verilog-A 1.0.
            Tok::Ident(kw::GENERATE) => self.generate_stmt(),
            Tok::System(_) => {
                let e = self.primary_expr();
                self.end_of_statement();
                StmtKind::Call(e)
            }
            // A macro that is not defined, alone or as the start of a statement.
            Tok::Missing => {
                self.bump();
                if !matches!(self.tok(), Tok::Ident(_) | Tok::System(_) | Tok::P(P::At)) {
                    self.recover();
                }
                StmtKind::Missing
            }
            Tok::P(P::Hash) => {
                self.unsupported(
                    start,
                    "delays are statements of digital Verilog",
                    "in an analog block use `absdelay`, `transition` or `@(timer(...))`",
                );
                self.recover();
                StmtKind::Missing
            }
            Tok::P(P::Arrow) => {
                self.unsupported(start, "named events are digital and not supported", "");
                self.recover();
                StmtKind::Missing
            }
            Tok::Ident(n) if !super::is_reserved(n) || matches!(n, kw::POTENTIAL | kw::FLOW) => self.ident_stmt(),
            _ => {
                self.expected("a statement");
                let at = self.at;
                self.recover();
                if self.at == at
                    && !matches!(self.tok(), Tok::Ident(kw::END | kw::ENDMODULE | kw::ENDCASE | kw::ENDFUNCTION))
                {
                    self.bump();
                }
                StmtKind::Missing
            }
        }
    }

    fn end_of_statement(&mut self) {
        if !self.expect(P::Semi) && !self.starts_line() {
            self.recover();
        }
    }

    /// The current token is the first of its line: a statement very likely starts there, and only `;` was forgotten.
    pub(super) fn starts_line(&self) -> bool {
        let (now, last) = (self.span(), self.last_span());
        let line = |s: Span| {
            let root = self.sources.root(s);
            self.sources.line_col(root).map(|l| (root.file, l.0))
        };
        line(now) != line(last)
    }

    fn parenthesized(&mut self) -> Ex {
        let start = self.span();
        if !self.expect(P::LParen) {
            return self.add(ExprKind::Missing, start);
        }
        let e = self.expr();
        if !self.expect(P::RParen) {
            while !matches!(self.tok(), Tok::Eof | Tok::P(P::Semi | P::RParen))
                && !matches!(self.tok(), Tok::Ident(n) if super::is_boundary(n))
            {
                self.bump();
            }
            self.eat(P::RParen);
        }
        e
    }

    pub(super) fn block(&mut self) -> Block {
        let open = self.span();
        self.bump();
        let mut name = None;
        // `begin (* ... *)` and `begin : name`.
        let _ = self.attributes();
        if self.eat(P::Colon) {
            name = self.new_name("name of the block");
            self.eat(P::Semi);
        }
        let mut items = vec![];
        let mut stmts = vec![];
        loop {
            match self.tok() {
                Tok::Ident(kw::END) => {
                    self.bump();
                    // `end : name` of SystemVerilog.
                    if self.is(P::Colon) && matches!(self.peek(1), Tok::Ident(_)) {
                        self.bump();
                        self.bump();
                    }
                    break;
                }
                Tok::Eof | Tok::Ident(kw::ENDMODULE | kw::ENDFUNCTION | kw::MODULE | kw::ANALOG) => {
                    let found = self.found();
                    let span = self.span();
                    self.report(
                        Diagnostic::error(code::SYNTAX, format!("expected `end`, found {found}"))
                            .at(span, "")
                            .at(open, "this `begin` is not closed"),
                    );
                    break;
                }
                _ => {}
            }
            let before = self.at;
            if self.is_declaration() {
                if let Some(item) = self.block_item() {
                    items.push(item);
                }
            } else {
                stmts.push(self.stmt());
            }
            if self.at == before {
                self.bump();
            }
        }
        Block { name, items, stmts }
    }

    /// A declaration of variables or parameters in a block (attributes in front are looked through).
    pub(super) fn is_declaration(&self) -> bool {
        let mut k = 0;
        while self.peek(k) == Tok::P(P::AttrOpen) {
            while !matches!(self.peek(k), Tok::P(P::AttrClose) | Tok::Eof) {
                k += 1;
            }
            k += 1;
        }
        matches!(
            self.peek(k),
            Tok::Ident(
                kw::REAL | kw::INTEGER | kw::STRING | kw::REALTIME | kw::PARAMETER | kw::LOCALPARAM | kw::GENVAR
            )
        )
    }

    fn if_stmt(&mut self) -> StmtKind {
        self.bump();
        let cond = self.parenthesized();
        let then = Box::new(self.stmt());
        let otherwise = if self.eat_word(kw::ELSE) { Some(Box::new(self.stmt())) } else { None };
        StmtKind::If(cond, then, otherwise)
    }

    fn case_stmt(&mut self) -> StmtKind {
        let open = self.span();
        self.bump();
        let selector = self.parenthesized();
        let mut arms = vec![];
        loop {
            match self.tok() {
                Tok::Ident(kw::ENDCASE) => {
                    self.bump();
                    break;
                }
                Tok::Eof | Tok::Ident(kw::ENDMODULE | kw::END | kw::ENDFUNCTION) => {
                    let found = self.found();
                    let span = self.span();
                    self.report(
                        Diagnostic::error(code::SYNTAX, format!("expected `endcase`, found {found}"))
                            .at(span, "")
                            .at(open, "this `case` is not closed"),
                    );
                    break;
                }
                _ => {}
            }
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
                if !self.expect(P::Colon) {
                    self.recover();
                    if self.at == before {
                        self.bump();
                    }
                    continue;
                }
            }
            arms.push(CaseArm { values, body: self.stmt() });
            if self.at == before {
                self.bump();
            }
        }
        StmtKind::Case(selector, arms)
    }

    /// `for (i = 0; i < n; i = i + 1) statement`
    pub(super) fn for_head(&mut self) -> Option<(Ex, Ex, Ex, Ex, Ex)> {
        self.bump();
        if !self.expect(P::LParen) {
            return None;
        }
        self.eat_word(kw::GENVAR);
        let var = self.primary_expr();
        if !self.expect(P::Assign) {
            return None;
        }
        let init = self.expr();
        self.expect(P::Semi);
        let cond = self.expr();
        self.expect(P::Semi);
        let step_var = self.primary_expr();
        let step = match self.increment(step_var) {
            Some(e) => e,
            None => {
                if !self.expect(P::Assign) {
                    return None;
                }
                self.expr()
            }
        };
        self.expect(P::RParen);
        Some((var, init, cond, step_var, step))
    }

    /// `i++`, `i--` of C, at the place of the step.
    fn increment(&mut self, var: Ex) -> Option<Ex> {
        let p = match (self.tok(), self.peek(1)) {
            (Tok::P(P::Plus), Tok::P(P::Plus)) => crate::veriloga::ast::Op::Add,
            (Tok::P(P::Minus), Tok::P(P::Minus)) => crate::veriloga::ast::Op::Sub,
            _ => return None,
        };
        let span = self.span();
        self.bump();
        self.bump();
        let text = self.sources.text(self.ast.expr(var).span).to_string();
        let sign = if p == crate::veriloga::ast::Op::Add { '+' } else { '-' };
        self.diags.push(
            Diagnostic::lint(code::DIALECT, "Verilog-A has no increment operator")
                .at(span, "")
                .help(format!("write `{text} = {text} {sign} 1`")),
        );
        let one = self.add(ExprKind::Int(1), span);
        Some(self.add(ExprKind::Binary(p, var, one), span))
    }

    fn for_stmt(&mut self) -> Option<For> {
        match self.for_head() {
            Some((var, init, cond, step_var, step)) => {
                let body = Box::new(self.stmt());
                Some(For { var, init, cond, step_var, step, body })
            }
            None => {
                self.recover();
                None
            }
        }
    }

    /// `generate for ...`, or the loop of Verilog-A 1.0: `generate i (start, end [, incr]) statement`.
    fn generate_stmt(&mut self) -> StmtKind {
        let start = self.span();
        self.lint(
            code::DIALECT,
            start,
            "`generate` in an analog block is a form of Verilog-A 1.0",
            "use a `for` loop with a genvar",
        );
        self.bump();
        if let (Tok::Ident(n), Tok::P(P::LParen)) = (self.tok(), self.peek(1))
            && !super::is_reserved(n)
        {
            let name = Ident { name: n, span: self.span() };
            let var = self.add(ExprKind::Path(vec![name]), name.span);
            self.bump();
            let args = self.args();
            let body = Box::new(self.stmt());
            let zero = |p: &mut Self| p.add(ExprKind::Missing, start);
            let first = args.first().copied().unwrap_or_else(|| zero(self));
            let last = args.get(1).copied().unwrap_or_else(|| zero(self));
            let one = self.add(ExprKind::Int(1), start);
            let by = args.get(2).copied().unwrap_or(one);
            use crate::veriloga::ast::Op;
            // Counts towards the end, whichever way that is, when no increment says otherwise.
            let down = args.len() == 2
                && matches!((&self.ast.expr(first).kind, &self.ast.expr(last).kind), (ExprKind::Int(a), ExprKind::Int(b)) if a > b)
                || matches!(self.ast.expr(by).kind, ExprKind::Unary(Op::Sub, _));
            let cond = self.add(ExprKind::Binary(if down { Op::Ge } else { Op::Le }, var, last), start);
            let step_op = if down && args.len() == 2 { Op::Sub } else { Op::Add };
            let step = self.add(ExprKind::Binary(step_op, var, by), start);
            return StmtKind::For(For { var, init: first, cond, step_var: var, step, body });
        }
        let mut stmts = vec![];
        while !matches!(self.tok(), Tok::Eof | Tok::Ident(kw::ENDGENERATE | kw::ENDMODULE | kw::END)) {
            let before = self.at;
            stmts.push(self.stmt());
            if self.at == before {
                self.bump();
            }
        }
        self.eat_word(kw::ENDGENERATE);
        StmtKind::Block(Block { name: None, items: vec![], stmts })
    }

    fn event_stmt(&mut self) -> StmtKind {
        let start = self.span();
        self.bump();
        let mut list = vec![];
        if self.eat(P::LParen) {
            loop {
                if self.eat(P::Star) {
                    self.unsupported(
                        start,
                        "`@(*)` is digital",
                        "analog events are initial_step, final_step, cross, above, timer",
                    );
                } else if let Some(e) = self.event_expr() {
                    list.push(e);
                } else {
                    break;
                }
                if !self.eat_word(kw::OR) && !self.eat(P::Comma) && !self.eat(P::OrOr) {
                    break;
                }
            }
            if !self.expect(P::RParen) {
                while !matches!(self.tok(), Tok::Eof | Tok::P(P::Semi | P::RParen)) && !self.starts_line() {
                    self.bump();
                }
                self.eat(P::RParen);
            }
        } else {
            if !std::mem::replace(&mut self.dialect.event_parens, true) {
                self.lint(code::DIALECT, start, "an event stands in parentheses", "write `@(initial_step)`");
            }
            list.extend(self.event_expr());
        }
        let body = Box::new(self.stmt());
        StmtKind::Event(list, body)
    }

    fn event_expr(&mut self) -> Option<EventExpr> {
        let start = self.span();
        let Tok::Ident(name) = self.tok() else {
            self.expected("an event");
            return None;
        };
        if matches!(name, kw::POSEDGE | kw::NEGEDGE) {
            self.unsupported(start, "edges of digital signals are not supported", "use `cross(V(x) - level, +1)`");
            self.bump();
            self.expr();
            return None;
        }
        self.bump();
        let args = if self.is(P::LParen) { self.args() } else { vec![] };
        Some(EventExpr { name: Ident { name, span: start }, args, span: self.from(start) })
    }

    /// Assignment, contribution, indirect assignment, call.
    fn ident_stmt(&mut self) -> StmtKind {
        if let (Tok::Ident(n), next) = (self.tok(), self.peek(1)) {
            let digital = matches!(n, kw::ASSIGN | kw::ALWAYS | kw::FOREVER | kw::WAIT | kw::DISABLE | kw::TASK)
                && !matches!(next, Tok::P(P::Assign | P::LBrack));
            let later =
                matches!(n, kw::RETURN | kw::BREAK | kw::CONTINUE) && !matches!(next, Tok::P(P::Assign | P::LBrack));
            if digital || later {
                let word = self.names.text(n).to_string();
                let span = self.span();
                let help = match n {
                    kw::RETURN => "assign to the function's name and let the body run to its end",
                    kw::BREAK | kw::CONTINUE => "put the condition into the loop's own",
                    _ => "",
                };
                self.unsupported(span, &format!("`{word}` is not supported in analog blocks"), help);
                self.recover();
                return StmtKind::Missing;
            }
        }
        let left = self.primary_expr();
        match self.tok() {
            Tok::P(P::Assign) => {
                self.bump();
                let right = self.expr();
                self.end_of_statement();
                StmtKind::Assign(left, right)
            }
            Tok::P(P::Contribute) => {
                self.bump();
                let right = self.expr();
                self.end_of_statement();
                StmtKind::Contribute(left, right)
            }
            Tok::P(P::Colon) => {
                self.bump();
                let equation = self.expr();
                self.end_of_statement();
                StmtKind::Indirect(left, equation)
            }
            Tok::P(P::Semi) if matches!(self.ast.expr(left).kind, ExprKind::Call(..)) => {
                self.bump();
                StmtKind::Call(left)
            }
            // `$ident` macros that expand to `f(x)` without semicolon are common enough to be forgiven at a line's end.
            Tok::P(P::Le) => {
                let span = self.span();
                let is_access = matches!(self.ast.expr(left).kind, ExprKind::Call(..));
                self.report(
                    Diagnostic::error(code::SYNTAX, "`<=` is not an assignment of analog blocks")
                        .at(span, "")
                        .help(if is_access { "a contribution is written `<+`" } else { "write `=`" }),
                );
                self.bump();
                let right = self.expr();
                self.end_of_statement();
                if is_access { StmtKind::Contribute(left, right) } else { StmtKind::Assign(left, right) }
            }
            Tok::P(p @ (P::Plus | P::Minus | P::Star | P::Slash)) if self.peek(1) == Tok::P(P::Assign) => {
                let span = self.span();
                let text = self.sources.text(self.ast.expr(left).span).to_string();
                self.report(
                    Diagnostic::error(code::SYNTAX, format!("Verilog-A has no `{}=`", p.text()))
                        .at(span, "")
                        .help(format!("write `{text} = {text} {} ...`", p.text())),
                );
                self.recover();
                StmtKind::Missing
            }
            Tok::Missing => {
                self.recover();
                StmtKind::Missing
            }
            _ => {
                let is_call = matches!(self.ast.expr(left).kind, ExprKind::Call(..));
                self.expected(if is_call { "`<+`" } else { "`=`" });
                if !self.starts_line() {
                    self.recover();
                }
                StmtKind::Missing
            }
        }
    }
}
