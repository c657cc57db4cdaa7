"""A learnt protocol as the text of a pack that a person reviews: every line with its support."""

import re
from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import yaml

from dqkit.profile.infer import Group, Inferred, Line
from dqkit.profile.learn import COMMON, FENCE, LEAST_KEPT, Usual

_HEAD = """\
# Learnt by dqkit rules infer on {today}, from what {series:,} series of {groups:,} groups have in common.
# It says what is usual, not what is right: read every line, drop what is chance, round what was meant to be round.
#
# In-house: names of protocols and examinations stand here as the scanners have them (PS3.15 Table E.1-1 lists
# ProtocolName and StudyDescription). Do not give this file away as it is.
#
# Usual is what stands within {fence:g} quartile distances of the quartiles, or what {common:.0%} of a group have.
# A line stands where {kept:.0%} of the group keep to it. These figures are house style.
"""


def pack_text(inferred: Inferred, name: str, today: date) -> str:
    """Return the text of the pack.

    Parameters
    ----------
    name
        What the pack is called; made of lower-case letters, digits and hyphens.
    """
    series = sum(group.n for group in inferred.series)
    head = _HEAD.format(
        today=today, series=series, groups=len(inferred.series), fence=FENCE, common=COMMON, kept=LEAST_KEPT
    )
    parts = [head, *(f"# {line}\n" for line in left_out(inferred)), _dumped(_about(inferred, name, series))]
    entries = list(_entries(inferred))
    parts += ["rules:\n", *entries] if entries else ["rules: []\n"]
    return "".join(parts)


def pack_name(text: str) -> str:
    """Make a name of a pack from the name of its file."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "my-pack"


def left_out(inferred: Inferred) -> list[str]:
    """Say what the pack does not speak of."""
    said = []
    groups, series = inferred.small
    if groups:
        said.append(f"Not learnt: {groups:,} groups of too few series ({series:,} series).")
    if inferred.unnamed:
        said.append(f"Not learnt: {inferred.unnamed:,} series that lack one of {', '.join(inferred.by)}.")
    if inferred.without_rule:
        said.append("No open rule speaks of: " + ", ".join(inferred.without_rule) + ".")
    return said


def _about(inferred: Inferred, name: str, series: int) -> dict[str, Any]:
    about: dict[str, Any] = {
        "name": name,
        "version": "0.1.0",
        "title": {"en": "Protocol as this archive has it", "zh": "本影像库的常规扫描方案"},
        "why": {
            "en": f"Learnt from {series:,} series: what departs from it is an exception here.",
            "zh": f"由 {series:,} 个序列归纳而得，偏离者在本库中属于例外。",
        },
    }
    if inferred.only_original:
        about["scope"] = {"is_derived": False}
    if inferred.studies:
        about["studies"] = {"n_series": {"min": 1}}
    return about


def _entries(inferred: Inferred) -> Iterator[str]:
    for letter, groups in (("g", inferred.series), ("e", inferred.studies)):
        for number, group in enumerate(groups, 1):
            yield from _group(f"{letter}{number}", group, "series" if letter == "g" else "examinations")


def _group(label: str, group: Group, what: str) -> Iterator[str]:
    yield f"  # {label}: {group.n:,} {what}\n"
    if group.unsettled:
        yield f"  # varies too much to be a protocol: {', '.join(group.unsettled)}\n"
    for line in group.lines:
        yield f"  - {_dumped(_entry(label, group, line, what), flow=True)}"


def _entry(label: str, group: Group, line: Line, what: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"use": line.rule, "as": f"{label}-{line.name}", "where": dict(group.where)}
    if line.usual.values:
        entry["with"] = line.usual.values
    return {**entry, "cite": support(line.usual, what)}


def support(usual: Usual, what: str) -> str:
    """Say how many keep to a line."""
    return f"inferred: {usual.kept:,} of {usual.n:,} {what}"


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Plain(yaml.SafeDumper):
    """Writes neither anchors nor aliases, which packs may not have."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the dumper's own signature
        return True


def _dumped(data: Any, *, flow: bool = False) -> str:
    """Return `data` as YAML on as few lines as may be; what could be misread, by YAML or by people, is escaped."""
    write = partial(yaml.dump, data, Dumper=_Plain, default_flow_style=flow or None, sort_keys=False, width=100_000)
    text = str(write(allow_unicode=True))
    is_plain_to_see = text.replace("\n", "").isprintable()  # U+202E would show the reviewer something else
    if is_plain_to_see and yaml.load(text, Loader=_LOADER) == data:  # noqa: S506 - the safe one
        return text
    return str(write(allow_unicode=False))  # PyYAML 6 leaves U+0085 bare, which reads back as a space
