//! The equations of the intrinsic diode at one temperature.
//!
//! ```text
//! i0 = is (exp(v/(n vt)) - 1) + jsw pj (exp(v/(ns vt)) - 1) - jtun (exp(-v/(ntun vt)) - 1)
//!      + isr (exp(v/(nr vt)) - 1) ((1 - v/vj)² + 0.005)^(m/2)
//!      v < -bv: -is exp(-(bv + v)/(nbv vt)) in place of the first term
//! i  = i0 / (1 + sqrt(|i0|/ik)) + gmin v,   ik = ikf forward, ikr reverse
//! q  = tt i + depletion charges of bottom and sidewall
//! ```
//! The recombination term (PSPICE's) goes on into reverse, where it is the generation current. ngspice 39 drops it
//! there at v = -3 n vt, which leaves a step in the current; a continuous current is preferred here.
//!
//! Antognetti and Massobrio, "Semiconductor Device Modeling with SPICE", ch. 1; Nagel, UCB/ERL M520.

use super::params::{self, model as mp};
use crate::base::consts::{K_Q, ZERO_C};
use crate::base::fastmath;
use crate::device::Env;
use crate::device::junction::{Depletion, JunctionScaling, continued, critical_voltage, diode_current, limit_junction};
use crate::device::values::{Values, device_temperature};

/// Current, conductance, charge, capacitance at one junction voltage.
#[derive(Clone, Copy, Debug, Default)]
pub struct State {
    pub i: f64,
    pub g: f64,
    pub q: f64,
    pub c: f64,
}

/// Everything that evaluation needs, for one instance at one temperature.
#[derive(Clone, Debug, Default)]
pub struct Core {
    /// Device temperature, K.
    pub temp: f64,
    is: f64,
    vte: f64,
    /// Sidewall current where it has its own emission coefficient; else it is part of `is`.
    is_side: f64,
    vte_side: f64,
    isr: f64,
    vte_rec: f64,
    itun: f64,
    vte_tun: f64,
    ikf: f64,
    ikr: f64,
    /// Breakdown voltage of the equation; infinite without one.
    bv: f64,
    vte_bv: f64,
    vcrit: f64,
    tt: f64,
    bottom: Depletion,
    side: Depletion,
    /// Series conductance, S; 0 when there is no series resistance.
    pub g_series: f64,
    /// Device multiplier times area, for the noise of rs.
    pub kf: f64,
    pub af: f64,
}

impl Core {
    pub fn new(model: &Values, inst: &Values, env: &Env, circuit_temp: f64) -> Core {
        let m = |id| model.get(id);
        let mult = inst.get(params::M);
        let area = inst.or(params::AREA, m(mp::AREA)) * mult;
        let pj = inst.or(params::PJ, m(mp::PJ)) * mult;
        let tnom = model.given(mp::TNOM).map_or(env.tnom, |t| t + ZERO_C);
        let t = device_temperature(circuit_temp, inst.given(params::TEMP), inst.get(params::DTEMP));
        let dt = t - tnom;
        let vt = K_Q * t;
        let ratio = t / tnom;
        // exp((T/Tnom - 1) eg / (n vt)) (T/Tnom)^(xti/n)
        let grow = |n: f64, eg: f64, xti: f64| ((ratio - 1.0) * eg / (n * vt) + xti / n * ratio.ln()).exp();
        let (eg, xti) = (m(mp::EG), m(mp::XTI));
        let (n, nr) = (m(mp::N), m(mp::NR));
        let ns = model.given(mp::NS).unwrap_or(n);
        let mut is = m(mp::IS) * area * grow(n, eg, xti);
        let mut is_side = m(mp::JSW) * pj * grow(ns, eg, xti);
        if ns == n {
            is += is_side;
            is_side = 0.0;
        }
        let tun = grow(m(mp::NTUN), eg * m(mp::KEG), m(mp::XTITUN));
        let grading = m(mp::MJ) * (1.0 + m(mp::TM1) * dt + m(mp::TM2) * dt * dt);
        let scaling = JunctionScaling::new(t, tnom);
        let junction = |cj: f64, vj: f64, grading: f64, fc: f64, tc: f64, tv: f64| {
            if m(mp::TLEVC) == 0.0 {
                Depletion::new(cj * scaling.capacitance(vj, grading), scaling.potential(vj), grading, fc)
            } else {
                Depletion::new(cj * (1.0 + tc * dt), vj - tv * dt, grading, fc)
            }
        };
        let bottom = junction(m(mp::CJO) * area, m(mp::VJ), grading, m(mp::FC), m(mp::CTA), m(mp::TPB));
        let side = junction(m(mp::CJP) * pj, m(mp::PHP), m(mp::MJSW), m(mp::FCS), m(mp::CTP), m(mp::TPHP));
        let vte = n * vt;
        let vte_bv = model.or(mp::NBV, n) * vt;
        let rs = m(mp::RS) * (1.0 + m(mp::TRS) * dt + m(mp::TRS2) * dt * dt);
        Core {
            temp: t,
            is,
            vte,
            is_side,
            vte_side: ns * vt,
            isr: m(mp::ISR) * area * grow(nr, eg, xti),
            vte_rec: nr * vt,
            itun: (m(mp::JTUN) * area + m(mp::JTUNSW) * pj) * tun,
            vte_tun: m(mp::NTUN) * vt,
            ikf: m(mp::IKF) * area,
            ikr: m(mp::IKR) * area,
            bv: model.given(mp::BV).map_or(f64::INFINITY, |bv| {
                let bv = if m(mp::TLEV) == 0.0 { bv - m(mp::TCV) * dt } else { bv * (1.0 - m(mp::TCV) * dt) };
                matched_breakdown(bv, m(mp::IBV) * mult, is, vte_bv, vt)
            }),
            vte_bv,
            vcrit: critical_voltage(vte, is),
            tt: m(mp::TT) * (1.0 + m(mp::TTT1) * dt + m(mp::TTT2) * dt * dt),
            bottom,
            side,
            g_series: if m(mp::RS) > 0.0 { area / rs } else { 0.0 },
            kf: m(mp::KF),
            af: m(mp::AF),
        }
    }

