//! The diode and the EKV transistor of the bench written natively, and the evaluation of compiled modules beside them: the
//! same equations, values and derivatives, for a row of instances. What setup computes is computed before in both.

use ferrospice::base::consts::{K_Q, ZERO_C};
use ferrospice::base::dual::Dual;
use ferrospice::veriloga::interp::Machine;
use ferrospice::veriloga::ir::{In, Out, Sink, env, signal, sim};
use ferrospice::veriloga::jit::{Args, KEYS, Kernel};
use ferrospice::veriloga::lower::Program;

const TEMPERATURE: f64 = 27.0 + ZERO_C;

/// A compiled module with the inputs of `n` instances that have the same parameters.
pub struct Compiled {
    pub program: Program,
    kernel: Kernel,
    groups: Vec<u32>,
    frame: Vec<f64>,
    pub x: Vec<f64>,
    classes: Vec<u32>,
    cache: Vec<f64>,
    sim: Vec<f64>,
    zeros: Vec<f64>,
    pub old: Vec<f64>,
    pub out: Vec<f64>,
    n: usize,
}

impl Compiled {
    /// `given`: parameters by name.
    pub fn new(program: Program, names: &[String], given: &[(&str, f64)], n: usize) -> Compiled {
        let kernel = Kernel::compile(&program, program.eval()).unwrap_or_else(|e| panic!("{e}"));
        let l = &program.lowered;
        let of = |k: usize| given.iter().find(|g| g.0 == names[k]).map(|g| g.1);
        let mut values = vec![0.0; l.params.len()];
        let environment = |k: u32| match k {
            env::TEMPERATURE | env::TNOM => TEMPERATURE,
            env::MFACTOR => 1.0,
            _ => 0.0,
        };
        let mut input = |class: In, k: u32| match class {
            In::Param => of(k as usize).unwrap_or(0.0),
            In::Given => f64::from(u8::from(of(k as usize).is_some())),
            In::Connected => 1.0,
            In::Env => environment(k),
            _ => 0.0,
        };
        let mut machine = Machine::default();
        machine.run(&program.params, &mut input, &mut |s, x| {
            if s.class == Out::Param {
                values[s.a as usize] = x;
            }
        });
        let mut cache = vec![0.0; 2 * program.slots];
        let mut input = |class: In, k: u32| match class {
            In::Param => values[k as usize],
            In::Given => f64::from(u8::from(of(k as usize).is_some())),
            In::Connected => 1.0,
            In::Env => environment(k),
            In::Sim if k == sim::GMIN => 1e-12,
            _ => 0.0,
        };
        machine.run(&program.setup, &mut input, &mut |s, x| {
            if s.class == Out::Cache {
                cache[2 * s.a as usize..][..2].fill(x);
            }
        });
        let mut of_sim = vec![0.0; sim::COUNT];
        of_sim[sim::GMIN as usize] = 1e-12;
        let most = [l.cells.len(), l.uniforms as usize, l.normals as usize, l.signals.len() * signal::COUNT, KEYS];
        Compiled {
            groups: (0..n as u32).collect(),
            frame: vec![],
            x: vec![0.0; n * l.unknowns.len()],
            classes: vec![0; n],
            cache,
            sim: of_sim,
            zeros: vec![0.0; n * most.into_iter().max().unwrap_or(0)],
            old: vec![0.0; n * l.limit_states as usize],
            out: vec![0.0; n * program.eval().outputs.len()],
            kernel,
            program,
            n,
        }
    }

    pub fn run(&mut self) {
        let l = &self.program.lowered;
        let zeros = |k: usize| &self.zeros[..self.n * k];
        self.kernel.run(Args {
            count: self.n,
            groups: &self.groups,
            frame: &mut self.frame,
            x: &self.x,
            classes: &self.classes,
            class_count: 1,
            cache: &self.cache,
            sim: &self.sim,
            hidden: zeros(l.cells.len()),
            uniforms: zeros(l.uniforms as usize),
            normals: zeros(l.normals as usize),
            keys: zeros(KEYS),
            signals: zeros(l.signals.len() * signal::COUNT),
            tables: &[],
            old: &self.old,
            out: &mut self.out,
        });
    }

