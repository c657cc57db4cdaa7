"""``dqkit.yaml`` as data: what an archive's owner settled once, each value with its place in the file."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dqkit.archive.site import SiteRule
from dqkit.cli.options import Engine, FailOn, Language, Pixels
from dqkit.errors import DqkitError
from dqkit.rulebook.document import Mark, Node, parse_document
from dqkit.rulebook.section import Section

_CHOICES = {"lang": Language, "fail_on": FailOn, "engine": Engine, "pixels": Pixels}
_FOLDERS_TO_WRITE = ("catalog", "out")
_FILES = {"key": "key_file", "waivers": "waivers", "policy": "policy"}
"""Key that names one file -> the parameter it sets."""

_FILE = re.compile(r"[/\\]|\.ya?ml$")
"""What tells a pack's file from a pack's name."""


@dataclass(frozen=True)
class SourceSetting:
    """A folder of images and how the site of its files is found; None = as usual."""

    root: Path
    site_rule: SiteRule | None
    mark: Mark


@dataclass(frozen=True)
class Settings:
    """What a settings file says.

    Attributes
    ----------
    path
        The file, or None where there is none.
    sources
        Folders of images, which commands take where none is typed.
    names
        Folder or attribute value -> the name that the site goes by.
    options
        Parameter of a command (``catalog``, ``fail_on`` …) -> value, as if typed; paths hang on the file's folder.
    marks
        Key of the file (``scope.select`` for a nested one) -> its place.
    """

    path: Path | None = None
    sources: tuple[SourceSetting, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    marks: Mapping[str, Mark] = field(default_factory=dict)


def read_settings(path: Path) -> Settings:
    """Read a settings file; one that holds comments alone settles nothing.

    Raises
    ------
    DqkitError
        It cannot be read, or something in it is unknown, of the wrong type, or names a file that is not there;
        says the line, what is wrong and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DqkitError(
            f"the settings {path} cannot be read: {error.strerror}", "name another file with --config"
        ) from error
    except UnicodeDecodeError as error:
        raise DqkitError(f"the settings {path} are not UTF-8", "save the file as UTF-8") from error
    return read_settings_text(text, path)


def read_settings_text(text: str, path: Path) -> Settings:
    """Read `text` as what stands in `path`.

    Raises
    ------
    DqkitError
        Something in it cannot be used.
    """
    if all(line.strip() in {"", "---"} or line.lstrip().startswith("#") for line in text.splitlines()):
        return Settings(path)
    return _Reader(path, parse_document(text, path, path.name)).read()


