"""The rectifier cells in ngspice against closed forms."""

import numpy as np
import pytest
import tolerances
from conftest import Bench
from numpy.typing import NDArray
from scipy.constants import Boltzmann, elementary_charge, zero_Celsius

from circuits import ActivationParameters, CircuitParameters, OpAmpParameters
from circuits.activation import DIODES
from netlists.cells import diode_model
from netlists.elements import CurrentSource, Diode, Instance, VoltageSource

Array = NDArray[np.float64]
V_T = Boltzmann * (27 + zero_Celsius) / elementary_charge
REAL = [name for name, diode in DIODES.items() if not diode.ideal]


def transfer(bench: Bench, circuit: CircuitParameters) -> tuple[Array, Array]:
    library = bench(
        circuit,
        [
            VoltageSource("a", "a", "0", 0.0),
            Instance("cell", ("a", "x", "vdd", "vss"), "activation"),
        ],
    )
    library.command("dc va -2 2 0.0625")
    return library.vector("a"), library.vector("x")


def ideal_amplifiers(**activation: object) -> CircuitParameters:
    return CircuitParameters(
        opamp=OpAmpParameters(level="ideal"),
        activation=ActivationParameters.model_validate(activation),
    )


@pytest.mark.parametrize("temperature", [-40.0, 27.0, 80.0, 125.0])
@pytest.mark.parametrize("diode", REAL)
@pytest.mark.parametrize("kind", ["diode-divider", "precision"])
def test_rectifiers_with_real_diodes_follow_their_closed_forms(
    bench: Bench, kind: str, diode: str, temperature: float
) -> None:
    parts = {"kind": kind, "diode": diode, "r_load": 10e3, "r_positive": 500, "r_negative": 90e3}
    c = ideal_amplifiers(**parts, r_rectifier=15e3).model_copy(update={"temperature": temperature})
    a, x = transfer(bench, c)
    wanted = c.activation.transfer(a, temperature)
    np.testing.assert_allclose(x, wanted, rtol=0, atol=tolerances.REAL_DIODE)


@pytest.mark.parametrize("temperature", [-40.0, 125.0])
@pytest.mark.parametrize("diode", REAL)
def test_the_closed_forms_move_with_temperature(diode: str, temperature: float) -> None:
    a = np.linspace(-2, 2, 9)
    for kind in ("diode-divider", "precision"):
        activation = ActivationParameters.model_validate({"kind": kind, "diode": diode})
        moved = activation.transfer(a, temperature) - activation.transfer(a, 27.0)
        if kind == "diode-divider":  # the drop falls by 1 to 2 mV a kelvin
            assert np.abs(moved).max() > 20e-3
        elif temperature > 27.0:  # the blocked diode leaks into the sum
            assert np.abs(moved).max() > tolerances.PRECISION_DEAD_ZONE


def test_the_saturation_current_follows_its_barrier() -> None:
    """Against the law's own derivative, d ln IS/dT = (XTI + EG q/kT)/(N T)."""
    diode = DIODES["BAT54"]
    for celsius in (-40.0, 27.0, 125.0):
        kelvin = celsius + zero_Celsius
        h = 1e-3
        rise = np.log(
            diode.saturation_current(celsius + h) / diode.saturation_current(celsius - h)
        ) / (2 * h)
        barrier = diode.e_g * elementary_charge / (Boltzmann * kelvin)
        wanted = (diode.x_ti + barrier) / (diode.n * kelvin)
        assert rise == pytest.approx(wanted, rel=1e-6)  # h² of a smooth law
    assert diode.saturation_current(27.0) == pytest.approx(diode.i_s, rel=tolerances.ROUNDING)


@pytest.mark.parametrize("temperature", [-40.0, 27.0, 120.0])
def test_junction_capacitance_follows_the_junction_potential(
    bench: Bench, temperature: float
) -> None:
    """At a reverse voltage it is C (1 + v/VJ)^−M, so that two voltages tell VJ."""
    # Without its series resistor, through which the conductance would join in.
    diode = DIODES["HSMS-2850"].model_copy(update={"r_s": 0.0})
    c = ideal_amplifiers(diode=diode).model_copy(update={"temperature": temperature})
    model = diode_model(diode)
    assert model is not None
    found = []
    for volts in (0.2, 2.0):
        library = bench(c, [VoltageSource("k", "k", "0", volts), Diode("x", "0", "k", model.name)])
        library.command("alter @vk[acmag] = 1")
        library.command("ac dec 1 10meg 100meg")
        found.append(-library.complex_vector("vk#branch")[0].imag)
    potential = diode.junction_potential(temperature)
    wanted = ((1 + 0.2 / potential) / (1 + 2.0 / potential)) ** -diode.m
    assert found[0] / found[1] == pytest.approx(wanted, rel=tolerances.FIVE_DIGITS)


