"""Label objects (SEG, RTSTRUCT, NIfTI masks): what they point at, and their masks in patient space."""
