#!/usr/bin/env -S uv run --script
# /// script
# requires-python = ">=3.11"
# dependencies = ["nox>=2025.10.14"]
# ///
"""Every job of the repository is a session here: `python3 noxfile.py -l` lists them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent

if sys.version_info < (3, 11):  # noqa: UP036 - any Python may have been called
    raise SystemExit(
        f"noxfile: grad needs Python 3.11 or newer and this is {sys.version.split()[0]}; "
        "call a newer one, for example: python3.12 noxfile.py"
    )

os.environ.setdefault("UV_SYSTEM_CERTS", "1")  # trust what the machine trusts, as pip does

try:
    import nox
except ModuleNotFoundError:  # a fresh machine: put nox into .nox/bootstrap and start again from there
    home = ROOT / ".nox" / "bootstrap"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if Path(sys.prefix) == home:
        raise
    if not (home / "ready").exists():
        print("noxfile: first run, installing nox into .nox/bootstrap", file=sys.stderr)
        import importlib.util
        import venv

        own_pip = importlib.util.find_spec("pip") is None
        try:
            venv.create(home, with_pip=own_pip, clear=True)
        except (ImportError, subprocess.CalledProcessError) as error:
            raise SystemExit(
                f"noxfile: {sys.executable} has neither pip nor ensurepip, so nothing can be installed with it. "
                "Install one of them (on Debian and Ubuntu: apt install python3-pip) and call this again, "
                "or, where uv is installed, call: uv run noxfile.py"
            ) from error
        pip = [python, "-m", "pip"] if own_pip else [sys.executable, "-m", "pip", "--python", python]
        pins = ["-c", ROOT / "constraints.txt"]
        subprocess.run([*pip, "--disable-pip-version-check", "install", "-q", *pins, "nox[uv]"], check=True)
        (home / "ready").touch()
    raise SystemExit(subprocess.run([python, __file__, *sys.argv[1:]], cwd=ROOT).returncode) from None

nox.needs_version = ">=2025.10.14"
nox.options.sessions = ["tests", "integration"]
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False  # nox then names each session it skips, on CI too

# each layer and the layers under it
LAYERS = {
    "grad-core": [],
    "grad-nn": ["grad-core"],
    "grad-optim": ["grad-core"],
    "grad-data": [],
}
PACKAGES = list(LAYERS)
SETTINGS = nox.project.load_toml(ROOT / "pyproject.toml")
PYTEST = ["pytest", "-c", "pyproject.toml"]
# files that other programs read, and the schema of each
FORMS = [
    ("citation-file-format", "CITATION.cff"),
    ("dependabot", ".github/dependabot.yml"),
    ("github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
    ("github-issue-forms", ".github/ISSUE_TEMPLATE/missing.yml", ".github/ISSUE_TEMPLATE/wrong.yml"),
    ("github-workflows", ".github/workflows/ci.yml"),
]

# Other interpreters are found where the usual version managers put them, after everything on PATH.
for manager in ("~/.pyenv/versions", "~/.local/share/uv/python", "~/.local/share/mise/installs/python"):
    found = sorted(str(folder) for folder in Path(manager).expanduser().glob("*/bin"))
    os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *found])


def works(version: str) -> bool:
    """Whether this Python starts; a version manager may leave commands on PATH that do not."""
    command = shutil.which(f"python{version}")
    return command is not None and subprocess.run([command, "--version"], capture_output=True).returncode == 0


# The Python that runs this file is among them, so at least one is always tested.
PYTHONS = sorted({"3.11", "3.12", "3.13", f"3.{sys.version_info.minor}"})
OLDEST = next((v for v in PYTHONS if works(v)), None)

built: dict[str, str] = {}  # the wheel of each package, made once a run


def wheel(session: nox.Session, package: str) -> str:
    """Build the wheel of one package, once a run, and return its path."""
    if package not in built:
        folder = ROOT / ".nox" / "wheels" / package
        shutil.rmtree(folder, ignore_errors=True)
        if session.venv_backend == "uv":
            command = ["uv", "build", "-q", "--wheel", "--build-constraints", "constraints.txt", "--out-dir"]
        else:
            command = ["python", "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir"]
        session.run_install(*command, str(folder), f"./packages/{package}")
        built[package] = str(next(folder.glob("*.whl")))
    return built[package]


def install(session: nox.Session, *groups: str, packages: list[str], extra: tuple[str, ...] = ()) -> None:
    """Install pinned tools by group, and packages as wheels; nothing of the checkout itself is importable."""
    tools = nox.project.dependency_groups(SETTINGS, *groups)
    session.install("-c", "constraints.txt", *tools, *extra, *(wheel(session, package) for package in packages))


@nox.session(python=PYTHONS)
@nox.parametrize("package", [nox.param(p, id=p) for p in PACKAGES])
def tests(session: nox.Session, package: str) -> None:
    """The tests of each package with only its lower layers installed, on every Python found."""
    install(session, "tests", packages=[*LAYERS[package], package])
    session.run(*PYTEST, f"packages/{package}/tests", *session.posargs)


@nox.session
def integration(session: nox.Session) -> None:
    """The four layers together: contracts, public names, every block of code in README and docs."""
    install(session, "tests", "integration", packages=PACKAGES)
    session.run(*PYTEST, "tests", *session.posargs, env={"MPLBACKEND": "agg"})


@nox.session
def mnist(session: nox.Session) -> None:
    """The main job: train a network on MNIST; options after `--`, for example `-- --epochs 2`."""
    install(session, "examples", packages=PACKAGES)
    session.run("python", "examples/mnist_mlp.py", *session.posargs)


@nox.session
def example(session: nox.Session) -> None:
    """Run one example program in full: its name and its options after `--`, for example `-- mnist_cnn --epochs 5`."""
    name, *options = session.posargs or [""]
    programs = {program.stem: program for program in sorted(ROOT.glob("examples/[!_]*.py"))}
    if name.removesuffix(".py") not in programs:
        session.error(f"name one of these after `--`: {', '.join(programs)}")
    install(session, "examples", packages=PACKAGES)
    session.run("python", str(programs[name.removesuffix(".py")].relative_to(ROOT)), *options)


@nox.session
def examples(session: nox.Session) -> None:
    """Run every example program in its short mode."""
    install(session, "examples", packages=PACKAGES)
    programs = sorted(ROOT.glob("examples/[!_]*.py"))
    if not programs:
        session.error("no program found in examples/")
    for program in programs:
        session.run("python", str(program.relative_to(ROOT)), "--quick", *session.posargs, env={"MPLBACKEND": "agg"})


@nox.session(python=OLDEST)
@nox.parametrize("package", [nox.param(p, id=p) for p in PACKAGES])
def minimums(session: nox.Session, package: str) -> None:
    """The tests of each package on the oldest NumPy and the oldest lower layers that it admits."""
    project = nox.project.load_toml(ROOT / "packages" / package / "pyproject.toml")["project"]
    (floor,) = (r.removeprefix("numpy>=") for r in project["dependencies"] if r.startswith("numpy"))
    install(session, "tests", "release", packages=[])
    lower = releasing(session, "compat", "--oldest", package, silent=True) if LAYERS[package] else ""
    install(session, packages=[package], extra=(f"numpy=={floor}.0", *str(lower).split()))
    session.run(*PYTEST, f"packages/{package}/tests", *session.posargs)


@nox.session
def compat(session: nox.Session) -> None:
    """Test released versions and this checkout on each other, in one table; what a range promises must be green."""
    install(session, "tests", "release", packages=[], extra=("numpy", "safetensors"))
    releasing(session, "compat", *session.posargs)


@nox.session
def api(session: nox.Session) -> None:
    """Compare the public names with those of each last release; what breaks demands a new version."""
    install(session, "release", packages=[])
    releasing(session, "api", *session.posargs)


@nox.session
def release(session: nox.Session) -> None:
    """Release one package, for example `-- grad-nn minor`; with `--dry-run` only show what would come of it."""
    install(session, "release", packages=[])
    releasing(session, "release", *session.posargs)


def releasing(session: nox.Session, program: str, *arguments: str, silent: bool = False) -> str | bool | None:
    """Run one of the programs of tools/releasing; `silent` returns what it prints."""
    command = ["python", "-m", f"releasing.{program}", *arguments]
    return session.run(*command, env={"PYTHONPATH": str(ROOT / "tools")}, silent=silent)


@nox.session
def coverage(session: nox.Session) -> None:
    """Show the lines and branches of the four packages that their own tests leave untried."""
    install(session, "tests", "coverage", packages=PACKAGES)
    tests = [f"packages/{package}/tests" for package in PACKAGES]
    session.run("coverage", "run", "-m", *PYTEST, "-q", *tests, *session.posargs)
    session.run("coverage", "report")


@nox.session
def lint(session: nox.Session) -> None:
    """Style, formatting, metadata and declared dependencies of each package, and the files that hosts read."""
    install(session, "lint", "build", packages=[])  # pyroma asks the build backend
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("validate-pyproject", "pyproject.toml", *(f"packages/{p}/pyproject.toml" for p in PACKAGES))
    session.run("repo-review", ".", "--show", "errskip")
    for package in PACKAGES:
        session.run("repo-review", ".", "--package-dir", f"packages/{package}", "--select", "PP002,PP003,PY003,PY005")
        session.run("pyroma", "--min", "10", f"packages/{package}")
        with session.chdir(f"packages/{package}"):
            session.run("deptry", "src")
    for kind, *files in FORMS:
        session.run("check-jsonschema", "--builtin-schema", f"vendor.{kind}", *files)
    session.run("zizmor", "--offline", "--persona", "pedantic", "--quiet", ".github")


@nox.session(python=OLDEST)
def types(session: nox.Session) -> None:
    """Strict type checking of the four packages and the tools."""
    install(session, "types", "release", packages=[])
    session.run("mypy", *(f"packages/{package}/src" for package in PACKAGES), "tools", *session.posargs)


@nox.session
def contracts(session: nox.Session) -> None:
    """Imports go downwards only, across the packages and inside each."""
    install(session, "contracts", packages=[])
    source = os.pathsep.join(str(ROOT / "packages" / package / "src") for package in PACKAGES)
    session.run("lint-imports", *session.posargs, env={"PYTHONPATH": source})


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into site/, strictly; every public name in it, every link right; `-- serve` shows it."""
    install(session, "docs", packages=[])
    session.env["NO_MKDOCS_2_WARNING"] = "1"  # the version is pinned below 2; the notice would hide real warnings
    if session.posargs:
        session.run("mkdocs", *session.posargs)
        return
    session.run("mkdocs", "build", "--strict", "--site-dir", "site")
    session.run("python", "tests/public_names.py", "--site", "site")
    session.run("python", "tests/links.py", "--site", "site")


