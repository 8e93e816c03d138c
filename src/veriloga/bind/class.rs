//! Instances with equal parameters share what setup computes.

use std::collections::HashMap;

use super::{Target, VaDevice};
use crate::base::consts::ZERO_C;
use crate::device::{Env, Group, ParamId, Value};
use crate::diag::codes::{va_device as codes, veriloga as language};
use crate::diag::{Diagnostic, Span};
use crate::veriloga::hir::SysParam;
use crate::veriloga::interp::{Machine, World};
use crate::veriloga::ir::{In, Out, TextOp, env, sim};
use crate::veriloga::lower::{BranchMode, Program, text_op};
use crate::veriloga::table::Table;

/// One set of parameters.
#[derive(Clone, Debug)]
pub struct Class {
    /// Given values by scalar parameter; NaN where not given.
    pub given: Vec<f64>,
    pub mfactor: f64,
    /// By `SysParam::PLACEMENT`.
    pub placement: [f64; 5],
    /// `temp` and `dtemp` of the instance: °C, NaN for the circuit's; and above it.
    pub own_temp: (f64, f64),
    /// K
    tnom: f64,
    /// S
    gmin: f64,
    pub connected: Vec<bool>,
    /// Texts beyond the module's own, by number.
    pub texts: Vec<String>,
    /// Values of all scalar parameters.
    pub values: Vec<f64>,
    pub cache: Vec<f64>,
    /// Slots of what runs at accepted points.
    pub accept_cache: Vec<f64>,
    pub tables: Vec<Table>,
    /// Tables whose points do not make one, with the reason.
    pub bad_tables: Vec<(usize, String)>,
    /// Initial values of the persisting cells.
    pub initial: Vec<f64>,
    flags: HashMap<u32, f64>,
}

/// What the functions of parameters read, and where texts are made.
struct Parameters<'a> {
    class: &'a Class,
    program: &'a Program,
    temp: f64,
    texts: &'a mut Vec<String>,
}

impl World for Parameters<'_> {
    fn input(&mut self, class: In, k: u32) -> f64 {
        self.class.input(class, k, self.temp)
    }

    fn text(&mut self, op: TextOp, x: [f64; 3]) -> f64 {
        let l = &self.program.lowered;
        let before = self.texts.clone();
        let find = |k: f64| {
            let k = k as usize;
            l.strings.get(k).or_else(|| before.get(k.wrapping_sub(l.strings.len()))).cloned().unwrap_or_default()
        };
        text_op(op, x, &l.text_items, &find, &mut |text| {
            let own = l.strings.iter().position(|t| *t == text);
            let at = own.or_else(|| Some(l.strings.len() + self.texts.iter().position(|t| *t == text)?));
            at.unwrap_or_else(|| {
                self.texts.push(text);
                l.strings.len() + self.texts.len() - 1
            }) as f64
        })
    }
}

impl Class {
    /// What a function reads that does not change while simulating.
    pub fn input(&self, class: In, k: u32, temp: f64) -> f64 {
        let k = k as usize;
        let of = |v: &[f64]| v.get(k).copied().unwrap_or(0.0);
        match class {
            In::Param => of(&self.values),
            In::Given => f64::from(u8::from(self.given.get(k).is_some_and(|x| !x.is_nan()))),
            In::Connected => f64::from(u8::from(self.connected.get(k).copied().unwrap_or(false))),
            In::Cache => of(&self.cache),
            In::Env => match k as u32 {
                env::TEMPERATURE if self.own_temp.0.is_nan() => temp + self.own_temp.1,
                env::TEMPERATURE => self.own_temp.0 + ZERO_C,
                env::MFACTOR => self.mfactor,
                env::TNOM => self.tnom,
                k => self.placement.get((k - env::PLACEMENT) as usize).copied().unwrap_or(0.0),
            },
            // Parameters and setup are computed where no point is: as at the end of every homotopy.
            In::Sim => match k as u32 {
                sim::GMIN => self.gmin,
                sim::SOURCE_SCALE => 1.0,
                _ => 0.0,
            },
            _ => 0.0,
        }
    }

    pub fn flag(&self, k: u32) -> Option<f64> {
        self.flags.get(&k).copied()
    }

