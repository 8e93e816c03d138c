//! Reading decks: lines, fields, blocks, files, faults with their places, and the printer.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::ast::{Field, FieldKind, ParamText, Stmt};
use super::*;
use crate::diag::{Diagnostic, SourceMap, Span};

#[derive(Default)]
struct Memory(HashMap<PathBuf, String>);

impl Files for Memory {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| std::io::Error::new(std::io::ErrorKind::NotFound, "no such file"))
    }
}

struct Read {
    deck: Deck,
    diags: Vec<Diagnostic>,
    sources: SourceMap,
}

impl Read {
    fn codes(&self) -> Vec<&str> {
        self.diags.iter().map(|d| d.code.0).collect()
    }

    /// Code and text under the primary label of the only diagnostic.
    fn only(&self) -> (&str, &str) {
        assert_eq!(self.diags.len(), 1, "{:#?}", self.diags);
        (self.diags[0].code.0, self.sources.text(self.diags[0].span().unwrap()))
    }

    fn fields(&self, stmt: &Stmt) -> Vec<(FieldKind, String)> {
        let f = match stmt {
            Stmt::Element(e) => e.fields,
            Stmt::Card(c) => c.fields,
            Stmt::Model(m) => m.fields,
            s => panic!("{s:?}"),
        };
        let list: &[Field] = &self.deck.fields[f.start as usize..(f.start + f.len) as usize];
        list.iter().map(|f| (f.kind, self.deck.names.get(f.sym).to_string())).collect()
    }

    fn print(&self) -> String {
        print(&self.deck, &self.sources)
    }
}

fn read_files(text: &str, files: &[(&str, &str)], opts: &ParseOptions) -> Read {
    let files = Memory(files.iter().map(|(n, t)| (PathBuf::from(n), t.to_string())).collect());
    let mut sources = SourceMap::new();
    let (deck, diags) = parse(&files, "dir/deck.cir", text, opts, &mut sources);
    Read { deck, diags, sources }
}

/// A deck without title line.
fn read(text: &str) -> Read {
    read_files(&format!("title\n{text}"), &[], &ParseOptions::default())
}

fn clean(text: &str) -> Read {
    let r = read(text);
    assert!(r.diags.is_empty(), "{text}: {:#?}", r.diags);
    r
}

#[test]
fn titles() {
    let title = |t: &str| read_files(t, &[], &ParseOptions::default()).deck.title;
    assert_eq!(title("* An amplifier \r\nR1 a 0 1\n"), "An amplifier");
    assert_eq!(title(".title Mine\n"), "Mine");
    assert_eq!(title("R1 a 0 1\n.title Other\n"), "Other");
    assert_eq!(title(""), "");
    let r = read_files("  .tran 1n 1u\n", &[], &ParseOptions::default());
    assert_eq!(r.only(), ("W0103", ".tran 1n 1u"));
    assert!(r.deck.body.is_empty());
}

#[test]
fn lines_comments_and_continuations() {
    let r = clean("R1 A 0 ; no\n* c\n\n  + 1k $ more\n+ tc1=1e-3 // and more\n# c\nC1 a 0 1n$x\r\n$ c\nL1 a 0\t1u\n");
    assert_eq!(r.deck.body.len(), 3);
    use FieldKind::*;
    let f = |k, t: &str| (k, t.to_string());
    assert_eq!(r.fields(&r.deck.body[0]), [f(Word, "a"), f(Word, "0"), f(Word, "1k"), f(Key, "tc1"), f(Word, "1e-3")]);
    assert_eq!(r.fields(&r.deck.body[1])[2], f(Word, "1n$x"));
    // Spans lead back to the file through the continuation.
    let Stmt::Element(e) = &r.deck.body[0] else { panic!() };
    let list = &r.deck.fields[e.fields.start as usize..][..5];
    let texts: Vec<&str> = list.iter().map(|f| r.sources.text(Span::new(e.file, f.lo, f.hi))).collect();
    assert_eq!(texts, ["A", "0", "1k", "tc1", "1e-3"]);
    assert!(r.sources.text(e.span()).starts_with("R1 A") && r.sources.text(e.span()).ends_with("1e-3"));
    assert_eq!(read("+ 1k\n").only(), ("E0111", "+"));
    assert_eq!(read("3 a b\n").only(), ("E0110", "3"));
    assert_eq!(read("a = 3\n").only(), ("E0110", "a"));
    let r = read_files("t\nR1 $N_1 0 1k\n", &[], &ParseOptions { compat: Compat::Pspice, ..Default::default() });
    assert_eq!(r.fields(&r.deck.body[0])[0].1, "$n_1");
}

