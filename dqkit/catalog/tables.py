"""What readers of a catalog need of it, whether it is open for reading or being written."""

from typing import Protocol

import polars as pl


class Tables(Protocol):
    """Gives tables as of one moment; catalog.store has the reader and the writer that do."""

    def scan(self, table: str) -> pl.LazyFrame:
        """Return a table with the columns of its schema."""
        ...
