"""Workers that share units of passes: who is asked what, and what becomes of failures.

A unit that fails goes to a fresh worker, in the place of the one that it failed on. What a unit
gives depends neither on the worker nor on what that ran before, so the whole does not either.
"""

import selectors
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from sim.errors import UserError
from sim.evidence import DECK, LOG
from sim.passes import Passes
from sim.workers.batch import Answer, Batch, Failure, Loaded, UnitFailedError
from sim.workers.content import passes_to_arrays, readout_from_arrays
from sim.workers.supervisor import COMMAND, Worker, WorkerLostError
from sim.workers.wire import Message


@dataclass(frozen=True)
class Care:
    """How workers are looked after.

    Attributes:
        deadline: in which a worker loads the circuit and answers a unit, s.
        attempts: workers on which a unit may fail before the whole does.
        starting: in which a worker is ready, s. It takes one or two; a busy disk may be slow.
    """

    deadline: float = 600.0
    attempts: int = 3
    starting: float = 120.0


class Pool:
    """Worker processes; they start at once, side by side.

    Args:
        jobs: how many.
        care: deadlines and attempts.
        command: starts a worker; the folder for its files is put behind.

    Raises:
        UserError: the system has no room for so many processes; those before are ended.

    Attributes:
        jobs: likewise.
        care: likewise.
        replaced: workers that were ended and replaced.
        retried: units that were asked again, each time counted.
        renewed: workers whose memory had grown, whatever took it.
    """

    def __init__(
        self, jobs: int, care: Care | None = None, command: Sequence[str] = COMMAND
    ) -> None:
        self.jobs = jobs
        self.care = care or Care()
        self.replaced = 0
        self.retried = 0
        self.renewed = 0
        self._command = command
        self._versions = 0
        self._workers: list[Worker | None] = [None] * jobs
        try:
            with _room_for_worker(1, jobs):
                self._selector = selectors.DefaultSelector()
            for place in range(jobs):
                self._start(place)
        except BaseException:
            _kill(self._workers)
            raise
        weakref.finalize(self, _kill, self._workers)  # where nobody closes it

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the worker processes."""
        return tuple(worker.pid for worker in self._workers if worker)

    def next_version(self) -> int:
        """A number for an engine or for resistors."""
        self._versions += 1
        return self._versions

    def begin(self, loaded: Loaded, units: Sequence[Passes], attempts: int | None = None) -> Batch:
        """Ask the first units; `finish` sees to all of them.

        Args:
            loaded: engine and resistors.
            units: at least one.
            attempts: workers on which a unit may fail before the batch does; as `care` says by
                default.
        """
        self.give_up()  # of a batch that was never finished
        batch = Batch(loaded, units, attempts or self.care.attempts)
        self._hand_out(batch)
        return batch

    def finish(self, batch: Batch) -> list[Answer]:
        """Answers to all units of a batch, in their order.

        Raises:
            UnitFailedError: one failed as often as is allowed; all others are given up.
            UserError: a worker met what the user has to mend, or none can be started.
        """
        try:
            while batch.open:
                self._hand_out(batch)
                for key, events in self._selector.select(self._patience()):
                    worker: Worker = key.data
                    if worker not in self._workers:  # replaced within this round
                        continue
                    if events & selectors.EVENT_WRITE:
                        self._push(worker)
                    else:
                        self._listen(worker, batch)
                self._end_late(batch)
        except BaseException:
            self.give_up()
            raise
        return [answer for answer in batch.answers if answer]

    def give_up(self) -> None:
        """End workers that are under way, lest a late answer be taken for another's."""
        for worker in self._workers:
            if worker and worker.unit is not None:
                self._end(worker)

    def close(self) -> None:
        """End all workers. Those that are needed afterwards start anew."""
        for worker in self._workers:
            if worker:
                self._end(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, place: int) -> Worker:
        with _room_for_worker(place + 1, self.jobs):
            worker = self._workers[place] = Worker(self._command)
            self._selector.register(worker.heard, selectors.EVENT_READ, worker)
        return worker

    def _end(self, worker: Worker) -> None:
        self._workers[self._workers.index(worker)] = None
        for stream in (worker.heard, worker.told):
            if stream in self._selector.get_map():
                self._selector.unregister(stream)
        worker.kill()

    def _replace(self, worker: Worker) -> Worker:
        place = self._workers.index(worker)
        self._end(worker)
        self.replaced += 1
        return self._start(place)

    def _hand_out(self, batch: Batch) -> None:
        """Ask those who have nothing to do."""
        for place in range(self.jobs):
            if not batch.waiting:
                return
            worker = self._workers[place] or self._start(place)
            if worker.unit is None:
                if worker.ended:  # while it was asked nothing
                    worker = self._replace(worker)
                elif worker.worn:
                    self._end(worker)
                    self.renewed += 1
                    worker = self._start(place)
                self._ask(worker, batch, batch.waiting.popleft())

    def _ask(self, worker: Worker, batch: Batch, number: int) -> None:
        worker.unit, worker.asked = number, time.monotonic()
        engine, engine_version = batch.loaded.engine
        resistors, resistors_version = batch.loaded.resistors
        if worker.engine != engine_version:
            worker.tell(engine)
            worker.engine, worker.resistors = engine_version, -1
        if worker.resistors != resistors_version:
            worker.tell(resistors)
            worker.resistors = resistors_version
        fields = {"number": number, "engine": engine_version, "resistors": resistors_version}
        worker.tell(Message("unit", fields, passes_to_arrays(batch.units[number])).encode())
        if worker.unsent:
            self._selector.register(worker.told, selectors.EVENT_WRITE, worker)

    def _push(self, worker: Worker) -> None:
        worker.push()
        if not worker.unsent:
            self._selector.unregister(worker.told)

    def _listen(self, worker: Worker, batch: Batch) -> None:
        try:
            for message in worker.listen():
                if worker in self._workers:  # still, after the message before
                    self._take(worker, message, batch)
        except WorkerLostError as lost:
            self._fail(worker, batch, _last_words(worker, str(lost)))

    def _take(self, worker: Worker, message: Message, batch: Batch) -> None:
        if message.kind == "ready" and not worker.ready:
            worker.ready = time.monotonic()
            return
        number = worker.unit if worker.ready else None
        if message.kind == "refused" and message.fields.get("number") == number:
            raise UserError(str(message.fields.get("error")))
        if number is None or message.fields.get("number") != number:
            raise WorkerLostError(f"answered what it was not asked: {message.kind}")
        match message.kind:
            case "readout":
                answer = _answer(message, batch, number)
                worker.note_memory(answer.memory)
                batch.answer(number, answer)
                worker.unit = None
            case "failed":
                self._fail(worker, batch, _kept(worker, message))
            case kind:
                raise WorkerLostError(f"gave an answer of no kind: {kind!r}")

    def _fail(self, worker: Worker, batch: Batch, failure: Failure) -> None:
        """Ask a worker's unit again of a fresh one, if it may fail again."""
        number = worker.unit
        if number is None:  # it is replaced when it is needed, if it ever is
            self._end(worker)
            self.replaced += 1
            return
        if batch.count_failure(number) >= batch.attempts:
            raise UnitFailedError(number, failure)
        self.retried += 1
        self._ask(self._replace(worker), batch, number)

    def _patience(self) -> float:
        """Until the first deadline, s."""
        ends = [self._deadline(worker) for worker in self._workers if worker and worker.busy]
        return max(0.0, min(ends) - time.monotonic())

    def _deadline(self, worker: Worker) -> float:
        """Until when a worker has to answer, s of the monotonic clock."""
        if not worker.ready:
            return worker.started + self.care.starting
        return max(worker.ready, worker.asked) + self.care.deadline

    def _end_late(self, batch: Batch) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker and worker.busy and now > self._deadline(worker):
                late = f"did not answer within {self.care.deadline:g} s"
                if not worker.ready:
                    late = f"was not ready within {self.care.starting:g} s"
                self._fail(worker, batch, _last_words(worker, late))


