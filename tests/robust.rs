//! Nothing a user can feed in makes the program panic, hang or keep silent about a fault.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ferrospice::base::Control;
use ferrospice::diag::{Diagnostic, render};
use ferrospice::netlist::Compat;
use ferrospice::session::{self, Memory, Outcome, RunOptions};
use proptest::prelude::*;

mod mutate;

use mutate::{cases, edited, edits};

const LIMIT: Duration = Duration::from_secs(2);

/// Runs with a time limit; all diagnostics are drawn, for a span outside its file would panic there.
fn run_as(text: &str, compat: Compat) -> Outcome {
    let control = Control::new(None);
    let flag = control.cancel_flag();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if stopped.recv_timeout(LIMIT).is_err() {
            flag.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
    let options = RunOptions { compat, threads: 1, ..RunOptions::default() };
    let out = session::run_text("deck.cir", text, &options, &Memory::new([]), &control);
    drop(stop);
    let _ = watch.join();
    let _ = render::text(&out.diagnostics, &out.sources, render::Style::default());
    for d in &out.diagnostics {
        let _ = render::json(d, &out.sources);
        let _ = ferrospice::diag::explain(d.code.0).expect("every code is explained");
    }
    out
}

fn run(text: &str) -> Outcome {
    run_as(text, Compat::Ngspice)
}

fn codes(out: &Outcome) -> Vec<&'static str> {
    out.diagnostics.iter().map(|d: &Diagnostic| d.code.0).collect()
}

/// The deck has this fault, among others perhaps.
#[track_caller]
fn faulty(text: &str, code: &str) {
    let out = run(text);
    let found = codes(&out);
    assert!(found.contains(&code), "{code} expected, found {found:?}");
}

#[track_caller]
fn fine(text: &str) {
    let out = run(text);
    assert!(!out.has_errors(), "{}", render::text(&out.diagnostics, &out.sources, render::Style::default()));
}

/// All decks of `netlists/` that are small enough for many variations.
fn seeds() -> &'static [String] {
    static SEEDS: OnceLock<Vec<String>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let mut folders: Vec<PathBuf> = ["netlists", "tests/golden/decks", "tests/ui"]
            .iter()
            .map(|f| Path::new(env!("CARGO_MANIFEST_DIR")).join(f))
            .collect();
        let mut decks = vec![];
        while let Some(f) = folders.pop() {
            for e in fs::read_dir(f).expect("a folder").filter_map(Result::ok) {
                let p = e.path();
                if p.ends_with("netlists/trains") {
                    // Ten thousand pulses each.
                } else if p.is_dir() {
                    folders.push(p);
                } else if p.extension().is_some_and(|x| x == "cir")
                    && let Ok(text) = fs::read_to_string(&p)
                    && text.len() < 3000
                {
                    decks.push((p, text));
                }
            }
        }
        decks.sort();
        decks.into_iter().map(|d| d.1).collect()
    })
}

/// Words that mean something somewhere, and some that mean nothing anywhere.
const WORDS: &[&str] = &[
    "0",
    "-1",
    "1e400",
    "1e-400",
    "nan",
    "inf",
    "{",
    "}",
    "(",
    ")",
    "'",
    "\"",
    "=",
    "+",
    "-",
    "*",
    ",",
    ";",
    "$",
    "\\",
    ".end",
    ".ends",
    ".subckt x a b",
    ".include x",
    ".lib a b",
    ".if (",
    ".else",
    ".endif",
    ".step param r 1 2 0",
    ".param a={a}",
    ".func f(x) {f(x)}",
    ".tran 0 0",
    ".ac dec 10 0 1",
    ".dc v1 0 0 0",
    ".op",
    ".meas tran x when",
    ".options gmin=-1",
    ".data d a",
    "poly(",
    "table(",
    "laplace",
    "pwl(0",
    "pulse(",
    "params:",
    "m=0",
    "m=-1",
    "\0",
    "\r",
    "\t",
    "µ",
    "−",
    "Ω",
    "é",
    "日本",
    "\u{feff}",
    "1k2k3k",
    "2k2",
    "v(",
    "i(",
    "@r1[",
    "ako:",
    "level=99",
    "x1",
    "d1 a b c",
    "q1 1 2 3 4 5 6",
    "k1 l1 l1 2",
    "t1",
    "b1 0 0 v=1/0",
    "{1/0}",
    "{sqrt(-1)}",
    "?:",
    "**",
    "~",
    "#",
];

