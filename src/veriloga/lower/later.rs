//! Functions of a module that few runs need, made when somebody asks.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::Lowered;
use super::finish::{CONVERT, Program, equations, without_limits};
use crate::veriloga::ir::{Def, Func, In, Op, Out, Val};
use crate::veriloga::passes::{Deps, apart, contract, prune, tie};

/// What they are made of, and those that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Later {
    /// The equations without limits.
    plain: Func,
    /// The module's function and what is known of it before the equations are made, where operating-point variables were
    /// left out of these.
    aside: Option<Box<(Func, Lowered)>>,
    /// Numbers of the operating-point variables that are shown, by number of all variables.
    shown: BTreeMap<u32, u32>,
    eval: OnceLock<Func>,
    op: OnceLock<Func>,
    noise: OnceLock<Func>,
}

impl Later {
    pub(super) fn new(plain: Func, aside: Option<Box<(Func, Lowered)>>, shown: BTreeMap<u32, u32>) -> Later {
        Later { plain, aside, shown, ..Later::default() }
    }
}

impl Program {
    /// Probes, slots → rows and their derivatives by unknown, all unknowns apart.
    pub fn eval(&self) -> &Func {
        let l = &self.lowered;
        self.later.eval.get_or_init(|| contract(&tie(&self.by_probe, &l.probes, &apart(l.unknowns.len()), CONVERT)))
    }

    /// → values of the operating-point variables.
    pub fn op(&self) -> &Func {
        let later = &self.later;
        later.op.get_or_init(|| {
            let shown = |f: &Func| prune(f, |s| s.class == Out::OpVar && later.shown.contains_key(&s.a), false, 0);
            let mut f = match &later.aside {
                None => shown(&later.plain),
                Some(aside) => {
                    let (analog, mut l) = (**aside).clone();
                    let (linear, _) = equations(analog, &mut l);
                    debug_assert_eq!(l.unknowns.len(), self.lowered.unknowns.len());
                    shown(&without_limits(&linear))
                }
            };
            for (s, _) in &mut f.outputs {
                s.a = later.shown.get(&s.a).copied().unwrap_or(0);
            }
            f.checked("operating point")
        })
    }

    /// → powers and gains of noise sources.
    pub fn noise(&self) -> &Func {
        let is_noise = |f: &Func| prune(f, |s| matches!(s.class, Out::Noise | Out::Gain), false, 0).checked("noise");
        self.later.noise.get_or_init(|| is_noise(&self.later.plain))
    }
}

/// May operating-point variables be left out of the equations? They have a say where events make what they show persist,
/// and where one shows a rate of change, which is an unknown then.
pub(super) fn are_aside(func: &Func, has_events: bool) -> bool {
    let has = |f: fn(&Op) -> bool| func.vals.iter().any(|v| matches!(&v.def, Def::Op(op) if f(op)));
    let mut all = func.outputs.iter().filter(|(s, _)| s.class == Out::OpVar).peekable();
    if all.peek().is_none() || has_events && has(|op| matches!(op, Op::Input(In::Hidden, ..))) {
        return false;
    }
    let declared: Vec<Val> = all.filter(|(s, _)| s.b == 1).map(|o| o.1).collect();
    !has(|op| matches!(op, Op::Ddt(..))) || {
        let cone = Deps::new(func, true).cone(declared);
        (0..func.vals.len()).all(|k| !(cone[k] && matches!(func.op(Val(k as u32)), Some(Op::Ddt(..)))))
    }
}
