"""What was observed and expected, in Chinese.

Checks say it in English, out of column words and a few sentences (rulebook/phrase.py and checks/). Here those sentences
are recognised and said in Chinese; DICOM keywords and values stay as they are, and so does what is not recognised.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache

from dqkit.report.chinese_words import FLAGS_ZH, PHRASES_ZH, VALUES_ZH
from dqkit.rulebook.column_words import FLAGS, PHRASES
from dqkit.rulebook.phrase import words_of

_BOUND = r"(?:at least|at most|above|below) \S+"
_RANGE = r"(?:from [\d.e+-]+ to [\d.e+-]+|at (?:least|most) [\d.e+-]+)"
_BOUNDS_ZH = {"at least": "不小于", "at most": "不大于", "above": "大于", "below": "小于"}
_RELATIONS = {"==": "=", "!=": "≠", "<=": "≤", ">=": "≥", "<": "<", ">": ">"}


@lru_cache(maxsize=20_000)
def in_chinese(text: str) -> str:
    """Return `text`, which a check said in English, in Chinese as far as its words are known."""
    if text in _fixed():
        return _fixed()[text]
    for pattern, said in _SENTENCES:
        if match := pattern.fullmatch(text):
            return _close(said(*match.groups()))
    return _close(_named(text))


def _close(text: str) -> str:
    """Take out the space before a full-width bracket."""
    return text.replace(" （", "（")


def localized(text: str | None, lang: str) -> str:
    """Return what a check said, in `lang`; empty for nothing."""
    return in_chinese(text) if text and lang == "zh" else text or ""


@cache
def _fixed() -> Mapping[str, str]:
    """Return sentences without a value."""
    flags = {
        en: zh for name in FLAGS_ZH.keys() & FLAGS.keys() for en, zh in zip(FLAGS[name], FLAGS_ZH[name], strict=True)
    }
    return flags | {
        "no step between slices that skips a slice": "层间距没有跳层",
        "every slice at a place of its own": "每个层面位置各不相同",
        "there": "有",
    }


@cache
def _columns() -> Mapping[str, str]:
    """Return the words of a column -> the same in Chinese."""
    return {words_of(name): _words_zh(phrase) for name, phrase in PHRASES_ZH.items()}


def _words_zh(phrase: str) -> str:
    before, _, after = (part.strip(" ：") for part in phrase.partition("{}"))
    return f"{before}（{after}）" if before and after else before or after


@cache
def _places() -> tuple[Mapping[str, tuple[str, str]], Mapping[str, str]]:
    """Return words before a value -> (words after it, the phrase in Chinese), and words after a value -> the phrase."""
    before, after = {}, {}
    for name, chinese in PHRASES_ZH.items():
        head, place, tail = PHRASES.get(name, name).partition("{}")
        filled = chinese if "{}" in chinese else f"{chinese} {{}}"
        if head.strip():
            before[head.strip()] = (tail if place else "", filled)
        else:
            after[tail.strip()] = filled
    return before, after


def _column(words: str) -> str:
    return _columns().get(words, words)


def _list(words: str, between: str) -> str:
    """Say columns that stand in a list."""
    return "、".join(_column(one) for one in words.split(between))


def _value(text: str) -> str:
    return VALUES_ZH.get(text, text)


def _named(text: str) -> str:
    """Say columns with their values: ``declared 0 bytes, needed 524288 bytes``."""
    for words, filled in _places()[1].items():
        if ", " in words and text.endswith(f" {words}"):
            return filled.format(text.removesuffix(f" {words}"))
    said = ""
    for between, part in re.findall(r"(^|, |; )(.*?)(?=, |; |$)", text):
        chinese = _one(part)
        known = chinese != part  # a comma before what is not known may be part of a value
        said += {", ": "，", "; ": "；"}.get(between, between) + chinese if known else between + part
    return said


def _one(text: str) -> str:
    """Say one column with its value, where its words are known."""
    if text in _fixed() or text in VALUES_ZH:
        return _fixed().get(text) or VALUES_ZH[text]
    before, after = _places()
    words = text.split(" ")
    for i in range(len(words) - 1, 0, -1):
        head = before.get(" ".join(words[:i]))
        rest = " ".join(words[i:])
        if head and rest.endswith(head[0]):
            return head[1].format(_value(rest.removesuffix(head[0]) if head[0] else rest))
    for i in range(1, len(words)):
        if filled := after.get(" ".join(words[i:])):
            return filled.format(_value(" ".join(words[:i])))
    return _tail(text)


def _tail(text: str) -> str:
    """Say what may stand behind a value."""
    if match := re.fullmatch(r"(.*) and (\d+) more", text):
        return f"{match[1]} 等（另有 {match[2]} 项）"
    if match := re.fullmatch(r"(\w+): (\d+|several) values", text):
        return f"{match[1]}：{_value(match[2])} 个取值" if match[2] != "several" else f"{match[1]}：多个取值"
    head, _, last = text.rpartition(" ")
    if head and last == "absent":
        return f"{_column(head)} 缺失"
    if text.endswith(" (not shown)"):
        return f"{_column(text.removesuffix(' (not shown)'))}（不显示）"
    return text


def _bounds(text: str) -> str:
    parts = []
    for part in text.split(" and "):
        words, _, bound = part.rpartition(" ")
        parts.append(f"{_BOUNDS_ZH[words]} {_value(bound)}")
    return " 且".join(parts)


def _ranges(text: str) -> str:
    """Say ranges that stand in a list."""
    said = []
    for part in text.split(", "):
        match = re.fullmatch(r"from (\S+) to (\S+)", part)
        said.append(f"{match[1]} 至 {match[2]}" if match else _bounds(part))
    return "、".join(said)


def _compared(left: str, relation: str, right: str) -> str:
    match = re.fullmatch(r"(.+?)( x [\d.e+-]+)?( [+-] [\d.]+)?(?: within (.+))?", right)
    if match is None:
        return f"{_column(left)} {relation} {right}"
    words, times, plus, slack = match.groups()
    allowed = f"（允许偏差 {slack}）" if slack else ""
    factor = (times or "").replace(" x ", " × ")
    return f"{_column(left)} {_RELATIONS[relation]} {_column(words)}{factor}{plus or ''}{allowed}"


def _among(words: str, verb: str, values: str) -> str:
    known = re.fullmatch(r"the (\d+) known \((.+)\)", values)
    what = f"{known[1]} 个已知值（{known[2]}）" if known else "、".join(_value(one) for one in values.split(", "))
    said = "属于" if verb == "one" else "不属于"
    return f"{_list(words, ' and ')} {said}：{what}"


def _steps(low: str, high: str, usual: str, after: str) -> str:
    return f"层间距 {low} 至 {high}，通常 {usual}；首个异常在第 {after} 层之后"


def _gap(step: str, usual: str, several: str | None, after: str) -> str:
    gaps = f"共 {several} 处缺口，第一处" if several else "缺口"
    return f"层间距 {step}，通常 {usual}；{gaps}在第 {after} 层之后"


def _mark(pattern: str, said: Callable[..., str]) -> tuple[re.Pattern[str], Callable[..., str]]:
    return re.compile(pattern), said


_SENTENCES: tuple[tuple[re.Pattern[str], Callable[..., str]], ...] = (
    _mark(rf"(.+); none ({_RANGE}(?:, {_RANGE})*)", lambda text, lacks: f"{_named(text)}；缺少 {_ranges(lacks)}"),
    _mark(
        rf"(.+?) ((?:{_RANGE}, )*from \S+ to \S+(?:, {_RANGE})*)",
        lambda words, ranges: f"{_column(words)} 在 {_ranges(ranges)} 各有取值",
    ),
    _mark(r"missing: (.+)", lambda words: f"缺失：{_list(words, ', ')}"),
    _mark(r"(.+) occurs more than once", lambda text: f"{_named(text)} 出现不止一次"),
    _mark(
        r"(.+); another value in the same (.+)", lambda text, by: f"{_named(text)}；同一{_list(by, ' and ')}中另有取值"
    ),
    _mark(
        r"(.+), (?:far from|unlike) others of its (.+)",
        lambda text, by: f"{_named(text)}，与同一{_list(by, ' and ')}的其他序列相差较大",
    ),
    _mark(
        r"(.+); nearly all others of its (.+) are alike",
        lambda text, by: f"{_named(text)}；同一{_list(by, ' and ')}的其他序列几乎都一致",
    ),
    _mark(r"(.+) between slices, usually (.+); (?:(\d+) gaps, the first|gap) after slice (\d+)", _gap),
    _mark(r"steps of (.+) to (.+), usually (.+); first odd one after slice (\d+)", _steps),
    _mark(
        r"(\d+) slices? lies? where another one does, first after slice (\d+)",
        lambda n, after: f"{n} 个层面与其他层面位置相同，第一个在第 {after} 层之后",
    ),
    _mark(r"one value of (.+) throughout the series", lambda words: f"整个序列中 {_list(words, ', ')} 取值唯一"),
    _mark(
        r"one value of (.+) within (.+)",
        lambda words, by: f"同一{_list(by, ' and ')}内 {_column(words)} 取值唯一",
    ),
    _mark(r"one of (.+) has a value", lambda words: f"{_list(words, ', ')} 至少一项有值"),
    _mark(r"each of (.+) has a value", lambda words: f"{_list(words, ', ')} 均有值"),
    _mark(r"(.+) has a value", lambda words: f"{_column(words)} 有值"),
    _mark(r"(.+) is there, if empty", lambda words: f"有 {_column(words)}（可为空）"),
    _mark(r"each (.+) once within (.+)", lambda words, by: f"同一{_list(by, ' and ')}内 {_column(words)} 不重复"),
    _mark(
        r"(.+) as at least (.+ %) of its (.+)",
        lambda words, share, by: f"{_list(words, ' and ')} 与同一{_list(by, ' and ')}中至少 {share} 一致",
    ),
    _mark(
        r"(.+) within (\S+) robust standard deviations of its (.+)",
        lambda words, z, by: f"{_column(words)} 与同一{_list(by, ' and ')}的偏离不超过 {z} 个稳健标准差",
    ),
    _mark(
        r"(.+?) at (least|most) (\S+) x the median of its (.+)",
        lambda words, way, x, by: (
            f"{_column(words)} 不{'小' if way == 'least' else '大'}于同一{_list(by, ' and ')}中位数的 {x} 倍"
        ),
    ),
    _mark(r"every step within (.+) of the median step", lambda slack: f"各层间距与其中位数相差不超过 {slack}"),
    _mark(r"(.+) all equal", lambda words: f"{_column(words)} 全部相等"),
    _mark(r"(.+) is (one|none) of (.+)", _among),
    _mark(
        r"(.+) that goes with (.+) \(table (.+)\)",
        lambda words, by, table: f"{_column(words)} 与 {_column(by)} 相符（表 {table}）",
    ),
    _mark(r"(.+?) not of the form (.+)", lambda words, form: f"{_list(words, ' and ')} 不得匹配 {form}"),
    _mark(r"(.+?) of the form (.+)", lambda words, form: f"{_list(words, ' and ')} 匹配 {form}"),
    _mark(
        rf"(.+?) ({_BOUND}(?: and {_BOUND})*) on every slice",
        lambda words, bounds: f"每一层的{_column(words)}{_bounds(bounds)}",
    ),
    _mark(rf"(.+?) ({_BOUND}(?: and {_BOUND})*)", lambda words, bounds: f"{_list(words, ' and ')} {_bounds(bounds)}"),
    _mark(rf"({_BOUND}(?: and {_BOUND})*) of (.+)", lambda bounds, words: f"{_column(words)} 的个数{_bounds(bounds)}"),
    _mark(r"as many as (\w+) of (.+)", lambda equals, words: f"{_column(words)} 的个数等于 {_column(equals)}"),
    _mark(r"(.+?) (==|!=|<=|>=|<|>) (.+)", _compared),
    _mark(r"(.+) without (.+)", lambda words, lacks: f"{_column(words)}缺少 {lacks.replace(' or ', ' 或 ')}"),
    _mark(r"(.+) with (.+)", lambda words, values: f"{_column(words)}包含 {values.replace(' or ', ' 或 ')}"),
    _mark(r"nothing (.+)", lambda words: f"没有属性{_column(words)}"),
    _mark(r"no (.+)", lambda words: f"没有{_column(words)}"),
    _mark(r"what a pack asks for \((.+)\)", lambda params: f"规则包所要求的取值（{params}）"),
)
"""Sentences of the checks, the more telling ones first."""
