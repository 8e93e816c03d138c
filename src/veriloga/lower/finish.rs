//! From the lowered function to those that a device runs.
//!
//! ```text
//! ddx resolved
//! ddt sites: linear in the rows with constant coefficients, F = R + sum c_k d/dt q_k, give contents Q = sum c_k q_k;
//!            every other one becomes an unknown y of its own, y - d/dt q = 0
//! noise:     gains by row; a source that reaches more than one branch becomes an unknown y = noise
//! F and Q differentiated with respect to probes; limited values L(v) corrected: F + dF/dL (v - L)
//! evaluation split from setup; derivatives by probe summed to those by unknown
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::assemble::{IDT_IC, IDT_STATIC, ON, root};
use super::later::{Later, are_aside};
use super::{BranchMode, EventInfo, Lowered, UnknownInfo, UnknownSource};
use crate::veriloga::ir::{
    BinOp, Builder, Const, Def, Func, In, Keep, Node, Op, Out, Sink, Ty, UnOp, Val, copy_nodes, mapped, sim,
};
use crate::veriloga::passes::{Deps, Ties, Var, contract, differentiate, invariants, prune, resolve_ddx, split, tie};

/// Bodies of an `if` up to this cost (in additions) become selects in the evaluation.
pub(super) const CONVERT: u32 = 16;

/// A compiled module before code generation.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub lowered: Lowered,
    /// Parameters and whether they are given → values, checks, initial values.
    pub params: Func,
    /// Parameters → texts and what is known of them.
    pub texts: Func,
    /// Parameters, temperature → slots, static facts.
    pub setup: Func,
    pub slots: usize,
    /// Probes, slots → rows and their derivatives by probe (`Out::G` and `Out::C` of a row and a probe).
    pub by_probe: Func,
    /// Matrix entries (row, column) of the evaluation.
    pub entries: Vec<(u32, u32)>,
    /// Probes, parameters → next states, events, step bound; with effects. `None`: nothing to do.
    pub accept: Option<Func>,
    /// What of it parameters decide, and in how many slots.
    pub accept_setup: Func,
    pub accept_slots: usize,
    /// Its watched expressions alone, where there are events that are located.
    pub watch: Option<Func>,
    /// Persisting cells that matter.
    pub hidden: Vec<u32>,
    /// Idt whose initial value setup computes: index of the `Out::Flag`.
    pub held: Vec<bool>,
    pub(crate) later: Later,
}

impl Program {
    /// `Out::Flag` index of the initial value of idt `k`.
    pub fn ic_flag(k: u32) -> u32 {
        IDT_IC + k
    }

    /// `Out::Flag` index of whether the operator that brought an unknown along is there, where parameters decide that.
    pub fn on_flag(unknown: u32) -> u32 {
        ON + unknown
    }
}

impl Program {
    /// The evaluation of instances whose nodes are tied together.
    pub fn eval_tied(&self, ties: &Ties) -> Func {
        contract(&tie(&self.by_probe, &self.lowered.probes, ties, CONVERT))
    }
}

/// Matrix entries in the order in which an evaluation gives them.
fn entries(by_probe: &Func, l: &Lowered) -> Vec<(u32, u32)> {
    let mut list = vec![];
    let mut seen = BTreeSet::new();
    for (s, _) in by_probe.outputs.iter().filter(|(s, _)| matches!(s.class, Out::G | Out::C)) {
        let (hi, lo) = l.probes[s.b as usize];
        list.extend([hi, lo].into_iter().flatten().map(|column| (s.a, column)).filter(|e| seen.insert(*e)));
    }
    list
}

