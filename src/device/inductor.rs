//! Inductor: branch current `i` with the row `(v_n - v_p) + d/dt (L(T) i) = 0`; the row's q is the flux.
//!
//! L(T) = l scale (1 + tc1 dT + tc2 dT²)/m. Without a value the model gives it: `ind`, or from the geometry of a long
//! coil L = µ µ0 nt² csect/length. Reference: ngspice manual, section "Inductors".

use super::common::{Bank, Branches, LawIds, TempLaw, spread_tc};
use super::*;
use crate::diag::Diagnostic;
use crate::diag::codes::device as codes;

crate::param_table! { pub static INSTANCE = [
    L: "l" | "ind" | "inductance" real "H", Range::ANY, "Inductance at tnom; without it the model gives it";
    IC: "ic" real "A", Range::ANY, "Initial current, used with uic";
    TC: "tc" vector "1/°C", Range::ANY, "tc1 and tc2 in one list: tc=tc1[,tc2]";
    TC1: "tc1" real "1/°C", Range::ANY, "Linear temperature coefficient (default: the model's)";
    TC2: "tc2" real "1/°C²", Range::ANY, "Quadratic temperature coefficient (default: the model's)";
    M: "m" real "" = 1.0, Range::POSITIVE, "Number of equal inductors in parallel";
    SCALE: "scale" real "" = 1.0, Range::ANY, "Factor on the inductance";
    TEMP: "temp" real "°C", Range::ANY, "Temperature of this inductor (default: that of the circuit)";
    DTEMP: "dtemp" real "°C" = 0.0, Range::ANY, "Temperature above that of the circuit";
    NT: "nt" real "", Range::NON_NEGATIVE, "Number of turns (default: the model's)";
    COUPLED: "coupled" flag "" = 0.0, Range::ANY, "Set by elaboration on windings of a mutual inductance: a change of value rebuilds the simulation";
] }

crate::param_table! { pub static MODEL = [
    IND: "ind" | "l" real "H", Range::ANY, "Default inductance of instances without a value";
    CSECT: "csect" real "m²", Range::POSITIVE, "Cross section of the coil";
    LENGTH: "length" real "m", Range::POSITIVE, "Length of the coil";
    MNT: "nt" real "" = 0.0, Range::NON_NEGATIVE, "Number of turns";
    MU: "mu" real "" = 1.0, Range::NON_NEGATIVE, "Relative permeability of the core";
    MTC1: "tc1" real "1/°C" = 0.0, Range::ANY, "Linear temperature coefficient";
    MTC2: "tc2" real "1/°C²" = 0.0, Range::ANY, "Quadratic temperature coefficient";
    TNOM: "tnom" | "t_measured" real "°C", Range::ANY, "Temperature at which the parameters were measured (default: .options tnom)";
] }

pub static INFO: DeviceInfo = DeviceInfo {
    name: "inductor",
    letter: 'l',
    model_types: &[("l", 1.0), ("ind", 1.0)],
    levels: &[],
    model_required: false,
    terminals: common::TWO,
    instance: INSTANCE,
    model: MODEL,
    positional: Some(L),
    has_branch: true,
    doc: "Linear inductor with a branch current, temperature coefficients and a coil model.",
};

const LAW: LawIds =
    LawIds { tc1: TC1, tc2: TC2, temp: TEMP, dtemp: DTEMP, model_tc1: MTC1, model_tc2: MTC2, tnom: TNOM };

pub struct Inductor;

/// Vacuum permeability, H/m (CODATA 2018).
const MU0: f64 = 1.256_637_062_12e-6;

/// All that fixes an inductance at any temperature, for the couplings that it takes part in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Winding {
    /// Inductance at tnom with scale and m, H.
    pub l: f64,
    pub law: TempLaw,
    /// Initial current, A; NaN: none.
    pub ic: f64,
}

/// Numbers of one winding in the `windings` vector of a mutual inductance.
pub const WINDING_LEN: usize = 7;

impl Winding {
    pub fn to_array(&self) -> [f64; WINDING_LEN] {
        let t = &self.law;
        [self.l, t.tc1, t.tc2, t.temp_c, t.dtemp, t.tnom, self.ic]
    }

    pub fn from_slice(a: &[f64]) -> Option<Self> {
        let &[l, tc1, tc2, temp_c, dtemp, tnom, ic] = a else { return None };
        Some(Winding { l, law: TempLaw { tc1, tc2, temp_c, dtemp, tnom }, ic })
    }

    /// Inductance in a circuit at `temp` K.
    pub fn inductance(&self, temp: f64) -> f64 {
        self.l * self.law.factor(temp)
    }
}

/// The winding that an inductor instance is, as numbers for [`super::mutual::WINDINGS`]. Where the instance has no
/// value (which its own batch reports) the inductance is 0.
pub fn winding(inst: &InstanceRef, env: &Env) -> [f64; WINDING_LEN] {
    let mut bank = Bank::new(INSTANCE, 1);
    let mut models = Bank::new(MODEL, usize::from(inst.model.is_some()));
    for (id, value) in inst.params {
        if let Value::Num(x) = value {
            bank.put(0, *id, *x);
        }
    }
    for (id, value) in inst.model.iter().flat_map(|m| &m.params) {
        if let Value::Num(x) = value {
            models.put(0, *id, *x);
        }
    }
    spread_tc(&mut bank, &InstanceRef { index: 0, ..*inst }, TC, TC1, TC2);
    let model = if inst.model.is_some() { 0 } else { card::NO_MODEL as usize };
    of_row(&bank, 0, &models, model, env.tnom).unwrap_or(Winding { l: 0.0, ..no_winding(env.tnom) }).to_array()
}

