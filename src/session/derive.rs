//! Expressions of columns: `.print`, `.save`, `.plot` and `.check` evaluate them point by point.
//!
//! A real expression of real columns is a real column; as soon as one operand is complex (AC) so is the result, until
//! `mag re im ph db` take a part of it. Phases are in radians, as ngspice gives them.

use num_complex::Complex64;

use super::signals::{self, Part, canonical, is_ground};
use crate::dataset::{Column, Table};
use crate::diag::{Diagnostic, codes::session as code};
use crate::diag::{FileId, Span, codes, nearest};
use crate::expr::Expr;
use crate::expr::ast::{BinaryOp, ExprKind, UnaryOp};

/// A number, or one number a point.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Scalar(f64),
    Column(Column),
}

impl Value {
    pub fn into_column(self, len: usize) -> Column {
        match self {
            Value::Scalar(x) => Column::Real(vec![x; len]),
            Value::Column(c) => c,
        }
    }

    /// The last value, real part.
    pub fn last(&self) -> Option<f64> {
        match self {
            Value::Scalar(x) => Some(*x),
            Value::Column(Column::Real(v)) => v.last().copied(),
            Value::Column(Column::Complex(v)) => v.last().map(|z| z.re),
        }
    }
}

/// What names and signals mean where an expression is evaluated.
pub trait Names {
    /// A signal in canonical form: `v(a)`, `i(v1)`, `p(r1)`, `@m1[gm]`.
    fn signal(&self, name: &str) -> Option<Value>;
    /// A bare word.
    fn word(&self, name: &str) -> Option<Value>;
    /// For "did you mean".
    fn known(&self) -> Vec<String>;
    /// The fault of a name that is not known.
    fn unknown(&self, name: &str) -> Diagnostic {
        let known = self.known();
        let d = Diagnostic::error(codes::results::UNKNOWN_SIGNAL, format!("unknown signal `{name}`"));
        match nearest::did_you_mean(name, known.iter().map(String::as_str)) {
            Some(help) => d.help(help),
            None => d,
        }
    }
}

impl Names for Table {
    fn signal(&self, name: &str) -> Option<Value> {
        self.column(name).cloned().map(Value::Column)
    }

    fn word(&self, name: &str) -> Option<Value> {
        let axis = self.schema.signals.first().filter(|_| self.schema.has_axis);
        // The axis by its name; a bare node or column by its own.
        match axis {
            Some(a) if a.name == name => self.axis().cloned().map(Value::Column),
            _ => self.column(name).or_else(|| self.column(&format!("v({name})"))).cloned().map(Value::Column),
        }
    }

    fn known(&self) -> Vec<String> {
        self.schema.signals.iter().map(|s| s.name.clone()).collect()
    }
}

/// Offsets within the text itself, so that calls can be read back as they were written.
const SELF: FileId = FileId(u32::MAX - 1);

/// Evaluates a text. The place of the fault is where the text stands in the deck.
pub fn evaluate(text: &str, names: &dyn Names, at: Span) -> Result<Value, Diagnostic> {
    let text = strip(text);
    // A name with characters that mean something else in an expression (`v(in+)`, `i(x1:r2)`) is taken whole first.
    if let Some(v) = whole(&text, names) {
        return Ok(v);
    }
    let expr = crate::expr::parse(&text, &|lo, hi| Span::new(SELF, lo as u32, hi as u32)).map_err(|d| {
        let mut first = d.into_iter().next().unwrap_or_else(|| {
            Diagnostic::error(code::BAD_EXPRESSION, format!("`{text}` is not an expression of signals"))
        });
        relocate(&mut first, at);
        first
    })?;
    tree(&expr, &|s| text.get(s.lo as usize..s.hi as usize).unwrap_or("").to_string(), names).map_err(|mut d| {
        relocate(&mut d, at);
        d
    })
}

/// Evaluates a tree; `text` gives the source of a span.
pub fn tree(expr: &Expr, text: &dyn Fn(Span) -> String, names: &dyn Names) -> Result<Value, Diagnostic> {
    Eval { text, names }.value(expr)
}

fn relocate(d: &mut Diagnostic, at: Span) {
    d.labels.retain(|l| l.span.file != SELF);
    if d.labels.is_empty() && !at.is_nowhere() {
        d.labels.push(crate::diag::Label { span: at, text: "asked for here".into() });
    }
}

