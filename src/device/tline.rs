//! Lossless transmission line by the method of characteristics (Branin, Proc. IEEE 55 (1967) 2012):
//!
//! ```text
//! v1(t) - Z0 i1(t) = v2(t - td) + Z0 i2(t - td) = e1(t)      row i1
//! v2(t) - Z0 i2(t) = v1(t - td) + Z0 i1(t - td) = e2(t)      row i2
//! ```
//!
//! v1 and v2 are the port voltages, i1 and i2 the currents into p1 and p2. In OP and DC the delayed quantities equal
//! the present ones: a wire from p1 to p2 and one from n1 to n2. In AC they are multiplied by exp(-jω td), exactly.
//!
//! The waves sent at accepted points are kept for one delay; how they are read back between points, and how corners are
//! found and their echoes stepped on, is said in [`super::history`]. Steps are not longer than the delay, and not longer
//! than a straight line follows the waves that arrive: an end of a line may carry nothing whose truncation error would tell
//! how fast they bend.

use num_complex::Complex64;

use super::common::node;
use super::history::History;
use super::*;
use crate::diag::Diagnostic;
use crate::diag::codes::device as codes;

crate::param_table! { pub static INSTANCE = [
    Z0: "z0" | "zo" real "Ω", Range::POSITIVE, "Characteristic impedance";
    TD: "td" real "s", Range::POSITIVE, "Delay from end to end";
    F: "f" | "freq" real "Hz", Range::POSITIVE, "Frequency at which the line is nl wavelengths long (in place of td)";
    NL: "nl" real "" = 0.25, Range::POSITIVE, "Length in wavelengths at f";
    IC: "ic" vector "V,A", Range::ANY, "v1, i1, v2, i2 before time 0, used with uic";
    REL: "rel" real "" = 1.0, Range::POSITIVE, "A change of slope by more than this fraction is a corner whose echo is stepped on exactly";
    ABS: "abs" real "" = 1.0, Range::POSITIVE, "The same, as a factor on the absolute change";
] }

pub static INFO: DeviceInfo = DeviceInfo {
    name: "tline",
    letter: 't',
    model_types: &[],
    levels: &[],
    model_required: false,
    terminals: &[
        Terminal { name: "p1", doc: "port 1, positive", optional: false },
        Terminal { name: "n1", doc: "port 1, negative", optional: false },
        Terminal { name: "p2", doc: "port 2, positive", optional: false },
        Terminal { name: "n2", doc: "port 2, negative", optional: false },
    ],
    instance: INSTANCE,
    model: &[],
    positional: None,
    has_branch: false,
    doc: "Lossless transmission line. Internal unknowns i1 and i2 are the currents into p1 and p2.",
};

pub struct Tline;

impl DeviceType for Tline {
    fn info(&self) -> &DeviceInfo {
        &INFO
    }

    fn batch(&self, group: &Group, _env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        let mut faults = vec![];
        let mut lines = vec![];
        for inst in group.iter() {
            let delay = inst.given(TD).or_else(|| inst.given(F).map(|f| inst.real(NL) / f));
            let (Some(z0), Some(td)) = (inst.given(Z0), delay) else {
                let what = if delay.is_some() { "z0" } else { "td or f" };
                faults.push(
                    Diagnostic::error(codes::BAD_LINE, format!("transmission line without {what}"))
                        .at(inst.span, "write `T1 a 0 b 0 z0=50 td=1n`"),
                );
                continue;
            };
            if !(z0 > 0.0 && td > 0.0 && z0.is_finite() && td.is_finite()) {
                faults.push(
                    Diagnostic::error(codes::BAD_LINE, "impedance and delay of a line must be above zero")
                        .at(inst.span, format!("z0 = {z0}, td = {td}")),
                );
                continue;
            }
            let ic = match inst.get(IC) {
                Some(Value::Vector(v)) => Some(v.to_vec()),
                Some(Value::Num(x)) => Some(vec![*x]),
                _ => None,
            };
            lines.push(Line {
                nodes: [0, 1, 2, 3].map(|k| node(&inst, k)),
                i: [0, 0],
                z0,
                td,
                ic: ic.map(|v| [0, 1, 2, 3].map(|k| v.get(k).copied().unwrap_or(0.0))),
                slots: [[0; 8]; 2],
                history: History::new(inst.real(REL) * inst.real(ABS)),
            });
        }
        if faults.is_empty() { Ok(Box::new(Lines { lines })) } else { Err(faults) }
    }
}

#[derive(Clone)]
struct Line {
    nodes: [Unknown; 4],
    i: [Unknown; 2],
    z0: f64,
    td: f64,
    ic: Option<[f64; 4]>,
    /// Per port k: current entries (p_k, i_k), (n_k, i_k), then row i_k by p_k, n_k, i_k and by the other port's
    /// p, n, i.
    slots: [[Slot; 8]; 2],
    /// The waves sent from ports 1 and 2: v + Z0 i.
    history: History<2>,
}

impl Line {
    fn port(&self, k: usize, x: &[f64]) -> (f64, f64) {
        let v = x[self.nodes[2 * k] as usize] - x[self.nodes[2 * k + 1] as usize];
        (v, x[self.i[k] as usize])
    }

    fn sent(&self, k: usize, x: &[f64]) -> f64 {
        let (v, i) = self.port(k, x);
        v + self.z0 * i
    }
}

