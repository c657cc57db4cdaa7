"""What a person should know beside the verdict."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from dqkit.gate.decide import Decision
from dqkit.gate.policy import Policy
from dqkit.gate.waivers import UsedWaivers
from dqkit.rulebook.rule import Text

_SOON = timedelta(days=14)


def notes_of(policy: Policy, decision: Decision, sites: frozenset[str], now: datetime) -> Iterator[Text]:
    """Yield entries of the policy for sites that are not there, a baseline of other rules, waivers that end soon."""
    for entry in (*policy.allow, *policy.max_unknown.rules):
        if entry.site is not None and entry.site not in sites:
            yield {
                "en": f"line {entry.mark.line} of the policy speaks of the site {entry.site}, which is not there",
                "zh": f"策略第 {entry.mark.line} 行提到的机构 {entry.site} 不存在",
            }
    if decision.baseline is not None and not decision.baseline.same_rules:
        yield {
            "en": "the baseline was made by other rules: findings of rules that changed since seem new",
            "zh": "基线由不同的规则生成：此后有变动的规则，其检出项会被视为新增",
        }
    yield from _expiring(decision.waivers, now)


def _expiring(waivers: UsedWaivers, now: datetime) -> Iterator[Text]:
    for waiver, _ in waivers.used:
        if waiver.expires <= (now + _SOON).date():
            yield {
                "en": f"the waiver of {waiver.what} ends on {waiver.expires} (owner: {waiver.owner})",
                "zh": f"对 {waiver.what} 的豁免将于 {waiver.expires} 到期（负责人：{waiver.owner}）",
            }
