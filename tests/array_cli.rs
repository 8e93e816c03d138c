//! `ferrospice array` as a user runs it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ferrospice")).current_dir(dir).arg("array").args(args).output().expect("it runs")
}

fn out(o: &Output) -> String {
    String::from_utf8_lossy(&o.stdout).into_owned()
}

fn err(o: &Output) -> String {
    String::from_utf8_lossy(&o.stderr).into_owned()
}

fn json(o: &Output) -> serde_json::Value {
    serde_json::from_str(&out(o)).unwrap_or_else(|e| panic!("{e}: {}{}", out(o), err(o)))
}

/// NumPy's format, version 1.
fn npy(shape: &str, data: &[f64]) -> Vec<u8> {
    let mut head = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape}), }}");
    while (10 + head.len() + 1) % 64 != 0 {
        head.push(' ');
    }
    head.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(head.len() as u16).to_le_bytes());
    bytes.extend_from_slice(head.as_bytes());
    data.iter().for_each(|x| bytes.extend_from_slice(&x.to_le_bytes()));
    bytes
}

#[test]
fn one_line_from_numpy_to_currents_and_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    fs::write(d.join("g.npy"), npy("2, 3", &[1e-3, 2e-3, 3e-3, 4e-3, 5e-3, 6e-3])).unwrap();
    fs::write(d.join("v.npy"), npy("2,", &[1.0, 0.5])).unwrap();
    let base = ["solve", "--conductances", "g.npy", "--inputs", "v.npy", "--wire", "0"];
    let o = run(d, &[&base[..], &["--json", "-o", "r.json", "--plot", "r.svg"]].concat());
    assert!(o.status.success(), "{}", err(&o));
    assert!(json(&o)["residual"].as_f64().unwrap() < 1e-12);
    let r: serde_json::Value = serde_json::from_str(&fs::read_to_string(d.join("r.json")).unwrap()).unwrap();
    let i: Vec<f64> = r["column_currents"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    for (x, y) in i.iter().zip([3e-3, 4.5e-3, 6e-3]) {
        assert!((x - y).abs() < 1e-15, "{i:?}");
    }
    assert!(fs::read_to_string(d.join("r.svg")).unwrap().contains("Voltage across the cells"));
    // The archive is readable again, and CSV is one file each.
    let o = run(d, &[&base[..], &["-o", "r.npz"]].concat());
    assert!(o.status.success() && out(&o).contains("column currents"), "{}{}", out(&o), err(&o));
    let o = run(d, &["solve", "-g", "r.npz:cell_currents", "--volts", "1", "-o", "r.csv", "-q"]);
    assert!(o.status.success() && out(&o).is_empty(), "{}", err(&o));
    assert!(fs::read_to_string(d.join("r.csv")).unwrap().starts_with("column_currents\n"));
    assert!(d.join("r_word_voltages.csv").exists());
}

