//! The table of methods: backward Euler, trapezoidal, Gear (BDF) 1 to 6 with variable steps, TR-BDF2.
//!
//! With h = t₁ - tₙ and older times tₙ₋₁, …:
//! - backward Euler: a0 = 1/h, b0 = -1/h.
//! - trapezoidal with weight µ (½ is the pure rule): a0 = 1/((1-µ)h), b0 = -a0, c = -µ/(1-µ).
//! - BDF k: the derivative at t₁ of the polynomial through (t₁, q₁), (tₙ, qₙ), …, (tₙ₋ₖ₊₁, qₙ₋ₖ₊₁).
//! - TR-BDF2 (Bank, Coughran, Fichtner, Grosse, Rose, Smith, IEEE Trans. ED 32, 1992 (1985)): trapezoidal over γh,
//!   γ = 2 - √2, then BDF2 through tₙ, tₙ + γh, t₁; both stages have the same a0, so one factorisation can serve both.
//! - Alexander's SDIRK2 (SIAM J. Numer. Anal. 14, 1006 (1977)), γ = 1 - 1/√2: backward Euler over γh with the slope k₁,
//!   then q₁ = qₙ + (1-γ)h k₁ + γh q'₁. It needs no derivative at tₙ, is stiffly accurate and of second order: the step
//!   behind a corner, after which the trapezoidal rule goes on with q'₁. Backward Euler there would miss h²/2 q'' at every
//!   corner of a waveform, and the misses of a train of pulses add up.
//!
//! Error constants: x₁ - x(t₁) ≈ E x⁽ᵏ⁺¹⁾. Backward Euler h²/2, trapezoidal h³/12, BDF k Π(t₁-tₙ₋ⱼ)/((k+1)! a0),
//! TR-BDF2 (3γ²-4γ+2)/(12(2-γ)) h³.

/// Highest order of any method.
pub const MAX_ORDER: usize = 6;

/// Fraction of the step taken by the first stage of TR-BDF2: 2 - √2.
pub const GAMMA: f64 = 2.0 - std::f64::consts::SQRT_2;

/// γ of SDIRK2.
pub const SDIRK: f64 = 1.0 - std::f64::consts::FRAC_1_SQRT_2;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    BackwardEuler,
    /// Weight of the old derivative: 0.5 is the trapezoidal rule, less damps.
    Trapezoidal {
        mu: f64,
    },
    /// Variable-order BDF up to this order.
    Gear {
        max_order: usize,
    },
    TrBdf2,
}

impl Method {
    /// From the words of `.options method= maxord= xmu=`.
    pub fn from_options(word: &str, max_order: usize, mu: f64) -> Option<Method> {
        Some(match word.to_ascii_lowercase().as_str() {
            "trap" | "trapezoidal" => {
                if max_order <= 1 {
                    Method::BackwardEuler
                } else {
                    Method::Trapezoidal { mu: mu.clamp(0.0, 0.5) }
                }
            }
            "gear" | "bdf" => Method::Gear { max_order: max_order.clamp(1, MAX_ORDER) },
            "be" | "euler" => Method::BackwardEuler,
            "trbdf2" | "tr-bdf2" => Method::TrBdf2,
            _ => return None,
        })
    }

    pub fn max_order(self) -> usize {
        match self {
            Method::BackwardEuler => 1,
            Method::Trapezoidal { .. } | Method::TrBdf2 => 2,
            Method::Gear { max_order } => max_order,
        }
    }
}

/// One discretisation of the derivative at the new point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficients {
    pub order: usize,
    /// Weight of q at the new point, 1/s.
    pub a0: f64,
    /// Weights of qₙ, qₙ₋₁, ...
    pub b: [f64; MAX_ORDER],
    /// How many of `b` count.
    pub used: usize,
    /// Weight of the last derivative.
    pub c: f64,
    /// E of the module doc: local error per (k+1)-th derivative.
    pub error: f64,
}

impl Coefficients {
    /// For a step to `t1` from the past times `past` (newest first, at least one). The order is lowered to what the
    /// past allows.
    pub fn new(method: Method, order: usize, t1: f64, past: &[f64]) -> Coefficients {
        let h = t1 - past[0];
        match method {
            Method::Trapezoidal { mu } if order >= 2 => {
                let a0 = 1.0 / ((1.0 - mu) * h);
                let mut b = [0.0; MAX_ORDER];
                b[0] = -a0;
                // Off ½ the rule is only first order; its h² term is what the controller must see.
                let (order, error) = if mu > 0.49 { (2, h * h * h / 12.0) } else { (1, (0.5 - mu) * h * h) };
                Coefficients { order, a0, b, used: 1, c: -mu / (1.0 - mu), error }
            }
            _ => bdf(order.min(past.len()).clamp(1, MAX_ORDER), t1, past),
        }
    }

