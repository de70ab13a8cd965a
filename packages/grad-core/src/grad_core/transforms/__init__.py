"""Functions that take functions, or whole graphs, and give derivatives."""
