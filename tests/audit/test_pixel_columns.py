"""What pixels say of stacks, series and patients, from rows made by hand."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from dqkit.audit.explanation import _blaming
from dqkit.audit.frames import frame_of
from dqkit.catalog.schema import FRAMES
from dqkit.model import Level, Outcome
from dqkit.pixels.signature import signature_of
from dqkit.rulebook.book import load_book
from tests import phantoms
from tests.audit.conftest import HandMade


def slice_of(z: float) -> Any:
    y, x = np.mgrid[0:64, 0:64] / 64 - 0.5
    return phantoms.chest_hu(np.stack([x, y, np.full_like(x, z)], axis=-1), np.random.default_rng(int(z * 1000)))


IMAGES = [slice_of(z / 100) for z in range(8)]
SOUND: dict[str, Any] = {
    "decodes": True, "frame": 1, "frames_looked_at": 1, "commonest_share": 0.2, "grey_levels": 900,
    "neighbour_correlation": 0.9, "clipped_share": 0.0, "rescaled_min": -1024.0, "share_at_min": 0.1,
    "negative_share": 0.6, "air_peak_hu": -1000.0, "tissue_peak_hu": 40.0, "snr": 20.0, "cnr": 5.0, "sharpness": 1.0,
}  # fmt: skip


def measure(i: int, **more: Any) -> dict[str, Any]:
    row = {"file_id": f"f{i}", "bucket": 1, "pixel_sha256": f"s{i}", "signature": signature_of(IMAGES[i])}
    return SOUND | row | more


def stack(n: int = 8, **more: Any) -> dict[str, Any]:
    row = {"stack_id": "k", "bucket": 1, "n_slices": n, "file_ids": [f"f{i}" for i in range(n)], "Modality": "CT"}
    positions = [float(3 * i) for i in range(n)]
    return row | {"frame_numbers": [1] * n, "slice_positions_mm": positions, "is_localizer": False} | more


def columns(measures: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    tables = HandMade({"stacks": [stack(**more)], "pixel_measures": measures})
    return frame_of(Level.STACK, tables).collect().row(0, named=True)


def changed(**at: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the measures of eight slices, some of them changed: s3={...}."""
    return [measure(i, **at.get(f"s{i}", {})) for i in range(8)]


def test_a_sound_stack_has_empty_lists() -> None:
    found = columns(changed())
    names = ("blank_slices", "blank_end_slices", "identical_slices", "noise_slices", "mirrored_slices")
    assert {name: found[name] for name in names} == {name: [] for name in names}
    assert (found["air_peak_hu"], found["tissue_peak_hu"], found["shows_air"], found["is_tiled"]) == (
        -1000, 40, True, False,
    )  # fmt: skip


def test_nothing_is_said_of_a_stack_of_which_a_slice_was_not_decoded() -> None:
    found = columns(changed()[:-1])
    assert found["blank_slices"] is None
    assert found["mirrored_slices"] is None
    assert found["shows_air"] is None


BLANK = {"commonest_share": 1.0, "neighbour_correlation": None, "signature": None, "pixel_sha256": "blank"}


def test_blank_slices_inside_are_told_from_those_at_the_ends() -> None:
    found = columns(changed(s0=BLANK, s3=BLANK, s4=BLANK, s7=BLANK))
    assert (found["blank_slices"], found["blank_end_slices"]) == ([3, 4], [0, 7])
    assert found["identical_slices"] == []


def test_a_stack_that_is_blank_throughout_has_no_ends() -> None:
    found = columns([measure(i, **BLANK) for i in range(8)])
    assert (found["blank_slices"], found["blank_end_slices"]) == ([], [])


def test_same_pixels_at_another_place_are_identical_and_at_the_same_place_are_not() -> None:
    repeated = changed(s4={"pixel_sha256": "s2"}, s5={"pixel_sha256": "s2"})
    assert columns(repeated)["identical_slices"] == [4, 5]
    positions = [0.0, 3.0, 6.0, 9.0, 6.0, 6.0, 18.0, 21.0]
    assert columns(repeated, slice_positions_mm=positions)["identical_slices"] == []


