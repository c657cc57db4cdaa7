"""waivers.yaml -> Waiver: rule, scope, owner, reason and expiry, none of which may be left out.

waivers:
  - rule: GEO-003
    variant: prostate-mr/t2-gap      # only for what a pack made of the rule
    scope: {site: North, series: 3f9a2c41d07b}
    owner: Ada Example
    reason: The lost slice lies outside the organ; agreed with the reader on 12 May.
    expires: 2027-05-31
"""

import datetime as dt
import hashlib
import json
import re
from pathlib import Path

from dqkit.catalog.store import write_atomically
from dqkit.errors import DqkitError
from dqkit.gate.policy_file import is_blank, text_of
from dqkit.gate.waivers import SCOPES, Waiver, WaiverFile
from dqkit.rulebook.document import Node, parse_document
from dqkit.rulebook.section import Section, close_to

_RULE = re.compile(r"[A-Z]{2,8}-[0-9]{3}")

_EMPTY_LIST = re.compile(r"(?m)^waivers:\s*\[\s*\]\s*$")

_HEAD = """\
# Accepted findings: each has a rule, a scope, an owner, a reason and a last day. A waived finding neither fails the
# gate nor disappears. Add one with: dqkit waive FINDING_ID --owner NAME --reason TEXT --expires YYYY-MM-DD
waivers:
"""


def read_waivers(path: Path) -> WaiverFile:
    """Read a file of waivers; one of comments alone has none.

    Raises
    ------
    DqkitError
        It cannot be read, or a waiver lacks something, is unknown or ill-typed; says the line, what is wrong and what
        is allowed.
    """
    text = text_of(path, "file of waivers")
    return WaiverFile(parse_waivers(text, path), text, hashlib.sha256(text.encode()).hexdigest())


def parse_waivers(text: str, path: Path) -> tuple[Waiver, ...]:
    """Read `text` as what stands in `path`.

    Raises
    ------
    DqkitError
        As `read_waivers`.
    """
    if is_blank(text):
        return ()
    section = Section(parse_document(text, path, "a file of waivers"), "the file of waivers")
    node = section.take("waivers")
    section.finish()
    if node is None or node.value is None:
        return ()
    if not isinstance(node.value, tuple):
        raise node.mark.error(f"'waivers' is a list, not {node.word}", "each waiver begins with a dash")
    found: dict[str, Waiver] = {}
    for item in node.value:
        waiver = _waiver(Section(item, "the waiver"))
        if waiver.id in found:
            raise item.mark.error(f"the same is waived at line {found[waiver.id].line}", "keep one of them")
        found[waiver.id] = waiver
    return tuple(found.values())


def _waiver(section: Section) -> Waiver:
    rule = section.text("rule")
    if not _RULE.fullmatch(rule):
        raise section.need("rule").mark.error(f"{rule!r} is no id of a rule", "a family and three digits: GEO-003")
    waiver = Waiver(
        rule=rule,
        variant=section.text("variant", ""),
        scope=_scope(section),
        owner=section.text("owner"),
        reason=section.text("reason"),
        expires=_day(section.need("expires")),
        line=section.mark.line,
    )
    section.finish()
    return waiver


def _scope(section: Section) -> dict[str, str]:
    inner = Section(section.need("scope"), "scope")
    names = inner.keys()
    if not names:
        raise inner.error("is empty", f"narrow it: {', '.join(SCOPES)}; to judge no such rule, ignore it in the policy")
    for name in names:
        if name not in SCOPES:
            raise inner.need(name).mark.error(f"a waiver has no scope {name!r}", close_to(name, SCOPES, "allowed"))
    return {name: _value(name, inner.need(name)) for name in names}


def _value(name: str, node: Node) -> str:
    """Return a value as text; an id of digits alone looks like a number to YAML, and may have lost its zeros."""
    if not isinstance(node.value, str) or not node.value.strip():
        raise node.mark.error(f"{name!r} must be text, not {node.word}", "put it in quotes")
    return node.value


def _day(node: Node) -> dt.date:
    value = node.value
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    try:
        return read_day(value, "'expires'")
    except DqkitError as error:
        raise node.mark.error(error.message, error.hint) from None


def read_day(text: object, what: str) -> dt.date:
    """Read a day; `what` stands in the error.

    Raises
    ------
    DqkitError
        It is none.
    """
    try:
        return dt.date.fromisoformat(text)  # type: ignore[arg-type] # what is no text is told below
    except (TypeError, ValueError):
        raise DqkitError(f"{what} cannot be {text!r}", "a day such as 2027-05-31") from None


def append_waiver(path: Path, waiver: Waiver) -> None:
    """Add `waiver` at the end of a file, which is made where there is none; what stands in it stays as it is.

    Raises
    ------
    DqkitError
        The file cannot be read or written, it holds this waiver already, or nothing can be added at its end.
    """
    text = text_of(path, "file of waivers") if path.exists() else _HEAD
    before = parse_waivers(text, path)
    if twin := next((one for one in before if one.id == waiver.id), None):
        raise DqkitError(f"{path}:{twin.line}: this is waived already", "change its day or its reason there")
    base = _before(text)
    new = base + ("" if base.endswith("\n") else "\n") + _entry(waiver)
    try:
        after = parse_waivers(new, path)
    except DqkitError as error:
        raise DqkitError(f"{path}: nothing can be added at its end", "let the list under waivers: come last") from error
    if [one.id for one in after] != [*(one.id for one in before), waiver.id]:
        raise DqkitError(f"{path}: nothing can be added at its end", "let the list under waivers: come last")
    try:
        write_atomically(path, new.encode())
    except OSError as error:
        raise DqkitError(f"{path} cannot be written: {error.strerror}", "name another file with --waivers") from error


def _before(text: str) -> str:
    """Return `text` so that an entry can follow."""
    if is_blank(text):
        return f"{text.rstrip()}\nwaivers:\n".lstrip()
    return _EMPTY_LIST.sub("waivers:", text)


def _entry(waiver: Waiver) -> str:
    quoted = {key: json.dumps(value, ensure_ascii=False) for key, value in waiver.scope.items()}
    lines = [
        f"rule: {waiver.rule}",
        *([f"variant: {waiver.variant}"] if waiver.variant else []),
        "scope: {" + ", ".join(f"{key}: {value}" for key, value in quoted.items()) + "}",
        f"owner: {json.dumps(waiver.owner, ensure_ascii=False)}",
        f"reason: {json.dumps(waiver.reason, ensure_ascii=False)}",
        f"expires: {waiver.expires.isoformat()}",
    ]
    return "  - " + "\n    ".join(lines) + "\n"
