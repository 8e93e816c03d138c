//! The batch of all behavioural elements.

use super::formula::{Formulas, Sink, program_of};
use super::*;
use crate::base::consts::K;
use crate::device::common::{Bank, BranchSlots, Quad, TempLaw, node};
use crate::diag::Diagnostic;
use crate::diag::codes::device as codes;

/// What the expression is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    Voltage,
    Current,
    Resistance,
    Capacitance,
    Charge,
    Inductance,
    Flux,
}

impl Law {
    fn has_branch(self) -> bool {
        matches!(self, Law::Voltage | Law::Inductance | Law::Flux)
    }

    /// Has an unknown for dv/dt or di/dt.
    fn has_rate(self) -> bool {
        matches!(self, Law::Capacitance | Law::Inductance)
    }
}

/// Where a type keeps its parameters.
#[derive(Clone, Copy)]
pub struct Ids {
    /// Expressions in order of preference, with what each means.
    pub values: &'static [(ParamId, Law)],
    pub tc1: ParamId,
    pub tc2: ParamId,
    pub temp: ParamId,
    pub dtemp: ParamId,
    pub m: ParamId,
    pub scale: Option<ParamId>,
    pub ic: Option<ParamId>,
    pub noisy: Option<ParamId>,
}

/// A resistance nearer to zero than this is taken as this (with its sign), Ω.
const R_MIN: f64 = 1e-6;

#[derive(Clone)]
pub struct Behavioural {
    ids: Ids,
    bank: Bank,
    tnom: f64,
    temp: f64,
    law: Vec<Law>,
    p: Vec<Unknown>,
    n: Vec<Unknown>,
    /// Branch current and rate of change; 0 where the law has none.
    branch: Vec<Unknown>,
    rate: Vec<Unknown>,
    formula: Vec<usize>,
    /// End of each instance's states.
    states_end: Vec<usize>,
    /// Everything that multiplies the expression.
    factor: Vec<f64>,
    m: Vec<f64>,
    quad: Vec<Quad>,
    branch_slots: Vec<BranchSlots>,
    /// Rows p, n (or the branch) by the rate; the rate's row by itself, p and n (or the branch).
    rate_slots: Vec<[Slot; 5]>,
    formulas: Formulas,
}

impl Behavioural {
    pub fn build(ids: Ids, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        let size = group.len();
        let mut b = Behavioural {
            ids,
            bank: Bank::of_instances(group_table(group), group),
            tnom: env.tnom,
            temp: env.temp,
            law: Vec::with_capacity(size),
            p: Vec::with_capacity(size),
            n: Vec::with_capacity(size),
            branch: vec![0; size],
            rate: vec![0; size],
            formula: Vec::with_capacity(size),
            states_end: Vec::with_capacity(size),
            factor: vec![1.0; size],
            m: vec![1.0; size],
            quad: vec![Quad::default(); size],
            branch_slots: vec![BranchSlots::default(); size],
            rate_slots: vec![[0; 5]; size],
            formulas: Formulas::default(),
        };
        let mut faults = vec![];
        for inst in group.iter() {
            let found = ids.values.iter().find_map(|(id, law)| program_of(inst.get(*id)).map(|p| (p, *law)));
            let Some((program, law)) = found else {
                let names: Vec<_> =
                    ids.values.iter().map(|(id, _)| format!("`{}=`", inst.info.instance[*id as usize].name)).collect();
                faults.push(
                    Diagnostic::error(codes::MISSING_EXPRESSION, "behavioural element without its expression")
                        .at(inst.span, format!("needs {}", names.join(" or "))),
                );
                continue;
            };
            b.law.push(law);
            b.p.push(node(&inst, 0));
            b.n.push(node(&inst, 1));
            b.formula.push(b.formulas.add(&program));
            b.states_end.push(b.formulas.state_count());
        }
        b.set_temperature_of(env.temp);
        if faults.is_empty() { Ok(Box::new(b)) } else { Err(faults) }
    }

