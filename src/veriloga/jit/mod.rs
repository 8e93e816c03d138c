//! Machine code for the evaluation of a batch, through Cranelift.
//!
//! One function evaluates a list of instances, four at a time where the processor can and the function is plain (`wide`),
//! else two (`lanes`): it reads their unknowns, computes, and lists the results of each one in the order of the function's
//! outputs. Transcendental functions are calls of the same Rust functions that the interpreter uses, or the same operations
//! inline (`elementary`), so that all back ends give the same bits.
#![allow(unsafe_code)]

mod arith;
mod calls;
mod codegen;
mod elementary;
mod frame;
mod lanes;
pub mod plain;
mod ready;
mod varying;
#[cfg(target_arch = "x86_64")]
mod wide;

use std::ptr::{null, null_mut};
use std::sync::{Mutex, OnceLock};

use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Linkage, Module};

pub use ready::make_ready;

use super::ir::{BinOp, Func, Ty, UnOp, signal};
use super::lower::{Lowered, Program};
use super::table::Table;

/// What an evaluation reads and writes: arrays with one part for each instance, but for what a class or all have together.
pub struct Args<'a> {
    pub count: usize,
    /// Groups of [`Kernel::lanes`] instances of the same class, one after the other. An instance may stand in its group more
    /// than once.
    pub groups: &'a [u32],
    /// Scratch; it grows as it is needed.
    pub frame: &'a mut Vec<f64>,
    /// Unknowns, instance by instance.
    pub x: &'a [f64],
    pub classes: &'a [u32],
    pub class_count: usize,
    /// Every number twice.
    pub cache: &'a [f64],
    pub sim: &'a [f64],
    pub hidden: &'a [f64],
    pub uniforms: &'a [f64],
    pub normals: &'a [f64],
    /// [`KEYS`] numbers for each instance.
    pub keys: &'a [f64],
    /// See `ir::signal`.
    pub signals: &'a [f64],
    /// Tables of all classes, one class after the other.
    pub tables: &'a [Table],
    /// What limiting functions returned last time.
    pub old: &'a [f64],
    /// Group by group and output by output one number for each lane; see [`Kernel::place`].
    pub out: &'a mut [f64],
}

/// The same as compiled code sees it.
#[repr(C)]
struct Raw {
    first: u64,
    count: u64,
    order: *const u32,
    x: *const f64,
    rows: *const u32,
    classes: *const u32,
    cache: *const f64,
    sim: *const f64,
    hidden: *const f64,
    uniforms: *const f64,
    normals: *const f64,
    keys: *const f64,
    signals: *const f64,
    tables: *const Table,
    old: *const f64,
    params: *const f64,
    given: *const f64,
    connected: *const f64,
    env: *const f64,
    events: *const f64,
    out: *mut f64,
    flags: *mut u32,
    log: *mut plain::Log,
    constants: *const u64,
    frame: *mut f64,
}

/// Offsets of the fields of [`Raw`], in bytes.
mod field {
    pub const FIRST: i32 = 0;
    pub const COUNT: i32 = 8;
    pub const ORDER: i32 = 16;
    pub const X: i32 = 24;
    pub const ROWS: i32 = 32;
    pub const CLASSES: i32 = 40;
    pub const CACHE: i32 = 48;
    pub const SIM: i32 = 56;
    pub const HIDDEN: i32 = 64;
    pub const UNIFORMS: i32 = 72;
    pub const NORMALS: i32 = 80;
    pub const KEYS: i32 = 88;
    pub const SIGNALS: i32 = 96;
    pub const TABLES: i32 = 104;
    pub const OLD: i32 = 112;
    pub const PARAMS: i32 = 120;
    pub const GIVEN: i32 = 128;
    pub const CONNECTED: i32 = 136;
    pub const ENV: i32 = 144;
    pub const EVENTS: i32 = 152;
    pub const OUT: i32 = 160;
    pub const FLAGS: i32 = 168;
    pub const LOG: i32 = 176;
    pub const CONSTANTS: i32 = 184;
    pub const FRAME: i32 = 192;
}

/// Flags: a loop did not end.
const STUCK: u32 = 0;