#[test]
fn fields_of_elements_and_cards() {
    use FieldKind::*;
    let f = |k, t: &str| (k, t.to_string());
    let r = clean(
        "V1 a 0 PWL(0 0, 1n {x*2}) ac = 1\n.print tran v(a,b) @m1[gm]\n.ic v(a)=1\nE1 a 0 POLY(2) a 0 b 0 1 2\n.check x max >= 3\nV2 b 0 pwl file=\"Data.TXT\"\n",
    );
    assert_eq!(
        r.fields(&r.deck.body[0]),
        [
            f(Word, "a"),
            f(Word, "0"),
            f(Word, "pwl"),
            f(Open, ""),
            f(Word, "0"),
            f(Word, "0"),
            f(Comma, ""),
            f(Word, "1n"),
            f(Expr, "x*2"),
            f(Close, ""),
            f(Key, "ac"),
            f(Word, "1")
        ]
    );
    assert_eq!(
        r.fields(&r.deck.body[1])[1..],
        [f(Word, "v"), f(Open, ""), f(Word, "a"), f(Comma, ""), f(Word, "b"), f(Close, ""), f(Word, "@m1[gm]")]
    );
    assert_eq!(
        r.fields(&r.deck.body[2]),
        [f(Word, "v"), f(Open, ""), f(Word, "a"), f(Close, ""), f(Symbol, "="), f(Word, "1")]
    );
    assert_eq!(r.fields(&r.deck.body[4])[2..], [f(Symbol, ">="), f(Word, "3")]);
    assert_eq!(r.fields(&r.deck.body[5])[3..], [f(Key, "file"), f(Text, "data.txt")]);
    // Behavioural sources without braces.
    let r = clean(
        "B1 a 0 V=v(x)*2 + (v(y)>=1 ? 1:2) tc1=3 m=2\nB2 a 0 i = {v(x)}\nE1 a 0 vol='v(x)' m=1\nB3 a 0 v={a}*{b}\n",
    );
    assert_eq!(
        r.fields(&r.deck.body[0])[2..],
        [f(Key, "v"), f(Expr, "v(x)*2 + (v(y)>=1 ? 1:2)"), f(Key, "tc1"), f(Word, "3"), f(Key, "m"), f(Word, "2")]
    );
    assert_eq!(r.fields(&r.deck.body[1])[2..], [f(Key, "i"), f(Expr, "v(x)")]);
    assert_eq!(r.fields(&r.deck.body[2])[2..], [f(Key, "vol"), f(Expr, "v(x)"), f(Key, "m"), f(Word, "1")]);
    assert_eq!(r.fields(&r.deck.body[3])[2..], [f(Key, "v"), f(Expr, "{a}*{b}")]);
}

#[test]
fn parameters_and_functions() {
    let r = clean(
        ".param a=1k, b = {a*2} c='a+b' d = 2 * (a + 3) f(x)=x*2 name=\"A b\" s=str('Tt') ok={a>=2 ? 1:0}\n.func g(x, y) {x+y}\n.func h(x)='x'\n.param k = a==1\n",
    );
    assert_eq!(
        r.print(),
        ".title title\n.param a={1000}\n.param b={a*2}\n.param c={a + b}\n.param d={2*(a + 3)}\n.func f(x) {x*2}\n.param name=\"A b\"\n.param s=\"Tt\"\n.param ok={a >= 2 ? 1 : 0}\n.func g(x,y) {x + y}\n.func h(x) {x}\n.param k={a == 1}\n.end\n"
    );
    assert_eq!(read(".param a=\n").only(), ("E0108", "a"));
    assert_eq!(read(".param a\n").only(), ("E0108", "a"));
    assert_eq!(read(".param a b=1\n").only(), ("E0108", "a"));
    assert_eq!(read(".param 2a=1\n").only(), ("E0108", "2a"));
    assert_eq!(read(".param a={1+}\n").only().0, "E0201");
    assert_eq!(read(".param a=1 2\n").only(), ("E0201", "2"));
    assert_eq!(read(".param a=1+\n+ b ? c\n").only().0, "E0201");
    assert_eq!(read(".param x=2k2\n").only(), ("L0201", "2k2"));
    let r = read(".param a = 1 +\n+ #\n");
    assert_eq!(r.only(), ("E0201", "#"));
    assert_eq!(read(".func f {x}\n").only().0, "E0108");
    assert_eq!(read(".func f(x)\n").only(), ("E0108", "f"));
    assert_eq!(read(".func f(1) {x}\n").only(), ("E0108", "1"));
}

