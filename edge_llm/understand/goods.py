"""What people buy, said without a comma between: "milk bin bags and teabags" are three things, "oat milk" is one.

Data of what stands by itself and of what belongs to the word before it, and the cutting by it. Where it does not know, the
words stay together.
"""

from __future__ import annotations

import re
from typing import Final

_ALONE: Final = re.compile(
    r"milk|bread|butter|cheese|eggs|yogurt|yoghurt|cream|flour|sugar|salt|pepper|rice|pasta|noodles|oil|vinegar"
    r"|honey|jam|cereal|oats|porridge|coffee|tea|juice|water|beer|wine|squash|crisps|biscuits|chocolate|cake|ham"
    r"|bacon|sausages|mince|chicken|beef|lamb|pork|fish|salmon|tuna|prawns|tofu|apples|bananas|oranges|lemons"
    r"|limes|pears|plums|grapes|berries|strawberries|potatoes|onions|garlic|ginger|carrots|tomatoes|peppers"
    r"|lettuce|cucumber|spinach|broccoli|mushrooms|beans|peas|sweetcorn|celery|leeks|ketchup|mayo|mayonnaise"
    r"|mustard|salsa|hummus|nappies|diapers|wipes|tissues|shampoo|conditioner|soap|toothpaste|deodorant|bleach"
    r"|foil|sponges|batteries|candles|matches|stamps|envelopes|teabags|plasters|paracetamol|ibuprofen|vitamins"
    r"|detergent|softener"
)
"""Things that are named by one word."""
_SECOND: Final = re.compile(
    r"bags|bag|roll|rolls|paper|towels|towel|liquid|powder|tablets|tablet|sauce|juice|food|litter|liners|liner"
    r"|stock|cubes|soup|spread|butter|milk|cream|oil|vinegar|flakes|fingers|breasts|thighs|legs|wings|fillets"
    r"|slices|sticks|balls|bars|bar|mix|dressing|paste|puree|pods|filters|beans|seeds|nuts|crackers|rings"
    r"|pudding|cake|cakes|cleaner|spray|wipes|brush|bulbs|film|wrap|gel|foam|cotton|buds|pads|bread|cheese|bacon"
    r"|pie|pies|chips|chocolate|biscuits|cereal|water|wine|beer|peppers|onions|tomatoes|potatoes|steaks|chops"
    r"|mince|sausages|salad|noodles"
)
"""What a word before it may be of the kind of: "bin bags", "chicken stock"."""
_FIRST: Final = re.compile(
    r"bin|toilet|kitchen|washing|dish|dishwasher|cling|tin|baby|cat|dog|bird|fish|olive|sunflower|sesame|coconut"
    r"|peanut|almond|oat|soya|soy|orange|apple|tomato|soy|cotton|fabric|light|hand|face|shower|tooth|paper|cream"
    r"|cottage|brown|white|wholemeal|plain|caster|icing|self-raising|spring|red|green|cherry|sweet|new|frozen"
    r"|fresh|greek|double|single|sparkling|still|ground|instant|rubber|bath|freezer|sandwich"
)
"""What begins a name of two words."""


def goods_in(text: str) -> list[str]:
    """The things in words that no comma parts; the words themselves where they may be one thing."""
    words = text.split()
    if len(words) < 2 or not re.fullmatch(r"[A-Za-z' -]+", text):
        return [text]
    parts: list[list[str]] = [[words[0]]]
    for place in range(1, len(words)):
        before, word = words[place - 1].lower(), words[place].lower()
        following = words[place + 1].lower() if place + 1 < len(words) else ""
        begins = _ALONE.fullmatch(word) or (_FIRST.fullmatch(word) and _SECOND.fullmatch(following))
        ends = _ALONE.fullmatch(before) or (_SECOND.fullmatch(before) and len(parts[-1]) > 1)
        belongs = _SECOND.fullmatch(word) and not (before.endswith("s") and _ALONE.fullmatch(word))
        if begins and ends and not belongs:
            parts.append([])
        parts[-1].append(words[place])
    return [" ".join(part) for part in parts]
