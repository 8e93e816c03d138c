//! Verilog-A (Verilog-AMS LRM 2.4, analog part) from text to devices.
//!
//! ```text
//! text ─text::preprocess─▶ tokens ─parse─▶ ast ─elab─▶ hir::Module (flat, resolved, typed)
//!      ─lower─▶ ir::Func ─passes─▶ setup, evaluation, acceptance ... ─jit or interp─▶ bind: device::DeviceType
//! ```
//!
//! Each stage recovers and reports all that it finds. Old and vendor forms that published models use are accepted with a
//! lint. Sizes, unrolled loops and generated branches follow from parameter values: [`Design::elaborate`] makes a module
//! for given ones, [`parse_and_check`] those of a file with the defaults.

mod ast;
pub mod bind;
pub mod doctor;
mod elab;
mod format;
pub mod hir;
pub mod interp;
pub mod ir;
pub mod jit;
mod library;
pub mod lower;
pub mod math;
mod parse;
pub mod passes;
#[cfg(test)]
mod random_tests;
pub mod table;
mod text;

use std::io;
use std::path::{Path, PathBuf};

use crate::diag::codes::veriloga as code;
use crate::diag::{Diagnostic, FileId, SourceMap, Span};

pub use elab::Value;
pub use library::{Library, texts_of};

/// Where files come from.
pub trait Files {
    fn read(&self, path: &Path) -> io::Result<String>;
}

impl<F: Fn(&Path) -> io::Result<String>> Files for F {
    fn read(&self, path: &Path) -> io::Result<String> {
        self(path)
    }
}

/// How a file is compiled, and how far a hostile one may go.
#[derive(Clone, Debug)]
pub struct Options {
    /// Searched for included files after the directory of the including file.
    pub include_dirs: Vec<PathBuf>,
    /// Macros defined from outside: name and text.
    pub defines: Vec<(String, String)>,
    pub max_macro_depth: usize,
    pub max_include_depth: usize,
    /// After macro expansion.
    pub max_tokens: usize,
    /// Uses of macros, those in macros' texts included.
    pub max_expansions: usize,
    /// Parentheses, blocks and conditions in each other.
    pub max_nesting: usize,
    /// Height of an expression's tree.
    pub max_expr_depth: usize,
    /// Statements and declarations after unrolling and flattening.
    pub max_unrolled: usize,
    /// Elements of one array.
    pub max_array: usize,
    /// Depth of module instances in each other.
    pub max_hierarchy: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            include_dirs: vec![],
            defines: vec![],
            max_macro_depth: 64,
            max_include_depth: 32,
            max_tokens: 2_000_000,
            max_expansions: 300_000,
            max_nesting: 256,
            max_expr_depth: 400,
            max_unrolled: 200_000,
            max_array: 1_000_000,
            max_hierarchy: 32,
        }
    }
}

/// A parsed file with all that it includes; modules are elaborated from it.
#[derive(Clone, Debug)]
pub struct Design {
    ast: ast::Ast,
    names: text::Names,
    options: Options,
    /// Every file read, the main one first.
    pub files: Vec<PathBuf>,
    /// The text has errors.
    pub is_broken: bool,
    /// Declarations may have been lost to them: what misses a name may be their echo.
    pub has_gaps: bool,
}

/// The stack of the thread that works on a file: recursion is bounded, but not so low that small stacks do.
const STACK: usize = 64 << 20;

impl Design {
    /// Reads and parses; the design is there even when the text has faults.
    pub fn parse(
        file: FileId,
        path: &Path,
        sources: &mut SourceMap,
        files: &(dyn Files + Sync),
        options: &Options,
    ) -> (Design, Vec<Diagnostic>) {
        on_large_stack(|| {
            let mut names = text::Names::default();
            let mut diags = vec![];
            let pre = text::preprocess(file, path, &mut names, sources, files, options, &mut diags);
            let mut ast = parse::parse(&pre, &mut names, sources, options, &mut diags);
            if ast.disciplines.is_empty() && !ast.modules.is_empty() {
                standard_disciplines(&mut ast, &mut names, sources, options, &mut diags);
            }
            let is_broken = diags.iter().any(Diagnostic::is_error);
            let has_gaps =
                ast.has_gaps || diags.iter().any(|d| d.code == code::INCLUDE || d.code == code::UNKNOWN_MACRO);
            (Design { ast, names, options: options.clone(), files: pre.files, is_broken, has_gaps }, diags)
        })
    }

    /// Names of the modules in source order.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.ast.modules.iter().map(|m| self.names.text(m.name.name))
    }

    /// Modules that no other module of the file instantiates: those that a netlist is likely to mean.
    pub fn tops(&self) -> Vec<&str> {
        let used = self.ast.instantiated();
        self.ast.modules.iter().filter(|m| !used.contains(&m.name.name)).map(|m| self.names.text(m.name.name)).collect()
    }

    /// Resolves and checks one module with its instances. `overrides` are parameter values that may change its structure.
    /// The module is there only when nothing in it is at fault.
    pub fn elaborate(
        &self,
        module: &str,
        overrides: &[(String, Value)],
        sources: &SourceMap,
    ) -> (Option<hir::Module>, Vec<Diagnostic>) {
        self.elaborate_within(module, overrides, sources, &mut self.options.max_unrolled.clone())
    }

    /// `budget` is what may be unrolled; what is left of it comes back.
    fn elaborate_within(
        &self,
        module: &str,
        overrides: &[(String, Value)],
        sources: &SourceMap,
        budget: &mut usize,
    ) -> (Option<hir::Module>, Vec<Diagnostic>) {
        on_large_stack(|| {
            let mut diags = vec![];
            let options = Options { max_unrolled: *budget, ..self.options.clone() };
            let text = elab::Text { ast: &self.ast, names: &self.names, options: &options, sources };
            let (hir, left) = elab::elaborate(text, module, overrides, &mut diags);
            *budget = left;
            let is_good = !diags.iter().any(Diagnostic::is_error);
            sort(&mut diags, sources);
            (hir.filter(|_| is_good), diags)
        })
    }
}

