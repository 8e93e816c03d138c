//! Expressions of waveforms over a [`Table`].
//!
//! A name is, in this order: a column, a parameter or an earlier measure, a node (`out` for `v(out)`), a constant.
//! `v(a)`, `v(a,b)`, `i(x)`, `p(x)`, `e(x)`, `@x[y]` are columns (`v(a,b)` also the difference of two; `v(0)` is 0; `e(x)` also the
//! running integral of `p(x)`). `vm vp vr vi vdb`, and the same with `i`, are magnitude, phase (radians, −π to π, as
//! ngspice has it), real part, imaginary part and 20 log₁₀ of the magnitude; the functions `mag ph re im db` give them of any
//! expression, `deg` turns radians to degrees, `unwrap` takes the jumps out of a phase.
//! `deriv(x)` and `integ(x)` go along the axis. With one waveform as argument, `min max avg rms pp first final` are its
//! number, `at(x, t)` its value at t. All other functions are those of [`crate::expr`], point by point.

use num_complex::Complex64;

use super::wave;
use crate::dataset::{Column, Quantity, Signal, Table, interp};
use crate::diag::codes::results::{EMPTY_TABLE, MEASURE_FUNCTION, MEASURE_NAME, UNKNOWN_SIGNAL};
use crate::diag::{Diagnostic, Span, nearest};
use crate::expr::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::expr::functions::{self, FUNCTIONS, Kind};

/// What names mean beside the columns: parameters and earlier measures.
pub type Names<'a> = &'a dyn Fn(&str) -> Option<f64>;

/// No names but the columns.
pub fn no_names(_: &str) -> Option<f64> {
    None
}

/// Evaluates at every point of the table. Constants are repeated.
pub fn signal(table: &Table, expr: &Expr, names: Names) -> Result<Column, Vec<Diagnostic>> {
    let mut e = Evaluator { table: Some(table), all: &[], names, faults: vec![] };
    let value = e.eval(expr);
    match value {
        Some(v) if e.faults.is_empty() => Ok(match v {
            Val::Const(z) if z.im == 0.0 => Column::Real(vec![z.re; table.len()]),
            Val::Const(z) => Column::Complex(vec![z; table.len()]),
            Val::Real(v) => Column::Real(v),
            Val::Complex(v) => Column::Complex(v),
        }),
        _ => Err(e.faults),
    }
}

/// Evaluates to one number, for `.check` and `param=`. Names are measures or parameters; a waveform that stands there
/// without a reducing function counts with its value in an operating point, or else with its last one. Waveforms are looked for in
/// all tables, operating points first.
pub fn eval_scalar(expr: &Expr, names: Names, tables: &[&Table]) -> Result<f64, Vec<Diagnostic>> {
    let mut order: Vec<&Table> = tables.to_vec();
    order.sort_by_key(|t| t.schema.has_axis);
    let mut first_fault = None;
    let choices = order.iter().copied().map(Some).chain(order.is_empty().then_some(None));
    for table in choices {
        let mut e = Evaluator { table, all: &order, names, faults: vec![] };
        match e.eval(expr) {
            Some(v) if e.faults.is_empty() => return Ok(v.last().re),
            _ => {
                first_fault.get_or_insert(e.faults);
            }
        }
    }
    Err(first_fault.unwrap_or_default())
}

