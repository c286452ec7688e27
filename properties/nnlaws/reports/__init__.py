"""Reports: a verdict for a terminal or a pipe, as JSON, as JUnit XML."""
