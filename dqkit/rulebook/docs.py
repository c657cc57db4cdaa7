"""Writes docs/rules from the rule files: ``python -m dqkit.rulebook.docs docs/rules [--check]``."""

import sys
from collections.abc import Sequence
from inspect import cleandoc
from itertools import groupby
from pathlib import Path

from dqkit.rulebook.book import Book, load_book
from dqkit.rulebook.checks import CHECKS
from dqkit.rulebook.explain import explain_body, term
from dqkit.rulebook.explain_pack import explain_pack_body
from dqkit.rulebook.pack import Pack, load_packs, pack_names
from dqkit.rulebook.rule import FAMILIES, LANGUAGES, Rule

_MADE = "<!-- Made by `make docs` from rules/; change the rule file, not this page. -->"


def pages(book: Book) -> dict[str, str]:
    """Return the pages as file name -> Markdown: a rule, a pack, an index in each language, the checks."""
    made = {f"{rule.id}-{rule.name}.md": _page(rule) for rule in book}
    made |= {("README.md" if lang == "en" else f"README.{lang}.md"): _index(book, lang) for lang in LANGUAGES}
    made |= {f"pack-{pack.name}.md": _pack_page(pack, book) for pack in load_packs(pack_names())}
    made["checks.md"] = _kinds()
    return made


def write_docs(folder: Path, book: Book) -> None:
    """Write the pages and delete those of rules that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages(book)
    for old in folder.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


def stale_docs(folder: Path, book: Book) -> tuple[str, ...]:
    """Return the names of pages that are not what the rule files say."""
    made = pages(book)
    have = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return tuple(sorted(name for name in made.keys() | have.keys() if made.get(name) != have.get(name)))


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with ``--check`` say which are out of date (exit 1)."""
    folders = [Path(argument) for argument in arguments if not argument.startswith("-")] or [Path("docs/rules")]
    book = load_book()
    if "--check" not in arguments:
        write_docs(folders[0], book)
        return 0
    stale = stale_docs(folders[0], book)
    for name in stale:
        sys.stderr.write(f"{folders[0] / name} is out of date: run `make docs`\n")
    return 1 if stale else 0


def _page(rule: Rule) -> str:
    english, chinese = explain_body(rule, "en"), explain_body(rule, "zh")
    title = f"# {rule.id} {rule.name}"
    lines = [_MADE, "", title, "", *english, "---", "", f"# {rule.id} {rule.title['zh']}", "", *chinese]
    return "\n".join(lines).rstrip() + "\n"


def _pack_page(pack: Pack, book: Book) -> str:
    english, chinese = (explain_pack_body(pack, book, lang) for lang in LANGUAGES)
    lines = [_MADE, "", f"# {pack.name} {pack.version}", "", *english, "---", "", f"# {pack.title['zh']}", "", *chinese]
    return "\n".join(lines).rstrip() + "\n"


def _index(book: Book, lang: str) -> str:
    heads = {
        "en": ("The rule book", "rules", ("id", "finds", "speaks of", "severity"), "Packs", ("pack", "version", "for")),
        "zh": ("规则手册", "条规则", ("编号", "发现", "对象层级", "严重程度"), "规则包", ("规则包", "版本", "用途")),
    }
    title, unit, columns, packs, pack_columns = heads[lang]
    lines = [_MADE, "", f"# {title}", "", f"{len(book)} {unit}", ""]
    for family, rules in groupby(book, key=lambda rule: rule.family):
        lines += [f"## {family}: {FAMILIES.get(family, {}).get(lang, family)}", ""]
        lines += [f"| {' | '.join(columns)} |", "|---|---|---|---|"]
        lines += [_index_row(rule, lang) for rule in rules]
        lines.append("")
    lines += [f"## {packs}", "", f"| {' | '.join(pack_columns)} |", "|---|---|---|"]
    for pack in load_packs(pack_names()):
        lines.append(f"| [{pack.name}](pack-{pack.name}.md) | {pack.version} | {pack.title[lang]} |")
    return "\n".join(lines).rstrip() + "\n"


def _index_row(rule: Rule, lang: str) -> str:
    link = f"[{rule.id}]({rule.id}-{rule.name}.md)"
    return f"| {link} | {rule.title[lang]} | {term(rule.level, lang)} | {term(rule.severity, lang)} |"


def _kinds() -> str:
    lines = [_MADE, "", "# Kinds of check", "", "What may stand under `check:` in a rule file.", ""]
    for name, kind in CHECKS.items():
        lines += [f"## {name}", "", _documentation(kind), ""]
    return "\n".join(lines).rstrip() + "\n"


def _documentation(kind: type) -> str:
    """Return the docstring of a kind, its examples as YAML."""
    lines: list[str] = []
    for example, group in groupby(cleandoc(kind.__doc__ or "").splitlines(), key=_is_example):
        found = [line.strip() if example else line.replace("``", "`") for line in group]
        lines += ["```yaml", *found, "```"] if example else found
    return "\n".join(lines)


def _is_example(line: str) -> bool:
    return line.strip().startswith("check: ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
