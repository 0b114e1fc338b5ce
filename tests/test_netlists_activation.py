"""The rectifier cells in ngspice against closed forms."""

import numpy as np
import pytest
import tolerances
from conftest import Bench
from numpy.typing import NDArray
from scipy.constants import Boltzmann, elementary_charge, zero_Celsius

from circuits import ActivationParameters, CircuitParameters, OpAmpParameters
from circuits.activation import DIODES, DiodeParameters
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


def reverse_surplus(diode: DiodeParameters, volts: Array) -> Array:
    """Current by which SPICE's reverse diode differs from Shockley's equation, A.

    Beyond 3 n V_T backwards SPICE takes I_S (1 + (3 n V_T/(e V))³) for I_S (1 − exp(−V/n V_T)).
    """
    thermal = diode.n * V_T
    bent = (3 * thermal / (np.e * np.maximum(volts, 1e-9))) ** 3 + np.exp(-volts / thermal)
    return np.where(volts > 3 * thermal * 0.99, diode.i_s * bent, 0.0)


@pytest.mark.parametrize("diode", REAL)
def test_the_divider_with_real_diodes_follows_its_closed_form(bench: Bench, diode: str) -> None:
    c = ideal_amplifiers(diode=diode, r_load=10e3, r_positive=500.0, r_negative=90e3)
    a, x = transfer(bench, c)
    wanted = c.activation.divider_transfer(a)
    surplus = reverse_surplus(DIODES[diode], np.abs(a - wanted))
    assert (np.abs(x - wanted) < tolerances.REAL_DIODE + 10e3 * surplus).all()
    # The closed form itself is no straight line: the drop is at least tens of millivolts.
    assert np.abs(wanted - c.activation.ideal_transfer(a)).max() > 20e-3


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
