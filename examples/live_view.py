"""What a terminal shows while a circuit learns: the panel of a short run, drawn as SVG."""

import io
import re
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

from sim import cosim
from sim.config import RunConfig, TaskConfig
from sim.pace import Pace
from sim.panel import TrainingPanel

PICTURES = Path(__file__).parents[1] / "docs" / "images"
_SIZE = (84, 24)  # columns and lines
# Without the fonts that rich's drawings load from another host.
_FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def main(out: Path = PICTURES, epochs: int = 40, samples: int = 50, until: float = 0.613) -> Path:
    """Train 2-2-2-1 in ngspice, and draw the panel as it stands on the way.

    Args:
        out: folder of the picture.
        epochs: of the training.
        samples: in an epoch.
        until: share of the training after which it is drawn.
    """
    out.mkdir(parents=True, exist_ok=True)
    setup = cosim.set_up(RunConfig(task=TaskConfig(epochs=epochs, samples=samples)))
    training = cosim.begin(setup, cosim.make_engines(setup))
    pace = Pace(epochs * samples)
    cosim.train(
        training, after_step=pace.note, stop=lambda: training.seen >= until * epochs * samples
    )
    width, height = _SIZE
    console = Console(
        record=True, file=io.StringIO(), width=width, height=height, force_terminal=True
    )
    console.print(TrainingPanel(training, pace))
    path = out / "live_view.svg"
    console.save_svg(
        str(path), title="python -m sim.run", theme=DIMMED_MONOKAI, code_format=_FORMAT
    )
    return path


if __name__ == "__main__":
    print(main())
