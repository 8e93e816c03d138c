//! A compiled module as a device type.

mod batch;
mod chunks;
mod class;
mod codes;
mod events;
mod quiet;
mod routine;
mod share;
mod signals;
mod targets;
mod text;
mod trouble;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use super::hir::{ExprKind, Module, NodeId, ParamKind as HKind, PortId, SysParam, Ty as HTy};
use super::ir::{Func, Out, Sink};
use super::lower::{BranchMode, Program, ReadText, UnknownSource, finish, lower_with};
use crate::device::{
    Batch, DcKind, DcLink, DeviceInfo, DeviceType, Env, Group, OpVar, ParamKind, ParamSpec, Range, Terminal,
    UnknownKind, registry,
};
use crate::diag::Diagnostic;
use crate::diag::codes::va_device as faults;
use codes::Codes;
use quiet::Reads;
use routine::Routine;

/// What a parameter of the device's table is in the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// First scalar of `Program::lowered.params`, and how many.
    Param(u32, u32),
    Mfactor,
    /// By `SysParam::PLACEMENT`.
    Placement(usize),
    /// °C
    Temp,
    Dtemp,
}

/// The device type of one module.
pub struct VaDevice {
    info: DeviceInfo,
    pub(crate) program: Program,
    back_end: BackEnd,
    codes: Codes,
    /// What the evaluation reads besides its unknowns.
    pub(crate) reads: Reads,
    pub(crate) accept: Option<Routine>,
    pub(crate) watch: Option<Routine>,
    op: OnceLock<Routine>,
    noise: OnceLock<Routine>,
    pub(crate) targets: Vec<Target>,
    pub(crate) terminals: usize,
    /// Terminal of each unknown.
    pub(crate) terminal_of: Vec<Option<u32>>,
    /// By scalar parameter.
    pub(crate) param_names: Vec<String>,
    /// By unknown: its name and kind, for `UnknownSpec`.
    pub(crate) unknowns: Vec<(&'static str, UnknownKind)>,
    pub(crate) noise_names: Vec<&'static str>,
    op_vars: &'static [OpVar],
    links: &'static [DcLink],
    /// Unknowns that an equation or a probe mentions.
    pub(crate) is_used: Vec<bool>,
    /// Something flows into it: without a connection it is an unknown. What is only read is 0 then.
    pub(crate) has_row: Vec<bool>,
    pub(crate) string_of: HashMap<String, u32>,
    pub(crate) module_name: String,
}

/// Text that lives as long as the process: a module is compiled once, and its tables look like those of native devices.
fn leak(s: &str) -> &'static str {
    Box::leak(s.to_string().into_boxed_str())
}

/// Terminals between which something conducts at DC: joined by branches whose flow depends on a potential, or whose
/// potential is given.
fn dc_links(m: &Module, program: &Program) -> Vec<DcLink> {
    let l = &program.lowered;
    let n = l.unknowns.len();
    let mut set: Vec<usize> = (0..=n).collect();
    fn find(set: &[usize], mut k: usize) -> usize {
        while set[k] != k {
            k = set[k];
        }
        k
    }
    let resists = |r: u32| program.by_probe.outputs.iter().any(|(s, _)| s.class == Out::G && s.a == r);
    for b in &l.branches {
        let conducts = b.mode != BranchMode::Flow || [b.hi, b.lo].into_iter().flatten().any(resists);
        if conducts {
            let at = |x: Option<u32>| x.map_or(n, |x| x as usize);
            let (a, c) = (find(&set, at(b.hi)), find(&set, at(b.lo)));
            set[a] = c;
        }
    }
    let mut first: HashMap<usize, u8> = HashMap::from([(find(&set, n), DcLink::GROUND)]);
    let mut links = vec![];
    for (t, port) in m.ports.values().enumerate().take(usize::from(DcLink::GROUND)) {
        let root = find(&set, (port.node.0 as usize).checked_sub(1).unwrap_or(n));
        match first.get(&root) {
            Some(other) => links.push(DcLink { a: t as u8, b: *other, kind: DcKind::Conductive }),
            None => {
                first.insert(root, t as u8);
            }
        }
    }
    links
}

