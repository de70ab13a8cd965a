"""What must be set before the first test is read."""

import os

os.environ["SCIPY_ARRAY_API"] = "1"  # SciPy looks once, when it is imported
