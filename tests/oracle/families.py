"""One stimulus for each family of `models/`: what `models.py` runs through both simulators.

Written in SPICE's words: the instance is `x1 NODES FAMILY PARAMETERS`; sources are `dc`, `sin(offset amplitude frequency)`
or `pulse(v1 v2 delay rise fall width)`. Each starts at rest, so that the state that DC holds is the initial one on both sides.
Signals: `@name` is an operating-point variable of the module, `v(node)` a voltage; the currents of all voltage
sources are compared anyway.
"""
import dataclasses


@dataclasses.dataclass
class Family:
    name: str
    nodes: str
    stimulus: list
    signals: str
    stop: float
    params: str = ""
    # Largest step, as a share of the stop time.
    points: int = 4000

    @property
    def label(self):
        return self.name + (f" ({self.params})" if self.params else "")


def sine(name, amplitude, frequency, signals, params="", nodes="a 0", more=()):
    """One period of a sine at node a."""
    return Family(name, nodes, [f"v1 a 0 sin(0 {amplitude:g} {frequency:g})", *more], signals, 1 / frequency, params)


def pulse(name, level, stop, signals, params="", nodes="a 0", more=(), kind="v"):
    """A trapezoid at node a: rise and fall of a twentieth of the stop time, on from a tenth to six tenths."""
    ends = "a 0" if kind == "v" else "0 a"
    t = stop / 20
    wave = f"pulse(0 {level:g} {2 * t:g} {t:g} {t:g} {9 * t:g})"
    return Family(name, nodes, [f"{kind}1 {ends} {wave}", *more], signals, stop, params)


