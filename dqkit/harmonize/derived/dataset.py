"""One slice of a harmonized image as a data set: what its sources keep, and what is written anew."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dqkit import __version__
from dqkit.harmonize.derived.allowed import (
    CLASSES,
    COMPUTED_TOMOGRAPHY,
    MAGNETIC_RESONANCE,
    POSITRON_EMISSION,
    SINGLE_FRAME,
    ImageClass,
)
from dqkit.harmonize.derived.kept import Kept, kept_of
from dqkit.harmonize.derived.stored import Stored, decimal, storage_of
from dqkit.harmonize.derived.uids import uid_of
from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.refusal import Reason, Refused
from dqkit.harmonize.source import SourceSlice

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
