//! Memory and time of parsing and elaborating a large deck: at most 400 bytes an element at the peak.

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use ferrospice::circuit::{Overrides, elaborate};
use ferrospice::diag::SourceMap;
use ferrospice::netlist::{Files, ParseOptions, parse};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grew(by: usize) {
    let now = NOW.fetch_add(by, Ordering::Relaxed) + by;
    PEAK.fetch_max(now, Ordering::Relaxed);
}

// SAFETY: every call is passed on to the system's allocator unchanged.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, l: Layout) -> *mut u8 {
        grew(l.size());
        unsafe { System.alloc(l) }
    }
    unsafe fn dealloc(&self, p: *mut u8, l: Layout) {
        NOW.fetch_sub(l.size(), Ordering::Relaxed);
        unsafe { System.dealloc(p, l) }
    }
    unsafe fn realloc(&self, p: *mut u8, l: Layout, size: usize) -> *mut u8 {
        // Growing in place or by moving: the peak of a move is counted in full.
        grew(size);
        NOW.fetch_sub(l.size(), Ordering::Relaxed);
        unsafe { System.realloc(p, l, size) }
    }
}

#[global_allocator]
static ALLOC: Counting = Counting;

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

/// A ladder of resistors and capacitors with a transistor now and then.
fn deck(elements: usize) -> String {
    use std::fmt::Write;
    let mut t = String::from("a large deck\nV1 n0 0 1\n.model nch nmos level=1 vto=0.7\n.model dd d is=1f\n");
    let mut k = 0;
    while k < elements - 1 {
        let n = k / 2;
        let _ = match k % 20 {
            18 => writeln!(t, "D{k} n{n} 0 dd"),
            19 => writeln!(t, "M{k} n{n} n{} 0 0 nch W=2u L=1u", n + 1),
            j if j % 2 == 0 => writeln!(t, "R{k} n{n} n{} 1k", n + 1),
            _ => writeln!(t, "C{k} n{} 0 1p", n + 1),
        };
        k += 1;
    }
    t.push_str(".tran 1n 1u\n.end\n");
    t
}

#[test]
fn bytes_per_element() {
    let elements = 20_000;
    let text = deck(elements);
    let start = NOW.load(Ordering::Relaxed);
    PEAK.store(start, Ordering::Relaxed);
    let clock = std::time::Instant::now();
    let mut sources = SourceMap::new();
    let (deck, diags) = parse(&NoFiles, "deck.cir", &text, &ParseOptions::default(), &mut sources);
    assert!(diags.is_empty(), "{:?}", diags.first());
    let parsed = PEAK.load(Ordering::Relaxed) - start;
    let (circuit, diags) = elaborate(&deck, &sources, &Overrides::default());
    let time = clock.elapsed();
    let circuit = circuit.unwrap_or_else(|| panic!("{:?}", diags.first()));
    assert_eq!(circuit.element_count(), elements);
    let peak = PEAK.load(Ordering::Relaxed) - start;
    println!(
        "{} bytes an element at the peak ({} after parsing), {:.0} ns an element",
        peak / elements,
        parsed / elements,
        time.as_nanos() as f64 / elements as f64
    );
    assert!(peak <= 400 * elements, "{} bytes an element", peak / elements);
}
