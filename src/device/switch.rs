//! Switches controlled by a voltage (`vswitch`, S) or by a current (`cswitch`, W).
//!
//! The logarithm of the conductance passes from ln(1/roff) to ln(1/ron) as 3t² - 2t³ (PSPICE's law), t going from 0 to
//! 1 over a stretch of the control. For the smooth type that stretch is voff to von. For the threshold type (`sw`,
//! `csw`) it is centred at vt + |vh| while the switch is open and at vt - |vh| while it is closed, and reaches `width`
//! to either side; by default width = max(|vh|/1000, |vt|/10000, 0.1 mV or 0.1 µA). The state changes only at accepted
//! points, and only where both curves agree (the control is beyond the whole stretch), so the conductance never jumps
//! and Newton's method sees one smooth function. A step that would go deep into the stretch or leap over it is cut to end
//! just inside (an event, see [`Batch::crossing`]); inside, steps take a quarter of it.

use super::common::{Bank, Quad, node};
use super::*;
use crate::base::Sym;
use crate::base::consts::K;
use crate::diag::Diagnostic;
use crate::diag::codes::device as codes;

crate::param_table! { pub static INSTANCE = [
    ON: "on" flag "" = 0.0, Range::ANY, "Closed at first, where the control lies within the hysteresis";
    OFF: "off" flag "" = 0.0, Range::ANY, "Open at first (the default)";
    M: "m" real "" = 1.0, Range::POSITIVE, "Number of equal switches in parallel";
] }

// The same table for both: `vt`/`it`, `vh`/`ih`, `von`/`ion`, `voff`/`ioff` are one parameter each.
crate::param_table! { pub static MODEL = [
    T: "vt" | "it" real "V|A" = 0.0, Range::ANY, "Threshold of the control";
    H: "vh" | "ih" real "V|A" = 0.0, Range::ANY, "Hysteresis: closes above t + |h|, opens below t - |h|";
    RON: "ron" real "Ω" = 1.0, Range::POSITIVE, "Resistance when closed";
    ROFF: "roff" real "Ω", Range::POSITIVE, "Resistance when open (default 1e12, or 1e6 for von/voff switches)";
    VON: "von" | "ion" real "V|A", Range::ANY, "Control at which a smooth switch (PSPICE type) is fully closed (default 1 V or 1 mA)";
    VOFF: "voff" | "ioff" real "V|A", Range::ANY, "Control at which a smooth switch is fully open (default 0)";
    WIDTH: "width" real "V|A", Range::POSITIVE, "Half the width of control over which a threshold switch passes from open to closed";
] }

static FOUR: &[Terminal] = &[
    Terminal { name: "p", doc: "first contact", optional: false },
    Terminal { name: "n", doc: "second contact", optional: false },
    Terminal { name: "cp", doc: "positive control", optional: false },
    Terminal { name: "cn", doc: "negative control", optional: false },
];

pub static VSWITCH: DeviceInfo = DeviceInfo {
    name: "vswitch",
    letter: 's',
    // The sign tells the threshold type (+1) from the smooth PSPICE type (-1).
    model_types: &[("sw", 1.0), ("vswitch", -1.0)],
    levels: &[],
    model_required: true,
    terminals: FOUR,
    instance: INSTANCE,
    model: MODEL,
    positional: None,
    has_branch: false,
    doc: "Switch controlled by a voltage, with hysteresis (sw) or with a smooth passage between voff and von (vswitch, \
          or sw with von/voff).",
};

pub static CSWITCH: DeviceInfo = DeviceInfo {
    name: "cswitch",
    letter: 'w',
    model_types: &[("csw", 1.0), ("iswitch", -1.0)],
    levels: &[],
    model_required: true,
    terminals: common::TWO,
    instance: INSTANCE,
    model: MODEL,
    positional: None,
    has_branch: false,
    doc: "Switch controlled by the branch current of ref 0, with hysteresis (csw) or with a smooth passage between ioff \
          and ion (iswitch).",
};

pub struct Vswitch;
pub struct Cswitch;

impl DeviceType for Vswitch {
    fn info(&self) -> &DeviceInfo {
        &VSWITCH
    }
    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        build(true, group, env)
    }
}

