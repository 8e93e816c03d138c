//! Numbers and text as `$strobe` and `$sformat` write them.

use super::lower::EffectItem;
use crate::base::units::format_si;

/// The text that format items and their arguments make; `string` gives a text by its number, `%m` stays.
pub fn render(items: &[EffectItem], args: &[f64], string: &dyn Fn(f64) -> String) -> String {
    let mut text = String::new();
    let mut args = args.iter();
    for item in items {
        match item {
            EffectItem::Text(t) => text.push_str(t),
            EffectItem::InstancePath(rest) => {
                text.push_str("%m");
                text.push_str(rest);
            }
            EffectItem::Value { conversion, width, precision, flags, is_text } => {
                let Some(c) = args.next() else { continue };
                let v = if *is_text { string(*c) } else { number(*c, *conversion, *precision, flags) };
                pad(&mut text, &v, width.unwrap_or(0) as usize, flags);
            }
        }
    }
    text
}

fn pad(out: &mut String, v: &str, width: usize, flags: &str) {
    let fill = width.saturating_sub(v.chars().count());
    if flags.contains('-') {
        out.push_str(v);
        out.extend(std::iter::repeat_n(' ', fill));
    } else if flags.contains('0') && !v.starts_with(['-', '+']) {
        out.extend(std::iter::repeat_n('0', fill));
        out.push_str(v);
    } else {
        out.extend(std::iter::repeat_n(' ', fill));
        out.push_str(v);
    }
}

/// A number by its C conversion.
fn number(x: f64, conversion: char, precision: Option<u32>, flags: &str) -> String {
    let i = x as i64;
    let p = precision.unwrap_or(6) as usize;
    let s = match conversion {
        'd' | 'i' => i.to_string(),
        'h' | 'x' => format!("{:x}", i as i32),
        'o' => format!("{:o}", i as i32),
        'b' => format!("{:b}", i as i32),
        'c' => char::from_u32(i as u32).map_or(String::new(), String::from),
        'f' => format!("{x:.p$}"),
        'e' => exponent(x, p),
        'r' => format_si(x, ""),
        _ => general(x, p.max(1)),
    };
    if flags.contains('+') && x >= 0.0 { format!("+{s}") } else { s }
}

/// `%e`: at least two digits of exponent.
fn exponent(x: f64, p: usize) -> String {
    let s = format!("{x:.p$e}");
    match s.split_once('e') {
        Some((m, e)) => {
            let (sign, digits) = e.strip_prefix('-').map_or(('+', e), |d| ('-', d));
            format!("{m}e{sign}{digits:0>2}")
        }
        None => s,
    }
}

/// `%g`: `p` significant digits, no zeros at the end.
fn general(x: f64, p: usize) -> String {
    if x == 0.0 || !x.is_finite() {
        return if x == 0.0 { "0".into() } else { x.to_string() };
    }
    let e = exponent(x, p - 1);
    let power: i32 = e.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let trim = |s: &str| {
        if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.').to_string() } else { s.to_string() }
    };
    if power < -4 || power >= p as i32 {
        match e.split_once('e') {
            Some((m, rest)) => format!("{}e{rest}", trim(m)),
            None => e,
        }
    } else {
        let digits = (p as i32 - 1 - power).max(0) as usize;
        trim(&format!("{x:.digits$}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_as_c_prints_them() {
        let r = |x: f64| x;
        assert_eq!(number(r(1234.5), 'e', Some(3), ""), "1.234e+03");
        assert_eq!(number(r(1e-12), 'g', None, ""), "1e-12");
        assert_eq!(number(r(0.25), 'g', None, ""), "0.25");
        assert_eq!(number(r(123456789.0), 'g', None, ""), "1.23457e+08");
        assert_eq!(number(r(2.0), 'f', Some(2), "+"), "+2.00");
        assert_eq!(number(-7.0, 'd', None, ""), "-7");
        assert_eq!(number(10.0, 'b', None, ""), "1010");
    }
}
