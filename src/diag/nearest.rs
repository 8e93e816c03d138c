//! "Did you mean": the nearest known names to an unknown one.

/// Optimal-string-alignment distance of two names, ASCII case ignored.
pub fn distance(a: &str, b: &str) -> usize {
    let a: Vec<u8> = a.bytes().map(|c| c.to_ascii_lowercase()).collect();
    let b: Vec<u8> = b.bytes().map(|c| c.to_ascii_lowercase()).collect();
    let mut rows = [vec![0; b.len() + 1], (0..=b.len()).collect::<Vec<_>>(), vec![0; b.len() + 1]];
    for i in 1..=a.len() {
        rows[2][0] = i;
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut d = (rows[1][j] + 1).min(rows[2][j - 1] + 1).min(rows[1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                d = d.min(rows[0][j - 2] + 1);
            }
            rows[2][j] = d;
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()]
}

/// Up to three names close enough to be what was meant, nearest first.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    nearest_of(name, &mut known.into_iter())
}

/// One copy for the many kinds of iterators that names come from.
fn nearest_of<'a>(name: &str, known: &mut dyn Iterator<Item = &'a str>) -> Vec<&'a str> {
    let limit = (name.len() / 3).clamp(1, 3);
    // Names of one letter have nothing in common by being as short: the first letter, at least, must be.
    let first = |s: &str| s.bytes().next().map(|b| b.to_ascii_lowercase());
    let is_near = |d: usize, k: &str| d > 0 && d <= limit && (d < name.len().min(k.len()) || first(k) == first(name));
    let mut found: Vec<(usize, &str)> = known.map(|k| (distance(name, k), k)).filter(|(d, k)| is_near(*d, k)).collect();
    found.sort();
    found.dedup();
    found.into_iter().take(3).map(|(_, k)| k).collect()
}

/// The help line "did you mean `a` or `b`?", if anything is near.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    question(nearest(name, known))
}

fn question(near: Vec<&str>) -> Option<String> {
    if near.is_empty() {
        return None;
    }
    Some(format!("did you mean {}?", near.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names() {
        assert_eq!(distance("nmso", "nmos"), 1);
        assert_eq!(nearest("2n222", ["2n2222", "1n4148", "bc547"]), ["2n2222"]);
        // Nothing in common is not near.
        assert!(nearest("r", ["c", "e"]).is_empty() && nearest("rc", ["c"]).is_empty());
        assert!(nearest("x", ["completely", "different"]).is_empty());
    }
}
