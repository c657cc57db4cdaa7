"""A plan: what a recipe makes of every stack, what findings that mends, and what cannot be mended and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dqkit.harmonize.decide import Decision, Part, decide
from dqkit.harmonize.naming import name_of
from dqkit.harmonize.plane.decide import decide_image
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.series_of_volumes import Row, image_key, order_key, shown, suffix_of, traces_of
from dqkit.identity import Pseudonyms, digest

_DIGITS = 12
"""Of an id in a name."""

_MENDED_BY = {
    "shear": frozenset({"shear"}),
    "resample": frozenset({"resample", "even"}),
}
"""Remedy of a rule (``remedy.harmonize``) -> steps any of which does it; ``split`` is what making a volume of each
stack does by itself."""


@dataclass(frozen=True)
class Mend:
    """A finding that bears on a stack: its rule, and the step of a recipe that its remedy asks for, if any."""

    rule_id: str
    harmonize: str = ""


@dataclass(frozen=True)
class PlannedImage:
    """An image that is to be written.

    Attributes
    ----------
    image_id
        Of its stacks and part: the same from plan to plan.
    name
        Its path below the output folder, without suffix.
    stacks
        Ids of its stacks, of four axes in the order of the volumes; a file's id where `do` says ``image``.
    slices
        First and last + 1 of the slices of its only stack; None = all.
    do
        Steps, words of decide.STEPS.
    times
        What tells its volumes apart, one mapping a volume; empty for three axes.
    mends, remains
        Rules whose findings on it are mended, and are not.
    made_from
        Of the files and frames of its stacks: a plan does not hold for others.
    """

    image_id: str
    name: str
    stacks: tuple[str, ...]
    slices: tuple[int, int] | None
    do: tuple[str, ...]
    times: tuple[Mapping[str, str], ...] = ()
    mends: tuple[str, ...] = ()
    remains: tuple[str, ...] = ()
    series_key: str = ""
    modality: str = ""
    made_from: str = ""


@dataclass(frozen=True)
class PlannedRefusal:
    """A stack, or a part of one, that is not written, and why."""

    stack: str
    slices: tuple[int, int] | None
    reason: Reason
    detail: str
    remains: tuple[str, ...] = ()
    series_key: str = ""
    modality: str = ""


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes
    ----------
    recipe
        With everything filled in.
    catalog
        Its folder.
    run
        The last run of the catalog when the plan was made.
    selected
        What ``--select`` and ``--cohort`` said.
    out_of_scope
        Modality -> stacks that the recipe is not for.
    masks
        File id of a NIfTI mask -> series key of the images that it belongs to, as a table gave them.
    """

    recipe: Recipe
    catalog: Path
    run: int
    selected: tuple[str, ...] = ()
    images: tuple[PlannedImage, ...] = ()
    refusals: tuple[PlannedRefusal, ...] = ()
    out_of_scope: Mapping[str, int] = field(default_factory=dict)
    masks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Namer:
    """Gives names to images.

    Attributes
    ----------
    pattern
        Of the recipe.
    modalities
        Values of Modality that the standard knows: others are no word of a name.
    """

    pattern: str
    recipe: str
    pseudonyms: Pseudonyms
    modalities: frozenset[str]

    def name(self, row: Row, suffix: str) -> str:
        """Return the name of the image that `row` begins."""
        modality = row["Modality"] if row["Modality"] in self.modalities else "ot"
        stem = name_of(self.pattern, {
            "stack": row["stack_id"][:_DIGITS],
            "series": self.pseudonyms.of("series", row["series_key"]),
            "study": self.pseudonyms.of("study", row["study_key"]),
            "patient": self.pseudonyms.of("patient", row["patient_key"]) or "nobody",
            "site": self.pseudonyms.of("site", row["site"]),
            "modality": modality.lower(),
            "recipe": self.recipe,
        })  # fmt: skip
        return f"{stem}_{suffix}" if suffix else stem


