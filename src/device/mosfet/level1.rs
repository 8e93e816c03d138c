//! Level 1: Shichman and Hodges, IEEE J. Solid-State Circuits 3 (1968) 285, with the bulk effect.
//!
//! ```text
//! von = vbi + γ sqrt(phi - vbs),  vgst = vgs - von,  vdsat = max(vgst, 0)
//! id  = β (1 + λ vds) vgst²/2            vds >= vgst
//!     = β (1 + λ vds) vds (vgst - vds/2) vds <  vgst
//! ```
//! For vbs > 0 the root is continued by its tangent and stops at 0.

use super::params::level1 as mp;
use super::shell::{Channel, Common, Level, ModelBase};
use super::{DeviceInfo, LEVEL1};
use crate::device::values::Values;

pub struct One;

#[derive(Clone, Debug, Default)]
pub struct Params {
    lambda: f64,
}

impl Level for One {
    type Params = Params;

    fn info() -> &'static DeviceInfo {
        &LEVEL1
    }

    fn params(model: &Values, _base: &ModelBase, _c: &Common) -> Params {
        Params { lambda: model.get(mp::LAMBDA) }
    }

    #[inline(always)]
    fn channel(c: &Common, p: &Params, vgs: f64, vds: f64, vbs: f64) -> Channel {
        // γ sqrt(phi - vbs) and minus its derivative by vbs
        let (root, droot) = if vbs == 0.0 {
            (c.sqrt_phi, 0.5 / c.sqrt_phi)
        } else if vbs < 0.0 {
            let root = (c.phi - vbs).sqrt();
            (root, 0.5 / root)
        } else {
            let root = c.sqrt_phi - vbs / (2.0 * c.sqrt_phi);
            if root > 0.0 { (root, 0.5 / c.sqrt_phi) } else { (0.0, 0.0) }
        };
        let von = c.vbi + c.gamma * root;
        let body = c.gamma * droot;
        let vgst = vgs - von;
        let mut ch = Channel { von, dvon: [0.0, 0.0, -body], ..Channel::default() };
        if vgst <= 0.0 {
            return ch;
        }
        ch.vdsat = vgst;
        ch.dvdsat = [1.0, 0.0, body];
        let beta = c.beta * (1.0 + p.lambda * vds);
        if vgst <= vds {
            let half = 0.5 * vgst * vgst;
            ch.id = beta * half;
            ch.gm = beta * vgst;
            ch.gds = p.lambda * c.beta * half;
        } else {
            let shape = vds * (vgst - 0.5 * vds);
            ch.id = beta * shape;
            ch.gm = beta * vds;
            ch.gds = beta * (vgst - vds) + p.lambda * c.beta * shape;
        }
        ch.gmb = ch.gm * body;
        ch
    }
}