/// How the evaluation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum BackEnd {
    #[default]
    Native,
    Interpreter,
}

impl VaDevice {
    /// Compiles a module that names no files.
    pub fn compile(m: &Module, back_end: BackEnd) -> Result<VaDevice, Vec<Diagnostic>> {
        Self::compile_with(m, back_end, &|_| Err("there is no way to files here".into())).map(|d| d.0)
    }

    /// Compiles a module. `read` finds the files that it names. Without machine code, where the code generator refuses,
    /// the interpreter runs the module, and a warning says so.
    pub fn compile_with(
        m: &Module,
        back_end: BackEnd,
        read: &ReadText,
    ) -> Result<(VaDevice, Vec<Diagnostic>), Vec<Diagnostic>> {
        let program = finish(lower_with(m, read)?);
        let l = &program.lowered;
        let moving = |k: usize| {
            let (t, of_k) = (&l.tables[k], |s: &Sink| s.class == Out::Table && s.a == k as u32);
            let known = program.setup.outputs.iter().filter(|(s, _)| of_k(s)).count();
            t.fixed.is_none() && known < t.rows * t.columns
        };
        let faults: Vec<Diagnostic> = (0..l.tables.len())
            .filter(|k| moving(*k))
            .map(|k| {
                Diagnostic::error(
                    faults::NOT_SUPPORTED,
                    "a table whose points change while simulating is not supported",
                )
                .at(l.tables[k].span, "cannot be simulated")
                .help("points follow from constants and parameters, or stand in a file")
            })
            .collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let device = Self::new(m, program, back_end);
        // What runs at every accepted point is made at once; the evaluation when the connections are known, and the rest
        // when somebody asks.
        let l = &device.program.lowered;
        let often = [&device.accept, &device.watch];
        let made = often.iter().copied().flatten().try_for_each(|r| r.prepare(l));
        let note = made.err().map(|why| {
            Diagnostic::warning(
                faults::NO_MACHINE_CODE,
                format!("a part of module `{}` runs in the interpreter", m.name),
            )
            .at(m.span, "no machine code could be made for all of it")
            .note(why)
        });
        Ok((device, note.into_iter().collect()))
    }

