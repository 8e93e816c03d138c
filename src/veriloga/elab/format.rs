//! Format strings of `$strobe` and its kin.

use super::super::ast::{Ex, ExprKind};
use super::super::hir::{self, ExprId, FormatItem, Ty};
use super::Elab;
use crate::diag::Span;
use crate::diag::codes::veriloga as code;

impl<'a> Elab<'a> {
    /// Takes a list of arguments apart: each string literal is a format for what follows it; other values stand alone.
    pub(super) fn format(&mut self, args: &[Ex]) -> Option<Vec<FormatItem>> {
        let ast: &'a super::Ast = self.ast;
        let mut items = vec![];
        let mut is_good = true;
        let mut k = 0;
        while let Some(a) = args.get(k) {
            k += 1;
            match &ast.expr(*a).kind {
                ExprKind::Empty => items.push(FormatItem::Text(" ".into())),
                ExprKind::Missing => return None,
                ExprKind::Str(n) => {
                    let text = self.text(*n);
                    let span = self.ex_span(*a);
                    let used = self.format_string(text, span, &args[k..], &mut items);
                    match used {
                        Some(n) => k += n,
                        None => {
                            is_good = false;
                            // What is left cannot be matched with formats any more.
                            break;
                        }
                    }
                }
                _ => match self.expr(*a) {
                    Some(x) => items.push(plain(self.ty(x), x)),
                    None => is_good = false,
                },
            }
        }
        if is_good {
            for i in &mut items {
                if let FormatItem::Int { value, .. } = i
                    && self.ty(*value) == Ty::Bool
                {
                    *value = self.cast(*value, Ty::Int)?;
                }
            }
        }
        is_good.then_some(items)
    }

    /// Returns how many arguments the format takes.
    fn format_string(&mut self, text: &str, span: Span, args: &[Ex], items: &mut Vec<FormatItem>) -> Option<usize> {
        let mut plain_text = String::new();
        let mut used = 0;
        let mut chars = text.chars().peekable();
        let mut is_good = true;
        while let Some(c) = chars.next() {
            if c != '%' {
                plain_text.push(c);
                continue;
            }
            let mut flags = String::new();
            while let Some(f) = chars.next_if(|c| matches!(c, '-' | '+' | ' ' | '#' | '0')) {
                flags.push(f);
            }
            let mut number = || {
                let mut n = None;
                while let Some(d) = chars.next_if(char::is_ascii_digit) {
                    n = Some(n.unwrap_or(0u32).saturating_mul(10).saturating_add(d as u32 - 48).min(1000));
                }
                n
            };
            let width = number();
            let precision = if chars.next_if_eq(&'.').is_some() {
                let mut n = 0u32;
                while let Some(d) = chars.next_if(char::is_ascii_digit) {
                    n = n.saturating_mul(10).saturating_add(d as u32 - 48).min(1000);
                }
                Some(n)
            } else {
                None
            };
            // `%ld`, `%lf` of C.
            while chars.next_if(|c| matches!(c, 'l')).is_some()
                && !chars.peek().is_some_and(|c| c.is_ascii_alphabetic())
            {}
            let conversion = chars.next();
            let lower = conversion.map(|c| c.to_ascii_lowercase());
            match lower {
                Some('%') => {
                    plain_text.push('%');
                    continue;
                }
                Some('m') => {
                    items.push(FormatItem::Text(std::mem::take(&mut plain_text)));
                    let path = self.frame.prefix.trim_end_matches('.').to_string();
                    items.push(FormatItem::InstancePath(path));
                    continue;
                }
                Some('l') => {
                    items.push(FormatItem::Text(std::mem::take(&mut plain_text)));
                    items.push(FormatItem::LibraryName);
                    continue;
                }
                Some('d' | 'i' | 'u' | 'b' | 'o' | 'h' | 'x' | 'c' | 'e' | 'f' | 'g' | 'r' | 's' | 't') => {}
                other => {
                    let what = other.map_or(String::from("nothing"), |c| format!("`{}`", c.escape_default()));
                    self.error_help(
                        code::FORMAT,
                        span,
                        format!("`%` is followed by {what}"),
                        "%d %b %o %h %c take integers, %e %f %g %r reals, %s strings; `%%` writes a percent sign",
                    );
                    return None;
                }
            }
            items.push(FormatItem::Text(std::mem::take(&mut plain_text)));
            let Some(a) = args.get(used) else {
                self.error(
                    code::FORMAT,
                    span,
                    format!("the format takes more arguments than the {} given", args.len()),
                );
                return None;
            };
            used += 1;
            let Some(x) = self.expr(*a) else {
                is_good = false;
                continue;
            };
            let (ty, at) = (self.ty(x), self.ex_span(*a));
            let conversion = conversion.unwrap_or('g');
            match lower {
                Some('s') if ty == Ty::Str => items.push(FormatItem::Str { value: x, width, flags }),
                // A number written as text, as several tools do it.
                Some('s') => items.push(plain(ty, x)),
                _ if ty == Ty::Str => {
                    self.error(code::FORMAT, at, format!("`%{conversion}` writes a number, and this is a string"));
                    is_good = false;
                }
                Some('e' | 'f' | 'g' | 'r' | 't') => {
                    let value = self.cast(x, Ty::Real)?;
                    let conversion = if lower == Some('t') { 'g' } else { conversion };
                    items.push(FormatItem::Real { value, conversion, width, precision, flags });
                }
                _ => {
                    let value = self.cast(x, Ty::Int)?;
                    let conversion = match lower {
                        Some('i' | 'u') => 'd',
                        Some('x') => 'h',
                        _ => conversion.to_ascii_lowercase(),
                    };
                    items.push(FormatItem::Int { value, conversion, width, flags });
                }
            }
        }
        if !plain_text.is_empty() {
            items.push(FormatItem::Text(plain_text));
        }
        items.retain(|i| !matches!(i, FormatItem::Text(t) if t.is_empty()));
        is_good.then_some(used)
    }
}

fn plain(ty: Ty, value: ExprId) -> FormatItem {
    match ty {
        Ty::Str => FormatItem::Str { value, width: None, flags: String::new() },
        Ty::Real => FormatItem::Real { value, conversion: 'g', width: None, precision: None, flags: String::new() },
        Ty::Int | Ty::Bool => FormatItem::Int { value, conversion: 'd', width: None, flags: String::new() },
    }
}

/// Kept next to its users: the kinds of text tasks by name.
pub(super) fn text_kind(name: &str) -> Option<hir::TextKind> {
    use hir::TextKind as T;
    Some(match name {
        "strobe" => T::Strobe,
        "display" => T::Display,
        "write" => T::Write,
        "monitor" => T::Monitor,
        "debug" => T::Debug,
        "info" => T::Info,
        "warning" => T::Warning,
        "error" => T::Error,
        "fatal" => T::Fatal,
        _ => return None,
    })
}
