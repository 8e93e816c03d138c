//! What the levels share: derived model parameters, temperature, geometry, bulk junctions.
//!
//! Vladimirescu and Liu, "The simulation of MOS integrated circuits using SPICE2", UCB/ERL M80/7 (1980), ch. 2; Antognetti and
//! Massobrio, "Semiconductor Device Modeling with SPICE", ch. 4. In this file ε0 is the value that SPICE has always
//! had in its MOS models, 8.854214871e-12 F/m: cards were fitted with it, and `tox` and `nsub` mean nothing without it.

use super::params::{self, common as mp};
use crate::base::consts::{K_Q, Q, ZERO_C};
use crate::device::Env;
use crate::device::junction::{Depletion, JunctionScaling, band_gap, critical_voltage};
use crate::device::values::{Values, device_temperature};

pub const EPS_SI: f64 = 11.7 * 8.854_214_871e-12;
pub const EPS_OX: f64 = 3.9 * 8.854_214_871e-12;
/// Intrinsic density of silicon at 27 °C, 1/m³.
pub const NI: f64 = 1.45e16;

/// A model card at its temperature of measurement, with what follows from other parameters filled in.
#[derive(Clone, Copy, Debug)]
pub struct ModelBase {
    pub pol: f64,
    pub tnom: f64,
    /// F/m²; 0 without `tox`.
    pub cox: f64,
    pub kp: f64,
    pub gamma: f64,
    pub phi: f64,
    /// Threshold, positive for an enhancement transistor of either polarity.
    pub vto: f64,
    /// 1/m³; 0 when not given.
    pub nsub: f64,
    /// sqrt(2 ε / (q nsub)), m V^-½; 0 without `nsub`.
    pub xd: f64,
    pub cj: f64,
    /// m²/V/s
    pub uo: f64,
}

impl ModelBase {
    /// `ni` is the intrinsic density that the level takes at its temperature of measurement, 1/m³.
    pub fn new(model: &Values, pol: f64, env: &Env, ni: fn(f64) -> f64) -> ModelBase {
        let tnom = model.given(mp::TNOM).map_or(env.tnom, |t| t + ZERO_C);
        let vtnom = K_Q * tnom;
        let cox = model.given(mp::TOX).map_or(0.0, |tox| EPS_OX / tox);
        let uo = model.get(mp::UO) * 1e-4;
        let kp = model.or(mp::KP, if cox > 0.0 { uo * cox } else { 2e-5 });
        let nsub = model.given(mp::NSUB).map_or(0.0, |n| n * 1e6);
        let ni = ni(tnom);
        let doped = nsub > ni;
        let phi = model.or(mp::PHI, if doped { (2.0 * vtnom * (nsub / ni).ln()).max(0.1) } else { 0.6 });
        let with_oxide = doped && cox > 0.0;
        let gamma = model.or(mp::GAMMA, if with_oxide { (2.0 * EPS_SI * Q * nsub).sqrt() / cox } else { 0.0 });
        let vto = model.given(mp::VTO).map_or_else(
            || {
                if !with_oxide {
                    return 0.0;
                }
                // Flat band from the work functions of gate and substrate and the surface states.
                let eg = band_gap(tnom);
                let tpg = model.get(mp::TPG);
                let gate = if tpg == 0.0 { 3.2 } else { 3.25 + 0.5 * eg - pol * tpg * 0.5 * eg };
                let work = gate - (3.25 + 0.5 * eg + pol * 0.5 * phi);
                let flat = work - model.get(mp::NSS) * 1e4 * Q / cox;
                pol * flat + gamma * phi.sqrt() + phi
            },
            |v| pol * v,
        );
        let cj = model.get(mp::CJ);
        let xd = if doped { (2.0 * EPS_SI / (Q * nsub)).sqrt() } else { 0.0 };
        ModelBase { pol, tnom, cox, kp, gamma, phi, vto, nsub, xd, cj, uo }
    }
}

