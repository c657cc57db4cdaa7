"""A report for one site: the same result without a word about the others."""

import dataclasses

import polars as pl

from dqkit.audit.coverage import only_site_of
from dqkit.audit.result import AuditResult, Judgement
from dqkit.errors import DqkitError, ExitCode
from dqkit.model import Verdict
from dqkit.profile.glance import Glance
from dqkit.profile.profile import Profile
from dqkit.report.summary import deciding, sites_of
from dqkit.report.visible import visible


def only_site(result: AuditResult, site: str) -> AuditResult:
    """Return what `result` says of `site` alone; what speaks of the whole archive or of other sites is left out.

    The verdict becomes the site's own: FAIL where one of its outcomes decides the run's verdict, ERROR where
    none does and the run is incomplete. The reasons for that may name other sites and are dropped.

    Raises
    ------
    DqkitError
        There is no such site.
    """
    known = sites_of(result)
    if site not in known:
        names = ", ".join(visible(name, 40) for name in known[:20]) or "none"
        raise DqkitError(f"there is no site “{visible(site, 60)}” in this result", f"its sites are: {names}")
    here = pl.col("site") == site
    findings = result.findings.filter(here)
    shown = set(findings.get_column("finding_id").to_list()) if result.pictures else set()
    glance = result.glance
    return dataclasses.replace(
        result,
        title=site,
        outcomes=result.outcomes.filter(here),
        findings=findings,
        problems=result.problems.filter(here),
        judgement=_of_site(result, site),
        coverage=only_site_of(result.coverage, site),
        only=dataclasses.replace(result.only, sites=()),
        glance=Glance(
            sites=glance.sites.filter(here),
            modalities=glance.modalities.filter(here),
            scanners=glance.scanners.filter(here),
            distributions=glance.distributions.filter(here),
        ),
        profile=_profile_of(result.profile, site),
        history=result.history.only_site(site) if result.history is not None else None,
        tables=tuple(share for share in result.tables if site in share.sites),
        pictures=tuple(picture for picture in result.pictures if picture.finding_id in shown),
    )


def _profile_of(profile: Profile | None, site: str) -> Profile | None:
    if profile is None or "site" not in profile.by:
        return None
    here = pl.col("site") == site
    groups = profile.groups.filter(here)
    if groups.is_empty():  # one of many small sites: the profile holds the largest
        return None
    return dataclasses.replace(
        profile,
        groups=groups,
        composition=profile.composition.filter(here),
        completeness=profile.completeness.filter(here),
        changes=profile.changes.filter(here),
        more_groups=0,
        more_changes=0,
    )


def _of_site(result: AuditResult, site: str) -> Judgement:
    judgement = result.judgement
    if any(where == site for _, where in deciding(result)):
        verdict, code = Verdict.FAIL, ExitCode.FAILED
    elif not judgement.complete:
        verdict, code = Verdict.ERROR, ExitCode.INCOMPLETE
    else:
        verdict, code = Verdict.PASS, ExitCode.OK
    return dataclasses.replace(
        judgement,
        verdict=verdict,
        failing=tuple(pair for pair in judgement.failing if pair[1] == site),
        exit_code=code,
        incomplete_because=(),
    )
