"""A rule file with an error: the file, the line, what is wrong, what is allowed."""

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqkit.errors import DqkitError, ExitCode
from dqkit.model import Level, Origin, RuleStatus, Severity
from dqkit.rulebook.load import load_rule, parse_rule
from dqkit.rulebook.rule import Allow, Rule
from tests.rulebook.conftest import PLAIN, changed

STEP = "check: {within: {of: slice_step_mm, max: {param: most_mm}}}"


def error_of(text: str) -> DqkitError:
    with pytest.raises(DqkitError) as caught:
        parse_rule(text, Path("my/rule.yaml"))
    return caught.value


def test_a_rule_is_read_with_its_parts(plain: str):
    rule = parse_rule(plain, Path("rule.yaml"))
    assert (rule.id, rule.name, rule.family) == ("GEO-903", "house-step", "GEO")
    assert (rule.level, rule.severity, rule.status) == (Level.STACK, Severity.WARNING, RuleStatus.STABLE)
    assert (rule.origin, rule.per, rule.allow) == (Origin.DATA, "site", Allow(share=0.02))
    assert rule.params == {"most_mm": 5}
    assert rule.check.expected() == "step between slices (mm) at most 5"
    assert rule.remedy.who == "scanner"
    assert rule.message("zh") == "层面间距过大"
    assert [case.expect for case in rule.cases] == [("fail",), ("pass",), ("unknown",)]


@pytest.mark.parametrize(
    ("written", "allow"),
    [("0%", Allow(share=0)), ("2.5%", Allow(share=0.025)), ("3", Allow(count=3)), ("100%", Allow(share=1))],
)
def test_allow_is_a_share_or_a_count(rule_with: Callable[..., Rule], written: str, allow: Allow):
    assert rule_with(allow=f"allow: {written}").allow == allow


@pytest.mark.parametrize("written", ["-1", "2.5", "101%", "true", "some", "-3%", "nan%"])
def test_another_allow_is_refused(written: str):
    assert "'allow' cannot be" in error_of(changed(allow=f"allow: {written}")).message


