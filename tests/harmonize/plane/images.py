"""Images of one plane on disk, and what the 2-D path makes of them without a catalog."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID

from dqkit.harmonize.image import HarmonizedImage
from dqkit.harmonize.one_image import Task
from dqkit.harmonize.plan import PlannedImage
from dqkit.harmonize.planar import harmonized_plane
from dqkit.harmonize.read_recipe import recipe_of
from dqkit.harmonize.recipe import Recipe
from dqkit.harmonize.stack import NATIVE_SYNTAXES, SourceFile, Stack
from tests.dicom_factory import write


@dataclass(frozen=True)
class Made:
    """A harmonized image and the warnings on its way."""

    image: HarmonizedImage
    warnings: list[str]

    @property
    def voxels(self) -> Any:
        """Of grey images (rows, columns), of colour (rows, columns) of RGB."""
        return self.image.volume.voxels[0]

    def step(self, name: str) -> dict[str, Any]:
        return next(dict(step.parameters) for step in self.image.volume.steps if step.name == name)


def recipe(**parts: Any) -> Recipe:
    """A recipe for single images that does nothing unless told."""
    plain = {
        "name": "t", "version": "1.0.0", "title": {"en": "t", "zh": "t"}, "why": {"en": "t", "zh": "t"},
        "takes": "images", "planar": {"orient": False},
    }  # fmt: skip
    return recipe_of(plain | parts, Path("recipe.yaml"))


def made_of(path: Path, modality: str, using: Recipe, *, is_native: bool = True) -> Made:
    """Harmonize a file."""
    stat = path.stat()
    file = SourceFile("f1", str(path).encode(), stat.st_size, stat.st_mtime_ns, is_native=is_native)
    planned = PlannedImage("i1", "out", ("f1",), None, ("image",), modality=modality)
    warnings: list[str] = []
    task = Task(planned, (Stack("f1", modality, "image", (file,), (1,)),), using)
    return Made(harmonized_plane(task, warnings.append), warnings)


def made(dataset: Dataset, folder: Path, using: Recipe) -> Made:
    """Write a dataset and harmonize it."""
    path = write([dataset], folder)[0]
    syntax = UID(dataset.file_meta.TransferSyntaxUID) if hasattr(dataset, "file_meta") else "1.2.840.10008.1.2.1"
    return made_of(path, str(dataset.get("Modality", "")), using, is_native=str(syntax) in NATIVE_SYNTAXES)
