//! The book of the language in use: each `tests/va_book/*.va` is a chapter, each section of it a case that is simulated
//! with the machine code and with the interpreter, which have to agree bit for bit. What is expected comes from closed
//! forms and from the language reference, never from a run of this program.
//!
//! ```text
//! //# title                           a section begins; what follows up to the next one is its Verilog-A text, and
//! //. r1 a 0 1k                       a line of its deck (title, `.hdl` and `.end` are added),
//! //? tran v(out) @ 1u = 1 - exp(-1) ~ 1e-4     a number: in which table (op, dc, tran, ac, noise; none if there is but
//!                                     one), where on its axis (without: at the end), the value, the tolerance (relative,
//!                                     and absolute for 0; without: 1e-9); re(), im(), max(), min(), count() of a column,
//! //> hello                           a line that the module says (all of them, in order),
//! //> log.txt: hello                  a line of a file that it writes,
//! //! E0850 absdelay                  a diagnostic: its code, and words of its message (all errors and warnings are named),
//! //+ data.tbl                        a file beside the deck, its lines marked with //|
//! //| 0 1
//! //= ln(V(x)) at 2 is ln(2) slope 1/2    an expression by itself: value and, if given, slope, at V(x); V(y) is 3
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ferrospice::base::Control;
use ferrospice::dataset::Table;
use ferrospice::diag::Severity;
use ferrospice::diag::render::{self, Style};
use ferrospice::session::world::Memory;
use ferrospice::session::{self, BackEnd, Outcome, RunOptions};

#[derive(Default, Clone)]
struct Case {
    place: String,
    text: String,
    deck: String,
    numbers: Vec<Number>,
    lines: Vec<String>,
    diagnostics: Vec<(String, String)>,
    files: Vec<(String, String)>,
    /// Nothing of the header is put before the text.
    is_bare: bool,
}

#[derive(Clone)]
struct Number {
    source: String,
    table: Option<&'static str>,
    signal: String,
    at: Option<f64>,
    value: f64,
    tolerance: f64,
}

/// A constant expression: + - * / ^, functions, pi, numbers with SI suffixes. Its own little reader, so that what is
/// expected does not come from the code under test.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn all(text: &str) -> f64 {
        let mut r = Reader(text.trim());
        let v = r.sum();
        assert!(r.0.trim().is_empty(), "what is `{}` in `{text}`?", r.0);
        v
    }

    fn eat(&mut self, c: char) -> bool {
        self.0 = self.0.trim_start();
        match self.0.strip_prefix(c) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn sum(&mut self) -> f64 {
        let mut v = self.product();
        loop {
            if self.eat('+') {
                v += self.product();
            } else if self.eat('-') {
                v -= self.product();
            } else {
                return v;
            }
        }
    }

    fn product(&mut self) -> f64 {
        let mut v = self.power();
        loop {
            if self.eat('*') {
                v *= self.power();
            } else if self.eat('/') {
                v /= self.power();
            } else {
                return v;
            }
        }
    }

    fn power(&mut self) -> f64 {
        if self.eat('-') {
            return -self.power();
        }
        let v = self.atom();
        if self.eat('^') { v.powf(self.power()) } else { v }
    }

    fn atom(&mut self) -> f64 {
        if self.eat('(') {
            let v = self.sum();
            assert!(self.eat(')'), "no `)` before `{}`", self.0);
            return v;
        }
        self.0 = self.0.trim_start();
        let word = self.0.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(self.0.len());
        let (w, rest) = self.0.split_at(word);
        if w.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            // The sign of an exponent belongs to the number.
            let mut end = word;
            if w.ends_with('e')
                && !w.contains(|c: char| c.is_ascii_alphabetic() && c != 'e')
                && rest.starts_with(['-', '+'])
            {
                end += 1 + rest[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - 1);
            }
            let (w, rest) = self.0.split_at(end);
            self.0 = rest;
            let digits = w.trim_end_matches(|c: char| "fpnumkMGT".contains(c));
            let scale = match &w[digits.len()..] {
                "" => 1.0,
                "f" => 1e-15,
                "p" => 1e-12,
                "n" => 1e-9,
                "u" => 1e-6,
                "m" => 1e-3,
                "k" => 1e3,
                "M" => 1e6,
                "G" => 1e9,
                other => panic!("suffix {other}"),
            };
            return digits.parse::<f64>().unwrap_or_else(|_| panic!("`{w}` is no number")) * scale;
        }
        self.0 = rest;
        match w {
            "pi" => return std::f64::consts::PI,
            "q" => return 1.602_176_634e-19,
            "kb" => return 1.380_649e-23,
            "inf" => return f64::INFINITY,
            _ => {}
        }
        assert!(self.eat('('), "what is `{w}`?");
        let x = self.sum();
        let v = match w {
            "exp" => x.exp(),
            "ln" => x.ln(),
            "sqrt" => x.sqrt(),
            "sin" => x.sin(),
            "cos" => x.cos(),
            "tan" => x.tan(),
            "atan" => x.atan(),
            "sinh" => x.sinh(),
            "cosh" => x.cosh(),
            "tanh" => x.tanh(),
            "abs" => x.abs(),
            _ => panic!("what is `{w}`?"),
        };
        assert!(self.eat(')'));
        v
    }
}

