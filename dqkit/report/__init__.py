"""Renderers of a result, one a file: terminal, HTML, JSON; imported by the command line only."""
