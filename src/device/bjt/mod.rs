//! The bipolar transistor of SPICE: Gummel and Poon's integral charge control model with Kull's quasi-saturation.
//!
//! Nodes: collector, base, emitter, substrate; behind their resistances `cx` (collector lead), `ci` (collector junction,
//! behind the epi layer of quasi-saturation), `bi`, `ei`. A node whose resistance is zero is the one outside.
//! Excess phase (`ptf`) has two states of its own ([`phase`]).

use crate::base::consts;
use crate::device::junction::limit_junction;
use crate::device::resting::{self, Added, Connection, Memory, Resting};
use crate::device::rounds::Rounds;
use crate::device::values::{Values, flicker_of, incomplete};
use crate::device::{
    AcLoad, AnalysisKind, Batch, Binder, DeviceInfo, DeviceType, Env, Group, IterMem, Load, NoiseSource, OpVar,
    ParamId, Point, Slot, Terminal, Unknown, UnknownSpec, Value, Wiring,
};
use crate::diag::Diagnostic;

mod core;
#[cfg(test)]
#[rustfmt::skip]
mod golden;
mod op;
pub mod params;
mod phase;
#[cfg(test)]
mod tests;

use self::core::Core;
use self::params::model as mp;
use self::phase::Phase;

static INFO: DeviceInfo = DeviceInfo {
    name: "bjt",
    letter: 'q',
    model_types: &[("npn", 1.0), ("pnp", -1.0)],
    levels: &[1],
    model_required: true,
    terminals: &[
        Terminal { name: "c", doc: "Collector", optional: false },
        Terminal { name: "b", doc: "Base", optional: false },
        Terminal { name: "e", doc: "Emitter", optional: false },
        Terminal { name: "s", doc: "Substrate", optional: true },
    ],
    instance: params::INSTANCE,
    model: params::model::MODEL,
    positional: Some(params::AREA),
    has_branch: false,
    doc: "Bipolar transistor: Gummel and Poon (1970) with current-dependent base resistance, split base-collector capacitance, transit-time bias dependence, excess phase, substrate junction and quasi-saturation (Kull et al. 1985). Antognetti and Massobrio, Semiconductor Device Modeling with SPICE, ch. 2.",
};

/// The registry's entry.
pub struct Bjt;

impl DeviceType for Bjt {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }

    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        let models: Vec<(Values, f64)> =
            group.models.iter().map(|c| (Values::of_model(c, &INFO), c.polarity)).collect();
        let mut faults = vec![];
        let mut insts = Vec::with_capacity(group.len());
        for inst in group.iter() {
            let (Some(model), 3..=4) = (inst.model_index, inst.nodes.len()) else {
                faults.push(incomplete(&inst));
                continue;
            };
            let n = inst.nodes;
            let substrate = n.get(3).copied().unwrap_or(0);
            let values = Values::of_instance(&inst);
            let (mv, pol) = &models[model as usize];
            let core = Core::new(mv, *pol, &values, env, env.temp);
            let list = match inst.get(params::IC) {
                Some(Value::Vector(v)) => v.to_vec(),
                Some(Value::Num(x)) => vec![*x],
                _ => vec![],
            };
            let vbe = values.given(params::ICVBE).or(list.first().copied());
            let vce = values.given(params::ICVCE).or(list.get(1).copied());
            insts.push(Inst {
                nodes: [n[0], n[1], n[2], substrate, n[0], n[0], n[1], n[2]],
                slots: [0; 64],
                phase: Phase::default(),
                pol: *pol,
                core,
                model,
                values,
                ic: [vbe, vce],
            });
        }
        if faults.is_empty() {
            let (memory, entries, rounds) = (Memory::default(), vec![], Rounds::default());
            Ok(Box::new(Bjts { insts, models, env: *env, memory, entries, may_rest: false, rounds }))
        } else {
            Err(faults)
        }
    }
}

/// Local node numbers.
const C: usize = 0;
const B: usize = 1;
const E: usize = 2;
const S: usize = 3;
const CX: usize = 4;
const CI: usize = 5;
const BI: usize = 6;
const EI: usize = 7;

