"""`[surveys.NAME]`: the questions of a survey."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Text = str | dict[str, str]


class QuestionSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: Literal["rating", "nps", "choice", "choices", "yes_no", "text"]
    text: Text
    required: bool = False
    max_length: int | None = None
    show_if: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class SurveySettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Text
    questions: tuple[QuestionSettings, ...]
