#!/bin/sh
# Fills fuzz/corpus from the decks of this repository: `fuzz/seed.sh`, then `cargo +nightly fuzz run netlist`.
# A stable toolchain does as well: `RUSTC_BOOTSTRAP=1 cargo fuzz run netlist --sanitizer none -- -max_total_time=600`.
set -eu
cd "$(dirname "$0")/.."
for target in netlist elaborate; do
    mkdir -p "fuzz/corpus/$target"
done
mkdir -p fuzz/corpus/expression fuzz/corpus/rawfile
find netlists tests/ui tests/golden/decks -name '*.cir' -size -8k | while read -r deck; do
    name=$(echo "$deck" | tr / _)
    for target in netlist elaborate; do
        cp "$deck" "fuzz/corpus/$target/$name"
    done
done
mkdir -p fuzz/corpus/veriloga
cp tests/veriloga/*.va netlists/veriloga/*.va fuzz/corpus/veriloga/
# Everything between braces or quotes, and what stands behind `v=`, `i=` and the like, is an expression.
find netlists tests/ui tests/golden/decks src/expr -name '*.cir' -o -path '*src/expr/*tests.rs' |
    xargs grep -hoE "\{[^{}]+\}|'[^']+'|\"[^\"]+\"" | sed 's/^.//; s/.$//' | sort -u |
    awk '{ f = sprintf("fuzz/corpus/expression/%05d", NR); print > f; close(f) }'
# Rawfiles of both kinds, where the program is already built.
program=${FERROSPICE:-target/debug/ferrospice}
if [ -x "$program" ]; then
    for deck in tests/golden/decks/diode_dc.cir tests/golden/decks/bjt_ac.cir tests/golden/decks/src_pulse.cir; do
        name=$(basename "$deck" .cir)
        "$program" run "$deck" -q -r "fuzz/corpus/rawfile/$name.raw" >/dev/null
    done
fi
