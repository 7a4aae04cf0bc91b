"""The manifests for Kubernetes: every name in them leads to something, and every command and probe is run here.

`python -m tests.audit kubernetes` holds them to the schemas of the API.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.fleet_processes import Process
from tests.ports import free_port
from tests.release.packages import ROOT

FOLDER = ROOT / "examples" / "deploy" / "kubernetes"
SECRETS = {
    "secret-keys": "a-secret-for-tests-that-is-long-enough",
    "operator-tokens": "operator-token-for-tests",
    "storage": "sqlite:///outbox.db",
}


def manifest(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def pod() -> Any:
    return manifest("deployment.yaml")["spec"]["template"]["spec"]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """The settings as the pods get them, with the places of this test in place of the pod's."""
    mounts = {each["name"]: each["mountPath"] for each in pod()["containers"][0]["volumeMounts"]}
    for name, value in SECRETS.items():
        (tmp_path / name).write_text(f"{value}\n")
    text = (FOLDER / "settings.toml").read_text(encoding="utf-8").replace(f"{mounts['secrets']}/", f"{tmp_path}/")
    file = tmp_path / "ece-widget.toml"
    file.write_text(text.replace("0.0.0.0:9100", f"127.0.0.1:{free_port()}").partition("[shared]")[0])
    return file


def test_the_kustomization_names_every_manifest_and_every_file_that_the_pods_read() -> None:
    kustomization = manifest("kustomization.yaml")
    listed = {"README.md", "kustomization.yaml", "settings.toml", *kustomization["resources"]}
    assert {each.name for each in FOLDER.iterdir() if each.is_file()} == listed
    generated = kustomization["configMapGenerator"] + kustomization["secretGenerator"]
    volumes = [
        each.get("configMap", {}).get("name") or each.get("secret", {}).get("secretName") for each in pod()["volumes"]
    ]
    assert {each["name"] for each in generated} == {name for name in volumes if name}
    assert {Path(file).name for file in kustomization["secretGenerator"][0]["files"]} == set(SECRETS)
    images = {each["image"] for each in pod()["initContainers"] + pod()["containers"]}
    assert images == {each["name"] for each in kustomization["images"]}


def test_the_guide_makes_the_secrets_that_the_kustomization_reads_and_nothing_keeps_them() -> None:
    guide = (FOLDER / "README.md").read_text(encoding="utf-8")
    for file in manifest("kustomization.yaml")["secretGenerator"][0]["files"]:
        assert f"> {file}\n" in guide
    for ignored in (ROOT / ".gitignore", ROOT / "examples" / "deploy" / "Containerfile.dockerignore"):
        assert "examples/deploy/kubernetes/secrets" in ignored.read_text(encoding="utf-8")


def test_service_budget_and_spread_select_the_pods() -> None:
    deployment = manifest("deployment.yaml")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == labels
    assert manifest("service.yaml")["spec"]["selector"] == labels
    assert manifest("disruption-budget.yaml")["spec"]["selector"]["matchLabels"] == labels
    assert pod()["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"] == labels


def test_the_way_in_leads_to_the_port_that_the_server_listens_on() -> None:
    (container,) = pod()["containers"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    (served,) = manifest("service.yaml")["spec"]["ports"]
    assert container["command"][container["command"].index("--port") + 1] == str(ports[served["targetPort"]])
    (rule,) = manifest("ingress.yaml")["spec"]["rules"]
    behind = rule["http"]["paths"][0]["backend"]["service"]
    assert (behind["name"], behind["port"]["name"]) == (manifest("service.yaml")["metadata"]["name"], served["name"])


def test_the_first_container_judges_the_settings(settings: Path) -> None:
    def judged() -> subprocess.CompletedProcess[str]:
        (container,) = pod()["initContainers"]
        program, *arguments = container["command"]
        assert program == "ece-widget"
        return subprocess.run(
            [sys.executable, "-m", "widget", *arguments],
            cwd=ROOT,
            env={**os.environ, "ECE_WIDGET_CONFIG": str(settings)},
            capture_output=True,
            text=True,
            check=False,
        )

    well = judged()
    assert well.returncode == 0, well.stderr
    settings.write_text(settings.read_text().replace("id = 1001", 'id = "x"'))
    assert judged().returncode == 2


def test_the_pods_command_serves_and_its_probes_are_answered_to_the_nodes_own_address(
    settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (container,) = pod()["containers"]
    program, *arguments = container["command"]
    assert program == "ece-widget"
    port = free_port()
    arguments[arguments.index("--port") + 1] = str(port)
    arguments[arguments.index("--host") + 1] = "127.0.0.1"
    arguments[arguments.index("--drain") + 1] = "0s"
    monkeypatch.setenv("ECE_WIDGET_CONFIG", str(settings))
    process = Process([sys.executable, "-m", "widget", *arguments], port, tmp_path / "log")
    process.start()
    try:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            path = container[probe]["httpGet"]["path"]
            answer = httpx.get(f"http://127.0.0.1:{port}{path}", headers={"Host": "10.1.2.3:8000"})
            assert answer.status_code == 200, (path, answer.text)
    finally:
        assert process.stop() == 0