fn number(text: &str) -> Number {
    let source = text.to_string();
    let (left, right) = text.split_once(" = ").unwrap_or_else(|| panic!("no ` = ` in `{text}`"));
    let (value, tolerance) = right.split_once('~').unwrap_or((right, "1e-9"));
    let mut left = left.trim();
    let mut table = None;
    for name in ["op", "dc", "tran", "ac", "noise"] {
        if let Some(rest) = left.strip_prefix(name).filter(|r| r.starts_with(' ')) {
            (table, left) = (Some(name), rest.trim());
        }
    }
    let (signal, at) = match left.split_once(" @ ") {
        Some((s, x)) => (s.trim().to_string(), Some(Reader::all(x))),
        None => (left.to_string(), None),
    };
    Number { source, table, signal, at, value: Reader::all(value), tolerance: Reader::all(tolerance) }
}

/// `//= EXPR at X is VALUE slope D` as a case of its own.
fn expression(place: &str, text: &str, body: &str) -> Case {
    let (e, rest) = text.rsplit_once(" at ").unwrap_or_else(|| panic!("{place}: no `at`"));
    let (x, rest) = rest.split_once(" is ").unwrap_or_else(|| panic!("{place}: no `is`"));
    let (value, slope) = match rest.split_once(" slope ") {
        Some((v, s)) => (v, Some(s)),
        None => (rest, None),
    };
    let mut numbers = vec![number(&format!("op v(out) = {value} ~ 1e-12"))];
    let mut deck =
        format!("v1 x 0 dc {0:e} ac 1\nv2 y 0 3\nx1 x y out m\n.nodeset v(x)={0:e} v(y)=3\n.op\n", Reader::all(x));
    if let Some(s) = slope {
        deck.push_str(".ac lin 1 1 1\n");
        numbers.push(number(&format!("ac re(v(out)) = {s} ~ 1e-12")));
    }
    let text = format!(
        "module m(x, y, out);\n  inout x, y, out;\n  electrical x, y, out;\n{body}\n  analog V(out) <+ {e};\nendmodule\n"
    );
    Case { place: format!("{place}: {e}"), text, deck, numbers, ..Case::default() }
}

