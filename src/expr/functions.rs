//! The one table of functions and constants: it drives argument counts, evaluation, derivatives, documentation and
//! "did you mean".
//!
//! Every function is defined, finite and has a finite derivative for every finite argument, because Newton's method
//! passes through points that no solution has. Outside of its natural domain a function is continued by the rule in
//! its documentation and the derivative is that of the continued function; at a kink it is one of the one-sided
//! derivatives or their mean. In a constant expression such an argument is an error instead.

/// Bound of every value and derivative while simulating; what goes beyond is cut to it.
pub const HUGE: f64 = 1e99;
/// ln(HUGE)
const LN_HUGE: f64 = 227.955_924_206_410_5;
/// Smallest absolute value of a divisor.
pub const TINY: f64 = 1e-32;

/// One function.
pub struct Function {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    /// Fewest and most arguments.
    pub args: (usize, usize),
    /// How it is called.
    pub usage: &'static str,
    /// What it is, with its rule outside of its domain.
    pub doc: &'static str,
    pub kind: Kind,
}

type Slope2 = fn(f64, f64, f64) -> (f64, f64);

/// How a function is evaluated.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Value f(x), derivative d(x, f), and whether x is in the natural domain.
    One {
        f: fn(f64) -> f64,
        d: fn(f64, f64) -> f64,
        ok: fn(f64) -> bool,
    },
    /// Value f(x, y), derivatives d(x, y, f), natural domain; with more arguments it is applied from the left.
    Two {
        f: fn(f64, f64) -> f64,
        d: Slope2,
        ok: fn(f64, f64) -> bool,
    },
    /// `sign(x)` or `sign(x, y)`.
    Sign,
    /// `limit(x, lo, hi)`, or a random draw with two arguments.
    Limit,
    /// `if(c, a, b)`
    Select,
    /// Points of a piecewise linear function; `extrapolate`: beyond the ends with the slope of the last interval.
    Table {
        extrapolate: bool,
    },
    Random(Random),
    Ddt,
    Idt,
}

/// Distributions, drawn once for each occurrence when the circuit is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Random {
    /// nominal * (1 + relative/sigma * N(0,1))
    Gauss,
    /// nominal + absolute/sigma * N(0,1)
    Agauss,
    /// nominal * (1 + relative * U(-1,1))
    Unif,
    /// nominal + absolute * U(-1,1)
    Aunif,
    /// nominal + or - absolute, with equal chance
    Limit,
}

fn any(_: f64) -> bool {
    true
}

fn any2(_: f64, _: f64) -> bool {
    true
}

fn none(_: f64, _: f64) -> f64 {
    0.0
}

fn step_sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        0.0
    }
}

/// `x` cut to [-1, 1] and whether it was inside.
fn unit(x: f64) -> f64 {
    x.clamp(-1.0, 1.0)
}

/// 1/b with b kept away from zero.
fn reciprocal(b: f64) -> f64 {
    if b.abs() >= TINY {
        1.0 / b
    } else if b < 0.0 {
        -1.0 / TINY
    } else {
        1.0 / TINY
    }
}

/// a / b; for |b| below [`TINY`], a * ±1e32.
pub fn divide(a: f64, b: f64) -> f64 {
    if b.abs() >= TINY { a / b } else { a * reciprocal(b) }
}

/// Derivatives of [`divide`].
pub fn divide_slopes(a: f64, b: f64) -> (f64, f64) {
    let r = reciprocal(b);
    (r, -(a * r) * r)
}

fn power(a: f64, b: f64) -> f64 {
    if b == 0.0 { 1.0 } else { a.abs().powf(b).min(HUGE) }
}

fn power_slopes(a: f64, b: f64, y: f64) -> (f64, f64) {
    let m = a.abs();
    let da = if b == 0.0 || m == 0.0 {
        if b == 1.0 && a == 0.0 { 1.0 } else { 0.0 }
    } else {
        b * m.powf(b - 1.0) * a.signum()
    };
    let db = if m == 0.0 { 0.0 } else { y * m.ln() };
    (da, db)
}

fn signed_power(a: f64, b: f64) -> f64 {
    if a == 0.0 { 0.0 } else { power(a, b) * a.signum() }
}

fn signed_power_slopes(a: f64, b: f64, y: f64) -> (f64, f64) {
    let m = a.abs();
    let da = match m {
        0.0 if b == 1.0 => 1.0,
        0.0 => 0.0,
        _ => b * m.powf(b - 1.0),
    };
    (da, if m == 0.0 { 0.0 } else { y * m.ln() })
}

