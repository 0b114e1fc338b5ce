"""Points computed by dask's workers: a cluster of this machine's cores, or any other.

A worker that is lost costs its running point alone, which another one begins again.
"""

import asyncio
import contextlib
import itertools
import logging
import queue
import signal
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from sim.config import RunConfig
from sim.errors import UserError
from sim.scoring import Stop, never
from sim.sweep.keys import key_of
from sim.sweep.measures import FAILED, Measured
from sim.sweep.store import Store
from sim.sweep.task import compute, task_of

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster

After = Callable[[str, Measured], None]

_LOOK = 0.2  # s, between two looks at whether to stop
_PATIENCE = 10.0  # s, for a scheduler's answer
_DEATHS = 3  # of our own workers under one point, after which it is given up
_SCHEMES = ("tcp", "tls", "ws", "wss")
_ADDRESS = "wanted the address that `dask scheduler` prints, such as tcp://127.0.0.1:8786"
_SETTINGS = {
    "distributed.scheduler.allowed-failures": _DEATHS - 1,
    "distributed.scheduler.work-stealing": False,
    "distributed.worker.profile.enabled": False,
    "distributed.comm.timeouts.connect": f"{_PATIENCE}s",
}


class Runner:
    """Computes points. Made by `open_runner`.

    Args:
        client: of a scheduler.
        where: what a message calls it.
    """

    def __init__(self, client: "Client", where: str) -> None:
        self._client = client
        self._where = where

    def run(
        self,
        configs: Sequence[RunConfig],
        store: Store,
        after: After = lambda _, __: None,
        *,
        again: Collection[str] = (),
        stop: Stop = never,
    ) -> dict[str, Measured]:
        """Compute what is not known yet.

        Args:
            configs: one a point; those with the same key are computed once.
            store: where points are kept; written here, not by workers.
            after: told of each point that was computed, in the order in which they are done;
                points that were known are not told.
            again: states whose points are computed again though they are known.
            stop: asked several times a second whether to stop; points under way are given up then.

        Returns:
            What became of every point, by key, those that failed by a fault of the machine among
            them, which the store does not keep; stopped, of those that are known by then.

        Raises:
            UserError: a worker has other versions, or the scheduler is gone; what was done is kept.
            WriteError: the store takes no more.
        """
        keyed = {key_of(config): config for config in configs}
        return self.run_keyed(keyed, store, after, again=again, stop=stop)

    def run_keyed(
        self,
        keyed: Mapping[str, RunConfig],
        store: Store,
        after: After = lambda _, __: None,
        *,
        again: Collection[str] = (),
        stop: Stop = never,
    ) -> dict[str, Measured]:
        """As `run`, of configurations whose keys are known; in the order in which they stand."""
        found: dict[str, Measured] = {}
        for key in keyed:
            known = store.read(key)
            if known is not None and known.state not in again:
                found[key] = known
        left = iter([key for key in keyed if key not in found])
        for key, measured, files in self._computed(left, keyed, stop):
            store.write(key, measured, files)
            found[key] = measured
            after(key, measured)
        return found

    def _computed(
        self, left: Iterator[str], keyed: Mapping[str, RunConfig], stop: Stop
    ) -> Iterator[tuple[str, Measured, Mapping[str, bytes]]]:
        """Points as they come; as many are with the scheduler as its workers have threads."""
        done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        under_way: dict[Any, tuple[str, Future]] = {}
        mark = uuid.uuid4().hex[:8]  # a scheduler may know the point of another sweep by its key

        def submit() -> None:
            for key in itertools.islice(left, max(0, self._threads() - len(under_way))):
                name = f"point-{mark}-{key}"
                future = self._client.submit(compute, task_of(key, keyed[key]), key=name)
                under_way[name] = key, future
                future.add_done_callback(done.put)

        try:
            submit()
            while under_way and not stop():
                try:
                    future = done.get(timeout=_LOOK)
                except queue.Empty:
                    submit()  # for workers that have come
                    continue
                ended = self._outcome(future)
                if ended is None:
                    future.add_done_callback(done.put)
                    continue
                key, _ = under_way.pop(future.key)
                submit()  # before what is done is written down, so that no worker waits for that
                yield key, *ended
        finally:
            with contextlib.suppress(Exception):  # the scheduler may be gone
                self._client.cancel([future for _, future in under_way.values()], force=True)

    def _threads(self) -> int:
        """Of all workers; 1 where none is there yet.

        One point a thread and no more: where a worker dies, its own point alone is suspicious.

        Raises:
            UserError: the scheduler is gone.
        """
        try:
            threads: Any = self._client.nthreads()  # by worker; this client is no coroutine's
        except (OSError, RuntimeError):
            raise self._gone() from None
        return max(1, sum(threads.values()))

    def _gone(self) -> UserError:
        return UserError(f"{self._where}: the scheduler is gone; points that are done are kept")

    def _outcome(self, future: "Future") -> tuple[Measured, Mapping[str, bytes]] | None:
        """What became of a point; None where its worker was lost before it could be fetched."""
        from distributed import KilledWorker  # noqa: PLC0415  # as all of dask

        try:
            found = future.result(timeout=_PATIENCE)
        except KilledWorker as error:
            times = error.allowed_failures + 1
            reason = f"its worker died {times} times"
            return Measured(FAILED, reason, {}, 0.0, of_machine=True), {}
        except TimeoutError:
            return None
        except CancelledError:
            raise self._gone() from None
        except (ImportError, AttributeError) as error:
            raise UserError(
                f"{self._where}: a worker cannot import danp-cosim ({error}); install the same "
                "version where workers run"
            ) from None
        except Exception as error:  # noqa: BLE001  # whatever a worker's side raised
            raise UserError(
                f"{self._where}: a worker broke off with {type(error).__name__}: {error}"
            ) from None
        if "unfit" in found:
            raise UserError(f"{self._where}: worker {found['worker']} {found['unfit']}")
        return Measured.from_dict(found["measured"]), found["files"]


