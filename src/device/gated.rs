//! The shell of transistors whose gate is a junction (JFET, MESFET): nodes, series resistances, gate junctions,
//! limiting, noise. The channel and the gate charges come from a [`Model`], chosen at compile time.
//!
//! Local nodes: 0 drain, 1 gate, 2 source, drain and source behind their resistances. The channel is evaluated
//! oriented (vds >= 0); polarity is taken out.

use super::junction::{critical_voltage, diode_current, limit_gate, limit_junction};
use super::values::{Values, flicker_of, incomplete};
use super::{
    AnalysisKind, Batch, Binder, DeviceInfo, Env, Group, IterMem, Load, NoiseSource, OpVar, ParamId, Point, Slot,
    Terminal, Unknown, UnknownSpec, Value, Wiring, Wishes,
};
use crate::base::consts;
use crate::diag::Diagnostic;

/// Drain, gate, source.
pub static TERMINALS: &[Terminal] = &[
    Terminal { name: "d", doc: "Drain", optional: false },
    Terminal { name: "g", doc: "Gate", optional: false },
    Terminal { name: "s", doc: "Source", optional: false },
];

/// What is the same in both: numbers of the shell at one temperature.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shell {
    pub temp: f64,
    pub vt: f64,
    /// Gate junction saturation current, A.
    pub is: f64,
    /// Pinch-off voltage, for limiting.
    pub vto: f64,
    /// Series conductances, S; 0 without.
    pub g_drain: f64,
    pub g_source: f64,
    pub kf: f64,
    pub af: f64,
}

/// A gate charge with its derivatives by (vgs, vgd).
#[derive(Clone, Copy, Debug, Default)]
pub struct Charge {
    pub q: f64,
    pub d: [f64; 2],
}

/// What a charge that is a sum along the path keeps of the last accepted point.
#[derive(Clone, Copy, Debug, Default)]
pub struct Path {
    pub is_set: bool,
    pub v: [f64; 2],
    pub q: [f64; 2],
}

/// Equations of one sort of transistor.
pub trait Model: Clone + Send + Sync + 'static {
    fn info() -> &'static DeviceInfo;
    /// Numbers of the instance parameters off, area-independent positions: (ic, icvds, icvgs, off).
    const IC: [ParamId; 4];
    /// Number of devices in parallel.
    const M: ParamId;
    /// Model parameters that decide about nodes.
    const RESISTANCES: [ParamId; 2];

    fn new(model: &Values, polarity: f64, inst: &Values, env: &Env, circuit: f64) -> (Self, Shell);

    /// id, gm, gds for vds >= 0.
    fn channel(&self, vgs: f64, vds: f64) -> [f64; 3];

    /// Charges gate-source and gate-drain. `is_exact`: the derivatives are the capacitances themselves.
    fn charges(&self, vgs: f64, vgd: f64, path: &Path, is_exact: bool) -> [Charge; 2];

    /// Whether `charges` uses the path.
    const HAS_PATH: bool = false;

    /// White noise of the channel, A²/Hz.
    fn channel_noise(&self, temp: f64, vgs: f64, vds: f64, gm: f64) -> f64 {
        let _ = (vgs, vds);
        8.0 / 3.0 * consts::K * temp * gm.abs()
    }
}

#[derive(Clone)]
struct Inst<M> {
    nodes: [Unknown; 3],
    inner: [Unknown; 3],
    slots: [Slot; 9],
    series: [Slot; 6],
    pol: f64,
    core: M,
    shell: Shell,
    vcrit: f64,
    path: Path,
    ic: [Option<f64>; 2],
    model: u32,
    values: Values,
}

/// All instances of one sort.
#[derive(Clone)]
pub struct Fets<M> {
    insts: Vec<Inst<M>>,
    models: Vec<(Values, f64)>,
    env: Env,
}

struct Eval {
    /// Oriented id, gm, gds.
    ch: [f64; 3],
    reversed: bool,
    gs: (f64, f64),
    gd: (f64, f64),
}