#[test]
fn faults_name_the_cell() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    fs::write(d.join("g.csv"), "1m,2m,3m\n4m,nan,-6m\n").unwrap();
    fs::write(d.join("ok.csv"), "1m,2m,3m\n4m,5m,6m\n").unwrap();
    fs::write(d.join("v.csv"), "1\n2\n3\n").unwrap();
    fs::write(d.join("ragged.csv"), "1 2\n3\n").unwrap();
    fs::write(d.join("word.csv"), "1 2\n3 x\n").unwrap();
    for (args, parts) in [
        (&["solve", "-g", "g.csv"][..], &["E0902", "row 1, column 1: NaN S", "row 1, column 2: -0.006 S"][..]),
        (&["solve", "-r", "g.csv"], &["E0902", "row 1, column 1: NaN Ω"]),
        (&["solve", "-g", "ok.csv", "-i", "v.csv"], &["E0901", "3 voltages for 2 word lines"]),
        (&["solve", "-g", "ragged.csv"], &["E0901", "line 2 has 1 numbers"]),
        (&["solve", "-g", "word.csv"], &["E0910", "line 2, field 2"]),
        (&["solve", "-g", "none.npy"], &["E0910", "none.npy"]),
        (&["solve", "-g", "ok.csv", "--dead", "2,0"], &["E0904", "no cell 2,0", "rows are 0 to 1"]),
        (&["solve", "-g", "ok.csv", "--wire", "-1"], &["E0903", "-1 Ω"]),
        (&["solve", "-g", "ok.csv", "--open-bit", "0,5"], &["E0904", "bit line 0"]),
        (&["solve", "-g", "ok.csv", "--law", "sihn"], &["E0911", "sinh"]),
        (&["solve", "-g", "ok.csv", "--law", "sinh", "-p", "kappa=0"], &["E0911", "kappa"]),
        (&["solve", "-n", "0x3", "--uniform", "1k"], &["E0905"]),
        (&["solve"], &["E0901", "--uniform"]),
        (&["read", "-g", "ok.csv", "-s", "5,5"], &["E0904", "5,5"]),
        (&["read", "-g", "ok.csv", "--scheme", "quarter"], &["E0903", "floating"]),
        (&["solve", "-g", "ok.csv", "--stuck", "0,0"], &["E0902", "--stuck 3,5=1k"]),
    ] {
        let o = run(d, args);
        assert_eq!(o.status.code(), Some(1), "{args:?}: {}", err(&o));
        for p in parts {
            assert!(err(&o).contains(p), "{args:?} should say {p}:\n{}", err(&o));
        }
    }
}

#[test]
fn lines_that_float_are_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("g.csv"), "1m,0\n2m,0\n").unwrap();
    let o = run(dir.path(), &["read", "-g", "g.csv", "--scheme", "floating", "-s", "0,0"]);
    assert!(o.status.success(), "{}", err(&o));
    assert!(err(&o).contains("W0906") && err(&o).contains("bit line 1"), "{}", err(&o));
}

#[test]
fn the_table_of_ir_drop_is_a_command() {
    let dir = tempfile::tempdir().unwrap();
    let o = run(dir.path(), &["irdrop", "--ratios", "1e4,1e5", "--sizes", "64,128"]);
    assert!(o.status.success(), "{}", err(&o));
    for cell in ["0.7855/0.7401/0.7003", "0.4923/0.4112/0.3619", "0.9729/0.9664/0.9599", "0.9014/0.8785/0.8567"] {
        assert!(out(&o).contains(cell), "{}", out(&o));
    }
}

#[test]
fn every_study_runs() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let cells = ["-n", "12x10", "--random", "10k:1meg"];
    for (args, word) in [
        (&["irdrop", "--plot", "i.png"][..], "worst cell"),
        (&["vmm", "--sets", "20", "--adc-bits", "6", "--dac-bits", "4", "--noise", "0.01", "--plot", "v.svg"], "error"),
        (&["effective", "-o", "e.npz"], "distance"),
        (&["read", "--scheme", "half", "--law", "sinh", "-p", "kappa=6"], "by other ways"),
        (&["disturb", "--all", "--scheme", "0.5:0.5", "--plot", "d.svg"], "120 writes"),
        (&["solve", "--law", "threshold", "--volts", "1.5"], "newton"),
        (&["solve", "--law", "exponential", "--volts", "1.5", "--drive", "both", "--ground", "both"], "newton"),
    ] {
        let o = run(d, &[args, &cells].concat());
        assert!(o.status.success() && out(&o).contains(word), "{args:?}: {}{}", out(&o), err(&o));
    }
    let o = run(d, &["write", "-n", "8", "-v", "2", "--json", "--plot", "w.svg", "-o", "w.npz"]);
    assert!(o.status.success(), "{}", err(&o));
    assert!(json(&o)["state"].as_f64().unwrap() > 0.9 && json(&o)["switched"] == 0, "{}", out(&o));
    let o = run(d, &["write", "--states", "w.npz:states_before", "-v", "1", "--target", "0.5", "--step", "0.1"]);
    assert!(o.status.success() && out(&o).contains("target reached"), "{}{}", out(&o), err(&o));
    for args in [
        &["margin", "--sizes", "2,4,8", "--search", "--plot", "m.svg"][..],
        &["size", "--least", "0.1", "--wire", "0", "--json"],
        &["laws"],
    ] {
        let o = run(d, args);
        assert!(o.status.success(), "{args:?}: {}", err(&o));
        if args[0] == "size" {
            assert_eq!(json(&o)["largest"], 4);
        }
    }
}

