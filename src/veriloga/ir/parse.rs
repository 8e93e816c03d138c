//! Reads the textual form: for tests and for the dump that people edit.

use std::collections::HashMap;

use super::{BinOp, Body, Const, Def, Func, If, In, Lookup, Loop, Node, Op, Out, Sink, TextOp, Ty, UnOp, Val, ValData};

/// Reads one function; the message names the line.
pub fn parse(text: &str) -> Result<Func, String> {
    let mut tokens = vec![];
    for (n, line) in text.lines().enumerate() {
        let line = line.split("//").next().unwrap_or("");
        let mut word = String::new();
        for c in line.chars().chain([' ']) {
            if c.is_alphanumeric() || matches!(c, '_' | '.' | '+' | '-') {
                word.push(c);
            } else {
                if !word.is_empty() {
                    tokens.push((std::mem::take(&mut word), n + 1));
                }
                if !c.is_whitespace() {
                    tokens.push((c.to_string(), n + 1));
                }
            }
        }
    }
    let mut p = Parser { tokens, at: 0, func: Func::default(), names: HashMap::new() };
    p.func()?;
    Ok(p.func)
}

struct Parser {
    tokens: Vec<(String, usize)>,
    at: usize,
    func: Func,
    names: HashMap<String, Val>,
}

type Res<T> = Result<T, String>;

impl Parser {
    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", |t| t.0.as_str())
    }

    fn fail<T>(&self, what: &str) -> Res<T> {
        let line = self.tokens.get(self.at.min(self.tokens.len().saturating_sub(1))).map_or(0, |t| t.1);
        Err(format!("line {line}: expected {what}, found `{}`", self.peek()))
    }

    fn next(&mut self) -> String {
        self.at += 1;
        self.tokens.get(self.at - 1).map_or(String::new(), |t| t.0.clone())
    }

    fn eat(&mut self, t: &str) -> bool {
        let is = self.peek() == t;
        self.at += usize::from(is);
        is
    }

    fn expect(&mut self, t: &str) -> Res<()> {
        if self.eat(t) { Ok(()) } else { self.fail(&format!("`{t}`")) }
    }

    fn number<T: std::str::FromStr>(&mut self) -> Res<T> {
        match self.peek().parse() {
            Ok(x) => {
                self.at += 1;
                Ok(x)
            }
            Err(_) => self.fail("a number"),
        }
    }

    fn val(&mut self) -> Res<Val> {
        match self.names.get(self.peek()).copied() {
            Some(v) => {
                self.at += 1;
                Ok(v)
            }
            None => self.fail("a value in scope"),
        }
    }

    fn is_val(&self) -> bool {
        self.names.contains_key(self.peek())
    }

    fn vals(&mut self) -> Res<Vec<Val>> {
        let mut out = vec![];
        while self.is_val() {
            out.push(self.val()?);
        }
        Ok(out)
    }

    /// `v1:f`
    fn declare(&mut self) -> Res<Val> {
        let name = self.next();
        self.expect(":")?;
        let ty = match self.next().as_str() {
            "f" => Ty::Real,
            "i" => Ty::Int,
            "b" => Ty::Bool,
            _ => return self.fail("a type"),
        };
        self.func.vals.push(ValData { ty, def: Def::Joined });
        let v = Val(self.func.vals.len() as u32 - 1);
        self.names.insert(name, v);
        Ok(v)
    }

    fn func(&mut self) -> Res<()> {
        self.expect("func")?;
        self.func.name = self.next();
        self.expect("{")?;
        while self.eat("direction") {
            let _: u32 = self.number()?;
            self.expect("(")?;
            let mut terms = vec![];
            while !self.eat(")") {
                terms.push((self.number()?, self.number()?));
                self.eat(",");
            }
            self.func.directions.push(terms);
        }
        self.func.nodes = self.nodes()?;
        while self.eat("out") {
            let class = Out::ALL.iter().find(|o| o.name() == self.peek()).copied();
            let Some(class) = class else { return self.fail("a class of output") };
            self.at += 1;
            let (a, b) = (self.number()?, self.number()?);
            self.expect("=")?;
            let v = self.val()?;
            self.func.outputs.push((Sink { class, a, b }, v));
        }
        self.expect("}")
    }

    fn body(&mut self) -> Res<Body> {
        self.expect("{")?;
        let nodes = self.nodes()?;
        self.expect("yield")?;
        let yields = self.vals()?;
        self.expect("}")?;
        Ok(Body { nodes, yields })
    }

    fn nodes(&mut self) -> Res<Vec<Node>> {
        let mut out = vec![];
        loop {
            match self.peek() {
                "" | "}" | "yield" | "out" => return Ok(out),
                "effect" => {
                    self.at += 1;
                    let k = self.number()?;
                    self.expect("(")?;
                    let args = self.vals()?;
                    self.expect(")")?;
                    out.push(Node::Effect(k, args));
                }
                _ => out.push(self.binding()?),
            }
        }
    }

    fn binding(&mut self) -> Res<Node> {
        // Results come into scope after what computes them.
        let start = self.at;
        while self.peek() != "=" {
            if self.next().is_empty() {
                return self.fail("`=`");
            }
        }
        self.at += 1;
        let declare = |p: &mut Parser| -> Res<Vec<Val>> {
            let back = std::mem::replace(&mut p.at, start);
            let mut results = vec![];
            while p.peek() != "=" {
                results.push(p.declare()?);
                p.eat(",");
            }
            p.at = back;
            Ok(results)
        };
        if self.eat("if") {
            let cond = self.val()?;
            let then = self.body()?;
            self.expect("else")?;
            let els = self.body()?;
            let results = declare(self)?;
            return Ok(Node::If(Box::new(If { cond, then, els, results })));
        }
        if self.eat("loop") {
            self.expect("(")?;
            let (mut params, mut init) = (vec![], vec![]);
            while !self.eat(")") {
                params.push(self.declare()?);
                self.expect("=")?;
                init.push(self.val()?);
                self.eat(",");
            }
            self.expect("{")?;
            let head = self.nodes()?;
            self.expect("}")?;
            self.expect("while")?;
            let cond = self.val()?;
            let body = self.body()?;
            let results = declare(self)?;
            return Ok(Node::Loop(Box::new(Loop { params, init, head, cond, body, results })));
        }
        let word = self.next();
        let ty = declare_type(&self.tokens, start);
        let op = self.op(&word, ty)?;
        let results = declare(self)?;
        let &[v] = results.as_slice() else { return self.fail("one result") };
        self.func.vals[v.index()].def = Def::Op(op);
        Ok(Node::Let(v))
    }

    fn op(&mut self, word: &str, ty: Option<Ty>) -> Res<Op> {
        let Some(ty) = ty else { return self.fail("a type") };
        Ok(match word {
            "const" => Op::Const(match ty {
                Ty::Real => Const::Real(self.number()?),
                Ty::Int => Const::Int(self.number()?),
                Ty::Bool => Const::Bool(self.number()?),
            }),
            "in" => {
                let class = In::ALL.iter().find(|i| i.name() == self.peek()).copied();
                let Some(class) = class else { return self.fail("a class of input") };
                self.at += 1;
                Op::Input(class, self.number()?, ty)
            }
            "fma" => Op::Fma(self.val()?, self.val()?, self.val()?),
            "select" => Op::Select(self.val()?, self.val()?, self.val()?),
            "ddt" => Op::Ddt(self.number()?, self.val()?),
            "noise" => Op::Noise(self.number()?),
            "limit" => Op::Limit(self.number()?, self.val()?, self.val()?),
            "ddx" => Op::Ddx(self.number()?, self.val()?),
            "table" => {
                let table = self.number()?;
                let order = [self.number()?, self.number()?, self.number()?];
                Op::Table(Lookup { table, order }, [self.val()?, self.val()?, self.val()?])
            }
            "text" => {
                let (name, item) = (self.peek().to_string(), self.at + 1);
                self.at = item;
                let n = self.number()?;
                let o = match name.as_str() {
                    "less" => TextOp::Less,
                    "join" => TextOp::Join,
                    "length" => TextOp::Length,
                    "part" => TextOp::Part,
                    "upper" => TextOp::Upper,
                    "lower" => TextOp::Lower,
                    "int" => TextOp::ToInt,
                    "real" => TextOp::ToReal,
                    "format" => TextOp::Format(n),
                    _ => return self.fail("an operation on texts"),
                };
                Op::Text(o, [self.val()?, self.val()?, self.val()?])
            }
            _ => {
                if let Some(o) = UnOp::ALL.iter().find(|o| o.name() == word) {
                    Op::Un(*o, self.val()?)
                } else if let Some(o) = BinOp::ALL.iter().find(|o| o.name() == word) {
                    Op::Bin(*o, self.val()?, self.val()?)
                } else {
                    return self.fail("an operation");
                }
            }
        })
    }
}