fn cases(path: &Path) -> Vec<Case> {
    let text = fs::read_to_string(path).expect("a chapter");
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut out: Vec<Case> = vec![];
    let mut now: Option<Case> = None;
    let mut expressions: Vec<String> = vec![];
    let mut finish = |case: Option<Case>, expressions: &mut Vec<String>| {
        let Some(c) = case else { return };
        for e in expressions.drain(..) {
            out.push(expression(&c.place, &e, &c.text));
        }
        if !c.deck.is_empty() || !c.diagnostics.is_empty() {
            out.push(c);
        }
    };
    for line in text.lines() {
        let Some(mark) = line.strip_prefix("//").filter(|l| l.starts_with(['#', '.', '?', '>', '!', '+', '|', '=']))
        else {
            if let Some(c) = &mut now {
                c.text.push_str(line);
                c.text.push('\n');
            }
            continue;
        };
        let (mark, rest) = mark.split_at(1);
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        if mark == "#" {
            finish(now.take(), &mut expressions);
            let is_bare = rest.ends_with("(bare)");
            now = Some(Case { place: format!("{stem}: {rest}"), is_bare, ..Case::default() });
            continue;
        }
        let c = now.as_mut().unwrap_or_else(|| panic!("{stem}: `{line}` stands before the first section"));
        match mark {
            "." => c.deck.push_str(&format!("{rest}\n")),
            "?" => c.numbers.push(number(rest)),
            ">" => c.lines.push(rest.to_string()),
            "!" => {
                let (code, words) = rest.split_once(' ').unwrap_or((rest, ""));
                c.diagnostics.push((code.into(), words.into()));
            }
            "+" => c.files.push((rest.into(), String::new())),
            "|" => c.files.last_mut().expect("a file").1.push_str(&format!("{rest}\n")),
            _ => expressions.push(rest.to_string()),
        }
    }
    finish(now, &mut expressions);
    out
}

fn run(c: &Case, back_end: BackEnd) -> Outcome {
    let header = if c.is_bare { "" } else { "`include \"disciplines.vams\"\n`include \"constants.vams\"\n" };
    let va = format!("{header}{}", c.text);
    // Tangents are those of machine code only; here both evaluate everything, and must give the same bits.
    let deck = format!("{}\n.options bypass=0\n.hdl \"m.va\"\n{}.end\n", c.place, c.deck);
    let mut files = vec![("m.va", va.as_str()), ("t.cir", deck.as_str())];
    files.extend(c.files.iter().map(|(n, t)| (n.as_str(), t.as_str())));
    let options = RunOptions { va_back_end: back_end, threads: 1, ..RunOptions::default() };
    session::run(Path::new("t.cir"), &options, &Memory::new(files), &Control::default())
}

fn tables(o: &Outcome) -> impl Iterator<Item = &Table> {
    o.points.iter().flat_map(|p| p.tables.iter().map(|t| &t.table))
}

fn kind(t: &Table) -> String {
    let k = format!("{:?}", t.schema.kind).to_lowercase();
    if k.starts_with("noise") { "noise".into() } else { k }
}

