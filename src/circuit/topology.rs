//! Faults of the circuit's graph, found before anything is solved and reported with names and places.
//!
//! Every terminal pair of a device is, at DC, conductive, a voltage (source, inductor), a current or open. Then
//! - a set of nodes that no element connects with ground has no defined voltage: an error;
//! - a set of nodes from which no conductive or voltage path leads to ground is held by currents and capacitors alone;
//! - a loop of voltages has no defined current; a source with both ends on one node is the smallest such loop.
//!
//! All three by union-find over the nodes.

use super::elab::Elab;
use super::{Analysis, Circuit};
use crate::base::Sym;
use crate::base::units::format_si;
use crate::device::{DcKind, DcLink, DeviceInfo, InstanceRef, Unknown, param};
use crate::diag::codes::circuit as codes;
use crate::diag::{Diagnostic, Span};

/// Most faults of one kind that are shown in full.
const SHOWN: usize = 20;

struct Sets(Vec<u32>);

impl Sets {
    fn new(n: usize) -> Self {
        Sets((0..n as u32).collect())
    }

    fn find(&mut self, mut a: u32) -> u32 {
        while let Some(p) = self.0.get(a as usize).copied() {
            if p == a {
                break;
            }
            // Path halving.
            let up = self.0[p as usize];
            self.0[a as usize] = up;
            a = up;
        }
        a
    }

    /// False: already one set.
    fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return false;
        }
        // The lower number leads, so that ground leads its set.
        let (lo, hi) = (a.min(b), a.max(b));
        self.0[hi as usize] = lo;
        true
    }
}

/// Links of the native devices; a device that says so itself ([`crate::device::DeviceType::dc_links`]) is believed.
fn links(info: &DeviceInfo) -> Option<&'static [DcLink]> {
    use DcKind::*;
    const fn l(a: u8, b: u8, kind: DcKind) -> DcLink {
        DcLink { a, b, kind }
    }
    Some(match info.name {
        "resistor" | "rexpr" | "diode" | "vswitch" | "cswitch" => const { &[l(0, 1, Conductive)] },
        "capacitor" | "cexpr" => &[],
        "inductor" | "lexpr" | "vsource" | "vcvs" | "ccvs" | "bsource_v" | "laplace_v" => const { &[l(0, 1, Voltage)] },
        "vsource_limited" => const { &[l(0, 1, Conductive)] },
        // A behavioural current may well be a conductance: it is given the benefit of the doubt.
        "bsource_i" => const { &[l(0, 1, Conductive)] },
        "isource" | "vccs" | "cccs" | "laplace_i" => const { &[l(0, 1, Current)] },
        "mutual" => &[],
        "tline" => const { &[l(0, 1, Conductive), l(2, 3, Conductive)] },
        "bjt" => const { &[l(0, 1, Conductive), l(1, 2, Conductive)] },
        "jfet" | "mesfet" => const { &[l(0, 1, Conductive), l(1, 2, Conductive)] },
        "mos1" | "mos2" | "mos3" => const { &[l(0, 2, Conductive), l(0, 3, Conductive), l(2, 3, Conductive)] },
        _ => return None,
    })
}

fn each_link(inst: &InstanceRef<'_>, known: Option<&'static [DcLink]>, f: &mut dyn FnMut(Unknown, Unknown, DcKind)) {
    match known {
        Some(list) => {
            let node = |t: u8| if t == DcLink::GROUND { Some(0) } else { inst.nodes.get(usize::from(t)).copied() };
            for l in list {
                if let (Some(a), Some(b)) = (node(l.a), node(l.b)) {
                    f(a, b, l.kind);
                }
            }
        }
        // Nothing is known: every terminal conducts.
        None => inst.nodes.windows(2).for_each(|w| f(w[0], w[1], DcKind::Conductive)),
    }
}

