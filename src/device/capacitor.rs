//! Capacitor: `q = m C(T) (v_p - v_n)`.
//!
//! C(T) = c scale (1 + tc1 dT + tc2 dT²). Without a value the geometry gives it:
//! c = cj (l - short)(w - narrow) + 2 cjsw (l - short + w - narrow); without cj, cj = di ε0/thick.
//! Reference: ngspice manual, section "Capacitors".

use super::common::{Bank, LawIds, Quad, TempLaw, node, spread_tc};
use super::*;
use crate::base::consts::EPS0;
use crate::diag::Diagnostic;
use crate::diag::codes::device as codes;

crate::param_table! { pub static INSTANCE = [
    C: "c" | "cap" | "capacitance" real "F", Range::ANY, "Capacitance at tnom; without it the model gives it";
    IC: "ic" real "V", Range::ANY, "Initial voltage, used with uic";
    TC: "tc" vector "1/°C", Range::ANY, "tc1 and tc2 in one list: tc=tc1[,tc2]";
    TC1: "tc1" real "1/°C", Range::ANY, "Linear temperature coefficient (default: the model's)";
    TC2: "tc2" real "1/°C²", Range::ANY, "Quadratic temperature coefficient (default: the model's)";
    M: "m" real "" = 1.0, Range::POSITIVE, "Number of equal capacitors in parallel";
    SCALE: "scale" real "" = 1.0, Range::ANY, "Factor on the capacitance";
    TEMP: "temp" real "°C", Range::ANY, "Temperature of this capacitor (default: that of the circuit)";
    DTEMP: "dtemp" real "°C" = 0.0, Range::ANY, "Temperature above that of the circuit";
    W: "w" | "width" real "m", Range::POSITIVE, "Width (default: the model's defw)";
    L: "l" | "length" real "m", Range::POSITIVE, "Length (default: the model's defl)";
] }

crate::param_table! { pub static MODEL = [
    CAP: "cap" | "c" real "F", Range::ANY, "Default capacitance of instances without a value";
    CJ: "cj" real "F/m²", Range::NON_NEGATIVE, "Capacitance per area";
    CJSW: "cjsw" real "F/m" = 0.0, Range::NON_NEGATIVE, "Capacitance per length of the edge";
    DEFW: "defw" | "w" real "m" = 1e-5, Range::POSITIVE, "Default width";
    DEFL: "defl" | "l" real "m" = 0.0, Range::NON_NEGATIVE, "Default length";
    NARROW: "narrow" real "m" = 0.0, Range::ANY, "Narrowing by side etching";
    SHORT: "short" real "m" = 0.0, Range::ANY, "Shortening by side etching";
    MTC1: "tc1" real "1/°C" = 0.0, Range::ANY, "Linear temperature coefficient";
    MTC2: "tc2" real "1/°C²" = 0.0, Range::ANY, "Quadratic temperature coefficient";
    TNOM: "tnom" | "t_measured" real "°C", Range::ANY, "Temperature at which the parameters were measured (default: .options tnom)";
    DI: "di" real "" = 3.9, Range::NON_NEGATIVE, "Relative permittivity of the insulator (used with thick)";
    THICK: "thick" real "m", Range::POSITIVE, "Thickness of the insulator; with di gives cj where that is not given";
] }

pub static INFO: DeviceInfo = DeviceInfo {
    name: "capacitor",
    letter: 'c',
    model_types: &[("c", 1.0), ("cap", 1.0)],
    levels: &[],
    model_required: false,
    terminals: common::TWO,
    instance: INSTANCE,
    model: MODEL,
    positional: Some(C),
    has_branch: false,
    doc: "Linear capacitor with temperature coefficients and a geometric model.",
};

const LAW: LawIds =
    LawIds { tc1: TC1, tc2: TC2, temp: TEMP, dtemp: DTEMP, model_tc1: MTC1, model_tc2: MTC2, tnom: TNOM };

pub struct Capacitor;

impl DeviceType for Capacitor {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }

    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        let mut bank = Bank::of_instances(INSTANCE, group);
        let size = group.len();
        let mut b = CapacitorBatch {
            p: Vec::with_capacity(size),
            n: Vec::with_capacity(size),
            model: Vec::with_capacity(size),
            slots: vec![Quad::default(); size],
            c: vec![0.0; size],
            temp: env.temp,
            tnom: env.tnom,
            bank: Bank::new(INSTANCE, 0),
            models: Bank::of_models(MODEL, group),
        };
        for inst in group.iter() {
            spread_tc(&mut bank, &inst, TC, TC1, TC2);
            b.p.push(node(&inst, 0));
            b.n.push(node(&inst, 1));
            b.model.push(inst.model_index.unwrap_or(card::NO_MODEL));
        }
        b.bank = bank;
        let faults: Vec<_> = group
            .iter()
            .filter(|inst| b.nominal(inst.index).is_none())
            .map(|inst| {
                Diagnostic::error(codes::MISSING_VALUE, "capacitor without a value")
                    .at(inst.span, "no capacitance, and no model with cap, or with cj and a length")
                    .help("give the capacitance after the nodes, such as `C1 a b 1p`")
            })
            .collect();
        if faults.is_empty() { Ok(Box::new(b)) } else { Err(faults) }
    }
}

