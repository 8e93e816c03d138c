//! The junction diode of SPICE: ideal, recombination, sidewall, tunnelling and breakdown currents, high injection,
//! depletion and diffusion charge, series resistance, temperature, noise.

use crate::base::consts;
use crate::device::values::{Values, flicker_of, incomplete};
use crate::device::{
    Batch, Binder, DeviceInfo, DeviceType, Env, Group, IterMem, Load, NoiseSource, OpVar, ParamId, Point, Slot,
    Terminal, Unknown, UnknownSpec, Wiring,
};
use crate::diag::Diagnostic;

mod core;
pub mod params;
#[cfg(test)]
mod tests;

use self::core::Core;

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
        if faults.is_empty() { Ok(Box::new(Diodes { insts, models, env: *env })) } else { Err(faults) }
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

impl Inst {
    fn ic(&self) -> Option<f64> {
        self.values.given(params::IC)
    }
}

#[derive(Clone)]
struct Diodes {
    insts: Vec<Inst>,
    models: Vec<Values>,
    env: Env,
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
    }

    fn set_temperature(&mut self, temp: f64) {
        for d in &mut self.insts {
            d.core = Core::new(&self.models[d.model as usize], &d.values, &self.env, temp);
        }
    }

    fn iter_len(&self) -> usize {
        self.insts.len()
    }

    fn eval(&self, at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load) {
        for (d, old) in self.insts.iter().zip(mem.values.iter_mut()) {
            let core = &d.core;
            let v = x[d.pi as usize] - x[d.n as usize];
            let mut vl =
                if at.is_first_iteration { core.start(d.values.get(params::OFF) != 0.0) } else { core.limit(v, *old) };
            let mut holds_charge = false;
            if at.is_uic_start
                && let Some(ic) = d.ic()
            {
                (vl, holds_charge) = (ic, true);
            }
            mem.limited |= vl != v && !holds_charge;
            *old = vl;
            let s = core.eval(vl, at.gmin);
            let i = s.i + s.g * (v - vl);
            let q = if holds_charge { s.q } else { s.q + s.c * (v - vl) };
            out.f(d.pi, i);
            out.f(d.n, -i);
            out.q(d.pi, q);
            out.q(d.n, -q);
            let [pp, ppi, pip, pipi, pin, npi, nn] = d.slots;
            for (slot, sign) in [(pipi, 1.0), (pin, -1.0), (npi, -1.0), (nn, 1.0)] {
                out.g(slot, sign * s.g);
                out.c(slot, sign * s.c);
            }
            if core.g_series > 0.0 {
                let gs = core.g_series;
                let i = gs * (x[d.p as usize] - x[d.pi as usize]);
                out.f(d.p, i);
                out.f(d.pi, -i);
                out.g(pp, gs);
                out.g(ppi, -gs);
                out.g(pip, -gs);
                out.g(pipi, gs);
            }
        }
    }

    fn noise(&self, at: &Point, x: &[f64], out: &mut Vec<NoiseSource>) {
        for (k, d) in self.insts.iter().enumerate() {
            let mut add = |name, p, n, white, flicker| {
                out.push(NoiseSource { instance: k as u32, name, p, n, white, flicker, exponent: 1.0 });
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
