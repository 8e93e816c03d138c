//! The junction diode of SPICE: ideal, recombination, sidewall, tunnelling and breakdown currents, high injection,
//! depletion and diffusion charge, series resistance, temperature, noise.

use crate::base::consts;
use crate::device::resting::{self, Added, Connection, Memory, Resting};
use crate::device::rounds::Rounds;
use crate::device::values::{Values, flicker_of, incomplete};
use crate::device::{
    Alone, AnalysisKind, Batch, Binder, DeviceInfo, DeviceType, Env, Group, IterMem, Load, NoiseSource, OpVar, ParamId,
    Point, Slot, Terminal, Unknown, UnknownSpec, Wiring,
};
use crate::diag::Diagnostic;

mod core;
pub mod params;
#[cfg(test)]
mod tests;

use self::core::{Core, State};

static INFO: DeviceInfo = DeviceInfo {
    name: "diode",
    letter: 'd',
    model_types: &[("d", 1.0)],
    levels: &[1],
    model_required: true,
    terminals: &[
        Terminal { name: "p", doc: "Anode", optional: false },
        Terminal { name: "n", doc: "Cathode", optional: false },
    ],
    instance: params::INSTANCE,
    model: params::model::MODEL,
    positional: Some(params::AREA),
    has_branch: false,
    doc: "Junction diode: i = is (exp(v/(n vt)) - 1) with recombination, high injection, breakdown, sidewall and tunnelling currents; q = tt i + depletion charge. Nagel, UCB/ERL M520 (1975); Antognetti and Massobrio, Semiconductor Device Modeling with SPICE, ch. 1.",
};

/// The registry's entry.
pub struct Diode;

impl DeviceType for Diode {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }

    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        let models: Vec<Values> = group.models.iter().map(|c| Values::of_model(c, &INFO)).collect();
        let mut faults = vec![];
        let mut insts = Vec::with_capacity(group.len());
        for inst in group.iter() {
            let (Some(model), &[p, n]) = (inst.model_index, inst.nodes) else {
                faults.push(incomplete(&inst));
                continue;
            };
            let values = Values::of_instance(&inst);
            let core = Core::new(&models[model as usize], &values, env, env.temp);
            insts.push(Inst { p, n, pi: p, slots: [0; 7], core, model, values });
        }
        if faults.is_empty() {
            let (memory, with_series, rounds) = (Memory::default(), vec![], Rounds::default());
            Ok(Box::new(Diodes { insts, models, env: *env, memory, with_series, rounds }))
        } else {
            Err(faults)
        }
    }
}

/// One diode. `pi` is the anode behind the series resistance, the anode itself without one.
#[derive(Clone)]
struct Inst {
    p: Unknown,
    n: Unknown,
    pi: Unknown,
    /// (p,p) (p,pi) (pi,p) of the series resistance, then (pi,pi) (pi,n) (n,pi) (n,n) of the junction.
    slots: [Slot; 7],
    core: Core,
    model: u32,
    values: Values,
}

/// The junction's entries for the slope `g`.
#[inline(always)]
fn signs(g: f64) -> [f64; 4] {
    [g, -g, -g, g]
}

impl Inst {
    /// Adds the junction.
    #[inline(always)]
    fn add(&self, s: &State, out: &mut Load) {
        out.f(self.pi, s.i);
        out.f(self.n, -s.i);
        out.q(self.pi, s.q);
        out.q(self.n, -s.q);
        for ((&slot, g), c) in self.slots[3..].iter().zip(signs(s.g)).zip(signs(s.c)) {
            out.g(slot, g);
            out.c(slot, c);
        }
    }

    #[inline(always)]
    fn add_series(&self, x: &[f64], out: &mut Load) {
        let gs = self.core.g_series;
        let i = gs * (x[self.p as usize] - x[self.pi as usize]);
        out.f(self.p, i);
        out.f(self.pi, -i);
        let [pp, ppi, pip, pipi, ..] = self.slots;
        out.g(pp, gs);
        out.g(ppi, -gs);
        out.g(pip, -gs);
        out.g(pipi, gs);
    }

    fn ic(&self) -> Option<f64> {
        self.values.given(params::IC)
    }
}

#[derive(Clone)]
struct Diodes {
    insts: Vec<Inst>,
    models: Vec<Values>,
    env: Env,
    /// Rows pi and n, the four entries of the junction, its voltage.
    memory: Memory<2, 4, 1>,
    /// Instances with a series resistance.
    with_series: Vec<u32>,
    rounds: Rounds<Fresh<LANES>>,
}

/// Diodes evaluated side by side.
const LANES: usize = 4;

/// New evaluations of a group: the junction voltages there, what the junctions add at x, who was limited.
#[derive(Clone, Copy)]
struct Fresh<const N: usize> {
    at: [f64; N],
    states: [State; N],
    limited: bool,
}

