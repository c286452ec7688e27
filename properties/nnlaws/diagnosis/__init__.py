"""Diagnosis: the example to show of what breaks a law, and the one known mistake that does just that."""
