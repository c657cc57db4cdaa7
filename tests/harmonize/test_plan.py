"""Plans: what is decided about a stack, which stacks become one image, and what the file says."""

import re
import stat
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from dqkit.catalog.cohort import Cohort
from dqkit.errors import DqkitError, NothingToCheckError
from dqkit.harmonize.decide import decide
from dqkit.harmonize.make_plan import make_plan
from dqkit.harmonize.plan import Mend, Namer, images_of
from dqkit.harmonize.plan_file import plan_to_plain, read_plan, write_plan
from dqkit.harmonize.series_of_volumes import shown, suffix_of
from tests.dicom_exam import Exam
from tests.dicom_factory import Grid, ct_localizer, ct_series, mr_series, write
from tests.harmonize.conftest import KEYED, Archive, indexed
from tests.harmonize.solids import recipe

NAMER = Namer("{modality}-{stack}", "ours", KEYED, frozenset({"CT", "MR"}))


def row(n: int = 6, step: float = 3.0, **told: Any) -> dict[str, Any]:
    """Return a row of stack_rows for an even, upright CT."""
    positions = [step * i for i in range(n)]
    usual: dict[str, Any] = {
        "stack_id": "0123456789abcdef0123", "series_key": "series", "study_key": "study", "patient_key": "patient",
        "site": "North", "Modality": "CT", "kind": "frames", "split_key": "", "is_derived": False,
        "image_type": "ORIGINAL",
        "Rows": 64, "Columns": 64, "n_slices": n, "slice_positions_mm": positions, "corner": "0", "offline": False,
        "is_localizer": False, "pixels": None, "photometric": "MONOCHROME2", "order_inferred": False,
        "PixelSpacing": [1.0, 1.0], "orthonormality_error": 0.0, "off_axis_mm": 0.0, "duplicates_at": [],
        "gap_after": [], "slices_missing": 0, "tilt_deg": 0.0, "instance_numbers": list(range(1, n + 1)),
        "file_ids": [f"file-{i}" for i in range(n)], "frame_numbers": [1] * n, "frames_unplaced": False,
    }  # fmt: skip
    return usual | told


def decided(one: dict[str, Any], **policy: str) -> list[Any]:
    """Return the steps of each part, or the reason of the refusal."""
    found = decide(one, recipe(policy=policy))
    return [list(part.do) for part in found.parts] + [str(refused.reason) for _, refused in found.refused]


REASONS = {
    "scout": (row(is_localizer=True), "scout"),
    "offline": (row(offline=True), "offline"),
    "pixels": (row(pixels="too_short"), "pixels"),
    "colour": (row(photometric="RGB"), "colour"),
    "no spacing": (row(PixelSpacing=None), "no_spacing"),
    "no orientation": (row(slice_positions_mm=None), "no_orientation"),
    "cosines": (row(orthonormality_error=0.02), "not_orthonormal"),
    "zigzag": (row(off_axis_mm=0.6), "not_collinear"),
    "gap": (row(gap_after=[2], slices_missing=2), "gap"),
    "uneven": (row(slice_positions_mm=[0, 1, 2, 3, 5, 7]), "irregular"),
    "all at one place": (row(2, slice_positions_mm=[4.0, 4.0], duplicates_at=[1]), "ambiguous"),
    "no length": (row(PixelSpacing=[-1.0, 1.0], off_axis_mm=0.6), "no_spacing"),
    "more frames than are placed": (row(frames_unplaced=True), "positions_unknown"),
    "plain multi-frame": (row(kind="plain", slice_positions_mm=None), "positions_unknown"),
}


@pytest.mark.parametrize("case", REASONS)
def test_what_cannot_become_a_volume_has_its_reason(case: str) -> None:
    one, reason = REASONS[case]
    assert decided(one) == [reason]


