"""A realistic AuditResult without an archive: sites, scanners, problems and any number of findings."""

import base64
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image, ImageDraw

from dqkit.audit.coverage import JUDGED, ROLES, UNJUDGED, Coverage, PackOfRun
from dqkit.audit.result import AuditResult, Judgement, Picture
from dqkit.catalog.schema import FINDINGS, OUTCOMES, PROBLEMS, conform
from dqkit.errors import ExitCode
from dqkit.model import Level, Origin, RuleStatus, Severity, Verdict
from dqkit.profile.glance import Glance
from dqkit.rulebook.check import Compiled, Expectation
from dqkit.rulebook.rule import Allow, Remedy, Rule
from dqkit.rulebook.scope import Scope
from tests.report.sample_history import sample_history

NOT_OPENED = {
    "en": "3 files could not be opened: permission denied",
    "zh": "3 个文件无法打开：权限不足",
}

HOSTILE = (
    "<script>window.pwned=1</script>",
    '"><img src=x onerror="window.pwned=2">',
    "{{7*7}}${7*7}<%= 7*7 %>",
    "St\u202eevil\u202c Mary",
    "</script><script>window.pwned=3</script>",
    "[bold red]Ward[/bold red]\x1b[31m",
    "line\nbreak\u2028and\u2029more",
    "<!--<script>",
    "javascript:alert(1)//\x00",
)


@dataclass(frozen=True)
class Passes:
    """A check that only says what it expects."""

    text: str
    columns: tuple[str, ...] = ()
    can_be_unknown: bool = True

    def expected(self) -> str:
        return self.text

    def compile(self) -> Compiled:
        return Compiled(pl.lit(True), pl.lit(""))

    def expectation(self) -> Expectation | None:
        return None


