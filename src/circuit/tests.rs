//! Decks through parser and elaboration.

use std::path::Path;

use super::cards::CheckTest;
use super::*;
use crate::device::{InstanceRef, Value};
use crate::diag::{Diagnostic, Severity, SourceMap};
use crate::netlist::{Files, ParseOptions, parse};

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

struct Run {
    circuit: Option<Circuit>,
    diags: Vec<Diagnostic>,
    sources: SourceMap,
}

fn run_with(text: &str, over: &Overrides) -> Run {
    let mut sources = SourceMap::new();
    let (deck, mut diags) =
        parse(&NoFiles, "deck.cir", &format!("title\n{text}\n"), &ParseOptions::default(), &mut sources);
    let (circuit, more) = elaborate(&deck, &sources, over);
    diags.extend(more);
    Run { circuit, diags, sources }
}

fn run(text: &str) -> Run {
    run_with(text, &Overrides::default())
}

/// A deck without errors and warnings.
fn clean(text: &str) -> Circuit {
    let r = run(text);
    assert!(r.diags.iter().all(|d| matches!(d.severity, Severity::Lint)), "{:#?}", r.diags);
    r.circuit.expect("a circuit")
}

/// Codes of the diagnostics, and text under the primary label of each.
fn faults(text: &str) -> Vec<(String, String)> {
    let r = run(text);
    r.diags
        .iter()
        .map(|d| (d.code.0.to_string(), d.span().map_or(String::new(), |s| r.sources.text(s).to_string())))
        .collect()
}

fn codes(text: &str) -> Vec<String> {
    faults(text).into_iter().map(|f| f.0).collect()
}

fn inst<'c>(c: &'c Circuit, name: &str) -> InstanceRef<'c> {
    let (g, i) = c.instance(name).unwrap_or_else(|| panic!("no {name}"));
    c.groups[g].get(i)
}

fn param(c: &Circuit, name: &str, key: &str) -> f64 {
    let i = inst(c, name);
    i.real(crate::device::param::find(i.info.instance, key).unwrap_or_else(|| panic!("no {key}")))
}

fn value(c: &Circuit, name: &str, key: &str) -> Value {
    let i = inst(c, name);
    i.get(crate::device::param::find(i.info.instance, key).unwrap())
        .unwrap_or_else(|| panic!("{key} is not given"))
        .clone()
}

fn vector(c: &Circuit, name: &str, key: &str) -> Vec<f64> {
    match value(c, name, key) {
        Value::Vector(v) => v.to_vec(),
        other => panic!("{other:?}"),
    }
}

fn text(c: &Circuit, name: &str, key: &str) -> String {
    match value(c, name, key) {
        Value::Text(v) => v.to_string(),
        other => panic!("{other:?}"),
    }
}

fn model(c: &Circuit, name: &str, key: &str) -> f64 {
    let i = inst(c, name);
    i.model.unwrap().real(i.info, crate::device::param::find(i.info.model, key).unwrap())
}

fn nodes<'c>(c: &'c Circuit, name: &str) -> Vec<&'c str> {
    inst(c, name).nodes.iter().map(|n| c.node_name(*n)).collect()
}

#[test]
fn plain_elements() {
    let c = clean("V1 in 0 DC 5 AC 1 90\nR1 in out 1k tc1=1m\nC1 out gnd 1p ic=2\nL1 out 0 1u\n.op");
    assert_eq!(param(&c, "r1", "r"), 1e3);
    assert_eq!(param(&c, "r1", "tc1"), 1e-3);
    assert_eq!(param(&c, "c1", "ic"), 2.0);
    assert_eq!((param(&c, "v1", "dc"), param(&c, "v1", "acmag"), param(&c, "v1", "acphase")), (5.0, 1.0, 90.0));
    assert_eq!(nodes(&c, "c1"), ["out", "0"]);
    assert_eq!(c.node("gnd"), Some(0));
    assert_eq!(c.analyses[0].0, Analysis::Op);
    assert_eq!(c.element_count(), 4);
    assert_eq!(c.title, "title");
}

#[test]
fn parameters_in_any_order() {
    let c = clean(".param a={b*2}\n.param b=c+1 c=3\n.func f(x) {x*a}\nR1 1 0 {f(10)}\nV1 1 0 1");
    assert_eq!(param(&c, "r1", "r"), 80.0);
}