fn power_ok(a: f64, b: f64) -> bool {
    (a != 0.0 || b >= 0.0) && a.abs().powf(b).is_finite()
}

/// Largest argument below 1 of atanh.
const ATANH_MAX: f64 = 1.0 - f64::EPSILON / 2.0;

const fn one(
    name: &'static str,
    usage: &'static str,
    doc: &'static str,
    f: fn(f64) -> f64,
    d: fn(f64, f64) -> f64,
    ok: fn(f64) -> bool,
) -> Function {
    Function { name, aliases: &[], args: (1, 1), usage, doc, kind: Kind::One { f, d, ok } }
}

const fn two(
    name: &'static str,
    usage: &'static str,
    doc: &'static str,
    f: fn(f64, f64) -> f64,
    d: Slope2,
) -> Function {
    Function { name, aliases: &[], args: (2, 2), usage, doc, kind: Kind::Two { f, d, ok: any2 } }
}

const fn special(
    name: &'static str,
    args: (usize, usize),
    usage: &'static str,
    doc: &'static str,
    kind: Kind,
) -> Function {
    Function { name, aliases: &[], args, usage, doc, kind }
}

impl Function {
    const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }
}

/// All functions but the signals `v` and `i`.
pub static FUNCTIONS: &[Function] = &[
    one("sin", "sin(x)", "sine, x in radians", f64::sin, |x, _| x.cos(), any),
    one("cos", "cos(x)", "cosine, x in radians", f64::cos, |x, _| -x.sin(), any),
    one("tan", "tan(x)", "tangent, x in radians", f64::tan, |_, y| 1.0 + y * y, any),
    one(
        "asin",
        "asin(x)",
        "arc sine; x is cut to [-1, 1]",
        |x| unit(x).asin(),
        |x, _| inv_circle(x),
        |x| x.abs() <= 1.0,
    )
    .alias(&["arcsin"]),
    one(
        "acos",
        "acos(x)",
        "arc cosine; x is cut to [-1, 1]",
        |x| unit(x).acos(),
        |x, _| -inv_circle(x),
        |x| x.abs() <= 1.0,
    )
    .alias(&["arccos"]),
    one("atan", "atan(x)", "arc tangent", f64::atan, |x, _| 1.0 / (1.0 + x * x), any).alias(&["arctan"]),
    two("atan2", "atan2(y, x)", "angle of the point (x, y)", f64::atan2, |y, x, _| {
        let r = x * x + y * y;
        if r < f64::MIN_POSITIVE { (0.0, 0.0) } else { (x / r, -y / r) }
    }),
    one(
        "sinh",
        "sinh(x)",
        "hyperbolic sine; cut at 1e99",
        |x| x.clamp(-LN_HUGE, LN_HUGE).sinh(),
        |x, _| x.clamp(-LN_HUGE, LN_HUGE).cosh(),
        |x| x.abs() <= LN_HUGE,
    ),
    one(
        "cosh",
        "cosh(x)",
        "hyperbolic cosine; cut at 1e99",
        |x| x.clamp(-LN_HUGE, LN_HUGE).cosh(),
        |x, _| x.clamp(-LN_HUGE, LN_HUGE).sinh(),
        |x| x.abs() <= LN_HUGE,
    ),
    one("tanh", "tanh(x)", "hyperbolic tangent", f64::tanh, |_, y| 1.0 - y * y, any),
    one("asinh", "asinh(x)", "inverse hyperbolic sine", f64::asinh, |x, _| 1.0 / x.hypot(1.0), any),
    one(
        "acosh",
        "acosh(x)",
        "inverse hyperbolic cosine; 0 for x < 1",
        |x| x.max(1.0).acosh(),
        |x, _| if x > 1.0 { 1.0 / ((x - 1.0).sqrt() * (x + 1.0).sqrt()) } else { 0.0 },
        |x| x >= 1.0,
    ),
    one(
        "atanh",
        "atanh(x)",
        "inverse hyperbolic tangent; x is cut just inside (-1, 1)",
        |x| x.clamp(-ATANH_MAX, ATANH_MAX).atanh(),
        |x, _| if x.abs() < 1.0 { 1.0 / ((1.0 - x) * (1.0 + x)) } else { 0.0 },
        |x| x.abs() < 1.0,
    ),
    one("exp", "exp(x)", "exponential; cut at 1e99", |x| x.min(LN_HUGE).exp(), |_, y| y, |x| x <= LN_HUGE),
    one(
        "ln",
        "ln(x)",
        "natural logarithm (`log` is natural too, as in ngspice); x is cut to 1e-99 from below",
        |x| x.max(1.0 / HUGE).ln(),
        |x, _| if x > 1.0 / HUGE { 1.0 / x } else { 0.0 },
        |x| x > 0.0,
    )
    .alias(&["log"]),
    one(
        "log10",
        "log10(x)",
        "decimal logarithm; x is cut to 1e-99 from below",
        |x| x.max(1.0 / HUGE).log10(),
        |x, _| if x > 1.0 / HUGE { std::f64::consts::LOG10_E / x } else { 0.0 },
        |x| x > 0.0,
    ),
    one(
        "db",
        "db(x)",
        "20 log10 |x|; |x| is cut to 1e-99 from below",
        |x| 20.0 * x.abs().max(1.0 / HUGE).log10(),
        |x, _| if x.abs() > 1.0 / HUGE { 20.0 * std::f64::consts::LOG10_E / x } else { 0.0 },
        |x| x != 0.0,
    ),
    one(
        "sqrt",
        "sqrt(x)",
        "square root; 0 for x < 0",
        |x| x.max(0.0).sqrt(),
        |_, y| if y > 0.0 { 0.5 / y } else { 0.0 },
        |x| x >= 0.0,
    ),
    one("abs", "abs(x)", "absolute value", f64::abs, |x, _| step_sign(x), any),
    Function {
        name: "pow",
        aliases: &[],
        args: (2, 2),
        usage: "pow(x, y)",
        doc: "|x| to the power y, as the operators ** and ^ (ngspice); in a parameter the sign of x is kept for whole y; 0 to a negative power is 1e99",
        kind: Kind::Two { f: power, d: power_slopes, ok: power_ok },
    },
    Function {
        name: "pwr",
        aliases: &["pwrs"],
        args: (2, 2),
        usage: "pwr(x, y)",
        doc: "|x| to the power y, with the sign of x",
        kind: Kind::Two { f: signed_power, d: signed_power_slopes, ok: power_ok },
    },
    Function {
        name: "min",
        aliases: &[],
        args: (1, 64),
        usage: "min(x, y, ...)",
        doc: "smallest argument",
        kind: Kind::Two { f: f64::min, d: |a, b, _| if a <= b { (1.0, 0.0) } else { (0.0, 1.0) }, ok: any2 },
    },
    Function {
        name: "max",
        aliases: &[],
        args: (1, 64),
        usage: "max(x, y, ...)",
        doc: "largest argument",
        kind: Kind::Two { f: f64::max, d: |a, b, _| if a >= b { (1.0, 0.0) } else { (0.0, 1.0) }, ok: any2 },
    },
    special(
        "limit",
        (2, 3),
        "limit(x, lo, hi) or limit(nominal, absolute)",
        "x cut to the interval; with two arguments a random nominal + or - absolute",
        Kind::Limit,
    ),
    one("int", "int(x)", "whole part, towards 0", f64::trunc, none, any).alias(&["trunc"]),
    one("nint", "nint(x)", "nearest whole number, halves to the even one", f64::round_ties_even, none, any),
    one("round", "round(x)", "nearest whole number, halves away from 0", f64::round, none, any),
    one("floor", "floor(x)", "largest whole number that is not above x", f64::floor, none, any),
    one("ceil", "ceil(x)", "smallest whole number that is not below x", f64::ceil, none, any),
    one("sgn", "sgn(x)", "-1, 0 or 1", step_sign, none, any),
    special(
        "sign",
        (1, 2),
        "sign(x, y) or sign(x)",
        "|x| with the sign of y (0 for y = 0); with one argument as sgn",
        Kind::Sign,
    ),
    one(
        "u",
        "u(x)",
        "unit step: 0 below 0, 0.5 at 0 (as in ngspice), 1 above",
        |x| 0.5 + 0.5 * step_sign(x),
        none,
        any,
    )
    .alias(&["stp"]),
    one(
        "u2",
        "u2(x)",
        "x cut to [0, 1]",
        |x| x.clamp(0.0, 1.0),
        |x, _| if x > 0.0 && x < 1.0 { 1.0 } else { 0.0 },
        any,
    ),
    one("uramp", "uramp(x)", "x above 0, 0 below", |x| x.max(0.0), |x, _| if x > 0.0 { 1.0 } else { 0.0 }, any),
    one("buf", "buf(x)", "1 if x > 0.5, else 0", |x| f64::from(x > 0.5), none, any),
    one("inv", "inv(x)", "0 if x > 0.5, else 1", |x| f64::from(x <= 0.5), none, any),
    two(
        "hypot",
        "hypot(x, y)",
        "sqrt(x*x + y*y)",
        f64::hypot,
        |x, y, r| if r > 0.0 { (x / r, y / r) } else { (0.0, 0.0) },
    ),
    Function {
        name: "mod",
        aliases: &["fmod"],
        args: (2, 2),
        usage: "mod(x, y)",
        doc: "remainder of x/y with the sign of x, as the operator %; 0 for y = 0",
        kind: Kind::Two {
            f: |a, b| if b.abs() < TINY { 0.0 } else { a % b },
            d: |a, b, _| if b.abs() < TINY { (0.0, 0.0) } else { (1.0, -(a / b).trunc()) },
            ok: |_, b| b != 0.0,
        },
    },
    special("if", (3, 3), "if(c, a, b)", "a where c is not 0, else b; the same as `c ? a : b`", Kind::Select)
        .alias(&["ternary_fcn"]),
    special(
        "table",
        (3, usize::MAX),
        "table(x, x1,y1, x2,y2, ...)",
        "piecewise linear through constant points, constant beyond the ends",
        Kind::Table { extrapolate: false },
    )
    .alias(&["tbl"]),
    special(
        "pwl",
        (3, usize::MAX),
        "pwl(x, x1,y1, x2,y2, ...)",
        "piecewise linear through constant points; beyond the ends with the last slope, as in ngspice",
        Kind::Table { extrapolate: true },
    ),
    special("ddt", (1, 1), "ddt(x)", "time derivative; 0 in DC", Kind::Ddt),
    special("idt", (1, 2), "idt(x, initial)", "time integral from `initial` (0 when left out); holds in DC", Kind::Idt)
        .alias(&["sdt"]),
    special(
        "gauss",
        (2, 3),
        "gauss(nominal, relative, sigma)",
        "normal: nominal*(1 + relative/sigma*N); sigma is 1 when left out",
        Kind::Random(Random::Gauss),
    ),
    special(
        "agauss",
        (2, 3),
        "agauss(nominal, absolute, sigma)",
        "normal: nominal + absolute/sigma*N; sigma is 1 when left out",
        Kind::Random(Random::Agauss),
    ),
    special(
        "unif",
        (2, 2),
        "unif(nominal, relative)",
        "uniform: nominal*(1 + relative*U), U from -1 to 1",
        Kind::Random(Random::Unif),
    ),
    special(
        "aunif",
        (2, 2),
        "aunif(nominal, absolute)",
        "uniform: nominal + absolute*U, U from -1 to 1",
        Kind::Random(Random::Aunif),
    ),
];

