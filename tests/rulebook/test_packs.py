"""Packs: what ships, what a hospital writes, and what is refused with file and line."""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dqkit.errors import DqkitError, ExitCode
from dqkit.model import Severity
from dqkit.rulebook.book import Book, make_book
from dqkit.rulebook.explain_pack import explain_pack, pack_to_json
from dqkit.rulebook.pack import GENERAL, Pack, load_pack, load_packs, pack_names
from dqkit.rulebook.pack_rules import by_rule_id, causes_of, variants_of, with_packs
from dqkit.rulebook.rule import Rule

GUIDE = Path(__file__).parents[2] / "docs" / "packs.md"
CJK = re.compile(r"[\u4e00-\u9fff]")

HEAD = """\
name: mine
version: 1.2.0
title: {en: Mine, zh: 自有}
why: {en: For us., zh: 供本院使用。}
scope: {Modality: MR, region: prostate}
studies: {modalities: MR}
"""
THICKNESS = "  - {use: ACQ-101, as: thickness, where: {role: t2}, with: {max_mm: 3}}\n"


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    def write(text: str, name: str = "mine") -> Path:
        path = tmp_path / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def made(written: Callable[..., Path], book: Book) -> Callable[[str], dict[str, Rule]]:
    """Return the variants that the text of a pack makes, by their names."""

    def make(text: str) -> dict[str, Rule]:
        pack = load_pack(str(written(text)))
        return {variant.rule.variant.partition("/")[2]: variant.rule for variant in variants_of(pack, book)}

    return make


@pytest.fixture
def refused(written: Callable[..., Path], book: Book) -> Callable[[str], DqkitError]:
    def refuse(text: str) -> DqkitError:
        with pytest.raises(DqkitError) as caught:
            with_packs(book, [load_pack(str(written(text)))])
        assert caught.value.exit_code == ExitCode.USAGE
        return caught.value

    return refuse


def rules(*entries: str) -> str:
    return HEAD + "rules:\n" + "".join(f"  - {entry}\n" for entry in entries)


@pytest.mark.parametrize("name", pack_names())
def test_every_pack_that_ships_is_whole(book: Book, name: str):
    pack = load_pack(name)
    assert pack.path.stem == pack.name
    assert pack.version == "1.0.0"
    for text in (pack.title, pack.why):
        assert CJK.search(text["zh"])
        assert not CJK.search(text["en"])
    for use in pack.uses:
        assert use.cite, f"{name}/{use.name} cites nothing"
    for lang in ("en", "zh"):
        assert pack.title[lang] in explain_pack(pack, book, lang)
    assert len(pack_to_json(pack, book)["rules"]) == len(pack.uses)


def test_all_packs_that_ship_go_together(book: Book):
    packs = load_packs(pack_names())
    together = with_packs(book, packs)
    assert len(together) == len(book) + sum(len(pack.uses) for pack in packs)
    assert len({rule.key for rule in together}) == len(together)


def test_the_issues_packs_are_there():
    assert set(pack_names()) >= {
        "general", "lung-screening-ct", "lung-nodule-ct", "prostate-mr", "breast-mr", "mammography", "liver-ct",
        "liver-mr", "brain-tumour-mr", "ms-brain-mr", "fundus-dr", "bone-age-xr", "chest-xr", "pet-ct",
    }  # fmt: skip
    assert pack_names()[0] == GENERAL


def test_a_variant_has_the_scope_of_rule_pack_and_entry(made: Callable[[str], dict[str, Rule]], book: Book):
    rule = made(HEAD + "rules:\n" + THICKNESS)["thickness"]
    own = book.get("ACQ-101").scope.describe()
    assert rule.scope.describe() == (*own, "Modality: MR", "region: prostate", "role: t2")
    assert (rule.variant, rule.pack, rule.params["max_mm"]) == ("mine/thickness", "mine", 3)
    assert rule.check.expected() == "SliceThickness at most 3"
    assert rule.sha256 != book.get("ACQ-101").sha256


