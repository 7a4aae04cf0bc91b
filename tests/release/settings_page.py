"""Write the table of examples/settings.md from the model of the settings.

python -m tests.release.settings_page
"""

from __future__ import annotations

from pathlib import Path

from widget.settings.reference import as_markdown

PAGE = Path(__file__).parents[2] / "examples" / "settings.md"
INTRODUCTION = """# Settings

Every setting with its default and meaning; "–" is off. The same table, with the effective values of your file and where
each comes from, is printed by `ece-widget settings`, and one part of it by `ece-widget settings entry_points.sales`.
[widget.toml](widget.toml) has all of them as a file with comments. `NAME` stands for a name of your own.

"""


def page() -> str:
    """Return the whole page."""
    return INTRODUCTION + as_markdown()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
