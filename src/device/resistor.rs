//! Resistor: `i = (v_p - v_n) m / R(T)`.
//!
//! R(T) = r scale (1 + tc1 dT + tc2 dT²) with dT = T - tnom, or r scale 1.01^(tce dT) when `tce` is given. Without a
//! value the sheet resistance of the model gives it: r = rsh (l - 2 short)/(w - 2 narrow), etched on both sides as in ngspice.
//! Noise: thermal 4kT/R, and flicker kf |i|^af / (f^ef weff^wf leff^lf). Equations: Nagel, "SPICE2", ERL-M520, 1975,
//! and the ngspice manual, section "Resistors".

use super::common::{Bank, LawIds, Quad, TempLaw, node, spread_tc};
use super::*;
use crate::base::consts::K;
use crate::diag::Diagnostic;
use crate::diag::codes::device as codes;

crate::param_table! { pub static INSTANCE = [
    R: "r" | "resistance" real "Ω", Range::ANY, "Resistance at tnom; without it the model's sheet resistance and geometry give it";
    AC: "ac" real "Ω", Range::ANY, "Resistance in AC and noise analysis (default: that of DC)";
    TC: "tc" vector "1/°C", Range::ANY, "tc1 and tc2 in one list: tc=tc1[,tc2]";
    TC1: "tc1" real "1/°C", Range::ANY, "Linear temperature coefficient (default: the model's)";
    TC2: "tc2" real "1/°C²", Range::ANY, "Quadratic temperature coefficient (default: the model's)";
    TCE: "tce" real "%/°C", Range::ANY, "Exponential temperature coefficient; replaces tc1 and tc2";
    M: "m" real "" = 1.0, Range::POSITIVE, "Number of equal resistors in parallel";
    SCALE: "scale" real "" = 1.0, Range::ANY, "Factor on the resistance";
    TEMP: "temp" real "°C", Range::ANY, "Temperature of this resistor (default: that of the circuit)";
    DTEMP: "dtemp" real "°C" = 0.0, Range::ANY, "Temperature above that of the circuit";
    NOISY: "noisy" | "noise" flag "" = 1.0, Range::ANY, "0 takes the resistor out of noise analysis";
    W: "w" | "width" real "m", Range::POSITIVE, "Width (default: the model's defw)";
    L: "l" | "length" real "m", Range::POSITIVE, "Length (default: the model's l)";
] }

crate::param_table! { pub static MODEL = [
    RSH: "rsh" real "Ω/sq", Range::NON_NEGATIVE, "Sheet resistance";
    DEFW: "defw" | "w" real "m" = 1e-5, Range::POSITIVE, "Default width";
    DEFL: "l" | "defl" real "m" = 1e-5, Range::POSITIVE, "Default length";
    NARROW: "narrow" | "dw" real "m" = 0.0, Range::ANY, "Narrowing by side etching, each side";
    SHORT: "short" | "dlr" real "m" = 0.0, Range::ANY, "Shortening by side etching, each end";
    RES: "r" | "res" real "Ω", Range::ANY, "Default resistance of instances without a value";
    MTC1: "tc1" | "tc1r" real "1/°C" = 0.0, Range::ANY, "Linear temperature coefficient";
    MTC2: "tc2" | "tc2r" real "1/°C²" = 0.0, Range::ANY, "Quadratic temperature coefficient";
    MTCE: "tce" real "%/°C", Range::ANY, "Exponential temperature coefficient";
    TNOM: "tnom" | "t_measured" real "°C", Range::ANY, "Temperature at which the parameters were measured (default: .options tnom)";
    KF: "kf" real "" = 0.0, Range::NON_NEGATIVE, "Flicker noise coefficient";
    AF: "af" real "" = 1.0, Range::ANY, "Flicker noise exponent of the current";
    EF: "ef" real "" = 1.0, Range::ANY, "Flicker noise exponent of the frequency";
    WF: "wf" real "" = 1.0, Range::ANY, "Flicker noise exponent of the width";
    LF: "lf" real "" = 1.0, Range::ANY, "Flicker noise exponent of the length";
] }

pub static INFO: DeviceInfo = DeviceInfo {
    name: "resistor",
    letter: 'r',
    model_types: &[("r", 1.0), ("res", 1.0)],
    levels: &[],
    model_required: false,
    terminals: common::TWO,
    instance: INSTANCE,
    model: MODEL,
    positional: Some(R),
    has_branch: false,
    doc: "Linear resistor with temperature coefficients, sheet-resistance model, thermal and flicker noise. \
          A resistance of zero is taken as 1 mΩ with a warning.",
};