#[test]
fn parameter_cycles_name_all_places() {
    let r = run(".param a={b} b={c} c={a}\nR1 1 0 {a}\nV1 1 0 1");
    let cycles: Vec<_> = r.diags.iter().filter(|d| d.code.0 == "E0309").collect();
    assert_eq!(cycles.len(), 1, "{:#?}", r.diags);
    assert_eq!(cycles[0].labels.len(), 3);
    assert!(r.circuit.is_none());
    assert_eq!(r.diags.len(), 1, "{:#?}", r.diags);
}

#[test]
fn overrides() {
    let deck = ".param w=1 l={w*3}\nR1 1 0 {l}\nV1 1 0 5\nD1 1 0 dm\n.model dm d is=1e-14\n.temp 50";
    let over = Overrides {
        params: vec![("W".into(), 2.0)],
        instances: vec![("V1".into(), None, 7.0), ("r1".into(), Some("tc2".into()), 0.5)],
        models: vec![("DM".into(), "is".into(), 1e-12)],
        temp_c: Some(80.0),
        run: 0,
        reltol: None,
    };
    let c = run_with(deck, &over).circuit.unwrap();
    assert_eq!(param(&c, "r1", "r"), 6.0);
    assert_eq!(param(&c, "r1", "tc2"), 0.5);
    assert_eq!(param(&c, "v1", "dc"), 7.0);
    assert_eq!(model(&c, "d1", "is"), 1e-12);
    assert_eq!(c.env.temp, 353.15);
    assert_eq!(run(deck).circuit.unwrap().env.temp, 323.15);
}

#[test]
fn subcircuits_flatten() {
    let c = clean(
        ".subckt div in out params: r=1k k=2\n.param rk={r*k}\nR1 in out {r}\nR2 out 0 {rk} m=3\nR3 out loc 1\nC1 loc vdd! 1p\n.ends\n\
         .global vdd!\nV1 a 0 1\nV2 vdd! 0 1\nX1 a b div r=5 m=2\nX2 b c div params: k=10\n.op",
    );
    assert_eq!(param(&c, "x1.r2", "r"), 10.0);
    assert_eq!(param(&c, "x1.r2", "m"), 6.0);
    assert_eq!(param(&c, "x2.r2", "r"), 10e3);
    assert_eq!(param(&c, "x2.r1", "r"), 1e3);
    assert_eq!(nodes(&c, "x1.r1"), ["a", "b"]);
    assert_eq!(nodes(&c, "x1.c1"), ["x1.loc", "vdd!"]);
    assert!(c.instance("r.x1.r1").is_some());
    assert_eq!(c.node("x1.out"), c.node("b"));
    assert_eq!(c.node("x1:loc"), c.node("x1.loc"));
}

#[test]
fn nested_definitions_are_local() {
    let c = clean(
        ".subckt outer a\n.subckt inner b\nR1 b 0 {p}\n.ends\n.param p=3\nX1 a inner\n.ends\nV1 n 0 1\nX1 n outer",
    );
    assert_eq!(param(&c, "x1.x1.r1", "r"), 3.0);
    let f =
        faults(".subckt outer a\n.subckt inner b\nR1 b 0 1\n.ends\nX1 a inner\n.ends\nV1 n 0 1\nX1 n outer\nX2 n innr");
    assert_eq!(f, [("E0302".into(), "innr".to_string())]);
}

#[test]
fn faults_of_calls() {
    assert_eq!(codes("V1 a 0 1\n.subckt s a b\nR1 a b 1\n.ends\nX1 a s"), ["E0303"]);
    assert_eq!(codes("V1 a 0 1\nR1 a 0 1\n.subckt s a\nX1 a s\n.ends\nX1 a s"), ["E0308"]);
    assert_eq!(codes("V1 a 0 1\nR1 a 0 1\n.subckt s a r=1\nR1 a 0 {r}\n.ends\nX1 a s rr=2"), ["W0313"]);
    // One fault in a body is reported once, with the calls that led there.
    let r = run("V1 a 0 1\n.subckt s a\nD1 a 0 nomodel\n.ends\n.subckt t a\nX9 a s\n.ends\nX1 a t\nX2 a t");
    assert_eq!(r.diags.len(), 1, "{:#?}", r.diags);
    assert_eq!(r.diags[0].notes.len(), 2);
    assert!(r.diags[0].notes[0].contains("x1.x9"));
}

