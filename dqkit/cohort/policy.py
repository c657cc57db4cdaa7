"""A selection policy: ordered steps that leave out series, studies or patients, and what persons decided by hand.

name: prostate-t2-dwi
title: {en: Prostate MR for the detector, zh: 检测模型用前列腺磁共振}
unknown: exclude                    # what becomes of entities of which a step cannot tell; the default
packs: [prostate-mr]                # their words recognise roles; their rules can be named below
steps:
  - {name: {en: MR images, zh: 磁共振图像}, where: {Modality: MR, is_image: true}}
  - {name: {en: Localizers, zh: 定位像}, exclude: [{is_localizer: true}, {role: localizer}]}
  - {name: {en: Fit for use, zh: 质量合格}, exclude_failing: {severity: critical, rules: [GEO]}}
  - {name: {en: Enough slices, zh: 层数足够}, at_least: {slices: 16}}
  - {name: {en: T2 and diffusion, zh: 含 T2 与弥散}, level: study, roles: [t2, [dwi, adc]]}
manual:
  - {exclude: {series: 1.2.3}, owner: Li Wei, date: 2025-03-01, reason: {en: Motion, zh: 运动伪影}}
"""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dqkit.cohort.criteria import Counted, Criterion, Exclude, Roles, Where
from dqkit.cohort.failing import ExcludeFailing
from dqkit.errors import DqkitError
from dqkit.model import Level, Severity
from dqkit.rulebook.document import Mark, Node, parse_document
from dqkit.rulebook.load import read_text
from dqkit.rulebook.pack import Pack, load_packs
from dqkit.rulebook.rule import Text
from dqkit.rulebook.scope import read_scope
from dqkit.rulebook.section import Section, close_to
from dqkit.rulebook.vocabulary import load_table

LEVELS = (Level.SERIES, Level.STUDY, Level.PATIENT)
"""What a step can leave out, the narrowest first."""

EXCLUDE, INCLUDE = "exclude", "include"

_KINDS = ("where", "exclude", "exclude_failing", "at_least", "at_most", "roles")
_COUNTS = {
    Level.SERIES: ("images", "frames", "slices"),
    Level.STUDY: ("series", "images", "frames", "slices"),
    Level.PATIENT: ("studies", "series", "images", "frames", "slices"),
}


@dataclass(frozen=True)
class Step:
    """One step: what it is called, of what it speaks, what it asks for.

    Attributes
    ----------
    keeps_unknown
        Whether an entity stays of which the step cannot tell.
    """

    name: Text
    level: Level
    kind: str
    criterion: Criterion
    keeps_unknown: bool
    mark: Mark


@dataclass(frozen=True)
class Decision:
    """What a person decided about one entity.

    Attributes
    ----------
    included
        Whether it is in, or out.
    entity
        Its UID, PatientID, or the pseudonym that a report shows.
    site
        Empty = wherever it is.
    """

    included: bool
    level: Level
    entity: str
    site: str
    owner: str
    reason: Text
    decided_on: dt.date
    mark: Mark


@dataclass(frozen=True)
class Policy:
    """A selection policy as its file says it; `sha256` is of its text and of the packs it names."""

    name: str
    title: Text
    steps: tuple[Step, ...]
    decisions: tuple[Decision, ...]
    packs: tuple[Pack, ...]
    path: Path
    sha256: str


def load_policy(path: Path) -> Policy:
    """Read a policy.

    Raises
    ------
    DqkitError
        It cannot be read, or something in it is unknown, missing or of the wrong kind: says file, line, what is
        wrong and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DqkitError(
            f"the policy {path} cannot be read: {error.strerror}", "begin with: dqkit select --example > select.yaml"
        ) from error
    except UnicodeDecodeError as error:
        raise DqkitError(f"the policy {path} is not UTF-8 text", "save the file as UTF-8") from error
    section = Section(parse_document(text, path, "a policy"), "the policy")
    packs = load_packs([_beside(path, reference) for reference in section.texts("packs")])
    keeps_unknown = section.choice("unknown", (EXCLUDE, INCLUDE), EXCLUDE) == INCLUDE
    policy = Policy(
        name=section.text("name"),
        title=_text(section, "title"),
        steps=_steps(section, keeps_unknown=keeps_unknown),
        decisions=_decisions(section),
        packs=packs,
        path=path,
        sha256=hashlib.sha256("\0".join([text, *(pack.sha256 for pack in packs)]).encode()).hexdigest(),
    )
    section.finish()
    if not policy.steps and not policy.decisions:
        raise section.error("has no step", "steps: a list, such as - {name: CT, where: {Modality: CT}}")
    return policy


def _beside(path: Path, reference: str) -> str:
    """Return where a pack's file lies that a policy names: beside it, unless the path is absolute."""
    is_file = "/" in reference or reference.endswith((".yaml", ".yml"))
    return str(path.parent / reference) if is_file else reference


def _text(section: Section, key: str) -> Text:
    """Read a sentence: in every language, or one text that stands for all."""
    node = section.need(key)
    if isinstance(node.value, Mapping):
        return read_text(section, key)
    one = section.text(key).strip()
    return {"en": one, "zh": one}


def _steps(section: Section, *, keeps_unknown: bool) -> tuple[Step, ...]:
    node = section.take("steps")
    if node is None or node.value is None:
        return ()
    if not isinstance(node.value, tuple):
        raise node.mark.error(f"steps is a list of steps, not {node.word}")
    return tuple(_step(item, keeps_unknown=keeps_unknown) for item in node.value)


