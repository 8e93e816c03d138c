//! MOS transistors of levels 1, 2 and 3: one shell (nodes, bulk junctions, gate capacitances, limiting, noise) around
//! three sets of channel equations, chosen at compile time.

use std::marker::PhantomData;

use crate::device::{Batch, DeviceInfo, DeviceType, Env, Group, ParamSpec, Terminal};
use crate::diag::Diagnostic;

mod common;
#[cfg(test)]
#[rustfmt::skip]
mod golden;
mod level1;
mod level2;
mod level3;
mod meyer;
pub mod params;
mod shell;
mod stamp;
#[cfg(test)]
mod tests;
mod ward;

use shell::Level;

const TERMINALS: &[Terminal] = &[
    Terminal { name: "d", doc: "Drain", optional: false },
    Terminal { name: "g", doc: "Gate", optional: false },
    Terminal { name: "s", doc: "Source", optional: false },
    Terminal { name: "b", doc: "Bulk", optional: false },
];

const fn info(
    name: &'static str,
    levels: &'static [u32],
    model: &'static [ParamSpec],
    doc: &'static str,
) -> DeviceInfo {
    DeviceInfo {
        name,
        letter: 'm',
        model_types: &[("nmos", 1.0), ("pmos", -1.0)],
        levels,
        model_required: true,
        terminals: TERMINALS,
        instance: params::INSTANCE,
        model,
        positional: None,
        has_branch: false,
        doc,
    }
}

static LEVEL1: DeviceInfo = info(
    "mos1",
    &[1],
    params::level1::MODEL,
    "MOS transistor, level 1: Shichman and Hodges (1968) with bulk effect and channel-length modulation, Meyer's or \
     charge-conserving gate capacitances. Vladimirescu and Liu, UCB/ERL M80/7 (1980).",
);
static LEVEL2: DeviceInfo = info(
    "mos2",
    &[2],
    params::level2::MODEL,
    "MOS transistor, level 2: the analytical model of Frohman-Bentchkowsky and Grove with short- and narrow-channel \
     effects, mobility degradation, velocity saturation and weak inversion. Vladimirescu and Liu, UCB/ERL M80/7 (1980).",
);
static LEVEL3: DeviceInfo = info(
    "mos3",
    &[3],
    params::level3::MODEL,
    "MOS transistor, level 3: the semi-empirical model of Dang with static feedback, mobility modulation, velocity \
     saturation and weak inversion. Vladimirescu and Liu, UCB/ERL M80/7 (1980).",
);

pub use level1::One;
pub use level2::Two;
pub use level3::Three;

/// The registry's entry for a level.
pub struct Mosfet<L>(PhantomData<L>);

impl<L> Mosfet<L> {
    pub const fn new() -> Self {
        Mosfet(PhantomData)
    }
}

impl<L> Default for Mosfet<L> {
    fn default() -> Self {
        Self::new()
    }
}

impl<L: Level> DeviceType for Mosfet<L> {
    fn info(&self) -> &DeviceInfo {
        L::info()
    }

    fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
        Ok(Box::new(shell::Mosfets::<L>::build(group, env)?))
    }
}