#[test]
fn conditions() {
    let deck = |n: u32| {
        format!(
            ".param n={n}\n.if (n==1)\nR1 a 0 1\n.param q=10\n.elseif (n==2)\nR1 a 0 2\n.param q=20\n.else\nR1 a 0 3\n.param q=30\n.endif\nR2 a 0 {{q}}\nV1 a 0 1"
        )
    };
    for n in 1..4 {
        let c = clean(&deck(n));
        assert_eq!(param(&c, "r1", "r"), f64::from(n));
        assert_eq!(param(&c, "r2", "r"), f64::from(n) * 10.0);
    }
}

#[test]
fn models() {
    let c = clean(
        "V1 a 0 1\nD1 a 0 dx area=2 off\nD2 a 0 dy 3\nM1 a a 0 0 nch L=2u W={4u} ic=1,2,3\nQ1 a a 0 qn\nQ2 a a 0 0 qn\n\
         .model dx d (is=1e-15 n={1+0.5})\n.model dy ako:dx (is=2e-15)\n.model nch nmos level=1 vto=0.7\n.model qn npn bf=50\n.model unused d is=oops_this_is_not_read",
    );
    assert_eq!((model(&c, "d1", "is"), model(&c, "d1", "n")), (1e-15, 1.5));
    assert_eq!((model(&c, "d2", "is"), model(&c, "d2", "n")), (2e-15, 1.5));
    assert_eq!((param(&c, "d1", "area"), param(&c, "d1", "off"), param(&c, "d2", "area")), (2.0, 1.0, 3.0));
    assert_eq!(vector(&c, "m1", "ic"), [1.0, 2.0, 3.0]);
    assert_eq!(inst(&c, "m1").info.name, "mos1");
    assert_eq!((inst(&c, "q1").nodes.len(), inst(&c, "q2").nodes.len()), (3, 4));
}

#[test]
fn model_faults() {
    let v = "V1 a 0 1\nR1 a 0 1\n";
    let r = run(&format!("{v}D1 a 0 1n4184\n.model 1n4148 d"));
    assert_eq!((r.diags[0].code.0, r.diags[0].help[0].as_str()), ("E0301", "did you mean `1n4148`?"));
    assert_eq!(codes(&format!("{v}M1 a a 0 0 n\n.model n nmos level=99")), ["E0321"]);
    assert_eq!(codes(&format!("{v}D1 a 0 n\n.model n npn")), ["E0322"]);
    assert_eq!(codes(&format!("{v}D1 a 0 n\n.model n dd")), ["E0320"]);
    assert_eq!(codes(&format!("{v}D1 a 0 n\n.model n d foo=1 vceo=3")), ["W0319"]);
    assert_eq!(codes(&format!("{v}D1 a 0 n\n.model n ako:m d\n.model m ako:n d")), ["E0323"]);
    assert_eq!(codes(&format!("{v}D1 a 0 n ara=1\n.model n d")), ["E0318"]);
    assert_eq!(codes(&format!("{v}D1 a 0 n area=-1\n.model n d")), ["E0402"]);
    assert_eq!(codes(&format!("{v}M1 a a n\n.model n nmos")), ["E0303"]);
    assert_eq!(codes(&format!("{v}D1 a 0 b n\n.model n d")), ["E0303"]);
    assert_eq!(codes(&format!("{v}D1 a 0")), ["E0304"]);
}

#[test]
fn bins() {
    let c = clean(
        "V1 a 0 1\nM1 a a 0 0 nch l=1u w=5u\nM2 a a 0 0 nch l=3u w=5u\n\
         .model nch.1 nmos lmin=0.5u lmax=2u wmin=1u wmax=10u vto=0.1\n.model nch.2 nmos lmin=2u lmax=5u wmin=1u wmax=10u vto=0.2",
    );
    assert_eq!((model(&c, "m1", "vto"), model(&c, "m2", "vto")), (0.1, 0.2));
    let f = codes("V1 a 0 1\nM1 a a 0 0 nch l=9u w=5u\n.model nch.1 nmos lmin=0.5u lmax=2u wmin=1u wmax=10u vto=0.1");
    assert_eq!(f, ["E0324"]);
}

#[test]
fn local_models_with_parameters() {
    let c = clean(".subckt s a i=1f\n.model d d is={i}\nD1 a 0 d\n.ends\nV1 a 0 1\nX1 a s\nX2 a s i=2f\nX3 a s");
    assert_eq!((model(&c, "x1.d1", "is"), model(&c, "x2.d1", "is")), (1e-15, 2e-15));
    let g = c.instance("x1.d1").unwrap().0;
    assert_eq!(c.groups[g].models.len(), 2);
}

