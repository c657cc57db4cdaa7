"""The words of a reply: what a hospital may answer, under which headers, and what state a problem has then."""

import unicodedata
from collections.abc import Iterable, Mapping

from dqkit.model import ProblemState
from dqkit.rulebook.rule import Text

ANSWERS: Mapping[str, Text] = {
    "fixed": {"en": "fixed", "zh": "已修复"},
    "resent": {"en": "sent again", "zh": "已重新发送"},
    "cannot-fix": {"en": "cannot fix", "zh": "无法修复"},
    "disputed": {"en": "disputed", "zh": "有异议"},
    "question": {"en": "question", "zh": "有疑问"},
}
"""Answer -> what a drop-down of a worklist offers."""

MEANINGS: Mapping[str, Text] = {
    "fixed": {
        "en": "Mended at the source (scanner, PACS, export), so that it will not come again.",
        "zh": "已在源头（设备、PACS 或导出环节）修复，今后不会再出现。",
    },
    "resent": {
        "en": "These images were sent again; the new files take the place of the old ones.",
        "zh": "相关图像已重新发送，新文件将取代旧文件。",
    },
    "cannot-fix": {
        "en": "It cannot be mended, for example because the originals are lost. Say why in the comment.",
        "zh": "无法修复，例如原始数据已丢失。请在备注中说明原因。",
    },
    "disputed": {
        "en": "This is no fault, or not one of this hospital. Say why in the comment.",
        "zh": "并非缺陷，或并非本机构的问题。请在备注中说明理由。",
    },
    "question": {
        "en": "Something is unclear. Ask in the comment.",
        "zh": "有不清楚之处，请在备注中提问。",
    },
}
"""Answer -> what it means."""

STATE_OF: Mapping[str, ProblemState] = {
    "fixed": ProblemState.FIXED,
    "resent": ProblemState.FIXED,
    "cannot-fix": ProblemState.CANNOT_FIX,
    "disputed": ProblemState.DISPUTED,
    "question": ProblemState.QUESTION,
}

HEADERS: Mapping[str, Text] = {
    "row_id": {"en": "ID", "zh": "编号"},
    "answer": {"en": "Answer", "zh": "答复"},
    "comment": {"en": "Comment", "zh": "备注"},
    "by": {"en": "Answered by", "zh": "答复人"},
    "date": {"en": "Date", "zh": "日期"},
}
"""What a reply is read from -> the header of its column in a worklist."""

_ALSO: Mapping[str, tuple[str, ...]] = {
    "fixed": ("done", "mended", "corrected", "已修正", "已更正", "已处理", "已解决"),
    "resent": ("resent", "re-sent", "resend", "已重发", "已重传", "重新发送"),
    "cannot-fix": ("cannot be fixed", "can't fix", "can not fix", "not fixable", "不能修复", "无法解决", "无法处理"),
    "disputed": ("dispute", "not a fault", "no fault", "异议", "不是问题", "不同意"),
    "question": ("?", "unclear", "疑问", "不清楚"),
}
"""What people write instead."""

_PRESSING = (ProblemState.QUESTION, ProblemState.DISPUTED, ProblemState.CANNOT_FIX, ProblemState.FIXED)


def folded(text: str) -> str:
    """Return `text` as it is compared: full-width characters, case, blanks and dashes make no difference."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return " ".join(plain.replace("-", " ").replace("_", " ").split()).rstrip(".!。！")


_MEANT = {
    folded(word): key for key, text in ANSWERS.items() for word in (key, *text.values(), *_ALSO[key])
}  # every word stands once
_COLUMNS = {folded(word): key for key, text in HEADERS.items() for word in text.values()}


def meant(text: str) -> str | None:
    """Return the answer that `text` is, or None."""
    return _MEANT.get(folded(text))


def column_of(header: str) -> str | None:
    """Return what stands under `header`, or None where a reply is not read from it."""
    return _COLUMNS.get(folded(header))


def state_of_all(answers: Iterable[str | None]) -> ProblemState | None:
    """Return what the answers to the rows of a problem make of it; None where some are to come.

    A question counts at once; else the most pressing answer holds, as what was mended is found no more.
    """
    found = set(answers)
    states = {STATE_OF[answer] for answer in found if answer is not None}
    if None in found and ProblemState.QUESTION not in states:
        return None
    return next((state for state in _PRESSING if state in states), None)
