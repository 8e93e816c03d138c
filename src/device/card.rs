//! What elaboration hands to a device type: its models and its instances, values resolved, names checked.
//!
//! Instances of one type share arenas (nodes, references, parameters), because a deck may have 10⁵ of them.

use std::sync::Arc;

use super::param::{DeviceInfo, ParamId};
use super::{DeviceType, Unknown};
use crate::base::Sym;
use crate::diag::Span;
use crate::expr::Program;

/// A parameter's value.
#[derive(Clone, Debug)]
pub enum Value {
    Num(f64),
    Text(Arc<str>),
    Vector(Arc<[f64]>),
    /// An expression evaluated while simulating; its signals are bound to unknowns.
    Expr(Arc<Program>),
}

impl From<f64> for Value {
    fn from(x: f64) -> Self {
        Value::Num(x)
    }
}

/// A `.model` card (or one bin of it) for one device type.
#[derive(Clone, Debug)]
pub struct ModelCard {
    pub name: Arc<str>,
    pub span: Span,
    /// +1 or -1, from the type word (`nmos`/`pmos`).
    pub polarity: f64,
    pub params: Vec<(ParamId, Value)>,
}

impl ModelCard {
    pub fn get(&self, id: ParamId) -> Option<&Value> {
        self.params.iter().rev().find(|(i, _)| *i == id).map(|(_, v)| v)
    }

    /// A number that was given.
    pub fn given(&self, id: ParamId) -> Option<f64> {
        match self.get(id) {
            Some(Value::Num(x)) => Some(*x),
            _ => None,
        }
    }

    /// A number, or the table's default, or 0 where the table has none.
    pub fn real(&self, info: &DeviceInfo, id: ParamId) -> f64 {
        self.given(id).or(info.model[id as usize].default).unwrap_or(0.0)
    }

    pub fn set(&mut self, id: ParamId, value: f64) {
        self.params.retain(|(i, _)| *i != id);
        self.params.push((id, Value::Num(value)));
    }
}

#[derive(Clone, Copy, Debug)]
struct Row {
    name: Sym,
    span: Span,
    model: u32,
    nodes: u32,
    refs: u32,
    params: u32,
}

/// All instances of one device type, with the models that they use.
#[derive(Clone)]
pub struct Group {
    pub ty: Arc<dyn DeviceType>,
    pub models: Vec<ModelCard>,
    rows: Vec<Row>,
    nodes: Vec<Unknown>,
    /// Instances whose branch current this instance reads (F, H, W, K, `i(v1)` in expressions), by name.
    refs: Vec<Sym>,
    params: Vec<(ParamId, Value)>,
    /// By instance: the stream of its random draws; empty where nobody draws.
    streams: Vec<u32>,
}

/// FNV-1a of a name in lower case.
fn name_hash(name: &str) -> u32 {
    let step = |h: u32, b: u8| (h ^ u32::from(b.to_ascii_lowercase())).wrapping_mul(0x0100_0193);
    name.bytes().fold(0x811C_9DC5, step)
}

pub const NO_MODEL: u32 = u32::MAX;

impl Group {
    pub fn new(ty: Arc<dyn DeviceType>) -> Self {
        Group { ty, models: vec![], rows: vec![], nodes: vec![], refs: vec![], params: vec![], streams: vec![] }
    }

    pub fn info(&self) -> &DeviceInfo {
        self.ty.info()
    }

