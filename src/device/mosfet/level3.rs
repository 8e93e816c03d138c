//! Level 3: the semi-empirical model. L. M. Dang, IEEE J. Solid-State Circuits 14 (1979) 358; Vladimirescu and Liu,
//! UCB/ERL M80/7 (1980), section 2.4.
//!
//! ```text
//! φ    = phi - vbs,     wp/xj = xd sqrt(φ)/xj,   wc/xj = 0.0631353 + 0.8013292 wp/xj - 0.01110777 (wp/xj)²
//! fs   = 1 - xj/L ((ld + wc)/xj sqrt(1 - (wp/(xj + wp))²) - ld/xj)                 short channel
//! fn   = delta π εsi/(2 cox W)                                                     narrow channel
//! fb   = γ fs/(4 sqrt(φ)) + fn
//! vth  = vbi - σ vds + γ fs sqrt(φ) + fn φ,    σ = 8.15e-22 eta/(cox L³)
//! µs   = uo/(1 + θ (vgs - vth)),   vc = vmax L/µs
//! vdsat = (vgs - vth)/(1 + fb)  [ + vc - sqrt(that² + vc²) with vmax ]
//! id   = β (vgs - vth - (1 + fb)/2 v) v / (1 + θ (vgs - vth)) / (1 + v/vc),   v = min(vds, vdsat)
//! vds > vdsat: id / (1 - Δl/L),  Δl = sqrt((E xd²/2)² + κ xd² (vds - vdsat)) - E xd²/2
//!          without vmax Δl = sqrt(κ xd² (vds - vdsat + vdsat/8)), and below vdsat sqrt(κ xd² vdsat/8) (vds/vdsat)⁴
//!          Δl > L/2: L - L²/(4 Δl)                                                 punch-through
//! nfs: von = vth + n vt,  id exp((vgs - von)/(n vt)) below von
//! ```

use super::params::{common as cp, level3 as mp};
use super::shell::{Channel, Common, Level, ModelBase};
use super::{DeviceInfo, LEVEL3};
use crate::base::consts::{K_Q, Q};
use crate::base::dual::Dual;
use crate::device::junction::band_gap;
use crate::device::values::Values;

type D = Dual<3>;

pub struct Three;

#[derive(Clone, Debug, Default)]
pub struct Params {
    sigma: f64,
    xj: f64,
    ld: f64,
    xd: f64,
    narrow: f64,
    theta: f64,
    vmax: f64,
    kappa: f64,
    /// q nfs over the oxide capacitance per area; 0: no weak inversion.
    surface: f64,
    /// At vbs = 0.
    tied: Body,
}

/// What depends on vbs alone, with the derivative by it.
#[derive(Clone, Copy, Debug, Default)]
struct Body {
    /// γ fs sqrt(φ) + fn φ
    bulk: Dual<1>,
    /// 1 + fb
    one_fb: Dual<1>,
    /// n of weak inversion; 0 without `nfs`.
    weak: Dual<1>,
}

impl Body {
    #[inline]
    fn new(c: &Common, p: &Params, vbs: f64) -> Body {
        let vb = Dual::<1>::variable(vbs, 0);
        let (phi, root) = if vbs <= 0.0 {
            let phi = c.phi - vb;
            (phi, phi.sqrt())
        } else {
            let root = c.sqrt_phi / (1.0 + vb / (2.0 * c.phi));
            (root * root, root)
        };
        let gamma = if p.xj > 0.0 && p.xd > 0.0 {
            let wp = p.xd * root / p.xj;
            let wc = 0.063_135_3 + (0.801_329_2 - 0.011_107_77 * wp) * wp;
            let part = wp / (1.0 + wp);
            let (xj_l, ld_xj) = (p.xj / c.leff, p.ld / p.xj);
            c.gamma * (1.0 - xj_l * ((wc + ld_xj) * (1.0 - part * part).sqrt() - ld_xj))
        } else {
            Dual::constant(c.gamma)
        };
        let bulk = gamma * root + p.narrow * phi;
        let weak = if p.surface > 0.0 { 1.0 + p.surface + bulk / (2.0 * phi) } else { Dual::constant(0.0) };
        Body { bulk, one_fb: 1.0 + 0.25 * gamma / root + p.narrow, weak }
    }
}

#[inline]
fn lift(x: Dual<1>) -> D {
    Dual { v: x.v, d: [0.0, 0.0, x.d[0]] }
}

impl Level for Three {
    type Params = Params;

