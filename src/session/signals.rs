//! Names of signals inside free text: what a `.print`, `.meas` or `.check` needs, found without understanding it.
//!
//! Forms: `v(a)`, `v(a,b)` with the parts `vm vr vi vp vdb`; `i(x)` with `im ir ii ip idb`, terminal currents
//! `ib(q1)`, `ix(q1:b)`; `p(x)`, `e(x)`; `@x[name]`; `x#branch`.

/// One signal as a text names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Named {
    /// `v(a)`, `i(v1)`, `ib(q1)`, `@m1[gm]`: asked of the simulation as it stands.
    Plain(String),
    /// `p(x)`
    Power(String),
    /// `e(x)`
    Energy(String),
}

/// Parts of a complex value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    Magnitude,
    Real,
    Imaginary,
    Phase,
    Decibel,
}

/// Splits `vdb` into the signal function `v` and the part. `None` when the word is no signal function.
pub fn function(word: &str) -> Option<(&str, Part)> {
    Some(match word {
        "v" => ("v", Part::Whole),
        "vm" => ("v", Part::Magnitude),
        "vr" => ("v", Part::Real),
        "vi" => ("v", Part::Imaginary),
        "vp" => ("v", Part::Phase),
        "vdb" => ("v", Part::Decibel),
        "i" => ("i", Part::Whole),
        "im" => ("i", Part::Magnitude),
        "ir" => ("i", Part::Real),
        "ii" => ("i", Part::Imaginary),
        "ip" => ("i", Part::Phase),
        "idb" => ("i", Part::Decibel),
        "ib" | "ic" | "ie" | "id" | "ig" | "is" | "ix" | "isub" => (word, Part::Whole),
        "p" => ("p", Part::Whole),
        "e" => ("e", Part::Whole),
        _ => return None,
    })
}

/// Lower case, no blanks: the form in which signals are compared.
pub fn canonical(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// The signals that a text mentions, in order, each once.
pub fn scan(text: &str) -> Vec<Named> {
    let mut found = vec![];
    let mut add = |n: Named| {
        if !found.contains(&n) {
            found.push(n);
        }
    };
    let b = text.as_bytes();
    let mut i = 0;
    while i < b.len() {
        let c = b[i];
        if c == b'@' {
            let end = text[i..].find(']').map(|p| i + p + 1);
            match end {
                Some(end) if !text[i..end].contains(char::is_whitespace) => {
                    add(Named::Plain(canonical(&text[i..end])));
                    i = end;
                }
                _ => i += 1,
            }
        } else if c.is_ascii_alphabetic() || c == b'_' {
            let start = i;
            while i < b.len() && (b[i].is_ascii_alphanumeric() || matches!(b[i], b'_' | b'.' | b'#' | b':')) {
                i += 1;
            }
            let word = text[start..i].to_ascii_lowercase();
            if let Some(x) = word.strip_suffix("#branch") {
                add(Named::Plain(format!("i({x})")));
                continue;
            }
            let open = text[i..].len() - text[i..].trim_start().len() + i;
            if b.get(open) != Some(&b'(') {
                continue;
            }
            let Some((base, _)) = function(&word) else { continue };
            let Some(close) = text[open..].find(')').map(|p| open + p) else { continue };
            let inside = &text[open + 1..close];
            // `im(v(out))` is a function of a signal, not a signal.
            if inside.contains('(') || inside.trim().is_empty() {
                continue;
            }
            for n in named(base, inside) {
                add(n);
            }
            i = close + 1;
        } else {
            i += 1;
        }
    }
    found
}

/// The signals of one call: `v(a,b)` needs `v(a)` and `v(b)`; ground needs nothing.
pub fn named(base: &str, inside: &str) -> Vec<Named> {
    let inside = canonical(inside);
    match base {
        "v" => inside
            .split(',')
            .filter(|n| !n.is_empty() && !is_ground(n))
            .map(|n| Named::Plain(format!("v({n})")))
            .collect(),
        "p" => vec![Named::Power(inside)],
        "e" => vec![Named::Energy(inside)],
        _ => vec![Named::Plain(format!("{base}({inside})"))],
    }
}

pub fn is_ground(node: &str) -> bool {
    matches!(node, "0" | "gnd" | "gnd!" | "ground")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(s: &str) -> Named {
        Named::Plain(s.into())
    }

    #[test]
    fn signals_are_found_in_any_text() {
        assert_eq!(
            scan("trig V(In) val=0.5 rise=1 targ v(out, ref) val='0.5*VDD' td=1n"),
            [plain("v(in)"), plain("v(out)"), plain("v(ref)")]
        );
        assert_eq!(scan("vdb(out)-vdb(0) + db(v(x1.n+))"), [plain("v(out)"), plain("v(x1.n+)")]);
        assert_eq!(
            scan("p(r1)*exp(-e(x1.q2)/k) @M1[gm]"),
            [Named::Power("r1".into()), Named::Energy("x1.q2".into()), plain("@m1[gm]")]
        );
        assert_eq!(scan("v1#branch + ix(q1:b) + i( l1 )"), [plain("i(v1)"), plain("ix(q1:b)"), plain("i(l1)")]);
        assert_eq!(scan("im(v(a)) + im(v1)"), [plain("v(a)"), plain("i(v1)")]);
        assert_eq!(scan("@ v( v(a exp(1) µ(x)"), [] as [Named; 0]);
    }
}
