"""Waivers have a rule, a scope, an owner, a reason and a last day, none of which may be left out."""

from datetime import date
from pathlib import Path

import pytest

from dqkit.errors import DqkitError
from dqkit.gate.waiver_file import append_waiver, parse_waivers, read_waivers
from dqkit.gate.waivers import Waiver

PATH = Path("waivers.yaml")
ONE = {
    "rule": "GEO-003",
    "scope": "{site: North, series: 3f9a2c41d07b}",
    "owner": "Ada Example",
    "reason": "outside the organ",
    "expires": "2027-05-31",
}


def text_of(**changes: str | None) -> str:
    entries = {key: value for key, value in {**ONE, **changes}.items() if value is not None}
    return "waivers:\n  - " + "\n    ".join(f"{key}: {value}" for key, value in entries.items()) + "\n"


def test_a_waiver_is_read() -> None:
    (waiver,) = parse_waivers(text_of(variant="prostate-mr/t2"), PATH)
    assert (waiver.rule, waiver.variant, waiver.owner) == ("GEO-003", "prostate-mr/t2", "Ada Example")
    assert waiver.scope == {"site": "North", "series": "3f9a2c41d07b"}
    assert waiver.expires == date(2027, 5, 31)
    assert waiver.line == 2


@pytest.mark.parametrize("key", list(ONE))
def test_nothing_may_be_left_out(key: str) -> None:
    with pytest.raises(DqkitError, match=f"waivers.yaml:2: the waiver lacks the key '{key}'") as error:
        parse_waivers(text_of(**{key: None}), PATH)
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"owner": "''"}, "'owner' must be text"),
        ({"reason": "[]"}, "'reason' must be text"),
        ({"expires": "soon"}, "'expires' cannot be 'soon'"),
        ({"expires": "20270531"}, "'expires' cannot be"),
        ({"rule": "GEO-3"}, "'GEO-3' is no id of a rule"),
        ({"scope": "{}"}, "scope is empty"),
        ({"scope": "archive"}, "scope is a mapping"),
        ({"scope": "{hospital: North}"}, "a waiver has no scope 'hospital'"),
        ({"scope": "{series: 123456789012}"}, "'series' must be text"),
        ({"until": "2027-05-31"}, "the waiver has no key 'until'"),
    ],
)
def test_what_is_wrong_is_told(changes: dict[str, str], what: str) -> None:
    with pytest.raises(DqkitError) as error:
        parse_waivers(text_of(**changes), PATH)
    assert what in error.value.message
    assert error.value.message.startswith("waivers.yaml:")


def test_the_same_twice_is_refused() -> None:
    with pytest.raises(DqkitError, match=r"waivers.yaml:7: the same is waived at line 2"):
        parse_waivers(text_of() + text_of().removeprefix("waivers:\n"), PATH)


@pytest.mark.parametrize("text", ["", "# none yet\n", "waivers:\n", "waivers: []\n"])
def test_there_may_be_none(text: str) -> None:
    assert parse_waivers(text, PATH) == ()


def test_other_keys_are_refused() -> None:
    with pytest.raises(DqkitError, match="no key 'waiver'"):
        parse_waivers("waiver: []", PATH)


WAIVER = Waiver("FMT-001", "", {"finding": "0123456789ab"}, "李医生", 'a "reason": # here', date(2027, 1, 2))


@pytest.mark.parametrize(
    "before", [None, "", "# mine\n", "waivers:\n", "waivers: []\n", "# mine\n" + text_of(), text_of().rstrip("\n")]
)
def test_one_is_added_at_the_end_and_the_rest_stays(before: str | None, tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    if before is not None:
        path.write_text(before, encoding="utf-8")
    held = len(parse_waivers(before or "", path))
    append_waiver(path, WAIVER)
    file = read_waivers(path)
    assert len(file.waivers) == held + 1
    added = file.waivers[-1]
    assert (added.rule, added.scope, added.owner, added.reason, added.expires) == (
        WAIVER.rule, WAIVER.scope, WAIVER.owner, WAIVER.reason, WAIVER.expires,
    )  # fmt: skip
    assert "# mine" in file.text or "# mine" not in (before or "")
    with pytest.raises(DqkitError, match="waived already"):
        append_waiver(path, WAIVER)


@pytest.mark.parametrize(
    "before", ["waivers: [{rule: GEO-003, scope: {site: a}, owner: b, reason: c, expires: 2027-01-01}]"]
)
def test_a_file_that_nothing_can_be_added_to_stays_as_it_was(before: str, tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(before, encoding="utf-8")
    with pytest.raises(DqkitError, match="nothing can be added"):
        append_waiver(path, WAIVER)
    assert path.read_text(encoding="utf-8") == before
