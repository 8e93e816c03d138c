//! `ferrospice explain`: the register of codes.

use super::args::Explain;
use super::term::Term;
use crate::diag::{codes, nearest};

pub fn run(args: &Explain, term: &Term) -> u8 {
    if args.list {
        let mut all: Vec<_> = codes::all().collect();
        // By number, so that the warnings of a range stand next to its errors.
        all.sort_by_key(|e| (e.code.0.get(1..).unwrap_or(""), e.code.0));
        for e in all {
            term.line(&format!("{}  {}", e.code.0, e.title));
        }
        return 0;
    }
    let mut exit = 0;
    for (i, code) in args.code.iter().enumerate() {
        match codes::explain(code) {
            Some(e) => {
                if i > 0 {
                    term.line("");
                }
                term.line(&format!("{}: {}\n\n{}", e.code.0, e.title, wrap(e.text, 100)));
            }
            None => {
                let known = codes::all().map(|e| e.code.0);
                let hint = nearest::did_you_mean(code, known).map(|h| format!("; {h}")).unwrap_or_default();
                term.note(&format!("no code `{code}`{hint}\n`ferrospice explain --list` lists them\n"));
                exit = 2;
            }
        }
    }
    exit
}

/// All codes as a Markdown page.
pub fn markdown() -> String {
    let mut all: Vec<_> = codes::all().collect();
    all.sort_by_key(|e| (e.code.0.get(1..).unwrap_or(""), e.code.0));
    let mut s = String::from(
        "# Diagnostic codes\n\nGenerated from the register that `ferrospice explain` prints. \
         E: error, W: warning, L: lint.\n",
    );
    for e in all {
        s.push_str(&format!("\n## {}: {}\n\n{}\n", e.code.0, e.title, e.text.trim()));
    }
    s
}

/// Breaks lines at blanks; lines that start with a blank (examples) stay as they are.
pub fn wrap(text: &str, width: usize) -> String {
    let mut out = String::new();
    for (i, line) in text.lines().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        if line.starts_with(' ') {
            out.push_str(line);
            continue;
        }
        let mut column = 0;
        for word in line.split(' ') {
            let len = word.chars().count();
            if column > 0 && column + 1 + len > width {
                out.push('\n');
                column = 0;
            } else if column > 0 {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += len;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn wrapping() {
        assert_eq!(super::wrap("aa bb cc\n  x  y z\ndd", 5), "aa bb\ncc\n  x  y z\ndd");
    }
}
