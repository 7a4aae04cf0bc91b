"""Write ece-widget.zip, as WordPress takes it: the plugin's files, with its texts compiled.

python examples/wordpress/pack.py [FOLDER]
"""

from __future__ import annotations

import io
import struct
import sys
import zipfile
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

PLUGIN = Path(__file__).parent / "ece-widget"


def pack(folder: Path) -> Path:
    """Write the archive into a folder and return its path."""
    archive = folder / "ece-widget.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(path for path in PLUGIN.rglob("*") if path.is_file()):
            name, content = file.relative_to(PLUGIN.parent), file.read_bytes()
            if file.suffix == ".po":
                _add(packed, name.with_suffix(".mo"), _compiled(content))
            _add(packed, name, content)
    return archive


def _compiled(catalog: bytes) -> bytes:
    """Return the catalog as WordPress reads it: the place of the hash table stands behind the tables, also of none."""
    written = io.BytesIO()
    write_mo(written, read_po(io.BytesIO(catalog)))
    compiled = bytearray(written.getvalue())
    (number,) = struct.unpack_from("<I", compiled, 8)
    struct.pack_into("<I", compiled, 24, 28 + 16 * number)
    return bytes(compiled)


def _add(packed: zipfile.ZipFile, name: Path, content: bytes) -> None:
    entry = zipfile.ZipInfo(str(name))  # of 1980: the same files give the same bytes
    entry.external_attr = 0o644 << 16
    packed.writestr(entry, content, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    sys.stdout.write(f"{pack(Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd())}\n")
