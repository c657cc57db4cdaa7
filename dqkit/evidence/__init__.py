"""Evidence of a verdict: what was judged, by what, with what result, in one file that nobody can change unseen."""
