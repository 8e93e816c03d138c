//! The intrinsic transistor at one temperature, polarity taken out (npn voltages).
//!
//! ```text
//! if = is (exp(vbe/(nf vt)) - 1),  ir = is (exp(vbc/(nr vt)) - 1)            (ibe, ibc in place of is where given)
//! q1 = 1/(1 - vbc/vaf - vbe/var),  q2 = if/ikf + ir/ikr,  qb = q1/2 (1 + (1 + 4 q2)^nkf)
//! ic = (if - ir)/qb - ir/br - irl,   irl = isc (exp(vbc/(nc vt)) - 1) + gmin vbc
//! ib = if/bf + ifl + ir/br + irl,    ifl = ise (exp(vbe/(ne vt)) - 1) + gmin vbe
//! rbb = rbm + (rb - rbm)/qb, or with irb: rbm + 3 (rb - rbm) (tan z - z)/(z tan² z),
//!       z = (sqrt(1 + 144/π² ib/irb) - 1)/(24/π² sqrt(ib/irb))
//! qbe = tf if/qb (1 + xtf (if/(if + itf))² exp(vbc/(1.44 vtf))) + depletion,  qbc = tr ir + depletion
//! epi layer (rco): i = (vt (k(vbc) - k(vbcx) - ln((1 + k(vbc))/(1 + k(vbcx)))) + vbc - vbcx)/(rco (1 + |vbc - vbcx|/vo)),
//!       k(v) = sqrt(1 + γ exp(v/vt)),  charges qco k
//! excess phase: the forward part if/qb of ic arrives late by td = ptf tf, in the time domain through Bessel's filter
//!       3/(3 + 3 s td + (s td)²), in small-signal analyses exactly
//! ```
//! Gummel and Poon, Bell Syst. Tech. J. 49 (1970) 827; Antognetti and Massobrio, "Semiconductor Device Modeling with
//! SPICE", ch. 2; quasi-saturation: Kull, Nagel, Lee, Lloyd, Prendergast and Dirks, IEEE Trans. Electron Devices 32 (1985)
//! 1103. The area of the collector junction is `areab` for a vertical and `areac` for a lateral transistor, both `area`
//! by default; ngspice 39 multiplies that current by `area` once more, which is not followed.

use super::params::{self, model as mp};
use crate::base::consts::{K_Q, ZERO_C};
use crate::base::dual::Dual;
use crate::device::junction::{Depletion, JunctionScaling, critical_voltage, diode_current};
use crate::device::values::{Values, device_temperature};
use crate::device::{Env, ParamId};

/// Derivatives by (vbe, vbc).
pub type D = Dual<2>;

#[derive(Clone, Debug, Default)]
pub struct Core {
    pub temp: f64,
    pub vt: f64,
    pub is_lateral: bool,
    is_e: f64,
    is_c: f64,
    nf_vt: f64,
    nr_vt: f64,
    bf: f64,
    br: f64,
    inv_vaf: f64,
    inv_var: f64,
    inv_ikf: f64,
    inv_ikr: f64,
    nkf: f64,
    ise: f64,
    ne_vt: f64,
    isc: f64,
    nc_vt: f64,
    rbm: f64,
    rb_rest: f64,
    irb: f64,
    /// Series conductances of collector and emitter; 0 without.
    pub g_c: f64,
    pub g_e: f64,
    pub has_rb: bool,
    tf: f64,
    xtf: f64,
    itf: f64,
    inv_vtf: f64,
    tr: f64,
    be: Depletion,
    bc: Depletion,
    pub bx: Depletion,
    /// Substrate junction: capacitance by a formula of its own for forward bias.
    cjs: f64,
    vjs: f64,
    mjs: f64,
    iss: f64,
    ns_vt: f64,
    pub vcrit: f64,
    pub vcrit_sub: f64,
    /// Excess phase: delay of the forward current, s.
    pub delay: f64,
    pub has_delay: bool,
    /// Quasi-saturation: 0 without.
    pub rco: f64,
    vo: f64,
    gamma: f64,
    pub qco: f64,
}

/// What the intrinsic transistor does at one (vbe, vbc).
pub struct State {
    pub ic: D,
    pub ib: D,
    pub qbe: D,
    pub qbc: D,
    /// Base resistance, Ω; 0 without.
    pub rbb: D,
    /// The forward part of the collector current, if/qb, where excess phase delays it; else 0.
    pub forward: D,
}

