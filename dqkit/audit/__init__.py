"""Rules over a catalog: outcomes, findings, problems and the verdict."""
