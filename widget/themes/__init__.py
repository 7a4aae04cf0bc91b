"""Themes: which file a page is made from, and the colours, corner, icon and font it is made with."""

from widget.themes.design import Design
from widget.themes.folders import Layer, ThemeRemark
from widget.themes.lookup import DEFAULT, Themes

__all__ = ["DEFAULT", "Design", "Layer", "ThemeRemark", "Themes"]
