"""What two simulators say of one circuit, as numbers: signals by a common name and their largest relative deviations."""
import bisect


def columns(plots, ports, analysis):
    """{"v0": [...], "i0": [...]} whatever the simulator calls them."""
    _, table = next((p for p in plots if "onoise_spectrum" in p[1]), plots[-1])
    out = {}
    if analysis == "noise":
        for name, col in table.items():
            if name in ("onoise", "inoise", "v(onoise)", "onoise_spectrum", "frequency"):
                out[name] = col
        return out
    for k in range(ports):
        for name in (f"v(p{k})", f"p{k}"):
            if name in table:
                out[f"v{k}"] = table[name]
        for name in (f"i(e{k})", f"e{k}#branch", f"e{k}:flow(br)"):
            if name in table:
                out[f"i{k}"] = table[name]
    for name in ("time", "frequency", "drive", "v(ramp)", "v-sweep"):
        if name in table:
            out["x"] = table[name]
    return out


def deviation(a, b, analysis, floors):
    """(largest deviation, where)"""
    if analysis == "tran":
        return tran_deviation(a, b, floors)
    worst, where = 0.0, ""
    n = min(len(a["v0"]), len(b["v0"]))
    if len(a["v0"]) != len(b["v0"]):
        return float("inf"), f"{len(a['v0'])} and {len(b['v0'])} points"
    for kind, least in floors.items():
        names = [x for x in a if x[0] == kind and x in b and x[1:].isdigit()]
        for k in range(n):
            scale = max(max(abs(a[x][k]), abs(b[x][k])) for x in names)
            floor = max(1e-6 * scale, least)
            for x in names:
                p, q = a[x][k], b[x][k]
                d = abs(p - q) / max(abs(p), abs(q), floor)
                if not d <= worst:
                    worst, where = d, f"{x} at point {k}: {p:.8g} and {q:.8g}"
    return worst, where


def interpolate(t, x, when):
    """Third order through four neighbours."""
    k = min(max(bisect.bisect_left(t, when), 2), len(t) - 2)
    ids = range(k - 2, k + 2)
    total = 0.0
    for i in ids:
        w = 1.0
        for j in ids:
            if j != i:
                w *= (when - t[j]) / (t[i] - t[j])
        total += w * x[i]
    return total


def tran_deviation(a, b, floors):
    """Deviations relative to the largest value of each signal: point by point where both step alike, else in between."""
    end = a["x"][-1]
    n = min(len(a["x"]), len(b["x"])) - 3
    alike = n > 0 and all(abs(p - q) < 1e-9 * end for p, q in zip(a["x"][:n], b["x"]))
    worst, where = 0.0, ""
    for kind, least in floors.items():
        names = [x for x in a if x[0] == kind and x in b and x[1:].isdigit()]
        scale = max(max(map(abs, a[x])) for x in names)
        for x in names:
            # Two solutions and a difference quotient, each within tolerance.
            size = max(max(map(abs, a[x])), 1e-6 * scale, 10 * least)
            if alike:
                pairs = zip(a["x"][:n], a[x], b[x])
            else:
                times = [end * k / 201 for k in range(2, 200)]
                pairs = ((t, interpolate(a["x"], a[x], t), interpolate(b["x"], b[x], t)) for t in times)
            for t, p, q in pairs:
                d = abs(p - q) / size
                if not d <= worst:
                    worst, where = d, f"{x} at {t:.4g} s: {p:.8g} and {q:.8g}"
    return worst, where


def noise_deviation(a, b):
    p, q = a.get("onoise_spectrum"), b.get("onoise")
    if p is None or q is None or len(p) != len(q):
        return float("inf"), f"signals {list(a)} and {list(b)}"
    worst, where = 0.0, ""
    for k in range(len(p)):
        x, y = abs(p[k]) ** 2, abs(q[k])
        d = abs(x - y) / max(x, y, 1e-30)
        if not d <= worst:
            worst, where = d, f"point {k}: {x:.8g} and {y:.8g} V2/Hz"
    return worst, where
