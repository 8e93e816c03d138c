//! Round trips through every format, the exact layout of raw files, damaged input.

use num_complex::Complex64;
use proptest::prelude::*;

use super::*;
use crate::dataset::{Column, Meta, PlotKind, Quantity, Schema, Signal, Sink, compare};

fn tran(rows: &[[f64; 3]]) -> Table {
    let mut t = Table::default();
    t.begin(&Schema {
        kind: PlotKind::Tran,
        has_axis: true,
        is_complex: false,
        signals: vec![
            Signal::new("time", Quantity::Time),
            Signal::new("v(a,b)", Quantity::Voltage),
            Signal::new("i(v1)", Quantity::Current),
        ],
    });
    rows.iter().for_each(|r| t.point(r));
    t.end(Meta { title: "* rc low pass".into(), seed: 3, deck_hash: "abc123".into(), ..Meta::default() });
    t
}

fn ac() -> Table {
    let mut t = Table::default();
    t.begin(&Schema {
        kind: PlotKind::Ac,
        has_axis: true,
        is_complex: true,
        signals: vec![Signal::new("frequency", Quantity::Frequency), Signal::new("v(out)", Quantity::Voltage)],
    });
    for f in [1.0, 10.0, 100.0] {
        t.point_complex(&[f.into(), 1.0 / Complex64::new(1.0, f / 7.0)]);
    }
    t.end(Meta { title: "* rc low pass".into(), ..Meta::default() });
    t
}

fn op() -> Table {
    let mut t = Table::default();
    let signals = vec![Signal::new("v(in)", Quantity::Voltage), Signal::new("@m1[gm]", Quantity::Other("S"))];
    t.begin(&Schema { kind: PlotKind::Op, has_axis: false, is_complex: false, signals });
    t.point(&[1.0, 2e-3]);
    t
}

fn sample() -> Dataset {
    Dataset { tables: vec![tran(&[[0.0, 1.0, -2.5], [1e-9, 0.1, f64::MIN_POSITIVE], [3e-9, -7e100, 0.0]]), ac(), op()] }
}

fn text_of(options: RawOptions, d: &Dataset) -> String {
    let o = WriteOptions { raw: options, date: Some(SystemTime::UNIX_EPOCH), ..WriteOptions::default() };
    String::from_utf8_lossy(&to_bytes(d, &FORMATS[0], &o).unwrap()).into_owned()
}

#[test]
fn every_format_brings_back_what_it_was_given() {
    for f in FORMATS {
        let d = if f.is_flat {
            Dataset { tables: vec![tran(&[[0.0, 1.5, 2.0], [1e-30, 1.0 / 3.0, -1e22]])] }
        } else {
            sample()
        };
        let o = WriteOptions { csv_units: true, ..WriteOptions::default() };
        let bytes = to_bytes(&d, f, &o).unwrap();
        let back = if f.name == "raw-ascii" { (f.read)(&bytes) } else { read_bytes(&bytes) }.unwrap();
        assert_eq!(back.tables.len(), d.tables.len(), "{}", f.name);
        for (a, b) in d.tables.iter().zip(&back.tables) {
            let mut schema = b.schema.clone();
            if f.name.starts_with("raw") && a.schema.kind == PlotKind::Op {
                // The raw type words know `admittance`.
                schema.signals[1].quantity = Quantity::Other("S");
            }
            assert_eq!(a.schema, schema, "{}", f.name);
            if f.name == "raw-ascii" {
                assert!(compare::compare(a, b, 1e-14, 0.0).signals.iter().all(|s| s.is_same), "{}", f.name);
            } else {
                assert_eq!(a.columns, b.columns, "{}", f.name);
            }
            if f.name != "csv" {
                assert_eq!((a.meta.seed, &a.meta.deck_hash), (b.meta.seed, &b.meta.deck_hash), "{}", f.name);
            }
        }
    }
}

/// `OUTPUT_DIR=folder` leaves a file of each format there, to be read by other programs.
#[test]
fn files_for_other_readers() {
    let Some(dir) = std::env::var_os("OUTPUT_DIR") else { return };
    for f in FORMATS {
        let path = Path::new(&dir).join(format!("sample.{}", f.extensions[0]));
        write_path(&sample(), &path, f, &WriteOptions::default()).unwrap();
    }
}

