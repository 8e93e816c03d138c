//! Channel, gate charge and temperature of the junction field-effect transistor.
//!
//! ```text
//! u = vgs - vto,  B = (1 - b)/(pb - vto)
//! id = β (1 + λ vds) u² (b + B u)                                     vds >= u
//!    = β (1 + λ vds) vds (vds (B vds - b) + u (2 b + 3 B (u - vds)))  vds <  u
//! ```
//! b = 1 is Shichman and Hodges, IEEE J. Solid-State Circuits 3 (1968) 285; the doping tail b is that of Sydney University
//! (Parker and Skellern, 1989). Antognetti and Massobrio, "Semiconductor Device Modeling with SPICE", ch. 3.

use super::INFO;
use super::params::{self, model as mp};
use crate::base::consts::{self, K_Q, ZERO_C};
use crate::device::gated::{Charge, Model, Path, Shell};
use crate::device::junction::{Depletion, JunctionScaling};
use crate::device::values::{Values, device_temperature};
use crate::device::{DeviceInfo, Env, ParamId};

#[derive(Clone, Debug)]
pub struct Core {
    beta: f64,
    lambda: f64,
    vto: f64,
    b: f64,
    tail: f64,
    gs: Depletion,
    gd: Depletion,
    nlev: f64,
    gdsnoi: f64,
}

impl Model for Core {
    const IC: [ParamId; 4] = [params::IC, params::ICVDS, params::ICVGS, params::OFF];
    const M: ParamId = params::M;
    const RESISTANCES: [ParamId; 2] = [mp::RD, mp::RS];

    fn info() -> &'static DeviceInfo {
        &INFO
    }

    fn new(model: &Values, _polarity: f64, inst: &Values, env: &Env, circuit: f64) -> (Self, Shell) {
        let m = |id| model.get(id);
        let tnom = model.given(mp::TNOM).map_or(env.tnom, |t| t + ZERO_C);
        let t = device_temperature(circuit, inst.given(params::TEMP), inst.get(params::DTEMP));
        let (dt, ratio, vt) = (t - tnom, t / tnom, K_Q * t);
        let area = inst.get(params::AREA) * inst.get(params::M);
        // The pinch-off voltage is negative for a depletion transistor of either polarity.
        let vto = m(mp::VTO) + model.given(mp::VTOTC).map_or(-m(mp::TCV) * dt, |tc| tc * dt);
        let scale = model.given(mp::BETATCE).map_or_else(|| ratio.powf(m(mp::BEX)), |tc| 1.01f64.powf(tc * dt));
        let scaling = JunctionScaling::new(t, tnom);
        let (pb, fc) = (m(mp::PB), m(mp::FC));
        let cap = |c: f64| Depletion::new(c * area * scaling.capacitance(pb, 0.5), scaling.potential(pb), 0.5, fc);
        let growth = ((ratio - 1.0) * m(mp::EG) / vt + m(mp::XTI) * ratio.ln()).exp();
        let conductance = |r: f64| if r > 0.0 { area / r } else { 0.0 };
        let core = Core {
            beta: m(mp::BETA) * scale * area,
            lambda: m(mp::LAMBDA),
            vto,
            b: m(mp::B),
            tail: (1.0 - m(mp::B)) / (pb - m(mp::VTO)),
            gs: cap(m(mp::CGS)),
            gd: cap(m(mp::CGD)),
            nlev: m(mp::NLEV),
            gdsnoi: m(mp::GDSNOI),
        };
        let shell = Shell {
            temp: t,
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
        let (b, tail) = (self.b, self.tail);
        let beta = self.beta * (1.0 + self.lambda * vds);
        let (shape, by_u, by_vds) = if u >= vds {
            let part = 2.0 * b + 3.0 * tail * (u - vds);
            (
                vds * (vds * (tail * vds - b) + u * part),
                vds * (2.0 * b + 3.0 * tail * (2.0 * u - vds)),
                // d/dvds of B vds³ - b vds² + 2 b u vds + 3 B u² vds - 3 B u vds²
                3.0 * tail * vds * vds - 2.0 * b * vds + u * (2.0 * b + 3.0 * tail * u - 6.0 * tail * vds),
            )
        } else {
            (u * u * (b + tail * u), u * (2.0 * b + 3.0 * tail * u), 0.0)
        };
        [beta * shape, beta * by_u, beta * by_vds + self.lambda * self.beta * shape]
    }

    #[inline]
    fn charges(&self, vgs: f64, vgd: f64, _path: &Path, _is_exact: bool) -> [Charge; 2] {
        let ((qs, cs), (qd, cd)) = (self.gs.at(vgs), self.gd.at(vgd));
        [Charge { q: qs, d: [cs, 0.0] }, Charge { q: qd, d: [0.0, cd] }]
    }

    fn channel_noise(&self, temp: f64, vgs: f64, vds: f64, gm: f64) -> f64 {
        let white = 8.0 / 3.0 * consts::K * temp;
        if self.nlev < 3.0 {
            return white * gm.abs();
        }
        // Good down to vds = 0, where it is the thermal noise of the channel's conductance.
        let u = vgs - self.vto;
        if u <= 0.0 {
            return 0.0;
        }
        let a = if vds >= u { 0.0 } else { 1.0 - vds / u };
        white * self.beta * u * (1.0 + a + a * a) / (1.0 + a) * self.gdsnoi
    }
}
