"""The plugin for WordPress, as far as it can be judged without one; `make soak` tries it in a real one."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from tests.release.packages import ROOT

FOLDER = ROOT / "examples" / "wordpress"
PLUGIN = FOLDER / "ece-widget"
CATALOGS = sorted(PLUGIN.glob("languages/*.po*"))
TEXTS = set(
    re.findall(r"(?:__|esc_html__|esc_html_e)\( '([^']+)', 'ece-widget' \)", (PLUGIN / "ece-widget.php").read_text())
)


@pytest.mark.parametrize("catalog", CATALOGS, ids=lambda path: path.name)
def test_each_catalog_has_every_text_of_the_plugin_and_no_other(catalog: Path) -> None:
    messages = [each for each in read_po(io.BytesIO(catalog.read_bytes())) if each.id]
    assert {each.id for each in messages} == TEXTS
    assert all(each.string for each in messages) == (catalog.suffix == ".po")


def test_the_archive_is_the_same_each_time_and_has_the_texts_compiled(tmp_path: Path) -> None:
    def packed(folder: str) -> bytes:
        (tmp_path / folder).mkdir()
        subprocess.run([sys.executable, FOLDER / "pack.py", tmp_path / folder], check=True, capture_output=True)
        return (tmp_path / folder / "ece-widget.zip").read_bytes()

    first = packed("first")
    assert packed("second") == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        german = GNUTranslations(io.BytesIO(archive.read("ece-widget/languages/ece-widget-de_DE.mo")))
        assert german.gettext("Chat button") == "Chat-Schaltfläche"
        assert {"ece-widget/ece-widget.php", "ece-widget/block.js", "ece-widget/uninstall.php"} <= set(
            archive.namelist()
        )