/// One instance at one temperature: all that channel, junctions and capacitances need.
#[derive(Clone, Debug, Default)]
pub struct Common {
    pub temp: f64,
    pub vt: f64,
    /// Multiplier.
    pub mult: f64,
    pub leff: f64,
    pub weff: f64,
    /// kp(T) m weff/leff, A/V²
    pub beta: f64,
    pub gamma: f64,
    pub phi: f64,
    pub sqrt_phi: f64,
    /// Threshold without the bulk charge, V: vfb + phi.
    pub vbi: f64,
    pub vto: f64,
    /// Oxide capacitance of the channel, F.
    pub cox: f64,
    pub is_d: f64,
    pub is_s: f64,
    pub vcrit_d: f64,
    pub vcrit_s: f64,
    /// Bottom and sidewall of drain and source.
    pub drain: [Depletion; 2],
    pub source: [Depletion; 2],
    /// Bulk junction potential at the device temperature.
    pub pb: f64,
    /// Mobility at the device temperature, m²/V/s.
    pub uo: f64,
    pub cgso: f64,
    pub cgdo: f64,
    pub cgbo: f64,
    /// Series conductances, S; 0 without a resistance.
    pub g_drain: f64,
    pub g_source: f64,
    /// Drain's share for `capmod=1`; negative: Meyer.
    pub xqc: f64,
}

impl Common {
    /// `leff`, `weff`: the channel after mask and diffusion adjustments, `shift`: added to the threshold.
    pub fn new(
        model: &Values,
        base: &ModelBase,
        inst: &Values,
        env: &Env,
        circuit: f64,
        (leff, weff): (f64, f64),
        shift: f64,
    ) -> Common {
        let m = |id| model.get(id);
        let mult = inst.get(params::M);
        let t = device_temperature(circuit, inst.given(params::TEMP), inst.get(params::DTEMP));
        let (vt, vtnom) = (K_Q * t, K_Q * base.tnom);
        let ratio = t / base.tnom;
        let mobility = 1.0 / (ratio * ratio.sqrt());
        let scaling = JunctionScaling::new(t, base.tnom);
        let (eg, egnom) = (band_gap(t), band_gap(base.tnom));
        let phi = scaling.potential(base.phi);
        let vbi =
            base.vto - base.gamma * base.phi.sqrt() + base.pol * (0.5 * (egnom - eg) + shift) + 0.5 * (phi - base.phi);
        let grow = (-eg / vt + egnom / vtnom).exp();
        let (ad, asrc) = (inst.or(params::AD, env.defad), inst.or(params::AS, env.defas));
        let js = m(mp::JS) * grow;
        let (is_d, is_s) = if js == 0.0 || ad == 0.0 || asrc == 0.0 {
            (m(mp::IS) * grow * mult, m(mp::IS) * grow * mult)
        } else {
            (js * ad * mult, js * asrc * mult)
        };
        let (pb, mj, mjsw, fc) = (m(mp::PB), m(mp::MJ), m(mp::MJSW), m(mp::FC));
        let pb_t = scaling.potential(pb);
        let bottom = |given: f64, area: f64| {
            let c = if given.is_nan() { base.cj * area } else { given };
            Depletion::new(c * mult * scaling.capacitance(pb, mj), pb_t, mj, fc)
        };
        let side = |perimeter: f64| {
            Depletion::new(m(mp::CJSW) * perimeter * mult * scaling.capacitance(pb, mjsw), pb_t, mjsw, fc)
        };
        let conductance = |given: f64, squares: f64| {
            let r = if given.is_nan() { m(mp::RSH) * squares } else { given };
            if r > 0.0 { mult / r } else { 0.0 }
        };
        let xqc = match model.given(mp::XQC) {
            Some(x) if x <= 0.5 => x,
            _ if m(mp::CAPMOD) == 1.0 => 0.4,
            _ => -1.0,
        };
        Common {
            temp: t,
            vt,
            mult,
            leff,
            weff,
            beta: base.kp * mobility * mult * weff / leff,
            gamma: base.gamma,
            phi,
            sqrt_phi: phi.sqrt(),
            vbi,
            vto: vbi + base.gamma * phi.sqrt(),
            cox: base.cox * leff * weff * mult,
            is_d,
            is_s,
            vcrit_d: critical_voltage(vt, is_d),
            vcrit_s: critical_voltage(vt, is_s),
            drain: [bottom(m(mp::CBD), ad), side(inst.get(params::PD))],
            source: [bottom(m(mp::CBS), asrc), side(inst.get(params::PS))],
            pb: pb_t,
            uo: base.uo * mobility,
            cgso: m(mp::CGSO) * weff * mult,
            cgdo: m(mp::CGDO) * weff * mult,
            cgbo: m(mp::CGBO) * leff * mult,
            g_drain: conductance(m(mp::RD), inst.get(params::NRD)),
            g_source: conductance(m(mp::RS), inst.get(params::NRS)),
            xqc,
        }
    }
}
