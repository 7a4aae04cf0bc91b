"""Write the bill of materials of a release: CycloneDX 1.6, the same bytes for the same packages.

python -m tests.release.bill dist/ece_widget-….cdx.json
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import widget
from tests.release.packages import Package, carried

OUR_LICENCE = "Apache-2.0"


def bill(packages: list[Package], *, moment: datetime) -> dict[str, Any]:
    """Return the document; its serial number follows from its content."""
    ours = f"pkg:pypi/ece-widget@{widget.__version__}"
    needed = {name for package in packages for name in package.needs}
    names = {package.name: _purl(package) for package in packages}
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": ours,
                "name": "ece-widget",
                "version": widget.__version__,
                "licenses": [{"expression": OUR_LICENCE}],
                "purl": ours,
            },
        },
        "components": [
            {
                "type": "library",
                "bom-ref": _purl(package),
                "name": package.name,
                "version": package.version,
                "licenses": [{"expression": package.licence}],
                "purl": _purl(package),
            }
            for package in packages
        ],
        "dependencies": [
            {"ref": ours, "dependsOn": sorted(names[each.name] for each in packages if each.name not in needed)},
            *({"ref": _purl(each), "dependsOn": [names[name] for name in each.needs]} for each in packages),
        ],
    }
    content = json.dumps(document, sort_keys=True)
    return {**document, "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}"}


def _purl(package: Package) -> str:
    return f"pkg:pypi/{package.name}@{package.version}"


if __name__ == "__main__":
    when = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    Path(sys.argv[1]).write_text(json.dumps(bill(carried(), moment=when), indent=2) + "\n", encoding="utf-8")
