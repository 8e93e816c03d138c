//! `--cell FILE`: cells that are modules of Verilog-A or subcircuits.

use std::path::{Path, PathBuf};

use super::args::{Device, si};
use crate::array::DeviceCells;
use crate::array::device_cells::Varied;
use crate::array::geometry::MAX_CELLS;
use crate::base::rng::Stream;
use crate::circuit::Circuit;
use crate::device::{Value, param};
use crate::diag::codes::array::{ARRAY_CELL_MODEL, ARRAY_LAW, ARRAY_SHAPE, ARRAY_SIZE};
use crate::diag::{Diagnostic, SourceMap};
use crate::output::npy;
use crate::session::{self, Disk, RunOptions};

/// Cells and how many of them.
pub struct Made {
    pub rows: usize,
    pub cols: usize,
    pub cells: DeviceCells,
}

fn misfit(text: String) -> Diagnostic {
    Diagnostic::error(ARRAY_CELL_MODEL, text)
}

/// `FILE` or `FILE:NAME`; without a name that of the file.
fn file_and_name(text: &str) -> (PathBuf, String) {
    if let Some((file, name)) = text.rsplit_once(':')
        && !Path::new(text).exists()
        && !name.contains(['/', '\\'])
    {
        return (file.into(), name.into());
    }
    let path = PathBuf::from(text);
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    (path, stem)
}

/// A deck with one cell.
fn deck(path: &Path, name: &str, nodes: &[&str], params: &[String]) -> String {
    let is_module = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("va"));
    let card = if is_module { ".hdl" } else { ".include" };
    let path = path.display();
    let mut text = format!("cell\n{card} \"{path}\"\nxcell {} {name} {}\n", nodes.join(" "), params.join(" "));
    // The circuit has to have a ground.
    nodes.iter().for_each(|n| text += &format!("vhold{n} {n} 0 0\n"));
    text + ".end\n"
}

/// Faults of the deck that nobody wrote, with their places as text.
fn told(diags: Vec<Diagnostic>, sources: &SourceMap) -> Vec<Diagnostic> {
    let errors = diags.into_iter().filter(Diagnostic::is_error);
    let plain = errors.map(|mut d| {
        for l in std::mem::take(&mut d.labels) {
            d.notes.push(format!("{}: {}", sources.locate(l.span), l.text));
        }
        d
    });
    plain.collect()
}

/// Cells between these nodes: word and bit line, or more lines.
pub fn cells(args: &Device, text: &str, nodes: &[&str], size: Option<(usize, usize)>) -> Result<Made, Vec<Diagnostic>> {
    let (path, name) = file_and_name(text);
    let deck = deck(&path, &name, nodes, &args.cell_param);
    let (circuit, sources, diags) = session::circuit("--cell", &deck, &RunOptions::default(), &Disk);
    let Some(circuit) = circuit else { return Err(told(diags, &sources)) };
    let mut faults = vec![];
    let mut shape = size;
    let mut maps: Vec<(&str, Vec<f64>)> = vec![];
    for m in &args.map {
        let Some((key, file)) = m.split_once('=') else {
            faults.push(Diagnostic::error(ARRAY_LAW, format!("`--map {m}` is not PARAM=FILE")));
            continue;
        };
        match npy::read_path(Path::new(file)) {
            Ok(x) if shape.is_none_or(|s| s == (x.rows, x.cols)) => {
                shape = Some((x.rows, x.cols));
                maps.push((key, x.data));
            }
            Ok(x) => faults.push(Diagnostic::error(
                ARRAY_SHAPE,
                format!("`{file}` is {} x {}, other data of the array are not", x.rows, x.cols),
            )),
            Err(d) => faults.push(d),
        }
    }
    let Some((rows, cols)) = shape else {
        let d = Diagnostic::error(ARRAY_SHAPE, "cells of a model, but not how many");
        faults.push(d.help("`--size ROWSxCOLS`, or `--map PARAM=FILE`"));
        return Err(faults);
    };
    let count = rows.checked_mul(cols).filter(|n| (1..=MAX_CELLS).contains(n));
    let Some(count) = count else {
        return Err(vec![Diagnostic::error(ARRAY_SIZE, format!("an array of {rows} x {cols} cells"))]);
    };
    let mut varied = vec![];
    for (key, values) in maps {
        match varying(&circuit, key) {
            Ok((v, _)) => varied.push(Varied { values, ..v }),
            Err(d) => faults.push(d),
        }
    }
    for text in &args.vary {
        let parsed = text.split_once('=').and_then(|(k, s)| Some((k, parse_share(s)?)));
        let Some((key, sigma)) = parsed else {
            let d = Diagnostic::error(ARRAY_LAW, format!("`--vary {text}` is not PARAM=SHARE"));
            faults.push(d.help("for example `--vary ron=5%`"));
            continue;
        };
        match varying(&circuit, key) {
            Ok((v, nominal)) => {
                let at = varied.iter().position(|o| (o.group, o.instance, o.param) == (v.group, v.instance, v.param));
                let at = at.unwrap_or_else(|| {
                    varied.push(Varied { values: vec![nominal; count], ..v });
                    varied.len() - 1
                });
                let stream = Stream { seed: args.cell_seed, run: 0, instance: 1 + at as u32 };
                for (k, x) in varied[at].values.iter_mut().enumerate() {
                    *x *= 1.0 + sigma * stream.normal((k >> 32) as u32, k as u32);
                }
            }
            Err(d) => faults.push(d),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let hold: Vec<String> = nodes.iter().map(|n| format!("vhold{n}")).collect();
    let hold: Vec<&str> = hold.iter().map(String::as_str).collect();
    let cells = match nodes {
        [a, b] => DeviceCells::new(&circuit, (a, b), &hold, (rows, cols), &varied)?,
        _ => DeviceCells::on_lines(&circuit, nodes, &hold, (rows, cols), &varied)?,
    };
    Ok(Made { rows, cols, cells })
}

/// `5%` or `0.05`
fn parse_share(text: &str) -> Option<f64> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |t| (t, 0.01));
    si(number.trim()).ok().map(|x| scale * x).filter(|x| *x >= 0.0 && x.is_finite())
}

/// A parameter that may differ from cell to cell, and its value.
fn varying(circuit: &Circuit, key: &str) -> Result<(Varied, f64), Diagnostic> {
    let Some((group, instance)) = circuit.instance("xcell") else {
        let d = misfit(format!("`{key}` cannot differ from cell to cell: the cell is a subcircuit"));
        return Err(d.help("that is possible for the parameters of a Verilog-A module that is the cell"));
    };
    let g = &circuit.groups[group];
    let Some(id) = param::find(g.info().instance, key) else {
        let known = g.info().instance.iter().map(|p| p.name).collect::<Vec<_>>();
        return Err(misfit(format!("the cell has no parameter `{key}`")).help(format!("it has {}", known.join(", "))));
    };
    let given = g.get(instance).params.iter().find(|p| p.0 == id).and_then(|p| match &p.1 {
        Value::Num(x) => Some(*x),
        _ => None,
    });
    let nominal = given.or_else(|| g.info().instance.get(usize::from(id)).and_then(|p| p.default));
    let nominal = nominal.ok_or_else(|| misfit(format!("`{key}` has no value to vary")))?;
    Ok((Varied { group, instance, param: id, values: vec![] }, nominal))
}
