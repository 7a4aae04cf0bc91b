"""A certificate authority of one's own, as companies have it in front of ECE."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    file = tmp_path / "corporate-ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file
