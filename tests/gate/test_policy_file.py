"""A policy says what it asks for, and what is wrong in it is told with its line and what is meant."""

from datetime import timedelta
from pathlib import Path

import pytest

from dqkit.audit.only import Only
from dqkit.errors import DqkitError
from dqkit.gate.policy import Counted, Per, Unknown
from dqkit.gate.policy_file import parse_policy, pinned_packs, read_policy
from dqkit.gate.policy_text import policy_text
from dqkit.index.checksums import Rehash
from dqkit.model import Severity
from dqkit.rulebook.pack import load_packs
from dqkit.rulebook.rule import Allow

PATH = Path("gate.yaml")
PINNED = "packs: [general@1.0.0]\n"

WHOLE = """
name: chest-training
packs:
  - general@1.0.0
  - lung-screening-ct@1.0.0
scope: {select: [GEO, lung-screening-ct], ignore: GEO-020, sites: [North], modalities: CT}
fail_on: warning
allow:
  - {rules: GEO-003, at_most: 2%}
  - {rules: GEO, at_most: 3, site: North}
  - {rules: GEO-004, at_most: any}
max_unknown:
  critical: 1%
  warning: 10
  reasons: [missing, not_looked_at]
  rules: [{rules: GEO-008, at_most: any}]
minimum:
  - {patients: 50}
  - {name: thin, series: 200, where: {Modality: CT, role: ct-thin}, per: archive, severity: warning}
  - {images: 10, classes: [benign], sites: [North], per: site and class}
max_catalog_age: 36 hours
rehash: all
required_sites: [North, South]
dataset: {file: image, label: diagnosis, root: images}
actions:
  - slack: {webhook_env: SLACK_WEBHOOK}
  - email: {to: [a@b.example, c@d.example], from: e@f.example, server: smtp.f.example, security: tls, on: always}
"""


def test_everything_is_read() -> None:
    policy = parse_policy(WHOLE, Path("project/gate.yaml"))
    assert policy.name == "chest-training"
    assert [(pin.pack, pin.version) for pin in policy.packs] == [("general", "1.0.0"), ("lung-screening-ct", "1.0.0")]
    assert (policy.select, policy.ignore) == (("GEO", "lung-screening-ct"), ("GEO-020",))
    assert policy.only == Only(("North",), ("CT",))
    assert policy.fail_on is Severity.WARNING
    assert [(one.rules, one.at_most, one.site) for one in policy.allow] == [
        ("GEO-003", Allow(share=0.02), None), ("GEO", Allow(count=3), "North"), ("GEO-004", None, None),
    ]  # fmt: skip
    assert policy.max_unknown.by_severity == {Severity.CRITICAL: Allow(share=0.01), Severity.WARNING: Allow(count=10)}
    assert policy.max_unknown.reasons == {Unknown.MISSING, Unknown.NOT_LOOKED_AT}
    first, thin, classes = policy.minimum
    assert (first.counted, first.number, first.per) == (Counted.PATIENTS, 50, Per.SITE)
    assert (thin.name, thin.per, thin.severity) == ("thin", Per.ARCHIVE, Severity.WARNING)
    assert (classes.per, classes.classes, classes.sites) == (Per.SITE_AND_CLASS, ("benign",), ("North",))
    assert policy.max_catalog_age == timedelta(hours=36)
    assert policy.rehash is Rehash.ALL
    assert policy.required_sites == ("North", "South")
    assert (policy.dataset.file, policy.dataset.label, policy.dataset.root) == (
        "image", "diagnosis", Path("project/images"),
    )  # fmt: skip
    slack, email = policy.actions
    assert (slack.kind, slack.always, slack.settings) == ("slack", False, {"webhook_env": "SLACK_WEBHOOK"})
    assert (email.always, email.settings["port"], email.settings["to"]) == (True, 465, ("a@b.example", "c@d.example"))


def test_what_is_not_said_is_strict() -> None:
    policy = parse_policy(PINNED, PATH)
    assert policy.fail_on is Severity.CRITICAL
    assert policy.max_unknown.by_severity == {Severity.CRITICAL: Allow(count=0)}
    assert policy.max_unknown.reasons == {Unknown.MISSING, Unknown.VARYING}
    assert (policy.name, policy.minimum, policy.allow, policy.actions) == ("gate", (), (), ())


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "---\n...\n"])
def test_an_empty_policy_is_none(text: str) -> None:
    with pytest.raises(DqkitError, match="empty") as error:
        parse_policy(text, PATH)
    assert "dqkit gate init" in error.value.hint


