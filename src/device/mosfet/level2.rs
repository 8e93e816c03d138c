//! Level 2: the analytical model of the long channel with its bulk charge along the channel, corrected for short and
//! narrow channels, mobility degradation, velocity saturation and weak inversion. Vladimirescu and Liu, "The simulation of
//! MOS integrated circuits using SPICE2", UCB/ERL M80/7 (1980), section 2.3.
//!
//! ```text
//! s = sqrt(phi - vbs), b = sqrt(phi - vbs + vds)                  (continued as phi^½/(1 + v/(2 phi)) when forward biased)
//! η = 1 + fn,  fn = delta π εsi/(4 cox W)
//! γs = γ (1 - αs - αd),  αs = xj/(2 L) (sqrt(1 + 2 xd s/xj) - 1),  αd with b
//! vbin = vbi + fn (phi - vbs),  vth = vbin + γs s
//! µ/uo = min(1, (ucrit εsi/cox / (vgs - von))^uexp)
//! id = β µ/uo / (1 - λ vds) ((vgs - vbin - η v/2) v - 2/3 γs ((phi - vbs + v)^1.5 - s³)),   v = min(vds, vdsat)
//! nfs: von = vth + n vt,  n = 1 + q nfs/cox + fn - d(γs s)/dvbs;  id(von) exp((vgs - von)/(n vt)) below
//! ```
//! The saturation voltage is Grove's and Frohman-Bentchkowsky's (channel charge zero at the drain), or with `vmax` Baum's
//! (carriers at their limit velocity at the drain), which is the root of a quartic.

use super::params::level2 as mp;
use super::shell::{Channel, Common, Level, ModelBase};
use super::{DeviceInfo, LEVEL2};
use crate::base::consts::Q;
use crate::base::dual::Dual;
use crate::device::values::Values;

type D = Dual<3>;

pub struct Two;

#[derive(Clone, Debug, Default)]
pub struct Params {
    narrow: f64,
    eta: f64,
    xj: f64,
    xd: f64,
    has_nsub: bool,
    /// ucrit εsi/cox, V
    vcrit: f64,
    uexp: f64,
    vmax: f64,
    /// Mobility at the temperature of measurement: velocity saturation does not follow its fall with temperature.
    uo: f64,
    xd_neff: f64,
    /// NaN: computed.
    lambda: f64,
    /// q nfs over the oxide capacitance per area; 0: no weak inversion.
    surface: f64,
    has_body: bool,
    /// Depletion width at the built-in potential, the shortest channel, m.
    least_length: f64,
}

impl Level for Two {
    type Params = Params;

