//! The transistor around the channel: nodes, bulk junctions, capacitances, limiting, noise.
//!
//! The channel is evaluated *oriented*: for vds < 0 drain and source change places, so that a level sees vds >= 0
//! only. Local nodes are 0 drain, 1 gate, 2 source (both behind their resistances), 3 bulk; voltages are
//! multiplied by the polarity (+1 nmos, -1 pmos), currents and charges too, derivatives then by 1.

use rayon::prelude::*;

pub use super::common::{Common, ModelBase};
use super::meyer::{Meyer, Path, meyer};
use super::params::{self, common as mp};
use super::stamp::{At, Stamp};
use super::ward;
use crate::base::consts;
use crate::device::junction::{diode_current, limit_drain, limit_gate, limit_junction};
use crate::device::resting::{self, Added, Connection, Memory, Resting};
use crate::device::rounds::{GRAIN, PARALLEL_FROM, Rounds};
use crate::device::values::{Values, flicker_of, incomplete};
use crate::device::{
    Alone, AnalysisKind, Batch, Binder, DeviceInfo, Env, Group, IterMem, Load, NoiseSource, OpVar, ParamId, Point,
    Slot, Unknown, UnknownSpec, Value, Wiring, Wishes,
};
use crate::diag::{Diagnostic, codes};

/// What a level says about the channel at one (vgs, vds >= 0, vbs).
#[derive(Clone, Copy, Debug, Default)]
pub struct Channel {
    pub id: f64,
    pub gm: f64,
    pub gds: f64,
    pub gmb: f64,
    pub von: f64,
    pub vdsat: f64,
    /// Derivatives by (vgs, vds, vbs).
    pub dvon: [f64; 3],
    pub dvdsat: [f64; 3],
}

/// What distinguishes a level.
pub trait Level: Send + Sync + 'static {
    type Params: Clone + Send + Sync + Default;

    fn info() -> &'static DeviceInfo;

    /// Effective length and width.
    fn geometry(model: &Values, l: f64, w: f64) -> (f64, f64) {
        (l - 2.0 * model.get(mp::LD), w)
    }

    /// Intrinsic density of silicon at `t` in K, 1/m³: a constant in levels 1 and 2.
    fn intrinsic_density(_t: f64) -> f64 {
        super::common::NI
    }

    /// Shift of the threshold voltage by a parameter.
    fn shift(_model: &Values) -> f64 {
        0.0
    }

    fn params(model: &Values, base: &ModelBase, common: &Common) -> Self::Params;

    fn channel(c: &Common, p: &Self::Params, vgs: f64, vds: f64, vbs: f64) -> Channel;
}

#[derive(Clone)]
struct Inst<P> {
    /// d, g, s, b as given; then drain and source behind their resistances.
    nodes: [Unknown; 4],
    inner: [Unknown; 4],
    /// Local 4x4, row by row.
    slots: [Slot; 16],
    /// Those of them that are not ground's: place in the 4x4, slot.
    wired: [(u8, Slot); 16],
    wires: u8,
    /// Bulk and source are one node: its entries are summed before they are written.
    is_tied: bool,
    /// (d,d) (d,di) (di,d) and the same for the source.
    series: [Slot; 6],
    pol: f64,
    common: Common,
    level: P,
    path: Path,
    /// `path` has begun.
    has_path: bool,
    is_off: bool,
    /// vds, vgs, vbs of `ic`.
    ic: [Option<f64>; 3],
    model: u32,
    values: Values,
}

impl<P> Inst<P> {
    fn is_meyer(&self) -> bool {
        self.common.cox > 0.0 && self.common.xqc < 0.0
    }

    /// Local row, column and slot of each entry.
    fn wires(&self) -> Vec<(u8, Unknown, Slot)> {
        let wired = self.wired[..self.wires as usize].iter();
        wired.map(|&(local, slot)| (local / 4, self.inner[local as usize % 4], slot)).collect()
    }
}