impl DeviceType for Cswitch {
    fn info(&self) -> &DeviceInfo {
        &CSWITCH
    }
    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        build(false, group, env)
    }
}

/// Where in the passage a step should land that enters it, and where at the farthest, in halves of its width from its
/// centre.
const ENTRY: f64 = 0.75;
const DEEP: f64 = 0.5;

/// What a model comes to.
#[derive(Clone, Copy, Debug)]
struct Curve {
    ln_off: f64,
    /// ln(g_on/g_off)
    ln_ratio: f64,
    /// Control at the middle of the passage of an open and of a closed switch, and half the width of the passage
    /// (negative when more control opens the switch).
    centre_open: f64,
    centre_closed: f64,
    half: f64,
    has_hysteresis: bool,
}

impl Curve {
    fn new(models: &Bank, m: usize, polarity: f64, is_voltage: bool) -> Result<Curve, &'static str> {
        let (von, voff) = (models.given(m, VON), models.given(m, VOFF));
        let is_smooth = polarity < 0.0 || von.is_some() || voff.is_some();
        let (ron, roff) = (models.real(m, RON), models.given(m, ROFF).unwrap_or(if is_smooth { 1e6 } else { 1e12 }));
        if !(ron > 0.0 && roff > 0.0) {
            return Err("ron and roff must be above zero");
        }
        let (ln_off, ln_ratio) = (-roff.ln(), (roff / ron).ln());
        if is_smooth {
            let von = von.unwrap_or(if is_voltage { 1.0 } else { 1e-3 });
            let voff = voff.unwrap_or(0.0);
            if von == voff {
                return Err("von and voff must differ");
            }
            let (centre, half) = (0.5 * (von + voff), 0.5 * (von - voff));
            return Ok(Curve {
                ln_off,
                ln_ratio,
                centre_open: centre,
                centre_closed: centre,
                half,
                has_hysteresis: false,
            });
        }
        let (t, h) = (models.real(m, T), models.real(m, H).abs());
        let least = if is_voltage { 1e-4 } else { 1e-7 };
        let half = models.given(m, WIDTH).unwrap_or((1e-3 * h).max(1e-4 * t.abs()).max(least));
        Ok(Curve { ln_off, ln_ratio, centre_open: t + h, centre_closed: t - h, half, has_hysteresis: h > 0.0 })
    }

    fn centre(&self, is_closed: bool) -> f64 {
        if is_closed { self.centre_closed } else { self.centre_open }
    }

    /// Conductance and its derivative by the control.
    fn conductance(&self, control: f64, is_closed: bool) -> (f64, f64) {
        let t = (0.5 * ((control - self.centre(is_closed)) / self.half + 1.0)).clamp(0.0, 1.0);
        let g = (self.ln_off + self.ln_ratio * t * t * (3.0 - 2.0 * t)).exp();
        (g, g * self.ln_ratio * 6.0 * t * (1.0 - t) * 0.5 / self.half)
    }

    /// The state that follows from a control, given the present one.
    fn next_state(&self, control: f64, is_closed: bool) -> bool {
        if !self.has_hysteresis {
            return (control - self.centre_open) / self.half > 0.0;
        }
        if is_closed { control > self.centre_closed - self.half } else { control >= self.centre_open + self.half }
    }

    /// Longest step that still lands at the near end of the passage, or takes a quarter of it, when the control goes on at `rate`.
    fn max_step(&self, control: f64, is_closed: bool, rate: f64) -> f64 {
        let (d, half) = (self.centre(is_closed) - control, self.half.abs());
        if rate == 0.0 {
            f64::INFINITY
        } else if d.abs() <= half {
            0.5 * half / rate.abs()
        } else if d * rate > 0.0 {
            (d.abs() - ENTRY * half) / rate.abs()
        } else {
            f64::INFINITY
        }
    }

    /// The part of a step from control `c0` to `c1`, both taken as on a line, at which it enters the passage, unless it
    /// ends near there anyway.
    fn entry(&self, c0: f64, c1: f64, is_closed: bool) -> Option<f64> {
        let (centre, half) = (self.centre(is_closed), self.half.abs());
        let (u0, u1) = ((c0 - centre) / half, (c1 - centre) / half);
        let side = if u0 <= -1.0 && u1 > -DEEP {
            -1.0
        } else if u0 >= 1.0 && u1 < DEEP {
            1.0
        } else {
            return None;
        };
        Some((side * ENTRY - u0) / (u1 - u0))
    }
}

