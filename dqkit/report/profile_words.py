"""What the profile says to people, in English and Chinese; report/words.py adds it to its table."""

PROFILE: dict[str, tuple[str, str]] = {
    "nav.profile": ("Profile", "构成"),
    "h.profile": ("What the archive is made of", "影像库构成"),
    "lead.profile": (
        (
            "Each row is {by}; the darker the ground of a number, the larger its share of the row. "
            "What differs here differs for every model trained on it."
        ),
        "每行为{by}；数字底色越深，占该行的比例越大。此处的差异，对以此训练的任何模型同样存在。",
    ),
    "h.prof.complete": ("How complete the attributes are", "属性完整度"),
    "lead.prof.complete": (
        (
            "Share of original series that hold a usable value, for the attributes that matter to the modality; "
            "100 % means all. Scouts and derived series do not count."
        ),
        "原始序列中具有可用取值的比例，仅列与该模态相关的属性；100 % 表示全部具备。定位像与派生序列不计入。",
    ),
    "prof.complete_all": ("Complete everywhere: {names}.", "各处均完整：{names}。"),
    "h.prof.missing": ("Where most is missing", "缺失最多之处"),
    "lead.prof.missing": (
        (
            "Absent: there is no such element. Empty: it stands there without a value. Untypeable: its value does not "
            "fit its type. In part: some images of the series have it, others do not."
        ),
        "不存在：没有该数据元素。为空：有该元素但无取值。类型不符：取值不符合其值表示法。部分缺失：序列中部分图像有、部分没有。",
    ),
    "h.prof.changes": ("What changed, and when", "何时发生了哪些变化"),
    "lead.prof.changes": (
        (
            "A change is a new usual value at the same scanner (and protocol) that held for at least {least} series, "
            "as did the old one. Data from before and after should not be pooled unseen."
        ),
        "变化指同一设备（及扫描方案）的常用值改变，且前后各不少于 {least} 个序列。变化前后的数据不宜不加区分地混用。",
    ),
    "prof.no_changes": (
        "No scanner changed its usual values for at least {least} series before and after.",
        "没有设备的常用值发生前后各不少于 {least} 个序列的变化。",
    ),
    "prof.chart": (
        (
            "Timeline of {n} change of scanners from {first} to {last}; the table below lists them.|"
            "Timeline of {n} changes of scanners from {first} to {last}; the table below lists them."
        ),
        "设备变化时间线：{first} 至 {last} 共 {n} 处变化，详见下表。",
    ),
    "prof.more_groups": (
        (
            "{n} more row is in profile.parquet, which dqkit profile writes.|"
            "{n} more rows are in profile.parquet, which dqkit profile writes."
        ),
        "另有 {n} 行，见 dqkit profile 写出的 profile.parquet。",
    ),
    "prof.more_changes": (
        (
            "{n} more change is in changes.parquet, which dqkit profile writes.|"
            "{n} more changes are in changes.parquet, which dqkit profile writes."
        ),
        "另有 {n} 处变化，见 dqkit profile 写出的 changes.parquet。",
    ),
    "prof.few": (
        "< {n} stands for fewer than {n} patients, who could be recognised.",
        "“< {n}”表示少于 {n} 名患者，以免被识别。",
    ),
    "prof.not_stated": ("not stated", "未注明"),
    "prof.none_or_several": ("none or several", "无或多个"),
    "prof.other": ("other", "其他"),
    "prof.all": ("all", "合计"),
    "prof.row": ("Row", "行"),
    "prof.attribute": ("Attribute", "属性"),
    "prof.usable": ("Usable", "可用"),
    "prof.absent": ("Absent", "不存在"),
    "prof.empty": ("Empty", "为空"),
    "prof.untypeable": ("Untypeable", "类型不符"),
    "prof.partly": ("In part", "部分缺失"),
    "prof.varying": ("varying", "不一致"),
    "prof.month": ("Since", "起始月份"),
    "prof.changed": ("Changed", "变化项"),
    "prof.before": ("Before", "变化前"),
    "prof.after": ("After", "变化后"),
    "prof.protocols": ("Protocols", "扫描方案数"),
    "prof.title": ("Profile of the archive", "影像库概况"),
    "prof.made": ("Made {when} UTC with dqkit {version}", "生成时间 {when} UTC，dqkit {version}"),
    "prof.skip": ("Skip to the profile", "跳到概况"),
    "prof.private": (
        (
            "Names, identifiers, dates, descriptions and paths are left out on purpose. Protocols are pseudonyms; "
            "dates are years, and months where a scanner changed."
        ),
        "有意不包含姓名、编号、日期、描述和路径。扫描方案以假名表示；日期仅保留年份，设备变化保留月份。",
    ),
    "prof.page": ("Page", "页面"),
    "prof.files": ("Tables", "数据表"),
    "prof.complete_terminal": ("Incomplete attributes", "不完整的属性"),
    "prof.all_complete": ("Every attribute that matters is complete.", "所有相关属性均完整。"),
    "prof.worst": ("worst", "最低"),
    "prof.n_changes": ("{n} change in all|{n} changes in all", "共 {n} 处变化"),
    "by.site": ("a site", "一家机构"),
    "by.modality": ("a modality", "一种模态"),
    "by.scanner": ("a scanner", "一台设备"),
    "by.protocol": ("a protocol", "一种扫描方案"),
    "by.vendor": ("a manufacturer", "一家厂商"),
    "by.year": ("a year", "一个年份"),
    "by.other": ("a value of {name}", "{name} 的一个取值"),
    "by.and": (" and ", "与"),
    "dim.modality": ("Modality", "模态"),
    "dim.vendor": ("Manufacturer", "厂商"),
    "dim.SliceThickness": ("Slice thickness (mm)", "层厚（mm）"),
    "dim.ConvolutionKernel": ("Kernel of CT", "CT 重建卷积核"),
    "dim.KVP": ("Tube voltage (kV)", "管电压（kV）"),
    "dim.MagneticFieldStrength": ("Field strength (T)", "磁场强度（T）"),
    "dim.BodyPartExamined": ("Body part", "检查部位"),
    "dim.PatientSex": ("Sex of patients", "患者性别"),
    "dim.age": ("Age of patients (years)", "患者年龄（岁）"),
    "dim.year": ("Year of study", "检查年份"),
    "counted.series_key": ("series", "序列"),
    "counted.study_key": ("studies", "检查"),
    "counted.patient_key": ("patients", "患者"),
    "sex.M": ("male", "男"),
    "sex.F": ("female", "女"),
    "sex.O": ("O (other)", "O（其他）"),
    "kind.software": ("software", "软件版本"),
    "kind.kernel": ("kernel", "卷积核"),
    "kind.geometry": ("thickness, field of view", "层厚与视野"),
    "kind.timing": ("MR timing", "MR 时间参数"),
    "kind.dose": ("tube voltage", "管电压"),
    "kind.else": ("other", "其他"),
}