#[derive(Clone)]
struct Inst {
    nodes: [Unknown; 8],
    /// Local 8x8, row by row; unused entries stay in the dump.
    slots: [Slot; 64],
    phase: Phase,
    pol: f64,
    core: Core,
    model: u32,
    values: Values,
    /// vbe, vce with uic.
    ic: [Option<f64>; 2],
}

impl Inst {
    /// Voltage between two local nodes, polarity taken out.
    #[inline]
    fn v(&self, x: &[f64], a: usize, b: usize) -> f64 {
        self.pol * (x[self.nodes[a] as usize] - x[self.nodes[b] as usize])
    }

    /// Where the substrate junction ends: the collector of a vertical, the base of a lateral transistor.
    #[inline]
    fn bed(&self) -> usize {
        if self.core.is_lateral { BI } else { CI }
    }

    /// Voltages vbe and vbc, polarity taken out, that `ic` gives; vce is 0 where only vbe is given.
    #[inline]
    fn start(&self) -> Option<[f64; 2]> {
        let [Some(vbe), vce] = self.ic else { return None };
        let (vbe, vce) = (self.pol * vbe, self.pol * vce.unwrap_or(0.0));
        Some([vbe, vbe - vce])
    }

    /// Sign of the substrate junction's voltage after the polarity is taken out: forward from p to n silicon.
    #[inline]
    fn substrate_sign(&self) -> f64 {
        if self.core.is_lateral { -1.0 } else { 1.0 }
    }

    /// The entries that `eval` writes.
    fn entries(&self) -> Vec<(usize, usize)> {
        let mut out = vec![];
        let square = |nodes: &[usize], out: &mut Vec<(usize, usize)>| {
            for &r in nodes {
                out.extend(nodes.iter().map(|&c| (r, c)));
            }
        };
        square(&[CI, BI, EI], &mut out);
        square(&[S, self.bed()], &mut out);
        if self.core.bx.cj > 0.0 {
            square(&[B, CI], &mut out);
        }
        if self.core.has_rb {
            for c in [B, BI, EI, CI] {
                out.extend([(B, c), (BI, c)]);
            }
        }
        if self.core.g_c > 0.0 {
            square(&[C, CX], &mut out);
        }
        if self.core.g_e > 0.0 {
            square(&[E, EI], &mut out);
        }
        if self.core.rco > 0.0 {
            square(&[CX, CI, BI], &mut out);
        }
        out
    }

    /// Junction voltages: vbe, vbc, vbcx, vsub.
    #[inline]
    fn junctions(&self, x: &[f64]) -> [f64; 4] {
        [self.v(x, BI, EI), self.v(x, BI, CI), self.v(x, BI, CX), self.substrate_sign() * self.v(x, S, self.bed())]
    }