@pytest.mark.parametrize(
    ("text", "line", "what", "hint"),
    [
        ("pack: [general@1.0.0]", 1, "lacks the key 'packs'", ""),
        (f"{PINNED}max_unkown: 3", 2, "the policy has no key 'max_unkown'", "did you mean max_unknown?"),
        ("packs: [general]", 1, "the pack 'general' is not pinned to a version", "general@1.0.0"),
        ("packs: [house.yaml]", 1, "a file is pinned by the version it must have", "file: house.yaml"),
        ("packs: []", 1, "'packs' names no pack", ""),
        (f"{PINNED}fail_on: never", 2, "'fail_on' cannot be 'never'", "critical, warning, info"),
        (f"{PINNED}allow: [{{rules: GEO-003}}]", 2, "lacks the key 'at_most'", ""),
        (f"{PINNED}allow: [{{rules: GEO-003, at_most: -1}}]", 2, "'at_most' cannot be -1", "2%"),
        (f"{PINNED}allow: [{{rules: GEO-003, at_most: 120%}}]", 2, "'at_most' cannot be '120%'", "2%"),
        (f"{PINNED}allow: [{{rules: GEO-003, at_most: 1, sites: x}}]", 2, "no key 'sites'", "did you mean site?"),
        (f"{PINNED}max_unknown: {{critcal: 1}}", 2, "max_unknown has no key 'critcal'", "did you mean critical?"),
        (f"{PINNED}max_unknown: {{reasons: [absent]}}", 2, "unknown for being 'absent'", "not_looked_at"),
        (f"{PINNED}minimum: [{{where: {{Modality: CT}}}}]", 2, "a minimum counts one thing", "patients: 50"),
        (f"{PINNED}minimum: [{{patients: 1, series: 2}}]", 2, "a minimum counts one thing", ""),
        (f"{PINNED}minimum: [{{patients: 0}}]", 2, "whole number of at least 1", ""),
        (f"{PINNED}minimum: [{{patients: 5, where: {{Modalty: CT}}}}]", 2, "no column 'Modalty'", "Modality"),
        (f"{PINNED}minimum: [{{patients: 5, per: ward}}]", 2, "'per' cannot be 'ward'", "site and class"),
        (f"{PINNED}minimum: [{{patients: 5}}, {{patients: 9}}]", 2, "'patients' stands at line 2 too", "name"),
        (f"{PINNED}minimum: [{{patients: 5, classes: [a], per: site}}]", 2, "names classes and counts per", ""),
        (f"{PINNED}max_catalog_age: 7", 2, "'max_catalog_age' cannot be 7", "7 days"),
        (f"{PINNED}max_catalog_age: soon", 2, "'max_catalog_age' cannot be 'soon'", "7 days"),
        (f"{PINNED}rehash: some", 2, "'rehash' cannot be 'some'", "none, sample, all"),
        (f"{PINNED}actions: [{{pager: {{}}}}]", 2, "there is no action 'pager'", "slack"),
        (f"{PINNED}a: &x [1]\nb: [*x]", 2, "anchors and aliases", ""),
        (f"{PINNED}name: !!python/object/apply:os.system [echo]", 2, "is not allowed", ""),
        (f"{PINNED}packs: [general@1.0.0]", 2, "stands twice", ""),
        ("[1, 2]", 1, "a policy is a mapping", ""),
        ("packs: [", 2, "this is not YAML", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text: str, line: int, what: str, hint: str) -> None:
    with pytest.raises(DqkitError) as error:
        parse_policy(text, PATH)
    assert error.value.exit_code == 2
    assert error.value.message.startswith(f"gate.yaml:{line}: ")
    assert what in error.value.message
    assert hint in error.value.hint


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    with pytest.raises(DqkitError, match="anchors and aliases"):
        parse_policy("\n".join(lines), PATH)


def test_a_deep_nest_is_refused() -> None:
    with pytest.raises(DqkitError):
        parse_policy(f"{PINNED}name: " + "[" * 100 + "]" * 100, PATH)


@pytest.mark.parametrize(
    "action",
    [
        "slack: {webhook: 'https://hooks.slack.example/SECRET'}",
        "teams: {webhook_env: 'https://teams.example/SECRET'}",
        "email: {to: a@b.example, from: a@b.example, server: s.example, user_env: U, password: SECRET}",
        "email: {to: a@b.example, from: a@b.example, server: s.example, user_env: U, password_env: 'SECRET!'}",
    ],
)
def test_a_secret_in_a_policy_is_refused_and_not_repeated(action: str) -> None:
    with pytest.raises(DqkitError) as error:
        parse_policy(f"{PINNED}actions:\n  - {action}", PATH)
    assert "SECRET" not in error.value.message + error.value.hint
    assert error.value.message.startswith("gate.yaml:3: ")


def test_a_pack_of_another_version_is_refused() -> None:
    policy = parse_policy("packs:\n  - lung-screening-ct@0.9.0", PATH)
    with pytest.raises(DqkitError, match=r"gate.yaml:2: lung-screening-ct has version 1.0.0.* relies on 0.9.0"):
        pinned_packs(policy)


def test_a_pack_that_is_not_there_is_told_with_its_line() -> None:
    with pytest.raises(DqkitError, match=r"gate.yaml:2: there is no pack 'lung-screning-ct'") as error:
        pinned_packs(parse_policy("packs:\n  - lung-screning-ct@1.0.0", PATH))
    assert "lung-screening-ct" in error.value.hint


def test_a_file_of_ones_own_is_pinned_too(tmp_path: Path) -> None:
    house = "name: house\nversion: 2.1.0\ntitle: {en: House, zh: 本院}\nwhy: {en: Ours., zh: 本院。}\n"
    house += "extends: general@1.0.0\n"
    (tmp_path / "house.yaml").write_text(house, encoding="utf-8")
    pinned = parse_policy("packs: [{file: house.yaml, version: 2.1.0}]", tmp_path / "gate.yaml")
    assert [pack.label for pack in pinned_packs(pinned)] == ["house 2.1.0"]
    other = parse_policy("packs: [{file: house.yaml, version: 2.0.0}]", tmp_path / "gate.yaml")
    with pytest.raises(DqkitError, match=r"house has version 2\.1\.0"):
        pinned_packs(other)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x" * 2_000_000], ids=["no text", "too large"])
def test_a_file_that_is_no_policy(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "gate.yaml"
    path.write_bytes(content)
    with pytest.raises(DqkitError):
        read_policy(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DqkitError, match="there is no policy"):
        read_policy(tmp_path / "gate.yaml")
    with pytest.raises(DqkitError, match="cannot be read"):
        read_policy(tmp_path)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_policy_to_start_from_holds_and_so_does_what_it_shows(lang: str) -> None:
    text = policy_text(load_packs(["lung-screening-ct"]), PATH, lang)
    started = parse_policy(text, PATH)
    assert [pin.pack for pin in started.packs] == ["general", "lung-screening-ct"]
    assert started.max_catalog_age == timedelta(days=7)
    every = "\n".join(
        line.replace("# ", "", 1) if line.startswith(("# ", "  # ")) and (":" in line or "- " in line) else line
        for line in text.splitlines()
        if not _is_prose(line)
    )
    shown = parse_policy(every, PATH)
    assert len(shown.minimum) == 3
    assert len(shown.actions) == 3
    assert len(shown.allow) == 2
    assert shown.only.sites == ("North",)
    assert shown.max_unknown.rules[0].site == "North"
    assert shown.dataset.label == "diagnosis"


def _is_prose(line: str) -> bool:
    """Tell whether a comment speaks to people: its first word is no key, and no entry of a list."""
    text = line.strip().removeprefix("# ")
    keys = (
        "scope:",
        "select:",
        "ignore:",
        "sites:",
        "modalities:",
        "allow:",
        "required_sites:",
        "minimum:",
        "dataset:",
    )
    return line.strip().startswith("#") and not text.lstrip().startswith(
        (*keys, "actions:", "- {", "- slack", "- teams", "- email", "reasons:", "rules:")
    )