NOISE = {"neighbour_correlation": 0.02}


@pytest.mark.parametrize(
    ("noisy", "named"), [([3], [3]), ([0], []), ([6, 7], []), ([2, 5], [2, 5]), (range(8), list(range(8)))]
)
def test_noise_counts_between_images_or_throughout_and_not_beyond_the_body(noisy: Any, named: list[int]) -> None:
    assert columns(changed(**{f"s{i}": NOISE for i in noisy}))["noise_slices"] == named


@pytest.mark.parametrize("turned", [[3], [0], [7], [5, 6, 7], [0, 1], [2, 5]])
@pytest.mark.parametrize("way", ["left to right", "up to down", "both"])
def test_slices_that_are_turned_over_are_named(turned: list[int], way: str) -> None:
    turn = {
        "left to right": lambda image: image[:, ::-1],
        "up to down": lambda image: image[::-1],
        "both": lambda image: image[::-1, ::-1],
    }[way]
    found = columns(changed(**{f"s{i}": {"signature": signature_of(turn(IMAGES[i]))} for i in turned}))
    assert found["mirrored_slices"] == turned


def test_slices_of_one_stack_are_not_compared_with_those_of_the_next() -> None:
    other = [row | {"file_id": f"g{i}"} for i, row in enumerate(changed())]
    for row, image in zip(other, IMAGES, strict=True):
        row["signature"] = signature_of(image[:, ::-1])
    stacks = [stack(), stack(stack_id="l", file_ids=[f"g{i}" for i in range(8)])]
    found = frame_of(Level.STACK, HandMade({"stacks": stacks, "pixel_measures": changed() + other})).collect()
    assert found["mirrored_slices"].to_list() == [[], []]


def test_frames_of_one_file_are_slices_and_tiles_of_one_frame_are_not() -> None:
    frames = [row | {"file_id": "f0", "frame": i + 1} for i, row in enumerate(changed(s3=BLANK))]
    one_file = {"file_ids": ["f0"] * 8}
    assert columns(frames, **one_file, frame_numbers=list(range(1, 9)))["blank_slices"] == [3]
    tiled = columns(frames[:1], **one_file, frame_numbers=[1] * 8)
    assert (tiled["is_tiled"], tiled["blank_slices"]) == (True, None)


def test_only_what_lies_far_below_air_is_undeclared_padding() -> None:
    assert columns(changed())["undeclared_padding_share"] == 0
    low = {"rescaled_min": -3024.0, "share_at_min": 0.2}
    assert columns(changed(s1=low))["undeclared_padding_share"] == 0.2


def instance(i: int, **more: Any) -> dict[str, Any]:
    row = {"file_id": f"f{i}", "status": "dicom", "Rows": 64, "Modality": "CT", "series_key": "s", "PatientID": "P1"}
    return row | {"patient_key": "p1", "study_key": "t", "site": "x"} | more


def test_a_file_that_nothing_reads_or_that_is_too_large_is_unknown_and_a_corrupt_one_fails() -> None:
    words = ["no_decoder", "unsupported", "too_large", "corrupt", "timeout", "crashed"]
    measures = [measure(i, decodes=False, decode_error=word) for i, word in enumerate(words)]
    tables = HandMade({"instances": [instance(i) for i in range(6)], "pixel_measures": measures})
    found = frame_of(Level.INSTANCE, tables).sort("file_id").collect()
    assert found["decodes"].to_list() == [None, None, None, False, False, False]


def test_a_blank_end_is_no_constant_image_of_its_own() -> None:
    tables = HandMade(
        {
            "stacks": [stack()],
            "instances": [instance(i) for i in range(8)],
            "pixel_measures": changed(s0=BLANK, s4=BLANK),
        }
    )
    found = frame_of(Level.INSTANCE, tables).collect()
    assert found.filter("at_blank_end")["file_id"].to_list() == ["f0"]


def test_one_frame_speaks_for_its_file_by_its_worst() -> None:
    frames = [
        measure(i, file_id="f0", frame=i + 1, outside_bits_share=i / 10, pixel_min=-i, pixel_max=i) for i in range(3)
    ]
    tables = HandMade({"instances": [instance(0, NumberOfFrames=3)], "pixel_measures": frames})
    found = frame_of(Level.INSTANCE, tables).collect().row(0, named=True)
    assert (found["outside_bits_share"], found["pixel_min"], found["pixel_max"]) == (0.2, -2, 2)


