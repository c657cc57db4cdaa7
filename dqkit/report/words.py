"""What dqkit says to people, in English and Chinese; rule texts come from the rule files.

A text with a count has two English forms, ``one|many``; the count is `n`. The page's own script reads the same
table, so that a word stands once.
"""

from collections.abc import Mapping

from dqkit.report.cohort_words import COHORT_WORDS
from dqkit.report.combat_words import COMBAT
from dqkit.report.gate_words import GATE
from dqkit.report.harmonize_words import HARMONIZE
from dqkit.report.history_words import HISTORY_WORDS
from dqkit.report.label_words import LABELS
from dqkit.report.pack_words import PACKS
from dqkit.report.profile_words import PROFILE
from dqkit.report.reconcile_words import RECONCILE_WORDS
from dqkit.report.state_words import STATES

LANGUAGES = ("en", "zh")

HTML_LANG = {"en": "en", "zh": "zh-CN"}
"""Language code -> the value of ``<html lang>`` (BCP 47)."""

Pair = dict[str, str]
"""One text in every language."""

_VERDICT: dict[str, tuple[str, str]] = {
    "verdict.fail": ("This archive does not pass", "该影像库未通过检查"),
    "verdict.pass": ("This archive passes", "该影像库通过检查"),
    "verdict.incomplete": ("This archive could not be checked in full", "该影像库未能完整检查"),
    "verdict.nothing": ("Nothing could be judged", "没有可供判断的内容"),
    "verdict.site.fail": ("{site} does not pass", "{site} 未通过检查"),
    "verdict.site.pass": ("{site} passes", "{site} 通过检查"),
    "verdict.site.incomplete": ("{site} could not be checked in full", "{site} 未能完整检查"),
    "verdict.site.nothing": ("Nothing could be judged at {site}", "{site} 没有可供判断的内容"),
    "because.fail": (
        "{n} rule of severity “{severity}” or above fails.|{n} rules of severity “{severity}” or above fail.",
        "有 {n} 条“{severity}”及以上级别的规则未通过。",
    ),
    "because.pass": ("No rule of severity “{severity}” or above fails.", "没有“{severity}”及以上级别的规则未通过。"),
    "because.never": (
        "The verdict was told to fail on nothing: read the problems below.",
        "本次检查设定为任何规则都不判为未通过，请阅读下方问题。",
    ),
    "because.milder": (
        "{n} milder rule fails and does not decide the verdict.|{n} milder rules fail and do not decide the verdict.",
        "另有 {n} 条较轻的规则未通过，不影响结论。",
    ),
    "because.table": (
        (
            "{name} is a table, not files: {answers} of {rules} rules could be asked of its {series} series; "
            "of the others nothing is known there."
        ),
        "{name} 是元数据表而非影像文件：对其 {series} 个序列，{rules} 条规则中仅能回答 {answers} 条，其余未知。",
    ),
    "because.pixels": (
        "Pixels were looked at in {decoded} of {n} image.|Pixels were looked at in {decoded} of {n} images.",
        "已查看 {n} 幅图像中 {decoded} 幅的像素。",
    ),
    "because.only": ("Only a part was asked for and judged: {what}.", "按要求仅检查了部分内容：{what}。"),
    "only.sites": ("sites {names}", "机构 {names}"),
    "only.modalities": ("modalities {names}", "模态 {names}"),
    "only.cohort": ("the cohort {name} of {n} series", "队列 {name}，共 {n} 个序列"),
    "because.cohort_moved": (
        "Since the cohort was chosen, series of it that are gone: {gone}; changed: {changed}. Undecided: {new}.",
        "自选定队列以来，其中已消失的序列：{gone}；已变更：{changed}。尚未作出取舍的序列：{new}。",
    ),
    "because.nothing": ("No rule applied to what was found.", "没有规则适用于所发现的内容。"),
    "complete.yes": ("Everything could be read.", "所有文件均已读取。"),
    "complete.no": ("Not complete: parts could not be read.", "检查不完整：部分内容无法读取。"),
    "first": ("What to do first", "首先要做的事"),
    "comma": (", ", "，"),
    "colon": (": ", "："),
    "decides_more": ("and {n} more rule|and {n} more rules", "另有 {n} 条规则"),
    "decides": ("What decides it", "判定依据"),
}