/// 1/sqrt(1 - x²) inside (-1, 1), 0 outside.
fn inv_circle(x: f64) -> f64 {
    if x.abs() < 1.0 { 1.0 / ((1.0 - x) * (1.0 + x)).sqrt() } else { 0.0 }
}

/// |a| with the sign of b.
pub(super) fn copy_sign(a: f64, b: f64) -> f64 {
    a.abs() * step_sign(b)
}

pub(super) fn copy_sign_slopes(a: f64, b: f64) -> (f64, f64) {
    (step_sign(a) * step_sign(b), 0.0)
}

/// Index of a function in [`FUNCTIONS`], by lower-case name or alias.
pub fn find(name: &str) -> Option<usize> {
    FUNCTIONS.iter().position(|f| f.name == name || f.aliases.contains(&name))
}

/// Names of functions and of the signals, for "did you mean".
pub fn names<'a>() -> impl Iterator<Item = &'a str> {
    FUNCTIONS.iter().flat_map(|f| std::iter::once(f.name).chain(f.aliases.iter().copied())).chain(["v", "i"])
}

/// Constants, which parameters of the same name hide: name, value, meaning.
pub static CONSTANTS: &[(&str, f64, &str)] = &[
    ("pi", std::f64::consts::PI, "circle number"),
    ("e", std::f64::consts::E, "base of the natural logarithm"),
    ("echarge", crate::base::consts::Q, "elementary charge, C"),
    ("boltz", crate::base::consts::K, "Boltzmann constant, J/K"),
    ("planck", crate::base::consts::H, "Planck constant, J s"),
    ("kelvin", -crate::base::consts::ZERO_C, "absolute zero, °C"),
    ("c", 299_792_458.0, "speed of light, m/s"),
    ("true", 1.0, "1"),
    ("yes", 1.0, "1"),
    ("false", 0.0, "0"),
    ("no", 0.0, "0"),
];

/// Quantities of the running simulation that are plain names.
pub const RUNNING: [&str; 3] = ["time", "temper", "hertz"];

pub fn constant(name: &str) -> Option<f64> {
    CONSTANTS.iter().find(|c| c.0 == name).map(|c| c.1)
}