#[inline]
fn junction(v: f64, k: usize, is: f64, vte: f64) -> D {
    let (i, g) = diode_current(v, is, vte);
    let mut d = [0.0; 2];
    d[k] = g;
    D { v: i, d }
}

impl Core {
    pub fn new(model: &Values, polarity: f64, inst: &Values, env: &Env, circuit: f64) -> Core {
        let m = |id: ParamId| model.get(id);
        let tnom = model.given(mp::TNOM).map_or(env.tnom, |t| t + ZERO_C);
        let t = device_temperature(circuit, inst.given(params::TEMP), inst.get(params::DTEMP));
        let dt = t - tnom;
        let vt = K_Q * t;
        let ratio = t / tnom;
        let ln_ratio = ratio.ln();
        // Quadratic laws: parameter, first and second coefficient.
        let law = |id: ParamId, a: ParamId, b: ParamId| m(id) * (1.0 + m(a) * dt + m(b) * dt * dt);
        let invert = |x: f64| if x != 0.0 { 1.0 / x } else { 0.0 };

        let lateral = model.or(mp::SUBS, if polarity > 0.0 { 1.0 } else { -1.0 }) < 0.0;
        let mult = inst.get(params::M);
        let area = inst.get(params::AREA) * mult;
        let areab = inst.or(params::AREAB, inst.get(params::AREA)) * mult;
        let areac = inst.or(params::AREAC, inst.get(params::AREA)) * mult;
        let (area_bc, area_sub) = if lateral { (areac, areab) } else { (areab, areac) };

        let tlev = m(mp::TLEV);
        let growth = ((ratio - 1.0) * m(mp::EG) / vt + m(mp::XTI) * ln_ratio).exp();
        // tlev=3: is^(1 + tis1 dT + tis2 dT²), no band gap.
        let saturation = |id: ParamId, a: ParamId, b: ParamId, n: f64, gain: f64| {
            if tlev == 3.0 {
                if m(id) > 0.0 { m(id).powf(1.0 + m(a) * dt + m(b) * dt * dt) } else { 0.0 }
            } else {
                m(id) * growth.powf(1.0 / n) / gain
            }
        };
        let gain = match tlev {
            1.0 => 1.0 + m(mp::XTB) * dt,
            3.0 => 1.0,
            _ => (m(mp::XTB) * ln_ratio).exp(),
        };
        let is = saturation(mp::IS, mp::TIS1, mp::TIS2, 1.0, 1.0);
        // With tlev=1 the currents of their own grow by their junctions' exponents.
        let other = |id: ParamId, n: ParamId| {
            let n = if tlev == 1.0 { m(n) } else { 1.0 };
            if m(id) > 0.0 { saturation(id, mp::TIS1, mp::TIS2, n, 1.0) } else { is }
        };
        let iss = saturation(mp::ISS, mp::TISS1, mp::TISS2, 1.0, 1.0);
        let ise = saturation(mp::ISE, mp::TISE1, mp::TISE2, m(mp::NE), gain);
        let isc = saturation(mp::ISC, mp::TISC1, mp::TISC2, m(mp::NC), gain);

        let scaling = JunctionScaling::new(t, tnom);
        let cap = |cj: ParamId, vj: ParamId, mj: f64, tc: ParamId, tv: ParamId| {
            if m(mp::TLEVC) == 0.0 {
                (m(cj) * scaling.capacitance(m(vj), mj), scaling.potential(m(vj)))
            } else {
                (m(cj) * (1.0 + m(tc) * dt), m(vj) - m(tv) * dt)
            }
        };
        let (mje, mjc, mjs) = (
            law(mp::MJE, mp::TMJE1, mp::TMJE2),
            law(mp::MJC, mp::TMJC1, mp::TMJC2),
            law(mp::MJS, mp::TMJS1, mp::TMJS2),
        );
        let fc = m(mp::FC);
        let (cje, vje) = cap(mp::CJE, mp::VJE, mje, mp::CTE, mp::TVJE);
        let (cjc, vjc) = cap(mp::CJC, mp::VJC, mjc, mp::CTC, mp::TVJC);
        let (cjs, vjs) = cap(mp::CJS, mp::VJS, mjs, mp::CTS, mp::TVJS);

        let rb = law(mp::RB, mp::TRB1, mp::TRB2);
        let rbm = model.given(mp::RBM).map_or(rb, |r| r * (1.0 + m(mp::TRM1) * dt + m(mp::TRM2) * dt * dt));
        let series = |r: f64| if r > 0.0 { area / r } else { 0.0 };
        let tf = law(mp::TF, mp::TTF1, mp::TTF2);
        let quasi = m(mp::QUASIMOD) == 1.0;
        let (cn, d) = if polarity > 0.0 { (2.42, 0.87) } else { (2.2, 0.52) };
        let (cn, d) = (model.or(mp::CN, cn), model.or(mp::D, d));
        let epi = |exponent: f64| if quasi { (exponent * ln_ratio).exp() } else { 1.0 };
        let is_e = other(mp::IBE, mp::NF) * area;
        Core {
            temp: t,
            vt,
            is_lateral: lateral,
            is_e,
            is_c: other(mp::IBC, mp::NR) * area_bc,
            nf_vt: law(mp::NF, mp::TNF1, mp::TNF2) * vt,
            nr_vt: law(mp::NR, mp::TNR1, mp::TNR2) * vt,
            bf: law(mp::BF, mp::TBF1, mp::TBF2) * gain,
            br: law(mp::BR, mp::TBR1, mp::TBR2) * gain,
            inv_vaf: invert(law(mp::VAF, mp::TVAF1, mp::TVAF2)),
            inv_var: invert(law(mp::VAR, mp::TVAR1, mp::TVAR2)),
            inv_ikf: invert(law(mp::IKF, mp::TIKF1, mp::TIKF2) * area),
            inv_ikr: invert(law(mp::IKR, mp::TIKR1, mp::TIKR2) * area),
            nkf: m(mp::NKF),
            ise: ise * area,
            ne_vt: law(mp::NE, mp::TNE1, mp::TNE2) * vt,
            isc: isc * area_bc,
            nc_vt: law(mp::NC, mp::TNC1, mp::TNC2) * vt,
            rbm: rbm / area,
            rb_rest: (rb - rbm) / area,
            irb: law(mp::IRB, mp::TIRB1, mp::TIRB2) * area,
            g_c: series(law(mp::RC, mp::TRC1, mp::TRC2)),
            g_e: series(law(mp::RE, mp::TRE1, mp::TRE2)),
            has_rb: m(mp::RB) > 0.0,
            tf,
            xtf: m(mp::XTF),
            itf: law(mp::ITF, mp::TITF1, mp::TITF2) * area,
            inv_vtf: invert(1.44 * m(mp::VTF)),
            tr: law(mp::TR, mp::TTR1, mp::TTR2),
            be: Depletion::new(cje * area, vje, mje, fc),
            bc: Depletion::new(cjc * area_bc * m(mp::XCJC), vjc, mjc, fc),
            bx: Depletion::new(cjc * area_bc * (1.0 - m(mp::XCJC)), vjc, mjc, fc),
            cjs: cjs * area_sub,
            vjs,
            mjs,
            iss: iss * area,
            ns_vt: law(mp::NS, mp::TNS1, mp::TNS2) * vt,
            vcrit: critical_voltage(vt, is_e),
            vcrit_sub: critical_voltage(vt, iss * area),
            has_delay: m(mp::PTF) > 0.0 && m(mp::TF) > 0.0,
            delay: (m(mp::PTF).to_radians() * tf).max(0.0),
            rco: model.or(mp::RCO, 0.0) * epi(cn) / area,
            vo: m(mp::VO) * epi(cn - d),
            gamma: m(mp::GAMMA)
                * if quasi { (ln_ratio * m(mp::XTI) + (ratio - 1.0) * m(mp::VG) / vt).exp() } else { 1.0 },
            qco: m(mp::QCO) * area,
        }
    }