def test_a_pack_changes_nothing_of_the_book(written: Callable[..., Path], book: Book):
    pack = load_pack(str(written(HEAD + "rules:\n" + THICKNESS)))
    together = with_packs(book, [pack])
    assert [rule for rule in together if not rule.variant] == list(book)


def test_selectors_know_packs_and_variants(written: Callable[..., Path], book: Book):
    entry = "  - {use: ACQ-105, as: gap, with: {max_mm: 0}}\n"
    together = with_packs(book, [load_pack(str(written(HEAD + "rules:\n" + THICKNESS + entry)))])

    def names(*arguments: list[str]) -> set[str]:
        return {rule.variant for rule in together.select(*arguments)}

    assert names(["mine"]) == {"mine/thickness", "mine/gap"}
    assert names(["mine"], ["mine/gap"]) == {"mine/thickness"}
    assert names(["ACQ-101"]) == {"mine/thickness"}
    assert names([], ["mine"]) == {""}
    assert names([], ["general"]) == {"mine/thickness", "mine/gap"}


def test_a_hospital_extends_a_pack_in_a_few_lines(tmp_path: Path, book: Book):
    """The example of the guide does what the guide says."""
    text = GUIDE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    path = tmp_path / "north-prostate.yaml"
    path.write_text(text, encoding="utf-8")
    pack, parent = load_pack(str(path)), load_pack("prostate-mr")
    made = {variant.rule.variant.partition("/")[2]: variant.rule for variant in variants_of(pack, book)}
    assert len(made) == len(parent.uses) - 2 + 1
    assert made["t2-thickness"].params["max_mm"] == 3.5
    assert made["t2-thickness"].cite == ("house style: contract of 2025",)
    assert made["field"].severity is Severity.CRITICAL
    assert made["dwi-thickness"].params["max_mm"] == 4
    assert "dce-duration" not in made
    assert "region: prostate, pelvis" in made["dwi-thickness"].scope.describe()
    assert pack.lineage == (("prostate-mr", "1.0.0"),)
    assert [recogniser.name for recogniser in pack.recognisers] == ["dwi"]


def test_a_plain_pack_changes_and_drops_rules_of_the_book(written: Callable[..., Path], book: Book):
    text = HEAD.replace("scope: {Modality: MR, region: prostate}\n", "extends: general\n")
    text += "drop: [GEO-013]\nrules:\n  - {use: GEO-012, severity: warning}\n"
    together = by_rule_id(with_packs(book, [load_pack(str(written(text)))]))
    assert "GEO-013" not in together
    assert [(rule.variant, rule.pack, rule.severity) for rule in together["GEO-012"]] == [
        (f"mine/{book.get('GEO-012').name}", "", Severity.WARNING)
    ]
    assert len(together["GEO-003"]) == 1