/// Makes the functions.
pub fn finish(mut l: Lowered) -> Program {
    let mut analog = std::mem::take(&mut l.analog);
    let variables: Vec<Sink> = analog.outputs.iter().map(|o| o.0).filter(|s| s.class == Out::OpVar).collect();
    let mut aside = None;
    if are_aside(&analog, l.has_events) {
        let equations = prune(&analog, |s| s.class != Out::OpVar, true, 0);
        aside = Some(Box::new((std::mem::replace(&mut analog, equations), l.clone())));
    }
    let (linear, held) = equations(analog, &mut l);
    let parts = split(&prune(&jacobian(&linear, &l), |_| true, false, CONVERT).checked("evaluation"));
    let has_flag = |k: u32| parts.setup.output(Out::Flag, k).is_some();
    let held = held.iter().enumerate().map(|(k, h)| *h && has_flag(IDT_IC + k as u32)).collect();
    for (k, b) in l.branches.iter_mut().enumerate() {
        if matches!(b.mode, BranchMode::Static | BranchMode::Collapse) && !has_flag(k as u32) {
            b.mode = BranchMode::Unknown;
        }
    }
    let plain = if l.limits > 0 { without_limits(&linear) } else { linear };
    let hidden = persisting(&plain, &l);
    let shown = show(&variables, &mut l, &hidden);
    let keeps = |s: &Sink| match s.class {
        Out::Hidden => hidden.contains(&s.a),
        Out::Event | Out::Step | Out::Signal => true,
        _ => false,
    };
    let accept = split(&prune(&plain, keeps, true, 0).checked("acceptance"));
    let is_located = |e: &EventInfo| matches!(e, EventInfo::Cross | EventInfo::Above | EventInfo::AbsDelta);
    let watch = l
        .events
        .iter()
        .any(is_located)
        .then(|| prune(&accept.rest, |s| s.class == Out::Event, false, 0).checked("watched expressions"));
    Program {
        params: std::mem::take(&mut l.params_func),
        texts: std::mem::take(&mut l.texts_func),
        setup: parts.setup,
        slots: parts.slots,
        entries: entries(&parts.rest, &l),
        by_probe: parts.rest,
        accept: (!accept.rest.is_empty()).then_some(accept.rest),
        accept_setup: accept.setup,
        accept_slots: accept.slots,
        watch,
        hidden,
        held,
        lowered: l,
        later: Later::new(plain, aside, shown),
    }
}

/// The function without `ddx`, `ddt` and noise; which initial values are held from outside.
pub(super) fn equations(analog: Func, l: &mut Lowered) -> (Func, Vec<bool>) {
    let (analog, held) = static_states(resolve_ddx(analog), l);
    (linearise(&analog, l), held)
}

/// Copies a function, operations through `f` (which gets the mapped operation too).
fn rewrite(
    func: &Func,
    effects: bool,
    f: &mut dyn FnMut(&mut Builder, &[Option<Val>], &Op) -> Val,
) -> (Builder, Vec<Option<Val>>) {
    let mut b = Builder::like(func);
    let mut map = vec![None; func.vals.len()];
    let keep = Keep { live: None, effects };
    copy_nodes(&mut b, &mut map, func, &func.nodes, &keep, &mut |b, map, _, op| f(b, map, op));
    (b, map)
}

/// Initial values that parameters decide are held from outside; others stand in the row itself.
fn static_states(func: Func, l: &Lowered) -> (Func, Vec<bool>) {
    if l.idts.is_empty() {
        return (func, vec![]);
    }
    let inv = invariants(&func);
    let held: Vec<bool> =
        (0..l.idts.len() as u32).map(|k| func.output(Out::Flag, IDT_IC + k).is_some_and(|v| inv[v.index()])).collect();
    let (mut b, map) = rewrite(&func, true, &mut |b, map, op| match op {
        Op::Input(In::Sim, k, Ty::Bool) if *k >= IDT_STATIC => {
            if held[(*k - IDT_STATIC) as usize] {
                b.bool(false)
            } else {
                b.input(In::Sim, sim::IS_SEARCH, Ty::Bool)
            }
        }
        op => b.op(op.map(|x| mapped(map, x))),
    });
    for (s, v) in &func.outputs {
        b.output(*s, mapped(&map, *v));
    }
    (b.finish().checked("static states"), held)
}