    fn states(&self, i: usize) -> std::ops::Range<usize> {
        (if i == 0 { 0 } else { self.states_end[i - 1] })..self.states_end[i]
    }

    fn temp_law(&self, i: usize) -> TempLaw {
        TempLaw {
            tc1: self.bank.real(i, self.ids.tc1),
            tc2: self.bank.real(i, self.ids.tc2),
            temp_c: self.bank.given(i, self.ids.temp).unwrap_or(f64::NAN),
            dtemp: self.bank.real(i, self.ids.dtemp),
            tnom: self.tnom,
        }
    }

    fn set_temperature_of(&mut self, temp: f64) {
        self.temp = temp;
        self.formulas.set_temperature(temp);
        for i in 0..self.law.len() {
            let m = self.bank.real(i, self.ids.m);
            let scale = self.ids.scale.map_or(1.0, |id| self.bank.real(i, id));
            let by_m = match self.law[i] {
                Law::Voltage | Law::Resistance => 1.0,
                Law::Current | Law::Capacitance | Law::Charge => m,
                Law::Inductance | Law::Flux => 1.0 / m,
            };
            self.m[i] = m;
            self.factor[i] = by_m * scale * self.temp_law(i).factor(temp);
        }
    }

    fn ic(&self, i: usize, at: &Point) -> Option<f64> {
        if at.is_uic_start { self.bank.given(i, self.ids.ic?) } else { None }
    }

    fn v(&self, i: usize, x: &[f64]) -> f64 {
        x[self.p[i] as usize] - x[self.n[i] as usize]
    }

    /// Resistance with everything, and whether it is that of the expression.
    fn resistance(&self, i: usize, value: f64) -> (f64, bool) {
        let r = self.factor[i] * value;
        if r.abs() < R_MIN { (R_MIN.copysign(r), false) } else { (r, true) }
    }

    /// Adds all that depends on the expression of element i.
    fn terms<S: Sink>(&self, i: usize, at: &Point, x: &[f64], buf: &mut [f64], out: &mut S) {
        let (p, n, b, f, k) = (self.p[i], self.n[i], self.branch[i], self.formula[i], self.factor[i]);
        let rate = x[self.rate[i] as usize];
        // The charge or flux at the initial condition.
        let instead = self.ic(i, at).and_then(|ic| match self.law[i] {
            Law::Charge if p != 0 => Some((p, x[n as usize] + ic)),
            Law::Charge => Some((n, x[p as usize] - ic)),
            Law::Flux => Some((b, ic)),
            _ => None,
        });
        let value = self.formulas.eval(f, at, x, buf, instead);
        match self.law[i] {
            Law::Voltage => {
                out.f(b, -k * value);
                self.formulas.stamp(f, buf, -k, false, out);
            }
            Law::Current => {
                out.f(p, k * value);
                out.f(n, -k * value);
                self.formulas.stamp(f, buf, k, false, out);
            }
            Law::Resistance => {
                let (r, is_exact) = self.resistance(i, value);
                let (g, v) = (self.m[i] / r, self.v(i, x));
                out.f(p, g * v);
                out.f(n, -g * v);
                let q = &self.quad[i];
                out.g(q.pp, g);
                out.g(q.pn, -g);
                out.g(q.np, -g);
                out.g(q.nn, g);
                if is_exact {
                    self.formulas.stamp(f, buf, -g * v / r * k, false, out);
                }
            }
            Law::Capacitance => {
                out.f(p, k * value * rate);
                out.f(n, -k * value * rate);
                out.g(self.rate_slots[i][0], k * value);
                out.g(self.rate_slots[i][1], -k * value);
                self.formulas.stamp(f, buf, k * rate, false, out);
            }
            Law::Charge => {
                out.q(p, k * value);
                out.q(n, -k * value);
                if instead.is_none() {
                    self.formulas.stamp(f, buf, k, true, out);
                }
            }
            Law::Inductance => {
                out.f(b, -k * value * rate);
                out.g(self.rate_slots[i][0], -k * value);
                self.formulas.stamp(f, buf, -k * rate, false, out);
            }
            Law::Flux => {
                out.q(b, k * value);
                if instead.is_none() {
                    self.formulas.stamp(f, buf, k, true, out);
                }
            }
        }
    }

