"""The page that maps the paper to lines: every link points at the line that it names."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "reference_model.md"


def test_every_link_points_at_its_line() -> None:
    links = re.findall(
        r"\[`([\w.]+)`\]\(\.\./(reference_model/\w+\.py)#L(\d+)\)", PAGE.read_text(encoding="utf-8")
    )
    assert len(links) > 30
    for name, file, number in links:
        lines = (REPOSITORY / file).read_text(encoding="utf-8").splitlines()
        symbol = name.rpartition(".")[2]
        here = [
            i
            for i, text in enumerate(lines, 1)
            if re.match(rf"\s*((def|class) {symbol}\b|{symbol} = )", text)
        ]
        assert int(number) in here, f"{name} in {file} is at {here}, the page says {number}"


def test_no_file_is_longer_than_300_lines() -> None:
    long = {
        path.name: length
        for path in (REPOSITORY / "reference_model").rglob("*.py")
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert long == {}
