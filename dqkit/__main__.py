"""``python -m dqkit`` is the command ``dqkit``."""

from dqkit.cli.main import main

if __name__ == "__main__":  # spawned worker processes import this module again
    main()