#[derive(Clone)]
struct CapacitorBatch {
    p: Vec<Unknown>,
    n: Vec<Unknown>,
    model: Vec<u32>,
    slots: Vec<Quad>,
    /// Capacitance with m, F.
    c: Vec<f64>,
    temp: f64,
    tnom: f64,
    bank: Bank,
    models: Bank,
}

impl CapacitorBatch {
    fn nominal(&self, i: usize) -> Option<f64> {
        if let Some(c) = self.bank.given(i, C) {
            return Some(c);
        }
        let m = self.model[i] as usize;
        let cj = self
            .models
            .given(m, CJ)
            .or_else(|| self.models.given(m, THICK).map(|thick| self.models.real(m, DI) * EPS0 / thick));
        let l = self.bank.given(i, L).unwrap_or_else(|| self.models.real(m, DEFL));
        if let Some(cj) = cj.filter(|_| l > 0.0) {
            let w = self.bank.given(i, W).unwrap_or_else(|| self.models.real(m, DEFW));
            let (w, l) = (w - self.models.real(m, NARROW), l - self.models.real(m, SHORT));
            return Some(cj * w * l + 2.0 * self.models.real(m, CJSW) * (w + l));
        }
        self.models.given(m, CAP)
    }

    fn law(&self, i: usize) -> TempLaw {
        LAW.law(&self.bank, i, &self.models, self.model[i] as usize, self.tnom)
    }

    #[inline]
    fn add(&self, i: usize, at: &Point, x: &[f64], out: &mut Load) {
        let (p, n, c) = (self.p[i], self.n[i], self.c[i]);
        let ic = if at.is_uic_start { self.bank.given(i, IC) } else { None };
        let q = c * ic.unwrap_or(x[p as usize] - x[n as usize]);
        out.q(p, q);
        out.q(n, -q);
        if ic.is_none() {
            self.slots[i].c(out, c);
        }
    }
}

impl Alone for CapacitorBatch {
    fn eval_these(&self, which: &[u32], at: &Point, x: &[f64], _mem: &mut IterMem, out: &mut Load) {
        which.iter().for_each(|i| self.add(*i as usize, at, x, out));
    }
}

impl Batch for CapacitorBatch {
    fn len(&self) -> usize {
        self.p.len()
    }

    fn assign(&mut self, _binder: &Binder) {}

    fn connect(&mut self, w: &mut dyn Wiring) {
        for i in 0..self.p.len() {
            let pair = (self.p[i], self.n[i]);
            self.slots[i] = Quad::connect(w, pair, pair);
        }
    }

    fn linearity(&self) -> Linearity {
        Linearity::Linear
    }

    fn set_temperature(&mut self, temp: f64) {
        self.temp = temp;
        for i in 0..self.p.len() {
            let scale = self.bank.real(i, SCALE) * self.bank.real(i, M) * self.law(i).factor(temp);
            self.c[i] = self.nominal(i).unwrap_or(0.0) * scale;
        }
    }

    fn alone(&self) -> Option<&dyn Alone> {
        Some(self)
    }

    fn eval(&self, at: &Point, x: &[f64], _mem: &mut IterMem, out: &mut Load) {
        (0..self.p.len()).for_each(|i| self.add(i, at, x, out));
    }

    fn op_vars(&self) -> &'static [OpVar] {
        &[
            OpVar { name: "v", unit: "V", doc: "voltage from p to n" },
            OpVar { name: "q", unit: "C", doc: "charge, with m" },
            OpVar { name: "c", unit: "F", doc: "capacitance at this temperature, with m" },
        ]
    }

    fn op_values(&self, i: usize, _at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let (v, c) = (x[self.p[i] as usize] - x[self.n[i] as usize], self.c[i]);
        for (o, value) in out.iter_mut().zip([v, c * v, c]) {
            *o = value;
        }
    }

    fn initial_conditions(&self, out: &mut Vec<(Unknown, Unknown, f64)>) {
        for i in 0..self.p.len() {
            if let Some(v) = self.bank.given(i, IC) {
                out.push((self.p[i], self.n[i], v));
            }
        }
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        self.bank.set(instance, id, value)
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        match id {
            C => self.nominal(instance),
            _ => self.bank.get(instance, id),
        }
    }

    fn set_model_param(&mut self, model: usize, id: ParamId, value: f64) -> bool {
        self.models.set(model, id, value)
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