/// Sizes of what belongs to one instance.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    unknowns: usize,
    slots: usize,
    cells: usize,
    limits: usize,
    uniforms: usize,
    normals: usize,
    signals: usize,
    tables: usize,
    params: usize,
    terminals: usize,
    events: usize,
    outputs: usize,
}

/// Inputs for which every instance has this many numbers.
pub const KEYS: usize = 3;

impl Sizes {
    fn of(l: &Lowered, func: &Func, slots: usize) -> Sizes {
        Sizes {
            unknowns: l.unknowns.len(),
            slots,
            signals: l.signals.len() * signal::COUNT,
            tables: l.tables.len(),
            params: l.scalars(),
            terminals: l.terminals as usize,
            events: l.events.len(),
            outputs: func.outputs.len(),
            cells: l.cells.len(),
            limits: l.limit_states as usize,
            uniforms: l.uniforms as usize,
            normals: l.normals as usize,
        }
    }
}

/// Compiled evaluation of a module.
pub struct Kernel {
    /// Owns the code's memory; taken out on drop.
    module: Mutex<Option<JITModule>>,
    entry: unsafe extern "C" fn(*const Raw),
    sizes: Sizes,
    /// Outputs that a loop without end makes NaN.
    reals: Vec<bool>,
    /// Each constant once for each lane.
    constants: Vec<Vector>,
    frame: usize,
    lanes: usize,
}

/// Memory of a vector, where the processor likes it best.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Vector([u64; 4]);

/// Numbers, each as often as there are lanes.
fn vectors(numbers: &[u64], lanes: usize) -> Vec<Vector> {
    let all: Vec<u64> = numbers.iter().flat_map(|k| std::iter::repeat_n(*k, lanes)).collect();
    let of = |c: &[u64]| Vector(std::array::from_fn(|k| c.get(k).copied().unwrap_or(0)));
    all.chunks(4).map(of).collect()
}

// SAFETY: `entry` points to immutable code that keeps no state of its own, and the module is touched again only in `drop`,
// behind a mutex that nobody else can hold then.
unsafe impl Send for Kernel {}
// SAFETY: as above; calls share nothing but the read-only code.
unsafe impl Sync for Kernel {}

impl Drop for Kernel {
    fn drop(&mut self) {
        let module = self.module.get_mut().ok().and_then(Option::take);
        if let Some(m) = module {
            // SAFETY: the kernel is being dropped, so that no call of `entry` is running and none will come.
            unsafe { m.free_memory() };
        }
    }
}

/// Operations above which a function is compiled in one pass: the better register allocation takes more than linear time,
/// which is minutes for a model whose evaluation is one large loop.
const LARGE: usize = 60_000;

/// The processor that this runs on; looked at once.
fn machine(is_large: bool) -> Result<OwnedTargetIsa, String> {
    static ISA: [OnceLock<Result<OwnedTargetIsa, String>>; 2] = [const { OnceLock::new() }; 2];
    let find = || -> Result<OwnedTargetIsa, String> {
        let mut flags = settings::builder();
        for (name, value) in [
            // Constants are folded and equal operations are one before; what is to be read from memory is not to be kept.
            ("opt_level", "none"),
            ("regalloc_algorithm", if is_large { "single_pass" } else { "backtracking" }),
            ("is_pic", "false"),
            ("use_colocated_libcalls", "false"),
            ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
        ] {
            flags.set(name, value).map_err(|e| e.to_string())?;
        }
        let isa = cranelift_native::builder()?;
        isa.finish(settings::Flags::new(flags)).map_err(|e| e.to_string())
    };
    ISA[usize::from(is_large)].get_or_init(find).clone()
}

/// An empty module for the machine at hand, with the functions that compiled code calls; for a function of so many
/// operations.
fn new_module(operations: usize) -> Result<JITModule, String> {
    Ok(module_for(machine(operations > LARGE)?))
}

fn module_for(isa: OwnedTargetIsa) -> JITModule {
    let mut builder = JITBuilder::with_isa(isa, cranelift_module::default_libcall_names());
    for op in UnOp::ALL {
        if let Some(address) = calls::un(*op) {
            builder.symbol(format!("va_{}", op.name()), address);
        }
    }
    for op in BinOp::ALL {
        if let Some(address) = calls::bin(*op) {
            builder.symbol(format!("va_{}", op.name()), address);
        }
    }
    builder.symbol(calls::TABLE, calls::table as *const u8);
    builder.symbol(calls::EFFECT, plain::effect as *const u8);
    JITModule::new(builder)
}

