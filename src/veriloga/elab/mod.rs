use super::{ast::Ast, hir, text::Names, Options};
use crate::diag::{Diagnostic, SourceMap};
#[derive(Clone, Debug, PartialEq)]
pub enum Value { Real(f64), Int(i32), Str(String) }
pub fn elaborate(_: &Ast, _: &Names, _: &Options, _: &str, _: &[(String, Value)], _: &SourceMap, _: &mut Vec<Diagnostic>) -> Option<hir::Module> { None }