def test_policies_decide_what_may_be_done_about_it() -> None:
    gap = row(7, slice_positions_mm=[0, 3, 6, 15, 18, 21, 24], gap_after=[2], slices_missing=2)
    assert decided(gap, gaps="split") == [["split"], ["split"]]
    assert decided(gap, gaps="interpolate") == [["even"]]
    wider = row(7, slice_positions_mm=[0, 1, 2, 3, 5, 7, 9])
    assert decided(wider, irregular="interpolate") == [["even"]]
    assert decided(wider, irregular="split") == [["split"], ["split"]]
    assert decided(row(is_localizer=True), scouts="keep") == [[]]
    assert decided(row(1), single="reject") == ["single"]
    assert decided(row(order_inferred=True), inferred="reject") == ["order_inferred"]
    assert decided(row(7, slice_positions_mm=[0, 3, 3, 6, 9, 12, 15], duplicates_at=[2])) == [["copies"]]
    assert decided(row(7, duplicates_at=[2]), duplicates="reject") == ["ambiguous"]


def test_a_part_of_one_slice_is_refused_by_itself_where_single_slices_are() -> None:
    gap = row(4, slice_positions_mm=[0, 3, 6, 15], gap_after=[2], slices_missing=2)
    found = decide(gap, recipe(policy={"gaps": "split", "single": "reject"}))
    assert [part.slices for part in found.parts] == [(0, 3)]
    assert [(slices, str(refused.reason)) for slices, refused in found.refused] == [((3, 4), "single")]


def test_gaps_are_counted_without_the_copies_before_them() -> None:
    one = row(8, slice_positions_mm=[0, 3, 3, 6, 15, 18, 21, 24], duplicates_at=[2], gap_after=[3], slices_missing=2)
    found = decide(one, recipe(policy={"gaps": "split"}))
    assert [part.slices for part in found.parts] == [(0, 3), (3, 7)]
    assert found.parts[0].do == ("copies", "split")


@pytest.mark.parametrize(("tilt", "steps"), [(18.5, [["shear"]]), (0.2, [[]]), (0.5, [["shear"]])])
def test_a_lean_is_undone_where_it_moves_a_corner(tilt: float, steps: list[Any]) -> None:
    assert decided(row(tilt_deg=tilt)) == steps


def echoes(**told: Any) -> list[dict[str, Any]]:
    return [
        row(stack_id=f"{k}" * 20, split_key=f"EchoNumbers={k}; EchoTime={5 * k}", Modality="MR", **told)
        for k in (2, 1, 3)
    ]


def test_volumes_that_differ_in_echo_time_or_b_value_become_one_image_in_order() -> None:
    (image,), _ = images_of(echoes(), recipe(), NAMER, {})
    assert [stack[0] for stack in image.stacks] == ["1", "2", "3"]
    assert image.times == tuple({"EchoNumbers": f"{k}", "EchoTime": f"{5 * k}"} for k in (1, 2, 3))
    assert image.name == "mr-111111111111_4d"


def test_or_one_file_each_whose_name_says_which() -> None:
    images, _ = images_of(echoes(), recipe(output={"four_d": False}), NAMER, {})
    assert [image.name for image in images] == [f"mr-{k * 12}_echo-{k}_te-{5 * int(k)}" for k in "123"]


@pytest.mark.parametrize(
    "differs", [{"image_type": "DERIVED"}, {"corner": "9"}, {"Rows": 32}, {"is_derived": True}, {"kind": "mosaic"}]
)
def test_volumes_of_another_grid_or_kind_stay_apart(differs: dict[str, Any]) -> None:
    first, second, third = echoes()
    images, _ = images_of([first, second, third | differs], recipe(), NAMER, {})
    assert sorted(len(image.stacks) for image in images) == [1, 2]


def test_magnitude_and_phase_stay_apart() -> None:
    rows = [row(stack_id=f"{k}" * 20, split_key=f"ImageType={kind}") for k, kind in enumerate(("M", "P"))]
    images, _ = images_of(rows, recipe(), NAMER, {})
    assert len(images) == 2


DWI = "diffusion_b_value={}; DiffusionGradientOrientation={}"
ENHANCED = "frame_groups=DiffusionBValue={}|DiffusionDirectionality={}|DiffusionGradientOrientation={}"


