//! Cards with their values resolved: analyses, sweeps, saves, measures, checks, options.

use crate::diag::Span;
use crate::expr::Expr;

/// What is to be run.
#[derive(Clone, Debug, PartialEq)]
pub enum Analysis {
    Op,
    /// Innermost sweep first, at most three.
    Dc {
        sweeps: Vec<(SweepTarget, SweepRange)>,
    },
    Tran {
        step: f64,
        stop: f64,
        start: f64,
        max_step: Option<f64>,
        uic: bool,
    },
    Ac {
        freq: Freq,
    },
    /// `output` against `reference`, referred to the input source; a point of the contribution table every `every` points.
    Noise {
        output: String,
        reference: Option<String>,
        input: String,
        freq: Freq,
        every: usize,
    },
    /// Output is `v(a)`, `v(a,b)` or `i(v1)`.
    Tf {
        output: String,
        input: String,
    },
    /// DC when `freq` is none.
    Sens {
        output: String,
        freq: Option<Freq>,
        only: Vec<String>,
    },
    Pz {
        input: (String, String),
        output: (String, String),
        is_voltage: bool,
        poles: bool,
        zeros: bool,
    },
}

/// Frequencies of a small-signal analysis, Hz.
#[derive(Clone, Debug, PartialEq)]
pub enum Freq {
    /// Points in all.
    Lin(usize, f64, f64),
    /// Points per decade.
    Dec(usize, f64, f64),
    /// Points per octave.
    Oct(usize, f64, f64),
    List(Vec<f64>),
}

impl Freq {
    pub fn points(&self) -> Vec<f64> {
        // As in ngspice the last point is the stop frequency: where the span is not a whole number of steps, they are
        // stretched to make it one.
        let log = |n: usize, a: f64, b: f64, base: f64| {
            let exact = (b / a).ln() / base.ln() * n as f64;
            let steps = (exact + 1e-9).floor().max(0.0);
            let ratio = if steps > 0.0 && exact - steps > 1e-6 { (b / a).powf(n as f64 / steps) } else { base };
            (0..=steps as usize).map(|k| a * ratio.powf(k as f64 / n as f64)).collect()
        };
        match self {
            Freq::Lin(1, a, _) => vec![*a],
            Freq::Lin(n, a, b) => (0..*n).map(|k| a + (b - a) * k as f64 / (*n - 1) as f64).collect(),
            Freq::Dec(n, a, b) => log(*n, *a, *b, 10.0),
            Freq::Oct(n, a, b) => log(*n, *a, *b, 2.0),
            Freq::List(v) => v.clone(),
        }
    }
}

/// What a sweep changes.
#[derive(Clone, Debug, PartialEq)]
pub enum SweepTarget {
    /// DC value of an independent source, by full name.
    Source(String),
    /// A global `.param`.
    Param(String),
    /// Instance parameter `r1[tc1]`, or the principal value of `r1`.
    Instance(String, Option<String>),
    /// Model parameter `nch(vto)`.
    Model(String, String),
    /// °C.
    Temp,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SweepRange {
    /// start, stop, step
    Lin(f64, f64, f64),
    /// points per decade, start, stop
    Dec(usize, f64, f64),
    Oct(usize, f64, f64),
    List(Vec<f64>),
}

impl SweepRange {
    pub fn points(&self) -> Vec<f64> {
        match self {
            SweepRange::Lin(a, b, s) => {
                if *s == 0.0 || (b - a) * s < 0.0 {
                    return vec![*a];
                }
                // Half a millionth of a step of slack: 0..1 by 0.1 has eleven points.
                let n = ((b - a) / s + 5e-7).floor() as usize;
                (0..=n).map(|k| a + s * k as f64).collect()
            }
            SweepRange::Dec(n, a, b) => Freq::Dec(*n, *a, *b).points(),
            SweepRange::Oct(n, a, b) => Freq::Oct(*n, *a, *b).points(),
            SweepRange::List(v) => v.clone(),
        }
    }
}

/// One outer sweep; several targets move together (`.data`).
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub targets: Vec<SweepTarget>,
    /// One row per point, one value per target.
    pub rows: Vec<Vec<f64>>,
    pub span: Span,
}

