//! Any text as an expression: reading, printing, compiling and evaluating never panic, and values are finite.
#![no_main]

use ferrospice::base::Sym;
use ferrospice::diag::Span;
use ferrospice::expr::{self, Expr, Program, Scope};
use libfuzzer_sys::fuzz_target;

/// Every node exists, every element is the same one, and there are two parameters.
struct Anything;

impl Scope for Anything {
    fn param(&mut self, name: &str) -> Option<Result<f64, ()>> {
        match name {
            "p" => Some(Ok(2.5)),
            "q" => Some(Ok(-1e-3)),
            _ => None,
        }
    }
    fn func(&mut self, _: &str) -> Option<(Vec<String>, Expr)> {
        None
    }
    fn node(&mut self, name: &str) -> Option<u32> {
        Some(name.len() as u32)
    }
    fn branch(&mut self, _: &str) -> Option<Sym> {
        Some(Sym(1))
    }
    fn normal(&mut self) -> f64 {
        0.7
    }
    fn uniform(&mut self) -> f64 {
        -0.3
    }
    fn known_names(&self) -> Vec<String> {
        vec!["p".into(), "q".into()]
    }
}

fuzz_target!(|text: &str| {
    let Ok(e) = expr::parse(text, &|_, _| Span::NOWHERE) else { return };
    let again = expr::parse(&e.to_string(), &|_, _| Span::NOWHERE);
    assert_eq!(again.as_ref(), Ok(&e));
    let _ = Program::constant(&e, &mut Anything);
    let Ok(p) = Program::compile(&e, &mut Anything) else { return };
    let n = p.inputs().len();
    let (mut grad, mut scratch) = (vec![0.0; n], vec![0.0; p.scratch_len()]);
    for x in [0.0, 1.0, -1.0, 1e-30, -1e30] {
        let v = p.eval_grad(&vec![x; n], &mut grad, &mut scratch);
        assert!(v.is_finite() && grad.iter().all(|g| g.is_finite()), "{e} at {x}: {v} {grad:?}");
    }
});
