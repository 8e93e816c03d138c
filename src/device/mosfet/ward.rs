//! Charge-conserving gate charges (`capmod=1`): Ward and Dutton, IEEE J. Solid-State Circuits 13 (1978) 703, for the
//! long channel with threshold vth = vfb + phi + γ sqrt(phi - vbs).
//!
//! ```text
//! accumulation  vgb < vfb      qb = -Cox (vgb - vfb)
//! depletion     vgs < vth      qb = -Cox γ (sqrt(γ²/4 + vgb - vfb) - γ/2)
//! inversion                    qb = -Cox γ sqrt(phi - vbs),   u = vgs - vth,   w = max(u - vds, 0)
//!                              qc = -2/3 Cox (u² + u w + w²)/(u + w)
//!                              qd = qc/2 + (1/2 - xqc)/(1/10) (q40 - qc/2)
//!                              q40 = -2/15 Cox (3 w³ + 6 w² u + 4 w u² + 2 u³)/(u + w)²
//! qg = -qb - qc,  qs = qc - qd
//! ```
//! q40 is the exact partition (40 % to the drain in saturation); `xqc` moves it between equal shares (0.5) and none
//! (0). All charges are continuous at the region boundaries, and they sum to zero everywhere.

use crate::base::dual::Dual;

type D = Dual<3>;

/// (qg, qd, qb) with derivatives by (vgs, vds, vbs); the source has what is missing to zero. vds >= 0.
pub fn charges(cox: f64, vfb: f64, phi: f64, gamma: f64, xqc: f64, v: [f64; 3]) -> [D; 3] {
    let (vgs, vds, vbs) = (D::variable(v[0], 0), D::variable(v[1], 1), D::variable(v[2], 2));
    let zero = D::constant(0.0);
    // The square root of phi - vbs with SPICE's continuation for a forward-biased bulk.
    let root = if v[2] <= 0.0 { (phi - vbs).sqrt() } else { (phi.sqrt() - vbs / (2.0 * phi.sqrt())).max(zero) };
    let u = vgs - (vfb + phi + gamma * root);
    if u.v > 0.0 {
        let w = (u - vds).max(zero);
        let qb = -cox * gamma * root;
        let sum = u + w;
        let qc = -2.0 / 3.0 * cox * (u * u + u * w + w * w) / sum;
        let q40 =
            -2.0 / 15.0 * cox * (3.0 * w * w * w + 6.0 * w * w * u + 4.0 * w * u * u + 2.0 * u * u * u) / (sum * sum);
        let qd = 0.5 * qc + 10.0 * (0.5 - xqc) * (q40 - 0.5 * qc);
        return [-qb - qc, qd, qb];
    }
    // With a forward-biased bulk the surface potential at threshold is that of `root`.
    let psi = u + gamma * root + root * root;
    let qb = if psi.v < 0.0 {
        -cox * psi
    } else if gamma > 0.0 {
        // sqrt(γ²/4 + ψ) - γ/2, which is `root` at threshold, without the cancellation.
        -cox * gamma * psi / ((psi + 0.25 * gamma * gamma).sqrt() + 0.5 * gamma)
    } else {
        zero
    };
    [-qb, zero, qb]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charges_are_continuous_and_share_as_asked() {
        let f = |vgs, vds, vbs| charges(1.0, -0.6, 0.7, 0.5, 0.4, [vgs, vds, vbs]);
        for vbs in [-2.0, 0.0, 0.2] {
            let root = if vbs <= 0.0 { (0.7f64 - vbs).sqrt() } else { 0.7f64.sqrt() - vbs / (2.0 * 0.7f64.sqrt()) };
            let vth = -0.6 + 0.7 + 0.5 * root;
            for vds in [0.0, 1.0] {
                let (a, b) = (f(vth - 1e-9, vds, vbs), f(vth + 1e-9, vds, vbs));
                assert!((0..3).all(|k| (a[k].v - b[k].v).abs() < 1e-8), "{vbs} {vds}");
            }
        }
        let sat = f(2.0, 5.0, 0.0);
        let qc = -sat[0].v - sat[2].v;
        assert!((sat[1].v / qc - 0.4).abs() < 1e-12);
        let lin = f(2.0, 0.0, 0.0);
        assert!((lin[1].v / (-lin[0].v - lin[2].v) - 0.5).abs() < 1e-12);
    }
}