    fn info() -> &'static DeviceInfo {
        &LEVEL2
    }

    fn params(model: &Values, base: &ModelBase, c: &Common) -> Params {
        let per_cox = if base.cox > 0.0 { 1.0 / base.cox } else { 0.0 };
        let narrow = model.get(mp::DELTA) * 0.25 * std::f64::consts::PI * super::common::EPS_SI * per_cox / c.weff;
        let has_nsub = base.nsub > 0.0;
        Params {
            narrow,
            eta: 1.0 + narrow,
            xj: model.get(mp::XJ),
            xd: base.xd,
            has_nsub,
            vcrit: model.get(mp::UCRIT) * 100.0 * super::common::EPS_SI * per_cox,
            uexp: model.get(mp::UEXP),
            vmax: model.get(mp::VMAX),
            uo: base.uo,
            xd_neff: base.xd / model.get(mp::NEFF).sqrt(),
            lambda: model.get(mp::LAMBDA),
            surface: Q * model.get(mp::NFS) * 1e4 * per_cox,
            has_body: c.gamma > 0.0 || has_nsub,
            least_length: if has_nsub { base.xd * c.pb.sqrt() } else { 0.25e-6 },
        }
    }

    fn channel(c: &Common, p: &Params, vgs: f64, vds: f64, vbs: f64) -> Channel {
        let (vg, vd, vb) = (D::variable(vgs, 0), D::variable(vds, 1), D::variable(vbs, 2));
        let zero = D::constant(0.0);
        // sqrt(phi - v), and its continuation
        let surface_root = |v: D| if v.v <= 0.0 { (c.phi - v).sqrt() } else { c.sqrt_phi / (1.0 + 0.5 * v / c.phi) };
        let depth = c.phi - vb;
        let s = surface_root(vb);
        let b = surface_root(vb - vd);

        // Threshold.
        let mut gamma = D::constant(c.gamma);
        // d(γs)/dvbs as a number with its own derivatives, for n.
        let mut gamma_by_vbs = zero;
        if p.has_body && p.xj > 0.0 {
            let (rs, rd) = ((1.0 + 2.0 * p.xd / p.xj * s).sqrt(), (1.0 + 2.0 * p.xd / p.xj * b).sqrt());
            let half = 0.5 * p.xj / c.leff;
            gamma = c.gamma * (1.0 - half * (rs - 1.0) - half * (rd - 1.0));
            let by = |r: D, root: D, v: D| -c.gamma * half * (p.xd / p.xj) / r * root_slope(c, root, v);
            gamma_by_vbs = by(rs, s, vb) + by(rd, b, vb - vd);
        }
        let vbin = c.vbi + p.narrow * depth;
        let vth = vbin + gamma * s;
        let weak = p.surface > 0.0;
        let (mut von, mut nvt) = (vth, zero);
        if weak {
            let n = 1.0 + p.surface + p.narrow - (gamma * root_slope(c, s, vb) + gamma_by_vbs * s);
            nvt = c.vt * n;
            von = vth + nvt;
        }
        let mut ch = Channel { von: von.v, dvon: von.d, ..Channel::default() };
        let is_below = vgs <= von.v;
        if is_below && !weak {
            return ch;
        }

        // Mobility.
        let over = vg - von;
        let mobility = if p.uexp != 0.0 && p.vcrit > 0.0 && over.v > p.vcrit {
            (p.uexp * (p.vcrit / over).ln()).exp()
        } else {
            D::constant(1.0)
        };

        // Saturation.
        let vx = if weak && is_below { von } else { vg };
        let drive = (vx - vbin) / p.eta;
        let gs = gamma / p.eta;
        let mut vdsat = if gs.v > 0.0 {
            let arg = drive + depth;
            let g2 = gs * gs;
            if arg.v <= 0.0 { zero } else { drive + 0.5 * g2 * (1.0 - (1.0 + 4.0 * arg / g2).sqrt()) }
        } else {
            drive
        };
        if vdsat.v < 0.0 {
            vdsat = zero;
        }
        if p.vmax > 0.0
            && let Some(v) = velocity_saturation(drive + depth, depth, gs, s, p.vmax * c.leff / (p.uo * mobility))
        {
            vdsat = v;
        }
        (ch.vdsat, ch.dvdsat) = (vdsat.v, vdsat.d);

        // Channel shortening.
        let bs = surface_root(vb - vdsat);
        let lambda_vds = if vds == 0.0 {
            zero
        } else if !p.lambda.is_nan() && p.lambda > 0.0 || !p.has_nsub {
            (if p.lambda.is_nan() { 0.0 } else { p.lambda }) * vd
        } else if p.vmax <= 0.0 {
            let a = 0.25 * (vd - vdsat);
            p.xd / c.leff * (a + (1.0 + a * a).sqrt()).sqrt()
        } else {
            let excess = (vd - vdsat).max(zero);
            let x = p.xd_neff * p.vmax / (2.0 * p.uo * mobility);
            p.xd_neff / c.leff * ((x * x + excess).sqrt() - x)
        };
        let mut short = 1.0 - lambda_vds;
        let least = p.least_length;
        if (c.leff * short).v < least {
            short = least / (1.0 + (c.leff * (lambda_vds - 1.0) + least) / least) / c.leff;
        }

        let is_linear = vds <= vdsat.v;
        let (v, root) = if is_linear { (vd, b) } else { (vdsat, bs) };
        let body = root * root * root - s * s * s;
        let mut id = c.beta * mobility / short * ((vx - vbin - 0.5 * p.eta * v) * v - 2.0 / 3.0 * gamma * body);
        if is_below {
            if vdsat.v <= 0.0 {
                return ch;
            }
            id = id * (over / nvt).exp();
        }
        ch.id = id.v;
        [ch.gm, ch.gds, ch.gmb] = id.d;
        ch
    }
}