impl Diodes {
    /// Evaluates a group of diodes; `old` has the voltages of the iteration before.
    #[inline(always)]
    fn group<const N: usize>(&self, group: [usize; N], at: &Point, x: &[f64], old: &[f64]) -> Fresh<N> {
        let d = group.map(|i| &self.insts[i]);
        let (mut v, mut l, mut held, mut limited) = ([0.0; N], [0.0; N], [false; N], false);
        for k in 0..N {
            v[k] = x[d[k].pi as usize] - x[d[k].n as usize];
            l[k] = if at.is_first_iteration {
                d[k].core.start(d[k].values.get(params::OFF) != 0.0)
            } else {
                d[k].core.limit(v[k], old[group[k]])
            };
            if at.is_uic_start
                && let Some(ic) = d[k].ic()
            {
                (l[k], held[k]) = (ic, true);
            }
            limited |= l[k] != v[k] && !held[k];
        }
        let mut states = Core::eval_all(d.map(|d| &d.core), l, at.gmin);
        for k in 0..N {
            let s = &mut states[k];
            s.i += s.g * (v[k] - l[k]);
            if !held[k] {
                s.q += s.c * (v[k] - l[k]);
            }
        }
        Fresh { at: l, states, limited }
    }

    /// Evaluates diodes, four at a time and what is left one by one: number k is `number(k)`. `take` gets the number, the
    /// junction voltage of the evaluation, and what the junction adds at `x`.
    #[inline(always)]
    fn each<S: Sync>(
        &self,
        (at, x, mem): (&Point, &[f64], &mut IterMem),
        (n, state): (usize, &mut S),
        number: impl Fn(&S, usize) -> usize + Sync,
        mut take: impl FnMut(&mut S, usize, f64, &State),
    ) {
        let whole = n / LANES;
        self.rounds.each(
            (whole, LANES),
            &mut (&mut *state, &mut *mem),
            |(s, mem), k| {
                let group = std::array::from_fn::<_, LANES, _>(|j| number(s, LANES * k + j));
                self.group(group, at, x, mem.values)
            },
            |(s, mem), k, new| {
                mem.limited |= new.limited;
                for j in 0..LANES {
                    let i = number(s, LANES * k + j);
                    mem.values[i] = new.at[j];
                    take(s, i, new.at[j], &new.states[j]);
                }
            },
        );
        for k in LANES * whole..n {
            let i = number(state, k);
            let new = self.group([i], at, x, mem.values);
            mem.limited |= new.limited;
            mem.values[i] = new.at[0];
            take(state, i, new.at[0], &new.states[0]);
        }
    }
}

const OP_VARS: &[OpVar] = &[
    OpVar { name: "vd", unit: "V", doc: "Junction voltage" },
    OpVar { name: "id", unit: "A", doc: "Current" },
    OpVar { name: "gd", unit: "S", doc: "Junction conductance" },
    OpVar { name: "cd", unit: "F", doc: "Junction capacitance, diffusion included" },
    OpVar { name: "qd", unit: "C", doc: "Junction charge" },
    OpVar { name: "charge", unit: "C", doc: "Junction charge" },
    OpVar { name: "p", unit: "W", doc: "Power, series resistance included" },
];

impl Alone for Diodes {
    fn eval_these(&self, which: &[u32], at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load) {
        let number = |_: &(), k: usize| which[k] as usize;
        self.each((at, x, mem), (which.len(), &mut ()), number, |_, i, _, s| self.insts[i].add(s, out));
        for d in which.iter().map(|i| &self.insts[*i as usize]).filter(|d| d.core.g_series > 0.0) {
            d.add_series(x, out);
        }
    }
}

impl Batch for Diodes {
    fn len(&self) -> usize {
        self.insts.len()
    }

    fn unknowns(&self) -> Vec<UnknownSpec> {
        let with_rs = self.insts.iter().enumerate().filter(|(_, d)| d.core.g_series > 0.0);
        with_rs.map(|(i, _)| UnknownSpec::node(i, "internal")).collect()
    }

    fn assign(&mut self, binder: &Binder) {
        let mut next = binder.internals.iter();
        for d in self.insts.iter_mut().filter(|d| d.core.g_series > 0.0) {
            if let Some(&u) = next.next() {
                d.pi = u;
            }
        }
    }

