"""The command line: a file a command; each parses, calls a stage, hands the result to report, and exits."""
