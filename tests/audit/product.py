"""The product as shipped, the ECE simulator behind it, the sample site beside it: what the judges look at."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.bench.processes import product, running, uvicorn
from tests.ports import free_port

TOKEN = "the-audit-is-an-operator"
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it came over the wire."""

    method: str
    path: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass
class RunningProduct:
    """Ports of the product and of the sample site; `origin` is the product's public one."""

    port: int
    site_port: int
    origin: str
    folder: Path

    def ask(
        self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Ask as a visitor who reaches the server by its public name."""
        asked = {"Host": self.origin.partition("://")[2], **(headers or {})}
        return _ask(self.port, path, method, asked, body)

    def ask_site(self, path: str) -> Answer:
        return _ask(self.site_port, path, "GET", {}, None)

    def as_operator(self, path: str, **more: str) -> Answer:
        return self.ask(path, headers={"Authorization": f"Bearer {TOKEN}", **more})

    def linked_files(self) -> list[str]:
        """Return the style sheets and scripts that the survey page links."""
        page = self.ask(self.survey_path).body.decode()
        return sorted(set(re.findall(r'(?:href|src)="(/[^"]+\.(?:css|js))"', page)))

    @cached_property
    def survey_path(self) -> str:
        """The path of a survey link that nobody has answered."""
        wanted = json.dumps({"sid": "audit-1", "entryPoint": "sales"}).encode()
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        answer = self.ask("/v1/survey-links", method="POST", headers=headers, body=wanted)
        return str(json.loads(answer.body)["url"]).removeprefix(self.origin)


def _ask(port: int, path: str, method: str, headers: dict[str, str], body: bytes | None) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return Answer(method, path, answer.status, tuple(answer.getheaders()), answer.read())
    finally:
        connection.close()


@contextlib.contextmanager
def running_product(folder: Path, *, origin: str = "") -> Iterator[RunningProduct]:
    """Start all three; without `origin` the product is reached by its own port, as in the demo."""
    port, ece_port, site_port = free_port(), free_port(), free_port()
    public = origin or f"http://127.0.0.1:{port}"
    site = "https://127.0.0.1" if origin else f"http://127.0.0.1:{site_port}"
    config = folder / f"audit-{port}.toml"
    config.write_text((HERE / "product.toml").read_text(encoding="utf-8").format(
        public=public, site=site, token=TOKEN, ece=f"http://127.0.0.1:{ece_port}", folder=folder, port=port
    ), encoding="utf-8")  # fmt: skip
    simulator = [sys.executable, "-m", "widget", "simulate", "--port", str(ece_port), "--widget-url", public]
    sample = uvicorn("tests.audit.sample:app", site_port)
    with (
        running(simulator, port=ece_port, core=None, folder=folder),
        running(sample, port=site_port, core=None, folder=folder, env={"AUDIT_WIDGET": public}),
        running(product(config, port), port=port, core=None, folder=folder),
    ):
        yield RunningProduct(port, site_port, public, folder)


@contextlib.contextmanager
def behind_tls(inside: RunningProduct, *, product_host: str, site_host: str) -> Iterator[Path]:
    """Put the usual TLS proxy in front, on the usual ports of loopback; gives the test authority's certificate."""
    import trustme

    authority = trustme.CA()
    own = authority.issue_cert(product_host, site_host)
    trusted, chain = inside.folder / "authority.pem", inside.folder / "front.pem"
    authority.cert_pem.write_to_path(str(trusted))
    own.private_key_and_cert_chain_pem.write_to_path(str(chain))
    upstream = {
        product_host: f"http://127.0.0.1:{inside.port}",
        site_host: f"http://127.0.0.1:{inside.site_port}",
    }
    env = {"AUDIT_UPSTREAM": json.dumps(upstream), "PYTHONPATH": os.getcwd()}
    plain, secure = ([*uvicorn("tests.audit.front:app", port), "--no-date-header"] for port in (80, 443))
    secure += ["--ssl-certfile", str(chain)]
    with (
        running(plain, port=80, core=None, folder=inside.folder, env=env),
        running(secure, port=443, core=None, folder=inside.folder, env=env),
    ):
        yield trusted
