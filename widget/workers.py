"""Several worker processes behind one socket: started, watched, replaced one after the other, stopped together."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any

from widget import settings as settings_module
from widget import telemetry
from widget.assets import asset_folder
from widget.settings import Settings, SettingsFaults

START_LIMIT = 30.0
STOP_LIMIT = 10.0
LOOK_EVERY = 0.25
PAUSE_AFTER_CRASH = 1.0

Target = Callable[[Settings, int, Connection], None]


@dataclass(slots=True)
class Worker:
    """One process; `pipe` says "ready" once, and its end tells the child that we are gone."""

    number: int
    process: SpawnProcess
    pipe: Connection
    ready: bool = False


class Supervisor:
    """The parent of the workers. `target(settings, number, pipe)` runs in each; `watched` files restart them.

    Workers get the settings from here: a successor after a crash must not meet a file in the middle of an edit.
    """

    def __init__(
        self,
        target: Target,
        settings: Settings,
        *,
        workers: int,
        config: Path,
        watched: Callable[[], list[Path]] | None = None,
    ) -> None:
        self._target = target
        self._settings = settings
        self._config = config
        self._watched = watched
        self._signals: list[int] = []
        self._workers: list[Worker] = []
        self._count = workers
        self._stood = False
        self._spawn = multiprocessing.get_context("spawn")
        ForkingPickler.register(MappingProxyType, _pickled)  # frozen settings hold some

    def run(self) -> int:
        """Supervise until a signal to stop; gives the exit code."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)
        self._workers = [self._start(number) for number in range(self._count)]
        seen = self._fingerprint()
        while True:
            wait([*(worker.process.sentinel for worker in self._workers)], timeout=LOOK_EVERY)
            if signal.SIGINT in self._signals or signal.SIGTERM in self._signals:
                self._stop(self._workers)
                return 0
            if signal.SIGHUP in self._signals:
                self._signals = [number for number in self._signals if number != signal.SIGHUP]
                self._replace_all()
            if (now := self._fingerprint()) != seen:
                seen = now
                telemetry.logger().info("files_changed")
                self._replace_all()
            if not self._look_after():
                self._stop(self._workers)
                return 1

    def _note(self, number: int, _: FrameType | None) -> None:
        self._signals.append(number)

    def _start(self, number: int) -> Worker:
        ours, theirs = self._spawn.Pipe()
        process = self._spawn.Process(
            target=self._target, args=(self._settings, number, theirs), name=f"worker-{number}"
        )
        process.start()
        theirs.close()
        return Worker(number, process, ours)

    def _look_after(self) -> bool:
        """Replace workers that died; gives False when none was ever ready, since the next would not be either."""
        for place, worker in enumerate(self._workers):
            if not worker.ready and _says_ready(worker):
                worker.ready = self._stood = True
                telemetry.logger().info("worker_ready", worker=worker.number)
            if worker.process.is_alive():
                continue
            if not self._stood:
                telemetry.logger().error("worker_did_not_start", worker=worker.number, code=worker.process.exitcode)
                return False
            telemetry.logger().error("worker_died", worker=worker.number, code=worker.process.exitcode)
            worker.pipe.close()
            time.sleep(PAUSE_AFTER_CRASH)
            self._workers[place] = self._start(worker.number)
        return True

    def _replace_all(self) -> None:
        """Bring a new worker into service before its predecessor leaves; bad settings or a bad start change nothing."""
        before = self._settings
        try:
            self._settings = settings_module.load(self._config)
        except SettingsFaults as faults:
            telemetry.logger().error(
                "settings_refused",
                faults=[f"{fault.key}: {fault.allowed}" for fault in faults.faults],
                note="the settings in use stay",
            )
            return
        for place, old in enumerate(self._workers):
            new = self._start(old.number)
            if not self._gets_ready(new):
                telemetry.logger().error("worker_did_not_start", worker=new.number, note="the old one stays")
                self._stop([new])
                self._settings = before
                return
            self._workers[place] = new
            self._stop([old])
        telemetry.logger().info("settings_applied")

    def _gets_ready(self, worker: Worker) -> bool:
        until = time.monotonic() + START_LIMIT
        while time.monotonic() < until and worker.process.is_alive():
            wait([worker.pipe, worker.process.sentinel], timeout=LOOK_EVERY)
            worker.ready = worker.ready or _says_ready(worker)
            if worker.ready:
                return True
        return False

    def _stop(self, workers: list[Worker]) -> None:
        for worker in workers:
            worker.process.terminate()
        until = time.monotonic() + STOP_LIMIT
        for worker in workers:
            worker.process.join(max(0.1, until - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.pipe.close()

    def _fingerprint(self) -> list[tuple[str, int]]:
        if self._watched is None:
            return []
        return sorted((str(path), path.stat().st_mtime_ns) for path in self._watched() if path.is_file())


def files_of(settings: Settings, config: Path) -> Callable[[], list[Path]]:
    """Give what `--reload` watches: the settings, the operator's themes, the shipped templates and scripts."""
    folders = [settings.themes.directory, asset_folder("templates"), asset_folder("static")]

    def look() -> list[Path]:
        return [config, *(path for folder in folders if folder.is_dir() for path in folder.rglob("*"))]

    return look


def _says_ready(worker: Worker) -> bool:
    try:
        return worker.pipe.poll() and worker.pipe.recv() == b"ready"
    except (EOFError, OSError):
        return False


def _pickled(mapping: MappingProxyType[Any, Any]) -> tuple[Callable[[dict[Any, Any]], object], tuple[dict[Any, Any]]]:
    return _frozen, (dict(mapping),)


def _frozen(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)
