"""ComBat: takes the effect of sites out of a table of features, fitted on the training part alone."""