const LAW: LawIds =
    LawIds { tc1: TC1, tc2: TC2, temp: TEMP, dtemp: DTEMP, model_tc1: MTC1, model_tc2: MTC2, tnom: TNOM };

pub struct Resistor;

/// What a resistance of zero becomes, Ω.
const R_MIN: f64 = 1e-3;

impl DeviceType for Resistor {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }

    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        let mut bank = Bank::of_instances(INSTANCE, group);
        let models = Bank::of_models(MODEL, group);
        let mut faults = vec![];
        let size = group.len();
        let mut b = ResistorBatch {
            p: Vec::with_capacity(size),
            n: Vec::with_capacity(size),
            model: Vec::with_capacity(size),
            slots: vec![Quad::default(); size],
            g: vec![0.0; size],
            g_ac: vec![],
            temp: env.temp,
            tnom: env.tnom,
            bank: Bank::new(INSTANCE, 0),
            models,
        };
        for inst in group.iter() {
            spread_tc(&mut bank, &inst, TC, TC1, TC2);
            b.p.push(node(&inst, 0));
            b.n.push(node(&inst, 1));
            b.model.push(inst.model_index.unwrap_or(card::NO_MODEL));
        }
        b.bank = bank;
        for inst in group.iter() {
            match b.nominal(inst.index) {
                Some(r) if r.is_finite() => {}
                Some(_) => faults.push(
                    Diagnostic::error(codes::BAD_GEOMETRY, "width or length of this resistor is nothing after etching")
                        .at(inst.span, "w must be above 2 narrow, l above 2 short"),
                ),
                None => faults.push(
                    Diagnostic::error(codes::MISSING_VALUE, "resistor without a value")
                        .at(inst.span, "no resistance, and no model with rsh or r")
                        .help("give the resistance after the nodes, such as `R1 a b 1k`"),
                ),
            }
        }
        if faults.is_empty() { Ok(Box::new(b)) } else { Err(faults) }
    }

    fn lint(&self, group: &Group, _env: &Env) -> Vec<Diagnostic> {
        group
            .iter()
            .filter(|inst| inst.given(R) == Some(0.0) || inst.given(SCALE) == Some(0.0))
            .map(|inst| {
                Diagnostic::warning(codes::ZERO_RESISTANCE, "resistance of zero is taken as 1 mΩ")
                    .at(inst.span, "this resistor")
                    .help("to join two nodes, use one name for both or a voltage source of 0")
            })
            .collect()
    }
}

#[derive(Clone)]
struct ResistorBatch {
    p: Vec<Unknown>,
    n: Vec<Unknown>,
    model: Vec<u32>,
    slots: Vec<Quad>,
    /// Conductance with m, S.
    g: Vec<f64>,
    /// Conductance in AC; empty when that of DC serves every instance.
    g_ac: Vec<f64>,
    temp: f64,
    tnom: f64,
    bank: Bank,
    models: Bank,
}

impl ResistorBatch {
    fn model(&self, i: usize) -> usize {
        // Row beyond the bank: every lookup gives the table's default.
        self.model[i] as usize
    }

    fn model_given(&self, i: usize, id: ParamId) -> Option<f64> {
        self.models.given(self.model(i), id)
    }

    /// Effective width and length, where they are known.
    fn size(&self, i: usize) -> Option<(f64, f64)> {
        let m = self.model(i);
        self.models.given(m, RSH).filter(|r| *r != 0.0)?;
        let w = self.bank.given(i, W).unwrap_or_else(|| self.models.real(m, DEFW));
        let l = self.bank.given(i, L).unwrap_or_else(|| self.models.real(m, DEFL));
        Some((w - 2.0 * self.models.real(m, NARROW), l - 2.0 * self.models.real(m, SHORT)))
    }

    /// Resistance at tnom; infinite where the geometry is impossible.
    fn nominal(&self, i: usize) -> Option<f64> {
        if let Some(r) = self.bank.given(i, R) {
            return Some(r);
        }
        match self.size(i) {
            Some((w, l)) if w > 0.0 && l > 0.0 => self.model_given(i, RSH).map(|rsh| rsh * l / w),
            Some(_) => Some(f64::INFINITY),
            None => self.model_given(i, RES),
        }
    }

    fn law(&self, i: usize) -> TempLaw {
        LAW.law(&self.bank, i, &self.models, self.model(i), self.tnom)
    }

