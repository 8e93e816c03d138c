//! Channel and gate charge of the GaAs field-effect transistor: Statz, Newman, Smith, Pucel and Haus, IEEE Trans. Electron
//! Devices 34 (1987) 160.
//!
//! ```text
//! u = vgs - vto
//! id = β (1 + λ vds) u²/(1 + b u) (1 - (1 - α vds/3)³)     the last factor is 1 for vds >= 3/α
//! r = sqrt((vgs - vgd)² + 1/α²),  v1 = (vgs + vgd + r)/2,  v2 = v1 - r
//! n = sqrt((v1 - vto)² + δ²),  vn = min((v1 + vto + n)/2, vmax),  δ = 0.2 V, vmax = 0.5 V
//! Q = cgs (2 pb (1 - sqrt(1 - vn/pb)) + excess/sqrt(1 - vmax/pb)) + cgd v2
//! ```
//! Q is the whole charge of the gate. Source and drain share its changes step by step, each taking the mean of
//! the change by its own voltage at the old and at the new value of the other: 2 ΔQgs = Q(vgs, vgd) - Q(vgs0, vgd) +
//! Q(vgs, vgd0) - Q(vgs0, vgd0). The two shares add up to the change of Q exactly.
//!
//! Temperature, with dT = T - tnom: vto + vtotc dT, β 1.01^(betatce dT), and with `eg` the gate junction's
//! is exp((T/tnom - 1) eg/vt) (T/tnom)^xti. Capacitances stay.

use super::INFO;
use super::params::{self, model as mp};
use crate::base::consts::{K_Q, ZERO_C};
use crate::device::gated::{Charge, Model, Path, Shell};
use crate::device::values::{Values, device_temperature};
use crate::device::{DeviceInfo, Env, ParamId};

#[derive(Clone, Debug)]
pub struct Core {
    beta: f64,
    lambda: f64,
    vto: f64,
    alpha: f64,
    b: f64,
    cgs: f64,
    cgd: f64,
    pb: f64,
    vmax: f64,
}

const DELTA: f64 = 0.2;

impl Core {
    /// Gate charge and its derivatives by (vgs, vgd).
    fn gate(&self, vgs: f64, vgd: f64) -> (f64, [f64; 2]) {
        let diff = vgs - vgd;
        let root = (diff * diff + 1.0 / (self.alpha * self.alpha)).sqrt();
        let v1 = 0.5 * (vgs + vgd + root);
        let over = v1 - self.vto;
        let n = (over * over + DELTA * DELTA).sqrt();
        let vn = 0.5 * (v1 + self.vto + n);
        let (inside, excess) = if vn < self.vmax { (vn, 0.0) } else { (self.vmax, vn - self.vmax) };
        let q = (1.0 - inside / self.pb).sqrt();
        let slope = 0.5 * (1.0 + over / n) * self.cgs / q;
        let cf = diff / root;
        let (plus, minus) = (0.5 * (1.0 + cf), 0.5 * (1.0 - cf));
        let charge = self.cgs * (2.0 * self.pb * (1.0 - q) + excess / q) + self.cgd * (v1 - root);
        (charge, [slope * plus + self.cgd * minus, slope * minus + self.cgd * plus])
    }
}

impl Model for Core {
    const IC: [ParamId; 4] = [params::IC, params::ICVDS, params::ICVGS, params::OFF];
    const M: ParamId = params::M;
    const RESISTANCES: [ParamId; 2] = [mp::RD, mp::RS];
    const HAS_PATH: bool = true;

    fn info() -> &'static DeviceInfo {
        &INFO
    }

    fn new(model: &Values, _polarity: f64, inst: &Values, env: &Env, circuit: f64) -> (Self, Shell) {
        let m = |id| model.get(id);
        let tnom = model.given(mp::TNOM).map_or(env.tnom, |t| t + ZERO_C);
        let temp = device_temperature(circuit, inst.given(params::TEMP), inst.get(params::DTEMP));
        let (dt, ratio, vt) = (temp - tnom, temp / tnom, K_Q * temp);
        let growth = model.given(mp::EG).map_or(1.0, |eg| ((ratio - 1.0) * eg / vt + m(mp::XTI) * ratio.ln()).exp());
        let vto = m(mp::VTO) + m(mp::VTOTC) * dt;
        let area = inst.get(params::AREA) * inst.get(params::M);
        let conductance = |r: f64| if r > 0.0 { area / r } else { 0.0 };
        let core = Core {
            beta: m(mp::BETA) * area * 1.01f64.powf(m(mp::BETATCE) * dt),
            lambda: m(mp::LAMBDA),
            vto,
            alpha: m(mp::ALPHA),
            b: m(mp::B),
            cgs: m(mp::CGS) * area,
            cgd: m(mp::CGD) * area,
            pb: m(mp::PB),
            vmax: 0.5f64.min(0.9 * m(mp::PB)),
        };
        let shell = Shell {
            temp,
            vt,
            is: m(mp::IS) * growth * area,
            vto,
            g_drain: conductance(m(mp::RD)),
            g_source: conductance(m(mp::RS)),
            kf: m(mp::KF),
            af: m(mp::AF),
        };
        (core, shell)
    }

    #[inline]
    fn channel(&self, vgs: f64, vds: f64) -> [f64; 3] {
        let u = vgs - self.vto;
        if u <= 0.0 {
            return [0.0; 3];
        }
        let beta = self.beta * (1.0 + self.lambda * vds);
        let den = 1.0 / (1.0 + self.b * u);
        let square = u * u * den;
        let by_u = u * (2.0 + self.b * u) * den * den;
        let a = 1.0 - self.alpha * vds / 3.0;
        let (factor, slope) = if a > 0.0 { (1.0 - a * a * a, self.alpha * a * a) } else { (1.0, 0.0) };
        [beta * square * factor, beta * by_u * factor, square * (beta * slope + self.lambda * self.beta * factor)]
    }

    fn charges(&self, vgs: f64, vgd: f64, path: &Path, is_exact: bool) -> [Charge; 2] {
        let (q, c) = self.gate(vgs, vgd);
        let [s0, d0] = if path.is_set { path.v } else { [0.0; 2] };
        let (q_s0, c_s0) = self.gate(s0, vgd);
        let (q_d0, c_d0) = self.gate(vgs, d0);
        let (q_00, _) = self.gate(s0, d0);
        let source = path.q[0] + 0.5 * (q - q_s0 + q_d0 - q_00);
        let drain = path.q[1] + 0.5 * (q - q_d0 + q_s0 - q_00);
        if is_exact {
            return [Charge { q: source, d: [c[0], 0.0] }, Charge { q: drain, d: [0.0, c[1]] }];
        }
        [
            Charge { q: source, d: [0.5 * (c[0] + c_d0[0]), 0.5 * (c[1] - c_s0[1])] },
            Charge { q: drain, d: [0.5 * (c[0] - c_d0[0]), 0.5 * (c[1] + c_s0[1])] },
        ]
    }
}
