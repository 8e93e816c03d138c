//! The textual form.

use std::fmt::{self, Display, Formatter};

use super::{Body, Const, Def, Func, Node, Op, TextOp, Ty, Val};

impl Display for Val {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl Display for Ty {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ty::Real => "f",
            Ty::Int => "i",
            Ty::Bool => "b",
        })
    }
}

impl Display for Const {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Const::Real(x) => write!(f, "{x:?}"),
            Const::Int(i) => write!(f, "{i}"),
            Const::Bool(b) => write!(f, "{b}"),
        }
    }
}

impl Display for Op {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Op::Const(c) => write!(f, "const {c}"),
            Op::Input(class, k, _) => write!(f, "in {} {k}", class.name()),
            Op::Un(o, a) => write!(f, "{} {a}", o.name()),
            Op::Bin(o, a, b) => write!(f, "{} {a} {b}", o.name()),
            Op::Select(c, a, b) => write!(f, "select {c} {a} {b}"),
            Op::Fma(a, b, c) => write!(f, "fma {a} {b} {c}"),
            Op::Ddt(k, a) => write!(f, "ddt {k} {a}"),
            Op::Noise(k) => write!(f, "noise {k}"),
            Op::Limit(k, a, b) => write!(f, "limit {k} {a} {b}"),
            Op::Ddx(k, a) => write!(f, "ddx {k} {a}"),
            Op::Table(l, [x, y, z]) => {
                let [a, b, c] = l.order;
                write!(f, "table {} {a} {b} {c} {x} {y} {z}", l.table)
            }
            Op::Text(o, [x, y, z]) => {
                let (name, item) = text_op(*o);
                write!(f, "text {name} {item} {x} {y} {z}")
            }
        }
    }
}

/// Name and item of an operation on texts.
fn text_op(o: TextOp) -> (&'static str, u32) {
    match o {
        TextOp::Less => ("less", 0),
        TextOp::Join => ("join", 0),
        TextOp::Length => ("length", 0),
        TextOp::Part => ("part", 0),
        TextOp::Upper => ("upper", 0),
        TextOp::Lower => ("lower", 0),
        TextOp::ToInt => ("int", 0),
        TextOp::ToReal => ("real", 0),
        TextOp::Format(n) => ("format", n),
    }
}

struct List<'a>(&'a [Val]);

impl Display for List<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for v in self.0 {
            write!(f, " {v}")?;
        }
        Ok(())
    }
}

impl Func {
    fn typed(&self, vals: &[Val]) -> String {
        vals.iter().map(|v| format!("{v}:{}", self.ty(*v))).collect::<Vec<_>>().join(", ")
    }

    fn write_body(&self, f: &mut Formatter<'_>, body: &Body, depth: usize) -> fmt::Result {
        self.write_nodes(f, &body.nodes, depth)?;
        writeln!(f, "{:w$}yield{}", "", List(&body.yields), w = 2 * depth)
    }

    fn write_nodes(&self, f: &mut Formatter<'_>, nodes: &[Node], depth: usize) -> fmt::Result {
        let w = 2 * depth;
        for n in nodes {
            match n {
                Node::Let(v) => match &self.vals[v.index()].def {
                    Def::Op(op) => writeln!(f, "{:w$}{v}:{} = {op}", "", self.ty(*v))?,
                    Def::Joined => writeln!(f, "{:w$}{v}:{} = ?", "", self.ty(*v))?,
                },
                Node::Effect(k, args) => writeln!(f, "{:w$}effect {k} ({})", "", List(args).to_string().trim())?,
                Node::If(i) => {
                    writeln!(f, "{:w$}{} = if {} {{", "", self.typed(&i.results), i.cond)?;
                    self.write_body(f, &i.then, depth + 1)?;
                    writeln!(f, "{:w$}}} else {{", "")?;
                    self.write_body(f, &i.els, depth + 1)?;
                    writeln!(f, "{:w$}}}", "")?;
                }
                Node::Loop(l) => {
                    let params: Vec<String> =
                        l.params.iter().zip(&l.init).map(|(p, i)| format!("{p}:{} = {i}", self.ty(*p))).collect();
                    writeln!(f, "{:w$}{} = loop ({}) {{", "", self.typed(&l.results), params.join(", "))?;
                    self.write_nodes(f, &l.head, depth + 1)?;
                    writeln!(f, "{:w$}}} while {} {{", "", l.cond)?;
                    self.write_body(f, &l.body, depth + 1)?;
                    writeln!(f, "{:w$}}}", "")?;
                }
            }
        }
        Ok(())
    }
}

impl Display for Func {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "func {} {{", self.name)?;
        for (k, d) in self.directions.iter().enumerate() {
            let terms: Vec<String> = d.iter().map(|(p, c)| format!("{p} {c:?}")).collect();
            writeln!(f, "  direction {k} ({})", terms.join(", "))?;
        }
        self.write_nodes(f, &self.nodes, 1)?;
        for (s, v) in &self.outputs {
            writeln!(f, "  out {} {} {} = {v}", s.class.name(), s.a, s.b)?;
        }
        writeln!(f, "}}")
    }
}