/// All transistors of one level.
pub struct Mosfets<L: Level> {
    insts: Vec<Inst<L::Params>>,
    models: Vec<(Values, ModelBase)>,
    env: Env,
    /// Up to four rows, the 4x4 of entries, and (vgs, vds, vbs).
    memory: Memory<4, 16, 3>,
    /// Instances with a resistance at drain or source.
    with_series: Vec<u32>,
    has_meyer: bool,
    rounds: Rounds<Fresh>,
}

impl<L: Level> Clone for Mosfets<L> {
    fn clone(&self) -> Self {
        Mosfets {
            insts: self.insts.clone(),
            models: self.models.clone(),
            env: self.env,
            memory: self.memory.clone(),
            with_series: self.with_series.clone(),
            has_meyer: self.has_meyer,
            rounds: self.rounds.clone(),
        }
    }
}

/// A new evaluation of a transistor.
#[derive(Clone, Copy, Default)]
struct Fresh {
    /// What it adds at x.
    stamp: Stamp,
    von: f64,
    /// (vgs, vds, vbs) where it was evaluated.
    at: [f64; 3],
    limited: bool,
}

/// Channel, orientation and capacitances at one bias.
struct Bias {
    ch: Channel,
    reversed: bool,
    /// Oriented voltages.
    v: [f64; 3],
}

impl<L: Level> Mosfets<L> {
    pub fn build(group: &Group, env: &Env) -> Result<Self, Vec<Diagnostic>> {
        let mut faults = vec![];
        let models: Vec<(Values, ModelBase)> = group
            .models
            .iter()
            .map(|card| {
                let values = Values::of_model(card, L::info());
                if values.given(mp::NSUB).is_some_and(|n| n * 1e6 <= super::common::NI) {
                    faults.push(
                        Diagnostic::error(
                            codes::device::BAD_DOPING,
                            format!("nsub of model `{}` is below the intrinsic density", card.name),
                        )
                        .at(card.span, format!("nsub = {:e} 1/cm³", values.get(mp::NSUB)))
                        .help("substrate dopings lie between 1e14 and 1e18 1/cm³"),
                    );
                }
                let base = ModelBase::new(&values, card.polarity, env, L::intrinsic_density);
                (values, base)
            })
            .collect();
        let mut insts = Vec::with_capacity(group.len());
        for inst in group.iter() {
            let (Some(model), &[d, g, s, b]) = (inst.model_index, inst.nodes) else {
                faults.push(incomplete(&inst));
                continue;
            };
            let values = Values::of_instance(&inst);
            let (mv, base) = &models[model as usize];
            let (l, w) = (values.or(params::L, env.defl), values.or(params::W, env.defw));
            let (leff, weff) = L::geometry(mv, l, w);
            if !(leff > 0.0 && weff > 0.0) {
                faults.push(
                    Diagnostic::error(codes::device::BAD_MOS_GEOMETRY, "the effective channel is not positive")
                        .at(inst.span, format!("l = {l:e} m and w = {w:e} m leave {leff:e} m by {weff:e} m")),
                );
                continue;
            }
            let list = match inst.get(params::IC) {
                Some(Value::Vector(v)) => v.to_vec(),
                Some(Value::Num(x)) => vec![*x],
                _ => vec![],
            };
            let ic = [params::ICVDS, params::ICVGS, params::ICVBS];
            let ic = std::array::from_fn(|k| values.given(ic[k]).or(list.get(k).copied()));
            let mut new = Inst {
                nodes: [d, g, s, b],
                inner: [d, g, s, b],
                slots: [0; 16],
                wired: [(0, 0); 16],
                wires: 0,
                is_tied: false,
                series: [0; 6],
                pol: base.pol,
                common: Common::default(),
                level: L::Params::default(),
                path: Path::default(),
                has_path: false,
                is_off: inst.flag(params::OFF),
                ic,
                model,
                values,
            };
            Self::prepare(&mut new, mv, base, env, env.temp);
            insts.push(new);
        }
        if faults.is_empty() {
            Ok(Mosfets {
                has_meyer: insts.iter().any(Inst::is_meyer),
                insts,
                models,
                env: *env,
                memory: Memory::default(),
                with_series: vec![],
                rounds: Rounds::default(),
            })
        } else {
            Err(faults)
        }
    }

