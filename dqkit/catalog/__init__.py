"""dqkit's own tables."""
