//! The text of a `.meas` card, after its name, to a [`Spec`].
//!
//! Forms of ngspice and HSPICE (`key=value`) and of LTspice (`key value`, conditions as `v(a)=1`, any expression as signal):
//!
//! ```text
//! trig SIGNAL val=V|=V [td=T] [rise|fall|cross=N|last]  targ ...      trig at=T targ ...
//! find SIGNAL at=T          find SIGNAL when COND       find SIGNAL            (operating point)
//! when COND                 COND: A=B [td=T] [from=T] [to=T] [rise|fall|cross=N|last]
//! min|max|pp|avg|rms|integ|min_at|max_at SIGNAL [from=T] [to=T] [td=T] [trig ... targ ...]
//! deriv SIGNAL at=T         deriv SIGNAL when COND      param=EXPR  param EXPR
//! ```
//!
//! `goal`, `minval`, `weight` and `print` of HSPICE may follow and are linted.

use super::wave::Edge;
use crate::base::units::parse_number;
use crate::diag::codes::results::{MEASURE_SYNTAX, MEASURE_WORD};
use crate::diag::{Diagnostic, Span, nearest};
use crate::expr::ast::{ExprKind, UnaryOp};
use crate::expr::{self, Expr};

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// Axis distance from one event to another.
    TrigTarg(Box<(Event, Event)>),
    /// A signal's value somewhere; nowhere in an operating point.
    Find(Expr, Option<Event>),
    /// The axis value of an event.
    When(Event),
    /// A number of a signal over an interval.
    Stat(Stat, Expr, Window),
    /// The slope of a signal somewhere.
    Deriv(Expr, Event),
    /// A function of earlier measures.
    Param(Expr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stat {
    Min,
    Max,
    MinAt,
    MaxAt,
    Pp,
    Avg,
    Rms,
    Integ,
}

impl Stat {
    const WORDS: &'static [(&'static str, Stat)] = &[
        ("min", Stat::Min),
        ("max", Stat::Max),
        ("min_at", Stat::MinAt),
        ("max_at", Stat::MaxAt),
        ("pp", Stat::Pp),
        ("avg", Stat::Avg),
        ("rms", Stat::Rms),
        ("integ", Stat::Integ),
        ("integral", Stat::Integ),
    ];

    /// As LTspice's log writes it.
    pub fn word(self) -> &'static str {
        match self {
            Stat::Min => "MIN",
            Stat::Max => "MAX",
            Stat::MinAt => "MIN_AT",
            Stat::MaxAt => "MAX_AT",
            Stat::Pp => "PP",
            Stat::Avg => "AVG",
            Stat::Rms => "RMS",
            Stat::Integ => "INTEG",
        }
    }
}

/// A point of the axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    At(Expr),
    Cross { left: Expr, right: Expr, edge: Edge, count: Count, window: Box<Window> },
}

/// Which of the crossings, counted from 1 within the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Nth(usize),
    Last,
}

/// `from`, `to` and `td` (a later `from`); or from one event to another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window {
    pub from: Option<Expr>,
    pub to: Option<Expr>,
    pub td: Option<Expr>,
    pub events: Option<Box<(Event, Event)>>,
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    lo: usize,
}

/// Parses the text of a card; faults point at `span`, the card.
pub fn parse(text: &str, span: Span) -> Result<Spec, Vec<Diagnostic>> {
    let (spec, faults) = parse_with(text, span);
    spec.ok_or_else(|| faults.into_iter().filter(Diagnostic::is_error).collect())
}

/// The same, and what may be said of a measure that can be read: words without effect.
pub fn parse_with(text: &str, span: Span) -> (Option<Spec>, Vec<Diagnostic>) {
    let tokens = tokenize(text);
    let mut p = Parser { text, tokens, at: 0, span, faults: vec![] };
    let spec = p.spec();
    if spec.is_none() && !p.is_faulty() {
        p.fault("the measure is not complete");
    }
    let spec = spec.filter(|_| !p.is_faulty());
    (spec, p.faults)
}

