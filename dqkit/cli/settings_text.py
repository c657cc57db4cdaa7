"""Writes ``dqkit.yaml``: every key with a comment that explains it, in English or Chinese."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_./\u4e00-\u9fff][\w./@-]*(?: [\w./@-]+)*")
_NOT_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n", "."})
"""Words that one reader of YAML or another takes for something else."""

_HEAD = {
    "en": (
        "Settings of dqkit, which every command reads; what is typed on the command line wins.",
        "Relative paths hang on this file's folder. `dqkit init --show` says what holds, and from where.",
    ),
    "zh": (
        "dqkit 的设置，所有命令都会读取；命令行上输入的选项优先。",
        "相对路径以本文件所在文件夹为准。`dqkit init --show` 显示实际生效的设置及其来源。",
    ),
}

_COMMENTS: dict[str, tuple[str, str]] = {
    "sources": (
        (
            "Folders of images, which dqkit only ever reads. A command takes them where no folder is typed.\n"
            "`site` names the one hospital of a folder; `site_from` says where the hospital of each file is named:\n"
            "path:1 (the first folder below), tag:InstitutionName, FILE.csv (columns folder,site), or auto."
        ),
        (
            "影像文件夹，dqkit 只读取、从不改动。命令行未指定文件夹时使用这些文件夹。\n"
            "`site` 给出该文件夹所属的唯一机构；`site_from` 说明从何处得知每个文件的机构：\n"
            "path:1（下一级文件夹）、tag:InstitutionName、FILE.csv（列 folder,site）或 auto（自动）。"
        ),
    ),
    "sites": (
        "What a site goes by: folder name or InstitutionName -> name. These names stand in reports.",
        "机构名称：文件夹名或 InstitutionName -> 名称。这些名称会出现在报告中。",
    ),
    "catalog": (
        "Where dqkit keeps its tables (in-house; never inside a source).",
        "dqkit 自身数据表的位置（仅限院内使用，不得位于影像文件夹内）。",
    ),
    "out": ("Where `dqkit audit` writes its report and findings.", "`dqkit audit` 写入报告和检出项的文件夹。"),
    "lang": ("Language of reports and messages: en or zh.", "报告和提示的语言：en 或 zh。"),
    "packs": (
        "What the images are for: `dqkit packs list` shows the packs; a file of your own may extend one.",
        "影像的用途：`dqkit packs list` 列出规则包；也可用自己的文件扩展规则包。",
    ),
    "rules": ("Further rules of your own: files or folders.", "自有规则：文件或文件夹。"),
    "scope": (
        "Which rules judge (ids, families, names or patterns), and what: these sites and modalities alone.",
        "参与判断的规则（编号、类别、名称或通配模式）及判断范围：仅限所列机构和模态。",
    ),
    "fail_on": (
        "The mildest severity that fails an audit: critical, warning, info or never.",
        "导致检查不通过的最低严重程度：critical、warning、info 或 never。",
    ),
    "pixels": (
        "Which images are decoded: none, sample (first, middle, last of a series) or all.",
        "解码哪些图像：none（不解码）、sample（每个序列的首、中、末幅）或 all（全部）。",
    ),
    "workers": ("Processes that read headers; none given: one a core.", "读取文件头的进程数；不指定则每个核心一个。"),
    "engine": (
        "Who counts: polars, or gx (Great Expectations).",
        "由谁计数：polars 或 gx（Great Expectations）。",
    ),
    "key": (
        "File of the key that makes pseudonyms; never the key itself. DQKIT_KEY wins.",
        "生成假名所用密钥的文件路径，切勿写入密钥本身。环境变量 DQKIT_KEY 优先。",
    ),
    "waivers": (
        "Accepted findings with owner, reason and expiry, for `dqkit audit` and `dqkit gate` (docs/waivers.md).",
        "已接受的检出项（负责人、理由、有效期），用于 `dqkit audit` 和 `dqkit gate`（docs/waivers.md）。",
    ),
    "policy": (
        "What `dqkit gate` asks for (docs/gate.md).",
        "`dqkit gate` 的放行条件（docs/gate.md）。",
    ),
}

_EXAMPLES: dict[str, Any] = {
    "sources": [{"root": "/mnt/north", "site": "North Hospital"}, {"root": "/archive", "site_from": "path:1"}],
    "sites": {"north": "North Hospital"},
    "packs": ["general"],
    "rules": ["house-rules"],
    "scope": {"select": ["GEO", "FMT"], "ignore": ["GEO-020"], "sites": ["North Hospital"], "modalities": ["CT", "MR"]},
    "key": "~/.config/dqkit/key",
    "catalog": "dqkit-catalog",
    "out": "dqkit-report",
    "lang": "en",
    "fail_on": "critical",
    "pixels": "sample",
    "workers": 4,
    "engine": "polars",
    "waivers": "waivers.yaml",
    "policy": "gate.yaml",
}

KEYS = tuple(_COMMENTS)
"""The keys of the file, in its order."""


def settings_text(values: Mapping[str, Any], lang: str = "en") -> str:
    """Return the text of a settings file.

    Parameters
    ----------
    values
        Key -> value; a key without one is written as an example in a comment.
    lang
        Language of the comments: ``en`` or ``zh``.
    """
    lines = [f"# {line}" for line in _HEAD[lang]]
    for key, (en, zh) in _COMMENTS.items():
        lines += ["", *(f"# {line}" for line in (zh if lang == "zh" else en).splitlines())]
        if values.get(key):
            lines += _entry(key, values[key])
        else:
            lines += [f"# {line}" for line in _entry(key, _EXAMPLES[key])]
    return "\n".join(lines) + "\n"


def _entry(key: str, value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{key}:", *(f"  {_scalar(name)}: {_flow(one)}" for name, one in value.items())]
    if isinstance(value, list):
        return [f"{key}:", *(f"  - {_flow(one)}" for one in value)]
    return [f"{key}: {_scalar(value)}"]


def _flow(value: Any) -> str:
    """Write a value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(name)}: {_flow(one)}" for name, one in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_flow(one) for one in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    """Write a text as it is where every reader takes it for text, else in quotes."""
    if not isinstance(value, str):
        return str(value)
    return (
        value if _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT else json.dumps(value, ensure_ascii=False)
    )