/// A signal to keep: `v(a)`, `i(v1)`, `@m1[gm]`, `p(r1)`, `all`, or an expression of such.
#[derive(Clone, Debug, PartialEq)]
pub struct Save {
    pub text: String,
    pub span: Span,
}

/// `.print`/`.plot`/`.four`.
#[derive(Clone, Debug, PartialEq)]
pub struct Print {
    /// `print`, `plot`, `four`.
    pub card: String,
    /// `tran`, `ac`, `dc`, ...; empty: every analysis.
    pub analysis: String,
    pub signals: Vec<Save>,
    /// Fundamental of `.four`, Hz.
    pub frequency: Option<f64>,
    pub span: Span,
}

/// `.meas`: kept as text tokens with spans; `measure` reads them.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    pub analysis: String,
    pub name: String,
    /// Everything after the name, parameters already replaced by numbers in `{}`.
    pub text: String,
    pub span: Span,
}

/// `.check NAME EXPR within 1% of VALUE` (and `> < between A and B`).
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    pub name: String,
    pub expr: Expr,
    pub test: CheckTest,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CheckTest {
    WithinAbs {
        value: f64,
        tol: f64,
    },
    /// `tol` is a fraction of |value|.
    WithinRel {
        value: f64,
        tol: f64,
    },
    Greater(f64),
    Less(f64),
    Between(f64, f64),
}

impl CheckTest {
    /// NaN never passes.
    pub fn passes(&self, x: f64) -> bool {
        match *self {
            CheckTest::WithinAbs { value, tol } => (x - value).abs() <= tol,
            CheckTest::WithinRel { value, tol } => (x - value).abs() <= tol * value.abs(),
            CheckTest::Greater(v) => x > v,
            CheckTest::Less(v) => x < v,
            CheckTest::Between(a, b) => x >= a && x <= b,
        }
    }
}

/// `.options`, with SPICE's names and defaults. Unknown options are a warning with the nearest names.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub reltol: f64,
    pub abstol: f64,
    pub vntol: f64,
    pub chgtol: f64,
    pub gmin: f64,
    pub gshunt: f64,
    pub cshunt: f64,
    pub pivrel: f64,
    pub pivtol: f64,
    pub trtol: f64,
    /// Iterations of the operating point, of a DC sweep point, of a time point.
    pub itl1: usize,
    pub itl2: usize,
    pub itl4: usize,
    pub gminsteps: usize,
    pub srcsteps: usize,
    /// `trap`, `gear`, `be`, `trbdf2`.
    pub method: String,
    pub maxord: usize,
    /// Damping of the trapezoidal rule, 0 to 0.5 as in ngspice (`xmu`, 0.5 is pure trapezoidal).
    pub xmu: f64,
    /// What errors in time are relative to: a word of [`super::options::REFERENCES`].
    pub relref: String,
    /// °C
    pub temp_c: f64,
    pub tnom_c: f64,
    pub seed: u64,
    /// Interpolate transient output to multiples of the print step.
    pub interp: bool,
    /// States in DC: `hold` or `steady`.
    pub dc_state_steady: bool,
    /// `auto` or the name of a linear kernel.
    pub solver: String,
    /// Devices that stand still are continued along their tangents.
    pub bypass: bool,
    /// Factors of an earlier Jacobian serve while Newton's steps shrink fast (modified Newton).
    pub modnewton: bool,
    pub threads: usize,
    /// Everything that was given, for the result's meta data.
    pub given: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            reltol: 1e-3,
            abstol: 1e-12,
            vntol: 1e-6,
            chgtol: 1e-14,
            gmin: 1e-12,
            gshunt: 0.0,
            cshunt: 0.0,
            pivrel: 1e-3,
            pivtol: 1e-13,
            trtol: 7.0,
            itl1: 100,
            itl2: 50,
            itl4: 10,
            gminsteps: 1,
            srcsteps: 1,
            method: "trap".into(),
            maxord: 2,
            xmu: 0.5,
            relref: "alllocal".into(),
            temp_c: 27.0,
            tnom_c: 27.0,
            seed: 1,
            interp: false,
            dc_state_steady: false,
            solver: "auto".into(),
            bypass: true,
            modnewton: true,
            threads: 0,
            given: vec![],
        }
    }
}
