"""Conditions of a policy in the words of a flow picture, in every language, free of identifying values."""

import datetime as dt
from collections.abc import Mapping, Sequence

from dqkit.privacy.identifying import is_identifying
from dqkit.rulebook.phrase import value_word, words_of
from dqkit.rulebook.rule import Text
from dqkit.rulebook.scope import Condition, Scope
from dqkit.rulebook.vocabulary import load_table

_TABLES = {"role": "roles", "roles": "roles", "region": "regions", "regions": "regions"}
"""Columns whose values a table names in every language."""

_FLAGS: Mapping[str, tuple[Text, Text]] = {
    # What true says, what false says
    column: ({"en": yes, "zh": yes_zh}, {"en": no, "zh": no_zh})
    for column, yes, yes_zh, no, no_zh in (
        ("is_image", "images", "图像", "no images", "非图像"),
        ("is_derived", "derived images", "衍生图像", "original images", "原始图像"),
        ("is_localizer", "localizer", "定位像", "no localizer", "非定位像"),
        ("is_survey", "survey in three planes", "三平面定位扫描", "no survey", "非定位扫描"),
        ("only_localizers", "localizers alone", "仅有定位像", "not localizers alone", "不仅有定位像"),
        ("has_acquired_images", "acquired images", "有采集图像", "no acquired images", "无采集图像"),
    )
}

_RANGE = {"en": ("at least", "at most"), "zh": ("不小于", "不大于")}
_SIDES = {
    "en": {"number": ("below", "above"), "date": ("before", "after")},
    "zh": {"number": ("小于", "大于"), "date": ("早于", "晚于")},
}
_GAP = {"en": ", ", "zh": "、"}
_OR = {"en": " or ", "zh": " 或 "}
_COLON = {"en": ": ", "zh": "："}


def condition_text(condition: Condition) -> Text:
    """Say a condition (``SliceThickness at most 3``)."""
    return {lang: _said(condition, lang) for lang in ("en", "zh")}


def unmet_text(condition: Condition) -> Text:
    """Say that a condition is not met."""
    if _is_flag(condition):
        return _FLAGS[condition.column][1 if condition.values[0] else 0]
    if condition.kind == "range":
        return {lang: f"{words_of(condition.column)} {_beyond(condition, lang)}" for lang in ("en", "zh")}
    said = condition_text(condition)
    return {"en": f"not {said['en']}", "zh": f"不符合 {said['zh']}"}


def scope_text(scope: Scope) -> Text:
    """Say conditions that hold together."""
    said = [condition_text(condition) for condition in scope.conditions]
    return {lang: _GAP[lang].join(one[lang] for one in said) for lang in ("en", "zh")}


def unclear_text(columns: Sequence[str]) -> Text:
    """Say that a value is not there, or that there are several."""
    asked = [_FLAGS[column][0] for column in columns if column in _FLAGS]
    if len(asked) == len(columns):
        either = {lang: _OR[lang].join(one[lang] for one in asked) for lang in ("en", "zh")}
        return {"en": f"not known whether {either['en']}", "zh": f"无法判断是否为{either['zh']}"}
    names = dict.fromkeys(words_of(column) for column in columns)
    return {"en": f"{', '.join(names)} missing or several values", "zh": f"{'、'.join(names)} 缺失或有多个值"}


def _is_flag(condition: Condition) -> bool:
    return condition.kind == "in" and condition.column in _FLAGS and len(condition.values) == 1


def _said(condition: Condition, lang: str) -> str:
    if _is_flag(condition):
        return _FLAGS[condition.column][0 if condition.values[0] else 1][lang]
    name = words_of(condition.column)
    if condition.kind == "present":
        there = {"en": ("absent", "present"), "zh": ("缺失", "有值")}[lang]
        return f"{name} {there[bool(condition.values[0])]}"
    if condition.kind == "range":
        bounds = zip(_RANGE[lang], (condition.least, condition.most), strict=True)
        return f"{name} " + _GAP[lang].join(f"{word} {_number(bound)}" for word, bound in bounds if bound is not None)
    return _of_values(condition, name, lang)


def _of_values(condition: Condition, name: str, lang: str) -> str:
    negated = {"en": "not ", "zh": "非 "}[lang] if condition.kind == "not_in" else ""
    if is_identifying(condition.column):
        return f"{name}{_COLON[lang]}{negated}…"
    if condition.table:
        return f"{name}{_COLON[lang]}{negated}{condition.table}"
    values = _OR[lang].join(_value(condition.column, value, lang) for value in condition.values)
    return (
        f"{negated}{values}" if condition.column in (*_TABLES, "Modality") else f"{name}{_COLON[lang]}{negated}{values}"
    )


def _value(column: str, value: object, lang: str) -> str:
    table = _TABLES.get(column)
    row = load_table(table).get(str(value)) if table else None
    if row is not None:
        return str(row[lang])
    return str(value).lower() if isinstance(value, bool) else value_word(column, value)


def _beyond(condition: Condition, lang: str) -> str:
    """Say on which side of a range something lies."""
    least, most = condition.least, condition.most
    if least is not None and most is not None:
        between = {"en": "outside {} – {}", "zh": "不在 {} – {} 之内"}[lang]
        return between.format(_number(least), _number(most))
    below, above = _SIDES[lang]["date" if isinstance(least if most is None else most, dt.date) else "number"]
    return f"{below} {_number(least)}" if most is None else f"{above} {_number(most)}"


def _number(bound: object) -> str:
    return f"{bound:g}" if isinstance(bound, float) else str(bound)
