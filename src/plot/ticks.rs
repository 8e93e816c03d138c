//! Where the ticks of an axis stand and what is written there.
//!
//! A linear axis is divided by 1, 2, 2.5 or 5 times a power of ten; its numbers share one SI prefix (or power of ten), which goes to
//! the label: `time (µs)`. A logarithmic axis has its decades labelled with prefix (`1k`, `10n`) or power (`10⁻⁹`).

/// Ticks of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticks {
    /// Value and text.
    pub major: Vec<(f64, String)>,
    pub minor: Vec<f64>,
    /// What stands in front of the unit in the label: `µ`, `×10⁻⁹ `, or nothing.
    pub prefix: String,
}

/// May the unit carry an SI prefix?
pub fn takes_prefix(unit: &str) -> bool {
    matches!(
        unit,
        "s" | "V"
            | "A"
            | "W"
            | "J"
            | "C"
            | "Ω"
            | "S"
            | "Hz"
            | "F"
            | "H"
            | "m"
            | "Wb"
            | "eV"
            | "T"
            | "V/s"
            | "A/s"
            | "V/√Hz"
            | "A/√Hz"
            | "V/m"
            | "A/m"
            | "V s"
            | "A s"
            | "N"
            | "Pa"
    )
}

const PREFIXES: [&str; 17] = ["y", "z", "a", "f", "p", "n", "µ", "m", "", "k", "M", "G", "T", "P", "E", "Z", "Y"];

fn prefix_of(exp3: i32) -> Option<&'static str> {
    usize::try_from(exp3 + 8).ok().and_then(|i| PREFIXES.get(i)).copied()
}

/// `10⁻⁹`
pub fn power_of_ten(n: i32) -> String {
    let digits: String = n
        .to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '0' => '⁰',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '4' => '⁴',
            '5' => '⁵',
            '6' => '⁶',
            '7' => '⁷',
            '8' => '⁸',
            _ => '⁹',
        })
        .collect();
    format!("10{digits}")
}

/// A proper minus sign.
fn minus(s: String) -> String {
    s.replace('-', "−")
}

/// Ticks of a linear axis from `lo` to `hi` with room for about `room` labels.
pub fn linear(lo: f64, hi: f64, room: usize, unit: &str) -> Ticks {
    let span = hi - lo;
    if !span.is_finite() || span <= 0.0 {
        return Ticks { major: vec![], minor: vec![], prefix: String::new() };
    }
    let raw = span / room.max(2) as f64;
    let power = 10f64.powi(raw.log10().floor() as i32);
    let (step, divisions) = [(1.0, 5), (2.0, 4), (2.5, 5), (5.0, 5), (10.0, 5)]
        .into_iter()
        .map(|(m, d)| (m * power, d))
        .find(|(s, _)| *s >= raw * (1.0 - 1e-9))
        .unwrap_or((10.0 * power, 5));
    // Angles are divided by quarters and thirds of a turn.
    let angles = [(15.0, 3), (30.0, 3), (45.0, 3), (90.0, 6), (180.0, 4), (360.0, 4)];
    let (step, divisions) = match angles.into_iter().find(|(s, _)| *s >= raw * (1.0 - 1e-9)) {
        Some(a) if unit == "°" && raw > 10.0 => a,
        _ => (step, divisions),
    };
    let large = lo.abs().max(hi.abs());
    let mut exp3 = ((large.log10() + 1e-9) / 3.0).floor() as i32;
    // 0 to 1.2 V reads better than 0 to 1200 mV, 0 to 0.8 V as 0 to 0.8 V.
    if exp3 == -1 && large >= 0.1 {
        exp3 = 0;
    }
    let is_plain = !takes_prefix(unit);
    if is_plain && (-2..=4).contains(&(large.log10().floor() as i32)) {
        exp3 = 0;
    }
    let prefix = match prefix_of(exp3) {
        _ if exp3 == 0 => String::new(),
        Some(p) if !is_plain => p.to_string(),
        _ => format!("×{} ", power_of_ten(3 * exp3)),
    };
    let scale = 10f64.powi(-3 * exp3);
    let decimals = decimals_of(step * scale);
    let first = (lo / step - 1e-6).ceil() as i64;
    let last = (hi / step + 1e-6).floor() as i64;
    let text = |x: f64| {
        let t = format!("{:.decimals$}", x * scale);
        minus(if t.trim_start_matches('-').chars().all(|c| c == '0' || c == '.') {
            t.trim_start_matches('-').to_string()
        } else {
            t
        })
    };
    let major = (first..=last.min(first.saturating_add(100))).map(|k| k as f64 * step).map(|x| (x, text(x))).collect();
    let small = step / f64::from(divisions);
    let from = (lo / small - 1e-6).ceil() as i64;
    let to = ((hi / small + 1e-6).floor() as i64).min(from.saturating_add(600));
    let minor = (from..=to).filter(|k| k % i64::from(divisions) != 0).map(|k| k as f64 * small).collect();
    Ticks { major, minor, prefix }
}

