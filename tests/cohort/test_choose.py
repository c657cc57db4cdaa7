"""What a policy leaves: conditions, counts, roles, what follows from what is out, and what persons decide."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dqkit.cohort.attrition import attrition_of
from dqkit.cohort.choose import Selection
from dqkit.cohort.decisions import decisions_of
from dqkit.errors import DqkitError
from tests.cohort.hand import PSEUDONYMS, chosen, left, policy, population


def reasons(selection: Selection, stage: int = 0) -> list[tuple[int, str, bool]]:
    return [(one.n, one.text["en"], one.unknown) for one in attrition_of(selection).steps[stage].reasons]


def test_where_keeps_what_meets_every_condition(tmp_path: Path) -> None:
    people = population(
        {"s": "n/p/a/1", "Modality": "CT", "SliceThickness": 1.0},
        {"s": "n/p/a/2", "Modality": "CT", "SliceThickness": 5.0},
        {"s": "n/p/a/3", "Modality": "MR", "SliceThickness": 5.0},
    )
    made = chosen(tmp_path, people, "steps: [{name: s, where: {Modality: CT, SliceThickness: {max: 3}}}]")
    assert left(made) == ["a/1"]
    assert reasons(made) == [(1, "SliceThickness above 3", False), (1, "not CT", False)]
    every = decisions_of(made).filter(SeriesInstanceUID="1.a.3")["reasons"].item().to_list()
    assert every == ["not CT", "SliceThickness above 3"]


@pytest.mark.parametrize(("unknown", "expected"), [("exclude", ["a/1"]), ("include", ["a/1", "a/2", "a/3"])])
def test_what_is_missing_or_varies_is_out_unless_the_policy_keeps_it(
    unknown: str, expected: list[str], tmp_path: Path
) -> None:
    people = population(
        {"s": "n/p/a/1", "Modality": "CT"},
        {"s": "n/p/a/2", "Modality": None},
        {"s": "n/p/a/3", "Modality": None, "varying": ["Modality"]},
        {"s": "n/p/a/4", "Modality": "MR"},
    )
    made = chosen(tmp_path, people, f"unknown: {unknown}\nsteps: [{{name: s, where: {{Modality: CT}}}}]")
    assert left(made) == expected
    step = attrition_of(made).steps[0]
    assert (step.unknown, step.kept_unknown) == ((2, 0) if unknown == "exclude" else (0, 2))
    said = decisions_of(made).filter(level="series", unknown=True)["reasons"].to_list()
    assert said == ([["Modality missing or several values"]] * 2 if unknown == "exclude" else [])


def test_a_condition_that_is_surely_not_met_settles_one_that_is_unknown(tmp_path: Path) -> None:
    people = population({"s": "n/p/a/1", "Modality": "MR", "SliceThickness": None})
    made = chosen(
        tmp_path, people, "unknown: include\nsteps: [{name: s, where: {Modality: CT, SliceThickness: {max: 3}}}]"
    )
    assert reasons(made) == [(1, "not CT", False)]


def test_a_step_has_a_say_of_its_own_about_the_unknown(tmp_path: Path) -> None:
    people = population({"s": "n/p/a/1", "Modality": None})
    made = chosen(tmp_path, people, "steps: [{name: s, where: {Modality: CT}, unknown: include}]")
    assert left(made) == ["a/1"]


def test_exclude_takes_out_what_meets_one_of_the_entries_as_a_whole(tmp_path: Path) -> None:
    people = population(
        {"s": "n/p/a/1", "Modality": "CT", "is_derived": True},
        {"s": "n/p/a/2", "Modality": "MR", "is_derived": True},
        {"s": "n/p/a/3", "Modality": "MR", "is_derived": False, "role": "localizer"},
        {"s": "n/p/a/4", "Modality": "MR", "is_derived": None},
    )
    entries = "[{Modality: CT, is_derived: true}, {role: localizer}]"
    made = chosen(tmp_path, people, f"steps: [{{name: s, exclude: {entries}}}]")
    assert left(made) == ["a/2", "a/4"]
    assert reasons(made) == [(1, "CT, derived images", False), (1, "Localizer", False)]


def test_a_study_without_series_is_out_and_so_is_its_patient(tmp_path: Path) -> None:
    people = population(
        {"s": "n/p/a/1", "Modality": "CT"}, {"s": "n/p/b/1", "Modality": "MR"}, {"s": "n/q/c/1", "Modality": "MR"}
    )
    rows = decisions_of(chosen(tmp_path, people, "steps: [{name: Only CT, where: {Modality: CT}}]"))
    fate = {
        (row["level"], row["study_key"] or row["patient_key"]): (row["included"], row["step"], list(row["reasons"]))
        for row in rows.filter(pl.col("level") != "series").iter_rows(named=True)
    }
    assert fate == {
        ("patient", "n/p"): (True, None, []),
        ("patient", "n/q"): (False, "Only CT", ["no study left"]),
        ("study", "n/a"): (True, None, []),
        ("study", "n/b"): (False, "Only CT", ["no series left"]),
        ("study", "n/c"): (False, "Only CT", ["no series left"]),
    }


def test_what_is_out_with_its_study_says_so(tmp_path: Path) -> None:
    people = population({"s": "n/p/a/1"}, {"s": "n/q/c/1"}, {"s": "n/q/c/2"})
    made = chosen(tmp_path, people, "steps: [{name: two, level: study, at_least: {series: 2}}]")
    assert left(made) == ["c/1", "c/2"]
    rows = decisions_of(made)
    assert rows.filter(study_key="n/a", level="study")["reasons"].item().to_list() == ["fewer than 2 series"]
    assert rows.filter(study_key="n/a", level="series")["reasons"].item().to_list() == [
        "its study: fewer than 2 series"
    ]
    assert rows.filter(patient_key="n/p", level="patient")["reasons"].item().to_list() == ["no study left"]


def test_counts_look_at_what_is_left(tmp_path: Path) -> None:
    people = population(
        {"s": "n/p/a/1", "Modality": "CT"}, {"s": "n/p/b/1", "Modality": "MR"},
        {"s": "n/q/c/1", "Modality": "CT"}, {"s": "n/q/d/1", "Modality": "CT"},
    )  # fmt: skip
    steps = "[{name: ct, where: {Modality: CT}}, {name: follow-up, level: patient, at_least: {studies: 2}}]"
    assert left(chosen(tmp_path, people, f"steps: {steps}")) == ["c/1", "d/1"]


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("at_least: {slices: 10}", ["a/2"]), ("at_most: {slices: 9}", ["a/1"]), ("at_least: {images: 3}", ["a/1", "a/2"])],
)
def test_slices_and_images_of_a_series_are_counted_and_no_number_is_unknown(
    limit: str, expected: list[str], tmp_path: Path
) -> None:
    people = population(
        {"s": "n/p/a/1", "n_slices": 9, "n_instances": 9},
        {"s": "n/p/a/2", "n_slices": 10, "n_instances": 10},
        {"s": "n/p/a/3", "n_slices": None, "n_instances": 2},
    )
    made = chosen(tmp_path, people, f"steps: [{{name: s, {limit}}}]")
    assert left(made) == expected
    unclear = [text for _, text, unknown in reasons(made) if unknown]
    assert unclear == (["number of slices not known"] if "slices" in limit else [])


def test_a_sum_that_is_large_enough_needs_no_further_number(tmp_path: Path) -> None:
    people = population({"s": "n/p/a/1", "n_instances": 10}, {"s": "n/p/a/2", "n_instances": None})
    made = chosen(tmp_path, people, "steps: [{name: s, level: study, at_least: {images: 10}}]")
    assert left(made) == ["a/1", "a/2"]


def test_a_study_needs_a_series_of_every_role(tmp_path: Path) -> None:
    people = population(
        {"s": "n/p/a/1", "role": "t2"}, {"s": "n/p/a/2", "role": "adc"},
        {"s": "n/p/b/1", "role": "t2"}, {"s": "n/p/b/2", "role": "localizer"},
        {"s": "n/p/c/1", "role": "t2"}, {"s": "n/p/c/2", "role": ""},
    )  # fmt: skip
    made = chosen(tmp_path, people, "steps: [{name: s, level: study, roles: [t2, [dwi, adc]]}]")
    assert left(made) == ["a/1", "a/2"]
    none = "no Diffusion-weighted or ADC map"
    assert reasons(made) == [(1, none, False), (1, f"{none}, but series that were not recognised", True)]


def test_a_patient_without_id_is_unknown_to_steps_about_patients(tmp_path: Path) -> None:
    people = population({"s": "n/p/a/1"}, {"s": "n//b/1"})
    made = chosen(tmp_path, people, "steps: [{name: s, level: patient, at_least: {studies: 1}}]")
    assert left(made) == ["a/1"]
    assert reasons(made) == [(1, "PatientID missing or several values", True)]
    assert attrition_of(made).start.patients == 1


def test_conditions_speak_of_studies_too(tmp_path: Path) -> None:
    studies = [{"study_key": "n/a", "n_images": 5}, {"study_key": "n/b", "n_images": 50}]
    people = population({"s": "n/p/a/1"}, {"s": "n/p/b/1"}, studies=studies)
    made = chosen(tmp_path, people, "steps: [{name: s, level: study, where: {n_images: {min: 10}}}]")
    assert left(made) == ["b/1"]


HAND = "owner: Li Wei, date: 2025-03-01, reason: {en: Motion, zh: 运动伪影}"


def test_a_person_takes_out_and_says_who_when_and_why(tmp_path: Path) -> None:
    people = population({"s": "n/p/a/1"}, {"s": "n/q/b/1"})
    made = chosen(tmp_path, people, f"manual: [{{exclude: {{patient: q}}, {HAND}}}]")
    assert left(made) == ["a/1"]
    row = decisions_of(made).filter(patient_key="n/q", level="patient").row(0, named=True)
    said = (row["step"], row["owner"], str(row["decided_on"]), list(row["reasons"]), list(row["reasons_zh"]))
    assert said == ("Excluded by hand", "Li Wei", "2025-03-01", ["Motion"], ["运动伪影"])


def test_an_include_undoes_what_was_done_at_its_level_and_above(tmp_path: Path) -> None:
    people = population(
        {"s": "n/p/a/1", "Modality": "CT"}, {"s": "n/p/a/2", "Modality": "SR"}, {"s": "n/p/a/3", "Modality": "CT"}
    )
    steps = "[{name: ct, where: {Modality: CT}}, {name: three, level: study, at_least: {series: 3}}]"
    study = f"manual: [{{include: {{study: '1.a'}}, {HAND}}}]"
    assert left(chosen(tmp_path, people, f"steps: {steps}\n{study}")) == ["a/1", "a/3"]
    series = f"manual: [{{include: {{series: '1.a.2'}}, {HAND}}}]"
    made = chosen(tmp_path, people, f"steps: {steps}\n{series}")
    assert left(made) == ["a/2"]
    row = decisions_of(made).filter(level="series", included=True).row(0, named=True)
    assert (row["owner"], list(row["reasons"]), row["step"]) == ("Li Wei", ["Motion"], None)
    assert attrition_of(made).steps[-1].brings_back


def test_the_narrower_of_two_decisions_holds(tmp_path: Path) -> None:
    people = population({"s": "n/p/a/1"}, {"s": "n/p/a/2"})
    out_and_in = f"manual: [{{exclude: {{study: '1.a'}}, {HAND}}}, {{include: {{series: '1.a.1'}}, {HAND}}}]"
    assert left(chosen(tmp_path, people, out_and_in)) == ["a/1"]
    in_and_out = f"manual: [{{include: {{study: '1.a'}}, {HAND}}}, {{exclude: {{series: '1.a.1'}}, {HAND}}}]"
    assert left(chosen(tmp_path, people, in_and_out)) == ["a/2"]


def test_the_pseudonym_of_a_report_names_an_entity(tmp_path: Path) -> None:
    people = population({"s": "n/p/a/1"}, {"s": "n/q/b/1"})
    told = PSEUDONYMS.of("patient", "n/q")
    assert left(chosen(tmp_path, people, f"manual: [{{exclude: {{patient: '{told}'}}, {HAND}}}]")) == ["a/1"]


@pytest.mark.parametrize(
    ("decisions", "said"),
    [
        (f"[{{exclude: {{patient: nobody}}, {HAND}}}]", "no such patient"),
        (f"[{{exclude: {{patient: p}}, {HAND}}}]", "add site: n, s"),
        (
            f"[{{exclude: {{series: '1.b.1'}}, {HAND}}}, {{include: {{series: '1.b.1'}}, {HAND}}}]",
            "decided about in line",
        ),
    ],
)
def test_a_decision_that_names_nobody_or_several_is_refused(decisions: str, said: str, tmp_path: Path) -> None:
    people = population({"s": "n/p/a/1"}, {"s": "s/p/a/1"}, {"s": "n/q/b/1"})
    with pytest.raises(DqkitError) as error:
        chosen(tmp_path, people, f"manual: {decisions}")
    assert said in f"{error.value.message} {error.value.hint}"
    assert "nobody" not in error.value.message
    assert "select.yaml:3" in error.value.message


SERIES = st.builds(
    lambda site, patient, study, modality, slices: (site, patient, study, modality, slices),
    st.sampled_from("ns"),
    st.sampled_from(["p", "q", ""]),
    st.sampled_from("ab"),
    st.sampled_from(["CT", "MR", None]),
    st.sampled_from([None, 1, 9]),
)


@settings(max_examples=40)
@given(rows=st.lists(SERIES, min_size=1, max_size=12), kept=st.sampled_from(["include", "exclude"]))
def test_every_step_accounts_for_what_it_takes(
    rows: list[tuple[str, str, str, str | None, int | None]],
    kept: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    people = population(
        *(
            {"s": f"{site}/{patient}/{patient}{study}/{i}", "Modality": modality, "n_slices": slices}
            for i, (site, patient, study, modality, slices) in enumerate(rows)
        )
    )
    steps = (
        "[{name: 1, where: {Modality: CT}}, {name: 2, at_least: {slices: 3}},"
        " {name: 3, level: study, at_least: {series: 2}}, {name: 4, level: patient, at_most: {series: 4}}]"
    ).replace("name: ", "name: s")
    made = chosen(tmp_path_factory.mktemp("p"), people, f"unknown: {kept}\nsteps: {steps}")
    attrition, table = attrition_of(made), decisions_of(made)
    before = attrition.start
    for step in attrition.steps:
        assert before - step.out == step.left
        assert sum(one.n for one in step.reasons) == step.entities
        assert sum(left.series for _, left in step.sites.values()) == step.left.series
        before = step.left
    included = {row[0]: row[1] for row in table.filter("included").group_by("level").len().iter_rows()}
    assert (included.get("patient", 0), included.get("study", 0), included.get("series", 0)) == (
        before.patients, before.studies, before.series,
    )  # fmt: skip
    assert table.filter(~pl.col("included") & (pl.col("reasons").list.len() == 0)).is_empty()
    assert table["reasons"].list.len().to_list() == table["reasons_zh"].list.len().to_list()


def test_a_policy_says_the_same_twice(tmp_path: Path) -> None:
    text = "steps: [{name: s, where: {Modality: CT}}]"
    assert policy(tmp_path, text).sha256 == policy(tmp_path, text).sha256
    assert policy(tmp_path, text).sha256 != policy(tmp_path, text + "\n").sha256
