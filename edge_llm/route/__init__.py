"""From a person's words to the actions they may ask for, or to none: with a probability that means what it says.

Knows sentences and manifests. Fills no slot, and sees no text but the person's own words.
"""

from edge_llm.route.router import Candidate, Routed, Router
from edge_llm.route.split import split_requests

__all__ = ["Candidate", "Routed", "Router", "split_requests"]
