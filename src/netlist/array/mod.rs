//! `.array`: cells at the crossings of lines, with the lines' wires; and ranges of elements at their ends.
//!
//! ```spice
//! .array XB rows=128 cols=64 cell=rram pins="wl bl" rwl=1 rbl=1 cwl=0.1f map="s0:init.csv" dead="3,4 5,6"
//! v[0:127] xb.wl[0:127] 0 0.2
//! r[0:63] xb.bl[0:63] 0 50
//! .save v(xb.bl[0:63])
//! ```
//! An array is read as a subcircuit of plain elements and a call of it, so that every analysis and every cell work with it.
//! The nodes of its lines are `XB.wl[i]` (near end), `XB.wl[i][j]` (at the cell, if the wire has a resistance) and
//! `XB.wl_far[i]` (far end, where asked for); cells are `XB.x_i_j`. Word and gate lines run along a row, i counting rows, and
//! begin at column 0; bit lines run along a column and begin at the last row, where currents are read; so do source lines,
//! unless `sl=row`.

mod card;
mod data;
mod ranges;

use std::fmt::Write;

use super::lines::Line;
use super::parser::{Parser, Part};
use crate::diag::codes::netlist as codes;
use crate::diag::source::GENERATED;
use crate::diag::{Diagnostic, Span};
use card::{Array, Plane};

pub(super) use ranges::{has_range, spread, vectors};

impl Parser<'_> {
    /// `.array NAME rows=.. cols=.. cell=..`
    pub(super) fn array(&mut self, line: &Line<'_>, from: usize) {
        let span = line.whole();
        let mut faults = vec![];
        let spec = card::read(line, from, &mut faults);
        let data = spec.map(|s| {
            let bytes = |name: &str| self.data_file(name, span);
            data::gather(s, &bytes, span, &mut faults)
        });
        match data {
            Some(a) if faults.is_empty() => {
                let text = expansion(&a);
                self.generated(&a.name, text, span);
                self.deck.arrays.push(a.outline(span));
            }
            _ => self.diags.extend(faults),
        }
    }

    /// A file beside the deck or in the folders that are searched.
    fn data_file(&self, name: &str, at: Span) -> Result<Vec<u8>, String> {
        let folders = std::iter::once(self.folder(at.file)).chain(self.opts.include_dirs.iter().cloned());
        let mut first = None;
        for f in folders {
            match self.files.read_bytes(&f.join(name)) {
                Ok(t) => return Ok(t),
                Err(e) => first = first.or(Some(e)),
            }
        }
        Err(first.map_or_else(String::new, |e| e.to_string()))
    }

    /// Lines that a card or an element stands for.
    pub(super) fn generated(&mut self, name: &str, text: String, span: Span) {
        let file = self.sources.add(format!("{GENERATED}{name}>"), text, Some(span));
        let folder = self.folder(span.file);
        self.paths.push((file, folder.join("generated")));
        self.read(file, Part::Whole);
    }

    /// Elements with a range in their name: one for each number.
    pub(super) fn vector(&mut self, line: &Line<'_>) {
        match vectors(line.text) {
            Ok(text) => {
                let word = line.text.split_whitespace().next().unwrap_or("");
                self.generated(word, text, line.whole());
            }
            Err(why) => self.diags.push(
                Diagnostic::error(codes::ARRAY, why)
                    .at(line.whole(), "in these elements")
                    .help("all ranges of a line count the same number of elements: `r[0:3] xb.bl[0:3] 0 50`"),
            ),
        }
    }
}

/// The subcircuit and its call.
fn expansion(a: &Array) -> String {
    let mut s = format!(".subckt {}#array\n", a.name);
    for p in &a.planes {
        wires(&mut s, a, p);
    }
    for layer in 0..a.layers {
        for i in 0..a.rows {
            for j in 0..a.cols {
                cell(&mut s, a, layer, i, j);
            }
        }
    }
    let _ = writeln!(s, ".ends\n{0} {0}#array", a.name);
    s
}

