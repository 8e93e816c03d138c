//! Nothing in a Verilog-A file makes the compiler panic, hang or keep silent: the modules of the library and of the tests,
//! changed at random, go the whole way to machine code.
//!
//! `PROPTEST_CASES=20000 cargo test --release --test va_robust` tries more.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ferrospice::diag::{SourceMap, render};
use ferrospice::veriloga::bind::{BackEnd, VaDevice};
use ferrospice::veriloga::{Options, parse_and_check};
use proptest::prelude::*;

mod mutate;

use mutate::{cases, edited, edits};

/// Longer ones say no more.
const MAX_BYTES: usize = 6000;

const WORDS: &[&str] = &[
    "0",
    "-1",
    "1e400",
    "1e-400",
    "1.5u",
    "4'bx",
    "'hff",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "'{",
    "(*",
    "*)",
    ",",
    ";",
    ":",
    "=",
    "==",
    "<+",
    "<<",
    ">>>",
    "**",
    "?",
    "@",
    "#",
    "$",
    "\"",
    "`",
    "`define M(x) x",
    "`M",
    "`ifdef A",
    "`else",
    "`endif",
    "`include \"x.va\"",
    "`undef M",
    "//",
    "/*",
    "*/",
    "module m(a);",
    "endmodule",
    "begin",
    "begin : x",
    "end",
    "if (",
    "else",
    "for (i = 0; i < 1000000; i = i + 1)",
    "while (1)",
    "repeat (3)",
    "case (1)",
    "default:",
    "endcase",
    "generate",
    "genvar i;",
    "analog",
    "analog begin",
    "analog initial",
    "analog function real f; input x; real x; f = f(x);",
    "endfunction",
    "parameter real p = p;",
    "parameter integer n = 1 from [0:inf);",
    "from (a, b)",
    "exclude 0",
    "real x[0:99999];",
    "real x;",
    "integer i;",
    "genvar",
    "string s = \"a\";",
    "inout a;",
    "electrical a;",
    "ground a;",
    "branch (a, a) b;",
    "branch (a) b;",
    "thermal t;",
    "nature N; endnature",
    "discipline d; enddiscipline",
    "V(a)",
    "I(a, a)",
    "I(<a>)",
    "V(a) <+ 1;",
    "I(a) : V(a) == 0;",
    "ddt(",
    "ddt(ddt(V(a)))",
    "idt(",
    "idtmod(",
    "ddx(",
    "ddx(V(a), V(a))",
    "absdelay(",
    "transition(",
    "slew(",
    "laplace_nd(",
    "zi_nd(",
    "last_crossing(",
    "limexp(",
    "$limit(",
    "@(cross(",
    "@(timer(0))",
    "@(initial_step)",
    "@(final_step or cross(V(a)))",
    "$random",
    "$rdist_normal(1, 0, 1)",
    "$temperature",
    "$simparam(\"gmin\")",
    "$table_model(",
    "white_noise(1, \"w\")",
    "flicker_noise(",
    "$strobe(\"%g %s %d\", 1)",
    "$bound_step(0)",
    "$discontinuity(0)",
    "$finish",
    "$fatal",
    "x = x / 0;",
    "ln(-1)",
    "sqrt(-1)",
    "pow(0, 0)",
    "1 % 0",
    "1 / 0",
    "\0",
    "\r",
    "µ",
    "日本",
    "\u{feff}",
];

/// The modules of the library and of the tests that are short.
fn seeds() -> &'static [String] {
    static SEEDS: OnceLock<Vec<String>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files: Vec<PathBuf> = ["models", "netlists/veriloga", "tests/veriloga", "tests/va_book"]
            .iter()
            .flat_map(|f| std::fs::read_dir(root.join(f)).expect("a folder"))
            .filter_map(|e| e.ok().map(|e| e.path()))
            .filter(|p| p.extension().is_some_and(|x| x == "va"))
            .collect();
        files.sort();
        let texts = files.iter().filter_map(|p| std::fs::read_to_string(p).ok());
        texts.filter(|t| t.len() < MAX_BYTES).collect()
    })
}

/// From text to machine code; how many modules got there.
fn compile(text: &str) -> usize {
    let files = |p: &Path| match p == Path::new("x.va") {
        true => Ok(text.to_string()),
        false => Err(Error::new(ErrorKind::NotFound, "no files here")),
    };
    let options = Options { max_tokens: 100_000, max_unrolled: 5_000, max_array: 10_000, ..Options::default() };
    let mut sources = SourceMap::new();
    let (modules, faults) = parse_and_check(&files, Path::new("x.va"), &mut sources, &options);
    let draw = |all: &[ferrospice::diag::Diagnostic]| {
        for d in all {
            assert!(!render::one(d, &sources, render::Style::default()).is_empty());
            assert!(!render::json(d, &sources).is_empty());
            ferrospice::diag::explain(d.code.0).expect("every code is explained");
        }
    };
    draw(&faults);
    let mut done = 0;
    for m in &modules {
        assert!(m.text().starts_with("module "));
        match VaDevice::compile(m, BackEnd::Native) {
            Ok(_) => done += 1,
            Err(why) => {
                assert!(!why.is_empty(), "refused without a reason");
                draw(&why);
            }
        }
    }
    assert!(!modules.is_empty() || !faults.is_empty() || !text.contains("module"), "silent:\n{text}");
    done
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(120), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_modules_are_compiled(k in 0..10_000usize, edits in edits()) {
        let seeds = seeds();
        let text = edited(&seeds[k % seeds.len()], &edits, WORDS);
        let begin = Instant::now();
        compile(&text);
        prop_assert!(begin.elapsed() < Duration::from_secs(20), "slow:\n{text}");
    }

    #[test]
    fn any_words_are_compiled(words in prop::collection::vec(0..WORDS.len(), 0..60)) {
        let mut text = String::from("module m(a); inout a; electrical a; analog begin\n");
        for w in words {
            text.push_str(WORDS[w]);
            text.push(' ');
        }
        compile(&text);
    }
}

#[test]
fn modules_as_they_are_compile() {
    let all: usize = seeds().iter().map(|t| compile(t)).sum();
    assert!(all > 50, "only {all}");
}
