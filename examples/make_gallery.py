"""Remake the pictures of the README and the documentation: `python examples/make_gallery.py`.

All of them take half an hour, most of it for the studies of the noise. `--only NAME…` remakes those
of some scripts, or single pictures: `--only run telegraph_noise`, `--only study_pace.png`. The
paper's figures 3 to 5, the Monte Carlo and the study of devices are drawn from the numbers in
`docs/results`, which their scripts found in longer runs.
"""

import argparse
import difflib
import importlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PICTURES = Path(__file__).parents[1] / "docs" / "images"
ROOT = Path(__file__).parents[1]


class Gallery:
    """Where pictures go, and the run that several are of."""

    def __init__(self, out: Path, scratch: Path) -> None:
        self.out = out
        self.scratch = scratch

    @cached_property
    def run(self) -> Path:
        """The default run, and what its deviation is due to."""
        from sim.attribute.command import main as attribute  # noqa: PLC0415  # takes a second
        from sim.run import main as run  # noqa: PLC0415

        folder = self.scratch / "run"
        code = run(["--out", str(folder)]) or attribute([str(folder), "--quiet"])
        if code:
            raise SystemExit(code)
        return folder


@dataclass(frozen=True)
class Maker:
    """What makes some pictures.

    Attributes:
        script: that one may run by itself; none where it is a command.
        pictures: names in `docs/images`.
        make: makes them.
    """

    script: str | None
    pictures: tuple[str, ...]
    make: Callable[[Gallery], object]


def _main(module: str, *given: object) -> Callable[[Gallery], object]:
    def make(gallery: Gallery) -> object:
        return importlib.import_module(module).main(gallery.out, *given)

    return make


def _example(name: str, *more: str) -> Maker:
    return Maker(f"examples/{name}.py", (f"{name}.png", *more), _main(name))


def _study(name: str) -> Maker:
    pictures = (f"study_{name}.png",)
    return Maker("examples/noise_studies.py", pictures, _main("noise_studies", name))


def _paper_figure(number: int) -> Maker:
    """Drawn again from the numbers that its script left."""
    name = f"paper_fig{number}"

    def draw(gallery: Gallery) -> None:
        rows = importlib.import_module("paper_rows")
        script = importlib.import_module(name)
        found = rows.read_rows(rows.KEPT / f"{name}.csv", script.COLUMNS)
        script.plot(found, gallery.out / f"{name}.png")

    return Maker(f"examples/{name}.py", (f"{name}.png",), draw)


def _of_rows(name: str) -> Maker:
    """Drawn again from the rows that its script left."""

    def draw(gallery: Gallery) -> None:
        rows = importlib.import_module("paper_rows")
        script = importlib.import_module(name)
        found = rows.read_rows(rows.KEPT / f"{script.NAME}.csv", script.COLUMNS)
        script.draw(found, gallery.out / f"{script.NAME}.png")

    return Maker(f"examples/{name}.py", (f"{name.replace('_', '-')}.png",), draw)


def _of_the_run(gallery: Gallery) -> None:
    for name in ("loss.png", "deviation.png", "waveforms.png", "attribution/waterfall.png"):
        shutil.copyfile(gallery.run / name, gallery.out / f"run_{Path(name).name}")


def _sheet(gallery: Gallery) -> None:
    from sim.characterize.command import main as characterize  # noqa: PLC0415  # takes a second

    sheet = gallery.scratch / "sheet"
    code = characterize(["--cell", "activation", "--out", str(sheet), "--quiet"])
    if code:
        raise SystemExit(code)
    shutil.copyfile(sheet / "activation.png", gallery.out / "sheet_activation.png")


def _exported(gallery: Gallery) -> None:
    deck = gallery.scratch / "exported.cir"
    importlib.import_module("export_and_run").main(gallery.out, deck)


def _report(gallery: Gallery) -> None:
    importlib.import_module("report_pictures").main(gallery.out, gallery.run)


def _long_transients(gallery: Gallery) -> None:
    picture = str(gallery.out / "long_transients.png")
    importlib.import_module("benchmarks.long_transients").main(["--figure", picture])


def _scale_speed(gallery: Gallery) -> None:
    picture = str(gallery.out / "scale_speed.png")
    importlib.import_module("benchmarks.scale.__main__").main(["--figure", picture])


def _sweep_scaling(gallery: Gallery) -> None:
    files = ["--figure", str(gallery.out / "sweep_scaling.png")]
    files += ["--csv", str(gallery.scratch / "sweep_scaling.csv")]
    importlib.import_module("benchmarks.sweep.__main__").main(files)