impl<M: Model> Fets<M> {
    pub fn build(group: &Group, env: &Env) -> Result<Self, Vec<Diagnostic>> {
        let models: Vec<(Values, f64)> =
            group.models.iter().map(|c| (Values::of_model(c, M::info()), c.polarity)).collect();
        let mut faults = vec![];
        let mut insts = Vec::with_capacity(group.len());
        for inst in group.iter() {
            let (Some(model), &[d, g, s]) = (inst.model_index, inst.nodes) else {
                faults.push(incomplete(&inst));
                continue;
            };
            let values = Values::of_instance(&inst);
            let (mv, pol) = &models[model as usize];
            let (core, shell) = M::new(mv, *pol, &values, env, env.temp);
            let [list, vds, vgs, _] = M::IC;
            let list = match inst.get(list) {
                Some(Value::Vector(v)) => v.to_vec(),
                Some(Value::Num(x)) => vec![*x],
                _ => vec![],
            };
            let ic = [values.given(vds).or(list.first().copied()), values.given(vgs).or(list.get(1).copied())];
            insts.push(Inst {
                nodes: [d, g, s],
                inner: [d, g, s],
                slots: [0; 9],
                series: [0; 6],
                pol: *pol,
                core,
                shell,
                vcrit: critical_voltage(shell.vt, shell.is),
                path: Path::default(),
                ic,
                model,
                values,
            });
        }
        if faults.is_empty() { Ok(Fets { insts, models, env: *env }) } else { Err(faults) }
    }

    /// (vgs, vgd), polarity taken out.
    #[inline]
    fn voltages(t: &Inst<M>, x: &[f64]) -> [f64; 2] {
        let [d, g, s] = t.inner.map(|n| x[n as usize]);
        [t.pol * (g - s), t.pol * (g - d)]
    }

    fn currents(t: &Inst<M>, [vgs, vgd]: [f64; 2], gmin: f64) -> Eval {
        let vds = vgs - vgd;
        let reversed = vds < 0.0;
        let ch = if reversed { t.core.channel(vgd, -vds) } else { t.core.channel(vgs, vds) };
        let diode = |v: f64| {
            let (i, g) = diode_current(v, t.shell.is, t.shell.vt);
            (i + gmin * v, g + gmin)
        };
        Eval { ch, reversed, gs: diode(vgs), gd: diode(vgd) }
    }

    fn limit(t: &Inst<M>, at: &Point, v: [f64; 2], old: &[f64]) -> [f64; 2] {
        if at.is_first_iteration {
            let [vds, vgs] = t.ic;
            if t.values.get(M::IC[3]) == 1.0 {
                return [0.0; 2];
            }
            if vds.is_some() || vgs.is_some() {
                let (vds, vgs) = (t.pol * vds.unwrap_or(0.0), t.pol * vgs.unwrap_or(0.0));
                return [vgs, vgs - vds];
            }
            return [-1.0; 2];
        }
        let s = &t.shell;
        std::array::from_fn(|k| {
            let l = limit_junction(v[k], old[k], s.vt, t.vcrit);
            limit_gate(l, old[k], s.vto)
        })
    }
}

const OP_VARS: &[OpVar] = &[
    OpVar { name: "id", unit: "A", doc: "Drain current times polarity" },
    OpVar { name: "cd", unit: "A", doc: "Drain current times polarity" },
    OpVar { name: "ig", unit: "A", doc: "Gate current times polarity" },
    OpVar { name: "cg", unit: "A", doc: "Gate current times polarity" },
    OpVar { name: "is", unit: "A", doc: "Source current times polarity" },
    OpVar { name: "vgs", unit: "V", doc: "Internal gate-source voltage times polarity" },
    OpVar { name: "vgd", unit: "V", doc: "Internal gate-drain voltage times polarity" },
    OpVar { name: "igd", unit: "A", doc: "Gate-drain junction current" },
    OpVar { name: "gm", unit: "S", doc: "Transconductance" },
    OpVar { name: "gds", unit: "S", doc: "Output conductance" },
    OpVar { name: "ggs", unit: "S", doc: "Gate-source junction conductance" },
    OpVar { name: "ggd", unit: "S", doc: "Gate-drain junction conductance" },
    OpVar { name: "cgs", unit: "F", doc: "Gate-source capacitance" },
    OpVar { name: "cgd", unit: "F", doc: "Gate-drain capacitance" },
    OpVar { name: "p", unit: "W", doc: "Power, series resistances included" },
];

