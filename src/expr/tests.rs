//! Values against ngspice 39, faults, derivatives against differences, print and parse as inverses.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::base::{Names, Sym};
use crate::diag::{Diagnostic, FileId, Span};

/// A scope of a few parameters, functions, nodes `a`, `b`, `x1.out`, `a+`, and element `v1`.
#[derive(Default)]
struct Table {
    params: HashMap<String, f64>,
    funcs: HashMap<String, (Vec<String>, Expr)>,
    names: Names,
    draws: u32,
}

impl Table {
    fn param(mut self, name: &str, value: f64) -> Self {
        self.params.insert(name.into(), value);
        self
    }

    fn func(mut self, name: &str, formals: &[&str], body: &str) -> Self {
        self.funcs.insert(name.into(), (formals.iter().map(|s| s.to_string()).collect(), read(body)));
        self
    }
}

impl Scope for Table {
    fn param(&mut self, name: &str) -> Option<Result<f64, ()>> {
        if name == "faulty" {
            return Some(Err(()));
        }
        self.params.get(name).map(|x| Ok(*x))
    }
    fn func(&mut self, name: &str) -> Option<(Vec<String>, Expr)> {
        self.funcs.get(name).cloned()
    }
    fn node(&mut self, name: &str) -> Option<u32> {
        ["0", "a", "b", "x1.out", "a+", "3", "net-1", "1_a"].iter().position(|n| *n == name).map(|i| i as u32)
    }
    fn branch(&mut self, name: &str) -> Option<Sym> {
        ["v1", "q1:b"].contains(&name).then(|| self.names.intern(name))
    }
    fn normal(&mut self) -> f64 {
        self.draws += 1;
        1.0
    }
    fn uniform(&mut self) -> f64 {
        self.draws += 1;
        -0.5
    }
    fn known_names(&self) -> Vec<String> {
        self.params.keys().chain(self.funcs.keys()).cloned().chain(["a".into(), "x1.out".into()]).collect()
    }
}

fn span(lo: usize, hi: usize) -> Span {
    Span::new(FileId(0), lo as u32, hi as u32)
}

fn read(text: &str) -> Expr {
    parse(text, &span).unwrap_or_else(|d| panic!("{text}: {d:?}"))
}

fn value(text: &str) -> f64 {
    value_in(text, &mut Table::default())
}

fn value_in(text: &str, scope: &mut Table) -> f64 {
    Program::constant(&read(text), scope).unwrap_or_else(|d| panic!("{text}: {d:?}"))
}

/// The only fault of a text, from parsing or compiling (`constant` when `strict`).
fn fault(text: &str, strict: bool) -> Diagnostic {
    fault_in(text, strict, &mut Table::default())
}

fn fault_in(text: &str, strict: bool, scope: &mut Table) -> Diagnostic {
    let r = parse(text, &span).and_then(|e| {
        if strict { Program::constant(&e, scope).map(|_| ()) } else { Program::compile(&e, scope).map(|_| ()) }
    });
    let mut d = r.expect_err(text);
    assert_eq!(d.len(), 1, "{text}: {d:?}");
    d.remove(0)
}

fn run(text: &str, x: &[f64]) -> (f64, Vec<f64>) {
    let p = Program::compile(&read(text), &mut Table::default()).unwrap_or_else(|d| panic!("{text}: {d:?}"));
    let mut grad = vec![0.0; p.inputs().len()];
    let mut scratch = vec![f64::NAN; p.scratch_len()];
    let v = p.eval_grad(x, &mut grad, &mut scratch);
    scratch.fill(f64::NAN);
    assert_eq!(v, p.eval(x, &mut scratch));
    (v, grad)
}