    /// Computes parameters and slots. Returns the numbers of the checks that failed.
    pub fn set_up(&mut self, program: &Program, machine: &mut Machine, temp: f64) -> Vec<u32> {
        let mut failed = vec![];
        let n = program.lowered.params.len();
        // Inputs of the parameter function are what was given; its outputs are the values.
        self.values = self.given.iter().map(|x| if x.is_nan() { 0.0 } else { *x }).collect();
        let (mut values, mut initial) = (vec![0.0; n], vec![0.0; program.lowered.cells.len()]);
        let mut texts = std::mem::take(&mut self.texts);
        let mut world = Parameters { class: self, program, temp, texts: &mut texts };
        machine.run(&program.params, &mut world, &mut |s, x| match s.class {
            Out::Param => values[s.a as usize] = x,
            Out::Hidden => initial[s.a as usize] = x,
            Out::Check if x == 0.0 => failed.push(s.a),
            _ => {}
        });
        self.values = values;
        self.initial = initial;
        if program.lowered.text_values > 0 {
            let mut made = vec![0.0; program.lowered.text_values as usize];
            let mut world = Parameters { class: self, program, temp, texts: &mut texts };
            machine.run(&program.texts, &mut world, &mut |s, x| made[s.a as usize] = x);
            self.values.append(&mut made);
        }
        self.texts = texts;
        let mut cache = vec![0.0; program.slots];
        let mut flags = HashMap::new();
        let infos = &program.lowered.tables;
        let mut points: Vec<Vec<f64>> = infos.iter().map(|t| vec![f64::NAN; t.rows * t.columns]).collect();
        let this = &*self;
        machine.run(&program.setup, &mut |c, k| this.input(c, k, temp), &mut |s, x| match s.class {
            Out::Cache => cache[s.a as usize] = x,
            Out::Flag => {
                flags.insert(s.a, x);
            }
            Out::Table => points[s.a as usize][s.b as usize] = x,
            _ => {}
        });
        let mut accept_cache = vec![0.0; program.accept_slots];
        machine.run(&program.accept_setup, &mut |c, k| this.input(c, k, temp), &mut |s, x| {
            if s.class == Out::Cache {
                accept_cache[s.a as usize] = x;
            }
        });
        self.bad_tables.clear();
        let mut tables = vec![];
        for (k, (info, p)) in infos.iter().zip(points).enumerate() {
            let table = info.fixed.clone().map_or_else(
                || {
                    let columns: Vec<Vec<f64>> = p.chunks_exact(info.rows.max(1)).map(<[f64]>::to_vec).collect();
                    Table::new(&columns, &info.axes, info.column)
                },
                Ok,
            );
            match table {
                Ok(t) => tables.push(t),
                Err(e) => {
                    self.bad_tables.push((k, e));
                    tables.push(Table::default());
                }
            }
        }
        self.tables = tables;
        self.accept_cache = accept_cache;
        self.cache = cache;
        self.flags = flags;
        failed
    }
}

/// Classes of a group, the class of each instance, and an instance of each class.
pub struct Classes {
    pub list: Vec<Class>,
    pub of: Vec<u32>,
    pub spans: Vec<Span>,
}

/// Sorts the instances of a group into classes.
pub fn classify(dev: &VaDevice, group: &Group, circuit: &Env, faults: &mut Vec<Diagnostic>) -> Classes {
    let n = dev.program.lowered.params.len();
    let mut out = Classes { list: vec![], of: vec![], spans: vec![] };
    let mut known: HashMap<(Vec<u64>, usize, Vec<String>), u32> = HashMap::new();
    let mut machine = Machine::default();
    for inst in group.iter() {
        let mut given = vec![f64::NAN; n];
        let mut mfactor = 1.0;
        let mut own_temp = (f64::NAN, 0.0);
        let mut placement = SysParam::PLACEMENT.map(|p| p.facts().2);
        let mut texts = vec![];
        let mut put = |id: ParamId, v: &Value| match (dev.targets.get(id as usize), v) {
            (Some(Target::Mfactor), Value::Num(x)) => mfactor = *x,
            (Some(Target::Temp), Value::Num(x)) => own_temp.0 = *x,
            (Some(Target::Dtemp), Value::Num(x)) => own_temp.1 = *x,
            (Some(Target::Placement(k)), Value::Num(x)) => placement[*k] = *x,
            (Some(Target::Param(first, _)), Value::Num(x)) => given[*first as usize] = *x,
            (Some(Target::Param(first, len)), Value::Vector(v)) => {
                for (k, x) in v.iter().take(*len as usize).enumerate() {
                    given[*first as usize + k] = *x;
                }
            }
            (Some(Target::Param(first, _)), Value::Text(t)) => {
                let number = dev.string_of.get(&**t).copied().unwrap_or_else(|| {
                    let at = texts.iter().position(|x: &String| x == &**t).unwrap_or_else(|| {
                        texts.push(t.to_string());
                        texts.len() - 1
                    });
                    (dev.program.lowered.strings.len() + at) as u32
                });
                given[*first as usize] = f64::from(number);
            }
            _ => {}
        };
        for (id, v) in inst.model.iter().flat_map(|m| &m.params).chain(inst.params) {
            put(*id, v);
        }
        for p in [SysParam::HFlip, SysParam::VFlip] {
            let x = p.placement().map_or(1.0, |k| placement[k]);
            if x.abs() != 1.0 {
                let name = p.facts().0.trim_start_matches('$');
                let d = Diagnostic::error(codes::PARAM_RANGE, format!("`{name}` is {x}; it is 1, or -1 for mirrored"));
                faults.push(d.at(inst.span, "in this instance"));
            }
        }
        let connected = inst.nodes.len();
        let mut key: Vec<u64> = given.iter().map(|x| x.to_bits()).collect();
        key.extend([mfactor, own_temp.0, own_temp.1].map(f64::to_bits));
        key.extend(placement.iter().map(|x| x.to_bits()));
        let next = out.list.len() as u32;
        let class = *known.entry((key, connected, texts.clone())).or_insert(next);
        if class == next {
            let mut c = Class {
                given,
                mfactor,
                placement,
                own_temp,
                tnom: circuit.tnom,
                gmin: circuit.gmin,
                connected: (0..dev.terminals).map(|k| k < connected).collect(),
                texts,
                values: vec![],
                cache: vec![],
                accept_cache: vec![],
                tables: vec![],
                bad_tables: vec![],
                initial: vec![],
                flags: HashMap::new(),
            };
            for check in c.set_up(&dev.program, &mut machine, circuit.temp) {
                faults.push(out_of_range(dev, check, &c, inst.span));
            }
            for (k, why) in &c.bad_tables {
                let table = &dev.program.lowered.tables[*k];
                let d = Diagnostic::error(language::TABLE, format!("this table cannot be interpolated: {why}"));
                faults.push(d.at(inst.span, "with the parameters of this instance").at(table.span, "the table"));
            }
            out.list.push(c);
            out.spans.push(inst.span);
        }
        out.of.push(class);
    }
    out
}