ERRORS = {
    "unknown key": (changed(per="par: site"), 10, "no key 'par'", "did you mean per"),
    "missing key": (changed(standard=None), 1, "lacks the key 'standard'", ""),
    "unknown level": (changed(level="level: slice"), 4, "'level' cannot be 'slice'", "stack"),
    "unknown severity": (changed(severity="severity: bad"), 8, "'severity' cannot be 'bad'", "critical"),
    "unknown status": (changed(status="status: new"), 17, "'status' cannot be 'new'", "preview"),
    "unknown per": (changed(per="per: patient"), 10, "'per' cannot be", "archive"),
    "not an id": (changed(id="id: geo3"), 1, "no rule id", "GEO-003"),
    "not a name": (changed(name="name: House Step"), 2, "no rule name", "slice-gap"),
    "not a version": (changed(since="since: next"), 18, "no version", "0.1.0"),
    "no Chinese": (changed(title="title: {en: Too large}"), 3, "lacks the key 'zh'", ""),
    "a third language": (changed(title="title: {en: a, zh: 一, fr: b}"), 3, "no key 'fr'", ""),
    "unknown column of the level": (
        changed(check="check: {within: {of: slice_step, max: {param: most_mm}}}"), 6,
        "stack frame has no column 'slice_step'", "slice_step_mm",
    ),
    "unknown column in scope": (changed(scope="scope: {Modalty: CT}"), 5, "no column 'Modalty'", "Modality"),
    "column of another level": (
        changed(check="check: {within: {of: n_volumes, max: {param: most_mm}}}"), 6, "stack frame has no column", "",
    ),
    "wrong kind of column": (
        changed(check="check: {within: {of: Modality, max: {param: most_mm}}}"), 6, "Modality holds text", "",
    ),
    "unknown kind of check": (
        changed(check="check: {whithin: {of: slice_step_mm}}"), 6, "no kind of check 'whithin'", "within",
    ),
    "two kinds of check": (
        changed(check="check: {within: {of: slice_step_mm, max: 1}, present: {of: Rows}}"), 6, "one kind of check", "",
    ),
    "unknown argument": (
        changed(check="check: {within: {of: slice_step_mm, maximum: {param: most_mm}, max: 2}}"), 6,
        "check within has no key 'maximum'", "did you mean max?",
    ),
    "undeclared param": (
        changed(check="check: {within: {of: slice_step_mm, max: {param: most}}}"), 6,
        "'most' is not declared", "most_mm",
    ),
    "unused param": (changed(check="check: {within: {of: slice_step_mm, max: 5}}"), 7, "no check or scope uses", ""),
    "wrong type of bound": (changed(params="params: {most_mm: wide}"), 6, "'max' must be a number", ""),
    "scope value of another type": (changed(scope="scope: {Modality: 3}"), 5, "3 cannot stand in Modality", "quotes"),
    "empty scope condition": (changed(scope="scope: {Modality: {}}"), 5, "is empty", "present"),
    "unknown table": (
        changed(scope="scope: {Modality: {listed_in: modality}}"), 5, "no vocabulary table 'modality'", "modalities",
    ),
    "property that nothing has": (
        changed(scope="scope: {Modality: {listed_in: modalities, where: {colour: red}}}"), 5,
        "nothing in the table", "",
    ),
    "range on text": (changed(scope="scope: {Modality: {min: 3}}"), 5, "needs numbers", ""),
    "no remedy": (changed(remedy="remedy: {}").replace("  who: scanner\n", "").replace(
        "  manual: {en: Agree on thinner slices., zh: 约定更薄的层厚。}\n", ""), 14, "says nothing to do", "manual"),
    "unknown who": (PLAIN.replace("who: scanner", "who: janitor"), 15, "'who' cannot be 'janitor'", "pacs"),
    "no cases": (PLAIN.split("cases:")[0] + "cases: []\n", 19, "at least one case", "passes"),
    "case without given": (PLAIN.replace(", given: {Modality: CT}", ""), 22, "lacks the key 'given'", ""),
    "case with an unknown word": (PLAIN.replace("expect: fail", "expect: bad"), 20, "cannot expect 'bad'", "fail"),
    "case with an unknown column": (PLAIN.replace("{Modality: CT}}", "{Modalty: CT}}"), 22, "no column", ""),
    "case with a wrong value": (PLAIN.replace("slice_step_mm: 8", "slice_step_mm: wide"), 20, "cannot stand in", ""),
    "case with a list for a value": (PLAIN.replace("slice_step_mm: 8", "slice_step_mm: [8]"), 20, "single values", ""),
    "key twice": (PLAIN + "id: GEO-904\n", 23, "'id' stands twice", ""),
    "not YAML": (changed(scope="scope: {Modality: [CT"), 6, "not YAML", ""),
    "anchor": (changed(params="params: &x {most_mm: 5}", status="status: *x"), 7, "anchors", "write"),
    "tag": (changed(params="params: {most_mm: !!python/object:os.system 5}"), 7, "tag", "plain"),
    "a list": ("- id: GEO-903\n", 1, "a rule is a mapping", ""),
    "empty": ("", 1, "empty", "dqkit rules show"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_error_says_where_what_and_what_is_allowed(name: str):
    text, line, message, hint = ERRORS[name]
    error = error_of(text)
    assert error.message.startswith(f"my/rule.yaml:{line}: "), error.message
    assert message in error.message
    assert hint in error.hint
    assert error.exit_code == ExitCode.USAGE


ARGUMENTS = {
    "regex that is none": ("file", "matches: {of: path, regex: '(a'}", "no regular expression"),
    "regex that Rust lacks": ("file", "matches: {of: path, regex: '(?<=a)b'}", "no regular expression"),
    "regex both ways": ("file", "matches: {of: path, regex: a, not_regex: b}", "one of the keys"),
    "sole outside series": ("stack", "sole: {of: Rows}", "for rules of level series"),
    "gap outside stacks": ("series", "no_gap: {of: volume_sizes}", "for rules of level stack"),
    "text compared by size": ("file", "compare: {left: Modality, is: '<', right: SOPClassUID}", "only == and !="),
    "text compared to a number": ("file", "compare: {left: Modality, is: '==', right: Rows}", "Rows holds number"),
    "tolerance without equality": ("file", "compare: {left: Rows, is: '<', right: Columns, tolerance: 1%}", "=="),
    "tolerance of dates": (
        "file",
        "compare: {left: study_date, is: '==', right: series_date, tolerance: 1%}",
        "numbers",
    ),
    "no bound": ("file", "within: {of: Rows}", "no bound"),
    "a date for a number": ("file", "within: {of: Rows, min: 2020-01-01}", "'min' must be a number"),
    "a number for a date": ("file", "within: {of: study_date, min: 5}", "'min' must be a date"),
    "a number for text": ("file", "value_in: {of: Modality, values: [1]}", "cannot stand in Modality"),
    "table and property": ("file", "fits_table: {of: Modality, by: SOPClassUID, table: sop-classes, property: x}", "x"),
    "count of nothing": ("file", "list_count: {of: PixelSpacing}", "no number"),
    "count by half": ("file", "list_count: {of: PixelSpacing, min: 1, per: 0}", "'per'"),
    "list where none can be": ("file", "alike: {of: Rows}", "must be a list column"),
    "empty of a series": ("series", "present: {of: Rows, empty_ok: true}", "cannot tell empty from absent"),
    "share of nothing": ("stack", "uniform_step: {of: slice_positions_mm, tolerance: wide}", "percentage"),
    "outlier of three": ("series", "outlier_within: {of: KVP, by: site, at_least: 1}", "at_least"),
    "no column": ("file", "present: {of: []}", "names no column"),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_argument_of_a_check_is_refused(name: str):
    level, check, message = ARGUMENTS[name]
    text = changed(level=f"level: {level}", check=f"check: {{{check}}}", params=None, scope=None)
    error = error_of(text)
    assert message in error.message + error.hint
    assert ":5: " in error.message


def test_yes_and_no_are_text():
    text = (
        PLAIN.split("cases:")[0]
        .replace("level: stack", "level: file")
        .replace("scope: {Modality: [CT, MR]}", "scope: {BurnedInAnnotation: [YES, NO]}")
        .replace(STEP, "check: {value_in: {of: BurnedInAnnotation, values: [NO]}}")
        .replace("params: {most_mm: 5}\n", "")
    )
    cases = "cases: [{name: burned in, expect: fail, given: {BurnedInAnnotation: YES}}]\n"
    rule = parse_rule(text + cases, Path("rule.yaml"))
    assert rule.scope.conditions[0].values == ("YES", "NO")
    assert rule.cases[0].given[0] == {"BurnedInAnnotation": "YES"}


def test_dates_are_dates():
    text = (
        PLAIN.split("cases:")[0]
        .replace("level: stack", "level: file")
        .replace(STEP, "check: {within: {of: study_date, min: {param: most_mm}, max: today}}")
        .replace("most_mm: 5", "most_mm: 1971-10-01")
        + "cases: [{name: old, expect: fail, given: {Modality: CT, study_date: 1900-01-01}}]\n"
    )
    rule = parse_rule(text, Path("rule.yaml"))
    assert rule.cases[0].given[0]["study_date"] == dt.date(1900, 1, 1)


def test_a_file_that_is_no_text(tmp_path: Path):
    path = tmp_path / "rule.yaml"
    path.write_bytes(b"id: \xff\xfe")
    with pytest.raises(DqkitError, match="not UTF-8"):
        load_rule(path)


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(DqkitError, match="cannot be read"):
        load_rule(tmp_path / "none.yaml")


@given(st.text(max_size=300))
def test_any_text_is_a_rule_or_a_named_error(text: str):
    with pytest.raises(DqkitError):
        parse_rule(text, Path("rule.yaml"))


@given(st.data())
def test_a_rule_with_a_part_cut_out_never_crashes(data: st.DataObject):
    start = data.draw(st.integers(0, len(PLAIN)))
    end = data.draw(st.integers(start, min(len(PLAIN), start + 80)))
    put = data.draw(
        st.sampled_from(["", " ", ":", "[", "}", "\n", "- ", "null", "{}", "9", "'", "\t", "&a ", "2020-13-45"])
    )
    with suppress(DqkitError):
        assert parse_rule(PLAIN[:start] + put + PLAIN[end:], Path("rule.yaml")).id
