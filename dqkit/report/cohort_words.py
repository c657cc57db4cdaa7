"""What `dqkit select` says to people, in English and Chinese; report/words.py explains the form."""

COHORT_WORDS: dict[str, tuple[str, str]] = {
    "count.studies": ("{n} study|{n} studies", "{n} 项检查"),
    "cohort.title": ("Cohort", "队列"),
    "cohort.all": ("In the catalog", "目录中全部数据"),
    "cohort.out": ("{what} excluded", "排除 {what}"),
    "cohort.back": ("{what} brought back", "重新纳入 {what}"),
    "cohort.with": ("(with {what})", "（连同 {what}）"),
    "cohort.more_reasons": ("{of}  for {n} more reason|{of}  for {n} more reasons", "{of}  另有 {n} 个原因"),
    "cohort.kept_unknown": ("{n}  not known, kept", "{n}  无法判断，予以保留"),
    "cohort.unknown": ("{n} of them not known", "其中 {n} 个无法判断"),
    "cohort.about": (
        "Flow of the cohort {title}: what was left out at each step; {n} series remain.",
        "队列 {title} 的筛选流程：各步骤排除的数据；最终保留 {n} 个序列。",
    ),
    "cohort.empty": ("Nothing is left: the cohort is empty", "没有剩余数据：队列为空"),
    "cohort.made": (
        "Chosen by the policy {policy} (sha256 {sha}) from run {run} of the catalog · dqkit {version}",
        "依据方案 {policy}（sha256 {sha}）从目录第 {run} 次运行的数据中选取 · dqkit {version}",
    ),
    "cohort.flow": ("Flow", "筛选流程"),
    "cohort.steps": ("Step by step", "逐步统计"),
    "cohort.sites": ("By site", "按机构"),
    "cohort.step": ("Step", "步骤"),
    "cohort.excluded": ("Out", "排除"),
    "cohort.left": ("Left", "保留"),
    "cohort.why": ("Why", "原因"),
    "cohort.start": ("All", "全部"),
    "cohort.reading.first": (
        "An entity that is out for several reasons counts for the first of them; the cohort file has them all.",
        "因多个原因被排除的条目仅计入首个原因；队列文件中保留全部原因。",
    ),
    "cohort.reading.left": (
        (
            "A study is out when none of its series is left, a patient when no study is. Patients without a PatientID "
            "are not counted."
        ),
        "序列全部被排除的检查即被排除，检查全部被排除的患者即被排除。无 PatientID 的患者不计数。",
    ),
    "cohort.reading.unknown": (
        "“Missing or several values” means that a step could not tell; the policy says whether such entities stay.",
        "“缺失或有多个值”表示该步骤无法判断；此类条目的去留由方案规定。",
    ),
    "cohort.idle": (
        "The decision in line {line} of the policy changes nothing.",
        "方案第 {line} 行的人工决定未产生任何影响。",
    ),
    "cohort.file": ("Cohort", "队列文件"),
    "cohort.picture": ("Flow picture", "流程图"),
    "cohort.paths": ("List of files", "文件清单"),
    "cohort.next": ("Next", "下一步"),
}