fn build(is_voltage: bool, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
    let mut faults = vec![];
    let models = Bank::of_models(MODEL, group);
    let polarity: Vec<f64> = group.models.iter().map(|m| m.polarity).collect();
    let mut curves = vec![];
    for (m, card) in group.models.iter().enumerate() {
        match Curve::new(&models, m, polarity[m], is_voltage) {
            Ok(c) => curves.push(c),
            Err(why) => faults
                .push(Diagnostic::error(codes::BAD_SWITCH, format!("model `{}`: {why}", card.name)).at(card.span, why)),
        }
    }
    let size = group.len();
    let mut b = Switches {
        is_voltage,
        bank: Bank::of_instances(INSTANCE, group),
        models,
        polarity,
        curves,
        model: Vec::with_capacity(size),
        p: Vec::with_capacity(size),
        n: Vec::with_capacity(size),
        control: vec![(0, 0); size],
        refs: vec![],
        quad: vec![Quad::default(); size],
        cross: vec![Quad::default(); size],
        m: vec![1.0; size],
        at_first: vec![false; size],
        is_closed: vec![],
        last: vec![(f64::NAN, 0.0); size],
        temp: env.temp,
    };
    for inst in group.iter() {
        b.p.push(node(&inst, 0));
        b.n.push(node(&inst, 1));
        b.at_first[inst.index] = inst.flag(ON) && !inst.flag(OFF);
        if is_voltage {
            b.control[inst.index] = (node(&inst, 2), node(&inst, 3));
        } else if let Some(r) = inst.refs.first() {
            b.refs.push(*r);
        } else {
            faults.push(
                Diagnostic::error(codes::NO_CONTROL, "switch without the element whose current controls it")
                    .at(inst.span, "name a voltage source here")
                    .help("write `W1 a b Vsense model`"),
            );
        }
        match inst.model_index {
            Some(m) => b.model.push(m as usize),
            None => {
                b.model.push(0);
                faults.push(
                    Diagnostic::error(codes::BAD_SWITCH, "switch without a model").at(inst.span, "needs a model"),
                );
            }
        }
    }
    b.is_closed.clone_from(&b.at_first);
    if faults.is_empty() { Ok(Box::new(b)) } else { Err(faults) }
}

#[derive(Clone)]
struct Switches {
    is_voltage: bool,
    bank: Bank,
    models: Bank,
    polarity: Vec<f64>,
    curves: Vec<Curve>,
    model: Vec<usize>,
    p: Vec<Unknown>,
    n: Vec<Unknown>,
    control: Vec<(Unknown, Unknown)>,
    refs: Vec<Sym>,
    quad: Vec<Quad>,
    /// Rows p, n by the control.
    cross: Vec<Quad>,
    m: Vec<f64>,
    /// `on` was given.
    at_first: Vec<bool>,
    /// Committed.
    is_closed: Vec<bool>,
    /// Time and control at the last accepted point.
    last: Vec<(f64, f64)>,
    temp: f64,
}

impl Switches {
    fn control(&self, i: usize, x: &[f64]) -> f64 {
        x[self.control[i].0 as usize] - x[self.control[i].1 as usize]
    }

    fn conductance(&self, i: usize, x: &[f64]) -> (f64, f64) {
        let (g, dg) = self.curves[self.model[i]].conductance(self.control(i, x), self.is_closed[i]);
        (self.m[i] * g, self.m[i] * dg)
    }

    fn v(&self, i: usize, x: &[f64]) -> f64 {
        x[self.p[i] as usize] - x[self.n[i] as usize]
    }
}

impl Batch for Switches {
    fn len(&self) -> usize {
        self.p.len()
    }

    fn assign(&mut self, binder: &Binder) {
        for (i, r) in self.refs.iter().enumerate() {
            self.control[i] = ((binder.branch)(*r), 0);
        }
    }

