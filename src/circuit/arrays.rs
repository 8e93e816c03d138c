//! Nodes of arrays: names that mean no line are faults, and the others lie somewhere in the plane of the cells, which the
//! order of elimination makes use of.
//!
//! ```text
//! xb.wl[i]      near end of word line i              xb.wl[i][j]   at the cell of row i, column j
//! xb.bl[j]      near end of bit line j               xb.bl[j][i]   at the cell of row i, column j
//! xb.wl_far[i]  far end                              xb.x_i_j.n    inside of that cell
//! ```

use super::elab::Elab;
use super::topology::touching;
use crate::diag::codes::circuit as codes;
use crate::diag::nearest::did_you_mean;
use crate::diag::{Diagnostic, Span};
use crate::netlist::ast::ArrayDef;

/// Faulty nodes of one array that are looked at more closely.
const SHOWN: usize = 4;

/// Nowhere.
pub const NO_PLACE: [u32; 2] = [u32::MAX; 2];

/// What a name within an array means.
enum Meaning {
    /// A node at that row and column.
    At(usize, usize),
    Elsewhere,
    Nothing(String),
}

impl Elab<'_> {
    /// Is that the name of something within an array?
    pub(super) fn is_of_array(&self, name: &str) -> bool {
        self.deck.arrays.iter().any(|a| within(a, name).is_some())
    }

    /// Row and column of every node, [`NO_PLACE`] for those outside of arrays; empty without arrays. Several arrays lie side
    /// by side.
    pub(super) fn survey(&mut self) -> Vec<[u32; 2]> {
        let arrays = &self.deck.arrays;
        if arrays.is_empty() {
            return vec![];
        }
        let mut places = vec![NO_PLACE; self.nodes.len()];
        let mut faults: Vec<(usize, u32, String)> = vec![];
        let offsets: Vec<usize> = arrays
            .iter()
            .scan(0, |sum, a| {
                *sum += a.cols + 2;
                Some(*sum - a.cols - 2)
            })
            .collect();
        for (node, place) in places.iter_mut().enumerate().skip(1) {
            let name = self.names.get(self.nodes[node]);
            let Some((k, rest)) = arrays.iter().enumerate().find_map(|(k, a)| Some((k, within(a, name)?))) else {
                continue;
            };
            match meaning(&arrays[k], rest) {
                Meaning::At(..) if arrays[k].is_plain => {}
                Meaning::At(i, j) => *place = [i as u32, (j + offsets[k]) as u32],
                Meaning::Elsewhere => {}
                Meaning::Nothing(why) => faults.push((k, node as u32, why)),
            }
        }
        for k in 0..arrays.len() {
            let own = || faults.iter().filter(|f| f.0 == k);
            for (nth, (_, node, why)) in own().take(SHOWN).enumerate() {
                let name = self.names.get(self.nodes[*node as usize]);
                let (_, span) = touching(self, *node);
                let d = Diagnostic::error(codes::ARRAY_LINE, format!("`{name}` is no node of the array: {why}"));
                let d = at(d, span, "used here").at(arrays[k].span, "the array");
                let more = own().count().saturating_sub(SHOWN);
                let is_last = nth + 1 == SHOWN && more > 0;
                self.report(if is_last { d.note(format!("and {more} more such nodes")) } else { d });
            }
        }
        places
    }
}

fn at(d: Diagnostic, span: Span, text: &str) -> Diagnostic {
    if span.is_nowhere() { d } else { d.at(span, text) }
}

/// What follows the array's name and a dot.
fn within<'n>(a: &ArrayDef, name: &'n str) -> Option<&'n str> {
    let mut from = 0;
    while let Some(k) = name[from..].find(a.name.as_str()).map(|k| from + k) {
        let end = k + a.name.len();
        if (k == 0 || name.as_bytes()[k - 1] == b'.') && name.as_bytes().get(end) == Some(&b'.') {
            return Some(&name[end + 1..]);
        }
        from = end;
    }
    None
}

/// The numbers in `[3][5]`; `None` for anything else.
fn indices(text: &str) -> Option<([usize; 2], usize)> {
    let (mut out, mut count, mut rest) = ([0; 2], 0, text);
    while !rest.is_empty() {
        let close = rest.find(']')?;
        *out.get_mut(count)? = rest.strip_prefix('[')?[..close - 1].parse().ok()?;
        count += 1;
        rest = &rest[close + 1..];
    }
    Some((out, count))
}

