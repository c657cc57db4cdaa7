"""A pack: rules with the thresholds of one use (lung-screening-ct), as a file that a hospital can extend.

name: north-prostate
version: 1.0.0
title: {en: Prostate MR at North, zh: 北院前列腺磁共振}
why: {en: Our scanner does 3.5 mm., zh: 本院设备层厚为 3.5 mm。}
extends: prostate-mr@1.0.0        # all that it judges, but for what follows
scope: {Modality: MR, region: [prostate, pelvis]}   # which series it judges: columns of a series
studies: {modalities: MR, regions: [prostate, pelvis]}   # which studies
roles: [{as: dwi, where: {Modality: MR}, words: [zoomit]}]   # recognisers tried before all others
drop: [dce-duration]              # what is not judged, by the names under `as`
rules:
  - {use: ACQ-101, as: t2-thickness, where: {role: t2}, with: {max_mm: 3.5}, severity: warning, cite: house style}
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from dqkit.errors import DqkitError
from dqkit.model import Level, Severity
from dqkit.rulebook.document import Mark, Node, parse_document
from dqkit.rulebook.load import read_allow, read_text
from dqkit.rulebook.recogniser import Recogniser, read_recognisers
from dqkit.rulebook.rule import Allow, Text
from dqkit.rulebook.scope import Scope, read_scope
from dqkit.rulebook.section import Section, close_to
from dqkit.shipped import shipped

GENERAL = "general"
"""The pack that is the whole book, and the name of what an audit judges without any other."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_FILE = re.compile(r"[/\\]|\.ya?ml$")
"""What tells a pack's file from a pack's name."""


@dataclass(frozen=True)
class Use:
    """A rule as a pack uses it.

    Attributes
    ----------
    rule
        Id or name of the rule.
    name
        What the pack calls it (``as``); empty = as the rule is called.
    where
        Narrower scope, on columns of the rule's level.
    values
        Param -> its value.
    severity, allow
        In the place of the rule's own; None = those.
    cite
        Where the thresholds come from.
    """

    rule: str
    name: str
    where: Node | None
    values: Mapping[str, Node]
    severity: Severity | None
    allow: Allow | None
    cite: tuple[str, ...]
    mark: Mark


@dataclass(frozen=True)
class Pack:
    """A pack with all that it inherits.

    Attributes
    ----------
    is_plain
        Whether it holds the whole book, as `general` does: every rule that is not open.
    scope, studies
        Which series and studies it judges; null where it says nothing.
    recognisers
        Of roles, tried before those that ship.
    uses
        The rules it uses, those of the pack it extends first.
    dropped
        Names of rules of the book that a plain pack leaves out.
    lineage
        The packs it extends as (name, version), nearest first.
    sha256
        Of its text and of the texts it extends.
    texts
        (name, text) of itself and of the packs it extends, nearest first.
    """

    name: str
    version: str
    title: Text
    why: Text
    is_plain: bool
    scope: Node | None
    studies: Node | None
    recognisers: tuple[Recogniser, ...]
    uses: tuple[Use, ...]
    dropped: tuple[str, ...]
    lineage: tuple[tuple[str, str], ...]
    path: Path
    sha256: str
    texts: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)

    @property
    def label(self) -> str:
        """Name and version (``prostate-mr 1.0.0``)."""
        return f"{self.name} {self.version}"

    @property
    def sources(self) -> tuple[str, ...]:
        """Everything it cites, each once, in its order."""
        return tuple(dict.fromkeys(source for use in self.uses for source in use.cite))

    def series_scope(self) -> Scope:
        """Return which series it judges."""
        return read_scope(Section(self.scope, "scope", Level.SERIES)) if self.scope else Scope()


def pack_names() -> tuple[str, ...]:
    """Return the names of the packs that ship, `general` first."""
    names = sorted(path.stem for path in _folder().glob("*.yaml"))
    return tuple(sorted(names, key=lambda name: name != GENERAL))


def load_packs(references: Sequence[str]) -> tuple[Pack, ...]:
    """Load packs, each named as ``NAME``, ``NAME@VERSION`` or by its file.

    Raises
    ------
    DqkitError
        There is no such pack or version, two differ under one name, or a file is no pack.
    """
    found: dict[str, Pack] = {}
    for reference in references:
        pack = load_pack(reference)
        if pack.name in found and found[pack.name].sha256 != pack.sha256:
            raise DqkitError(
                f"two packs are called {pack.name!r}", f"rename one: {found[pack.name].path} or {pack.path}"
            )
        found[pack.name] = pack
    return tuple(found.values())


def load_pack(reference: str) -> Pack:
    """Load one pack with all that it extends.

    Raises
    ------
    DqkitError
        There is no such pack or version, or a file is no pack: names the file, the line, what is wrong and what is
        allowed.
    """
    try:
        path, version = _found(reference, None)
        return _resolved(path, version, Mark(path, 1), ())
    except _UnknownPackError as error:
        raise DqkitError(error.message, error.hint) from None


class _UnknownPackError(DqkitError):
    """No pack of that name; the caller knows where it was asked for."""


def _folder() -> Path:
    return shipped("rules") / "packs"