@nox.session
@nox.parametrize("package", [nox.param(p, id=p) for p in PACKAGES])
def wheels(session: nox.Session, package: str) -> None:
    """Each wheel alone in an empty environment with the layers below it, its README, metadata and size."""
    install(session, packages=[*LAYERS[package], package])
    session.run("python", "-W", "error", "tests/wheel_alone.py", package, *LAYERS[package])
    install(session, "wheels", packages=[])
    session.run("check-wheel-contents", wheel(session, package))
    session.run("twine", "check", "--strict", wheel(session, package))
    sizes = {p: Path(wheel(session, p)).stat().st_size for p in PACKAGES}
    session.log(f"the wheel of {package}: {sizes[package] / 1000:.1f} kB; all: {sum(sizes.values()) / 1000:.1f} kB")
    if sum(sizes.values()) > 1_000_000:
        session.error(f"the wheels together may take 1 MB and take {sizes}")


@nox.session(python=OLDEST, venv_backend="virtualenv", reuse_venv=True)
def oracle(session: nox.Session) -> None:
    """Compare each package with PyTorch, and tensors as arrays with what SciPy, JAX and others make of them."""
    with_torch(session, "tests", "neighbours")
    folders = sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("packages/*/oracle"))
    if not folders:
        session.error("no comparison found: packages/*/oracle/test_*.py is where they stand")
    session.run(*PYTEST, *folders, *session.posargs)