    fn new(m: &Module, program: Program, back_end: BackEnd) -> VaDevice {
        let routine = |f: &Func, slots: usize| Routine::new(f.clone(), slots, back_end);
        let slots = program.accept_slots;
        let accept = program.accept.as_ref().map(|f| routine(f, slots));
        let watch = program.watch.as_ref().map(|f| routine(f, slots));
        let asks = |id: PortId| m.exprs.values().any(|e| e.kind == ExprKind::PortConnected(id));
        // Heat, light and fields come in through the last ports, which may be left to themselves.
        let is_electrical = |n: NodeId| m.nodes[n].discipline.is_some_and(|d| m.disciplines[d].name == "electrical");
        let last_electrical = m.ports.values().rposition(|p| is_electrical(p.node)).unwrap_or(0);
        let terminals: Vec<Terminal> = m
            .ports
            .iter()
            .enumerate()
            .map(|(k, (id, p))| Terminal {
                name: leak(&p.name.to_lowercase()),
                doc: leak(p.attrs.desc.as_deref().unwrap_or("terminal of the module")),
                // A module that asks whether a port is connected can do without it.
                optional: asks(id) || k > last_electrical,
            })
            .collect();
        let mut specs: Vec<ParamSpec> = vec![];
        let mut targets = vec![];
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let mut first = 0;
        for p in m.params.values() {
            let n = p.len() as u32;
            let name = p.name.to_lowercase();
            if p.kind == HKind::Parameter && taken.insert(name.clone()) {
                let aliases: Vec<&'static str> = p
                    .aliases
                    .iter()
                    .map(|a| a.to_lowercase())
                    .filter(|a| taken.insert(a.clone()))
                    .map(|a| leak(&a))
                    .collect();
                let default = match (p.default.first(), p.dims.is_empty()) {
                    (Some(e), true) => m.literal(*e),
                    _ => None,
                };
                specs.push(ParamSpec {
                    name: leak(&name),
                    aliases: Box::leak(aliases.into_boxed_slice()),
                    kind: match (p.ty, p.dims.is_empty()) {
                        (_, false) => ParamKind::Vector,
                        (HTy::Str, _) => ParamKind::Text,
                        (HTy::Int, _) => ParamKind::Int,
                        _ => ParamKind::Real,
                    },
                    unit: leak(p.attrs.units.as_deref().unwrap_or("")),
                    default,
                    range: Range::ANY,
                    doc: leak(p.attrs.desc.as_deref().unwrap_or("parameter of the module")),
                });
                targets.push(Target::Param(first, n));
            }
            first += n;
        }
        // Where an instance lies is a parameter of those modules that ask.
        let asked = |p: &SysParam| m.exprs.values().any(|e| e.kind == ExprKind::SysParam(*p));
        for p in std::iter::once(SysParam::Mfactor).chain(SysParam::PLACEMENT.into_iter().filter(asked)) {
            let (name, unit, default, doc) = p.facts();
            let own = m.system_aliases.iter().filter(|a| a.1 == p).map(|a| a.0.to_lowercase());
            // In most decks `$` begins a comment.
            let plain = if p == SysParam::Mfactor { "m" } else { name.trim_start_matches('$') };
            let names = std::iter::once(plain.to_string()).chain([name.to_string(), name.replace('$', "_")]).chain(own);
            let names: Vec<&'static str> = names.filter(|n| taken.insert(n.clone())).map(|n| leak(&n)).collect();
            let Some((name, aliases)) = names.split_first() else { continue };
            specs.push(ParamSpec {
                name,
                aliases: Box::leak(aliases.to_vec().into_boxed_slice()),
                kind: ParamKind::Real,
                unit,
                default: Some(default),
                range: match p {
                    SysParam::Mfactor => Range::POSITIVE,
                    SysParam::Angle => Range { lo: 0.0, hi: 360.0, hi_open: true, ..Range::ANY },
                    SysParam::HFlip | SysParam::VFlip => Range { lo: -1.0, hi: 1.0, ..Range::ANY },
                    SysParam::XPosition | SysParam::YPosition => Range::ANY,
                },
                doc,
            });
            targets.push(p.placement().map_or(Target::Mfactor, Target::Placement));
        }
        let temperatures = [
            ("temp", Range::ANY, None, Target::Temp, "temperature of this instance; default: the circuit's"),
            ("dtemp", Range::ANY, Some(0.0), Target::Dtemp, "temperature above that of the circuit"),
        ];
        for (name, range, default, target, doc) in temperatures {
            if taken.insert(name.to_string()) {
                specs.push(ParamSpec { name, aliases: &[], kind: ParamKind::Real, unit: "°C", default, range, doc });
                targets.push(target);
            }
        }
        let specs: &'static [ParamSpec] = Box::leak(specs.into_boxed_slice());
        let l = &program.lowered;
        let unknowns = l.unknowns.iter().map(|u| {
            // `i` alone names a branch current to everyone else.
            let name = if u.name.eq_ignore_ascii_case("i") { "i_".to_string() } else { u.name.to_lowercase() };
            let kind = match (&u.tol, u.is_flow) {
                (Some((abstol, residual_tol)), _) => {
                    UnknownKind::State { unit: leak(&u.unit), abstol: *abstol, residual_tol: *residual_tol }
                }
                (None, true) => UnknownKind::Current,
                (None, false) => UnknownKind::Voltage,
            };
            (leak(&name), kind)
        });
        let op_vars: Vec<OpVar> = l
            .op_vars
            .iter()
            .map(|v| OpVar { name: leak(&v.name.to_lowercase()), unit: leak(&v.unit), doc: leak(&v.doc) })
            .collect();
        let mut has_row = vec![false; l.unknowns.len()];
        program.entries.iter().for_each(|(r, _)| has_row[*r as usize] = true);
        let rows = program.by_probe.outputs.iter().filter(|(s, _)| matches!(s.class, Out::F | Out::Q));
        rows.for_each(|(s, _)| has_row[s.a as usize] = true);
        let mut is_used = vec![false; l.unknowns.len()];
        for (r, c) in &program.entries {
            is_used[*r as usize] = true;
            is_used[*c as usize] = true;
        }
        for (hi, lo) in &l.probes {
            for u in [hi, lo].into_iter().flatten() {
                is_used[*u as usize] = true;
            }
        }
        for (s, _) in program.by_probe.outputs.iter().filter(|(s, _)| matches!(s.class, Out::F | Out::Q)) {
            is_used[s.a as usize] = true;
        }
        let name = leak(&m.name.to_lowercase());
        let doc = m.attrs.desc.clone().unwrap_or_else(|| format!("Verilog-A module {}", m.name));
        // A module may be called as a device that is built in; instances of the two are kept apart by this name.
        let is_taken = registry::by_name(name).is_some();
        let info = DeviceInfo {
            name: if is_taken { leak(&format!("module {name}")) } else { name },
            letter: 'n',
            model_types: Box::leak(vec![(name, 1.0)].into_boxed_slice()),
            levels: &[],
            model_required: false,
            terminals: Box::leak(terminals.into_boxed_slice()),
            instance: specs,
            model: specs,
            positional: None,
            has_branch: false,
            doc: leak(&doc),
        };
        let string_of = l.strings.iter().enumerate().map(|(k, s)| (s.clone(), k as u32)).collect();
        VaDevice {
            info,
            targets,
            terminals: m.ports.len(),
            terminal_of: l
                .unknowns
                .iter()
                .map(|u| match u.source {
                    UnknownSource::Node(n) => m.nodes[n].port.map(|p| p.0),
                    _ => None,
                })
                .collect(),
            param_names: l.params.iter().map(|(p, _)| m.params[*p].name.clone()).collect(),
            unknowns: unknowns.collect(),
            noise_names: l.noises.iter().map(|n| leak(&n.name)).collect(),
            op_vars: Box::leak(op_vars.into_boxed_slice()),
            links: Box::leak(dc_links(m, &program).into_boxed_slice()),
            is_used,
            has_row,
            string_of,
            module_name: m.name.clone(),
            reads: Reads::of(&program.by_probe),
            program,
            back_end,
            codes: Codes::default(),
            accept,
            watch,
            op: OnceLock::new(),
            noise: OnceLock::new(),
        }
    }

