"""The command line: one file per command, each of them parse -> values -> one call -> print.

Knows arguments, terminals and exit codes. Knows nothing of weights, sampling or downloads: those are calls
into edge_llm and quantize, imported inside the commands so that `edge-llm --help` stays instant.
"""