/// Sites of `ddt` that are not simply added to rows.
fn nonlinear_sites(func: &Func) -> BTreeSet<u32> {
    let mut number: BTreeMap<u32, usize> = BTreeMap::new();
    for v in &func.vals {
        if let Def::Op(Op::Ddt(k, _)) = v.def {
            let n = number.len();
            number.entry(k).or_insert(n);
        }
    }
    if number.is_empty() {
        return BTreeSet::new();
    }
    let words = number.len().div_ceil(64);
    let site = |v: Val| match func.op(v) {
        Some(Op::Ddt(k, _)) => number.get(k).copied(),
        _ => None,
    };
    let sets = Deps::new(func, true).sources(words, site);
    let mut bad = vec![0u64; words];
    let mut add = |v: Val| {
        for (b, w) in bad.iter_mut().zip(&sets[v.index() * words..]) {
            *b |= w;
        }
    };
    for v in (0..func.vals.len() as u32).map(Val) {
        if func.ty(v) != Ty::Real || matches!(func.op(v), Some(Op::Un(UnOp::Floor | UnOp::Ceil, _))) {
            add(v);
        }
    }
    for (s, v) in &func.outputs {
        let is_bad = match s.class {
            Out::F => false,
            // A variable that is only kept, not shown, may miss the derivative.
            Out::OpVar => s.b == 1,
            _ => true,
        };
        if is_bad {
            add(*v);
        }
    }
    let mut effect_args = vec![];
    collect_effects(&func.nodes, &mut effect_args);
    effect_args.into_iter().for_each(add);
    number.into_iter().filter(|(_, n)| bad[n / 64] >> (n % 64) & 1 == 1).map(|(k, _)| k).collect()
}

/// Noise and stimuli whose rate of change, or limited value, is asked for: what they add to that is seen as an unknown.
fn noise_inside(func: &Func) -> BTreeSet<u32> {
    let noise = |v: Val| match func.op(v) {
        Some(Op::Noise(k)) => Some(*k),
        _ => None,
    };
    let all: BTreeSet<u32> = (0..func.vals.len() as u32).filter_map(|v| noise(Val(v))).collect();
    let words = all.last().map_or(0, |k| (*k as usize + 1).div_ceil(64));
    if words == 0 {
        return all;
    }
    let sets = Deps::new(func, true).sources(words, |v| noise(v).map(|k| k as usize));
    let inside: Vec<Val> = func.outputs.iter().filter(|(s, _)| s.class == Out::Root).map(|o| o.1).collect();
    let is_in = |k: &u32| inside.iter().any(|v| sets[v.index() * words + *k as usize / 64] >> (k % 64) & 1 == 1);
    all.into_iter().filter(is_in).collect()
}

fn collect_effects(nodes: &[Node], out: &mut Vec<Val>) {
    for n in nodes {
        match n {
            Node::Effect(_, args) => out.extend(args),
            Node::Let(_) => {}
            Node::If(i) => {
                collect_effects(&i.then.nodes, out);
                collect_effects(&i.els.nodes, out);
            }
            Node::Loop(x) => {
                collect_effects(&x.head, out);
                collect_effects(&x.body.nodes, out);
            }
        }
    }
}