fn no_winding(tnom: f64) -> Winding {
    Winding { l: 0.0, law: TempLaw { tc1: 0.0, tc2: 0.0, temp_c: f64::NAN, dtemp: 0.0, tnom }, ic: f64::NAN }
}

fn nominal(bank: &Bank, i: usize, models: &Bank, m: usize) -> Option<f64> {
    bank.given(i, L).or_else(|| models.given(m, IND)).or_else(|| {
        let (area, length) = (models.given(m, CSECT)?, models.given(m, LENGTH)?);
        let turns = bank.given(i, NT).unwrap_or_else(|| models.real(m, MNT));
        Some(MU0 * models.real(m, MU) * turns * turns * area / length)
    })
}

fn of_row(bank: &Bank, i: usize, models: &Bank, m: usize, tnom: f64) -> Option<Winding> {
    Some(Winding {
        l: nominal(bank, i, models, m)? * bank.real(i, SCALE) / bank.real(i, M),
        law: LAW.law(bank, i, models, m, tnom),
        ic: bank.given(i, IC).unwrap_or(f64::NAN),
    })
}

impl DeviceType for Inductor {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }

    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        let mut bank = Bank::of_instances(INSTANCE, group);
        let size = group.len();
        let mut b = InductorBatch {
            branches: Branches::new(group),
            model: Vec::with_capacity(size),
            l: vec![0.0; size],
            tnom: env.tnom,
            bank: Bank::new(INSTANCE, 0),
            models: Bank::of_models(MODEL, group),
        };
        let mut faults = vec![];
        for inst in group.iter() {
            spread_tc(&mut bank, &inst, TC, TC1, TC2);
            let model = inst.model_index.unwrap_or(card::NO_MODEL);
            b.model.push(model);
            if nominal(&bank, inst.index, &b.models, model as usize).is_none() {
                faults.push(
                    Diagnostic::error(codes::MISSING_VALUE, "inductor without a value")
                        .at(inst.span, "no inductance, and no model with ind, or with csect and length")
                        .help("give the inductance after the nodes, such as `L1 a b 1u`"),
                );
            }
        }
        b.bank = bank;
        if faults.is_empty() { Ok(Box::new(b)) } else { Err(faults) }
    }
}

#[derive(Clone)]
struct InductorBatch {
    branches: Branches,
    model: Vec<u32>,
    /// Inductance with m, H.
    l: Vec<f64>,
    tnom: f64,
    bank: Bank,
    models: Bank,
}

impl Batch for InductorBatch {
    fn len(&self) -> usize {
        self.branches.len()
    }

    fn unknowns(&self) -> Vec<UnknownSpec> {
        self.branches.unknowns()
    }

    fn assign(&mut self, binder: &Binder) {
        self.branches.assign(binder);
    }

    fn connect(&mut self, w: &mut dyn Wiring) {
        self.branches.connect(w);
    }

    fn linearity(&self) -> Linearity {
        Linearity::Linear
    }

    fn set_temperature(&mut self, temp: f64) {
        for i in 0..self.branches.len() {
            let w = of_row(&self.bank, i, &self.models, self.model[i] as usize, self.tnom);
            self.l[i] = w.map_or(0.0, |w| w.inductance(temp));
        }
    }

    fn eval(&self, at: &Point, x: &[f64], _mem: &mut IterMem, out: &mut Load) {
        for i in 0..self.branches.len() {
            let b = self.branches.b[i];
            self.branches.eval(i, out, x, -1.0);
            let ic = if at.is_uic_start { self.bank.given(i, IC) } else { None };
            out.q(b, self.l[i] * ic.unwrap_or(x[b as usize]));
            if ic.is_none() {
                out.c(self.branches.slots[i].b_b, self.l[i]);
            }
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        &[
            OpVar { name: "i", unit: "A", doc: "current from p to n" },
            OpVar { name: "v", unit: "V", doc: "voltage from p to n" },
            OpVar { name: "p", unit: "W", doc: "power" },
            OpVar { name: "flux", unit: "Wb", doc: "own flux (without coupled windings)" },
            OpVar { name: "l", unit: "H", doc: "inductance at this temperature, with m" },
        ]
    }

    fn op_values(&self, i: usize, _at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let (v, current) = self.branches.at(i, x);
        for (o, value) in out.iter_mut().zip([current, v, v * current, self.l[i] * current, self.l[i]]) {
            *o = value;
        }
    }

    fn initial_conditions(&self, out: &mut Vec<(Unknown, Unknown, f64)>) {
        for i in 0..self.branches.len() {
            if let Some(current) = self.bank.given(i, IC) {
                out.push((self.branches.b[i], 0, current));
            }
        }
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        self.bank.real(instance, COUPLED) == 0.0 && self.bank.set(instance, id, value)
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        match id {
            L => nominal(&self.bank, instance, &self.models, self.model[instance] as usize),
            _ => self.bank.get(instance, id),
        }
    }

    fn set_model_param(&mut self, model: usize, id: ParamId, value: f64) -> bool {
        let coupled =
            (0..self.branches.len()).any(|i| self.model[i] as usize == model && self.bank.real(i, COUPLED) != 0.0);
        !coupled && self.models.set(model, id, value)
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
