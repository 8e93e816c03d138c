//! `.check` cards: an expression of measures and signals against what is expected. A signal that stands there by itself
//! counts with its value in the operating point, or else with its last one. What has no value fails; a check never passes by not being evaluated.

use super::point::ResultTable;
use super::signals::{Named, canonical, function, named};
use crate::circuit::cards::CheckTest;
use crate::circuit::{Check, Circuit};
use crate::dataset::Table;
use crate::diag::Diagnostic;
use crate::expr::Expr;
use crate::expr::ast::ExprKind;
use crate::measure::{self, Measurement};

/// The verdict on one check.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckResult {
    pub name: String,
    /// `None`: it could not be evaluated.
    pub value: Option<f64>,
    pub test: CheckTest,
    pub is_ok: bool,
}

impl CheckResult {
    /// `9.98, expected within 1% of 10`
    pub fn text(&self) -> String {
        let value = self.value.map_or("no value".to_string(), number);
        format!("{value}, expected {}", expectation(&self.test))
    }
}

pub fn expectation(test: &CheckTest) -> String {
    match *test {
        CheckTest::WithinAbs { value, tol } => format!("within {} of {}", number(tol), number(value)),
        CheckTest::WithinRel { value, tol } => format!("within {}% of {}", trim(tol * 100.0), number(value)),
        CheckTest::Greater(v) => format!("> {}", number(v)),
        CheckTest::Less(v) => format!("< {}", number(v)),
        CheckTest::Between(a, b) => format!("between {} and {}", number(a), number(b)),
    }
}

/// Seven digits; plain where that is short.
pub fn number(x: f64) -> String {
    let a = x.abs();
    if x == 0.0 || (1e-3..1e6).contains(&a) { trim(x) } else { format_exponent(x) }
}

fn trim(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return format!("{x}");
    }
    let decimals = (6 - x.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{x:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

fn format_exponent(x: f64) -> String {
    let text = format!("{x:.6e}");
    match text.split_once('e') {
        Some((m, e)) if m.contains('.') => format!("{}e{e}", m.trim_end_matches('0').trim_end_matches('.')),
        _ => text,
    }
}

pub(super) fn all(
    circuit: &Circuit,
    tables: &[ResultTable],
    measures: &[Measurement],
) -> (Vec<CheckResult>, Vec<Diagnostic>) {
    let tables: Vec<&Table> = tables.iter().map(|t| &t.table).collect();
    let names = |n: &str| measure::lookup(measures, n).or_else(|| circuit.param(n));
    let mut faults = vec![];
    let results = circuit
        .checks
        .iter()
        .map(|c| {
            let value = match measure::eval_scalar(&c.expr, &names, &tables) {
                Ok(x) => Some(x).filter(|x| x.is_finite()),
                Err(mut found) => {
                    for d in &mut found {
                        if d.labels.iter().all(|l| l.span.is_nowhere()) {
                            *d = d.clone().at(c.span, "in this check");
                        }
                    }
                    faults.extend(found);
                    None
                }
            };
            verdict(c, value)
        })
        .collect();
    (results, faults)
}

/// All checks of a point that could not be run: failed.
pub(super) fn not_run(circuit: &Circuit) -> Vec<CheckResult> {
    circuit.checks.iter().map(|c| verdict(c, None)).collect()
}

fn verdict(c: &Check, value: Option<f64>) -> CheckResult {
    let is_ok = value.is_some_and(|x| c.test.passes(x));
    CheckResult { name: c.name.clone(), value, test: c.test, is_ok }
}

/// The signals that a check's expression names.
pub(super) fn signals(e: &Expr) -> Vec<Named> {
    match &e.kind {
        ExprKind::Number(_) => vec![],
        ExprKind::Name(n) if n.starts_with('@') => vec![Named::Plain(canonical(n))],
        ExprKind::Name(_) => vec![],
        ExprKind::Call(f, args) => match function(&f.to_ascii_lowercase()) {
            Some((base, _)) if args.iter().all(|a| matches!(a.kind, ExprKind::Name(_) | ExprKind::Number(_))) => {
                let inside: Vec<String> = args.iter().map(argument).collect();
                named(base, &inside.join(","))
            }
            _ => args.iter().flat_map(signals).collect(),
        },
        ExprKind::Unary(_, a) => signals(a),
        ExprKind::Binary(_, a, b) => [signals(a), signals(b)].concat(),
        ExprKind::Select(c, a, b) => [signals(c), signals(a), signals(b)].concat(),
    }
}

/// The text of an argument of `v(...)` that was read as an expression.
fn argument(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Name(n) => n.clone(),
        ExprKind::Number(x) => format!("{x}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(number(10.0), "10");
        assert_eq!(number(0.1 + 0.2), "0.3");
        assert_eq!(number(1.5e-12), "1.5e-12");
        assert_eq!(number(123_456.78), "123456.8");
        assert_eq!(number(-2e9), "-2e9");
        assert_eq!(number(0.0), "0");
        assert_eq!(expectation(&CheckTest::WithinRel { value: 10.0, tol: 0.01 }), "within 1% of 10");
        assert_eq!(expectation(&CheckTest::Between(0.0, 1e-9)), "between 0 and 1e-9");
    }

    #[test]
    fn no_value_never_passes() {
        let result = CheckResult { name: "a".into(), value: None, test: CheckTest::Less(1.0), is_ok: false };
        assert_eq!(result.text(), "no value, expected < 1");
        assert!(!CheckTest::Greater(0.0).passes(f64::NAN));
    }
}