REFUSED = {
    "unknown rule": (rules("{use: ACQ-999}"), 8, "no rule 'ACQ-999'", "ACQ-"),
    "undeclared param": (rules("{use: ACQ-101, with: {max: 3}}"), 8, "no param 'max'", "max_mm"),
    "wrong type": (rules('{use: ACQ-101, with: {max_mm: "3"}}'), 8, "must be a number", ""),
    "no value": (rules("{use: ACQ-101}"), 8, "is open and gets no value", "min_mm"),
    "min above max": (rules("{use: ACQ-101, with: {min_mm: 4, max_mm: 3}}"), 8, "nothing passes", ""),
    "two entries that exclude each other": (
        rules("{use: ACQ-101, as: a, with: {max_mm: 3}}", "{use: ACQ-101, as: b, with: {min_mm: 4}}"),
        9, "mine/b asks for what mine/a (line 8) forbids", "",
    ),
    "two lists that exclude each other": (
        rules("{use: ACQ-116, as: a, with: {values: [2D]}}", "{use: ACQ-116, as: b, with: {values: [3D]}}"),
        9, "forbids", "",
    ),
    "wider scope": (
        rules("{use: ACQ-101, where: {Modality: [MR, CT]}, with: {max_mm: 3}}"), 8, "is wider than Modality: MR",
        "only narrow",
    ),
    "a scope that never holds": (
        rules("{use: ACQ-101, where: {Modality: CT}, with: {max_mm: 3}}"), 8, "would never apply", "",
    ),
    "as twice": (
        rules("{use: ACQ-101, as: a, with: {max_mm: 3}}", "{use: ACQ-102, as: a, with: {max_mm: 3}}"), 9,
        "'a' stands at line 8 too", "'as'",
    ),
    "unknown column": (rules("{use: ACQ-101, where: {rolle: t2}, with: {max_mm: 3}}"), 8, "no column 'rolle'", "role"),
    "unknown role in a set": (rules("{use: CON-101, with: {roles: [t22]}}"), 8, "no 't22' among the roles", "t2"),
    "unknown key": (rules("{use: ACQ-101, wiht: {max_mm: 3}}"), 8, "no key 'wiht'", "with"),
    "unknown severity": (rules("{use: ACQ-101, severity: bad, with: {max_mm: 3}}"), 8, "cannot be 'bad'", "critical"),
    "a rule about patients": (rules("{use: IDN-024}"), 8, "speaks of a patient", ""),
    "studies not named": (
        rules("{use: CON-101, with: {roles: [t2]}}").replace("studies: {modalities: MR}\n", ""), 7,
        "does not say which", "studies:",
    ),
    "unknown parent": (HEAD + "extends: prostate\n", 7, "no pack 'prostate'", "prostate-mr"),
    "unknown version": (HEAD + "extends: prostate-mr@9.0.0\n", 7, "has version 1.0.0, not 9.0.0", "prostate-mr@1.0.0"),
    "unknown entry to drop": (
        HEAD + "extends: prostate-mr\ndrop: [t2-thicknes]\n", 8, "no entry 't2-thicknes'", "t2-thickness",
    ),
    "not a version": (HEAD.replace("1.2.0", "one"), 2, "no version", "1.0.0"),
    "not a name": (HEAD.replace("name: mine", "name: My Pack"), 1, "no name of a pack", ""),
    "no Chinese": (HEAD.replace(", zh: 自有", ""), 3, "lacks the key 'zh'", ""),
    "unknown role of a recogniser": (
        HEAD + "roles:\n  - {as: t22, words: [x]}\n", 8, "no 't22' among the roles", "t2",
    ),
    "a recogniser of nothing": (HEAD + "roles:\n  - {as: t2}\n", 8, "nothing to go by", "words"),
    "a recogniser with a bad expression": (
        HEAD + "roles:\n  - {as: t2, words: ['(']}\n", 8, "no regular expression", "",
    ),
    "a recogniser that reads roles": (
        HEAD + "roles:\n  - {as: t2, where: {role: t1}}\n", 8, "cannot read role", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_told_with_file_and_line(refused: Callable[[str], DqkitError], name: str):
    text, line, message, hint = REFUSED[name]
    error = refused(text)
    assert f"mine.yaml:{line}: " in error.message, error.message
    assert message in error.message
    assert hint in error.hint


def test_a_circle_of_packs_is_refused(written: Callable[..., Path]):
    written(HEAD.replace("name: mine", "name: other") + "extends: mine\n", "other")
    path = written(HEAD + "extends: other\n")
    with pytest.raises(DqkitError, match=r"other\.yaml:7: extends leads back"):
        load_pack(str(path))


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("prostate", "no pack 'prostate'", "prostate-mr"),
        ("prostate-mr@2.0.0", "has version 1.0.0, not 2.0.0", "prostate-mr@1.0.0"),
        ("nowhere/pack.yaml", "no pack file nowhere/pack.yaml", "dqkit packs list"),
        ("../../etc/passwd@1", "no pack file", ""),
        ("", "no pack ''", ""),
    ],
)
def test_a_pack_that_is_not_there_is_told(reference: str, message: str, hint: str):
    with pytest.raises(DqkitError) as caught:
        load_packs([reference])
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_version_that_is_there_is_taken():
    assert load_pack("prostate-mr@1.0.0").label == "prostate-mr 1.0.0"


