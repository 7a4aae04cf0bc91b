"""A forwarding proxy in threads, as companies have one: plain requests are passed on, CONNECT opens a tunnel.

Names under `.invalid` exist nowhere, so whoever reaches such a host did so through this proxy.
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 30.0  # seconds; of a tunnel in which nobody speaks


@dataclass
class ForwardProxy:
    """What it knows and was asked. `mode`: well, hangs, hangs-up, tunnels-to-nobody, or a status to answer."""

    hosts: dict[str, int] = field(default_factory=dict)
    mode: str = "well"
    port: int = 0
    asked: list[str] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    open_sockets: set[socket.socket] = field(default_factory=set)

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.port}"

    def surveys(self) -> int:
        return sum(line.startswith("POST ") for line in self.asked)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: ForwardProxy

    def setup(self) -> None:
        self.proxy.open_sockets.add(self.request)
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.proxy.open_sockets.discard(self.request)

    def handle(self) -> None:
        with suppress(OSError):  # whoever asked went away; its own tests say whether it should have
            super().handle()

    def do_GET(self) -> None:
        self._pass_on(None)

    def do_POST(self) -> None:
        self._pass_on(self.rfile.read(int(self.headers["Content-Length"])))

    def do_CONNECT(self) -> None:
        host, _, _ = self.path.rpartition(":")
        if not self._note_and_go_on():
            return
        if self.proxy.mode == "tunnels-to-nobody":
            self._established()
            self._until_they_go()
            return
        with socket.create_connection(("127.0.0.1", self.proxy.hosts[host]), PATIENCE) as there:
            self._established()
            here = self.request
            while ready := select.select([here, there], [], [], PATIENCE)[0]:
                for side in ready:
                    data = side.recv(65536)
                    if not data:
                        return
                    (there if side is here else here).sendall(data)
                while isinstance(here, ssl.SSLSocket) and here.pending():
                    there.sendall(here.recv(65536))

    def _established(self) -> None:
        self.close_connection = True
        self.send_response_only(200)
        self.end_headers()

    def _until_they_go(self) -> None:
        while self.request.recv(65536):
            pass

    def _pass_on(self, body: bytes | None) -> None:
        if not self._note_and_go_on():
            return
        url = urlsplit(self.path)
        onwards = http.client.HTTPConnection("127.0.0.1", self.proxy.hosts[url.hostname or ""], timeout=PATIENCE)
        kept = {name: value for name, value in self.headers.items() if not name.lower().startswith("proxy-")}
        try:
            onwards.request(self.command, url.path, body, kept)
            answer = onwards.getresponse()
            content = answer.read()
        finally:
            onwards.close()
        self.send_response_only(answer.status)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "text/xml"))
        if answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _note_and_go_on(self) -> bool:
        self.proxy.asked.append(self.requestline)
        self.proxy.heads.append(str(self.headers))
        match self.proxy.mode:
            case "hangs":
                self._until_they_go()
            case "hangs-up":
                pass
            case "well" | "tunnels-to-nobody":
                return True
            case status:
                self.send_response_only(int(status))
                self.send_header("Proxy-Authenticate", 'Basic realm="company"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return False
        self.close_connection = True
        return False

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a handshake that was refused; whoever refused it says so


@contextmanager
def forward_proxy(hosts: dict[str, int], *, tls: ssl.SSLContext | None = None) -> Iterator[ForwardProxy]:
    """Yield a proxy that knows `hosts` by their ports on this machine; with `tls` it is itself asked over https."""
    proxy = ForwardProxy(dict(hosts))
    with _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": proxy})) as server:
        if tls is not None:  # the handshake is each connection's own, so that a refused one ends nothing else
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        proxy.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
            for each in list(proxy.open_sockets):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
