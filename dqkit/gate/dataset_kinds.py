"""The kinds of condition about the files that training reads (GATE-010 to GATE-019); docs/dataset.md has the table."""

from dqkit.gate.condition import Kind
from dqkit.model import Level, Origin
from dqkit.rulebook.rule import Text

_EN, _ZH = " dataset-faults.csv beside the verdict names the files.", "判定文件旁的 dataset-faults.csv 列出相关文件。"


def _listed(en: str, zh: str) -> Text:
    """Return a remedy that says where the files are named: findings show pseudonyms."""
    return {"en": en + _EN, "zh": zh + _ZH}


FILE_MISSING = Kind(
    "GATE-010",
    "dataset-file-missing",
    {"en": "A file that the dataset names is not there", "zh": "数据集所列文件不存在"},
    _listed("Put it back, or take its row out of the dataset file.", "恢复该文件，或从数据集文件中删除该行。"),
    Level.FILE,
)
FILE_CHANGED = Kind(
    "GATE-011",
    "dataset-file-changed",
    {"en": "A file of the dataset is not the one that was audited", "zh": "数据集文件与审核时的文件不一致"},
    _listed(
        "Restore the audited file; where the change is meant, index and audit again.",
        "恢复审核时的文件；如系有意更改，请重新读取并审核。",
    ),
    Level.FILE,
)
FILE_UNTRACEABLE = Kind(
    "GATE-012",
    "dataset-file-untraceable",
    {"en": "A file of the dataset comes from no audited series", "zh": "数据集文件无法追溯到已审核的序列"},
    _listed(
        "Index and audit the folder it is from, or make it with dqkit harmonize, which keeps its provenance.",
        "读取并审核其来源文件夹，或用 dqkit harmonize 生成该文件以保留来源记录。",
    ),
    Level.FILE,
)
FILE_TWICE = Kind(
    "GATE-013",
    "dataset-file-twice",
    {"en": "The dataset names the same bytes twice", "zh": "数据集重复列出相同内容的文件"},
    _listed("Keep one of them, unless rows stand for lesions of one image.", "仅保留其一；一行对应一处病灶时除外。"),
    Level.FILE,
)
FILE_OUTSIDE = Kind(
    "GATE-014",
    "dataset-file-outside",
    {"en": "A file of the dataset is of a series that is not judged", "zh": "数据集文件所属序列不在判断范围内"},
    _listed(
        "Take its row out, or choose the series: cohort or only of the policy.",
        "删除该行，或将该序列纳入队列或策略的 only 范围。",
    ),
    Level.FILE,
)
FILE_UNFIT = Kind(
    "GATE-015",
    "dataset-file-unfit",
    {"en": "A file of the dataset is of a series with findings that fail", "zh": "数据集文件所属序列存在不合格问题"},
    _listed("Have the findings mended or waived, or take its row out.", "处理或豁免相关问题，或删除该行。"),
    Level.FILE,
)
FILE_IN_TWO_SPLITS = Kind(
    "GATE-016",
    "dataset-file-in-two-splits",
    {"en": "The same bytes stand in two splits", "zh": "相同内容的文件出现在两个数据划分中"},
    _listed("Leave it in one split: tested on what was trained.", "仅保留在一个划分中：否则测试数据已用于训练。"),
    Level.FILE,
)
PATIENT_IN_TWO_SPLITS = Kind(
    "GATE-017",
    "patient-in-two-splits",
    {"en": "A patient has images in two splits", "zh": "同一患者的图像出现在两个数据划分中"},
    {"en": "Divide by patient.", "zh": "按患者划分数据。"},
    Level.PATIENT,
)
FILE_UNREAD = Kind(
    "GATE-018",
    "dataset-file-unread",
    {"en": "A file of the dataset could not be looked at", "zh": "数据集文件无法读取"},
    {
        "en": "Mend what keeps it from being read (permission, disk, a source that is away), then run again.",
        "zh": "排除无法读取的原因（权限、磁盘、离线的数据源）后重新运行。",
    },
    Level.FILE,
    Origin.TOOL,
)
CHANGED_SILENTLY = Kind(
    "GATE-019",
    "file-changed-silently",
    {
        "en": "A file's bytes changed though its size and time did not",
        "zh": "文件内容已改变，但大小和修改时间未变",
    },
    {"en": "Restore it from a copy: a disk may be failing.", "zh": "从备份恢复：存储设备可能出现故障。"},
    Level.FILE,
)
