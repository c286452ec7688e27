"""A verdict as JUnit XML, for CI systems: one test case a law and dtype, one suite an operation."""

import re
from xml.etree import ElementTree

from nnlaws.report import LawResult, Outcome, Report
from nnlaws.reports.terminal import explain, lines

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report) -> str:
    """The XML document. A violation is a failure, an error an error; what is not offered is skipped, and so is what
    falls short of a SHOULD, with its report: no build fails by it, and none hides it.
    """
    root = ElementTree.Element("testsuites", name=_legal(f"nnlaws {report.target}"), time=f"{report.seconds:.3f}")
    for operation in dict.fromkeys(result.operation for result in report.results):
        results = [result for result in report.results if result.operation == operation]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=_legal(f"{report.target}.{operation}"),
            tests=str(len(results)),
            failures=str(sum(r.outcome is Outcome.VIOLATES for r in results)),
            errors=str(sum(r.outcome is Outcome.ERROR for r in results)),
            skipped=str(sum(r.outcome in (Outcome.NOT_OFFERED, Outcome.FALLS_SHORT) for r in results)),
            time=f"{sum(r.seconds for r in results):.3f}",
        )
        told = [
            *(("chapter of another package", value) for value in report.plugins),
            *(("left out", value) for value in report.left_out),
            *lines(report.provenance),
        ]
        properties = ElementTree.SubElement(suite, "properties")
        for name, value in told:
            ElementTree.SubElement(properties, "property", name=name, value=_legal(value))
        for result in results:
            _case(suite, report, result)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, report: Report, result: LawResult) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=_legal(f"{report.target}.{result.operation}"),
        name=f"{result.clause} {result.law} [{result.dtype}]",
        time=f"{result.seconds:.3f}",
    )
    if result.outcome is Outcome.NOT_OFFERED:
        ElementTree.SubElement(case, "skipped", message=_legal(result.reason or "not offered"))
    elif result.outcome is Outcome.FALLS_SHORT:
        message = _legal(f"falls short of {result.clause}, a SHOULD: {result.reason or result.statement}")
        ElementTree.SubElement(case, "skipped", message=message).text = _legal(explain(result))
    elif result.outcome in (Outcome.VIOLATES, Outcome.ERROR):
        tag = "failure" if result.outcome is Outcome.VIOLATES else "error"
        message = _legal(result.reason or f"{result.clause}: {result.statement}")
        ElementTree.SubElement(case, tag, message=message, type=str(result.outcome)).text = _legal(explain(result))


def _legal(text: str) -> str:
    """Without the characters that XML cannot hold: a target chooses its own messages."""
    return _FORBIDDEN.sub("�", text)
