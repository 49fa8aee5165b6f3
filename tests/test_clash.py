"""Others' packages of the names of ours, as Roboflow's `supervision`: wheels, put in and taken out in every order."""

import hashlib
import json
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

import attrs
import pytest
import trio

import actors
import supervision

FILES = {
    f"{package.__name__}/{path.relative_to(package.__path__[0])}": path.read_bytes()
    for package in (actors, supervision)
    for path in Path(package.__path__[0]).rglob("*")
    if path.is_file() and path.suffix != ".pyc"
}
THEIR_FILES = {
    "supervision/__init__.py": b"from supervision.detection import Detections",
    "supervision/detection/__init__.py": b"class Detections: ...",
    "supervision/py.typed": b"",
}
OTHER_FILES = {"actors/__init__.py": b"def tell(): ..."}


@attrs.frozen
class Environment:
    """A virtual environment that has our dependencies, and what a test puts into it."""

    root: Path
    site: Path

    @property
    def python(self) -> Path:
        return self.root / "bin" / "python"

    def install(self, *wheel: str | Path) -> None:
        self._pip("install", "--no-index", "--no-deps", *wheel)

    def remove(self, distribution: str) -> None:
        self._pip("uninstall", "--yes", distribution)

    def _pip(self, *arguments: str | Path) -> None:
        pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(self.python)]
        subprocess.run([*pip, *map(str, arguments)], cwd=self.root, check=True)

    def error_of(self, statement: str, *, first_on_path: Path | None = None) -> str:
        """Return what *statement* prints as it fails, or nothing."""
        path = {} if first_on_path is None else {"PYTHONPATH": str(first_on_path)}
        program = [str(self.python), "-c", statement]
        finished = subprocess.run(program, cwd=self.root, env=path, capture_output=True, text=True, check=False)
        assert (finished.returncode == 0) == (finished.stderr == "")
        return finished.stderr


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    root = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", root], check=True)
    site = next(root.glob("lib/python*/site-packages"))
    dependencies = tmp_path / "dependencies"
    dependencies.mkdir()
    for path in Path(trio.__file__).parent.parent.iterdir():
        if "actors" not in path.name and "supervision" not in path.name:
            (dependencies / path.name).symlink_to(path)
    (site / "dependencies.pth").write_text(str(dependencies))
    return Environment(root, site)


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    return build(tmp_path, "trio_actors", FILES)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    return build(tmp_path, "supervision", THEIR_FILES)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    place = tmp_path / "check out"
    for name, content in FILES.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    return place


def build(place: Path, name: str, files: Mapping[str, bytes]) -> Path:
    """Write a wheel with *files* and what pip asks for."""
    about = f"{name}-9.9.dist-info"
    files = {
        **files,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n".encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{file},sha256={digest(content)},{len(content)}" for file, content in files.items()]
    wheel = place / f"{name}-9.9-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, content in files.items():
            archive.writestr(file, content)
        archive.writestr(f"{about}/RECORD", "\n".join([*record, f"{about}/RECORD,,", ""]))
    return wheel


def digest(content: bytes) -> str:
    return urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def cure(error: str) -> list[str]:
    """Return the commands that *error* advises."""
    return [line.strip() for line in error.splitlines() if line.startswith("  python -m pip")]


pytestmark = pytest.mark.slow


def test_alone_nothing_is_refused(environment: Environment, ours: Path) -> None:
    environment.install(ours)

    assert environment.error_of("import actors, supervision; supervision.Supervisor") == ""


@pytest.mark.parametrize("package", ["actors", "supervision"])
def test_ours_after_theirs_is_refused_by_both_packages(
    environment: Environment, ours: Path, theirs: Path, package: str
) -> None:
    environment.install(theirs)
    environment.install(ours)

    error = environment.error_of(f"import {package}")

    assert (
        f"ImportError: trio-actors 9.9 and supervision 9.9 (Roboflow's) are both installed in {environment.site}"
        in error
    )
    assert cure(error) == [
        "python -m pip uninstall supervision",
        f"python -m pip install --force-reinstall --no-deps {ours.as_uri()}",
        "python -m pip uninstall trio-actors",
        "python -m pip install --force-reinstall --no-deps supervision",
    ]


@pytest.mark.parametrize("package", ["actors", "supervision"])
def test_ours_after_another_library_called_actors_is_refused_by_both_packages(
    environment: Environment, tmp_path: Path, ours: Path, package: str
) -> None:
    environment.install(build(tmp_path, "actors", OTHER_FILES))
    environment.install(ours)

    error = environment.error_of(f"import {package}")

    assert f"trio-actors 9.9 and actors 9.9 (another library) are both installed in {environment.site}" in error
    assert cure(error) == [
        "python -m pip uninstall actors",
        f"python -m pip install --force-reinstall --no-deps {ours.as_uri()}",
        "python -m pip uninstall trio-actors",
        "python -m pip install --force-reinstall --no-deps actors",
    ]