    /// The voltage at which the operating point starts.
    pub fn start(&self, off: bool) -> f64 {
        if off || !self.vcrit.is_finite() { 0.0 } else { self.vcrit }
    }

    /// Limits the step from `old`; in breakdown it is the distance beyond -bv that is limited.
    #[inline]
    pub fn limit(&self, v: f64, old: f64) -> f64 {
        if v < (10.0 * self.vte_bv - self.bv).min(0.0) {
            -(limit_junction(-(v + self.bv), -(old + self.bv), self.vte_bv, self.vcrit) + self.bv)
        } else {
            limit_junction(v, old, self.vte, self.vcrit)
        }
    }

    #[inline]
    pub fn eval(&self, v: f64, gmin: f64) -> State {
        let [s] = Core::eval_all([self], [v], gmin);
        s
    }

    /// Several diodes, their exponentials and powers side by side in vector registers.
    #[inline(always)]
    pub fn eval_all<const N: usize>(d: [&Core; N], v: [f64; N], gmin: f64) -> [State; N] {
        let mut e = [0.0; N];
        let mut is_needed = false;
        for k in 0..N {
            e[k] = if v[k] >= -d[k].bv { v[k] / d[k].vte } else { -(d[k].bv + v[k]) / d[k].vte_bv };
            is_needed |= v[k] >= -3.0 * d[k].vte || v[k] < -d[k].bv;
        }
        if is_needed {
            for x in &mut e {
                *x = fastmath::exp(*x);
            }
        }
        let bottom = Depletion::all_at(d.map(|d| &d.bottom), v);
        let side = Depletion::all_at(d.map(|d| &d.side), v);
        let mut out = [State::default(); N];
        for k in 0..N {
            let (i, g) = d[k].current(e[k], v[k], gmin);
            let ((qb, cb), (qs, cs)) = (bottom[k], side[k]);
            out[k] = State { i, g, q: d[k].tt * i + qb + qs, c: d[k].tt * g + cb + cs };
        }
        out
    }

    /// Current and conductance; `e` is the exponential of the main current or of breakdown.
    #[inline(always)]
    fn current(&self, e: f64, v: f64, gmin: f64) -> (f64, f64) {
        let (mut i, mut g) = if v >= -self.bv {
            continued(e, v, self.is, self.vte)
        } else {
            let e = self.is * e;
            (-e, e / self.vte_bv)
        };
        if self.is_side > 0.0 {
            let (a, b) = diode_current(v, self.is_side, self.vte_side);
            i += a;
            g += b;
        }
        if self.isr > 0.0 {
            let (a, b) = self.recombination(v);
            i += a;
            g += b;
        }
        if self.itun > 0.0 {
            let e = fastmath::exp(-v / self.vte_tun);
            i -= self.itun * (e - 1.0);
            g += self.itun * e / self.vte_tun;
        }
        let knee = if i > 0.0 { self.ikf } else { self.ikr };
        if knee > 0.0 {
            let s = (i.abs() / knee).sqrt();
            let den = 1.0 / (1.0 + s);
            i *= den;
            g *= (1.0 + 0.5 * s) * den * den;
        }
        (i + gmin * v, g + gmin)
    }

    /// isr (exp(v/(nr vt)) - 1) ((1 - v/vj)² + 0.005)^(m/2) and its derivative.
    fn recombination(&self, v: f64) -> (f64, f64) {
        let e = fastmath::exp(v / self.vte_rec);
        let (i, g) = (self.isr * (e - 1.0), self.isr * e / self.vte_rec);
        let a = 1.0 - v / self.bottom.vj;
        let t = a * a + 0.005;
        let k = t.powf(0.5 * self.bottom.m);
        (i * k, g * k - i * k * self.bottom.m * a / (t * self.bottom.vj))
    }
}

/// The breakdown voltage for which the breakdown exponential gives the current `ibv` at -`bv`:
/// x = bv - nbv vt ln(1 + ibv/is - x/vt), by fixed point (contraction of about 1e-10).
/// A current below is bv/vt cannot be matched; then x = bv.
fn matched_breakdown(bv: f64, ibv: f64, is: f64, vte: f64, vt: f64) -> f64 {
    if is <= 0.0 || ibv < is * bv / vt {
        return bv;
    }
    let mut x = bv - vte * (1.0 + ibv / is).ln();
    for _ in 0..25 {
        let next = bv - vte * (ibv / is + 1.0 - x / vt).ln();
        let done = (next - x).abs() <= 1e-12 * bv;
        x = next;
        if done {
            break;
        }
    }
    if x.is_finite() { x } else { bv }
}