#[test]
fn precedence_as_in_ngspice() {
    for (text, want) in [
        ("-2^2", -4.0),
        ("-2**2", -4.0),
        ("2^3^2", 64.0),
        ("2**-1", 0.5),
        ("2^-3^2", 1.0 / 64.0),
        ("-2**-2", -0.25),
        ("(-8)^(1/3)", 2.0),
        ("(-2)^3", 8.0),
        ("pow(-2,3)", -8.0),
        ("2--2", 4.0),
        ("2*3/4*5", 7.5),
        ("5%3", 2.0),
        ("-5%3", -2.0),
        ("5%3%2", 0.0),
        ("1&&0||1", 1.0),
        ("1 & 0 | 0", 0.0),
        ("!2", 0.0),
        ("!0==1", 1.0),
        ("1?2:0?3:4", 2.0),
        ("0?2:0?3:4", 4.0),
        ("1+2>2 ? 5:6", 5.0),
        ("3>2>1", 0.0),
        ("1<>2", 1.0),
        ("{ {2}*3 }", 6.0),
        ("1 - 2 - 3", -4.0),
        ("+3", 3.0),
        ("2*-3", -6.0),
    ] {
        let got = value(text);
        assert!((got - want).abs() < 1e-12, "{text} = {got}, not {want}");
    }
}

#[test]
fn numbers_and_constants() {
    for (text, want) in [
        ("1k", 1e3),
        ("1MegHz*2", 2e6),
        ("4.7kOhm", 4.7e3),
        ("1e-3", 1e-3),
        ("10%3", 1.0),
        ("1-2", -1.0),
        ("1k-1", 999.0),
        (".5", 0.5),
        ("2k2", 2e3),
        ("pi", std::f64::consts::PI),
        ("TRUE+no", 1.0),
        ("kelvin", -273.15),
    ] {
        assert_eq!(value(text), want, "{text}");
    }
    assert_eq!(value_in("e*pi", &mut Table::default().param("e", 2.0).param("pi", 3.0)), 6.0);
    let mut lints = vec![];
    let e = parse_with("2k2", Dialect { rkm_numbers: true }, &span, &mut lints).map(|e| e.kind);
    assert_eq!(e, Ok(ExprKind::Number(2.2e3)));
    assert!(lints.is_empty());
    let _ = parse_with("1+2k2*3", Dialect::default(), &span, &mut lints);
    assert_eq!(lints.len(), 1);
    assert_eq!(lints[0].span(), Some(span(2, 5)));
    assert_eq!(rkm_value("4u7"), Some(4.7e-6));
    assert_eq!(rkm_value("1meg5"), Some(1.5e6));
    assert_eq!(rkm_value("3r3"), Some(3.3));
    assert_eq!(rkm_value("1_a"), None);
}

fn rkm_value(text: &str) -> Option<f64> {
    parser::rkm(text)
}

#[test]
fn functions_of_constants() {
    for (text, want) in [
        ("ln(10)", 10f64.ln()),
        ("log(10)", 10f64.ln()),
        ("log10(100)", 2.0),
        ("nint(2.5)", 2.0),
        ("nint(3.5)", 4.0),
        ("round(2.5)", 3.0),
        ("int(-2.5)", -2.0),
        ("sgn(0)", 0.0),
        ("sign(-3,2)", 3.0),
        ("sign(3,-2)", -3.0),
        ("u(0)", 0.5),
        ("uramp(-3)+uramp(2)", 2.0),
        ("limit(5,1,3)", 3.0),
        ("limit(5,3,1)", 3.0),
        ("limit(-5,1,3)", 1.0),
        ("min(3,1,2)", 1.0),
        ("max(3,1,7,2)", 7.0),
        ("pwr(-3,1.5)", -27f64.sqrt()),
        ("table(0.5,0,0,1,2)", 1.0),
        ("table(-3,0,0,1,2)", 0.0),
        ("table(5,0,0,1,2)", 2.0),
        ("pwl(-3,0,0,1,2)", -6.0),
        ("pwl(5,0,0,1,2)", 10.0),
        ("pwl(1,0,0,1,2)", 2.0),
        ("if(1>2, 3, 4)", 4.0),
        ("ternary_fcn(1, 3, 1/0)", 3.0),
        ("hypot(3,4)", 5.0),
        ("db(10)", 20.0),
        ("buf(0.7)+inv(0.7)", 1.0),
        ("ddt(3)", 0.0),
        ("agauss(10,3,3)", 11.0),
        ("gauss(10,0.1)", 11.0),
        ("aunif(10,2)", 9.0),
        ("unif(10,0.2)", 9.0),
        ("limit(10,2)", 8.0),
    ] {
        let got = value(text);
        assert!((got - want).abs() < 1e-12, "{text} = {got}, not {want}");
    }
}

