//! The words of an `.array` card.

use super::super::ast::{ArrayDef, ArrayLines};
use super::super::fields;
use super::super::lines::Line;
use crate::base::units::parse_number;
use crate::diag::codes::netlist as codes;
use crate::diag::nearest::did_you_mean;
use crate::diag::{Diagnostic, Span};

/// More cells than this are not expanded.
const MOST_CELLS: usize = 1 << 22;
const MOST_LAYERS: usize = 64;

/// A set of parallel lines.
#[derive(Clone, Debug)]
pub struct Plane {
    /// `wl`, or with several layers `wl0`.
    pub name: String,
    /// The pin that it serves.
    pin: String,
    /// Of a stack: the layers below and above it.
    layers: (usize, usize),
    pub along_row: bool,
    /// Resistance of a segment, as text; none: ideal.
    pub r: Option<String>,
    /// Capacitance of a segment.
    pub c: Option<String>,
    pub has_far: bool,
}

impl Plane {
    pub fn lines(&self, a: &Array) -> usize {
        if self.along_row { a.rows } else { a.cols }
    }

    pub fn cells(&self, a: &Array) -> usize {
        if self.along_row { a.cols } else { a.rows }
    }

    /// The k-th crossing from the near end: rows are walked from column 0, columns from the last row.
    pub fn position(&self, a: &Array, k: usize) -> usize {
        if self.along_row { k } else { a.rows - 1 - k }
    }

    pub fn serves(&self, pin: &str, layer: usize) -> bool {
        self.pin == pin && (self.layers.0..=self.layers.1).contains(&layer)
    }
}

/// Values of one parameter, cell by cell.
#[derive(Clone, Debug, Default)]
pub struct Map {
    pub param: String,
    pub file: String,
    pub values: Vec<f64>,
}

/// Layer, row, column.
pub type Cell = (usize, usize, usize);

#[derive(Clone, Debug, Default)]
pub struct Array {
    pub name: String,
    pub rows: usize,
    pub cols: usize,
    pub layers: usize,
    pub cell: String,
    pub pins: Vec<String>,
    pub planes: Vec<Plane>,
    /// Of every cell, as text.
    pub params: Vec<(String, String)>,
    pub maps: Vec<Map>,
    pub dead: Vec<Cell>,
    pub stuck: Vec<(Cell, String)>,
    /// Plane, line, crossing before whose segment the line is broken.
    pub open: Vec<(String, usize, usize)>,
    /// Nothing is made of where the cells lie.
    pub is_plain: bool,
}

impl Array {
    /// What elaboration has to know to find its nodes.
    pub fn outline(&self, span: Span) -> ArrayDef {
        let lines = |p: &Plane| ArrayLines {
            name: p.name.clone(),
            along_row: p.along_row,
            has_wire: p.r.is_some(),
            has_far: p.has_far,
        };
        ArrayDef {
            name: self.name.clone(),
            span,
            rows: self.rows,
            cols: self.cols,
            layers: self.layers,
            lines: self.planes.iter().map(lines).collect(),
            pins: self.pins.clone(),
            is_plain: self.is_plain,
        }
    }

    pub fn is_open(&self, plane: &str, line: usize, at: usize) -> bool {
        self.open.iter().any(|o| o.0 == plane && (o.1, o.2) == (line, at))
    }
}

/// Lines that pins may name, and whether they run along a row.
const LINES: &[(&str, bool)] = &[("wl", true), ("bl", false), ("sl", false), ("gl", true)];

const KEYS: &[&str] = &[
    "rows", "cols", "layers", "cell", "pins", "sl", "far", "map", "dead", "stuck", "open", "rwl", "rbl", "rsl", "rgl",
    "cwl", "cbl", "csl", "cgl", "expand",
];