    /// A result of instance `i`; 0 where there is none.
    pub fn result(&self, i: usize, class: Out, a: u32, b: u32) -> f64 {
        let all = &self.program.eval().outputs;
        let at = all.iter().position(|(s, _)| *s == Sink { class, a, b });
        at.map_or(0.0, |k| self.out[self.kernel.place(i, k)])
    }
}

/// Parameters of the diode and what follows from them.
pub struct Diode {
    is: f64,
    vt: f64,
    critical: f64,
    cjo: f64,
    vj: f64,
    mj: f64,
    fcv: f64,
    f1: f64,
    f2: f64,
    f3: f64,
    tt: f64,
    gs: f64,
    gmin: f64,
}

/// Numbers that the native diode gives for each instance, rows and columns anode, cathode, inner node behind the series
/// resistance: f of all, q of anode and inner node, df/dx but for anode and cathode, dq/dx of 2 x 2, the limited voltage,
/// whether it was limited.
pub const DIODE: usize = 18;

impl Diode {
    pub fn new(is: f64, cjo: f64, tt: f64, rs: f64) -> Diode {
        let (vt, vj, mj, fc) = (K_Q * TEMPERATURE, 1.0, 0.5, 0.5);
        let f2 = cjo * (1.0f64 - fc).powf(-1.0 - mj);
        Diode {
            is,
            vt,
            critical: vt * (vt / (std::f64::consts::SQRT_2 * is)).ln(),
            cjo,
            vj,
            mj,
            fcv: fc * vj,
            f1: cjo * vj * (1.0 - (1.0 - fc).powf(1.0 - mj)) / (1.0 - mj),
            f2,
            f3: 1.0 - fc * (1.0 + mj),
            tt,
            gs: 1.0 / rs,
            gmin: 1e-12,
        }
    }

    fn limited(&self, v: f64, old: f64) -> f64 {
        let step = v - old;
        if v > self.critical && step.abs() > 2.0 * self.vt {
            if old > 0.0 {
                let arg = 1.0 + step / self.vt;
                if arg > 0.0 { old + self.vt * arg.ln() } else { self.critical }
            } else {
                self.vt * (v / self.vt).ln()
            }
        } else if v < 0.0 {
            v.max(if old > 0.0 { -1.0 - old } else { 2.0 * old - 1.0 })
        } else {
            v
        }
    }

    pub fn run(&self, x: &[[f64; 3]], old: &[f64], out: &mut [[f64; DIODE]]) {
        for ((x, old), out) in x.iter().zip(old).zip(out) {
            let across = x[0] - x[2];
            let v = self.limited(across, *old);
            let (i, g) = if v >= -3.0 * self.vt {
                let (a, most) = (v / self.vt, 80.0);
                let e = a.min(most).exp();
                let over = (a - most).max(0.0);
                (self.is * (e * (1.0 + over) - 1.0), self.is * e / self.vt)
            } else {
                let t = 3.0 * self.vt / (v * std::f64::consts::E);
                (-self.is * (1.0 + t * t * t), self.is * 3.0 * t * t * t / v)
            };
            let (q, c) = if v < self.fcv {
                let u = 1.0 - v / self.vj;
                let p = u.powf(1.0 - self.mj);
                (self.cjo * self.vj * (1.0 - p) / (1.0 - self.mj), self.cjo * p / u)
            } else {
                let d = self.mj / self.vj;
                let q = self.f3 * (v - self.fcv) + 0.5 * d * (v * v - self.fcv * self.fcv);
                (self.f1 + self.f2 * q, self.f2 * (self.f3 + d * v))
            };
            let (i, g) = (i + self.gmin * v, g + self.gmin);
            let (q, c) = (q + self.tt * (i - self.gmin * v), c + self.tt * (g - self.gmin));
            let (i, q) = (i + g * (across - v), q + c * (across - v));
            let (gs, through) = (self.gs, self.gs * (x[2] - x[1]));
            let limited = f64::from(u8::from(v != across));
            *out = [i, -through, through - i, q, -q, g, -g, -g, g + gs, -gs, -gs, gs, c, -c, -c, c, v, limited];
        }
    }
}

/// Parameters of the transistor and what follows from them; slope factor `n` constant.
pub struct Ekv {
    n: f64,
    vt: f64,
    ut: f64,
    beta: f64,
    lambda: f64,
    theta: f64,
    c0: f64,
    cov: f64,
}