/// Can the processor do four instances at once?
#[cfg(all(test, target_arch = "x86_64"))]
pub fn is_wide() -> bool {
    wide::is_available()
}

impl Kernel {
    /// Generates code for an evaluation of a module: its own, or one for tied nodes. The message says what the code
    /// generator disliked.
    pub fn compile(p: &Program, eval: &Func) -> Result<Kernel, String> {
        #[cfg(target_arch = "x86_64")]
        if let Some(kernel) = Self::compile_wide(p, eval)? {
            return Ok(kernel);
        }
        Self::compile_pairs(p, eval)
    }

    /// For two instances at a time.
    pub fn compile_pairs(p: &Program, eval: &Func) -> Result<Kernel, String> {
        ready::wait();
        Self::compile_in(p, eval, new_module(eval.len())?)
    }

    /// For four; `None` if the processor cannot, or the function is not one for this.
    #[cfg(target_arch = "x86_64")]
    pub fn compile_wide(p: &Program, eval: &Func) -> Result<Option<Kernel>, String> {
        let sizes = Sizes::of(&p.lowered, eval, p.slots);
        if !wide::is_available() {
            return Ok(None);
        }
        let Some(code) = wide::compile(eval, &p.lowered, &sizes) else { return Ok(None) };
        let text = |e: &dyn std::fmt::Display| e.to_string();
        let mut module =
            JITModule::new(JITBuilder::with_isa(machine(false)?, cranelift_module::default_libcall_names()));
        let mut signature = module.make_signature();
        signature.params.push(cranelift_codegen::ir::AbiParam::new(module.target_config().pointer_type()));
        let id = module.declare_function("eval", Linkage::Export, &signature).map_err(|e| text(&e))?;
        module.define_function_bytes(id, 64, &code.bytes, &[]).map_err(|e| text(&e))?;
        Self::finished(
            eval,
            module,
            id,
            sizes,
            codegen::Needs { constants: code.constants, frame: code.frame },
            wide::LANES,
        )
        .map(Some)
    }

    /// For the oldest processor that there is code for: without AVX and FMA.
    #[cfg(test)]
    pub fn compile_plain(p: &Program, eval: &Func) -> Result<Kernel, String> {
        let text = |e: &dyn std::fmt::Display| e.to_string();
        let mut flags = settings::builder();
        for name in ["is_pic", "use_colocated_libcalls"] {
            flags.set(name, "false").map_err(|e| text(&e))?;
        }
        let isa = cranelift_codegen::isa::lookup_by_name(std::env::consts::ARCH).map_err(|e| text(&e))?;
        Self::compile_in(p, eval, module_for(isa.finish(settings::Flags::new(flags)).map_err(|e| text(&e))?))
    }

    fn compile_in(p: &Program, eval: &Func, mut module: JITModule) -> Result<Kernel, String> {
        let text = |e: &dyn std::fmt::Display| e.to_string();
        let sizes = Sizes::of(&p.lowered, eval, p.slots);
        let mut ctx = module.make_context();
        let needs = codegen::build(eval, &p.lowered, &sizes, &mut module, &mut ctx, codegen::Kind::Evaluation)?;
        let id = module.declare_function("eval", Linkage::Export, &ctx.func.signature).map_err(|e| text(&e))?;
        module.define_function(id, &mut ctx).map_err(|e| format!("{e:?}"))?;
        module.clear_context(&mut ctx);
        Self::finished(eval, module, id, sizes, needs, 2)
    }

    fn finished(
        eval: &Func,
        mut module: JITModule,
        id: FuncId,
        sizes: Sizes,
        needs: codegen::Needs,
        lanes: usize,
    ) -> Result<Kernel, String> {
        module.finalize_definitions().map_err(|e| e.to_string())?;
        let address = module.get_finalized_function(id);
        // SAFETY: the address is that of the function just defined with exactly this signature and calling convention.
        let entry = unsafe { std::mem::transmute::<*const u8, unsafe extern "C" fn(*const Raw)>(address) };
        Ok(Kernel {
            module: Mutex::new(Some(module)),
            entry,
            sizes,
            reals: real_outputs(eval),
            constants: vectors(&needs.constants, lanes),
            frame: needs.frame,
            lanes,
        })
    }

