//! The register of diagnostic codes. `ferrospice explain CODE` prints from here; the reference page is generated from here.
//!
//! Ranges: E01xx text and syntax, E02xx expressions and parameters, E03xx elaboration, E04xx devices and models,
//! E05xx topology, E06xx analyses and numerics, E07xx results, measures and files, E08xx Verilog-A, E09xx arrays, W/L the
//! same ranges for warnings and lints.

/// A diagnostic code such as `E0301`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub &'static str);

/// One line of the register.
pub struct Entry {
    pub code: Code,
    /// Half a line: what it is.
    pub title: &'static str,
    /// What it means, why it matters, how to put it right; with an example.
    pub text: &'static str,
}

/// All codes, by layer of origin.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    SLICES.iter().flat_map(|s| s.iter())
}

/// The register entry of a code, case-insensitive.
pub fn explain(code: &str) -> Option<&'static Entry> {
    all().find(|e| e.code.0.eq_ignore_ascii_case(code))
}

/// Declares constants and their register entries in one place.
#[macro_export]
macro_rules! codes {
    ($slice:ident: $($name:ident = $code:literal, $title:literal, $text:literal;)*) => {
        $(pub const $name: $crate::diag::Code = $crate::diag::Code($code);)*
        pub static $slice: &[$crate::diag::codes::Entry] = &[
            $($crate::diag::codes::Entry { code: $name, title: $title, text: $text },)*
        ];
    };
}

pub mod analysis;
pub mod array;
pub mod circuit;
pub mod device;
pub mod expr;
pub mod netlist;
pub mod results;
pub mod session;
pub mod small_signal;
pub mod va_device;
pub mod veriloga;

static SLICES: &[&[Entry]] = &[
    netlist::CODES,
    expr::CODES,
    circuit::CODES,
    device::CODES,
    analysis::CODES,
    small_signal::CODES,
    results::CODES,
    session::CODES,
    va_device::CODES,
    veriloga::CODES,
    array::CODES,
];

#[cfg(test)]
mod tests {
    #[test]
    fn codes_are_unique_and_explained() {
        let mut seen = std::collections::HashSet::new();
        for e in super::all() {
            assert!(seen.insert(e.code), "{} twice", e.code.0);
            assert!(e.text.len() > 40, "{} is not explained", e.code.0);
        }
    }
}