#[test]
fn models() {
    let r = clean(
        ".model N1 NMOS (Level=1 Vto=0.7, kp=1e-4)\n.model n2 ako:n1 nmos vto=1\n.model n3 ako: n1 (x=(1,2) y=3)\n.model d1 d\n",
    );
    assert_eq!(
        r.print(),
        ".title title\n.model n1 nmos ( level=1 vto=0.7 kp=1e-4 )\n.model n2 ako:n1 nmos ( vto=1 )\n.model n3 ako:n1 ( x=(1, 2) y=3 )\n.model d1 d\n.end\n"
    );
    let r = read(".model n1 nmos (vto=1\n");
    assert_eq!(r.only(), ("W0102", "("));
    assert_eq!(r.deck.body.len(), 1);
    assert_eq!(read(".model\n").only().0, "E0108");
    assert_eq!(read(".model n1\n").only(), ("E0108", "n1"));
}

#[test]
fn subcircuits_and_conditions() {
    let r = clean(
        ".subckt inv in out params: w=1u l={w*2}\n.subckt sub a\nR1 a 0 1\n.ends\nX1 in sub\n.ends inv\n.macro two (a b) k=2\n.if (k > 1)\nR1 a b 1\n.elseif k==1\nR1 a b 2\n.else\nR1 a b 3\n.endif\n.eom\n",
    );
    let Stmt::Subckt(s) = &r.deck.body[0] else { panic!() };
    assert_eq!((s.ports.len(), s.params.len(), s.body.len()), (2, 2, 2));
    assert!(matches!(&s.params[0].value, ParamText::Expr(_)));
    let Stmt::Subckt(s) = &r.deck.body[1] else { panic!() };
    let Stmt::If(d) = &s.body[0] else { panic!() };
    assert_eq!(d.arms.len(), 3);
    assert_eq!(read(".subckt a b\nR1 b 0 1\n").only(), ("E0104", ".subckt a b"));
    assert_eq!(read(".ends\n").only(), ("E0105", ".ends"));
    assert_eq!(read(".else\n").only(), ("E0105", ".else"));
    assert_eq!(read(".subckt a b\n.ends c\n").only(), ("E0105", ".ends c"));
    assert_eq!(read(".subckt a b\n.if 1\n.ends a\n").only(), ("E0104", ".if 1"));
    assert_eq!(read(".subckt a b\n.subckt c d\n.ends a\n").only(), ("E0104", ".subckt c d"));
    assert_eq!(read(".subckt a b B\n.ends\n").only(), ("E0112", "B"));
    assert_eq!(read(".if 1\n.else\n.else\n.endif\n").only(), ("E0105", ".else"));
    assert_eq!(read(".subckt a b c=1 d\n.ends\n").codes(), ["E0201"]);
}

#[test]
fn cards() {
    let r = clean(".option reltol=1e-4\n.measure tran x max v(a)\n.data d a b\n1 2\n+ 3 4\n5 6\n.enddata\n");
    assert_eq!(
        r.print(),
        ".title title\n.options reltol=1e-4\n.meas tran x max v(a)\n.data d a b 1 2 3 4 5 6\n.enddata\n.end\n"
    );
    let r = read(".trna 1 2\n");
    assert_eq!(r.only(), ("E0107", ".trna"));
    assert_eq!(r.diags[0].help, ["did you mean `.tran`?"]);
    assert_eq!(read(".width out=80\n").only(), ("L0101", ".width"));
    assert_eq!(read(".alter\n").only(), ("E0109", ".alter"));
    let r = read(".control\nrun\nplot v(a)\n.endc\nR1 a 0 1\n.end\nnonsense here = \n");
    assert_eq!(r.codes(), ["W0101"]);
    assert_eq!(r.deck.control.iter().map(|s| r.sources.text(*s)).collect::<Vec<_>>(), ["run", "plot v(a)"]);
    assert_eq!(r.deck.body.len(), 1);
    assert_eq!(read(".control\nrun\n").codes(), ["E0104"]);
    assert_eq!(read("R1 a 0 {1\n").only(), ("E0106", "{"));
    assert_eq!(read("R1 a 0 'x\n").only(), ("E0106", "'"));
    assert_eq!(read("V1 a 0 sin(0 1 2\n").only(), ("E0106", "("));
    assert_eq!(read("V1 a 0 sin 0 1)\n").only(), ("E0106", ")"));
    // Several faults at once.
    assert_eq!(read(".foo\n3\nR1 a 0 {\n.ends\n").codes(), ["E0107", "E0110", "E0106", "E0105"]);
}