#[test]
fn results_do_not_depend_on_threads() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    for j in ["1", "3"] {
        let name = format!("e{j}.csv");
        let o = run(d, &["effective", "-n", "20x15", "--random", "1k:1meg", "-j", j, "-o", &name, "-q"]);
        assert!(o.status.success(), "{}", err(&o));
    }
    assert_eq!(fs::read(d.join("e1.csv")).unwrap(), fs::read(d.join("e3.csv")).unwrap());
}

/// `--cell`: a module of Verilog-A, and a subcircuit from a file.
#[test]
fn cells_of_models() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let module = "`include \"disciplines.vams\"\nmodule ohm(a, b);\ninout a, b;\nelectrical a, b;\n\
        parameter real r = 1k from (0:inf);\nanalog I(a, b) <+ V(a, b) / r;\nendmodule\n";
    fs::write(d.join("ohm.va"), module).unwrap();
    fs::write(d.join("cells.lib"), ".subckt pair a b r=1k\nr1 a x {r}\nr2 x b {r}\n.ends\n").unwrap();
    fs::write(d.join("r.csv"), "1e3,2e3\n4e3,8e3\n").unwrap();
    let current = |args: &[&str]| {
        let o = run(d, &[&["solve", "--wire", "0", "--volts", "1", "--json"], args].concat());
        assert!(o.status.success(), "{}", err(&o));
        json(&o)["current"].as_f64().unwrap()
    };
    assert!((current(&["--cell", "ohm.va", "--size", "2x3"]) - 6e-3).abs() < 1e-12);
    assert!((current(&["--cell", "ohm.va", "--map", "r=r.csv"]) - 1.875e-3).abs() < 1e-12);
    assert!((current(&["--cell", "cells.lib:pair", "--cell-param", "r=500", "--size", "2"]) - 4e-3).abs() < 1e-12);
    let varied = ["--cell", "ohm.va", "--size", "3", "--vary", "r=10%"];
    let first = current(&varied);
    assert!((first - 9e-3).abs() > 1e-6 && (first - 9e-3).abs() < 2e-3, "{first}");
    assert_eq!(first.to_bits(), current(&varied).to_bits());
    let spread = ["--uniform", "1k", "--size", "3", "--spread", "0.1"];
    assert!((current(&spread) - 9e-3).abs() > 1e-6);
    for (args, what) in [
        (&["--cell", "ohm.va"][..], "--size"),
        (&["--cell", "ohm.va", "--uniform", "1k", "--size", "2"], "twice"),
        (&["--cell", "none.va", "--size", "2"], "none"),
        (&["--cell", "cells.lib:pair", "--map", "r=r.csv"], "subcircuit"),
        (&["--cell", "ohm.va", "--size", "2", "--vary", "q=1%"], "`q`"),
    ] {
        let o = run(d, &[&["solve", "--volts", "1"], args].concat());
        assert!(!o.status.success() && err(&o).contains(what), "{}", err(&o));
    }
}

