"""Small configurations, and a scheduler that computes in this process."""

from typing import Any

from sim.config import RunConfig
from sim.settings import changed
from sim.sweep.measures import DONE, Measured

TINY = {"task.layers": "2,2,1", "task.epochs": 1, "task.samples": 4}
IDEAL = {"simulation__engine": "ideal"}
KEY = "ab" * 32


def tiny(**more: Any) -> RunConfig:
    return changed(RunConfig(), TINY | {name.replace("__", "."): v for name, v in more.items()})


class Inline:
    """A scheduler in this process that computes what it is given when it is asked."""

    def __init__(self, compute: Any) -> None:
        self.compute = compute
        self.given: list[str] = []
        self.most = self.waiting = 0

    def nthreads(self) -> dict[str, int]:
        return {"one": 1}

    def cancel(self, futures: list[Any], **_: Any) -> None:
        self.cancelled = len(futures)

    def submit(self, _: Any, given: dict[str, Any], *, key: str) -> "Inline.Future":
        self.given.append(given["key"])
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        return Inline.Future(self, given, key)

    class Future:
        def __init__(self, inline: "Inline", given: dict[str, Any], key: str) -> None:
            self.inline, self.given, self.key, self.status = inline, given, key, "finished"

        def add_done_callback(self, call: Any) -> None:
            call(self)

        def cancelled(self) -> bool:
            return False

        def result(self, **_: Any) -> Any:
            self.inline.waiting -= 1
            return self.inline.compute(self.given)


def answer(_: Any) -> dict[str, Any]:
    return {"measured": Measured(DONE, "", {"ideal": 1.0}, 0.1).to_dict(), "files": {}}
