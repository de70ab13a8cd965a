"""The list of public names: `python tests/public_names.py --write` renews it from the packages."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = Path(__file__).with_name("public_names.txt")
PACKAGES = {
    "grad_core": "grad-core",
    "grad_data": "grad-data",
    "grad_nn": "grad-nn",
    "grad_optim": "grad-optim",
}
# Modules without an underscore that are nevertheless inside: what they define is public through another module.
# `grad_core.array_api` has the names of the array API standard, and is compared with array-api-strict.
INSIDE = (
    "grad_core.array_api",
    "grad_core.creation",
    "grad_core.ops",
    "grad_core.transforms",
    "grad_data.digits",
    "grad_data.mnist",
    "grad_nn.io",
)


def public_modules() -> list[str]:
    """Return the names of the modules that users may import, sorted."""
    found = []
    for package in PACKAGES:
        found.append(package)
        path = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(path, f"{package}."):
            inside = any(module.name == name or module.name.startswith(f"{name}.") for name in INSIDE)
            if not inside and not re.search(r"\._", module.name):
                found.append(module.name)
    return sorted(found)


def public_names() -> list[str]:
    """Return `module.name` for each entry of `__all__` of each public module, sorted."""
    return sorted(f"{module}.{name}" for module in public_modules() for name in importlib.import_module(module).__all__)


def recorded() -> list[str]:
    """Return the names that the checked-in list holds."""
    return LIST.read_text(encoding="utf-8").split()


def missing_in_site(site: Path) -> list[str]:
    """Return the recorded names that no page of the built reference explains."""
    pages = [page.read_text(encoding="utf-8") for page in site.glob("reference/**/*.html")]
    anchors = {anchor for page in pages for anchor in re.findall(r'\bid="([\w.]+)"', page)}
    return [name for name in recorded() if name not in anchors and not name.endswith(".__version__")]


def main() -> int:
    """Write the list, or look it up in a built site."""
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="renew the list from the source in this checkout")
    what.add_argument("--site", type=Path, help="the folder of a built site whose reference must hold every name")
    options = parser.parse_args()
    if options.write:
        sys.path[:0] = [str(ROOT / "packages" / folder / "src") for folder in PACKAGES.values()]
        LIST.write_text("\n".join(public_names()) + "\n", encoding="utf-8")
        print(f"{LIST.relative_to(ROOT)}: {len(recorded())} names")
        return 0
    missing = missing_in_site(options.site)
    for name in missing:
        print(f"{name} is public and on no page of the reference: add it to docs/reference/")
    print(f"reference: {len(recorded()) - len(missing)} of {len(recorded())} public names")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
