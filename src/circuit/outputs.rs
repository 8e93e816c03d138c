//! `.save .probe .print .plot .four .meas .check`.

use super::Circuit;
use super::analyses::{Item, Line};
use super::cards::{Check, CheckTest, Measure, Print, Save};
use super::elab::Elab;
use super::text::{number_of, source_line};
use crate::diag::codes::circuit as codes;
use crate::diag::{Diagnostic, Span};
use crate::netlist::ast::FieldKind;

fn is_analysis(w: &str) -> bool {
    matches!(w, "op" | "dc" | "tran" | "ac" | "noise" | "tf" | "sens" | "pz" | "disto" | "sp")
}

fn save(i: Item) -> Save {
    Save { text: i.text, span: i.span }
}

impl<'a> Elab<'a> {
    pub fn saves(&mut self, l: &mut Line<'a>, c: &mut Circuit) {
        // `.probe tran v(a)`, `.save type=...`
        if l.peek().is_some_and(|f| {
            f.kind == FieldKind::Word && is_analysis(self.word(f)) && self.deck.names.get(l.card.name) == "probe"
        }) {
            l.at += 1;
        }
        while let Some(f) = l.peek() {
            if f.kind == FieldKind::Key {
                l.at += 2;
                continue;
            }
            let Some(i) = self.item(l) else { break };
            c.saves.push(save(i));
        }
    }

    pub fn print(&mut self, name: &str, l: &mut Line<'a>, c: &mut Circuit) {
        let mut analysis = String::new();
        if let Some(f) = l.peek()
            && f.kind == FieldKind::Word
            && is_analysis(self.word(f))
        {
            analysis = self.word(f).to_string();
            l.at += 1;
        }
        let mut signals = vec![];
        while let Some(f) = l.peek() {
            // `format=noindex`, and the axis limits of `.plot`: `v(a) (0,5)`.
            if f.kind == FieldKind::Key {
                l.at += 2;
                continue;
            }
            let is_range = f.kind == FieldKind::Open;
            let Some(i) = self.item(l) else { break };
            if !is_range {
                signals.push(save(i));
            }
        }
        if signals.is_empty() {
            return self.card_fault(l.card, format!("`.{name}` names no signals"), "for example `v(out)`");
        }
        c.prints.push(Print { card: name.to_string(), analysis, signals, frequency: None, span: l.card.span() });
    }

    pub fn four(&mut self, l: &mut Line<'a>, c: &mut Circuit) {
        let Some(f) = self.need(l, "fundamental frequency") else { return };
        if f.is_nan() || f <= 0.0 {
            return self.card_fault(l.card, "the fundamental frequency of `.four` must be positive", "here");
        }
        let mut signals = vec![];
        while l.peek().is_some() {
            let Some(i) = self.item(l) else { break };
            signals.push(save(i));
        }
        if signals.is_empty() {
            return self.card_fault(l.card, "`.four` names no signals", "for example `v(out)`");
        }
        c.prints.push(Print {
            card: "four".into(),
            analysis: "tran".into(),
            signals,
            frequency: Some(f),
            span: l.card.span(),
        });
    }

    /// `.meas tran name ...`: the text is kept; constant expressions in it become numbers.
    pub fn meas(&mut self, l: &mut Line<'a>, c: &mut Circuit) {
        let mut analysis = String::new();
        if let Some(f) = l.peek()
            && f.kind == FieldKind::Word
            && is_analysis(self.word(f))
            && l.fields.len() > 1
        {
            analysis = self.word(f).to_string();
            l.at += 1;
        }
        let Some(name) = l.next() else {
            return self.card_fault(l.card, "`.meas` has no name", "write `.meas tran rise trig ... targ ...`");
        };
        let text = self.rest_with_constants(l);
        if text.is_empty() {
            return self.card_fault(l.card, "`.meas` says nothing to measure", "after the name");
        }
        c.measures.push(Measure { analysis, name: self.word(name).to_string(), text, span: l.card.span() });
    }

    /// The rest of a card as text, with `{}` and quoted expressions of constants, and values that are parameters,
    /// replaced by numbers.
    fn rest_with_constants(&mut self, l: &mut Line<'a>) -> String {
        let top = self.top.clone();
        let file = l.card.file;
        let rest = l.fields.get(l.at..).unwrap_or(&[]);
        let mut out = String::new();
        let mut last_end: Option<u32> = None;
        for (k, f) in rest.iter().enumerate() {
            let (lo, hi) = (super::text::outer_lo(f), super::text::outer_hi(f));
            if let Some(end) = last_end
                && end < lo
            {
                // What lies between fields: blanks, or the `=` of a key.
                let between = source_line(self.sources, Span::new(file, end, lo));
                out.push_str(if between.contains('=') { "=" } else { " " });
            }
            let mut number = None;
            if f.kind == FieldKind::Expr {
                let quiet = self.quiet;
                self.quiet = true;
                let e = self.expr_at(&top, file, f);
                self.quiet = quiet;
                number = e.and_then(|e| self.try_constant(&top, &e));
            } else if f.kind == FieldKind::Word
                && number_of(self.word(f)).is_none()
                && k > 0
                && rest.get(k - 1).is_some_and(|p| p.kind == FieldKind::Key)
                && rest.get(k + 1).is_none_or(|n| n.kind != FieldKind::Open)
                && top.params.borrow().contains_key(&f.sym)
            {
                number = match self.param(&top, f.sym) {
                    Some(Some(super::scope::Value::Num(x))) => Some(x),
                    _ => None,
                };
            }
            match number {
                Some(x) => out.push_str(&format!("{x:e}")),
                None => out.push_str(&source_line(self.sources, Span::new(file, lo, hi)).to_ascii_lowercase()),
            }
            last_end = Some(hi);
        }
        l.at = l.fields.len();
        out.trim().to_string()
    }

