"""Files of a source: listing them, reading their headers, and the site they came from."""
