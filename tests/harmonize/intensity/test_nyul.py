"""Landmarks of histograms: learnt on a set, kept with where they come from, applied to new images."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqkit.errors import DqkitError
from dqkit.harmonize.intensity import nyul
from dqkit.harmonize.intensity.foreground import foreground
from dqkit.harmonize.intensity.landmarks import (
    Landmarks,
    Standard,
    from_json,
    learn,
    load_landmarks,
    to_json,
    to_standard,
)
from dqkit.harmonize.refusal import Refused
from tests.harmonize.intensity.heads import context, head, step, tissue_map, volume

PARAMS = {"landmarks": "landmarks.json", "percentiles": list(nyul.PERCENTILES), "mask": "foreground", "on_hu": False}


def learnt(folder: Path, role: str = "t1", modality: str = "MR") -> Landmarks:
    """Learn on three scanners of different scale and contrast, and keep the landmarks in `folder`."""
    heads = [head(1.0), head(4.0, 50, seed=3), head(0.3, 5, seed=4, gamma=1.2)]
    standard = learn([nyul.measure(volume(one), PARAMS, context())[0] for one in heads])
    found = Landmarks(nyul.PERCENTILES, (Standard(modality, role, standard, ("a1", "b2", "c3")),), "r", "0" * 64)
    (folder / "landmarks.json").write_text(json.dumps(to_json(found)))
    return found


def matched(folder: Path, voxels: np.ndarray) -> np.ndarray:
    return step("nyul", volume(voxels), context(folder=folder), landmarks="landmarks.json").voxels


def test_two_scales_of_one_head_come_to_the_same(tmp_path: Path) -> None:
    learnt(tmp_path)
    one, other = matched(tmp_path, head()), matched(tmp_path, head(9.0, 400))
    assert np.abs(one - other).max() < 0.01


def test_heads_of_scanners_with_other_contrast_come_close(tmp_path: Path) -> None:
    learnt(tmp_path)
    white, grey = tissue_map() == 4, tissue_map() == 3
    new = [matched(tmp_path, one) for one in (head(2.0, seed=8), head(0.7, 20, seed=9, gamma=1.3))]
    for tissue in (white, grey):
        assert np.median(new[0][tissue]) == pytest.approx(np.median(new[1][tissue]), abs=2)
    assert np.median(new[0][white]) > np.median(new[0][grey]) + 10


def test_landmarks_of_the_image_come_to_those_of_the_standard(tmp_path: Path) -> None:
    standard = learnt(tmp_path).standards[0].landmarks
    done = matched(tmp_path, head(2.0))
    found = np.percentile(done[foreground(volume(head(2.0)))[0]], nyul.PERCENTILES)
    assert found == pytest.approx(standard, abs=0.05)


def test_the_step_says_which_landmarks_and_how_many_images(tmp_path: Path) -> None:
    learnt(tmp_path)
    done = step("nyul", volume(head()), context(folder=tmp_path), landmarks="landmarks.json")
    record = done.steps[-1].parameters
    assert (record["learnt_on"], record["role"]) == (3, "t1")
    assert record["landmarks_sha256"] == load_landmarks(tmp_path / "landmarks.json")[1]
    assert json.loads(json.dumps(record)) == record


def test_missing_landmarks_say_how_to_learn_them(tmp_path: Path) -> None:
    with pytest.raises(DqkitError) as refused:
        matched(tmp_path, head())
    assert "landmarks.json cannot be read" in refused.value.message
    assert "dqkit landmarks" in refused.value.hint


@pytest.mark.parametrize(("role", "modality"), [("t2", "MR"), ("", "MR"), ("t1", "PT")])
def test_landmarks_of_another_role_or_modality_are_refused(tmp_path: Path, role: str, modality: str) -> None:
    learnt(tmp_path)
    with pytest.raises(Refused, match="the landmarks were learnt on MR t1; this is"):
        step("nyul", volume(head()), context(role, modality, tmp_path), landmarks="landmarks.json")


def test_landmarks_at_other_percentiles_are_refused(tmp_path: Path) -> None:
    learnt(tmp_path)
    with pytest.raises(Refused, match="other percentiles"):
        step("nyul", volume(head()), context(folder=tmp_path), landmarks="landmarks.json", percentiles=[1, 50, 99])


def test_hounsfield_units_are_refused(tmp_path: Path) -> None:
    learnt(tmp_path, modality="CT", role="ct-soft")
    about = context("ct-soft", "CT", tmp_path)
    with pytest.raises(Refused, match="on_hu: true"):
        step("nyul", volume(head() - 1000, "HU"), about, landmarks="landmarks.json")


def test_an_absolute_path_is_used_as_it_is(tmp_path: Path) -> None:
    learnt(tmp_path)
    about = context(folder=tmp_path / "elsewhere")
    assert step("nyul", volume(head()), about, landmarks=str(tmp_path / "landmarks.json")).unit == "1"


def test_landmarks_survive_json_exactly(tmp_path: Path) -> None:
    found = replace(learnt(tmp_path), before=({"n4": {"shrink": 4}},), training="split = train", dqkit_version="0.1")
    assert from_json(json.loads(json.dumps(to_json(found)))) == found


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"}, {"version": 2}, {"percentiles": [1]}, {"percentiles": [99, 1]}, {"standards": []},
        {"standards": [{"modality": "MR", "role": "", "landmarks": [0, 1], "images": []}]}, {"standards": 3},
        {"percentiles": ["one", "two"]},
    ],
)  # fmt: skip
def test_what_is_no_file_of_landmarks_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    data = to_json(learnt(tmp_path)) | change
    (tmp_path / "landmarks.json").write_text(json.dumps(data))
    with pytest.raises(DqkitError, match="no file of landmarks"):
        matched(tmp_path, head())


def test_agrees_with_the_library_inside_and_beyond_the_landmarks() -> None:
    from intensity_normalization.adapters.images import NumpyImageAdapter
    from intensity_normalization.normalizers.population.nyul import NyulNormalizer

    heads = [head(1.0), head(4.0, 50, seed=3)]
    masks = [foreground(volume(one))[0] for one in heads]
    library = NyulNormalizer(output_min_value=0)
    library.fit_population([NumpyImageAdapter(h) for h in heads], [NumpyImageAdapter(m) for m in masks])
    standard = learn([nyul.measure(volume(one), PARAMS, context())[0] for one in heads])
    assert standard == pytest.approx(library.standard_scale, abs=1e-4)  # it works in float32
    new = head(2.0, 10, seed=6)
    mask = foreground(volume(new))[0]
    theirs = library.transform(NumpyImageAdapter(new), NumpyImageAdapter(mask)).get_data()
    ours = to_standard(new, nyul.measure(volume(new), PARAMS, context())[0], standard)
    assert np.abs(ours - theirs).max() < 1e-3


@given(
    st.lists(st.integers(-10_000, 10_000), min_size=3, max_size=11).map(sorted).filter(lambda v: v[0] < v[-1]),
    st.lists(st.floats(-2e4, 2e4), min_size=2, max_size=30).map(sorted),
)
def test_the_mapping_never_turns_the_order_of_values_over(found: list[int], values: list[float]) -> None:
    standard = np.linspace(0, 100, len(found))
    mapped = to_standard(np.array([values]), np.array(found, float), standard)[0]
    assert np.isfinite(mapped).all()
    assert (np.diff(mapped) >= -1e-3 * np.maximum(1, np.abs(mapped[1:]))).all()


def test_landmarks_that_coincide_count_once() -> None:
    mapped = to_standard(np.array([[0.0, 5.0, 10.0]]), np.array([0.0, 0, 0, 10, 10]), (0, 25, 50, 75, 100))
    assert mapped[0] == pytest.approx([0, 50, 100])