/// Reads the card; `None` when what remains makes no array.
pub fn read(line: &Line<'_>, from: usize, faults: &mut Vec<Diagnostic>) -> Option<Array> {
    let rest = &line.text[from..];
    let lo = from + rest.len() - rest.trim_start().len();
    let hi = line.text[lo..].find([' ', '\t']).map_or(line.text.len(), |n| lo + n);
    let name = line.text[lo..hi].to_string();
    let mut fault = |span: Span, message: String, help: &str| {
        faults.push(Diagnostic::error(codes::ARRAY, message).at(span, "in this array").help(help));
    };
    if !name.to_ascii_lowercase().starts_with('x') || name.contains('=') {
        fault(
            line.span(lo, hi),
            "an array's name begins with X: it is called like a subcircuit".into(),
            "for example `.array XB rows=8 cols=8 cell=rram`",
        );
        return None;
    }
    let mut words: Vec<(String, String, Span)> = vec![];
    for part in fields::assignments(line.text, hi) {
        match part {
            Ok(a) => {
                let (vlo, vhi, _) = fields::unwrap(line.text, a.value);
                let key = line.text[a.name.0..a.name.1].to_ascii_lowercase();
                let is_own = KEYS.contains(&key.as_str()) && !key.starts_with(['r', 'c'])
                    || ["rows", "cols", "cell"].contains(&key.as_str());
                // What goes on to the elements keeps its braces.
                let (vlo, vhi) = if is_own { (vlo, vhi) } else { a.value };
                words.push((key, line.text[vlo..vhi].trim().to_string(), line.span(a.name.0, a.value.1)));
            }
            Err((lo, hi)) => {
                fault(line.span(lo, hi), format!("`{}` has no `=`", &line.text[lo..hi]), "write `name=value`")
            }
        }
    }
    let mut take = |key: &str| -> Option<(String, Span)> {
        let k = words.iter().position(|w| w.0 == key)?;
        let (_, value, span) = words.remove(k);
        Some((value, span))
    };
    let mut a = Array { name: name.to_lowercase(), layers: 1, ..Array::default() };
    for (key, most, slot) in
        [("rows", MOST_CELLS, &mut a.rows), ("cols", MOST_CELLS, &mut a.cols), ("layers", MOST_LAYERS, &mut a.layers)]
    {
        match take(key) {
            Some((text, span)) => match parse_number(&text).filter(|n| n.len == text.len() && n.value.fract() == 0.0) {
                Some(n) if n.value >= 1.0 && n.value <= most as f64 => *slot = n.value as usize,
                _ => fault(
                    span,
                    format!("`{key}={text}`: a whole number from 1 to {most} is needed"),
                    "the shape of an array is written as a number",
                ),
            },
            None if key == "layers" => {}
            None => fault(line.whole(), format!("the array has no `{key}`"), "write `rows=8 cols=8`"),
        }
    }
    match take("cell") {
        Some((cell, _)) => a.cell = cell,
        None => fault(
            line.whole(),
            "the array has no `cell`".into(),
            "name a model card, a Verilog-A module, a subcircuit, or `r`",
        ),
    }
    if a.rows.saturating_mul(a.cols).saturating_mul(a.layers) > MOST_CELLS {
        fault(
            line.whole(),
            format!("more than {MOST_CELLS} cells"),
            "`ferrospice array` solves larger arrays without elements",
        );
    }
    let pins = take("pins").map_or("wl bl".into(), |p| p.0.replace(',', " ").to_lowercase());
    a.pins = pins.split_whitespace().map(str::to_string).collect();
    let sl_row = match take("sl") {
        None => false,
        Some((w, _)) if w.eq_ignore_ascii_case("col") => false,
        Some((w, _)) if w.eq_ignore_ascii_case("row") => true,
        Some((w, span)) => {
            fault(
                span,
                format!("`sl={w}`: source lines run along `row` or `col`"),
                "`sl=col` is parallel to the bit lines",
            );
            false
        }
    };
    let far = take("far").map(|f| (f.0.replace(',', " ").to_lowercase(), f.1));
    if let Some((list, span)) = &far
        && let Some(w) = list.split_whitespace().find(|w| !a.pins.iter().any(|p| p == w))
    {
        fault(*span, format!("`far={w}`: no pin of the cell is on such a line"), "for example `far=\"wl bl\"`");
    }
    for pin in a.pins.clone() {
        let Some((_, along)) = LINES.iter().find(|l| l.0 == pin) else {
            continue;
        };
        let along_row = if pin == "sl" { sl_row } else { *along };
        let value =
            |v: Option<(String, Span)>| v.map(|v| v.0).filter(|t| parse_number(t).is_none_or(|n| n.value != 0.0));
        let (r, c) = (value(take(&format!("r{pin}"))), value(take(&format!("c{pin}"))));
        let has_far = far.as_ref().is_some_and(|f| f.0.split_whitespace().any(|w| w == pin));
        if has_far && r.is_none() {
            fault(
                line.whole(),
                format!("the far ends of `{pin}` need a wire with a resistance"),
                "without one both ends are one node",
            );
        }
        for (key, v) in [("r", &r), ("c", &c)] {
            if let Some(x) = v.as_ref().and_then(|t| parse_number(t)).filter(|n| !(n.value > 0.0)) {
                fault(line.whole(), format!("`{key}{pin}` is {}: it must be positive", x.value), "0 is an ideal line");
            }
        }
        // Planes of a stack alternate between rows and columns; each is shared by the layers below and above it.
        let is_stacked = a.layers > 1 && matches!(pin.as_str(), "wl" | "bl");
        let mut add = |name: String, layers| {
            let (pin, r, c) = (pin.clone(), r.clone(), c.clone());
            a.planes.push(Plane { name, pin, layers, along_row, r, c, has_far });
        };
        if is_stacked {
            for p in (usize::from(pin == "bl")..=a.layers).step_by(2) {
                add(format!("{pin}{p}"), (p.saturating_sub(1), p.min(a.layers - 1)));
            }
        } else {
            add(pin.clone(), (0, a.layers - 1));
        }
    }
    match take("expand") {
        None => {}
        Some((w, _)) if w.eq_ignore_ascii_case("no") => {}
        Some((w, _)) if w.eq_ignore_ascii_case("yes") => a.is_plain = true,
        Some((w, span)) => {
            fault(span, format!("`expand={w}`: `yes` or `no`"), "`expand=yes` makes plain elements of it")
        }
    }
    let lists = [take("map"), take("dead"), take("stuck"), take("open")];
    super::data::lists(&mut a, lists, line.whole(), faults);
    for (key, value, span) in words {
        if KEYS.contains(&key.as_str()) {
            let d =
                Diagnostic::error(codes::ARRAY, format!("`{key}` is given, but no pin of the cell is on such a line"));
            faults.push(
                d.at(span, "in this array").help("`pins=\"bl gl sl\"` names the lines of the cell's pins in order"),
            );
            continue;
        }
        if let Some(near) = did_you_mean(&key, KEYS.iter().copied()).filter(|_| key.len() > 2 && near_key(&key)) {
            faults.push(
                Diagnostic::warning(codes::ARRAY_KEY, format!("`{key}` goes to the cells as a parameter"))
                    .at(span, "here")
                    .help(near),
            );
        }
        a.params.push((key, value));
    }
    Some(a)
}

/// One letter away from a word of the card itself.
fn near_key(key: &str) -> bool {
    ["rows", "cols", "layers", "cell", "pins", "stuck", "dead", "open"]
        .iter()
        .any(|k| *k != key && (k.starts_with(key) || key.starts_with(k)))
}