#[test]
fn other_files() {
    let opts = ParseOptions { include_dirs: vec!["lib".into()], ..Default::default() };
    let files = [
        ("dir/a.inc", "R1 a 0 1\n.include 'sub/b.inc'\n"),
        ("dir/sub/b.inc", "R2 a 0 1\n"),
        (
            "lib/p.lib",
            "* models\n.lib tt\n.model n nmos\n.lib 'p.lib' common\n.endl tt\n.lib ff\n.model n nmos (x=1)\n.endl\n.lib common\nR9 a 0 1\n.endl\n",
        ),
        ("dir/loop.inc", ".include loop2.inc\n"),
        ("dir/loop2.inc", "R3 a 0 1\n.include loop.inc\n"),
        ("dir/open.lib", ".lib x\nR1 a 0 1\n"),
    ];
    let r = |t: &str| read_files(&format!("t\n{t}"), &files, &opts);
    let ok = r(".include a.inc\n.lib p.lib TT\n.inc \"a.inc\"\n");
    assert!(ok.diags.is_empty(), "{:#?}", ok.diags);
    assert_eq!(ok.print(), ".title t\nr1 a 0 1\nr2 a 0 1\n.model n nmos\nr9 a 0 1\nr1 a 0 1\nr2 a 0 1\n.end\n");
    assert_eq!(ok.sources.files().len(), 4);
    let none = r(".include nix.inc\n");
    assert_eq!(none.only(), ("E0101", "nix.inc"));
    assert_eq!(none.diags[0].notes.len(), 2);
    let cycle = r(".include loop.inc\n");
    assert_eq!(cycle.only(), ("E0102", "loop.inc"));
    let section = r(".lib p.lib t\n");
    assert_eq!(section.only(), ("E0103", "p.lib"));
    assert_eq!(section.diags[0].notes, ["its sections: tt, ff, common"]);
    assert_eq!(r(".lib open.lib x\n").codes(), ["E0104"]);
    assert_eq!(r(".include\n").only(), ("E0108", ".include"));
    // A section in the deck itself is only read when asked for.
    assert_eq!(r(".lib here\nR1 a 0 1\n.endl\n").deck.body.len(), 0);
    assert_eq!(r(".lib a.inc\n").deck.body.len(), 2);
    assert_eq!(r(".endl\n").codes(), ["E0105"]);
    assert_eq!(decode(vec![b'2', 0xb5, b'F']), "2µF");
}

const SAMPLE: &str = "sample\n.param a=1k b={a*2} f(x)=x**2\n.func g(x) 'x+1'\n.global vdd\nV1 in 0 dc 0 ac 1 PULSE(0 {b} 1n 1n 1n 5n 10n)\nR1 in out 1k tc1=1e-3 ; c\nC1 out 0 1p\n+ ic=0.5\nB1 x 0 V=v(in)*v(out)+sin(time)\n.model nch nmos (level=1\n+ vto=0.7 kp={a})\n.subckt amp in out params: k=2\nE1 out 0 in 0 {k}\n.if (k>1)\nR2 out 0 1k\n.else\nR2 out 0 2k\n.endif\n.ends amp\nX1 in out2 amp k=3\n.ic v(out)=0.1\n.control\nrun\n.endc\n.lib 'x' y\n.meas tran t trig v(in) val=0.5 rise=1 targ v(out) val='a/2' fall=1\n.end\n";

