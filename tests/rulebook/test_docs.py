"""Pages of the rule book, and the explanation in the terminal."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.markdown import Markdown

from dqkit.rulebook.book import Book
from dqkit.rulebook.cases import missing_cases, run_cases
from dqkit.rulebook.checks import CHECKS
from dqkit.rulebook.docs import main, pages, stale_docs, write_docs
from dqkit.rulebook.explain import explain_rule
from dqkit.rulebook.load import parse_rule

DOCS = Path(__file__).parents[2] / "docs" / "rules"


def test_pages_are_what_the_rule_files_say(book: Book):
    assert stale_docs(DOCS, book) == (), "run `make docs`"


def test_stale_missing_and_left_over_pages_are_named(tmp_path: Path, book: Book):
    write_docs(tmp_path, book)
    assert stale_docs(tmp_path, book) == ()
    (tmp_path / "GEO-003-slice-gap.md").write_text("changed")
    (tmp_path / "README.md").unlink()
    (tmp_path / "GEO-999-gone.md").write_text("a rule that is gone")
    assert stale_docs(tmp_path, book) == ("GEO-003-slice-gap.md", "GEO-999-gone.md", "README.md")
    assert main([str(tmp_path), "--check"]) == 1
    assert main([str(tmp_path)]) == 0
    assert main([str(tmp_path), "--check"]) == 0


def test_links_of_the_index_lead_to_pages(book: Book):
    made = pages(book)
    for rule in book:
        assert f"({rule.id}-{rule.name}.md)" in made["README.md"]
        assert f"{rule.id}-{rule.name}.md" in made


def test_every_kind_of_check_is_explained_with_an_example(book: Book):
    text = pages(book)["checks.md"]
    for kind in CHECKS:
        section = text.split(f"## {kind}\n")[1].split("\n## ")[0]
        assert f"check: {{{kind}: " in section, kind


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_explanation_holds_what_a_steward_needs(book: Book, lang: str):
    for rule in book:
        text = explain_rule(rule, lang)
        assert text.startswith(f"# {rule.id} {rule.name}\n")
        for part in (rule.title[lang], rule.why[lang], rule.standard, rule.check.expected()):
            assert part in text, rule.id
        assert (rule.remedy.manual or {}).get(lang, "") in text
        for case in rule.cases:
            assert case.name in text


def test_an_explanation_reads_well_in_a_narrow_terminal(book: Book):
    console = Console(width=60, record=True, file=StringIO())
    console.print(Markdown(explain_rule(book.get("GEO-003"))))
    assert "Resampling across a missing slice" in console.export_text()


def test_the_example_of_the_guide_is_a_rule_that_passes_its_cases():
    text = (DOCS.parent / "writing-rules.md").read_text(encoding="utf-8")
    rule = parse_rule(text.split("```yaml\n")[1].split("```")[0], DOCS)
    assert [result.failure for result in run_cases(rule)] == ["", "", ""]
    assert missing_cases(rule) == ()