    fn prepare(inst: &mut Inst<L::Params>, model: &Values, base: &ModelBase, env: &Env, temp: f64) {
        let l = inst.values.or(params::L, env.defl);
        let w = inst.values.or(params::W, env.defw);
        let size = L::geometry(model, l, w);
        inst.common = Common::new(model, base, &inst.values, env, temp, size, L::shift(model));
        inst.level = L::params(model, base, &inst.common);
        (inst.path, inst.has_path) = (Path::default(), false);
    }

    /// (vgs, vds, vbs) with the polarity taken out.
    #[inline]
    fn voltages(t: &Inst<L::Params>, x: &[f64]) -> [f64; 3] {
        let [d, g, s, b] = t.inner;
        let (vd, vg, vs, vb) = (x[d as usize], x[g as usize], x[s as usize], x[b as usize]);
        [t.pol * (vg - vs), t.pol * (vd - vs), t.pol * (vb - vs)]
    }

    #[inline]
    fn bias(t: &Inst<L::Params>, [vgs, vds, vbs]: [f64; 3]) -> Bias {
        let reversed = vds < 0.0;
        let v = if reversed { [vgs - vds, -vds, vbs - vds] } else { [vgs, vds, vbs] };
        Bias { ch: L::channel(&t.common, &t.level, v[0], v[1], v[2]), reversed, v }
    }

    /// Meyer's capacitances, with derivatives by the oriented voltages.
    #[inline]
    fn meyer(t: &Inst<L::Params>, b: &Bias) -> Meyer {
        let c = &t.common;
        let m = meyer(c.cox, c.phi, b.v[0], b.v[1], (b.ch.von, b.ch.dvon), (b.ch.vdsat, b.ch.dvdsat));
        if b.reversed { Meyer { gs: m.gd, gd: m.gs, dgs: m.dgd, dgd: m.dgs, ..m } } else { m }
    }

    /// What the transistor adds where it is evaluated, its turn-on voltage, and the voltages of the evaluation.
    #[inline(always)]
    fn evaluate(t: &Inst<L::Params>, at: &Point, v: [f64; 3], old: &[f64]) -> (Stamp, f64, [f64; 3]) {
        let c = &t.common;
        let l = Self::limit(t, at, v, old);
        let b = Self::bias(t, l);
        let place = At { v: l, reversed: b.reversed };
        let mut s = Stamp::new(c, &b.ch, &place, at.gmin);
        if c.cox > 0.0 && c.xqc < 0.0 {
            s.meyer(c, &Self::meyer(t, &b), &t.path, &place, at);
        } else {
            s.overlap(c, &place);
            if c.cox > 0.0 {
                s.ward(c, b.v, b.reversed);
            }
        }
        (s, b.ch.von, l)
    }

    /// Whether an evaluation elsewhere means that the iterate is no solution; given initial voltages do not.
    fn is_limited(t: &Inst<L::Params>, at: &Point) -> bool {
        !(at.is_uic_start && t.ic.iter().any(Option::is_some))
    }

    /// What the transistor adds at `x`, wherever it has to be evaluated.
    #[inline(always)]
    fn fresh(t: &Inst<L::Params>, at: &Point, x: &[f64], old: &[f64]) -> Fresh {
        let v = Self::voltages(t, x);
        let (mut stamp, von, l) = Self::evaluate(t, at, v, old);
        if l != v {
            stamp.extrapolate([v[0] - l[0], v[1] - l[1], v[2] - l[2]]);
        }
        Fresh { stamp, von, at: l, limited: l != v && Self::is_limited(t, at) }
    }