def images_of(
    rows: Sequence[Row], recipe: Recipe, namer: Namer, mends: Mapping[str, Sequence[Mend]]
) -> tuple[list[PlannedImage], list[PlannedRefusal]]:
    """Decide about all rows; return the images in the order of their names, and the refusals.

    Parameters
    ----------
    rows
        Of stacks (or images) in scope: stack_rows.stack_rows.
    mends
        Stack id or series key -> the findings that bear on it.
    """
    images: list[PlannedImage] = []
    refusals: list[PlannedRefusal] = []
    groups: dict[Any, list[tuple[Row, Decision]]] = {}
    for row in rows:
        decision = _decided(row, recipe)
        refusals += [_refusal(row, slices, refused, mends) for slices, refused in decision.refused]
        joins = recipe.output.four_d and len(decision.parts) == 1 and decision.parts[0].slices is None
        key = image_key(row) if joins and row["kind"] != "image" else row["stack_id"]
        if decision.parts:
            groups.setdefault(key, []).append((row, decision))
    for group in (part for found in groups.values() for part in _without_traces(found)):
        images += _of_group(sorted(group, key=lambda one: order_key(one[0])), namer, mends)
    return sorted(_distinct(images), key=lambda image: image.name), sorted(
        refusals, key=lambda one: (one.stack, one.slices or (0, 0))
    )


def _decided(row: Row, recipe: Recipe) -> Decision:
    if row["kind"] == "image":
        return decide_image(row, recipe)
    return decide(row, recipe)


def _without_traces(group: list[tuple[Row, Decision]]) -> Iterator[list[tuple[Row, Decision]]]:
    traces = traces_of([row for row, _ in group])
    for wanted in (False, True):
        if part := [one for one, is_trace in zip(group, traces, strict=True) if is_trace == wanted]:
            yield part


def _of_group(
    group: list[tuple[Row, Decision]], namer: Namer, mends: Mapping[str, Sequence[Mend]]
) -> Iterator[PlannedImage]:
    """Yield the images of stacks that share a grid: one of four axes, or one each."""
    if len(group) > 1:
        do = tuple(dict.fromkeys(step for _, decision in group for step in decision.parts[0].do))
        yield _image([row for row, _ in group], Part(None, do), namer.name(group[0][0], "4d"), mends)
        return
    row, decision = group[0]
    for number, part in enumerate(decision.parts, start=1):
        words = [suffix_of(row), f"part-{number}" if part.slices else ""]
        yield _image([row], part, namer.name(row, "_".join(word for word in words if word)), mends)


def _image(rows: list[Row], part: Part, name: str, mends: Mapping[str, Sequence[Mend]]) -> PlannedImage:
    stacks = tuple(row["stack_id"] for row in rows)
    bearing = [mend for row in rows for mend in _bearing(row, mends)]
    mended = {mend.rule_id for mend in bearing if _is_mended(mend, part.do)}
    return PlannedImage(
        image_id=digest("image", *stacks, *(map(str, part.slices) if part.slices else ())),
        name=name,
        stacks=stacks,
        slices=part.slices,
        do=part.do,
        times=tuple(shown(row) for row in rows) if len(rows) > 1 else (),
        mends=tuple(sorted(mended)),
        remains=tuple(sorted({mend.rule_id for mend in bearing} - mended)),
        series_key=rows[0]["series_key"],
        modality=rows[0]["Modality"] or "",
        made_from=digest_of_files(rows),
    )


def digest_of_files(rows: Sequence[Row]) -> str:
    """Return a hash of the files and frames of stacks, in their order."""
    return digest("files", *(f"{file} {frame}" for row in rows for file, frame in _slices_of(row)))


def _slices_of(row: Row) -> Iterator[tuple[str, int]]:
    return zip(row["file_ids"] or (), row["frame_numbers"] or (), strict=False)


def _bearing(row: Row, mends: Mapping[str, Sequence[Mend]]) -> Iterator[Mend]:
    yield from mends.get(row["stack_id"], ())
    yield from mends.get(row["series_key"], ())


def _is_mended(mend: Mend, do: Sequence[str]) -> bool:
    return mend.harmonize == "split" or bool(_MENDED_BY.get(mend.harmonize, frozenset()) & set(do))


def _refusal(
    row: Row, slices: tuple[int, int] | None, refused: Refused, mends: Mapping[str, Sequence[Mend]]
) -> PlannedRefusal:
    rules = tuple(sorted({mend.rule_id for mend in _bearing(row, mends)}))
    return PlannedRefusal(
        row["stack_id"], slices, refused.reason, refused.detail, rules, row["series_key"], row["Modality"] or ""
    )


def _distinct(images: list[PlannedImage]) -> Iterator[PlannedImage]:
    """Give images whose names are alike, as sisters without an attribute to tell, the rest of their id."""
    taken: set[str] = set()
    for image in images:
        name = image.name if image.name not in taken else f"{image.name}_{image.image_id[:_DIGITS]}"
        taken.add(name)
        yield replace(image, name=name)