    /// The two stages of TR-BDF2 from `t0` to `t1`: trapezoidal to the intermediate time, then BDF2 through it.
    pub fn tr_bdf2(t0: f64, t1: f64) -> (f64, Coefficients, Coefficients) {
        let h = t1 - t0;
        let tm = t0 + GAMMA * h;
        let first = Coefficients::new(Method::Trapezoidal { mu: 0.5 }, 2, tm, &[t0]);
        let mut second = bdf(2, t1, &[tm, t0]);
        second.error = (3.0 * GAMMA * GAMMA - 4.0 * GAMMA + 2.0) / (12.0 * (2.0 - GAMMA)) * h * h * h;
        (tm, first, second)
    }

    /// SDIRK2 from `t0` to `t1`: the intermediate time and backward Euler to it. The second stage has the same a0, and
    /// `-a0 (qₙ + (1-γ)h k₁)` for a past.
    pub fn sdirk2(t0: f64, t1: f64) -> (f64, Coefficients) {
        let tm = t0 + SDIRK * (t1 - t0);
        let mut first = bdf(1, tm, &[t0]);
        // Not through the rounded difference of times: the second stage has the same.
        first.a0 = 1.0 / (SDIRK * (t1 - t0));
        first.b[0] = -first.a0;
        (tm, first)
    }
}

/// BDF of order `k` with variable steps, from the derivative of the Lagrange basis at t₁.
fn bdf(k: usize, t1: f64, past: &[f64]) -> Coefficients {
    let mut b = [0.0; MAX_ORDER];
    let mut a0 = 0.0;
    for j in 0..k {
        let dj = t1 - past[j];
        a0 += 1.0 / dj;
        // Derivative at t₁ of the basis polynomial of tₙ₋ⱼ: 1/(tₙ₋ⱼ - t₁) Π (t₁ - tᵢ)/(tₙ₋ⱼ - tᵢ).
        let mut w = -1.0 / dj;
        for i in 0..k {
            if i != j {
                w *= (t1 - past[i]) / (past[j] - past[i]);
            }
        }
        b[j] = w;
    }
    let product: f64 = past[..k].iter().map(|t| t1 - t).product();
    Coefficients { order: k, a0, b, used: k, c: 0.0, error: product / (factorial(k + 1) * a0) }
}

pub fn factorial(n: usize) -> f64 {
    (1..=n).map(|i| i as f64).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bdf_differentiates_polynomials_exactly() {
        let past = [0.9, 0.7, 0.65, 0.3, 0.1, 0.0];
        for k in 1..=6usize {
            let c = Coefficients::new(Method::Gear { max_order: 6 }, k, 1.0, &past);
            let p = |t: f64| t.powi(k as i32) + 2.0 * t;
            let sum: f64 = c.a0 * p(1.0) + (0..k).map(|i| c.b[i] * p(past[i])).sum::<f64>();
            assert!((sum - (k as f64 + 2.0)).abs() < 1e-9, "order {k}: {sum}");
        }
    }

    #[test]
    fn sdirk2_is_of_second_order_without_a_derivative() {
        // q' = -f(t) in one step: exact where f is linear in time; stage values of f are those of the two times.
        let (t0, t1) = (0.3, 0.8);
        let (tm, c) = Coefficients::sdirk2(t0, t1);
        let (h, f) = (t1 - t0, |t: f64| 3.0 - 5.0 * t);
        let q0 = 2.0;
        let k1 = f(tm);
        let q1 = q0 + (1.0 - SDIRK) * h * k1 + f(t1) / c.a0;
        assert!((q1 - (q0 + h * f(0.5 * (t0 + t1)))).abs() < 1e-15);
        // L-stable: a stiff relaxation is gone after one step.
        let decay = |z: f64| (1.0 - (1.0 - 2.0 * SDIRK) * z) / (1.0 + SDIRK * z).powi(2);
        let (a, past) = (1e6 / h, |k1: f64| q0 + (1.0 - SDIRK) * h * k1);
        let qm = q0 * c.a0 / (c.a0 + a);
        let q1 = c.a0 * past((qm - q0) * c.a0) / (c.a0 + a);
        assert!((q1 / q0 - decay(1e6)).abs() < 1e-12 && (q1 / q0).abs() < 1e-5);
    }

    #[test]
    fn equal_steps_give_the_textbook_coefficients() {
        let c = Coefficients::new(Method::Gear { max_order: 2 }, 2, 2.0, &[1.0, 0.0]);
        assert!((c.a0 - 1.5).abs() < 1e-15 && (c.b[0] + 2.0).abs() < 1e-15 && (c.b[1] - 0.5).abs() < 1e-15);
        let (_, one, two) = Coefficients::tr_bdf2(0.0, 1.0);
        assert!((one.a0 - two.a0).abs() < 1e-12, "both stages share a0");
    }
}