/// Ends with a function without `ddt` and noise: outputs `F`, `Q`, `Gain` and all others.
fn linearise(func: &Func, l: &mut Lowered) -> Func {
    let mut implicit = nonlinear_sites(func);
    let mut implicit_noise = noise_inside(func);
    let switches = settled_switches(func, l);
    let clean = l.clone();
    loop {
        *l = clean.clone();
        let open = open_sites(func, l, &implicit, &implicit_noise);
        let rows: Vec<(Sink, Val)> = open.outputs.iter().filter(|(s, _)| s.class == Out::F).copied().collect();
        let roots: Vec<Val> = rows.iter().map(|r| r.1).collect();
        let wants = |v: Var| matches!(v, Var::Ddt(_) | Var::Noise(_));
        let mut done = differentiate(&open, &roots, &wants);
        let mut contents: Vec<(u32, Val)> = vec![];
        let mut coefficients: Vec<(u32, Val)> = vec![];
        let mut gains: BTreeMap<u32, Vec<(u32, Val)>> = BTreeMap::new();
        for (s, v) in &rows {
            let mut sum: Option<Val> = None;
            for (var, c) in done.of(*v).to_vec() {
                match var {
                    Var::Ddt(k) => {
                        let charge = charge_of(&open, k).map(|v| done.value(v));
                        if let Some(q) = charge {
                            coefficients.push((k, c));
                            let term = done.builder.mul(c, q);
                            sum = Some(match sum {
                                Some(s) => done.builder.add(s, term),
                                None => term,
                            });
                        }
                    }
                    Var::Noise(k) => gains.entry(k).or_default().push((s.a, c)),
                    _ => {}
                }
            }
            if let Some(q) = sum {
                contents.push((s.a, q));
            }
        }
        for (row, q) in &contents {
            done.builder.output(Sink::new(Out::Q, *row), *q);
        }
        let mut correlated = vec![];
        for (k, list) in &gains {
            let info = &mut l.noises[*k as usize];
            if info.is_stimulus {
                for (row, g) in list {
                    done.builder.output(Sink { class: Out::Gain, a: *k, b: 1 + info.rows.len() as u32 }, *g);
                    info.rows.push(*row);
                }
                continue;
            }
            // The row of a branch that is a flow goes with its unknown; where it is a potential, no flow's noise enters.
            let list: Vec<(u32, Val)> = list
                .iter()
                .copied()
                .filter(|(row, g)| {
                    !switches.get(row).is_some_and(|k| {
                        let flag = open.output(Out::Flag, *k).map(|v| mapped(&done.map, v));
                        flag.is_some_and(|flag| vanishes(&done.builder, *g, flag, true))
                    })
                })
                .collect();
            match pair(&mut done.builder, &list) {
                Some((hi, lo, gain)) => {
                    l.noises[*k as usize].hi = hi;
                    l.noises[*k as usize].lo = lo;
                    done.builder.output(Sink::new(Out::Gain, *k), gain);
                }
                None => correlated.push(*k),
            }
        }
        for (s, v) in &open.outputs {
            let v = mapped(&done.map, *v);
            done.builder.output(*s, v);
        }
        let result = done.builder.finish();
        let inv = invariants(&result);
        let varying: Vec<u32> = coefficients.iter().filter(|(_, c)| !inv[c.index()]).map(|(k, _)| *k).collect();
        if varying.is_empty() && correlated.is_empty() {
            return strip(&result).checked("linearisation");
        }
        implicit.extend(varying);
        implicit_noise.extend(correlated);
    }
}

fn charge_of(func: &Func, k: u32) -> Option<Val> {
    let is = |s: &Sink| s.class == Out::Root && s.a == k && s.b == root::CHARGE;
    func.outputs.iter().find(|(s, _)| is(s)).map(|(_, v)| *v)
}

/// Rows of branches that are a potential or a flow for good once the parameters are known, and the branches.
fn settled_switches(func: &Func, l: &Lowered) -> BTreeMap<u32, u32> {
    let inv = invariants(func);
    let is_settled = |k: u32| func.output(Out::Flag, k).is_some_and(|v| inv[v.index()]);
    let switches = (0u32..)
        .zip(&l.branches)
        .filter(|(k, b)| matches!(b.mode, BranchMode::Static | BranchMode::Collapse) && is_settled(*k));
    switches.filter_map(|(k, b)| Some((b.unknown?, k))).collect()
}

/// Whether `v` is zero wherever `flag` is `is`, by its form.
fn vanishes(b: &Builder, v: Val, flag: Val, is: bool) -> bool {
    if let Some(Op::Un(UnOp::Not, other)) = b.definition(flag) {
        return vanishes(b, v, *other, !is);
    }
    match b.definition(v) {
        Some(Op::Un(UnOp::Neg, x)) => vanishes(b, *x, flag, is),
        Some(Op::Const(Const::Real(z))) => *z == 0.0,
        Some(Op::Select(c, x, y)) if *c == flag => vanishes(b, if is { *x } else { *y }, flag, is),
        _ => false,
    }
}

