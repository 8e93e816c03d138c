//! Signals by name, and their values at a solved point.

use num_complex::Complex64;

use super::Simulation;
use crate::dataset::{Quantity, Signal};
use crate::device::{ParamId, Point, Unknown, UnknownKind};

/// A resolved signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Probe {
    Unknown(Unknown),
    /// Difference of two node voltages.
    Difference(Unknown, Unknown),
    /// An operating-point quantity.
    OpVar {
        group: u32,
        instance: u32,
        var: u32,
    },
    /// An instance parameter's value.
    Param {
        group: u32,
        instance: u32,
        id: ParamId,
    },
    /// Circuit temperature, °C.
    Temperature,
}

impl Simulation {
    /// Finds a signal: `v(a)`, `v(a,b)`, `i(v1)`, `@inst[name]`, a bare node name, `temper`.
    pub fn probe(&self, text: &str) -> Option<(Signal, Probe)> {
        let text = text.trim();
        let lower = text.to_ascii_lowercase();
        if lower == "temper" {
            return Some((Signal::new("temper", Quantity::Temperature), Probe::Temperature));
        }
        if let Some(inner) = call(&lower, "v") {
            if let Some(u) = self.node_of(inner) {
                return Some((Signal::new(format!("v({})", inner.trim()), Quantity::Voltage), Probe::Unknown(u)));
            }
            let (a, b) = inner.split_once(',')?;
            let (a, b) = (a.trim(), b.trim());
            let name = format!("v({a},{b})");
            return Some((Signal::new(name, Quantity::Voltage), Probe::Difference(self.node_of(a)?, self.node_of(b)?)));
        }
        if let Some(branch) = self.circuit.branch(&lower) {
            let u = self.branches.get(&branch)?;
            let name: String = lower.chars().filter(|c| !c.is_whitespace()).collect();
            return Some((Signal::new(name, Quantity::Current), Probe::Unknown(*u)));
        }
        if let Some(rest) = lower.strip_prefix('@') {
            let (inst, name) = match rest.split_once('[') {
                Some((i, n)) => (i, n.strip_suffix(']')?),
                None => (rest, ""),
            };
            return self.probe_internal(inst, name);
        }
        if let Some(inst) = lower.strip_suffix("#branch") {
            return self.probe(&format!("i({inst})"));
        }
        let u = self.node_of(&lower)?;
        Some((Signal::new(format!("v({lower})"), Quantity::Voltage), Probe::Unknown(u)))
    }

    fn node_of(&self, name: &str) -> Option<Unknown> {
        self.circuit.node(name.trim())
    }

    fn probe_internal(&self, inst: &str, name: &str) -> Option<(Signal, Probe)> {
        let (g, i) = self.circuit.instance(inst)?;
        let slot = &self.slots[g];
        let full = if name.is_empty() { format!("@{inst}") } else { format!("@{inst}[{name}]") };
        if let Some(v) = slot.batch.op_vars().iter().position(|v| v.name.eq_ignore_ascii_case(name)) {
            let q = quantity(slot.batch.op_vars()[v].unit);
            let probe = Probe::OpVar { group: g as u32, instance: i as u32, var: v as u32 };
            return Some((Signal::new(full, q), probe));
        }
        if let Some(k) = slot.specs.iter().position(|s| s.instance as usize == i && s.name.eq_ignore_ascii_case(name)) {
            let q = match slot.specs[k].kind {
                UnknownKind::Voltage => Quantity::Voltage,
                UnknownKind::Current => Quantity::Current,
                UnknownKind::State { unit, .. } => Quantity::Other(unit),
            };
            return Some((Signal::new(full, q), Probe::Unknown(slot.base + k as Unknown)));
        }
        let info = self.circuit.groups[g].info();
        let id = if name.is_empty() { info.positional? } else { crate::device::param::find(info.instance, name)? };
        slot.batch.param(i, id)?;
        let q = quantity(info.instance[id as usize].unit);
        Some((Signal::new(full, q), Probe::Param { group: g as u32, instance: i as u32, id }))
    }

    /// All node voltages and all branch currents; what elaboration put in is left out.
    pub fn default_signals(&self) -> Vec<String> {
        let made = self.circuit.made();
        let mut names: Vec<String> = (1..self.nodes as Unknown)
            .filter(|u| made.is_empty() || !self.circuit.nodes.get(*u as usize).is_some_and(|s| made.contains(s)))
            .map(|u| format!("v({})", self.circuit.node_name(u)))
            .collect();
        for (slot, group) in self.slots.iter().zip(&self.circuit.groups) {
            for spec in slot.specs.iter().filter(|s| s.name == "i") {
                let inst = group.get(spec.instance as usize).name;
                if !made.contains(&inst) {
                    names.push(format!("i({})", self.circuit.names.get(inst)));
                }
            }
        }
        names
    }

    /// Nearest existing signals to a name that does not exist.
    pub fn suggest(&self, text: &str) -> Option<String> {
        let known = self.default_signals();
        crate::diag::nearest::did_you_mean(text, known.iter().map(String::as_str))
    }

    /// Fills `out` with the probes' values at a solved point.
    pub fn sample(&self, probes: &[Probe], at: &Point, x: &[f64], vars: &mut Vec<f64>, out: &mut Vec<f64>) {
        let mut last = (u32::MAX, u32::MAX);
        for p in probes {
            out.push(match *p {
                Probe::Unknown(u) => x[u as usize],
                Probe::Difference(a, b) => x[a as usize] - x[b as usize],
                Probe::Temperature => self.env.temp - crate::base::consts::ZERO_C,
                Probe::Param { group, instance, id } => {
                    self.slots[group as usize].batch.param(instance as usize, id).unwrap_or(f64::NAN)
                }
                Probe::OpVar { group, instance, var } => {
                    if last != (group, instance) {
                        self.op_values(group as usize, instance as usize, at, x, vars);
                        last = (group, instance);
                    }
                    vars[var as usize]
                }
            });
        }
    }

    /// Operating-point quantities of one instance.
    pub fn op_values(&self, group: usize, instance: usize, at: &Point, x: &[f64], out: &mut Vec<f64>) {
        let slot = &self.slots[group];
        out.clear();
        out.resize(slot.batch.op_vars().len(), 0.0);
        slot.batch.op_values(instance, at, x, &self.memory[slot.memory.clone()], out);
    }

    /// The same for a complex (small-signal) solution `z` about the operating point `x`; operating-point quantities and
    /// parameters are constant.
    pub fn sample_complex(
        &self,
        probes: &[Probe],
        at: &Point,
        x: &[f64],
        z: &[Complex64],
        vars: &mut Vec<f64>,
        out: &mut Vec<Complex64>,
    ) {
        let mut real = vec![];
        for p in probes {
            out.push(match *p {
                Probe::Unknown(u) => z[u as usize],
                Probe::Difference(a, b) => z[a as usize] - z[b as usize],
                _ => {
                    real.clear();
                    self.sample(&[*p], at, x, vars, &mut real);
                    Complex64::new(real[0], 0.0)
                }
            });
        }
    }
}

/// `name(inner)` → inner.
fn call<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.strip_prefix(name)?.trim_start().strip_prefix('(')?.strip_suffix(')')
}

fn quantity(unit: &'static str) -> Quantity {
    match unit {
        "V" => Quantity::Voltage,
        "A" => Quantity::Current,
        "W" => Quantity::Power,
        "J" => Quantity::Energy,
        "C" => Quantity::Charge,
        "s" => Quantity::Time,
        "Hz" => Quantity::Frequency,
        "°C" => Quantity::Temperature,
        u => Quantity::Other(u),
    }
}