    fn connect(&mut self, w: &mut dyn Wiring) {
        for i in 0..self.p.len() {
            let pair = (self.p[i], self.n[i]);
            self.quad[i] = Quad::connect(w, pair, pair);
            self.cross[i] = Quad::connect(w, pair, self.control[i]);
        }
    }

    fn set_temperature(&mut self, temp: f64) {
        self.temp = temp;
        for (m, curve) in self.curves.iter_mut().enumerate() {
            if let Ok(c) = Curve::new(&self.models, m, self.polarity[m], self.is_voltage) {
                *curve = c;
            }
        }
        for i in 0..self.m.len() {
            self.m[i] = self.bank.real(i, M);
        }
    }

    fn eval(&self, _at: &Point, x: &[f64], _mem: &mut IterMem, out: &mut Load) {
        for i in 0..self.p.len() {
            let v = self.v(i, x);
            let (g, dg) = self.conductance(i, x);
            out.f(self.p[i], g * v);
            out.f(self.n[i], -g * v);
            self.quad[i].g(out, g);
            self.cross[i].g(out, dg * v);
        }
    }

    fn crossing(&self, at0: &Point, x0: &[f64], at: &Point, x: &[f64]) -> Option<f64> {
        let enters =
            |i: usize| self.curves[self.model[i]].entry(self.control(i, x0), self.control(i, x), self.is_closed[i]);
        let part = (0..self.p.len()).filter_map(enters).reduce(f64::min)?;
        Some(at0.time + part * (at.time - at0.time))
    }

    fn begin(&mut self, _kind: AnalysisKind) {
        self.is_closed.clone_from(&self.at_first);
        self.last.fill((f64::NAN, 0.0));
    }

    fn accept(&mut self, at: &Point, x: &[f64]) -> Wishes {
        let mut wishes = Wishes::default();
        for i in 0..self.p.len() {
            let curve = self.curves[self.model[i]];
            let control = self.control(i, x);
            let was = self.is_closed[i];
            let is = curve.next_state(control, was);
            self.is_closed[i] = is;
            if is != was && !at.is_static {
                wishes.discontinuity = true;
            }
            let (t, before) = self.last[i];
            if !at.is_static && at.time > t {
                let rate = (control - before) / (at.time - t);
                wishes.max_step = wishes.max_step.min(curve.max_step(control, is, rate));
            }
            self.last[i] = (if at.is_static { f64::NAN } else { at.time }, control);
        }
        wishes
    }

    fn noise(&self, _at: &Point, x: &[f64], out: &mut Vec<NoiseSource>) {
        for i in 0..self.p.len() {
            out.push(NoiseSource {
                instance: i as u32,
                name: "thermal",
                p: self.p[i],
                n: self.n[i],
                white: 4.0 * K * self.temp * self.conductance(i, x).0,
                flicker: 0.0,
                exponent: 1.0,
                spectrum: None,
            });
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        &[
            OpVar { name: "i", unit: "A", doc: "current from p to n" },
            OpVar { name: "v", unit: "V", doc: "voltage from p to n" },
            OpVar { name: "p", unit: "W", doc: "power" },
            OpVar { name: "g", unit: "S", doc: "conductance, with m" },
            OpVar { name: "r", unit: "Ω", doc: "resistance, with m" },
            OpVar { name: "control", unit: "V|A", doc: "the controlling voltage or current" },
            OpVar { name: "on", unit: "", doc: "1 when closed" },
        ]
    }

    fn op_values(&self, i: usize, _at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let (v, (g, _), control) = (self.v(i, x), self.conductance(i, x), self.control(i, x));
        let on = f64::from(u8::from(self.curves[self.model[i]].next_state(control, self.is_closed[i])));
        for (o, value) in out.iter_mut().zip([g * v, v, g * v * v, g, 1.0 / g, control, on]) {
            *o = value;
        }
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        id == M && self.bank.set(instance, id, value)
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        self.bank.get(instance, id)
    }

    fn set_model_param(&mut self, model: usize, id: ParamId, value: f64) -> bool {
        let mut changed = self.models.clone();
        let ok = self.polarity.get(model).is_some_and(|polarity| {
            changed.set(model, id, value) && Curve::new(&changed, model, *polarity, self.is_voltage).is_ok()
        });
        if ok {
            self.models = changed;
        }
        ok
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
