"""Reads what simulators write, and measures how far two answers are apart. Standard library only."""
import array
import bisect
import math
import re
import sys


def read_raw(path):
    """First plot of a binary raw file: {lower-case name: column}; `v(x)` is called x."""
    with open(path, "rb") as f:
        head = b""
        while not head.endswith(b"Binary:\n"):
            line = f.readline()
            if not line:
                raise ValueError(f"{path}: not a binary raw file")
            head += line
        text = head.decode("utf-8", "replace")
        n = int(re.search(r"No\. Variables:\s*(\d+)", text).group(1))
        p = int(re.search(r"No\. Points:\s*(\d+)", text).group(1))
        names = [line.split()[1].lower() for line in text.split("Variables:\n", 1)[1].splitlines()[:n]]
        values = array.array("d")
        values.frombytes(f.read(8 * n * p))
    if sys.byteorder == "big":
        values.byteswap()
    short = [m.group(1) if (m := re.fullmatch(r"v\((.*)\)", name)) else name for name in names]
    return {name: values[i::n] for i, name in enumerate(short)}


def read_table(path):
    """Columns of a text table whose first line names them."""
    with open(path) as f:
        names = [re.sub(r"^#|v\(|\)", "", name.lower()) for name in f.readline().split()]
        columns = [array.array("d") for _ in names]
        for line in f:
            for column, x in zip(columns, line.split()):
                column.append(float(x))
    return dict(zip(names, columns))


def at(t, x, when):
    """Linear interpolation."""
    k = min(max(bisect.bisect_left(t, when), 1), len(t) - 1)
    w = (when - t[k - 1]) / (t[k] - t[k - 1]) if t[k] > t[k - 1] else 1.0
    return x[k - 1] + w * (x[k] - x[k - 1])


def crossings(t, x, level, rising=None):
    """Times at which x passes the level."""
    out = []
    for k in range(1, len(t)):
        up = x[k - 1] < level <= x[k]
        down = x[k - 1] > level >= x[k]
        if (up and rising is not False) or (down and rising is not True):
            out.append(t[k - 1] + (t[k] - t[k - 1]) * (level - x[k - 1]) / (x[k] - x[k - 1]))
    return out


def wave_error(run, reference, saved):
    """Largest and root mean square difference at the run's own points, relative to the range of each signal, over at
    most 20000 points spread over the run. Ends of jumps (same time twice) are left out."""
    t = run["time"]
    picked = range(0, len(t), max(1, len(t) // 20000))
    largest, square, count = 0.0, 0.0, 0
    for name in saved:
        a = run[name]
        if callable(reference):
            b = reference([t[k] for k in picked])
        else:
            rt, rx = reference["time"], reference[name]
            b = [at(rt, rx, min(t[k], rt[-1])) for k in picked]
        span = max(b) - min(b) or 1.0
        for k, y in zip(picked, b):
            e = abs(a[k] - y) / span
            largest, square, count = max(largest, e), square + e * e, count + 1
    return {"max": largest, "rms": math.sqrt(square / count)}


def period_error(run, reference, saved, level):
    """Relative error of the mean period over the second half of the rising crossings of the first signal, and of the
    shape over the last whole period, both stretched to one period; of the delay to the first crossing where the ring
    has not gone round twice."""

    def turns(r):
        return crossings(r["time"], r[saved[0]], level, rising=True)

    a, b = turns(run), turns(reference)
    if len(a) < 3 or len(b) < 3:
        worst = 0.0
        for name in saved:
            p, q = (crossings(r["time"], r[name], level) for r in (run, reference))
            if len(p) != len(q) or not q:
                return {"crossings": abs(len(p) - len(q))}
            # the first crossing is near the enable; the delay from it is what the ring computes
            worst = max([worst] + [abs(x - y) / y for x, y in zip(p, q)])
        return {"delay": worst}

    def period(times):
        times = times[len(times) // 2 - 1 :]
        return (times[-1] - times[0]) / (len(times) - 1)

    ends = [(times[-2], times[-1]) for times in (a, b)]
    span = max(reference[saved[0]]) - min(reference[saved[0]])
    worst = 0.0
    for k in range(2000):
        x, y = (
            at(r["time"], r[saved[0]], p + (q - p) * (k + 0.5) / 2000) for r, (p, q) in zip((run, reference), ends)
        )
        worst = max(worst, abs(x - y))
    return {"period": abs(period(a) / period(b) - 1), "shape": worst / span, "seconds": period(a)}


def settle_error(run, reference, saved, level, slot, vectors):
    """For each output and vector, the time of its last crossing: the largest error relative to the longest settling
    time of that vector. Outputs whose level at the end differs count as infinite."""
    worst = 0.0
    for j in range(vectors):
        lo, hi = j * slot, (j + 1) * slot
        pairs = []
        for name in saved:
            both = []
            for r in (run, reference):
                inside = [x for x in crossings(r["time"], r[name], level) if lo < x <= hi]
                both.append(inside[-1] - lo if inside else None)
            if (both[0] is None) != (both[1] is None):
                return {"settling": math.inf}
            if both[0] is not None:
                pairs.append(both)
        if pairs:
            longest = max(q for _, q in pairs)
            worst = max([worst] + [abs(p - q) / longest for p, q in pairs])
    return {"settling": worst}


def product_right(run, product, level):
    """Whether the outputs p0.. read a*b at the end of each vector."""
    bits, slot, vectors = product
    for j, (a, b) in enumerate(vectors):
        when = (j + 1) * slot - 0.01 * slot
        value = sum((at(run["time"], run[f"p{k}"], when) > level) << k for k in range(2 * bits))
        if value != a * b:
            return False
    return True


def compare(circuit, run, reference):
    """{measure: error} of a run against a reference (columns, or the closed form)."""
    if circuit.metric == "period":
        return period_error(run, reference, circuit.saved, circuit.level)
    if circuit.metric == "settle":
        _, slot, vectors = circuit.product
        return settle_error(run, reference, circuit.saved, circuit.level, slot, len(vectors))
    if circuit.difference:
        p, n = circuit.saved
        run, reference = (
            {"time": r["time"], "difference": array.array("d", (x - y for x, y in zip(r[p], r[n])))}
            for r in (run, reference)
        )
        return wave_error(run, reference, ["difference"])
    return wave_error(run, reference, circuit.saved)