@contextlib.contextmanager
def open_runner(jobs: int = 1, scheduler: str | None = None) -> Iterator[Runner]:
    """Open a way to workers.

    Their processes import the program anew: a script that calls this from its top level needs
    `if __name__ == "__main__":` around it.

    Args:
        jobs: worker processes to start on this machine.
        scheduler: address of a scheduler that has workers already, such as `tcp://10.0.0.1:8786`;
            none are started then.

    Raises:
        UserError: there is no scheduler at that address.
    """
    import dask.config  # noqa: PLC0415  # half a second, and only a sweep needs it
    import distributed  # noqa: PLC0415

    for name in [*logging.root.manager.loggerDict]:  # each has a level of its own
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL)
    if scheduler is not None:
        require_address(scheduler)
    with dask.config.set(_SETTINGS), contextlib.ExitStack() as stack:
        with _undisturbed():
            if scheduler is None:
                cluster = stack.enter_context(_local(jobs))
                client, where = distributed.Client(cluster), "this machine"
            else:
                client, where = _connected(scheduler), f"--scheduler {scheduler}"
        stack.callback(client.close, timeout=_PATIENCE)
        yield Runner(client, where)


@contextlib.contextmanager
def _local(jobs: int) -> Iterator["LocalCluster"]:
    from distributed import LocalCluster  # noqa: PLC0415

    cluster = LocalCluster(
        n_workers=jobs,
        threads_per_worker=1,
        processes=True,
        memory_limit=0,
        dashboard_address="127.0.0.1:0",  # any port that is free
        silence_logs=logging.CRITICAL,
    )
    try:
        yield cluster
    finally:
        with contextlib.suppress(TimeoutError):  # what is left ends with this process
            cluster.sync(_end, cluster)
            cluster.close(timeout=_PATIENCE)


async def _end(cluster: "LocalCluster") -> None:
    """End worker processes, whose points under way, if any, are given up."""
    nannies: list[Any] = list(cluster.workers.values())
    for nanny in nannies:
        nanny.auto_restart = False
    await asyncio.gather(*(nanny.kill(timeout=_LOOK) for nanny in nannies), return_exceptions=True)


def require_address(scheduler: str) -> None:
    """Refuse what no scheduler can be at, before anything waits for it.

    Raises:
        UserError: it has no host, no port, or another scheme than dask talks.
    """
    from distributed.comm.addressing import parse_address, parse_host_port  # noqa: PLC0415

    wanted = f"--scheduler: {_ADDRESS}, got {scheduler!r}"
    try:
        scheme, place = parse_address(scheduler)
        host, port = parse_host_port(place)
    except ValueError:
        raise UserError(wanted) from None
    if scheme not in _SCHEMES or not host or not 0 < int(port) < 65536:
        raise UserError(wanted)


def _connected(scheduler: str) -> "Client":
    from distributed import Client  # noqa: PLC0415

    try:
        return Client(scheduler, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        first = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"--scheduler: no answer from {scheduler} ({first}); {_ADDRESS}") from None


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Have threads and processes that begin meanwhile, and all of theirs, never see a Ctrl-C.

    A terminal sends it to every process; workers are ended by the driver. One that comes meanwhile
    reaches this thread afterwards.
    """
    resource_tracker.ensure_running()  # which lets the signal through again where it begins
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
