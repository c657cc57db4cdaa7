"""A pack explained in Markdown: `dqkit packs show` prints it, and docs/rules is made of it."""

from typing import Any

from dqkit.model import Level
from dqkit.rulebook.book import Book
from dqkit.rulebook.explain import term
from dqkit.rulebook.pack import Pack
from dqkit.rulebook.pack_rules import Variant, variants_of
from dqkit.rulebook.recogniser import Recogniser
from dqkit.rulebook.scope import Scope, read_scope
from dqkit.rulebook.section import Section
from dqkit.rulebook.vocabulary import load_table

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "extends": "extends", "series": "Which series it judges", "studies": "Which studies it judges",
        "all": "all", "rules": "What it judges", "where": "where", "passes": "passes", "severity": "severity",
        "allow": "may fail", "source": "source", "roles": "Recognised besides", "by": "by", "words": "words",
        "book": "Every rule of the book that asks for no protocol: {n} rules.", "dropped": "Left out",
        "no_source": "the rule's own",
    },
    "zh": {
        "extends": "继承", "series": "判定哪些序列", "studies": "判定哪些检查", "all": "全部", "rules": "判定内容",
        "where": "适用于", "passes": "通过条件", "severity": "严重程度", "allow": "允许失败",
        "source": "数值来源",
        "roles": "另行识别", "by": "依据", "words": "词语",
        "book": "规则手册中不涉及具体方案的全部规则，共 {n} 条。", "dropped": "不判定",
        "no_source": "沿用规则自身的来源",
    },
}  # fmt: skip


def explain_pack(pack: Pack, book: Book, lang: str = "en") -> str:
    """Return what a pack judges, each threshold with its source, as Markdown."""
    return "\n".join([f"# {pack.name} {pack.version}", "", *explain_pack_body(pack, book, lang)])


def explain_pack_body(pack: Pack, book: Book, lang: str) -> list[str]:
    """Return the lines below the heading."""
    words = WORDS[lang]
    lines = [f"**{pack.title[lang]}**", "", pack.why[lang], ""]
    if pack.lineage:
        lines += [f"{words['extends']}: {', '.join(f'{name} {version}' for name, version in pack.lineage)}", ""]
    if pack.is_plain:
        lines += [words["book"].format(n=sum(not rule.is_open for rule in book)), ""]
        lines += [f"{words['dropped']}: {', '.join(pack.dropped)}", ""] if pack.dropped else []
    if not pack.uses:
        return lines
    lines += _conditions(words["series"], pack.series_scope(), words)
    if pack.studies is not None:
        lines += _conditions(words["studies"], read_scope(Section(pack.studies, "studies", Level.STUDY)), words)
    if pack.recognisers:
        lines += [f"## {words['roles']}", "", *(_recogniser(r, lang) for r in pack.recognisers), ""]
    lines += [f"## {words['rules']}", ""]
    for variant in variants_of(pack, book):
        lines += _variant(variant, lang)
    return lines


def pack_to_json(pack: Pack, book: Book) -> dict[str, Any]:
    """Return a pack with what it judges as plain JSON values."""
    return {
        "name": pack.name,
        "version": pack.version,
        "title": dict(pack.title),
        "why": dict(pack.why),
        "extends": [f"{name}@{version}" for name, version in pack.lineage],
        "plain": pack.is_plain,
        "scope": None if pack.scope is None else pack.scope.plain(),
        "studies": None if pack.studies is None else pack.studies.plain(),
        "sources": list(pack.sources),
        "sha256": pack.sha256,
        "rules": [_variant_to_json(variant) for variant in variants_of(pack, book)],
    }


def _variant_to_json(variant: Variant) -> dict[str, Any]:
    rule = variant.rule
    return {
        "rule_id": rule.id,
        "variant": rule.variant,
        "title": dict(rule.title),
        "severity": rule.severity.value,
        "allow": f"{rule.allow}",
        "scope": list(rule.scope.describe()),
        "params": dict(rule.params),
        "expected": rule.check.expected(),
        "cite": list(rule.cite),
    }


def _conditions(heading: str, scope: Scope, words: dict[str, str]) -> list[str]:
    conditions = [f"- `{condition}`" for condition in scope.describe()] or [f"- {words['all']}"]
    return [f"## {heading}", "", *conditions, ""]


def _recogniser(recogniser: Recogniser, lang: str) -> str:
    words = WORDS[lang]
    name = load_table("roles")[recogniser.name][lang]
    told = [*recogniser.where.describe(), *([words["words"]] if recogniser.words else [])]
    return f"- {name} ({recogniser.name}): {'; '.join(f'`{text}`' for text in told)}"


def _variant(variant: Variant, lang: str) -> list[str]:
    rule, words = variant.rule, WORDS[lang]
    where = variant.use.where
    lines = [f"- **{rule.variant.partition('/')[2]}**: {rule.title[lang]} ({rule.id})"]
    if where is not None:
        own = read_scope(Section(where, "where", rule.level)).describe()
        lines.append(f"    - {words['where']} {', '.join(f'`{text}`' for text in own)}")
    lines.append(f"    - {words['passes']}: `{rule.check.expected()}`")
    lines.append(f"    - {words['severity']}: {term(rule.severity, lang)}; {words['allow']}: {rule.allow}")
    lines += [f"    - {words['source']}: {source}" for source in rule.cite or (words["no_source"],)]
    return lines