_TEXTS = """
FMT-001|zero-byte|file|critical|The file is empty|文件为空|An empty file stands for an image that is lost.|空文件意味着图像已丢失。|Send the file again from the PACS.|请从 PACS 重新发送该文件。||PS3.10 7.1|at least one byte
FMT-002|truncated|instance|critical|Pixel data ends before its stated length|像素数据短于声明长度|The lower part of the image is missing; training on it teaches a black bar.|图像下部缺失，模型会学到黑条。|Send the series again; check the export for a full disk.|请重新发送该序列，并检查导出时磁盘是否已满。||PS3.5 8|the stated length
FMT-007|character-set|instance|warning|Text does not fit its character set|文本与声明的字符集不符|Names and descriptions come out garbled and cannot be matched.|姓名和描述会出现乱码，无法匹配。|Set SpecificCharacterSet to GB18030 on the modality.|请在设备上将 SpecificCharacterSet 设为 GB18030。||PS3.3 C.12.1.1.2|text that decodes
FMT-011|vendor-name|series|info|The vendor's name is not the preferred one|厂商名称不是首选写法|Grouping by scanner splits one vendor in two.|按设备分组时同一厂商会被拆开。|Map the name in the recipe.|请在配方中映射该名称。||house style|SIEMENS, GE MEDICAL SYSTEMS, …
IDN-001|duplicate-uid|instance|critical|Two different images share one SOPInstanceUID|两幅不同图像使用同一 SOPInstanceUID|One of them replaces the other in every archive.|在任何影像库中其中一幅会覆盖另一幅。|Ask the vendor which software made the copy.|请向厂商确认由哪个软件生成了副本。||PS3.5 9|one image a UID
IDN-003|two-patients|study|critical|A study holds more than one patient|一次检查包含多名患者|Images of two people are read as one.|两个人的图像会被当作一个人。|Correct the study in the PACS and send it again.|请在 PACS 中更正后重新发送。||PS3.3 C.7.2.1|one PatientID
IDN-009|instance-number|series|warning|InstanceNumber is not unique in its series|序列内 InstanceNumber 重复|Viewers that sort by it show slices in the wrong order.|按此排序的阅片软件会错排层面。|Sort by position; nothing to mend where the order is not used.|请按位置排序；若不使用该顺序则无需处理。||PS3.3 C.7.6.1|a number for each image
GEO-001|orientation|series|critical|Images of a series are oriented differently|同一序列中图像方向不一致|They do not form one volume.|它们无法组成一个容积。|Split the series by orientation.|请按方向拆分序列。|split|PS3.3 C.7.6.2.1.1|one orientation
GEO-003|slice-gap|stack|critical|Slice positions leave a gap|层面位置存在缺口|Resampling across a missing slice invents anatomy.|跨缺失层面重采样会虚构解剖结构。|Fetch the series again from the PACS.|请从 PACS 重新获取该序列。||PS3.3 C.7.6.2.1.1|at most 1 % from the median step
GEO-005|duplicate-position|stack|warning|Two slices stand at the same position|两个层面位于同一位置|A volume built from them repeats a slice.|由此构建的容积会重复层面。|Remove the copy, or tell the phases apart.|请删除重复层面或区分各期相。||PS3.3 C.7.6.2.1.1|distinct positions
GEO-006|tilt|stack|warning|The gantry was tilted|机架存在倾斜|Stacked as they are, the slices shear the anatomy.|直接堆叠会使解剖结构产生剪切。|||resample|PS3.3 C.8.2.1|at most 0.5°
GEO-009|pixel-spacing|series|critical|PixelSpacing varies within a series|序列内 PixelSpacing 不一致|Measurements in millimetres are wrong for part of it.|其中一部分的毫米测量是错误的。|||resample|PS3.3 C.7.6.2|one spacing
ACQ-010|slice-thickness|series|info|Slices are thicker than 5 mm|层厚大于 5 mm|Small lesions are averaged away.|小病灶会被平均掉。|Ask for thin reconstructions.|请获取薄层重建。||house style|at most 5 mm
GEO-012|step-against-tag|stack|info|SpacingBetweenSlices differs from the measured step|SpacingBetweenSlices 与实测层间距不符|Software that trusts the tag scales the volume wrongly.|依赖该标签的软件会错误缩放容积。|Use the measured step.|请使用实测层间距。||PS3.3 C.7.6.2|the measured step
FMT-020|preamble|file|info|The preamble is missing|缺少文件前导|Strict readers refuse the file.|严格的读取程序会拒绝该文件。|||rewrite|PS3.10 7.1|128 bytes and DICM
IDN-015|uid-syntax|instance|warning|A UID breaks the syntax of UIDs|UID 不符合语法|Archives may refuse it or cut it.|影像库可能拒收或截断。|Give the images new UIDs.|请为图像生成新的 UID。||PS3.5 9.1|at most 64 digits and dots
PIX-001|decodes|instance|critical|Pixels cannot be decoded|像素无法解码|The image cannot be shown or used.|图像无法显示或使用。|Send the image again without compression.|请不压缩后重新发送。||PS3.5 8.2|decodable pixels
"""  # noqa: E501

SITES = ("St Mary Hospital", "Universitätsklinikum Nord", "北京协和影像中心", "Clínica San José")
SCANNERS = (
    ("SIEMENS SOMATOM Force", "CT"),
    ("GE Revolution CT", "CT"),
    ("Philips Ingenia", "MR"),
    ("SIEMENS MAGNETOM Skyra", "MR"),
    ("HOLOGIC Selenia Dimensions", "MG"),
    ("UIH uDR 780i", "CR"),
)
OBSERVED = ("6.0 mm after slice 3", "12 of 120 at fault", "3 values", "5.8°", "0 bytes", "2 orientations")


def sample_rules() -> tuple[Rule, ...]:
    """Seventeen rules with texts in both languages; PIX-001 never gets a finding."""
    return tuple(_rule(*line.split("|")) for line in _TEXTS.strip().splitlines())


def _rule(*of: str) -> Rule:
    identifier, name, level, severity, title, title_zh, why, why_zh, manual, manual_zh, step, standard, expected = of
    return Rule(
        id=identifier,
        name=name,
        family=identifier[:3],
        level=Level(level),
        title={"en": title, "zh": title_zh},
        scope=Scope(("Modality",)),
        check_kind="sample",
        check=Passes(expected),
        params={},
        severity=Severity(severity),
        allow=Allow(share=0.0),
        per="site",
        why={"en": why, "zh": why_zh},
        remedy=Remedy({"en": manual, "zh": manual_zh} if manual else None, step or None),
        standard=standard,
        cite=(),
        implied_by=(),
        origin=Origin.DATA,
        status=RuleStatus.STABLE,
        since="0.1.0",
        cases=(),
        path=Path("rules") / f"{identifier}.yaml",
        sha256="0" * 64,
    )


