"""What the standard actions do on this device. Each function takes an action's canonical arguments by name and returns JSON.

A function of a module acts on the home's own memory and folders; `standard.py` binds them to others.
"""