/// `gated`: transistors and resistors at rest and through a pulse.
#[test]
fn cells_with_gates() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let cells = ".model nm nmos level=1 vto=0.5 kp=1m\n.subckt onet bl wl sl r=100k\nr1 bl d {r}\nm1 d wl sl sl nm w=10u l=1u\n\
        .ends\n.subckt mem bl wl sl\nm1 d wl sl sl nm w=10u l=1u\nr1 d bl 10k\ncx x 0 1 ic=0\nrx x 0 1e15\n\
        bx 0 x i=1e8*v(bl,d)\n.ends\n";
    fs::write(d.join("c.lib"), cells).unwrap();
    fs::write(d.join("wl.csv"), "2\n0\n2\n").unwrap();
    let base =
        ["gated", "--cell", "c.lib:onet", "--size", "3x2", "--drive", "wl=wl.csv", "--drive", "bl=1", "--wire", "0"];
    let at_rest = |more: &[&str]| {
        let o = run(d, &[&base[..], &["--json"], more].concat());
        assert!(o.status.success(), "{}", err(&o));
        json(&o)
    };
    // Two rows of two cells are on; the transistor's on resistance is small against 100 k.
    for more in [&[][..], &["--sl-rows"]] {
        let r = at_rest(more);
        let (i, out) = (r["bl_current"].as_f64().unwrap(), r["sl_current"].as_f64().unwrap());
        assert!((i - 4e-5).abs() < 4e-7 && (i + out).abs() < 1e-12, "{r}");
    }
    let i = at_rest(&["--dead", "0,0", "--stuck", "1,1=50k"])["bl_current"].as_f64().unwrap();
    assert!((i - 5e-5).abs() < 4e-7, "{i}");
    // 1e8/s at 1 V over 5 ns and half of both edges.
    let pulse =
        ["gated", "--cell", "c.lib:mem", "--size", "3x2", "--drive", "wl=wl.csv", "--drive", "bl=1", "--pulse", "5n"];
    let o = run(d, &[&pulse[..], &["--reltol", "1e-5", "-o", "r.json"]].concat());
    assert!(o.status.success() && out(&o).contains("largest change"), "{}{}", out(&o), err(&o));
    let r: serde_json::Value = serde_json::from_str(&fs::read_to_string(d.join("r.json")).unwrap()).unwrap();
    let x: Vec<f64> = r["states"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|x| match x {
            serde_json::Value::Array(row) => row.iter().map(|x| x.as_f64().unwrap()).collect(),
            x => vec![x.as_f64().unwrap()],
        })
        .collect();
    assert!(x.len() == 6 && x[0] > 0.4 && x[0] < 0.62 && x[2].abs() < 0.1 * x[0], "{x:?}");
    for (args, what) in [
        (&["gated", "--size", "2"][..], "--cell"),
        (&["gated", "--cell", "c.lib:onet", "--size", "2", "--pins", "bl,wl"], "bl"),
        (&["gated", "--cell", "c.lib:onet", "--size", "2", "--drive", "gl=1"], "gl=1"),
        (&["gated", "--cell", "c.lib:onet", "--size", "2", "--open", "bl,0,1"], "bl,0,1"),
        (&["gated", "--cell", "c.lib:onet", "--size", "2", "--dead", "2,0"], "2,0"),
    ] {
        let o = run(d, args);
        assert!(!o.status.success() && err(&o).contains(what), "{}", err(&o));
    }
}

