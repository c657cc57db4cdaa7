"""Whom a checkpoint tells, and what: an Action of Great Expectations without Great Expectations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Failing = tuple[str, str, str | None]
"""Rule id, variant and site (None for the archive) of an outcome that fails."""


@dataclass(frozen=True)
class Message:
    """What is said: a title and a few lines, free of identifying values."""

    title: str
    lines: tuple[str, ...]


@dataclass
class Notice:
    """One that is to be told, and how that went.

    Attributes
    ----------
    kind
        ``slack``, ``teams`` or ``email``.
    settings
        Of the kind, with the secrets that environment variables hold: never logged, shown or kept.
    compose
        Makes the message of the outcomes that fail; None = nothing is to be said of them.
    sent, error
        Whether it was told, and otherwise why not, free of secrets; both empty where nothing was to be said.
    """

    kind: str
    settings: Mapping[str, Any]
    compose: Callable[[list[Failing]], Message | None]
    sent: bool = False
    error: str = ""