def test_pixels_under_two_patient_ids_are_counted_for_both() -> None:
    people = [("p1", "P1", "same"), ("p2", "P2", "same"), ("p3", "P3", "own"), ("p4", "P1", "same")]
    instances = [instance(i, patient_key=key, PatientID=name) for i, (key, name, _) in enumerate(people)]
    measures = [measure(i, pixel_sha256=sha) for i, (_, _, sha) in enumerate(people)]
    series = [{"series_key": f"s{i}", "patient_key": key} for i, (key, _, _) in enumerate(people)]
    tables = HandMade({"instances": instances, "pixel_measures": measures, "series": series})
    found = frame_of(Level.PATIENT, tables).sort("patient_key").collect()
    assert found["n_sharing_pixels"].to_list() == [1, 1, 0, 1]


def test_blank_images_and_derived_ones_are_not_shared() -> None:
    people = [("p1", BLANK), ("p2", BLANK)]
    instances = [instance(i, patient_key=key, PatientID=key) for i, (key, _) in enumerate(people)]
    measures = [measure(i, **more) for i, (_, more) in enumerate(people)]
    series = [{"series_key": key, "patient_key": key} for key, _ in people]
    tables = HandMade({"instances": instances, "pixel_measures": measures, "series": series})
    assert frame_of(Level.PATIENT, tables).collect()["n_sharing_pixels"].to_list() == [0, 0]


def test_a_series_has_the_medians_of_its_images_without_scouts() -> None:
    instances = [instance(i, is_localizer=i == 3) for i in range(4)]
    measures = [measure(i, snr=value) for i, value in enumerate((10.0, 20.0, 60.0, 999.0))]
    tables = HandMade({"instances": instances, "pixel_measures": measures, "series": [{"series_key": "s"}]})
    found = frame_of(Level.SERIES, tables).collect().row(0, named=True)
    assert (found["snr"], found["n_looked_at"], found["n_alike"]) == (20.0, 3, 1)


@pytest.mark.parametrize("level", [Level.INSTANCE, Level.STACK, Level.SERIES, Level.PATIENT])
def test_frames_have_their_columns_whether_or_not_pixels_were_decoded(level: Level) -> None:
    for measures in ([], changed()):
        rows = {"stacks": [stack()], "instances": [instance(i) for i in range(8)], "pixel_measures": measures}
        found = frame_of(level, HandMade(rows | {"series": [{"series_key": "s", "patient_key": "p1"}]})).collect()
        assert dict(found.schema) == FRAMES[level]


def test_rules_on_pixels_are_unknown_where_nothing_has_looked() -> None:
    rows = {"stacks": [stack(is_derived=False)], "instances": [instance(i) for i in range(8)], "pixel_measures": []}
    frame = frame_of(Level.STACK, HandMade(rows))
    rules = [rule for rule in load_book() if rule.family == "PIX" and rule.level is Level.STACK]
    outcomes = frame.select(rule.outcome().alias(rule.id) for rule in rules).collect().row(0, named=True)
    of_other_modalities = {"PIX-010", "PIX-018"}
    assert {rule_id for rule_id, outcome in outcomes.items() if outcome != Outcome.NOT_LOOKED_AT} <= {
        *of_other_modalities, "PIX-012",  # which asks for a matrix
    }  # fmt: skip


def test_an_explanation_marks_the_slices_that_a_finding_names_and_geometry_does_not() -> None:
    slices = pl.DataFrame({"fault": ["", "", ""], "at_fault": [False] * 3, "path": ["a", "b", "c"]})
    assert _blaming(slices, ["b"])["fault"].to_list() == ["", "at fault", ""]
    assert not _blaming(slices, ["a", "b", "c"])["at_fault"].any()
    gap = slices.with_columns(at_fault=pl.Series([True, False, False]))
    assert _blaming(gap, ["b"]).equals(gap)
