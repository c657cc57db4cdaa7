"""gate.yaml -> Policy: every key is known, every value has its type, and what is wrong is told with its line."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from dqkit.audit.only import Only
from dqkit.errors import DqkitError
from dqkit.gate.policy import (
    Allowance,
    Counted,
    DatasetColumns,
    MaxUnknown,
    Minimum,
    Per,
    Pin,
    Policy,
    Unknown,
)
from dqkit.gate.policy_actions import read_actions
from dqkit.index.checksums import Rehash
from dqkit.model import Level, Severity
from dqkit.rulebook.document import parse_document
from dqkit.rulebook.load import allow_of
from dqkit.rulebook.pack import Pack, load_pack, load_packs
from dqkit.rulebook.rule import Allow
from dqkit.rulebook.scope import Scope, read_scope
from dqkit.rulebook.section import Section

_LARGEST = 1_000_000
"""Bytes of a file that a person wrote."""

_ANY = "any"
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(minute|hour|day|week|min|h|d|w)s?")
_UNITS = {"minute": 60, "min": 60, "hour": 3600, "h": 3600, "day": 86400, "d": 86400, "week": 604800, "w": 604800}


def read_policy(path: Path) -> Policy:
    """Read a policy.

    Raises
    ------
    DqkitError
        It cannot be read, is empty, or something in it is unknown, of the wrong type or contradictory; says the line,
        what is wrong and what is allowed.
    """
    return parse_policy(text_of(path, "policy"), path)


def text_of(path: Path, what: str) -> str:
    """Return the text of a file that a person wrote: `what` it is stands in errors.

    Raises
    ------
    DqkitError
        It is not there, cannot be read, is no text, or larger than any person writes.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise DqkitError(f"the {what} {path} is larger than {_LARGEST // 1_000_000} MB", f"is it a {what}?")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DqkitError(f"there is no {what} {path}", "check the path") from error
    except UnicodeDecodeError as error:
        raise DqkitError(f"the {what} {path} is not UTF-8 text", "save it as UTF-8") from error
    except OSError as error:
        raise DqkitError(
            f"the {what} {path} cannot be read: {error.strerror}", "name a file that can be read"
        ) from error


def is_blank(text: str) -> bool:
    """Tell whether a YAML text holds comments alone."""
    return all(line.strip() in {"", "---", "..."} or line.lstrip().startswith("#") for line in text.splitlines())


def parse_policy(text: str, path: Path) -> Policy:
    """Read `text` as what stands in `path`.

    Raises
    ------
    DqkitError
        As `read_policy`.
    """
    if is_blank(text):
        raise DqkitError(f"the policy {path} is empty", "a gate that asks for nothing is none: dqkit gate init")
    section = Section(parse_document(text, path, "a policy"), "the policy")
    select, ignore, only = _scope(section)
    policy = Policy(
        path=path,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        name=section.text("name", path.stem),
        packs=tuple(_pins(section, path)),
        select=select,
        ignore=ignore,
        only=only,
        fail_on=Severity(section.choice("fail_on", list(Severity), Severity.CRITICAL)),
        allow=tuple(_allowance(one) for one in _entries(section, "allow", "an allowance")),
        max_unknown=_max_unknown(section),
        minimum=_minimums(section),
        max_catalog_age=_age(section),
        rehash=Rehash(section.choice("rehash", list(Rehash), Rehash.SAMPLE)),
        required_sites=section.texts("required_sites"),
        dataset=_dataset(section, path),
        actions=read_actions(section),
    )
    section.finish()
    return policy


def pinned_packs(policy: Policy) -> tuple[Pack, ...]:
    """Load the packs of a policy.

    Raises
    ------
    DqkitError
        There is no such pack, or it has another version; names the line of the policy.
    """
    for pin in policy.packs:
        try:
            pack = load_pack(pin.pack)
        except DqkitError as error:
            raise pin.mark.error(error.message, error.hint) from error
        if pack.version != pin.version:
            raise pin.mark.error(
                f"{pack.name} has version {pack.version}, and the policy relies on {pin.version}",
                f"see what changed, then write {pack.version}",
            )
    return load_packs([pin.pack for pin in policy.packs])


def _pins(section: Section, path: Path) -> Iterator[Pin]:
    node = section.need("packs")
    items = node.value if isinstance(node.value, tuple) else (node,)
    if not items:
        raise node.mark.error("'packs' names no pack", "general@1.0.0 is the whole rule book")
    for item in items:
        if isinstance(item.value, Mapping):
            inner = Section(item, "a pack's file")
            file, version = inner.text("file"), inner.text("version")
            inner.finish()
            if not file.endswith((".yaml", ".yml")):
                raise item.mark.error(f"{file!r} is no pack's file", "file: house-pack.yaml")
            yield Pin(str(path.parent / file), version, item.mark)
            continue
        if not isinstance(item.value, str) or not item.value.strip():
            raise item.mark.error(f"a pack is NAME@VERSION, not {item.word}", "such as general@1.0.0")
        name, _, version = item.value.partition("@")
        if name.endswith((".yaml", ".yml")):
            raise item.mark.error("a file is pinned by the version it must have", f"{{file: {name}, version: 1.0.0}}")
        if not version:
            raise item.mark.error(f"the pack {name!r} is not pinned to a version", f"write {name}@{_version_of(name)}")
        yield Pin(name, version, item.mark)