/// d sqrt(phi - v)/dv for `root` = sqrt(phi - v) or its continuation.
fn root_slope(c: &Common, root: D, v: D) -> D {
    if v.v <= 0.0 { -0.5 / root } else { -0.5 * root * root / (c.sqrt_phi * c.phi) }
}

/// Baum's saturation voltage: with x = sqrt(vdsat + v2),
/// x⁴ + 4/3 γ x³ - 2 (v1 + ξ) x² - 2 γ ξ x + 2 v1 (v2 + ξ) - v2² - 4/3 γ s³ = 0, the least positive root;
/// v1 = (vgs - vbin)/η + phi - vbs, v2 = phi - vbs, ξ = vmax L/µ. `None` when there is no such root.
fn velocity_saturation(v1: D, v2: D, gamma: D, s: D, xi: D) -> Option<D> {
    let a = gamma / 0.75;
    let b = -2.0 * (v1 + xi);
    let c = -2.0 * gamma * xi;
    let d = 2.0 * v1 * (v2 + xi) - v2 * v2 - 4.0 / 3.0 * gamma * s * s * s;
    let x = least_positive_root(a.v, b.v, c.v, d.v)?;
    // One Newton step on dual numbers from the converged root carries the derivatives (implicit function theorem).
    let xd = D::constant(x);
    let p = (((xd + a) * xd + b) * xd + c) * xd + d;
    let slope = ((4.0 * x + 3.0 * a.v) * x + 2.0 * b.v) * x + c.v;
    let x = xd - p / slope;
    Some(x * x - v2)
}

/// Least positive real root of x⁴ + a x³ + b x² + c x + d (Ferrari, then Newton).
fn least_positive_root(a: f64, b: f64, c: f64, d: f64) -> Option<f64> {
    // Resolvent cubic y³ + p y² + q y + r.
    let (p, q, r) = (-b, a * c - 4.0 * d, -d * (a * a - 4.0 * b) - c * c);
    let shift = p / 3.0;
    let m = q - p * p / 3.0;
    let n = 2.0 * p * p * p / 27.0 - p * q / 3.0 + r;
    let disc = 0.25 * n * n + m * m * m / 27.0;
    let y = if disc < 0.0 {
        let rho = (-m / 3.0).sqrt();
        2.0 * rho * ((-0.5 * n / (rho * rho * rho)).clamp(-1.0, 1.0).acos() / 3.0).cos() - shift
    } else {
        let e = disc.sqrt();
        (-0.5 * n + e).cbrt() + (-0.5 * n - e).cbrt() - shift
    };
    let e = (0.25 * a * a - b + y).max(0.0).sqrt();
    let g = (0.25 * y * y - d).max(0.0).sqrt();
    let g = if a * y * 0.5 - c >= 0.0 { g } else { -g };
    let mut best: Option<f64> = None;
    for sign in [1.0, -1.0] {
        // x² + (a/2 ± e) x + (y/2 ± g)
        let (h, k) = (0.5 * a + sign * e, 0.5 * y + sign * g);
        let disc = h * h - 4.0 * k;
        if disc < 0.0 {
            continue;
        }
        for x in [0.5 * (-h + disc.sqrt()), 0.5 * (-h - disc.sqrt())] {
            let mut x = x;
            for _ in 0..3 {
                let f = (((x + a) * x + b) * x + c) * x + d;
                let df = ((4.0 * x + 3.0 * a) * x + 2.0 * b) * x + c;
                if df != 0.0 {
                    x -= f / df;
                }
            }
            let f = (((x + a) * x + b) * x + c) * x + d;
            if x > 0.0 && f.abs() < 1e-6 && best.is_none_or(|y| x < y) {
                best = Some(x);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::least_positive_root;

    #[test]
    fn quartic_with_known_roots() {
        // (x - 1)(x - 2)(x + 3)(x + 0.5)
        let x = least_positive_root(0.5, -7.0, 2.5, 3.0).expect("root");
        assert!((x - 1.0).abs() < 1e-12);
        assert!(least_positive_root(0.0, 2.0, 0.0, 1.0).is_none());
    }
}