/// The unit of an expression over a table, as far as products and quotients of V, A, s and Ω go; empty when unknown.
pub fn unit(table: &Table, expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Name(n) => match table.find(n).and_then(|i| table.schema.signals.get(i)) {
            Some(s) => s.quantity.unit().into(),
            None => String::new(),
        },
        ExprKind::Call(f, args) => {
            let arg = || args.first().map_or(String::new(), |a| unit(table, a));
            match f.to_ascii_lowercase().as_str() {
                "v" | "vm" | "vr" | "vi" => "V".into(),
                "vdb" | "idb" | "db" => "dB".into(),
                "vp" | "ip" | "ph" | "unwrap" => "rad".into(),
                "deg" => "°".into(),
                "i" | "im" | "ir" | "ii" | "ib" | "ic" | "ie" | "is" | "id" | "ig" | "ix" | "isub"
                    if !is_im(f, args) =>
                {
                    "A".into()
                }
                "p" => "W".into(),
                "e" => "J".into(),
                "deriv" => quotient(&arg(), axis_unit(table)),
                "integ" => product(&arg(), axis_unit(table)),
                "mag" | "re" | "im" | "abs" | "min" | "max" | "avg" | "rms" | "pp" | "first" | "final" | "at" => arg(),
                _ => String::new(),
            }
        }
        ExprKind::Unary(UnaryOp::Neg, a) => unit(table, a),
        ExprKind::Binary(op, a, b) => {
            let (ua, ub) = (unit(table, a), unit(table, b));
            match op {
                BinaryOp::Add | BinaryOp::Sub if ua.is_empty() => ub,
                BinaryOp::Add | BinaryOp::Sub => ua,
                BinaryOp::Mul => product(&ua, &ub),
                BinaryOp::Div => quotient(&ua, &ub),
                _ => String::new(),
            }
        }
        ExprKind::Select(_, a, _) => unit(table, a),
        _ => String::new(),
    }
}

fn axis_unit(table: &Table) -> &'static str {
    if table.schema.has_axis { table.schema.signals.first().map_or("", |s| s.quantity.unit()) } else { "" }
}

/// The unit of a product.
pub fn product(a: &str, b: &str) -> String {
    match (a, b) {
        ("", u) | (u, "") => u.into(),
        ("V", "A") | ("A", "V") => "W".into(),
        ("W", "s") | ("s", "W") => "J".into(),
        ("A", "s") | ("s", "A") => "C".into(),
        ("V", "C") | ("C", "V") => "J".into(),
        ("A", "Ω") | ("Ω", "A") => "V".into(),
        ("V", "S") | ("S", "V") => "A".into(),
        ("V", "s") | ("s", "V") => "Wb".into(),
        (a, b) if a == b => format!("{a}²"),
        (a, b) => format!("{a} {b}"),
    }
}

/// The unit of a quotient.
pub fn quotient(a: &str, b: &str) -> String {
    match (a, b) {
        (u, "") => u.into(),
        (a, b) if a == b => String::new(),
        ("V", "A") => "Ω".into(),
        ("A", "V") => "S".into(),
        ("W", "A") => "V".into(),
        ("W", "V") => "A".into(),
        ("J", "s") => "W".into(),
        ("C", "s") => "A".into(),
        ("C", "V") => "F".into(),
        ("J", "V") => "C".into(),
        ("", "s") => "Hz".into(),
        ("", u) => format!("1/{u}"),
        (a, b) => format!("{a}/{b}"),
    }
}

#[derive(Clone, Debug)]
enum Val {
    Const(Complex64),
    Real(Vec<f64>),
    Complex(Vec<Complex64>),
}

impl Val {
    fn num(x: f64) -> Val {
        Val::Const(x.into())
    }

    fn from(c: &Column) -> Val {
        match c {
            Column::Real(v) => Val::Real(v.clone()),
            Column::Complex(v) => Val::Complex(v.clone()),
        }
    }

    fn len(&self) -> Option<usize> {
        match self {
            Val::Const(_) => None,
            Val::Real(v) => Some(v.len()),
            Val::Complex(v) => Some(v.len()),
        }
    }

    fn at(&self, k: usize) -> Complex64 {
        match self {
            Val::Const(z) => *z,
            Val::Real(v) => v.get(k).copied().unwrap_or(f64::NAN).into(),
            Val::Complex(v) => v.get(k).copied().unwrap_or(f64::NAN.into()),
        }
    }

    fn last(&self) -> Complex64 {
        self.len().map_or_else(|| self.at(0), |n| self.at(n.saturating_sub(1)))
    }

    fn is_complex(&self) -> bool {
        match self {
            Val::Const(z) => z.im != 0.0,
            Val::Real(_) => false,
            Val::Complex(_) => true,
        }
    }

    fn reals(&self, n: usize) -> Vec<f64> {
        match self {
            Val::Real(v) => v.clone(),
            v => (0..n).map(|k| v.at(k).re).collect(),
        }
    }

