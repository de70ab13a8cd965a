"""One measurement in a process of its own: `python worker.py THEME PEER SEED [--quick]` prints its result as JSON."""

import argparse
import importlib
import json
import sys
import warnings
from importlib import metadata

LIBRARIES = ("autograd", "grad-core", "grad-data", "grad-nn", "grad-optim", "mygrad", "numpy", "torch")


def main() -> int:
    """Import the peer's module, measure, print. What is not installed is named, for the table to say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("theme")
    parser.add_argument("peer")
    parser.add_argument("seed", type=int)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # old libraries on a new NumPy
    try:
        module = importlib.import_module(f"{options.theme}.with_{options.peer}")
        result = module.measure(options.seed, options.quick)
    except ModuleNotFoundError as error:
        name = (error.name or "").split(".")[0]
        if name.replace("_", "-") not in LIBRARIES:
            raise
        result = {"missing": name}
    loaded = {name.split(".")[0].replace("_", "-") for name in sys.modules}
    result["versions"] = {name: metadata.version(name) for name in LIBRARIES if name in loaded}
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
