"""What conditions of a gate observed and expected, in Chinese."""

import re
from collections.abc import Callable

from dqkit.report.chinese import in_chinese

_UNITS = {"day": "天", "days": "天", "hour": "小时", "hours": "小时", "minutes": "分钟"}
_COUNTED = {"pat": "名患者", "stu": "次检查", "ser": "个序列", "ima": "幅图像"}
_REASONS = {"missing": "缺失", "varying": "不一致", "not looked at": "未查看"}


_OF_DATASETS = {
    "no such file": "文件不存在",
    "a file": "文件存在",
    "permission denied": "权限不足",
    "it cannot be read": "无法读取",
    "a file that can be read": "可读取的文件",
    "the bytes that were audited": "与检查时相同的内容",
    "the bytes of an audited series": "某个已检查序列的内容",
    "the bytes that it had": "原有内容",
    "its bytes changed though size and modification time did not": "内容已变，但大小和修改时间未变",
    "it is not the file that was indexed: index and audit again": "并非所读取的文件：请重新读取并检查",
    "no image that rules judge": "不是规则所判断的图像",
    "no audited file has these bytes": "没有已检查的文件具有此内容",
    "an audited image has this SOPInstanceUID and other bytes": "已检查的图像中有此 SOPInstanceUID，但内容不同",
    "the file it may be a copy of cannot be read": "可能的原文件无法读取",
    "a file it was made of is not in the catalog": "其来源文件不在目录中",
    "a file it was made of has other bytes now": "其来源文件内容已变",
    "a file it was made of cannot be read": "其来源文件无法读取",
    "a series that is judged": "在判断范围内的序列",
    "its series is not among those that are judged": "其序列不在判断范围内",
    "a series without findings that fail": "没有未通过检出项的序列",
    "its series has findings that fail": "其序列有未通过的检出项",
    "another file of the dataset has the same bytes": "数据集中另有文件内容相同",
    "once": "一次",
    "one split": "一个划分",
}
"""What tracing says of a file (dqkit/dataset, gate/trace.py)."""


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
    (re.compile(r"(\d+) rows"), lambda n: f"{n} 行"),
    (re.compile(r"(\d+) splits"), lambda n: f"{n} 个划分"),
    (
        re.compile(r"(\d+) (pat|stu|ser|ima)(?:ients?|dy|dies|ies|ges?)"),
        lambda n, what: f"{n} {_COUNTED[what]}",
    ),
)


def gate_localized(text: str | None, lang: str) -> str:
    """Return what a rule or a condition said, in `lang`; empty for nothing."""
    if not text or lang != "zh":
        return text or ""
    if text in _OF_DATASETS:
        return _OF_DATASETS[text]
    for pattern, said in _SENTENCES:
        if match := pattern.fullmatch(text):
            return said(*match.groups())
    return in_chinese(text)
