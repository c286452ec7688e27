"""A report says where it comes from, and looks as its schema says."""

import hashlib
import json
import platform
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import nnlaws.reports
import numpy as np
import pytest
from nnlaws import check
from nnlaws.harness.provenance import SCHEMA
from nnlaws.reports.junit import junit
from nnlaws.reports.page import page
from nnlaws.reports.terminal import lines

WRONG = "import numpy as np\nimport scipy\n\ndef softmax(z):\n    return np.exp(z) / 2\n"


@pytest.fixture(scope="module")
def schema() -> Any:
    return json.loads((Path(nnlaws.reports.__file__).parent / "report.schema.json").read_text("utf-8"))


def test_a_report_is_as_its_schema_says(schema: Any, tmp_path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    (tmp_path / "wrong.py").write_text(WRONG)
    for target, more in (
        (tmp_path / "wrong.py", {"operations": ["softmax"]}),
        ("numpy", {}),
        ("sklearn", {"laws": ["CT-2"]}),
    ):
        if target == "sklearn":
            pytest.importorskip("sklearn")
        report = check(target, profile="quick", **more)  # type: ignore[arg-type]
        data = json.loads(json.dumps(report.as_json(), allow_nan=False))
        jsonschema.validate(data, schema)
    assert schema["$defs"]["provenance"]["properties"]["schema"]["const"] == SCHEMA


def test_a_file_on_its_way_is_as_the_schema_says(schema: Any, tmp_path: Path) -> None:
    seen: list[int] = []
    path = tmp_path / "report.json"

    def at(*_: object) -> None:
        data = json.loads(path.read_text("utf-8"))
        jsonschema.validate(data, schema)
        seen.append(len(data["results"]))

    check("scipy", profile="quick", laws=["SM-8", "SM-1"], save=path, progress=at)
    assert seen
    jsonschema.validate(json.loads(path.read_text("utf-8")), schema)


def test_provenance_has_versions_machine_and_the_targets_digest(tmp_path: Path) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(WRONG)
    report = check(path, laws=["SM-8"], profile="quick")
    told = report.provenance
    assert told["digest"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert told["python"] == platform.python_version()
    assert told["numpy"] == np.__version__
    assert told["processor"]
    assert check("scipy", laws=["SM-8"], profile="quick").provenance["digest"] == ""


def test_the_versions_of_what_a_target_imports_are_told(tmp_path: Path) -> None:
    (tmp_path / "a_library.py").write_text("__version__ = '7.8.9'\n")
    (tmp_path / "uses.py").write_text("import a_library\n\ndef softmax(z):\n    raise NotImplementedError\n")
    assert check(tmp_path / "uses.py", laws=["SM-8"]).provenance["libraries"] == {"a_library": "7.8.9"}


def test_a_library_that_is_called_as_a_fact_of_ours_hides_none(tmp_path: Path) -> None:
    (tmp_path / "date.py").write_text("__version__ = '1.0'\n")
    (tmp_path / "uses_date.py").write_text("import date\n\ndef softmax(z):\n    raise NotImplementedError\n")
    report = check(tmp_path / "uses_date.py", laws=["SM-8"])
    told = lines(report.provenance)
    assert ("date", report.provenance["date"]) in told
    assert ("library", "date 1.0") in told


def test_junit_and_html_say_the_same() -> None:
    report = check("scipy", laws=["SM-8"], profile="quick")
    root = ElementTree.fromstring(junit(report))
    told = {each.get("name"): each.get("value") for each in root.iter("property")}
    for name in ("date", "python", "numpy", "system", "processor"):
        assert told[name] == report.provenance[name]
        assert report.provenance[name].split("(")[0] in page(report)