    /// Point by point to real numbers.
    fn map_real(&self, f: impl Fn(Complex64) -> f64) -> Val {
        match self {
            Val::Const(z) => Val::num(f(*z)),
            Val::Real(v) => Val::Real(v.iter().map(|&x| f(x.into())).collect()),
            Val::Complex(v) => Val::Real(v.iter().map(|&z| f(z)).collect()),
        }
    }

    fn map(&self, re: impl Fn(f64) -> f64, cx: impl Fn(Complex64) -> Complex64) -> Val {
        match self {
            Val::Const(z) if z.im == 0.0 => Val::num(re(z.re)),
            Val::Const(z) => Val::Const(cx(*z)),
            Val::Real(v) => Val::Real(v.iter().map(|&x| re(x)).collect()),
            Val::Complex(v) => Val::Complex(v.iter().map(|&z| cx(z)).collect()),
        }
    }

    /// Two values point by point. `None` when their lengths differ.
    fn zip(
        &self,
        o: &Val,
        re: impl Fn(f64, f64) -> f64,
        cx: impl Fn(Complex64, Complex64) -> Complex64,
    ) -> Option<Val> {
        let n = match (self.len(), o.len()) {
            (Some(a), Some(b)) if a != b => return None,
            (a, b) => a.or(b),
        };
        let is_complex = self.is_complex() || o.is_complex();
        Some(match n {
            None if is_complex => Val::Const(cx(self.at(0), o.at(0))),
            None => Val::num(re(self.at(0).re, o.at(0).re)),
            Some(n) if is_complex => Val::Complex((0..n).map(|k| cx(self.at(k), o.at(k))).collect()),
            Some(n) => Val::Real((0..n).map(|k| re(self.at(k).re, o.at(k).re)).collect()),
        })
    }
}

/// `im(x)`: the current of AC when `x` is an element, else the imaginary part. The parser keeps `im(v1)`'s argument as a name.
fn is_im(f: &str, args: &[Expr]) -> bool {
    f.eq_ignore_ascii_case("im") && !matches!(args.first().map(|a| &a.kind), Some(ExprKind::Name(_)))
}

struct Evaluator<'a> {
    table: Option<&'a Table>,
    /// For reducing functions, whose argument may live in another table.
    all: &'a [&'a Table],
    names: Names<'a>,
    faults: Vec<Diagnostic>,
}