    /// Streams of random draws that hang on names alone: what else is in the deck does not change them.
    pub fn name_streams<'n>(&mut self, text: impl Fn(Sym) -> &'n str) {
        self.streams = self.rows.iter().map(|r| name_hash(text(r.name))).collect();
    }

    /// The stream of an instance.
    pub fn stream(&self, i: usize) -> u32 {
        self.streams.get(i).copied().unwrap_or(i as u32)
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn push(
        &mut self,
        name: Sym,
        span: Span,
        model: Option<u32>,
        nodes: impl IntoIterator<Item = Unknown>,
        refs: impl IntoIterator<Item = Sym>,
        params: impl IntoIterator<Item = (ParamId, Value)>,
    ) {
        self.rows.push(Row {
            name,
            span,
            model: model.unwrap_or(NO_MODEL),
            nodes: self.nodes.len() as u32,
            refs: self.refs.len() as u32,
            params: self.params.len() as u32,
        });
        self.nodes.extend(nodes);
        self.refs.extend(refs);
        self.params.extend(params);
    }

    pub fn get(&self, i: usize) -> InstanceRef<'_> {
        let row = self.rows[i];
        let end = |f: fn(&Row) -> u32, all: usize| self.rows.get(i + 1).map_or(all, |r| f(r) as usize);
        InstanceRef {
            index: i,
            name: row.name,
            span: row.span,
            model: (row.model != NO_MODEL).then(|| &self.models[row.model as usize]),
            model_index: (row.model != NO_MODEL).then_some(row.model),
            nodes: &self.nodes[row.nodes as usize..end(|r| r.nodes, self.nodes.len())],
            refs: &self.refs[row.refs as usize..end(|r| r.refs, self.refs.len())],
            params: &self.params[row.params as usize..end(|r| r.params, self.params.len())],
            info: self.ty.info(),
        }
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = InstanceRef<'_>> {
        (0..self.len()).map(|i| self.get(i))
    }

    /// Room for that many instances with that many nodes and parameters in all.
    pub fn reserve(&mut self, instances: usize, nodes: usize, params: usize) {
        self.rows.reserve_exact(instances);
        self.nodes.reserve_exact(nodes);
        self.params.reserve_exact(params);
    }

    /// Gives an instance parameter another value.
    pub fn set_instance_param(&mut self, instance: usize, id: ParamId, value: Value) {
        let Some(row) = self.rows.get(instance) else { return };
        let start = row.params as usize;
        let end = self.rows.get(instance + 1).map_or(self.params.len(), |r| r.params as usize);
        if let Some(p) = self.params[start..end].iter_mut().rev().find(|(i, _)| *i == id) {
            p.1 = value;
            return;
        }
        self.params.insert(end, (id, value));
        for r in &mut self.rows[instance + 1..] {
            r.params += 1;
        }
    }

    /// Rewrites node numbers (after nodes were merged or renumbered).
    pub fn map_nodes(&mut self, f: impl Fn(Unknown) -> Unknown) {
        for n in &mut self.nodes {
            *n = f(*n);
        }
    }

    /// Changes one node of one instance (to put a current probe into a lead).
    pub fn set_node(&mut self, instance: usize, terminal: usize, node: Unknown) {
        let at = self.rows[instance].nodes as usize + terminal;
        self.nodes[at] = node;
    }
}

/// One instance as its device type sees it.
#[derive(Clone, Copy)]
pub struct InstanceRef<'a> {
    pub index: usize,
    /// Full path: `x1.r3`; look it up in the circuit's names.
    pub name: Sym,
    pub span: Span,
    pub model: Option<&'a ModelCard>,
    pub model_index: Option<u32>,
    pub nodes: &'a [Unknown],
    pub refs: &'a [Sym],
    pub params: &'a [(ParamId, Value)],
    pub info: &'a DeviceInfo,
}

impl InstanceRef<'_> {
    pub fn get(&self, id: ParamId) -> Option<&Value> {
        self.params.iter().rev().find(|(i, _)| *i == id).map(|(_, v)| v)
    }

    pub fn given(&self, id: ParamId) -> Option<f64> {
        match self.get(id) {
            Some(Value::Num(x)) => Some(*x),
            _ => None,
        }
    }

    /// A number, or the table's default, or 0 where the table has none.
    pub fn real(&self, id: ParamId) -> f64 {
        self.given(id).or(self.info.instance[id as usize].default).unwrap_or(0.0)
    }

    pub fn flag(&self, id: ParamId) -> bool {
        self.real(id) != 0.0
    }

    pub fn text(&self, id: ParamId) -> Option<&str> {
        match self.get(id) {
            Some(Value::Text(t)) => Some(t),
            _ => None,
        }
    }

    pub fn vector(&self, id: ParamId) -> Option<&[f64]> {
        match self.get(id) {
            Some(Value::Vector(v)) => Some(v),
            _ => None,
        }
    }

    pub fn expr(&self, id: ParamId) -> Option<&std::sync::Arc<Program>> {
        match self.get(id) {
            Some(Value::Expr(p)) => Some(p),
            _ => None,
        }
    }
}