    /// Evaluates the transistors that have moved and adds them all.
    fn eval_moved(&self, at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load) {
        let mut rest = self.memory.lock();
        let n = rest.look(at, x);
        self.rounds.each(
            (n, 1),
            &mut (&mut *rest, &mut *mem),
            |(rest, mem), k| {
                let i = rest.moved(k);
                Self::fresh(&self.insts[i], at, x, &mem.values[4 * i..4 * i + 4])
            },
            |(rest, mem), k, new| {
                let i = rest.moved(k);
                Self::replace(rest, &self.insts[i], i, new, x, mem);
            },
        );
        rest.add(x, out);
        for &i in &self.with_series {
            Self::add_series(&self.insts[i as usize], x, out);
        }
        mem.reused = self.insts.len() - n;
    }

    /// A new evaluation takes the place of the last.
    #[inline(always)]
    fn replace(rest: &mut Resting<4, 16, 3>, t: &Inst<L::Params>, i: usize, new: &Fresh, x: &[f64], mem: &mut IterMem) {
        let [vgs, vds, vbs] = new.at;
        mem.values[4 * i..4 * i + 4].copy_from_slice(&[vgs, vds, vbs, new.von]);
        mem.limited |= new.limited;
        let mut s = new.stamp;
        if t.is_tied {
            s.tie();
        }
        let (mut g, mut c) = ([0.0; 16], [0.0; 16]);
        let (all_g, all_c) = (s.g.as_flattened(), s.c.as_flattened());
        for (&(local, _), (g, c)) in t.wired[..t.wires as usize].iter().zip(g.iter_mut().zip(&mut c)) {
            let local = local as usize & 15;
            (*g, *c) = (all_g[local], all_c[local]);
        }
        let p = t.pol;
        let (f, q) = (s.f.map(|f| p * f), s.q.map(|q| p * q));
        rest.replace(i, [p * vgs, p * vds, p * vbs], x, &Added { f: &f, q: &q, g: &g, c: &c });
    }

    /// A new evaluation is what the system gets and what the next one is limited against.
    #[inline(always)]
    fn take(&self, i: usize, new: &Fresh, x: &[f64], mem: &mut IterMem, out: &mut Load) {
        mem.values[4 * i..4 * i + 4].copy_from_slice(&[new.at[0], new.at[1], new.at[2], new.von]);
        mem.limited |= new.limited;
        Self::add(&self.insts[i], new.stamp, x, out);
    }

    /// Adds a transistor to the system.
    #[inline(always)]
    fn add(t: &Inst<L::Params>, mut s: Stamp, x: &[f64], out: &mut Load) {
        if t.is_tied {
            s.tie();
        }
        for r in 0..if t.is_tied { 3 } else { 4 } {
            out.f(t.inner[r], t.pol * s.f[r]);
            out.q(t.inner[r], t.pol * s.q[r]);
        }
        let (g, cc) = (s.g.as_flattened(), s.c.as_flattened());
        for &(local, slot) in &t.wired[..t.wires as usize] {
            let local = local as usize & 15;
            out.g(slot, g[local]);
            out.c(slot, cc[local]);
        }
        Self::add_series(t, x, out);
    }

    #[inline(always)]
    fn add_series(t: &Inst<L::Params>, x: &[f64], out: &mut Load) {
        for (k, (node, gs)) in [(0, t.common.g_drain), (2, t.common.g_source)].into_iter().enumerate() {
            if gs > 0.0 {
                let (outer, inner) = (t.nodes[node], t.inner[node]);
                let i = gs * (x[outer as usize] - x[inner as usize]);
                out.f(outer, i);
                out.f(inner, -i);
                out.g(t.series[3 * k], gs);
                out.g(t.series[3 * k + 1], -gs);
                out.g(t.series[3 * k + 2], -gs);
                out.g(t.slots[5 * node], gs);
            }
        }
    }

