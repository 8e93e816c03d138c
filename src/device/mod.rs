//! Devices: the traits through which the simulator sees every one of them, the parameter tables, the registry.
//!
//! A device speaks DAE: it adds to `f(x, t) + d/dt q(x) = 0` and to the Jacobians df/dx and dq/dx. It never sees
//! the matrix, the step size or the analysis. Sign convention: row of a node = sum of the currents that *leave* the
//! node into devices = 0; a branch current is positive from the first terminal through the device to the second.

pub mod batch;
pub mod behavioural;
pub mod bjt;
pub mod capacitor;
pub mod card;
pub mod common;
pub mod controlled;
pub mod diode;
pub mod gated;
#[cfg(test)]
pub mod gated_tests;
pub mod history;
pub mod inductor;
pub mod jfet;
pub mod junction;
pub mod laplace;
pub mod mesfet;
pub mod mosfet;
pub mod mutual;
pub mod param;
#[cfg(test)]
mod primitive_tests;
pub mod registry;
pub mod resistor;
pub mod resting;
pub mod rounds;
pub mod source;
pub mod switch;
#[cfg(test)]
pub mod testkit;
pub mod tline;
pub mod values;

pub use batch::{
    AcLoad, Alone, AnalysisKind, Batch, Binder, DcKind, DcLink, DeviceType, Env, IterMem, Linearity, Load, Message,
    NoiseSource, OpVar, Point, Slot, Spectrum, Trouble, Unknown, UnknownKind, UnknownSpec, Wiring, Wishes,
};
pub use card::{Group, InstanceRef, ModelCard, Value};
pub use param::{DeviceInfo, ParamId, ParamKind, ParamSpec, Range, Terminal};
