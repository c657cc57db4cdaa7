"""Recipe files -> recipes: every key is known, every value is one that can be done; errors name file and line."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dqkit.errors import DqkitError
from dqkit.harmonize.naming import check_naming
from dqkit.harmonize.recipe import (
    IntensityStep,
    Labels,
    Millimetres,
    Orientation,
    Output,
    Padding,
    Planar,
    Policy,
    Recipe,
    Resampling,
    Units,
)
from dqkit.harmonize.steps import INTENSITY
from dqkit.harmonize.write import WRITERS
from dqkit.model import Level
from dqkit.rulebook.document import Mark, Node, as_node, parse_document
from dqkit.rulebook.load import read_text
from dqkit.rulebook.scope import Scope, read_scope
from dqkit.rulebook.section import Section, close_to, is_kind
from dqkit.shipped import shipped

BIT_DEPTHS = ("auto", "int16", "uint16", "uint8", "int32", "float32")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_AXES = ("LR", "AP", "SI")
_FINEST_MM, _COARSEST_MM = 0.01, 100.0
"""Bounds of a spacing that is no slip of the pen. House style."""
_MOST_PIXELS = 32_767
"""Of a side of an image: NIfTI-1 counts no more."""


def recipe_names() -> tuple[str, ...]:
    """Return the names of the recipes that ship."""
    return tuple(sorted(path.stem for path in _folder().glob("*.yaml")))


def load_recipe(reference: str) -> Recipe:
    """Load a recipe by the name of one that ships, or from a file.

    Raises
    ------
    DqkitError
        There is none, or it is wrong: names the file, the line, what is wrong and what is allowed.
    """
    if reference in recipe_names():
        return parse_recipe((path := _folder() / f"{reference}.yaml").read_text(encoding="utf-8"), path)
    path = Path(reference)
    if not path.is_file():
        names = recipe_names()
        raise DqkitError(
            f"there is no recipe {reference!r}",
            close_to(reference, names, "name a file, or one of"),
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DqkitError(f"the recipe {path} cannot be read ({type(error).__name__})", "check the file") from error
    return parse_recipe(text, path)


def parse_recipe(text: str, path: Path) -> Recipe:
    """Read a recipe from the text of a file; `path` stands in errors, and files that it names lie beside it.

    Raises
    ------
    DqkitError
        The text is no recipe: names the file, the line, what is wrong and what is allowed.
    """
    return _recipe(parse_document(text, path, "a recipe"), path.parent)


def recipe_of(plain: Mapping[str, Any], path: Path, line: int = 1) -> Recipe:
    """Read back what `Recipe.plain` gave; `path` and `line` are where it stood."""
    return _recipe(as_node(plain, Mark(path, line)), path.parent)


def _folder() -> Path:
    return shipped("rules") / "recipes"


def _recipe(node: Node, folder: Path) -> Recipe:
    section = Section(node, "the recipe", Level.SERIES)
    scope = section.take("scope")
    recipe = Recipe(
        name=_matching(section, "name", _NAME, "lower case, words joined by -: ct-1mm-iso"),
        version=_matching(section, "version", _VERSION, "such as 1.0.0"),
        title=read_text(section, "title"),
        why=read_text(section, "why"),
        takes=section.choice("takes", ("stacks", "images"), "stacks"),
        scope=read_scope(Section(scope, "scope", Level.SERIES)) if scope is not None else Scope(),
        scope_plain=scope.plain() if scope is not None else {},
        orientation=_orientation(_part(section, "orientation")),
        spacing_mm=_spacing(section),
        resampling=_resampling(_part(section, "resampling")),
        padding=_padding(_part(section, "padding")),
        units=_units(_part(section, "units")),
        intensity=_intensity(section),
        bit_depth=section.choice("bit_depth", BIT_DEPTHS, "auto"),
        naming=_naming(section),
        output=_output(_part(section, "output")),
        policy=_policy(_part(section, "policy")),
        labels=_labels(_part(section, "labels")),
        planar=_planar(_part(section, "planar")),
        folder=folder,
    )
    section.finish()
    _check_together(section, recipe)
    return recipe


def _part(section: Section, key: str) -> Section:
    """Return the section under `key`; an absent one is empty, so that its defaults hold."""
    node = section.take(key)
    return Section(node if node is not None else Node({}, section.mark), key)


def _matching(section: Section, key: str, pattern: re.Pattern[str], allowed: str) -> str:
    text = section.text(key)
    if not pattern.fullmatch(text):
        raise section.need(key).mark.error(f"{text!r} is no {key} of a recipe", allowed)
    return text


def _orientation(part: Section) -> Orientation:
    axes = part.text("axes", "keep")
    found = Orientation(axes, part.choice("align", ("image", "patient"), "image"))
    part.finish()
    if axes != "keep" and not _is_axes(axes):
        raise part.need("axes").mark.error(
            f"{axes!r} are no axes", "keep, or three letters, one each of L or R, A or P, S or I: RAS"
        )
    return found


def _is_axes(text: str) -> bool:
    return len(text) == len(_AXES) and all(sum(letter in pair for letter in text) == 1 for pair in _AXES)


def _spacing(section: Section) -> tuple[Millimetres, Millimetres, Millimetres]:
    part = _part(section, "spacing")
    node = part.take("mm")
    part.finish()
    if node is None or node.value == "keep":
        return None, None, None
    items = node.value if isinstance(node.value, tuple) else (node, node, node)
    if len(items) != 3:  # noqa: PLR2004 - columns, rows, slices
        raise node.mark.error("'mm' names columns, rows and slices", "one number, or three, or keep: [0.5, 0.5, keep]")
    columns, rows, slices = (_millimetres(item) for item in items)
    return columns, rows, slices


def _millimetres(node: Node) -> Millimetres:
    if node.value == "keep":
        return None
    if not is_kind(node.value, "number") or not _FINEST_MM <= node.value <= _COARSEST_MM:
        raise node.mark.error(
            f"a spacing cannot be {node.word}", f"keep, or {_FINEST_MM:g} to {_COARSEST_MM:g} millimetres"
        )
    return float(node.value)


def _resampling(part: Section) -> Resampling:
    found = Resampling(
        part.choice("interpolator", ("linear", "bspline", "nearest"), "linear"), part.flag("antialias", default=True)
    )
    part.finish()
    return found


def _padding(part: Section) -> Padding:
    usual = Padding()
    values = dict(usual.background) | {"other": usual.other}
    if part.take("background") is not None:
        inner = Section(part.need("background"), "background")
        for key in inner.keys():  # noqa: SIM118 - a Section is no mapping
            values[key] = inner.number(key) or 0.0
    floor = part.number("floor")
    part.finish()
    other = values.pop("other")
    return Padding(tuple(sorted(values.items())), other, floor)


def _units(part: Section) -> Units:
    found = Units(
        part.choice("philips", ("display", "precise"), "display"), part.choice("pet", ("stored", "bqml"), "stored")
    )
    part.finish()
    return found


def _intensity(section: Section) -> tuple[IntensityStep, ...]:
    node = section.take("intensity")
    if node is None or node.value is None:
        return ()
    if not isinstance(node.value, tuple):
        raise node.mark.error(
            f"'intensity' is a list of steps, not {node.word}", "such as - z_score: {mask: foreground}"
        )
    return tuple(_step(item) for item in node.value)


def _step(node: Node) -> IntensityStep:
    if isinstance(node.value, str):
        node = Node({node.value: Node({}, node.mark)}, node.mark)
    names = Section(node, "a step of 'intensity'").keys()
    if len(names) != 1:
        raise node.mark.error("a step of 'intensity' has one name", "write - name: {parameters}")
    if names[0] not in INTENSITY:
        raise node.mark.error(
            f"there is no intensity step {names[0]!r}", close_to(names[0], INTENSITY, "steps") or "there are none yet"
        )
    inner = node.value[names[0]]
    part = Section(inner if inner.value is not None else Node({}, inner.mark), f"the step {names[0]}")
    return IntensityStep(names[0], INTENSITY[names[0]].read(part))


def _naming(section: Section) -> str:
    text = section.text("naming", Recipe.naming)
    fault = check_naming(text)
    if fault:
        raise section.need("naming").mark.error(*fault)
    return text


def _output(part: Section) -> Output:
    formats = part.texts("formats") if "formats" in part.keys() else ("nifti",)  # noqa: SIM118 - no mapping
    if not formats:
        raise part.need("formats").mark.error("'formats' names none", f"allowed: {', '.join(sorted(WRITERS))}")
    for name in formats:
        if name not in WRITERS:
            raise part.need("formats").mark.error(
                f"there is no format {name!r}", f"allowed: {', '.join(sorted(WRITERS))}"
            )
    level = part.number("compression", 1.0)
    if level not in {0.0, 1.0, 2.0, 3.0}:
        raise part.need("compression").mark.error("'compression' is 0 (none), 1, 2 or 3")
    found = Output(formats, part.flag("four_d", default=True), int(level or 0))
    part.finish()
    return found


def _policy(part: Section) -> Policy:
    found = Policy(
        gaps=part.choice("gaps", ("reject", "interpolate", "split"), "reject"),
        irregular=part.choice("irregular", ("reject", "interpolate", "split"), "reject"),
        tilt=part.choice("tilt", ("correct", "off"), "correct"),
        duplicates=part.choice("duplicates", ("reject", "identical"), "identical"),
        scouts=part.choice("scouts", ("skip", "keep"), "skip"),
        single=part.choice("single", ("reject", "keep"), "keep"),
        inferred=part.choice("inferred", ("reject", "keep"), "keep"),
    )
    part.finish()
    return found


def _labels(part: Section) -> Labels:
    found = Labels(part.flag("follow", default=True), part.choice("interpolation", ("nearest", "gaussian"), "nearest"))
    part.finish()
    return found


def _planar(part: Section) -> Planar:
    found = Planar(
        orient=part.flag("orient", default=True),
        chest_wall=part.choice("chest_wall", ("left", "right", "hanging"), "left"),
        down=part.choice("down", ("F", "H"), "F"),
        lateral=part.choice("lateral", ("P", "A"), "P"),
        mirror_to=part.choice("mirror_to", ("none", "R", "L"), "none"),
        voi=part.choice("voi", ("none", "window"), "none"),
        crop=part.choice("crop", ("none", "collimation", "foreground", "circle"), "none"),
        size=_size(part),
        magnification=part.choice("magnification", ("correct", "ignore"), "correct"),
        burned_in=part.choice("burned_in", ("refuse", "keep"), "refuse"),
        secondary=part.choice("secondary", ("refuse", "keep"), "refuse"),
    )
    part.finish()
    return found


def _size(part: Section) -> tuple[int, int] | None:
    node = part.take("size")
    if node is None or node.value is None:
        return None
    items = [item.value for item in node.value] if isinstance(node.value, tuple) else [node.value] * 2
    whole = all(isinstance(item, int) and not isinstance(item, bool) for item in items)
    if len(items) != 2 or not whole or not all(1 <= item <= _MOST_PIXELS for item in items):  # noqa: PLR2004
        raise node.mark.error(
            f"'size' cannot be {node.word}", f"columns and rows, 1 to {_MOST_PIXELS}: 512 or [1024, 768]"
        )
    return items[0], items[1]


def _check_together(section: Section, recipe: Recipe) -> None:
    """Refuse what cannot be done together."""
    if recipe.planar.size is not None and recipe.resamples:
        raise section.need("planar").mark.error("'size' and 'spacing' exclude each other", "ask for one of them")
    if recipe.policy.tilt == "off" and recipe.resamples:
        raise section.need("policy").mark.error(
            "'tilt: off' keeps slices where they are, and this recipe resamples", "leave spacing and align as they are"
        )
    if recipe.takes == "stacks" and recipe.planar != Planar():
        raise section.need("planar").mark.error("'planar' is for single images, and this recipe takes stacks",
                                                "leave it out, or takes: images")  # fmt: skip
    small = next((step.name for step in recipe.intensity if INTENSITY[step.name].leaves_units(step.params)), None)
    if small and recipe.bit_depth not in {"auto", "float32"}:
        raise section.need("bit_depth").mark.error(
            f"{small} brings values to a scale of a few units, of which {recipe.bit_depth} keeps whole numbers alone",
            "bit_depth: float32, or leave it out",
        )
