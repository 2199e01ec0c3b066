"""An app's own action is asked for by the app's name, and the rest goes to the action that needs none."""

from __future__ import annotations

import pytest

from edge_llm.actions.library import library
from edge_llm.route.named_apps import NamedApp, find_named_apps, without_unnamed

ACTIONS = library()
PLACES = {action.id: place for place, action in enumerate(ACTIONS)}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_standard_actions_that_go_by_a_name(language: str) -> None:
    apps = find_named_apps(ACTIONS, "zh" if language == "zh" else "en")
    assert {ACTIONS[place].id for place in apps} == {"wechat.send", "whatsapp.send"}
    assert all(PLACES["sms.send"] in app.siblings for app in apps.values())


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("text Zhang San that I'm late", "sms.send"), ("wechat Zhang San that I'm late", "wechat.send"),
        ("send a Weixin message to Zhang San", "wechat.send"),
    ],
)  # fmt: skip
def test_a_share_is_given_away_where_the_name_was_not_said(words: str, wanted: str) -> None:
    shares = [0.0] * len(ACTIONS)
    shares[PLACES["wechat.send"]], shares[PLACES["sms.send"]] = 0.9, 0.05
    left = without_unnamed(shares, words, find_named_apps(ACTIONS, "en"))
    assert max(range(len(left)), key=left.__getitem__) == PLACES[wanted]
    assert sum(left) == pytest.approx(sum(shares))


def test_of_several_siblings_the_likeliest_gains() -> None:
    left = without_unnamed([0.5, 0.1, 0.2], "hello", {0: NamedApp(frozenset({"name"}), frozenset({1, 2}))})
    assert left == pytest.approx([0.0, 0.1, 0.7])