def _explored(gallery: Gallery) -> None:
    """A small Monte Carlo, and what `danp-cosim explore` says of its yield."""
    from sim.explore.command import explore  # noqa: PLC0415  # takes a second
    from sim.sweep.command import sweep  # noqa: PLC0415

    folder = str(gallery.scratch / "explored")
    settings = ["--set", "task.epochs=15", "--set", "task.samples=50", "--set", "eta=0.08"]
    varied = ["--vary", "opamp.gbw=0.6M,2.8M", "--mc", "15", "--set", "seed=3"]
    given = [*varied, *settings, "--jobs", "2", "--out", folder, "--quiet"]
    sweep.main(given, standalone_mode=False)
    explore.main([folder, "--quiet"], standalone_mode=False)
    picture = gallery.scratch / "explored" / "explore" / "yield.png"
    shutil.copyfile(picture, gallery.out / "explore-yield.png")


MAKERS: dict[str, Maker] = {
    "run": Maker(
        None,
        ("run_loss.png", "run_deviation.png", "run_waveforms.png", "run_waterfall.png"),
        _of_the_run,
    ),
    "sheet": Maker(None, ("sheet_activation.png",), _sheet),
    "export_and_run": Maker("examples/export_and_run.py", ("export_and_run.png",), _exported),
    "schematics": Maker(
        "examples/schematics.py",
        tuple(
            f"schematic_{what}.{kind}"
            for what in ("network", "layer", "neuron")
            for kind in ("svg", "png")
        ),
        _main("schematics"),
    ),
    "report_pictures": Maker(
        "examples/report_pictures.py",
        ("report.png", "report_dark_phone.png", "report_waveforms.png"),
        _report,
    ),
    "live_view": Maker("examples/live_view.py", ("live_view.svg",), _main("live_view")),
    "telegraph_noise": _example("telegraph_noise"),
    "paper_fig2": Maker(
        "examples/paper_fig2.py", ("noise_at_three_fields.png",), _main("paper_fig2")
    ),
    **{f"paper_fig{number}": _paper_figure(number) for number in (3, 4, 5)},
    "neuron_transfer": _example("neuron_transfer"),
    "deviation_by_part": _example("deviation_by_part"),
    "calibrated_twin": _example("calibrated_twin"),
    "cell_at_scale": _example("cell_at_scale"),
    "ideal_against_in_loop": _example("ideal_against_in_loop"),
    "write_back": _example("write_back"),
    "monte_carlo": _of_rows("monte_carlo"),
    "write_back_study": _of_rows("write_back_study"),
    "explored": Maker(None, ("explore-yield.png",), _explored),
    "long_transients": Maker(
        "benchmarks/long_transients.py", ("long_transients.png",), _long_transients
    ),
    "scale_speed": Maker("benchmarks/scale/__main__.py", ("scale_speed.png",), _scale_speed),
    "sweep_scaling": Maker("benchmarks/sweep/__main__.py", ("sweep_scaling.png",), _sweep_scaling),
    **{f"study_{name}": _study(name) for name in ("levels", "pace", "occupancy", "sharing")},
}
"""By name; a study is one of four."""


def chosen(names: Sequence[str]) -> list[str]:
    """Makers of these names, or of pictures of these names; all without any.

    Raises:
        SystemExit: there is no such maker or picture.
    """
    known = {name: name for name in MAKERS}
    known |= {picture: name for name, maker in MAKERS.items() for picture in maker.pictures}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 3) or sorted(MAKERS)
            sys.exit(f"error: --only {name}: no such picture or script; is it {', '.join(near)}?")
    return list(dict.fromkeys(known[name] for name in names)) if names else list(MAKERS)


def main(out: Path = PICTURES, only: Sequence[str] = ()) -> list[Path]:
    """Make pictures in `out`, and return them.

    Args:
        out: the folder.
        only: names of makers or pictures; all without any.
    """
    out.mkdir(parents=True, exist_ok=True)
    sys.path[:0] = [str(ROOT / "examples"), str(ROOT)]  # benchmarks are no installed package
    names = chosen(only)
    with tempfile.TemporaryDirectory() as scratch:
        gallery = Gallery(out, Path(scratch))
        for name in names:
            MAKERS[name].make(gallery)
    return [out / picture for name in names for picture in MAKERS[name].pictures]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Remake the pictures of the documentation.")
    parser.add_argument("--out", type=Path, default=PICTURES, help="folder to write")
    parser.add_argument("--only", nargs="+", default=(), metavar="NAME", help="scripts or pictures")
    options = parser.parse_args()
    for picture in main(options.out, options.only):
        print(picture)