def sample_result(
    findings: int = 3000,
    problems: int = 40,
    sites: tuple[str, ...] = SITES,
    scanners: tuple[tuple[str, str], ...] = SCANNERS,
    hostile: bool = False,
    complete: bool = True,
    pictures: int = 0,
    seed: int = 7,
) -> AuditResult:
    """Build a result; `hostile` puts HOSTILE where files and users may write."""
    random = np.random.default_rng(seed)
    if hostile:
        sites = (*HOSTILE[:6], *sites)
        scanners = (*((text, "CT") for text in HOSTILE), *scanners)
    rules = sample_rules()
    failing = _problem_frame(random, rules[:-1], problems, sites, scanners, hostile)
    found = _finding_frame(random, failing, findings, hostile)
    failing = _with_counts(failing, found)
    outcomes = _outcome_frame(rules, failing, sites)
    order = pl.col("severity").replace_strict({"critical": 0, "warning": 1, "info": 2})
    failed = outcomes.filter(pl.col("verdict") == "fail").sort(order, "rule_id", "site")
    critical = failed.filter(pl.col("severity") == "critical")
    fails = not critical.is_empty()
    verdict = Verdict.FAIL if fails else (Verdict.PASS if complete else Verdict.ERROR)
    code = ExitCode.FAILED if fails else (ExitCode.OK if complete else ExitCode.INCOMPLETE)
    return AuditResult(
        title="Chest and brain archive, 2024",
        dqkit_version="0.1.0",
        run_id="20241122T101500-1f2e3d",
        finished_at=datetime(2024, 11, 22, 10, 15, tzinfo=UTC),
        rules=rules,
        outcomes=outcomes,
        findings=found,
        problems=failing,
        judgement=Judgement(
            verdict=verdict,
            failing=tuple(failed.select("rule_id", "site").iter_rows()),
            fail_on=Severity.CRITICAL,
            complete=complete,
            incomplete_because=() if complete else (NOT_OPENED,),
            exit_code=code,
        ),
        glance=_glance(random, sites, scanners),
        coverage=_coverage(sites, hostile),
        pictures=_pictures(found, pictures),
        history=sample_history(sites) if hostile else None,
    )


def _coverage(sites: tuple[str, ...], hostile: bool) -> Coverage:
    name = HOSTILE[0] if hostile else "prostate-mr"
    told = (("t2", "attributes", 7), ("t2", "description", 2), ("dwi", "attributes", 4), ("", "", 3))
    roles = [(site, "MR", role, by, n) for site in sites for role, by, n in told]
    judged = [(site, "general", 16, 16) for site in sites] + [(site, name, 9, 8) for site in sites[:1]]
    return Coverage(
        packs=(
            PackOfRun("general", "1.0.0", {"en": "The whole book", "zh": "全部规则"}, "0" * 64, 200),
            PackOfRun(name, "1.0.0", {"en": "Prostate MR", "zh": "前列腺磁共振"}, "1" * 64, 20, ("parent 1.0.0",)),
        ),
        roles=pl.DataFrame(roles, schema=ROLES, orient="row"),
        judged=pl.DataFrame(judged, schema=JUDGED, orient="row"),
        unjudged=pl.DataFrame([(site, "MR", 7) for site in sites], schema=UNJUDGED, orient="row"),
    )


