//! Parameters are data: one table per device drives parsing, checking, `ferrospice models`, the reference pages
//! and completion.

/// Index of a parameter in its table.
pub type ParamId = u16;

/// What a parameter's value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// A real number.
    Real,
    /// A real number that must be whole.
    Int,
    /// 0/1; may be given bare (`off`, `noisy`).
    Flag,
    /// A word or quoted text.
    Text,
    /// A list of numbers (`ic=0.1,0.2`, PWL points).
    Vector,
    /// A real number, or an expression of node voltages, currents or time that is evaluated while simulating.
    Expr,
}

/// The interval in which a value means something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    pub lo: f64,
    pub lo_open: bool,
    pub hi: f64,
    pub hi_open: bool,
}

impl Range {
    pub const ANY: Range = Range { lo: f64::NEG_INFINITY, lo_open: false, hi: f64::INFINITY, hi_open: false };
    /// > 0
    pub const POSITIVE: Range = Range { lo: 0.0, lo_open: true, ..Range::ANY };
    /// >= 0
    pub const NON_NEGATIVE: Range = Range { lo: 0.0, ..Range::ANY };
    /// [0, 1)
    pub const FRACTION: Range = Range { lo: 0.0, lo_open: false, hi: 1.0, hi_open: true };

    pub const fn between(lo: f64, hi: f64) -> Range {
        Range { lo, lo_open: false, hi, hi_open: false }
    }

    /// NaN is in no range; infinities only where the range is open to them on that side.
    pub fn contains(&self, x: f64) -> bool {
        (if self.lo_open { x > self.lo } else { x >= self.lo })
            && (if self.hi_open { x < self.hi } else { x <= self.hi })
    }

    /// `above 0`, `0 or more`, `from 0 to below 1`: what may stand after "must be".
    pub fn words(&self) -> String {
        let lo = match (self.lo == f64::NEG_INFINITY, self.lo_open) {
            (true, _) => None,
            (_, true) => Some(format!("above {}", self.lo)),
            _ => Some(format!("{} or more", self.lo)),
        };
        match (lo, self.hi == f64::INFINITY, self.hi_open) {
            (None, true, _) => "a number".into(),
            (Some(lo), true, _) => lo,
            (None, _, true) => format!("below {}", self.hi),
            (None, _, _) => format!("{} or less", self.hi),
            (Some(_), _, open) => {
                let from = if self.lo_open { "above" } else { "from" };
                let to = match (self.lo_open, open) {
                    (true, true) => "and below",
                    (true, false) => "and at most",
                    (false, true) => "to below",
                    (false, false) => "to",
                };
                format!("{from} {} {to} {}", self.lo, self.hi)
            }
        }
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (l, r) = (if self.lo_open { '(' } else { '[' }, if self.hi_open { ')' } else { ']' });
        write!(f, "{l}{}, {}{r}", self.lo, self.hi)
    }
}

/// One parameter.
#[derive(Clone, Copy, Debug)]
pub struct ParamSpec {
    /// Lower case.
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub kind: ParamKind,
    /// SI unit, or "" for a pure number, or "°C" where SPICE takes Celsius.
    pub unit: &'static str,
    /// `None`: derived from other parameters, or off, when not given (the doc says which).
    pub default: Option<f64>,
    pub range: Range,
    pub doc: &'static str,
}

/// One terminal.
#[derive(Clone, Copy, Debug)]
pub struct Terminal {
    pub name: &'static str,
    pub doc: &'static str,
    /// May be left out at the end of the node list.
    pub optional: bool,
}

/// The static data of a device type.
#[derive(Clone, Copy, Debug)]
pub struct DeviceInfo {
    /// Unique name in the registry, the field's own: `diode`, `mos1`, `vsource`.
    pub name: &'static str,
    /// The element letter, lower case.
    pub letter: char,
    /// `.model` type words with the polarity each implies: `[("nmos", 1.0), ("pmos", -1.0)]`. Empty: no model.
    pub model_types: &'static [(&'static str, f64)],
    /// `.model ... level=` values that select this type among those that share the type words. Empty: all levels.
    pub levels: &'static [u32],
    /// An element of this type cannot do without a model.
    pub model_required: bool,
    pub terminals: &'static [Terminal],
    pub instance: &'static [ParamSpec],
    pub model: &'static [ParamSpec],
    /// The parameter that a bare value after the nodes sets (`R1 a b 1k`).
    pub positional: Option<ParamId>,
    /// The element has a branch-current unknown named `i`, so that F, H, W, K and `i(...)` may refer to it.
    pub has_branch: bool,
    /// One paragraph: what it is, equations in short, source (paper or book, equation numbers).
    pub doc: &'static str,
}

/// Finds a parameter by name or alias, case-insensitive.
pub fn find(table: &[ParamSpec], name: &str) -> Option<ParamId> {
    table
        .iter()
        .position(|p| p.name.eq_ignore_ascii_case(name) || p.aliases.iter().any(|a| a.eq_ignore_ascii_case(name)))
        .map(|i| i as ParamId)
}

/// Writes a parameter table and the constants that index it.
///
/// ```ignore
/// param_table! { pub static INSTANCE = [
///     AREA: "area" real "" = 1.0, Range::POSITIVE, "Area factor";
///     IC:   "ic"   real "V" , Range::ANY, "Initial voltage";          // no default
///     L:    "l" | "length" real "m" = 1e-4, Range::POSITIVE, "Channel length";
/// ] }
/// ```
/// Kinds: `real int flag text vector expr`.
#[macro_export]
macro_rules! param_table {
    ($vis:vis static $table:ident = [ $($id:ident : $name:literal $(| $alias:literal)* $kind:ident $unit:literal $(= $default:expr)?, $range:expr, $doc:literal ;)* ]) => {
        $crate::param_table!(@consts 0u16, $($id)*);
        $vis static $table: &[$crate::device::ParamSpec] = &[$(
            $crate::device::ParamSpec {
                name: $name,
                aliases: &[$($alias),*],
                kind: $crate::param_table!(@kind $kind),
                unit: $unit,
                default: $crate::param_table!(@default $($default)?),
                range: $range,
                doc: $doc,
            },
        )*];
    };
    (@consts $n:expr,) => {};
    (@consts $n:expr, $id:ident $($rest:ident)*) => {
        #[allow(dead_code)]
        pub const $id: $crate::device::ParamId = $n;
        $crate::param_table!(@consts $n + 1u16, $($rest)*);
    };
    (@kind real) => { $crate::device::ParamKind::Real };
    (@kind int) => { $crate::device::ParamKind::Int };
    (@kind flag) => { $crate::device::ParamKind::Flag };
    (@kind text) => { $crate::device::ParamKind::Text };
    (@kind vector) => { $crate::device::ParamKind::Vector };
    (@kind expr) => { $crate::device::ParamKind::Expr };
    (@default) => { None };
    (@default $d:expr) => { Some($d) };
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::param_table! { pub static T = [
        AREA: "area" real "" = 1.0, Range::POSITIVE, "Area factor";
        L: "l" | "length" real "m", Range::POSITIVE, "Channel length";
        OFF: "off" flag "" = 0.0, Range::ANY, "Start off";
    ] }

    #[test]
    fn tables_index_themselves() {
        assert_eq!((AREA, L, OFF), (0, 1, 2));
        assert_eq!(find(T, "LENGTH"), Some(L));
        assert_eq!(T[OFF as usize].kind, ParamKind::Flag);
        assert!(!Range::POSITIVE.contains(0.0) && !Range::ANY.contains(f64::NAN));
    }
}
