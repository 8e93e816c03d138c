#!/bin/sh
# Draws the figures of the example decks of all models, or of the models named: what their .plot lines ask for.
#   models/figures.sh FOLDER [NAME...]
# FERROSPICE names the program (default: ferrospice on the path), FORMAT svg or png.
set -u
if [ $# -lt 1 ]; then
  sed -n '2,4s/^# *//p' "$0" >&2
  exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
program=$(command -v "${FERROSPICE:-ferrospice}") || { echo "no ${FERROSPICE:-ferrospice}" >&2; exit 2; }
case $program in /*) ;; *) program=$PWD/$program ;; esac
mkdir -p "$1" && cd "$1" || exit 2
shift
[ $# -gt 0 ] || set -- $(cd "$root/netlists/models" && ls | sed -n 's/\.cir$//p')
bad=0
for name do
  deck=$root/netlists/models/$name.cir
  grep -qi '^\.plot' "$deck" || { echo "$name: no .plot line" >&2; bad=1; }
  "$program" run -q --plot --plot-format "${FORMAT:-svg}" -I "$root/models" "$deck" || { echo "$name: no figure" >&2; bad=1; }
done
exit $bad
