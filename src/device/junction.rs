//! What all pn junctions share: limiting of Newton's steps, the exponential with its reverse continuation, depletion
//! charge, and the temperature laws of silicon.
//!
//! Sources: Nagel, "SPICE2", UCB/ERL M520 (1975), appendix 2 and 3; Antognetti and Massobrio, "Semiconductor Device
//! Modeling with SPICE" (1988), ch. 1 and appendix A.

use crate::base::consts::{K_Q, T_REF};
use crate::base::fastmath;

/// The voltage of least radius of curvature, above which steps are limited, V: vt ln(vt / (√2 is)).
pub fn critical_voltage(vt: f64, is: f64) -> f64 {
    if is > 0.0 { vt * (vt / (std::f64::consts::SQRT_2 * is)).ln() } else { f64::INFINITY }
}

/// Limits the step of a junction voltage (Colon's algorithm): above the critical voltage the *current* of the
/// linearised junction is taken as the iterate, i.e. the voltage moves by the logarithm of the proposed step; a step
/// far into reverse is shortened, so that a junction does not lose its conductance at once.
#[inline]
pub fn limit_junction(v: f64, old: f64, vt: f64, critical: f64) -> f64 {
    if v > critical && (v - old).abs() > 2.0 * vt {
        if old > 0.0 {
            let arg = 1.0 + (v - old) / vt;
            if arg > 0.0 { old + vt * arg.ln() } else { critical }
        } else {
            vt * (v / vt).ln()
        }
    } else if v < 0.0 {
        let floor = if old > 0.0 { -1.0 - old } else { 2.0 * old - 1.0 };
        v.max(floor)
    } else {
        v
    }
}

/// Limits the step of a gate voltage around the threshold `vto`, V: far above it steps may double the overdrive, near
/// it they are half a volt, and crossings stop just past it.
#[inline]
pub fn limit_gate(v: f64, old: f64, vto: f64) -> f64 {
    let high = (2.0 * (old - vto)).abs() + 2.0;
    let low = 0.5 * high + 2.0;
    let far = vto + 3.5;
    let step = v - old;
    if old >= vto {
        if old >= far {
            if step <= 0.0 {
                if v >= far { if -step > low { old - low } else { v } } else { v.max(vto + 2.0) }
            } else if step >= high {
                old + high
            } else {
                v
            }
        } else if step <= 0.0 {
            v.max(vto - 0.5)
        } else {
            v.min(vto + 4.0)
        }
    } else if step <= 0.0 {
        if -step > high { old - high } else { v }
    } else if v <= vto + 0.5 {
        if step > low { old + low } else { v }
    } else {
        vto + 0.5
    }
}

/// Limits the step of a drain-source voltage, V.
#[inline]
pub fn limit_drain(v: f64, old: f64) -> f64 {
    if old >= 3.5 {
        if v > old {
            v.min(3.0 * old + 2.0)
        } else if v < 3.5 {
            v.max(2.0)
        } else {
            v
        }
    } else if v > old {
        v.min(4.0)
    } else {
        v.max(-0.5)
    }
}

/// Current and conductance of `is (exp(v/vte) - 1)`. Below -3 vte SPICE continues it by
/// `-is (1 + (3 vte / (e v))³)`, which keeps a conductance and saves the exponential.
#[inline]
pub fn diode_current(v: f64, is: f64, vte: f64) -> (f64, f64) {
    let [y] = diode_currents([v], [is], [vte]);
    y
}

/// [`diode_current`] of several junctions, their exponentials side by side in vector registers.
#[inline(always)]
pub fn diode_currents<const N: usize>(v: [f64; N], is: [f64; N], vte: [f64; N]) -> [(f64, f64); N] {
    // A bulk tied to its source is common and needs no exponential; neither does a junction in reverse.
    let mut is_needed = false;
    for k in 0..N {
        is_needed |= v[k] != 0.0 && v[k] >= -3.0 * vte[k];
    }
    let mut e = [1.0; N];
    if is_needed {
        for k in 0..N {
            e[k] = fastmath::exp(v[k] / vte[k]);
        }
    }
    let mut out = [(0.0, 0.0); N];
    for k in 0..N {
        out[k] = continued(e[k], v[k], is[k], vte[k]);
    }
    out
}