    pub(crate) fn op_vars(&self) -> &'static [OpVar] {
        self.op_vars
    }

    /// Values of the operating-point variables.
    pub(crate) fn op(&self) -> &Routine {
        self.op.get_or_init(|| Routine::new(self.program.op().clone(), 0, self.back_end))
    }

    /// Powers and gains of the noise sources.
    pub(crate) fn noise(&self) -> &Routine {
        self.noise.get_or_init(|| Routine::new(self.program.noise().clone(), 0, self.back_end))
    }

    /// Why the interpreter runs one of these two, if it did.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = &str> {
        [&self.op, &self.noise].into_iter().filter_map(|r| r.get()?.refusal())
    }

    /// Kind of the unknown at a terminal.
    pub(crate) fn kind_of_terminal(&self, terminal: usize) -> UnknownKind {
        let at = self.terminal_of.iter().position(|t| *t == Some(terminal as u32));
        at.map_or(UnknownKind::Voltage, |u| self.unknowns[u].1)
    }

    /// Does an evaluation run machine code?
    pub fn is_native(&self) -> bool {
        self.back_end == BackEnd::Native
    }

    pub fn program(&self) -> &Program {
        &self.program
    }
}

/// A compiled module to be registered with the circuit's device types.
#[derive(Clone)]
pub struct VaType(pub Arc<VaDevice>);

impl DeviceType for VaType {
    fn info(&self) -> &DeviceInfo {
        &self.0.info
    }

    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        batch::build(&self.0, group, env)
    }

    fn dc_links(&self) -> Option<&'static [DcLink]> {
        Some(self.0.links)
    }
}
