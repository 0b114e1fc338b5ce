"""Trainings of the mathematics at the size of the paper's networks, in torch.

```python
from sim.scale import configure, train

trained = train(configure("mnist", {"data.data_dir": "mnist", "learning.epochs": 5}))
print(trained.history[-1]["test_accuracy"])
```

Nothing here imports torch before a training begins.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sim.scale.config import ScaleConfig
from sim.scale.settings import configure

if TYPE_CHECKING:
    from sim.scale.trained import Trained

__all__ = ["ScaleConfig", "configure", "train"]


def train(
    config: ScaleConfig | None = None,
    out: Path | str | None = None,
    *,
    quiet: bool = True,
    resume: bool = False,
) -> "Trained":
    """Train a network; what `python -m learning.train` does.

    Args:
        config: what is left out is filled in; all of it by default.
        out: folder to write; `runs/<time>-<data>-<layers>` by default.
        quiet: print nothing.
        resume: go on with the training in `out` that was stopped, as its configuration says.

    Returns:
        What came of it.

    Raises:
        UserError: a parameter, the data or the folder will not do, or the training diverged.
        KeyboardInterrupt: stopped by Ctrl-C; its text says how to go on.
    """
    from sim.console import open_console  # noqa: PLC0415  # these import torch
    from sim.errors import UserError  # noqa: PLC0415
    from sim.scale.job import begin, go_on, stopped  # noqa: PLC0415

    console = open_console()
    if resume:
        if config is not None or out is None:
            raise UserError("resume: wanted the folder of a training in out, and no config")
        trained = go_on(Path(out), {}, {}, (), console, quiet=quiet)
    else:
        place = None if out is None else Path(out)
        trained = begin(config or ScaleConfig(), place, console, quiet=quiet)
    if not trained.finished:
        raise KeyboardInterrupt(stopped(trained))
    return trained
