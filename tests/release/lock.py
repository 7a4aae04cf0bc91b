"""Write the hashes of every locked version into requirements.lock, as the package index states them.

    python -m tests.release.lock

pip itself is asked, so its settings count (index, proxy, certificates). Hashes of files for other systems stand there
too: Linux and macOS, Python 3.11 and later, and the source archive. No address of an index gets into the file.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

from packaging.utils import canonicalize_name
from pip._internal.commands.install import InstallCommand
from pip._internal.index.collector import parse_links

from tests.release.packages import LOCK, locked

HEAD = """\
# Exact versions and the hashes of their files: pip refuses anything else. Written by `python -m tests.release.lock`.
"""
_WANTED = re.compile(
    r"-(?:cp3(?:11|12|13|14)-(?:cp3(?:11|12|13|14)|abi3)|cp3\d+-abi3|py3|py2\.py3|cp3\d+\.[\w.]+)-"
    r"|\.tar\.gz$|\.zip$"
)
_OTHER = re.compile(
    r"win32|win_amd64|win_arm64|emscripten|pyodide|wasm32|ios_|android|riscv64|ppc64|s390x|i686|armv7l|loongarch|-cp3\d+t-"
)


def hashes() -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield name, version, marker and sorted hashes of each locked package."""
    command = InstallCommand("install", "")
    options, _ = command.parse_args([])
    with command.main_context():
        finder = command._build_package_finder(options, command.get_default_session(options))
        for name, version, marker in locked():
            kept = set()
            for link in _links(finder, name):
                file = link.filename
                ours = re.match(rf"{re.escape(canonicalize_name(name))}-{re.escape(version)}[-.]", _flat(file))
                if ours and _WANTED.search(file) and not _OTHER.search(file) and link.hash_name == "sha256":
                    kept.add(link.hash)
            assert kept, f"the index states no hash for {name} {version}"
            yield name, version, marker, sorted(kept)


def _links(finder: Any, name: str) -> list[Any]:
    """Return every file that the index lists for a project, for any system."""
    links: list[Any] = []

    def read(page: Any) -> list[Any]:
        response = finder._link_collector.fetch_response(page)
        links.extend(parse_links(response) if response is not None else ())
        return []

    for sources in finder._link_collector.collect_sources(project_name=name, candidates_from_page=read):
        for source in sources:
            if source is not None:
                list(source.page_candidates())
    return links


def _flat(file: str) -> str:
    """Spell a file's name part as pip compares names, up to its version."""
    name, dash, rest = re.split(r"(-)(?=\d)", file, maxsplit=1)
    return canonicalize_name(name) + dash + rest


if __name__ == "__main__":
    lines = [HEAD]
    for name, version, marker, digests in hashes():
        lines.append(f"{name}=={version}" + (f" ; {marker}" if marker else "") + " \\\n")
        lines.append(" \\\n".join(f"    --hash=sha256:{digest}" for digest in digests) + "\n")
    LOCK.write_text("".join(lines), encoding="utf-8")
    sys.stdout.write(f"{sum('--hash' in line for line in lines)} packages\n")