#[test]
fn the_raw_header_is_ngspices() {
    let text = text_of(RawOptions { is_ascii: true, ..RawOptions::default() }, &Dataset { tables: vec![ac()] });
    let want = format!(
        "Title: * rc low pass\nDate: Thu Jan  1 00:00:00  1970\nCommand: ngspice-compatible ferrospice-{}\n\
         Plotname: AC Analysis\nFlags: complex\nNo. Variables: 2\nNo. Points: 3       \nVariables:\n\
         \t0\tfrequency\tfrequency\n\t1\tv(out)\tvoltage\nValues:\n0\t\t1.000000000000000e+00,0.000000000000000e+00\n\t",
        env!("CARGO_PKG_VERSION")
    );
    assert!(text.starts_with(&want), "{text}");
    let text = text_of(
        RawOptions { is_ascii: true, blank_lines: true, ..RawOptions::default() },
        &Dataset { tables: vec![op()] },
    );
    assert!(text.ends_with("Values:\n 0\t\t1.000000000000000e+00\n\t2.000000000000000e-03\n\n"), "{text}");
    assert_eq!(raw_read::read(text.as_bytes()).unwrap().tables[0].columns, op().columns);
}

#[test]
fn dates() {
    use std::time::Duration;
    let at = |s| raw::date_line(Some(SystemTime::UNIX_EPOCH + Duration::from_secs(s)));
    assert_eq!(at(1_795_306_904), "Sun Nov 22 00:21:44  2026");
    assert_eq!(at(951_782_400), "Tue Feb 29 00:00:00  2000");
}

#[test]
fn the_streamed_file_is_the_written_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.raw");
    let date = Some(SystemTime::UNIX_EPOCH);
    let d = sample();
    let meta = d.tables[0].meta.clone();
    let mut sink = RawSink::create(&path, meta, RawOptions::default(), date).unwrap();
    for t in &d.tables {
        sink.set_meta(t.meta.clone());
        sink.begin(&t.schema);
        for k in 0..t.len() {
            let row: Vec<Complex64> = t.columns.iter().map(|c| c.at(k)).collect();
            if t.schema.is_complex {
                sink.point_complex(&row);
            } else {
                sink.point(&row.iter().map(|z| z.re).collect::<Vec<_>>());
            }
        }
        sink.end(t.meta.clone());
    }
    assert!(!path.exists() && sink.temp().exists());
    assert_eq!(sink.finish().unwrap(), path.canonicalize().unwrap());
    let o = WriteOptions { date, ..WriteOptions::default() };
    assert_eq!(std::fs::read(&path).unwrap(), to_bytes(&d, &FORMATS[0], &o).unwrap());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");

    let dropped = RawSink::create(&dir.path().join("y.raw"), Meta::default(), RawOptions::default(), None).unwrap();
    drop(dropped);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_file_cut_off_in_its_data_is_kept_as_partial() {
    let d = Dataset { tables: vec![tran(&[[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]])] };
    let bytes = to_bytes(&d, &FORMATS[0], &WriteOptions::default()).unwrap();
    let back = read_bytes(&bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(back.tables[0].len(), 1);
    assert!(back.tables[0].meta.is_partial);
    assert!(read_bytes(&bytes[..40]).is_err());
}

#[test]
fn foreign_raw_files() {
    // ngspice's server protocol: counts repeated, zero points, data to the end.
    let server = "Title: rc\nDate: x\nPlotname: Transient Analysis\nFlags: real\nNo. Variables: 2\nNo. Points: 0       \n\
                  Variables:\nNo. of Data Columns : 2  \n\t0\ttime\ttime\n\t1\tv(a)\tvoltage\nBinary:\n";
    let mut bytes = server.as_bytes().to_vec();
    for x in [0.0f64, 1.0, 2.0, 3.0] {
        bytes.extend_from_slice(&x.to_le_bytes());
    }
    assert_eq!(read_bytes(&bytes).unwrap().tables[0].real("v(a)").unwrap(), [1.0, 3.0]);
    // LTspice: UTF-16, single precision, stepped.
    let lt = "Title: * x\nDate: y\nPlotname: Transient Analysis\nFlags: real forward stepped\nNo. Variables: 2\n\
              No. Points: 4\nOffset: 0\nCommand: Linear Technology Corporation LTspice XVII\nVariables:\n\
              \t0\ttime\ttime\n\t1\tV(a)\tvoltage\nBinary:\n";
    let mut bytes: Vec<u8> = lt.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (t, v) in [(0.0f64, 1.5f32), (-1.0, 2.5), (0.0, 3.5), (1.0, 4.5)] {
        bytes.extend_from_slice(&t.to_le_bytes());
        bytes.extend_from_slice(&v.to_le_bytes());
    }
    let d = read_bytes(&bytes).unwrap();
    assert_eq!(d.tables.len(), 2);
    assert_eq!(d.tables[1].real("v(a)").unwrap(), [3.5, 4.5]);
    assert_eq!(d.tables[0].real("time").unwrap(), [0.0, 1.0]);
}

#[test]
fn steps_share_one_csv_and_kinds_get_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let step = |r: f64| {
        let mut t = tran(&[[0.0, 1.0, r], [1.0, 2.0, r]]);
        t.meta.sweep = vec![("r".into(), r)];
        t
    };
    let d = Dataset { tables: vec![step(1e3), step(2e3), ac()] };
    let paths = write_path(&d, &dir.path().join("run.csv"), format("csv").unwrap(), &WriteOptions::default()).unwrap();
    let names: Vec<_> = paths.iter().map(|p| p.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["run_tran.csv", "run_ac.csv"]);
    let text = std::fs::read_to_string(&paths[0]).unwrap();
    assert!(text.starts_with("step(r),time,\"v(a,b)\",i(v1)\r\n1000,0,1,1000\r\n"), "{text}");
    let back = read_path(&paths[0]).unwrap();
    assert_eq!(back.tables.len(), 2);
    assert_eq!(back.tables[1].meta.sweep, [("r".to_string(), 2e3)]);
    assert_eq!(back.tables[1].columns, d.tables[1].columns);
    assert_eq!(read_path(&paths[1]).unwrap().tables[0].columns[1], d.tables[2].columns[1]);
    // One plot in LTspice's way, read back as two.
    let lt = RawOptions { dialect: Dialect::Ltspice, ..RawOptions::default() };
    let bytes = to_bytes(&d, &FORMATS[0], &WriteOptions { raw: lt, ..WriteOptions::default() }).unwrap();
    assert!(String::from_utf8_lossy(&bytes).contains("Flags: real double forward stepped"));
    assert_eq!(read_bytes(&bytes).unwrap().tables.len(), 3);
}

