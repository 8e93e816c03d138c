//! Suspicions about numbers, for whoever knows what a number is for.

use crate::base::units::parse_number;
use crate::diag::codes::netlist::MEGA_SUSPICION;
use crate::diag::{Diagnostic, Span};
use crate::expr::parser::{ambiguous_number, rkm};

/// What is suspicious about the text of a number, such as `1MHz` (a thousandth of a hertz, not a million).
///
/// `is_frequency_or_resistance`: the quantity is one of which a thousandth is implausible, so that a bare `10M` is suspicious too.
pub fn number(text: &str, span: Span, is_frequency_or_resistance: bool) -> Option<Diagnostic> {
    let n = parse_number(text)?;
    if n.len < text.len() {
        return rkm(text).map(|value| ambiguous_number(text, n.value, value, span));
    }
    let unit = &text[n.digits..];
    let mut letters = unit.chars();
    if !letters.next().is_some_and(|c| c.eq_ignore_ascii_case(&'m')) {
        return None;
    }
    let rest = letters.as_str().to_lowercase();
    // `m` alone in front of seconds, volts, amperes ... is what it seems.
    let big = matches!(rest.as_str(), "hz" | "ohm" | "ohms" | "ω" | "\u{2126}");
    let is_suspicious = big || (rest.is_empty() && is_frequency_or_resistance && unit.starts_with('M'));
    is_suspicious.then(|| {
        let digits = &text[..n.digits];
        Diagnostic::lint(MEGA_SUSPICION, format!("`{text}` is {}: `M` is milli in SPICE", n.value))
            .at(span, "is a million meant?")
            .help(format!("write `{digits}Meg{}` for a million, `{digits}m` for a thousandth", &unit[1..]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspicions() {
        let code = |t, f| number(t, Span::NOWHERE, f).map(|d| d.code.0);
        assert_eq!(code("1MHz", false), Some("L0102"));
        assert_eq!(code("10MOhm", false), Some("L0102"));
        assert_eq!(code("10M", true), Some("L0102"));
        assert_eq!(code("10m", true), None);
        assert_eq!(code("10M", false), None);
        assert_eq!(code("1MegHz", true), None);
        assert_eq!(code("1mil", true), None);
        assert_eq!(code("1ms", true), None);
        assert_eq!(code("2k2", true), Some("L0201"));
        assert_eq!(code("abc", true), None);
    }
}