def _found(reference: str, beside: Path | None) -> tuple[Path, str]:
    """Return the file of a pack and the version that is asked for, empty = any."""
    if _FILE.search(reference):
        path = Path(reference) if beside is None else beside.parent / reference
        if not path.is_file():
            raise _UnknownPackError(f"there is no pack file {reference}", "name a file, or a pack: dqkit packs list")
        return path, ""
    name, _, version = reference.partition("@")
    own = [] if beside is None else [beside.parent / f"{name}{suffix}" for suffix in (".yaml", ".yml")]
    for path in (*own, _folder() / f"{name}.yaml"):
        if _NAME.fullmatch(name) and path.is_file() and path != beside:
            return path, version
    hint = close_to(name, pack_names(), "packs") or "see: dqkit packs list"
    raise _UnknownPackError(f"there is no pack {name!r}", hint)


def _resolved(path: Path, version: str, asked: Mark, trail: tuple[Path, ...]) -> Pack:
    if path.resolve() in trail:
        raise asked.error("extends leads back to this pack", "a pack cannot extend itself")
    text = _text_of(path)
    section = Section(parse_document(text, path), "the pack")
    pack, extends = _read(section, text, path)
    if version and version != pack.version:
        raise asked.error(f"{pack.name} has version {pack.version}, not {version}", f"write {pack.name}@{pack.version}")
    if extends is None:
        return pack
    try:
        parent_path, parent_version = _found(str(extends.value), path)
    except _UnknownPackError as error:
        raise extends.mark.error(error.message, error.hint) from None
    parent = _resolved(parent_path, parent_version, extends.mark, (*trail, path.resolve()))
    return _inherited(pack, parent, section)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Mark(path, 1).error("the file is not UTF-8 text") from error
    except OSError as error:
        raise DqkitError(f"{path}: the pack cannot be read: {error.strerror}") from error


def _read(section: Section, text: str, path: Path) -> tuple[Pack, Node | None]:
    """Return what the file itself says, and what it extends."""
    name = section.text("name")
    if not _NAME.fullmatch(name):
        raise section.need("name").mark.error(f"{name!r} is no name of a pack", "lower case, words joined by -")
    extends = section.take("extends")
    if extends is not None:
        section.text("extends")
    roles = section.take("roles")
    pack = Pack(
        name=name,
        version=_version(section),
        title=read_text(section, "title"),
        why=read_text(section, "why"),
        is_plain=section.flag("plain", default=False),
        scope=_scope(section, "scope", Level.SERIES),
        studies=_scope(section, "studies", Level.STUDY),
        recognisers=read_recognisers(roles, "roles") if roles is not None else (),
        uses=_uses(section),
        dropped=section.texts("drop"),
        lineage=(),
        path=path,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        texts=((name, text),),
    )
    section.finish()
    return pack, extends


def _version(section: Section) -> str:
    version = section.text("version")
    if not _VERSION.fullmatch(version):
        raise section.need("version").mark.error(f"{version!r} is no version", "such as 1.0.0")
    return version


def _scope(section: Section, key: str, level: Level) -> Node | None:
    node = section.take(key)
    if node is not None:
        read_scope(Section(node, key, level))
    return node


def _uses(section: Section) -> tuple[Use, ...]:
    node = section.take("rules")
    if node is None:
        return ()
    if not isinstance(node.value, tuple):
        raise node.mark.error(f"rules is a list of rules to use, not {node.word}")
    uses = tuple(_use(Section(item, "the entry")) for item in node.value)
    seen: dict[str, Use] = {}
    for use in uses:
        name = use.name or use.rule
        if name in seen:
            raise use.mark.error(
                f"{name!r} stands at line {seen[name].mark.line} too", "give each entry a name of its own with 'as'"
            )
        seen[name] = use
    return uses


def _use(section: Section) -> Use:
    rule, name = section.text("use"), section.text("as", "")
    if name and not _NAME.fullmatch(name):
        raise section.need("as").mark.error(f"{name!r} is no name", "lower case, words joined by -: t2-thickness")
    values = section.take("with")
    if values is not None and not isinstance(values.value, Mapping):
        raise values.mark.error(f"'with' is a mapping of param to value, not {values.word}")
    use = Use(
        rule=rule,
        name=name,
        where=section.take("where"),
        values=values.value if values is not None else {},
        severity=Severity(section.choice("severity", list(Severity))) if section.take("severity") else None,
        allow=read_allow(section) if section.take("allow") else None,
        cite=section.texts("cite"),
        mark=section.mark,
    )
    section.finish()
    return use


def _inherited(pack: Pack, parent: Pack, section: Section) -> Pack:
    """Return `pack` with what it takes over from `parent`."""
    own = {use.name or use.rule: use for use in pack.uses}
    theirs = {use.name or use.rule: use for use in parent.uses}
    is_plain = pack.is_plain or parent.is_plain
    for name in pack.dropped:
        if name not in theirs and not is_plain:
            known = close_to(name, theirs, "it has")
            raise section.need("drop").mark.error(f"{parent.name} has no entry {name!r} to drop", known)
    kept = {name: use for name, use in theirs.items() if name not in pack.dropped}
    merged = {name: own.pop(name, use) for name, use in kept.items()} | own
    return replace(
        pack,
        is_plain=is_plain,
        scope=pack.scope or parent.scope,
        studies=pack.studies or parent.studies,
        recognisers=(*pack.recognisers, *parent.recognisers),
        uses=tuple(merged.values()),
        dropped=(*parent.dropped, *(name for name in pack.dropped if name not in theirs)),
        lineage=((parent.name, parent.version), *parent.lineage),
        sha256=hashlib.sha256(f"{pack.sha256}{parent.sha256}".encode()).hexdigest(),
        texts=(*pack.texts, *parent.texts),
    )


@cache
def general_pack() -> Pack:
    """Return the pack that is the whole book."""
    return load_pack(GENERAL)