    /// Adds what the transistor does at `x` to rows and entries of `out` that `nodes` and `slots` name. The junction voltages
    /// of the evaluation, and whether they were limited.
    fn eval(
        &self,
        at: &Point,
        x: &[f64],
        old: &mut [f64],
        (nodes, slots): (&[Unknown; 8], &[Slot; 64]),
        out: &mut Load,
    ) -> ([f64; 4], bool) {
        let (t, core) = (self, &self.core);
        let v = t.junctions(x);
        let mut l = t.limit(at, v, old);
        let mut holds_charge = false;
        if at.is_uic_start
            && let Some([vbe, vbc]) = t.start()
        {
            l = [vbe, vbc, vbc, v[3]];
            holds_charge = true;
        }
        let limited = l != v && !holds_charge;
        old.copy_from_slice(&l);
        // Straight on from the limited voltages to x.
        let d = [v[0] - l[0], v[1] - l[1], v[2] - l[2], v[3] - l[3]];
        let dq = if holds_charge { [0.0; 4] } else { d };
        let on = |y: &core::D| y.v + y.d[0] * d[0] + y.d[1] * d[1];

        let s = core.eval(l[0], l[1], at.gmin);
        let mut st = Stamp { pol: t.pol, nodes, slots, out };
        let by = |y: &core::D| [(BI, EI, y.d[0]), (BI, CI, y.d[1])];
        let direct = if core.has_delay { s.ic - s.forward } else { s.ic };
        st.current(CI, EI, on(&direct), &by(&direct));
        if core.has_delay {
            let u = on(&s.forward);
            let y = if holds_charge { s.forward.v } else { x[t.phase.y as usize] };
            t.phase.eval(t.pol, core.delay, u, s.forward.d, [CI, EI].map(|k| nodes[k]), x, st.out);
            t.phase.charge(core.delay, y, st.out);
        }
        st.current(BI, EI, on(&s.ib), &by(&s.ib));
        st.charge(BI, EI, s.qbe.v + s.qbe.d[0] * dq[0] + s.qbe.d[1] * dq[1], &by(&s.qbe));
        st.charge(BI, CI, s.qbc.v + s.qbc.d[1] * dq[1], &[(BI, CI, s.qbc.d[1])]);

        if core.has_rb {
            let g = s.rbb.recip();
            let drop = t.v(x, B, BI);
            let g_here = g.v + g.d[0] * d[0] + g.d[1] * d[1];
            st.current(B, BI, g_here * drop, &[(B, BI, g_here), (BI, EI, g.d[0] * drop), (BI, CI, g.d[1] * drop)]);
        }
        if core.bx.cj > 0.0 {
            let (q, c) = core.bx.at(t.v(x, B, CI));
            st.charge(B, CI, q, &[(B, CI, c)]);
        }
        let [i, g, q, c] = core.substrate(l[3], at.gmin);
        let (sign, bed) = (t.substrate_sign(), t.bed());
        st.current(S, bed, sign * (i + g * d[3]), &[(S, bed, g)]);
        st.charge(S, bed, sign * (q + c * dq[3]), &[(S, bed, c)]);
        if core.g_c > 0.0 {
            st.current(C, CX, core.g_c * t.v(x, C, CX), &[(C, CX, core.g_c)]);
        }
        if core.g_e > 0.0 {
            st.current(E, EI, core.g_e * t.v(x, E, EI), &[(E, EI, core.g_e)]);
        }
        if core.rco > 0.0 {
            let i = core.epi_current(l[1], l[2]);
            st.current(CX, CI, i.v + i.d[0] * d[1] + i.d[1] * d[2], &[(BI, CI, i.d[0]), (BI, CX, i.d[1])]);
            for (node, k) in [(CI, 1), (CX, 2)] {
                let (k0, dk) = core.epi_k(l[k]);
                st.charge(BI, node, core.qco * (k0 + dk * dq[k]), &[(BI, node, core.qco * dk)]);
            }
        }
        (l, limited)
    }

    fn limit(&self, at: &Point, v: [f64; 4], old: &[f64]) -> [f64; 4] {
        let c = &self.core;
        if at.is_first_iteration {
            if self.values.get(params::OFF) != 0.0 {
                return [0.0; 4];
            }
            if let Some([vbe, vbc]) = self.start() {
                return [vbe, vbc, vbc, 0.0];
            }
            let start = if c.vcrit.is_finite() { c.vcrit } else { 0.0 };
            return [start, 0.0, 0.0, 0.0];
        }
        [
            limit_junction(v[0], old[0], c.vt, c.vcrit),
            limit_junction(v[1], old[1], c.vt, c.vcrit),
            if c.rco > 0.0 { limit_junction(v[2], old[2], c.vt, c.vcrit) } else { v[2] },
            limit_junction(v[3], old[3], c.vt, c.vcrit_sub),
        ]
    }
}

/// Writes currents and charges between local nodes of one instance.
struct Stamp<'a, 'b, 'c> {
    pol: f64,
    /// Where the local nodes and entries are in `out`.
    nodes: &'a [Unknown; 8],
    slots: &'a [Slot; 64],
    out: &'b mut Load<'c>,
}

impl Stamp<'_, '_, '_> {
    /// Current `i` (polarity taken out) from local node `a` to `b`, with slopes by voltages between local nodes.
    #[inline]
    fn current(&mut self, a: usize, b: usize, i: f64, slopes: &[(usize, usize, f64)]) {
        let (n, s) = (self.nodes, self.slots);
        self.out.f(n[a], self.pol * i);
        self.out.f(n[b], -self.pol * i);
        for &(p, n, g) in slopes {
            self.out.g(s[8 * a + p], g);
            self.out.g(s[8 * a + n], -g);
            self.out.g(s[8 * b + p], -g);
            self.out.g(s[8 * b + n], g);
        }
    }

    #[inline]
    fn charge(&mut self, a: usize, b: usize, q: f64, slopes: &[(usize, usize, f64)]) {
        let (n, s) = (self.nodes, self.slots);
        self.out.q(n[a], self.pol * q);
        self.out.q(n[b], -self.pol * q);
        for &(p, n, c) in slopes {
            self.out.c(s[8 * a + p], c);
            self.out.c(s[8 * a + n], -c);
            self.out.c(s[8 * b + p], -c);
            self.out.c(s[8 * b + n], c);
        }
    }
}