    /// The voltages to evaluate at: limited, or those of the start.
    #[inline]
    fn limit(t: &Inst<L::Params>, at: &Point, v: [f64; 3], old: &[f64]) -> [f64; 3] {
        let c = &t.common;
        if at.is_first_iteration {
            if t.is_off {
                return [0.0; 3];
            }
            let [vds, vgs, vbs] = t.ic;
            if vds.is_some() || vgs.is_some() || vbs.is_some() {
                return [vgs, vds, vbs].map(|v| t.pol * v.unwrap_or(0.0));
            }
            return [c.vto, 0.0, -1.0];
        }
        let [mut vgs, mut vds, mut vbs] = v;
        let (old_vgs, old_vds, old_vbs, von) = (old[0], old[1], old[2], old[3]);
        // Steps of a quarter of a volt are never limited, except into a junction.
        let is_small = (vgs - old_vgs).abs().max((vds - old_vds).abs()).max((vbs - old_vbs).abs()) <= 0.25;
        if is_small && vbs <= c.vcrit_s && vbs - vds <= c.vcrit_d {
            return v;
        }
        let mut vgd = vgs - vds;
        if old_vds >= 0.0 {
            vgs = limit_gate(vgs, old_vgs, von);
            vds = limit_drain(vgs - vgd, old_vds);
        } else {
            vgd = limit_gate(vgd, old_vgs - old_vds, von);
            vds = -limit_drain(vgd - vgs, -old_vds);
            vgs = vgd + vds;
        }
        if vds >= 0.0 {
            vbs = limit_junction(vbs, old_vbs, c.vt, c.vcrit_s);
        } else {
            vbs = limit_junction(vbs - vds, old_vbs - old_vds, c.vt, c.vcrit_d) + vds;
        }
        // Where nothing was limited the sums above may still have rounded.
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-13 * (1.0 + b.abs());
        if near(vgs, v[0]) && near(vds, v[1]) && near(vbs, v[2]) { v } else { [vgs, vds, vbs] }
    }
}

const OP_VARS: &[OpVar] = &[
    OpVar { name: "id", unit: "A", doc: "Drain current, positive when on for either polarity" },
    OpVar { name: "is", unit: "A", doc: "Source current" },
    OpVar { name: "ig", unit: "A", doc: "Gate current" },
    OpVar { name: "ib", unit: "A", doc: "Bulk current" },
    OpVar { name: "ibd", unit: "A", doc: "Bulk-drain junction current" },
    OpVar { name: "ibs", unit: "A", doc: "Bulk-source junction current" },
    OpVar { name: "vgs", unit: "V", doc: "Gate-source voltage times polarity" },
    OpVar { name: "vds", unit: "V", doc: "Drain-source voltage times polarity" },
    OpVar { name: "vbs", unit: "V", doc: "Bulk-source voltage times polarity" },
    OpVar { name: "vbd", unit: "V", doc: "Bulk-drain voltage times polarity" },
    OpVar { name: "von", unit: "V", doc: "Turn-on voltage" },
    OpVar { name: "vdsat", unit: "V", doc: "Saturation voltage" },
    OpVar { name: "gm", unit: "S", doc: "Transconductance" },
    OpVar { name: "gds", unit: "S", doc: "Output conductance" },
    OpVar { name: "gmb", unit: "S", doc: "Bulk transconductance" },
    OpVar { name: "gmbs", unit: "S", doc: "Bulk transconductance" },
    OpVar { name: "gbd", unit: "S", doc: "Bulk-drain conductance" },
    OpVar { name: "gbs", unit: "S", doc: "Bulk-source conductance" },
    OpVar { name: "cbd", unit: "F", doc: "Bulk-drain capacitance" },
    OpVar { name: "cbs", unit: "F", doc: "Bulk-source capacitance" },
    OpVar { name: "cgs", unit: "F", doc: "Gate-source capacitance, overlap included" },
    OpVar { name: "cgd", unit: "F", doc: "Gate-drain capacitance, overlap included" },
    OpVar { name: "cgb", unit: "F", doc: "Gate-bulk capacitance, overlap included" },
    OpVar { name: "rd", unit: "Ω", doc: "Drain resistance" },
    OpVar { name: "rs", unit: "Ω", doc: "Source resistance" },
    OpVar { name: "p", unit: "W", doc: "Power, series resistances included" },
];

