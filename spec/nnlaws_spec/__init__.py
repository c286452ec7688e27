"""What is meant: the notes as numbered clauses, their formulas as literal code, and exact numbers to run them on.

>>> from nnlaws_spec import clause
>>> clause("SM-3").title
'Adding one constant to every logit changes nothing'
"""

from nnlaws_spec.clauses import ChapterText, Clause, Level, Variant, chapter, clause, clauses, read

__all__ = ["ChapterText", "Clause", "Level", "Variant", "chapter", "clause", "clauses", "read"]
