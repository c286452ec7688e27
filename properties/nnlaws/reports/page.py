"""A verdict as a page of HTML, for people who were not there: one file, no scripts, everything escaped."""

import html
import io

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from nnlaws.report import Report
from nnlaws.reports.terminal import WIDTH, lines, render

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
</head>
<body>
<pre style="font-family:monospace">{{code}}</pre>
</body>
</html>
"""


def page(report: Report) -> str:
    """The report as the terminal shows it, colours and all."""
    console = Console(file=io.StringIO(), width=WIDTH, record=True, highlight=False, emoji=False)
    console.print(render(report), crop=False)
    console.print()
    for name, value in lines(report.provenance):
        console.print(f"{name}: {value}", style="dim", markup=False)
    title = html.escape(f"nnlaws: {report.target}").replace("{", "&#123;").replace("}", "&#125;")
    return console.export_html(theme=DEFAULT_TERMINAL_THEME, inline_styles=True, code_format=_PAGE.format(title=title))
