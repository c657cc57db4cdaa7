"""The book of rules: rule files become objects that compile to polars expressions."""