#[test]
fn user_functions_take_values_and_nodes() {
    let mut t = Table::default()
        .func("fact", &["n"], "n<=1 ? 1 : n*fact(n-1)")
        .func("diff", &["p", "m"], "v(p)-v(m)")
        .func("outer", &["p"], "diff(p, b)*2")
        .func("twice", &["x"], "x+x")
        .func("loop", &["x"], "loop(x+1)");
    assert_eq!(value_in("fact(5)", &mut t), 120.0);
    let p = Program::compile(&read("outer(a)"), &mut t).unwrap();
    assert_eq!(p.inputs(), [Input::Node(1), Input::Node(2)]);
    assert_eq!(p.eval(&[5.0, 3.0], &mut vec![0.0; p.scratch_len()]), 4.0);
    assert_eq!(value_in("twice(agauss(1,1))", &mut t), 4.0);
    assert_eq!(t.draws, 1);
    assert_eq!(fault_in("loop(1)", true, &mut t).code.0, "E0207");
    assert_eq!(fault_in("diff(a)", false, &mut t).code.0, "E0204");
    assert_eq!(fault_in("twice(nothing)", false, &mut t).code.0, "E0202");
    // Deep bodies inside deep calls end in a fault, not in an exhausted stack.
    let body = format!("{}tall(x){}", "1+(2*".repeat(90), ")".repeat(90));
    let mut tall = Table::default().func("tall", &["x"], &body);
    assert_eq!(fault_in("tall(v(a))", false, &mut tall).code.0, "E0209");
    // 2^60 terms if an argument were put in twice.
    let deep = format!("{}v(a){}", "twice(".repeat(60), ")".repeat(60));
    let p = Program::compile(&read(&deep), &mut t).unwrap();
    assert_eq!(p.eval(&[1.0], &mut vec![0.0; p.scratch_len()]), 2f64.powi(60));
}

#[test]
fn signals() {
    let p = |t: &str| Program::compile(&read(t), &mut Table::default()).unwrap().inputs().to_vec();
    assert_eq!(p("v(x1.out)+v( a+ )*v(3)-v(net-1)/V(1_A)"), [3, 4, 5, 6, 7].map(Input::Node));
    assert_eq!(p("v(a,0)"), [Input::Node(1)]);
    assert_eq!(p("v(0)+time+temper+hertz"), [Input::Time, Input::Temper, Input::Hertz]);
    assert_eq!(p("i(v1)").len(), 1);
    assert_eq!(p("ib(q1)+i(q1,b)+ix(q1:b)").len(), 1);
    assert_eq!(p("0*v(a)*0+0").len(), 1);
    assert_eq!(p("v(a)-v(a)").len(), 1);
    assert_eq!(run("v(0,a)", &[2.0]).1, [-1.0]);
    assert_eq!(Program::compile(&read("v(0)+3"), &mut Table::default()).unwrap().as_constant(), Some(3.0));
}

