"""What is told of files, put beside them by number."""

import polars as pl
import pytest

from dqkit.dataset.beside import beside

FILES = pl.DataFrame({"file": [2, 0, 1], "place": ["/c", "/a", "/b"]})


@pytest.mark.parametrize("numbers", [[2, 0, 1], [0, 1, 2], [1], []])
def test_it_is_a_left_join_in_the_order_of_the_files(numbers: list[int]) -> None:
    told = pl.DataFrame(
        {"file": numbers, "site": [f"s{n}" for n in numbers]}, schema={"file": pl.Int64, "site": pl.String}
    )
    rows = beside(FILES, told, "file").rows()
    assert rows == [(n, place, f"s{n}" if n in numbers else None) for n, place in FILES.rows()]
