import polars as pl
import pytest

from dqkit.profile.learn import usual_cover, usual_presence, usual_range, usual_set, usual_values


def learnt(values: list[float], least: str | None = "min", most: str | None = "max", *, whole: bool = False):
    series = pl.Series(values)
    return usual_range(series, series, least, most, whole=whole)


def test_one_value_for_all_is_that_value() -> None:
    found = learnt([120.0] * 20)
    assert found is not None
    assert (found.values, found.kept, found.n) == ({"min": 120, "max": 120}, 20, 20)


def test_an_exception_stays_outside() -> None:
    found = learnt([90.0] * 19 + [140.0])
    assert found is not None
    assert (found.values, found.kept) == ({"min": 90, "max": 90}, 19)


def test_two_common_values_are_both_usual() -> None:
    found = learnt([1.5] * 12 + [3.0] * 8)
    assert found is not None
    assert found.values == {"min": 1.5, "max": 3}


def test_what_varies_is_kept_with_some_room() -> None:
    values = [3000.0 + 7 * i for i in range(30)]
    found = learnt([*values, 9000.0])
    assert found is not None
    assert found.kept == 30
    assert 2950 < found.values["min"] < 3000
    assert 3203 < found.values["max"] < 3250


def test_rounding_of_scanners_is_usual() -> None:
    found = learnt([2.5] * 15 + [2.49999] * 5)
    assert found is not None
    assert found.kept == 20


@pytest.mark.parametrize("values", [[400.0] * 10 + [9000.0] * 10, [float(2**k) for k in range(20)]])
def test_a_range_that_says_nothing_is_not_learnt(values: list[float]) -> None:
    assert learnt(values) is None


def test_counts_have_whole_bounds() -> None:
    found = learnt([24] * 10 + [26] * 10, most=None, whole=True)
    assert found is not None
    assert found.values == {"min": 24}


def test_one_image_at_least_is_not_worth_saying() -> None:
    found = learnt([1] * 20, most=None, whole=True)
    assert found is not None
    assert found.values == {}


def test_rare_values_are_exceptions() -> None:
    found = usual_values(pl.Series(["B30f"] * 18 + ["B70s"] * 2), "values")
    assert found is not None
    assert (found.values, found.kept, found.n) == ({"values": ["B30f"]}, 18, 20)


def test_values_without_a_habit_are_not_learnt() -> None:
    assert usual_values(pl.Series([f"k{i}" for i in range(20)]), "values") is None


def test_every_item_of_a_list_must_be_usual() -> None:
    found = usual_values(pl.Series([["a", "b"]] * 19 + [["a", "z"]]), "values")
    assert found is not None
    assert (found.values, found.kept) == ({"values": ["a", "b"]}, 19)


def test_a_set_is_what_nearly_all_have() -> None:
    lists = pl.Series([["t1", "t2", "localizer"]] * 19 + [["t1"]])
    found = usual_set(lists, "roles", frozenset({"localizer"}))
    assert found is not None
    assert (found.values, found.kept) == ({"roles": ["t1", "t2"]}, 19)


def test_no_common_item_is_no_set() -> None:
    assert usual_set(pl.Series([["a"], ["b"], ["c"]]), "roles") is None


def test_b_values_become_narrow_ranges() -> None:
    found = usual_cover(pl.Series([[0.0, 800.0]] * 10), "ranges")
    assert found is not None
    assert found.values == {"ranges": [[0, 5.0], [720.0, 880.0]]}


def test_presence_of_most_is_usual() -> None:
    assert usual_presence(pl.Series([True] * 9 + [False])) is not None
    assert usual_presence(pl.Series([True, False])) is None