fn out_of_range(dev: &VaDevice, check: u32, c: &Class, at: Span) -> Diagnostic {
    let l = &dev.program.lowered;
    let Some((param, span)) = l.checks.get(check as usize) else {
        return Diagnostic::error(codes::PARAM_RANGE, "parameter out of range").at(at, "in this instance");
    };
    let index = l.params.iter().position(|p| p.0 == *param).unwrap_or(0);
    let name = dev.param_names.get(index).map_or("?", String::as_str);
    let value = c.values.get(index).copied().unwrap_or(f64::NAN);
    Diagnostic::error(
        codes::PARAM_RANGE,
        format!("`{name}` = {value} is out of the range that module `{}` declares", dev.module_name),
    )
    .at(at, "in this instance")
    .at(*span, "the range is declared here")
}

/// Where an unknown of the module is for the instances of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Terminal(u32),
    /// One of the instance's internal unknowns.
    Internal(u32),
    /// The reference, or nowhere: reads 0, and what is written is lost.
    Nowhere,
}

/// Places of all unknowns; which internal unknowns exist (by module unknown).
#[derive(Clone, Debug)]
pub struct Shape {
    pub places: Vec<Place>,
    pub internals: Vec<u32>,
}

fn find(merged: &mut [usize], k: usize) -> usize {
    let mut k = k;
    while merged[k] != k {
        merged[k] = merged[merged[k]];
        k = merged[k];
    }
    k
}

/// Nodes that are one, branches that have no unknown flow.
pub fn shape(dev: &VaDevice, c: &Class) -> Shape {
    let l = &dev.program.lowered;
    let n = l.unknowns.len();
    // Slot n is the reference.
    let mut merged: Vec<usize> = (0..=n).collect();
    let mut absent = vec![false; n];
    let is_fixed = |k: usize| k == n || dev.terminal_of[k].is_some_and(|t| c.connected[t as usize]);
    for (k, b) in l.branches.iter().enumerate() {
        let Some(u) = b.unknown else { continue };
        let is_potential = c.flag(k as u32).is_none_or(|x| x != 0.0);
        match b.mode {
            BranchMode::Flow | BranchMode::Unknown => {}
            BranchMode::Static => absent[u as usize] = !is_potential,
            BranchMode::Collapse => {
                let at = |x: Option<u32>| x.map_or(n, |x| x as usize);
                let (hi, lo) = (find(&mut merged, at(b.hi)), find(&mut merged, at(b.lo)));
                if !is_potential || hi == lo {
                    absent[u as usize] = true;
                } else if !is_fixed(hi) {
                    merged[hi] = lo;
                    absent[u as usize] = true;
                } else if !is_fixed(lo) {
                    merged[lo] = hi;
                    absent[u as usize] = true;
                }
            }
        }
    }
    for (u, absent) in (0..).zip(&mut absent) {
        *absent |= c.flag(Program::on_flag(u)) == Some(0.0);
    }
    let mut places = vec![Place::Nowhere; n];
    let mut internals = vec![];
    for u in 0..n {
        if merged[u] != u || absent[u] || !dev.is_used[u] {
            continue;
        }
        let is_open = dev.terminal_of[u].is_some_and(|t| !c.connected[t as usize]);
        if is_open && !dev.has_row[u] {
            continue;
        }
        places[u] = match dev.terminal_of[u] {
            Some(t) if c.connected[t as usize] => Place::Terminal(t),
            _ => {
                internals.push(u as u32);
                Place::Internal(internals.len() as u32 - 1)
            }
        };
    }
    for u in 0..n {
        let root = find(&mut merged, u);
        if root != u && root != n {
            // A node that only its partner uses still has its partner's place.
            if places[root] == Place::Nowhere && dev.terminal_of[root].is_some_and(|t| c.connected[t as usize]) {
                places[root] = Place::Terminal(dev.terminal_of[root].unwrap_or(0));
            } else if places[root] == Place::Nowhere && dev.is_used[u] && !absent[root] {
                internals.push(root as u32);
                places[root] = Place::Internal(internals.len() as u32 - 1);
            }
            places[u] = places[root];
        }
    }
    Shape { places, internals }
}
