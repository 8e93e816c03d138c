//! Suspicions: text that is legal but seldom what was meant.

/// `10M` (upper case, as people write mega) → `10MEG`. In frequencies also lower case before a unit: `1mhz`.
pub(super) fn mega(text: &str, is_frequency: bool) -> Option<String> {
    let n = crate::base::units::parse_number(text)?;
    if n.len != text.len() {
        return None;
    }
    let tail = text.get(n.digits..)?;
    let lower = tail.to_ascii_lowercase();
    if lower.starts_with("meg") || lower.starts_with("mil") || !lower.starts_with('m') {
        return None;
    }
    let unit = tail.get(1..)?;
    let suspected = if is_frequency {
        tail.starts_with('M') || unit.eq_ignore_ascii_case("hz")
    } else {
        tail.starts_with('M') && (unit.is_empty() || unit.to_ascii_lowercase().starts_with("ohm"))
    };
    suspected.then(|| format!("{}MEG{unit}", &text[..n.digits]))
}

#[cfg(test)]
mod tests {
    use super::mega;

    #[test]
    fn upper_case_m_is_suspected() {
        assert_eq!(mega("10M", false).as_deref(), Some("10MEG"));
        assert_eq!(mega("10MEG", false), None);
        assert_eq!(mega("10m", false), None);
        assert_eq!(mega("5mil", false), None);
        assert_eq!(mega("1Mhz", true).as_deref(), Some("1MEGhz"));
        assert_eq!(mega("1mHz", true).as_deref(), Some("1MEGHz"));
        assert_eq!(mega("1µ", true), None);
    }
}
