//! Numbers as SPICE writes them, and engineering notation for people.

/// A number read from the front of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number {
    pub value: f64,
    /// Bytes of number, suffix and unit letters.
    pub len: usize,
    /// Bytes of digits, point and exponent alone; `len` where there is no suffix or unit.
    pub digits: usize,
}

/// Reads a SPICE number: decimal digits, optional exponent, optional SI suffix (`T G MEG K MIL M U N P F A`,
/// case-insensitive, `µ` too) and any trailing unit letters, which are ignored (`1MegHz`, `4.7kOhm`, `1e-12F`).
/// A suffix after an exponent counts (`1e3k` is 1e6). `None` when the text does not start with a number.
pub fn parse_number(text: &str) -> Option<Number> {
    let b = text.as_bytes();
    let mut i = usize::from(matches!(b.first(), Some(b'+' | b'-')));
    let first = i;
    while i < b.len() && b[i].is_ascii_digit() {
        i += 1;
    }
    let mut n = i - first;
    if i < b.len() && b[i] == b'.' {
        i += 1;
        let frac = i;
        while i < b.len() && b[i].is_ascii_digit() {
            i += 1;
        }
        n += i - frac;
    }
    if n == 0 {
        return None;
    }
    if i < b.len() && matches!(b[i], b'e' | b'E') {
        let mut j = i + 1;
        if j < b.len() && matches!(b[j], b'+' | b'-') {
            j += 1;
        }
        if j < b.len() && b[j].is_ascii_digit() {
            while j < b.len() && b[j].is_ascii_digit() {
                j += 1;
            }
            i = j;
        }
    }
    let mantissa: f64 = text[..i].parse().ok()?;
    let digits = i;
    let (scale, used) = suffix(&text[i..]);
    let mut len = i + used;
    for c in text[len..].chars() {
        if c.is_alphabetic() || c == '%' {
            len += c.len_utf8();
        } else {
            break;
        }
    }
    // Dividing by an exact power of ten keeps `1n` equal to the literal 1e-9.
    let value = if scale.1 { mantissa / scale.0 } else { mantissa * scale.0 };
    Some(Number { value, len, digits })
}

/// The SI factor at the front of `s` as (power, divide?), and its length.
fn suffix(s: &str) -> ((f64, bool), usize) {
    let starts = |p: &str| s.len() >= p.len() && s.is_char_boundary(p.len()) && s[..p.len()].eq_ignore_ascii_case(p);
    if starts("meg") {
        return ((1e6, false), 3);
    }
    if starts("mil") {
        return ((1.0 / 25.4e-6, true), 3);
    }
    for micro in ["µ", "μ"] {
        if s.starts_with(micro) {
            return ((1e6, true), micro.len());
        }
    }
    match s.as_bytes().first().map(u8::to_ascii_lowercase) {
        Some(b't') => ((1e12, false), 1),
        Some(b'g') => ((1e9, false), 1),
        Some(b'k') => ((1e3, false), 1),
        Some(b'm') => ((1e3, true), 1),
        Some(b'u') => ((1e6, true), 1),
        Some(b'n') => ((1e9, true), 1),
        Some(b'p') => ((1e12, true), 1),
        Some(b'f') => ((1e15, true), 1),
        Some(b'a') => ((1e18, true), 1),
        _ => ((1.0, false), 0),
    }
}

/// Engineering notation for people: `format_si(1.5e-9, "s")` is `1.5 ns`. Four significant digits.
pub fn format_si(value: f64, unit: &str) -> String {
    const PREFIX: [&str; 17] = ["y", "z", "a", "f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y"];
    let sep = if unit.is_empty() { "" } else { " " };
    if value == 0.0 || !value.is_finite() {
        return format!("{value}{sep}{unit}");
    }
    let mut exp3 = (value.abs().log10() / 3.0).floor() as i32;
    if (value.abs() / 10f64.powi(3 * exp3)) >= 999.95 {
        exp3 += 1;
    }
    if !(-8..=8).contains(&exp3) {
        return format!("{value:.3e}{sep}{unit}");
    }
    let m = value / 10f64.powi(3 * exp3);
    let decimals = if m.abs() >= 99.995 {
        1
    } else if m.abs() >= 9.9995 {
        2
    } else {
        3
    };
    let mut text = format!("{m:.decimals$}");
    while text.contains('.') && (text.ends_with('0') || text.ends_with('.')) {
        text.pop();
    }
    let prefix = PREFIX[(exp3 + 8) as usize];
    if unit.is_empty() && prefix.is_empty() { text } else { format!("{text} {prefix}{unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v(s: &str) -> f64 {
        parse_number(s).unwrap().value
    }

    #[test]
    fn suffixes_and_units() {
        assert_eq!(v("1MegHz"), 1e6);
        assert_eq!(v("4.7kOhm"), 4.7e3);
        assert_eq!(v("1e-12F"), 1e-12 / 1e15);
        assert_eq!(v("1n"), 1e-9);
        assert_eq!(v("3mil"), 3.0 / (1.0 / 25.4e-6));
        assert_eq!(v("-.5V"), -0.5);
        assert_eq!(v("1e3k"), 1e6);
        assert_eq!(v("2µs"), 2e-6);
        assert_eq!(v("1m"), 1e-3);
        assert_eq!(v("1eV"), 1.0);
        assert_eq!(parse_number("2k2").unwrap().len, 2);
        assert!(parse_number("abc").is_none());
        assert!(parse_number(".").is_none());
    }

    #[test]
    fn engineering_notation() {
        assert_eq!(format_si(1.5e-9, "s"), "1.5 ns");
        assert_eq!(format_si(999.96, "V"), "1 kV");
        assert_eq!(format_si(0.0, "A"), "0 A");
        assert_eq!(format_si(4700.0, "Ω"), "4.7 kΩ");
        assert_eq!(format_si(12.0, ""), "12");
    }
}
