"""Carries out a plan: images that are not there yet, in any number of processes, and a manifest of all of them."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import polars as pl

from dqkit.catalog.tables import Tables
from dqkit.errors import DqkitError, NothingToCheckError
from dqkit.harmonize.following.unclaimed import Known, label_files, studies_concerned
from dqkit.harmonize.journal import OutFolder, not_written, opened
from dqkit.harmonize.one_image import Pending
from dqkit.harmonize.plan import Plan, PlannedRefusal
from dqkit.harmonize.record import Row, refusal, row_of_lone_label
from dqkit.harmonize.refusal import PASSING
from dqkit.harmonize.tasks import pending_of
from dqkit.harmonize.work import Done, work
from dqkit.harmonize.write import WRITERS
from dqkit.identity import digest
from dqkit.index.progress import Progress, Silent
from dqkit.index.shards import process_pool
from dqkit.index.sources import root_path


@dataclass(frozen=True)
class RunOptions:
    """What a person may ask of a run.

    Attributes
    ----------
    formats
        Keys of write.WRITERS; empty = those of the recipe.
    workers
        Processes.
    """

    formats: tuple[str, ...] = ()
    workers: int = 1


@dataclass(frozen=True)
class RunSummary:
    """What a run did.

    Attributes
    ----------
    written, unchanged
        Images that were made now, and that were there already.
    refused
        Reason -> images (or stacks) that are not written, those of the plan too.
    failed
        What kept us from it -> images about which nothing can be said: the run is incomplete.
    manifest
        All rows of the folder (catalog.schema.HARMONIZED).
    labels
        How many segments of labels followed their image (key ``followed``), and reason -> how many did not.
    """

    written: int
    unchanged: int
    refused: Mapping[str, int]
    failed: Mapping[str, int]
    manifest: pl.DataFrame = field(repr=False)
    seconds: float = 0.0
    labels: Mapping[str, int] = field(default_factory=dict)

    @property
    def warnings(self) -> dict[str, int]:
        """Sentence -> images of the folder that it warns of."""
        return warning_counts(self.manifest)

    @property
    def complete(self) -> bool:
        """Whether every image was made or refused."""
        return not self.failed

    @property
    def written_files(self) -> int:
        """How many files the folder holds."""
        return int(self.manifest["path"].drop_nulls().len())


def harmonize(
    plan: Plan, tables: Tables, out: Path, options: RunOptions | None = None, progress: Progress | None = None
) -> RunSummary:
    """Make the images of a plan below `out`, and ``out/manifest.parquet``.

    What is there already and depends on the same files and recipe is left alone. A run that is killed costs the images
    under work.

    Raises
    ------
    NothingToCheckError
        The plan has no image and no refusal.
    DqkitError
        `out` holds something else, or an unknown format was asked for.
    IncompleteError
        The disk of the output takes no more, or a worker was killed; what is done stays.
    """
    options, progress = options or RunOptions(), progress or Silent()
    if not plan.images and not plan.refusals:
        raise NothingToCheckError("the plan has nothing to write", "see why: dqkit plan prints it")
    formats = _checked(options.formats or plan.recipe.output.formats)
    began = monotonic()
    with opened(out, plan.recipe) as folder:
        progress.stage("looking what is there", len(plan.images))
        todo, unchanged, current = _outstanding(plan, tables, folder, formats, progress)
        _note_refusals(plan.refusals, plan, folder, current)
        progress.stage("harmonizing (slices)", sum(max(1, one.slices) for one, _ in todo))
        failed: Counter[str] = Counter()
        written = 0
        try:
            for done in _worked(todo, folder.images, options.workers):
                progress.advance(max(1, done.slices))
                if done.stop:
                    raise not_written(out, done.failed)
                if done.failed:
                    failed[done.failed] += 1
                    continue
                folder.add(done.rows)
                written += any(row["status"] == "written" for row in done.rows)
        except OSError as error:
            raise not_written(out, error.strerror or type(error).__name__) from error
        if plan.recipe.labels.follow:
            failed.update(_note_labels(plan, tables, folder, current))
        manifest = _closed(folder, current, tables, out)
    return RunSummary(written, unchanged, _refused(manifest, current), dict(failed), manifest, monotonic() - began,
                      _labels(manifest, current))  # fmt: skip


def _checked(formats: Sequence[str]) -> tuple[str, ...]:
    for name in formats:
        if name not in WRITERS:
            raise DqkitError(f"there is no format {name!r}", f"allowed: {', '.join(sorted(WRITERS))}")
    return tuple(dict.fromkeys(formats))


def _outstanding(
    plan: Plan, tables: Tables, folder: OutFolder, formats: Sequence[str], progress: Progress
) -> tuple[list[tuple[Pending, tuple[str, ...]]], int, dict[str, str]]:
    """Return the tasks that are left, each with its formats, how many are done, and image id -> task."""
    done = folder.done()
    todo: list[tuple[Pending, tuple[str, ...]]] = []
    current: dict[str, str] = {}
    unchanged = 0
    for one in pending_of(plan, tables):
        current[one.planned.image_id] = one.task_hash
        rows = done.get(one.task_hash, [])
        left = _left(rows, formats, folder)
        if left:
            todo.append((one, left))
        else:
            unchanged += any(row["status"] == "written" for row in rows)
        progress.advance(1)
    # Large images first, so that no worker is left alone with one at the end
    return sorted(todo, key=lambda item: (-item[0].slices, item[0].planned.name)), unchanged, current


def _left(rows: Sequence[Row], formats: Sequence[str], folder: OutFolder) -> tuple[str, ...]:
    """Return the formats that an image is still to be made in; those of which a file was lost are among them."""
    images = [row for row in rows if row["kind"] == "image"]
    whole = [row for row in images if row["format"] is None]
    if any(row["reason"] not in PASSING for row in whole):
        return ()
    told = {row["format"] for row in images if row["format"] is not None}  # written, or cannot be had
    if not folder.is_whole(rows):
        return tuple(dict.fromkeys((*formats, *sorted(told))))
    return tuple(name for name in formats if name not in told)


def _worked(todo: Sequence[tuple[Pending, tuple[str, ...]]], images: Path, workers: int) -> Iterator[Done]:
    if workers <= 1 or len(todo) <= 1:
        for one, formats in todo:
            yield work(one, formats, images)
        return
    with process_pool(min(workers, len(todo))) as pool:
        yield from _as_they_come(pool, todo, images, workers)


def _as_they_come(
    pool: Executor, todo: Iterable[tuple[Pending, tuple[str, ...]]], images: Path, workers: int
) -> Iterator[Done]:
    """Keep the queue short, so that an interrupt ends soon."""
    waiting: set[Future[Done]] = set()
    for one, formats in todo:
        waiting.add(pool.submit(work, one, formats, images))
        if len(waiting) > workers:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)


def _note_refusals(refusals: Sequence[PlannedRefusal], plan: Plan, folder: OutFolder, current: dict[str, str]) -> None:
    """Give the stacks that the plan refuses their rows in the manifest."""
    done = folder.done()
    for one in refusals:
        image_id = digest("image", one.stack, *(map(str, one.slices) if one.slices else ()))
        task = digest("refusal", plan.recipe.sha256, image_id, str(one.reason), one.detail)
        current[image_id] = task
        if task not in done:
            folder.add([_row_of(one, plan, image_id, task)])


def _note_labels(plan: Plan, tables: Tables, folder: OutFolder, current: dict[str, str]) -> Counter[str]:
    """Give labels whose image is not in the catalog their rows in the manifest; return what could not be read."""
    done, known, failed = folder.done(), Known(tables), Counter[str]()
    sources = tables.scan("sources").select("source_id", "root").collect().iter_rows()
    roots = {source: root_path(root) for source, root in sources}
    concerned = studies_concerned(tables, {image.series_key for image in plan.images})
    for file_id, (label, study, state) in label_files(tables, roots).items():
        label_id = digest("label", file_id)
        current[label_id] = ""  # what an earlier run said of it counts no longer
        try:
            fault = known.fault_of(label) if study in concerned else None
        except OSError as error:
            failed[f"a label could not be read: {error.strerror or 'I/O error'}"] += 1
            continue
        if fault is None:
            continue
        current[label_id] = task = digest("label", plan.recipe.sha256, file_id, state, fault)
        if task not in done:
            folder.add([row_of_lone_label(plan.recipe, label, label_id, task, fault)])
    return failed


def _row_of(one: PlannedRefusal, plan: Plan, image_id: str, task: str) -> Row:
    return {
        "image_id": image_id,
        "kind": "image",
        "series_key": one.series_key,
        "Modality": one.modality,
        "stack_ids": [one.stack],
        "recipe": f"{plan.recipe.name} {plan.recipe.version}",
        "recipe_sha256": plan.recipe.sha256,
        "task": task,
    } | refusal(one.reason, one.detail)


def _closed(folder: OutFolder, current: Mapping[str, str], tables: Tables, out: Path) -> pl.DataFrame:
    stacks, files = (
        tables.scan(table).select(name).collect()[name]
        for table, name in (("stacks", "stack_id"), ("instances", "file_id"))
    )
    try:
        return folder.close(current, frozenset(stacks) | frozenset(files))
    except OSError as error:
        raise not_written(out, error.strerror or type(error).__name__) from error


def _refused(manifest: pl.DataFrame, current: Mapping[str, str]) -> dict[str, int]:
    """Count the refusals of the plan at hand by their reason."""
    tasks = pl.DataFrame({"task": list(current.values())}, schema={"task": pl.String})
    rows = manifest.filter((pl.col("status") == "refused") & (pl.col("kind") == "image")).join(
        tasks, on="task", how="semi"
    )
    return dict(sorted(Counter(rows.unique(["image_id", "reason"])["reason"].to_list()).items()))


def _labels(manifest: pl.DataFrame, current: Mapping[str, str]) -> dict[str, int]:
    """Count what became of the segments of the plan at hand (of labels as a whole where none could be read)."""
    tasks = pl.DataFrame({"task": list(current.values())}, schema={"task": pl.String})
    return label_counts(manifest.join(tasks, on="task", how="semi"))


def warning_counts(manifest: pl.DataFrame) -> dict[str, int]:
    """Return sentence -> how many images of a manifest it warns of, the most frequent first."""
    images = manifest.filter(pl.col("kind") == "image").unique("image_id")
    counts = (
        images["warnings"].explode().drop_nulls().value_counts().sort("count", "warnings", descending=[True, False])
    )
    return dict(counts.iter_rows())


def label_counts(manifest: pl.DataFrame) -> dict[str, int]:
    """Return how many segments of labels followed their image (key ``followed``), and reason -> how many did not."""
    rows = manifest.filter((pl.col("kind") == "label") & (pl.col("label_name") != "table").fill_null(value=True))
    # Of two formats a segment has two rows; two segments of one name differ in their value, which is in the step
    rows = rows.unique(["image_id", "label_file_id", "label_name", "steps", "status"])
    told = rows.select(pl.when(pl.col("status") == "written").then(pl.lit("followed")).otherwise("detail"))
    return dict(sorted(Counter(told.to_series().to_list()).items()))


def workers_for(asked: int | None) -> int:
    """Return how many processes work: what was asked, else one a core."""
    return asked or os.cpu_count() or 1
