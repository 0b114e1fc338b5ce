"""One suite for all engines: mathematics, ngspice and an independent simulator."""

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tolerances

from netlists.build import SolverSettings
from netlists.export import export
from netlists.spice import format_deck
from sim.conformance import command, table
from sim.conformance.cases import NETWORKS, NetworkCase
from sim.conformance.cells import CellCase, cell_cases
from sim.conformance.command import LOOSE, TIGHT, main
from sim.conformance.decks import Opinions, ask_both, with_reltol
from sim.conformance.networks import ask_engines, voltages
from sim.engines import NeospiceEngine, NgspiceEngine
from sim.errors import UserError

ROOT = Path(__file__).parents[1]
CELLS = cell_cases(TIGHT)
BY_NAME = {case.name: case for case in NETWORKS}
QUICK = 1e-7  # between the two tolerances of the command, which tests cannot wait for


@pytest.mark.parametrize("case", CELLS, ids=[case.name for case in CELLS])
def test_both_simulators_and_the_closed_form_agree_on_cells(case: CellCase) -> None:
    opinions = ask_both(format_deck(case.deck))
    assert opinions.largest() < tolerances.SECOND_OPINION
    assert np.ptp(list(opinions.ngspice.values())) > 1e-3
    step = case.name.startswith("buffer")
    within = tolerances.SINGLE_POLE_STEP if step else tolerances.CELL_CLOSED_FORM
    for printed in (opinions.ngspice, opinions.neospice):
        for name, wanted in case.expected.items():
            assert printed[name] == pytest.approx(wanted, rel=0, abs=within)


def test_closed_forms_judge_all_cells_but_the_one_that_has_none() -> None:
    assert [case.name for case in CELLS if not case.expected] == ["buffer, macro, step of 2 V"]


@pytest.mark.parametrize("case", NETWORKS, ids=[case.name for case in NETWORKS])
def test_both_simulators_agree_on_networks(case: NetworkCase) -> None:
    # Drawn voltages hold through a pass: there the jump is that of the second sample's input.
    answers = ask_engines(replace(case, samples=2 if case.name == "gaussian source" else 1), QUICK)
    assert answers.apart < tolerances.SECOND_OPINION
    assert np.isnan(answers.energy_apart) == (case.circuit.opamp.level != "macro")
    assert not answers.energy_apart > tolerances.SAME_ENERGY
    ngspice, neospice = (answers.engines[name] for name in ("ngspice", "neospice"))
    np.testing.assert_array_equal(ngspice.doubts, neospice.doubts)
    assert np.abs(voltages(ngspice)).max() > 1e-3  # nothing would agree with nothing


@pytest.mark.parametrize("name", ["2-2-1", "precision, macro op-amps", "2 junctions in parallel"])
def test_settled_passes_agree_at_the_default_tolerance_too(name: str) -> None:
    answers = ask_engines(BY_NAME[name], LOOSE)
    assert answers.settled_apart < tolerances.SECOND_OPINION


def test_differences_of_moving_samples_shrink_with_the_tolerance() -> None:
    """So they are the integrators' choice of steps, and no difference between models."""
    case = BY_NAME["precision, single-pole op-amps"]
    loose, tight = ask_engines(case, LOOSE), ask_engines(case, TIGHT)
    assert loose.apart > 10 * tight.apart
    assert tight.apart < tolerances.SECOND_OPINION
    rows = list(table.tolerance_rows([loose, tight]))
    assert rows[-1].startswith("| 1e-08 | ")
    assert rows[-1].split(" | ")[2] == "< 0.001"  # ngspice from itself
    # Either is as far from the truth as the other: they agree better than they are right.
    assert loose.moved("ngspice", tight) > tight.moved("neospice", tight)


def test_all_three_engines_agree_on_ideal_parts() -> None:
    answers = ask_engines(BY_NAME["ideal parts, operating points"], TIGHT, bare=True)
    assert answers.from_mathematics < tolerances.IDEAL_PARTS
    assert answers.apart < tolerances.SECOND_OPINION
    assert answers.from_bare < tolerances.BARE_RUN


def test_the_suite_holds_flips_of_every_age_and_settled_passes() -> None:
    youngest = [
        case.passes().youngest(p)
        for case in NETWORKS
        if case.fidelity != "op"
        for p in range(2 * case.samples)
    ]
    assert sum(age < 1e-6 for age in youngest) > 5
    assert sum(2e-6 < age < np.inf for age in youngest) > 20
    assert np.inf in youngest