/// Does the interval of a measure end before it begins, whatever the data are? Limits that are not plain numbers are not
/// known before the run.
pub fn is_reversed(spec: &Spec) -> bool {
    let ends = |w: &Window| match (&w.from, &w.to) {
        (Some(a), Some(b)) => Option::zip(plain(a), plain(b)).is_some_and(|(a, b)| a > b),
        _ => false,
    };
    let event = |e: &Event| matches!(e, Event::Cross { window, .. } if ends(window));
    match spec {
        Spec::TrigTarg(e) => event(&e.0) || event(&e.1),
        Spec::Find(_, e) => e.as_ref().is_some_and(event),
        Spec::When(e) | Spec::Deriv(_, e) => event(e),
        Spec::Stat(_, _, w) => ends(w) || w.events.as_ref().is_some_and(|e| event(&e.0) || event(&e.1)),
        Spec::Param(_) => false,
    }
}

/// The value of a number that is spelled out, with or without a sign.
fn plain(e: &Expr) -> Option<f64> {
    match &e.kind {
        ExprKind::Number(x) => Some(*x),
        ExprKind::Unary(UnaryOp::Neg, a) => plain(a).map(|x| -x),
        _ => None,
    }
}

/// Words, `=` signs, quoted and parenthesised groups. `==`, `<=` and the like stay within their word.
fn tokenize(text: &str) -> Vec<Token<'_>> {
    let b = text.as_bytes();
    let mut tokens = vec![];
    let mut i = 0;
    let operator = |c: Option<&u8>| matches!(c, Some(b'=' | b'<' | b'>' | b'!'));
    while i < b.len() {
        if b[i].is_ascii_whitespace() {
            i += 1;
            continue;
        }
        let lo = i;
        let is_single = |i: usize| b[i] == b'=' && !operator(b.get(i + 1)) && (i == 0 || !operator(b.get(i - 1)));
        if is_single(i) {
            i += 1;
        } else {
            let mut depth = 0usize;
            let mut quote = None;
            while i < b.len() {
                let c = b[i];
                match quote {
                    Some(q) => {
                        if c == q {
                            quote = None;
                        }
                    }
                    None => match c {
                        b'\'' | b'"' => quote = Some(c),
                        b'(' | b'{' | b'[' => depth += 1,
                        b')' | b'}' | b']' => depth = depth.saturating_sub(1),
                        _ if depth == 0 && (c.is_ascii_whitespace() || is_single(i)) => break,
                        _ => {}
                    },
                }
                i += 1;
            }
        }
        tokens.push(Token { text: text.get(lo..i).unwrap_or(""), lo });
    }
    tokens
}

const KEYS: &[&str] = &[
    "at", "when", "from", "to", "td", "val", "rise", "fall", "cross", "trig", "targ", "goal", "minval", "weight",
    "print",
];

