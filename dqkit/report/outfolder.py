"""The folder that ``--out`` names: tables, report, pictures and result.json, each replaced as a whole."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import polars as pl

from dqkit.archive.checksum import sha256_of
from dqkit.audit.coverage import coverage_from_json
from dqkit.audit.only import Only
from dqkit.audit.result import AuditResult, Picture, rules_of_run
from dqkit.catalog.schema import FINDINGS, OUTCOMES, PROBLEMS, conform
from dqkit.errors import DqkitError
from dqkit.report.diff_json import history_from_json
from dqkit.report.folder import make_folder, replacing, telling_of_disk, write_file
from dqkit.report.html import render_html
from dqkit.report.profile_json import profile_from_json
from dqkit.report.result_json import check_format, glance_from_json, judgement_from_json, result_to_json, when_from_json
from dqkit.rulebook.rule import Rule

_TABLES = {"findings": FINDINGS, "problems": PROBLEMS, "outcomes": OUTCOMES}
_RESULT = "result.json"
_REPORT = "report.html"
_PICTURES = "pictures"
_INDEX = "index.json"
_PICTURE_NAME = re.compile(r"[0-9a-f]{16}\.(webp|png)")
_SUFFIX = {"image/webp": "webp", "image/png": "png"}
_AUDIT_AGAIN = "run dqkit audit again with this --out"


def write_out(result: AuditResult, out: Path, lang: str = "en") -> None:
    """Write `result` to the folder `out`: three tables as parquet, report.html, pictures/ and result.json.

    The folder is in-house: made with mode 0700, its files 0600. Every file is written beside its place and
    renamed into it; result.json comes last and names the digests of the tables, so that a folder left half
    written is known as such.

    Raises
    ------
    DqkitError
        `out` is a file, or may not be made or written to.
    IncompleteError
        The disk is full or failed.
    """
    with telling_of_disk():
        make_folder(out)
        files = {f"{name}.parquet": _write_table(out, name, result) for name in _TABLES}
        write_file(out / _REPORT, render_html(result, lang).encode())
        _write_pictures(out / _PICTURES, result.pictures)
        content = {**result_to_json(result), "files": files}
        write_file(out / _RESULT, json.dumps(content, ensure_ascii=False, indent=1).encode())


def read_out(out: Path, rules: tuple[Rule, ...]) -> AuditResult:
    """Read what `write_out` wrote, so that it can be rendered again without the catalog.

    `rules` gives the texts; a rule that is not among them is shown by its id.

    Raises
    ------
    DqkitError
        `out` is no such folder, is half written, or was written in another format version.
    """
    data = _read_result(out)
    try:
        tables = {name: _read_table(out, name, data) for name in _TABLES}
        return AuditResult(
            title=str(data["title"]),
            dqkit_version=str(data["dqkit_version"]),
            run_id=str(data["run_id"]),
            finished_at=when_from_json(data),
            rules=_of_this_run(rules, data),
            judgement=judgement_from_json(data),
            glance=glance_from_json(data),
            coverage=coverage_from_json(data.get("coverage")),
            only=Only.from_json(data.get("only")),
            profile=profile_from_json(data.get("profile")),
            history=history_from_json(data.get("history")),
            pictures=_read_pictures(out / _PICTURES),
            engine=str(data["engine"]),
            not_expressible=tuple(data["not_expressible"]),
            findings=tables["findings"],
            problems=tables["problems"],
            outcomes=tables["outcomes"],
        )
    except (KeyError, TypeError, ValueError, AttributeError, pl.exceptions.PolarsError) as error:
        raise DqkitError("result.json or a table beside it is damaged", _AUDIT_AGAIN) from error
    except OSError as error:
        raise DqkitError(f"the output folder cannot be read: {error.strerror}", _AUDIT_AGAIN) from error


def _of_this_run(rules: tuple[Rule, ...], data: dict[str, Any]) -> tuple[Rule, ...]:
    severities = {(row["rule_id"], row["variant"]): row["severity"] for row in data["outcomes"]}
    ran = [(row["rule_id"], row["variant"], severities.get((row["rule_id"], row["variant"]))) for row in data["rules"]]
    return rules_of_run(rules, pl.DataFrame(ran, schema=["rule_id", "variant", "severity"], orient="row"))


def _write_table(out: Path, name: str, result: AuditResult) -> dict[str, Any]:
    """Write a table and return its rows and digest, as result.json names them."""
    frame = conform(getattr(result, name), _TABLES[name])
    path = out / f"{name}.parquet"
    with replacing(path) as file:
        frame.write_parquet(file)
    return {"rows": frame.height, "sha256": sha256_of(path)}


def _write_pictures(folder: Path, pictures: tuple[Picture, ...]) -> None:
    """Write the pictures and their index, and remove those of the run before; no name comes from data."""
    if not pictures and not folder.is_dir():
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    index = []
    for picture in pictures:
        digest = hashlib.sha256(picture.finding_id.encode() + picture.data).hexdigest()[:16]
        name = f"{digest}.{_SUFFIX[picture.mime]}"
        write_file(folder / name, picture.data)
        about = {"width": picture.width, "height": picture.height, "caption": dict(picture.caption)}
        index.append({"file": name, "finding_id": picture.finding_id, "mime": picture.mime, **about})
    write_file(folder / _INDEX, json.dumps(index, ensure_ascii=False, indent=1).encode())
    kept = {row["file"] for row in index}
    for path in folder.iterdir():
        if _PICTURE_NAME.fullmatch(path.name) and path.name not in kept:
            path.unlink()


def _read_result(out: Path) -> dict[str, Any]:
    if not out.is_dir():
        raise DqkitError(
            "there is no such folder to report on", "name a catalog, or a folder that dqkit audit --out wrote"
        )
    try:
        data = json.loads((out / _RESULT).read_bytes())
    except FileNotFoundError as error:
        raise DqkitError(
            "the folder holds no result.json", "name a catalog, or a folder that dqkit audit --out wrote"
        ) from error
    except OSError as error:
        raise DqkitError(f"result.json cannot be read: {error.strerror}", _AUDIT_AGAIN) from error
    except ValueError as error:  # not JSON, or not text
        raise DqkitError("result.json is damaged", _AUDIT_AGAIN) from error
    check_format(data)
    return dict(data)


def _read_table(out: Path, name: str, data: dict[str, Any]) -> pl.DataFrame:
    path = out / f"{name}.parquet"
    if not path.is_file():
        raise DqkitError(f"{path.name} is missing beside result.json", _AUDIT_AGAIN)
    if sha256_of(path) != data["files"][path.name]["sha256"]:
        raise DqkitError(f"{path.name} does not belong to result.json: the folder is half written", _AUDIT_AGAIN)
    return conform(pl.read_parquet(path), _TABLES[name])


def _read_pictures(folder: Path) -> tuple[Picture, ...]:
    index = folder / _INDEX
    if not index.is_file():
        return ()
    rows = [row for row in json.loads(index.read_bytes()) if _PICTURE_NAME.fullmatch(row["file"])]
    return tuple(_read_picture(folder, row) for row in rows)


def _read_picture(folder: Path, row: dict[str, Any]) -> Picture:
    return Picture(
        finding_id=str(row["finding_id"]),
        mime=str(row["mime"]),
        data=(folder / row["file"]).read_bytes(),
        caption={lang: str(text) for lang, text in row["caption"].items()},
        width=int(row["width"]),
        height=int(row["height"]),
    )