impl Evaluator<'_> {
    fn fail(&mut self, d: Diagnostic) -> Option<Val> {
        self.faults.push(d);
        None
    }

    fn column(&self, name: &str) -> Option<Val> {
        let t = self.table?;
        t.find(name).and_then(|i| t.columns.get(i)).map(Val::from)
    }

    fn eval(&mut self, e: &Expr) -> Option<Val> {
        match &e.kind {
            ExprKind::Number(x) => Some(Val::num(*x)),
            ExprKind::Name(n) => self.name(n, e.span),
            ExprKind::Call(f, args) => self.call(&f.to_ascii_lowercase(), args, e.span),
            ExprKind::Unary(op, a) => {
                let a = self.eval(a)?;
                Some(match op {
                    UnaryOp::Neg => a.map(|x| -x, |z| -z),
                    UnaryOp::Not => a.map_real(|z| f64::from(u8::from(z.re == 0.0))),
                })
            }
            ExprKind::Binary(op, a, b) => {
                let (a, b) = (self.eval(a), self.eval(b));
                self.binary(*op, &a?, &b?, e.span)
            }
            ExprKind::Select(c, a, b) => {
                let (c, a, b) = (self.eval(c), self.eval(a), self.eval(b));
                let (c, a, b) = (c?, a?, b?);
                let n = [&c, &a, &b].iter().find_map(|v| v.len());
                let pick = |k: usize| if c.at(k).re != 0.0 { a.at(k) } else { b.at(k) };
                Some(match n {
                    None => Val::Const(pick(0)),
                    Some(n) if a.is_complex() || b.is_complex() => Val::Complex((0..n).map(pick).collect()),
                    Some(n) => Val::Real((0..n).map(|k| pick(k).re).collect()),
                })
            }
        }
    }

    fn name(&mut self, n: &str, span: Span) -> Option<Val> {
        let is_exact = |t: &Table| t.index(n).is_some();
        if self.table.is_some_and(is_exact) {
            return self.column(n);
        }
        if let Some(x) = (self.names)(n) {
            return Some(Val::num(x));
        }
        if let Some(v) = self.column(n) {
            return Some(v);
        }
        if let Some(x) = functions::constant(n) {
            return Some(Val::num(x));
        }
        if n.starts_with('@') {
            return self.unknown_signal(n, span);
        }
        let mut d = Diagnostic::error(MEASURE_NAME, format!("unknown name `{n}`"))
            .at(span, "neither a signal, nor a parameter, nor an earlier measure");
        if let Some(t) = self.table
            && let Some(help) = nearest::did_you_mean(n, t.schema.signals.iter().map(|s| &*s.name))
        {
            d = d.help(help);
        }
        self.fail(d)
    }

    fn unknown_signal(&mut self, name: &str, span: Span) -> Option<Val> {
        let Some(t) = self.table else {
            return self.fail(
                Diagnostic::error(EMPTY_TABLE, format!("there is no result to take `{name}` from"))
                    .at(span, "asked for here"),
            );
        };
        let mut d = Diagnostic::error(UNKNOWN_SIGNAL, format!("the {} has no signal `{name}`", t.schema.kind.title()))
            .at(span, "not among the results");
        if let Some(help) = nearest::did_you_mean(name, t.schema.signals.iter().map(|s| &*s.name)) {
            d = d.help(help);
        }
        let known: Vec<&str> = t.schema.signals.iter().take(12).map(|s| &*s.name).collect();
        let more = if t.schema.signals.len() > known.len() { ", ..." } else { "" };
        self.fail(d.note(format!("signals are {}{more}", known.join(", "))))
    }

    /// `v(a)`, `v(a,b)`, `i(x)`, `ib(q1)`, ...
    fn quantity(&mut self, head: &str, args: &[Expr], span: Span) -> Option<Val> {
        let words: Vec<String> = args.iter().filter_map(word).collect();
        let full = format!("{head}({})", words.join(","));
        if words.len() != args.len() || words.is_empty() {
            return self.misuse(head, span);
        }
        if let Some(v) = self.column(&full) {
            return Some(v);
        }
        if head == "v" {
            let is_ground = |n: &str| n == "0" || n == "gnd";
            if let [node] = words.as_slice()
                && is_ground(node)
                && self.table.is_some()
            {
                return Some(Val::num(0.0));
            }
            if let [a, b] = args {
                let a = self.quantity("v", std::slice::from_ref(a), span);
                let b = self.quantity("v", std::slice::from_ref(b), span);
                return a?.zip(&b?, |p, q| p - q, |p, q| p - q);
            }
        } else if let [x] = words.as_slice() {
            if let Some(v) = self.column(&format!("@{x}[{head}]")) {
                return Some(v);
            }
            if head == "e"
                && let Some(p) = self.column(&format!("p({x})"))
                && let Some(axis) = self.table.and_then(Table::axis)
            {
                return Some(Val::Real(wave::energy(&axis.re(), &p.reals(axis.len()))));
            }
        }
        self.unknown_signal(&full, span)
    }

    fn misuse(&mut self, f: &str, span: Span) -> Option<Val> {
        let d = Diagnostic::error(MEASURE_FUNCTION, format!("wrong arguments of `{f}`")).at(span, "called here");
        self.fail(d)
    }

    fn call(&mut self, f: &str, args: &[Expr], span: Span) -> Option<Val> {
        // A column of just this name, whatever function it looks like.
        let words: Option<Vec<String>> = args.iter().map(word).collect();
        if let Some(words) = words
            && let Some(v) = self.column(&format!("{f}({})", words.join(",")))
        {
            return Some(v);
        }
        match f {
            "v" | "i" | "p" | "e" | "q" | "ib" | "ic" | "ie" | "is" | "id" | "ig" | "ix" | "isub" => {
                return self.quantity(f, args, span);
            }
            "vm" | "vp" | "vr" | "vi" | "vdb" | "ip" | "ir" | "ii" | "idb" => {
                let (head, part) = f.split_at(1);
                let v = self.quantity(head, args, span)?;
                return part_of(part, &v);
            }
            "im" if !is_im(f, args) => {
                // The parser cannot know whether `x` in im(x) is an element or a name.
                let known =
                    args.first().and_then(word).and_then(|w| self.column(&w).or((self.names)(&w).map(Val::num)));
                if let Some(v) = known {
                    return part_of("i", &v);
                }
                let v = self.quantity("i", args, span)?;
                return part_of("m", &v);
            }
            "min" | "max" | "avg" | "rms" | "pp" | "first" | "final" | "at" => {
                if let Some(v) = self.reduce(f, args, span)? {
                    return Some(v);
                }
            }
            _ => {}
        }
        let values: Vec<Option<Val>> = args.iter().map(|a| self.eval(a)).collect();
        let values: Vec<Val> = values.into_iter().collect::<Option<_>>()?;
        if let [x] = values.as_slice()
            && let Some(v) = self.of_one(f, x)
        {
            return Some(v);
        }
        self.library(f, &values, span)
    }

    /// Functions of a waveform to one number. Inner `None`: not a reduction after all (`max(a, b)`).
    fn reduce(&mut self, f: &str, args: &[Expr], span: Span) -> Option<Option<Val>> {
        let wanted = usize::from(f == "at") + 1;
        if args.len() != wanted {
            if matches!(f, "min" | "max") && args.len() > 1 {
                return Some(None);
            }
            self.misuse(f, span);
            return None;
        }
        let mut tables: Vec<Option<&Table>> = vec![self.table];
        // A waveform rather than an operating point, where there is one.
        tables.extend(self.all.iter().rev().map(|t| Some(*t)));
        if self.all.iter().any(|t| t.schema.has_axis) {
            tables.sort_by_key(|t| !t.is_some_and(|t| t.schema.has_axis));
        }
        let mut first = None;
        for table in tables {
            let mut inner = Evaluator { table, all: self.all, names: self.names, faults: vec![] };
            let v = inner.eval(&args[0]);
            let Some(v) = v.filter(|_| inner.faults.is_empty()) else {
                first.get_or_insert(inner.faults);
                continue;
            };
            let n = v.len().unwrap_or(1);
            let axis = table.and_then(Table::axis).map_or_else(|| (0..n).map(|k| k as f64).collect(), Column::re);
            let ys = if v.is_complex() { v.map_real(|z| z.norm()).reals(n) } else { v.reals(n) };
            let ends = wave::extremes(&axis, &ys);
            let x = match f {
                "min" => ends.map_or(f64::NAN, |e| e.0.1),
                "max" => ends.map_or(f64::NAN, |e| e.1.1),
                "pp" => ends.map_or(f64::NAN, |e| e.1.1 - e.0.1),
                "avg" => wave::average(&axis, &ys),
                "rms" => wave::rms(&axis, &ys),
                "first" => v.at(0).re,
                "final" => v.last().re,
                _ => {
                    let at = self.eval(&args[1])?.last().re;
                    interp::linear(&axis, &v.reals(n), at)
                }
            };
            return Some(Some(Val::num(x)));
        }
        self.faults.extend(first.unwrap_or_default());
        None
    }

    fn of_one(&mut self, f: &str, x: &Val) -> Option<Val> {
        Some(match f {
            "par" => x.clone(),
            "db" => part_of("db", x)?,
            "mag" => part_of("m", x)?,
            "ph" | "phase" | "arg" => part_of("p", x)?,
            "re" | "real" => part_of("r", x)?,
            "im" | "imag" => part_of("i", x)?,
            "conj" => x.map(|r| r, |z| z.conj()),
            "deg" => x.map_real(|z| z.re.to_degrees()),
            "abs" if x.is_complex() => part_of("m", x)?,
            "exp" if x.is_complex() => x.map(f64::exp, |z| z.exp()),
            "sqrt" if x.is_complex() => x.map(f64::sqrt, |z| z.sqrt()),
            "ln" | "log" if x.is_complex() => x.map(f64::ln, |z| z.ln()),
            "log10" if x.is_complex() => x.map(f64::log10, |z| z.log10()),
            "unwrap" => {
                let (mut turn, mut last) = (0.0, f64::NAN);
                let step = |y: f64| {
                    if (y - last).abs() > std::f64::consts::PI {
                        turn -= ((y - last) / std::f64::consts::TAU).round() * std::f64::consts::TAU;
                    }
                    last = y;
                    y + turn
                };
                Val::Real(x.reals(x.len().unwrap_or(1)).into_iter().map(step).collect())
            }
            "deriv" | "integ" => {
                let axis = self.table.and_then(Table::axis)?.re();
                let go = |ys: &[f64]| {
                    if f == "deriv" { wave::derivative(&axis, ys) } else { wave::running_integral(&axis, ys) }
                };
                if x.is_complex() {
                    let part = |p: &str| part_of(p, x).map(|v| go(&v.reals(axis.len())));
                    let z = part("r")?.into_iter().zip(part("i")?);
                    Val::Complex(z.map(|(re, im)| Complex64::new(re, im)).collect())
                } else {
                    Val::Real(go(&x.reals(axis.len())))
                }
            }
            _ => return None,
        })
    }

    /// The functions of the expression language, on real parts.
    fn library(&mut self, f: &str, values: &[Val], span: Span) -> Option<Val> {
        let Some(function) = functions::find(f).and_then(|i| FUNCTIONS.get(i)) else {
            let known =
                ["db", "ph", "mag", "re", "im", "conj", "deriv", "integ", "avg", "rms", "pp", "at", "final", "first"];
            let mut d = Diagnostic::error(MEASURE_FUNCTION, format!("unknown function `{f}`")).at(span, "called here");
            if let Some(help) = nearest::did_you_mean(f, functions::names().chain(known)) {
                d = d.help(help);
            }
            return self.fail(d);
        };
        if values.len() < function.args.0 || values.len() > function.args.1 {
            return self.misuse(f, span);
        }
        let n = values.iter().find_map(Val::len);
        let pointwise = |g: &dyn Fn(usize) -> f64| match n {
            None => Val::num(g(0)),
            Some(n) => Val::Real((0..n).map(g).collect()),
        };
        let arg = |i: usize, k: usize| values.get(i).map_or(f64::NAN, |v| v.at(k).re);
        match function.kind {
            Kind::One { f, .. } => Some(pointwise(&|k| f(arg(0, k)))),
            Kind::Two { f, .. } => Some(pointwise(&|k| (1..values.len()).fold(arg(0, k), |acc, i| f(acc, arg(i, k))))),
            Kind::Sign if values.len() == 1 => {
                Some(pointwise(&|k| if arg(0, k) == 0.0 { 0.0 } else { arg(0, k).signum() }))
            }
            Kind::Sign => Some(pointwise(&|k| arg(0, k).abs().copysign(arg(1, k)))),
            Kind::Limit if values.len() == 3 => {
                Some(pointwise(&|k| arg(0, k).max(arg(1, k).min(arg(2, k))).min(arg(1, k).max(arg(2, k)))))
            }
            Kind::Select => Some(pointwise(&|k| if arg(0, k) != 0.0 { arg(1, k) } else { arg(2, k) })),
            Kind::Ddt if values.len() == 1 => self.of_one("deriv", &values[0]),
            Kind::Idt if values.len() == 1 => self.of_one("integ", &values[0]),
            Kind::Table { .. } => Some(pointwise(&|k| {
                let points: Vec<(f64, f64)> =
                    (1..values.len().saturating_sub(1)).step_by(2).map(|i| (arg(i, k), arg(i + 1, k))).collect();
                let (xs, ys): (Vec<f64>, Vec<f64>) = points.into_iter().unzip();
                match (xs.first(), xs.last()) {
                    (Some(&a), Some(&b)) => interp::linear(&xs, &ys, arg(0, k).clamp(a.min(b), b.max(a))),
                    _ => f64::NAN,
                }
            })),
            _ => self.fail(
                Diagnostic::error(MEASURE_FUNCTION, format!("`{f}` has no meaning for results"))
                    .at(span, "called here"),
            ),
        }
    }

    fn binary(&mut self, op: BinaryOp, a: &Val, b: &Val, span: Span) -> Option<Val> {
        let bool2 = |f: fn(f64, f64) -> bool| move |x: f64, y: f64| f64::from(u8::from(f(x, y)));
        let compare = |f: fn(f64, f64) -> bool| a.zip(b, bool2(f), move |x, y| bool2(f)(x.re, y.re).into());
        let v = match op {
            BinaryOp::Add => a.zip(b, |x, y| x + y, |x, y| x + y),
            BinaryOp::Sub => a.zip(b, |x, y| x - y, |x, y| x - y),
            BinaryOp::Mul => a.zip(b, |x, y| x * y, |x, y| x * y),
            BinaryOp::Div => a.zip(b, |x, y| x / y, |x, y| x / y),
            BinaryOp::Rem => a.zip(b, |x, y| x % y, |x, y| (x.re % y.re).into()),
            // As in the expressions of the netlist: the power of the absolute value.
            BinaryOp::Pow => a.zip(b, |x, y| x.abs().powf(y), |x, y| x.powc(y)),
            BinaryOp::Lt => compare(|x, y| x < y),
            BinaryOp::Le => compare(|x, y| x <= y),
            BinaryOp::Gt => compare(|x, y| x > y),
            BinaryOp::Ge => compare(|x, y| x >= y),
            BinaryOp::Eq => compare(|x, y| x == y),
            BinaryOp::Ne => compare(|x, y| x != y),
            BinaryOp::And => compare(|x, y| x != 0.0 && y != 0.0),
            BinaryOp::Or => compare(|x, y| x != 0.0 || y != 0.0),
        };
        match v {
            Some(v) => Some(v),
            None => self
                .fail(Diagnostic::error(EMPTY_TABLE, "waveforms of different length").at(span, "cannot be combined")),
        }
    }
}

