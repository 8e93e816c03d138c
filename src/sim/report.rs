//! Numerical failures in the user's words: unknowns, devices, source lines, what was tried and what to try.

use super::Simulation;
use super::names::Namer;
use crate::base::Sym;
use crate::circuit::Circuit;
use crate::diag::codes::analysis as codes;
use crate::diag::{Diagnostic, Span};
use crate::newton::Failure;
use crate::newton::homotopy::Lost;
use crate::sparse::{Cause, Singular};

pub(crate) fn no_branch(circuit: &Circuit, span: Span, name: &str) -> Diagnostic {
    let _ = circuit;
    Diagnostic::error(codes::NO_BRANCH, format!("`{name}` has no branch current to refer to"))
        .at(span, "referred to here")
        .help("put a zero-volt source in series with it and refer to that source")
}

pub(crate) fn no_state(circuit: &Circuit, name: Sym, state: &str, at: Span, known: &[&str]) -> Diagnostic {
    let name = circuit.names.get(name);
    let d = Diagnostic::error(codes::NO_STATE, format!("`{name}` has no internal state `{state}`"))
        .at(at, "not a state of this element");
    match known {
        [] => d.help(format!("`{name}` has no internal states; `.ic v(node)=value` gives a node voltage")),
        known => d.help(format!("`{name}` has {}", known.join(", "))),
    }
}

/// The system has no solution whatever the values.
pub(crate) fn structurally_singular(circuit: &Circuit, namer: &Namer, s: &Singular) -> Diagnostic {
    let d = Diagnostic::error(
        codes::SINGULAR,
        format!("the equations cannot determine {}", namer.name(circuit, s.column as usize)),
    );
    describe_singular(d, circuit, namer, s)
}

/// The unknown to name: of those that move together a node voltage before a current, for that is where to look.
fn open(s: &Singular, nodes: usize) -> usize {
    let column = s.column as usize;
    if column < nodes {
        return column;
    }
    s.floating.iter().map(|u| *u as usize).find(|u| *u < nodes).unwrap_or(column)
}

fn describe_singular(mut d: Diagnostic, circuit: &Circuit, namer: &Namer, s: &Singular) -> Diagnostic {
    let open = open(s, circuit.nodes.len());
    for (name, span) in namer.devices(circuit, open, 4) {
        d = d.at(span, format!("`{}` is on it", circuit.names.get(name)));
    }
    if s.row != 0 && s.row != s.column {
        d = d.note(format!("the equation of {} is left over", namer.name(circuit, s.row as usize)));
    }
    if s.floating.len() > 1 {
        let names: Vec<String> = s.floating.iter().take(8).map(|u| namer.name(circuit, *u as usize)).collect();
        d = d.note(format!("these move together without any equation noticing: {}", names.join(", ")));
    }
    d.help("look for a node without a DC path to ground, a loop of voltage sources or inductors, or a zero resistance")
}

impl Simulation {
    /// No operating point (or DC sweep point).
    pub fn no_operating_point(&self, lost: &Lost, where_: &str) -> Diagnostic {
        let namer = self.namer();
        // A search that ends where the Jacobian vanishes has not converged; a circuit that is singular is so every time.
        if lost.is_singular()
            && let Some(s) = &self.last_singular
        {
            return self.singular(s, where_);
        }
        if lost.is_endless() {
            return self.no_end(where_);
        }
        let mut d = Diagnostic::error(codes::NO_CONVERGENCE, format!("no operating point found{where_}"));
        let mut seen = vec![];
        for ((name, failure), reached) in lost.attempts.iter().zip(&lost.reached) {
            let u = failure.unknown();
            let unknown = namer.name(&self.circuit, u);
            let how = match failure {
                Failure::Singular(_) => format!("singular at {unknown}"),
                Failure::NotFinite { .. } | Failure::Endless { .. } => format!("{unknown} became infinite"),
                Failure::NoConvergence { iterations, ratio, .. } => {
                    format!("after {iterations} iterations {unknown} still moved by {ratio:.3e} tolerances")
                }
            };
            let stage = match *name {
                "gmin" => format!("gmin stepping (reached {reached:.2e} S)"),
                "source" => format!("source stepping (reached {:.1} %)", reached * 100.0),
                "ptran" => format!("pseudo-transient (reached {reached:.2e} S)"),
                _ => "direct Newton".to_string(),
            };
            d = d.note(format!("{stage}: {how}"));
            if !seen.contains(&u) {
                seen.push(u);
                for (dev, span) in namer.devices(&self.circuit, u, 2) {
                    let dev = self.circuit.names.get(dev);
                    let is_own = unknown == format!("i({dev})");
                    d = d.at(span, if is_own { "this current".into() } else { format!("`{dev}` is on {unknown}") });
                }
            }
        }
        let is_infinite = |f: &Failure| matches!(f, Failure::NotFinite { .. } | Failure::Singular(_));
        if lost.attempts.iter().any(|a| is_infinite(&a.1))
            && let Some(why) = self.trouble()
        {
            d = d.note(why);
        }
        d.help(
            "give `.nodeset` or `.ic` values near the solution, or check the devices named for an equation that jumps",
        )
    }

