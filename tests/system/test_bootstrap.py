"""`./lics` from a bare checkout: makes its environment once, mends a broken one, and says what is wrong in sentences.

Real `venv` and `pip`, with one small wheel of our own for a lock file, so that nothing is downloaded.
"""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.waiting import wait_until

HOME = Path(__file__).resolve().parents[2]
PROGRAM = "import sys, tiny\nprint('ran', sys.argv[1:], tiny.VERSION)\n"
TIMEOUT_S = 90


def wheel(folder: Path, version: str) -> str:
    """Build a wheel and return its line for a lock file."""
    path = folder / f"tiny-{version}-py3-none-any.whl"
    info = f"tiny-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", f"VERSION = {version!r}\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return f"tiny=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


class Checkout:
    """A checkout that holds the real `lics` script and a program of two lines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a check out"
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        (self.folder / "lics_actors").mkdir(parents=True)
        (self.folder / "lics_actors" / "__init__.py").touch()
        (self.folder / "lics_actors" / "__main__.py").write_text(PROGRAM)
        shutil.copy(HOME / "lics", self.folder / "lics")
        self.lock("1.0")
        (self.folder / "requirements-dev.lock").write_text("")
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "empty home"),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": self.wheels.as_uri(),
            "PIP_CONFIG_FILE": os.devnull,
        }

    def lock(self, version: str) -> None:
        """Have this version of the one package locked."""
        (self.folder / "requirements.lock").write_text(wheel(self.wheels, version))

    @property
    def venv(self) -> Path:
        """Return where the environment is made."""
        return self.folder / ".venv"

    def start(self, *words: str, python: str = sys.executable, **env: str) -> subprocess.Popen[str]:
        """Start `./lics` with these words, somewhere else."""
        return subprocess.Popen(
            [python, str(self.folder / "lics"), *words],
            cwd="/",
            env={**self.env, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, python: str = sys.executable, **env: str) -> tuple[int, str, str]:
        """Run it; return code, stdout and stderr. There is never a traceback."""
        process = self.start(*words, python=python, **env)
        out, err = process.communicate(timeout=TIMEOUT_S)
        assert "Traceback" not in err, err
        return process.returncode, out, err


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """One that has run; nobody changes it."""
    checkout = Checkout(tmp_path_factory.mktemp("first"))
    assert checkout.run()[0] == 0
    return checkout


@pytest.fixture
def made(checkout: Checkout, first: Checkout) -> Checkout:
    """A checkout whose environment is made: a copy of the first one's, which takes seconds to make."""
    shutil.copytree(first.venv, checkout.venv, symlinks=True)
    shutil.copytree(first.wheels, checkout.wheels, dirs_exist_ok=True)
    shutil.copy(first.folder / "requirements.lock", checkout.folder)
    assert checkout.run() == (0, "ran [] 1.0\n", "")
    return checkout


def test_old_pythons_can_read_it_and_it_uses_the_standard_library_only() -> None:
    tree = ast.parse((HOME / "lics").read_text(), feature_version=(3, 6))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert imported <= set(sys.stdlib_module_names)
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))
    assert os.access(HOME / "lics", os.X_OK)


def test_it_makes_the_environment_once_and_passes_every_word_on(checkout: Checkout) -> None:
    code, out, err = checkout.run("fleet", "tree", "--json", "a b")
    assert (code, out) == (0, "ran ['fleet', 'tree', '--json', 'a b'] 1.0\n"), err
    assert "installing 1 packages" in err
    code, out, err = checkout.run("again")
    assert (code, out, err) == (0, "ran ['again'] 1.0\n", "")


def test_a_changed_lock_is_installed(made: Checkout) -> None:
    made.lock("1.1")
    assert made.run()[1] == "ran [] 1.1\n"


def test_tests_need_more_and_everything_else_is_content_with_it(made: Checkout) -> None:
    assert "installing" in made.run("test", "-k", "x")[2]
    assert made.run("test")[2] == made.run("bench")[2] == made.run("device")[2] == ""