_SECTIONS: dict[str, tuple[str, str]] = {
    "report": ("Data quality report", "数据质量报告"),
    "skip": ("Skip to the verdict", "跳到结论"),
    "contents": ("Contents", "目录"),
    "language": ("Language", "语言"),
    "checked": ("Checked {when} UTC with dqkit {version}", "检查时间 {when} UTC，dqkit {version}"),
    "nav.verdict": ("Verdict", "结论"),
    "nav.glance": ("At a glance", "概览"),
    "nav.sites": ("Sites", "机构"),
    "nav.charts": ("Distributions", "分布"),
    "nav.problems": ("Problems", "问题"),
    "nav.findings": ("Findings", "检出项"),
    "nav.coverage": ("Coverage", "覆盖"),
    "nav.reading": ("How to read", "阅读说明"),
    "h.glance": ("The archive at a glance", "影像库概览"),
    "h.sites": ("Sites side by side", "各机构对比"),
    "h.charts": ("Distributions", "参数分布"),
    "h.problems": ("Problems, worst first", "问题（由重到轻）"),
    "h.findings": ("Findings by rule", "按规则列出的检出项"),
    "h.coverage": ("What was judged, and what could not be", "已判断与无法判断的规则"),
    "h.reading": ("How to read this report", "如何阅读本报告"),
    "lead.sites": (
        "Problems by severity; beneath, the findings they sum up. A number leads to its problems.",
        "按严重程度统计的问题数，下方为对应检出项数。点击数字查看相应问题。",
    ),
    "lead.charts": (
        (
            "Each dot is a value; its area shows how many series (for the slice step: volumes) have it. "
            "Sites that differ here will look different to a model too."
        ),
        "每个圆点代表一个取值，面积表示具有该值的序列数（层间距为容积数）。此处存在差异的机构，对模型而言也会不同。",
    ),
    "lead.problems": (
        "A problem sums up the findings of one rule at one site, scanner and protocol: mend it once.",
        "一个问题汇总同一规则在同一机构、设备和扫描方案下的全部检出项：处理一次即可。",
    ),
    "lead.findings": (
        (
            "Each rule with its reason, its remedy and the series concerned. Locations are pseudonyms that the "
            "holder of the archive can resolve."
        ),
        "每条规则附有理由、处理办法和受影响的序列。位置为假名，可由影像库持有方还原。",
    ),
    "lead.coverage": (
        (
            "A rule that could not be judged has not passed. Missing: the attribute is absent; varying: it has several "
            "values where one is needed; not looked at: nothing has read it yet."
        ),
        "无法判断不等于通过。缺失：属性不存在；不一致：应为单值处有多个取值；未查看：尚未读取该内容。",
    ),
    "noscript": (
        (
            "Problems, findings and charts need JavaScript, which this viewer has switched off. The file loads nothing "
            "from anywhere."
        ),
        "问题、检出项和图表需要 JavaScript，当前查看器已禁用。本文件不会从任何地方加载内容。",
    ),
}

_FIGURES: dict[str, tuple[str, str]] = {
    "site": ("Site", "机构"),
    "sites": ("Sites", "机构"),
    "patients": ("Patients", "患者"),
    "studies": ("Studies", "检查"),
    "series": ("Series", "序列"),
    "instances": ("Instances", "实例"),
    "files": ("Files", "文件"),
    "volume": ("Volume", "数据量"),
    "modality": ("Modality", "模态"),
    "modalities": ("Modalities", "模态"),
    "scanner": ("Scanner", "设备"),
    "scanners": ("Scanners", "设备"),
    "years": ("Years", "年份"),
    "pass_rate": ("Rules passed", "规则通过率"),
    "of_rules": ("{passed} of {judged}", "{passed} / {judged}"),
    "archive": ("Whole archive", "整个影像库"),
    "unknown_scanner": ("Scanner not named", "设备未注明"),
    "critical": ("critical", "严重"),
    "warning": ("warning", "警告"),
    "info": ("info", "提示"),
    "never": ("never", "从不"),
    "pass": ("pass", "通过"),
    "fail": ("fail", "未通过"),
    "unknown": ("unknown", "无法判断"),
    "not_applicable": ("not applicable", "不适用"),
    "error": ("could not run", "无法运行"),
    "tally": ("problem · {findings}|problems · {findings}", "个问题 · {findings}"),
    "count.findings": ("{n} finding|{n} findings", "{n} 项检出"),
    "count.series": ("{n} series|{n} series", "{n} 个序列"),
    "count.patients": ("{n} patient|{n} patients", "{n} 名患者"),
    "count.files": ("{n} file|{n} files", "{n} 个文件"),
    "count.sites": ("{n} site|{n} sites", "{n} 家机构"),
    "count.rules": ("{n} rule|{n} rules", "{n} 条规则"),
}

