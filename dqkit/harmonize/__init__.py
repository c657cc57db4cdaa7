"""Harmonize: stacks of a catalog become volumes of one geometry, unit and format, or are refused with a reason."""