#[test]
fn text_parameters_choose_models() {
    let c = clean(
        ".subckt s a mod=dx\nD1 a 0 mod\n.ends\n.model dx d is=1f\n.model dy d is=2f\nV1 a 0 1\nX1 a s mod=dy\nX2 a s mod=\"dx\"",
    );
    assert_eq!((model(&c, "x1.d1", "is"), model(&c, "x2.d1", "is")), (2e-15, 1e-15));
}

#[test]
fn waveforms() {
    let c = clean(
        ".param vh=3\nV1 a 0 PULSE(0 {vh} 0 1n 1n 5n 10n)\nV2 b 0 dc 1 sin 0 1 1k\nI1 c 0 PWL (0 0, 1n 1 2n vh) r=0 td=1n\nV4 d 0 5 ac 1 exp(0 1 1n 1n)\n\
         R1 a 0 1\nR2 b 0 1\nR3 c 0 1\nR4 d 0 1\nV5 e 0 pulsetrain(amp=1,2,3 width=1n interval=2n)\nR5 e 0 1",
    );
    assert_eq!(text(&c, "v1", "wave"), "pulse");
    assert_eq!(vector(&c, "v1", "args"), [0.0, 3.0, 0.0, 1e-9, 1e-9, 5e-9, 10e-9]);
    assert_eq!((text(&c, "v2", "wave").as_str(), param(&c, "v2", "dc")), ("sin", 1.0));
    assert_eq!(vector(&c, "i1", "args"), [0.0, 0.0, 1e-9, 1.0, 2e-9, 3.0]);
    assert_eq!((param(&c, "i1", "repeat"), param(&c, "i1", "td")), (0.0, 1e-9));
    assert_eq!((param(&c, "v4", "dc"), text(&c, "v4", "wave").as_str()), (5.0, "exp"));
    assert_eq!(vector(&c, "v5", "amp"), [1.0, 2.0, 3.0]);
    assert_eq!(param(&c, "v5", "interval"), 2e-9);
    assert_eq!(codes("V1 a 0 pwl(0 1 2)\nR1 a 0 1"), ["E0332"]);
    assert_eq!(codes("V1 a 0 pwl(1 1 0 2)\nR1 a 0 1"), ["E0332"]);
    assert_eq!(codes("V1 a 0 plse(1 1 0 2)\nR1 a 0 1")[0], "E0305");
}

#[test]
fn controlled_sources() {
    let c = clean(
        "V1 a 0 1\nRa a b 1\nVs b 0 0\nE1 c 0 a b 10\nRc c 0 1\nG1 d 0 (a,b) 1m\nRd d 0 1\nF1 e 0 vs 3\nRe e 0 1\nH1 f 0 Ra 3\nRf f 0 1\n\
         E2 g 0 POLY(2) a 0 b 0 0 1 2\nRg g 0 1\nE3 h 0 VALUE={v(a)*2}\nRh h 0 1\nG4 i 0 TABLE {v(a,b)} = (0,0) (1,2)\nRi i 0 1\n\
         E5 j 0 LAPLACE {v(a)} = {1/(1+s*1u)}\nRj j 0 1\nB1 k 0 v=v(a)*v(b)+1\nRk k 0 1\nB2 l 0 i={i(vs)*2+i(rc)}\nRl l 0 1\nF2 m 0 POLY(1) vs 0 1 2\nRm m 0 1",
    );
    assert_eq!((param(&c, "e1", "gain"), param(&c, "g1", "gain"), param(&c, "f1", "gain")), (10.0, 1e-3, 3.0));
    assert_eq!(inst(&c, "e2").info.name, "bsource_v");
    assert_eq!(inst(&c, "g4").info.name, "bsource_i");
    assert_eq!(vector(&c, "e5", "den"), [1.0, 1e-6]);
    assert_eq!(inst(&c, "b1").info.name, "bsource_v");
    // H1 and B2 read currents of resistors: probes.
    assert_eq!(c.probes.len(), 2);
    let probe = inst(&c, "ra:p");
    assert_eq!(c.node_name(probe.nodes[0]), "a");
    assert_eq!(inst(&c, "ra").nodes[0], probe.nodes[1]);
    assert_eq!(c.branch("i(ra)"), c.names.lookup("ra:p"));
    assert_eq!(c.branch("i(vs)"), c.names.lookup("vs"));
    assert_eq!(c.branch("i(rd)"), None);
    let Value::Expr(p) = value(&c, "e2", "v") else { panic!() };
    assert_eq!(p.inputs().len(), 2);
}