/// Quotes, braces and HSPICE's `par(...)` around a whole expression.
pub fn strip(text: &str) -> String {
    let mut t = text.trim();
    loop {
        let inner = ['\'', '"', '{'].iter().find_map(|&q| {
            let close = if q == '{' { '}' } else { q };
            t.strip_prefix(q)?.strip_suffix(close)
        });
        let par = t
            .get(..3)
            .filter(|p| p.eq_ignore_ascii_case("par"))
            .and_then(|_| t[3..].trim_start().strip_prefix('(')?.strip_suffix(')').filter(|i| balanced(i)));
        match inner.or(par) {
            Some(i) => t = i.trim(),
            None => return t.to_string(),
        }
    }
}

fn balanced(t: &str) -> bool {
    let mut depth = 0i32;
    for c in t.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

fn whole(text: &str, names: &dyn Names) -> Option<Value> {
    let c = canonical(text);
    let is_one_call = c.ends_with(')') && c.find('(').is_some_and(|p| signals::function(&c[..p]).is_some());
    if c.starts_with('@') || is_one_call {
        if let Some(v) = names.signal(&c) {
            return Some(v);
        }
        let (word, inside) = c.strip_suffix(')')?.split_once('(')?;
        if !inside.contains('(') && !inside.contains(')') {
            return call_signal(word, inside, names).ok()?;
        }
        return None;
    }
    c.strip_suffix("#branch").and_then(|x| names.signal(&format!("i({x})")))
}

/// `v(a)`, `v(a,b)`, `vdb(a)`, `i(v1)` ...; `Ok(None)` when the word is no signal function.
fn call_signal(word: &str, inside: &str, names: &dyn Names) -> Result<Option<Value>, Diagnostic> {
    let Some((base, part)) = signals::function(word) else { return Ok(None) };
    let get = |name: String| names.signal(&name).ok_or_else(|| names.unknown(&name));
    let value = if base == "v" {
        let node = |n: &str| if is_ground(n) { Ok(Value::Scalar(0.0)) } else { get(format!("v({n})")) };
        match inside.split_once(',') {
            Some((a, b)) => match names.signal(&format!("v({inside})")) {
                Some(v) => v,
                None => {
                    let (a, b) = (node(a)?, node(b)?);
                    zip(a, b, |a, b| a - b, |a, b| a - b)
                }
            },
            None => node(inside)?,
        }
    } else {
        get(format!("{base}({inside})"))?
    };
    Ok(Some(take(value, part)))
}

fn take(v: Value, part: Part) -> Value {
    let real = |f: fn(Complex64) -> f64, g: fn(f64) -> f64| match &v {
        Value::Scalar(x) => Value::Scalar(g(*x)),
        Value::Column(Column::Real(c)) => Value::Column(Column::Real(c.iter().map(|x| g(*x)).collect())),
        Value::Column(Column::Complex(c)) => Value::Column(Column::Real(c.iter().map(|z| f(*z)).collect())),
    };
    match part {
        Part::Whole => v,
        Part::Magnitude => real(|z| z.norm(), f64::abs),
        Part::Real => real(|z| z.re, |x| x),
        Part::Imaginary => real(|z| z.im, |_| 0.0),
        Part::Phase => real(|z| z.arg(), |x| if x < 0.0 { std::f64::consts::PI } else { 0.0 }),
        Part::Decibel => real(|z| 20.0 * z.norm().log10(), |x| 20.0 * x.abs().log10()),
    }
}

struct Eval<'a> {
    text: &'a dyn Fn(Span) -> String,
    names: &'a dyn Names,
}

