//! Texts changed at random, for the tests that nothing a user can write makes the program panic.

use proptest::prelude::*;

/// A change of a text; places are taken modulo its length.
#[derive(Clone, Debug)]
pub enum Edit {
    Delete(usize, usize),
    Insert(usize, usize),
    Swap(usize, usize),
    Duplicate(usize, usize),
    Byte(usize, u8),
    Truncate(usize),
}

pub fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let n = || 0..10_000usize;
    let one = prop_oneof![
        (n(), 0..40usize).prop_map(|(a, b)| Edit::Delete(a, b)),
        (n(), n()).prop_map(|(a, b)| Edit::Insert(a, b)),
        (n(), n()).prop_map(|(a, b)| Edit::Swap(a, b)),
        (n(), n()).prop_map(|(a, b)| Edit::Duplicate(a, b)),
        (n(), any::<u8>()).prop_map(|(a, b)| Edit::Byte(a, b)),
        n().prop_map(Edit::Truncate),
    ];
    prop::collection::vec(one, 1..6)
}

/// The text after all edits; words are inserted from a list.
pub fn edited(text: &str, edits: &[Edit], words: &[&str]) -> String {
    let mut t: Vec<char> = text.chars().collect();
    for e in edits {
        let n = t.len().max(1);
        match *e {
            Edit::Delete(a, len) => {
                let a = a % n;
                t.drain(a.min(t.len())..(a + len).min(t.len()));
            }
            Edit::Insert(a, w) => {
                let at = (a % n).min(t.len());
                t.splice(at..at, words[w % words.len()].chars());
            }
            Edit::Swap(a, b) => {
                let mut lines: Vec<String> = t.iter().collect::<String>().split('\n').map(String::from).collect();
                let k = lines.len();
                lines.swap(a % k, b % k);
                t = lines.join("\n").chars().collect();
            }
            Edit::Duplicate(a, b) => {
                let mut lines: Vec<String> = t.iter().collect::<String>().split('\n').map(String::from).collect();
                let k = lines.len();
                let line = lines[a % k].clone();
                lines.insert(b % k, line);
                t = lines.join("\n").chars().collect();
            }
            Edit::Byte(a, b) => {
                if let Some(c) = t.get_mut(a % n) {
                    *c = char::from(b);
                }
            }
            Edit::Truncate(a) => t.truncate(a % n),
        }
    }
    t.into_iter().collect()
}

/// How many texts are tried: `PROPTEST_CASES`, or as many as a test has time for.
pub fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|s| s.parse().ok()).unwrap_or(usual)
}