impl<L: Level> Alone for Mosfets<L> {
    fn eval_these(&self, which: &[u32], at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load) {
        for i in which.iter().map(|i| *i as usize) {
            let new = Self::fresh(&self.insts[i], at, x, &mem.values[4 * i..4 * i + 4]);
            self.take(i, &new, x, mem, out);
        }
    }
}

impl<L: Level> Batch for Mosfets<L> {
    fn len(&self) -> usize {
        self.insts.len()
    }

    fn unknowns(&self) -> Vec<UnknownSpec> {
        let mut out = vec![];
        for (i, t) in self.insts.iter().enumerate() {
            if t.common.g_drain > 0.0 {
                out.push(UnknownSpec::node(i, "drain"));
            }
            if t.common.g_source > 0.0 {
                out.push(UnknownSpec::node(i, "source"));
            }
        }
        out
    }

    fn assign(&mut self, binder: &Binder) {
        let mut next = binder.internals.iter().copied();
        for t in &mut self.insts {
            if t.common.g_drain > 0.0 {
                t.inner[0] = next.next().unwrap_or(t.nodes[0]);
            }
            if t.common.g_source > 0.0 {
                t.inner[2] = next.next().unwrap_or(t.nodes[2]);
            }
        }
    }

    fn connect(&mut self, w: &mut dyn Wiring) {
        for t in &mut self.insts {
            for r in 0..4 {
                for c in 0..4 {
                    t.slots[4 * r + c] = w.slot(t.inner[r], t.inner[c]);
                }
            }
            t.wires = 0;
            t.is_tied = t.inner[2] == t.inner[3];
            let is_wired = |local: usize| !t.is_tied || (local < 12 && local % 4 < 3);
            for (local, &slot) in t.slots.iter().enumerate().filter(|(l, s)| **s != 0 && is_wired(*l)) {
                t.wired[t.wires as usize] = (local as u8, slot);
                t.wires += 1;
            }
            for (k, (at, g)) in [(0, t.common.g_drain), (2, t.common.g_source)].into_iter().enumerate() {
                if g > 0.0 {
                    let (outer, inner) = (t.nodes[at], t.inner[at]);
                    let s = [w.slot(outer, outer), w.slot(outer, inner), w.slot(inner, outer)];
                    t.series[3 * k..3 * k + 3].copy_from_slice(&s);
                }
            }
        }
        self.rounds = Rounds::new(self.insts.len(), Fresh::default());
        let has_series = |t: &Inst<L::Params>| t.common.g_drain > 0.0 || t.common.g_source > 0.0;
        let series = self.insts.iter().enumerate().filter(|(_, t)| has_series(t));
        self.with_series = series.map(|(i, _)| i as u32).collect();
        let wires: Vec<Vec<_>> = self.insts.iter().map(Inst::wires).collect();
        self.memory = Memory::new(Resting::new(self.insts.iter().zip(&wires).map(|(t, wires)| {
            let [d, g, s, b] = t.inner;
            let rows = &t.inner[..if t.is_tied { 3 } else { 4 }];
            Connection { pairs: [(g, s), (d, s), (b, s)], rows, wires }
        })));
    }

    fn begin(&mut self, _kind: AnalysisKind) {
        self.memory.get_mut().forget();
        self.insts.iter_mut().for_each(|t| t.has_path = false);
    }

    fn set_temperature(&mut self, temp: f64) {
        // What was kept belongs to the parameters of before.
        self.memory.get_mut().forget();
        for (values, base) in &mut self.models {
            *base = ModelBase::new(values, base.pol, &self.env, L::intrinsic_density);
        }
        for t in &mut self.insts {
            let (values, base) = &self.models[t.model as usize];
            Self::prepare(t, values, base, &self.env, temp);
        }
        self.has_meyer = self.insts.iter().any(Inst::is_meyer);
    }

    fn iter_len(&self) -> usize {
        4 * self.insts.len()
    }

    fn alone(&self) -> Option<&dyn Alone> {
        // Meyer's charges depend on the way.
        if self.has_meyer { None } else { Some(self) }
    }

