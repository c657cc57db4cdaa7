"""The policy that ``dqkit select --example`` prints."""

from importlib import resources


def example_policy() -> str:
    """Return a policy to begin with, as YAML with remarks."""
    return (resources.files("dqkit.cohort") / "example.yaml").read_text(encoding="utf-8")
