//! Hierarchical names. An element inside `x1` is `x1.r3` here; ngspice writes `r.x1.r3`, which is understood.

/// `r.x1.r3` → `x1.r3`: a lone letter in front that is the letter of the last part.
pub fn without_letter(name: &str) -> Option<&str> {
    let (letter, rest) = name.split_once('.')?;
    let last = rest.rsplit('.').next()?;
    let fits = letter.len() == 1 && rest.contains('.') && last.get(..1).is_some_and(|c| c.eq_ignore_ascii_case(letter));
    fits.then_some(rest)
}

/// The name of a device type with its article.
pub(super) fn with_article(name: &str) -> String {
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {name}")
}

/// What LTspice writes on its parts for the bill of materials.
pub(super) const RATINGS: &[&str] =
    &["ipk", "irms", "mfg", "pn", "pwr", "tol", "type", "v", "vendor", "mtbf", "ppkg", "footprint", "manufacturer"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ngspice_form() {
        assert_eq!(without_letter("r.x1.r3"), Some("x1.r3"));
        assert_eq!(without_letter("q.x1.x2.q1"), Some("x1.x2.q1"));
        assert_eq!(without_letter("x1.r3"), None);
        assert_eq!(without_letter("r1"), None);
        assert_eq!(without_letter("é.é"), None);
    }
}