    fn eval(&self, at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load) {
        if resting::is_on(at) {
            return self.eval_moved(at, x, mem, out);
        }
        self.rounds.each(
            (self.insts.len(), 1),
            mem,
            |mem, i| Self::fresh(&self.insts[i], at, x, &mem.values[4 * i..4 * i + 4]),
            |mem, i, new| self.take(i, new, x, mem, out),
        );
    }

    fn accept(&mut self, at: &Point, x: &[f64]) -> Wishes {
        let may_rest = resting::is_on(at);
        let commit = |t: &mut Inst<L::Params>| {
            if !(t.common.cox > 0.0 && t.common.xqc < 0.0) {
                return false;
            }
            let v = Self::voltages(t, x);
            let gate = [v[0], v[0] - v[1], v[0] - v[2]];
            let near = |(a, b): (&f64, &f64)| (a - b).abs() <= at.quiet;
            // One long piece of the path later is as good as two short ones.
            if may_rest && t.has_path && gate.iter().zip(&t.path.v).all(near) {
                return false;
            }
            let m = Self::meyer(t, &Self::bias(t, v));
            t.path.commit(gate, [m.gs, m.gd, m.gb]);
            t.has_path = true;
            true
        };
        // A transistor that rested was near its path when it was evaluated last, and is so now.
        let insts = &mut self.insts;
        let rest = self.memory.get_mut();
        match rest.touched() {
            Some(touched) if may_rest => {
                for k in 0..touched {
                    rest.commit(k, |i| commit(&mut insts[i]));
                }
            }
            _ => {
                if insts.len() >= PARALLEL_FROM {
                    insts.par_iter_mut().with_min_len(GRAIN).for_each(|t| _ = commit(t));
                } else {
                    insts.iter_mut().for_each(|t| _ = commit(t));
                }
                rest.forget();
            }
        }
        rest.accept();
        Wishes::default()
    }

