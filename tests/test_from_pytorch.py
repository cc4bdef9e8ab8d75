"""docs/from-pytorch.md: its code runs, and its list of differences is the one that is tested."""

import re
import subprocess
import sys
from pathlib import Path

from torch_surface import UNFINISHED

PAGE = Path(__file__).parent.parent / "docs" / "from-pytorch.md"


def test_the_code_runs(tmp_path):
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))
    assert "load_torch" in code
    run = [sys.executable, "-W", "error", "-c", code + "\nassert loss.item() < 1"]
    subprocess.run(run, check=True, cwd=tmp_path)


def test_the_differences_are_those_that_are_tested():
    listed = PAGE.read_text().partition("<!-- unfinished -->\n")[2].strip().splitlines()
    assert listed[2:] == [f"| `{name}` | {reason} |" for name, reason in UNFINISHED.items()]
