"""Composition and completeness of an archive."""
