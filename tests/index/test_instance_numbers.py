"""Which instance numbers of a series are missing between the first and the last."""

import polars as pl
import pytest

from dqkit.catalog.schema import INSTANCES, STACKS, conform, empty
from dqkit.index.planes import planes_of
from dqkit.index.series import series_of


def missing(*numbers: int | None) -> int | None:
    rows = [
        {"series_key": "s", "status": "dicom", "InstanceNumber": number, "SOPInstanceUID": str(i), "bucket": 0}
        for i, number in enumerate(numbers)
    ]
    schema = {name: INSTANCES[name] for name in rows[0]}
    instances = conform(pl.DataFrame(rows, schema=schema), INSTANCES)
    found = series_of(instances, empty(STACKS), planes_of(instances))["instance_numbers_missing"]
    return None if found.item() is None else int(found.item())


@pytest.mark.parametrize(
    ("numbers", "number"),
    [
        (range(1, 21), 0),
        ([*range(1, 9), *range(11, 21)], 2),
        (range(40, 60), 0),  # the first of all says nothing: series are numbered on
        (range(1, 40, 2), 0),  # in steps
        ([1, 1, 2, 2, 3, 3], 0),
        ([5], 0),
    ],
)
def test_numbers_between_the_first_and_the_last(numbers: list[int], number: int) -> None:
    assert missing(*numbers) == number


def test_numbers_that_reserve_places_count_no_images() -> None:
    assert missing(*range(16, 33), *range(48, 65)) is None


def test_without_numbers_nothing_is_missing() -> None:
    assert missing(None, None) is None
    assert missing(1, 2, None, 4) is None
