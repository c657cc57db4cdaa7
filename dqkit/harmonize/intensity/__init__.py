"""What a recipe may do to values: a step a file, each with `read` (its parameters) and `apply` (steps.INTENSITY)."""
