"""What dqkit says of the states of problems; report/words.py gathers it."""

STATES: dict[str, tuple[str, str]] = {
    "state": ("State", "状态"),
    "state.open": ("open", "待处理"),
    "state.sent": ("sent to the hospital", "已发送机构"),
    "state.fixed": ("said to be fixed", "机构称已修复"),
    "state.cannot-fix": ("cannot be fixed", "无法修复"),
    "state.disputed": ("disputed", "机构有异议"),
    "state.question": ("question of the hospital", "机构有疑问"),
    "state.reopened": ("reopened", "重新出现"),
    "state.mended": ("mended", "已确认修复"),
    "state.gone": ("no longer found", "不再检出"),
    "state.since": ("{state} since {when}", "{when} 起{state}"),
}