#[test]
fn expression_passives() {
    let c = clean(
        "V1 a 0 1\nR1 a b r='1k*(1+v(a,b)**2)'\nR2 b 0 {1k+2}\nC1 b 0 c='1p*(1+v(b))'\nC2 b 0 q='1p*v(b)'\nL1 b 0 {1u*(1+time)}",
    );
    assert_eq!(inst(&c, "r1").info.name, "rexpr");
    assert_eq!(inst(&c, "r2").info.name, "resistor");
    assert_eq!(inst(&c, "c1").info.name, "cexpr");
    assert_eq!(inst(&c, "c2").info.name, "cexpr");
    assert_eq!(inst(&c, "l1").info.name, "lexpr");
}

#[test]
fn switches_lines_couplings() {
    let c = clean(
        "V1 a 0 1\nS1 a b c 0 sw on\nRb b 0 1\nRc c 0 1\nW1 a d v1 cs\nRd d 0 1\nT1 a 0 e 0 z0=50 td=1n\nRe e 0 50\nL1 f 0 1u\nL2 g 0 1u\nK1 L1 L2 0.9\nRf f a 1\nRg g 0 1\n\
         .model sw sw vt=0.5\n.model cs csw it=1m",
    );
    assert_eq!(param(&c, "s1", "on"), 1.0);
    assert_eq!(c.names.get(inst(&c, "w1").refs[0]), "v1");
    assert_eq!(inst(&c, "k1").refs.len(), 2);
    assert_eq!(param(&c, "l1", "coupled"), 1.0);
    assert_eq!(vector(&c, "k1", "windings").len(), 2 * crate::device::inductor::WINDING_LEN);
    assert_eq!(codes("V1 a 0 1\nL1 a b 1u\nRb b 0 1\nK1 L1 L3 0.9"), ["E0326"]);
}

#[test]
fn element_faults() {
    let v = "V1 a 0 1\nR9 a 0 1\n";
    assert_eq!(codes(&format!("{v}R1 a 0")), ["E0304"]);
    assert_eq!(codes(&format!("{v}R1 a")), ["E0303"]);
    assert_eq!(codes(&format!("{v}R9 a 0 2")), ["E0306"]);
    assert_eq!(codes(&format!("{v}R1 a 0 1k foo")), ["E0305"]);
    assert_eq!(codes(&format!("{v}Y1 a 0 1k")), ["E0316"]);
    assert_eq!(codes(&format!("{v}R1 a 0 10M")), ["L0102"]);
    assert_eq!(codes(&format!("{v}R1 a 0 1k tcx=1")), ["E0318"]);
    assert_eq!(codes(&format!("{v}R1 a 0 {{nope}}")), ["E0202"]);
    assert_eq!(codes(&format!("{v}B1 a 0 i=v(nope)")), ["E0205"]);
    assert_eq!(codes(&format!("{v}F1 a 0 vx 1")), ["E0326"]);
    assert_eq!(codes(&format!("{v}R1 a 0")), ["E0304"]);
    // All at once.
    assert_eq!(codes("V1 a 0 1\nR1 a 0\nD1 a 0 x\nX1 a y"), ["E0304", "E0301", "E0302"]);
}