#[test]
fn states_are_taken_out() {
    let p = Program::compile(&read("ddt(v(a)*ddt(v(b)))+idt(v(a),2)+ddt(v(b))"), &mut Table::default()).unwrap();
    assert_eq!(p.states().len(), 3);
    assert_eq!(p.states()[0].arg.inputs(), [Input::Node(2)]);
    assert_eq!(p.states()[1].arg.inputs(), [Input::Node(1), Input::State(0)]);
    assert_eq!(p.states()[2].kind, StateKind::Idt { initial: 2.0 });
    assert_eq!(p.inputs(), [Input::State(0), Input::State(1), Input::State(2)]);
    // Inside a condition, too: only what the argument needs.
    let p = Program::compile(&read("v(a)>0 ? ddt(v(b)>0 ? v(b) : -v(b)) : 1"), &mut Table::default()).unwrap();
    let arg = &p.states()[0].arg;
    assert_eq!(arg.eval(&[-3.0], &mut vec![0.0; arg.scratch_len()]), 3.0);
}

#[test]
fn conditions_evaluate_one_side() {
    let (v, g) = run("v(a)>0 ? v(a)*v(b) : v(b)+exp(v(a))", &[2.0, 5.0]);
    assert_eq!((v, g), (10.0, vec![5.0, 2.0]));
    let (v, g) = run("v(a)>0 ? v(a)*v(b) : v(b)+exp(v(a))", &[-1.0, 5.0]);
    assert_eq!((v, g), (5.0 + (-1f64).exp(), vec![(-1f64).exp(), 1.0]));
    // What was computed in one branch is not taken for granted after it.
    let (v, g) = run("(v(a)>0 ? exp(v(b)) : 1) + exp(v(b))", &[-1.0, 0.5]);
    assert_eq!((v, g), (1.0 + 0.5f64.exp(), vec![0.0, 0.5f64.exp()]));
}

#[test]
fn guards_keep_everything_finite() {
    assert_eq!(run("1/v(a)", &[0.0]).0, 1.0 / functions::TINY);
    assert!((run("exp(v(a))", &[1e4]).0 / 1e99 - 1.0).abs() < 1e-12);
    assert_eq!(run("pow(v(a),1.5)", &[-3.0]).0, 27f64.sqrt());
    assert_eq!(run("v(a)^3", &[-3.0]).0, 27.0);
    assert_eq!(run("sqrt(v(a))", &[-1.0]), (0.0, vec![0.0]));
    for text in [
        "ln(v(a))",
        "v(a)^-3",
        "acosh(v(a))",
        "atanh(v(a))",
        "asin(v(a))",
        "v(a)**v(a)",
        "exp(v(a))*exp(v(a))/v(a)",
        "v(a)%v(a)",
        "hypot(v(a),v(a))",
        "atan2(v(a),v(a))",
        "tan(v(a))",
        "cosh(v(a))^9",
        "db(v(a))",
        "sqrt(v(a))/sqrt(v(a))",
    ] {
        for x in [0.0, -0.0, 1.0, -1.0, 1e-300, -1e-300, 1e99, -1e99, 0.5, 300.0] {
            let (v, g) = run(text, &[x]);
            assert!(v.is_finite() && g[0].is_finite(), "{text} at {x}: {v} {g:?}");
        }
    }
}