# Whose fast transitions want small steps for the waveforms to be comparable at equal times.
FINE = """simmons team vteam vteam_wp stanford stanford_gw self_rectifying nbo2_pw fesfet photofefet ecram ecram2g
edl_transistor ctfet memcontact fet2d cntfet hodgkin_huxley ecm fehemt jart_vcm""".split()
DRAIN = ["vd d 0 dc 0.1"]
DARK = ["vl lt 0 dc 0"]
FAMILIES = [
    # Memristors.
    sine("ideal_memristor", 1, 1, "@r"),
    sine("linear_drift", 1.2, 1, "@xs @r", "window=0"),
    sine("linear_drift", 1.2, 1, "@xs @r", "window=1"),
    sine("linear_drift", 1.2, 1, "@xs @r", "window=2"),
    sine("nonlinear_drift", 2, 0.5, "@xs"),
    sine("simmons", 1.5, 1e3, "@w", "w0=1.4n", "b 0", ["r1 a b 500"]),
    sine("team", 3, 1, "@s"),
    sine("vteam", 1, 10, "@s @r"),
    sine("vteam_wp", 1.5, 50, "@s", "", "b 0", ["r1 a b 1k"]),
    sine("yakopcic", 0.5, 100, "@xs"),
    sine("pershin", 5, 5e7, "@r", "rini=2k beta=1e12"),
    sine("michigan", 1, 0.2, "@xs"),
    sine("stanford", 1.3, 1e6, "@g", "g_ini=1n i0=0.1m"),
    sine("stanford_gw", 0.9, 1000, "@x @w", "x_ini=1n", "b 0", ["r1 a b 5k"]),
    sine("sky130_reram", 2.2, 1e6, "@f"),
    sine("knowm", 0.5, 100, "@xs"),
    sine("messaris", 1.2, 1, "@r"),
    sine("namlab_nb2o5", 2.5, 0.1, "@xs"),
    sine("pem", 1.2, 5000, "@xs"),
    sine("jart_vcm", 1.5, 1e5, "@nd @temp", "", "b 0", ["r1 a b 1k"]),
    pulse("jart_vcm", 2.2, 1e-3, "@nd @temp", "ninit=20", "b 0", ["r1 a b 1k"]),
    sine("memdiode", 1.5, 0.1, "@hh"),
    sine("mem_emf", 1.2, 50, "@x @c @z", "cmin=1p cmax=10n goff=1e-9 gon=1e-6 kp=1m kn=1m vp=0.06 vn=0.06 vx=0.7"),
    sine("sclc", 2.5, 1, "@f"),
    pulse("second_order", 1.2, 2e-6, "@w @temp"),
    sine("self_rectifying", 1.8, 1000, "@x @v1 @v2"),
    sine("schottky_memristor", 1, 1, "@x", "kp=10m kn=10m rs=100"),
    pulse("gas_memristor", 1, 100, "@th @g", "kd=1e-2", "a 0 h", ["vh h 0 dc 1"]),
    # Filaments, threshold devices, phase change.
    sine("ecm", 0.5, 100, "@gap @iion"),
    pulse("filament_crossover", 0.4, 1e-3, "@s @rho", "", "b 0", ["r1 a b 2k"]),
    Family("nbo2_pf", "a 0", ["i1 0 a pulse(0 200u 1u 5u 5u 10u)"], "v(a) @temp", 25e-6),
    Family("nbo2_pw", "a 0", ["v1 s 0 sin(0 1.8 1meg)", "r1 s a 4.2k"], "v(a) @u", 1e-6),
    pulse("pcm_thermal", 4, 1e-6, "@c @temp"),
    pulse("pcm_growth", 1.9, 400e-9, "@u @temp", "u0=0.8"),
    # Ferroelectric.
    sine("fecap", 4, 1e4, "@polarisation", "", "a 0 0 0"),
    sine("fecap", 4, 1e4, "@polarisation", "dynamics=1", "a 0 0 0"),
    sine("fecap", 2, 1e7, "@polarisation", "dynamics=2 tau0=1n sigma=0.05", "a 0 0 0"),
    sine("fecap", 0.4, 1e7, "@polarisation", "dynamics=3 ps=0.0124 sigma=0.05 rho=1", "a 0 0 0"),
    sine("fecap_heracles", 4, 1e3, "@polarisation"),
    sine("ftj", 3, 1e6, "@pol", "ea=2e9"),
    sine("ftj", 3, 1e6, "@pol", "ea=2e9 tunnel=1"),
    sine("ftj_creep", 3.3, 1e7, "@s"),
    sine("ftj_lateral", 10, 1e5, "@pol", "ea=5e7 tau0=10n", "a 0 d 0", DRAIN),
    sine("fe_diode", 4, 1e3, "@pol", "ea=1.9e8 tau0=10n"),
    sine("fefet", 4, 1e5, "@i_d @pol", "", "d a 0 0", DRAIN),
    sine("fefet", 4, 1e5, "@i_d @pol", "core=1 dynamics=1", "d a 0 0", DRAIN),
    sine("fefet_photo", 4, 1e5, "@i_d @pol", "", "d a 0 0 0 0", DRAIN),
    sine("ncfet", 1, 1e5, "@i_d", "", "d a 0 0", DRAIN),
    sine("fehemt", 5, 1e5, "@i_d", "p0=1", "d a 0", DRAIN),
    sine("fesfet", 6, 1, "@pb @pt @ids", "", "d a 0 lt", DRAIN + DARK),
    sine("fesj", 3, 1, "@sp", "goff=0 phi1=0.4 phi2=0.4 rho=1", "a 0 lt", DARK),
    sine("ferroionic", 3, 1, "@sp @su @sx @sw", "", "a 0 lt", DARK),
    pulse("photofefet", 50, 1, "@h @sp @ids", "kl=2 kph=0.5 tauph=0.2", "d g 0 a 0", ["vd d 0 dc 10m", "vg g 0 dc 1"]),
    # Electrochemical.
    pulse("ecram", 40e-9, 0.2, "@x @ocv v(a)", "x0=0.2 j0=200 rel=1e-4 ufr=0.3 cdl=1e-4", "a 0 d", ["vd d 0 dc 0"], "i"),
    pulse(
        "ecram2g", 40e-9, 0.2, "@x v(a)", "x0=0.2 j0=200 rel1=1e-4 rel2=3e-4 cdl=1e-4",
        "a c 0 d 0", ["vd d 0 dc 0", "r1 c 0 1e9"], "i",
    ),
    pulse("ec2t", -0.2, 0.2, "@x @qion", "x0=0.8 j0=200 rel=1e-4 cdl=1e-4 ufr=0.3 gfe=0.2"),
    pulse("edl_transistor", 1, 0.5, "@veff @qion", "beta=0.5 tau=0.1", "a 0 d", DRAIN),
    pulse("oect", 0.5, 0.5, "@vion @ich", "nss=0.05 rs=3e-5", "a 0 d", ["vd d 0 dc -0.1"]),
    pulse("ion_fet", 5, 1, "@z @ids", "nu=1e12", "a 0 d 0", DRAIN),
    pulse("otft", -3, 1, "@ids @dvt", "ft=0.5 taut=0.1", "d a 0", ["vd d 0 dc -1"]),
    # Traps and gates, transistors, tunnelling.
    pulse("floating_gate", 5, 0.1, "@dvt @vfg", "", "d a 0", DRAIN),
    pulse("ctfet", 5, 0.1, "@dvt @f1 @id", "tau=10 r=10", "d a 0 0", ["vd d 0 dc 0.3"]),
    pulse("memtransistor", 15, 0.1, "@x", "k0=1", "a g 0", ["vg g 0 dc 5"]),
    pulse("memcontact", 15, 0.1, "@x", "k0=1", "0 a 0 g", ["vg g 0 dc 5"]),
    pulse("heterojunction", 5, 0.1, "@x", "dvm=0.2 k0=1", "d 0 a 0", ["vd d 0 dc 0.3"]),
    pulse("dualgate_fet", 5, 0.1, "@p @f @id", "", "d a 0 a", ["vd d 0 dc 0.3"]),
    pulse("trap_memory", 5, 0.1, "@x @g", "", "a 0 0"),
    pulse("gfet", 5, 0.1, "@x @id", "dvi=1", "d a 0 0", ["vd d 0 dc 0.3"]),
    pulse("fet2d", 5, 0.1, "@in @ip", "contact=1", "d a 0", ["vd d 0 dc 0.3"]),
    pulse("cntfet", 1, 1e-9, "@id", "", "d a 0", ["vd d 0 dc 0.3"]),
    pulse("tfet", 1, 1e-9, "@itun", "", "d a 0", ["vd d 0 dc 0.3"]),
    sine("antiambipolar", 5, 1e3, "@id", "", "d a 0", ["vd d 0 dc 0.3"]),
    sine("rtd", 1, 1e6, "@ires @iex"),
    sine("esaki", 0.5, 1e6, "@itun @ith"),
    pulse("schottky_photo", 2000, 0.4, "@th @iph", "", "p 0 g a", ["vp p 0 dc 0.5", "vg g 0 dc 10"]),
    sine("ekv", 2, 1e8, "@id", "", "d a 0 0", ["vd d 0 dc 1"]),
    sine("mvs", 1, 1e9, "@id", "", "d a 0 0", ["vd d 0 dc 1"]),
    pulse("photodiode", 10, 1e-6, "@iph @vd", "qe=0.8 lam=550n", "c 0 a", ["vc c 0 dc -1"]),
    pulse("photo_switch", 10, 30e-3, "@s @h @vt", "tauh=1m rb=100", "c 0 a 0", ["vc c 0 dc 0.5"]),
    sine("floating_body_fet", 5, 1e3, "@id @ii v(b)", "", "a g 0 b", ["vg g 0 dc 0.55", "r1 b 0 1e9"]),
    pulse("memitter", 100, 10, "@s v(o)", "", "a o", ["r1 o 0 1e9"]),
    pulse("photo_memristor", 9, 1, "@x @g", "bl=0.026 tau=0.1", "p 0 a", ["vp p 0 dc 0.5"]),
    pulse("photoconductive_synapse", 10, 10, "@g @x1 @x2 @x3", "", "p 0 a", ["vp p 0 dc 1"]),
    pulse("photogate", 10, 1, "@x @ich", "", "d g 0 0 a 0", ["vd d 0 dc 10m", "vg g 0 dc 1"]),
    pulse("photonic_pcm", 1.2e10, 300e-9, "@x @tr", "", "a o", ["r1 o 0 1e9"]),
    pulse("pku_analog", 1, 10e-3, "@c @temp", "x0=0.1"),
    pulse("ppc", 10, 10, "@x @g", "beta=0.7 tau0=10", "p 0 a", ["vp p 0 dc 1"]),
    # Superconducting and spin.
    pulse("rcsj", 0.15e-3, 20e-12, "v(a) @ph", "ic=0.1m rtype=0 gsh=0.5 c=70f wrap=0", "a 0", (), "i"),
    pulse("magnetic_jj", 120e-6, 20e-12, "v(a) @m @ph", "m0=0.3 wrap=0", "a 0 h", ["vh h 0 dc 1e6"], "i"),
    pulse("domain_wall", 0.03, 140e-9, "@x @phi @g", "l=10u x0=0.3", "a 0 r 0", ["vr r 0 dc 0.1"]),
    pulse("skyrmion", 0.7, 100e-9, "@n v(h)", "n0=5", "a 0 h 0", ["r1 h 0 1e9"]),
    # Neurons.
    pulse("hodgkin_huxley", 1e-9, 0.1, "v(a) @m @h @n", "", "a 0", (), "i"),
]
for case in FAMILIES:
    if case.name in FINE or "dynamics=3" in case.params or "core=1" in case.params:
        case.points = 20000
    if case.name in ("domain_wall", "jart_vcm"):
        case.points = 50000
