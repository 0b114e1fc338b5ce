"""Remake every picture of the README and the documentation: `python examples/make_gallery.py`.

Takes a quarter of an hour, most of it for the studies of the noise; the default run's figures come
with its `summary.json` figures printed.
"""

import shutil
import tempfile
from pathlib import Path

import calibrated_twin
import deviation_by_part
import export_and_run
import ideal_against_in_loop
import neuron_transfer
import noise_at_three_fields
import noise_studies
import telegraph_noise

from sim.attribute.command import main as attribute
from sim.characterize.command import main as characterize
from sim.run import main as run

PICTURES = Path(__file__).parents[1] / "docs" / "images"
_OF_A_RUN = ("loss.png", "deviation.png", "waveforms.png", "attribution/waterfall.png")


def main(out: Path = PICTURES) -> list[Path]:
    """Make all pictures in `out` and return them."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "run"
        code = run(["--out", str(folder)])
        if code:
            raise SystemExit(code)
        code = attribute([str(folder), "--quiet"]) or characterize(
            ["--cell", "activation", "--out", str(Path(scratch) / "sheet"), "--quiet"]
        )
        if code:
            raise SystemExit(code)
        for name in _OF_A_RUN:
            shutil.copyfile(folder / name, out / f"run_{Path(name).name}")
        shutil.copyfile(Path(scratch) / "sheet" / "activation.png", out / "sheet_activation.png")
        export_and_run.main(out, Path(scratch) / "exported.cir")
    telegraph_noise.main(out)
    neuron_transfer.main(out)
    deviation_by_part.main(out)
    calibrated_twin.main(out)
    ideal_against_in_loop.main(out)
    noise_at_three_fields.main(out)
    noise_studies.main(out)
    return sorted(out.glob("*.png"))


if __name__ == "__main__":
    for picture in main():
        print(picture)
