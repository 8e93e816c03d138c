//! Controlled and behavioural sources: E F G H in all their forms, B, and R, C, L with expressions of signals.
//!
//! POLY, VALUE and TABLE become expressions and so behavioural sources; LAPLACE becomes a transfer function.
//! `POLY(n) x1..xn p0 p1 ...` is p0 + p1 x1 + .. + pn xn + p(n+1) x1² + p(n+2) x1 x2 + ..: the coefficients belong to the
//! products of the inputs in order of degree, within a degree lexically (Vladimirescu, "The SPICE Book", 1994, 4.3).

use std::rc::Rc;
use std::sync::Arc;

use super::draft::Draft;
use super::elab::Elab;
use super::models::instance_param;
use super::rational::Rational;
use super::scope::Scope;
use super::text::Fields;
use crate::base::Sym;
use crate::device::{ParamKind, Value, param};
use crate::diag::codes::circuit as codes;
use crate::diag::{Diagnostic, Span};
use crate::expr::Expr;
use crate::expr::ast::{BinaryOp, ExprKind};
use crate::netlist::ast::{Element, Field, FieldKind};

const VALUE_KEYS: &[&str] = &["value", "vol", "cur", "v", "i"];

fn expr(kind: ExprKind, span: Span) -> Expr {
    Expr { kind, span }
}

fn binary(op: BinaryOp, a: Expr, b: Expr, span: Span) -> Expr {
    expr(ExprKind::Binary(op, Box::new(a), Box::new(b)), span)
}

/// Exponents of the products of `n` inputs in the order of POLY's coefficients: the first `count`.
fn poly_terms(n: usize, count: usize) -> Vec<Vec<usize>> {
    let mut terms: Vec<Vec<usize>> = vec![vec![]];
    let mut degree_start = 0;
    while terms.len() < count && n > 0 {
        let end = terms.len();
        // Each product of the last degree times every input not before its own last one.
        for k in degree_start..end {
            let first = terms[k].last().copied().unwrap_or(0);
            for i in first..n {
                let mut t = terms[k].clone();
                t.push(i);
                terms.push(t);
            }
        }
        // Lexical order holds by construction.
        degree_start = end;
    }
    terms.truncate(count);
    terms
}

impl<'a> Elab<'a> {
    /// Is an E or G element more than a linear source?
    pub fn is_nonlinear(&self, e: &Element) -> bool {
        let fields = Fields::of(self.deck, e.fields);
        fields.all.iter().any(|f| match f.kind {
            FieldKind::Key => {
                VALUE_KEYS.contains(&self.deck.names.get(f.sym))
                    || matches!(self.deck.names.get(f.sym), "table" | "laplace" | "poly")
            }
            FieldKind::Word => {
                matches!(self.deck.names.get(f.sym), "poly" | "value" | "table" | "laplace" | "freq" | "vol" | "cur")
            }
            _ => false,
        })
    }

