"""SOP classes that store images, from pydicom's copy of PS3.6 Table A-1."""

from pydicom.uid import UID_dictionary

IMAGE_SOP_CLASSES = frozenset(
    uid for uid, (name, kind, *_) in UID_dictionary.items() if kind == "SOP Class" and "Image Storage" in name
)
"""Classes named "… Image Storage …", retired ones too; segmentations, structure sets and reports are none."""
