"""Recipes: those that ship can be done, and a mistake is told with its line and what is allowed."""

from pathlib import Path

import pytest

from dqkit.errors import DqkitError, ExitCode
from dqkit.harmonize.naming import FIELDS, check_naming, name_of
from dqkit.harmonize.read_recipe import load_recipe, parse_recipe, recipe_names, recipe_of

TEXT = """\
name: ours
version: 1.2.0
title: {en: Ours, zh: 我们的}
why: {en: Because., zh: 因为。}
scope: {Modality: CT}
orientation: {axes: LPS}
spacing: {mm: [0.5, 0.5, keep]}
padding: {background: {CT: -1000}, floor: -1000}
policy: {gaps: split}
"""


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new)


def test_the_recipes_that_ship_are_those_of_the_documents() -> None:
    assert recipe_names() == (
        "ct-1mm-iso", "ct-lung", "fundus-standard", "keep-geometry", "mg-standard", "mr-brain-1mm", "mr-prostate",
    )  # fmt: skip


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_that_ships_survives_the_way_through_a_plan(name: str) -> None:
    recipe = load_recipe(name)
    again = recipe_of(recipe.plain, Path("plan.yaml"))
    assert again.sha256 == recipe.sha256
    assert again.plain == recipe.plain
    assert {"en", "zh"} == set(recipe.title) == set(recipe.why)


def test_what_is_said_is_what_is_done() -> None:
    recipe = parse_recipe(TEXT, Path("ours.yaml"))
    assert recipe.spacing_mm == (0.5, 0.5, None)
    assert (recipe.orientation.axes, recipe.policy.gaps, recipe.policy.tilt) == ("LPS", "split", "correct")
    assert (recipe.padding.of("CT"), recipe.padding.of("MR"), recipe.padding.floor) == (-1000, 0, -1000)
    assert recipe.resamples


def test_the_hash_follows_what_is_done_and_not_how_it_is_explained() -> None:
    one = parse_recipe(TEXT, Path("ours.yaml"))
    assert parse_recipe(changed("Because.", "Why not."), Path("elsewhere.yaml")).sha256 == one.sha256
    assert parse_recipe(changed("gaps: split", "gaps: reject"), Path("ours.yaml")).sha256 != one.sha256
    assert parse_recipe(TEXT + "bit_depth: int16\n", Path("ours.yaml")).sha256 != one.sha256


MISTAKES = {
    "unknown key": (TEXT + "spacings: 1\n", 10, "no key 'spacings'", "spacing"),
    "unknown key inside": (changed("gaps: split", "gap: split"), 9, "no key 'gap'", "gaps"),
    "unknown policy": (
        changed("gaps: split", "gaps: fill"),
        9,
        "'gaps' cannot be 'fill'",
        "reject, interpolate, split",
    ),
    "no axes": (changed("axes: LPS", "axes: LAS2"), 6, "no axes", "RAS"),
    "axes twice": (changed("axes: LPS", "axes: LRS"), 6, "no axes", "RAS"),
    "two spacings": (changed("[0.5, 0.5, keep]", "[1, 1]"), 7, "columns, rows and slices", "one number, or three"),
    "spacing of zero": (changed("[0.5, 0.5, keep]", "0"), 7, "a spacing cannot be 0", "millimetres"),
    "unknown scope": (changed("Modality: CT", "Modalty: CT"), 5, "no column 'Modalty'", "Modality"),
    "unknown step": (TEXT + "intensity: [{sharpen: {}}]\n", 10, "no intensity step 'sharpen'", ""),
    "unknown depth": (TEXT + "bit_depth: int12\n", 10, "'bit_depth' cannot be 'int12'", "int16"),
    "unknown format": (TEXT + "output: {formats: [mhd]}\n", 10, "no format 'mhd'", "nifti"),
    "compression": (TEXT + "output: {compression: 9}\n", 10, "0 (none), 1, 2 or 3", ""),
    "value in a name": (TEXT + "naming: '{PatientID}/{stack}'\n", 10, "no pattern of names", "{stack}"),
    "name without stack": (TEXT + "naming: '{patient}'\n", 10, "not be distinct", "{stack}"),
    "name that climbs": (TEXT + "naming: '../{stack}'\n", 10, "begins with a dot", ""),
    "name too long": (TEXT + f"naming: '{'x' * 141}{{stack}}'\n", 10, "more than 160 bytes", ""),
    "no recipe name": (changed("name: ours", "name: Our Recipe"), 1, "no name of a recipe", "ct-1mm-iso"),
    "no version": (changed("1.2.0", "next"), 2, "no version of a recipe", "1.0.0"),
    "no Chinese": (changed(", zh: 我们的", ""), 3, "lacks the key 'zh'", ""),
    "no format": (TEXT + "output: {formats: []}\n", 10, "names none", "nifti"),
    "planar of volumes": (TEXT + "planar: {crop: circle}\n", 10, "this recipe takes stacks", "takes: images"),
    "z-scores as whole numbers": (
        TEXT + "intensity: [z_score]\nbit_depth: int16\n",
        11,
        "int16 keeps whole numbers alone",
        "float32",
    ),
    "0 to 1 as whole numbers": (
        TEXT + "intensity: [window: {low: -1000, high: 400, scale: true}]\nbit_depth: uint8\n",
        11,
        "window brings values to a scale of a few units",
        "float32",
    ),
    "tilt kept and resampled": (changed("gaps: split", "tilt: off"), 9, "this recipe resamples", "spacing"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_with_its_line_and_what_is_allowed(case: str) -> None:
    text, line, message, hint = MISTAKES[case]
    with pytest.raises(DqkitError) as told:
        parse_recipe(text, Path("ours.yaml"))
    assert told.value.exit_code is ExitCode.USAGE
    assert told.value.message.startswith(f"ours.yaml:{line}: ")
    assert message in told.value.message
    assert hint in told.value.hint


def test_a_recipe_is_found_by_name_or_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(TEXT)
    assert load_recipe(str(tmp_path / "mine.yaml")).name == "ours"
    with pytest.raises(DqkitError, match="no recipe") as told:
        load_recipe("ct-1mm")
    assert "ct-1mm-iso" in told.value.hint


@pytest.mark.parametrize(
    "pattern", ["{stack", "{stack!r}", "{stack:>9}", "{0}/{stack}", "a b/{stack}", "/{stack}", ".x/{stack}"]
)
def test_names_are_made_of_safe_fields_alone(pattern: str) -> None:
    assert check_naming(pattern) is not None


def test_every_field_can_stand_in_a_name() -> None:
    pattern = "/".join(f"{{{name}}}" for name in FIELDS)
    assert check_naming(pattern) is None
    assert name_of(pattern, dict.fromkeys(FIELDS, "x")) == "x/x/x/x/x/x/x"
