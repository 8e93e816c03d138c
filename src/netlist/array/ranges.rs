//! Ranges `name[a:b]`: elements that are many, and lists of signals.

/// Where the next range stands and its bounds.
fn next(text: &str) -> Option<(usize, usize, i64, i64)> {
    let mut from = 0;
    while let Some(open) = text[from..].find('[').map(|k| from + k) {
        let close = open + text[open..].find(']')?;
        let bounds = text[open + 1..close].split_once(':');
        if let Some((a, b)) = bounds.and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?))) {
            return Some((open, close + 1, a, b));
        }
        from = open + 1;
    }
    None
}

pub fn has_range(word: &str) -> bool {
    next(word).is_some()
}

/// More than this in one range is a slip.
const MOST: u64 = 1 << 20;

fn count(a: i64, b: i64) -> u64 {
    a.abs_diff(b).saturating_add(1)
}

/// The text with its k-th member in place of every range.
fn member(text: &str, k: u64) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((lo, hi, a, b)) = next(rest) {
        let n = if a <= b { a + k as i64 } else { a - k as i64 };
        out.push_str(&rest[..lo]);
        out.push_str(&format!("[{n}]"));
        rest = &rest[hi..];
    }
    out + rest
}

/// One line for each member of a line whose ranges all count the same.
pub fn vectors(text: &str) -> Result<String, String> {
    let mut size = 0;
    let mut rest = text;
    while let Some((_, hi, a, b)) = next(rest) {
        let n = count(a, b);
        if n > MOST {
            return Err(format!("a range of {n}: more than {MOST} elements are no list"));
        }
        if size != 0 && n != size {
            return Err(format!("ranges of {size} and {n} elements in one line"));
        }
        size = n;
        rest = &rest[hi..];
    }
    Ok((0..size).map(|k| member(text, k) + "\n").collect())
}

/// A list of signals with each range written out: `v(x.bl[0:1])` becomes `v(x.bl[0]) v(x.bl[1])`. Words are kept together
/// by their brackets and quotes.
pub fn spread(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(char::is_whitespace) {
        match next(word) {
            Some((_, _, a, b)) if count(a, b) <= MOST => {
                let body = word.trim_end();
                for k in 0..count(a, b) {
                    out.push_str(&member(body, k));
                    out.push(' ');
                }
            }
            _ => out.push_str(word),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_written_out() {
        assert_eq!(vectors("r[0:1] a[3:2] 0 1k").unwrap(), "r[0] a[3] 0 1k\nr[1] a[2] 0 1k\n");
        assert!(vectors("r[0:1] a[0:2] 0 1").is_err());
        assert_eq!(spread("v(a[0:1]) i(v1) v(b[2])"), "v(a[0]) v(a[1]) i(v1) v(b[2])");
        assert!(!has_range("a[2]") && !has_range("a[x:y]") && has_range("q[1][0:2]"));
    }
}
