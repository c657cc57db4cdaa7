"""Cells of tables that a spreadsheet opens."""

import polars as pl

from dqkit.report.neutral import neutral, neutral_texts


def test_formulas_become_text_and_nothing_else_changes() -> None:
    texts = ["=1+1", "+a", "-a", "@a", "\ta", "\ra", "\na", "a=1", "", "/data/=a.dcm", "影像"]
    told = neutral_texts(pl.Series("path", [*texts, None])).to_list()
    assert told == [*("'" + text for text in texts[:7]), *texts[7:], None]
    assert told[:-1] == [neutral(text) for text in texts]