    pub fn controlled_type(&self, e: &Element, letter: u8) -> &'static str {
        let fields = Fields::of(self.deck, e.fields);
        let laplace = fields
            .all
            .iter()
            .any(|f| matches!(f.kind, FieldKind::Word | FieldKind::Key) && self.deck.names.get(f.sym) == "laplace");
        let is_voltage = matches!(letter, b'e' | b'h');
        match (letter, laplace, self.is_nonlinear(e)) {
            (_, true, _) if is_voltage => "laplace_v",
            (_, true, _) => "laplace_i",
            (_, _, true) if is_voltage => "bsource_v",
            (_, _, true) => "bsource_i",
            (b'f', ..) => "cccs",
            (b'h', ..) => "ccvs",
            (b'e', ..) => "vcvs",
            _ => "vccs",
        }
    }

    /// `E1 a b c d gain`
    pub fn linear_controlled(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element, full: Sym, letter: u8) {
        let Some(ty) = self.device(scope, e, if letter == b'e' { "vcvs" } else { "vccs" }) else { return };
        let fields = Fields::of(self.deck, e.fields);
        let split = fields.first_key();
        // Parentheses and HSPICE's type word say nothing.
        let words: Vec<Field> = fields.all[..split]
            .iter()
            .enumerate()
            .filter(|(i, f)| {
                let is_type_word = *i == 2 && matches!(self.deck.names.get(f.sym), "vcvs" | "vccs");
                !is_type_word && !matches!(f.kind, FieldKind::Open | FieldKind::Close | FieldKind::Comma)
            })
            .map(|(_, f)| *f)
            .collect();
        let Some(nodes) = self.nodes_of(scope, e, &words, ty.info()) else { return self.mark(full, &ty) };
        let rest: Vec<Field> = words.get(nodes.len()..).unwrap_or(&[]).to_vec();
        let mut draft = Draft::new(ty.clone());
        draft.nodes = nodes;
        let ok = self.gain(scope, e, &rest, &mut draft) & self.keys(scope, e, &fields.keyed(split), &mut draft);
        if ok && self.has_gain(scope, e, &draft) { self.emit(scope, e, full, draft) } else { self.mark(full, &ty) }
    }

    fn has_gain(&mut self, scope: &Scope<'a>, e: &Element, draft: &Draft) -> bool {
        let given = draft.ty.info().positional.is_some_and(|p| draft.params.iter().any(|(i, _)| *i == p));
        if !given {
            let name = self.deck.names.get(e.name);
            self.report_in(
                scope,
                Diagnostic::error(codes::MISSING, format!("`{name}` has no gain"))
                    .at(e.span(), "a value is needed after the nodes"),
            );
        }
        given
    }

    fn gain(&mut self, scope: &Rc<Scope<'a>>, e: &Element, rest: &[Field], draft: &mut Draft) -> bool {
        let Some(first) = rest.first() else { return true };
        let Some(id) = draft.ty.info().positional else { return false };
        if let Some(extra) = rest.get(1) {
            let at = Span::new(e.file, extra.lo, extra.hi);
            let text = self.sources.text(at).to_string();
            self.report_in(
                scope,
                Diagnostic::error(codes::UNEXPECTED, format!("`{text}` after the gain is not understood"))
                    .at(at, "too many fields"),
            );
            return false;
        }
        match self.number(scope, e.file, first) {
            Some(x) => {
                draft.set(id, Value::Num(x));
                true
            }
            None => false,
        }
    }

    /// E F G H that read signals or branches: nonlinear forms, and linear F and H.
    pub fn controlled(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element, full: Sym, letter: u8) {
        let name = self.controlled_type(e, letter);
        let Some(ty) = self.device(scope, e, name) else { return };
        let mut draft = Draft::new(ty.clone());
        let fields = Fields::of(self.deck, e.fields);
        let Some(head) = fields.all.get(..2).filter(|h| h.iter().all(|f| f.kind == FieldKind::Word)) else {
            let given = fields.all.iter().take_while(|f| f.kind == FieldKind::Word).count();
            self.wrong_nodes(scope, e, fields.all, ty.info(), given);
            return;
        };
        for f in head {
            let n = self.node(scope, f.sym);
            draft.nodes.push(n);
        }
        let body = &fields.all[2..];
        let ok = match name {
            "cccs" | "ccvs" => self.linear_current(scope, e, body, &mut draft),
            "laplace_v" | "laplace_i" => self.laplace(scope, e, body, &mut draft),
            _ => self.nonlinear(scope, e, body, letter, &mut draft),
        };
        if ok {
            self.emit(scope, e, full, draft)
        }
    }

    /// `F1 a b vname gain`
    fn linear_current(&mut self, scope: &Rc<Scope<'a>>, e: &Element, body: &[Field], draft: &mut Draft) -> bool {
        let fields = Fields { all: body };
        let split = fields.first_key();
        let words: Vec<Field> = body[..split]
            .iter()
            .enumerate()
            .filter(|(i, f)| {
                let is_type_word = *i == 0 && matches!(self.deck.names.get(f.sym), "cccs" | "ccvs");
                !is_type_word && !matches!(f.kind, FieldKind::Open | FieldKind::Close | FieldKind::Comma)
            })
            .map(|(_, f)| *f)
            .collect();
        let Some((control, rest)) = words.split_first() else {
            let name = self.deck.names.get(e.name);
            let d = Diagnostic::error(codes::MISSING, format!("`{name}` has no controlling element"))
                .at(e.span(), "write `F1 a b Vsense gain`");
            self.report_in(scope, d);
            return false;
        };
        let Some(s) = self.control_branch(scope, e, control) else { return false };
        draft.refs.push(s);
        let keyed: Vec<(&Field, &[Field])> = fields.keyed(split);
        let ok = self.gain(scope, e, rest, draft) & self.keys(scope, e, &keyed, draft);
        ok && self.has_gain(scope, e, draft)
    }

    fn nonlinear(&mut self, scope: &Rc<Scope<'a>>, e: &Element, body: &[Field], letter: u8, draft: &mut Draft) -> bool {
        let word = |i: usize| {
            body.get(i)
                .filter(|f| matches!(f.kind, FieldKind::Word | FieldKind::Key))
                .map(|f| self.deck.names.get(f.sym))
        };
        let start = usize::from(matches!(word(0), Some("vcvs" | "vccs" | "cccs" | "ccvs")));
        let at = body.get(start).map_or(e.span(), |f| Span::new(e.file, f.lo, f.hi));
        let (value, used) = match word(start) {
            Some("poly") => match self.poly(scope, e, &body[start + 1..], letter, at) {
                Some((x, n)) => (x, start + 1 + n),
                None => return false,
            },
            Some("table") => match self.table(scope, e, &body[start + 1..], at) {
                Some((x, n)) => (x, start + 1 + n),
                None => return false,
            },
            Some("freq") => {
                let d = Diagnostic::error(codes::NOT_SUPPORTED, "FREQ tables are not supported").at(at, "here");
                self.report_in(scope, d.help("write the response as LAPLACE {input} = {rational function of s}"));
                return false;
            }
            _ => {
                // `value={..}`, `value {..}`, `vol='..'`
                let Some(k) = body.iter().position(|f| {
                    matches!(f.kind, FieldKind::Key | FieldKind::Word)
                        && VALUE_KEYS.contains(&self.deck.names.get(f.sym))
                }) else {
                    let name = self.deck.names.get(e.name);
                    self.report_in(
                        scope,
                        Diagnostic::error(codes::MISSING, format!("`{name}` has no value"))
                            .at(e.span(), "VALUE={expression} is needed"),
                    );
                    return false;
                };
                let (a, b) = self.run_after(e, &body[k + 1..], draft);
                let run = &body[k + 1 + a..k + 1 + b];
                let Some(x) = self.expr_of_run(scope, e.file, run) else {
                    if run.is_empty() {
                        self.report_in(
                            scope,
                            Diagnostic::error(codes::MISSING, "VALUE has no expression")
                                .at(at, "an expression is needed"),
                        );
                    }
                    return false;
                };
                ((*x).clone(), k + 1 + b)
            }
        };
        let Some(program) = self.compile(scope, &value) else { return false };
        let Some(id) = draft.ty.info().positional else { return false };
        draft.set(id, Value::Expr(Arc::new(program)));
        let rest = Fields { all: body.get(used..).unwrap_or(&[]) };
        let keyed: Vec<(&Field, &[Field])> = rest.keyed(0);
        self.keys(scope, e, &keyed, draft)
    }

    /// The run of fields that is the expression after a key: up to the next key that the device knows.
    fn run_after(&self, e: &Element, fields: &[Field], draft: &Draft) -> (usize, usize) {
        let start = usize::from(fields.first().is_some_and(|f| f.kind == FieldKind::Symbol));
        if fields.get(start).is_some_and(|f| f.kind == FieldKind::Expr)
            && fields.get(start + 1).is_none_or(|f| f.kind == FieldKind::Key)
        {
            return (start, start + 1);
        }
        let mut depth = 0usize;
        let mut end = start;
        for f in fields.get(start..).unwrap_or(&[]) {
            match f.kind {
                FieldKind::Open => depth += 1,
                FieldKind::Close => depth = depth.saturating_sub(1),
                FieldKind::Key
                    if depth == 0 && {
                        let key = self.deck.names.get(f.sym);
                        instance_param(draft.ty.info(), key).is_some() || self.is_parasitic(e, key)
                    } =>
                {
                    break;
                }
                _ => {}
            }
            end += 1;
        }
        (start, end)
    }

    /// After `poly`: `(n) inputs coefficients`. Returns the expression and the fields used.
    fn poly(
        &mut self,
        scope: &Rc<Scope<'a>>,
        e: &Element,
        fields: &[Field],
        letter: u8,
        at: Span,
    ) -> Option<(Expr, usize)> {
        let end = Fields { all: fields }.first_key();
        let mut plain: Vec<&Field> = fields[..end]
            .iter()
            .filter(|f| !matches!(f.kind, FieldKind::Open | FieldKind::Close | FieldKind::Comma | FieldKind::Symbol))
            .collect();
        if plain.is_empty() {
            self.report_in(scope, Diagnostic::error(codes::MISSING, "POLY has no dimension").at(at, "write POLY(1)"));
            return None;
        }
        let n = self.number(scope, e.file, plain.remove(0))?;
        if !(1.0..=64.0).contains(&n) || n.fract() != 0.0 {
            self.report_in(
                scope,
                Diagnostic::error(codes::POLY, format!("POLY({n}) is not a dimension"))
                    .at(at, "a whole number from 1 to 64"),
            );
            return None;
        }
        let n = n as usize;
        let is_current = matches!(letter, b'f' | b'h');
        let inputs = if is_current { n } else { 2 * n };
        if plain.len() <= inputs {
            let what = if is_current { "controlling elements" } else { "controlling nodes" };
            let d = Diagnostic::error(
                codes::POLY,
                format!("POLY({n}) needs {inputs} {what} and then coefficients; {} fields are given", plain.len()),
            );
            self.report_in(scope, d.at(at, "here"));
            return None;
        }
        let name_of =
            |f: &Field| expr(ExprKind::Name(self.deck.names.get(f.sym).to_string()), Span::new(e.file, f.lo, f.hi));
        let x: Vec<Expr> = if is_current {
            plain[..n].iter().map(|f| expr(ExprKind::Call("i".into(), vec![name_of(f)]), at)).collect()
        } else {
            plain[..2 * n]
                .chunks(2)
                .map(|p| expr(ExprKind::Call("v".into(), vec![name_of(p[0]), name_of(p[1])]), at))
                .collect()
        };
        let mut coef = vec![];
        for f in &plain[inputs..] {
            coef.push(self.number(scope, e.file, f)?);
        }
        // A single coefficient of a one-dimensional polynomial is the gain.
        if n == 1 && coef.len() == 1 {
            coef.insert(0, 0.0);
        }
        let mut sum: Option<Expr> = None;
        for (c, term) in coef.iter().zip(poly_terms(n, coef.len())) {
            if *c == 0.0 {
                continue;
            }
            let mut t = expr(ExprKind::Number(*c), at);
            for i in term {
                t = binary(BinaryOp::Mul, t, x.get(i)?.clone(), at);
            }
            sum = Some(match sum {
                None => t,
                Some(s) => binary(BinaryOp::Add, s, t, at),
            });
        }
        Some((sum.unwrap_or_else(|| expr(ExprKind::Number(0.0), at)), end))
    }

    /// After `table`: `{expr} = (x,y) (x,y) ...`.
    fn table(&mut self, scope: &Rc<Scope<'a>>, e: &Element, fields: &[Field], at: Span) -> Option<(Expr, usize)> {
        let end = Fields { all: fields }.first_key();
        let body = &fields[..end];
        let Some(k) = body.iter().position(|f| f.kind == FieldKind::Expr) else {
            self.report_in(
                scope,
                Diagnostic::error(codes::MISSING, "TABLE has no input").at(at, "write TABLE {v(a)} = (0,0) (1,2)"),
            );
            return None;
        };
        let input = self.expr_at(scope, e.file, &body[k])?;
        let mut args = vec![(*input).clone()];
        for f in &body[k + 1..] {
            if matches!(f.kind, FieldKind::Word | FieldKind::Expr) {
                let x = self.number(scope, e.file, f)?;
                args.push(expr(ExprKind::Number(x), Span::new(e.file, f.lo, f.hi)));
            }
        }
        if args.len() < 3 || args.len() % 2 == 0 {
            let d =
                Diagnostic::error(codes::TABLE, format!("TABLE needs pairs of numbers, and has {}", args.len() - 1));
            self.report_in(scope, d.at(at, "here"));
            return None;
        }
        let xs: Vec<f64> = args
            .iter()
            .skip(1)
            .step_by(2)
            .filter_map(|a| if let ExprKind::Number(x) = a.kind { Some(x) } else { None })
            .collect();
        if xs.windows(2).any(|w| w[1] <= w[0]) {
            self.report_in(
                scope,
                Diagnostic::error(codes::TABLE, "the inputs of a TABLE must increase").at(at, "here"),
            );
            return None;
        }
        Some((expr(ExprKind::Call("table".into(), args), at), end))
    }

    /// `LAPLACE {input} = {rational function of s}`
    fn laplace(&mut self, scope: &Rc<Scope<'a>>, e: &Element, body: &[Field], draft: &mut Draft) -> bool {
        let mut exprs = body.iter().filter(|f| matches!(f.kind, FieldKind::Expr));
        let (Some(input), Some(transfer)) = (exprs.next(), exprs.next()) else {
            let d = Diagnostic::error(codes::MISSING, "LAPLACE needs an input and a transfer function");
            self.report_in(scope, d.at(e.span(), "write LAPLACE {v(a)} = {1/(1+s*1u)}"));
            return false;
        };
        let (Some(x), Some(h)) = (self.expr_at(scope, e.file, input), self.expr_at(scope, e.file, transfer)) else {
            return false;
        };
        let Some(program) = self.compile(scope, &x) else { return false };
        let Some(h) = self.rational(scope, &h) else { return false };
        if h.den.iter().all(|c| *c == 0.0) {
            self.report_in(
                scope,
                Diagnostic::error(codes::LAPLACE, "the denominator of the transfer function is zero")
                    .at(Span::new(e.file, transfer.lo, transfer.hi), "here"),
            );
            return false;
        }
        let info = *draft.ty.info();
        for (name, v) in [
            ("input", Value::Expr(Arc::new(program))),
            ("num", Value::Vector(h.num.into())),
            ("den", Value::Vector(h.den.into())),
        ] {
            if let Some(id) = param::find(info.instance, name) {
                draft.set(id, v);
            }
        }
        let rest = Fields { all: body };
        let keyed: Vec<(&Field, &[Field])> =
            rest.keyed(0).into_iter().filter(|(k, _)| self.deck.names.get(k.sym) != "laplace").collect();
        self.keys(scope, e, &keyed, draft)
    }

    /// Reads an expression as a quotient of polynomials of `s`.
    fn rational(&mut self, scope: &Rc<Scope<'a>>, x: &Expr) -> Option<Rational> {
        let not_rational = |el: &mut Self, span: Span| {
            let d = Diagnostic::error(codes::LAPLACE, "the transfer function is not a quotient of polynomials of s")
                .at(span, "this part");
            el.report_in(scope, d.help("only + - * / and whole powers of s can be realised in a transient"));
            None
        };
        if !mentions_s(x) {
            return self.constant(scope, x).map(Rational::constant);
        }
        match &x.kind {
            ExprKind::Name(_) => Some(Rational::s()),
            ExprKind::Unary(crate::expr::ast::UnaryOp::Neg, a) => Some(self.rational(scope, a)?.scale(-1.0)),
            ExprKind::Binary(op, a, b) => match op {
                BinaryOp::Pow => {
                    let n = self.constant(scope, b)?;
                    if n.fract() != 0.0 || n.abs() > 32.0 {
                        return not_rational(self, x.span);
                    }
                    self.rational(scope, a)?.powi(n as i32)
                }
                _ => {
                    let (p, q) = (self.rational(scope, a)?, self.rational(scope, b)?);
                    match op {
                        BinaryOp::Add => Some(p.add(&q)),
                        BinaryOp::Sub => Some(p.add(&q.scale(-1.0))),
                        BinaryOp::Mul => Some(p.mul(&q)),
                        BinaryOp::Div => Some(p.mul(&q.invert())),
                        _ => not_rational(self, x.span),
                    }
                }
            },
            _ => not_rational(self, x.span),
        }
    }

    /// `B1 a b v={...}` or `i={...}`
    pub fn behavioural(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element, full: Sym) {
        let fields = Fields::of(self.deck, e.fields);
        let has = |k: &str| fields.all.iter().any(|f| f.kind == FieldKind::Key && self.deck.names.get(f.sym) == k);
        let name = if has("i") { "bsource_i" } else { "bsource_v" };
        if has("i") && has("v") {
            let d = Diagnostic::error(codes::UNEXPECTED, "a B source gives either `v=` or `i=`, not both");
            return self.report_in(scope, d.at(e.span(), "both are given"));
        }
        if !has("i") && !has("v") {
            let d = Diagnostic::error(codes::MISSING, "a B source needs `v=` or `i=`");
            return self.report_in(scope, d.at(e.span(), "neither is given"));
        }
        self.expression_element(scope, e, full, name);
    }

    pub fn expression_passive(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element, full: Sym, letter: u8) {
        let name = match letter {
            b'r' => "rexpr",
            b'c' => "cexpr",
            _ => "lexpr",
        };
        self.expression_element(scope, e, full, name);
    }

    /// Two nodes, an optional positional expression, and keys some of which are expressions.
    fn expression_element(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element, full: Sym, name: &str) {
        let Some(ty) = self.device(scope, e, name) else { return };
        let info = *ty.info();
        let mut draft = Draft::new(ty.clone());
        let fields = Fields::of(self.deck, e.fields);
        let head = fields.all.get(..2.min(fields.first_key())).unwrap_or(&[]);
        let Some(nodes) = self.nodes_of(scope, e, head, &info) else { return };
        draft.nodes = nodes;
        let body = fields.all.get(2..).unwrap_or(&[]);
        let mut i = 0;
        let mut ok = true;
        while let Some(f) = body.get(i) {
            let at = Span::new(e.file, f.lo, f.hi);
            let text = self.deck.names.get(f.sym);
            let (id, spec, start) = match f.kind {
                FieldKind::Key => match instance_param(&info, text) {
                    Some((id, spec)) => (id, spec, i + 1),
                    None => {
                        match self.parasitic(scope, e, f, body.get(i + 1)) {
                            Some(is_right) => ok &= is_right,
                            None => {
                                self.unknown_instance_param(scope, &info, text, at);
                                ok = false;
                            }
                        }
                        i += 2;
                        continue;
                    }
                },
                FieldKind::Expr if info.positional.is_some() => {
                    let id = info.positional.unwrap_or(0);
                    (id, info.instance[id as usize], i)
                }
                _ => {
                    let shown = self.sources.text(at).to_string();
                    self.report_in(
                        scope,
                        Diagnostic::error(codes::UNEXPECTED, format!("`{shown}` is not understood here"))
                            .at(at, "not expected"),
                    );
                    ok = false;
                    i += 1;
                    continue;
                }
            };
            let (a, b) = if f.kind == FieldKind::Key { self.run_after(e, &body[start..], &draft) } else { (0, 1) };
            let run = body.get(start + a..start + b).unwrap_or(&[]);
            i = start + b.max(1);
            if spec.kind == ParamKind::Expr {
                let program = self.expr_of_run(scope, e.file, run).and_then(|x| self.compile(scope, &x));
                match program {
                    Some(p) => draft.set(id, Value::Expr(Arc::new(p))),
                    None => {
                        if run.is_empty() {
                            self.report_in(
                                scope,
                                Diagnostic::error(codes::MISSING, format!("`{text}` has no value"))
                                    .at(at, "an expression is needed"),
                            );
                        }
                        ok = false;
                    }
                }
            } else {
                match self.param_value(scope, e.file, &spec, at, run) {
                    Some(v) => draft.set(id, v),
                    None => ok = false,
                }
            }
        }
        if ok {
            self.emit(scope, e, full, draft)
        }
    }
}

fn mentions_s(x: &Expr) -> bool {
    match &x.kind {
        ExprKind::Number(_) => false,
        ExprKind::Name(n) => n == "s",
        ExprKind::Call(_, args) => args.iter().any(mentions_s),
        ExprKind::Unary(_, a) => mentions_s(a),
        ExprKind::Binary(_, a, b) => mentions_s(a) || mentions_s(b),
        ExprKind::Select(c, a, b) => mentions_s(c) || mentions_s(a) || mentions_s(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_poly_terms() {
        assert_eq!(poly_terms(1, 4), [vec![], vec![0], vec![0, 0], vec![0, 0, 0]]);
        assert_eq!(poly_terms(2, 7), [vec![], vec![0], vec![1], vec![0, 0], vec![0, 1], vec![1, 1], vec![0, 0, 0]]);
        assert_eq!(poly_terms(3, 10)[4..], [vec![0, 0], vec![0, 1], vec![0, 2], vec![1, 1], vec![1, 2], vec![2, 2]]);
    }
}