def test_a_half_made_environment_is_made_anew(made: Checkout) -> None:
    (made.venv / "made-by-lics").write_text("")  # as an interrupted call leaves it
    shutil.rmtree(next((made.venv / "lib").glob("python3*")) / "site-packages")
    code, out, err = made.run()
    assert (code, out) == (0, "ran [] 1.0\n"), err


def test_an_environment_whose_python_is_gone_is_made_anew(made: Checkout) -> None:
    for link in (made.venv / "bin").glob("python*"):
        link.unlink()
        link.symlink_to("/nowhere/python")
    assert made.run()[1] == "ran [] 1.0\n"


def test_it_survives_being_interrupted(checkout: Checkout) -> None:
    process = checkout.start()
    wait_until((checkout.venv / "made-by-lics").exists)
    process.terminate()
    process.communicate(timeout=30)
    assert checkout.run()[1] == "ran [] 1.0\n"


def test_parallel_calls_make_it_once(checkout: Checkout) -> None:
    processes = [checkout.start(str(number)) for number in range(3)]
    answers = [process.communicate(timeout=TIMEOUT_S) for process in processes]
    assert [out for out, _ in answers] == [f"ran ['{number}'] 1.0\n" for number in range(3)]
    assert sum("installing" in err for _, err in answers) == 1


def test_somebody_elses_environment_is_left_alone(checkout: Checkout) -> None:
    checkout.venv.mkdir()
    (checkout.venv / "mine").write_text("precious")
    code, _, err = checkout.run()
    assert code == 1
    assert "was not made by ./lics" in err
    assert "LICS_VENV" in err
    assert (checkout.venv / "mine").read_text() == "precious"
    assert checkout.run(LICS_VENV=str(checkout.folder / "other"))[1] == "ran [] 1.0\n"


def test_a_package_that_cannot_be_had_is_a_sentence_with_pips_last_words(checkout: Checkout) -> None:
    shutil.rmtree(checkout.wheels)
    checkout.wheels.mkdir()
    code, _, err = checkout.run()
    assert code == 1
    assert "pip could not install" in err
    assert "No matching distribution" in err
    assert "next:" in err


def test_a_package_that_was_tampered_with_is_refused(checkout: Checkout) -> None:
    path = next(checkout.wheels.iterdir())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("evil.py", "")
    code, _, err = checkout.run()
    assert code == 1
    assert "DO NOT MATCH THE HASHES" in err


@pytest.fixture(scope="session")
def without_ensurepip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python as Debian has it without python3-venv."""
    folder = tmp_path_factory.mktemp("debian")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    site = next((folder / "lib").glob("python3*")) / "site-packages"
    (site / "sitecustomize.py").write_text("import sys\nsys.modules['ensurepip'] = None\n")
    return folder / "bin" / "python"


def test_without_ensurepip_it_says_what_to_install(checkout: Checkout, without_ensurepip: Path) -> None:
    code, _, err = checkout.run(python=str(without_ensurepip), PATH=str(without_ensurepip.parent))
    assert code == 1
    assert "`ensurepip`" in err
    assert "apt install python3" in err
    assert not checkout.venv.exists()


def test_another_python_on_the_path_helps_out(checkout: Checkout, without_ensurepip: Path) -> None:
    code, out, err = checkout.run(python=str(without_ensurepip))
    assert (code, out) == (0, "ran [] 1.0\n"), err


def test_a_python_too_old_gets_a_sentence(checkout: Checkout, tmp_path: Path) -> None:
    script = (checkout.folder / "lics").read_text()
    (checkout.folder / "lics").write_text(script.replace("OLDEST, NEWEST = (3, 11), (3, 13)", "OLDEST, NEWEST = (4, 1), (4, 2)"))
    code, _, err = checkout.run(PATH=str(tmp_path))
    assert code == 1
    assert "LICS needs Python" in err


def test_without_its_lock_file_it_says_how_to_get_it_back(checkout: Checkout) -> None:
    (checkout.folder / "requirements.lock").unlink()
    code, _, err = checkout.run()
    assert code == 1
    assert "git checkout" in err


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_real_locks_have_a_hash_for_everything_and_name_no_host(name: str) -> None:
    text = (HOME / name).read_text()
    assert "://" not in text
    requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(requirements) > 20
    assert all("==" in line and line.endswith("\\") for line in requirements)
