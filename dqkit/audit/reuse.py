"""The last audit stands as long as nothing that it saw or judged by has changed."""

import json
from collections.abc import Mapping, Sequence

from dqkit import __version__
from dqkit.audit.coverage import PackOfRun, packs_of_run
from dqkit.audit.run import Audited, AuditOptions, audited_then, last_audit_run, rules_digest
from dqkit.catalog.store import Catalog
from dqkit.rulebook.rule import Rule


def standing_audit(catalog: Catalog, rules: Sequence[Rule], options: AuditOptions) -> Audited | None:
    """Return the last audit where it would come out the same today: None where it has to be done again.

    It stands where every table has the version that it left, and rules, packs, dqkit and what alone was judged are the
    same. Who counted does not matter, as engines agree; nor does the severity that failed it.
    """
    run = last_audit_run(catalog)
    if run is None or run["rules"] != rules_digest(rules) or run["dqkit_version"] != __version__:
        return None
    kept = json.loads(run["counts"])
    if (
        _seen(json.loads(run["table_versions"])) != _seen(catalog.versions)
        or kept.get("only") != options.only.to_json()
    ):
        return None
    done = audited_then(catalog, run)
    return done if _named(done.coverage.packs) == _named(packs_of_run(rules, options.packs)) else None


_NOT_SEEN = frozenset({"checksums", "problem_states", "handback_rows", "cohort_series"})
"""Tables that no audit looks at."""


def _seen(versions: Mapping[str, int]) -> dict[str, int]:
    return {name: version for name, version in versions.items() if name not in _NOT_SEEN}


def _named(packs: Sequence[PackOfRun]) -> list[tuple[str, str, str]]:
    return sorted((pack.name, pack.version, pack.sha256) for pack in packs)