/// Current and conductance, where exp(v/vte) is e.
#[inline(always)]
pub fn continued(e: f64, v: f64, is: f64, vte: f64) -> (f64, f64) {
    if v >= -3.0 * vte {
        (is * (e - 1.0), is * e / vte)
    } else {
        let inv = 1.0 / v;
        let a = 3.0 / std::f64::consts::E * vte * inv;
        let a = a * a * a;
        (-is * (1.0 + a), 3.0 * is * a * inv)
    }
}

/// A depletion charge: Q = cj vj (1 - (1 - v/vj)^(1-m)) / (1 - m) up to fc vj, a parabola beyond.
#[derive(Clone, Copy, Debug, Default)]
pub struct Depletion {
    pub cj: f64,
    pub vj: f64,
    pub m: f64,
    /// fc vj, V
    fcv: f64,
    f1: f64,
    f2_inv: f64,
    f3: f64,
    /// 1/vj, 1/V, and cj vj/(1-m), C
    vj_inv: f64,
    full: f64,
}

impl Depletion {
    pub fn new(cj: f64, vj: f64, m: f64, fc: f64) -> Self {
        let one = 1.0 - fc;
        Depletion {
            cj,
            vj,
            m,
            fcv: fc * vj,
            f1: vj * (1.0 - one.powf(1.0 - m)) / (1.0 - m),
            f2_inv: one.powf(-1.0 - m),
            f3: 1.0 - fc * (1.0 + m),
            vj_inv: 1.0 / vj,
            full: cj * vj / (1.0 - m),
        }
    }

    /// Charge, C, and capacitance, F.
    #[inline]
    pub fn at(&self, v: f64) -> (f64, f64) {
        let [y] = Depletion::all_at([self], [v]);
        y
    }

    /// [`Depletion::at`] of several junctions, their powers side by side in vector registers.
    #[inline(always)]
    pub fn all_at<const N: usize>(d: [&Depletion; N], v: [f64; N]) -> [(f64, f64); N] {
        let mut arg = [1.0; N];
        let mut is_needed = false;
        for k in 0..N {
            if d[k].cj != 0.0 && v[k] != 0.0 && v[k] < d[k].fcv {
                arg[k] = 1.0 - v[k] * d[k].vj_inv;
                is_needed |= d[k].m != 0.5;
            }
        }
        // (1 - v/vj)^-m
        let mut s = [1.0; N];
        if is_needed {
            for k in 0..N {
                s[k] = fastmath::exp(-d[k].m * fastmath::ln(arg[k]));
            }
        }
        let mut out = [(0.0, 0.0); N];
        for k in 0..N {
            out[k] = d[k].with_power(v[k], arg[k], s[k]);
        }
        out
    }

    /// Charge and capacitance at v, where `arg` is 1 - v/vj and `s` its power -m unless m is ½.
    #[inline(always)]
    fn with_power(&self, v: f64, arg: f64, s: f64) -> (f64, f64) {
        if self.cj == 0.0 {
            return (0.0, 0.0);
        }
        if v < self.fcv {
            if v == 0.0 {
                return (0.0, self.cj);
            }
            let s = if self.m == 0.5 { 1.0 / arg.sqrt() } else { s };
            (self.full * (1.0 - arg * s), self.cj * s)
        } else {
            let c = self.cj * self.f2_inv;
            let half = self.m / (2.0 * self.vj);
            (self.cj * self.f1 + c * (v - self.fcv) * (self.f3 + half * (v + self.fcv)), c * (self.f3 + 2.0 * half * v))
        }
    }
}

/// Band gap of silicon, eV, at `t` in K.
pub fn band_gap(t: f64) -> f64 {
    1.16 - 7.02e-4 * t * t / (t + 1108.0)
}

/// The part of a built-in potential's shift from [`T_REF`] to `t` that does not scale with the potential, V.
pub fn potential_shift(t: f64) -> f64 {
    let vt = K_Q * t;
    // Energies over kT; 1.1150877 eV is the gap at T_REF.
    let arg = -band_gap(t) / (2.0 * vt) + 1.115_087_7 / (2.0 * K_Q * T_REF);
    -2.0 * vt * (1.5 * (t / T_REF).ln() + arg)
}

/// How one junction's potential and capacitance go from the temperature of measurement to that of use.
#[derive(Clone, Copy, Debug)]
pub struct JunctionScaling {
    t: f64,
    tnom: f64,
    shift: f64,
    shift_nom: f64,
}

