"""Numbers that decide what counts as the same direction, place or step; each with its source.

"House style" means that no published source was found: the reason given is ours.
"""

DIRECTION = 1.75e-3
"""Unit direction cosines that differ by no more than this in any component are one orientation: the sine of 0.1
degree. House style: it moves the edge of a 400 mm field by 0.35 mm, less than a pixel, and is well above the rounding
of cosines that scanners write with four or more decimals."""

SPACING_RATIO = 1e-3
"""PixelSpacing values closer than this ratio are one. House style: half a pixel over a 512 matrix."""

SAME_PLACE_PIXELS = 0.02
"""Two slices closer than this part of a pixel stand at one place. House style: above the rounding of positions
written with two decimals, far below any slice step; relative, so that micro-CT keeps its 9 um steps."""

SAME_PLACE_LIMITS_MM = (1e-4, 0.05)
"""Bounds of the distance that `SAME_PLACE_PIXELS` gives; the middle of a millimetre pixel's where it is unknown."""

SAME_PLACE_DEFAULT_MM = 0.01

STEP_RATIO = 0.01
"""Steps within 1 % of the median are even: the default of highdicom's volume geometry (spatial.py, 1e-2)."""

GRID_MM = 0.06
"""Slices that lie this close to an even grid are even although single steps differ more: positions rounded to a tenth
of a millimetre are up to 0.05 mm off, and the fitted grid a little. House style."""

GRID_RATIO = 0.1
"""The same as a part of the step, which governs where steps are below 0.6 mm. House style."""

GAP_RATIO = 1.5
"""A step of at least this many median steps is a gap: nearer to two steps than to one. House style."""

SHEAR_DEG = 0.5
"""Above it the line through the origins leaves the slice normal: gantry tilt, or a sheared reconstruction. House
style: 0.5 degree over 115 mm is 1 mm."""

OFF_LINE_PIXELS = 0.5
"""Origins farther from their line than this part of a pixel are not collinear. House style: half a pixel, the error of
nearest-neighbour resampling."""

OFF_LINE_DEFAULT_MM = 0.5

OBLIQUE_COSINE = 0.8
"""A normal whose largest component is below it is oblique: the threshold of PixelMed and GDCM."""

DEGENERATE = 0.1
"""Row and column directions whose cross product is shorter than this span no plane. House style."""

FARTHEST_MM = 1e6
"""Positions beyond a kilometre are no positions; squares of them stay exact enough. House style."""

COVERAGE = 0.75
"""An attribute tells volumes apart when its values cover, on average, at least this part of the slice places. House
style: an interrupted last volume and a few lost slices keep their split; a slice that was repeated alone does not."""

COVERAGE_INFERRED = 0.9
"""The same where the volumes are inferred from the numbering. House style."""

FEWEST_SLICES = 3
"""Below it a set of slices shows no regular step (one step is always regular)."""