/// Words of HSPICE's optimiser and of its listing: they say nothing about the measurement.
const IDLE: &[&str] = &["goal", "minval", "weight", "print"];

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token<'a>>,
    at: usize,
    span: Span,
    faults: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    fn fault(&mut self, message: impl Into<String>) {
        let d = Diagnostic::error(MEASURE_SYNTAX, message).at(self.span, "in this measure");
        self.faults.push(d);
    }

    fn is_faulty(&self) -> bool {
        self.faults.iter().any(Diagnostic::is_error)
    }

    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).map(|t| t.text)
    }

    fn is_key(&self, word: &str) -> bool {
        self.peek().is_some_and(|t| t.eq_ignore_ascii_case(word))
    }

    /// Stands one of the words without effect here, with a value?
    fn is_idle(&self) -> bool {
        IDLE.iter().any(|k| self.is_key(k)) && self.tokens.get(self.at + 1).is_some()
    }

    fn take_key(&mut self, word: &str) -> bool {
        let is = self.is_key(word);
        self.at += usize::from(is);
        is
    }

    fn spec(&mut self) -> Option<Spec> {
        let Some(first) = self.peek() else {
            self.fault("the measure says nothing");
            return None;
        };
        let word = first.to_ascii_lowercase();
        self.at += 1;
        let spec = match word.as_str() {
            "trig" => {
                self.at -= 1;
                Spec::TrigTarg(Box::new(self.trig_targ()?))
            }
            "find" => {
                let signal = self.expression("the signal to find")?;
                Spec::Find(signal, if self.at < self.tokens.len() { Some(self.place()?) } else { None })
            }
            "when" => Spec::When(self.condition()?),
            "deriv" | "derivative" => {
                let signal = self.expression("the signal to differentiate")?;
                Spec::Deriv(signal, self.place()?)
            }
            "param" => {
                self.take_key("=");
                let from = self.tokens.get(self.at).map_or(self.text.len(), |t| t.lo);
                while self.at < self.tokens.len() && !self.is_idle() {
                    self.at += 1;
                }
                let to = self.tokens.get(self.at).map_or(self.text.len(), |t| t.lo);
                Spec::Param(self.parse_text(self.text.get(from..to).unwrap_or("").trim(), "the expression")?)
            }
            w => match Stat::WORDS.iter().find(|s| s.0 == w) {
                Some(&(_, stat)) => {
                    let signal = self.expression("the signal")?;
                    Spec::Stat(stat, signal, self.window()?)
                }
                None => {
                    let known = ["trig", "find", "when", "deriv", "param"];
                    let mut d = Diagnostic::error(MEASURE_SYNTAX, format!("unknown kind of measure `{first}`"))
                        .at(self.span, "in this measure");
                    if let Some(h) = nearest::did_you_mean(w, known.into_iter().chain(Stat::WORDS.iter().map(|s| s.0)))
                    {
                        d = d.help(h);
                    } else {
                        let stats = Stat::WORDS.iter().map(|s| s.0);
                        let all: Vec<&str> = known.into_iter().chain(stats).collect();
                        d = d.help(format!("kinds of measures: {}", all.join(", ")));
                    }
                    self.faults.push(d);
                    return None;
                }
            },
        };
        while self.is_idle() {
            let word = self.peek().unwrap_or("").to_ascii_lowercase();
            self.at += 1;
            self.take_key("=");
            self.value(&word)?;
            self.faults.push(
                Diagnostic::lint(MEASURE_WORD, format!("`{word}=` has no effect on a measure"))
                    .at(self.span, "in this measure")
                    .help("a goal that is to hold can be a `.check`"),
            );
        }
        if let Some(rest) = self.peek() {
            self.fault(format!("`{rest}` is not understood here"));
        }
        Some(spec)
    }

    fn trig_targ(&mut self) -> Option<(Event, Event)> {
        self.at += 1;
        let trig = self.event("trig")?;
        if !self.take_key("targ") {
            self.fault("a `trig` needs a `targ` after it");
            return None;
        }
        Some((trig, self.event("targ")?))
    }

    /// After `trig` or `targ`: `at=T` or a crossing, `SIGNAL val=V` or `SIGNAL=V`.
    fn event(&mut self, what: &str) -> Option<Event> {
        if self.take_key("at") {
            self.take_key("=");
            return Some(Event::At(self.value("at")?));
        }
        self.take_key("when");
        self.crossing(what)
    }

    /// `at=T` or `when COND`.
    fn place(&mut self) -> Option<Event> {
        if self.take_key("when") {
            return self.condition();
        }
        // `from=`/`to=` may stand before `when` in some decks; that order is not ambiguous.
        if self.take_key("at") {
            self.take_key("=");
            return Some(Event::At(self.value("at")?));
        }
        self.fault("`at=` or `when` is expected after the signal");
        None
    }

    fn condition(&mut self) -> Option<Event> {
        self.crossing("when")
    }

    fn crossing(&mut self, what: &str) -> Option<Event> {
        let left = self.expression(&format!("the signal of `{what}`"))?;
        let mut right = None;
        if self.take_key("=") {
            right = Some(self.expression("what the signal is compared with")?);
        }
        let (mut edge, mut count) = (Edge::Either, None);
        let mut window = Box::<Window>::default();
        while let Some(t) = self.peek() {
            let key = t.to_ascii_lowercase();
            match key.as_str() {
                "val" if right.is_none() => {
                    self.at += 1;
                    self.take_key("=");
                    right = Some(self.value("val")?);
                }
                "rise" | "fall" | "cross" => {
                    self.at += 1;
                    self.take_key("=");
                    edge = match key.as_str() {
                        "rise" => Edge::Rise,
                        "fall" => Edge::Fall,
                        _ => Edge::Either,
                    };
                    if count.is_some() {
                        self.fault("the crossing is counted twice: `rise`, `fall` and `cross` exclude each other");
                    }
                    count = Some(self.count(&key)?);
                }
                "td" | "from" | "to" => self.window_key(&key, &mut window)?,
                _ => break,
            }
        }
        let Some(right) = right else {
            self.fault(format!("`{what}` does not say which value the signal is to cross: write `val=VALUE`"));
            return None;
        };
        Some(Event::Cross { left, right, edge, count: count.unwrap_or(Count::Nth(1)), window })
    }

    fn window_key(&mut self, key: &str, window: &mut Window) -> Option<()> {
        self.at += 1;
        self.take_key("=");
        let value = self.value(key)?;
        let slot = match key {
            "td" => &mut window.td,
            "from" => &mut window.from,
            _ => &mut window.to,
        };
        if slot.replace(value).is_some() {
            self.fault(format!("`{key}=` is given twice"));
        }
        Some(())
    }

    fn window(&mut self) -> Option<Window> {
        let mut window = Window::default();
        while let Some(t) = self.peek() {
            let key = t.to_ascii_lowercase();
            match key.as_str() {
                "td" | "from" | "to" => self.window_key(&key, &mut window)?,
                "trig" => window.events = Some(Box::new(self.trig_targ()?)),
                _ => break,
            }
        }
        Some(window)
    }

    fn count(&mut self, key: &str) -> Option<Count> {
        let Some(t) = self.peek() else {
            self.fault(format!("`{key}=` needs a number or `last`"));
            return None;
        };
        self.at += 1;
        if t.eq_ignore_ascii_case("last") {
            return Some(Count::Last);
        }
        let inner = strip(t);
        match parse_number(inner) {
            Some(n) if n.len == inner.len() && n.value >= 1.0 && n.value.fract() == 0.0 && n.value < 1e15 => {
                Some(Count::Nth(n.value as usize))
            }
            _ => {
                self.fault(format!("`{key}={t}`: a whole number from 1 or `last` is expected"));
                None
            }
        }
    }

    /// One token as an expression.
    fn value(&mut self, key: &str) -> Option<Expr> {
        let Some(t) = self.peek() else {
            self.fault(format!("`{key}=` has no value"));
            return None;
        };
        self.at += 1;
        self.parse_text(t, key)
    }

    /// Tokens up to the next keyword or `=`, as one expression: it may have blanks in it.
    fn expression(&mut self, what: &str) -> Option<Expr> {
        let start = self.at;
        while let Some(t) = self.peek() {
            if t == "=" || KEYS.iter().any(|k| t.eq_ignore_ascii_case(k)) {
                break;
            }
            self.at += 1;
        }
        let (Some(first), Some(last)) =
            (self.tokens.get(start), self.tokens.get(self.at.wrapping_sub(1)).filter(|_| self.at > start))
        else {
            self.fault(format!("{what} is missing"));
            return None;
        };
        let text = self.text.get(first.lo..last.lo + last.text.len()).unwrap_or("");
        self.parse_text(text, what)
    }

    fn parse_text(&mut self, text: &str, what: &str) -> Option<Expr> {
        let span = self.span;
        let inner = unwrap_par(strip(text));
        match expr::parse(&inner, &|_, _| span) {
            Ok(e) => Some(e),
            Err(faults) => {
                if faults.is_empty() {
                    self.fault(format!("{what} cannot be read: `{text}`"));
                }
                self.faults.extend(faults.into_iter().map(|d| d.note(format!("while reading {what}: `{text}`"))));
                None
            }
        }
    }
}

/// Without the quotes or braces around the whole.
fn strip(text: &str) -> &str {
    let t = text.trim();
    for (open, close) in [('\'', '\''), ('"', '"'), ('{', '}')] {
        if let Some(inner) = t.strip_prefix(open).and_then(|s| s.strip_suffix(close))
            && !inner.contains([open, close])
        {
            return inner.trim();
        }
    }
    t
}

/// `par('x')` is `(x)`; braces and quotes inside are parentheses.
fn unwrap_par(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut is_open = false;
    for c in text.chars() {
        match c {
            '\'' | '"' => {
                out.push(if is_open { ')' } else { '(' });
                is_open = !is_open;
            }
            '{' => out.push('('),
            '}' => out.push(')'),
            c => out.push(c),
        }
    }
    out
}