@nox.session(python=OLDEST, venv_backend="virtualenv", reuse_venv=True)
def bench(session: nox.Session) -> None:
    """Time the layers against hand-written NumPy, PyTorch, HIPS autograd and MyGrad; options after `--`."""
    with_torch(session, "bench")
    session.run("python", "benchmarks/run.py", *session.posargs)


def with_torch(session: nox.Session, *groups: str) -> None:
    """Install PyTorch with pip, which alone reads pip's settings and so finds a local build of it, and the layers."""
    install(session, "torch", *groups, packages=PACKAGES)
    session.install("--force-reinstall", "--no-deps", *(wheel(session, p) for p in PACKAGES))  # the venv is reused


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheel and the source archive of each package into dist/."""
    install(session, "build", packages=[])
    for package in PACKAGES:
        session.run("python", "-m", "build", "--no-isolation", "--outdir", "dist", f"packages/{package}")


@nox.session(reuse_venv=True)
def dev(session: nox.Session) -> None:
    """Make .nox/dev, an environment to work in: the four packages as they lie here, and the tools."""
    folders = [word for package in PACKAGES for word in ("-e", f"packages/{package}")]
    session.install("-c", "constraints.txt", *nox.project.dependency_groups(SETTINGS, "dev"), *folders)


@nox.session
def pins(session: nox.Session) -> None:
    """Write constraints.txt anew: the newest tools that the dependency groups of pyproject.toml admit."""
    install(session, "pins", packages=[])
    groups = [word for name in SETTINGS["dependency-groups"] if name != "torch" for word in ("--group", name)]
    options = ["--universal", "--python-version=3.11", "--upgrade", "--no-header", "--no-annotate", "--quiet"]
    numpy = "--no-emit-package=numpy"  # tests run on the newest, and on the oldest in `minimums`
    session.run("uv", "pip", "compile", *options, numpy, *groups, "--output-file", "constraints.txt", "pyproject.toml")
    lines = (ROOT / "constraints.txt").read_text()
    (ROOT / "constraints.txt").write_text(f"# The tools, pinned; written by `python3 noxfile.py -s pins`.\n{lines}")


if __name__ == "__main__":
    nox.main()
