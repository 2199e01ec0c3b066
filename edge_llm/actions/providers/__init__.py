"""How calls reach the world: one module for each kind of carrier, and the contract they keep (provider.py)."""