    /// Adds the rest: branch rows and currents, rows of the rates.
    fn frame(&self, i: usize, at: &Point, x: &[f64], out: &mut Load) {
        let (p, n, b, y) = (self.p[i], self.n[i], self.branch[i], self.rate[i]);
        if self.law[i].has_branch() {
            let sign = if self.law[i] == Law::Flux { -1.0 } else { 1.0 };
            self.branch_slots[i].eval(out, x, p, n, b, sign);
        }
        if self.law[i].has_rate() {
            let [_, _, y_y, y_a, y_b] = self.rate_slots[i];
            out.f(y, x[y as usize]);
            out.g(y_y, 1.0);
            let is_capacitance = self.law[i] == Law::Capacitance;
            match self.ic(i, at) {
                Some(ic) => out.q(y, -ic),
                None if is_capacitance => {
                    out.q(y, -self.v(i, x));
                    out.c(y_a, -1.0);
                    out.c(y_b, 1.0);
                }
                None => {
                    out.q(y, -x[b as usize]);
                    out.c(y_a, -1.0);
                }
            }
        }
    }
}

fn group_table(group: &Group) -> &'static [ParamSpec] {
    group.info().instance
}

impl Alone for Behavioural {
    fn eval_these(&self, which: &[u32], at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load) {
        for i in which.iter().map(|i| *i as usize) {
            self.frame(i, at, x, out);
            self.terms(i, at, x, mem.values, out);
            self.formulas.eval_states(self.states(i), at, x, mem.values, out);
        }
    }
}

impl Batch for Behavioural {
    fn len(&self) -> usize {
        self.law.len()
    }

    fn unknowns(&self) -> Vec<UnknownSpec> {
        let mut out = vec![];
        for (i, law) in self.law.iter().enumerate() {
            if law.has_branch() {
                out.push(UnknownSpec::branch(i));
            }
            if law.has_rate() {
                let unit = if *law == Law::Capacitance { "V/s" } else { "A/s" };
                let kind = UnknownKind::State { unit, abstol: RATE_TOL, residual_tol: RATE_TOL };
                out.push(UnknownSpec { instance: i as u32, name: "rate", kind, hold: None, initial: 0.0 });
            }
            self.formulas.unknowns(i, self.states(i), &mut out);
        }
        out
    }

    fn assign(&mut self, binder: &Binder) {
        let mut next = binder.internals.iter().copied();
        for i in 0..self.law.len() {
            if self.law[i].has_branch() {
                self.branch[i] = next.next().unwrap_or(0);
            }
            if self.law[i].has_rate() {
                self.rate[i] = next.next().unwrap_or(0);
            }
            for s in self.states(i) {
                self.formulas.set_state(s, next.next().unwrap_or(0));
            }
        }
        self.formulas.resolve(binder);
    }

    fn connect(&mut self, w: &mut dyn Wiring) {
        for i in 0..self.law.len() {
            let (p, n, b, y, law) = (self.p[i], self.n[i], self.branch[i], self.rate[i], self.law[i]);
            if law.has_branch() {
                self.branch_slots[i] = BranchSlots::connect(w, p, n, b);
                self.formulas.connect(w, self.formula[i], b, 0);
            } else {
                self.formulas.connect(w, self.formula[i], p, n);
            }
            match law {
                Law::Resistance => self.quad[i] = Quad::connect(w, (p, n), (p, n)),
                Law::Capacitance => {
                    self.rate_slots[i] = [w.slot(p, y), w.slot(n, y), w.slot(y, y), w.slot(y, p), w.slot(y, n)];
                }
                Law::Inductance => self.rate_slots[i] = [w.slot(b, y), 0, w.slot(y, y), w.slot(y, b), 0],
                _ => {}
            }
        }
        self.formulas.connect_states(w);
    }

