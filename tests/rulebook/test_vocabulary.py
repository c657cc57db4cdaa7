"""The tables that rules refer to."""

from pydicom.uid import UID_dictionary

from dqkit.rulebook.vocabulary import image_sop_classes, keys_where, load_table, table_names

CT, MR, SEG, RTSTRUCT, SR, PR = (
    f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "4", "66.4", "481.3", "88.33", "11.1")
)


def test_sop_classes_have_names_and_known_modalities():
    modalities = load_table("modalities")
    for uid, row in load_table("sop-classes").items():
        assert set(row) <= {"name", "image", "retired", "modalities"}, uid
        assert set(row.get("modalities", ())) <= set(modalities), uid


def test_every_storage_class_that_pydicom_knows_is_there():
    known = load_table("sop-classes")
    for uid, (name, kind, *_) in UID_dictionary.items():
        if kind == "SOP Class" and "Storage" in name and "Commitment" not in name:
            assert uid in known, name
            assert known[uid]["retired"] == bool(UID_dictionary[uid][3]), name


def test_segmentations_contours_reports_and_presentation_states_are_no_images():
    images = set(image_sop_classes())
    assert {CT, MR} <= images
    assert not images & {SEG, RTSTRUCT, SR, PR}


def test_transfer_syntaxes_say_whether_they_lose_and_how_pixels_are_stored():
    lossy = keys_where("transfer-syntaxes", lossy="always")
    assert "1.2.840.10008.1.2.4.50" in lossy
    assert "1.2.840.10008.1.2.4.70" not in lossy
    assert "1.2.840.10008.1.2.4.91" in keys_where("transfer-syntaxes", lossy="possible")
    assert keys_where("transfer-syntaxes", deflated=True) == ("1.2.840.10008.1.2.1.99",)
    native = keys_where("transfer-syntaxes", native=True, retired=False)
    assert native == ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99")


def test_tables_are_found_by_name():
    assert {"character-sets", "modalities", "photometric", "sop-classes", "transfer-syntaxes"} <= set(table_names())
    assert {"body-parts", "regions", "roles"} <= set(table_names())
