"""What dqkit says of packs and of what series were recognised as; report/words.py gathers it."""

PACKS: dict[str, tuple[str, str]] = {
    "pack": ("Pack", "规则包"),
    "version": ("Version", "版本"),
    "rules": ("Rules", "规则数"),
    "sources": ("Sources", "来源数"),
    "pack.for": ("For", "用途"),
    "pack.next": (
        "dqkit packs show NAME explains one; dqkit audit … --pack NAME judges by it",
        "dqkit packs show 名称 查看详情；dqkit audit … --pack 名称 按其判定",
    ),
    "pack.in_scope": ("Series it speaks of", "适用序列"),
    "pack.judged": ("Series judged", "已判定序列"),
    "pack.unjudged": (
        "{n} image series: no pack but general speaks of it|{n} image series: no pack but general speaks of them",
        "{n} 个影像序列除通用规则外不属于任何规则包",
    ),
    "pack.extends": ("extends {packs}", "继承 {packs}"),
    "nav.packs": ("Recognised", "识别与判定"),
    "h.packs": ("What was recognised, what was judged", "识别结果与判定范围"),
    "lead.packs": (
        (
            "A pack judges the series that it speaks of; the rest is judged by the general rules alone. Series are "
            "recognised by attributes of the acquisition first, and by words of their descriptions second."
        ),
        "规则包只判定其适用的序列，其余仅按通用规则判定。序列优先依据采集属性识别，其次依据描述中的词语。",
    ),
    "role": ("Recognised as", "识别为"),
    "role.none": ("not recognised", "未识别"),
    "role.by_attributes": ("by attributes", "依据属性"),
    "role.by_description": ("by description", "依据描述"),
    "role.other_sites": ("other sites", "其他机构"),
    "role.share": (
        "{n} of {all} image series was recognised.|{n} of {all} image series were recognised.",
        "{all} 个影像序列中已识别 {n} 个。",
    ),
}