impl<M: Model> Batch for Fets<M> {
    fn len(&self) -> usize {
        self.insts.len()
    }

    fn unknowns(&self) -> Vec<UnknownSpec> {
        let mut out = vec![];
        for (i, t) in self.insts.iter().enumerate() {
            for (g, name) in [(t.shell.g_drain, "drain"), (t.shell.g_source, "source")] {
                if g > 0.0 {
                    out.push(UnknownSpec::node(i, name));
                }
            }
        }
        out
    }

    fn assign(&mut self, binder: &Binder) {
        let mut next = binder.internals.iter().copied();
        for t in &mut self.insts {
            for (k, g) in [(0, t.shell.g_drain), (2, t.shell.g_source)] {
                if g > 0.0 {
                    t.inner[k] = next.next().unwrap_or(t.nodes[k]);
                }
            }
        }
    }

    fn connect(&mut self, w: &mut dyn Wiring) {
        for t in &mut self.insts {
            for r in 0..3 {
                for c in 0..3 {
                    t.slots[3 * r + c] = w.slot(t.inner[r], t.inner[c]);
                }
            }
            for (k, (node, g)) in [(0, t.shell.g_drain), (2, t.shell.g_source)].into_iter().enumerate() {
                if g > 0.0 {
                    let (outer, inner) = (t.nodes[node], t.inner[node]);
                    let s = [w.slot(outer, outer), w.slot(outer, inner), w.slot(inner, outer)];
                    t.series[3 * k..3 * k + 3].copy_from_slice(&s);
                }
            }
        }
    }

    fn set_temperature(&mut self, temp: f64) {
        for t in &mut self.insts {
            let (model, pol) = &self.models[t.model as usize];
            (t.core, t.shell) = M::new(model, *pol, &t.values, &self.env, temp);
            t.vcrit = critical_voltage(t.shell.vt, t.shell.is);
        }
    }

    fn iter_len(&self) -> usize {
        2 * self.insts.len()
    }

    fn eval(&self, at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load) {
        for (t, old) in self.insts.iter().zip(mem.values.chunks_exact_mut(2)) {
            let v = Self::voltages(t, x);
            let mut l = Self::limit(t, at, v, old);
            let mut holds_charge = false;
            if at.is_uic_start && t.ic.iter().any(Option::is_some) {
                let [vds, vgs] = t.ic.map(|v| t.pol * v.unwrap_or(0.0));
                l = [vgs, vgs - vds];
                holds_charge = true;
            }
            mem.limited |= l != v && !holds_charge;
            old.copy_from_slice(&l);
            let e = Self::currents(t, l, at.gmin);
            let [id, gm, gds] = e.ch;
            // Slopes of the current from drain to source by (vgs, vgd).
            let (i, by) = if e.reversed { (-id, [gds, -(gm + gds)]) } else { (id, [gm + gds, -gds]) };
            let [qs, qd] = t.core.charges(l[0], l[1], &t.path, at.is_static || at.hertz > 0.0);
            // Rows: what leaves drain, gate, source; columns: slopes by (vgs, vgd).
            let mut f = [i - e.gd.0, e.gs.0 + e.gd.0, -i - e.gs.0];
            let g = [[by[0], by[1] - e.gd.1], [e.gs.1, e.gd.1], [-by[0] - e.gs.1, -by[1]]];
            let mut q = [-qd.q, qs.q + qd.q, -qs.q];
            let c = [[-qd.d[0], -qd.d[1]], [qs.d[0] + qd.d[0], qs.d[1] + qd.d[1]], [-qs.d[0], -qs.d[1]]];
            let dv = [v[0] - l[0], v[1] - l[1]];
            for r in 0..3 {
                f[r] += g[r][0] * dv[0] + g[r][1] * dv[1];
                if !holds_charge {
                    q[r] += c[r][0] * dv[0] + c[r][1] * dv[1];
                }
                out.f(t.inner[r], t.pol * f[r]);
                out.q(t.inner[r], t.pol * q[r]);
                out.g(t.slots[3 * r], -g[r][1]);
                out.g(t.slots[3 * r + 1], g[r][0] + g[r][1]);
                out.g(t.slots[3 * r + 2], -g[r][0]);
                out.c(t.slots[3 * r], -c[r][1]);
                out.c(t.slots[3 * r + 1], c[r][0] + c[r][1]);
                out.c(t.slots[3 * r + 2], -c[r][0]);
            }
            for (k, (node, gs)) in [(0, t.shell.g_drain), (2, t.shell.g_source)].into_iter().enumerate() {
                if gs > 0.0 {
                    let (outer, inner) = (t.nodes[node], t.inner[node]);
                    let i = gs * (x[outer as usize] - x[inner as usize]);
                    out.f(outer, i);
                    out.f(inner, -i);
                    out.g(t.series[3 * k], gs);
                    out.g(t.series[3 * k + 1], -gs);
                    out.g(t.series[3 * k + 2], -gs);
                    out.g(t.slots[4 * node], gs);
                }
            }
        }
    }

