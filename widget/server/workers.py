"""Several worker processes behind one socket: started, watched, replaced one after the other, stopped together."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any

import click

from widget import settings as settings_module
from widget import telemetry
from widget.assets import asset_folder
from widget.server import memory, signals
from widget.server.reload import DID_NOT_START, Refused, log_applied, refused
from widget.settings import Settings, SettingsFaults

START_LIMIT = 30.0
STOP_LIMIT = 10.0
LOOK_EVERY = 0.25
PAUSE_AFTER_CRASH = 1.0
READY = b"ready"  # a worker says so once
STOP = b"stop"  # it is told so; the end of the pipe means: at once, without draining

Target = Callable[[Settings, int, Connection], None]


@dataclass(slots=True)
class Worker:
    """One process. `pipe` brings READY once, or the faults for which it did not start."""

    number: int
    process: SpawnProcess
    pipe: Connection
    ready: bool = False
    faults: list[str] = field(default_factory=list)

    def listen(self) -> bool:
        """Receive what the process sent; return whether it just became ready."""
        try:
            said = self.pipe.recv() if self.pipe.poll() else None
        except (EOFError, OSError):
            return False
        if isinstance(said, list):
            self.faults = said
        self.ready = self.ready or said == READY
        return said == READY

    def stop(self, *, drain: bool) -> None:
        """Ask the process to stop: after draining as `serve --drain` says, or at once."""
        if not self.ready:
            self.process.terminate()
        elif not drain:
            self.pipe.close()
        else:
            with contextlib.suppress(OSError):  # it has gone
                self.pipe.send(STOP)


class Supervisor:
    """The parent of the workers. `target(settings, number, pipe)` runs in each; `watched` files restart them.

    Workers get the settings from here: a successor after a crash must not read a file in the middle of an edit.
    """

    def __init__(
        self,
        target: Target,
        settings: Settings,
        *,
        workers: int,
        config: Path,
        drain: float,
        watched: Callable[[], list[Path]] | None,
    ) -> None:
        self._target = target
        self._settings = settings
        self._config = config
        self._watched = watched
        self._drain = drain
        self._told_to_stop = 0
        self._hung_up = False
        self._workers: list[Worker] = []
        self._count = workers
        self._started = False
        self._spawn = multiprocessing.get_context("spawn")
        ForkingPickler.register(MappingProxyType, _pickled)  # frozen settings hold some

    def run(self) -> int:
        """Supervise until a signal to stop; return the exit code."""
        handlers = dict.fromkeys((*signals.STOPPING, signals.RELOADING), self._note)
        memory.set_aside()
        with signals.handled(handlers):
            return self._supervise()

    def _supervise(self) -> int:
        self._workers = [self._start(number) for number in range(self._count)]
        seen = self._fingerprint()
        while True:
            wait([*(worker.process.sentinel for worker in self._workers)], timeout=LOOK_EVERY)
            if self._told_to_stop:
                self._stop(self._workers, drain=True)
                return 0
            if (failed := self._replace_dead()) is not None:
                self._stop(self._workers)
                return failed
            if self._started and self._hung_up:
                self._hung_up = False
                self._replace_all()
            if (now := self._fingerprint()) != seen:
                seen = now
                telemetry.logger().info("files_changed")
                self._replace_all()

    def _note(self, number: int, _: FrameType | None) -> None:
        if number == signals.RELOADING:
            self._hung_up = True
        else:
            self._told_to_stop += 1

    def _start(self, number: int) -> Worker:
        ours, theirs = self._spawn.Pipe()
        process = self._spawn.Process(
            target=self._target, args=(self._settings, number, theirs), name=f"worker-{number}"
        )
        with signals.blocked_for_a_child():
            process.start()
        theirs.close()
        return Worker(number, process, ours)

    def _replace_dead(self) -> int | None:
        """Replace workers that died; return an exit code when none was ever ready, as the next would not be either."""
        for place, worker in enumerate(self._workers):
            alive = worker.process.is_alive()  # before listening: what a dead one sent last is in the pipe
            if worker.listen():
                telemetry.logger().info("worker_ready", worker=worker.number)
                if not self._started:
                    telemetry.logger().info("started")
                self._started = True
            if alive:
                continue
            code = worker.process.exitcode
            if not self._started:
                if worker.faults:
                    click.echo("; ".join(worker.faults), err=True)
                else:
                    telemetry.logger().error("worker_did_not_start", worker=worker.number, code=code)
                return 2 if code == 2 else 1
            why = {"faults": worker.faults} if worker.faults else {}
            telemetry.logger().error("worker_died", worker=worker.number, code=code, **why)
            worker.pipe.close()
            time.sleep(PAUSE_AFTER_CRASH)
            self._workers[place] = self._start(worker.number)
        return None

    def _replace_all(self) -> None:
        """Bring a new worker into service before its predecessor leaves; bad settings or a bad start change nothing."""
        before = self._settings
        try:
            self._settings = settings_module.load(self._config)
        except SettingsFaults as faults:
            refused(faults).log()
            return
        for place, old in enumerate(self._workers):
            new = self._start(old.number)
            if not self._gets_ready(new):
                if not self._told_to_stop:
                    Refused(new.faults or [DID_NOT_START]).log()
                self._stop([new])
                self._settings = before
                return
            self._workers[place] = new
            self._stop([old])
        log_applied(before, self._settings)

    def _gets_ready(self, worker: Worker) -> bool:
        until = time.monotonic() + START_LIMIT
        while time.monotonic() < until and not self._told_to_stop:
            alive = worker.process.is_alive()
            if worker.listen():
                return True
            if not alive:
                return False
            wait([worker.pipe, worker.process.sentinel], timeout=LOOK_EVERY)
        return False

    def _stop(self, workers: list[Worker], *, drain: bool = False) -> None:
        for worker in workers:
            worker.stop(drain=drain)
        told, until = self._told_to_stop, time.monotonic() + STOP_LIMIT + (self._drain if drain else 0.0)
        while any(worker.process.is_alive() for worker in workers) and time.monotonic() < until:
            wait([worker.process.sentinel for worker in workers if worker.process.is_alive()], timeout=LOOK_EVERY)
            if drain and self._told_to_stop > told:  # a second signal ends the draining
                drain = False
                for worker in workers:
                    worker.stop(drain=False)
        for worker in workers:
            if worker.process.is_alive():
                worker.process.kill()
            worker.process.join()
            worker.pipe.close()

    def _fingerprint(self) -> list[tuple[str, int]]:
        if self._watched is None:
            return []
        return sorted((str(path), path.stat().st_mtime_ns) for path in self._watched() if path.is_file())


def files_of(settings: Settings, config: Path) -> Callable[[], list[Path]]:
    """Return what `--reload` watches: the settings, the operator's themes, the shipped templates and scripts."""
    folders = [settings.themes.directory, asset_folder("templates"), asset_folder("static")]

    def look() -> list[Path]:
        return [config, *(path for folder in folders if folder.is_dir() for path in folder.rglob("*"))]

    return look


def _pickled(mapping: MappingProxyType[Any, Any]) -> tuple[Callable[[dict[Any, Any]], object], tuple[dict[Any, Any]]]:
    return _frozen, (dict(mapping),)


def _frozen(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)
