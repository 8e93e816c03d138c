//! What a `.print`, `.plot` or `--plot` asks for, evaluated over one table.

use crate::dataset::{Column, Quantity, Table};
use crate::diag::codes::results::UNKNOWN_SIGNAL;
use crate::diag::{Diagnostic, FileId, Label, Span};
use crate::expr::{self, Expr};
use crate::measure::{self, no_names};

use super::signals::canonical;

/// Spans within the text itself; they mean nothing to the reader of a diagnostic.
const SELF: FileId = FileId(u32::MAX - 1);

/// A column, and what it measures.
pub fn evaluate(text: &str, table: &Table, at: Span) -> Result<(Column, Quantity), Vec<Diagnostic>> {
    let text = strip(text);
    // A column by its own name needs no grammar: `v(in+)`, `i(x1:r2)`.
    let name = canonical(&text);
    if let Some(k) = table.index(&name).or_else(|| table.index(&format!("v({name})"))) {
        return Ok((table.columns[k].clone(), table.schema.signals[k].quantity));
    }
    let expr = parse(&text, at)?;
    match measure::signal(table, &expr, &no_names) {
        Ok(c) => Ok((c, measure::signal::quantity(table, &expr))),
        Err(faults) => Err(relocated(faults, at)),
    }
}

/// Reads an expression of signals.
pub fn parse(text: &str, at: Span) -> Result<Expr, Vec<Diagnostic>> {
    expr::parse(text, &|lo, hi| Span::new(SELF, lo as u32, hi as u32)).map_err(|faults| relocated(faults, at))
}

fn relocated(mut faults: Vec<Diagnostic>, at: Span) -> Vec<Diagnostic> {
    for d in &mut faults {
        d.labels.retain(|l| l.span.file != SELF && !l.span.is_nowhere());
        if d.labels.is_empty() && !at.is_nowhere() {
            d.labels.push(Label { span: at, text: "asked for here".into() });
        }
    }
    faults
}

/// Is the only fault that the table has no such signal?
pub fn is_missing(faults: &[Diagnostic]) -> bool {
    faults.iter().all(|d| d.code == UNKNOWN_SIGNAL)
}

/// Quotes, braces and HSPICE's `par(...)` around a whole expression taken off.
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
            .and_then(|_| t[3..].trim_start().strip_prefix('(')?.strip_suffix(')').filter(|i| is_balanced(i)));
        match inner.or(par) {
            Some(i) => t = i.trim(),
            None => return t.to_string(),
        }
    }
}

fn is_balanced(t: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{PlotKind, Schema, Signal};

    fn table() -> Table {
        let mut t = Table {
            schema: Schema { kind: PlotKind::Tran, has_axis: true, is_complex: false, signals: vec![] },
            ..Table::default()
        };
        t.push_column(Signal::new("time", Quantity::Time), Column::Real(vec![0.0, 1.0]));
        t.push_column(Signal::new("v(a)", Quantity::Voltage), Column::Real(vec![1.0, 3.0]));
        t.push_column(Signal::new("v(in+)", Quantity::Voltage), Column::Real(vec![5.0, 6.0]));
        t
    }

    #[test]
    fn names_and_expressions() {
        let t = table();
        let re = |text: &str| evaluate(text, &t, Span::NOWHERE).map(|c| c.0.re());
        assert_eq!(re("V( A )"), Ok(vec![1.0, 3.0]));
        assert_eq!(re("v(in+)"), Ok(vec![5.0, 6.0]));
        assert_eq!(re("'v(a)*2'"), Ok(vec![2.0, 6.0]));
        assert_eq!(re("a"), Ok(vec![1.0, 3.0]));
        assert!(evaluate("v(aa)", &t, Span::NOWHERE).is_err_and(|f| is_missing(&f)));
        assert!(re("v(a)*").is_err());
    }

    #[test]
    fn wrappings() {
        assert_eq!(strip(" par( '{a+b}' ) "), "a+b");
        assert_eq!(strip("par(a)+(b)"), "par(a)+(b)");
    }
}
