//! Behavioural elements: sources, resistors, capacitors and inductors whose value is an expression.
//!
//! | registry name | parameter | law |
//! |---|---|---|
//! | `bsource_v` | `v` | v_p - v_n = v(x); has a branch current |
//! | `bsource_i` | `i` | i = m i(x), from p through the source to n |
//! | `rexpr` | `r` | i = m (v_p - v_n)/r(x) |
//! | `cexpr` | `c` or `q` | i = m c(x) d(v_p - v_n)/dt, or i = m dq(x)/dt |
//! | `lexpr` | `l` or `flux` | v_p - v_n = l(x)/m di/dt, or (1/m) dflux(x)/dt; has a branch current |
//!
//! E/G/H/F with POLY, VALUE or TABLE are `bsource_v` (E, H) and `bsource_i` (G, F). Currents in expressions are those of
//! elements with a branch current; an expression may read the element's own current where it has one.

//!
//! `r(x)` nearer to zero than 1 µΩ counts as 1 µΩ. `c(x)` and `l(x)` are the factors of the derivative, as in ngspice: an
//! internal unknown `rate` is dv/dt (di/dt), and i = c(x) rate. Such a capacitor conserves charge to the order of the
//! integration method, not exactly; where that matters give the charge itself, `q=`. Each `ddt`/`idt` in an expression
//! is an internal unknown `state1`, `state2`, ... of the element.

use super::*;
use crate::diag::Diagnostic;
use batch::{Behavioural, Ids, Law};

mod batch;
pub mod formula;

/// Absolute tolerance of time derivatives. Their rows are linear in them, so this need not be tight.
const RATE_TOL: f64 = 1e-3;

macro_rules! temperature_params {
    ($($id:ident: $name:literal $(| $alias:literal)* $kind:ident $unit:literal $(= $default:expr)?, $range:expr, $doc:literal;)*) => {
        crate::param_table! { pub static INSTANCE = [
            $($id: $name $(| $alias)* $kind $unit $(= $default)?, $range, $doc;)*
            TC1: "tc1" real "1/°C" = 0.0, Range::ANY, "Linear temperature coefficient";
            TC2: "tc2" real "1/°C²" = 0.0, Range::ANY, "Quadratic temperature coefficient";
            TEMP: "temp" real "°C", Range::ANY, "Temperature of this element (default: that of the circuit)";
            DTEMP: "dtemp" real "°C" = 0.0, Range::ANY, "Temperature above that of the circuit";
            M: "m" real "" = 1.0, Range::POSITIVE, "Number of equal elements in parallel";
        ] }
    };
}

pub mod bsource_v {
    use super::*;
    temperature_params! {
        VALUE: "v" | "value" expr "V", Range::ANY, "Voltage";
    }
}
pub mod bsource_i {
    use super::*;
    temperature_params! {
        VALUE: "i" | "value" expr "A", Range::ANY, "Current from the first terminal through the source to the second";
    }
}
pub mod rexpr {
    use super::*;
    temperature_params! {
        VALUE: "r" | "resistance" expr "Ω", Range::ANY, "Resistance";
        NOISY: "noisy" | "noise" flag "" = 1.0, Range::ANY, "0 takes the resistor out of noise analysis";
        SCALE: "scale" real "" = 1.0, Range::ANY, "Factor on the resistance";
    }
}
pub mod cexpr {
    use super::*;
    temperature_params! {
        VALUE: "c" | "cap" | "capacitance" expr "F", Range::ANY, "Capacitance: i = c(x) dv/dt";
        CHARGE: "q" | "charge" expr "C", Range::ANY, "Charge: i = dq(x)/dt; conserves charge exactly";
        IC: "ic" real "V", Range::ANY, "Initial voltage, used with uic";
        SCALE: "scale" real "" = 1.0, Range::ANY, "Factor on capacitance or charge";
    }
}
pub mod lexpr {
    use super::*;
    temperature_params! {
        VALUE: "l" | "ind" | "inductance" expr "H", Range::ANY, "Inductance: v = l(x) di/dt";
        FLUX: "flux" expr "Wb", Range::ANY, "Flux: v = dflux(x)/dt; conserves flux exactly";
        IC: "ic" real "A", Range::ANY, "Initial current, used with uic";
        SCALE: "scale" real "" = 1.0, Range::ANY, "Factor on inductance or flux";
    }
}

const fn info(
    name: &'static str,
    letter: char,
    instance: &'static [ParamSpec],
    has_branch: bool,
    doc: &'static str,
) -> DeviceInfo {
    DeviceInfo {
        name,
        letter,
        model_types: &[],
        levels: &[],
        model_required: false,
        terminals: common::TWO,
        instance,
        model: &[],
        positional: Some(0),
        has_branch,
        doc,
    }
}

pub static BSOURCE_V: DeviceInfo =
    info("bsource_v", 'b', bsource_v::INSTANCE, true, "Voltage source with v given by an expression.");
pub static BSOURCE_I: DeviceInfo =
    info("bsource_i", 'b', bsource_i::INSTANCE, false, "Current source with i given by an expression.");
pub static REXPR: DeviceInfo = info("rexpr", 'r', rexpr::INSTANCE, false, "Resistor with r given by an expression.");
pub static CEXPR: DeviceInfo =
    info("cexpr", 'c', cexpr::INSTANCE, false, "Capacitor with c or the charge q given by an expression.");
pub static LEXPR: DeviceInfo =
    info("lexpr", 'l', lexpr::INSTANCE, true, "Inductor with l or the flux given by an expression.");

pub struct BsourceV;
pub struct BsourceI;
pub struct Rexpr;
pub struct Cexpr;
pub struct Lexpr;

macro_rules! device_type {
    ($($ty:ident, $info:ident, $table:ident, [$(($value:ident, $law:ident)),*], $scale:expr, $ic:expr, $noisy:expr;)*) => {$(
        impl DeviceType for $ty {
            fn info(&self) -> &DeviceInfo {
                &$info
            }
            fn batch(&self, group: &Group, env: &Env) -> Result<Box<dyn Batch>, Vec<Diagnostic>> {
                let ids = Ids {
                    values: &[$(($table::$value, Law::$law)),*],
                    tc1: $table::TC1,
                    tc2: $table::TC2,
                    temp: $table::TEMP,
                    dtemp: $table::DTEMP,
                    m: $table::M,
                    scale: $scale,
                    ic: $ic,
                    noisy: $noisy,
                };
                Behavioural::build(ids, group, env)
            }
        }
    )*};
}

device_type! {
    BsourceV, BSOURCE_V, bsource_v, [(VALUE, Voltage)], None, None, None;
    BsourceI, BSOURCE_I, bsource_i, [(VALUE, Current)], None, None, None;
    Rexpr, REXPR, rexpr, [(VALUE, Resistance)], Some(rexpr::SCALE), None, Some(rexpr::NOISY);
    Cexpr, CEXPR, cexpr, [(CHARGE, Charge), (VALUE, Capacitance)], Some(cexpr::SCALE), Some(cexpr::IC), None;
    Lexpr, LEXPR, lexpr, [(FLUX, Flux), (VALUE, Inductance)], Some(lexpr::SCALE), Some(lexpr::IC), None;
}
