"""Parameters and directions for public models whose defaults are outside their own ranges, leave nodes open, or switch
off what is worth comparing. The first entry whose expression matches `path module` counts."""
import dataclasses
import re


@dataclasses.dataclass
class Card:
    params: dict = dataclasses.field(default_factory=dict)
    lines: dict = None
    sweep: tuple = (-1.0, 1.0, 0.08)
    bias: float = 0.7
    frequency: float = 1e6
    # Conductance from every node to ground on both sides, for modules that leave nodes open.
    shunt: float = 0.0


def numbers(text):
    """`a=1 b=2` as a dictionary of texts."""
    return dict(x.split("=", 1) for x in text.split())


# The sample transistor of the VBIC documentation: contacts of some ohms. With the resistances at 0 a contact is the least
# one that the model knows (1e6 S), and a small-signal current of 1e-12 A is below the rounding of that entry.
VBIC = numbers(
    "rcx=10 rci=60 vo=2 gamm=2e-11 hrcf=2 rbx=10 rbi=40 re=2 rs=20 rbp=40 is=1e-16 nf=1.00001 cbeo=1e-16 cje=1e-13 "
    "cbco=1e-16 cjc=2e-14 qco=1e-12 cjep=1e-13 cjcp=4e-13 iben=5e-15 ibci=2e-17 ibcn=5e-15 avc1=2 avc2=15 isp=1e-15 "
    "ibenp=5e-15 ibcip=1e-18 ibcnp=5e-15 vef=10 ver=4 ikf=2e-3 ikr=2e-4 ikp=2e-4 tf=1e-11 qtf=0.1 xtf=20 itf=8e-2 "
    "tr=1e-10 td=2e-11 kfn=1e-12 rth=300 cth=1e-9"
)
# Collector, base, emitter, substrate, temperature: active, saturated.
BIPOLAR = {"a": [1.2, 1.0, 0.0, -0.1, 0.0], "b": [0.15, 1.1, 0.0, -0.5, 0.3]}
# Drain, gate, source, bulk, temperature: saturated with either sign, in the linear range. Where a transistor is off, the
# small-signal currents are below the rounding of the conductances of its contacts (1e3 S times 1e-16), in any simulator.
MOS = {"a": [1.2, 1.6, 0.0, -0.1, 0.0, 0.0], "b": [0.2, 1.4, 0.0, -0.3, 0.0, 0.0]}
MOS_LEVEL = numbers("tox=2e-8 gamma=0.4 nsub=1e16 cgso=3e-10 cgdo=3e-10 cgbo=1e-10 cbd=1e-13 cbs=1e-13 rd=10 rs=10 kf=1e-26")
# Of models that take powers or logarithms of a voltage: where these are defined.
FORWARD = (0.04, 1.0, 0.06)

CARDS = [
    # Defaults outside of the range that is declared for them.
    (r"diode_cmc\.va", Card({"CORECOVERY": 1})),
    (r"bsimcmg.*110", Card({"JTWEFF": 1e-12}, MOS)),
    (r"bsimbulk107", Card({"minr": 1e-3}, MOS)),
    (r"playground/diode\.va", Card({"af": 1})),
    (r"varistor\.va", Card({"B4": 1e-3})),
    (r" diode2$", Card({"rs": 1})),
    # Contacts of 1 mOhm by default, the rounding of which hides the conductance of the gate.
    (r"mosvar\.va", Card(numbers("RSHG=20 RPV=1e-10 IGINVLW=1e-6 CFRL=1e-10"))),
    (r" vbic", Card(VBIC, BIPOLAR)),
    # With d, g, s, b = 1, 0.8, 0, -0.1 times -1 V, VACASK reports 18 pA through a bulk junction at 1.1 V; and the first
    # point of levels 3 and 9 is not a number there. The bulk is kept below source and drain.
    (r" sp_mos\d", Card(MOS_LEVEL, {"b": None, "c": None})),
    (r" sp_bsim", Card(lines={"b": None, "c": None})),
    (r"ekv_longchannel|mos11010", Card({}, {"a": [1.0, 1.0, 0.0, 0.0], "b": [0.3, 1.0, 0.0, 0.0]}, (0.6, 1.5, 0.06), 1.0, shunt=1e-18)),
    # Its charges jump where the base empties: it is kept in conduction.
    (r" igbt3$", Card(lines={"a": [0.7, 2.4, 0.0], "b": [0.4, 2.0, 0.0]}, sweep=(3.0, 6.5, 0.25), bias=5.0)),
    # On all the time: at the threshold the current is a square, to which Newton's method creeps in both.
    (r"verilog-a-sim/models/mosfet", Card(lines=MOS)),
    # With capacitances of 0 a transient of VACASK meets something that is not a number.
    (r" sp_mes1$", Card(numbers("vt0=-1.3 rd=10 rs=10 cgs=1e-12 cgd=5e-13 beta=2e-3 alpha=2 lambda=0.05 b=0.3"), {"a": [1.0, 0.3, 0.0], "b": [0.5, -0.7, 0.0]})),
    (r"epfl_hemt", Card(sweep=FORWARD, shunt=1e-18)),
    (r" psp102", Card(lines=MOS, sweep=FORWARD)),
    (r" (angelov|bsim|psp|ekv|l_utsoi|hisim)", Card(lines=MOS)),
    (r" (mos2_fet|diode_simple)$", Card(sweep=FORWARD)),
]


def of(path, module):
    return next((c for pattern, c in CARDS if re.search(pattern, f"{path} {module}", re.I)), Card())