@contextmanager
def _room_for_worker(number: int, jobs: int) -> Iterator[None]:
    """Have the user mend what the system refuses to a worker."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"--jobs: worker process {number} of {jobs} cannot be started: "
            f"{error.strerror or error}; give fewer, or allow more open files and processes "
            "(ulimit)"
        ) from None


def _kill(workers: Sequence[Worker | None]) -> None:
    for worker in workers:
        if worker:
            worker.kill()


def _answer(message: Message, batch: Batch, number: int) -> Answer:
    layers = batch.loaded.description.network.layers
    try:
        return Answer(
            readout_from_arrays(message.arrays, len(batch.units[number]), layers),
            float(message.fields["seconds"]),
            int(message.fields["aids"]),
            float(message.fields["memory"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise WorkerLostError(f"gave an answer that does not fit: {error}") from None


def _last_words(worker: Worker, how: str) -> Failure:
    return Failure(f"a worker process {how}", (f"a worker process {how}", *worker.said()))


def _kept(worker: Worker, message: Message) -> Failure:
    """What a worker kept of a failed simulation."""
    folder = worker.evidence
    try:
        deck = (folder / DECK).read_text(encoding="utf8")
        log = (folder / LOG).read_text(encoding="utf8", errors="replace")
    except OSError as error:
        raise WorkerLostError(f"kept nothing of a failed simulation: {error}") from None
    return Failure(str(message.fields.get("error")), tuple(log.splitlines()), deck, str(folder))