/// All topology faults of the flat circuit.
///
/// `loose` receives one node of every set without a DC path to ground: the operating point ties it to ground.
pub(super) fn check(el: &Elab<'_>, circuit: &mut Circuit, loose: &mut Vec<Unknown>) -> Vec<Diagnostic> {
    let mut out = vec![];
    if el.groups.iter().all(|g| g.is_empty()) {
        // Faulty elements were reported; without any line at all that is the fault.
        if el.count == 0 {
            out.push(
                Diagnostic::error(codes::EMPTY, "the deck has no elements")
                    .help("the first line of a deck is its title, not an element"),
            );
        }
        return out;
    }
    if el.diags.iter().any(Diagnostic::is_error) {
        // Elements are missing: what follows would be consequences.
        return out;
    }
    for g in &el.groups {
        out.extend(g.ty.lint(g, &el.env));
    }
    let n = el.nodes.len();
    let (mut any, mut dc, mut volts) = (Sets::new(n), Sets::new(n), Sets::new(n));
    let mut degree = vec![0u8; n];
    let mut grounded = false;
    let mut loops = vec![];
    let mut shorted = vec![];
    // Inductors last: where one closes a loop of voltages, its current is what DC leaves open.
    let (coils, others): (Vec<_>, Vec<_>) = el.groups.iter().partition(|g| g.info().name == "inductor");
    for g in others.into_iter().chain(coils) {
        let known = g.ty.dc_links().or_else(|| links(g.info()));
        for inst in g.iter() {
            for node in inst.nodes {
                grounded |= *node == 0;
                if let Some(d) = degree.get_mut(*node as usize) {
                    *d = d.saturating_add(1);
                }
            }
            for w in inst.nodes.windows(2) {
                any.join(w[0], w[1]);
            }
            each_link(&inst, known, &mut |a, b, kind| match kind {
                DcKind::Conductive => {
                    if a == 0 || b == 0 {
                        grounded = true;
                        any.join(a, b);
                    }
                    dc.join(a, b);
                }
                DcKind::Voltage => {
                    if a == b {
                        shorted.push((inst.name, inst.span, a));
                    } else if !volts.join(a, b) {
                        loops.push((g.info().name, inst.name, inst.span, a, b));
                    }
                    dc.join(a, b);
                }
                DcKind::Current | DcKind::Open => {}
            });
        }
    }
    if !grounded {
        let first = el.groups.iter().find(|g| !g.is_empty()).map(|g| g.get(0).span).unwrap_or_default();
        out.push(
            Diagnostic::error(codes::NO_GROUND, "no element is connected to ground")
                .at(first, "the circuit begins here")
                .help("name one node `0` (or `gnd`): voltages are measured against it"),
        );
        return out;
    }
    for (name, span, node) in shorted.into_iter().take(SHOWN) {
        out.push(
            Diagnostic::error(
                codes::SHORTED_SOURCE,
                format!(
                    "both ends of `{}` are on node `{}`",
                    el.names.get(name),
                    el.names.get(el.nodes[node as usize])
                ),
            )
            .at(span, "a voltage across a single node"),
        );
    }
    let loop_count = loops.len();
    // A transient from given voltages needs no operating point.
    let needs_op = circuit.analyses.is_empty()
        || !circuit.analyses.iter().all(|(a, _)| matches!(a, Analysis::Tran { uic: true, .. }));
    for (k, (ty, name, span, a, b)) in loops.into_iter().enumerate() {
        if ty == "inductor" {
            circuit.free_currents.push(name);
            if !needs_op {
                continue;
            }
        }
        if k < SHOWN {
            out.push(loop_fault(el, ty, name, span, a, b));
        }
    }
    if loop_count > SHOWN && needs_op {
        out.push(Diagnostic::error(
            codes::VOLTAGE_LOOP,
            format!("{} more loops of voltage sources and inductors", loop_count - SHOWN),
        ));
    }
    let mut seen = vec![false; n];
    seen[dc.find(0) as usize] = true;
    for node in (1..n as Unknown).filter(|u| degree[*u as usize] > 0) {
        let set = dc.find(node) as usize;
        if !std::mem::replace(&mut seen[set], true) {
            loose.push(node);
        }
    }
    // Nodes with a given initial voltage are held at the operating point.
    for (node, _) in &circuit.ics {
        dc.join(0, *node);
    }
    islands(el, needs_op, &mut any, &mut dc, &mut out);
    dangling(el, &degree, &mut out);
    out
}

