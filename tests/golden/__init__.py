"""Answers that Python and Kotlin must both give: written by write.py, read by both test suites."""