    fn conductance(&self, i: usize, nominal: f64) -> f64 {
        let law = self.law(i);
        let factor = match self.bank.given(i, TCE).or_else(|| self.model_given(i, MTCE)) {
            Some(tce) => 1.01f64.powf(tce * (law.temperature(self.temp) - law.tnom)),
            None => law.factor(self.temp),
        };
        let r = nominal * self.bank.real(i, SCALE) * factor;
        self.bank.real(i, M) / if r == 0.0 { R_MIN } else { r }
    }

    fn g_ac(&self, i: usize) -> f64 {
        self.g_ac.get(i).copied().unwrap_or(self.g[i])
    }

    fn v(&self, i: usize, x: &[f64]) -> f64 {
        x[self.p[i] as usize] - x[self.n[i] as usize]
    }

    #[inline]
    fn add(&self, i: usize, x: &[f64], out: &mut Load) {
        let g = self.g[i];
        let current = g * self.v(i, x);
        out.f(self.p[i], current);
        out.f(self.n[i], -current);
        self.slots[i].g(out, g);
    }
}

impl Alone for ResistorBatch {
    fn eval_these(&self, which: &[u32], _at: &Point, x: &[f64], _mem: &mut IterMem, out: &mut Load) {
        which.iter().for_each(|i| self.add(*i as usize, x, out));
    }
}

impl Batch for ResistorBatch {
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
            self.g[i] = self.conductance(i, self.nominal(i).unwrap_or(R_MIN));
        }
        let has_ac = (0..self.p.len()).any(|i| self.bank.given(i, AC).is_some());
        self.g_ac = if has_ac {
            (0..self.p.len()).map(|i| self.bank.given(i, AC).map_or(self.g[i], |r| self.conductance(i, r))).collect()
        } else {
            vec![]
        };
    }

    fn alone(&self) -> Option<&dyn Alone> {
        Some(self)
    }

    fn eval(&self, _at: &Point, x: &[f64], _mem: &mut IterMem, out: &mut Load) {
        (0..self.p.len()).for_each(|i| self.add(i, x, out));
    }

    fn ac(&self, _at: &Point, _x: &[f64], _omega: f64, out: &mut AcLoad) {
        for (i, g_ac) in self.g_ac.iter().enumerate() {
            let d = g_ac - self.g[i];
            let s = &self.slots[i];
            for (slot, y) in [(s.pp, d), (s.pn, -d), (s.np, -d), (s.nn, d)] {
                out.y[slot as usize] += y;
            }
        }
    }

    fn noise(&self, _at: &Point, x: &[f64], out: &mut Vec<NoiseSource>) {
        for i in 0..self.p.len() {
            if self.bank.real(i, NOISY) == 0.0 {
                continue;
            }
            let (p, n, instance) = (self.p[i], self.n[i], i as u32);
            let white = 4.0 * K * self.law(i).temperature(self.temp) * self.g_ac(i).abs();
            out.push(NoiseSource {
                instance,
                name: "thermal",
                p,
                n,
                white,
                flicker: 0.0,
                exponent: 1.0,
                spectrum: None,
            });
            let mi = self.model(i);
            let kf = self.models.real(mi, KF);
            if kf != 0.0 {
                let m = self.bank.real(i, M);
                let (w, l) = self.size(i).unwrap_or((1.0, 1.0));
                let area = w.powf(self.models.real(mi, WF)) * l.powf(self.models.real(mi, LF));
                // m resistors, each with its share of the current.
                let each = (self.g[i] * self.v(i, x) / m).abs().powf(self.models.real(mi, AF));
                let (flicker, exponent) = (m * kf * each / area, self.models.real(mi, EF));
                out.push(NoiseSource { instance, name: "1overf", p, n, white: 0.0, flicker, exponent, spectrum: None });
            }
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        &[
            OpVar { name: "i", unit: "A", doc: "current from p to n" },
            OpVar { name: "v", unit: "V", doc: "voltage from p to n" },
            OpVar { name: "p", unit: "W", doc: "power" },
            OpVar { name: "r", unit: "Ω", doc: "resistance at this temperature, with m" },
            OpVar { name: "g", unit: "S", doc: "conductance, with m" },
        ]
    }

    fn op_values(&self, i: usize, _at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let (v, g) = (self.v(i, x), self.g[i]);
        for (o, value) in out.iter_mut().zip([g * v, v, g * v * v, 1.0 / g, g]) {
            *o = value;
        }
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        self.bank.set(instance, id, value)
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        match id {
            R => self.nominal(instance),
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