fn spans_in_bounds(r: &Read) {
    let ok = |s: Span| match r.sources.file(s.file) {
        Some(f) => s.lo <= s.hi && s.hi as usize <= f.text.len() && f.text.get(s.lo as usize..s.hi as usize).is_some(),
        None => s.is_nowhere(),
    };
    for d in &r.diags {
        for l in &d.labels {
            assert!(ok(l.span), "{d:?}");
        }
    }
    fn walk(r: &Read, body: &[Stmt], ok: &dyn Fn(Span) -> bool) {
        for s in body {
            let (file, f) = match s {
                Stmt::Element(e) => (e.file, e.fields),
                Stmt::Card(c) => (c.file, c.fields),
                Stmt::Model(m) => (m.file, m.fields),
                Stmt::Subckt(s) => {
                    walk(r, &s.body, ok);
                    continue;
                }
                Stmt::If(d) => {
                    d.arms.iter().for_each(|a| walk(r, &a.1, ok));
                    continue;
                }
                Stmt::Param(p) => {
                    assert!(ok(p.name_span));
                    continue;
                }
                Stmt::Func(f) => {
                    assert!(ok(f.span));
                    f.body.visit(&mut |e| assert!(ok(e.span), "{e:?}"));
                    continue;
                }
            };
            for field in &r.deck.fields[f.start as usize..(f.start + f.len) as usize] {
                assert!(ok(Span::new(file, field.lo, field.hi)), "{field:?}");
            }
        }
    }
    walk(r, &r.deck.body, &ok);
}

#[test]
fn printing_and_reading_are_inverse() {
    let files = [("dir/x", ".lib y\nR7 a 0 1\n.endl\n")];
    let first = read_files(SAMPLE, &files, &ParseOptions::default());
    assert_eq!(first.codes(), ["W0101"]);
    let text = first.print();
    let second = read_files(&text, &[], &ParseOptions::default());
    assert_eq!(second.codes(), ["W0101"]);
    assert_eq!(second.print(), text);
    assert_eq!(second.deck.fields.len(), first.deck.fields.len());
    assert_eq!(second.deck.body.len(), first.deck.body.len());
    let long = clean(&format!("V1 a 0 pwl({})\n", (0..100).map(|i| format!("{i}n {i}")).collect::<Vec<_>>().join(" ")));
    assert!(long.print().lines().all(|l| l.len() < 120));
    assert_eq!(read_files(&long.print(), &[], &ParseOptions::default()).print(), long.print());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        spans_in_bounds(&read(&decode(bytes)));
    }

    #[test]
    fn no_text_panics(text in "([.+*$;a-z0-9 =(){}'\",/\n]|µ|\\.if|\\.lib x|\\.data|\\.param|\\.subckt|\\.func f\\(|\\.ends|\\.model m){0,80}") {
        spans_in_bounds(&read(&text));
    }

    #[test]
    fn no_mutation_panics(
        cuts in proptest::collection::vec((0..SAMPLE.len(), 0..40usize, "[ -~\n]{0,6}"), 1..8),
    ) {
        let mut text = SAMPLE.to_string();
        for (at, len, put) in cuts {
            let lo = at.min(text.len());
            let hi = (at + len).min(text.len());
            text.replace_range(lo..hi, &put);
        }
        let r = read_files(&text, &[], &ParseOptions::default());
        spans_in_bounds(&r);
        // What was read without an error can be printed and read again.
        if r.diags.iter().all(|d| !d.is_error()) {
            let again = read_files(&r.print(), &[], &ParseOptions::default());
            prop_assert!(again.diags.iter().all(|d| !d.is_error()), "{}\n{:?}", r.print(), again.diags);
        }
    }
}

/// The cost of reading: run with `--release --ignored --nocapture` to see it.
#[test]
#[ignore = "a measurement"]
fn large_deck() {
    let mut text = String::from("large\n");
    for i in 0..200_000 {
        text.push_str(&format!("R{i} n{i} n{} 1k\n", i + 1));
    }
    let t = std::time::Instant::now();
    let r = read_files(&text, &[], &ParseOptions::default());
    let seconds = t.elapsed().as_secs_f64();
    let bytes = r.deck.fields.capacity() * size_of::<Field>() + r.deck.body.capacity() * size_of::<Stmt>();
    eprintln!("{} bytes of text, {seconds:.3} s, {} bytes/element without names and text", text.len(), bytes / 200_000);
    assert_eq!(r.deck.body.len(), 200_000);
}
