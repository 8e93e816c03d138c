//! Functions that compiled code calls, by operation.

use crate::base::fastmath;
use crate::veriloga::ir::{BinOp, UnOp};
use crate::veriloga::math;
use crate::veriloga::table::Table;

macro_rules! real1 {
    ($($name:ident = $x:ident => $e:expr;)*) => { $(extern "C" fn $name($x: f64) -> f64 { $e })* };
}
macro_rules! real2 {
    ($($name:ident = $x:ident $y:ident => $e:expr;)*) => { $(extern "C" fn $name($x: f64, $y: f64) -> f64 { $e })* };
}
macro_rules! int2 {
    ($($name:ident => $e:expr;)*) => { $(extern "C" fn $name(a: i32, b: i32) -> i32 { $e(a, b) })* };
}

real1! {
    exp = x => fastmath::exp(x);
    expm1 = x => x.exp_m1();
    ln = x => fastmath::ln(x);
    log1p = x => x.ln_1p();
    log10 = x => x.log10();
    sin = x => x.sin();
    cos = x => x.cos();
    tan = x => x.tan();
    asin = x => x.asin();
    acos = x => x.acos();
    atan = x => x.atan();
    sinh = x => x.sinh();
    cosh = x => x.cosh();
    tanh = x => x.tanh();
    asinh = x => x.asinh();
    acosh = x => x.acosh();
    atanh = x => x.atanh();
    floor = x => x.floor();
    ceil = x => x.ceil();
}

real2! {
    rem = x y => x % y;
    pow = x y => math::pow(x, y);
    atan2 = x y => x.atan2(y);
    hypot = x y => x.hypot(y);
    poisson = x y => math::poisson(x, y);
    chi_square = x y => math::chi_square(x, y);
    student_t = x y => math::student_t(x, y);
    erlang = x y => math::erlang(x, y);
    seeded = x y => math::seeded(x, y);
    seeded_normal = x y => math::seeded_normal(x, y);
}

int2! {
    idiv => math::idiv;
    irem => math::irem;
    shl => math::shl;
    shr => math::shr;
    sar => math::sar;
}

extern "C" fn to_int(x: f64) -> i32 {
    math::to_int(x)
}

pub const TABLE: &str = "va_table";
pub const EFFECT: &str = "va_effect";

/// Looks into the table number `at`; the orders of derivation stand in the bytes of `order`, the first one lowest.
pub extern "C" fn table(tables: *const Table, at: u64, order: u32, x: f64, y: f64, z: f64) -> f64 {
    let [a, b, c, _] = order.to_le_bytes();
    // SAFETY: compiled code passes the array that `run` got, and the number of one of its elements: class and table
    // are within the counts that `run` has compared with the array's length.
    let t = unsafe { &*tables.add(at as usize) };
    t.look_up([x, y, z], [a, b, c])
}

/// Address of the function for an operation of one operand, if compiled code calls one.
pub fn un(op: UnOp) -> Option<*const u8> {
    use UnOp::*;
    let f: extern "C" fn(f64) -> f64 = match op {
        Exp => exp,
        Expm1 => expm1,
        Ln => ln,
        Log1p => log1p,
        Log10 => log10,
        Sin => sin,
        Cos => cos,
        Tan => tan,
        Asin => asin,
        Acos => acos,
        Atan => atan,
        Sinh => sinh,
        Cosh => cosh,
        Tanh => tanh,
        Asinh => asinh,
        Acosh => acosh,
        Atanh => atanh,
        Floor => floor,
        Ceil => ceil,
        FToI => return Some(to_int as *const u8),
        Neg | Abs | Sqrt | INeg | INot | Not | IToF | BToI => return None,
    };
    Some(f as *const u8)
}

/// Address of the function for an operation of two operands, if compiled code calls one.
pub fn bin(op: BinOp) -> Option<*const u8> {
    use BinOp::*;
    let f: extern "C" fn(f64, f64) -> f64 = match op {
        Rem => rem,
        Pow => pow,
        Atan2 => atan2,
        Hypot => hypot,
        Poisson => poisson,
        ChiSquare => chi_square,
        StudentT => student_t,
        Erlang => erlang,
        Seeded => seeded,
        SeededNormal => seeded_normal,
        IDiv | IRem | IShl | IShr | ISar => {
            let g: extern "C" fn(i32, i32) -> i32 = match op {
                IDiv => idiv,
                IRem => irem,
                IShl => shl,
                IShr => shr,
                _ => sar,
            };
            return Some(g as *const u8);
        }
        _ => return None,
    };
    Some(f as *const u8)
}
