"""How the four packages are versioned, compared and released; README.md in this folder explains it."""