#[derive(Clone)]
struct Bjts {
    insts: Vec<Inst>,
    models: Vec<(Values, f64)>,
    env: Env,
    /// The local nodes, the 8x8, and the voltages that an evaluation reads.
    memory: Memory<8, 64, 6>,
    /// Entries of each instance that are written.
    entries: Vec<Vec<(usize, usize)>>,
    /// Without excess phase, whose states move by themselves.
    may_rest: bool,
    rounds: Rounds<Fresh>,
}

/// Local numbers of nodes and entries, after the dump.
const LOCAL: ([Unknown; 8], [Slot; 64]) = {
    let (mut nodes, mut slots) = ([0; 8], [0; 64]);
    let mut k = 0;
    while k < 64 {
        if k < 8 {
            nodes[k] = k as u32 + 1;
        }
        slots[k] = k as u32 + 1;
        k += 1;
    }
    (nodes, slots)
};

/// A new evaluation: rows after a dump, entries in the order of the instance's, the voltages that it depends on.
#[derive(Clone)]
struct Fresh {
    f: [f64; 9],
    q: [f64; 9],
    g: [f64; 64],
    c: [f64; 64],
    at: [f64; 6],
    old: [f64; 4],
    limited: bool,
}

impl Fresh {
    const NONE: Self =
        Fresh { f: [0.0; 9], q: [0.0; 9], g: [0.0; 64], c: [0.0; 64], at: [0.0; 6], old: [0.0; 4], limited: false };
}

impl Bjts {
    #[inline(always)]
    fn fresh(&self, i: usize, at: &Point, x: &[f64], old: &[f64]) -> Fresh {
        let t = &self.insts[i];
        let mut new = Fresh::NONE;
        new.old.copy_from_slice(old);
        let (mut g, mut c) = ([0.0; 65], [0.0; 65]);
        let mut local = Load { f: &mut new.f, q: &mut new.q, g: &mut g, c: &mut c };
        let (l, limited) = t.eval(at, x, &mut new.old, (&LOCAL.0, &LOCAL.1), &mut local);
        new.limited = limited;
        for (k, (r, col)) in self.entries[i].iter().enumerate() {
            (new.g[k], new.c[k]) = (g[8 * r + col + 1], c[8 * r + col + 1]);
        }
        let [be, bc, bcx, sub] = [t.pol * l[0], t.pol * l[1], t.pol * l[2], t.pol * t.substrate_sign() * l[3]];
        new.at = [be, bc, bcx, sub, t.pol * t.v(x, B, BI), t.pol * t.v(x, B, CI)];
        new
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
                self.fresh(i, at, x, &mem.values[4 * i..4 * i + 4])
            },
            |(rest, mem), k, new| {
                let i = rest.moved(k);
                mem.values[4 * i..4 * i + 4].copy_from_slice(&new.old);
                mem.limited |= new.limited;
                let (f, q) = (&new.f[1..], &new.q[1..]);
                rest.replace(i, new.at, x, &Added { f, q, g: &new.g, c: &new.c });
            },
        );
        rest.add(x, out);
        mem.reused = self.insts.len() - n;
    }
}

impl Batch for Bjts {
    fn len(&self) -> usize {
        self.insts.len()
    }

    fn unknowns(&self) -> Vec<UnknownSpec> {
        let mut out = vec![];
        for (i, t) in self.insts.iter().enumerate() {
            let c = &t.core;
            for (has, name) in
                [(c.g_c > 0.0, "collector"), (c.rco > 0.0, "epi"), (c.has_rb, "base"), (c.g_e > 0.0, "emitter")]
            {
                if has {
                    out.push(UnknownSpec::node(i, name));
                }
            }
            if c.has_delay {
                out.extend(phase::unknowns(i));
            }
        }
        out
    }