#[test]
fn cards() {
    let c = clean(
        "V1 in 0 1\nR1 in out 1k\nC1 out 0 1n\nM1 out in 0 0 nch\n.model nch nmos\n.param p=1\n\
         .op\n.tran 1n 10n 1n 2n uic\n.dc V1 0 5 1 temp 0 50 25\n.ac dec 10 1 1meg\n.noise v(out,in) V1 oct 2 1 10 1\n.tf v(out) v1\n.sens v(out) ac lin 3 1 3\n\
         .pz in 0 out 0 vol pz\n.dc @r1[r] 1k 3k 1k\n.dc nch(vto) 0 1 0.5\n.ic v(out)=1\n.nodeset v(in)=2\n.save v(out) i(r1) @m1[gm]\n.print tran v(in) v(in,out)\n\
         .four 1k v(out)\n.meas tran tr trig v(out) val={p/2} rise=1 targ v(out) val=p rise=1\n.check top v(out)*2 within 1% of 5\n.check tr < 2n\n\
         .options reltol=1e-4 method=gear maxord=3 rshunt=1e12 temp=30\n.step param p list 1 2 3",
    );
    let a: Vec<&Analysis> = c.analyses.iter().map(|a| &a.0).collect();
    assert_eq!(*a[1], Analysis::Tran { step: 1e-9, stop: 10e-9, start: 1e-9, max_step: Some(2e-9), uic: true });
    let Analysis::Dc { sweeps } = a[2] else { panic!() };
    assert_eq!(sweeps[0], (SweepTarget::Source("v1".into()), SweepRange::Lin(0.0, 5.0, 1.0)));
    assert_eq!(sweeps[1].0, SweepTarget::Temp);
    assert_eq!(*a[3], Analysis::Ac { freq: Freq::Dec(10, 1.0, 1e6) });
    assert!(
        matches!(a[4], Analysis::Noise { output, reference: Some(r), input, every: 1, .. } if output == "v(out)" && r == "in" && input == "v1")
    );
    assert!(matches!(a[6], Analysis::Sens { freq: Some(Freq::Lin(3, ..)), .. }));
    let Analysis::Dc { sweeps } = a[8] else { panic!() };
    assert_eq!(sweeps[0].0, SweepTarget::Instance("r1".into(), Some("r".into())));
    let Analysis::Dc { sweeps } = a[9] else { panic!() };
    assert_eq!(sweeps[0].0, SweepTarget::Model("nch".into(), "vto".into()));
    assert_eq!(c.ics, [(c.node("out").unwrap(), 1.0)]);
    assert_eq!(c.nodesets, [(c.node("in").unwrap(), 2.0)]);
    assert_eq!(c.saves.iter().map(|s| s.text.as_str()).collect::<Vec<_>>(), ["v(out)", "i(r1)", "@m1[gm]"]);
    assert!(c.branch("i(r1)").is_some());
    assert_eq!(c.prints[0].signals.iter().map(|s| s.text.as_str()).collect::<Vec<_>>(), ["v(in)", "v(in,out)"]);
    assert_eq!(c.prints[1].frequency, Some(1e3));
    assert_eq!(c.measures[0].text, "trig v(out) val=5e-1 rise=1 targ v(out) val=1e0 rise=1");
    assert_eq!(c.checks[0].test, CheckTest::WithinRel { value: 5.0, tol: 0.01 });
    assert_eq!(c.checks[1].test, CheckTest::Less(2e-9));
    assert_eq!(
        (c.options.reltol, c.options.method.as_str(), c.options.maxord, c.options.gshunt),
        (1e-4, "gear", 3, 1e-12)
    );
    assert_eq!(c.env.temp, 303.15);
    assert_eq!(c.env.tstop, 10e-9);
    assert_eq!(c.steps[0].rows, [[1.0], [2.0], [3.0]]);
}

#[test]
fn steps() {
    let base = "V1 a 0 1\nR1 a 0 1k\nD1 a 0 dm\n.model dm d\n.param p=1 q=2\n";
    let step = |t: &str| clean(&format!("{base}{t}")).steps;
    let one = |t: &str| {
        let s = step(t);
        assert_eq!(s.len(), 1, "{t}");
        (s[0].targets[0].clone(), s[0].rows.iter().map(|r| r[0]).collect::<Vec<_>>())
    };
    use SweepTarget::*;
    assert_eq!(one(".step param p 1 3 1"), (Param("p".into()), vec![1.0, 2.0, 3.0]));
    assert_eq!(one(".step lin param p 1 3 1"), (Param("p".into()), vec![1.0, 2.0, 3.0]));
    assert_eq!(one(".step dec param p 1 100 1").1.len(), 3);
    assert_eq!(one(".step oct p 1 4 1").1, [1.0, 2.0, 4.0]);
    assert_eq!(one(".step V1 list 1 5"), (Source("v1".into()), vec![1.0, 5.0]));
    assert_eq!(one(".step temp -25 75 50"), (Temp, vec![-25.0, 25.0, 75.0]));
    assert_eq!(one(".step d dm(is) list 1f 2f").0, Model("dm".into(), "is".into()));
    assert_eq!(one(".step R1 1k 2k 1k").0, Instance("r1".into(), None));
    assert_eq!(one(".step R1:tc1 0 1 1").0, Instance("r1".into(), Some("tc1".into())));
    assert_eq!(one(".temp 0 50"), (Temp, vec![0.0, 50.0]));
    let s = step(".step p 1 2 1\n.step q 1 3 1");
    assert_eq!(s.iter().map(|s| s.rows.len()).collect::<Vec<_>>(), [3, 2]);
    let s = step(".data tab p q\n1 2\n3 4\n.enddata\n.tran 1n 1u sweep data=tab");
    assert_eq!((s[0].targets.len(), &s[0].rows), (2, &vec![vec![1.0, 2.0], vec![3.0, 4.0]]));
    assert_eq!(codes(&format!("{base}.step param zz 1 2 1")), ["E0342"]);
    assert_eq!(codes(&format!("{base}.step param p 1 2 0")), ["E0341"]);
    assert_eq!(codes(&format!("{base}.dc V2 0 1 1")), ["E0342"]);
}

