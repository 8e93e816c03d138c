//! The modules of a run: files read once, modules compiled at their first use.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::bind::{BackEnd, VaDevice, VaType};
use super::{Design, Files, Options};
use crate::device::DeviceType;
use crate::diag::codes::va_device as codes;
use crate::diag::{Diagnostic, FileId, SourceMap};

/// A compiled module with what is to be said about it, or its faults.
type Compiled = Result<(Arc<dyn DeviceType>, Vec<Diagnostic>), Vec<Diagnostic>>;

/// Designs and what was compiled of them.
#[derive(Default)]
pub struct Library {
    designs: Vec<Design>,
    pub back_end: BackEnd,
    compiled: Mutex<HashMap<(usize, String), Compiled>>,
}

impl Library {
    /// Adds a file that is already in the source map. Returns its faults.
    pub fn load(
        &mut self,
        file: FileId,
        path: &Path,
        sources: &mut SourceMap,
        files: &(dyn Files + Sync),
        options: &Options,
    ) -> Vec<Diagnostic> {
        let (design, mut diags) = Design::parse(file, path, sources, files, options);
        for name in design.modules() {
            if self.has(name) {
                diags.push(
                    Diagnostic::warning(codes::MODULE_TWICE, format!("module `{name}` is defined in two files"))
                        .note(format!("the one in `{}` is not used", path.display())),
                );
            }
        }
        self.designs.push(design);
        diags
    }

    pub fn is_empty(&self) -> bool {
        self.designs.is_empty()
    }

    /// Names of all modules.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.designs.iter().flat_map(Design::modules)
    }

    fn find(&self, name: &str) -> Option<(usize, &str)> {
        let exact = |(k, d): (usize, &'_ Design)| d.modules().any(|m| m == name).then_some(k);
        if let Some(k) = self.designs.iter().enumerate().find_map(exact) {
            return self.designs[k].modules().find(|m| *m == name).map(|m| (k, m));
        }
        self.designs
            .iter()
            .enumerate()
            .find_map(|(k, d)| d.modules().find(|m| m.eq_ignore_ascii_case(name)).map(|m| (k, m)))
    }

    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The device type of a module, by name as a netlist writes it; `None`: no such module.
    pub fn device(&self, name: &str, sources: &SourceMap) -> Option<Compiled> {
        let (k, module) = self.find(name)?;
        let key = (k, module.to_string());
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(c) = compiled.get(&key) {
            return Some(c.clone());
        }
        let c = self.compile(k, module, sources);
        compiled.insert(key, c.clone());
        Some(c)
    }

    fn compile(&self, k: usize, module: &str, sources: &SourceMap) -> Compiled {
        let (hir, mut diags) = self.designs[k].elaborate(module, &[], sources);
        let Some(hir) = hir else { return Err(diags) };
        match VaDevice::compile(&hir, self.back_end) {
            Ok(d) => Ok((Arc::new(VaType(Arc::new(d))), diags)),
            Err(more) => {
                diags.extend(more);
                Err(diags)
            }
        }
    }
}