fn look(o: &Outcome, n: &Number) -> Result<f64, String> {
    let found: Vec<&Table> = tables(o).filter(|t| n.table.is_none_or(|k| kind(t) == k)).collect();
    let (part, name) = match n.signal.split_once('(') {
        Some((f @ ("re" | "im" | "max" | "min" | "count"), rest)) => (f, rest.strip_suffix(')').unwrap_or(rest)),
        _ => ("", n.signal.as_str()),
    };
    let Some(t) = found.into_iter().find(|t| t.column(name).is_some()) else {
        let all: Vec<String> = tables(o)
            .map(|t| format!("{}: {:?}", kind(t), t.schema.signals.iter().map(|s| &s.name).collect::<Vec<_>>()))
            .collect();
        return Err(format!("no `{name}` in {}", all.join("; ")));
    };
    let column = t.column(name).expect("found above");
    let values: Vec<f64> = (0..t.len())
        .map(|r| {
            let z = column.at(r);
            if part == "im" { z.im } else { z.re }
        })
        .collect();
    match part {
        "max" => return Ok(values.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        "min" => return Ok(values.iter().copied().fold(f64::INFINITY, f64::min)),
        "count" => return Ok(values.len() as f64),
        _ => {}
    }
    let Some(x) = n.at else { return values.last().copied().ok_or_else(|| "an empty table".into()) };
    let axis = t.column(&t.schema.signals[0].name).expect("an axis");
    let axis: Vec<f64> = (0..t.len()).map(|r| axis.at(r).re).collect();
    let near = |a: f64| (a - x).abs() <= 1e-9 * x.abs() + 1e-18;
    if let Some(r) = axis.iter().position(|a| near(*a)) {
        return Ok(values[r]);
    }
    let j = axis.iter().position(|a| *a > x).filter(|j| *j > 0).ok_or_else(|| format!("{x} is not on the axis"))?;
    let f = (x - axis[j - 1]) / (axis[j] - axis[j - 1]);
    Ok(values[j - 1] + f * (values[j] - values[j - 1]))
}

fn judge(c: &Case, o: &Outcome) -> Vec<String> {
    let mut faults = vec![];
    let mut wanted: Vec<&(String, String)> = c.diagnostics.iter().collect();
    for d in &o.diagnostics {
        let hit = wanted.iter().position(|(code, words)| d.code.0 == code && d.message.contains(words.as_str()));
        match hit {
            Some(k) => {
                wanted.remove(k);
            }
            None if d.severity == Severity::Lint => {}
            None if c.diagnostics.iter().any(|(code, w)| d.code.0 == code && d.message.contains(w.as_str())) => {}
            None => faults.push(render::text(std::slice::from_ref(d), &o.sources, Style::default())),
        }
    }
    faults.extend(wanted.iter().map(|(code, words)| format!("{code} `{words}` was not said")));
    for n in &c.numbers {
        match look(o, n) {
            Err(e) => faults.push(format!("{}: {e}", n.source)),
            Ok(v) => {
                let scale = if n.value == 0.0 { 1.0 } else { n.value.abs() };
                let is_same = v == n.value || (v - n.value).abs() <= n.tolerance * scale;
                if !is_same {
                    faults.push(format!("{}: it is {v:e}, wanted {:e}", n.source, n.value));
                }
            }
        }
    }
    let mut said: Vec<String> = o.points.iter().flat_map(|p| p.messages.clone()).collect();
    for (name, text) in o.points.iter().flat_map(|p| &p.files) {
        said.extend(text.lines().map(|l| format!("{name}: {l}")));
    }
    if said != c.lines {
        faults.push(format!("said {said:#?}\nwanted {:#?}", c.lines));
    }
    faults
}

/// Both back ends call the same functions in the same order, so that results have the same bits.
fn same(a: &Outcome, b: &Outcome) -> Result<(), String> {
    let (a, b): (Vec<&Table>, Vec<&Table>) = (tables(a).collect(), tables(b).collect());
    if a.len() != b.len() {
        return Err(format!("{} and {} tables", a.len(), b.len()));
    }
    for (s, t) in a.into_iter().zip(b) {
        if s.len() != t.len() {
            return Err(format!("{}: {} and {} rows", kind(s), s.len(), t.len()));
        }
        for signal in &s.schema.signals {
            let (Some(x), Some(y)) = (s.column(&signal.name), t.column(&signal.name)) else {
                return Err(format!("{} is in one only", signal.name));
            };
            for r in 0..s.len() {
                let (x, y) = (x.at(r), y.at(r));
                let is = |x: f64, y: f64| x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan());
                if !is(x.re, y.re) || !is(x.im, y.im) {
                    return Err(format!("{} row {r} of {}: {x:e} and {y:e}", kind(s), signal.name));
                }
            }
        }
    }
    Ok(())
}

fn chapters() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/va_book");
    let mut all: Vec<PathBuf> = fs::read_dir(folder)
        .expect("tests/va_book")
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|x| x == "va"))
        .collect();
    all.sort();
    all
}

#[test]
fn every_case_gives_what_the_language_says() {
    let only = std::env::var("VA_BOOK").unwrap_or_default();
    let all: Vec<Case> = chapters().iter().flat_map(|p| cases(p)).filter(|c| c.place.contains(&only)).collect();
    let wrong = Mutex::new(vec![]);
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(c) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (native, reference) = (run(c, BackEnd::Native), run(c, BackEnd::Interpreter));
            let mut faults = judge(c, &native);
            if let Err(e) = same(&native, &reference) {
                faults.push(format!("machine code and interpreter differ: {e}"));
            }
            if !faults.is_empty() {
                wrong.lock().expect("no panic").push(format!("=== {}\n{}", c.place, faults.join("\n")));
            }
        }
    };
    std::thread::scope(|s| {
        for _ in 0..2 {
            s.spawn(work);
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), all.len(), wrong.join("\n"));
    if only.is_empty() {
        assert!(all.len() >= 300, "only {} cases", all.len());
    }
}