/// Segments and capacitances of a plane's lines.
fn wires(s: &mut String, a: &Array, p: &Plane) {
    let Some(r) = &p.r else {
        if let Some(c) = &p.c {
            for line in 0..p.lines(a) {
                let _ = writeln!(s, "c_{0}_{line} {0}[{line}] 0 '{1}*({c})'", p.name, p.cells(a));
            }
        }
        return;
    };
    for line in 0..p.lines(a) {
        let mut last = format!("{}[{line}]", p.name);
        for k in 0..p.cells(a) {
            let at = p.position(a, k);
            let node = format!("{}[{line}][{at}]", p.name);
            if !a.is_open(&p.name, line, at) {
                let _ = writeln!(s, "r_{}_{line}_{at} {last} {node} {r}", p.name);
            }
            if let Some(c) = &p.c {
                let _ = writeln!(s, "c_{}_{line}_{at} {node} 0 {c}", p.name);
            }
            last = node;
        }
        if p.has_far {
            let _ = writeln!(s, "r_{0}_{line}_far {last} {0}_far[{line}] {r}", p.name);
        }
    }
}

fn cell(s: &mut String, a: &Array, layer: usize, i: usize, j: usize) {
    if a.dead.contains(&(layer, i, j)) {
        return;
    }
    let name = if a.layers > 1 { format!("{layer}_{i}_{j}") } else { format!("{i}_{j}") };
    let stuck = a.stuck.iter().find(|x| x.0 == (layer, i, j));
    let is_resistor = a.cell.eq_ignore_ascii_case("r");
    let letter = if stuck.is_some() || is_resistor { 'r' } else { 'x' };
    let _ = write!(s, "{letter}_{name}");
    let pins: &[String] = &a.pins;
    // A cell that is stuck is a resistance: between bit and source line where it has both, so that word lines are gates, else
    // between its first two pins.
    let is_channel = |pin: &String| matches!(pin.as_str(), "bl" | "sl");
    let has_channel = pins.iter().filter(|p| is_channel(p)).count() == 2;
    let carries = |pin: &&String| stuck.is_none() || !has_channel || is_channel(pin);
    for pin in pins.iter().filter(carries).take(if stuck.is_some() { 2 } else { usize::MAX }) {
        match a.planes.iter().find(|p| p.serves(pin, layer)) {
            Some(p) => {
                let (line, at) = if p.along_row { (i, j) } else { (j, i) };
                let _ = match p.r {
                    Some(_) => write!(s, " {}[{line}][{at}]", p.name),
                    None => write!(s, " {}[{line}]", p.name),
                };
            }
            None => {
                let _ = write!(s, " {pin}");
            }
        }
    }
    if let Some((_, r)) = stuck {
        let _ = writeln!(s, " {r}");
        return;
    }
    if !is_resistor {
        let _ = write!(s, " {}", a.cell);
    }
    for (key, value) in &a.params {
        let _ = write!(s, " {key}={value}");
    }
    for m in &a.maps {
        let _ = write!(s, " {}={:e}", m.param, m.values[(layer * a.rows + i) * a.cols + j]);
    }
    s.push('\n');
}

#[cfg(test)]
mod tests {
    use crate::base::Control;
    use crate::dataset::PlotKind;
    use crate::session::{Memory, RunOptions, run_text};

