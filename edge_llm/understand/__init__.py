"""Understanding one request: from the person's words to an action's slots, what is missing, and what a correction changes.

`extract` is the door. Code reads what code reads well (times, numbers, people, places, the words of a message); a model is
asked only for what code cannot find, and may say that it is not there. Knows no routing, no consent and no carrier.
"""