/// `m p r i db` of a value.
fn part_of(part: &str, v: &Val) -> Option<Val> {
    Some(match part {
        "m" => v.map_real(|z| if z.im == 0.0 { z.re.abs() } else { z.norm() }),
        "p" => v.map_real(|z| z.arg()),
        "r" => v.map_real(|z| z.re),
        "i" => v.map_real(|z| z.im),
        "db" => v.map_real(|z| 20.0 * z.norm().log10()),
        _ => return None,
    })
}

/// A node or element name.
fn word(e: &Expr) -> Option<String> {
    match &e.kind {
        ExprKind::Name(n) => Some(n.to_ascii_lowercase()),
        ExprKind::Number(x) => Some(x.to_string()),
        _ => None,
    }
}

/// A table of expressions over the axis of another (or over `x`): what `plot` and `.print` of expressions draw from. Each is
/// named by its text. All faults are returned.
pub fn table_of(
    table: &Table,
    exprs: &[(String, Expr)],
    x: Option<&(String, Expr)>,
    names: Names,
) -> Result<Table, Vec<Diagnostic>> {
    let mut out = Table { meta: table.meta.clone(), ..Table::default() };
    out.schema.kind = table.schema.kind;
    let mut faults = vec![];
    if let (None, Some(axis), Some(s)) = (x, table.axis(), table.schema.signals.first()) {
        out.schema.has_axis = true;
        out.push_column(s.clone(), axis.clone());
    }
    out.schema.has_axis |= x.is_some();
    for (text, e) in x.into_iter().chain(exprs) {
        match signal(table, e, names) {
            Ok(c) => out.push_column(Signal::new(text.clone(), quantity(table, e)), c),
            Err(d) => faults.extend(d),
        }
    }
    out.schema.is_complex = out.columns.iter().any(Column::is_complex);
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}

/// The signal of an expression: its text as the name, its unit as the quantity.
pub fn quantity(table: &Table, expr: &Expr) -> Quantity {
    Quantity::from_unit(&unit(table, expr))
}
