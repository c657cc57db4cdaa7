"""What ComBat and landmarks say to people, in English and Chinese; report/words.py adds it to its table."""

COMBAT: dict[str, tuple[str, str]] = {
    "combat.fitted": (
        "Fitted on {n} of {of} rows: {features} features, {sites} sites.",
        "已用 {of} 行中的 {n} 行拟合：{features} 个特征，{sites} 个机构。",
    ),
    "combat.applied": (
        (
            "Harmonized {n} row: {features} features, sites: {sites}.|"
            "Harmonized {n} rows: {features} features, {sites} sites."
        ),
        "已校正 {n} 行：{features} 个特征，{sites} 个机构。",
    ),
    "combat.training": ("Training part: {column} = {value}", "训练部分：{column} = {value}"),
    "combat.training_all": (
        "Training part: the whole table, as you said",
        "训练部分：按您的指定为整个表格",
    ),
    "combat.rows": ("rows", "行数"),
    "combat.site": ("site", "机构"),
    "combat.features": ("Features", "特征"),
    "combat.covariates": ("Kept", "保留效应"),
    "combat.left_alone": ("Left alone", "未处理的列"),
    "combat.constant": ("Constant in training, left as they are", "训练中为常数，保持原样"),
    "combat.skipped": (
        "{n} training row was left out: a value is missing|{n} training rows were left out: a value is missing",
        "{n} 行训练数据因缺失取值而未使用",
    ),
    "combat.missing": ("Cells left empty where a value is missing", "因缺失取值而留空的单元格"),
    "combat.beyond": (
        (
            "{name} lies outside its training range in {n} row: its effect is a guess there|"
            "{name} lies outside its training range in {n} rows: its effect is a guess there"
        ),
        "{n} 行的 {name} 超出训练范围，其效应在该处仅为推测",
    ),
    "combat.share": (
        "Variance between sites (median of features): {before} before, {after} after",
        "机构间方差占比（各特征中位数）：校正前 {before}，校正后 {after}",
    ),
    "combat.unpooled": (
        "One feature alone varies: its estimates could not lean on others",
        "仅有一个特征有变化，其估计无法借助其他特征",
    ),
    "combat.written": ("Written", "已写入"),
    "landmarks.learnt": ("Learnt on", "学习所用图像"),
    "landmarks.role": ("role", "用途"),
    "landmarks.few": (
        "Fewer than {n} images of {names}: their histogram is that of these very people",
        "{names} 的图像少于 {n} 幅：其直方图仅代表这些受检者",
    ),
    "landmarks.no_role": (
        "Series without a role were taken together, whatever they show",
        "未识别用途的序列被合并处理，不论其内容",
    ),
}
