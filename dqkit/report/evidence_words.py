"""What the pages of an evidence file say, in English and Chinese."""

from dqkit.report.words import LANGUAGES, Pair

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("Evidence of a verdict", "判定证据"),
    "skip": ("To the verdict", "跳至判定"),
    "nav.verdict": ("Verdict", "判定"),
    "nav.dataset": ("Dataset", "数据集"),
    "nav.coverage": ("Chapters", "章节"),
    "nav.accepted": ("Accepted", "已接受"),
    "nav.files": ("Files", "文件"),
    "nav.check": ("Check it", "如何核验"),
    "open": ("Open: these data may be used by this policy", "放行：按该策略可以使用这些数据"),
    "closed": ("Closed: these data may not be used by this policy", "不放行：按该策略不可使用这些数据"),
    "incomplete": ("Incomplete: not everything could be looked at", "不完整：未能检查全部内容"),
    "nothing": ("Nothing could be judged", "没有可判断的内容"),
    "lead": (
        (
            "What was judged, by what, with what result, and what was not checked. It is evidence for chapters of the "
            "texts named below and claims conformity with none of them."
        ),
        "本文件记录判断的对象、依据、结果以及未检查的内容。它是下列文件相关章节的证据，不声明符合其中任何一项。",
    ),
    "fact.decided": ("Decided at", "判定时间"),
    "fact.policy": ("Policy", "策略"),
    "fact.packs": ("Packs", "规则包"),
    "fact.program": ("Judged by", "判断程序"),
    "fact.key": ("Pseudonyms under the key", "假名所用密钥"),
    "fact.rules": ("Rules judged", "已判断规则"),
    "fact.tests": ("Own tests of these rules", "规则自带测试"),
    "fact.runs": ("Runs in the chain", "运行链中的运行数"),
    "fact.run": ("Run of the verdict", "判定所属运行"),
    "tests": ("{rules} rules, {cases} cases, {failed} failed", "{rules} 条规则，{cases} 个用例，{failed} 个失败"),
    "missing": ("This evidence is incomplete; it lacks:", "本证据不完整，缺少："),
    "incomplete.because": ("Why the verdict is incomplete", "判定不完整的原因"),
    "failing": ("What keeps it closed", "未放行的原因"),
    "archive": ("whole archive", "全部数据"),
    "h.results": ("Results by check", "各项检查结果"),
    "col.verdict": ("Result", "结果"),
    "result.pass": ("pass", "通过"),
    "result.fail": ("fail", "未通过"),
    "result.error": ("could not be looked at", "未能检查"),
    "result.unknown": ("unknown", "未知"),
    "result.not_applicable": ("not applicable", "不适用"),
    "col.checks": ("Checks", "检查项数"),
    "h.dataset": ("The files that training reads", "训练读取的文件"),
    "dataset.of": (
        "{rows} rows name {files} files; SHA-256 of the dataset file",
        "{rows} 行共列出 {files} 个文件；数据集文件的 SHA-256",
    ),
    "dataset.manifest": ("SHA-256 of the manifest", "清单的 SHA-256"),
    "dataset.pseudonyms": (
        "The manifest in this evidence names files by pseudonyms; the one of this checksum stays with its owner.",
        "本证据中的清单以假名表示文件；具有该校验值的原清单由其所有者保存。",
    ),
    "col.state": ("State", "状态"),
    "col.files": ("Files", "文件数"),
    "col.site": ("Site", "机构"),
    "col.class": ("Class", "类别"),
    "col.series": ("Series", "序列数"),
    "col.patients": ("Patients", "患者数"),
    "state.traced": ("traced to an audited series", "已追溯至审核过的序列"),
    "state.changed": ("changed since it was audited", "审核后已改变"),
    "state.untraceable": ("from no audited series", "无法追溯"),
    "state.missing": ("not there", "不存在"),
    "state.unread": ("could not be looked at", "无法读取"),
    "state.outside": ("of a series that is not judged", "所属序列不在判断范围内"),
    "state.unfit": ("of a series with findings that fail", "所属序列存在不合格问题"),
    "h.coverage": ("Evidence for chapters", "各章节的证据"),
    "coverage.lead": (
        (
            "Chapters are paraphrased, not quoted. A chapter that lists evidence is not thereby met; what was not "
            "checked stands beside it."
        ),
        "章节内容为转述，并非原文引用。列有证据不等于满足该章节；未检查的内容一并列出。",
    ),
    "col.chapter": ("Evidence for chapter", "章节"),
    "col.evidence": ("What was judged, and the result", "判断内容与结果"),
    "col.not": ("Not checked", "未检查"),
    "rules.judged": (
        "rules judged: {n} ({passed} pass, {failed} fail, {unknown} unknown, {na} not applicable)",
        "已判断规则 {n} 条（通过 {passed}，未通过 {failed}，未知 {unknown}，不适用 {na}）",
    ),
    "conditions.judged": (
        "conditions of the gate: {n} ({passed} pass, {failed} fail)",
        "门控条件 {n} 项（通过 {passed}，未通过 {failed}）",
    ),
    "failed.are": ("fail: {names}", "未通过：{names}"),
    "documents.are": ("documents: {names}", "文件：{names}"),
    "none": ("No check of this run is evidence for it.", "本次运行没有可作为其证据的检查。"),
    "not.judged": ("nothing was judged of {names}", "未判断：{names}"),
    "not.left_out": ("left out by the policy: {names}", "策略未选用：{names}"),
    "not.outcome": ("checks that found nothing to judge: {n}", "没有可判断对象的检查：{n} 项"),
    "not.documents": ("not in this evidence: {names}", "本证据中没有：{names}"),
    "h.accepted": ("What was accepted", "已接受的问题"),
    "accepted.none": ("No waiver and no baseline was used.", "未使用豁免或基线。"),
    "col.rule": ("Rule", "规则"),
    "col.owner": ("Owner", "负责人"),
    "col.reason": ("Reason", "理由"),
    "col.until": ("Until", "有效期至"),
    "col.findings": ("Findings", "检出项"),
    "baseline": (
        "Baseline of {made}: {findings} findings, {known} still there",
        "{made} 的基线：{findings} 个检出项，其中 {known} 个仍存在",
    ),
    "h.files": ("Files of this evidence", "证据文件"),
    "file.verdict.json": (
        "The verdict as the gate wrote it: every outcome with its unknowns",
        "门控写出的判定：全部结果及未知项",
    ),
    "file.policy.yaml": ("The policy", "策略"),
    "file.waivers.yaml": ("The waivers", "豁免"),
    "file.baseline.json": ("The baseline", "基线"),
    "file.outcomes.csv": ("Outcomes as a table", "结果表"),
    "file.rule-tests.json": (
        "What the rules' own test cases gave when this evidence was collected",
        "收集证据时规则自带测试用例的结果",
    ),
    "file.chain/runs.jsonl": (
        "Every run of the catalog up to the verdict, hash-chained",
        "截至判定的全部运行记录（哈希链）",
    ),
    "file.catalog.json": ("Which versions of which tables were judged", "所判断数据表的版本"),
    "file.environment.json": ("Versions of the program that collected this evidence", "收集证据的程序版本"),
    "file.coverage.json": ("Evidence for chapters, for machines", "各章节证据（机器可读）"),
    "file.coverage.md": ("Evidence for chapters, as text", "各章节证据（文本）"),
    "file.dataset/dataset.json": (
        "Counts of the dataset by state, site, class and split",
        "数据集按状态、机构、类别和划分的计数",
    ),
    "file.dataset/manifest.sha256": ("SHA-256 of every file that training reads", "训练读取的每个文件的 SHA-256"),
    "file.dataset/croissant.json": (
        "Description of the dataset for machines (Croissant)",
        "数据集描述（Croissant，机器可读）",
    ),
    "file.rules": ("Texts of the rules", "规则文本"),
    "file.packs": ("Texts of the packs", "规则包文本"),
    "file.vocabulary": ("Tables that rules refer to", "规则引用的词表"),
    "file.recognisers": ("How series were recognised", "序列识别规则"),
    "file.evidence.json": ("What this evidence is, and what it lacks", "证据说明及缺失内容"),
    "file.evidence.sha256": (
        "SHA-256 of every file above; the signature covers it",
        "以上各文件的 SHA-256，签名覆盖此文件",
    ),
    "file.evidence.sha256.sig": ("The signature (Ed25519)", "签名（Ed25519）"),
    "file.public-key.pem": ("The public key of whoever signed", "签名者的公钥"),
    "h.check": ("How to check it", "如何核验"),
    "check.dqkit": ("With dqkit, offline:", "使用 dqkit（离线）："),
    "check.without": ("Without dqkit, in the unpacked folder:", "不使用 dqkit，在解压后的文件夹中："),
    "check.key": (
        (
            "Ask the signer for the fingerprint of the key by another way than this file: a key that came with the "
            "evidence proves nothing by itself."
        ),
        "请通过其他途径向签名者索取密钥指纹：仅凭随证据附带的密钥不能证明任何事。",
    ),
    "signed": ("Signed by the key with the fingerprint", "签名密钥指纹"),
    "unsigned": ("This evidence is not signed.", "本证据未签名。"),
    "said.written": ("{file}: {n} files", "{file}：{n} 个文件"),
    "said.list": ("SHA-256 of its list of files: {sha256}", "文件列表的 SHA-256：{sha256}"),
    "said.sign": (
        "Sign it with --key: dqkit evidence keygen makes one.",
        "可用 --key 签名；dqkit evidence keygen 可生成密钥。",
    ),
    "said.verified": (
        "Verified: nothing was changed, and the key you gave signed it",
        "核验通过：内容未改变，且由指定密钥签名",
    ),
    "said.not_verified": (
        "Not verified: nothing was changed since it was made, and that is all that can be said",
        "未核验：生成后内容未改变，但无法得出更多结论",
    ),
    "said.other": ("Not verified: another key signed it", "未通过核验：由其他密钥签名"),
    "said.changed": ("Changed: do not rely on this file", "已改变：请勿依赖此文件"),
    "said.of": ("Verdict: {verdict}, by the policy {policy}, at {at}", "判定：{verdict}，策略 {policy}，时间 {at}"),
    "said.holds": ("{files} files; a whole chain of {runs} runs", "{files} 个文件；完整的运行链共 {runs} 次运行"),
    "signer.verified": ("Signed by the key that you gave:", "由指定密钥签名："),
    "signer.unknown": (
        "Signed by a key that nobody vouches for here (give it with --public-key):",
        "签名密钥未经确认（请用 --public-key 指定）：",
    ),
    "signer.other": ("Signed by:", "签名者："),
    "signer.unsigned": ("Not signed: nobody answers for it.", "未签名：无人对其负责。"),
}


def words(key: str, **values: object) -> Pair:
    """Return the text called `key` in every language, filled in."""
    return {lang: text.format(**values) for lang, text in zip(LANGUAGES, _WORDS[key], strict=True)}


def known_file(name: str) -> bool:
    """Tell whether there is a text about the member `name`."""
    return f"file.{name}" in _WORDS
