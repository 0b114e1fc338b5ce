"""Golden decks: what is written today reads as it did, and gives the same voltages."""

import json
from pathlib import Path

import pytest
import tolerances
from make_golden import FOLDER, golden_decks

from netlists.deck import Deck
from netlists.spice import format_deck
from sim.bare import bare_version, run_bare
from sim.conformance.decks import ask_neospice

DECKS = golden_decks()
REMAKE = "where that is meant, run `make golden` and look at what changed in tests/golden"


def reference(name: str) -> dict[str, dict[str, float]]:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="ascii"))


@pytest.mark.parametrize(("name", "deck"), DECKS.items(), ids=list(DECKS))
def test_a_deck_reads_as_its_golden_one(name: str, deck: Deck) -> None:
    wanted = (FOLDER / f"{name}.cir").read_text(encoding="ascii")
    assert format_deck(deck) == wanted, f"{name}: decks read differently now; {REMAKE}"


@pytest.mark.parametrize("name", DECKS)
def test_ngspice_and_neospice_read_the_golden_voltages(name: str) -> None:
    text = (FOLDER / f"{name}.cir").read_text(encoding="ascii")
    kept = reference(name)
    for simulator, got in (
        (f"ngspice {bare_version()}", run_bare(text)),
        ("neospice", ask_neospice(text)),
    ):
        assert got.keys() == kept["voltages"].keys()
        worst = max(kept["voltages"], key=lambda key: abs(got[key] - kept["voltages"][key]))
        assert got[worst] == pytest.approx(
            kept["voltages"][worst], rel=0, abs=tolerances.GOLDEN_VOLTAGE
        ), f"{name}: {simulator} reads {worst} otherwise than {kept['made_by']} did; {REMAKE}"


def test_every_golden_file_is_of_a_deck_and_says_who_made_it() -> None:
    files = {path.name for path in Path(FOLDER).iterdir()}
    assert files == {f"{name}.{kind}" for name in DECKS for kind in ("cir", "json")}
    for name in DECKS:
        assert {"ngspice", "danp_cosim"} <= reference(name)["made_by"].keys()


def test_golden_passes_differ_so_that_a_mix_up_would_show() -> None:
    for name in DECKS:
        voltages = reference(name)["voltages"]
        firsts = [key for key in voltages if key.endswith("_p1")]
        moved = [abs(voltages[key] - voltages[key.replace("_p1", "_p2")]) for key in firsts]
        assert name == "deck_2_1_1" or max(moved) > 1e-3
