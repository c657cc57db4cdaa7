"""Writes a policy to start from, in which every key is explained, in English or Chinese."""

import json
from collections.abc import Sequence
from pathlib import Path

from dqkit.rulebook.pack import Pack, general_pack, pack_names

_ENGLISH = """\
# What data must be like before it may be used: `dqkit gate CATALOG` holds an archive against it.
# Every key may be left out but packs. docs/gate.md describes all of them.

# What the images are for. A version is part of it: rules that change must not change a verdict unseen.
# A file of your own: - {file: house-pack.yaml, version: 1.0.0}
packs:
%s

# The mildest severity that closes the gate: critical, warning or info. Previews never close it.
fail_on: critical

# How many entities of a rule may be unknown at a site: a count, a share (5%%), or any.
# Missing and varying attributes count; name not_looked_at to demand pixels (dqkit index --pixels all).
max_unknown:
  critical: 0
  # reasons: [missing, varying, not_looked_at]
  # rules: [{rules: ACQ-021, at_most: 5%%, site: North}]

# How long ago the archive may have been looked at.
max_catalog_age: 7 days

# Which files are read again, to be sure that they are those that were audited: none, sample or all.
rehash: sample

# Which rules judge, and what alone is judged.
# scope:
#   select: [GEO, FMT]
#   ignore: [GEO-020]
#   sites: [North]
#   modalities: [CT]

# How much of a rule may fail, in the place of what it allows itself; the last line that fits holds.
# allow:
#   - {rules: GEO-003, at_most: 2%%}
#   - {rules: CON, at_most: 10, site: North}

# Sites that must be there.
# required_sites: [North, South]

# At least so many patients, studies, series or images: per site, archive, class, or site and class.
# Classes are the label column of --dataset.
# minimum:
#   - {patients: 50}
#   - {series: 200, where: {Modality: CT, role: ct-thin}, per: archive}
#   - {patients: 20, per: class, classes: [benign, malignant]}

# What the columns of --dataset are called, and where its paths hang.
# dataset: {file: path, label: diagnosis, split: fold, root: ../images}

# Whom to tell. A secret stands in an environment variable; here is its name.
# actions:
#   - slack: {webhook_env: SLACK_WEBHOOK, on: failure}
#   - teams: {webhook_env: TEAMS_WEBHOOK, on: always}
#   - email: {to: steward@hospital.example, from: dqkit@hospital.example, server: smtp.hospital.example}
"""

_CHINESE = """\
# 数据可供使用前须满足的条件：`dqkit gate CATALOG` 据此判断影像库。
# 除 packs 外，各项均可省略。全部说明见 docs/gate.md。

# 影像的用途。必须写明版本，以免规则变动悄然改变结论。
# 自有规则包：- {file: house-pack.yaml, version: 1.0.0}
packs:
%s

# 不予放行的最低严重程度：critical、warning 或 info。预览规则从不影响放行。
fail_on: critical

# 每家机构每条规则允许的未知数量：个数、比例（5%%）或 any。
# 默认计入缺失和不一致；列出 not_looked_at 即要求查看像素（dqkit index --pixels all）。
max_unknown:
  critical: 0
  # reasons: [missing, varying, not_looked_at]
  # rules: [{rules: ACQ-021, at_most: 5%%, site: North}]

# 上次读取影像库距今的最长时间。
max_catalog_age: 7 days

# 重新读取哪些文件以确认其与所检查的一致：none、sample 或 all。
rehash: sample

# 参与判断的规则及判断范围。
# scope:
#   select: [GEO, FMT]
#   ignore: [GEO-020]
#   sites: [North]
#   modalities: [CT]

# 规则允许的未通过数量，替代其自身设定；以最后一条匹配者为准。
# allow:
#   - {rules: GEO-003, at_most: 2%%}
#   - {rules: CON, at_most: 10, site: North}

# 必须包含的机构。
# required_sites: [North, South]

# 至少应有的患者、检查、序列或图像数：按机构（site）、影像库（archive）、类别（class）或二者（site and class）。
# 类别取自 --dataset 的标签列。
# minimum:
#   - {patients: 50}
#   - {series: 200, where: {Modality: CT, role: ct-thin}, per: archive}
#   - {patients: 20, per: class, classes: [benign, malignant]}

# --dataset 各列的名称，及其路径所在的文件夹。
# dataset: {file: path, label: diagnosis, split: fold, root: ../images}

# 通知对象。密钥存放在环境变量中，此处只写变量名。
# actions:
#   - slack: {webhook_env: SLACK_WEBHOOK, on: failure}
#   - teams: {webhook_env: TEAMS_WEBHOOK, on: always}
#   - email: {to: steward@hospital.example, from: dqkit@hospital.example, server: smtp.hospital.example}
"""

_TEXTS = {"en": _ENGLISH, "zh": _CHINESE}


def policy_text(packs: Sequence[Pack], path: Path, lang: str = "en") -> str:
    """Return the text of a policy that asks for `packs`, and for the whole book, at the versions they have.

    Parameters
    ----------
    path
        Where it will stand: files of packs hang on its folder.
    """
    plain = [] if any(pack.is_plain for pack in packs) else [general_pack()]
    return _TEXTS[lang] % "\n".join(f"  - {_pin(pack, path)}" for pack in (*plain, *packs))


def _pin(pack: Pack, path: Path) -> str:
    if pack.name in pack_names() and pack.path.stem == pack.name:
        return f"{pack.name}@{pack.version}"
    file, folder = pack.path.resolve(), path.absolute().parent.resolve()
    named = file.relative_to(folder) if file.is_relative_to(folder) else file
    return f"{{file: {json.dumps(str(named), ensure_ascii=False)}, version: {pack.version}}}"