/// Names the elements of the loop that `name` closes: the path of voltages between its nodes.
fn loop_fault(el: &Elab<'_>, ty: &str, name: Sym, span: Span, a: Unknown, b: Unknown) -> Diagnostic {
    let mut edges: Vec<(Unknown, Unknown, Sym, Span, &'static str)> = vec![];
    for g in &el.groups {
        let known = g.ty.dc_links().or_else(|| links(g.info()));
        for inst in g.iter().filter(|i| i.name != name) {
            each_link(&inst, known, &mut |x, y, k| {
                if k == DcKind::Voltage {
                    edges.push((x, y, inst.name, inst.span, g.ty.info().name));
                }
            });
        }
    }
    // Breadth first from a to b.
    let mut adjacent: std::collections::HashMap<Unknown, Vec<usize>> = std::collections::HashMap::new();
    for (k, e) in edges.iter().enumerate() {
        adjacent.entry(e.0).or_default().push(k);
        adjacent.entry(e.1).or_default().push(k);
    }
    let mut from: std::collections::HashMap<Unknown, (Unknown, usize)> = std::collections::HashMap::new();
    let mut queue = std::collections::VecDeque::from([a]);
    while let Some(x) = queue.pop_front() {
        if x == b {
            break;
        }
        for k in adjacent.get(&x).into_iter().flatten() {
            let e = &edges[*k];
            let y = if e.0 == x { e.1 } else { e.0 };
            if y != a && !from.contains_key(&y) {
                from.insert(y, (x, *k));
                queue.push_back(y);
            }
        }
    }
    let mut path = vec![];
    let mut at = b;
    while at != a {
        let Some((p, k)) = from.get(&at) else { break };
        path.push(*k);
        at = *p;
    }
    let names: Vec<String> = std::iter::once(el.names.get(name))
        .chain(path.iter().map(|k| el.names.get(edges[*k].2)))
        .map(|n| format!("`{n}`"))
        .collect();
    let coils = path.iter().filter(|k| edges[**k].4 == "inductor").count() + usize::from(ty == "inductor");
    let what = match coils {
        0 => "voltage sources",
        n if n == path.len() + 1 => "inductors",
        _ => "voltage sources and inductors",
    };
    let message = format!("a loop of {what}: {}", names.join(", "));
    let is_driven = path.iter().any(|k| edges[*k].4 == "vsource" && dc_value(el, edges[*k].2) != 0.0);
    let mut d = if ty == "inductor" && !is_driven {
        // The current around the loop keeps its initial value; the DC solution leaves it open.
        Diagnostic::warning(codes::INDUCTOR_LOOP, message)
            .at(span, "closes the loop")
            .note(format!("the operating point leaves its current open; `{}` begins with none", el.names.get(name)))
    } else {
        Diagnostic::error(codes::VOLTAGE_LOOP, message).at(span, "closes the loop")
    };
    for k in path.iter().take(6) {
        d = d.at(edges[*k].3, "part of it");
    }
    d.help("put a small resistance in series with one of them")
}

/// The constant value of a voltage source.
fn dc_value(el: &Elab<'_>, name: Sym) -> f64 {
    el.groups
        .iter()
        .filter(|g| g.info().name == "vsource")
        .find_map(|g| {
            let id = param::find(g.info().instance, "dc")?;
            g.iter().find(|i| i.name == name).map(|i| i.given(id).unwrap_or(0.0))
        })
        .unwrap_or(0.0)
}

/// Sets of nodes without any connection to ground, and without one at DC.
fn islands(el: &Elab<'_>, needs_op: bool, any: &mut Sets, dc: &mut Sets, out: &mut Vec<Diagnostic>) {
    let n = el.nodes.len() as u32;
    let mut groups: std::collections::BTreeMap<u32, Vec<u32>> = std::collections::BTreeMap::new();
    let mut floating: std::collections::BTreeMap<u32, Vec<u32>> = std::collections::BTreeMap::new();
    let mut used = vec![false; n as usize];
    for g in &el.groups {
        for i in g.iter() {
            for x in i.nodes {
                if let Some(u) = used.get_mut(*x as usize) {
                    *u = true;
                }
            }
        }
    }
    for node in 1..n {
        if !used.get(node as usize).copied().unwrap_or(false) {
            continue;
        }
        let a = any.find(node);
        let d = dc.find(node);
        if a != 0 {
            groups.entry(a).or_default().push(node);
        } else if d != 0 {
            floating.entry(d).or_default().push(node);
        }
    }
    let list = |nodes: &[u32]| {
        let mut names: Vec<String> =
            nodes.iter().take(8).map(|x| format!("`{}`", el.names.get(el.nodes[*x as usize]))).collect();
        if nodes.len() > 8 {
            names.push(format!("and {} more", nodes.len() - 8));
        }
        names.join(", ")
    };
    for nodes in groups.values().take(SHOWN) {
        let (name, span) = touching(el, nodes[0]);
        out.push(
            Diagnostic::error(codes::ISLAND, format!("nothing connects {} with ground", list(nodes)))
                .at(span, format!("`{name}` is part of the island"))
                .help("connect the part with ground, if only through a large resistor"),
        );
    }
    if el.options.gshunt > 0.0 || !needs_op || floating.is_empty() {
        return;
    }
    let driven = driven(el, dc);
    for (set, nodes) in floating.iter().take(SHOWN) {
        let (name, span) = touching(el, nodes[0]);
        if let Some((amps, source, at)) = driven.get(set)
            && amps.abs() > 1e-18
        {
            out.push(
                Diagnostic::error(
                    codes::CURRENT_CUTSET,
                    format!(
                        "{} flow {} {}, which has no DC path to ground",
                        format_si(amps.abs(), "A"),
                        if *amps > 0.0 { "into" } else { "out of" },
                        list(nodes)
                    ),
                )
                .at(*at, format!("`{}` drives it", el.names.get(*source)))
                .help("give it a DC path, or start the transient with `uic`"),
            );
            continue;
        }
        out.push(
            Diagnostic::warning(codes::NO_DC_PATH, format!("no DC path from {} to ground", list(nodes)))
                .at(span, format!("only capacitors, currents and gates meet here, at `{name}`"))
                .note("the operating point does not determine this voltage; it is held near 0 V")
                .help(
                    "give it a DC path (a large resistor), `.options rshunt=1e12`, or an initial condition with `uic`",
                ),
        );
    }
    if floating.len() > SHOWN {
        out.push(Diagnostic::warning(
            codes::NO_DC_PATH,
            format!("{} more groups of nodes have no DC path to ground", floating.len() - SHOWN),
        ));
    }
}

/// DC currents of independent sources into each set of nodes that is not held at DC, and one of the sources.
fn driven(el: &Elab<'_>, dc: &mut Sets) -> std::collections::HashMap<u32, (f64, Sym, Span)> {
    let mut sums = std::collections::HashMap::new();
    for g in el.groups.iter().filter(|g| g.info().name == "isource") {
        let Some(id) = param::find(g.info().instance, "dc") else { continue };
        for i in g.iter() {
            let (amps, [p, n, ..]) = (i.given(id).unwrap_or(0.0), i.nodes) else { continue };
            let (p, n) = (dc.find(*p), dc.find(*n));
            if amps != 0.0 && p != n {
                sums.entry(p).or_insert((0.0, i.name, i.span)).0 -= amps;
                sums.entry(n).or_insert((0.0, i.name, i.span)).0 += amps;
            }
        }
    }
    sums
}

/// An element on a node.
pub(super) fn touching<'e>(el: &'e Elab<'_>, node: u32) -> (&'e str, Span) {
    for g in &el.groups {
        for i in g.iter() {
            if i.nodes.contains(&node) {
                return (el.names.get(i.name), i.span);
            }
        }
    }
    ("?", Span::NOWHERE)
}