impl JunctionScaling {
    pub fn new(t: f64, tnom: f64) -> Self {
        JunctionScaling { t, tnom, shift: potential_shift(t), shift_nom: potential_shift(tnom) }
    }

    /// The potential that the junction would have at [`T_REF`], V.
    fn reference(&self, vj: f64) -> f64 {
        (vj - self.shift_nom) / (self.tnom / T_REF)
    }

    /// vj at the temperature of use, V.
    pub fn potential(&self, vj: f64) -> f64 {
        self.shift + self.t / T_REF * self.reference(vj)
    }

    /// Factor on a zero-bias capacitance with potential `vj` and grading `m`.
    pub fn capacitance(&self, vj: f64, m: f64) -> f64 {
        let vr = self.reference(vj);
        let at = |t: f64, v: f64| 1.0 + m * (4e-4 * (t - T_REF) - (v - vr) / vr);
        at(self.t, self.potential(vj)) / at(self.tnom, vj)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depletion_charge_is_the_integral_of_its_capacitance_and_smooth_at_fc() {
        for m in [0.33, 0.5, 0.7] {
            let d = Depletion::new(2e-12, 0.8, m, 0.5);
            for v in [-3.0, -0.1, 0.2, 0.39, 0.41, 0.9] {
                let h = 1e-5;
                let slope = (d.at(v + h).0 - d.at(v - h).0) / (2.0 * h);
                assert!((slope / d.at(v).1 - 1.0).abs() < 1e-8, "{m} {v}");
            }
            let (below, above) = (d.at(0.4 - 1e-12), d.at(0.4 + 1e-12));
            assert!((below.0 / above.0 - 1.0).abs() < 1e-9 && (below.1 / above.1 - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn junctions_side_by_side_are_those_one_by_one() {
        let d = [(1e-12, 0.8, 0.33), (2e-12, 0.7, 0.5), (0.0, 0.8, 0.5), (1e-15, 0.9, 0.45)];
        let d = d.map(|(cj, vj, m)| Depletion::new(cj, vj, m, 0.5));
        for v in [[-2.0, 0.0, 0.3, 0.6], [0.0; 4], [-5.0, -1.0, -0.2, -0.08], [0.7, -0.01, 0.39, 0.41]] {
            let (is, vte) = ([1e-14, 1e-12, 0.0, 1e-9], [0.0258, 0.03, 0.0258, 0.05]);
            let (i, q) = (diode_currents(v, is, vte), Depletion::all_at(d.each_ref(), v));
            for k in 0..4 {
                assert_eq!((i[k], q[k]), (diode_current(v[k], is[k], vte[k]), d[k].at(v[k])));
                let exact = if v[k] >= -3.0 * vte[k] { is[k] * ((v[k] / vte[k]).exp() - 1.0) } else { i[k].0 };
                assert!((i[k].0 - exact).abs() <= 1e-15 * (exact.abs() + is[k]), "{} {exact}", i[k].0);
            }
        }
    }

    #[test]
    fn reverse_continuation_meets_the_exponential() {
        let vte = 0.0258;
        let v = -3.0 * vte;
        let (a, b) = (diode_current(v, 1e-14, vte), diode_current(v - 1e-12, 1e-14, vte));
        assert!((a.0 / b.0 - 1.0).abs() < 1e-9);
        assert!((a.1 / b.1 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn limiting_is_the_identity_near_the_old_voltage() {
        for old in [-5.0, -0.3, 0.2, 0.7, 4.0] {
            assert_eq!(limit_junction(old + 0.01, old, 0.0258, 0.6), old + 0.01);
            assert_eq!(limit_gate(old + 0.01, old, 0.7), old + 0.01);
        }
        assert!(limit_junction(5.0, 0.6, 0.0258, 0.6) < 0.8);
        assert!(limit_junction(-100.0, 0.6, 0.0258, 0.6) > -2.0);
        assert_eq!(limit_drain(100.0, 1.0), 4.0);
    }

    #[test]
    fn no_change_at_the_temperature_of_measurement() {
        let s = JunctionScaling::new(320.0, 320.0);
        assert!((s.potential(0.8) - 0.8).abs() < 1e-12 && (s.capacitance(0.8, 0.4) - 1.0).abs() < 1e-12);
    }
}
