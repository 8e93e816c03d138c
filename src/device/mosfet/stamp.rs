//! Currents, charges and their derivatives at the four local nodes (0 drain, 1 gate, 2 source, 3 bulk), with the
//! polarity taken out. Written row by row without indices that depend on the bias, so that everything stays in
//! registers: this is the innermost loop of every MOS circuit.

use super::common::Common;
use super::meyer::{Meyer, Path};
use super::shell::Channel;
use super::ward;
use crate::device::Point;
use crate::device::junction::{Depletion, diode_currents};

pub type Row = [f64; 4];

/// What a transistor adds to the four nodes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stamp {
    pub f: Row,
    pub q: Row,
    pub g: [Row; 4],
    pub c: [Row; 4],
}

/// The bias: (vgs, vds, vbs), and whether drain and source have changed places in the channel.
#[derive(Clone, Copy, Debug)]
pub struct At {
    pub v: [f64; 3],
    pub reversed: bool,
}

#[inline(always)]
fn add(a: Row, b: Row) -> Row {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]]
}

#[inline(always)]
fn sub(a: Row, b: Row) -> Row {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3]]
}

/// Derivatives by the oriented (vgs, vds, vbs) as derivatives by the four node voltages.
#[inline(always)]
fn by_nodes(d: [f64; 3], reversed: bool) -> Row {
    let rest = -(d[0] + d[1] + d[2]);
    if reversed { [rest, d[0], d[1], d[2]] } else { [d[1], d[0], rest, d[2]] }
}

impl Stamp {
    /// Channel current and bulk junctions, and the charge of the junctions.
    #[inline(always)]
    pub fn new(c: &Common, ch: &Channel, at: &At, gmin: f64) -> Stamp {
        let [_, vds, vbs] = at.v;
        let vbd = vbs - vds;
        let sign = if at.reversed { -1.0 } else { 1.0 };
        let id = sign * ch.id;
        let row = by_nodes([sign * ch.gm, sign * ch.gds, sign * ch.gmb], at.reversed);
        let [(ibs, gbs), (ibd, gbd)] = diode_currents([vbs, vbd], [c.is_s, c.is_d], [c.vt; 2]);
        let (ibs, gbs) = (ibs + gmin * vbs, gbs + gmin);
        let (ibd, gbd) = (ibd + gmin * vbd, gbd + gmin);
        let plates = [&c.source[0], &c.source[1], &c.drain[0], &c.drain[1]];
        let [(qs, cs), (qs_side, cs_side), (qd, cd), (qd_side, cd_side)] =
            Depletion::all_at(plates, [vbs, vbs, vbd, vbd]);
        let (qbs, cbs, qbd, cbd) = (qs + qs_side, cs + cs_side, qd + qd_side, cd + cd_side);
        Stamp {
            f: [id - ibd, 0.0, -id - ibs, ibs + ibd],
            q: [-qbd, 0.0, -qbs, qbs + qbd],
            g: [
                add(row, [gbd, 0.0, 0.0, -gbd]),
                [0.0; 4],
                sub([0.0, 0.0, gbs, -gbs], row),
                [-gbd, 0.0, -gbs, gbs + gbd],
            ],
            c: [[cbd, 0.0, 0.0, -cbd], [0.0; 4], [0.0, 0.0, cbs, -cbs], [-cbd, 0.0, -cbs, cbs + cbd]],
        }
    }

    /// Charges between the gate and source, drain, bulk (in this order), each with its row of derivatives.
    #[inline(always)]
    fn gate(&mut self, q: [f64; 3], [s, d, b]: [Row; 3]) {
        self.q = add(self.q, [-q[1], q[0] + q[1] + q[2], -q[0], -q[2]]);
        let [rd, rg, rs, rb] = self.c;
        self.c = [sub(rd, d), add(rg, add(add(s, d), b)), sub(rs, s), sub(rb, b)];
    }

    /// Overlaps alone.
    #[inline(always)]
    pub fn overlap(&mut self, c: &Common, at: &At) {
        let [vgs, vds, vbs] = at.v;
        let (s, d, b) = (c.cgso, c.cgdo, c.cgbo);
        self.gate(
            [s * vgs, d * (vgs - vds), b * (vgs - vbs)],
            [[0.0, s, -s, 0.0], [-d, d, 0.0, 0.0], [0.0, b, 0.0, -b]],
        );
    }

    /// Overlaps and Meyer's capacitances along the path from the last accepted point.
    #[inline(always)]
    pub fn meyer(&mut self, c: &Common, m: &Meyer, path: &Path, at: &At, point: &Point) {
        let [vgs, vds, vbs] = at.v;
        let v = [vgs, vgs - vds, vgs - vbs];
        let (cap, d) = ([m.gs, m.gd, m.gb], [&m.dgs, &m.dgd, &m.dgb]);
        let fixed = [c.cgso, c.cgdo, c.cgbo];
        // In small-signal analysis the capacitance itself is asked for, not the slope of the path's sum.
        let exact = point.is_static || point.hertz > 0.0;
        let (mut q, mut slope, mut rows) = ([0.0; 3], [0.0; 3], [[0.0; 4]; 3]);
        for k in 0..3 {
            let dv = v[k] - path.v[k];
            let mean = 0.5 * (path.c[k] + cap[k]);
            q[k] = path.q[k] + mean * dv + fixed[k] * v[k];
            slope[k] = fixed[k] + if exact { cap[k] } else { mean };
            let half = if exact { 0.0 } else { 0.5 * dv };
            rows[k] = by_nodes([half * d[k][0], half * d[k][1], half * d[k][2]], at.reversed);
        }
        let [s, d, b] = slope;
        let own = [[0.0, s, -s, 0.0], [-d, d, 0.0, 0.0], [0.0, b, 0.0, -b]];
        self.gate(q, [add(rows[0], own[0]), add(rows[1], own[1]), add(rows[2], own[2])]);
    }

    /// The charge-conserving model of the channel; overlaps are added apart.
    pub fn ward(&mut self, c: &Common, oriented: [f64; 3], reversed: bool) {
        let [qg, qd, qb] = ward::charges(c.cox, c.vbi - c.phi, c.phi, c.gamma, c.xqc, oriented);
        let qs = -(qg + qd + qb);
        let (dr, so) = if reversed { (2, 0) } else { (0, 2) };
        for (row, charge) in [(1, qg), (dr, qd), (3, qb), (so, qs)] {
            self.q[row] += charge.v;
            self.c[row] = add(self.c[row], by_nodes(charge.d, reversed));
        }
    }

    /// Straight on from the limited point by (vgs, vds, vbs).
    pub fn extrapolate(&mut self, [vgs, vds, vbs]: [f64; 3]) {
        for r in 0..4 {
            self.f[r] += self.g[r][0] * vds + self.g[r][1] * vgs + self.g[r][3] * vbs;
            self.q[r] += self.c[r][0] * vds + self.c[r][1] * vgs + self.c[r][3] * vbs;
        }
    }

    /// Bulk and source as one node, the source.
    #[inline(always)]
    pub fn tie(&mut self) {
        self.f[2] += self.f[3];
        self.q[2] += self.q[3];
        for m in [&mut self.g, &mut self.c] {
            m[2] = add(m[2], m[3]);
            for row in &mut m[..3] {
                row[2] += row[3];
            }
        }
    }
}