    fn begin(&mut self, _kind: AnalysisKind) {
        self.insts.iter_mut().for_each(|t| t.path = Path::default());
    }

    fn accept(&mut self, _at: &Point, x: &[f64]) -> Wishes {
        if M::HAS_PATH {
            for t in &mut self.insts {
                let v = Self::voltages(t, x);
                let [s, d] = t.core.charges(v[0], v[1], &t.path, true);
                t.path = Path { is_set: true, v, q: [s.q, d.q] };
            }
        }
        Wishes::default()
    }

    fn noise(&self, at: &Point, x: &[f64], out: &mut Vec<NoiseSource>) {
        for (k, t) in self.insts.iter().enumerate() {
            let s = &t.shell;
            let mut add = |name, p, n, white, flicker| {
                out.push(NoiseSource { instance: k as u32, name, p, n, white, flicker, exponent: 1.0, spectrum: None });
            };
            let four_kt = 4.0 * consts::K * s.temp;
            if s.g_drain > 0.0 {
                add("rd", t.nodes[0], t.inner[0], four_kt * s.g_drain, 0.0);
            }
            if s.g_source > 0.0 {
                add("rs", t.nodes[2], t.inner[2], four_kt * s.g_source, 0.0);
            }
            let v = Self::voltages(t, x);
            let e = Self::currents(t, v, at.gmin);
            let vds = v[0] - v[1];
            let vg = if e.reversed { v[1] } else { v[0] };
            let white = t.core.channel_noise(s.temp, vg, vds.abs(), e.ch[1]);
            add("id", t.inner[0], t.inner[2], white, 0.0);
            let flicker = flicker_of(t.values.get(M::M), s.kf, s.af, e.ch[0]);
            add("1overf", t.inner[0], t.inner[2], 0.0, flicker);
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        OP_VARS
    }

    fn op_values(&self, instance: usize, at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let t = &self.insts[instance];
        let v = Self::voltages(t, x);
        let e = Self::currents(t, v, at.gmin);
        let [i, gm, gds] = e.ch;
        let id = if e.reversed { -i } else { i } - e.gd.0;
        let ig = e.gs.0 + e.gd.0;
        let [qs, qd] = t.core.charges(v[0], v[1], &t.path, true);
        let node = |k: usize| t.pol * x[t.nodes[k] as usize];
        let power = id * node(0) + ig * node(1) - (id + ig) * node(2);
        let values = [id, id, ig, ig, -id - ig, v[0], v[1], e.gd.0, gm, gds, e.gs.1, e.gd.1, qs.d[0], qd.d[1], power];
        for (o, value) in out.iter_mut().zip(values) {
            *o = value;
        }
    }

    fn initial_conditions(&self, out: &mut Vec<(Unknown, Unknown, f64)>) {
        for t in &self.insts {
            let [d, g, s] = t.inner;
            out.extend(t.ic[0].map(|v| (d, s, v)));
            out.extend(t.ic[1].map(|v| (g, s, v)));
        }
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        !M::IC[..3].contains(&id) && self.insts.get_mut(instance).is_some_and(|t| t.values.set(id, value))
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        self.insts.get(instance)?.values.read(id)
    }

    fn set_model_param(&mut self, model: usize, id: ParamId, value: f64) -> bool {
        !M::RESISTANCES.contains(&id) && self.models.get_mut(model).is_some_and(|(m, _)| m.set(id, value))
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
