"""What identifies a person."""