def test_another_library_called_actors_after_ours_is_refused_by_supervision_and_the_command(
    environment: Environment, tmp_path: Path, ours: Path
) -> None:
    environment.install(ours)
    environment.install(build(tmp_path, "actors", OTHER_FILES))

    assert environment.error_of("from actors import tell") == ""
    for statement in ("import supervision", "import supervision.command"):
        assert "trio-actors 9.9 and actors 9.9 (another library) are both installed" in environment.error_of(statement)


def test_theirs_after_ours_is_refused_and_what_it_leaves_when_it_is_removed_too(
    environment: Environment, ours: Path, theirs: Path
) -> None:
    environment.install(ours)
    environment.install(theirs)

    assert "trio-actors 9.9 and supervision 9.9 (Roboflow's) are both installed" in environment.error_of(
        "import actors"
    )

    environment.remove("supervision")
    error = environment.error_of("import actors")

    assert f"{environment.site}/supervision/__init__.py of trio-actors is missing" in error
    assert "supervision (Roboflow's)" in error
    assert cure(error) == [f"python -m pip install --force-reinstall --no-deps {ours.as_uri()}"]
    assert "ImportError" in environment.error_of("import supervision.supervisor")

    environment.install("--force-reinstall", ours)

    assert environment.error_of("import actors, supervision; supervision.Supervisor") == ""


def test_when_ours_is_removed_nothing_of_it_is_left_to_speak(
    environment: Environment, ours: Path, theirs: Path
) -> None:
    environment.install(ours)
    environment.install(theirs)

    environment.remove("trio-actors")

    assert "No module named 'actors'" in environment.error_of("import actors")
    assert "cannot import name 'Detections'" in environment.error_of("from supervision import Detections")


def test_an_editable_install_beside_theirs_is_refused(
    environment: Environment, tmp_path: Path, theirs: Path, checkout: Path
) -> None:
    environment.install(build(tmp_path, "trio_actors", {"_editable.pth": str(checkout).encode()}))
    note = {"url": checkout.as_uri(), "dir_info": {"editable": True}}
    (environment.site / "trio_actors-9.9.dist-info" / "direct_url.json").write_text(json.dumps(note))
    assert environment.error_of("import actors, supervision; supervision.Supervisor") == ""

    environment.install(theirs)
    error = environment.error_of("import actors")

    assert "trio-actors 9.9 and supervision 9.9 (Roboflow's) are both installed" in error
    assert cure(error)[1] == f"python -m pip install --force-reinstall --no-deps --editable {checkout.as_uri()}"


def test_a_checkout_without_metadata_is_not_refused(environment: Environment, theirs: Path, checkout: Path) -> None:
    environment.install(theirs)

    error = environment.error_of("import actors, supervision; supervision.Supervisor", first_on_path=checkout)

    assert error == ""


def test_ours_is_not_refused_where_it_comes_before_theirs_of_another_place(
    environment: Environment, tmp_path: Path, ours: Path, theirs: Path
) -> None:
    environment.install(theirs)
    place = tmp_path / "earlier"
    environment.install("--target", place, ours)

    assert environment.error_of("import actors, supervision; supervision.Supervisor", first_on_path=place) == ""


def test_ours_is_refused_where_it_comes_after_theirs_of_another_place(
    environment: Environment, tmp_path: Path, ours: Path, theirs: Path
) -> None:
    environment.install(ours)
    place = tmp_path / "earlier"
    environment.install("--target", place, theirs)

    error = environment.error_of("import actors", first_on_path=place)

    assert f"and the other one, in {place}, comes first on sys.path" in error


def test_a_module_of_ones_own_named_supervision_is_not_refused(environment: Environment, ours: Path) -> None:
    environment.install(ours)
    (environment.root / "supervision.py").write_text("own = True")

    assert environment.error_of("import actors, supervision; supervision.own") == ""


def test_a_copy_of_actors_alone_is_not_refused(environment: Environment, theirs: Path, checkout: Path) -> None:
    environment.install(theirs)
    (checkout / "supervision").rename(checkout / "taken away")

    assert environment.error_of("import actors; from supervision import Detections", first_on_path=checkout) == ""


def test_a_zipped_copy_is_not_refused(environment: Environment, tmp_path: Path) -> None:
    zipped = build(tmp_path, "trio_actors", FILES)

    assert environment.error_of("import actors, supervision; supervision.Supervisor", first_on_path=zipped) == ""
