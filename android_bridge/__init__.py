"""A bundle -> something a phone runs. Imports `runtimes` only; a stranger to `quantize`.

A bundle in GGUF or ONNX form is already what the phone's runtimes load; the exporter, the phone manifest
and the Kotlin library live here.
"""