#[test]
fn card_faults() {
    let base = "V1 a 0 1\nR1 a 0 1k\n";
    assert_eq!(codes(&format!("{base}.tran 1n")), Vec::<String>::new());
    assert_eq!(codes(&format!("{base}.tran 1n -1u")), ["E0338"]);
    assert_eq!(codes(&format!("{base}.ac dec 10 1 10M")), ["E0338", "L0102"]);
    assert_eq!(codes(&format!("{base}.disto dec 1 1 10")), ["E0328"]);
    assert_eq!(codes(&format!("{base}.options retol=1")), ["W0336"]);
    assert_eq!(codes(&format!("{base}.options reltol=-1")), ["E0337"]);
    assert_eq!(codes(&format!("{base}.ic v(b)=1")), ["E0327"]);
    assert_eq!(codes(&format!("{base}.tf v(aa) v1")), ["E0327"]);
    assert_eq!(codes(&format!("{base}.check x")), ["E0338"]);
}

#[test]
fn topology() {
    assert_eq!(codes("V1 a b 1\nR1 a b 1k"), ["E0502"]);
    assert_eq!(codes(""), ["E0501"]);
    assert_eq!(codes("V1 a 0 1\nR1 a 0 1\nR2 b c 1\nR3 b c 1"), ["E0503"]);
    assert_eq!(codes("V1 a 0 1\nR1 a 0 1\nC1 a b 1p\nC2 b 0 1p"), ["W0504"]);
    assert_eq!(codes("V1 a 0 1\nR1 a 0 1\nC1 a b 1p\nC2 b 0 1p\n.options rshunt=1e12"), Vec::<String>::new());
    // A current into a capacitor has no operating point, but a transient from given voltages.
    assert_eq!(codes("I1 0 a 1\nC1 a 0 1n\n.tran 1n 1u"), ["E0510"]);
    assert_eq!(codes("I1 0 a 1\nC1 a 0 1n\n.tran 1n 1u uic"), Vec::<String>::new());
    assert_eq!(codes("I1 0 a 1\nC1 a 0 1n\n.ic v(a)=0\n.tran 1n 1u"), Vec::<String>::new());
    assert_eq!(codes("V1 a 0 1\nV2 a 0 2"), ["E0505"]);
    assert_eq!(codes("V1 a 0 1\nL1 a b 1u\nL2 b 0 1u"), ["E0505"]);
    assert_eq!(codes("V1 a 0 1\nR1 a b 1\nL1 b 0 1u\nL2 b 0 1u"), ["W0506"]);
    assert_eq!(codes("V1 a 0 1\nR1 a 0 1\nV2 a a 1"), ["E0507"]);
    assert_eq!(codes("V1 a 0 1\nR1 a b 1"), ["L0509"]);
    let r = run("V1 a 0 1\nV2 b a 1\nV3 b 0 2\nR1 b 0 1");
    assert!(r.diags[0].message.contains("v2") && r.diags[0].message.contains("v1"), "{}", r.diags[0].message);
}

#[test]
fn draws_do_not_depend_on_order() {
    let a = clean("R1 a 0 {agauss(1k,10,1)}\nR2 a 0 {agauss(1k,10,1)}\nV1 a 0 1");
    let b = clean("R1 a 0 {agauss(1k,10,1)}\nR2 a 0 {agauss(1k,10,1)}\nV1 a 0 1\nR0 a 0 {unif(1k,0.1)}");
    assert_eq!(param(&a, "r2", "r"), param(&b, "r2", "r"));
    assert_ne!(param(&a, "r1", "r"), param(&a, "r2", "r"));
    let over = Overrides { run: 1, ..Overrides::default() };
    let c = run_with("R1 a 0 {agauss(1k,10,1)}\nV1 a 0 1", &over).circuit.unwrap();
    assert_ne!(param(&a, "r1", "r"), param(&c, "r1", "r"));
}

