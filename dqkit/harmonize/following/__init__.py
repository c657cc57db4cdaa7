"""Labels on the grid of a harmonized image: masks brought along, named, measured and written."""