    pub fn eval(&self, vbe: f64, vbc: f64, gmin: f64) -> State {
        let (be, bc) = (D::variable(vbe, 0), D::variable(vbc, 1));
        let fwd = junction(vbe, 0, self.is_e, self.nf_vt);
        let rev = junction(vbc, 1, self.is_c, self.nr_vt);
        let mut leak_e = gmin * be;
        if self.ise > 0.0 {
            leak_e += junction(vbe, 0, self.ise, self.ne_vt);
        }
        let mut leak_c = gmin * bc;
        if self.isc > 0.0 {
            leak_c += junction(vbc, 1, self.isc, self.nc_vt);
        }
        let q1 = (1.0 - self.inv_vaf * bc - self.inv_var * be).recip();
        let qb = if self.inv_ikf == 0.0 && self.inv_ikr == 0.0 {
            q1
        } else {
            let arg = 1.0 + 4.0 * (self.inv_ikf * fwd + self.inv_ikr * rev);
            let root = if arg.v <= 0.0 {
                D::constant(0.0)
            } else if self.nkf == 0.5 {
                arg.sqrt()
            } else {
                arg.powf(self.nkf)
            };
            0.5 * q1 * (1.0 + root)
        };
        let back = rev / self.br + leak_c;
        let ic = (fwd - rev) / qb - back;
        let forward = if self.has_delay { fwd / qb } else { D::constant(0.0) };
        let ib = fwd / self.bf + leak_e + back;
        let rbb = if !self.has_rb {
            D::constant(0.0)
        } else if self.irb > 0.0 {
            let x = (ib / self.irb).max(D::constant(1e-9));
            // (sqrt(1 + a x) - 1)/(b sqrt(x)) without the cancellation at small x.
            let z = 14.590_25 / 2.4317 * x.sqrt() / ((1.0 + 14.590_25 * x).sqrt() + 1.0);
            let factor = if z.v < 0.3 {
                // Series of the same, where tan z - z would cancel.
                const SERIES: [f64; 7] = [
                    1.0,
                    -4.0 / 15.0,
                    -4.0 / 105.0,
                    -8.0 / 1575.0,
                    -4.0 / 6237.0,
                    -5528.0 / 70_945_875.0,
                    -8.0 / 868_725.0,
                ];
                let z2 = z * z;
                SERIES.iter().rev().fold(D::constant(0.0), |sum, c| sum * z2 + *c)
            } else {
                let tan = z.chain(z.v.tan(), 1.0 + z.v.tan() * z.v.tan());
                3.0 * (tan - z) / (z * tan * tan)
            };
            self.rbm + self.rb_rest * factor
        } else {
            self.rbm + self.rb_rest / qb
        };
        let mut stored = fwd;
        if self.tf > 0.0 && vbe > 0.0 {
            let mut rise = D::constant(self.xtf);
            if self.xtf != 0.0 {
                if self.inv_vtf != 0.0 {
                    rise = rise * (bc * self.inv_vtf).exp();
                }
                if self.itf != 0.0 {
                    let part = fwd / (fwd + self.itf);
                    rise = rise * part * part;
                }
            }
            stored = fwd * (1.0 + rise) / qb;
        }
        let (q, c) = self.be.at(vbe);
        let qbe = self.tf * stored + D { v: q, d: [c, 0.0] };
        let (q, c) = self.bc.at(vbc);
        let qbc = self.tr * rev + D { v: q, d: [0.0, c] };
        State { ic, ib, qbe, qbc, rbb, forward }
    }