def _step(node: Node, *, keeps_unknown: bool) -> Step:
    section = Section(node, "the step")
    level = Level(section.choice("level", LEVELS, Level.SERIES))
    section = Section(node, "the step", level)
    for key in ("level", "name", "unknown"):
        section.take(key)
    kinds = [kind for kind in _KINDS if section.take(kind) is not None]
    if not kinds:
        section.finish()  # a misspelt key says more than that one is missing
    if len(kinds) != 1:
        found = " and ".join(kinds) or "nothing"
        raise section.error(f"asks for {found}", f"one of: {', '.join(_KINDS)}; several steps for several")
    default = INCLUDE if keeps_unknown else EXCLUDE
    step = Step(
        name=_text(section, "name"),
        level=level,
        kind=kinds[0],
        criterion=_criterion(kinds[0], section, level),
        keeps_unknown=section.choice("unknown", (EXCLUDE, INCLUDE), default) == INCLUDE,
        mark=node.mark,
    )
    section.finish()
    return step


def _criterion(kind: str, section: Section, level: Level) -> Criterion:
    node = section.need(kind)
    if kind == "where":
        scope = read_scope(Section(node, "where", level))
        if not scope.conditions:
            raise node.mark.error("where names no condition", "where: {Modality: CT}")
        return Where(scope)
    if kind == "exclude":
        items = node.value if isinstance(node.value, tuple) else (node,)
        scopes = tuple(read_scope(Section(item, "exclude", level)) for item in items)
        if not scopes or not all(scope.conditions for scope in scopes):
            raise node.mark.error("exclude names no condition", "exclude: {is_localizer: true}")
        return Exclude(scopes)
    if kind == "exclude_failing":
        return _failing(Section(node, kind))
    if kind == "roles":
        return _roles(node, level)
    return _counted(Section(node, kind), level, at_least=kind == "at_least")


def _failing(section: Section) -> ExcludeFailing:
    rules, packs = section.texts("rules"), section.texts("packs")
    severity = Severity(section.choice("severity", list(Severity))) if section.take("severity") else None
    section.finish()
    if not rules and not packs and severity is None:
        raise section.error("names nothing", "severity: critical, rules: [GEO], packs: [prostate-mr]")
    return ExcludeFailing(rules, packs, severity, section.mark)


def _roles(node: Node, level: Level) -> Roles:
    if level is Level.SERIES:
        raise node.mark.error("roles are asked of a study or patient", "level: study; of a series: where: {role: t2}")
    known = load_table("roles")
    items = node.value if isinstance(node.value, tuple) else (node,)
    wanted = []
    for item in items:
        names = item.value if isinstance(item.value, tuple) else (item,)
        for name in names:
            if name.value not in known:
                hint = close_to(str(name.value), known, "roles")
                raise name.mark.error(f"there is no role {name.word}", hint)
        wanted.append(tuple(str(name.value) for name in names))
    if not wanted or not all(wanted):
        raise node.mark.error("roles names no role", "roles: [t2, [dwi, adc]]: t2, and dwi or adc")
    return Roles(tuple(wanted), level)


def _counted(section: Section, level: Level, *, at_least: bool) -> Counted:
    limits = {}
    for name in section.keys():  # noqa: SIM118 - a Section is no dict
        node = section.need(name)
        if name not in _COUNTS[level]:
            hint = f"of a {level.value}: {', '.join(_COUNTS[level])}"
            raise node.mark.error(f"{section.what} cannot count {name!r}", hint)
        limit = section.number(name)
        if limit is None or limit < 0 or limit != int(limit):
            raise node.mark.error(f"{name!r} must be a whole number, not {node.word}")
        limits[name] = int(limit)
    if not limits:
        raise section.error("counts nothing", f"{section.what}: {{{_COUNTS[level][0]}: 2}}")
    return Counted(limits, level, at_least=at_least)


def _decisions(section: Section) -> tuple[Decision, ...]:
    node = section.take("manual")
    if node is None or node.value is None:
        return ()
    if not isinstance(node.value, tuple):
        raise node.mark.error(f"manual is a list of decisions, not {node.word}")
    return tuple(_decision(Section(item, "the decision")) for item in node.value)


def _decision(section: Section) -> Decision:
    verbs = [verb for verb in (EXCLUDE, INCLUDE) if section.take(verb) is not None]
    if len(verbs) != 1:
        raise section.error("must either exclude or include", "exclude: {series: UID}")
    what = Section(section.need(verbs[0]), verbs[0])
    levels = [level for level in LEVELS if what.take(level.value) is not None]
    if len(levels) != 1:
        raise what.error("must name one entity", f"one of: {', '.join(LEVELS)}; and site, where it needs telling")
    entity, site = _entity(what.need(levels[0].value)), what.text("site", "")
    what.finish()
    decided_on = section.date("date")
    if decided_on is None:
        raise section.error("lacks the key 'date'", "every decision has owner, reason and date")
    decision = Decision(
        included=verbs[0] == INCLUDE,
        level=levels[0],
        entity=entity,
        site=site,
        owner=section.text("owner"),
        reason=_text(section, "reason"),
        decided_on=decided_on,
        mark=section.mark,
    )
    section.finish()
    return decision


def _entity(node: Node) -> str:
    """Return what names an entity; it may identify a person, and so stands in no error."""
    if not isinstance(node.value, str) or not node.value.strip():
        raise node.mark.error("an entity is named by text", "put it in quotes: a number loses its zeros")
    return node.value.strip()