_CHARTS: dict[str, tuple[str, str]] = {
    "measure.SliceThickness": ("Slice thickness", "层厚"),
    "measure.slice_step_mm": ("Slice step, measured", "层间距（实测）"),
    "measure.PixelSpacing": ("Pixel spacing", "像素间距"),
    "measure.KVP": ("Tube voltage", "管电压"),
    "measure.MagneticFieldStrength": ("Field strength", "磁场强度"),
    "unit.pixels": ("pixels", "像素"),
    "measure.Rows": ("Image rows", "图像行数"),
    "chart.by": ("One row", "每行"),
    "chart.by_site": ("a site", "一家机构"),
    "chart.by_scanner": ("a scanner", "一台设备"),
    "chart.other": ("other", "其他"),
    "chart.count": ("Count", "数量"),
    "chart.none": ("No value of this kind was found in the archive.", "影像库中没有此类取值。"),
    "chart.table": ("The same as a table", "以表格显示"),
    "chart.min": ("Smallest", "最小"),
    "chart.median": ("Median", "中位数"),
    "chart.max": ("Largest", "最大"),
    "chart.about": (
        "{measure} in {unit}: {n} values from {low} to {high}, median {median}, in {groups} rows.",
        "{measure}（{unit}）：共 {n} 个取值，范围 {low} 至 {high}，中位数 {median}，分 {groups} 行显示。",
    ),
}

_LISTS: dict[str, tuple[str, str]] = {
    "filter": ("Filter", "筛选"),
    "search": ("Search", "搜索"),
    "search.hint": ("rule, site, scanner, value …", "规则、机构、设备、取值……"),
    "severity": ("Severity", "严重程度"),
    "family": ("Family", "类别"),
    "rule": ("Rule", "规则"),
    "all": ("all", "全部"),
    "reset": ("Clear filters", "清除筛选"),
    "problem": ("Problem", "问题"),
    "where": ("Where", "位置"),
    "extent": ("Extent", "范围"),
    "when": ("Years", "年份"),
    "todo": ("What to do", "处理办法"),
    "sort": ("Sort by", "排序"),
    "shown": ("{n} of {all} problem shown|{n} of {all} problems shown", "显示 {all} 个问题中的 {n} 个"),
    "none_match": ("No problem matches the filters.", "没有符合筛选条件的问题。"),
    "none_at_all": ("No problem was found.", "未发现问题。"),
    "more": ("Show {n} more", "再显示 {n} 个"),
    "see_findings": ("Findings", "查看检出项"),
    "why": ("Why it matters", "为什么重要"),
    "remedy": ("What to do", "处理办法"),
    "expected": ("Expected", "期望"),
    "observed": ("Observed", "实际"),
    "standard": ("Standard", "标准"),
    "level": ("Judged for each", "判断层级"),
    "location": ("Location", "位置（假名）"),
    "protocol": ("Protocol", "扫描方案"),
    "mender": ("Who", "由谁处理"),
    "mender.site": ("the site", "机构"),
    "mender.dqkit": ("dqkit", "dqkit"),
    "mender.operator": ("whoever runs dqkit", "dqkit 运行人员"),
    "harmonize": ("A harmonize recipe can do it (step “{step}”).", "可由 harmonize 配方处理（步骤“{step}”）。"),
    "no_remedy": ("See the rule's page.", "请参阅该规则的说明。"),
    "examples": (
        (
            "{n} of {all} finding is shown; findings.parquet beside this report has all.|"
            "{n} of {all} findings are shown; findings.parquet beside this report has all."
        ),
        "显示 {all} 项检出中的 {n} 项；全部内容见同目录的 findings.parquet。",
    ),
    "problems_cut": (
        "This report holds the worst {n} of {all} problems; problems.parquet beside it has all.",
        "本报告列出最严重的 {n} 个问题（共 {all} 个）；全部内容见同目录的 problems.parquet。",
    ),
    "judged": ("Judged", "已判断"),
    "failed": ("Failed", "未通过"),
    "passed": ("Passed", "通过"),
    "could_not": ("Not judged", "无法判断"),
    "verdict": ("Verdict", "结论"),
    "missing": ("missing {n}", "缺失 {n}"),
    "varying": ("varying {n}", "不一致 {n}"),
    "not_looked_at": ("not looked at {n}", "未查看 {n}"),
    "implied": ("follows from another rule {n}", "由其他规则引起 {n}"),
    "waived": ("waived {n}", "豁免 {n}"),
    "for_packs": ("(for packs)", "（供规则包使用）"),
    "looked_for": ("Defect looked for", "所查缺陷"),
    "out_of_scope": ("Not applicable", "不适用"),
    "why_not": ("Why not", "原因"),
    "fails_at": ("fails at {n} site|fails at {n} sites", "{n} 家机构未通过"),
    "level.file": ("file", "文件"),
    "level.instance": ("instance", "实例"),
    "level.stack": ("volume", "容积"),
    "level.series": ("series", "序列"),
    "level.study": ("study", "检查"),
    "level.patient": ("patient", "患者"),
    "level.label": ("label", "标注"),
    "level.site": ("site", "机构"),
    "level.archive": ("archive", "影像库"),
}