fn declare_type(tokens: &[(String, usize)], at: usize) -> Option<Ty> {
    match tokens.get(at + 2)?.0.as_str() {
        "f" => Some(Ty::Real),
        "i" => Some(Ty::Int),
        "b" => Some(Ty::Bool),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::verify;
    use super::*;

    const TEXT: &str = "func t {
  direction 0 (0 1.0, 1 -1.0)
  v0:f = in probe 0
  v1:f = in probe 1
  v2:f = const 2.5e-3
  v3:b = lt v0 v1
  v4:f = if v3 {
    v5:f = exp v0
    yield v5
  } else {
    yield v2
  }
  v6:i = const 3
  v7:i = const 1
  v13:f, v14:i = loop (v8:f = v4, v9:i = v6) {
    v10:b = ile v7 v9
  } while v10 {
    v11:f = mul v8 v1
    v12:i = isub v9 v7
    yield v11 v12
  }
  effect 0 (v13 v14)
  out f 1 0 = v13
}
";

    #[test]
    fn text_and_function_are_the_same_thing() {
        let f = parse(TEXT).unwrap();
        verify(&f).unwrap();
        let g = parse(&f.to_string()).unwrap();
        assert_eq!(f.to_string(), g.to_string());
        assert_eq!(f.len(), 13);
    }

    #[test]
    fn faults_name_their_line() {
        for (from, to, what) in [
            ("exp v0", "exp v99", "line 8"),
            ("while v10 {", "until v10 {", "line 17"),
            ("in probe 0", "in prob 0", "line 3"),
            ("const 3", "const x", "line 13"),
        ] {
            let e = parse(&TEXT.replace(from, to)).unwrap_err();
            assert!(e.contains(what), "{from}: {e}");
        }
    }
}
