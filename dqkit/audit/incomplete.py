"""Why a run is incomplete, in words free of identifying values, in every language of the reports."""

from collections.abc import Iterator, Mapping

import polars as pl

from dqkit.catalog.cohort import Cohort
from dqkit.catalog.tables import Tables
from dqkit.model import TOOL_STATUSES
from dqkit.rulebook.rule import Text

_WHY = {
    "denied": ("permission denied", "权限不足"),
    "io_error": ("input/output error", "读写错误"),
    "crashed": ("dqkit's reader failed", "dqkit 的读取程序出错"),
}


def reasons_of(tables: Tables, crashed: Mapping[str, str], cohort: Cohort | None = None) -> tuple[Text, ...]:
    """Return what could not be looked at.

    Parameters
    ----------
    crashed
        Rules that could not be evaluated -> the kind of error.
    cohort
        What was asked for, where it was not everything.
    """
    unevaluated = (_unevaluated(rule, error) for rule, error in crashed.items())
    return (*_unread(tables), *_offline(tables), *unevaluated, *_gone(cohort))


def as_reason(kept: Text | str) -> Text:
    """Return a reason as it was kept by a run; an older dqkit kept English alone."""
    return {"en": kept, "zh": kept} if isinstance(kept, str) else kept


def _unread(tables: Tables) -> Iterator[Text]:
    unread = (
        tables.scan("instances")
        .filter(pl.col("status").is_in([status.value for status in TOOL_STATUSES]))
        .group_by("status")
        .agg((pl.col("size") >= 0).sum().alias("files"), (pl.col("size") < 0).sum().alias("folders"))
        .sort("status")
        .collect()
    )
    for status, files, folders in unread.iter_rows():
        en, zh = _WHY[status]
        counts = ((files, "file", "个文件"), (folders, "folder", "个文件夹"))
        what_en = " and ".join(f"{n} {one}{'s' if n > 1 else ''}" for n, one, _ in counts if n)
        what_zh = "和 ".join(f"{n} {counted}" for n, _, counted in counts if n)
        yield {"en": f"{what_en} could not be read: {en}", "zh": f"{what_zh}无法读取：{zh}"}


def _offline(tables: Tables) -> Iterator[Text]:
    for name in tables.scan("sources").filter(pl.col("state") == "offline").select("name").collect()["name"]:
        yield {
            "en": f"the source {name} is offline: it was judged as it was last seen",
            "zh": f"数据源 {name} 离线：按上次读取到的内容判断",
        }


def _unevaluated(rule_id: str, error: str) -> Text:
    return {"en": f"the rule {rule_id} could not be evaluated ({error})", "zh": f"规则 {rule_id} 无法计算（{error}）"}


def _gone(cohort: Cohort | None) -> Iterator[Text]:
    if cohort is not None and cohort.standing.gone:
        gone = cohort.standing.gone
        yield {
            "en": f"{gone:,} series of the cohort are no longer in the catalog",
            "zh": f"队列中有 {gone:,} 个序列已不在目录中",
        }
