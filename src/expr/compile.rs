//! [`Expr`] to [`Program`], and constant evaluation: one walk does both, because whatever is constant is folded at once.
//!
//! Equal subexpressions share a register where both are sure to be evaluated. `.func` bodies are put in place; an
//! argument is evaluated once however often it is used.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use super::functions::{self, FUNCTIONS, Kind, RUNNING, Random};
use super::parser::is_signal;
use super::program::{Input, Ins, Points, Program, Reg, Scope, StateKind, StateOp, call_one, call_two, cut, test};
use crate::diag::codes::expr as codes;
use crate::diag::nearest::did_you_mean;
use crate::diag::{Diagnostic, Span};

/// Functions inside functions.
const MAX_CALLS: usize = 150;
/// Height of an expression after its functions are put in.
const MAX_DEPTH: usize = 1500;
/// Terms visited in all.
const MAX_WORK: usize = 2_000_000;

pub(super) fn program(expr: &Expr, scope: &mut dyn Scope) -> Result<Program, Vec<Diagnostic>> {
    let mut c = Compiler::new(scope, false);
    match c.expr(expr) {
        Ok(value) if c.faults.is_empty() => {
            let result = c.reg(value);
            let mut p = c.extract(result, expr.span);
            p.states = std::mem::take(&mut c.states);
            Ok(p)
        }
        _ => Err(c.faults),
    }
}

