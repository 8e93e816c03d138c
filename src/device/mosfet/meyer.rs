//! Meyer's gate capacitances and how they carry charge.
//!
//! Meyer (RCA Review 32 (1971) 42) derives Cgs, Cgd and Cgb from the gate charge of a long channel. With
//! vgst = vgs - von, oxide capacitance Cox and vdsat:
//!
//! ```text
//! vgst <= -phi          Cgb = Cox                      Cgs = Cgd = 0            accumulation
//! -phi  < vgst <= 0     Cgb = -Cox vgst/phi                                     depletion
//!                       from -phi/2 on, Cgs = Cox (2/3 + 4/3 vgst/phi), times the two factors below
//! 0 < vgst              Cgb = 0, Cgs = 2/3 Cox, times the two factors below     inversion
//! vds < vdsat:          Cgd = Cgs (1 - (vdsat/(2 vdsat - vds))²),  Cgs = Cgs (1 - ((vdsat - vds)/(2 vdsat - vds))²)
//! ```
//! vdsat is at least 25 mV here, so that the linear region has a width everywhere.
//!
//! The three currents C(x) dv/dt are not the derivatives of three functions of the voltages: source, drain and bulk
//! share one gate charge, and where they take it from depends on the path. So a charge Q(x) with these partial
//! derivatives does not exist, and three ways remain: another model (the charge-conserving one of [`super::ward`],
//! `capmod=1`), extra unknowns u = dv/dt with f += C(x) u (three more equations per transistor), or the path itself:
//!
//! ```text
//! Q(x) = Q(x0) + ½ (C(x0) + C(x)) (v - v0),      x0 the last accepted point
//! ```
//! The last is used. The charge is history (the one sort of hidden state that devices may have), it is
//! committed on acceptance only, and as a function of x it is smooth with exact derivatives, so Newton's method, the
//! integration formula and the control of truncation errors see an ordinary charge. It is what SPICE2 does. Each
//! charge enters two nodes with opposite signs, so no charge is lost in the circuit as a whole; what can drift
//! over a closed cycle of the voltages is how it is shared, which is the known price of Meyer's model.
//! The rule of the sum is of second order.

/// Gate capacitances of the oriented transistor (vds >= 0) with derivatives by (vgs, vds, vbs).
#[derive(Clone, Copy, Debug, Default)]
pub struct Meyer {
    pub gs: f64,
    pub gd: f64,
    pub gb: f64,
    pub dgs: [f64; 3],
    pub dgd: [f64; 3],
    pub dgb: [f64; 3],
}

const LEAST_VDSAT: f64 = 0.025;

/// `von` and `vdsat` come with their derivatives by (vgs, vds, vbs).
#[inline(always)]
pub fn meyer(cox: f64, phi: f64, vgs: f64, vds: f64, von: (f64, [f64; 3]), vdsat: (f64, [f64; 3])) -> Meyer {
    let mut m = Meyer::default();
    let vgst = vgs - von.0;
    let dvgst = [1.0 - von.1[0], -von.1[1], -von.1[2]];
    if vgst <= -phi {
        m.gb = cox;
        return m;
    }
    let (mut gs, mut slope) = (2.0 / 3.0 * cox, 0.0);
    if vgst <= 0.0 {
        m.gb = -cox * vgst / phi;
        let slope_b = -cox / phi;
        m.dgb = [slope_b * dvgst[0], slope_b * dvgst[1], slope_b * dvgst[2]];
        if vgst <= -0.5 * phi {
            return m;
        }
        gs = cox * (2.0 / 3.0 + 4.0 / 3.0 * vgst / phi);
        slope = 4.0 / 3.0 * cox / phi;
    }
    let (vdsat, dvdsat) = if vdsat.0 > LEAST_VDSAT { vdsat } else { (LEAST_VDSAT, [0.0; 3]) };
    if vds >= vdsat {
        m.gs = gs;
        m.dgs = [slope * dvgst[0], slope * dvgst[1], slope * dvgst[2]];
        return m;
    }
    let inv = 1.0 / (2.0 * vdsat - vds);
    let (a, b) = (vdsat * inv, (vdsat - vds) * inv);
    let (fd, fs) = (1.0 - a * a, 1.0 - b * b);
    m.gd = gs * fd;
    m.gs = gs * fs;
    for k in 0..3 {
        let dvds = if k == 1 { 1.0 } else { 0.0 };
        let dden = 2.0 * dvdsat[k] - dvds;
        let da = (dvdsat[k] - a * dden) * inv;
        let db = (dvdsat[k] - dvds - b * dden) * inv;
        m.dgd[k] = slope * dvgst[k] * fd - gs * 2.0 * a * da;
        m.dgs[k] = slope * dvgst[k] * fs - gs * 2.0 * b * db;
    }
    m
}

/// What the path sum keeps of the last accepted point: gate voltages and capacitances towards source, drain and bulk
/// (in this order), and the charges so far. All zero before the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Path {
    pub v: [f64; 3],
    pub c: [f64; 3],
    pub q: [f64; 3],
}

impl Path {
    /// The charge at a new point with voltage `v` and capacitance `c` across branch `k`.
    #[inline]
    pub fn charge(&self, k: usize, v: f64, c: f64) -> f64 {
        self.q[k] + 0.5 * (self.c[k] + c) * (v - self.v[k])
    }

    pub fn commit(&mut self, v: [f64; 3], c: [f64; 3]) {
        for k in 0..3 {
            self.q[k] = self.charge(k, v[k], c[k]);
        }
        self.v = v;
        self.c = c;
    }
}