/// Nodes with one connection.
fn dangling(el: &Elab<'_>, degree: &[u8], out: &mut Vec<Diagnostic>) {
    let single: Vec<u32> = (1..degree.len() as u32).filter(|n| degree[*n as usize] == 1).collect();
    if single.is_empty() || single.len() > 1000 {
        return;
    }
    let mut at: std::collections::HashMap<u32, (Sym, Span)> = std::collections::HashMap::new();
    for g in &el.groups {
        let known = g.ty.dc_links().or_else(|| links(g.info()));
        for i in g.iter() {
            // The ends of an array's lines may be open.
            if el.sources.generated_by(i.span).is_some() && el.is_of_array(el.names.get(i.name)) {
                continue;
            }
            let mut held = vec![];
            each_link(&i, known, &mut |a, b, kind| {
                if kind == DcKind::Voltage && g.info().name != "inductor" {
                    held.extend([a, b]);
                }
            });
            for (k, x) in i.nodes.iter().enumerate() {
                // A voltage source alone on its node is an output to be looked at, not a mistake; a terminal that might have
                // been left out is named to be looked at.
                let is_optional = g.info().terminals.get(k).is_some_and(|t| t.optional);
                if degree.get(*x as usize) == Some(&1) && !held.contains(x) && !is_optional {
                    at.insert(*x, (i.name, i.span));
                }
            }
        }
    }
    for (node, (name, span)) in single.iter().filter_map(|n| Some((n, at.get(n)?))).take(SHOWN) {
        out.push(
            Diagnostic::lint(
                codes::DANGLING,
                format!("node `{}` has one connection", el.names.get(el.nodes[*node as usize])),
            )
            .at(*span, format!("only `{}` is connected to it", el.names.get(*name))),
        );
    }
}
