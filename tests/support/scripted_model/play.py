"""The usual player: call after call, then a closing text."""

import re

from support.scripted_model.conversation import Call, Conversation, Player, Turn

DONE = "Done."


def play(*calls: Call) -> Player:
    """Return a player that makes these calls, one a turn, and stops.

    The results in the conversation say how far it is, so a request that is sent again gets the same turn, and one that
    offers no tools, as programs send to find a title, gets a text. Programs put the name of its server before a tool's,
    each in its own way: a call goes to the tool whose name ends with the one that is meant, letter for letter, so
    `wemasy save` finds `mcp__wemasy__save`.
    """

    def choose(conversation: Conversation) -> Turn:
        made = len(conversation.results)
        if made >= len(calls) or not conversation.tools:
            return Turn(DONE)
        call = calls[made]
        offered = [name for name in conversation.tools if _letters(name).endswith(_letters(call.tool))]
        if len(offered) != 1:
            return Turn(f"{call.tool} is {'not offered' if not offered else ' and '.join(offered)}.")
        return Turn(calls=(Call(offered[0], call.arguments),))

    return choose


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())
