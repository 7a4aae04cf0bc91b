"""Write the table of examples/settings.md from the model of the settings.

python -m tests.release.settings_page
"""

from __future__ import annotations

from pathlib import Path

from widget.settings.reference import NOTHING, all_settings

PAGE = Path(__file__).parents[2] / "examples" / "settings.md"
INTRODUCTION = """# Settings

Every setting with its default and meaning; "–" is off. The same table, with the effective values of your file and where
each comes from, is printed by `ece-widget settings`, and one part of it by `ece-widget settings entry_points.sales`.
[widget.toml](widget.toml) has all of them as a file with comments. `NAME` stands for a name of your own.

"""


def page() -> str:
    """Return the whole page."""
    rows = (f"| `{each.key}` | {_code(each.default)} | {each.meaning} |\n" for each in all_settings())
    return INTRODUCTION + "| setting | default | means |\n|---|---|---|\n" + "".join(rows)


def _code(default: str) -> str:
    if default in ("required", NOTHING):
        return default
    return ", ".join(f"`{part}`" for part in default.split(", "))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