    /// `.check NAME EXPR within 1% of 5`, `.check NAME EXPR > 3`, `.check NAME EXPR between 1 and 2`; without EXPR the
    /// measure NAME itself.
    pub fn check_card(&mut self, l: &mut Line<'a>, c: &mut Circuit) {
        let Some(name) = l.next() else {
            return self.card_fault(l.card, "`.check` has no name", "write `.check gain v(out)/v(in) within 1% of 10`");
        };
        let (first, last) = match (l.fields.get(l.at), l.fields.last()) {
            (Some(a), Some(b)) => (super::text::outer_lo(a), super::text::outer_hi(b)),
            _ => return self.card_fault(l.card, "`.check` tests nothing", "`within`, `<`, `>` or `between` is needed"),
        };
        let span = Span::new(l.card.file, first, last);
        let text = super::text::source_text(self.sources, span);
        let Some((cut, word)) = find_test(&text) else {
            return self.card_fault(
                l.card,
                "`.check` has no test",
                "`within 1% of 5`, `< 3`, `> 3` or `between 1 and 2`",
            );
        };
        let lhs = text.get(..cut).unwrap_or("").trim_end();
        let rhs = text.get(cut + word.len()..).unwrap_or("").trim();
        let expr_text = if lhs.trim().is_empty() { self.word(name).to_string() } else { lhs.to_string() };
        let at =
            if lhs.trim().is_empty() { l.span(name) } else { Span::new(l.card.file, first, first + lhs.len() as u32) };
        let expr = match crate::expr::parse(&expr_text, &|_, _| at) {
            Ok(e) => e,
            Err(list) => {
                for d in list {
                    self.report(d);
                }
                return;
            }
        };
        let Some(test) = self.check_test(word, rhs, l.card.span()) else {
            return self.card_fault(
                l.card,
                format!("the test `{word} {rhs}` is not understood"),
                "`within 1% of 5`, `within 1m of 5`, `< 3`, `> 3` or `between 1 and 2`",
            );
        };
        let top = self.top.clone();
        self.wish_currents(&top, &expr_text);
        c.checks.push(Check { name: self.word(name).to_string(), expr, test, span: l.card.span() });
    }

    fn check_number(&mut self, text: &str, at: Span) -> Option<f64> {
        let text = text.trim();
        if let Some(x) = number_of(text).filter(|_| !text.ends_with('%')) {
            return Some(x);
        }
        match crate::expr::parse(text, &|_, _| at) {
            Ok(e) => {
                let top = self.top.clone();
                self.constant(&top, &e)
            }
            Err(list) => {
                for d in list {
                    self.report(d);
                }
                None
            }
        }
    }

    fn check_test(&mut self, word: &str, rhs: &str, at: Span) -> Option<CheckTest> {
        match word {
            "within" => {
                let (tol, value) = rhs.split_once(" of ")?;
                let value = self.check_number(value, at)?;
                let tol = tol.trim();
                Some(match tol.strip_suffix('%') {
                    Some(p) => CheckTest::WithinRel { value, tol: self.check_number(p, at)? / 100.0 },
                    None => CheckTest::WithinAbs { value, tol: self.check_number(tol, at)? },
                })
            }
            "between" => {
                let (a, b) = rhs.split_once(" and ")?;
                let (a, b) = (self.check_number(a, at)?, self.check_number(b, at)?);
                if a > b {
                    self.report(
                        Diagnostic::error(codes::CARD, format!("nothing lies between {a} and {b}"))
                            .at(at, "the smaller value comes first"),
                    );
                }
                Some(CheckTest::Between(a, b))
            }
            ">" | ">=" => Some(CheckTest::Greater(self.check_number(rhs, at)?)),
            _ => Some(CheckTest::Less(self.check_number(rhs, at)?)),
        }
    }
}

/// Where the test of a `.check` begins: the last `within`, `between`, `<` or `>` outside parentheses.
fn find_test(text: &str) -> Option<(usize, &'static str)> {
    let b = text.as_bytes();
    let mut depth = 0i32;
    let mut found = None;
    for i in 0..b.len() {
        match b[i] {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b'>' | b'<' if depth == 0 => {
                let word = match (b[i], b.get(i + 1)) {
                    (b'>', Some(b'=')) => ">=",
                    (b'>', _) => ">",
                    (_, Some(b'=')) => "<=",
                    _ => "<",
                };
                return found.or(Some((i, word)));
            }
            b'w' | b'b' if depth == 0 && found.is_none() => {
                for word in ["within", "between"] {
                    let before = i == 0 || b[i - 1] == b' ' || b[i - 1] == b')';
                    if before
                        && text.get(i..).is_some_and(|t| t.starts_with(word))
                        && b.get(i + word.len()).is_some_and(|c| *c == b' ')
                    {
                        found = Some((i, word));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::find_test;

    #[test]
    fn tests_of_checks() {
        assert_eq!(find_test("v(out) within 1% of 5"), Some((7, "within")));
        assert_eq!(find_test("(a>b)*c >= 3"), Some((8, ">=")));
        assert_eq!(find_test("between 1 and 2"), Some((0, "between")));
        assert_eq!(find_test("v(out)"), None);
    }
}
