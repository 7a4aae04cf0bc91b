"""The manifests of the examples, as the schemas of the Kubernetes API see them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from tests.audit.product import RunningProduct
from tests.audit.result import Result, judged
from tests.audit.tools import ROOT, python_program

FOLDER = ROOT / "examples" / "deploy" / "kubernetes"
VERSIONS = ("1.29", "1.37")  # the oldest and the newest that are judged


def kubernetes(_: RunningProduct) -> Iterator[Result]:
    """Return what is wrong with each manifest, in the oldest and in the newest version."""
    for file in sorted(set(FOLDER.glob("*.yaml")) - {FOLDER / "kustomization.yaml"}):
        for version in VERSIONS:
            done = subprocess.run(
                [python_program("kubernetes-validate"), "--strict", "-k", version, str(file)],
                capture_output=True,
                text=True,
                check=False,
            )
            said = (done.stdout + done.stderr).splitlines()
            findings = [line for line in said if not line.startswith("INFO")]
            if done.returncode and not findings:
                findings = ["it could not be judged"]
            yield judged("kubernetes", f"{file.name}, {version}", findings)
