"""Codes of a derived image are those of the standard, and say what was done."""

import numpy as np
import pytest
from pydicom.sr import _cid_dict, _concepts_dict

from dqkit.harmonize.derived import derivation
from dqkit.harmonize.derived.allowed import CLASSES
from dqkit.harmonize.derived.derivation import (
    MODIFYING,
    REFORMATTING,
    RESAMPLING,
    SMOOTHING,
    SOURCE_IMAGE,
    derivation_codes,
    source_images,
)
from dqkit.harmonize.derived.modality import RULES
from dqkit.harmonize.source import Contribution, SourceSlice
from tests.harmonize.solids import Scan, made, recipe, scanned, sphere

PLACED = (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("code", "cid"),
    [(RESAMPLING, 7203), (SMOOTHING, 7203), (REFORMATTING, 7203), (SOURCE_IMAGE, 7202), (MODIFYING, 7005)],
)
def test_codes_are_those_of_the_context_groups(code, cid):
    value, scheme, meaning = code
    known = {
        value: meaning
        for keyword in _cid_dict.cid_concepts[cid][scheme]
        for value, (meaning, _) in _concepts_dict.concepts[scheme][keyword].items()
    }
    assert known[value] == meaning


def test_every_class_has_its_rules():
    assert set(RULES) == set(CLASSES)


@pytest.mark.parametrize(
    ("how", "codes"),
    [
        ({}, []),
        ({"orientation": {"axes": "RAS"}}, []),
        ({"orientation": {"axes": "RSA"}}, [REFORMATTING]),
        ({"spacing": {"mm": 2}}, [RESAMPLING]),
        ({"spacing": {"mm": 5}}, [RESAMPLING, SMOOTHING]),
    ],
)
def test_codes_say_what_was_done(tmp_path, how, codes):
    stack = scanned(tmp_path, sphere((0, 0, 0), 15), Scan((16, 16), (3.0, 3.0), tuple(3.0 * i for i in range(14))))
    assert derivation_codes(made(stack, recipe(**how))) == codes


def test_tilt_that_is_taken_out_is_resampling(tmp_path):
    scan = Scan((16, 16), (3.0, 3.0), tuple(3.0 * i for i in range(14)), tilt_deg=12)
    image = made(scanned(tmp_path, sphere((0, 0, 0), 15), scan), recipe())
    assert derivation_codes(image) == [RESAMPLING]
    assert "shear" in derivation.derivation_text(image)
    assert np.allclose(image.volume.affine[:3, 2] @ image.volume.affine[:3, :2], 0)


def test_sources_of_a_slice_are_named_once_with_their_frames():
    sources = [SourceSlice("f", b"", frame, "1.2", "1.3", *PLACED) for frame in (1, 2, 3)]
    sources.append(SourceSlice("g", b"", 1, "1.4", "1.3", *PLACED))
    items = source_images([Contribution(i, 0.25) for i in (3, 2, 0, 2)], sources)
    assert [item.ReferencedSOPInstanceUID for item in items] == ["1.4", "1.2"]
    assert "ReferencedFrameNumber" not in items[0]
    assert list(items[1].ReferencedFrameNumber) == [1, 3]
    assert items[1].PurposeOfReferenceCodeSequence[0].CodeValue == SOURCE_IMAGE[0]
