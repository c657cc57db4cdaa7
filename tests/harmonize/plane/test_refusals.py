"""Images that are kept out: text burned in, screens, several frames; and the way through plan and run."""

from pathlib import Path
from typing import Any

import pytest

from dqkit.harmonize.refusal import Reason, Refused
from tests.dicom_exam import put
from tests.dicom_factory import cr_image, fundus_image
from tests.harmonize.plane.images import made, recipe


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"BurnedInAnnotation": "YES"}, Reason.BURNED_IN),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, Reason.SECONDARY),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.4"}, Reason.SECONDARY),
        ({"ImageType": ["DERIVED", "SECONDARY"]}, Reason.SECONDARY),
        ({"NumberOfFrames": 2}, Reason.POSITIONS_UNKNOWN),
    ],
)
def test_what_may_be_no_image_is_refused(tmp_path: Path, attributes: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        made(put(cr_image()[0], attributes), tmp_path, recipe())
    assert refused.value.reason is reason


def test_a_recipe_may_keep_them(tmp_path: Path) -> None:
    keep = recipe(planar={"orient": False, "burned_in": "keep", "secondary": "keep"})
    attributes = {"BurnedInAnnotation": "YES", "ImageType": ["DERIVED", "SECONDARY"]}
    assert made(put(cr_image()[0], attributes), tmp_path, keep).voxels.shape == (256, 256)


def test_an_original_photograph_is_no_secondary_capture(tmp_path: Path) -> None:
    assert made(fundus_image()[0], tmp_path, recipe()).voxels.shape == (256, 256)