    /// A device's description cannot be evaluated.
    pub fn no_end(&self, where_: &str) -> Diagnostic {
        let name = self.endless.map_or("a device", |n| self.circuit.names.get(n));
        let d = Diagnostic::error(codes::ENDLESS, format!("a loop inside `{name}` does not end{where_}"));
        let span = self.endless.and_then(|n| self.circuit.groups.iter().flat_map(|g| g.iter()).find(|i| i.name == n));
        let d = match span {
            Some(i) => d.at(i.span, "evaluated here"),
            None => d,
        };
        d.help(
            "look for a `while` or `for` whose condition stays true, or that iterates to a tolerance it cannot reach",
        )
    }

    /// The transient cannot go on at `time`.
    pub fn step_failed(&self, time: f64, step: f64, failure: &Failure) -> Diagnostic {
        let cause = match failure {
            Failure::Singular(_) => {
                if let Some(s) = self.last_singular.as_ref().filter(|s| s.cause == Cause::NotFinite) {
                    return self.singular(s, &format!(" after t = {time:.9e} s, however short the step"));
                }
                "the matrix is singular there".to_string()
            }
            Failure::NotFinite { .. } => "a device returned a number that is not finite".to_string(),
            Failure::NoConvergence { iterations, ratio, .. } => {
                format!("Newton still moved it by {ratio:.2e} tolerances after {iterations} iterations")
            }
            Failure::Endless { .. } => return self.no_end(&format!(" after t = {time:.9e} s")),
        };
        let d = self.step_collapse(time, step, failure.unknown(), &cause);
        match self.trouble().filter(|_| matches!(failure, Failure::NotFinite { .. })) {
            Some(why) => d.note(why),
            None => d,
        }
    }

    /// The same for the reason given.
    pub fn step_collapse(&self, time: f64, step: f64, unknown: usize, cause: &str) -> Diagnostic {
        let namer = self.namer();
        let name = namer.name(&self.circuit, unknown);
        let mut d = Diagnostic::error(
            codes::STEP_COLLAPSE,
            format!("time step collapsed to {step:.3e} s at t = {time:.9e} s because of {name}"),
        )
        .note(cause.to_string());
        for (dev, span) in namer.devices(&self.circuit, unknown, 4) {
            d = d.at(span, format!("`{}` is on {name}", self.circuit.names.get(dev)));
        }
        d.help("smooth the equation that jumps, or give the state a rail that it can leave; `.options method=gear` damps ringing")
    }
}

impl Simulation {
    fn open(&self, s: &Singular) -> usize {
        open(s, self.circuit.nodes.len())
    }

    /// Why an equation has no value where the last such was met, as the device tells it.
    fn trouble(&self) -> Option<String> {
        let (at, x) = self.bad_point.as_ref()?;
        self.slots.iter().zip(&self.circuit.groups).find_map(|(s, group)| {
            let t = s.batch.trouble(at, x, &self.memory[s.memory.clone()])?;
            Some(format!("`{}`: {}", self.circuit.names.get(group.get(t.instance).name), t.text))
        })
    }

    /// The matrix at a known operating point has no inverse.
    pub fn singular(&self, s: &Singular, place: &str) -> Diagnostic {
        let namer = self.namer();
        if s.cause == Cause::NotFinite {
            let [row, column] = [s.row, s.column].map(|u| namer.name(&self.circuit, u as usize));
            let text = format!("the equation of {row} is no finite number{place}");
            let mut d = Diagnostic::error(codes::NOT_FINITE, text);
            for (name, span) in namer.devices(&self.circuit, s.row as usize, 4) {
                d = d.at(span, format!("`{}` is on it", self.circuit.names.get(name)));
            }
            if row != column {
                d = d.note(format!("it was seen by its derivative by {column}"));
            }
            if let Some(why) = self.trouble() {
                d = d.note(why);
            }
            return d.help(
                "look for a parameter that is 0 and divides, or give a `.nodeset` where the equation has a value",
            );
        }
        let name = namer.name(&self.circuit, self.open(s));
        let d = Diagnostic::error(codes::SINGULAR, format!("singular matrix{place}: nothing determines {name}"));
        describe_singular(d, &self.circuit, &namer, s)
    }
}