/// The rows between which a noise source acts, with one gain; `None`: more than that.
fn pair(b: &mut Builder, list: &[(u32, Val)]) -> Option<(Option<u32>, Option<u32>, Val)> {
    match list {
        [(row, g)] => Some((Some(*row), None, *g)),
        [(r1, g1), (r2, g2)] => {
            let minus = b.neg(*g2);
            let other = b.neg(*g1);
            (minus == *g1 || other == *g2).then_some((Some(*r1), Some(*r2), *g1))
        }
        _ => None,
    }
}

/// Sites that need unknowns get them.
fn open_sites(func: &Func, l: &mut Lowered, ddt: &BTreeSet<u32>, noise: &BTreeSet<u32>) -> Func {
    if ddt.is_empty() && noise.is_empty() {
        return func.clone();
    }
    let mut add = |name: String, is_flow: bool| {
        l.unknowns.push(UnknownInfo { name, source: UnknownSource::Implicit, unit: "A".into(), tol: None, is_flow });
        let u = l.unknowns.len() as u32 - 1;
        l.probes.push((Some(u), None));
        (u, l.probes.len() as u32 - 1)
    };
    let ddt: BTreeMap<u32, (u32, u32)> = ddt.iter().map(|k| (*k, add(format!("ddt{k}"), true))).collect();
    let noise: BTreeMap<u32, (u32, u32)> = noise.iter().map(|k| (*k, add(format!("noise{k}"), true))).collect();
    let (mut b, map) = rewrite(func, true, &mut |b, map, op| {
        let probe = match op {
            Op::Ddt(k, _) => ddt.get(k),
            Op::Noise(k) => noise.get(k),
            _ => None,
        };
        match probe {
            Some((_, p)) => b.input(In::Probe, *p, Ty::Real),
            None => b.op(op.map(|x| mapped(map, x))),
        }
    });
    for (s, v) in &func.outputs {
        b.output(*s, mapped(&map, *v));
    }
    for (k, (u, p)) in &ddt {
        if let Some(q) = charge_of(func, *k) {
            let q = mapped(&map, q);
            let y = b.input(In::Probe, *p, Ty::Real);
            let rate = b.op(Op::Ddt(*k, q));
            let row = b.sub(y, rate);
            b.output(Sink::new(Out::F, *u), row);
        }
    }
    for (k, (u, p)) in &noise {
        let y = b.input(In::Probe, *p, Ty::Real);
        let n = b.op(Op::Noise(*k));
        let row = b.sub(y, n);
        b.output(Sink::new(Out::F, *u), row);
    }
    b.finish().checked("implicit equations")
}

/// `ddt` and noise are zero from here on.
fn strip(func: &Func) -> Func {
    let (mut b, map) = rewrite(func, true, &mut |b, map, op| match op {
        Op::Ddt(..) | Op::Noise(_) => b.real(0.0),
        op => b.op(op.map(|x| mapped(map, x))),
    });
    for (s, v) in &func.outputs {
        b.output(*s, mapped(&map, *v));
    }
    b.finish()
}

/// Limited values are their arguments: for everything but the evaluation inside of Newton's iteration.
pub(super) fn without_limits(func: &Func) -> Func {
    let (mut b, map) = rewrite(func, true, &mut |b, map, op| match op {
        Op::Limit(_, arg, _) => mapped(map, *arg),
        op => b.op(op.map(|x| mapped(map, x))),
    });
    for (s, v) in &func.outputs {
        b.output(*s, mapped(&map, *v));
    }
    b.finish()
}

