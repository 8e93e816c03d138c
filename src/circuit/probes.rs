//! Currents of elements that have no branch unknown, and of the pins of subcircuits: a zero-volt source is put in series
//! with the terminal, only where the current is asked for.

use super::elab::{Elab, ProbeWish};
use super::scope::Scope;
use super::text::source_text;
use crate::base::Sym;
use crate::device::{ParamId, Unknown, param, registry};
use crate::diag::Span;
use crate::netlist::ast::Card;

/// Splits a current signal into element and terminal name: `i(r1)`, `i(q1,b)`, `ib(q1)`, `ix(q1:b)`, `i(q1:b)`.
pub(super) fn parse_current(signal: &str) -> Option<(String, Option<String>)> {
    let s: String = signal.trim().chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    let (f, rest) = s.split_once('(')?;
    let inner = rest.strip_suffix(')')?;
    let (element, terminal) = match inner.rsplit_once([',', ':']) {
        Some((e, t)) if !t.is_empty() => (e.to_string(), Some(t.to_string())),
        _ => (inner.to_string(), None),
    };
    match f {
        // HSPICE's `isub(x1.port)`.
        "isub" => inner.rsplit_once(['.', ':']).map(|(e, t)| (e.to_string(), Some(t.to_string()))),
        "i" | "ix" | "im" | "ip" | "ir" | "ii" | "idb" => Some((element, terminal)),
        "ib" | "ic" | "ie" | "is" | "id" | "ig" if terminal.is_none() => Some((element, Some(f[1..].to_string()))),
        _ => None,
    }
}

/// All currents and powers that a text asks for: function and argument text.
fn calls(text: &str) -> Vec<(String, String)> {
    let lower = text.to_ascii_lowercase();
    let b = lower.as_bytes();
    let mut out = vec![];
    let mut i = 0;
    while i < b.len() {
        let is_name = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'.' || c == b'@';
        if !is_name(b[i]) {
            i += 1;
            continue;
        }
        let start = i;
        while i < b.len() && is_name(b[i]) {
            i += 1;
        }
        let name = &lower[start..i];
        let mut j = i;
        while j < b.len() && b[j] == b' ' {
            j += 1;
        }
        if b.get(j) != Some(&b'(') {
            continue;
        }
        if matches!(
            name,
            "i" | "ix"
                | "im"
                | "ip"
                | "ir"
                | "ii"
                | "idb"
                | "ib"
                | "ic"
                | "ie"
                | "is"
                | "id"
                | "ig"
                | "p"
                | "e"
                | "isub"
        ) && let Some(end) = lower[j..].find(')')
        {
            out.push((name.to_string(), lower[j + 1..j + end].trim().to_string()));
            i = j + end;
        }
    }
    out
}

/// The name of the source that measures the current into a pin of a subcircuit.
pub(super) fn pin_name(call: &str, port: &str) -> String {
    format!("{}:{port}", call.replace(':', "."))
}

/// Cards that name signals.
const OF_SIGNALS: &[&str] = &["save", "probe", "print", "plot", "meas", "measure", "four", "fourier", "check"];

