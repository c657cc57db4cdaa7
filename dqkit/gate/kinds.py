"""The kinds of condition that a gate asks for beside the rules; docs/gate.md has the table."""

from dqkit.gate.condition import Kind
from dqkit.model import Level, Origin

TOO_OLD = Kind(
    "GATE-001",
    "catalog-too-old",
    {"en": "The archive was looked at too long ago", "zh": "影像库的上次读取时间过久"},
    {"en": "Index it again: dqkit index.", "zh": "重新读取：dqkit index。"},
)
TOO_MUCH_UNKNOWN = Kind(
    "GATE-002",
    "too-much-unknown",
    {"en": "A rule could not be judged often enough", "zh": "规则无法判断的情况过多"},
    {
        "en": "Have the attributes that the rule reads filled in, decode pixels where it asks for them, or set "
        "max_unknown in the policy.",
        "zh": "补全该规则所需的属性，必要时解码像素，或在策略中设置 max_unknown。",
    },
)
TOO_FEW = Kind(
    "GATE-003",
    "too-few",
    {"en": "There is less data than the policy asks for", "zh": "数据量少于策略要求"},
    {"en": "Collect more, or change the minimum of the policy.", "zh": "补充数据，或修改策略中的 minimum。"},
    Level.SITE,
)
TOO_FEW_OF_A_CLASS = Kind(
    "GATE-004",
    "too-few-of-a-class",
    {"en": "A class has less data than the policy asks for", "zh": "某一类别的数据量少于策略要求"},
    {
        "en": "Collect more of that class, or change the minimum of the policy.",
        "zh": "补充该类别的数据，或修改策略中的 minimum。",
    },
    Level.SITE,
)
SITE_MISSING = Kind(
    "GATE-005",
    "site-missing",
    {"en": "A site that the policy requires is not there", "zh": "缺少策略要求的机构"},
    {
        "en": "Index that hospital's folder, or mend its name under sites of dqkit.yaml.",
        "zh": "读取该机构的文件夹，或在 dqkit.yaml 的 sites 中更正其名称。",
    },
    Level.SITE,
)
NOT_COMPLETE = Kind(
    "GATE-006",
    "not-complete",
    {"en": "Not everything could be looked at", "zh": "未能读取全部内容"},
    {
        "en": "Mend what kept dqkit from reading (permission, disk, a share that is away), then run again.",
        "zh": "排除无法读取的原因（权限、磁盘、未挂载的共享目录）后重新运行。",
    },
    origin=Origin.TOOL,
)
PACK_JUDGES_NOTHING = Kind(
    "GATE-007",
    "pack-judges-nothing",
    {"en": "A pack of the policy judged no series", "zh": "策略中的规则包未判断任何序列"},
    {
        "en": "See what was recognised (dqkit audit), teach the pack your names under roles, or take it out of the "
        "policy.",
        "zh": "查看序列识别结果（dqkit audit），在规则包的 roles 中补充本院名称，或从策略中移除该规则包。",
    },
)

KINDS = (TOO_OLD, TOO_MUCH_UNKNOWN, TOO_FEW, TOO_FEW_OF_A_CLASS, SITE_MISSING, NOT_COMPLETE, PACK_JUDGES_NOTHING)
