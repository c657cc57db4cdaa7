"""What the pages about the gate show can be typed, and is complete."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dqkit.gate import dataset_kinds
from dqkit.gate.condition import Kind
from dqkit.gate.kinds import KINDS
from dqkit.gate.policy_file import parse_policy
from dqkit.gate.result import GateResult
from dqkit.gate.verdict_file import verdict_to_json
from dqkit.gate.waiver_file import parse_waivers
from dqkit.report.gate_folder import FORMATS

DOCS = Path(__file__).parents[2] / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(name: str, language: str = "yaml") -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page(name), re.DOTALL)


def test_the_policy_of_its_page_can_be_used() -> None:
    policy, actions = blocks("gate.md")
    read = parse_policy(policy, DOCS / "gate.yaml")
    assert len(read.packs) == 3
    assert [one.kind for one in parse_policy("packs: [general@1.0.0]\n" + actions, DOCS / "gate.yaml").actions] == [
        "slack", "teams", "email",
    ]  # fmt: skip
    keys = set(re.findall(r"^\| `(\w+)` \|", page("gate.md").split("## Conditions")[0], re.MULTILINE))
    assert keys == set(re.findall(r"^(\w+):", policy, re.MULTILINE))


def test_every_kind_of_condition_has_a_line() -> None:
    kinds = [*KINDS, *(one for one in vars(dataset_kinds).values() if isinstance(one, Kind))]
    named = set(re.findall(r"^\| (GATE-\d{3} [a-z-]+) \|", page("gate.md"), re.MULTILINE))
    assert named == {f"{kind.id} {kind.name}" for kind in kinds}
    assert len({kind.id for kind in kinds}) == len(kinds), "ids are never reused"


def test_every_format_and_field_has_a_line(closed: GateResult) -> None:
    text = page("gate.md")
    files = dict(re.findall(r"^\| `(\w+)` \| ([\w.]+) \|", text.split("## What it writes")[1], re.MULTILINE))
    assert files == {name: file for name, (file, _) in FORMATS.items()}
    fields = re.findall(
        r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", text.split("### verdict.json")[1], re.MULTILINE))
    )
    assert set(fields) == set(verdict_to_json(closed))


def test_the_waiver_of_its_page_can_be_used() -> None:
    (text,) = blocks("waivers.md")
    (waiver,) = parse_waivers(text, DOCS / "waivers.yaml")
    assert waiver.owner == "Ada Example"


def commands(value: Any) -> Iterator[str]:
    """Yield every command line of a recipe that runs a gate."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from commands(one)
    elif isinstance(value, str) and value.startswith("dqkit gate"):
        yield value


@pytest.mark.parametrize("number", range(4), ids=["github", "gitlab", "pre-commit", "dvc"])
def test_each_recipe_is_yaml_and_calls_a_gate_as_it_can_be_called(number: int) -> None:
    from typer.main import get_command

    from dqkit.cli.main import app

    (line,) = commands(yaml.safe_load(blocks("ci.md")[number]))
    words = line.split()
    assert words[:2] == ["dqkit", "gate"]
    run = get_command(app).commands["gate"].commands["run"]  # type: ignore[attr-defined] # groups have commands
    context = run.make_context("run", words[2:], resilient_parsing=True)
    given = {name for name, value in context.params.items() if value}
    assert given >= {"targets", "policy", "dataset", "waivers"}
    for name in context.params.get("formats") or []:
        assert set(name.split(",")) <= set(FORMATS)


def test_recipes_take_up_files_that_a_gate_writes() -> None:
    for recipe in blocks("ci.md"):
        written = set(re.findall(r"verdict/(gate[\w.]+)", recipe))
        (line,) = commands(yaml.safe_load(recipe))
        asked = re.findall(r"--format (\S+)", line)
        assert written <= {FORMATS[name][0] for name in (asked[0].split(",") if asked else [])}