#[test]
fn faults_are_diagnostics() {
    assert_eq!(read_path(Path::new("/nonexistent/x.raw")).unwrap_err().code, CANNOT_READ);
    let d = sample();
    let e = write_path(&d, Path::new("/nonexistent/x.raw"), &FORMATS[0], &WriteOptions::default()).unwrap_err();
    assert_eq!(e.code, CANNOT_WRITE);
    assert_eq!(format_of(Path::new("x.xyz")).err().unwrap().code, UNKNOWN_FORMAT);
    assert!(format("jsn").err().unwrap().help[0].contains("json"));
    for bad in ["", "Title: x\n", "{\"format\":1}", "PK\u{3}\u{4}junk", "a,b\n1\n", "a,b\n1,x\n"] {
        assert_eq!(read_bytes(bad.as_bytes()).unwrap_err().code, BAD_FILE, "{bad}");
    }
}

#[test]
fn print_tables_look_like_ngspices() {
    let text = text::print_table(&tran(&[[0.0, 1.0, 2.0]]), &[1, 2], 80);
    assert!(text.contains("Index   time            v(a,b)          i(v1)           \n"), "{text}");
    assert!(text.contains("\n0\t0.000000e+00\t1.000000e+00\t2.000000e+00\t\n"), "{text}");
    assert!(text.contains("                                 * rc low pass\n"));
    let wide = text::print_table(&tran(&[[0.0, 1.0, 2.0]]), &[1, 2], 40);
    assert_eq!(wide.matches("Index").count(), 2);
    let text = text::op_table(&op());
    assert!(text.contains("v(in)") && text.contains("1 V") && text.contains("2 mS"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn raw_round_trip(rows in prop::collection::vec(prop::array::uniform3(any::<f64>()), 1..40), complex in any::<bool>()) {
        let mut t = tran(&rows);
        if complex {
            t.schema.is_complex = true;
            t.columns = t.columns.iter().map(|c| Column::Complex(c.re().iter().map(|&x| Complex64::new(x, -x)).collect())).collect();
        }
        let d = Dataset { tables: vec![t.clone(), t] };
        let bytes = to_bytes(&d, &FORMATS[0], &WriteOptions::default()).unwrap();
        let back = read_bytes(&bytes).unwrap();
        prop_assert_eq!(back.tables.len(), 2);
        for (a, b) in d.tables.iter().zip(&back.tables) {
            prop_assert_eq!(&a.schema, &b.schema);
            for (c, e) in a.columns.iter().zip(&b.columns) {
                for k in 0..rows.len() {
                    prop_assert_eq!(c.at(k).re.to_bits(), e.at(k).re.to_bits());
                    prop_assert_eq!(c.at(k).im.to_bits(), e.at(k).im.to_bits());
                }
            }
        }
    }

    #[test]
    fn damaged_files_never_panic(cut in 0usize..4000, flips in prop::collection::vec((0usize..4000, any::<u8>()), 0..8), which in 0usize..5) {
        let mut bytes = to_bytes(&sample(), &FORMATS[which], &WriteOptions::default()).unwrap();
        let n = bytes.len();
        for (at, b) in flips {
            bytes[at % n] = b;
        }
        bytes.truncate(cut.max(1));
        let _ = read_bytes(&bytes);
        let _ = (FORMATS[which].read)(&bytes);
    }
}