def test_a_diode_whose_junction_potential_is_gone_is_refused() -> None:
    """SPICE then finds no capacitance: its transients fail, or go on with nonsense."""
    assert DIODES["BAT54"].junction_potential(82.0) > 0 > DIODES["BAT54"].junction_potential(84.0)
    hot = {"temperature": 85.0, "activation": {"diode": "BAT54"}}
    with pytest.raises(ValueError, match=r"BAT54: at 85 °C .* -8\.1\d? mV"):
        CircuitParameters.model_validate(hot)
    CircuitParameters.model_validate(hot | {"temperature": 82.0})
    CircuitParameters.model_validate({"temperature": 150.0, "activation": {"diode": "ideal"}})


def test_the_divider_is_far_from_straight_lines() -> None:
    """The drop is at least tens of millivolts: a closed form that left it out would not do."""
    a = np.linspace(-2, 2, 65)
    for diode in REAL:
        activation = ActivationParameters.model_validate({"diode": diode})
        off = activation.divider_transfer(a) - activation.ideal_transfer(a)
        assert np.abs(off).max() > 20e-3


@pytest.mark.parametrize("kind", ["diode-divider", "precision"])
def test_ideal_diodes_make_two_straight_lines(bench: Bench, kind: str) -> None:
    c = ideal_amplifiers(kind=kind, diode="ideal", r_positive=1e3)
    a, x = transfer(bench, c)
    wanted = np.where(a > 0, 20 / 21, 20 / 200) * a
    np.testing.assert_allclose(c.activation.ideal_transfer(a), wanted, rtol=tolerances.ROUNDING)
    np.testing.assert_allclose(x, wanted, rtol=0, atol=1e-6)


def test_the_precision_rectifier_has_no_dead_zone_with_real_parts(bench: Bench) -> None:
    c = CircuitParameters(activation=ActivationParameters(kind="precision"))
    a, x = transfer(bench, c)
    inside = np.abs(a) < 1.7  # beyond, the rectifying amplifier lacks a diode drop to its rail
    wanted = c.activation.ideal_transfer(a)
    # The diode that blocks leaks I_S, at most through all of R_RECT.
    leak = c.activation.rectifier.i_s * c.activation.r_rectifier
    atol = leak + tolerances.PRECISION_DEAD_ZONE
    np.testing.assert_allclose(x[inside], wanted[inside], rtol=0, atol=atol)


# Forward voltages, V at A, (least, most): HSMS-285x, -286x (Avago), BAT54, 1N4148 (Nexperia).
FORWARD = [
    ("HSMS-2850", 0.1e-3, 0.05, 0.15),
    ("HSMS-2850", 1e-3, 0.15, 0.25),
    ("HSMS-2860", 1e-3, 0.25, 0.35),
    ("BAT54", 0.1e-3, 0.10, 0.24),
    ("BAT54", 1e-3, 0.17, 0.32),
    ("BAT54", 10e-3, 0.25, 0.40),
    ("1N4148", 5e-3, 0.60, 0.72),
    ("1N4148", 10e-3, 0.62, 1.0),
]


@pytest.mark.parametrize(("name", "amps", "least", "most"), FORWARD)
def test_diode_presets_drop_what_their_data_sheets_say(
    bench: Bench, name: str, amps: float, least: float, most: float
) -> None:
    diode = DIODES[name]
    c = ideal_amplifiers(diode=name)
    model = diode_model(diode)
    assert model is not None
    library = bench(c, [CurrentSource("f", "0", "k", amps), Diode("x", "k", "0", model.name)])
    library.command("op")
    drop = library.vector("k")[0]
    assert least <= drop <= most
    # Shockley's equation with series resistance.
    shockley = diode.n * V_T * np.log1p(amps / diode.i_s) + amps * diode.r_s
    assert drop == pytest.approx(shockley, abs=tolerances.REAL_DIODE)


def test_diodes_default_to_what_suits_the_rectifier() -> None:
    assert ActivationParameters().rectifier.name == "HSMS-2850"
    assert ActivationParameters(kind="precision").rectifier.name == "1N4148"
    chosen = ActivationParameters.model_validate({"diode": "BAT54"})
    assert chosen.rectifier == DIODES["BAT54"]
    own = ActivationParameters.model_validate({"diode": {"name": "own", "i_s": "1 nA"}})
    assert own.rectifier.i_s == pytest.approx(1e-9)
