"""Frames to stacks to verdict: where image planes stand, and whether they form regular volumes."""
