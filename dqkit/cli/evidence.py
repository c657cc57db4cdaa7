"""``dqkit evidence``: everything behind a verdict in one file, signed, and whether such a file is whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dqkit.cli import options as opt
from dqkit.cli.group import DefaultGroup
from dqkit.cli.targets import keep_out_of
from dqkit.errors import ExitCode

if TYPE_CHECKING:
    from dqkit.evidence.collect import Evidence
    from dqkit.evidence.seal import Sealed

app = typer.Typer(cls=DefaultGroup, help="Everything behind a verdict in one file that cannot be changed unseen.")

DEFAULT_OUT = Path("evidence.zip")


def run(
    verdict: Annotated[
        Path, typer.Argument(metavar="VERDICT", help="verdict.json, or the folder that dqkit gate --out wrote.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.")] = DEFAULT_OUT,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key", metavar="PEM", help="Private key that signs (Ed25519). Passphrase: DQKIT_EVIDENCE_PASSPHRASE."
        ),
    ] = None,
    catalog: opt.CatalogOption = opt.DEFAULT_CATALOG,
    policy: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="The policy's file, where packs of your own lie beside it."),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="FILE", help="The baseline that the gate was given.")
    ] = None,
    rules: opt.RulesOption = None,
    pseudonymous_paths: Annotated[
        bool,
        typer.Option("--pseudonymous-paths", help="Name the files of the dataset by pseudonyms in the manifest."),
    ] = False,
    key_file: opt.KeyOption = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> int:
    """Collect everything behind a verdict: policy, rules, packs, waivers, outcomes with unknowns, manifest, versions.

    It says which checks are evidence for which chapter of the EU AI Act (Art. 10), YY/T 1833.2 and 1833.3 and CLAIM,
    and what was not checked; it claims conformity with none. Exit codes: 0 written, 3 written and incomplete, 2 wrong
    use.

    [bold]Examples[/bold]

      dqkit evidence keygen -o key.pem                       once; keep it safe

      dqkit evidence dqkit-gate -o evidence.zip --key key.pem

      dqkit evidence verify evidence.zip --public-key key.pub.pem
    """
    from dqkit.catalog.store import Catalog
    from dqkit.evidence.collect import EvidenceOptions
    from dqkit.gate.verdict_file import read_verdict
    from dqkit.identity import load_key

    pseudonyms = load_key(key_file)
    read = read_verdict(verdict)
    opened = Catalog(catalog, pseudonyms.fingerprint)
    keep_out_of(opened, out, "evidence")
    options = EvidenceOptions(policy, tuple(rules or ()), baseline, pseudonymous_paths)
    from contextlib import ExitStack

    from dqkit.cli.progress import shown_progress
    from dqkit.evidence.collect import collect

    with ExitStack() as scratch, shown_progress() as progress:
        evidence = collect(read, opened, pseudonyms, options, scratch, progress)
        progress.stage("writing")
        sealed = _write(evidence, out, key, lang.value)
    _show(evidence, sealed, out, lang.value, json=json)
    return int(ExitCode.OK if evidence.complete else ExitCode.INCOMPLETE)


def _write(evidence: Evidence, out: Path, key: Path | None, lang: str) -> Sealed:
    from dqkit.evidence.seal import seal
    from dqkit.evidence.signing import fingerprint, load_private
    from dqkit.report.evidence_pages import pages_of
    from dqkit.report.folder import replacing, telling_of_disk

    private = load_private(key) if key is not None else None
    pages = pages_of(evidence, fingerprint(private.public_key()) if private is not None else "", lang)
    with telling_of_disk(), replacing(out) as file:
        return seal(evidence, pages, private, file.write)


def _show(evidence: Evidence, sealed: Sealed, out: Path, lang: str, *, json: bool) -> None:
    if json:
        from json import dumps

        told = {
            "file": str(out),
            "list_sha256": sealed.sha256,
            "files": sealed.members,
            "signed_by": sealed.fingerprint or None,
            "complete": evidence.complete,
            "missing": [dict(text) for text in evidence.missing],
        }
        typer.echo(dumps(told, ensure_ascii=False))
        return
    from dqkit.cli.screen import screen
    from dqkit.report.evidence_text import print_sealed

    print_sealed(evidence, sealed, out, screen(), lang)


def verify(
    evidence: Annotated[Path, typer.Argument(metavar="FILE", help="The file that dqkit evidence wrote.")],
    public_key: Annotated[
        Path | None,
        typer.Option("--public-key", metavar="PEM", help="Public key of whoever must have signed it."),
    ] = None,
    lang: opt.LangOption = opt.Language.EN,
    json: opt.JsonOption = False,
) -> int:
    """Tell whether an evidence file is whole, and who signed it; needs no network, no catalog and no key of yours.

    Exit codes: 0 whole and signed by the key you gave; 1 changed, or signed by another key; 3 whole, but unsigned,
    signed by a key that you did not name, or incomplete.

    [bold]Examples[/bold]

      dqkit evidence verify evidence.zip --public-key key.pub.pem

      dqkit evidence verify evidence.zip --json
    """
    from dqkit.evidence.signing import read_public
    from dqkit.evidence.verify import verified_to_json
    from dqkit.evidence.verify import verify as look

    found = look(evidence, read_public(public_key) if public_key is not None else None)
    if json:
        from json import dumps

        typer.echo(dumps(verified_to_json(found), ensure_ascii=False))
    else:
        from dqkit.cli.screen import screen
        from dqkit.report.evidence_text import print_verified

        print_verified(found, screen(), lang.value)
    return int(found.exit_code)


@app.command()
def keygen(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The private key to write.")] = Path(
        "key.pem"
    ),
) -> None:
    """Make a key that signs evidence (Ed25519): FILE for you alone (0600), and its public key beside it.

    Where DQKIT_EVIDENCE_PASSPHRASE is set, the private key is encrypted with it.

    [bold]Example[/bold]

      dqkit evidence keygen -o key.pem                       writes key.pem and key.pub.pem
    """
    from dqkit.evidence.signing import make_key

    public, name = make_key(out)
    typer.echo(f"private key: {out} (keep it safe; whoever has it can sign for you)")
    typer.echo(f"public key: {public} (give it to whoever verifies)")
    typer.echo(f"fingerprint: {name}")
