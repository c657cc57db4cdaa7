"""Landmarks in the terminal and as JSON: what they were learnt on."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dqkit.harmonize.intensity.learn import Learnt
from dqkit.report.visible import visible
from dqkit.report.words import say

_FEW = 5
"""Images below which a standard histogram is that of these very people. House style."""


def print_learnt(learnt: Learnt, out: Path, console: Console, lang: str = "en") -> None:
    """Print how many images of each modality and role gave to landmarks, and which could not."""
    table = Table(title=say("landmarks.learnt", lang), title_justify="left", box=None, pad_edge=False)
    table.add_column(say("modality", lang))
    table.add_column(say("landmarks.role", lang), overflow="fold")
    table.add_column(say("hz.images", lang), justify="right", no_wrap=True)
    for (modality, role), count in learnt.images.items():
        table.add_row(Text(visible(modality or "–", 16)), Text(visible(role or "–", 40)), f"{count:,}")
    console.print(table)
    for reason, count in learnt.refused.items():
        console.print(Text(f"{say(f'refusal.{reason}', lang)}: {count:,}", style="yellow"), soft_wrap=True)
    few = [role or modality for (modality, role), count in learnt.images.items() if count < _FEW]
    if few:
        told = say("landmarks.few", lang, n=_FEW, names=", ".join(visible(name, 40) for name in few))
        console.print(Text(told, style="yellow"), soft_wrap=True)
    if any(not role for _, role in learnt.images):
        console.print(Text(say("landmarks.no_role", lang), style="yellow"), soft_wrap=True)
    console.print(Text.assemble((say("combat.written", lang) + ": ", "dim"), str(out)), soft_wrap=True)


def learnt_to_json(learnt: Learnt) -> dict[str, Any]:
    """Return what `print_learnt` prints, for machines."""
    return {
        "images": [
            {"modality": modality, "role": role, "images": count} for (modality, role), count in learnt.images.items()
        ],
        "refused": dict(learnt.refused),
        "recipe_sha256": learnt.landmarks.recipe_sha256,
        "training": learnt.landmarks.training,
    }