pub(super) fn constant(expr: &Expr, scope: &mut dyn Scope) -> Result<f64, Vec<Diagnostic>> {
    let mut c = Compiler::new(scope, true);
    match c.expr(expr) {
        Ok(Val::Num(x)) if c.faults.is_empty() => Ok(x),
        _ => Err(c.faults),
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Val {
    Num(f64),
    Reg(Reg),
}

/// What a formal argument of a `.func` stands for.
struct Actual {
    formal: String,
    /// The argument as a bare word: a node or element name for `v(formal)`, `i(formal)`.
    word: Option<String>,
    /// `None`: no value has that name, so it can only be a node or element.
    value: Option<Val>,
    span: Span,
}

/// The fault has been noted.
struct Noted;
type Res<T> = Result<T, Noted>;

struct Compiler<'s> {
    scope: &'s mut dyn Scope,
    /// No signals allowed, and faults of the arithmetic are errors.
    strict: bool,
    faults: Vec<Diagnostic>,
    code: Vec<Ins>,
    /// Condition's register of each `Phi` → its two jumps.
    jumps: Vec<(usize, [usize; 2])>,
    shared: HashMap<Ins, Reg>,
    /// Instructions of `shared`, in order, to be forgotten when the branch that holds them ends.
    journal: Vec<Ins>,
    inputs: Vec<Input>,
    states: Vec<StateOp>,
    tables: Vec<Arc<Points>>,
    /// Arguments of the function whose body is being compiled.
    frame: Rc<Vec<Actual>>,
    calls: usize,
    depth: usize,
    work: usize,
    /// A limit was passed: nothing more is looked at.
    gave_up: bool,
}

impl<'s> Compiler<'s> {
    fn new(scope: &'s mut dyn Scope, strict: bool) -> Self {
        Compiler {
            scope,
            strict,
            faults: Vec::new(),
            code: Vec::new(),
            jumps: Vec::new(),
            shared: HashMap::new(),
            journal: Vec::new(),
            inputs: Vec::new(),
            states: Vec::new(),
            tables: Vec::new(),
            frame: Rc::new(Vec::new()),
            calls: 0,
            depth: 0,
            work: 0,
            gave_up: false,
        }
    }

    fn fail<T>(&mut self, d: Diagnostic) -> Res<T> {
        // An argument that is used twice has its fault once.
        if !self.faults.contains(&d) {
            self.faults.push(d);
        }
        Err(Noted)
    }

    fn emit(&mut self, ins: Ins) -> Reg {
        if let Some(&r) = self.shared.get(&ins) {
            return r;
        }
        let r = self.code.len() as Reg;
        self.code.push(ins);
        self.shared.insert(ins, r);
        self.journal.push(ins);
        r
    }

    fn reg(&mut self, v: Val) -> Reg {
        match v {
            Val::Num(x) => self.emit(Ins::Const(x.to_bits())),
            Val::Reg(r) => r,
        }
    }

    /// Forgets what was shared since the journal had length `mark`.
    fn forget(&mut self, mark: usize) {
        for ins in self.journal.drain(mark..) {
            self.shared.remove(&ins);
        }
    }

    fn input(&mut self, input: Input) -> Val {
        let k = self.inputs.iter().position(|i| *i == input).unwrap_or_else(|| {
            self.inputs.push(input);
            self.inputs.len() - 1
        });
        Val::Reg(self.emit(Ins::Input(k as u16)))
    }

    fn expr(&mut self, e: &Expr) -> Res<Val> {
        if self.gave_up {
            return Err(Noted);
        }
        self.work += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH || self.work > MAX_WORK || self.inputs.len() >= usize::from(u16::MAX) {
            self.depth -= 1;
            self.gave_up = true;
            return self.fail(
                Diagnostic::error(codes::EXPR_TOO_LARGE, "expression is too large with its functions put in")
                    .at(e.span, "too deep or too long here")
                    .help("split it over several parameters"),
            );
        }
        let r = match &e.kind {
            ExprKind::Number(x) => Ok(Val::Num(*x)),
            ExprKind::Name(n) => self.name(n, e.span),
            ExprKind::Call(n, args) => self.call(n, args, e),
            ExprKind::Unary(op, a) => self.unary(*op, a),
            ExprKind::Binary(op, a, b) => self.binary(*op, a, b, e),
            ExprKind::Select(c, a, b) => self.select(c, a, b),
        };
        self.depth -= 1;
        r
    }

    fn unary(&mut self, op: UnaryOp, a: &Expr) -> Res<Val> {
        Ok(match (op, self.expr(a)?) {
            (UnaryOp::Neg, Val::Num(x)) => Val::Num(-x),
            (UnaryOp::Not, Val::Num(x)) => Val::Num(f64::from(x == 0.0)),
            (UnaryOp::Neg, Val::Reg(r)) => Val::Reg(self.emit(Ins::Neg(r))),
            (UnaryOp::Not, Val::Reg(r)) => Val::Reg(self.emit(Ins::Not(r))),
        })
    }

    fn binary(&mut self, op: BinaryOp, a: &Expr, b: &Expr, e: &Expr) -> Res<Val> {
        // Both sides first: the faults of both are wanted.
        let (a, b) = (self.expr(a), self.expr(b));
        let (a, b) = (a?, b?);
        match op {
            BinaryOp::Pow => return self.two("pow", a, b, e),
            BinaryOp::Rem => return self.two("mod", a, b, e),
            _ => {}
        }
        if let (Val::Num(x), Val::Num(y)) = (a, b) {
            let value = match op {
                BinaryOp::Add => x + y,
                BinaryOp::Sub => x - y,
                BinaryOp::Mul => x * y,
                BinaryOp::Div if self.strict && y == 0.0 => f64::NAN,
                BinaryOp::Div => {
                    if self.strict {
                        x / y
                    } else {
                        functions::divide(x, y)
                    }
                }
                _ => test(op, x, y),
            };
            return self.finite(value, e, || {
                if y == 0.0 && op == BinaryOp::Div {
                    "division by zero".into()
                } else {
                    format!("{x:e} {} {y:e}", op.symbol())
                }
            });
        }
        // x+0, x*1 and the like: bit for bit the same.
        match (op, a, b) {
            (BinaryOp::Add | BinaryOp::Sub, v, Val::Num(0.0)) | (BinaryOp::Mul | BinaryOp::Div, v, Val::Num(1.0)) => {
                return Ok(v);
            }
            (BinaryOp::Add, Val::Num(0.0), v) | (BinaryOp::Mul, Val::Num(1.0), v) => return Ok(v),
            _ => {}
        }
        let (a, b) = (self.reg(a), self.reg(b));
        Ok(Val::Reg(self.emit(match op {
            BinaryOp::Add => Ins::Add(a, b),
            BinaryOp::Sub => Ins::Sub(a, b),
            BinaryOp::Mul => Ins::Mul(a, b),
            BinaryOp::Div => Ins::Div(a, b),
            _ => Ins::Test(op, a, b),
        })))
    }

    /// A folded value; in a constant expression it must be finite.
    fn finite(&mut self, value: f64, e: &Expr, why: impl FnOnce() -> String) -> Res<Val> {
        if !self.strict {
            return Ok(Val::Num(cut(value)));
        }
        if value.is_finite() {
            return Ok(Val::Num(value));
        }
        let why = why();
        self.fail(Diagnostic::error(codes::NOT_FINITE, "expression has no finite value").at(e.span, why))
    }

    /// `pow` and `mod` of the table, for the operators.
    fn two(&mut self, name: &str, a: Val, b: Val, e: &Expr) -> Res<Val> {
        match functions::find(name) {
            Some(f) => self.apply_two(f, a, b, e),
            None => Err(Noted),
        }
    }

    fn apply_one(&mut self, f: usize, a: Val, e: &Expr) -> Res<Val> {
        let x = match a {
            Val::Reg(r) => return Ok(Val::Reg(self.emit(Ins::One(f as u16, r)))),
            Val::Num(x) => x,
        };
        let Kind::One { ok, .. } = FUNCTIONS[f].kind else { return Err(Noted) };
        let value = if ok(x) || !self.strict { call_one(f as u16, x) } else { f64::NAN };
        self.finite(value, e, || format!("{}({x}) is not defined or too large", FUNCTIONS[f].name))
    }

    fn apply_two(&mut self, f: usize, a: Val, b: Val, e: &Expr) -> Res<Val> {
        let (Val::Num(x), Val::Num(y)) = (a, b) else {
            // The square is by far the most frequent power.
            if FUNCTIONS[f].name == "pow" && b == Val::Num(2.0) {
                let a = self.reg(a);
                return Ok(Val::Reg(self.emit(Ins::Mul(a, a))));
            }
            let (a, b) = (self.reg(a), self.reg(b));
            return Ok(Val::Reg(self.emit(Ins::Two(f as u16, a, b))));
        };
        let Kind::Two { ok, .. } = FUNCTIONS[f].kind else { return Err(Noted) };
        // A parameter's `pow` is C's in ngspice: whole powers keep the sign. The operators do not.
        let keeps_sign =
            self.strict && matches!(&e.kind, ExprKind::Call(..)) && FUNCTIONS[f].name == "pow" && y == y.trunc();
        let value = match ok(x, y) {
            true if keeps_sign => x.powf(y),
            false if self.strict => f64::NAN,
            _ => call_two(f as u16, x, y),
        };
        self.finite(value, e, || format!("{}({x}, {y}) is not defined or too large", FUNCTIONS[f].name))
    }

    fn select(&mut self, c: &Expr, a: &Expr, b: &Expr) -> Res<Val> {
        let c = match self.expr(c)? {
            // Only the side that counts: a recursive function ends here.
            Val::Num(x) => return self.expr(if x != 0.0 { a } else { b }),
            Val::Reg(r) => r,
        };
        let mark = self.journal.len();
        let j1 = self.code.len();
        self.code.push(Ins::JumpIfZero(c, 0));
        let a = self.expr(a).map(|v| self.reg(v));
        self.forget(mark);
        let j2 = self.code.len();
        self.code.push(Ins::Jump(0));
        let b = self.expr(b).map(|v| self.reg(v));
        self.forget(mark);
        let phi = self.code.len();
        self.code[j1] = Ins::JumpIfZero(c, j2 as u32 + 1);
        self.code[j2] = Ins::Jump(phi as u32);
        self.jumps.push((phi, [j1, j2]));
        let (a, b) = (a?, b?);
        self.code.push(Ins::Phi(c, a, b));
        Ok(Val::Reg(phi as Reg))
    }

    fn name(&mut self, name: &str, span: Span) -> Res<Val> {
        let frame = self.frame.clone();
        if let Some(actual) = frame.iter().find(|a| a.formal == name) {
            return match actual.value {
                Some(v) => Ok(v),
                None => self.unknown_name(actual.word.as_deref().unwrap_or(name), actual.span),
            };
        }
        match self.known_name(name, span) {
            Some(r) => r,
            None => self.unknown_name(name, span),
        }
    }

    /// A parameter, a constant or a quantity of the simulation.
    fn known_name(&mut self, name: &str, span: Span) -> Option<Res<Val>> {
        if let Some(p) = self.scope.param(name) {
            return Some(p.map(Val::Num).map_err(|()| Noted));
        }
        if let Some(x) = functions::constant(name) {
            return Some(Ok(Val::Num(x)));
        }
        let input = match name {
            "time" => Input::Time,
            "temper" => Input::Temper,
            "hertz" => Input::Hertz,
            _ => return None,
        };
        if self.strict {
            return Some(self.signal_fault(name, span));
        }
        Some(Ok(self.input(input)))
    }

    fn unknown_name<T>(&mut self, name: &str, span: Span) -> Res<T> {
        let known = self.scope.known_names();
        let formals: Vec<String> = self.frame.iter().map(|a| a.formal.clone()).collect();
        let all = known.iter().chain(&formals).map(String::as_str);
        let all = all.chain(functions::CONSTANTS.iter().map(|c| c.0)).chain(RUNNING);
        let mut d =
            Diagnostic::error(codes::UNKNOWN_NAME, format!("unknown parameter `{name}`")).at(span, "not defined here");
        d.help.extend(did_you_mean(name, all));
        if !self.strict && d.help.is_empty() && self.scope.node(name).is_some() {
            d = d.help(format!("`{name}` is a node: its voltage is written `v({name})`"));
        }
        self.fail(d)
    }

    fn signal_fault<T>(&mut self, what: &str, span: Span) -> Res<T> {
        self.fail(
            Diagnostic::error(codes::SIGNAL_NOT_ALLOWED, format!("`{what}` has no value before the simulation runs"))
                .at(span, "only parameters and constants are allowed here")
                .help("use it in a B source or in the expression of a behavioural element"),
        )
    }

    fn call(&mut self, name: &str, args: &[Expr], e: &Expr) -> Res<Val> {
        if let Some((formals, body)) = self.scope.func(name) {
            return self.user_call(name, &formals, &body, args, e);
        }
        if is_signal(name) {
            return self.signal(name, args, e);
        }
        let Some(f) = functions::find(name) else {
            return self.unknown_function(name, e);
        };
        let def = &FUNCTIONS[f];
        if args.len() < def.args.0 || args.len() > def.args.1 {
            return self.wrong_count(name, def.usage, args.len(), e);
        }
        match def.kind {
            Kind::Select => self.select(&args[0], &args[1], &args[2]),
            Kind::Table { extrapolate } => self.table(extrapolate, args, e),
            Kind::Random(kind) => self.random(kind, args, e),
            Kind::Limit if args.len() == 2 => self.random(Random::Limit, args, e),
            Kind::Ddt => self.ddt(args, e),
            Kind::Idt => self.idt(args, e),
            _ => self.plain_call(f, args, e),
        }
    }

    /// Functions whose arguments are all evaluated.
    fn plain_call(&mut self, f: usize, args: &[Expr], e: &Expr) -> Res<Val> {
        // All arguments before the first `?`: the faults of all are wanted.
        let args: Vec<Res<Val>> = args.iter().map(|a| self.expr(a)).collect();
        let args: Vec<Val> = args.into_iter().collect::<Res<_>>()?;
        match (FUNCTIONS[f].kind, args.as_slice()) {
            (Kind::One { .. }, &[a]) => self.apply_one(f, a, e),
            (Kind::Two { .. }, &[a, ref rest @ ..]) => rest.iter().try_fold(a, |acc, b| self.apply_two(f, acc, *b, e)),
            (Kind::Sign, &[a]) => self.copy_sign(Val::Num(1.0), a),
            (Kind::Sign, &[a, b]) => self.copy_sign(a, b),
            (Kind::Limit, &[x, lo, hi]) => {
                // Limits the wrong way round are put right.
                let (Some(min), Some(max)) = (functions::find("min"), functions::find("max")) else {
                    return Err(Noted);
                };
                let (low, high) = (self.apply_two(min, lo, hi, e)?, self.apply_two(max, lo, hi, e)?);
                let x = self.apply_two(max, x, low, e)?;
                self.apply_two(min, x, high, e)
            }
            _ => Err(Noted),
        }
    }

    fn copy_sign(&mut self, a: Val, b: Val) -> Res<Val> {
        if let (Val::Num(a), Val::Num(b)) = (a, b) {
            return Ok(Val::Num(functions::copy_sign(a, b)));
        }
        let (a, b) = (self.reg(a), self.reg(b));
        Ok(Val::Reg(self.emit(Ins::CopySign(a, b))))
    }

    fn wrong_count<T>(&mut self, name: &str, usage: &str, given: usize, e: &Expr) -> Res<T> {
        let s = if given == 1 { "" } else { "s" };
        self.fail(
            Diagnostic::error(codes::ARGUMENT_COUNT, format!("`{name}` does not take {given} argument{s}"))
                .at(e.span, format!("{given} given"))
                .help(format!("it is called `{usage}`")),
        )
    }

    fn unknown_function<T>(&mut self, name: &str, e: &Expr) -> Res<T> {
        let known = self.scope.known_names();
        let span = Span { hi: (e.span.lo.saturating_add(name.len() as u32)).min(e.span.hi), ..e.span };
        let mut d =
            Diagnostic::error(codes::UNKNOWN_FUNCTION, format!("unknown function `{name}`")).at(span, "not defined");
        if self.frame.iter().any(|a| a.formal == name) || self.known_name(name, span).is_some_and(|r| r.is_ok()) {
            d = d.help(format!("`{name}` is a value: is a `*` missing before the parenthesis?"));
        } else {
            d.help.extend(did_you_mean(name, known.iter().map(String::as_str).chain(functions::names())));
        }
        self.fail(d)
    }

    fn user_call(&mut self, name: &str, formals: &[String], body: &Expr, args: &[Expr], e: &Expr) -> Res<Val> {
        if formals.len() != args.len() {
            return self.wrong_count(name, &format!("{name}({})", formals.join(", ")), args.len(), e);
        }
        let mut frame = Vec::with_capacity(args.len());
        for (formal, arg) in formals.iter().zip(args) {
            let (mut word, value) = (arg.as_word(), self.argument(arg)?);
            if let Some(outer) = word.as_ref().and_then(|w| self.frame.iter().find(|a| a.formal == *w)) {
                word.clone_from(&outer.word);
            }
            frame.push(Actual { formal: formal.clone(), word, value, span: arg.span });
        }
        self.calls += 1;
        if self.calls > MAX_CALLS || self.depth + 8 > MAX_DEPTH {
            self.calls -= 1;
            self.gave_up = true;
            return self.fail(
                Diagnostic::error(codes::RECURSION, format!("function `{name}` calls itself without end"))
                    .at(e.span, format!("call number {MAX_CALLS} inside the others"))
                    .help("let a condition of parameters alone end it: `n<=1 ? 1 : n*f(n-1)`"),
            );
        }
        let outer = std::mem::replace(&mut self.frame, Rc::new(frame));
        let r = self.expr(body);
        self.frame = outer;
        self.calls -= 1;
        r
    }

    /// Value of a function's argument; `None` for a bare name that can only be a node or element.
    fn argument(&mut self, arg: &Expr) -> Res<Option<Val>> {
        let ExprKind::Name(n) = &arg.kind else { return self.expr(arg).map(Some) };
        if let Some(a) = self.frame.iter().find(|a| a.formal == *n) {
            return Ok(a.value);
        }
        // `time` and the like are no fault until the value is used.
        match self.known_name(n, arg.span) {
            Some(r) => r.map(Some),
            None => Ok(None),
        }
    }

    /// `v(a)`, `v(a,b)`, `i(x)`, `ib(q1)`.
    fn signal(&mut self, name: &str, args: &[Expr], e: &Expr) -> Res<Val> {
        if self.strict {
            return self.signal_fault(&e.to_string(), e.span);
        }
        let words: Vec<(String, Span)> = args
            .iter()
            .map(|a| {
                let w = a.as_word().unwrap_or_default();
                let actual = self.frame.iter().find(|f| f.formal == w).and_then(|f| f.word.clone());
                (actual.unwrap_or(w), a.span)
            })
            .collect();
        match (name, words.as_slice()) {
            ("v", [a]) => self.node(a),
            ("v", [a, b]) => {
                let (a, b) = (self.node(a), self.node(b));
                Ok(match (a?, b?) {
                    (a, Val::Num(_)) => a,
                    (Val::Num(_), Val::Reg(b)) => Val::Reg(self.emit(Ins::Neg(b))),
                    (Val::Reg(a), Val::Reg(b)) if a == b => Val::Num(0.0),
                    (Val::Reg(a), Val::Reg(b)) => Val::Reg(self.emit(Ins::Sub(a, b))),
                })
            }
            ("i" | "ix", [(x, span)]) => self.branch(x.clone(), *span),
            ("i" | "ix", [(x, span), (t, _)]) => self.branch(format!("{x}:{t}"), *span),
            ("ib" | "ic" | "ie" | "is" | "id" | "ig", [(x, span)]) => self.branch(format!("{x}:{}", &name[1..]), *span),
            ("v" | "i" | "ix" | "ib" | "ic" | "ie" | "is" | "id" | "ig", _) => {
                let usage =
                    if name == "v" { "v(node)` or `v(plus,minus)".to_string() } else { format!("{name}(element)") };
                self.wrong_count(name, &usage, args.len(), e)
            }
            _ => self.fail(
                Diagnostic::error(
                    codes::UNKNOWN_FUNCTION,
                    format!("`{name}(...)` exists only in the results of an AC analysis"),
                )
                .at(e.span, "not known while the simulation runs")
                .help("use `v(node)` or `i(element)`"),
            ),
        }
    }

    fn node(&mut self, (name, span): &(String, Span)) -> Res<Val> {
        match self.scope.node(name) {
            Some(0) => Ok(Val::Num(0.0)),
            Some(n) => Ok(self.input(Input::Node(n))),
            None => self.unknown_quantity("node", name, *span),
        }
    }

    fn branch(&mut self, name: String, span: Span) -> Res<Val> {
        match self.scope.branch(&name) {
            Some(sym) => Ok(self.input(Input::Branch(sym))),
            None => self.unknown_quantity("element", &name, span),
        }
    }

    fn unknown_quantity<T>(&mut self, what: &str, name: &str, span: Span) -> Res<T> {
        let known = self.scope.known_names();
        let mut d =
            Diagnostic::error(codes::UNKNOWN_QUANTITY, format!("no {what} `{name}`")).at(span, "does not exist here");
        d.help.extend(did_you_mean(name, known.iter().map(String::as_str)));
        self.fail(d)
    }

    /// An argument that is read once.
    fn fixed(&mut self, arg: &Expr) -> Res<f64> {
        match self.expr(arg)? {
            Val::Num(x) => Ok(x),
            Val::Reg(_) => self.fail(
                Diagnostic::error(codes::CONSTANT_NEEDED, "argument must be constant")
                    .at(arg.span, "this changes while the simulation runs")
                    .help("use parameters and numbers only"),
            ),
        }
    }

    fn table(&mut self, extrapolate: bool, args: &[Expr], e: &Expr) -> Res<Val> {
        let x = self.expr(&args[0]);
        if args.len().is_multiple_of(2) {
            return self.wrong_count(
                if extrapolate { "pwl" } else { "table" },
                "table(x, x1,y1, x2,y2, ...)",
                args.len(),
                e,
            );
        }
        let numbers: Vec<Res<f64>> = args[1..].iter().map(|a| self.fixed(a)).collect();
        let numbers: Vec<f64> = numbers.into_iter().collect::<Res<_>>()?;
        let points: Vec<(f64, f64)> = numbers.chunks_exact(2).map(|p| (p[0], p[1])).collect();
        if let Some(k) = points.windows(2).position(|w| w[1].0 < w[0].0) {
            let span = args.get(2 * k + 3).map_or(e.span, |a| a.span);
            return self.fail(
                Diagnostic::error(codes::TABLE_ORDER, "the x values of a table must not decrease")
                    .at(span, format!("{} after {}", points[k + 1].0, points[k].0)),
            );
        }
        let table = Points { points, extrapolate };
        match x? {
            Val::Num(x) => Ok(Val::Num(table.at(x).0)),
            Val::Reg(r) => {
                if self.tables.len() > usize::from(u16::MAX) {
                    return self.fail(
                        Diagnostic::error(codes::EXPR_TOO_LARGE, "too many tables in one expression")
                            .at(e.span, "here"),
                    );
                }
                let t = self.tables.iter().position(|t| **t == table).unwrap_or_else(|| {
                    self.tables.push(Arc::new(table));
                    self.tables.len() - 1
                });
                Ok(Val::Reg(self.emit(Ins::Table(t as u16, r))))
            }
        }
    }

    fn random(&mut self, kind: Random, args: &[Expr], e: &Expr) -> Res<Val> {
        let args: Vec<Res<f64>> = args.iter().map(|a| self.fixed(a)).collect();
        let args: Vec<f64> = args.into_iter().collect::<Res<_>>()?;
        let (nominal, spread) = (args[0], args[1]);
        let sigma = args.get(2).copied().unwrap_or(1.0);
        let value = match kind {
            Random::Gauss => nominal * (1.0 + spread / sigma * self.scope.normal()),
            Random::Agauss => nominal + spread / sigma * self.scope.normal(),
            Random::Unif => nominal * (1.0 + spread * self.scope.uniform()),
            Random::Aunif => nominal + spread * self.scope.uniform(),
            Random::Limit => nominal + spread.copysign(self.scope.uniform()),
        };
        if !value.is_finite() {
            return self.fail(
                Diagnostic::error(codes::NOT_FINITE, "random value is not finite")
                    .at(e.span, format!("with sigma = {sigma}")),
            );
        }
        Ok(Val::Num(value))
    }

    fn ddt(&mut self, args: &[Expr], e: &Expr) -> Res<Val> {
        match self.expr(&args[0])? {
            Val::Num(_) => Ok(Val::Num(0.0)),
            Val::Reg(r) => self.state(StateKind::Ddt, r, e),
        }
    }

    fn idt(&mut self, args: &[Expr], e: &Expr) -> Res<Val> {
        if self.strict {
            return self.signal_fault("idt", e.span);
        }
        let arg = self.expr(&args[0]);
        let initial = args.get(1).map_or(Ok(0.0), |a| self.fixed(a))?;
        let arg = arg?;
        let arg = self.reg(arg);
        self.state(StateKind::Idt { initial }, arg, e)
    }

    fn state(&mut self, kind: StateKind, arg: Reg, e: &Expr) -> Res<Val> {
        let arg = self.extract(arg, e.span);
        let same = |s: &StateOp| {
            s.kind == kind && s.arg.code == arg.code && s.arg.inputs == arg.inputs && s.arg.tables == arg.tables
        };
        let k = self.states.iter().position(same).unwrap_or_else(|| {
            self.states.push(StateOp { kind, arg });
            self.states.len() - 1
        });
        if k > usize::from(u16::MAX) {
            return self.fail(
                Diagnostic::error(codes::EXPR_TOO_LARGE, "too many ddt and idt in one expression").at(e.span, "here"),
            );
        }
        Ok(self.input(Input::State(k as u16)))
    }

    /// The part of the code that `result` needs, renumbered, as a program of its own.
    fn extract(&self, result: Reg, span: Span) -> Program {
        let n = result as usize + 1;
        let mut live = vec![false; n];
        live[result as usize] = true;
        for i in (0..n).rev() {
            if !live[i] {
                continue;
            }
            match self.code[i] {
                Ins::Const(_) | Ins::Input(_) | Ins::Jump(_) => {}
                Ins::Neg(a) | Ins::Not(a) | Ins::One(_, a) | Ins::Table(_, a) | Ins::JumpIfZero(a, _) => {
                    live[a as usize] = true
                }
                Ins::Add(a, b)
                | Ins::Sub(a, b)
                | Ins::Mul(a, b)
                | Ins::Div(a, b)
                | Ins::Test(_, a, b)
                | Ins::CopySign(a, b)
                | Ins::Two(_, a, b) => {
                    live[a as usize] = true;
                    live[b as usize] = true;
                }
                Ins::Phi(c, a, b) => {
                    let used = [c, a, b];
                    used.iter().for_each(|r| live[*r as usize] = true);
                    if let Ok(k) = self.jumps.binary_search_by_key(&i, |j| j.0) {
                        self.jumps[k].1.iter().for_each(|j| live[*j] = true);
                    }
                }
            }
        }
        // New number of the first live instruction at or after each old one: right for operands and jump targets.
        let mut at = vec![0u32; n + 1];
        for i in 0..n {
            at[i + 1] = at[i] + u32::from(live[i]);
        }
        let to = |r: Reg| at[r as usize];
        let (mut inputs, mut tables, mut code) = (vec![], vec![], vec![]);
        for i in (0..n).filter(|i| live[*i]) {
            code.push(match self.code[i] {
                Ins::Const(x) => Ins::Const(x),
                Ins::Input(k) => Ins::Input(index_of(&mut inputs, &self.inputs[k as usize])),
                Ins::Table(t, a) => Ins::Table(index_of(&mut tables, &self.tables[t as usize]), to(a)),
                Ins::Neg(a) => Ins::Neg(to(a)),
                Ins::Not(a) => Ins::Not(to(a)),
                Ins::Add(a, b) => Ins::Add(to(a), to(b)),
                Ins::Sub(a, b) => Ins::Sub(to(a), to(b)),
                Ins::Mul(a, b) => Ins::Mul(to(a), to(b)),
                Ins::Div(a, b) => Ins::Div(to(a), to(b)),
                Ins::Test(op, a, b) => Ins::Test(op, to(a), to(b)),
                Ins::CopySign(a, b) => Ins::CopySign(to(a), to(b)),
                Ins::One(f, a) => Ins::One(f, to(a)),
                Ins::Two(f, a, b) => Ins::Two(f, to(a), to(b)),
                Ins::Phi(c, a, b) => Ins::Phi(to(c), to(a), to(b)),
                Ins::Jump(t) => Ins::Jump(to(t)),
                Ins::JumpIfZero(c, t) => Ins::JumpIfZero(to(c), to(t)),
            });
        }
        Program { inputs, states: vec![], code: code.into(), tables, result: to(result), span }
    }
}

fn index_of<T: PartialEq + Clone>(all: &mut Vec<T>, item: &T) -> u16 {
    let k = all.iter().position(|x| x == item).unwrap_or_else(|| {
        all.push(item.clone());
        all.len() - 1
    });
    k as u16
}