impl Eval<'_> {
    fn value(&self, e: &Expr) -> Result<Value, Diagnostic> {
        match &e.kind {
            ExprKind::Number(x) => Ok(Value::Scalar(*x)),
            ExprKind::Name(n) => self.name(n),
            ExprKind::Call(f, args) => self.call(e, f, args),
            ExprKind::Unary(UnaryOp::Neg, a) => Ok(map(self.value(a)?, |x| -x, |z| -z)),
            ExprKind::Unary(UnaryOp::Not, a) => {
                let v = self.real(a, "!")?;
                Ok(map(v, |x| f64::from(x == 0.0), |z| z))
            }
            ExprKind::Binary(op, a, b) => self.binary(*op, a, b),
            ExprKind::Select(c, a, b) => {
                let (c, a, b) = (self.real(c, "?:")?, self.value(a)?, self.value(b)?);
                let len = [&c, &a, &b].into_iter().filter_map(length).max();
                Ok(match len {
                    None => {
                        if c.last().is_some_and(|x| x != 0.0) {
                            a
                        } else {
                            b
                        }
                    }
                    Some(n) => {
                        let c = c.into_column(n).re();
                        Value::Column(match (a.into_column(n), b.into_column(n)) {
                            (Column::Real(a), Column::Real(b)) => Column::Real(select(&c, &a, &b)),
                            (a, b) => Column::Complex(select(&c, &complex(&a), &complex(&b))),
                        })
                    }
                })
            }
        }
    }

    fn name(&self, n: &str) -> Result<Value, Diagnostic> {
        let name = canonical(n);
        let found = if name.starts_with('@') {
            self.names.signal(&name)
        } else if let Some(x) = name.strip_suffix("#branch") {
            self.names.signal(&format!("i({x})"))
        } else {
            self.names.word(&name).or_else(|| constant(&name).map(Value::Scalar))
        };
        found.ok_or_else(|| self.names.unknown(&name))
    }

    fn call(&self, e: &Expr, f: &str, args: &[Expr]) -> Result<Value, Diagnostic> {
        let f = f.to_ascii_lowercase();
        if signals::function(&f).is_some() {
            let written = canonical(&(self.text)(e.span));
            let inside = match written.split_once('(').and_then(|(_, r)| r.strip_suffix(')')) {
                Some(i) => i.to_string(),
                None => args.iter().map(argument).collect::<Vec<_>>().join(","),
            };
            if !inside.contains('(') {
                if let Some(v) = call_signal(&f, &inside, self.names)? {
                    return Ok(v);
                }
            }
        }
        let values = args.iter().map(|a| self.value(a)).collect::<Result<Vec<_>, _>>()?;
        apply(&f, values)
    }

    fn binary(&self, op: BinaryOp, a: &Expr, b: &Expr) -> Result<Value, Diagnostic> {
        let real: fn(f64, f64) -> f64 = match op {
            BinaryOp::Add => return Ok(zip(self.value(a)?, self.value(b)?, |a, b| a + b, |a, b| a + b)),
            BinaryOp::Sub => return Ok(zip(self.value(a)?, self.value(b)?, |a, b| a - b, |a, b| a - b)),
            BinaryOp::Mul => return Ok(zip(self.value(a)?, self.value(b)?, |a, b| a * b, |a, b| a * b)),
            BinaryOp::Div => return Ok(zip(self.value(a)?, self.value(b)?, |a, b| a / b, |a, b| a / b)),
            BinaryOp::Pow => return Ok(zip(self.value(a)?, self.value(b)?, f64::powf, |a, b| a.powc(b))),
            BinaryOp::Rem => |a, b| a % b,
            BinaryOp::Lt => |a, b| f64::from(a < b),
            BinaryOp::Le => |a, b| f64::from(a <= b),
            BinaryOp::Gt => |a, b| f64::from(a > b),
            BinaryOp::Ge => |a, b| f64::from(a >= b),
            BinaryOp::Eq => |a, b| f64::from(a == b),
            BinaryOp::Ne => |a, b| f64::from(a != b),
            BinaryOp::And => |a, b| f64::from(a != 0.0 && b != 0.0),
            BinaryOp::Or => |a, b| f64::from(a != 0.0 || b != 0.0),
        };
        Ok(zip(self.real(a, "a comparison")?, self.real(b, "a comparison")?, real, |a, _| a))
    }

    /// An operand that must not be complex.
    fn real(&self, e: &Expr, what: &str) -> Result<Value, Diagnostic> {
        let v = self.value(e)?;
        match v {
            Value::Column(Column::Complex(_)) => Err(complex_fault(what)),
            v => Ok(v),
        }
    }
}

fn complex_fault(what: &str) -> Diagnostic {
    Diagnostic::error(code::BAD_EXPRESSION, format!("{what} has no meaning for complex values"))
        .help("take mag(), re(), im(), db() or ph() of the AC quantity first")
}

/// The text of an argument of `v(...)` that was parsed as an expression.
pub fn argument(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Name(n) => n.clone(),
        ExprKind::Number(x) => format!("{x}"),
        _ => String::new(),
    }
}