    fn noise(&self, _at: &Point, x: &[f64], out: &mut Vec<NoiseSource>) {
        for (k, t) in self.insts.iter().enumerate() {
            let c = &t.common;
            let mut add = |name, p, n, white, flicker| {
                out.push(NoiseSource { instance: k as u32, name, p, n, white, flicker, exponent: 1.0, spectrum: None });
            };
            let four_kt = 4.0 * consts::K * c.temp;
            if c.g_drain > 0.0 {
                add("rd", t.nodes[0], t.inner[0], four_kt * c.g_drain, 0.0);
            }
            if c.g_source > 0.0 {
                add("rs", t.nodes[2], t.inner[2], four_kt * c.g_source, 0.0);
            }
            let ch = Self::bias(t, Self::voltages(t, x)).ch;
            let (d, s) = (t.inner[0], t.inner[2]);
            add("id", d, s, four_kt * 2.0 / 3.0 * ch.gm.abs(), 0.0);
            let (model, base) = &self.models[t.model as usize];
            let (kf, af) = (model.get(mp::KF), model.get(mp::AF));
            // Without an oxide thickness SPICE takes 100 nm here.
            let cox = if base.cox > 0.0 { base.cox } else { super::common::EPS_OX / 1e-7 };
            // m transistors of this area, each with its share of the current.
            let area = c.weff * c.leff;
            let current = || flicker_of(c.mult, kf, af, ch.id);
            let flicker = match model.given(mp::NLEV) {
                _ if kf == 0.0 => 0.0,
                None => current() / (area * cox * cox),
                Some(0.0) => current() / (cox * c.leff * c.leff),
                Some(1.0) => current() / (cox * area),
                Some(_) => flicker_of(c.mult, kf, 2.0, ch.gm) / (cox * area),
            };
            add("1overf", d, s, 0.0, flicker);
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        OP_VARS
    }

    fn op_values(&self, instance: usize, at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let t = &self.insts[instance];
        let c = &t.common;
        let v = Self::voltages(t, x);
        let (vgs, vds, vbs) = (v[0], v[1], v[2]);
        let vbd = vbs - vds;
        let b = Self::bias(t, v);
        let (ibs, gbs) = diode_current(vbs, c.is_s, c.vt);
        let (ibd, gbd) = diode_current(vbd, c.is_d, c.vt);
        let (ibs, ibd) = (ibs + at.gmin * vbs, ibd + at.gmin * vbd);
        let (gbs, gbd) = (gbs + at.gmin, gbd + at.gmin);
        let id = if b.reversed { -b.ch.id } else { b.ch.id } - ibd;
        let cap = if c.xqc < 0.0 {
            let m = Self::meyer(t, &b);
            [m.gs, m.gd, m.gb]
        } else {
            let [qg, ..] = ward::charges(c.cox, c.vbi - c.phi, c.phi, c.gamma, c.xqc, b.v);
            let (d, s, bulk) = (-qg.d[1], qg.d[0] + qg.d[1] + qg.d[2], -qg.d[2]);
            if b.reversed { [d, s, bulk] } else { [s, d, bulk] }
        };
        let inverse = |g: f64| if g > 0.0 { 1.0 / g } else { 0.0 };
        let node = |k: usize| t.pol * x[t.nodes[k] as usize];
        let is = -id - ibd - ibs;
        let power = id * node(0) + is * node(2) + (ibd + ibs) * node(3);
        let values = [
            id,
            is,
            0.0,
            ibd + ibs,
            ibd,
            ibs,
            vgs,
            vds,
            vbs,
            vbd,
            t.pol * b.ch.von,
            t.pol * b.ch.vdsat,
            b.ch.gm,
            b.ch.gds,
            b.ch.gmb,
            b.ch.gmb,
            gbd,
            gbs,
            c.drain[0].at(vbd).1 + c.drain[1].at(vbd).1,
            c.source[0].at(vbs).1 + c.source[1].at(vbs).1,
            cap[0] + c.cgso,
            cap[1] + c.cgdo,
            cap[2] + c.cgbo,
            inverse(c.g_drain),
            inverse(c.g_source),
            power,
        ];
        for (o, value) in out.iter_mut().zip(values) {
            *o = value;
        }
    }

    fn initial_conditions(&self, out: &mut Vec<(Unknown, Unknown, f64)>) {
        for t in &self.insts {
            let [d, g, s, b] = t.inner;
            for (node, v) in [d, g, b].into_iter().zip(t.ic) {
                out.extend(v.map(|v| (node, s, v)));
            }
        }
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        // Squares may create or remove a series resistance; initial voltages are read once.
        let fixed = [params::NRD, params::NRS, params::IC, params::ICVDS, params::ICVGS, params::ICVBS, params::OFF];
        let positive = id != params::L && id != params::W;
        let Some(t) = self.insts.get_mut(instance) else { return false };
        if fixed.contains(&id) {
            return false;
        }
        if !positive {
            let (model, _) = &self.models[t.model as usize];
            let l = if id == params::L { value } else { t.values.or(params::L, self.env.defl) };
            let w = if id == params::W { value } else { t.values.or(params::W, self.env.defw) };
            let (leff, weff) = L::geometry(model, l, w);
            if !(leff > 0.0 && weff > 0.0) {
                return false;
            }
        }
        t.values.set(id, value)
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        let v = &self.insts.get(instance)?.values;
        match id {
            params::L => Some(v.or(id, self.env.defl)),
            params::W => Some(v.or(id, self.env.defw)),
            params::AD => Some(v.or(id, self.env.defad)),
            params::AS => Some(v.or(id, self.env.defas)),
            _ => v.read(id),
        }
    }

    fn set_model_param(&mut self, model: usize, id: ParamId, value: f64) -> bool {
        // Resistances decide about unknowns, dopings and lengths need their checks: the simulation is rebuilt.
        let rebuild = [mp::RD, mp::RS, mp::RSH, mp::NSUB, mp::LD];
        let common = (id as usize) < params::common::MODEL.len();
        match self.models.get_mut(model) {
            Some((values, _)) if common && !rebuild.contains(&id) => values.set(id, value),
            _ => false,
        }
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