#[test]
fn faults_point_at_the_culprit() {
    for (text, strict, code, lo, hi) in [
        ("", true, "E0201", 0, 0),
        ("1+", true, "E0201", 2, 2),
        ("(1+2", true, "E0201", 4, 4),
        ("1+2)", true, "E0201", 3, 4),
        ("2 3", true, "E0201", 2, 3),
        ("a=3", true, "E0201", 1, 2),
        ("1 ? 2", true, "E0201", 5, 5),
        ("1.2.3", true, "E0201", 0, 5),
        ("1+\u{7}", true, "E0201", 2, 3),
        ("v(a b)", false, "E0201", 2, 5),
        ("v()", false, "E0201", 2, 2),
        ("1+nix*2", true, "E0202", 2, 5),
        ("1+foo(2)", true, "E0203", 2, 5),
        ("1+sin(1,2)", true, "E0204", 2, 10),
        ("table(1,2,3,4)", true, "E0204", 0, 14),
        ("v(zz)", false, "E0205", 2, 4),
        ("i(zz)", false, "E0205", 2, 4),
        ("2*v(a)", true, "E0206", 2, 6),
        ("time", true, "E0206", 0, 4),
        ("3+1/0", true, "E0208", 2, 5),
        ("ln(-4)", true, "E0208", 0, 6),
        ("sqrt(-4)", true, "E0208", 0, 8),
        ("agauss(v(a),1)", false, "E0210", 7, 11),
        ("table(v(a),0,v(b))", false, "E0210", 13, 17),
        ("table(1,1,2,0,3)", true, "E0211", 12, 13),
    ] {
        let d = fault(text, strict);
        assert_eq!((d.code.0, d.span()), (code, Some(span(lo, hi))), "{text}: {d:?}");
    }
    let d = fault_in("vdd2*1", true, &mut Table::default().param("vdd", 1.0));
    assert_eq!(d.help, ["did you mean `vdd`?"]);
    assert_eq!(fault("sqrtt(2)", true).help, ["did you mean `sqrt`?"]);
    assert!(fault_in("x(2)", true, &mut Table::default().param("x", 1.0)).help[0].contains('*'));
    // Both faults of one expression.
    assert_eq!(Program::constant(&read("p+q"), &mut Table::default()).unwrap_err().len(), 2);
    // A fault of a parameter is not reported again.
    assert_eq!(Program::constant(&read("faulty*2"), &mut Table::default()), Err(vec![]));
}

#[test]
fn size_is_bounded() {
    for text in [
        "(".repeat(100_000),
        "-".repeat(100_000),
        "2^-".repeat(50_000),
        "1?".repeat(50_000),
        "sin(".repeat(50_000),
        vec!["1"; 100_000].join("+"),
        vec!["1"; 100_000].join("^"),
        format!("{}1{}", "(".repeat(150), ")".repeat(150)) + &"+1".repeat(990),
    ] {
        match parse(&text, &span) {
            Ok(e) => assert_eq!(value_in(&e.to_string(), &mut Table::default()), 991.0),
            Err(d) => assert_eq!(d[0].code.0, "E0209", "{d:?}"),
        }
    }
}

/// Random trees over two nodes.
fn tree() -> impl Strategy<Value = Expr> {
    let e = |k| Expr::new(k, Span::NOWHERE);
    let leaf = prop_oneof![
        (0.0..10.0f64).prop_map(move |x| e(ExprKind::Number(x))),
        any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(move |x| e(ExprKind::Number(x.abs()))),
        prop_oneof![Just("a"), Just("b")]
            .prop_map(move |n| e(ExprKind::Call("v".into(), vec![e(ExprKind::Name(n.into()))]))),
    ];
    let ops = prop_oneof![
        Just(BinaryOp::Add),
        Just(BinaryOp::Sub),
        Just(BinaryOp::Mul),
        Just(BinaryOp::Div),
        Just(BinaryOp::Rem),
        Just(BinaryOp::Pow),
        Just(BinaryOp::Lt),
        Just(BinaryOp::Ge),
        Just(BinaryOp::Eq),
        Just(BinaryOp::Ne),
        Just(BinaryOp::And),
        Just(BinaryOp::Or),
    ];
    let names: Vec<(&str, usize)> = functions::FUNCTIONS
        .iter()
        .filter(|f| {
            f.args.0 <= 3
                && !matches!(
                    f.kind,
                    functions::Kind::Table { .. }
                        | functions::Kind::Random(_)
                        | functions::Kind::Ddt
                        | functions::Kind::Idt
                )
        })
        .map(|f| (f.name, if f.name == "limit" { 3 } else { f.args.0 }))
        .collect();
    leaf.prop_recursive(5, 40, 3, move |inner| {
        prop_oneof![
            3 => (ops.clone(), inner.clone(), inner.clone()).prop_map(move |(op, a, b)| e(ExprKind::Binary(op, a.into(), b.into()))),
            1 => (prop_oneof![Just(UnaryOp::Neg), Just(UnaryOp::Not)], inner.clone()).prop_map(move |(op, a)| e(ExprKind::Unary(op, a.into()))),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(move |(c, a, b)| e(ExprKind::Select(c.into(), a.into(), b.into()))),
            3 => (proptest::sample::select(names.clone()), proptest::collection::vec(inner, 3))
                .prop_map(move |((n, count), mut args)| { args.truncate(count); e(ExprKind::Call(n.into(), args)) }),
        ]
    })
}