/// Variables that keep their value from one accepted point to the next: those that are read before they are assigned. Empty
/// where the module cannot be lowered.
pub fn kept(module: &hir::Module) -> Vec<String> {
    let Ok(l) = lower::lower(module) else { return vec![] };
    let program = lower::finish(l);
    program.hidden.iter().filter_map(|h| program.lowered.cells.get(*h as usize)).map(|c| c.name.clone()).collect()
}

/// Reads a file and everything it includes, and elaborates every module with its default parameters. The modules returned
/// are those without errors.
pub fn parse_and_check(
    files: &(dyn Files + Sync),
    path: &Path,
    sources: &mut SourceMap,
    options: &Options,
) -> (Vec<hir::Module>, Vec<Diagnostic>) {
    let text = match files.read(path) {
        Ok(t) => t,
        Err(e) => {
            let d = Diagnostic::error(code::INCLUDE, format!("`{}` cannot be read: {e}", path.display()));
            return (vec![], vec![d]);
        }
    };
    let file = sources.add(path.display().to_string(), unix(text), None);
    let (design, mut diags) = Design::parse(file, path, sources, files, options);
    let mut modules = vec![];
    let names: Vec<String> = design.modules().map(String::from).collect();
    if names.is_empty() && !design.is_broken {
        diags.push(Diagnostic::error(code::NO_MODULE, format!("`{}` has no module", path.display())));
    }
    // All modules together may unroll as much as one: a chain of modules that instantiate each other twice would take
    // exponential time otherwise.
    let mut budget = options.max_unrolled;
    for name in names {
        budget = budget.max(options.max_unrolled / 100);
        let (module, found) = design.elaborate_within(&name, &[], sources, &mut budget);
        // An item that could not be read is missed by all that use it; those echoes are left out.
        diags.extend(found.into_iter().filter(|d| !design.has_gaps || !is_echo(d)));
        modules.extend(module.filter(|_| !design.is_broken));
    }
    sort(&mut diags, sources);
    (modules, diags)
}

/// For a file that uses `electrical` without the header that declares it.
fn standard_disciplines(
    ast: &mut ast::Ast,
    names: &mut text::Names,
    sources: &mut SourceMap,
    options: &Options,
    diags: &mut Vec<Diagnostic>,
) {
    let Some((name, text)) = text::builtin::header("disciplines.vams") else { return };
    let file = sources.add(name, text, None);
    let none = |_: &Path| Err(io::Error::from(io::ErrorKind::NotFound));
    let pre = text::preprocess(file, Path::new(name), names, sources, &none, options, diags);
    parse::parse_more(ast, &pre, names, sources, options, diags);
    let d = Diagnostic::lint(code::DIALECT, "the file includes no disciplines; the standard ones are taken")
        .at(ast.modules[0].name.span, "")
        .help("write `` `include \"disciplines.vams\" `` at the top");
    diags.push(d);
}

/// Without carriage returns, which excerpts would show.
fn unix(text: String) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}

fn is_echo(d: &Diagnostic) -> bool {
    [code::UNKNOWN_NAME, code::UNKNOWN_FUNCTION, code::UNKNOWN_MODULE, code::UNKNOWN_DISCIPLINE].contains(&d.code)
}

/// By place in the text, macro uses at the place of use, and each once.
fn sort(diags: &mut Vec<Diagnostic>, sources: &SourceMap) {
    diags.sort_by_cached_key(|d| {
        let span = d.span().unwrap_or(Span::NOWHERE);
        (sources.root(span).order(), d.severity, d.code.0, span.order())
    });
    diags.dedup();
    // The same fault of one place in a macro's text, for each use of the macro, is said for the first ones only.
    let mut seen: std::collections::HashMap<(String, FileId, u32, u32), usize> = std::collections::HashMap::new();
    diags.retain(|d| {
        let Some(span) = d.span().filter(|s| s.is_in_macro()) else { return true };
        let n = seen.entry((d.message.clone(), sources.real_file(span.file), span.lo, span.hi)).or_default();
        *n += 1;
        *n <= 2
    });
}

fn on_large_stack<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    let mut work = Some(f);
    let mut slot = None;
    std::thread::scope(|scope| {
        let run = || {
            if let Some(f) = work.take() {
                slot = Some(f());
            }
        };
        if let Ok(handle) = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run)
            && let Err(panic) = handle.join()
        {
            std::panic::resume_unwind(panic);
        }
    });
    match (slot, work) {
        (Some(value), _) => value,
        // No thread to be had: the stack at hand has to do.
        (None, Some(f)) => f(),
        (None, None) => unreachable!("work is taken only by the thread that fills the slot"),
    }
}