def test_a_weight_that_is_off_by_a_hundred_parts_per_million_shows() -> None:
    case = replace(BY_NAME["2-2-1"], samples=1)
    solver = SolverSettings(reltol=TIGHT)
    found = []
    for make, factor in ((NgspiceEngine, 1.0), (NeospiceEngine, 1.0001)):
        engine = make(case.network, case.circuit, case.clock, solver=solver)
        engine.write([factor * w for w in case.weights()])
        found.append(voltages(engine.run(case.passes())))
    assert np.abs(found[1] - found[0]).max() > 10 * tolerances.SECOND_OPINION


def test_neospice_clips_what_ngspice_clips() -> None:
    case = BY_NAME["2-1"]
    engines = [
        make(case.network, case.circuit, case.clock) for make in (NgspiceEngine, NeospiceEngine)
    ]
    clipped = [engine.write([np.array([[100.0, -1.0]])]) for engine in engines]
    assert clipped == [1, 1]
    np.testing.assert_array_equal(engines[0].pairs[0].plus, engines[1].pairs[0].plus)


def exported(folder: Path, *options: str) -> Path:
    path = folder / "network.cir"
    export.main(["--layers", "2,2,1", *options, "-o", str(path)], standalone_mode=False)
    return path


def test_the_command_judges_an_exported_deck(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deck = exported(tmp_path, "--fidelity", "op", "--biases")
    assert main([str(deck)]) == 0
    shown = capsys.readouterr().out
    assert "neospice 0." in shown
    assert f"{deck}; tightened: at reltol 1e-08" in shown
    for name in ("a1_1_p1", "x1_2_p2", "a2_1_p2"):
        assert f"| {name} |" in shown
    assert "within 1 µV" in shown


def test_the_command_fails_where_they_do_not_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "AGREED", -1.0)
    assert main([str(exported(tmp_path, "--fidelity", "op"))]) == 1
    assert "beyond" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (("reltol=1e-05", ""), 2, "wanted a line .options with reltol="),
        ((".control", "*"), 2, "wanted one control section"),
        (("Vdd vdd 0 DC {V_DD}", "Vdd vdd 0 external"), 2, "it has nothing for the line"),
        (("Rload y 0 {R_LOAD}", "Rload y 0 {R_MISSING}"), 3, "R_MISSING"),
    ],
)
def test_a_deck_that_cannot_be_judged_ends_in_one_line(
    change: tuple[str, str],
    code: int,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    deck = exported(tmp_path, "--fidelity", "op")
    text = deck.read_text()
    assert change[0] in text
    deck.write_text(text.replace(change[0], change[1], 1))
    assert main([str(deck)]) == code
    error = capsys.readouterr().err
    assert error.startswith(f"error: {deck}: ")
    assert said in error
    assert error.count("\n") == 1


def test_without_a_deck_the_command_prints_the_suites_tables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ideal = "ideal parts, operating points"
    monkeypatch.setattr(command, "NETWORKS", (BY_NAME[ideal],))
    monkeypatch.setattr(command, "MOVING", ideal)
    assert main([]) == 0
    shown = capsys.readouterr().out
    rows = [line for line in shown.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(CELLS) + 2 + 1 + 2 + len(command.FALLING)
    assert "| ideal parts, operating points | op | 12, 12 |" in shown


def test_tightening_changes_the_tolerance_alone() -> None:
    text = ".options method=gear reltol=1e-05 trtol=1\n"
    assert with_reltol(text, 1e-8) == ".options method=gear reltol=1e-08 trtol=1\n"
    with pytest.raises(UserError, match="reltol"):
        with_reltol(".options trtol=1\n", 1e-8)


def test_microvolts_are_read_by_people() -> None:
    shown = [table.microvolts(volts) for volts in (np.nan, 3e-10, 2.345e-8, 6e-6, 2.17e-4)]
    assert shown == ["–", "< 0.001", "0.023", "6", "220"]


def test_the_documented_tables_hold_every_case() -> None:
    page = (ROOT / "docs" / "second-opinion.md").read_text(encoding="utf8")
    missing = [c.name for c in (*CELLS, *NETWORKS) if f"| {c.name} |" not in page]
    assert not missing


def test_ctrl_c_stops_after_the_deck_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def interrupted(text: str) -> Opinions:
        asked.append(text)
        if len(asked) == 1:
            signal.raise_signal(signal.SIGINT)
        return ask_both(text)

    deck = exported(tmp_path, "--fidelity", "op")
    monkeypatch.setattr(command, "ask_both", interrupted)
    assert main([str(deck), str(deck)]) == 130
    captured = capsys.readouterr()
    assert captured.err.strip() == "error: stopped by Ctrl-C"
    assert len(asked) == 2  # the first deck, at both tolerances
    assert "tightened" not in captured.out
