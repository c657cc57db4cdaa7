"""The files that training will read: what a dataset file names, traced to what was audited."""