    fn set_temperature(&mut self, temp: f64) {
        self.set_temperature_of(temp);
    }

    fn iter_len(&self) -> usize {
        self.formulas.buffer_len()
    }

    fn alone(&self) -> Option<&dyn Alone> {
        if self.formulas.reads_time() { None } else { Some(self) }
    }

    fn eval(&self, at: &Point, x: &[f64], mem: &mut IterMem, out: &mut Load) {
        for i in 0..self.law.len() {
            self.frame(i, at, x, out);
            self.terms(i, at, x, mem.values, out);
        }
        self.formulas.eval_states(0..self.formulas.state_count(), at, x, mem.values, out);
    }

    fn ac(&self, at: &Point, x: &[f64], omega: f64, out: &mut AcLoad) {
        self.formulas.ac(at, x, omega, out, &mut |point, buf, sink| {
            for i in 0..self.law.len() {
                self.terms(i, point, x, buf, sink);
            }
        });
    }

    fn noise(&self, at: &Point, x: &[f64], out: &mut Vec<NoiseSource>) {
        let Some(noisy) = self.ids.noisy else { return };
        let mut buf = vec![0.0; self.formulas.buffer_len()];
        for i in 0..self.law.len() {
            if self.law[i] == Law::Resistance && self.bank.real(i, noisy) != 0.0 {
                let r = self.resistance(i, self.formulas.eval(self.formula[i], at, x, &mut buf, None)).0;
                let white = 4.0 * K * self.temp_law(i).temperature(self.temp) * (self.m[i] / r).abs();
                out.push(NoiseSource {
                    instance: i as u32,
                    name: "thermal",
                    p: self.p[i],
                    n: self.n[i],
                    white,
                    flicker: 0.0,
                    exponent: 1.0,
                    spectrum: None,
                });
            }
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        &[
            OpVar { name: "value", unit: "", doc: "the expression with its temperature factor, scale and m" },
            OpVar { name: "i", unit: "A", doc: "current from p to n" },
            OpVar { name: "v", unit: "V", doc: "voltage from p to n" },
            OpVar { name: "p", unit: "W", doc: "power taken up" },
        ]
    }

    fn op_values(&self, i: usize, at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let mut buf = vec![0.0; self.formulas.buffer_len()];
        let raw = self.formulas.eval(self.formula[i], at, x, &mut buf, None);
        let (mut value, v) = (self.factor[i] * raw, self.v(i, x));
        let current = match self.law[i] {
            Law::Current => value,
            Law::Resistance => {
                value = self.resistance(i, raw).0 / self.m[i];
                v / value
            }
            Law::Capacitance => value * x[self.rate[i] as usize],
            // The current of a charge is its time derivative, which one point does not tell.
            Law::Charge => f64::NAN,
            Law::Voltage | Law::Inductance | Law::Flux => x[self.branch[i] as usize],
        };
        for (o, value) in out.iter_mut().zip([value, current, v, v * current]) {
            *o = value;
        }
    }

    fn initial_conditions(&self, out: &mut Vec<(Unknown, Unknown, f64)>) {
        let Some(id) = self.ids.ic else { return };
        for i in 0..self.law.len() {
            if let Some(ic) = self.bank.given(i, id) {
                let pair = if self.law[i].has_branch() { (self.branch[i], 0) } else { (self.p[i], self.n[i]) };
                out.push((pair.0, pair.1, ic));
            }
        }
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        self.ids.values.iter().all(|(v, _)| *v != id) && self.bank.set(instance, id, value)
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        self.bank.get(instance, id)
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