/// Times beyond these make a transient of a mangled deck long; it is the reading that is tested here.
fn only_operating_points(text: &str) -> String {
    text.lines()
        .map(|l| {
            let lower = l.trim_start().to_ascii_lowercase();
            let heavy = [".tran", ".noise", ".ac", ".dc", ".step", ".pz", ".sens", ".temp"];
            if heavy.iter().any(|h| lower.starts_with(h)) { format!("* {l}\n.op\n") } else { format!("{l}\n") }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(300), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_decks_are_read(k in 0..10_000usize, edits in edits(), dialect in 0..4usize) {
        let seeds = seeds();
        let text = edited(&seeds[k % seeds.len()], &edits, WORDS);
        let compat = [Compat::Ngspice, Compat::Ltspice, Compat::Hspice, Compat::Pspice][dialect];
        let options = RunOptions { compat, ..RunOptions::default() };
        let begin = Instant::now();
        let out = session::check_text("deck.cir", &text, &options, &Memory::new([]));
        let _ = render::text(&out.diagnostics, &out.sources, render::Style::default());
        prop_assert!(begin.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn mutated_decks_are_run(k in 0..10_000usize, edits in edits()) {
        let seeds = seeds();
        let text = edited(&only_operating_points(&seeds[k % seeds.len()]), &edits, WORDS);
        let out = run(&text);
        // Either there is a result, or there is a reason why not.
        prop_assert!(out.has_run || !out.diagnostics.is_empty(), "silent:\n{text}");
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,200}") {
        run(&text);
    }

    #[test]
    fn any_words_are_read(words in prop::collection::vec(0..WORDS.len(), 0..60), lines in 1..6usize) {
        let mut text = String::from("title\n");
        for (k, w) in words.iter().enumerate() {
            text.push_str(WORDS[*w]);
            text.push(if k % lines == 0 { '\n' } else { ' ' });
        }
        run(&only_operating_points(&text));
    }
}

#[test]
fn files_that_are_no_decks() {
    faulty("", "E0501");
    faulty("\n\n\n", "E0501");
    faulty("only a title", "E0501");
    faulty("\u{feff}", "E0501");
    let bytes: Vec<u8> = (0..4000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let out = run(&ferrospice::netlist::decode(bytes));
    assert!(out.has_errors());
    let out = session::run(Path::new("/"), &RunOptions::default(), &session::Disk, &Control::new(None));
    assert_eq!(codes(&out), ["E0750"]);
    let out = session::run(Path::new("no/such.cir"), &RunOptions::default(), &session::Disk, &Control::new(None));
    assert_eq!(codes(&out), ["E0750"]);
}

#[test]
fn line_ends_and_blanks() {
    fine("\u{feff}BOM\r\nv1 a 0 1\r\nr1 a 0 1k\r\n+ tc1=1m\r\n.op\r\n.end\r\n");
    fine("tabs\nv1\ta\t0\t1\n \t r1\ta 0\t1k\n\t+\ttc1=1m\n\t.op\n\t.end\n");
    fine("no line end\nv1 a 0 1\nr1 a 0 1k\n.op");
    fine("names\nv+x! in+ 0 1\nr_1#a in+ n-2 1k\nr2.y n-2 net/a[3] 1k\nrμ net/a[3] <5v> 1k\nr5 <5v> 0 1k\n.op\n.end\n");
    fine(&format!("long\nr{} a 0 1\nv1 a 0 1\n.op\n.end\n", "x".repeat(100_000)));
    fine(&format!("continued\nv1 a 0 1\nr1 a 0\n{}+ 1k\n.op\n.end\n", "+\n".repeat(50_000)));
}

#[test]
fn numbers_beyond_sense() {
    faulty("t\nv1 a 0 1e400\nr1 a 0 1\n.op\n.end\n", "E0208");
    faulty("t\nv1 a 0 {1e400}\nr1 a 0 1\n.op\n.end\n", "E0201");
    faulty("t\nv1 a 0 {1e300*1e300}\nr1 a 0 1\n.op\n.end\n", "E0208");
    faulty("t\nv1 a 0 {0/0}\nr1 a 0 1\n.op\n.end\n", "E0208");
    faulty("t\nv1 a 0 nan\nr1 a 0 1\n.op\n.end\n", "E0305");
    faulty("t\n.param x={inf}\nv1 a 0 {x}\nr1 a 0 1\n.op\n.end\n", "E0202");
    faulty("t\nv1 a 0 1\nr1 a 0 1e-400\n.op\n.end\n", "W0440");
    fine("t\nv1 a 0 1\nr1 a b -1k\nr2 b 0 3k\nc1 b 0 0\nc2 b 0 -1p\n.op\n.end\n");
    fine("t\nv1 a 0 1\nr1 a b 1k\nl1 b 0 0\n.op\n.end\n");
    for r in ["1e-30", "1e30", "1e300", "-1e-300"] {
        run(&format!("t\nv1 a 0 1e30\nr1 a b {r}\nr2 b 0 {r}\nd1 b 0 d\n.model d d\n.op\n.end\n"));
    }
}

#[test]
fn analyses_without_sense() {
    let with = |card: &str| format!("t\nv1 a 0 1 ac 1\nr1 a 0 {{r}}\nc1 a 0 1n\n.param r=1\n{card}\n.end\n");
    for (card, code) in [
        (".tran 0 0", "E0338"),
        (".tran", "E0338"),
        (".tran -1 -1", "E0338"),
        (".tran 1n 1u 2u", "E0338"),
        (".ac dec 10 0 1k", "E0338"),
        (".ac dec 0 1 1k", "E0338"),
        (".ac dec 10 10 1", "E0338"),
        (".ac", "E0338"),
        (".dc v1 0 1 0", "E0341"),
        (".dc v1 0 1 1e-12", "E0341"),
        (".dc v9 0 1 1", "E0342"),
        (".step param r 1 5 0\n.op", "E0341"),
        (".step param r 1 1e12 1\n.op", "E0341"),
        (".step param q 1 2 1\n.op", "E0342"),
        (".noise v(a) v1 dec 10 0 1", "E0338"),
        (".pz a", "E0338"),
        (".tf", "E0338"),
        (".sens", "E0338"),
        (".four 1k", "E0338"),
        (".meas tran x when v(a)=\n.tran 1n 10n", "E0702"),
        (".meas tran x foo v(a)\n.tran 1n 10n", "E0702"),
        (".meas tran y trig\n.tran 1n 10n", "E0702"),
        (".meas tran y max v(a) from=30n to=40n\n.tran 1n 20n", "E0703"),
        (".meas ac y max v(a)\n.tran 1n 20n", "E0706"),
        (".ic v(zz)=1\n.tran 1n 10n", "E0327"),
    ] {
        faulty(&with(card), code);
    }
    fine(&with(".ac lin 5 0 100"));
    fine(&with(".tran 0 1u"));
    fine(&with(".tran 1u"));
}

#[test]
fn depth_and_size() {
    let deep = |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    faulty(&format!("t\nv1 a 0 {{{}}}\nr1 a 0 1\n.op\n.end\n", deep("(", ")", 100_000)), "E0209");
    faulty(&format!("t\nv1 a 0 {{{}1}}\nr1 a 0 1\n.op\n.end\n", "-".repeat(100_000)), "E0209");
    faulty(&format!("t\nb1 a 0 v={}\nr1 a 0 1\n.op\n.end\n", deep("sin(", ")", 100_000)), "E0209");
    faulty(&format!("t\nv1 a 0 1\nr1 a 0 1\n{}.op\n.end\n", ".if (1)\n".repeat(100_000)), "E0113");
    let subckts: String = (0..20_000).map(|i| format!(".subckt s{i} a b\n")).collect();
    faulty(&format!("t\nv1 a 0 1\nr1 a 0 1\n{subckts}.op\n.end\n"), "E0113");
    let chain: String = (0..5_000).map(|i| format!(".subckt s{i} a b\nx1 a b s{}\n.ends\n", i + 1)).collect();
    faulty(&format!("t\n{chain}.subckt s5000 a b\nr1 a b 1\n.ends\nv1 a 0 1\nx1 a 0 s0\n.op\n.end\n"), "E0315");
    let params: String = (0..5_000).map(|i| format!(".param p{i}={{p{}+1}}\n", i + 1)).collect();
    faulty(&format!("t\n{params}.param p5000=1\nv1 a 0 {{p0}}\nr1 a 0 1\n.op\n.end\n"), "E0310");
    faulty("t\n.func f(x) {f(x)+1}\nv1 a 0 {f(1)}\nr1 a 0 1\n.op\n.end\n", "E0207");
    let points: String = (0..100_000).map(|i| format!("{i}n {} ", i % 2)).collect();
    fine(&format!("t\nv1 a 0 pwl({points})\nr1 a 0 1\n.tran 1n 5n\n.end\n"));
    let sum = vec!["v(a)"; 3_000].join("+");
    run(&format!("t\nv1 a 0 1\nr1 a 0 1\nb1 b 0 v={sum}\nr2 b 0 1\n.op\n.end\n"));
}

/// Sizes at which anything that looks at everything for each thing would take minutes.
#[test]
fn long_lists() {
    let sum = vec!["1"; 300_000].join("+");
    faulty(&format!("t\n.param x={sum}\nv1 a 0 1\nr1 a 0 {{x}}\n.op\n.end\n"), "E0209");
    let ports = |c: char| (0..100_000).map(|i| format!("{c}{i} ")).collect::<String>();
    let body: String = (0..20_000).map(|i| format!("r{i} p{i} p{} 1k\n", 99_999 - i)).collect();
    let text = format!("t\nx1 {}s\n.subckt s {}\n{body}.ends\nv1 n0 0 1\n.end\n", ports('n'), ports('p'));
    let mut sources = ferrospice::diag::SourceMap::new();
    let start = Instant::now();
    let (deck, _) = ferrospice::netlist::parse(
        &ferrospice::netlist::DiskFiles,
        "deck.cir",
        &text,
        &Default::default(),
        &mut sources,
    );
    let (circuit, diags) = ferrospice::circuit::elaborate(&deck, &sources, &Default::default());
    assert!(circuit.is_some() || diags.iter().any(Diagnostic::is_error));
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    let chain: String = (0..20_000).map(|i| format!(".model m{i} ako:m{} npn\n", (i + 1) % 20_000)).collect();
    faulty(&format!("t\n{chain}q1 a b 0 m0\nv1 a 0 1\n.op\n.end\n"), "E0315");
}

/// Subcircuits that double forty times over: given up in time, and said so.
#[test]
#[ignore = "writes a gigabyte of names: minutes without optimisation"]
fn multiplying_subcircuits() {
    let bomb: String = (0..40).map(|i| format!(".subckt s{i} a b\nx1 a b s{0}\nx2 a b s{0}\n.ends\n", i + 1)).collect();
    faulty(&format!("t\n{bomb}.subckt s40 a b\nr1 a b 1\n.ends\nv1 a 0 1\nx1 a 0 s0\n.op\n.end\n"), "E0315");
}

#[test]
fn decks_of_other_simulators() {
    // LTspice: ratings are said to have no effect, parasitics are elements.
    let out = run_as(
        "* exported from a schematic\nV1 IN 0 PULSE(0 5 0 10n 10n 2.5u 5u)\nR1 IN OUT 10k tol=1 pwr=0.1\nC1 OUT 0 100µ V=25 Irms=1.2 mfg=\"Nichicon\" pn=\"UPL1E\" type=\"Al electrolytic\"\n.tran 0 10u 0 100n\n.backanno\n.end\n",
        Compat::Ltspice,
    );
    assert!(!out.has_errors() && codes(&out).contains(&"L0344") && codes(&out).contains(&"L0101"));
    let coil = run_as(
        "t\nV1 a 0 1\nL1 a b 1m Rser=0.1\nR1 b 0 0.9\n.op\n.meas op i find i(v1)\n.check i i within 1e-6 of -1\n.end\n",
        Compat::Ltspice,
    );
    assert!(!coil.has_errors(), "{}", render::text(&coil.diagnostics, &coil.sources, render::Style::default()));
    faulty("t\nV1 a 0 1\nL1 a b 1m Rserr=0.1\nR1 b 0 1\n.op\n.end\n", "E0318");
    // PSPICE
    let pspice = "* source\n.PARAM RVAL=1k CVAL={1u*2}\n.OPTIONS RELTOL=1e-4 ITL5=0\nV_V1 N1 0 DC 0V AC 1V\n+PULSE 0 5 0 1n 1n 5u 10u\nR_R1         N1 N2  {RVAL} TC=0.001,0.0001\nC_C1 N2 0  {CVAL} IC=0\nE_E1 N3 0 VALUE {V(N1)*2+LIMIT(V(N2),0,1)}\nE_E2 N4 0 TABLE {V(N2)} (0,0) (1,2) (2,3)\nR3 N3 0 1k\nR4 N4 0 1k\nE3 N6 0 LAPLACE {V(N1)} {1/(1+s*1m)}\nR6 N6 0 1k\n.STEP PARAM RVAL LIST 1k 2k\n.TRAN 1u 20u 0 0.1u SKIPBP\n.AC DEC 10 1 1MEG\n.PROBE\n.FUNC F(X) {X*2}\n.PRINT TRAN V(N1)\n.END\n";
    let out = run_as(pspice, Compat::Pspice);
    assert!(!out.has_errors(), "{}", render::text(&out.diagnostics, &out.sources, render::Style::default()));
    faulty("t\nV1 a 0 1\nR1 a 0 1\n.MC 5 TRAN V(a) YMAX\n.op\n.end\n", "E0109");
    // HSPICE
    let hspice = "* inverter\n.option post=2 probe accurate runlvl=5\n.temp 25\n.param supply=1.8 wn='2u' wp='2*wn' $ widths\n.global vdd gnd\n.subckt inv in out wn=1u wp=2u\nmp out in vdd vdd pch w='wp' l=0.18u\nmn out in gnd gnd nch w='wn' l=0.18u\n.ends inv\nvdd vdd gnd 'supply'\nvin a gnd pulse 0 'supply' 1n 0.1n 0.1n 2n 4n\nx1 a b inv wn='wn' wp='wp'\ncl b gnd 10f\n.model nch nmos level=1 vto=0.4 kp=200u\n.model pch pmos level=1 vto=-0.4 kp=80u\n.tran 0.01n 5n\n.measure tran tphl trig v(a) val='supply/2' rise=1 targ v(b) val='supply/2' fall=1\n.measure tpd param='tphl*1e12'\n.probe tran v(a) v(b) par('v(a)*2')\n.end\n";
    let out = run_as(hspice, Compat::Hspice);
    assert!(!out.has_errors(), "{}", render::text(&out.diagnostics, &out.sources, render::Style::default()));
    assert!(out.measure("tphl")[0] > 0.0);
    // ngspice with a script
    let out = run(
        "t\nv1 in 0 sin(0 1 1k)\nr1 in out 1k\nc1 out 0 1u\n.tran 10u 1m\n.control\nrun\nplot v(in)\n.endc\n.end\n",
    );
    assert_eq!(codes(&out), ["W0101"]);
    assert!(out.has_run);
}
