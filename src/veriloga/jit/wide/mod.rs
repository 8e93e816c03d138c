//! Four instances at once: an evaluation as instructions of AVX2 and FMA, written here because the code generator for all
//! other functions has no vectors of more than two f64.
//!
//! ```text
//! function → steps (a list of vector operations, exp and ln written out) → registers and homes → bytes
//! ```
//! An evaluation is a long list of real arithmetic with some conditions; what is not (integers, loops, tables) is left to
//! the general generator. Both give the same bits.

mod asm;
mod elementary;
mod emit;
mod steps;

use super::Sizes;
use crate::veriloga::ir::Func;
use crate::veriloga::lower::Lowered;

pub use emit::LANES;

/// The code of a function of one pointer, to [`super::Raw`], and what it needs.
pub struct Code {
    pub bytes: Vec<u8>,
    /// Bits.
    pub constants: Vec<u64>,
    /// Numbers of its frame.
    pub frame: usize,
}

/// Has the processor what the code is made of?
pub fn is_available() -> bool {
    cfg!(not(windows)) && is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// `None`: not a function for this.
pub fn compile(func: &Func, lowered: &Lowered, sizes: &Sizes) -> Option<Code> {
    let list = steps::steps(func, lowered)?;
    let done = emit::emit(&list, sizes);
    Some(Code { bytes: done.code, constants: list.constants, frame: LANES * done.homes })
}