    fn assign(&mut self, binder: &Binder) {
        let mut next = binder.internals.iter().copied();
        for t in &mut self.insts {
            let mut node = |has: bool, outer: Unknown| if has { next.next().unwrap_or(outer) } else { outer };
            t.nodes[CX] = node(t.core.g_c > 0.0, t.nodes[C]);
            t.nodes[CI] = node(t.core.rco > 0.0, t.nodes[CX]);
            t.nodes[BI] = node(t.core.has_rb, t.nodes[B]);
            t.nodes[EI] = node(t.core.g_e > 0.0, t.nodes[E]);
            if t.core.has_delay {
                (t.phase.y, t.phase.w) = (node(true, 0), node(true, 0));
            }
        }
    }

    fn connect(&mut self, w: &mut dyn Wiring) {
        for t in &mut self.insts {
            for (r, c) in t.entries() {
                t.slots[8 * r + c] = w.slot(t.nodes[r], t.nodes[c]);
            }
            if t.core.has_delay {
                t.phase.connect(w, [CI, BI, EI].map(|k| t.nodes[k]));
            }
        }
        let distinct = |t: &Inst| {
            let mut all = t.entries();
            all.sort_unstable();
            all.dedup();
            all.retain(|(r, c)| t.slots[8 * r + c] != 0);
            all
        };
        self.entries = self.insts.iter().map(distinct).collect();
        self.may_rest = self.insts.iter().all(|t| !t.core.has_delay);
        let wire = |t: &Inst, e: &[(usize, usize)]| -> Vec<_> {
            e.iter().map(|&(r, c)| (r as u8, t.nodes[c], t.slots[8 * r + c])).collect()
        };
        let wires: Vec<_> = self.insts.iter().zip(&self.entries).map(|(t, e)| wire(t, e)).collect();
        self.rounds = Rounds::new(self.insts.len(), Fresh::NONE);
        self.memory = Memory::new(Resting::new(self.insts.iter().zip(&wires).map(|(t, wires)| {
            let pair = |a: usize, b: usize| (t.nodes[a], t.nodes[b]);
            let pairs = [pair(BI, EI), pair(BI, CI), pair(BI, CX), pair(S, t.bed()), pair(B, BI), pair(B, CI)];
            Connection { pairs, rows: &t.nodes, wires }
        })));
    }

    fn begin(&mut self, _kind: AnalysisKind) {
        self.memory.get_mut().forget();
    }

    fn set_temperature(&mut self, temp: f64) {
        self.memory.get_mut().forget();
        for t in &mut self.insts {
            let (model, pol) = &self.models[t.model as usize];
            t.core = Core::new(model, *pol, &t.values, &self.env, temp);
        }
    }

    fn iter_len(&self) -> usize {
        4 * self.insts.len()
    }

    fn eval(&self, at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load) {
        if self.may_rest && resting::is_on(at) {
            return self.eval_moved(at, x, mem, out);
        }
        for (t, old) in self.insts.iter().zip(mem.values.chunks_exact_mut(4)) {
            mem.limited |= t.eval(at, x, old, (&t.nodes, &t.slots), out).1;
        }
    }

    fn ac(&self, at: &Point, x: &[f64], omega: f64, out: &mut AcLoad) {
        for t in self.insts.iter().filter(|t| t.core.has_delay) {
            let v = t.junctions(x);
            let s = t.core.eval(v[0], v[1], at.gmin);
            t.phase.turn(t.pol, t.core.delay, &s.forward, omega, out.y);
        }
    }

