"""Adds to the package what git does not keep: the files of Swagger UI and ReDoc, from a build requirement into query/static.

pyproject.toml says everything else. docs/adr/0003-api-pages.md says why it is done this way.
"""

from __future__ import annotations

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


class BuildWithPages(build_py):
    """Copies into the sources for an editable installation, else into what becomes the wheel."""

    def run(self) -> None:
        super().run()
        root = Path() if self.editable_mode else Path(self.build_lib)
        static = root / "query" / "static"
        static.mkdir(parents=True, exist_ok=True)
        folder = _folder()
        for source, name in FILES.items():
            content = (folder / source).read_bytes()
            (static / name).write_bytes(content.replace(OUTSIDE_LOGO, NO_IMAGE))


def _folder() -> Path:
    package = find_spec("drf_spectacular_sidecar")  # found, not imported: Django is not needed for its files
    if package is None or not package.submodule_search_locations:
        message = "drf-spectacular-sidecar is a build requirement (pyproject.toml); it holds the files of /docs and /redoc"
        raise SystemExit(message)
    return Path(package.submodule_search_locations[0]) / "static" / "drf_spectacular_sidecar"


setup(cmdclass={"build_py": BuildWithPages})
