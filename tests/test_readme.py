"""The first page of code in the README runs as it is written, and pages name files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
HOUSING = ROOT / "src" / "steepest" / "data" / "packaged" / "boston_housing.csv"


def test_the_first_page_runs_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = HOUSING.read_text("utf-8").splitlines()[:6]
    (tmp_path / "new_houses.csv").write_text("\n".join(rows), "utf-8")
    names: dict = {}
    for block in BLOCKS:
        # fewer epochs by hand: the page is about what runs, not about how long
        exec(block.replace("range(100)", "range(2)"), names)
    assert names["x"].shape[1] == 13
    assert len(names["prices"]) == 5 and 5 < names["prices"].values.mean() < 50
    assert names["loss"].item() < 1
    assert "best epoch" in capsys.readouterr().out


PAGES = ["README.md", "docs/compiler.md", "docs/how-to-add.md", "docs/lessons.md"]
NAMED = re.compile(
    r"`((?:src|tests|benchmarks|compiler|examples)/[\w/]+(?:\.\w+)?/?)`|\]\(([\w/.-]+)"
)


@pytest.mark.parametrize("page", PAGES)
def test_the_files_that_a_page_names_are_there(page: str) -> None:
    places = [ROOT, ROOT / "src" / "steepest", (ROOT / page).parent]
    names = [code or link for code, link in NAMED.findall((ROOT / page).read_text("utf-8"))]
    assert names
    assert [x for x in names if not any((place / x).exists() for place in places)] == []
