"""The usual player: call after call, then a closing text."""

from support.scripted_model.conversation import Call, Conversation, Player, Turn

DONE = "Done."


def play(*calls: Call) -> Player:
    """Return a player that makes these calls, one a turn, and stops.

    The results in the conversation say how far it is, so a request that is sent again gets the same turn, and one that
    offers no tools, as programs send to find a title, gets a text. Programs put names of their own before a tool's: the
    call goes to the tool whose name ends with the one that is meant.
    """

    def choose(conversation: Conversation) -> Turn:
        made = len(conversation.results)
        if made >= len(calls) or not conversation.tools:
            return Turn(DONE)
        call = calls[made]
        offered = [name for name in conversation.tools if name.endswith(call.tool)]
        if len(offered) != 1:
            return Turn(f"{call.tool} is {'not offered' if not offered else ' and '.join(offered)}.")
        return Turn(calls=(Call(offered[0], call.arguments),))

    return choose