fn meaning(a: &ArrayDef, rest: &str) -> Meaning {
    let (head, inner) = rest.split_once('.').map_or((rest, None), |(h, i)| (h, Some(i)));
    if inner.is_some() {
        let numbers: Option<Vec<usize>> =
            head.strip_prefix("x_").and_then(|t| t.split('_').map(|w| w.parse().ok()).collect());
        return match numbers.as_deref() {
            Some([i, j] | [_, i, j]) if *i < a.rows && *j < a.cols => Meaning::At(*i, *j),
            Some([i, j] | [_, i, j]) => Meaning::Nothing(format!("there is no cell {i},{j}")),
            _ => Meaning::Elsewhere,
        };
    }
    let (word, index) = head.split_at(head.find('[').unwrap_or(head.len()));
    let (base, is_far) = match word.strip_suffix("_far") {
        Some(b) if a.lines.iter().any(|l| l.name == b) => (b, true),
        _ => (word, false),
    };
    let Some(plane) = a.lines.iter().find(|l| l.name == base) else {
        let is_plain = word.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        if a.pins.iter().any(|p| p == head) || !is_plain || word.is_empty() {
            return Meaning::Elsewhere;
        }
        let names = || a.lines.iter().map(|l| l.name.as_str());
        let near = did_you_mean(word, names()).map_or(String::new(), |n| format!("; {n}"));
        return Meaning::Nothing(format!("its lines are {}{near}", names().collect::<Vec<_>>().join(", ")));
    };
    let (lines, cells) = if plane.along_row { (a.rows, a.cols) } else { (a.cols, a.rows) };
    let Some(([line, cell], count @ 1..=2)) = indices(index) else {
        return Meaning::Nothing(format!("a line is written `{base}[0]`"));
    };
    if line >= lines {
        return Meaning::Nothing(format!("lines `{base}` are 0 to {}", lines - 1));
    }
    if is_far && !plane.has_far {
        return Meaning::Nothing(format!("far ends need `far={base}`"));
    }
    // Rows begin at column 0, columns at the last row.
    let k = match (count, is_far) {
        (2, false) if !plane.has_wire => {
            return Meaning::Nothing(format!("`{base}` has no resistance: a line is one node"));
        }
        (2, false) if cell >= cells => {
            return Meaning::Nothing(format!("`{base}[{line}]` crosses cells 0 to {}", cells - 1));
        }
        (2, false) => cell,
        (2, true) => return Meaning::Nothing(format!("an end is written `{word}[{line}]`")),
        // An ideal line is everywhere.
        _ if !plane.has_wire => return Meaning::Elsewhere,
        (_, is_far) if is_far == plane.along_row => cells - 1,
        _ => 0,
    };
    if plane.along_row { Meaning::At(line, k) } else { Meaning::At(k, line) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlist::ast::ArrayLines;

    #[test]
    fn names_mean_places() {
        let line =
            |name: &str, along_row| ArrayLines { name: name.into(), along_row, has_wire: true, has_far: along_row };
        let a = ArrayDef {
            name: "xb".into(),
            span: Span::NOWHERE,
            rows: 4,
            cols: 3,
            layers: 1,
            lines: vec![line("wl", true), line("bl", false)],
            pins: vec!["wl".into(), "bl".into(), "vdd".into()],
            is_plain: false,
        };
        let place = |name: &str| match meaning(&a, within(&a, name)?) {
            Meaning::At(i, j) => Some((i, j)),
            Meaning::Elsewhere => Some((99, 99)),
            Meaning::Nothing(_) => None,
        };
        assert_eq!(place("xb.wl[2]"), Some((2, 0)));
        assert_eq!(place("xb.wl_far[2]"), Some((2, 2)));
        assert_eq!(place("xb.bl[1]"), Some((3, 1)));
        assert_eq!(place("x1.xb.bl[1][2]"), Some((2, 1)));
        assert_eq!(place("xb.x_3_2.n1"), Some((3, 2)));
        assert_eq!(place("xb.vdd"), Some((99, 99)));
        for bad in ["xb.wl[4]", "xb.wl[0][3]", "xb.bl_far[0]", "xb.wx[0]", "xb.wl", "xb.x_4_0.n1", "xb.vss"] {
            assert_eq!(place(bad), None, "{bad}");
        }
        assert!(within(&a, "axb.wl[0]").is_none() && within(&a, "xb").is_none());
    }
}
