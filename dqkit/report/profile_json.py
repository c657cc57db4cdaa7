"""A profile as JSON, within result.json and for ``dqkit profile --json``: each frame as columns and rows."""

from typing import Any

import polars as pl

from dqkit.catalog.schema import INT, TEXT, Schema
from dqkit.profile.changes import CHANGES
from dqkit.profile.completeness import COMPLETENESS
from dqkit.profile.composition import COMPOSITION
from dqkit.profile.grouping import with_modality
from dqkit.profile.profile import Profile

_FRAMES = ("groups", "composition", "completeness", "changes")


def profile_to_json(profile: Profile) -> dict[str, Any]:
    """Return `profile` as plain JSON values, free of identifying ones."""
    frames = {name: _frame_to_json(getattr(profile, name)) for name in _FRAMES}
    more = {"more_groups": profile.more_groups, "more_changes": profile.more_changes}
    return {"by": list(profile.by), **frames, **more}


def profile_from_json(data: dict[str, Any] | None) -> Profile | None:
    """Return the profile that `profile_to_json` wrote; None where an older dqkit wrote none."""
    if data is None:
        return None
    by = tuple(str(name) for name in data["by"])
    frames = {name: _frame_from_json(data[name], kinds) for name, kinds in _schemas(by).items()}
    return Profile(by, **frames, more_groups=int(data["more_groups"]), more_changes=int(data["more_changes"]))


def _schemas(by: tuple[str, ...]) -> dict[str, Schema]:
    own: Schema = dict.fromkeys(by, TEXT)
    fine: Schema = dict.fromkeys(with_modality(by), TEXT)
    left_out = {"group", "level"}
    return {
        "groups": own | {"series": INT},
        "composition": own | {name: kind for name, kind in COMPOSITION.items() if name not in left_out},
        "completeness": fine
        | {name: kind for name, kind in COMPLETENESS.items() if name not in left_out}
        | {"rank": INT},
        "changes": CHANGES,
    }


def _frame_to_json(frame: pl.DataFrame) -> dict[str, Any]:
    return {"columns": frame.columns, "rows": [list(row) for row in frame.iter_rows()]}


def _frame_from_json(data: dict[str, Any], schema: Schema) -> pl.DataFrame:
    frame = pl.DataFrame(data["rows"], schema=data["columns"], orient="row", infer_schema_length=None)
    return frame.select(pl.col(name).cast(kind) for name, kind in schema.items())
