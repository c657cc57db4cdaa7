import re
import string
from pathlib import Path

import pytest

from dqkit.report.words import LANGUAGES, WORDS, pair, say

TEMPLATES = Path(__file__).parents[2] / "dqkit" / "report" / "templates"


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", WORDS)
def test_both_languages_fill_in_the_same_things(key: str) -> None:
    english, chinese = (WORDS[key][lang] for lang in LANGUAGES)
    assert names(english) - {"n"} == names(chinese) - {"n"}
    assert english
    assert chinese


@pytest.mark.parametrize("key", WORDS)
def test_chinese_uses_its_own_punctuation(key: str) -> None:
    assert not re.search(r"[一-鿿][,;:()]|[,;:()][一-鿿]", WORDS[key]["zh"])


def test_every_word_that_the_page_asks_for_exists() -> None:
    script = (TEMPLATES / "report.js").read_text()
    page = "".join(template.read_text() for template in TEMPLATES.glob("*.j2"))
    asked = set(re.findall(r'(?:say|fact|cell|sortHead)\("([\w.]+)"', script)) | set(
        re.findall(r'\bw\["([\w.]+)"\]', page)
    )
    asked |= set(re.findall(r"\bw\.([a-z_]+)\b(?!\()", page))
    assert asked - WORDS.keys() == set()


def test_counts_choose_their_form() -> None:
    assert say("count.findings", "en", n=1) == "1 finding"
    assert say("count.findings", "en", n=2000) == "2,000 findings"
    assert pair("count.findings", n=1) == {"en": "1 finding", "zh": "1 项检出"}
