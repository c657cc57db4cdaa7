"""What conditions of a gate observed and expected, in Chinese."""

import re
from collections.abc import Callable

from dqkit.report.chinese import in_chinese

_UNITS = {"day": "天", "days": "天", "hour": "小时", "hours": "小时", "minutes": "分钟"}
_COUNTED = {"patients": "名患者", "studies": "次检查", "series": "个序列", "images": "幅图像"}
_REASONS = {"missing": "缺失", "varying": "不一致", "not looked at": "未查看"}


def _reasons(text: str) -> str:
    found = re.findall(r"(\d+) (missing|varying|not looked at)", text)
    return "，".join(f"{_REASONS[reason]} {n}" for n, reason in found)


_SENTENCES: tuple[tuple[re.Pattern[str], Callable[..., str]], ...] = (
    (
        re.compile(r"last looked at (\S+) (days?|hours?|minutes) ago"),
        lambda n, unit: f"上次读取于 {n} {_UNITS[unit]}前",
    ),
    (re.compile(r"at most (\S+) (days?|hours?|minutes) ago"), lambda n, unit: f"不超过 {n} {_UNITS[unit]}"),
    (
        re.compile(r"(\d+) of (\d+) unknown \((.+)\)"),
        lambda n, total, why: f"{total} 个中有 {n} 个未知（{_reasons(why)}）",
    ),
    (re.compile(r"at most (\d+)"), lambda n: f"不超过 {n} 个"),
    (re.compile(r"at least (\d+)"), lambda n: f"不少于 {n}"),
    (re.compile(r"at least one"), lambda: "至少一个"),
    (re.compile(r"no series of it"), lambda: "没有其序列"),
    (re.compile(r"everything is looked at"), lambda: "全部读取"),
    (
        re.compile(r"(\d+) series in its scope, none of them judged"),
        lambda n: f"其范围内有 {n} 个序列，均未判断",
    ),
    (re.compile(r"(\d+) (patients|studies|series|images)"), lambda n, what: f"{n} {_COUNTED[what]}"),
)


def gate_localized(text: str | None, lang: str) -> str:
    """Return what a rule or a condition said, in `lang`; empty for nothing."""
    if not text or lang != "zh":
        return text or ""
    for pattern, said in _SENTENCES:
        if match := pattern.fullmatch(text):
            return said(*match.groups())
    return in_chinese(text)
