//! Texts of modules: `$strobe` and its relatives, `$sformat`, files.

use std::collections::HashMap;

use super::batch::VaBatch;
use crate::device::Message;
use crate::veriloga::format::render;
use crate::veriloga::hir::TextKind;
use crate::veriloga::jit::plain::Happened;
use crate::veriloga::lower::{EffectKind, EffectSite, FILE};

/// What instances have said since it was last taken, and what they have open.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    messages: Vec<Message>,
    /// Lines begun by `$write`, by instance.
    begun: HashMap<u32, String>,
    /// Names of files, by instance and descriptor.
    open: HashMap<(u32, i32), String>,
    /// Results of `$sformat`, by instance and number.
    made: HashMap<(u32, u32), String>,
    /// What `$monitor` said last, by instance and site.
    last: HashMap<(u32, u32), String>,
}

/// Text longer than this in one line is let go where it is.
const LONGEST: usize = 1 << 20;

impl Texts {
    pub fn take(&mut self, out: &mut Vec<Message>) {
        out.append(&mut self.messages);
    }

    /// Something that is said once.
    pub fn note(&mut self, text: String) {
        if self.last.insert((u32::MAX, 0), text.clone()).is_none_or(|t| t != text) {
            self.messages.push(Message { instance: 0, text, file: None, is_new_file: false });
        }
    }

    /// For the user: whole lines.
    fn console(&mut self, instance: u32, mut text: String, ends_line: bool) {
        if let Some(begun) = self.begun.remove(&instance) {
            text.insert_str(0, &begun);
        }
        if !ends_line {
            let (lines, rest) = match text.rsplit_once('\n') {
                Some((l, r)) => (Some(l.to_string()), r.to_string()),
                None => (None, text),
            };
            if !rest.is_empty() && rest.len() < LONGEST {
                self.begun.insert(instance, rest);
            }
            let Some(l) = lines else { return };
            text = l;
        }
        self.messages.push(Message { instance, text, file: None, is_new_file: false });
    }

    fn file(&mut self, instance: u32, descriptor: i32, text: &str) {
        if let Some(name) = self.open.get(&(instance, descriptor)) {
            let m = Message { instance, text: text.into(), file: Some(name.clone()), is_new_file: false };
            self.messages.push(m);
        }
    }

    /// To wherever a descriptor points.
    fn to(&mut self, instance: u32, descriptor: i32, text: String, ends_line: bool) {
        let bits = descriptor as u32;
        let ended = if ends_line { format!("{text}\n") } else { text.clone() };
        if bits & FILE != 0 {
            // 0 to 2 are the terminal.
            match bits & !FILE {
                0..=2 => self.console(instance, text, ends_line),
                _ => self.file(instance, descriptor, &ended),
            }
            return;
        }
        if bits & 1 != 0 {
            self.console(instance, text, ends_line);
        }
        for k in 1..31 {
            if bits >> k & 1 != 0 {
                self.file(instance, 1 << k, &ended);
            }
        }
    }

    fn close(&mut self, instance: u32, descriptor: i32) {
        let bits = descriptor as u32;
        if bits & FILE != 0 {
            self.open.remove(&(instance, descriptor));
        } else {
            (1..31).filter(|k| bits >> k & 1 != 0).for_each(|k| {
                self.open.remove(&(instance, 1 << k));
            });
        }
    }
}

impl VaBatch {
    /// An effect of an accepted point; true if the run is to end.
    pub(super) fn say(&mut self, h: &Happened, args: &[f64]) -> bool {
        let dev = self.dev.clone();
        let Some(site) = dev.program.lowered.effects.get(h.site as usize) else { return false };
        let i = h.instance;
        let first = args.first().map_or(0, |d| *d as i32);
        match site.kind {
            EffectKind::Finish | EffectKind::Stop => return true,
            EffectKind::Format(n) => {
                let text = self.text(site, i, args);
                self.texts.made.insert((i, n), text);
            }
            EffectKind::Open { descriptor, appends } => {
                let name = self.string(i, args.first().copied().unwrap_or(0.0));
                let m = Message { instance: i, text: String::new(), file: Some(name.clone()), is_new_file: !appends };
                self.texts.messages.push(m);
                self.texts.open.insert((i, descriptor), name);
            }
            EffectKind::Close => self.texts.close(i, first),
            EffectKind::FileText(kind) => {
                let text = self.text(site, i, args.get(1..).unwrap_or(&[]));
                if self.is_news(kind, h, &text) {
                    self.texts.to(i, first, text, kind != TextKind::Write);
                }
            }
            EffectKind::Text(kind) => {
                let prefix = match kind {
                    TextKind::Warning => "warning: ",
                    TextKind::Error => "error: ",
                    TextKind::Fatal => "fatal: ",
                    _ => "",
                };
                let text = self.text(site, i, args);
                if self.is_news(kind, h, &text) {
                    self.texts.console(i, format!("{prefix}{text}"), kind != TextKind::Write);
                }
                return kind == TextKind::Fatal;
            }
        }
        false
    }

    /// `$monitor` speaks when something has changed.
    fn is_news(&mut self, kind: TextKind, h: &Happened, text: &str) -> bool {
        kind != TextKind::Monitor || {
            let before = self.texts.last.insert((h.instance, h.site), text.to_string());
            before.is_none_or(|b| b != text)
        }
    }

    fn text(&self, site: &EffectSite, instance: u32, args: &[f64]) -> String {
        render(&site.items, args, &|c| self.string(instance, c))
    }

    /// A text by its number.
    fn string(&self, instance: u32, number: f64) -> String {
        let k = number as i64;
        if k < 0 {
            return self.texts.made.get(&(instance, (-1 - k) as u32)).cloned().unwrap_or_default();
        }
        let own = &self.dev.program.lowered.strings;
        match own.get(k as usize) {
            Some(s) => s.clone(),
            None => self.class(instance as usize).texts.get(k as usize - own.len()).cloned().unwrap_or_default(),
        }
    }
}
