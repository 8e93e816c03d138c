//! The modules of a run: files read once, modules compiled at their first use.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::bind::{BackEnd, VaDevice, VaType};
use super::hir::Ty;
use super::jit::make_ready;
use super::{Design, Files, Options, Value};
use crate::device::{DeviceType, Value as CardValue};
use crate::diag::codes::va_device as codes;
use crate::diag::{Diagnostic, FileId, SourceMap};

/// A compiled module with what is to be said about it, or its faults.
type Compiled = Result<(Arc<dyn DeviceType>, Vec<Diagnostic>), Vec<Diagnostic>>;

/// Structural parameters of a module, that is those which a netlist cannot change without compiling the module again:
/// they decide sizes, instances, unrolled loops and names of tables.
#[derive(Clone, Debug, Default)]
struct Structure {
    /// As the module writes them.
    params: Vec<(String, Ty)>,
    /// Why no paramset is chosen while nothing is given.
    unsettled: Option<Diagnostic>,
}

/// Values of structural parameters that a netlist gives.
pub type Given = Vec<(String, Value)>;

/// Designs and what was compiled of them.
#[derive(Default)]
pub struct Library<'f> {
    designs: Vec<(PathBuf, Design)>,
    files: Option<Box<dyn Files + Send + Sync + 'f>>,
    include_dirs: Vec<PathBuf>,
    pub back_end: BackEnd,
    compiled: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// By design, module and given values as text.
    devices: HashMap<(usize, String, String), Compiled>,
    structures: HashMap<(usize, String), Structure>,
}

impl<'f> Library<'f> {
    /// With a way to files: those that modules include, and tables.
    pub fn new(files: impl Files + Send + Sync + 'f, back_end: BackEnd) -> Library<'f> {
        Library { files: Some(Box::new(files)), back_end, ..Library::default() }
    }

    /// Adds a file that is already in the source map. Returns its faults.
    pub fn load(&mut self, file: FileId, path: &Path, sources: &mut SourceMap, options: &Options) -> Vec<Diagnostic> {
        if self.back_end == BackEnd::Native {
            make_ready();
        }
        let read = |p: &Path| self.read(p);
        let (design, mut diags) = Design::parse(file, path, sources, &read, options);
        for name in design.modules() {
            if self.has(name) {
                diags.push(
                    Diagnostic::warning(codes::MODULE_TWICE, format!("module `{name}` is defined in two files"))
                        .note(format!("the one in `{}` is not used", path.display())),
                );
            }
        }
        self.include_dirs.clone_from(&options.include_dirs);
        self.designs.push((path.to_path_buf(), design));
        diags
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        match &self.files {
            Some(f) => f.read(path),
            None => Err(io::Error::from(io::ErrorKind::NotFound)),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.designs.is_empty()
    }

    /// Names of all modules.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.designs.iter().flat_map(|d| d.1.modules())
    }

    fn find(&self, name: &str) -> Option<(usize, &str)> {
        let exact = |(k, d): (usize, &'_ (PathBuf, Design))| d.1.modules().any(|m| m == name).then_some(k);
        if let Some(k) = self.designs.iter().enumerate().find_map(exact) {
            return self.designs[k].1.modules().find(|m| *m == name).map(|m| (k, m));
        }
        self.designs
            .iter()
            .enumerate()
            .find_map(|(k, d)| d.1.modules().find(|m| m.eq_ignore_ascii_case(name)).map(|m| (k, m)))
    }

    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The device type of a module, by name as a netlist writes it; `None`: no such module.
    pub fn device(&self, name: &str, sources: &SourceMap) -> Option<Compiled> {
        self.device_with(name, &[], sources)
    }

    /// The structural ones among the parameters that a netlist gives to an instance of a module; `given` finds a value by
    /// the parameter's name in lower case.
    pub fn structural(&self, name: &str, given: &dyn Fn(&str) -> Option<CardValue>) -> Given {
        let Some((k, module)) = self.find(name) else { return vec![] };
        let known = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(structure) = known.structures.get(&(k, module.to_string())) else { return vec![] };
        let value = |(name, ty): &(String, Ty)| {
            let value = match (given(&name.to_lowercase())?, ty) {
                (CardValue::Num(x), Ty::Int | Ty::Bool) => Value::Int(super::math::to_int(x)),
                (CardValue::Num(x), _) => Value::Real(x),
                (CardValue::Text(t), _) => Value::Str(t.to_string()),
                _ => return None,
            };
            Some((name.clone(), value))
        };
        structure.params.iter().filter_map(value).collect()
    }

    /// Why a module that paramsets make is none as long as nothing is given to it.
    pub fn unsettled(&self, name: &str) -> Option<Diagnostic> {
        let (k, module) = self.find(name)?;
        let known = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        known.structures.get(&(k, module.to_string()))?.unsettled.clone()
    }

    /// The device type of a module whose structural parameters have these values.
    pub fn device_with(&self, name: &str, given: &[(String, Value)], sources: &SourceMap) -> Option<Compiled> {
        let (k, module) = self.find(name)?;
        let key = (k, module.to_string(), format!("{given:?}"));
        let mut known = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(c) = known.devices.get(&key) {
            return Some(c.clone());
        }
        let (c, structure) = self.compile(k, module, given, sources);
        if let Some(s) = structure {
            known.structures.entry((k, module.to_string())).or_default().add(s);
        }
        known.devices.insert(key, c.clone());
        Some(c)
    }

    fn compile(
        &self,
        k: usize,
        module: &str,
        given: &[(String, Value)],
        sources: &SourceMap,
    ) -> (Compiled, Option<Structure>) {
        let (path, design) = &self.designs[k];
        let (hir, mut diags) = design.elaborate(module, given, sources);
        let Some(hir) = hir else { return (Err(diags), None) };
        let params = hir.structural.iter().map(|p| (hir.params[*p].name.clone(), hir.params[*p].ty)).collect();
        let read = texts_of(path, &self.include_dirs, |p| self.read(p));
        let compiled = match VaDevice::compile_with(&hir, self.back_end, &read) {
            Ok((d, notes)) => {
                diags.extend(notes);
                Ok((Arc::new(VaType(Arc::new(d))) as Arc<dyn DeviceType>, diags))
            }
            Err(more) => {
                diags.extend(more);
                Err(diags)
            }
        };
        (compiled, Some(Structure { params, unsettled: hir.unsettled.clone() }))
    }
}

/// Finds files that a module names: beside `source`, its own, or where included files are looked for.
pub fn texts_of<'a>(
    source: &'a Path,
    include_dirs: &'a [PathBuf],
    read: impl Fn(&Path) -> io::Result<String> + 'a,
) -> impl Fn(&str) -> Result<String, String> + 'a {
    move |name| {
        let beside = source.parent().unwrap_or(Path::new(""));
        let mut first = None;
        for dir in std::iter::once(beside).chain(include_dirs.iter().map(PathBuf::as_path)) {
            match read(&dir.join(name)) {
                Ok(text) => return Ok(text),
                Err(e) => first = first.or(Some(e)),
            }
        }
        Err(first.map_or_else(String::new, |e| format!("the file cannot be read ({e})")))
    }
}

impl Structure {
    /// With other values other parameters may turn out to matter.
    fn add(&mut self, more: Structure) {
        for p in more.params {
            if !self.params.contains(&p) {
                self.params.push(p);
            }
        }
    }
}