    fn info() -> &'static DeviceInfo {
        &LEVEL3
    }

    fn geometry(model: &Values, l: f64, w: f64) -> (f64, f64) {
        (l - 2.0 * model.get(cp::LD) + model.get(mp::XL), w - 2.0 * model.get(mp::WD) + model.get(mp::XW))
    }

    fn intrinsic_density(t: f64) -> f64 {
        let ratio = t / 300.0;
        super::common::NI * ratio * ratio.sqrt() * (0.5 * band_gap(t) / K_Q * (1.0 / 300.0 - 1.0 / t)).exp()
    }

    fn shift(model: &Values) -> f64 {
        model.get(mp::DELVTO)
    }

    fn params(model: &Values, base: &ModelBase, c: &Common) -> Params {
        let per_cox = if base.cox > 0.0 { 1.0 / base.cox } else { 0.0 };
        let mut p = Params {
            sigma: model.get(mp::ETA) * 8.15e-22 * per_cox / c.leff.powi(3),
            xj: model.get(mp::XJ),
            ld: model.get(cp::LD),
            xd: base.xd,
            narrow: model.get(mp::DELTA) * 0.5 * std::f64::consts::PI * super::common::EPS_SI * per_cox / c.weff,
            theta: model.get(mp::THETA),
            vmax: model.get(mp::VMAX),
            kappa: model.get(mp::KAPPA),
            surface: Q * model.get(mp::NFS) * 1e4 * per_cox,
            tied: Body::default(),
        };
        p.tied = Body::new(c, &p, 0.0);
        p
    }

    #[inline]
    fn channel(c: &Common, p: &Params, vgs: f64, vds: f64, vbs: f64) -> Channel {
        let (vg, vd) = (D::variable(vgs, 0), D::variable(vds, 1));
        // A bulk tied to its source is common.
        let body = if vbs == 0.0 { p.tied } else { Body::new(c, p, vbs) };
        let (one_fb, bulk) = (lift(body.one_fb), lift(body.bulk));
        let vth = c.vbi - p.sigma * vd + bulk;
        let weak = p.surface > 0.0;
        let n = if weak { lift(body.weak) } else { D::constant(0.0) };
        let von = if weak { vth + c.vt * n } else { vth };
        let mut ch = Channel { von: von.v, dvon: von.d, ..Channel::default() };
        let is_below = vgs < von.v;
        if !weak && vgs <= von.v {
            return ch;
        }
        let drive = if is_below { von } else { vg } - vth;
        let gate = 1.0 / (1.0 + p.theta * drive);
        let mut vdsat = drive / one_fb;
        let mut vc_inv = D::constant(0.0);
        if p.vmax > 0.0 {
            let vc = c.leff * p.vmax / (c.uo * gate);
            vdsat = vdsat + vc - (vdsat * vdsat + vc * vc).sqrt();
            vc_inv = 1.0 / vc;
        }
        (ch.vdsat, ch.dvdsat) = (vdsat.v, vdsat.d);
        if vdsat.v <= 0.0 {
            return ch;
        }
        let is_linear = vds <= vdsat.v;
        let v = if is_linear { vd } else { vdsat };
        let slow = 1.0 / (1.0 + v * vc_inv);
        let mut id = c.beta * gate * slow * (drive - 0.5 * one_fb * v) * v;
        if p.kappa > 0.0 && p.xd > 0.0 && (!is_linear || p.vmax <= 0.0) {
            let delta = if p.vmax > 0.0 {
                saturated_shortening(c, p, vd - vdsat, slow, vc_inv, id)
            } else if is_linear {
                linear_shortening(p, vd, vdsat)
            } else {
                (p.kappa * p.xd * p.xd * (vd - 0.875 * vdsat)).sqrt()
            };
            let delta = if delta.v > 0.5 * c.leff { c.leff - 0.25 * c.leff * c.leff / delta } else { delta };
            id = id / (1.0 - delta / c.leff);
        }
        if is_below {
            id = id * ((vg - von) / (c.vt * n)).exp();
        }
        ch.id = id.v;
        [ch.gm, ch.gds, ch.gmb] = id.d;
        ch
    }
}

/// Channel shortening beyond saturation with `vmax`, m, from the lateral field at the end of the saturated channel,
/// which follows from the conductance there.
#[inline]
fn saturated_shortening(c: &Common, p: &Params, excess: D, slow: D, vc_inv: D, idsat: D) -> D {
    let alpha = p.xd * p.xd;
    let gdsat = (idsat * (1.0 - slow) * vc_inv).max(D::constant(1e-12));
    let e = 0.5 * alpha * p.kappa * idsat / (gdsat * c.leff);
    (e * e + p.kappa * alpha * excess).sqrt() - e
}

/// Channel shortening below saturation without `vmax`, m: the fourth power of vds/vdsat, which meets the square root
/// beyond vdsat in value and slope.
#[inline]
fn linear_shortening(p: &Params, vds: D, vdsat: D) -> D {
    let part = vds / vdsat;
    (0.125 * p.kappa * p.xd * p.xd * vdsat).sqrt() * (part * part) * (part * part)
}