/// Cells that something reads before it is written: from what is seen backwards. In a module with events a variable that is
/// shown is seen; in others one that some path leaves alone is no state, but was not computed.
fn persisting(func: &Func, l: &Lowered) -> Vec<u32> {
    if !func.vals.iter().any(|v| matches!(v.def, Def::Op(Op::Input(In::Hidden, ..)))) {
        return vec![];
    }
    let mut kept: BTreeSet<u32> = BTreeSet::new();
    loop {
        let sees = |s: &Sink| match s.class {
            Out::Hidden => kept.contains(&s.a),
            Out::OpVar => s.b == 1 && l.has_events,
            Out::Param | Out::Check | Out::Cache => false,
            _ => true,
        };
        let f = prune(func, sees, true, 0);
        let now: BTreeSet<u32> = f
            .vals
            .iter()
            .filter_map(|v| match v.def {
                Def::Op(Op::Input(In::Hidden, k, _)) => Some(k),
                _ => None,
            })
            .collect();
        if now.is_subset(&kept) || kept.len() == l.cells.len() {
            return kept.into_iter().collect();
        }
        kept.extend(now);
    }
}

/// Operating-point variables are those declared as such, and those that persist: their numbers among all variables, and
/// among those shown.
fn show(variables: &[Sink], l: &mut Lowered, hidden: &[u32]) -> BTreeMap<u32, u32> {
    let names: BTreeSet<&str> = hidden.iter().map(|h| l.cells[*h as usize].name.as_str()).collect();
    let all = std::mem::take(&mut l.op_vars);
    let is_kept = |s: &&Sink| s.b == 1 || names.contains(all[s.a as usize].name.as_str());
    let mut to = BTreeMap::new();
    for s in variables.iter().filter(is_kept) {
        to.insert(s.a, l.op_vars.len() as u32);
        l.op_vars.push(all[s.a as usize].clone());
    }
    to
}

/// Rows and contents differentiated with respect to probes.
fn jacobian(func: &Func, l: &Lowered) -> Func {
    let rows: Vec<(Sink, Val)> =
        func.outputs.iter().filter(|(s, _)| matches!(s.class, Out::F | Out::Q)).copied().collect();
    let arg_of =
        |k: u32, b: u32| func.outputs.iter().find(|(s, _)| s.class == Out::Root && s.a == k && s.b == b).map(|o| o.1);
    let mut roots: Vec<Val> = rows.iter().map(|r| r.1).collect();
    for k in 0..l.limits {
        roots.extend(arg_of(k, root::LIMIT_ARG));
    }
    let wants = |v: Var| matches!(v, Var::Probe(_) | Var::Limited(_));
    let mut done = differentiate(func, &roots, &wants);
    let zero = done.builder.real(0.0);
    for (s, v) in &rows {
        let mut value = done.value(*v);
        let mut by_probe: BTreeMap<u32, Val> = BTreeMap::new();
        let mut by_limit = vec![];
        for (var, d) in done.of(*v).to_vec() {
            match var {
                Var::Probe(p) => {
                    by_probe.insert(p, d);
                }
                Var::Limited(k) => by_limit.push((k, d)),
                _ => {}
            }
        }
        for (k, d) in by_limit {
            let (Some(arg), Some(lim)) = (arg_of(k, root::LIMIT_ARG), arg_of(k, root::LIMIT_VALUE)) else { continue };
            let (a, b) = (done.value(arg), done.value(lim));
            // A quantity that nothing depends on may be limited to infinity: 0, not 0 inf.
            let is_idle = done.builder.bin(BinOp::Eq, d, zero);
            let off = done.builder.sub(a, b);
            let term = done.builder.mul(d, off);
            let term = done.builder.select(is_idle, zero, term);
            value = done.builder.add(value, term);
            for (var, da) in done.of(arg).to_vec() {
                if let Var::Probe(p) = var {
                    let t = done.builder.mul(d, da);
                    let old = by_probe.get(&p).copied();
                    let sum = match old {
                        Some(o) => done.builder.add(o, t),
                        None => t,
                    };
                    by_probe.insert(p, sum);
                }
            }
        }
        done.builder.output(*s, value);
        let class = if s.class == Out::F { Out::G } else { Out::C };
        for (p, d) in by_probe {
            done.builder.output(Sink { class, a: s.a, b: p }, d);
        }
    }
    for (s, v) in &func.outputs {
        if matches!(s.class, Out::Old | Out::Flag | Out::IsLimited | Out::Table) {
            let v = done.value(*v);
            done.builder.output(*s, v);
        }
    }
    done.builder.finish().checked("derivatives")
}
