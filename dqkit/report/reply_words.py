"""What the commands of the loop with hospitals say on a steward's screen, in English and Chinese."""

from collections.abc import Mapping

from dqkit.report.words import LANGUAGES, Pair

_WORDS: Mapping[str, tuple[str, str]] = {
    "handback.made": (
        "{problems} of {site} in {rows}: {path}",
        "{site}：{problems}，{rows}：{path}",
    ),
    "handback.none": ("{site} has nothing to mend that waits for it.", "{site} 没有待其处理的问题。"),
    "handback.left_mender": ("left out: {n}, to be mended by {who}", "未列入：{n}，应由{who}处理"),
    "handback.left_state": (
        "left out: {n}, {state} (--answered brings them in)",
        "未列入：{n}，{state}（--answered 可列入）",
    ),
    "handback.cut": ("{n} further rows are not listed", "另有 {n} 行未列出"),
    "handback.resolved": (
        "It names patients and studies: keep it in the house, and delete it when it is done. This was recorded.",
        "文件包含患者和检查信息：请勿带出机构，用毕删除。此操作已记录。",
    ),
    "handback.next": ("When it comes back: dqkit reply import FILE.xlsx", "收到答复后：dqkit reply import 文件.xlsx"),
    "count.problems": ("{n} problem|{n} problems", "{n} 个问题"),
    "count.rows": ("{n} row|{n} rows", "{n} 行"),
    "reply.taken": (
        "{answered} answered, {unchanged} unchanged, {refused} refused",
        "新答复 {answered}，未变 {unchanged}，拒绝 {refused}",
    ),
    "reply.dry": ("Nothing was recorded (--dry-run).", "未做任何记录（--dry-run）。"),
    "reply.states": ("Problems now: {states}", "问题状态变化：{states}"),
    "reply.closed": (
        "{n} of them about problems that an audit no longer finds: recorded, state unchanged",
        "其中 {n} 条涉及已不再检出的问题：已记录，状态不变",
    ),
    "reply.refused": ("refused", "拒绝"),
    "reply.remark": ("taken", "已接受"),
    "place.sheet": ("sheet {sheet}, row {row}", "第 {sheet} 页第 {row} 行"),
    "place.line": ("line {row}", "第 {row} 行"),
    "why.formula": ("its ID or answer is a formula, which is never computed", "编号或答复为公式，公式不会被计算"),
    "why.no_id": ("it has no ID", "没有编号"),
    "why.no_answer": ("it has a comment and no answer: choose one", "有备注但没有答复：请选择答复"),
    "why.unknown_answer": ("its answer is none of: {answers}", "答复不在可选范围：{answers}"),
    "why.twice": ("its ID stands in several rows with different answers", "同一编号出现多次且答复不同"),
    "why.unknown_id": (
        "no worklist of this catalog has its ID: was it edited, or is it of another catalog?",
        "本目录的清单中没有该编号：是否被修改过，或属于其他目录？",
    ),
    "why.date": ("its date was not understood and is left out", "日期无法识别，未记录"),
    "why.long": ("its comment was cut to 2,000 characters", "备注过长，已截至 2000 字符"),
    "more": ("and {n} more", "另有 {n} 行"),
    "problems.none": ("No problem in these states.", "没有处于这些状态的问题。"),
    "problems.set": ("{problem} is {state} now", "{problem} 现为：{state}"),
    "problems.moved": ("its findings count to {problem} now", "其检出项现归入 {problem}"),
}

WORDS: dict[str, Pair] = {key: dict(zip(LANGUAGES, texts, strict=True)) for key, texts in _WORDS.items()}