_READING: dict[str, tuple[str, str]] = {
    "read.levels": (
        "Critical: the data misleads or cannot be used. Warning: usable with care. Info: worth knowing.",
        "严重：数据会产生误导或无法使用。警告：需谨慎使用。提示：值得了解。",
    ),
    "read.verdict": (
        (
            "The verdict comes from the failing rules at or above “{severity}”. A run that could not read everything "
            "is never reported as passed."
        ),
        "结论取决于“{severity}”及以上级别的未通过规则。未能读取全部内容的检查不会报告为通过。",
    ),
    "read.verdict_never": (
        "This run was told to fail on nothing. A run that could not read everything is never reported as passed.",
        "本次检查设定为任何规则都不判为未通过。未能读取全部内容的检查不会报告为通过。",
    ),
    "read.private": (
        (
            "Names, identifiers, dates, descriptions and paths are left out on purpose. Locations and protocols are "
            "pseudonyms; dates are years, and months where a scanner changed."
        ),
        "报告有意不包含姓名、编号、日期、描述和路径。位置与扫描方案以假名表示；日期仅保留年份，设备变化保留月份。",
    ),
    "read.not_checked": (
        (
            "Not checked: anatomy, diagnosis and the truth of labels; and pixels, unless the rules above say so. "
            "Absence of a finding is not proof of quality."
        ),
        "未检查：解剖结构、诊断以及标注的正确性；除非上述规则注明已查看，像素内容也未检查。没有检出项并不证明数据质量合格。",
    ),
    "read.engine": ("Rules were evaluated with the engine “{engine}”.", "规则由“{engine}”引擎计算。"),
    "read.not_expressible": (
        "That engine could not express {n} rule: {rules}.|That engine could not express {n} rules: {rules}.",
        "该引擎无法表达 {n} 条规则：{rules}。",
    ),
    "read.licences": (
        "Charts are drawn with Vega, Vega-Lite and Vega-Embed (BSD-3-Clause), which this file carries.",
        "图表由内嵌的 Vega、Vega-Lite 和 Vega-Embed（BSD-3-Clause）绘制。",
    ),
}

_TERMINAL: dict[str, tuple[str, str]] = {
    "term.report": ("Report", "报告"),
    "term.next": ("Next", "下一步"),
    "term.n_more": ("and {n} more problem in the report|and {n} more problems in the report", "报告中还有 {n} 个问题"),
    "term.worst": ("Worst problems", "最严重的问题"),
    "term.total": ("total", "合计"),
    "term.slices": ("Slices", "层面"),
    "term.files": ("Files", "文件"),
    "term.more_files": ("and {n} more|and {n} more", "另有 {n} 个"),
    "term.origin_tool": (
        "This is a fault on our side (permission or I/O), not of the data.",
        "这是我方的故障（权限或读写），并非数据本身的问题。",
    ),
    "term.since": ("since {year}", "自 {year} 年起"),
    "term.show_rule": ("The rule in full", "规则全文"),
}

WORDS: dict[str, Pair] = {
    key: {"en": en, "zh": zh}
    for table in (
        _VERDICT,
        _SECTIONS,
        _FIGURES,
        _CHARTS,
        _LISTS,
        _READING,
        _TERMINAL,
        GATE,
        HARMONIZE,
        PACKS,
        PROFILE,
        STATES,
        COHORT_WORDS,
        HISTORY_WORDS,
        COMBAT,
        LABELS,
        RECONCILE_WORDS,
    )
    for key, (en, zh) in table.items()
}


def fill(pair: Mapping[str, str], lang: str, **values: object) -> str:
    """Return the text of `pair` in `lang` with its ``{names}`` filled in; `n` chooses between ``one|many``."""
    text = pair[lang]
    if "n" in values and "|" in text:
        one, many = text.split("|", 1)
        text = one if values["n"] == 1 else many
    shown = {name: f"{value:,}" if isinstance(value, int) else str(value) for name, value in values.items()}
    return text.format_map(shown)


def say(key: str, lang: str, **values: object) -> str:
    """Return the text called `key` in `lang`, filled in."""
    return fill(WORDS[key], lang, **values)


def pair(key: str, **values: object) -> Pair:
    """Return the text called `key` in every language, filled in."""
    return {lang: fill(WORDS[key], lang, **values) for lang in LANGUAGES}
