"""The pages of evidence.zip: index.html for a person, readme.txt, coverage.md, outcomes.csv."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dqkit.dataset.states import State
from dqkit.errors import ExitCode
from dqkit.evidence.collect import OUTCOMES, Evidence
from dqkit.evidence.coverage import ChapterEvidence, Judged, judged_of
from dqkit.evidence.seal import HEADER, LIST, PUBLIC_KEY, SIGNATURE
from dqkit.model import Verdict
from dqkit.report.evidence_outcomes import outcomes_csv
from dqkit.report.evidence_words import known_file, words
from dqkit.report.page import as_script_data, rendered
from dqkit.report.visible import visible
from dqkit.report.words import LANGUAGES, Pair

INDEX, README, COVERAGE_TEXT = "index.html", "readme.txt", "coverage.md"

_SHOWN = 12
_HEADLINES = {
    ExitCode.OK: ("open", "pass"),
    ExitCode.FAILED: ("closed", "fail"),
    ExitCode.INCOMPLETE: ("incomplete", "incomplete"),
    ExitCode.NOTHING: ("nothing", "nothing"),
}


def pages_of(evidence: Evidence, fingerprint: str, lang: str = "en") -> dict[str, bytes]:
    """Return the pages: name -> content; the same evidence gives the same bytes.

    Parameters
    ----------
    fingerprint
        Of the key that signs; empty = unsigned.
    lang
        The language that index.html opens in; it holds both.
    """
    members = sorted({*evidence.members, INDEX, README, COVERAGE_TEXT, OUTCOMES, HEADER, LIST,
                      *([SIGNATURE, PUBLIC_KEY] if fingerprint else [])})  # fmt: skip
    return {
        INDEX: _index(evidence, members, fingerprint, lang).encode(),
        README: _readme(evidence, members, fingerprint).encode(),
        COVERAGE_TEXT: _coverage_text(evidence).encode(),
        OUTCOMES: outcomes_csv(evidence.verdict.data),
    }


def _index(evidence: Evidence, members: Sequence[str], fingerprint: str, lang: str) -> str:
    data = evidence.verdict.data
    headline, tone = _headline(data)
    return rendered(
        "evidence",
        lang,
        with_charts=False,
        script="profile",
        e=words,
        headline=headline,
        tone=tone,
        title=visible(data["title"]),
        facts=_facts(evidence),
        missing=evidence.missing,
        because=data["incomplete_because"],
        failing=_failing(evidence),
        results=_results(judged_of(data)),
        dataset=data["dataset"],
        states=[state.value for state in State],
        pseudonymous=evidence.pseudonymous_paths,
        frameworks=[(one.framework, list(map(_row, one.chapters))) for one in evidence.coverage],
        waivers=_waivers(data),
        baseline=_baseline(data),
        files=_files(members),
        commands=_commands(fingerprint),
        fingerprint=fingerprint,
        data=as_script_data({}),
    )


def _headline(data: Mapping[str, Any]) -> tuple[Pair, str]:
    key, tone = _HEADLINES.get(ExitCode(data["exit_code"]), ("incomplete", "incomplete"))
    return words(key), tone


def _facts(evidence: Evidence) -> list[tuple[Pair, Pair]]:
    """Return what is known of the verdict, in pairs of a name and a value."""
    data = evidence.verdict.data
    packs = ", ".join(f"{pack['name']} {pack['version']}" for pack in data["packs"])
    tests = {name: evidence.tests[name] for name in ("rules", "cases", "failed")}
    plain = {
        "decided": data["decided_at"],
        "policy": f"{data['policy']['name']} (SHA-256 {data['policy']['sha256'][:16]}…)",
        "packs": packs,
        "program": f"dqkit {data['dqkit_version']}",
        "key": data["key_fingerprint"],
        "rules": str(len(data["rules"])),
        "run": data["catalog"]["run_id"],
        "runs": str(evidence.runs),
    }
    facts = [(words(f"fact.{name}"), _same(value)) for name, value in plain.items()]
    return [*facts, (words("fact.tests"), words("tests", **tests))]


def _same(value: object) -> Pair:
    return dict.fromkeys(LANGUAGES, visible(value, 300))


def _failing(evidence: Evidence) -> list[tuple[str, Pair, Pair]]:
    """Return label, title and sites of what keeps the gate closed."""
    sites: dict[tuple[str, str], list[Pair]] = {}
    for row in evidence.verdict.data["deciding"]:
        key = (row["rule_id"], f"{row['rule_id']} {row['variant'] or ''}".strip())
        sites.setdefault(key, []).append(_same(row["site"]) if row["site"] else words("archive"))
    return [
        (visible(label), dict(evidence.titles.get(rule_id) or _same("")), _joined(where))
        for (rule_id, label), where in sites.items()
    ]


def _joined(texts: Sequence[Pair]) -> Pair:
    return {lang: ", ".join(text[lang] for text in texts) for lang in LANGUAGES}


def _results(judged: Iterable[Judged]) -> list[tuple[Pair, int, str]]:
    """Count checks by result."""
    counts = Counter(one.verdict for one in judged)
    order = (Verdict.FAIL, Verdict.ERROR, Verdict.UNKNOWN, Verdict.PASS, Verdict.NOT_APPLICABLE)
    return [(words(f"result.{one.value}"), counts[one], one.value) for one in order if counts[one]]


def _row(evidence: ChapterEvidence) -> dict[str, Any]:
    """Return a chapter as the table shows it."""
    return {"chapter": evidence.chapter, "evidence": _shown(evidence), "not": _not_checked(evidence)}


def _shown(evidence: ChapterEvidence) -> list[Pair]:
    lines = []
    if evidence.rules:
        counts = Counter(one.verdict for one in evidence.rules)
        lines.append(
            words(
                "rules.judged",
                n=len(evidence.rules),
                passed=counts[Verdict.PASS],
                failed=counts[Verdict.FAIL] + counts[Verdict.ERROR],
                unknown=counts[Verdict.UNKNOWN],
                na=counts[Verdict.NOT_APPLICABLE],
            )
        )
    if evidence.conditions:
        counts = Counter(one.verdict for one in evidence.conditions)
        failed = counts[Verdict.FAIL] + counts[Verdict.ERROR]
        lines.append(words("conditions.judged", n=len(evidence.conditions), passed=counts[Verdict.PASS], failed=failed))
    failed_names = [
        one.label for one in (*evidence.rules, *evidence.conditions) if one.verdict in (Verdict.FAIL, Verdict.ERROR)
    ]
    if failed_names:
        lines.append(words("failed.are", names=_some(failed_names)))
    if evidence.present:
        lines.append(words("documents.are", names=_some(evidence.present)))
    return lines if evidence.has_any or evidence.present else [words("none"), *lines]


def _not_checked(evidence: ChapterEvidence) -> list[Pair]:
    lines = []
    if evidence.without:
        lines.append(words("not.judged", names=_some(evidence.without)))
    if evidence.left_out:
        lines.append(words("not.left_out", names=_some(evidence.left_out)))
    empty = sum(not one.evaluated for one in (*evidence.rules, *evidence.conditions))
    if empty:
        lines.append(words("not.outcome", n=empty))
    if evidence.absent:
        lines.append(words("not.documents", names=_some(evidence.absent)))
    gaps = evidence.chapter.gaps or {}
    texts = [gaps.get(lang, ()) for lang in LANGUAGES]
    return lines + [dict(zip(LANGUAGES, told, strict=True)) for told in zip(*texts, strict=True)]


def _some(names: Sequence[str]) -> str:
    more = f" … (+{len(names) - _SHOWN})" if len(names) > _SHOWN else ""
    return visible(", ".join(names[:_SHOWN]), 2000) + more


def _waivers(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    used = (data["waivers"] or {}).get("used", ())
    return [
        {
            "rule": visible(f"{one['rule']} {one['variant']}".strip()),
            "owner": visible(one["owner"]),
            "reason": visible(one["reason"], 300),
            "expires": one["expires"],
            "findings": one["findings"],
        }
        for one in used
    ]


def _baseline(data: Mapping[str, Any]) -> Pair | None:
    told = data["baseline"]
    if told is None:
        return None
    return words("baseline", made=told["made_at"][:10], findings=told["findings"], known=told["known"])


def _files(members: Sequence[str]) -> list[tuple[str, Pair]]:
    """Return the members with what each is; of a folder of texts, the folder."""
    shown: dict[str, Pair] = {}
    for name in members:
        folder = name.partition("/")[0]
        if known_file(name):
            shown[name] = words(f"file.{name}")
        elif known_file(folder):
            shown[f"{folder}/"] = words(f"file.{folder}")
    return list(shown.items())


def _commands(fingerprint: str) -> tuple[str, tuple[str, ...]]:
    """Return the commands that check the file: with dqkit, and without."""
    given = " --public-key KEY.pub.pem" if fingerprint else ""
    without = [f"sha256sum --check {LIST}"]
    if fingerprint:
        without.append(f"openssl pkeyutl -verify -pubin -inkey {PUBLIC_KEY} -rawin -in {LIST} -sigfile {SIGNATURE}")
        without.append(f"openssl pkey -pubin -in {PUBLIC_KEY} -outform DER | sha256sum   # {fingerprint}")
    return f"dqkit evidence verify evidence.zip{given}", tuple(without)


def _readme(evidence: Evidence, members: Sequence[str], fingerprint: str) -> str:
    with_dqkit, without = _commands(fingerprint)
    blocks = []
    for lang in LANGUAGES:
        lines = [
            words("title")[lang].upper(), "", _headline(evidence.verdict.data)[0][lang], "", words("lead")[lang], "",
            *(f"{name[lang]}: {value[lang]}" for name, value in _facts(evidence)),
        ]  # fmt: skip
        if evidence.missing:
            lines += ["", words("missing")[lang], *(f"- {text[lang]}" for text in evidence.missing)]
        lines += [
            "",
            words("h.check")[lang],
            words("check.dqkit")[lang],
            f"  {with_dqkit}",
            words("check.without")[lang],
        ]
        lines += [f"  {command}" for command in without]
        lines += [f"{words('signed')[lang]}: {fingerprint}" if fingerprint else words("unsigned")[lang]]
        lines += ["", words("h.files")[lang], *(f"{name}: {text[lang]}" for name, text in _files(members))]
        blocks.append("\n".join(lines))
    return "\n\n----\n\n".join(blocks) + "\n"


def _coverage_text(evidence: Evidence) -> str:
    """Return the chapters as Markdown, one language after the other."""
    lines: list[str] = []
    for lang in LANGUAGES:
        lines += [f"# {words('h.coverage')[lang]}", "", words("coverage.lead")[lang], ""]
        for one in evidence.coverage:
            lines += [f"## {one.framework.title[lang]}", "", one.framework.citation, ""]
            head = [words(key)[lang] for key in ("col.chapter", "col.evidence", "col.not")]
            lines += [f"| {' | '.join(head)} |", "|---|---|---|"]
            for chapter in one.chapters:
                row = _row(chapter)
                told = ["<br>".join(_cell(text[lang]) for text in row[key]) for key in ("evidence", "not")]
                lines.append(f"| {chapter.chapter.id} {chapter.chapter.title[lang]} | {told[0]} | {told[1]} |")
            lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