    /// Substrate junction: current, conductance, charge, capacitance.
    pub fn substrate(&self, v: f64, gmin: f64) -> [f64; 4] {
        let (i, g) = if self.iss > 0.0 { diode_current(v, self.iss, self.ns_vt) } else { (0.0, 0.0) };
        let (q, c) = if self.cjs == 0.0 {
            (0.0, 0.0)
        } else if v < 0.0 {
            let arg = 1.0 - v / self.vjs;
            let s = (-self.mjs * arg.ln()).exp();
            (self.cjs * self.vjs * (1.0 - arg * s) / (1.0 - self.mjs), self.cjs * s)
        } else {
            let slope = self.mjs / self.vjs;
            (self.cjs * v * (1.0 + 0.5 * slope * v), self.cjs * (1.0 + slope * v))
        };
        [i + gmin * v, g + gmin, q, c]
    }

    /// k(v) = sqrt(1 + γ exp(v/vt)) and its derivative.
    pub fn epi_k(&self, v: f64) -> (f64, f64) {
        let e = self.gamma * (v / self.vt).exp();
        let k = (1.0 + e).sqrt();
        (k, 0.5 * e / (k * self.vt))
    }

    /// Current through the epi layer from the collector lead's side (vbcx) to the junction's side (vbc), and its
    /// derivatives by (vbc, vbcx).
    pub fn epi_current(&self, vbc: f64, vbcx: f64) -> D {
        let (a, b) = (D::variable(vbc, 0), D::variable(vbcx, 1));
        let k = |v: f64, i: usize| {
            let (k, dk) = self.epi_k(v);
            let mut d = [0.0; 2];
            d[i] = dk;
            D { v: k, d }
        };
        let (ka, kb) = (k(vbc, 0), k(vbcx, 1));
        let v = a - b;
        let ohmic = (self.vt * (ka - kb - ((1.0 + ka) / (1.0 + kb)).ln()) + v) / self.rco;
        ohmic / (1.0 + v.abs() / self.vo)
    }
}
