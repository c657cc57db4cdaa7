"""What a gate says to people, in English and Chinese."""

GATE: dict[str, tuple[str, str]] = {
    "gate.policy": ("Policy {name}, exit code {code}.", "策略 {name}，退出码 {code}。"),
    "gate.fails": (
        "{n} check at or above “{severity}” fails.|{n} checks at or above “{severity}” fail.",
        "有 {n} 项“{severity}”及以上级别的检查未通过。",
    ),
    "gate.passes": (
        "No check at or above “{severity}” fails.",
        "没有“{severity}”及以上级别的检查未通过。",
    ),
    "gate.milder": (
        "{n} milder check or preview fails and does not decide.|{n} milder checks or previews fail and do not decide.",
        "另有 {n} 项较轻或预览的检查未通过，不影响结论。",
    ),
    "gate.audit_reused": (
        "The audit {run} still stands: nothing it saw or judged by has changed.",
        "检查 {run} 仍然有效：其读取的内容和所用规则均未改变。",
    ),
    "gate.audit_new": ("Judged by the new audit {run}.", "依据新的检查 {run} 判断。"),
    "gate.packs": ("Packs: {packs}.", "规则包：{packs}。"),
    "gate.deciding": ("What keeps it closed", "未放行的原因"),
    "gate.not_deciding": ("What fails and does not decide", "未通过但不影响结论"),
    "gate.of": ("{failed} of {judged} fail, {allowed} allowed", "{judged} 个中有 {failed} 个未通过，允许 {allowed} 个"),
    "gate.expected": ("{observed}; expected: {expected}", "{observed}；应为：{expected}"),
    "gate.any_allowed": ("any number", "任意数量"),
    "gate.accepted": ("{waived} waived, {known} in the baseline", "已豁免 {waived} 个，基线中 {known} 个"),
    "gate.more_places": ("and {n} more|and {n} more", "另有 {n} 项"),
    "gate.waivers": ("Accepted", "已接受"),
    "gate.waived": (
        "{n} finding is waived: there, and not failing.|{n} findings are waived: there, and not failing.",
        "有 {n} 个检出项已豁免：仍然存在，但不计为未通过。",
    ),
    "gate.waiver_used": (
        "{what}: accepts {n}, until {expires} ({owner}: {reason})",
        "{what}：接受 {n} 个检出项，至 {expires}（{owner}：{reason}）",
    ),
    "gate.waiver_expired": (
        "expired: {what}, ended {expires} ({owner}); findings that count again: {n}",
        "已过期：{what}，止于 {expires}（{owner}）；{n} 个检出项重新计入",
    ),
    "gate.waiver_unmatched": (
        "speaks of nothing that is there: {what} ({owner}); take it out of the file",
        "没有对应的检出项：{what}（{owner}）；请从文件中删除",
    ),
    "gate.baseline": (
        "Baseline of {made}: {known} of its {total} findings are still there, {gone} are gone, {new} are new.",
        "{made} 的基线：{total} 个检出项中仍有 {known} 个，消失 {gone} 个，新增 {new} 个。",
    ),
    "gate.dataset": (
        "Dataset: {files} files traced to audited series.",
        "数据集：{files} 个文件已追溯到经检查的序列。",
    ),
    "gate.actions": ("Told", "通知"),
    "gate.action_sent": ("{action}: sent", "{action}：已发送"),
    "gate.action_quiet": ("{action}: nothing to say of this verdict", "{action}：此结论无需通知"),
    "gate.action_failed": (
        "{action}: not sent ({error}); the verdict stands",
        "{action}：未能发送（{error}）；结论不变",
    ),
    "gate.notes": ("Worth knowing", "提示"),
    "gate.next": ("Next", "下一步"),
    "gate.next_explain": ("see why", "查看原因"),
    "gate.next_report": ("the whole report", "完整报告"),
    "gate.next_waive": ("accept it, with an owner and an end", "登记豁免（须有负责人和期限）"),
    "gate.next_index": ("look at the archive again", "重新读取影像库"),
    "gate.next_verify": ("on a later day, say what changed", "日后核对有何变化"),
    "gate.written": ("Verdict", "结论文件"),
    "gate.table_check": ("Check", "检查项"),
    "gate.table_where": ("Where", "位置"),
    "gate.table_do": ("What to do", "处理办法"),
}