fn without_spans(e: &Expr) -> Expr {
    let b = |x: &Expr| Box::new(without_spans(x));
    let kind = match &e.kind {
        ExprKind::Call(n, args) => ExprKind::Call(n.clone(), args.iter().map(without_spans).collect()),
        ExprKind::Unary(op, x) => ExprKind::Unary(*op, b(x)),
        ExprKind::Binary(op, x, y) => ExprKind::Binary(*op, b(x), b(y)),
        ExprKind::Select(c, x, y) => ExprKind::Select(b(c), b(x), b(y)),
        k => k.clone(),
    };
    Expr::new(kind, Span::NOWHERE)
}

/// Has it remainders that repeat within the steps of a difference?
fn has_fine_remainder(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Binary(BinaryOp::Rem, _, y) if !matches!(y.kind, ExprKind::Number(m) if m.abs() > 1e-2) => true,
        ExprKind::Binary(_, x, y) => has_fine_remainder(x) || has_fine_remainder(y),
        ExprKind::Call(_, args) => args.iter().any(has_fine_remainder),
        ExprKind::Unary(_, x) => has_fine_remainder(x),
        ExprKind::Select(c, x, y) => [c, x, y].iter().any(|e| has_fine_remainder(e)),
        _ => false,
    }
}

proptest! {
    #[test]
    fn print_and_parse_are_inverse(e in tree()) {
        let text = e.to_string();
        prop_assert_eq!(without_spans(&read(&text)), e, "{}", text);
    }

    #[test]
    fn no_text_panics(text in "[ -~µ\n]{0,60}") {
        if let Ok(e) = parse(&text, &span) {
            let _ = Program::compile(&e, &mut Table::default());
            let _ = Program::constant(&e, &mut Table::default());
        }
    }

    #[test]
    fn derivatives_match_differences(e in tree(), a in -3.0..3.0f64, b in -3.0..3.0f64) {
        let Ok(p) = Program::compile(&e, &mut Table::default()) else { return Ok(()) };
        let x: Vec<f64> = p.inputs().iter().map(|i| if *i == Input::Node(1) { a } else { b }).collect();
        let mut s = vec![0.0; p.scratch_len()];
        let mut g = vec![0.0; x.len()];
        let v = p.eval_grad(&x, &mut g, &mut s);
        prop_assert!(v.is_finite() && g.iter().all(|g| g.is_finite()), "{} = {v}, {g:?}", e);
        // Beyond these, differences say nothing.
        if has_fine_remainder(&e) || s[..s.len() / 2].iter().any(|r| r.abs() > 1e6) {
            return Ok(());
        }
        for k in 0..x.len() {
            let mut at = |h: f64| { let mut y = x.clone(); y[k] += h; p.eval(&y, &mut s) };
            // Only where two step sizes and both sides agree is there a derivative to compare with.
            let (h1, h2) = (1e-4, 1e-5);
            let d1 = (at(h1) - at(-h1)) / (2.0 * h1);
            let d2 = (at(h2) - at(-h2)) / (2.0 * h2);
            let (right, left) = ((at(h2) - v) / h2, (v - at(-h2)) / h2);
            let scale = 1e-6 * v.abs() + 1e-3 * d2.abs() + 1e-7;
            let smooth = (d1 - d2).abs() < scale && (right - left).abs() < scale && v.abs() < 1e6 && d2.abs() < 1e6;
            if smooth {
                prop_assert!((g[k] - d2).abs() < 10.0 * scale, "{}: d{k} = {} but {d2} by differences at {x:?}", e, g[k]);
            }
        }
    }
}
