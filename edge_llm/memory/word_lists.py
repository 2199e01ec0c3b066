"""Function words of English and Chinese, words that ask, and forms of a word that no stemmer joins. Pure data."""

from __future__ import annotations

from functools import cache

from edge_llm.memory.analysis import words

_ENGLISH = """
a an the and or but if of to in on at by for with from into about as is are was were be been being am do does did done doing
has have had having will would shall should can could may might must i you he she it we they me him her us them my your his
its our their mine yours hers ours theirs this that these those there here what which who whom whose when where why how than
then so not no nor too very just any some all both each other such own same
"""
_CHINESE = (
    "的 了 和 与 或 是 在 有 我 你 他 她 它 我们 你们 他们 她们 这 那 这个 那个 什么 怎么 怎样 哪里 哪儿 哪个 谁 吗 呢 吧 啊 "
    "都 也 就 很 不 没 没有 把 被 给 对 从 到 要 会 能 可以 多少 几 为什么 什么时候"
)
FUNCTION_WORDS = frozenset([term for word in _ENGLISH.split() for term in words(word)] + _CHINESE.split())
"""Terms that say nothing about what is looked for."""
FUNCTION_CHARS = frozenset(
    "的了和与或是在我你他她它们这那什么怎哪谁吗呢吧啊呀嘛都也就很不没把被给对从到要会能几个些过着地得之其"
)
"""Characters that mostly are, or belong to, function words."""
ASKING = frozenset(
    ("what", "which", "who", "whom", "whose", "when", "where", "whi", "how", "did", "doe", "do", "is", "are", "was")
)
"""English terms of which a question has one at least."""

_NAMES_AND_WORDS = """
april august june may art bill bob carol chase chip christian dale dawn dean drew eve faith frank gene grace grant guy harmony
heather holly hope hunter iris ivy jack jasmine jean jewel josh joy lance lane lily mark mason max melody miles misty nick
olive page pat patience penny pierce ray read rich rob robin rock rose ruby rusty sage sandy scarlet shelly sky star stone storm
sue summer sunny tanner terry trip victor violet wade ward wells will woods young
"""
NAMES_AND_WORDS = frozenset(term for word in _NAMES_AND_WORDS.split() for term in words(word))
"""Terms of names that are words too: names only where they were typed with a capital."""

# Forms that Snowball's English stemmer leaves apart. Those that are also common words of their own ("saw", "ground") are
# not here, nor are words that only resemble each other in meaning: that is what vectors are for.
_FORMS = """
go went gone; buy bought; make made; take took taken; give gave given; get got gotten; come came; find found; think thought
tell told; say said; write wrote written; win won; begin began begun; break broke broken; bring brought; build built
catch caught; choose chose chosen; draw drew drawn; drink drank drunk; drive drove driven; eat ate eaten; fall fell fallen
feel felt; fight fought; fly flew flown; forget forgot forgotten; grow grew grown; hear heard; hold held; keep kept
know knew known; leave left; lend lent; lose lost; meet met; pay paid; ride rode ridden; run ran; sell sold; send sent
sing sang sung; sit sat; sleep slept; speak spoke spoken; spend spent; stand stood; swim swam swum; teach taught
throw threw thrown; wake woke woken; wear wore worn; become became; steal stole stolen; freeze froze frozen; hide hid hidden
shake shook shaken; mean meant; sweep swept; understand understood; seek sought; bite bit bitten; dream dreamt
child children; person people; wife wives; life lives; man men; woman women; foot feet; tooth teeth; mouse mice; knife knives
mother mom mum mommy; father dad daddy; grandmother grandma; grandfather grandpa; bicycle bike; television tv
favorite favourite; color colour; neighbor neighbour; photo photograph pic; traveled travelled; doctor dr; okay ok
"""


def other_forms(term: str) -> tuple[str, ...]:
    """Terms that are the same English word in another form or spelling."""
    return _forms().get(term, ())


@cache
def _forms() -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    for line in _FORMS.replace("\n", ";").split(";"):
        terms = [term for word in line.split() for term in words(word)]
        for term in terms:
            table[term] = tuple(form for form in dict.fromkeys(terms) if form != term)
    return table
