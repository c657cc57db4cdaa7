"""Plans as YAML: the same plan gives the same text; it stays in the house (0600)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from dqkit.errors import DqkitError
from dqkit.harmonize.decide import STEPS
from dqkit.harmonize.files import write_whole
from dqkit.harmonize.naming import MOST_BYTES
from dqkit.harmonize.plan import Plan, PlannedImage, PlannedRefusal
from dqkit.harmonize.plane.decide import STEPS as PLANE_STEPS
from dqkit.harmonize.read_recipe import recipe_of
from dqkit.harmonize.refusal import Reason

FORMAT_VERSION = 1
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_STEPS = STEPS.keys() | PLANE_STEPS.keys()
_BEGINS = b"dqkit_plan:"

_AGAIN = "make it again: dqkit plan CATALOG --recipe … -o plan.yaml"


def plan_to_plain(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain data; it holds ids of dqkit and pseudonyms, and nothing that a file says."""
    return {
        "dqkit_plan": FORMAT_VERSION,
        "catalog": str(plan.catalog),
        "run": plan.run,
        "selected": list(plan.selected),
        "recipe": plan.recipe.plain,
        "recipe_sha256": plan.recipe.sha256,
        "out_of_scope": dict(plan.out_of_scope),
        **({"masks": dict(sorted(plan.masks.items()))} if plan.masks else {}),
        "write": [_image_to_plain(image) for image in plan.images],
        "refuse": [_refusal_to_plain(refusal) for refusal in plan.refusals],
    }


def _image_to_plain(image: PlannedImage) -> dict[str, Any]:
    plain: dict[str, Any] = {"image": image.image_id, "name": image.name, "modality": image.modality}
    plain |= {"series": image.series_key, "stacks": list(image.stacks), "files": image.made_from, "do": list(image.do)}
    if image.slices:
        plain["slices"] = list(image.slices)
    if image.times:
        plain["times"] = [dict(time) for time in image.times]
    return plain | _rules(mends=image.mends, remains=image.remains)


def _refusal_to_plain(refusal: PlannedRefusal) -> dict[str, Any]:
    plain: dict[str, Any] = {"stack": refusal.stack, "series": refusal.series_key, "modality": refusal.modality}
    plain |= {"reason": str(refusal.reason), "detail": refusal.detail}
    if refusal.slices:
        plain["slices"] = list(refusal.slices)
    return plain | _rules(remains=refusal.remains)


def _rules(**named: tuple[str, ...]) -> dict[str, list[str]]:
    return {key: list(rules) for key, rules in named.items() if rules}


def write_plan(plan: Plan, path: Path) -> None:
    """Write a plan, readable by its owner alone.

    Raises
    ------
    DqkitError
        A file is there that is no plan: the recipe, perhaps, by a slip of the pen.
    OSError
        It cannot be written.
    """
    if path.is_file() and path.stat().st_size and not path.read_bytes().startswith(_BEGINS):
        raise DqkitError(f"{path} is there, and is no plan", "name another file with -o")
    text = yaml.dump(plan_to_plain(plan), Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=120)
    write_whole(path, lambda file: file.write(text.encode()), mode=0o600)


def read_plan(path: Path) -> Plan:
    """Read a plan.

    Raises
    ------
    DqkitError
        There is none, or it is of another format version or damaged.
    """
    try:
        plain = yaml.load(path.read_bytes(), Loader=_LOADER)  # noqa: S506 - a safe loader
    except OSError as error:
        raise DqkitError(f"the plan {path} cannot be read: {error.strerror}", _AGAIN) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DqkitError(f"the plan {path} is not YAML", _AGAIN) from error
    if not isinstance(plain, dict) or "dqkit_plan" not in plain:
        raise DqkitError(f"{path} is no plan", _AGAIN)
    if plain["dqkit_plan"] != FORMAT_VERSION:
        raise DqkitError(f"the plan {path} has another format version than {FORMAT_VERSION}", _AGAIN)
    try:
        return _plan(plain, path)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DqkitError(f"the plan {path} is damaged ({type(error).__name__})", _AGAIN) from error


def _plan(plain: Mapping[str, Any], path: Path) -> Plan:
    recipe = recipe_of(plain["recipe"], path)
    if recipe.sha256 != plain["recipe_sha256"]:
        raise DqkitError(
            f"the recipe in {path} is not the one that the plan was made with",
            "change the recipe's own file and plan again: what is planned depends on it",
        )
    images = tuple(_image(item) for item in plain["write"])
    _check_once([image.name for image in images], path)
    return Plan(
        recipe=recipe,
        catalog=Path(plain["catalog"]),
        run=int(plain["run"]),
        selected=tuple(plain["selected"]),
        images=images,
        refusals=tuple(_refusal(item) for item in plain["refuse"]),
        out_of_scope=dict(plain["out_of_scope"]),
        masks=dict(plain.get("masks", {})),
    )


def _check_once(names: Sequence[str], path: Path) -> None:
    """Refuse two images of one name: the second would be written over the first."""
    for name, count in Counter(names).items():
        if count > 1:
            raise DqkitError(f"the plan {path} has {count} images of the name {name}", "give each a name of its own")


def _image(plain: Mapping[str, Any]) -> PlannedImage:
    return PlannedImage(
        image_id=str(plain["image"]),
        name=_checked_name(plain["name"]),
        stacks=tuple(map(str, plain["stacks"])),
        slices=_slices(plain),
        do=_checked_steps(plain["do"]),
        times=tuple(dict(time) for time in plain.get("times", ())),
        mends=tuple(plain.get("mends", ())),
        remains=tuple(plain.get("remains", ())),
        series_key=str(plain["series"]),
        modality=str(plain["modality"]),
        made_from=str(plain["files"]),
    )


def _refusal(plain: Mapping[str, Any]) -> PlannedRefusal:
    return PlannedRefusal(
        stack=str(plain["stack"]),
        slices=_slices(plain),
        reason=Reason(plain["reason"]),
        detail=str(plain["detail"]),
        remains=tuple(plain.get("remains", ())),
        series_key=str(plain["series"]),
        modality=str(plain["modality"]),
    )


def _slices(plain: Mapping[str, Any]) -> tuple[int, int] | None:
    if "slices" not in plain:
        return None
    low, high = plain["slices"]
    return int(low), int(high)


def _checked_name(name: Any) -> str:
    """Refuse names that lead out of the output folder, or that no file can have: a plan can be edited."""
    parts = str(name).split("/")
    if any(len(part.encode()) > MOST_BYTES for part in parts):
        raise ValueError(name)
    if any(not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
        raise ValueError(name)
    return str(name)


def _checked_steps(words: Sequence[Any]) -> tuple[str, ...]:
    if isinstance(words, str) or not set(words) <= _STEPS:
        raise ValueError(words)
    return tuple(words)
