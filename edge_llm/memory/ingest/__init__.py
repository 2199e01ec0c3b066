"""Files in, drafts out: which reader a file needs, the process it runs in, folders walked and watched.

A format is one module of this package that has a `READER`; one more format is one more file.
"""
