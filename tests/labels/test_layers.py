"""Segments to label maps: none is lost where they overlap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dqkit.labels.layers import label_map, layers_of
from dqkit.labels.mask import Mask
from dqkit.labels.refusal import LabelFault, LabelRefusedError

SHAPE = (4, 6, 7)


@given(st.lists(st.integers(0, 2**32), min_size=1, max_size=6), st.floats(0.02, 0.4))
def test_every_segment_comes_back_from_its_layer(seeds, density):
    volumes = [np.random.default_rng(seed).random(SHAPE) < density for seed in seeds]
    masks = [Mask.of(voxels) for voxels in volumes]
    layers = layers_of(masks)
    assert sorted(i for layer in layers for i in layer) == list(range(len(masks)))
    for layer in layers:
        found = label_map([masks[i] for i in layer], [i + 1 for i in layer], SHAPE)
        for i in layer:
            assert ((found == i + 1) == volumes[i]).all()


def test_what_does_not_overlap_shares_a_layer():
    parts = [np.zeros(SHAPE, dtype=bool) for _ in range(3)]
    parts[0][:2], parts[1][2:], parts[2][1:3] = True, True, True
    assert layers_of([Mask.of(part) for part in parts]) == [[0, 1], [2]]


@pytest.mark.parametrize(("value", "kind"), [(255, np.uint8), (256, np.uint16), (65535, np.uint16)])
def test_a_map_is_as_small_as_its_values_allow(value, kind):
    assert label_map([Mask.of(np.ones(SHAPE, dtype=bool))], [value], SHAPE).dtype == kind


def test_more_values_than_16_bits_hold_are_refused():
    with pytest.raises(LabelRefusedError) as caught:
        label_map([Mask.of(np.ones(SHAPE, dtype=bool))], [65536], SHAPE)
    assert caught.value.fault == LabelFault.TOO_MANY
