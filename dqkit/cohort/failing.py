"""The criterion that leaves out what fails rules, as the last audit found it."""

from dataclasses import dataclass

import polars as pl

from dqkit.audit.frames import KEY
from dqkit.cohort.criteria import Judged
from dqkit.cohort.last_audit import LastAudit
from dqkit.cohort.population import Population
from dqkit.errors import DqkitError
from dqkit.model import Level, RuleStatus, Severity
from dqkit.rulebook.book import Book
from dqkit.rulebook.document import Mark
from dqkit.rulebook.rule import Rule, Text

_NOT_JUDGED: Text = {"en": "not judged by the last audit", "zh": "最近一次检查未涉及"}
_KEYS = [KEY[level] for level in (Level.SERIES, Level.STUDY, Level.PATIENT)]


@dataclass(frozen=True)
class ExcludeFailing:
    """Out are those with a finding of the last audit: on them, on something in them, or on what they belong to.

    Attributes
    ----------
    rules, packs
        Selectors as `dqkit audit --select` takes them; none = every rule.
    severity
        The mildest that counts; None = whatever. Preview rules count only where they are named.
    """

    rules: tuple[str, ...]
    packs: tuple[str, ...]
    severity: Severity | None
    mark: Mark

    @property
    def columns(self) -> tuple[str, ...]:
        """It reads findings, and no frame."""
        return ()

    def judge(self, level: Level, population: Population, alive: pl.DataFrame) -> Judged:
        """Judge by findings, and by failures of named rules that a cause explains away."""
        audit = population.last_audit
        if audit is None:
            raise RuntimeError("a population without an audit cannot be asked what fails")
        faults = self._faults(audit)
        labels = faults.select("rule_id", "variant", "message_en", "message_zh").unique(["rule_id", "variant"])
        labels = labels.sort("rule_id", "variant").with_row_index("code")
        coded = faults.join(
            labels.select("rule_id", "variant", pl.col("code").cast(pl.Int32)), on=["rule_id", "variant"]
        )
        key = KEY[level]
        hits = pl.concat(
            alive.select(key, other)
            .unique()
            .join(coded.drop_nulls(other).select(other, "code"), on=other)
            .select(key, "code")
            if other != key
            else coded.drop_nulls(key).select(key, "code")
            for other in _KEYS
        )
        failing = hits.drop_nulls().group_by(key).agg(pl.col("code").unique().sort().alias("codes"))
        reasons = tuple(
            {"en": f"{_label(row)}: {row['message_en']}", "zh": f"{_label(row)}：{row['message_zh']}"}
            for row in labels.iter_rows(named=True)
        )
        entities = self._entities(key, alive, failing, audit, len(reasons))
        return Judged(entities, (*reasons, _NOT_JUDGED))

    def _entities(
        self, key: str, alive: pl.DataFrame, failing: pl.DataFrame, audit: LastAudit, not_judged: int
    ) -> pl.DataFrame:
        """Tell what fails, what passes, and what the audit did not see at all."""
        seen = alive.join(audit.judged.with_columns(seen=pl.lit(value=True)), on="series_key", how="left")
        entities = seen.drop_nulls(key).group_by(key, maintain_order=True).agg(pl.col("seen").is_not_null().all())
        fails = pl.col("codes").is_not_null()
        nothing = pl.lit([], dtype=pl.List(pl.Int32))
        unseen = pl.lit([not_judged], dtype=pl.List(pl.Int32))
        return entities.join(failing, on=key, how="left", maintain_order="left").select(
            pl.col(key).alias("entity"),
            pl.when(fails).then(pl.lit(value=False)).when(pl.col("seen")).then(pl.lit(value=True)).alias("met"),
            pl.when(fails).then("codes").when(pl.col("seen")).then(nothing).otherwise(unseen).alias("codes"),
        )

    def _faults(self, audit: LastAudit) -> pl.DataFrame:
        """Return the faults that count."""
        faults = audit.faults
        if self.severity is not None:
            strong = [one.value for one in Severity if one.rank >= self.severity.rank]
            faults = faults.filter(pl.col("severity").is_in(strong))
        if not self.rules and not self.packs:
            previews = _keys([rule for rule in audit.book if rule.status is RuleStatus.PREVIEW])
            return faults.join(previews, on=["rule_id", "variant"], how="anti")
        named = [
            rule for rule in self._named(audit) if self.severity is None or rule.severity.rank >= self.severity.rank
        ]
        found = faults.join(_keys(named), on=["rule_id", "variant"], how="semi")
        return pl.concat([found, audit.explained(named)])

    def _named(self, audit: LastAudit) -> Book:
        try:
            return audit.book.select([*self.rules, *self.packs])
        except DqkitError as error:
            asked = ", ".join([*self.rules, *self.packs])
            raise self.mark.error(
                f"the last audit did not judge by all of: {asked}", f"audit with them first ({error.message})"
            ) from error


def _keys(rules: list[Rule]) -> pl.DataFrame:
    return pl.DataFrame([rule.key for rule in rules], schema={"rule_id": pl.String, "variant": pl.String}, orient="row")


def _label(row: dict[str, str]) -> str:
    return f"{row['rule_id']} {row['variant']}".strip()