    fn op(deck: &str, files: &[(&str, &str)], signals: &[&str]) -> Vec<f64> {
        let world = Memory::new(files.iter().copied());
        let out = run_text("d.cir", deck, &RunOptions::default(), &world, &Control::new(None));
        let faults: Vec<String> = out.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.message.clone()).collect();
        assert!(faults.is_empty(), "{faults:?}");
        let t = out.tables().find(|t| t.schema.kind == PlotKind::Op).expect("a table");
        signals.iter().map(|s| *t.column(s).unwrap_or_else(|| panic!("no {s}")).re().last().unwrap()).collect()
    }

    fn faults(deck: &str, files: &[(&str, &str)]) -> Vec<String> {
        let world = Memory::new(files.iter().copied());
        let out = run_text("d.cir", deck, &RunOptions::default(), &world, &Control::new(None));
        out.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.message.clone()).collect()
    }

    /// Without wires every column current is the sum of its cells'.
    #[test]
    fn ideal_lines_sum_currents() {
        let deck = "t\n.array xb rows=3 cols=2 cell=r map=\"r:r.csv\"\nv[0:2] xb.wl[0:2] 0 1\nvs[0:1] xb.bl[0:1] 0 0\n.op\n.end\n";
        let i = op(deck, &[("r.csv", "1k,2k\n2k,4k\n4k,8k\n")], &["i(vs[0])", "i(vs[1])"]);
        assert!((i[0] - 1.75e-3).abs() < 1e-12 && (i[1] - 0.875e-3).abs() < 1e-12, "{i:?}");
    }

    /// One cell: two segments and the cell in series. The bit line begins at the last row.
    #[test]
    fn wires_are_in_series() {
        let deck = "t\n.array xb rows=2 cols=2 cell=r r=1k rwl=10 rbl=100 dead=\"0,0 1,0 1,1\"\nv1 xb.wl[0] 0 1\nv2 xb.bl[1] 0 0\n\
                    r1 xb.wl[1] 0 1\nr2 xb.bl[0] 0 1\n.op\n.end\n";
        let i = op(deck, &[], &["i(v2)", "v(xb.wl[0][1])"]);
        assert!((i[0] - 1.0 / 1220.0).abs() < 1e-12 && (i[1] - 1200.0 / 1220.0).abs() < 1e-9, "{i:?}");
    }

    #[test]
    fn far_ends_layers_and_faults() {
        let deck = "t\n.array xb rows=1 cols=1 cell=r r=1k rwl=10 far=wl stuck=\"0,0,2k\"\nv1 xb.wl_far[0] 0 1\nv2 xb.bl[0] 0 0\n\
                    r1 xb.wl[0] 0 1g\n.op\n.end\n";
        let i = op(deck, &[], &["i(v2)"]);
        assert!((i[0] - 1.0 / 2010.0).abs() < 1e-9, "{i:?}");
        let deck = "t\n.array xb rows=1 cols=1 layers=2 cell=r r=1k\nv1 xb.wl0[0] 0 1\nv2 xb.bl1[0] 0 0\nv3 xb.wl2[0] 0 2\n.op\n.end\n";
        let i = op(deck, &[], &["i(v2)"]);
        assert!((i[0] - 3e-3).abs() < 1e-12, "{i:?}");
    }

    /// The resistance of a stuck cell of transistors lies in the channel's place, whatever the order of the pins.
    #[test]
    fn gates_are_left_out_of_stuck_cells() {
        let deck = "t\n.array xb rows=1 cols=1 cell=sw pins=\"bl wl sl\" stuck=\"0,0,2k\"\n.subckt sw d g s\nr1 d s 1\nr2 g 0 1g\n.ends\n\
                    v1 xb.bl[0] 0 1\nv2 xb.sl[0] 0 0\nr1 xb.bl[0] xb.sl[0] 1k\n.op\n.end\n";
        let i = op(deck, &[], &["i(v2)"]);
        assert!((i[0] - 1.5e-3).abs() < 1e-9, "{i:?}");
    }

    #[test]
    fn what_is_wrong_is_said_with_the_cell() {
        let head = "t\n.array xb rows=2 cols=2 cell=r";
        let bad = |rest: &str, csv: &str| {
            faults(&format!("{head} {rest}\nr1 xb.wl[0] 0 1\n.op\n.end\n"), &[("r.csv", csv)]).join("; ")
        };
        assert!(bad("map=\"r:r.csv\"", "1,2\n3,nan\n").contains("row 1, column 1"));
        assert!(bad("map=\"r:r.csv\"", "1,2\n3\n").contains("row 1"));
        assert!(bad("map=\"r:r.csv\"", "1,2\n").contains("2 rows"));
        assert!(bad("map=\"r:q.csv\"", "").contains("q.csv"));
        assert!(bad("dead=\"2,0\"", "").contains("2,0"));
        assert!(bad("map=\"r:r.csv\"", "1,2\n-3,4\n").contains("row 1, column 0"));
        assert!(bad("dead=\"1,0\" stuck=\"1,0,5\"", "").contains("1,0"));
        assert!(bad("far=wl", "").contains("wire"));
        assert!(faults("t\n.array yb rows=2 cols=2 cell=r\n.op\n", &[]).join("").contains("X"));
        assert!(faults("t\n.array xb rows=0 cols=2 cell=r\n.op\n", &[]).join("").contains("rows"));
        assert!(faults("t\n.array xb cols=2\n.op\n", &[]).join("").contains("rows"));
        assert!(faults("t\nr[0:2] a[0:3] 0 1\n.op\n", &[]).join("").contains("3 and 4"));
    }
}