fn constant(name: &str) -> Option<f64> {
    use crate::base::consts;
    Some(match name {
        "pi" => std::f64::consts::PI,
        "e" => std::f64::consts::E,
        "kelvin" => -consts::ZERO_C,
        "boltz" => consts::K,
        "echarge" => consts::Q,
        "planck" => consts::H,
        "c" => 299_792_458.0,
        "true" | "yes" => 1.0,
        "false" | "no" => 0.0,
        _ => return None,
    })
}

fn length(v: &Value) -> Option<usize> {
    match v {
        Value::Scalar(_) => None,
        Value::Column(c) => Some(c.len()),
    }
}

fn complex(c: &Column) -> Vec<Complex64> {
    match c {
        Column::Real(v) => v.iter().map(|&x| x.into()).collect(),
        Column::Complex(v) => v.clone(),
    }
}

fn select<T: Copy>(c: &[f64], a: &[T], b: &[T]) -> Vec<T> {
    c.iter().zip(a.iter().zip(b)).map(|(c, (a, b))| if *c != 0.0 { *a } else { *b }).collect()
}

fn map(v: Value, f: impl Fn(f64) -> f64, g: impl Fn(Complex64) -> Complex64) -> Value {
    match v {
        Value::Scalar(x) => Value::Scalar(f(x)),
        Value::Column(Column::Real(c)) => Value::Column(Column::Real(c.into_iter().map(f).collect())),
        Value::Column(Column::Complex(c)) => Value::Column(Column::Complex(c.into_iter().map(g).collect())),
    }
}

fn zip(a: Value, b: Value, f: impl Fn(f64, f64) -> f64, g: impl Fn(Complex64, Complex64) -> Complex64) -> Value {
    let Some(n) = length(&a).max(length(&b)) else {
        return match (a, b) {
            (Value::Scalar(a), Value::Scalar(b)) => Value::Scalar(f(a, b)),
            (a, _) => a,
        };
    };
    Value::Column(match (a.into_column(n), b.into_column(n)) {
        (Column::Real(a), Column::Real(b)) => Column::Real(a.iter().zip(&b).map(|(a, b)| f(*a, *b)).collect()),
        (a, b) => Column::Complex(complex(&a).iter().zip(&complex(&b)).map(|(a, b)| g(*a, *b)).collect()),
    })
}

