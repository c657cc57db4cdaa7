"""Decoded pixels: measures of them, and pictures of faults."""
