"""Who is in: a policy of ordered steps chooses patients, studies and series, each in or out with its reasons."""