def _version_of(name: str) -> str:
    """Return the version of a pack that is at hand, for a hint."""
    try:
        return load_pack(name).version
    except DqkitError:
        return "VERSION"


def _scope(section: Section) -> tuple[tuple[str, ...], tuple[str, ...], Only]:
    node = section.take("scope")
    if node is None:
        return (), (), Only()
    inner = Section(node, "scope")
    found = inner.texts("select"), inner.texts("ignore"), Only(inner.texts("sites"), inner.texts("modalities"))
    inner.finish()
    return found


def _entries(section: Section, key: str, what: str) -> Iterator[Section]:
    """Yield the mappings of a list; one alone is a list of one."""
    node = section.take(key)
    if node is None or node.value is None:
        return
    for item in node.value if isinstance(node.value, tuple) else (node,):
        yield Section(item, what)


def _allowance(entry: Section) -> Allowance:
    at_most = entry.need("at_most")
    allowance = Allowance(
        entry.text("rules"),
        None if at_most.value == _ANY else allow_of(at_most, "at_most"),
        entry.text("site", "") or None,
        entry.mark,
    )
    entry.finish()
    return allowance


def _max_unknown(section: Section) -> MaxUnknown:
    node = section.take("max_unknown")
    usual = MaxUnknown()
    if node is None:
        return usual
    if not isinstance(node.value, Mapping):
        return MaxUnknown({Severity.CRITICAL: allow_of(node, "max_unknown")} if node.value != _ANY else {})
    inner = Section(node, "max_unknown")
    limits: dict[Severity, Allow | None] = dict(usual.by_severity)
    for severity in Severity:
        if limit := inner.take(severity.value):
            limits[severity] = None if limit.value == _ANY else allow_of(limit, severity.value)
    reasons = inner.texts("reasons")
    for reason in reasons:
        if reason not in list(Unknown):
            raise inner.need("reasons").mark.error(f"no outcome is unknown for being {reason!r}", _one_of(Unknown))
    found = MaxUnknown(
        {severity: limit for severity, limit in limits.items() if limit is not None},
        tuple(_allowance(one) for one in _entries(inner, "rules", "a limit")),
        frozenset(map(Unknown, reasons)) if reasons else usual.reasons,
    )
    inner.finish()
    return found


def _one_of(words: type[Unknown]) -> str:
    return "allowed: " + ", ".join(words)


def _minimums(section: Section) -> tuple[Minimum, ...]:
    found: dict[str, Minimum] = {}
    for entry in _entries(section, "minimum", "a minimum"):
        one = _minimum(entry)
        if one.name in found:
            raise one.mark.error(
                f"{one.name!r} stands at line {found[one.name].mark.line} too", "give one of them a name of its own"
            )
        found[one.name] = one
    return tuple(found.values())


def _minimum(entry: Section) -> Minimum:
    given = [counted for counted in Counted if entry.take(counted.value) is not None]
    if len(given) != 1:
        raise entry.error("counts one thing", "allowed: " + ", ".join(f"{one}: 50" for one in Counted))
    counted = given[0]
    node = entry.take("where")
    scope = Scope() if node is None else read_scope(Section(node, "where", Level.SERIES))
    classes, sites = entry.texts("classes"), entry.texts("sites")
    per = Per(entry.choice("per", list(Per), Per.CLASS if classes else Per.SITE))
    usual = " ".join(
        [counted.value, *(f"({said})" for said in scope.describe()), *([per.value] if per.needs_classes else [])]
    )
    minimum = Minimum(
        name=entry.text("name", usual),
        counted=counted,
        number=_whole(entry, counted.value),
        scope=scope,
        per=per,
        sites=sites,
        classes=classes,
        severity=Severity(entry.choice("severity", list(Severity), Severity.CRITICAL)),
        mark=entry.mark,
    )
    entry.finish()
    if classes and not per.needs_classes:
        raise entry.error(f"names classes and counts per {per}", "per: class")
    if sites and per in {Per.ARCHIVE, Per.CLASS}:
        raise entry.error(f"names sites and counts per {per}", "per: site")
    return minimum


def _whole(entry: Section, key: str) -> int:
    number = entry.number(key)
    if number is None or number < 1 or number != int(number):
        raise entry.need(key).mark.error(f"{key!r} must be a whole number of at least 1")
    return int(number)


def _age(section: Section) -> timedelta | None:
    node = section.take("max_catalog_age")
    if node is None or node.value is None:
        return None
    match = _AGE.fullmatch(node.value.strip().lower()) if isinstance(node.value, str) else None
    if match is None or not float(match[1]):
        raise node.mark.error(f"'max_catalog_age' cannot be {node.word}", "a time such as 7 days or 36 hours")
    return timedelta(seconds=float(match[1]) * _UNITS[match[2]])


def _dataset(section: Section, path: Path) -> DatasetColumns:
    node = section.take("dataset")
    if node is None:
        return DatasetColumns()
    inner = Section(node, "dataset")
    root = inner.text("root", "")
    found = DatasetColumns(
        inner.text("file", ""), inner.text("label", ""), inner.text("split", ""), path.parent / root if root else None
    )
    inner.finish()
    return found
