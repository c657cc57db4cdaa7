import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqkit.report.charts import charts_of, number

SCHEMA = {
    "measure": pl.String, "unit": pl.String, "site": pl.String, "scanner": pl.String, "modality": pl.String,
    "value": pl.Float64, "n": pl.Int64,
}  # fmt: skip


def frame(*rows: tuple[str, str | None, float, int], measure: str = "SliceThickness") -> pl.DataFrame:
    full = [(measure, "mm", site, scanner, "CT", value, n) for site, scanner, value, n in rows]
    return pl.DataFrame(full, schema=SCHEMA, orient="row")


def test_measure_with_one_value_has_room_around_it() -> None:
    (chart,) = charts_of(frame(("A", "GE", 1.5, 10)))
    spec = chart.views["site"].spec["en"]
    low, high = spec["encoding"]["x"]["scale"]["domain"]
    assert low < 1.5 < high
    assert chart.about["en"] == "Slice thickness in mm: 10 values from 1.5 to 1.5, median 1.5, in 1 rows."


def test_values_over_decades_get_a_logarithmic_axis() -> None:
    (chart,) = charts_of(frame(("A", "GE", 0.5, 1), ("A", "GE", 500.0, 1)))
    assert chart.views["site"].spec["zh"]["encoding"]["x"]["scale"]["type"] == "log"


def test_thirty_scanners_become_twenty_and_the_rest() -> None:
    (chart,) = charts_of(frame(*(("A", f"scanner {i:02}", 1.0, i + 1) for i in range(30))))
    names = [row["row"] for row in chart.views["scanner"].table]
    assert len(names) == 21
    assert names[-1] == "… +10"
    assert sum(row["n"] for row in chart.views["scanner"].rows) == sum(range(1, 31))


def test_long_names_that_look_alike_stay_apart() -> None:
    stem = "Universitätsklinikum " * 6
    (chart,) = charts_of(frame((stem + "A", "GE", 1.0, 1), (stem + "B", "GE", 2.0, 1)))
    assert len({row["row"] for row in chart.views["site"].table}) == 2


def test_table_gives_exact_ends_where_the_dots_are_binned() -> None:
    (chart,) = charts_of(frame(*(("A", "GE", 1 + i / 997, 1) for i in range(500))))
    (row,) = chart.views["site"].table
    assert (row["min"], row["max"], row["n"]) == ("1", "1.501", "500")
    assert len(chart.views["site"].rows) <= 41


def test_median_counts_every_series() -> None:
    (chart,) = charts_of(frame(("A", "GE", 1.0, 1), ("A", "GE", 5.0, 99)))
    assert chart.views["site"].table[0]["median"] == "5"


def test_missing_values_and_missing_names_are_no_trouble() -> None:
    odd = pl.DataFrame(
        [("KVP", None, None, None, None, None, 3), ("KVP", None, None, None, None, 120.0, 3)],
        schema=SCHEMA,
        orient="row",
    )
    (chart,) = charts_of(odd)
    assert chart.views["scanner"].table[0]["row"] == "– · –"
    assert charts_of(pl.DataFrame(schema=SCHEMA)) == []


def test_charts_name_no_host() -> None:
    (chart,) = charts_of(frame(("A", "GE", 1.0, 1)))
    assert "http" not in str(chart.views["site"].spec)


@pytest.mark.parametrize(
    ("value", "text"), [(0.7031, "0.703"), (120.0, "120"), (1.5, "1.5"), (4096, "4,096"), (0, "0")]
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


@given(
    st.lists(st.tuples(st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 10**6)), min_size=1, max_size=60)
)
def test_no_value_breaks_a_chart(values: list[tuple[float, int]]) -> None:
    for chart in charts_of(frame(*(("A", "GE", value, n) for value, n in values))):
        drawn = chart.views["site"].rows
        assert all(row["n"] > 0 for row in drawn)