/// f of drain and source, q of four rows, df/dx of 2 x 4, dq/dx of 4 x 4; columns d, g, s, b.
pub const EKV: usize = 2 + 4 + 8 + 16;

impl Ekv {
    pub fn new(theta: f64, lambda: f64, cov: f64) -> Ekv {
        let ut = K_Q * TEMPERATURE;
        let (w, l, cox) = (1e-6, 1e-6, 5e-3);
        Ekv { n: 1.3, vt: 0.5, ut, beta: 1e-4 * w / l, lambda, theta, c0: w * l * cox * ut, cov: cov * w }
    }

    /// ln(1 + exp(x/2)), with its tails.
    fn soft(x: Dual<3>) -> Dual<3> {
        let e = (x.abs() * -0.5).exp();
        let s = if e.v > 1e-6 { (e + 1.0).ln() } else { e * (e * -0.5 + 1.0) };
        if x.v > 0.0 {
            s + x * 0.5
        } else if x.v < -80.0 {
            (-40.0f64).exp() / (x * -0.5 - 39.0)
        } else {
            s
        }
    }

    pub fn run(&self, x: &[[f64; 4]], out: &mut [[f64; EKV]]) {
        for (x, out) in x.iter().zip(out) {
            let [d, g, s, b] = *x;
            let (vgb, vsb, vdb) = (Dual::variable(g - b, 0), Dual::variable(s - b, 1), Dual::variable(d - b, 2));
            let vp = (vgb - self.vt) * (1.0 / self.n);
            let mobility = (vp + (vp * vp + 1e-4).sqrt()) * (0.5 * self.theta) + 1.0;
            let sd = Self::soft((vp - vsb) * (1.0 / self.ut));
            let sx = Self::soft((vp - vdb) * (1.0 / self.ut));
            let (fwd, rev) = (sd * sd, sx * sx);
            let vds = vdb - vsb;
            let ads = (vds * vds + 1e-6).sqrt() - 1e-3;
            let scale = 2.0 * self.n * self.beta * self.ut * self.ut;
            let id = (fwd - rev) * (ads * self.lambda + 1.0) * scale / mobility;
            let al = fwd / ((fwd + 0.25).sqrt() + 0.5);
            let be = rev / ((rev + 0.25).sqrt() + 0.5);
            let sum = al + be + 1.0;
            let per = -self.n * 4.0 / 15.0 / (sum * sum);
            let (a2, b2, ab) = (al * al, be * be, al * be);
            let part = |al: Dual<3>, be: Dual<3>, a2: Dual<3>, b2: Dual<3>| {
                al * 1.25
                    + be * 2.5
                    + a2 * 3.125
                    + b2 * 5.625
                    + ab * 6.25
                    + be * b2 * 3.0
                    + ab * be * 6.0
                    + ab * al * 4.0
                    + a2 * al * 2.0
            };
            let qd = part(al, be, a2, b2) * per;
            let qs = part(be, al, b2, a2) * per;
            let tot = qd + qs;
            let qb = vp * (-(self.n - 1.0) / self.ut) - tot * ((self.n - 1.0) / self.n);
            let qg = -tot - qb;
            let (qg, qd, qs) = (qg * self.c0, qd * self.c0, qs * self.c0);
            let (gd, gs) = ((vgb - vdb) * self.cov, (vgb - vsb) * self.cov);
            let (qg, qd, qs) = (qg + gd + gs, qd - gd, qs - gs);
            let by = |q: Dual<3>| [q.d[2], q.d[0], q.d[1], -(q.d[0] + q.d[1] + q.d[2])];
            let (i, cg, cd, cs) = (by(id), by(qg), by(qd), by(qs));
            let o = out.as_mut_slice();
            o[..6].copy_from_slice(&[id.v, -id.v, qd.v, qg.v, qs.v, -(qd.v + qg.v + qs.v)]);
            for k in 0..4 {
                o[6 + k] = i[k];
                o[10 + k] = -i[k];
                o[14 + k] = cd[k];
                o[18 + k] = cg[k];
                o[22 + k] = cs[k];
                o[26 + k] = -(cd[k] + cg[k] + cs[k]);
            }
        }
    }
}