impl<'a> Elab<'a> {
    /// Notes the pins of subcircuits whose currents the cards ask for: they have to be known when the calls are entered.
    pub fn wish_pins(&mut self, cards: &[&'a Card]) {
        for c in cards.iter().filter(|c| OF_SIGNALS.contains(&self.deck.names.get(c.name))) {
            for (f, arg) in calls(&source_text(self.sources, c.span())) {
                if let Some((call, Some(port))) = parse_current(&format!("{f}({arg})")) {
                    self.pins.insert(pin_name(&call, &port));
                }
            }
        }
    }

    /// Cuts the pins of a call that are asked for: the node inside becomes another one.
    pub fn cut_pins(&mut self, call: Sym, span: Span, ports: &mut [(Sym, Unknown)]) {
        if self.pins.is_empty() {
            return;
        }
        for (k, (port, node)) in ports.iter_mut().enumerate() {
            let text = pin_name(self.names.get(call), self.names.get(*port));
            if self.pins.contains(&text) {
                let source = self.names.intern(&text);
                let inside = self.node_named(source);
                let pin = Some((*node, inside, span));
                self.probes.push(ProbeWish { element: call, terminal: k.min(255) as u8, source, pin });
                *node = inside;
            }
        }
    }

    /// Notes the probes that a text of signals needs. Unknown elements are left to whoever reads the signal.
    pub fn wish_currents(&mut self, scope: &Scope<'a>, text: &str) {
        for (f, arg) in calls(text) {
            if matches!(f.as_str(), "p" | "e") {
                if let Some(sym) = self.find_element(scope, &arg) {
                    self.wish_power(sym);
                }
                continue;
            }
            let Some((element, terminal)) = parse_current(&format!("{f}({arg})")) else { continue };
            // `i(x1:r1)` may be hierarchy as well as a terminal.
            if let Some(sym) = self.find_element(scope, &arg) {
                self.current(
                    sym,
                    if f == "i" || f == "ix" { 0 } else { self.terminal(sym, terminal.as_deref()).unwrap_or(0) },
                );
                continue;
            }
            if let Some(sym) = self.find_element(scope, &element)
                && let Some(k) = self.terminal(sym, terminal.as_deref())
            {
                self.current(sym, k);
            }
        }
    }

    fn terminal(&self, element: Sym, name: Option<&str>) -> Option<u8> {
        let Some(name) = name else { return Some(0) };
        let g = self.groups.get(self.place(element).group as usize)?;
        g.info().terminals.iter().position(|t| t.name == name).map(|k| k as u8)
    }

    /// Power needs the current of every terminal but the last, which follows from the others.
    fn wish_power(&mut self, element: Sym) {
        let p = self.place(element);
        let Some(g) = self.groups.get(p.group as usize) else { return };
        if p.index as usize >= g.len() {
            return;
        }
        let n = g.get(p.index as usize).nodes.len();
        let has_branch = g.info().has_branch;
        for k in 0..n.saturating_sub(1).min(if has_branch && n == 2 { 1 } else { n }) {
            self.current(element, k as u8);
        }
    }

    /// Puts the zero-volt sources in: from the terminal's node to a new node, which the terminal gets.
    pub fn insert_probes(&mut self) {
        if self.probes.is_empty() {
            return;
        }
        let Some(ty) = registry::by_name("vsource") else { return };
        let dc = param::find(ty.info().instance, "dc");
        let g = self.group(&ty);
        let wishes: Vec<ProbeWish> = std::mem::take(&mut self.probes);
        for w in wishes {
            if let Some((outer, inner, span)) = w.pin {
                self.probe_source(g, dc, &w, span, [outer, inner]);
                self.probes.push(w);
                continue;
            }
            let p = self.place(w.element);
            let Some(group) = self.groups.get(p.group as usize) else { continue };
            if p.index as usize >= group.len() {
                continue;
            }
            let inst = group.get(p.index as usize);
            let (span, outer): (Span, _) = (inst.span, inst.nodes.get(usize::from(w.terminal)).copied());
            let Some(outer) = outer else { continue };
            let inner = self.node_named(w.source);
            self.groups[p.group as usize].set_node(p.index as usize, usize::from(w.terminal), inner);
            self.probe_source(g, dc, &w, span, [outer, inner]);
            self.probes.push(w);
        }
    }

    fn probe_source(&mut self, g: usize, dc: Option<ParamId>, w: &ProbeWish, span: Span, nodes: [Unknown; 2]) {
        let index = self.groups[g].len() as u32;
        let value = dc.map(|id| (id, 0.0.into()));
        self.groups[g].push(w.source, span, None, nodes, [], value);
        self.set_place(w.source, super::Place { group: g as u32, index });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_currents() {
        let s = |t: &str| parse_current(t).map(|(a, b)| (a, b.unwrap_or_default()));
        assert_eq!(s("I(R1)"), Some(("r1".into(), "".into())));
        assert_eq!(s("ib(q1)"), Some(("q1".into(), "b".into())));
        assert_eq!(s("ix(x1.q1:b)"), Some(("x1.q1".into(), "b".into())));
        assert_eq!(s("i(m1, g)"), Some(("m1".into(), "g".into())));
        assert_eq!(s("isub(x1.x2.out)"), Some(("x1.x2".into(), "out".into())));
        assert_eq!(s("v(a)"), None);
        assert_eq!(calls("v(a)*i(r1)+abs(p(x1.m1))"), [("i".into(), "r1".into()), ("p".into(), "x1.m1".to_string())]);
    }
}
