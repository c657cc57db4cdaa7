"""A rule explained in Markdown: `dqkit rules show` prints it, and docs/rules is made of it."""

from typing import Any

import yaml

from dqkit.rulebook.rule import FAMILIES, WHO, Case, Rule

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "level": "speaks of", "severity": "severity", "allow": "may fail", "per": "judged for", "status": "status",
        "standard": "standard",
        "since": "since", "origin": "fault of", "why": "Why it matters",
        "check": "What is checked",
        "scope": "Only where", "everything": "Everything of that level is judged.", "passes": "Passes",
        "remedy": "What to do", "who": "Who can do it",
        "recipe": "Step of a recipe", "implied": "Silent where these failed",
        "params": "A pack may change", "cite": "Where the numbers come from", "cases": "Examples", "column": "column",
        "value": "value", "nothing": "nothing given", "result": "result", "with": "with",
        "open": "It is judged only where a pack uses it and says what it asks for.", "unset": "for the pack to say",
    },
    "zh": {
        "level": "对象层级", "severity": "严重程度", "allow": "允许失败", "per": "判定范围", "status": "状态",
        "standard": "标准条款", "since": "起始版本", "origin": "责任方", "why": "为什么重要", "check": "检查内容",
        "scope": "适用范围", "everything": "该层级的所有对象均参与判定。", "passes": "通过条件",
        "remedy": "如何处理", "who": "由谁处理", "recipe": "处理流程步骤", "implied": "以下规则失败时不再重复报告",
        "params": "规则包可调整的参数", "cite": "数值来源", "cases": "示例", "column": "列",
        "value": "值", "nothing": "未给出任何值", "result": "结果", "with": "设定",
        "open": "仅在规则包采用并给出要求时才判定。", "unset": "由规则包给出",
    },
}  # fmt: skip

TERMS: dict[str, str] = {
    "file": "文件", "instance": "实例", "stack": "体数据（层叠）", "series": "序列", "study": "检查", "patient": "患者",
    "label": "标注", "site": "医院", "archive": "整个归档", "critical": "严重", "warning": "警告", "info": "提示",
    "preview": "预览", "stable": "稳定", "deprecated": "已弃用", "data": "数据", "tool": "工具或环境",
    "pass": "通过", "fail": "失败", "unknown": "未知", "not_applicable": "不适用", "missing": "未知（缺失）",
    "varying": "未知（不一致）", "not_looked_at": "未知（未查看）",
}  # fmt: skip
"""Words of the model in Chinese."""


def explain_rule(rule: Rule, lang: str = "en") -> str:
    """Return what a rule finds, why that matters, what to do, and examples, as Markdown."""
    return "\n".join([f"# {rule.id} {rule.name}", "", *explain_body(rule, lang)])


def explain_body(rule: Rule, lang: str) -> list[str]:
    """Return the lines below the heading."""
    words = WORDS[lang]
    return [
        f"**{rule.title[lang]}**",
        "",
        *_facts(rule, lang),
        "",
        *([words["open"], ""] if rule.is_open else []),
        *_part(words["why"], [rule.why[lang]]),
        *_part(words["check"], _check(rule, words)),
        *_part(words["remedy"], _remedy(rule, lang)),
        *_part(words["implied"], [f"- {cause}" for cause in rule.implied_by]),
        *_part(words["cite"], [f"- {source}" for source in rule.cite]),
        *_part(words["cases"], [line for case in rule.cases for line in _case(case, lang)]),
    ]


def term(word: str, lang: str) -> str:
    """Return a word of the model in a language."""
    return TERMS.get(word, word) if lang == "zh" else word.replace("_", " ")


def _part(heading: str, lines: list[str]) -> list[str]:
    return [f"## {heading}", "", *lines, ""] if lines else []


def _facts(rule: Rule, lang: str) -> list[str]:
    words = WORDS[lang]
    family = FAMILIES.get(rule.family, {}).get(lang, rule.family)
    facts = {
        words["level"]: term(rule.level, lang),
        words["severity"]: term(rule.severity, lang),
        words["allow"]: f"{rule.allow}",
        words["per"]: term(rule.per, lang),
        words["standard"]: rule.standard,
        words["since"]: rule.since,
    }
    if rule.status != "stable":
        facts[words["status"]] = term(rule.status, lang)
    if rule.origin != "data":
        facts[words["origin"]] = term(rule.origin, lang)
    return [f"*{family}*", "", *(f"- {name}: {value}" for name, value in facts.items())]


def _check(rule: Rule, words: dict[str, str]) -> list[str]:
    lines = [f"{words['passes']}: `{rule.check.expected()}`", ""]
    if rule.scope.conditions:
        lines += [f"{words['scope']}:", "", *(f"- `{condition}`" for condition in rule.scope.describe()), ""]
    else:
        lines += [words["everything"], ""]
    lines += ["```yaml", _yaml({"check": rule.source.get("check")}), "```"]
    if rule.params:
        values = {name: words["unset"] if value is None else value for name, value in rule.params.items()}
        lines += ["", f"{words['params']}:", "", *(f"- `{name}`: {value}" for name, value in values.items())]
    return lines


def _remedy(rule: Rule, lang: str) -> list[str]:
    words, lines = WORDS[lang], []
    if rule.remedy.manual:
        lines.append(rule.remedy.manual[lang])
    if rule.remedy.who:
        lines += ["", f"{words['who']}: {WHO[rule.remedy.who][lang]}"]
    if rule.remedy.harmonize:
        lines += ["", f"{words['recipe']}: `{rule.remedy.harmonize}`"]
    return lines


def _case(case: Case, lang: str) -> list[str]:
    results = ", ".join(term(word, lang) for word in dict.fromkeys(case.expect))
    rows = [_row(row, lang) for row in case.given[:3]]
    values = f" ({WORDS[lang]['with']} {_row(case.params, lang)})" if case.params else ""
    return [f"- {case.name}{values} → **{results}**", *(f"    - {row}" for row in rows)]


def _row(row: Any, lang: str) -> str:
    if not row:
        return WORDS[lang]["nothing"]
    return ", ".join(f"`{name}: {_value(value)}`" for name, value in row.items())


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    return "null" if value is None else str(value)


def _yaml(data: object) -> str:
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=100, default_flow_style=None)
    return text.rstrip()