#[derive(Clone)]
struct Lines {
    lines: Vec<Line>,
}

impl Batch for Lines {
    fn len(&self) -> usize {
        self.lines.len()
    }

    fn unknowns(&self) -> Vec<UnknownSpec> {
        let one = |i: usize, name| UnknownSpec { name, ..UnknownSpec::branch(i) };
        (0..self.lines.len()).flat_map(|i| [one(i, "i1"), one(i, "i2")]).collect()
    }

    fn assign(&mut self, binder: &Binder) {
        for (line, i) in self.lines.iter_mut().zip(binder.internals.chunks_exact(2)) {
            line.i = [i[0], i[1]];
        }
    }

    fn connect(&mut self, w: &mut dyn Wiring) {
        for line in &mut self.lines {
            let (n, i) = (line.nodes, line.i);
            for k in 0..2 {
                let o = 1 - k;
                line.slots[k] = [
                    w.slot(n[2 * k], i[k]),
                    w.slot(n[2 * k + 1], i[k]),
                    w.slot(i[k], n[2 * k]),
                    w.slot(i[k], n[2 * k + 1]),
                    w.slot(i[k], i[k]),
                    w.slot(i[k], n[2 * o]),
                    w.slot(i[k], n[2 * o + 1]),
                    w.slot(i[k], i[o]),
                ];
            }
        }
    }

    fn set_temperature(&mut self, _temp: f64) {}

    fn eval(&self, at: &Point, x: &[f64], _mem: &mut IterMem, out: &mut Load) {
        for line in &self.lines {
            for k in 0..2 {
                let s = &line.slots[k];
                let (v, i) = line.port(k, x);
                out.f(line.nodes[2 * k], i);
                out.f(line.nodes[2 * k + 1], -i);
                out.g(s[0], 1.0);
                out.g(s[1], -1.0);
                out.f(line.i[k], v - line.z0 * i);
                out.g(s[2], 1.0);
                out.g(s[3], -1.0);
                out.g(s[4], -line.z0);
                if at.is_static {
                    out.f(line.i[k], -line.sent(1 - k, x));
                    out.g(s[5], -1.0);
                    out.g(s[6], 1.0);
                    out.g(s[7], -line.z0);
                } else if let (true, Some(ic)) = (at.is_uic_start, line.ic) {
                    let o = 2 * (1 - k);
                    out.f(line.i[k], -(ic[o] + line.z0 * ic[o + 1]));
                } else {
                    out.f(line.i[k], -line.history.at(1 - k, at.time - line.td));
                }
            }
        }
    }

    fn accept(&mut self, at: &Point, x: &[f64]) -> Wishes {
        let mut wishes = Wishes::default();
        for line in &mut self.lines {
            let wave = match line.ic {
                Some(ic) if at.is_uic_start => [ic[0] + line.z0 * ic[1], ic[2] + line.z0 * ic[3]],
                _ => [line.sent(0, x), line.sent(1, x)],
            };
            if at.is_static || at.time <= 0.0 || line.history.last().is_none_or(|t| t >= at.time) {
                line.history.restart(at.time, wave);
            } else {
                line.history.accept(at.time, wave, line.td);
            }
            if at.is_static && !at.is_tran_op {
                continue;
            }
            if let Some(t) = line.history.next_echo(at.time, line.td) {
                wishes.next_break = wishes.next_break.min(t);
            }
            wishes.max_step = wishes.max_step.min(line.history.straight(at.time, line.td).unwrap_or(line.td));
        }
        wishes
    }

    fn ac(&self, at: &Point, _x: &[f64], omega: f64, out: &mut AcLoad) {
        for line in &self.lines {
            // eval at a static point has put -1 and -z0 for the far port; at any other nothing.
            let delay = Complex64::from_polar(1.0, -omega * line.td);
            let d = if at.is_static { delay - 1.0 } else { delay };
            for s in &line.slots {
                out.y[s[5] as usize] -= d;
                out.y[s[6] as usize] += d;
                out.y[s[7] as usize] -= d * line.z0;
            }
        }
    }

    fn op_vars(&self) -> &'static [OpVar] {
        &[
            OpVar { name: "v1", unit: "V", doc: "voltage of port 1" },
            OpVar { name: "i1", unit: "A", doc: "current into p1" },
            OpVar { name: "v2", unit: "V", doc: "voltage of port 2" },
            OpVar { name: "i2", unit: "A", doc: "current into p2" },
        ]
    }

    fn op_values(&self, i: usize, _at: &Point, x: &[f64], _mem: &[f64], out: &mut [f64]) {
        let ((v1, i1), (v2, i2)) = (self.lines[i].port(0, x), self.lines[i].port(1, x));
        for (o, value) in out.iter_mut().zip([v1, i1, v2, i2]) {
            *o = value;
        }
    }

    fn set_param(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        let Some(line) = self.lines.get_mut(instance).filter(|_| value > 0.0 && value.is_finite()) else {
            return false;
        };
        match id {
            Z0 => line.z0 = value,
            TD => line.td = value,
            _ => return false,
        }
        true
    }

    fn param(&self, instance: usize, id: ParamId) -> Option<f64> {
        let line = self.lines.get(instance)?;
        match id {
            Z0 => Some(line.z0),
            TD => Some(line.td),
            _ => None,
        }
    }

    fn clone_box(&self) -> Box<dyn Batch> {
        Box::new(self.clone())
    }
}