def test_two_packs_of_one_name_are_refused(written: Callable[..., Path], tmp_path: Path):
    one = written(HEAD)
    other = written(HEAD.replace("1.2.0", "1.3.0"), "other")
    assert len(load_packs([str(one), str(one)])) == 1
    with pytest.raises(DqkitError, match="two packs are called 'mine'"):
        load_packs([str(one), str(other)])


@pytest.fixture
def chain(rule_with: Callable[..., Rule]) -> Book:
    """Return GEO-904, which explains GEO-903."""
    consequence = replace(rule_with(), implied_by=("GEO-904",))
    return make_book([consequence, replace(rule_with(), id="GEO-904", name="cause")])


def packed(written: Callable[..., Path], *entries: str) -> Pack:
    head = HEAD.replace("scope: {Modality: MR, region: prostate}", "scope: {Modality: MR}")
    return load_pack(str(written(head + "rules:\n" + "".join(f"  - {entry}\n" for entry in entries))))


def test_a_cause_made_milder_than_its_consequence_is_refused(written: Callable[..., Path], chain: Book):
    with pytest.raises(DqkitError, match=r"mine\.yaml:8: GEO-904 .* would be milder than GEO-903 mine/house-step"):
        with_packs(chain, [packed(written, "{use: GEO-903, severity: critical}")])
    with pytest.raises(DqkitError, match=r"mine\.yaml:9: GEO-904 mine/cause .* would be milder"):
        with_packs(chain, [packed(written, "{use: GEO-903}", "{use: GEO-904, allow: 50%}")])
    both = packed(written, "{use: GEO-903, severity: critical}", "{use: GEO-904, severity: critical}")
    assert len(with_packs(chain, [both])) == 4


def test_a_pack_never_silences_the_book(written: Callable[..., Path], chain: Book):
    together = by_rule_id(with_packs(chain, [packed(written, "{use: GEO-903}", "{use: GEO-904}")]))
    plain, variant = sorted(together["GEO-903"], key=lambda rule: rule.variant)
    assert [cause.key for cause in causes_of(plain, together)] == [("GEO-904", "")]
    assert [cause.key for cause in causes_of(variant, together)] == [("GEO-904", "mine/cause"), ("GEO-903", "")]


def test_a_stricter_variant_is_not_explained_by_its_plain_rule(written: Callable[..., Path], chain: Book):
    pack = packed(written, "{use: GEO-903, severity: critical}", "{use: GEO-904, severity: critical}")
    together = by_rule_id(with_packs(chain, [pack]))
    variant = max(together["GEO-903"], key=lambda rule: rule.variant)
    assert [cause.key for cause in causes_of(variant, together)] == [("GEO-904", "mine/cause")]


WHOLE = rules("{use: ACQ-101, as: a, where: {role: t2}, with: {max_mm: 3}, allow: 2%, severity: info, cite: [x]}") + (
    "roles:\n  - {as: t2, where: {Modality: MR}, words: [a b, c], without: [d]}\n"
    "extends: prostate-mr\ndrop: [b-values]\n"
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_pack_with_a_part_cut_out_never_crashes(tmp_path: Path, book: Book, data: st.DataObject):
    start = data.draw(st.integers(0, len(WHOLE)))
    end = data.draw(st.integers(start, min(len(WHOLE), start + 80)))
    put = data.draw(
        st.sampled_from(["", " ", ":", "[", "}", "\n", "- ", "null", "{}", "9", "'", "\t", "&a ", "2020-13-45"])
    )
    path = tmp_path / "mine.yaml"
    path.write_text(WHOLE[:start] + put + WHOLE[end:], encoding="utf-8")
    with suppress(DqkitError):
        assert len(with_packs(book, [load_pack(str(path))])) >= len(book)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"- a\n", b"name: [1]\n", b"a: !!python/object:os.system {}\n"]
)
def test_a_file_that_is_no_pack_is_told(tmp_path: Path, content: bytes):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(DqkitError, match=r"mine\.yaml:1: "):
        load_pack(str(path))


def test_a_folder_is_no_pack(tmp_path: Path):
    with pytest.raises(DqkitError, match="no pack file"):
        load_pack(f"{tmp_path}/")