/// One cell of three rows and two columns read, written, and written through a gate that opens from pulse to pulse.
#[test]
fn one_cell_is_written_through_its_gate() {
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    let cells = ".model nm nmos level=1 vto=0.5 kp=1m\n.subckt mem bl wl sl\nm1 d wl sl sl nm w=10u l=1u\nr1 bl d 10k\n\
        cx x 0 1 ic=0\nrx x 0 1e15\nbx 0 x i=1e8*v(bl,d)\n.ends\n";
    fs::write(d.join("c.lib"), cells).unwrap();
    let with = |more: &[&str]| {
        let base = ["gated", "--cell", "c.lib:mem", "--size", "3x2", "--select", "1,1", "--drive", "bl=1", "--json"];
        run(d, &[&base[..], more].concat())
    };
    let told = |more: &[&str]| {
        let o = with(more);
        assert!(o.status.success(), "{}", err(&o));
        json(&o)
    };
    // 10 k, the open transistor, and a few ohms of wire.
    let read = told(&["--drive", "wl=2"]);
    let [v, own, line] = ["cell_voltage", "cell_current", "line_current"].map(|k| read[k].as_f64().unwrap());
    assert!(own > 0.98e-4 && own < 1e-4 && (line - own).abs() < 1e-9 && v > 0.999 && v < 1.0, "{read}");
    // 0.1 V in each nanosecond and both half edges; the cells beside it and above it stay.
    let pulse = told(&["--drive", "wl=2", "--pulse", "1n", "--reltol", "1e-5"]);
    let x = pulse["state"].as_f64().unwrap();
    assert!(x > 0.15 && x < 0.2 && pulse["disturbed"] == 0, "{pulse}");
    // The transistor decides how much of the volt the cell gets.
    let climb = ["--drive", "wl=0.52", "--pulse", "1n", "--target", "0.1", "--step", "wl=0.02", "-o", "w.json"];
    let r = told(&climb);
    assert!(r["reached"] == true && r["state"].as_f64().unwrap() >= 0.1 && r["disturbed"] == 0, "{r}");
    let file: serde_json::Value = serde_json::from_str(&fs::read_to_string(d.join("w.json")).unwrap()).unwrap();
    let list = file["pulses"].as_array().unwrap();
    let list: Vec<[f64; 2]> = list.iter().map(|p| [0, 1].map(|k| p[k].as_f64().unwrap())).collect();
    assert!((4..8).contains(&list.len()) && (list[0][0] - 0.52).abs() < 1e-12, "{list:?}");
    let steps: Vec<f64> = list.windows(2).map(|p| p[1][1] - p[0][1]).collect();
    assert!(steps.windows(2).all(|s| s[1] > 1.2 * s[0]) && list.windows(2).all(|p| p[1][0] > p[0][0]), "{list:?}");
    let few = told(&[&climb[..], &["--pulses", "2"]].concat());
    assert!(few["reached"] == false && few["pulse_count"] == 2, "{few}");
    for (more, what) in
        [(&["--pulse", "1n", "--target", "1", "--step", "gl=1"][..], "gl=1"), (&["--target", "1"], "--pulse")]
    {
        let o = with(more);
        assert!(!o.status.success() && err(&o).contains(what), "{}", err(&o));
    }
    let o = run(d, &["gated", "--cell", "c.lib:mem", "--size", "3x2", "--select", "3,0"]);
    assert!(!o.status.success() && err(&o).contains("no cell 3,0"), "{}", err(&o));
}

/// A long run says how far it is and how long it will take, and ends when it is told to, with what there is.
#[cfg(unix)]
#[test]
fn a_long_run_is_interrupted() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let dir = tempfile::tempdir().unwrap();
    let d = dir.path();
    // So hard that it would take many times as long as it is given.
    let args = ["solve", "--random", "1:100k", "--size", "500", "--wire", "1k", "--seed", "7", "--drive", "both"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_ferrospice"))
        .current_dir(d)
        .arg("array")
        .args(args)
        .args(["--tol", "1e-13", "--progress", "json", "--json", "-o", "r.json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut seen = vec![];
    for line in lines.by_ref().map_while(Result::ok) {
        let v: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert_eq!(v["progress"], "array", "{line}");
        seen.push(v);
        if seen.len() == 3 {
            break;
        }
    }
    assert_eq!(seen.len(), 3);
    assert!(seen[2]["fraction"].as_f64().unwrap() > 0.0 && seen[2]["eta"].as_f64().unwrap() > 0.0, "{seen:?}");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    let o = child.wait_with_output().unwrap();
    assert_eq!(o.status.code(), Some(130), "{rest:?}");
    assert_eq!(json(&o)["partial"], true);
    // The file is whole and says what it is; nothing else is left.
    let r: serde_json::Value = serde_json::from_str(&fs::read_to_string(d.join("r.json")).unwrap()).unwrap();
    assert_eq!(r["partial"], true);
    let left: Vec<String> = fs::read_dir(d).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into()).collect();
    assert_eq!(left, ["r.json"]);
}
