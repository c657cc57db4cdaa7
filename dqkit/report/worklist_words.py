"""What a worklist says to a hospital, in English and Chinese."""

from dqkit.steward.answers import HEADERS

SHEETS = {
    "problems": {"en": "Problems", "zh": "问题"},
    "details": {"en": "Details", "zh": "明细"},
    "readme": {"en": "Read me", "zh": "说明"},
}

COLUMNS: dict[str, dict[str, str]] = {
    **{key: dict(text) for key, text in HEADERS.items()},
    "severity": {"en": "Severity", "zh": "严重程度"},
    "title": {"en": "What is wrong", "zh": "存在的问题"},
    "todo": {"en": "What to do", "zh": "处理办法"},
    "who": {"en": "Who", "zh": "由谁处理"},
    "findings": {"en": "Findings", "zh": "检出数"},
    "series": {"en": "Series", "zh": "序列数"},
    "patients": {"en": "Patients", "zh": "患者数"},
    "files": {"en": "Files", "zh": "文件数"},
    "modality": {"en": "Modality", "zh": "模态"},
    "scanner": {"en": "Scanner", "zh": "设备"},
    "first": {"en": "First month", "zh": "最早月份"},
    "last": {"en": "Last month", "zh": "最近月份"},
    "observed": {"en": "Found", "zh": "实际"},
    "expected": {"en": "Expected", "zh": "期望"},
    "rule": {"en": "Rule", "zh": "规则"},
    "state": {"en": "State", "zh": "状态"},
    "problem_row": {"en": "Problem", "zh": "所属问题"},
    "location": {"en": "Place (pseudonym)", "zh": "位置（假名）"},
    "month": {"en": "Month", "zh": "月份"},
    "earlier": {"en": "Earlier answer", "zh": "此前答复"},
    "PatientID": {"en": "PatientID", "zh": "患者编号 PatientID"},
    "AccessionNumber": {"en": "AccessionNumber", "zh": "检查号 AccessionNumber"},
    "StudyDate": {"en": "StudyDate", "zh": "检查日期 StudyDate"},
    "SeriesNumber": {"en": "SeriesNumber", "zh": "序列号 SeriesNumber"},
}
"""Key of a column -> its header."""

ABOUT: dict[str, dict[str, str]] = {
    "row_id": {
        "en": "Names the row when your answer comes back. Please leave it as it is.",
        "zh": "用于识别返回的答复，请勿修改。",
    },
    "severity": {
        "en": "Critical: the images mislead or cannot be used. Warning: usable with care. Info: worth knowing.",
        "zh": "严重：图像会产生误导或无法使用。警告：需谨慎使用。提示：值得了解。",
    },
    "title": {"en": "The defect, in one sentence.", "zh": "一句话说明缺陷。"},
    "todo": {"en": "What mends it.", "zh": "如何处理。"},
    "who": {"en": "Who can usually mend it.", "zh": "通常由谁处理。"},
    "findings": {
        "en": "How often it was found; one problem can have thousands, all with one cause.",
        "zh": "检出次数；同一问题可能检出数千次，但原因相同。",
    },
    "observed": {"en": "What was found in the first of them.", "zh": "其中第一项的实际情况。"},
    "state": {
        "en": "How far it has come: open, sent to you before, or reopened because it is still found.",
        "zh": "处理进展：待处理、此前已发送，或仍被检出而重新出现。",
    },
    "location": {
        "en": "A pseudonym: the sender can tell which study it is. See PatientID, AccessionNumber.",
        "zh": "假名，发送方可还原。参见 PatientID、AccessionNumber 列。",
    },
    "PatientID": {
        "en": (
            "With AccessionNumber, StudyDate and SeriesNumber: your own names of the images. Empty unless somebody "
            "filled them in with --resolve (or dqkit handback resolve)."
        ),
        "zh": (
            "与 AccessionNumber、StudyDate、SeriesNumber 列一起，为贵机构自己的编号。"
            "仅在使用 --resolve（或 dqkit handback resolve）时填写，否则为空。"
        ),
    },
    "earlier": {"en": "What was answered for this row before.", "zh": "此行此前的答复。"},
    "answer": {
        "en": "Please choose one (see below). An answer to a problem holds for all its rows in Details.",
        "zh": "请选择（见下）。对问题的答复适用于“明细”中该问题的所有行。",
    },
    "comment": {"en": "Anything that helps. No names of patients, please.", "zh": "任何有用的说明。请勿填写患者姓名。"},
    "by": {"en": "Who answers, for questions.", "zh": "答复人，便于联系。"},
    "date": {"en": "When you answered.", "zh": "答复日期。"},
}
"""Key of a column -> what it means, for the read-me sheet."""

README: dict[str, dict[str, str]] = {
    "title": {"en": "Worklist for {site}", "zh": "{site} 工作清单"},
    "made": {
        "en": "Made on {when} from audit {run}; worklist {handback}.",
        "zh": "生成日期 {when}，依据检查 {run}；清单编号 {handback}。",
    },
    "what": {
        "en": (
            "An audit of the images that your hospital delivered found the {problems} problems in the sheet “{sheet}”. "
            "Each is one cause: mend it once. The sheet “{details}” lists the {rows} series, studies or folders that "
            "have it."
        ),
        "zh": (
            "对贵机构提供的影像进行检查后，发现“{sheet}”页所列 {problems} 个问题。每个问题对应一个原因，"
            "处理一次即可。“{details}”页列出涉及的 {rows} 个序列、检查或文件夹。"
        ),
    },
    "more": {
        "en": "{n} further rows are not listed: they belong to the problems that are.",
        "zh": "另有 {n} 行未列出，均属于已列出的问题。",
    },
    "how": {
        "en": (
            "Please fill in the yellow columns and send the file back. You need not answer everything at once. Rows "
            "can be filtered; columns may be added or moved."
        ),
        "zh": "请填写黄色各列后将文件发回。无需一次答完。可以筛选行，也可以增加或移动列。",
    },
    "protected": {
        "en": "The sheets are protected without a password, so that no ID changes by accident.",
        "zh": "工作表已保护（无密码），以免误改编号。",
    },
    "identifying": {
        "en": "THIS FILE NAMES PATIENTS AND STUDIES: keep it inside the hospital, and delete it when you are done.",
        "zh": "本文件包含患者和检查信息：请仅在机构内部使用，用毕删除。",
    },
    "pseudonymous": {
        "en": "This file holds no name, identifier or date of a patient: places are pseudonyms.",
        "zh": "本文件不含患者姓名、编号或日期：位置均为假名。",
    },
    "columns": {"en": "The columns", "zh": "各列含义"},
    "answers": {"en": "The answers", "zh": "答复选项"},
}

WRONG_ANSWER = {
    "en": "Please choose one of the answers in the list, or leave the cell empty.",
    "zh": "请从列表中选择答复，或留空。",
}
