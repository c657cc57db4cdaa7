"""Files of one SOPInstanceUID: the same, recoded, or different; told once a site."""

from typing import Any

from dqkit.audit.copies import copies_of
from tests.audit.conftest import HandMade

EXPLICIT, RLE, JPEG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.50"


def file(name: str, content: str, syntax: str = EXPLICIT, **more: Any) -> dict[str, Any]:
    return {
        "file_id": name, "site": "north", "status": "dicom", "SOPInstanceUID": "1.2.3", "content_sha256": content,
        "TransferSyntaxUID": syntax, "has_preamble": True, "has_file_meta": True, "Rows": 512, **more,
    }  # fmt: skip


def told(*files: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Return what is told of which file: kind -> files."""
    found = {}
    for row in copies_of(HandMade({"instances": list(files)})).collect().to_dicts():
        lists = {kind: row[f"files_{kind}"] for kind in ("same", "recoded", "different") if row[f"files_{kind}"]}
        if lists:
            found[row["file_id"]] = lists
    return found


def test_the_same_bytes_are_copies() -> None:
    assert told(file("b", "x"), file("a", "x"), file("c", "x")) == {"a": {"same": ["a", "b", "c"]}}


def test_other_bytes_of_one_encoding_differ() -> None:
    assert told(file("a", "x"), file("b", "y")) == {"a": {"different": ["a", "b"]}}


def test_another_lossless_encoding_is_the_same_object() -> None:
    assert told(file("a", "x"), file("b", "y", RLE)) == {"a": {"recoded": ["a", "b"]}}
    assert told(file("a", "x"), file("b", "y", has_preamble=False)) == {"a": {"recoded": ["a", "b"]}}


def test_colour_transforms_that_decoding_undoes_are_no_difference() -> None:
    rgb = file("a", "x", PhotometricInterpretation="RGB", PlanarConfiguration=1)
    rct = file("b", "y", "1.2.840.10008.1.2.4.90", PhotometricInterpretation="YBR_RCT", PlanarConfiguration=0)
    assert told(rgb, rct) == {"a": {"recoded": ["a", "b"]}}


def test_a_lossy_encoding_or_another_attribute_is_another_object() -> None:
    assert told(file("a", "x"), file("b", "y", JPEG)) == {"a": {"different": ["a", "b"]}}
    assert told(file("a", "x"), file("b", "y", RLE, Rows=256)) == {"a": {"different": ["a", "b"]}}


def test_a_truncated_file_is_no_other_content() -> None:
    cut = {"pixel_data_bytes": 100, "pixel_data_present_bytes": 60}
    for cause in (cut, {"header_truncated": True}, {"pixel_data_terminated": False}):
        assert told(file("a", "x"), file("b", "y", **cause)) == {}


def test_each_site_is_told_with_all_files() -> None:
    found = told(file("a", "x"), file("b", "x", site="south"))
    assert found == {"a": {"same": ["a", "b"]}, "b": {"same": ["a", "b"]}}


def test_files_without_a_hash_are_each_their_own_content() -> None:
    assert told(file("a", None), file("b", None)) == {"a": {"different": ["a", "b"]}}


def test_files_that_are_alone_or_no_dicom_are_not_told() -> None:
    assert told(file("a", "x"), file("b", "x", SOPInstanceUID="1.2.4"), file("c", "x", status="damaged")) == {}
    assert told(file("a", "x", SOPInstanceUID=None), file("b", "x", SOPInstanceUID=None)) == {}