    /// Instances that are evaluated at once.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Where in [`Args::out`] the output `k` of the instance number `at` of the groups is.
    pub fn place(&self, at: usize, k: usize) -> usize {
        (at / self.lanes * self.sizes.outputs + k) * self.lanes + at % self.lanes
    }

    /// Evaluates the instances of the list. What a loop without end computed is NaN.
    pub fn run(&self, a: Args) {
        let s = &self.sizes;
        let n = a.count;
        if a.groups.is_empty() {
            return;
        }
        // Compiled code indexes without looking: everything that it will touch must be there.
        assert!(a.groups.len().is_multiple_of(self.lanes));
        assert!(a.groups.iter().all(|i| (*i as usize) < n) && a.classes.len() == n);
        assert!(
            a.cache.len() == 2 * a.class_count * s.slots && a.classes.iter().all(|c| (*c as usize) < a.class_count)
        );
        assert!(a.x.len() == n * s.unknowns && a.hidden.len() == n * s.cells && a.old.len() == n * s.limits);
        assert!(a.uniforms.len() == n * s.uniforms && a.normals.len() == n * s.normals && a.keys.len() == n * KEYS);
        assert!(a.signals.len() == n * s.signals && a.tables.len() == a.class_count * s.tables);
        assert!(a.sim.len() >= super::ir::sim::COUNT && a.out.len() == a.groups.len() * s.outputs);
        let class = |i: &u32| a.classes[*i as usize];
        debug_assert!(a.groups.chunks(self.lanes).all(|g| g.iter().all(|i| class(i) == class(&g[0]))));
        let vector = align_of::<Vector>() / size_of::<f64>();
        if a.frame.len() < self.frame + vector {
            a.frame.resize(self.frame + vector, 0.0);
        }
        let skip = a.frame.as_ptr().align_offset(align_of::<Vector>()).min(vector);
        let mut flags = [0u32; 1];
        let raw = Raw {
            first: 0,
            count: (a.groups.len() / self.lanes) as u64,
            order: a.groups.as_ptr(),
            x: a.x.as_ptr(),
            rows: null(),
            classes: a.classes.as_ptr(),
            cache: a.cache.as_ptr(),
            sim: a.sim.as_ptr(),
            hidden: a.hidden.as_ptr(),
            uniforms: a.uniforms.as_ptr(),
            normals: a.normals.as_ptr(),
            keys: a.keys.as_ptr(),
            signals: a.signals.as_ptr(),
            tables: a.tables.as_ptr(),
            old: a.old.as_ptr(),
            params: null(),
            given: null(),
            connected: null(),
            env: null(),
            events: null(),
            out: a.out.as_mut_ptr(),
            flags: flags.as_mut_ptr(),
            log: null_mut(),
            constants: self.constants.as_ptr().cast(),
            frame: a.frame[skip..].as_mut_ptr(),
        };
        // SAFETY: the lengths checked above cover every index that the code forms: number of an instance or a class times
        // the size of its part. `raw` and the slices outlive the call.
        unsafe { (self.entry)(&raw) };
        if flags[STUCK as usize] != 0 {
            for group in a.out.chunks_exact_mut((self.lanes * s.outputs).max(1)) {
                let outputs = group.chunks_exact_mut(self.lanes).zip(&self.reals);
                outputs.filter(|(_, is_real)| **is_real).for_each(|(o, _)| o.fill(f64::NAN));
            }
        }
    }
}

/// By output: is it real?
fn real_outputs(func: &Func) -> Vec<bool> {
    func.outputs.iter().map(|(_, v)| func.ty(*v) == Ty::Real).collect()
}

/// The results of an instance after a loop without end.
fn spoil(reals: &[bool], out: &mut [f64]) {
    out.iter_mut().zip(reals).filter(|(_, is)| **is).for_each(|(o, _)| *o = f64::NAN);
}