class _Reader:
    """Reads one settings file key by key."""

    def __init__(self, path: Path, document: Node) -> None:
        self._path = path
        self._section = Section(document, path.name)
        self._options: dict[str, Any] = {}
        self._marks: dict[str, Mark] = {key: node.mark for key, node in document.value.items()}

    def read(self) -> Settings:
        names, table = self._sites()
        sources = tuple(self._sources(table))
        for key in _FOLDERS_TO_WRITE:
            if self._given(key):
                self._options[key] = self._below(self._section.text(key), self._marks[key])
        for key, choices in _CHOICES.items():
            if self._given(key):
                self._options[key] = self._section.choice(key, [choice.value for choice in choices])
        for key, parameter in _FILES.items():
            if self._given(key):
                self._options[parameter] = self._file(key, self._section.text(key))
        self._workers()
        self._rules_and_packs()
        self._scope()
        self._section.finish()
        return Settings(self._path, sources, names, self._options, self._marks)

    def _given(self, key: str) -> bool:
        """Tell whether `key` has a value; a key with nothing after it is as good as none."""
        node = self._section.take(key)
        return node is not None and node.value is not None

    def _below(self, text: str, mark: Mark) -> Path:
        """Return a path of the file: relative ones hang on its folder, ``~`` is the user's home."""
        if "\0" in text:
            raise mark.error("a path cannot hold a NUL character")
        try:
            return self._path.parent / Path(text).expanduser()
        except RuntimeError as error:  # no such user
            raise mark.error(f"the home of {text} is not known", "write the path out") from error

    def _file(self, key: str, text: str, mark: Mark | None = None) -> Path:
        mark = mark or self._marks[key]
        path = self._below(text, mark)
        if not os.path.exists(path):  # noqa: PTH110 - pathlib raises for names that are too long
            raise mark.error(f"{key}: there is no file {path}", "paths hang on the file's folder")
        return path

    def _workers(self) -> None:
        if self._given("workers"):
            number = self._section.number("workers")
            if number is None or number < 1 or number != int(number):
                raise self._marks["workers"].error("'workers' must be a whole number of at least 1")
            self._options["workers"] = int(number)

    def _rules_and_packs(self) -> None:
        if self._given("rules"):
            self._options["rules"] = [self._file("rules", text, mark) for text, mark in self._texts("rules")]
        if self._given("packs"):
            self._options["pack"] = [
                str(self._file("packs", text, mark)) if _FILE.search(text) else text
                for text, mark in self._texts("packs")
            ]

    def _texts(self, key: str) -> list[tuple[str, Mark]]:
        texts, node = self._section.texts(key), self._section.need(key)
        items = node.value if isinstance(node.value, tuple) else (node,)
        return [(text, item.mark) for text, item in zip(texts, items, strict=True)]

    def _scope(self) -> None:
        if not self._given("scope"):
            return
        node = self._section.need("scope")
        scope = Section(node, "scope")
        only: list[str] = []
        for key, column in (("select", ""), ("ignore", ""), ("sites", "site"), ("modalities", "Modality")):
            if texts := scope.texts(key):
                self._marks[f"scope.{key}"] = node.value[key].mark
                if column:
                    only += [f"{column}={text}" for text in texts]
                else:
                    self._options[key] = list(texts)
        if only:
            self._options["only"] = only
        scope.finish()

    def _sites(self) -> tuple[dict[str, str], SiteRule | None]:
        """Return the names of sites, and the rule that a table of folders is."""
        if not self._given("sites"):
            return {}, None
        node = self._section.need("sites")
        if isinstance(node.value, str):
            return {}, _told_where(node.mark, lambda: _by_table(self._file("sites", node.value)))
        if not isinstance(node.value, Mapping):
            raise node.mark.error(
                f"'sites' must be a mapping or a table, not {node.word}", "write folder: name, or FILE.csv"
            )
        section = Section(node, "sites")
        return {key: section.text(key).strip() for key in section.keys()}, None  # noqa: SIM118

    def _sources(self, table: SiteRule | None) -> Iterator[SourceSetting]:
        if not self._given("sources"):
            return
        node = self._section.need("sources")
        seen: dict[Path, Mark] = {}
        for item in node.value if isinstance(node.value, tuple) else (node,):
            source = self._source(item, table)
            if source.root in seen:
                raise item.mark.error(f"the source {source.root} stands in line {seen[source.root].line} too")
            seen[source.root] = item.mark
            yield source

    def _source(self, item: Node, table: SiteRule | None) -> SourceSetting:
        if isinstance(item.value, str) and item.value.strip():
            return SourceSetting(self._below(item.value, item.mark), table, item.mark)
        section = Section(item, "a source")
        root = self._below(section.text("root"), item.mark)
        site, site_from = section.text("site", ""), section.text("site_from", "")
        section.finish()
        if site and site_from:
            raise section.error("has both 'site' and 'site_from'", "give one of them")
        if site:
            return SourceSetting(root, SiteRule("name", site.strip()), item.mark)
        if not site_from:
            return SourceSetting(root, table, item.mark)
        if site_from.endswith(".csv"):
            table_file = self._file("site_from", site_from, item.mark)
            return SourceSetting(root, _told_where(item.mark, lambda: _by_table(table_file)), item.mark)
        return SourceSetting(root, _told_where(item.mark, lambda: SiteRule.parse(site_from)), item.mark)


def _by_table(path: Path) -> SiteRule:
    """Return the rule of a table of folders; the catalog keeps its path, which must not hang on where it was typed."""
    return SiteRule.parse(f"file:{path.resolve()}")


def _told_where(mark: Mark, read: Callable[[], SiteRule]) -> SiteRule:
    """Return what `read` gives; its error names the place in the settings."""
    try:
        return read()
    except DqkitError as error:
        if error.message.startswith(f"{mark.path}:"):
            raise
        raise mark.error(error.message.replace("--site-from", "site_from"), error.hint) from error