/// Decimals that show a step exactly, at most nine.
fn decimals_of(step: f64) -> usize {
    (0..9)
        .find(|&d| ((step * 10f64.powi(d)).round() - step * 10f64.powi(d)).abs() < 1e-6 * step * 10f64.powi(d))
        .unwrap_or(9) as usize
}

/// Ticks of a logarithmic axis; 0 < lo < hi.
pub fn log(lo: f64, hi: f64, room: usize, unit: &str) -> Ticks {
    let (a, b) = (lo.log10(), hi.log10());
    if !(lo > 0.0 && b > a && b.is_finite()) {
        return Ticks { major: vec![], minor: vec![], prefix: String::new() };
    }
    let slack = 1e-9 * (b - a).max(1.0);
    let (first, last) = ((a - slack).ceil() as i32, (b + slack).floor() as i32);
    let decades = last - first + 1;
    let label = |x: f64| log_label(x, unit);
    let mut major = vec![];
    let mut minor = vec![];
    if decades < 3 {
        // Few decades: 1, 2, 5 too, or a linear division where there is not even a factor of three.
        if b - a < 0.5 {
            let t = linear(lo, hi, room, unit);
            return Ticks { major: t.major.into_iter().filter(|m| m.0 > 0.0).collect(), ..t };
        }
        for n in (first - 1)..=(last + 1) {
            for m in 1..10 {
                let x = f64::from(m) * 10f64.powi(n);
                if x < lo * (1.0 - 1e-9) || x > hi * (1.0 + 1e-9) {
                    continue;
                }
                if matches!(m, 1 | 2 | 5) { major.push((x, label(x))) } else { minor.push(x) }
            }
        }
        return Ticks { major, minor, prefix: String::new() };
    }
    let every = [1, 2, 3, 5, 6, 10, 20, 50].into_iter().find(|e| decades / e <= room.max(2) as i32).unwrap_or(100);
    for n in (first - 1)..=last {
        let x = 10f64.powi(n);
        if n >= first {
            if (n - first).rem_euclid(every) == 0 { major.push((x, label(x))) } else { minor.push(x) }
        }
        if decades <= 12 {
            minor.extend((2..10).map(|m| f64::from(m) * x).filter(|y| *y >= lo && *y <= hi));
        }
    }
    Ticks { major, minor, prefix: String::new() }
}

/// `10k`, `2n`, `10⁻²¹`.
fn log_label(x: f64, unit: &str) -> String {
    let n = (x.log10() + 1e-9).floor() as i32;
    let exp3 = n.div_euclid(3);
    let mantissa = (x / 10f64.powi(n)).round() as i32;
    match prefix_of(exp3) {
        Some(p) if takes_prefix(unit) => format!("{}{p}", mantissa * 10i32.pow(n.rem_euclid(3) as u32)),
        _ if (-2..4).contains(&n) => format!("{:.*}", (-n).max(0) as usize, x),
        _ if mantissa == 1 => power_of_ten(n),
        _ => format!("{mantissa}×{}", power_of_ten(n)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(t: &Ticks) -> Vec<&str> {
        t.major.iter().map(|m| m.1.as_str()).collect()
    }

    #[test]
    fn linear_ticks() {
        let t = linear(0.0, 6e-5, 6, "s");
        assert_eq!((texts(&t), t.prefix.as_str()), (vec!["0", "10", "20", "30", "40", "50", "60"], "µ"));
        let t = linear(-1.05, 1.05, 5, "V");
        assert_eq!((texts(&t), t.prefix.as_str()), (vec!["−1.0", "−0.5", "0.0", "0.5", "1.0"], ""));
        assert_eq!(linear(0.0, 3e-12, 4, "V²/Hz").prefix, "×10⁻¹² ");
        assert!(linear(1.0, 1.0, 5, "V").major.is_empty());
    }

    #[test]
    fn log_ticks() {
        assert_eq!(texts(&log(1.0, 1e6, 10, "Hz")), ["1", "10", "100", "1k", "10k", "100k", "1M"]);
        assert_eq!(texts(&log(1e-9, 1e-3, 4, "A")), ["1n", "100n", "10µ", "1m"].map(|s| s).to_vec().as_slice());
        assert_eq!(texts(&log(1e-30, 1e-20, 6, "V²/Hz")).first(), Some(&"10⁻³⁰"));
        assert_eq!(texts(&log(2.0, 60.0, 6, "Hz")), ["2", "5", "10", "20", "50"]);
    }
}