def _problem_frame(random, rules, n, sites, scanners, hostile) -> pl.DataFrame:
    rule = [rules[i % len(rules)] for i in range(n)]
    scanner = [scanners[i] for i in random.integers(0, len(scanners), n)]
    site = [sites[(i * i + i // 3) % len(sites)] for i in range(n)]
    year = random.integers(2012, 2024, n)
    observed = [HOSTILE[i % len(HOSTILE)] if hostile else OBSERVED[i % len(OBSERVED)] for i in range(n)]
    return conform(
        pl.DataFrame(
            {
                "problem_id": [f"p{i:09x}" for i in range(n)],
                "rule_id": [r.id for r in rule],
                "variant": [r.variant for r in rule],
                "severity": [r.severity.value for r in rule],
                "site": site,
                "modality": [m for _, m in scanner],
                "scanner": [s if i % 11 else None for i, (s, _) in enumerate(scanner)],
                "protocol": [f"{i % 23:012x}" for i in range(n)],
                "first_period": [f"{y}-0{1 + y % 9}" for y in year],
                "last_period": [f"{y + int(y % 3)}-11" for y in year],
                "observed": observed,
                "remedy": [r.remedy.harmonize or "manual" for r in rule],
                "origin": ["tool" if i % 17 == 16 else "data" for i in range(n)],
            }
        ),
        PROBLEMS,
    )


def _finding_frame(random, problems: pl.DataFrame, n: int, hostile: bool) -> pl.DataFrame:
    if not len(problems):
        return conform(pl.DataFrame({"finding_id": []}, schema={"finding_id": pl.String}), FINDINGS)
    share = random.dirichlet(np.ones(len(problems)) * 0.4)
    index = np.concatenate([np.arange(len(problems)), random.choice(len(problems), max(n - len(problems), 0), p=share)])
    serial = pl.int_range(len(index), eager=True)
    frame = (
        problems.select("problem_id", "rule_id", "variant", "severity", "site", "modality", "scanner", "protocol",
                        "observed", "remedy", "origin", period="first_period")[index.tolist()]
        .with_columns(serial=serial)
        .with_columns(
            finding_id=pl.format("f{}", pl.col("serial").cast(pl.String).str.zfill(12)),
            level=pl.lit("series"),
            patient_hash=pl.format("{}", pl.col("serial") // 5),
            StudyInstanceUID=pl.format("1.2.826.0.1.secret.{}", pl.col("serial") // 3),
            SeriesInstanceUID=pl.format("1.2.826.0.1.secret.{}", pl.col("serial")),
            paths=pl.concat_list(pl.format("secret-folder/DOE^JANE/{}.dcm", pl.col("serial"))),
            n_paths=1 + pl.col("serial") % 40,
            expected=pl.lit("at most 1 % from the median step"),
            message_en=pl.lit("secret message"),
            message_zh=pl.lit("secret message"),
            location=pl.format("series {}", (pl.col("serial").hash(3) % 2**40).cast(pl.String)),
            entity=pl.col("serial").cast(pl.String),
        )
    )  # fmt: skip
    if hostile:
        frame = frame.with_columns(
            location=pl.format("{} {}", pl.lit(HOSTILE[0]), "serial"), expected=pl.lit(HOSTILE[4])
        )
    return conform(frame, FINDINGS)


def _with_counts(problems: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
    counts = findings.group_by("problem_id").agg(
        findings=pl.len(), patients=pl.col("patient_hash").n_unique(), studies=pl.col("StudyInstanceUID").n_unique(),
        series=pl.col("SeriesInstanceUID").n_unique(), files=pl.col("n_paths").sum(),
        example=pl.col("finding_id").first(),
    )  # fmt: skip
    bare = problems.drop("findings", "patients", "studies", "series", "files", "example")
    return conform(bare.join(counts, on="problem_id", how="left", maintain_order="left"), PROBLEMS)


def _outcome_frame(rules: tuple[Rule, ...], problems: pl.DataFrame, sites: tuple[str, ...]) -> pl.DataFrame:
    failed = {
        (rule, site): n
        for rule, site, n in problems.group_by("rule_id", "site").agg(pl.col("findings").sum()).iter_rows()
    }
    rows = []
    for i, rule in enumerate(rules):
        for j, site in enumerate(sites):
            bad = failed.get((rule.id, site), 0)
            unseen, missing, varying = 900 if rule.family == "PIX" else 0, (i * 7 + j) % 40, (i + j) % 9
            passed = 0 if unseen else 900 + 31 * i
            if rule.id == "FMT-011" and j == 1 and not bad:
                unseen = passed = missing = varying = 0
            verdict = "fail" if bad else "pass" if passed else "unknown" if unseen else "not_applicable"
            rows.append({
                "rule_id": rule.id, "variant": rule.variant, "severity": rule.severity.value, "site": site,
                "evaluated": bad + passed, "passed": passed, "failed": bad, "unknown": unseen + missing + varying,
                "not_applicable": 120, "implied": (i * j) % 5, "waived": 2 if bad > 50 else 0, "baseline": 0,
                "errors": 0, "allowed": 0, "verdict": verdict, "unknown_missing": missing, "unknown_varying": varying,
                "unknown_not_looked_at": unseen,
            })  # fmt: skip
    return conform(pl.DataFrame(rows), OUTCOMES)


def _glance(random, sites, scanners) -> Glance:
    pairs = [
        (site, scanner, m) for j, site in enumerate(sites) for i, (scanner, m) in enumerate(scanners) if (i + j) % 3
    ]
    first, last = pl.lit(2011) + pl.int_range(pl.len()) % 6, pl.lit(2020) + pl.int_range(pl.len()) % 5
    table = pl.DataFrame(pairs, schema=["site", "scanner", "modality"], orient="row").with_columns(
        series=pl.Series(random.integers(20, 3000, len(pairs))), first_year=first, last_year=last
    )
    modalities = table.group_by("site", "modality").agg(pl.col("series").sum()).sort("site", "modality")
    per_site = table.group_by("site", maintain_order=True).agg(
        series=pl.col("series").sum(), modalities=pl.col("modality").unique().sort(), scanners=pl.len(),
        first_year=pl.col("first_year").min(), last_year=pl.col("last_year").max(),
    ).with_columns(
        files=pl.col("series") * 121, dicom_files=pl.col("series") * 120,
        images=pl.col("series") * 119, images_decoded=pl.col("series") * 3, patients=pl.col("series") // 7,
        studies=pl.col("series") // 4, instances=pl.col("series") * 120, bytes=pl.col("series") * 120 * 524_288,
    )  # fmt: skip
    return Glance(
        sites=per_site,
        modalities=modalities.with_columns(instances=pl.col("series") * 120),
        scanners=table,
        distributions=_distributions(random, pairs),
    )


_VALUES = {
    ("SliceThickness", "mm"): {"CT": (0.625, 1.0, 1.25, 2.5, 5.0), "MR": (1.0, 3.0, 4.0, 5.0)},
    ("slice_step_mm", "mm"): {"CT": (0.5, 0.8, 1.25, 2.5, 5.0), "MR": (1.0, 3.3, 4.4, 6.0)},
    ("PixelSpacing", "mm"): {"CT": (0.488, 0.625, 0.703, 0.977), "MR": (0.45, 0.9, 1.0), "MG": (0.07,), "CR": (0.143,)},
    ("KVP", "kV"): {"CT": (80.0, 100.0, 120.0, 140.0), "MG": (28.0, 30.0), "CR": (70.0,)},
    ("MagneticFieldStrength", "T"): {"MR": (1.5, 3.0)},
    ("Rows", "px"): {"CT": (512,), "MR": (256, 320), "MG": (3328, 4096), "CR": (2140,)},
}


def _distributions(random, pairs) -> pl.DataFrame:
    rows = [
        {"measure": measure, "unit": unit, "site": site, "scanner": scanner, "modality": modality,
         "value": float(value), "n": int(random.integers(3, 400))}
        for site, scanner, modality in pairs
        for (measure, unit), by_modality in _VALUES.items()
        for value in by_modality.get(modality, ())
        if random.random() < 0.7
    ]  # fmt: skip
    schema = {"measure": pl.String, "unit": pl.String, "site": pl.String, "scanner": pl.String, "modality": pl.String,
              "value": pl.Float64, "n": pl.Int64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def _pictures(findings: pl.DataFrame, n: int) -> tuple[Picture, ...]:
    gaps = findings.filter(pl.col("rule_id").is_in(["GEO-003", "GEO-006"])).get_column("finding_id").to_list()[:n]
    data = _montage()
    caption = {"en": "Between slices 3 and 4 one is missing.", "zh": "第 3 与第 4 层之间缺失一层。"}
    return tuple(Picture(finding, "image/webp", data, caption, 480, 120) for finding in gaps)


def _montage() -> bytes:
    canvas = Image.new("L", (480, 120), 0)
    draw = ImageDraw.Draw(canvas)
    for i in range(4):
        draw.ellipse((i * 120 + 12, 12, i * 120 + 108, 108), fill=90 + 25 * i)
        draw.ellipse((i * 120 + 40, 40, i * 120 + 70, 80), fill=30)
    out = io.BytesIO()
    canvas.save(out, "WEBP", quality=70)
    return out.getvalue()


def as_data_uri(picture: Picture) -> str:
    return f"data:{picture.mime};base64,{base64.b64encode(picture.data).decode()}"
