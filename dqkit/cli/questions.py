"""The questions of ``dqkit init``: few, each with an answer proposed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from dqkit.cli.options import FailOn, Pixels

_TEXTS: dict[str, tuple[str, str]] = {
    "sources": ("Folders of images (commas apart)", "影像文件夹（用逗号分隔）"),
    "found": ("Found {n} folders that hold images.", "发现 {n} 个含影像的文件夹。"),
    "missing": ("There is no folder {path}.", "没有文件夹 {path}。"),
    "site": ("Hospital of {path} (-: every folder below it is one)", "{path} 所属机构（-：其下每个文件夹为一家机构）"),
    "packs": (
        "Packs, commas apart (empty: none). There are: {known}",
        "规则包，用逗号分隔（留空：不使用）。可选：{known}",
    ),
    "no_pack": ("There is no pack {name}.", "没有规则包 {name}。"),
    "pixels": ("Decode images (none, sample, all)", "解码图像（none 不解码，sample 抽样，all 全部）"),
    "fail_on": (
        "The mildest severity that fails (critical, warning, info, never)",
        "导致不通过的最低严重程度（critical、warning、info、never）",
    ),
}

_WORDS = {"pixels": [word.value for word in Pixels], "fail_on": [word.value for word in FailOn]}


def answered(values: dict[str, Any], found: Sequence[Path], packs: Sequence[str], lang: str) -> dict[str, Any]:
    """Return `values` with what a person answered; what was typed as an option is proposed.

    Parameters
    ----------
    found
        Folders that seem to hold images.
    packs
        Names of the packs there are.
    """
    asked = dict(values)
    asked["sources"] = _sources(values["sources"], found, lang)
    if packs:
        asked["packs"] = _packs(values["packs"], packs, lang)
    for key in ("pixels", "fail_on"):
        asked[key] = _one_of(key, _WORDS[key], values[key], lang)
    return asked


def _say(key: str, lang: str, **values: object) -> str:
    return _TEXTS[key][lang == "zh"].format_map(values)


def _prompt(text: str, default: str) -> str:
    try:
        answer: str = typer.prompt(text, default=default, show_default=bool(default), err=True)
    except typer.Abort as error:  # Ctrl-C or the end of the input; nothing was written
        raise KeyboardInterrupt from error
    return answer.strip()


def _list(text: str, default: Sequence[str]) -> list[str]:
    return [part.strip() for part in _prompt(text, ",".join(default)).split(",") if part.strip()]


def _sources(typed: list[dict[str, str]], found: Sequence[Path], lang: str) -> list[dict[str, str]]:
    if typed:
        return typed
    if found:
        typer.echo(_say("found", lang, n=len(found)), err=True)
    while True:
        roots = _list(_say("sources", lang), [str(path) for path in found])
        missing = [root for root in roots if not Path(root).expanduser().is_dir()]
        if not missing:
            return [_with_site(root, lang) for root in roots]
        typer.echo(_say("missing", lang, path=missing[0]), err=True)


def _with_site(root: str, lang: str) -> dict[str, str]:
    path = Path(root).expanduser()
    several = sum(1 for one in path.iterdir() if one.is_dir()) > 1
    site = _prompt(_say("site", lang, path=root), "-" if several else path.resolve().name)
    return {"root": root, "site_from": "path:1"} if site == "-" else {"root": root, "site": site}


def _packs(typed: list[str], known: Sequence[str], lang: str) -> list[str]:
    while True:
        names = _list(_say("packs", lang, known=", ".join(known)), typed)
        unknown = [name for name in names if name.partition("@")[0] not in known and not Path(name).is_file()]
        if not unknown:
            return names
        typer.echo(_say("no_pack", lang, name=unknown[0]), err=True)


def _one_of(key: str, words: Sequence[str], default: str, lang: str) -> str:
    while (answer := _prompt(_say(key, lang), default)) not in words:
        typer.echo(", ".join(words), err=True)
    return answer
