//! Texts of modules: `$strobe` and its relatives, `$sformat`, files.

use std::collections::HashMap;

use super::batch::VaBatch;
use crate::base::units::format_si;
use crate::device::Message;
use crate::veriloga::hir::TextKind;
use crate::veriloga::jit::plain::Happened;
use crate::veriloga::lower::{EffectItem, EffectKind, EffectSite, FILE};

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
        let mut text = String::new();
        let mut args = args.iter();
        for item in &site.items {
            match item {
                EffectItem::Text(t) => text.push_str(t),
                EffectItem::InstancePath(rest) => {
                    text.push_str("%m");
                    text.push_str(rest);
                }
                EffectItem::Value { conversion, width, precision, flags, is_text } => {
                    let Some(c) = args.next() else { continue };
                    let v =
                        if *is_text { self.string(instance, *c) } else { number(*c, *conversion, *precision, flags) };
                    pad(&mut text, &v, width.unwrap_or(0) as usize, flags);
                }
            }
        }
        text
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

fn pad(out: &mut String, v: &str, width: usize, flags: &str) {
    let fill = width.saturating_sub(v.chars().count());
    if flags.contains('-') {
        out.push_str(v);
        out.extend(std::iter::repeat_n(' ', fill));
    } else if flags.contains('0') && !v.starts_with(['-', '+']) {
        out.extend(std::iter::repeat_n('0', fill));
        out.push_str(v);
    } else {
        out.extend(std::iter::repeat_n(' ', fill));
        out.push_str(v);
    }
}

/// A number by its C conversion.
fn number(x: f64, conversion: char, precision: Option<u32>, flags: &str) -> String {
    let i = x as i64;
    let p = precision.unwrap_or(6) as usize;
    let s = match conversion {
        'd' | 'i' => i.to_string(),
        'h' | 'x' => format!("{:x}", i as i32),
        'o' => format!("{:o}", i as i32),
        'b' => format!("{:b}", i as i32),
        'c' => char::from_u32(i as u32).map_or(String::new(), String::from),
        'f' => format!("{x:.p$}"),
        'e' => exponent(x, p),
        'r' => format_si(x, ""),
        _ => general(x, p.max(1)),
    };
    if flags.contains('+') && x >= 0.0 { format!("+{s}") } else { s }
}

/// `%e`: at least two digits of exponent.
fn exponent(x: f64, p: usize) -> String {
    let s = format!("{x:.p$e}");
    match s.split_once('e') {
        Some((m, e)) => {
            let (sign, digits) = e.strip_prefix('-').map_or(('+', e), |d| ('-', d));
            format!("{m}e{sign}{digits:0>2}")
        }
        None => s,
    }
}

/// `%g`: `p` significant digits, no zeros at the end.
fn general(x: f64, p: usize) -> String {
    if x == 0.0 || !x.is_finite() {
        return if x == 0.0 { "0".into() } else { x.to_string() };
    }
    let e = exponent(x, p - 1);
    let power: i32 = e.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let trim = |s: &str| {
        if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.').to_string() } else { s.to_string() }
    };
    if power < -4 || power >= p as i32 {
        match e.split_once('e') {
            Some((m, rest)) => format!("{}e{rest}", trim(m)),
            None => e,
        }
    } else {
        let digits = (p as i32 - 1 - power).max(0) as usize;
        trim(&format!("{x:.digits$}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_as_c_prints_them() {
        let r = |x: f64| x;
        assert_eq!(number(r(1234.5), 'e', Some(3), ""), "1.234e+03");
        assert_eq!(number(r(1e-12), 'g', None, ""), "1e-12");
        assert_eq!(number(r(0.25), 'g', None, ""), "0.25");
        assert_eq!(number(r(123456789.0), 'g', None, ""), "1.23457e+08");
        assert_eq!(number(r(2.0), 'f', Some(2), "+"), "+2.00");
        assert_eq!(number(-7.0, 'd', None, ""), "-7");
        assert_eq!(number(10.0, 'b', None, ""), "1010");
    }
}
