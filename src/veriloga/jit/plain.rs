//! Machine code for what runs at accepted points: next states, events, noise densities, operating-point variables.
//!
//! As the evaluation, but results are listed in the order of the function's outputs, and effects are written into a log.

use std::ptr::{null, null_mut};
use std::sync::Mutex;

use cranelift_jit::JITModule;
use cranelift_module::{Linkage, Module};

use super::{KEYS, Raw, STUCK, Sizes, codegen, new_module, real_outputs, spoil};
use crate::veriloga::ir::{Func, env, sim};
use crate::veriloga::lower::Lowered;
use crate::veriloga::table::Table;

/// What such a function reads; see `Args` for those that the evaluation has too.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    pub count: usize,
    pub class_count: usize,
    pub x: &'a [f64],
    pub rows: &'a [u32],
    /// Largest number in `rows`.
    pub max_row: usize,
    pub classes: &'a [u32],
    pub cache: &'a [f64],
    pub sim: &'a [f64],
    pub hidden: &'a [f64],
    pub uniforms: &'a [f64],
    pub normals: &'a [f64],
    pub keys: &'a [f64],
    pub signals: &'a [f64],
    pub tables: &'a [Table],
    /// For each class.
    pub params: &'a [f64],
    pub given: &'a [f64],
    pub connected: &'a [f64],
    pub env: &'a [f64],
    /// For each instance, 0 or 1.
    pub events: &'a [f64],
}

/// An effect that happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Happened {
    pub instance: u32,
    pub site: u32,
    /// Its arguments in [`Log::args`].
    pub first: u32,
    pub count: u32,
}

/// Effects in the order in which they happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    pub list: Vec<Happened>,
    pub args: Vec<f64>,
}

impl Log {
    pub fn clear(&mut self) {
        self.list.clear();
        self.args.clear();
    }

    pub fn push(&mut self, instance: u32, site: u32, args: impl Iterator<Item = f64>) {
        let first = self.args.len() as u32;
        self.args.extend(args);
        self.list.push(Happened { instance, site, first, count: self.args.len() as u32 - first });
    }

    pub fn args_of(&self, h: &Happened) -> &[f64] {
        &self.args[h.first as usize..(h.first + h.count) as usize]
    }
}

/// Called by compiled code.
pub(super) extern "C" fn effect(log: *mut Log, instance: u64, site: u64, count: u64, args: *const f64) {
    // SAFETY: compiled code passes the log that `run` got, which nobody else holds meanwhile, and a place on its stack
    // with `count` numbers.
    let (log, args) = unsafe { (&mut *log, std::slice::from_raw_parts(args, count as usize)) };
    log.push(instance as u32, site as u32, args.iter().copied());
}

/// A compiled function.
pub struct Plain {
    module: Mutex<Option<JITModule>>,
    entry: unsafe extern "C" fn(*const Raw),
    sizes: Sizes,
    /// Outputs that a loop without end makes NaN.
    reals: Vec<bool>,
}

// SAFETY: as for `Kernel`: the code is immutable, and the module is touched in `drop` only.
unsafe impl Send for Plain {}
// SAFETY: as above.
unsafe impl Sync for Plain {}

impl Drop for Plain {
    fn drop(&mut self) {
        let module = self.module.get_mut().ok().and_then(Option::take);
        if let Some(m) = module {
            // SAFETY: the function is being dropped, so that no call is running and none will come.
            unsafe { m.free_memory() };
        }
    }
}

impl Plain {
    /// `slots` is the length of its cache. The message says what the code generator disliked.
    pub fn compile(func: &Func, lowered: &Lowered, slots: usize) -> Result<Plain, String> {
        let text = |e: &dyn std::fmt::Display| e.to_string();
        let mut module = new_module(func.len())?;
        let sizes = Sizes::of(lowered, func, slots);
        let mut ctx = module.make_context();
        codegen::build(func, lowered, &sizes, &mut module, &mut ctx, codegen::Kind::Routine)?;
        let id = module.declare_function("plain", Linkage::Export, &ctx.func.signature).map_err(|e| text(&e))?;
        module.define_function(id, &mut ctx).map_err(|e| format!("{e:?}"))?;
        module.clear_context(&mut ctx);
        module.finalize_definitions().map_err(|e| text(&e))?;
        let address = module.get_finalized_function(id);
        // SAFETY: the address is that of the function just defined with exactly this signature and calling convention.
        let entry = unsafe { std::mem::transmute::<*const u8, unsafe extern "C" fn(*const Raw)>(address) };
        Ok(Plain { module: Mutex::new(Some(module)), entry, sizes, reals: real_outputs(func) })
    }

    /// Runs the instances of a range; `out` has the outputs of all instances, `log` gets the effects.
    pub fn run(&self, a: &Inputs, range: std::ops::Range<usize>, out: &mut [f64], log: &mut Log) {
        let s = &self.sizes;
        let (n, c) = (a.count, a.class_count);
        if range.is_empty() {
            return;
        }
        // Compiled code indexes without looking: everything that it will touch must be there.
        assert!(range.end <= n && a.rows.len() == n * s.unknowns && a.classes.len() == n && a.max_row < a.x.len());
        assert!(a.cache.len() == c * s.slots && a.classes.iter().all(|k| (*k as usize) < c));
        assert!(a.sim.len() >= sim::COUNT && a.hidden.len() == n * s.cells && a.keys.len() == n * KEYS);
        assert!(a.uniforms.len() == n * s.uniforms && a.normals.len() == n * s.normals);
        assert!(a.signals.len() == n * s.signals && a.tables.len() == c * s.tables);
        assert!(a.params.len() == c * s.params && a.given.len() == c * s.params && a.env.len() == c * env::COUNT);
        assert!(a.connected.len() == c * s.terminals && a.events.len() == n * s.events);
        assert!(out.len() == n * s.outputs);
        debug_assert!(a.rows.iter().all(|r| *r as usize <= a.max_row));
        let mut flags = [0u32; 1];
        let raw = Raw {
            first: range.start as u64,
            count: range.end as u64,
            order: null(),
            x: a.x.as_ptr(),
            rows: a.rows.as_ptr(),
            classes: a.classes.as_ptr(),
            cache: a.cache.as_ptr(),
            sim: a.sim.as_ptr(),
            hidden: a.hidden.as_ptr(),
            uniforms: a.uniforms.as_ptr(),
            normals: a.normals.as_ptr(),
            keys: a.keys.as_ptr(),
            signals: a.signals.as_ptr(),
            tables: a.tables.as_ptr(),
            old: null(),
            params: a.params.as_ptr(),
            given: a.given.as_ptr(),
            connected: a.connected.as_ptr(),
            env: a.env.as_ptr(),
            events: a.events.as_ptr(),
            out: out.as_mut_ptr(),
            flags: flags.as_mut_ptr(),
            log,
            constants: null(),
            frame: null_mut(),
        };
        // SAFETY: the lengths checked above cover every index that the code forms. Limited values, which it does not get,
        // were replaced by their arguments before (`old` is read by nothing). `raw` and the slices outlive the call.
        unsafe { (self.entry)(&raw) };
        if flags[STUCK as usize] != 0 {
            for i in range {
                spoil(&self.reals, &mut out[i * s.outputs..][..s.outputs]);
            }
        }
    }
}