#[test]
fn waveform_files() {
    let text = "title\nV1 a 0 pwl file=\"wave.txt\" td=1n\nR1 a 0 1\n";
    let mut sources = SourceMap::new();
    let (deck, _) = parse(&NoFiles, "deck.cir", text, &ParseOptions::default(), &mut sources);
    let (_, diags) = elaborate(&deck, &sources, &Overrides::default());
    assert_eq!(diags[0].code.0, "E0333");
    let files = wave_files(&deck, &sources);
    assert_eq!(files[0].0, "wave.txt");
    sources.add("wave.txt", "* time value\n0 0\n1n, 5\n", Some(files[0].1));
    let c = elaborate(&deck, &sources, &Overrides::default()).0.unwrap();
    assert_eq!(vector(&c, "v1", "args"), [0.0, 0.0, 1e-9, 5.0]);
    assert_eq!(param(&c, "v1", "td"), 1e-9);
}

#[test]
fn suffix_as_point() {
    assert_eq!(codes("V1 a 0 1\nR1 a 0 2k2"), ["L0201"]);
    let mut sources = SourceMap::new();
    let opts = ParseOptions { compat: crate::netlist::Compat::Ltspice, ..Default::default() };
    let (deck, _) = parse(&NoFiles, "deck.cir", "t\nV1 a 0 1\nR1 a 0 2k2\n", &opts, &mut sources);
    let c = elaborate(&deck, &sources, &Overrides::default()).0.unwrap();
    assert_eq!(param(&c, "r1", "r"), 2200.0);
}

#[test]
fn suggestions_for_signals() {
    let c = clean("V1 input 0 1\nRload input output 1\nR2 output 0 1");
    assert_eq!(c.nearest_signals("v(inptu)"), ["v(input)"]);
    assert_eq!(c.nearest_signals("i(rlaod)"), ["i(rload)"]);
    assert_eq!(c.nearest_signals("output"), ["v(output)"]);
}

mod random {
    use super::*;
    use proptest::prelude::*;

    const SEED: &str = "V1 in 0 dc 1 ac 1 pulse(0 1 0 1n 1n 1u 2u)\nR1 in out {r*2} m=2\nC1 out 0 1p ic=0\n.param r=1k q={r+1}\n.func f(x) {x*2}\n\
        .subckt s a b w=1u\nD1 a b dm area=2\nR1 a b {w*1g}\n.ends\nX1 out 0 s w=2u m=3\n.model dm d is=1f level=1\nE1 e 0 poly(2) in 0 out 0 0 1 2\nRe e 0 1\n\
        B1 k 0 v=v(in)*i(r1)\nRk k 0 1\nG1 g 0 table {v(in)} = (0,0) (1,1)\nRg g 0 1\nE2 h 0 laplace {v(in)} = {1/(1+s)}\nRh h 0 1\nL1 l 0 1u\nL2 l2 0 1u\nK1 l1 l2 0.9\nRl in l 1\nRl2 l2 0 1\n\
        .if (r>1)\n.options reltol=1e-3\n.endif\n.tran 1n 1u uic\n.dc v1 0 1 0.1 temp 0 1 1\n.ac dec 10 1 1k\n.ic v(out)=1\n.meas tran x max v(out)\n.check x > 1\n.step param r list 1 2\n.save v(in) i(r1) p(x1.d1)\n";

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Bytes of a good deck changed, dropped, doubled; lines swapped: never a panic.
        #[test]
        fn mutated_decks(edits in proptest::collection::vec((0usize..1200, 0u8..6, any::<u8>()), 1..12)) {
            let mut b: Vec<u8> = SEED.bytes().collect();
            for (at, what, byte) in edits {
                let at = at % b.len().max(1);
                match what {
                    0 => b[at] = b" \n(){}=,'\"+*.01axvq"[byte as usize % 19],
                    1 => { b.remove(at); }
                    2 => b.insert(at, b" \n(){}=,'\"+*.-1axvq"[byte as usize % 19]),
                    3 => { let end = (at + byte as usize).min(b.len()); b.drain(at..end); }
                    4 => { let end = (at + byte as usize).min(b.len()); let part = b[at..end].to_vec(); b.splice(at..at, part); }
                    _ => b.truncate(at.max(20)),
                }
                if b.is_empty() { b.push(b'\n'); }
            }
            let _ = run(&String::from_utf8_lossy(&b));
        }

        #[test]
        fn arbitrary_text(text in "[RCLVXDMEGBK.](?s:.){0,200}") {
            let _ = run(&text);
        }
    }
}
