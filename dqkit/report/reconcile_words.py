"""What `dqkit reconcile` says to people, in English and Chinese; report/words.py explains the form."""

RECONCILE_WORDS: dict[str, tuple[str, str]] = {
    "rec.head": (
        "{n} study expected by {rows} rows of the list.|{n} studies expected by {rows} rows of the list.",
        "清单共 {rows} 行，应有 {n} 项检查。",
    ),
    "rec.level.study": ("A row is a study.", "每行为一项检查。"),
    "rec.level.series": ("A row is a series.", "每行为一个序列。"),
    "rec.level.instance": ("A row is an image.", "每行为一幅图像。"),
    "rec.expected": ("Expected", "应有"),
    "rec.complete": ("Complete", "完整"),
    "rec.partial": ("Partial", "不完整"),
    "rec.missing": ("Missing", "缺失"),
    "rec.extra": ("Extra", "多余"),
    "rec.changed": ("Changed", "不一致"),
    "rec.unmatched": ("Unreadable", "无法识别"),
    "rec.images": ("Images −", "图像 −"),
    "rec.nowhere": ("(site not known)", "（机构未知）"),
    "rec.all": ("Everything that was expected is there.", "应有的检查全部齐全。"),
    "rec.worst": ("Missing and partial", "缺失与不完整"),
    "rec.of": ("{found} of {expected} images", "图像 {found}/{expected}"),
    "rec.of_series": ("{found} of {expected} series", "序列 {found}/{expected}"),
    "rec.study": ("study {name}", "检查 {name}"),
    "rec.more": ("and {n} more, in the in-house list", "另有 {n} 项，见内部明细"),
    "rec.more_no_out": ("and {n} more: -o DIR lists them", "另有 {n} 项：-o 目录可输出明细"),
    "rec.detail": ("In-house list", "内部明细"),
    "rec.change.patient": ("another patient: {n}", "患者不同：{n}"),
    "rec.change.date": ("another date: {n}", "日期不同：{n}"),
    "rec.change.modality": ("another modality: {n}", "模态不同：{n}"),
    "rec.change.uid": ("another StudyInstanceUID: {n}", "StudyInstanceUID 不同：{n}"),
    "rec.note.repeated": (
        "{n} row repeats what another row names.|{n} rows repeat what another row names.",
        "{n} 行与其他行重复。",
    ),
    "rec.note.contradicting": (
        "Studies whose rows contradict each other (numbers or patients): {n}; the largest number counts.",
        "各行相互矛盾（数目或患者）的检查：{n} 项；以最大数目为准。",
    ),
    "rec.note.respelt": (
        "Studies whose PatientID differs in case, zeros in front or punctuation alone: {n}; taken for the same.",
        "PatientID 仅大小写、前导零或标点不同的检查：{n} 项；视为相同。",
    ),
    "rec.note.outside": (
        "Studies of the catalog before or after the dates of the list, not called extra: {n}.",
        "日期在清单范围之外、不计为多余的检查：{n} 项。",
    ),
    "rec.note.more": (
        "Studies with more images than the list says: {n}.", "图像多于清单所列的检查：{n} 项。",
    ),
    "rec.note.uncounted": (
        "The list does not say how many images there should be: only series can be missing from a study.",
        "清单未给出图像数目：仅能判断序列是否缺失。",
    ),
    "rec.note.unlisted": ("The list says nothing of these sites: {names}.", "清单未涉及以下机构：{names}。"),
    "rec.note.offline": (
        "The source {name} is offline: it counts as it was last seen.", "数据源 {name} 离线：按上次读取到的内容计。",
    ),
    "rec.note.damaged": (
        "Rows of {n} studies cannot be matched: they name no study, or by a number that a spreadsheet rounded.",
        "{n} 项检查的行无法匹配：未给出检查标识，或其编号已被表格软件取整。",
    ),
}  # fmt: skip
