"""docs/how-to-add.md, done as it is written, in a copy of the library."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "how-to-add.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- (.*?) -->\n```python\n(.*?)```", re.DOTALL)
SECTIONS = dict(re.findall(r"^## … (.*?)\n(.*?)(?=^## |\Z)", PAGE, flags=re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize("section", SECTIONS)
def test_the_recipe_works_as_written(section: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    checks = 0
    for what, code in BLOCK.findall(SECTIONS[section]):
        verb, _, rest = what.partition(": ")
        if verb == "file":
            path = tmp_path / rest
            assert not path.exists()
            path.write_text(code, encoding="utf-8")
        elif verb == "insert":
            insert(tmp_path, rest, code)
        else:
            run(tmp_path / "src", code)
            checks += 1
    assert checks == 1
    screen = SECTIONS[section].strip().count("\n")
    assert screen <= 60, f"{section}: {screen} lines are more than a screen"


def insert(root: Path, where: str, code: str) -> None:
    """Put the lines after (or before) the one line that contains the marker."""
    found = re.fullmatch(r'(\S+) (after|before) "(.*)"', where)
    assert found, where
    name, side, marker = found.groups()
    path = root / name
    text = path.read_text(encoding="utf-8")
    marker = marker.replace("\\n", "\n")
    assert text.count(marker) == 1, f"{marker!r} stands {text.count(marker)} times in {name}"
    at = text.index(marker)
    at = text.index("\n", at) + 1 if side == "after" else text.rindex("\n", 0, at) + 1
    path.write_text(text[:at] + code + text[at:], encoding="utf-8")


def run(source: Path, code: str) -> None:
    """Run the check against the copy, with warnings as errors."""
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        f"import sys\nsys.path.insert(0, {str(source)!r})\n{code}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