/// Ordinary functions, point by point.
fn apply(f: &str, mut args: Vec<Value>) -> Result<Value, Diagnostic> {
    let n = args.len();
    let wrong = |want: usize| {
        Diagnostic::error(code::BAD_EXPRESSION, format!("`{f}` takes {want} argument{}, not {n}", plural(want)))
    };
    let is_complex = |v: &Value| matches!(v, Value::Column(Column::Complex(_)));
    let part = match f {
        "mag" | "abs" | "m" => Some(Part::Magnitude),
        "re" | "real" | "r" => Some(Part::Real),
        "im" | "imag" => Some(Part::Imaginary),
        "ph" | "phase" => Some(Part::Phase),
        "db" => Some(Part::Decibel),
        _ => None,
    };
    if part.is_some() || f == "par" {
        let v = args.pop().filter(|_| n == 1).ok_or_else(|| wrong(1))?;
        return Ok(take(v, part.unwrap_or(Part::Whole)));
    }
    let one: Option<fn(f64) -> f64> = match f {
        "sqrt" => Some(f64::sqrt),
        "exp" => Some(f64::exp),
        "ln" | "log" => Some(f64::ln),
        "log10" => Some(f64::log10),
        "sin" => Some(f64::sin),
        "cos" => Some(f64::cos),
        "tan" => Some(f64::tan),
        "asin" => Some(f64::asin),
        "acos" => Some(f64::acos),
        "atan" | "arctan" => Some(f64::atan),
        "sinh" => Some(f64::sinh),
        "cosh" => Some(f64::cosh),
        "tanh" => Some(f64::tanh),
        "floor" => Some(f64::floor),
        "ceil" => Some(f64::ceil),
        "int" => Some(f64::trunc),
        "nint" | "round" => Some(f64::round_ties_even),
        "sgn" => Some(|x| if x == 0.0 { 0.0 } else { x.signum() }),
        "u" => Some(|x| f64::from(x > 0.0)),
        "uramp" => Some(|x| x.max(0.0)),
        _ => None,
    };
    if let Some(one) = one {
        let v = args.pop().filter(|_| n == 1).ok_or_else(|| wrong(1))?;
        let z: fn(Complex64) -> Complex64 = match f {
            "sqrt" => |z| z.sqrt(),
            "exp" => |z| z.exp(),
            "ln" | "log" => |z| z.ln(),
            "log10" => |z| z.log10(),
            "sin" => |z| z.sin(),
            "cos" => |z| z.cos(),
            "tan" => |z| z.tan(),
            _ if is_complex(&v) => return Err(complex_fault(&format!("`{f}`"))),
            _ => |z| z,
        };
        return Ok(map(v, one, z));
    }
    let two: Option<fn(f64, f64) -> f64> = match f {
        "min" => Some(f64::min),
        "max" => Some(f64::max),
        "pow" => Some(f64::powf),
        "pwr" => Some(|x, y| x.abs().powf(y) * if x < 0.0 { -1.0 } else { 1.0 }),
        "atan2" => Some(f64::atan2),
        "hypot" => Some(f64::hypot),
        _ => None,
    };
    if let Some(two) = two {
        if n < 2 {
            return Err(wrong(2));
        }
        if args.iter().any(is_complex) {
            return Err(complex_fault(&format!("`{f}`")));
        }
        let mut it = args.into_iter();
        let first = it.next().unwrap_or(Value::Scalar(0.0));
        return Ok(it.fold(first, |a, b| zip(a, b, two, |a, _| a)));
    }
    if f == "limit" && n == 3 {
        if args.iter().any(is_complex) {
            return Err(complex_fault("`limit`"));
        }
        let mut it = args.into_iter();
        if let (Some(x), Some(a), Some(b)) = (it.next(), it.next(), it.next()) {
            let (lo, hi) = (zip(a.clone(), b.clone(), f64::min, |a, _| a), zip(a, b, f64::max, |a, _| a));
            return Ok(zip(zip(x, lo, f64::max, |a, _| a), hi, f64::min, |a, _| a));
        }
    }
    let known = ["mag", "re", "im", "ph", "db", "abs", "sqrt", "exp", "ln", "log10", "min", "max", "pow", "limit"];
    let d = Diagnostic::error(code::BAD_EXPRESSION, format!("no function `{f}` of waveforms"));
    Err(match nearest::did_you_mean(f, known) {
        Some(h) => d.help(h),
        None => d,
    })
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{PlotKind, Quantity, Schema, Signal};

    fn table(is_complex: bool) -> Table {
        let mut t = Table {
            schema: Schema { kind: PlotKind::Tran, has_axis: true, is_complex, signals: vec![] },
            ..Table::default()
        };
        t.push_column(Signal::new("time", Quantity::Time), Column::Real(vec![0.0, 1.0, 2.0]));
        let c = |re: [f64; 3], im: [f64; 3]| {
            if is_complex {
                Column::Complex((0..3).map(|i| Complex64::new(re[i], im[i])).collect())
            } else {
                Column::Real(re.to_vec())
            }
        };
        t.push_column(Signal::new("v(a)", Quantity::Voltage), c([1.0, 3.0, 0.0], [0.0, 4.0, 1.0]));
        t.push_column(Signal::new("v(in+)", Quantity::Voltage), c([5.0, 6.0, 7.0], [0.0; 3]));
        t
    }

    fn re(text: &str, t: &Table) -> Vec<f64> {
        evaluate(text, t, Span::NOWHERE).unwrap().into_column(3).re()
    }

    #[test]
    fn whole_names() {
        let t = table(false);
        assert_eq!(re("V( A )", &t), [1.0, 3.0, 0.0]);
        assert_eq!(re("v(in+)", &t), [5.0, 6.0, 7.0]);
        assert_eq!(re("'v(in+,a)'", &t), [4.0, 3.0, 7.0]);
        assert_eq!(re("v(0)", &t), [0.0; 3]);
        assert_eq!(re("vm(a)", &table(true)), [1.0, 5.0, 1.0]);
        assert_eq!(strip(" par( '{a+b}' ) "), "a+b");
        assert_eq!(strip("par(a)+(b)"), "par(a)+(b)");
    }

    #[test]
    fn unknown_names_have_neighbours() {
        let d = evaluate("v(aa)", &table(false), Span::NOWHERE);
        assert!(d.is_err());
    }
}
