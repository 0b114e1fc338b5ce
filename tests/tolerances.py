"""Every tolerance of the tests of circuits, netlists and engines, each with its reason."""

# --- voltages, V -------------------------------------------------------------------------------
IDEAL_PARTS = 10e-6
"""What the twin promises for ideal parts. The rest: gain 1e9 and diodes of 1 mΩ, below 1 µV."""

SAME_SAMPLE = 10e-6
"""What the fidelities promise. An aperture of twice the settling time to 1 µV leaves far less;
the rest is the integrator's error in samples taken while amplifiers still move."""

BARE_RUN = 1e-6
"""A bare run solves the engine's own equations, which it reads with 9 digits (1e-9 of volts) and
prints with 9; Newton's method stops within reltol·V of one and the same root, mostly far closer."""

GOLDEN_VOLTAGE = 1e-6
"""Golden samples are taken long after the last jump, where no choice of time steps shows: two
simulators that step each in its own way are 0.001 µV apart on them. A microvolt is the promise."""

SECOND_OPINION = 1e-6
"""The promise: ngspice and neospice agree to a microvolt. At reltol 1e-8 the suite is 0.03 µV apart
at most; what is left falls with reltol, so it is the integrators' choice of steps."""

CELL_CLOSED_FORM = 0.5e-6
"""Both simulators solve with a gmin of 1e-12 S across diodes and a gain of 1e9, which closed forms
leave out: 0.15 µV at most (1N4148 in the divider)."""

SINGLE_POLE_STEP = 10e-6
"""Local errors of the Gear integration at reltol 1e-8 add up to 4 µV, 0.1 µs into a step of 2 V; at
1e-9 and 1e-10 it is 0.9 and 0.2 µV."""

SAME_DECK = 1e-7
"""One circuit reached by two ways of altering it: differs by where Newton's method started."""

REAL_DIODE = 5e-6
"""Newton's method ends within reltol·V of diode voltages (0.3 V · 1e-5), the simulator's gmin of
1e-12 S on 180 kΩ adds 0.2 µV; its older values of k and q move a drop of 0.3 V by 2 µV."""

SETTLED = 1.5e-6
"""`sim.settling` means 1 µV, against the end of its own window and by its own time points; half
as much again for the operating point instead, and an integrator that steps elsewhere."""

PRECISION_DEAD_ZONE = 20e-6
"""Two diode drops (1.4 V) over the gain of 115 dB is 2.5 µV; the other amplifiers' finite gain
shifts 2 V by twice 4 µV."""

RAIL_CLAMP = 2e-3
"""1 V of overdrive makes 176 µA in the linear input stage, 1.8 mV across the clamp's 0.1 S."""

STRING = 1e-9
"""Closed form against a solver at its accuracy, both around 1e-12 of volts; ngspice gets reltol
1e-9 here."""

OPERATING_POINT = 2e-6
"""reltol 1e-6 on 1.5 V in the bench, once."""

AFTER_SLEWING = 1e-3
"""Ten and more time constants of the closed loop after 4 V: 4 V · e^-10, gain error included."""

REAL_AMPLIFIERS = 1e-4
"""Default parts: gain 115 dB at loops of about 10 shifts half a volt by 10 µV."""

WIDE_ROW = 1e-4
"""Likewise with 65 inputs: R_f ΣG of about 10 to 20, 20 µV for half a volt, twice."""

# --- ratios, 1 ---------------------------------------------------------------------------------
ROUNDING = 1e-12
"""A few operations in double precision."""

WEIGHT = 1e-9
"""w = R_f (1/R+ − 1/R−): the difference loses the floor 1/R_max, a double's 1e-16 over R_f/R_max,
and division twice."""

NINE_DIGITS = 5e-9
"""Half a unit in the ninth digit of a leading 1."""

GAIN_FORMULA = 0.01
"""Of the shift itself: second order in loop/gain (3/1000 at 60 dB), and the junction's
conductance, which is taken as its chord: 5 kΩ in 1 MΩ, and only its share of ΣG."""

AC_SWEEP = 2e-3
"""Straight-line interpolation between 400 logarithmic points a decade."""

SLEW = 0.02
"""The input stage reaches I_max/√(1 + (I_max/(g_m v))²): 0.998 of it at 2 V of error, which
shrinks meanwhile."""

FIVE_DIGITS = 1e-5
"""ngspice's reltol on currents in operating points, once."""

QUIESCENT_ENERGY = 1e-5
"""Divider and trim currents come from the closed form; the weights' floor resistors carry
microvolts over 10 MΩ."""

ROOT = 1e-9
"""Roots found to 1e-12 of volts, differences of millivolts made of them."""

PAPER_LEVELS = 0.05
"""5.71 mV in the mean against the paper's 5.93 mV: its TMR at bias is not printed."""

PRINTED_OHMS = 1e-6
"""5305.16 Ω is printed with six digits."""

BARRIER_DIGITS = 0.01
"""0.327 eV makes 309.6 µs of the paper's 309 µs; a meV more would make 4 %."""

FOUR_DIGITS_PRINTED = 1e-3
"""People read four digits."""

NINE_DIGIT_RESISTORS = 1e-7
"""Weights of order one to ten from resistors of nine digits."""

SIX_DECIMALS = 5.1e-7
"""Half a unit in the sixth decimal."""

DECIBELS = 1e-3
"""At a thousandth of a hertz the first pole (5 Hz) takes 1e-7 dB; the rest is the bench's load."""

DEGREES = 0.1
"""Interpolation between 400 points a decade; two poles, and no other, make the phase."""

SIGNAL_SHARE_OF_POWER = 0.05
"""Quiescent currents make the power; signals of ±1 V into tens of kΩ move it by per cents."""

SAME_ENERGY = 1e-6
"""Mean power at time points of the integrators' own choice: 3e-7 apart for whole passes, whose
input jumps first, and below 1e-9 for apertures."""

FLOOR_RESISTORS = 1e-3
"""Closed loops of about 12 over a gain of 5.6e5, on a sum of 1 V."""

REDUCTION = 1e-6
"""V; of the whole deck's at reltol 1e-8, where each takes its own time steps: two steppings of a
sample that still moves differ by up to 0.6 µV there, and settled ones by 0.02 µV."""

REDUCED_WHILE_MOVING = 2e-5
"""V; 12 mV of a flip times 125 Ω on rows of up to 14 µS, with no loop gain left in any buffer."""

REDUCED_ENERGY = 2e-3
"""A deck whose neurons are at rest stands for all of its pass, one that moves for its last
microseconds."""

HANDED_ON = 2e-7
"""V; straight lines over a nanosecond to a sixtieth of what is left of the pass."""

FORGOTTEN = 2e-8
"""V; a hundredth of a microvolt is left out by each of two layers."""

# --- times, s ----------------------------------------------------------------------------------
FEMTOSECOND = 1e-15
"""A few roundings of times in microseconds stay far below it."""

SUBNORMAL = 1e-307
"""Not a time: below it doubles lose digits."""

# --- statistics --------------------------------------------------------------------------------
ALPHA = 1e-3
"""Chance that a right implementation fails a whole family of tests once; seeds are fixed, so it
was taken once. Split over the family after Bonferroni."""
