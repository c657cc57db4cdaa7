"""Whether a condition narrows another, leaves it as it is, or can never hold together with it."""

from typing import Any

from dqkit.rulebook.scope import Condition, Scope


def widens(limit: Scope, further: Scope) -> str:
    """Return what of `further` lets in more than `limit` does, as text; empty where nothing does."""
    for condition in further.conditions:
        for other in limit.conditions:
            if other.column == condition.column and _wider(other, condition):
                return f"{condition.describe()} is wider than {other.describe()}"
    return ""


def excludes(limit: Scope, further: Scope) -> str:
    """Return what of `further` can never hold together with `limit`, as text; empty where all can."""
    for condition in further.conditions:
        for other in limit.conditions:
            if other.column == condition.column and _never(other, condition):
                return f"{condition.describe()} and {other.describe()} never hold together"
    return ""


def _wider(limit: Condition, further: Condition) -> bool:
    if limit.kind == "in" and further.kind == "in":
        return not set(further.values) <= set(limit.values) and not _never(limit, further)
    if limit.kind == "range" and further.kind == "range":
        below = further.least is not None and limit.least is not None and further.least < limit.least
        above = further.most is not None and limit.most is not None and further.most > limit.most
        return (below or above) and not _never(limit, further)
    return False


def _never(one: Condition, other: Condition) -> bool:
    if one.kind == other.kind:
        return _alike_never(one, other)
    kinds = {one.kind: one, other.kind: other}
    if "present" in kinds:
        return not kinds["present"].values[0]
    if "in" not in kinds:
        return False
    if "not_in" in kinds:
        return set(kinds["in"].values) <= set(kinds["not_in"].values)
    return not any(_inside(value, kinds["range"]) for value in kinds["in"].values)


def _alike_never(one: Condition, other: Condition) -> bool:
    """Tell whether two conditions of one kind exclude each other."""
    if one.kind == "in":
        return not one.is_list and set(one.values).isdisjoint(other.values)
    if one.kind == "range":
        return _empty(_largest(one.least, other.least), _smallest(one.most, other.most))
    return one.kind == "present" and one.values[0] != other.values[0]


def _inside(value: Any, bounds: Condition) -> bool:
    low = bounds.least is None or value >= bounds.least
    return bool(low and (bounds.most is None or value <= bounds.most))


def _largest(one: Any, other: Any) -> Any:
    return max((bound for bound in (one, other) if bound is not None), default=None)


def _smallest(one: Any, other: Any) -> Any:
    return min((bound for bound in (one, other) if bound is not None), default=None)


def _empty(least: Any, most: Any) -> bool:
    return least is not None and most is not None and least > most