@pytest.mark.parametrize(
    ("keys", "sizes"),
    [
        ([DWI.format(1000, "1\\0\\0"), DWI.format(1000, "0\\1\\0"), DWI.format(1000, "0\\0\\0")], [1, 2]),
        ([DWI.format(0, ""), DWI.format(1000, "0\\1\\0"), DWI.format(1000, "")], [1, 2]),
        (["diffusion_b_value=0", DWI.format(1000, "0\\1\\0"), DWI.format(1.25, "0\\0\\0")], [3]),
        (["diffusion_b_value=0", "diffusion_b_value=500", "diffusion_b_value=1000"], [3]),
        (
            [
                ENHANCED.format(0, "NONE", ""),
                ENHANCED.format(1000, "DIRECTIONAL", "0\\0\\1"),
                ENHANCED.format(1000, "ISOTROPIC", ""),
            ],
            [1, 2],
        ),
        ([ENHANCED.format(0, "NONE", ""), ENHANCED.format(800, "ISOTROPIC", "")], [2]),
    ],
)
def test_a_trace_image_stays_apart_from_the_gradients_that_it_was_made_of(keys: list[str], sizes: list[int]) -> None:
    rows = [row(stack_id=f"{k}" * 20, split_key=key, Modality="MR") for k, key in enumerate(keys)]
    images, _ = images_of(rows, recipe(), NAMER, {})
    assert sorted(len(image.stacks) for image in images) == sizes


def test_functional_groups_tell_volumes_apart_one_by_one() -> None:
    one = row(split_key="frame_groups=EffectiveEchoTime=4.5|TemporalPositionIndex=3|StackID=1")
    assert shown(one) == {"EchoTime": "4.5", "TemporalPositionIdentifier": "3"}
    assert suffix_of(one) == "te-4p5_t-3"


@pytest.mark.parametrize("key", ["AcquisitionTime=101112.5", "SOPInstanceUID=1.2.3", "AcquisitionDateTime=20240101"])
def test_nothing_that_says_who_or_when_reaches_a_name(key: str) -> None:
    assert (shown(row(split_key=key)), suffix_of(row(split_key=key))) == ({}, "")


