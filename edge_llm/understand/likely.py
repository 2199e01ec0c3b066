"""What a language model adds to code: which of several runs of words is likelier to be an argument, and the state of a city.

The model only scores texts that code lays before it; it writes none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edge_llm.understand.parameters import Parameter

if TYPE_CHECKING:
    from edge_llm.model import Model

STATES = [
    "AL",
    "AK",
    "AZ",
    "AR",
    "CA",
    "CO",
    "CT",
    "DE",
    "FL",
    "GA",
    "HI",
    "ID",
    "IL",
    "IN",
    "IA",
    "KS",
    "KY",
    "LA",
    "ME",
    "MD",
    "MA",
    "MI",
    "MN",
    "MS",
    "MO",
    "MT",
    "NE",
    "NV",
    "NH",
    "NJ",
    "NM",
    "NY",
    "NC",
    "ND",
    "OH",
    "OK",
    "OR",
    "PA",
    "RI",
    "SC",
    "SD",
    "TN",
    "TX",
    "UT",
    "VT",
    "VA",
    "WA",
    "WV",
    "WI",
    "WY",
    "DC",
]
_CITY_AND_STATE = re.compile(r"(?i)city and state|city, state|['\"‘“ ][A-Z][a-z]+(?: [A-Z][a-z]+)?, [A-Z]{2}\b")
_CLEAR = 2.5
"""How much likelier the best state must be than the next (in nats) to be taken."""


def likelihoods(
    model: Model, words: str, name: str, description: str, parameter: Parameter, texts: Sequence[str]
) -> list[float]:
    """How likely each text is as the value of an argument of the function `name`, in nats.

    Raises:
        RuntimeFailedError: while the model runs.
    """
    prompt = (
        f"Request: {words}\nFunction: {name} ({description})\nArgument {parameter.name}: {parameter.first_sentence.strip()}\n"
        f'{parameter.name} = "'
    )
    return [one.logprob_total for one in model.score(prompt, [f'{text}"' for text in texts])]


def with_state(model: Model, city: str, parameter: Parameter) -> str:
    """ "Chicago" as "Chicago, IL" where the argument's description asks for city and state; as it is where the model does not
    clearly know one.

    Raises:
        RuntimeFailedError: while the model runs.
    """
    if "," in city or not _CITY_AND_STATE.search(parameter.description) or not city[:1].isupper():
        return city
    prompt = f"Cities of the United States with their states: Boston, MA; Denver, CO; Orlando, FL; {city}"
    scores = sorted(model.score(prompt, [f", {state}" for state in STATES]), key=lambda one: -one.logprob_total)
    is_clear = scores[0].logprob_total - scores[1].logprob_total >= _CLEAR
    return f"{city}{scores[0].continuation}" if is_clear else city
