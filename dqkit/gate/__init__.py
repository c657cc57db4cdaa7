"""The gate: policy + outcomes + waivers + baseline -> verdict."""
