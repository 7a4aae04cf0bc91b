"""Exim as the distribution has it, with a configuration of our own: it takes every mail into a folder."""

from __future__ import annotations

import email
import email.policy
import os
import shutil
import socket
import subprocess
import time
from email.message import EmailMessage
from pathlib import Path

from tests.ports import free_port

INSTALL = "Exim was not found; install it (Debian, as root: apt-get install exim4-daemon-light)"
_CONFIGURATION = """
primary_hostname = mail.example.com
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/pid
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
acl_smtp_rcpt = everybody
acl_smtp_data = everybody
begin acl
everybody:
  accept
begin routers
here:
  driver = accept
  transport = folder
begin transports
folder:
  driver = appendfile
  directory = {folder}/mails
  maildir_format
  create_directory
  user = Debian-exim
  group = Debian-exim
begin retry
* * F,1h,1s
"""


class Exim:
    """A mail server that can be killed and started again; what it said it has is in `mails`."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("exim4") or shutil.which("exim")
        assert program, INSTALL
        assert os.geteuid() == 0, INSTALL
        self._program, self._folder, self.port = program, folder, free_port()
        self._daemon: subprocess.Popen[bytes] | None = None
        for name in ("spool", "log", "mails"):
            (folder / name).mkdir(parents=True)
            shutil.chown(folder / name, "Debian-exim", "Debian-exim")
        self._file = folder / "exim.conf"
        self._file.write_text(_CONFIGURATION.format(port=self.port, folder=folder))

    def start(self) -> None:
        self._daemon = subprocess.Popen([self._program, "-C", str(self._file), "-bdf", "-q1s"])
        limit = time.monotonic() + 20
        while time.monotonic() < limit:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("Exim does not listen; see its log in the folder of the test")

    def kill(self) -> None:
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait()

    def mails(self) -> list[EmailMessage]:
        """Return every mail that lies in the folder, parsed."""
        found = []
        for file in (self._folder / "mails" / "new").glob("*"):
            parsed = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            assert isinstance(parsed, EmailMessage)
            found.append(parsed)
        return found