    fn noise(&self, at: &Point, x: &[f64], out: &mut Vec<NoiseSource>) {
        for (k, t) in self.insts.iter().enumerate() {
            let c = &t.core;
            let n = &t.nodes;
            let mut add = |name, p: usize, q: usize, white, flicker| {
                let source = NoiseSource {
                    instance: k as u32,
                    name,
                    p: n[p],
                    n: n[q],
                    white,
                    flicker,
                    exponent: 1.0,
                    spectrum: None,
                };
                out.push(source);
            };
            let four_kt = 4.0 * consts::K * c.temp;
            let v = t.junctions(x);
            let s = c.eval(v[0], v[1], at.gmin);
            if c.g_c > 0.0 {
                add("rc", C, CX, four_kt * c.g_c, 0.0);
            }
            if c.has_rb {
                add("rb", B, BI, four_kt / s.rbb.v, 0.0);
            }
            if c.g_e > 0.0 {
                add("re", E, EI, four_kt * c.g_e, 0.0);
            }
            add("ic", CI, EI, 2.0 * consts::Q * s.ic.v.abs(), 0.0);
            add("ib", BI, EI, 2.0 * consts::Q * s.ib.v.abs(), 0.0);
            let model = &self.models[t.model as usize].0;
            let flicker = flicker_of(t.values.get(params::M), model.get(mp::KF), model.get(mp::AF), s.ib.v);
            add("1overf", BI, EI, 0.0, flicker);
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        op::OP_VARS
    }

    fn op_values(&self, instance: usize, at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let t = &self.insts[instance];
        let v = t.junctions(x);
        let s = t.core.eval(v[0], v[1], at.gmin);
        let [isub, _, _, csub] = t.core.substrate(v[3], at.gmin);
        let isub = t.substrate_sign() * isub;
        // The substrate current leaves through the collector or the base.
        let (from_c, from_b) = if t.core.is_lateral { (0.0, isub) } else { (isub, 0.0) };
        // What excess phase still holds back.
        let late = if t.core.has_delay { s.forward.v - x[t.phase.y as usize] } else { 0.0 };
        let (ic, ib) = (t.pol * (s.ic.v - late - from_c), t.pol * (s.ib.v - from_b));
        let isub = t.pol * isub;
        let ie = -ic - ib - isub;
        let (gpi, gm, go) = hybrid(&s);
        let at_node = |k: usize| x[t.nodes[k] as usize];
        let power = ic * at_node(C) + ib * at_node(B) + ie * at_node(E) + isub * at_node(S);
        let gx = if t.core.has_rb { 1.0 / s.rbb.v } else { 0.0 };
        let cbx = t.core.bx.at(t.v(x, B, CI)).1;
        let mut cmu = s.qbc.d[1];
        if t.core.rco > 0.0 {
            cmu += t.core.qco * t.core.epi_k(v[1]).1;
        }
        let values = [
            ic, ib, ie, isub, v[0], v[1], gm, gpi, s.ib.d[1], gx, go, s.qbe.d[0], cmu, cbx, csub, csub, s.qbe.d[1],
            s.qbe.v, s.qbc.v, power,
        ];
        for (o, value) in out.iter_mut().zip(values) {
            *o = value;
        }
    }

    fn initial_conditions(&self, out: &mut Vec<(Unknown, Unknown, f64)>) {
        for t in &self.insts {
            out.extend(t.ic[0].map(|v| (t.nodes[BI], t.nodes[EI], v)));
            out.extend(t.ic[1].map(|v| (t.nodes[CI], t.nodes[EI], v)));
        }
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        let fixed = [params::IC, params::ICVBE, params::ICVCE];
        !fixed.contains(&id) && self.insts.get_mut(instance).is_some_and(|t| t.values.set(id, value))
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        let v = &self.insts.get(instance)?.values;
        match id {
            params::AREAB | params::AREAC => Some(v.or(id, v.get(params::AREA))),
            _ => v.read(id),
        }
    }

    fn set_model_param(&mut self, model: usize, id: ParamId, value: f64) -> bool {
        // These decide about nodes and matrix entries: the simulation is rebuilt.
        let rebuild = [mp::RB, mp::RC, mp::RE, mp::RCO, mp::SUBS, mp::CJC, mp::XCJC];
        let Some((m, _)) = self.models.get_mut(model) else { return false };
        // So do these, where a delay comes or goes.
        let turns = (id == mp::PTF || id == mp::TF) && (value > 0.0) != (m.get(id) > 0.0);
        !turns && !rebuild.contains(&id) && m.set(id, value)
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}

/// gpi, gm, go of the hybrid-π circuit: ic's slopes are gm + go by vbe and -(go + gmu) by vbc.
fn hybrid(s: &core::State) -> (f64, f64, f64) {
    let [gpi, gmu] = s.ib.d;
    let go = -s.ic.d[1] - gmu;
    (gpi, s.ic.d[0] - go, go)
}
