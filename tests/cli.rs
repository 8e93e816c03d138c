//! The program from outside: exit codes, streams, files.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn program() -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_ferrospice"));
    c.env_remove("SPICE_ASCIIRAWFILE").env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    c
}

fn run(dir: &Path, args: &[&str]) -> Output {
    program().current_dir(dir).args(args).output().unwrap()
}

fn code(o: &Output) -> i32 {
    o.status.code().unwrap_or(-1)
}

fn out(o: &Output) -> String {
    String::from_utf8_lossy(&o.stdout).into_owned()
}

fn err(o: &Output) -> String {
    String::from_utf8_lossy(&o.stderr).into_owned()
}

fn with(deck: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("d.cir"), deck).unwrap();
    dir
}

fn listing(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

const DIVIDER: &str = "resistive divider\nV1 in 0 10\nR1 in out 1k\nR2 out 0 3k\n.op\n.end\n";
const RC: &str = "rc low pass charging\nV1 in 0 pulse(0 1 0 1n 1n 1 2)\nR1 in out 1k\nC1 out 0 1u\n.tran 10u 5m\n\
                  .meas tran vend find v(out) at=5m\n.check vend vend within 1% of 0.9933\n.end\n";
const BROKEN: &str = "two faults\nV1 in 0 1\nQ1 in b 0 nomodel\nR1 in 0 1k bogus=3\n.op\n.end\n";
/// Too many steps to end within a test.
const ENDLESS: &str = "never ends\nV1 in 0 sin(0 1 1meg)\nR1 in out 1k\nC1 out 0 1n\n.tran 1n 1000 0 1n\n.end\n";

#[test]
fn an_operating_point_is_printed_and_nothing_is_written() {
    let dir = with(DIVIDER);
    let o = run(dir.path(), &["run", "d.cir"]);
    assert_eq!(code(&o), 0, "{}", err(&o));
    let text = out(&o);
    let line = text.lines().find(|l| l.contains("v(out)")).unwrap_or("");
    assert!(line.contains("7.5"), "{text}");
    assert_eq!(listing(dir.path()), ["d.cir"]);
}

#[test]
fn results_that_nobody_asked_for_are_mentioned() {
    let dir = with("rc\nV1 in 0 sin(0 1 1k)\nR1 in out 1k\nC1 out 0 1u\n.tran 10u 1m\n.end\n");
    let o = run(dir.path(), &["run", "d.cir"]);
    assert!(out(&o).is_empty(), "{}", out(&o));
    assert!(err(&o).contains("Transient Analysis: ") && err(&o).contains("--plot"), "{}", err(&o));
    for asked in [&["run", "d.cir", "-q"][..], &["run", "d.cir", "-r", "d.raw"]] {
        assert!(!err(&run(dir.path(), asked)).contains("--plot"));
    }
}

#[test]
fn a_netlist_fault_exits_1_and_leaves_no_rawfile() {
    let dir = with(BROKEN);
    let o = run(dir.path(), &["run", "d.cir", "-r", "d.raw", "-o", "o"]);
    assert_eq!(code(&o), 1);
    assert!(out(&o).is_empty());
    // All faults at once, with code, place and excerpt.
    let text = err(&o);
    assert!(text.contains("nomodel") && text.contains("bogus"), "{text}");
    assert!(text.contains("--> d.cir:3") && text.contains("--> d.cir:4"), "{text}");
    assert!(text.contains("ferrospice explain"), "{text}");
    assert_eq!(listing(dir.path()), ["d.cir"]);
}

#[test]
fn the_rawfile_has_all_plots() {
    let dir = with(&DIVIDER.replace(".op\n", ".op\n.dc V1 0 10 1\n"));
    let o = run(dir.path(), &["run", "d.cir", "-r", "d.raw", "--quiet"]);
    assert_eq!(code(&o), 0, "{}", err(&o));
    assert!(out(&o).is_empty());
    let raw = fs::read(dir.path().join("d.raw")).unwrap();
    let text = String::from_utf8_lossy(&raw);
    assert!(text.starts_with("Title: resistive divider\n"));
    assert!(text.contains("Plotname: Operating Point") && text.contains("Plotname: DC transfer characteristic"));
    assert!(text.contains("Binary:"));
    assert_eq!(listing(dir.path()), ["d.cir", "d.raw"]);
}

#[test]
fn ascii_rawfiles_by_environment() {
    let dir = with(DIVIDER);
    let o = program()
        .current_dir(dir.path())
        .env("SPICE_ASCIIRAWFILE", "1")
        .args(["run", "d.cir", "-r", "d.raw"])
        .output()
        .unwrap();
    assert_eq!(code(&o), 0);
    assert!(fs::read_to_string(dir.path().join("d.raw")).unwrap().contains("Values:"));
}

#[test]
fn output_directory_and_formats() {
    let dir = with(RC);
    let o = run(dir.path(), &["run", "d.cir", "-o", "o", "--format", "raw,csv,npz,json", "--plot", "v(out)"]);
    assert_eq!(code(&o), 0, "{}", err(&o));
    assert_eq!(listing(&dir.path().join("o")), ["d.csv", "d.json", "d.meas.csv", "d.npz", "d.raw", "d.svg"]);
    let csv = fs::read_to_string(dir.path().join("o/d.csv")).unwrap();
    assert!(csv.lines().next().unwrap_or("").starts_with("time"), "{csv:.80}");
    assert!(fs::read_to_string(dir.path().join("o/d.svg")).unwrap().contains("<svg"));
    assert!(fs::read_to_string(dir.path().join("o/d.meas.csv")).unwrap().starts_with("vend\n"));
}

#[test]
fn results_replace_files_whole() {
    let dir = with(DIVIDER);
    fs::write(dir.path().join("d.raw"), "old").unwrap();
    // A faulty run leaves what was there.
    fs::write(dir.path().join("bad.cir"), BROKEN).unwrap();
    assert_eq!(code(&run(dir.path(), &["run", "bad.cir", "-r", "d.raw"])), 1);
    assert_eq!(fs::read(dir.path().join("d.raw")).unwrap(), b"old");
    assert_eq!(code(&run(dir.path(), &["run", "d.cir", "-r", "d.raw"])), 0);
    assert!(fs::read(dir.path().join("d.raw")).unwrap().starts_with(b"Title:"));
    assert_eq!(listing(dir.path()), ["bad.cir", "d.cir", "d.raw"]);
}

#[test]
fn a_plot_of_a_result_file() {
    let dir = with(RC);
    assert_eq!(code(&run(dir.path(), &["run", "d.cir", "-r", "d.raw", "-q"])), 0);
    let o = run(dir.path(), &["plot", "d.raw", "v(out)", "v(in)-v(out)", "-o", "f.svg", "--title", "charge"]);
    assert_eq!(code(&o), 0, "{}", err(&o));
    assert!(fs::read_to_string(dir.path().join("f.svg")).unwrap().contains("charge"));
    let o = run(dir.path(), &["plot", "d.raw", "v(out)", "--x", "v(in)", "-o", "f.png", "--size", "400x300"]);
    assert_eq!(code(&o), 0, "{}", err(&o));
    assert!(fs::read(dir.path().join("f.png")).unwrap().starts_with(b"\x89PNG"));
    let o = run(dir.path(), &["plot", "d.raw", "v(ouy)", "-o", "g.svg"]);
    assert_eq!(code(&o), 1);
    assert!(err(&o).contains("v(out)"), "{}", err(&o));
    assert!(!dir.path().join("g.svg").exists());
}

#[test]
fn usage_faults_exit_2() {
    let dir = with(DIVIDER);
    for args in [
        &["run"][..],
        &["run", "d.cir", "--nonsense"],
        &["run", "d.cir", "-D", "novalue"],
        &["plot", "d.raw", "--size", "big"],
        &["explain", "E9999"],
        &["models", "nosuchdevice"],
        &["frobnicate"],
        &[],
    ] {
        let o = run(dir.path(), args);
        assert_eq!(code(&o), 2, "{args:?}: {}", err(&o));
        assert!(out(&o).is_empty(), "{args:?}");
    }
}

#[test]
fn parameters_and_options_from_the_command_line() {
    let dir = with("divider by parameter\n.param rtop=1k\nV1 in 0 10\nR1 in out {rtop}\nR2 out 0 1k\n.op\n.end\n");
    let o = run(dir.path(), &["run", "d.cir", "-D", "RTOP=9k", "--option", "reltol=1e-4"]);
    assert_eq!(code(&o), 0, "{}", err(&o));
    assert!(out(&o).lines().any(|l| l.contains("v(out)") && l.contains(" 1 V")), "{}", out(&o));
    let o = run(dir.path(), &["run", "d.cir", "-D", "rtpo=9k"]);
    assert_eq!(code(&o), 1);
    assert!(err(&o).contains("did you mean `rtop`?"), "{}", err(&o));
}

#[test]
fn sweep_points_do_not_depend_on_threads() {
    let deck = "swept divider\n.param r=1k\nV1 in 0 10\nR1 in out {r}\nR2 out 0 1k\n.step param r list 1k 3k 9k\n\
                .op\n.end\n";
    let dir = with(deck);
    let all: Vec<String> = ["1", "2", "5"]
        .iter()
        .map(|n| {
            let o = run(dir.path(), &["run", "d.cir", "--threads", n]);
            assert_eq!(code(&o), 0, "{}", err(&o));
            out(&o)
        })
        .collect();
    assert!(all[0].contains("r=3000") && all[0].contains("2.5"), "{}", all[0]);
    assert!(all.iter().all(|t| *t == all[0]));
}

#[test]
fn checks_are_counted() {
    let dir = with(RC);
    let o = run(dir.path(), &["check", "--run", "d.cir"]);
    assert_eq!(code(&o), 0, "{}{}", out(&o), err(&o));
    assert!(out(&o).starts_with("ok   d.cir: vend = 0.993"), "{}", out(&o));
    assert!(out(&o).ends_with("1 passed, 0 failed\n"), "{}", out(&o));
    fs::write(dir.path().join("e.cir"), RC.replace("0.9933", "0.5")).unwrap();
    let o = run(dir.path(), &["check", "--run", "d.cir", "e.cir"]);
    assert_eq!(code(&o), 1);
    assert!(out(&o).contains("FAIL e.cir: vend"), "{}", out(&o));
    assert!(out(&o).ends_with("1 passed, 1 failed\n"), "{}", out(&o));
    let o = run(dir.path(), &["check", "d.cir"]);
    assert_eq!(out(&o), "d.cir: ok, 3 elements, 2 nodes\n");
}

#[test]
fn diagnostics_as_json() {
    let dir = with(BROKEN);
    let o = run(dir.path(), &["check", "d.cir", "--json"]);
    assert_eq!(code(&o), 1);
    let lines: Vec<serde_json::Value> = err(&o).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(lines.len() >= 2);
    assert!(lines.iter().all(|l| l["code"].is_string() && l["labels"][0]["line"].is_u64()));
}

#[test]
fn no_convergence_exits_3() {
    // 1 + v² + v/1k = 0 has no real root.
    let dir = with("no real root\nB1 a 0 i=1+v(a)*v(a)\nR1 a 0 1k\n.op\n.end\n");
    let o = run(dir.path(), &["run", "d.cir", "-r", "d.raw"]);
    assert_eq!(code(&o), 3, "{}{}", out(&o), err(&o));
    assert!(err(&o).contains("v(a)"), "{}", err(&o));
    assert_eq!(listing(dir.path()), ["d.cir"]);
}

#[test]
fn colour_only_when_asked() {
    let dir = with(BROKEN);
    assert!(!err(&run(dir.path(), &["check", "d.cir"])).contains('\u{1b}'));
    assert!(err(&run(dir.path(), &["--color", "always", "check", "d.cir"])).contains('\u{1b}'));
    let o = program().current_dir(dir.path()).env("CLICOLOR_FORCE", "1").args(["check", "d.cir"]).output().unwrap();
    assert!(err(&o).contains('\u{1b}'));
}

#[test]
fn standard_input() {
    use std::io::Write;
    let dir = tempfile::tempdir().unwrap();
    let mut child = program()
        .current_dir(dir.path())
        .args(["run", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(DIVIDER.as_bytes()).unwrap();
    let o = child.wait_with_output().unwrap();
    assert_eq!(code(&o), 0);
    assert!(out(&o).contains("v(out)"));
}

#[test]
fn help_version_and_pages() {
    let dir = tempfile::tempdir().unwrap();
    for (args, expected) in [
        (&["--version"][..], "ferrospice "),
        (&["--help"], "Exit codes"),
        (&["help", "run"], "--rawfile"),
        (&["completions", "bash"], "_ferrospice"),
        (&["man"], ".TH"),
        (&["man", "run"], "rawfile"),
        (&["explain", "e0301"], "E0301"),
        (&["explain", "--list"], "E0301"),
        (&["models"], "resistor"),
        (&["models", "r"], "Instance parameters"),
        (&["models", "--markdown"], "# Devices"),
    ] {
        let o = run(dir.path(), args);
        assert_eq!(code(&o), 0, "{args:?}: {}", err(&o));
        assert!(out(&o).contains(expected), "{args:?}: {}", out(&o));
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_keeps_what_was_computed() {
    use std::time::{Duration, Instant};
    let dir = with(ENDLESS);
    let child = program()
        .current_dir(dir.path())
        .args(["run", "d.cir", "-r", "d.raw"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(700));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let start = Instant::now();
    let o = child.wait_with_output().unwrap();
    assert_eq!(code(&o), 130, "{}", err(&o));
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(err(&o).contains("interrupted"), "{}", err(&o));
    let raw = fs::read(dir.path().join("d.raw")).unwrap();
    let text = String::from_utf8_lossy(&raw[..raw.len().min(2000)]).into_owned();
    let points = text.lines().find_map(|l| l.strip_prefix("No. Points:")).and_then(|n| n.trim().parse::<usize>().ok());
    assert!(points.is_some_and(|n| n > 10), "{text}");
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_fault() {
    let dir = with(RC);
    let deck = RC.replace(".meas", ".print tran v(out)\n.meas").replace(".tran 10u", ".tran 0.1u");
    fs::write(dir.path().join("d.cir"), deck).unwrap();
    let command = format!("'{}' run d.cir | head -1; echo \"${{PIPESTATUS[0]}}\"", env!("CARGO_BIN_EXE_ferrospice"));
    let o = Command::new("bash").current_dir(dir.path()).args(["-c", &command]).output().unwrap();
    assert_eq!(out(&o).lines().last(), Some("0"), "{}{}", out(&o), err(&o));
    assert!(!err(&o).contains("panicked") && !err(&o).contains("Broken pipe"), "{}", err(&o));
}

#[test]
fn ltspice_rawfiles_have_a_log_beside_them() {
    let deck = "swept\n.param r=1k\nV1 in 0 pulse(0 1 0 1n 1n 1 2)\nR1 in out {r}\nC1 out 0 1u\n.tran 10u 1m\n\
                .step param r list 1k 2k\n.meas tran top max v(out)\n.end\n";
    let dir = with(deck);
    let o = run(dir.path(), &["run", "-q", "--raw-dialect", "ltspice", "-r", "x.raw", "d.cir"]);
    assert_eq!(code(&o), 0, "{}", err(&o));
    assert_eq!(listing(dir.path()), ["d.cir", "x.log", "x.raw"]);
    let raw = fs::read(dir.path().join("x.raw")).unwrap();
    let head = String::from_utf8_lossy(&raw[..400]).into_owned();
    assert!(head.contains("Command: ltspice") && head.contains("double forward stepped"), "{head}");
    let log = fs::read_to_string(dir.path().join("x.log")).unwrap();
    assert!(log.starts_with("Circuit: swept\n"), "{log}");
    assert!(
        log.contains("\n.step r=1000\n.step r=2000\n") && log.contains("Measurement: top\n  step\tmax\tAT\n"),
        "{log}"
    );
}

#[test]
fn noise_totals_and_resistor_sweeps_are_named_as_in_ngspice() {
    let dir = with("t\nV1 a 0 1 ac 1\nR1 a b 1k\nR2 b 0 1k\n.noise v(b) V1 dec 1 1 10 1\n.dc R2 1k 2k 1k\n.end\n");
    let o = run(dir.path(), &["run", "-q", "-r", "x.raw", "d.cir"]);
    assert_eq!(code(&o), 0, "{}", err(&o));
    let raw = fs::read(dir.path().join("x.raw")).unwrap();
    let text = String::from_utf8_lossy(&raw);
    for line in ["\t0\tv(onoise_total)\tvoltage", "\tonoise_r1_thermal\tvoltage-density", "\t0\tres-sweep\tres-sweep"] {
        assert!(text.contains(line), "{line}");
    }
}

#[test]
fn device_tables_that_are_left_out_are_counted() {
    let mut deck = String::from("many\nV1 a 0 1\n");
    (0..4001).for_each(|k| deck.push_str(&format!("R{k} a 0 1k\n")));
    deck.push_str(".op\n.end\n");
    let dir = with(&deck);
    let o = run(dir.path(), &["run", "d.cir"]);
    assert!(out(&o).contains("No table of resistor (4001)") && out(&o).contains("vsource\n"), "{}", out(&o));
}

#[test]
fn verilog_a_files() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("lib")).unwrap();
    fs::write(dir.path().join("lib/g.inc"), "`define G 2m\n").unwrap();
    let good = "`include \"disciplines.vams\"\n`include \"g.inc\"\nmodule res(a, b);\ninout a, b;\nelectrical a, b;\n\
                (* desc = \"resistance\", units = \"Ohm\" *) parameter real r = 1k from (0:inf);\n\
                analog I(a, b) <+ V(a, b) / r + `G;\nendmodule\n";
    fs::write(dir.path().join("good.va"), good).unwrap();
    fs::write(dir.path().join("bad.va"), "module m(a);\ninout a;\nelectrical a;\nanalog I(a) <+ x +;\nendmodule\n")
        .unwrap();
    let o = run(dir.path(), &["va", "check", "-I", "lib", "good.va"]);
    assert_eq!((code(&o), out(&o).as_str(), err(&o).as_str()), (0, "ok   good.va  res\n", ""));
    let o = run(dir.path(), &["va", "check", "-I", "lib", "good.va", "bad.va"]);
    assert_eq!(code(&o), 1);
    assert!(out(&o).ends_with("1 of 2 files ok\n"), "{}", out(&o));
    assert!(err(&o).contains("--> bad.va:4:19"), "{}", err(&o));
    // The path that is missing is named.
    let o = run(dir.path(), &["va", "check", "good.va"]);
    assert!(code(&o) == 1 && err(&o).contains("E0810"), "{}", err(&o));
    let o = run(dir.path(), &["va", "check", "--json", "-D", "G=1", "bad.va"]);
    let last = out(&o);
    assert!(last.starts_with("{\"errors\":") && last.contains("\"ok\":false"), "{last}");
    let o = run(dir.path(), &["va", "explain", "-I", "lib", "good.va"]);
    assert_eq!(code(&o), 0);
    assert!(out(&o).contains("r  real  1000.0  Ohm  from (0.0:inf)  resistance"), "{}", out(&o));
    assert!(!out(&o).contains("keep their value"), "{}", out(&o));
    let text = "module acc(p); inout p; electrical p; real t, n; analog begin t = 2; n = n + t; I(p) <+ n * V(p); end\nendmodule\n";
    fs::write(dir.path().join("acc.va"), format!("`include \"disciplines.vams\"\n{text}")).unwrap();
    let o = run(dir.path(), &["va", "explain", "acc.va"]);
    assert!(out(&o).contains("keep their value from one point to the next\n  n\n\n"), "{}", out(&o));
    let o = run(dir.path(), &["va", "dump", "-I", "lib", "good.va", "-m", "res"]);
    assert!(out(&o).contains("I(a, b) <+ ((V(a, b) / r) + 0.002)"), "{}", out(&o));
    assert_eq!(code(&run(dir.path(), &["va", "dump", "-I", "lib", "good.va", "-m", "rse"])), 2);
}

#[test]
fn modules_are_examined_and_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let text = "`include \"disciplines.vams\"\nmodule res(p, n, b);\n inout p, n, b; electrical p, n, b;\n\
                parameter real g = 1 from (0:10];\n analog I(p, n) <+ g * V(p, n) * (1 + V(b, n));\nendmodule\n";
    fs::write(dir.path().join("r.va"), text).unwrap();
    let o = run(dir.path(), &["va", "test", "r.va"]);
    assert_eq!(code(&o), 0, "{}", err(&o));
    assert!(out(&o).starts_with("res: ok; "), "{}", out(&o));
    let o = run(dir.path(), &["va", "plot", "r.va", "--stepped", "b", "--step", "0:1:0.5", "-p", "g=2"]);
    assert_eq!((code(&o), err(&o).as_str()), (0, "wrote r.svg\n"));
    let svg = fs::read_to_string(dir.path().join("r.svg")).unwrap();
    assert!(svg.matches("<polyline").count() >= 3, "a curve for each step");
    let o = run(dir.path(), &["va", "plot", "r.va", "--port", "q", "-o", "r.txt"]);
    assert_eq!(code(&o), 2);
    assert!(err(&o).contains("--port q: the ports of `res` are p, n, b") && err(&o).contains("r.txt"), "{}", err(&o));
    let o = run(dir.path(), &["va", "dump", "r.va", "--stage", "eval"]);
    assert!(out(&o).contains("out g 0 0"), "{}", out(&o));
}
