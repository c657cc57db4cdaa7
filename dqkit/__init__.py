"""dqkit tells whether an imaging archive is fit for its purpose, and keeps the evidence."""

__version__ = "0.1.0"
