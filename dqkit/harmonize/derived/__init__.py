"""Harmonized images as DICOM: series derived from those that they were made of (docs/derived-dicom.md)."""
