"""`make advisories`: known weaknesses of the locked versions, and one clear sentence when nobody could be asked.

pip-audit alone is not enough: where the service is not reached it ends with a traceback, and where a mirror of packages
answers in its place it passes over every package and ends well.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"
UNREACHED = re.compile(r"\b(ConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|HTTPError)\b")
ELSEWHERE = "run `make advisories` on a network that reaches one, or name another: make advisories ADVISORY_SERVICE={}"


def main(folder: Path, service: str) -> int:
    """Ask `service` with the pip-audit of `folder`, which is installed when it is missing; return the exit code."""
    program = folder / "bin" / "pip-audit"
    if not program.exists() and not _installed(folder):
        sys.stderr.write("pip-audit could not be installed: see above; it comes from pip's own index.\n")
        return 2
    options = ["--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    done = subprocess.run(
        [str(program), "--requirement", str(LOCK), *options, "--vulnerability-service", service],
        capture_output=True,
        text=True,
        check=False,
    )
    words, code = result(service, done.stdout, done.stderr)
    (sys.stderr if code else sys.stdout).write(words + "\n")
    return code


def result(service: str, output: str, errors: str) -> tuple[str, int]:
    """Say what pip-audit found: 0 for nothing, 1 for weaknesses, 2 when some or all were not looked up."""
    elsewhere = ELSEWHERE.format("pypi" if service == "osv" else "osv")
    if not output.startswith("{"):
        last = (errors.strip().splitlines() or ["it said nothing"])[-1]
        if UNREACHED.search(errors):
            return f'The advisory service "{service}" was not reached, so nothing was looked up; {elsewhere}.', 2
        return f"pip-audit did not finish: {last}", 2
    packages = json.loads(output)["dependencies"]
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    if len(skipped) == len(packages):
        return f'The advisory service "{service}" knows none of the {len(packages)} packages; {elsewhere}.', 2
    weak = [
        f"{each['name']} {each['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'no version'}"
        for each in packages
        for found in each.get("vulns", ())
    ]
    unknown = [f'Not known to "{service}": {", ".join(skipped)}'] if skipped else []
    if weak or unknown:
        return "\n".join([*weak, *unknown]), 1 if weak else 2
    return f'No known weakness in {len(packages)} locked packages, says "{service}".', 0


def _installed(folder: Path) -> bool:
    pip = [str(folder / "bin" / "python"), "-m", "pip", "-qq", "--disable-pip-version-check", "install", "pip-audit"]
    commands = [sys.executable, "-m", "venv", str(folder)], pip
    return all(subprocess.run(command, check=False).returncode == 0 for command in commands)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