    fn connect(&mut self, w: &mut dyn Wiring) {
        for d in &mut self.insts {
            let (p, n, pi) = (d.p, d.n, d.pi);
            let junction = [w.slot(pi, pi), w.slot(pi, n), w.slot(n, pi), w.slot(n, n)];
            let series = if pi == p { [0; 3] } else { [w.slot(p, p), w.slot(p, pi), w.slot(pi, p)] };
            d.slots[..3].copy_from_slice(&series);
            d.slots[3..].copy_from_slice(&junction);
        }
        let series = self.insts.iter().enumerate().filter(|(_, d)| d.core.g_series > 0.0);
        self.with_series = series.map(|(i, _)| i as u32).collect();
        let wires: Vec<[_; 4]> = self
            .insts
            .iter()
            .map(|d| [(0, d.pi, d.slots[3]), (0, d.n, d.slots[4]), (1, d.pi, d.slots[5]), (1, d.n, d.slots[6])])
            .collect();
        let rows: Vec<[Unknown; 2]> = self.insts.iter().map(|d| [d.pi, d.n]).collect();
        let wiring =
            rows.iter().zip(&wires).map(|(rows, wires)| Connection { pairs: [(rows[0], rows[1])], rows, wires });
        self.memory = Memory::new(Resting::new(wiring));
        let nothing = Fresh { at: [0.0; LANES], states: [State::default(); LANES], limited: false };
        self.rounds = Rounds::new(self.insts.len(), nothing);
    }

    fn begin(&mut self, _kind: AnalysisKind) {
        self.memory.get_mut().forget();
    }

    fn set_temperature(&mut self, temp: f64) {
        self.memory.get_mut().forget();
        for d in &mut self.insts {
            d.core = Core::new(&self.models[d.model as usize], &d.values, &self.env, temp);
        }
    }

    fn iter_len(&self) -> usize {
        self.insts.len()
    }

    fn alone(&self) -> Option<&dyn Alone> {
        Some(self)
    }

    fn eval(&self, at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load) {
        let size = self.insts.len();
        if resting::is_on(at) {
            let mut rest = self.memory.lock();
            let n = rest.look(at, x);
            let keep = |rest: &mut Resting<2, 4, 1>, i: usize, l: f64, s: &State| {
                let (g, c) = (signs(s.g), signs(s.c));
                rest.replace(i, [l], x, &Added { f: &[s.i, -s.i], q: &[s.q, -s.q], g: &g, c: &c });
            };
            self.each((at, x, mem), (n, &mut *rest), |rest, k| rest.moved(k), keep);
            rest.add(x, out);
            mem.reused = size - n;
        } else {
            self.each((at, x, mem), (size, &mut ()), |_, k| k, |_, i, _, s| self.insts[i].add(s, out));
        }
        for &i in &self.with_series {
            self.insts[i as usize].add_series(x, out);
        }
    }

    fn noise(&self, at: &Point, x: &[f64], out: &mut Vec<NoiseSource>) {
        for (k, d) in self.insts.iter().enumerate() {
            let mut add = |name, p, n, white, flicker| {
                out.push(NoiseSource { instance: k as u32, name, p, n, white, flicker, exponent: 1.0, spectrum: None });
            };
            if d.core.g_series > 0.0 {
                add("rs", d.p, d.pi, 4.0 * consts::K * d.core.temp * d.core.g_series, 0.0);
            }
            let i = d.core.eval(x[d.pi as usize] - x[d.n as usize], at.gmin).i.abs();
            add("id", d.pi, d.n, 2.0 * consts::Q * i, 0.0);
            add("1overf", d.pi, d.n, 0.0, flicker_of(d.values.get(params::M), d.core.kf, d.core.af, i));
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        OP_VARS
    }

    fn op_values(&self, instance: usize, at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let d = &self.insts[instance];
        let v = x[d.pi as usize] - x[d.n as usize];
        let s = d.core.eval(v, at.gmin);
        let power = s.i * (x[d.p as usize] - x[d.n as usize]);
        for (o, value) in out.iter_mut().zip([v, s.i, s.g, s.c, s.q, s.q, power]) {
            *o = value;
        }
    }

    fn initial_conditions(&self, out: &mut Vec<(Unknown, Unknown, f64)>) {
        out.extend(self.insts.iter().filter_map(|d| Some((d.pi, d.n, d.ic()?))));
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        self.insts.get_mut(instance).is_some_and(|d| d.values.set(id, value))
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        let d = self.insts.get(instance)?;
        match id {
            params::AREA => Some(d.values.or(id, self.models[d.model as usize].get(params::model::AREA))),
            params::PJ => Some(d.values.or(id, self.models[d.model as usize].get(params::model::PJ))),
            _ => d.values.read(id),
        }
    }

    fn set_model_param(&mut self, model: usize, id: ParamId, value: f64) -> bool {
        let Some(m) = self.models.get_mut(model) else { return false };
        // A series resistance that comes or goes changes the unknowns.
        if id == params::model::RS && (value > 0.0) != (m.get(id) > 0.0) {
            return false;
        }
        m.set(id, value)
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
