"""Rule files -> rules: every key is known, every column exists, every threshold can be traced.

Rule text is never executed: it is read as plain data and turned into the kinds of rulebook/checks.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dqkit.catalog.schema import FRAMES
from dqkit.errors import DqkitError
from dqkit.model import Level, Origin, Outcome, RuleStatus, Severity
from dqkit.rulebook.document import Mark, Node, parse_document
from dqkit.rulebook.params import Open, fill, read_params, sample_of
from dqkit.rulebook.rule import LANGUAGES, WHO, Allow, Case, Remedy, Rule, Text
from dqkit.rulebook.section import Section, checked_column, is_kind, kind_of, share_of

_ID = re.compile(r"[A-Z]{2,8}-[0-9]{3}")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
PICTURES = ("", "gap", "tilt", "duplicate", "orientation", "image")
"""What a picture of a finding can show (pixels/picture.py)."""

_EXPECTED = (*dict.fromkeys(outcome.word for outcome in Outcome), "missing", "varying", "not_looked_at")


def load_rule(path: Path) -> Rule:
    """Load the rule of one file.

    Raises
    ------
    DqkitError
        The file cannot be read, or is no rule: names the file, the line, what is wrong and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Mark(path, 1).error("the file is not UTF-8 text") from error
    except OSError as error:
        raise DqkitError(f"{path}: the rule file cannot be read: {error.strerror}") from error
    return parse_rule(text, path)


def parse_rule(text: str, path: Path) -> Rule:
    """Read a rule from the text of a file; `path` stands in errors.

    Raises
    ------
    DqkitError
        The text is no rule: names the file, the line, what is wrong and what is allowed.
    """
    node = parse_document(text, path)
    level = Level(Section(node, "the rule").choice("level", list(Level)))
    section = Section(node, "the rule", level)
    is_open = section.flag("open", default=False)
    params = read_params(section, is_open=is_open)
    filled = fill(section, level, sample_of(params, _cases(section, level)) if is_open else params)
    rule_id, name = _id_and_name(section)
    rule = Rule(
        id=rule_id,
        name=name,
        family=rule_id.split("-")[0],
        level=Level(section.choice("level", list(Level))),
        title=read_text(section, "title"),
        scope=filled.scope,
        check_kind=filled.kind,
        check=Open(filled.check, tuple(params)) if is_open else filled.check,
        params={key: value.plain() for key, value in params.items()},
        severity=Severity(section.choice("severity", list(Severity))),
        allow=read_allow(section),
        per=section.choice("per", ("site", "archive"), "site"),
        why=read_text(section, "why"),
        remedy=_remedy(section),
        standard=section.text("standard"),
        cite=section.texts("cite"),
        implied_by=section.texts("implied_by"),
        origin=Origin(section.choice("origin", list(Origin), Origin.DATA)),
        status=RuleStatus(section.choice("status", list(RuleStatus), RuleStatus.STABLE)),
        since=_version(section),
        picture=section.choice("picture", PICTURES, ""),
        is_open=is_open,
        cases=_cases(section, level),
        path=path,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        source=node.plain(),
        lines={key: child.mark.line for key, child in node.value.items()},
    )
    section.finish()
    return rule


def _id_and_name(section: Section) -> tuple[str, str]:
    rule_id, name = section.text("id"), section.text("name")
    if not _ID.fullmatch(rule_id):
        raise section.need("id").mark.error(f"{rule_id!r} is no rule id", "a family and three digits: GEO-003")
    if not _NAME.fullmatch(name):
        raise section.need("name").mark.error(f"{name!r} is no rule name", "lower case, words joined by -: slice-gap")
    return rule_id, name


def _version(section: Section) -> str:
    version = section.text("since")
    if not _VERSION.fullmatch(version):
        raise section.need("since").mark.error(f"{version!r} is no version", "such as 0.1.0")
    return version


def read_text(section: Section, key: str) -> Text:
    """Read a sentence in every language."""
    inner = Section(section.need(key), f"{key!r}")
    texts = {lang: inner.text(lang) for lang in LANGUAGES}
    inner.finish()
    return texts


def read_allow(section: Section) -> Allow:
    """Read ``allow:``, a share or a count; absent = none."""
    node = section.take("allow")
    return Allow(share=0.0) if node is None else allow_of(node, "allow")


def allow_of(node: Node, key: str) -> Allow:
    """Read a share (``2%``) or a count as the value of `key`."""
    share = share_of(node.value)
    if share is not None and share <= 1:
        return Allow(share=share)
    if isinstance(node.value, int) and not isinstance(node.value, bool) and node.value >= 0:
        return Allow(count=node.value)
    raise node.mark.error(f"{key!r} cannot be {node.word}", "a share of the judged (2%) or a count (3)")


def _remedy(section: Section) -> Remedy:
    inner = Section(section.need("remedy"), "remedy")
    manual = read_text(inner, "manual") if inner.take("manual") else None
    harmonize = inner.text("harmonize") if inner.take("harmonize") else None
    who = inner.choice("who", WHO) if manual else None
    inner.finish()
    if not manual and not harmonize:
        raise inner.error("says nothing to do", "allowed: manual (with who), harmonize")
    return Remedy(manual, harmonize, who)


def _cases(section: Section, level: Level) -> tuple[Case, ...]:
    node = section.need("cases")
    if not isinstance(node.value, tuple) or not node.value:
        raise node.mark.error(
            "cases is a list of at least one case", "a rule shows at least what passes and what fails"
        )
    return tuple(_case(Section(item, "the case", level)) for item in node.value)


def _case(section: Section) -> Case:
    rows = section.need("given")
    items = rows.value if isinstance(rows.value, tuple) else (rows,)
    given = tuple(_row(item, section.level or Level.FILE) for item in items)
    expect = section.texts("expect")
    for word in expect:
        if word not in _EXPECTED:
            raise section.need("expect").mark.error(
                f"a case cannot expect {word!r}", f"allowed: {', '.join(_EXPECTED)}"
            )
    if len(expect) == 1:
        expect *= len(given)
    if not given or len(expect) != len(given):
        raise section.error("expects one word, or one for each row of 'given'")
    case = Case(section.text("name"), expect, given, section.text("observed", ""), _values(section))
    section.finish()
    return case


def _values(section: Section) -> Mapping[str, Any]:
    node = section.take("with")
    if node is None:
        return {}
    if not isinstance(node.value, Mapping):
        raise node.mark.error(f"'with' is a mapping of param to value, not {node.word}")
    return {name: value.plain() for name, value in node.value.items()}


def _row(node: Node, level: Level) -> Mapping[str, Any]:
    if not isinstance(node.value, Mapping):
        raise node.mark.error(f"'given' is a mapping of column to value, not {node.word}")
    row: dict[str, Any] = {}
    for name, child in node.value.items():
        column = Node(name, child.mark)
        checked_column(column, FRAMES[level], ("text", "number", "flag", "date"), None, level)
        row[name] = _cell(name, child, level)
    return row


def _cell(name: str, node: Node, level: Level) -> Any:
    kind = FRAMES[level][name]
    is_list = hasattr(kind, "inner")
    items = node.value if isinstance(node.value, tuple) else (node,)
    if node.value is None:
        return None
    if is_list != isinstance(node.value, tuple):
        raise node.mark.error(f"{name} holds {'lists' if is_list else 'single values'}, not {node.word}")
    for item in items:
        if item.value is not None and not is_kind(item.value, kind_of(kind)):
            raise item.mark.error(f"{item.word} cannot stand in {name}, which holds {kind_of(kind)}")
    return node.plain()