def test_remedies_that_ask_for_a_step_of_the_recipe_are_mended_by_it() -> None:
    asked = {"series": [Mend("GEO-019", "split"), Mend("ACQ-001")], row()["stack_id"]: [Mend("GEO-014", "shear")]}
    (upright,), _ = images_of([row()], recipe(), NAMER, asked)
    assert (upright.mends, upright.remains) == (("GEO-019",), ("ACQ-001", "GEO-014"))
    (tilted,), _ = images_of([row(tilt_deg=18.5)], recipe(), NAMER, asked)
    assert (tilted.mends, tilted.remains) == (("GEO-014", "GEO-019"), ("ACQ-001",))
    (left,), _ = images_of([row(tilt_deg=18.5)], recipe(policy={"tilt": "off"}), NAMER, asked)
    assert left.mends == ("GEO-019",)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Return a clinic with a CT, its scout, multi-echo MR and DWI, of people with names."""
    root = tmp_path_factory.mktemp("clinic")
    grid = Grid(n=4, rows=16, columns=16)
    exam = Exam(patient="JONES-77", name="Jones^Indiana")
    write([*ct_series(exam, grid), ct_localizer(exam)], root / "archive" / "ct")
    write(mr_series(exam, grid, 3, echoes_ms=(5.0, 10.0)), root / "archive" / "echoes")
    write(mr_series(exam, grid, 4, contrast="DWI", b_values=(0, 1000)), root / "archive" / "dwi")
    return indexed(root / "archive", root / "catalog")


def test_a_plan_survives_its_file_byte_by_byte(clinic: Archive, tmp_path: Path) -> None:
    plan = clinic.plan(recipe())
    write_plan(plan, tmp_path / "one.yaml")
    write_plan(clinic.plan(recipe()), tmp_path / "two.yaml")
    assert (tmp_path / "one.yaml").read_bytes() == (tmp_path / "two.yaml").read_bytes()
    assert plan_to_plain(read_plan(tmp_path / "one.yaml")) == plan_to_plain(plan)
    assert stat.S_IMODE((tmp_path / "one.yaml").stat().st_mode) == 0o600


def test_a_plan_names_nobody(clinic: Archive, tmp_path: Path) -> None:
    write_plan(clinic.plan(recipe()), tmp_path / "plan.yaml")
    text = (tmp_path / "plan.yaml").read_text()
    assert not re.search(r"JONES|Jones|Indiana|20240311|North General|2\.25\.\d+", text)


def test_every_stack_is_written_refused_or_out_of_scope(clinic: Archive) -> None:
    plan = clinic.plan(recipe("ct-1mm-iso"))
    stacks = clinic.catalog.scan("stacks").collect().height
    written = sum(len(image.stacks) for image in plan.images)
    assert written + len(plan.refusals) + sum(plan.out_of_scope.values()) == stacks
    assert [str(one.reason) for one in plan.refusals] == ["scout"]
    assert dict(plan.out_of_scope) == {"MR": 4}


def test_series_can_be_selected_by_their_columns(clinic: Archive) -> None:
    assert {image.modality for image in clinic.plan(recipe(), ("Modality=MR",)).images} == {"MR"}
    assert len(clinic.plan(recipe(), ("Modality=MR", "EchoTrainLength=64")).images) == 1
    assert len(clinic.plan(recipe(), ("role=dwi",)).images) == 1


def test_a_cohort_narrows_a_plan_and_stands_in_it(clinic: Archive) -> None:
    keys = clinic.catalog.scan("series").filter(pl.col("EchoTrainLength") == 64).select("series_key").collect()
    cohort = Cohort("stroke", "a" * 64, "b" * 64, 1, series=keys)
    plan = make_plan(clinic.catalog, recipe(), (), KEYED, cohort=cohort)
    assert {image.series_key for image in plan.images} == set(keys["series_key"])
    assert plan.selected == ("cohort stroke aaaaaaaaaaaa",)


@pytest.mark.parametrize(
    ("select", "message"),
    [
        ("Modality", "not understood"),
        ("Modalty=CT", "no column"),
        ("KVP=high", "holds number"),
        ("site=Mars", "no series"),
    ],
)
def test_a_selection_that_means_nothing_is_told(clinic: Archive, select: str, message: str) -> None:
    with pytest.raises(DqkitError, match=message):
        clinic.plan(recipe(), (select,))


def test_a_catalog_without_stacks_has_nothing_to_plan(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "note.txt").write_text("no images here")
    with pytest.raises(NothingToCheckError):
        indexed(tmp_path / "archive", tmp_path / "catalog").plan(recipe())


DAMAGE = {
    "not YAML": lambda text: "{" + text,
    "another file": lambda text: "name: ours\n",
    "another format": lambda text: text.replace("dqkit_plan: 1", "dqkit_plan: 99"),
    "a name that climbs": lambda text: re.sub(r"name: \S+/\S+", "name: ../../etc/passwd", text, count=2),
    "another recipe": lambda text: text.replace("bit_depth: auto", "bit_depth: int16"),
    "an unknown step": lambda text: text.replace("do: []", "do: [fly]", 1),
    "a name that no file can have": lambda text: re.sub(r"name: (\S+)/\S+", "name: /a" + "x" * 200, text, count=1),
    "a name that stands twice": lambda text: re.sub(r"name: (\S+)/\S+", "name: same/place", text),
    "a part is gone": lambda text: text.replace("write:", "writ:"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_plan_that_was_damaged_is_told(clinic: Archive, tmp_path: Path, case: str) -> None:
    write_plan(clinic.plan(recipe()), tmp_path / "plan.yaml")
    (tmp_path / "plan.yaml").write_text(DAMAGE[case]((tmp_path / "plan.yaml").read_text()))
    with pytest.raises(DqkitError):
        read_plan(tmp_path / "plan.yaml")


def test_a_plan_is_not_written_over_what_is_no_plan(clinic: Archive, tmp_path: Path) -> None:
    plan, path = clinic.plan(recipe()), tmp_path / "ours.yaml"
    path.write_text("name: ours\n")
    with pytest.raises(DqkitError, match="is there, and is no plan"):
        write_plan(plan, path)
    assert path.read_text() == "name: ours\n"
    for _ in range(2):
        write_plan(plan, tmp_path / "plan.yaml")


def test_lines_may_be_taken_out_of_a_plan(clinic: Archive, tmp_path: Path) -> None:
    write_plan(clinic.plan(recipe()), tmp_path / "plan.yaml")
    plain = yaml.safe_load((tmp_path / "plan.yaml").read_text())
    plain["write"] = plain["write"][:1]
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plain))
    assert len(read_plan(tmp_path / "plan.yaml").images) == 1
