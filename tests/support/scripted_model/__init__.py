"""A model whose turns are written beforehand, served on loopback as the vendors' APIs serve theirs.

    with serve_model(play(Call("save", {"key": "colour"}))) as model:
        ...  # a program that is pointed to model.url asks it what to do
    model.results  # what the program showed it of each call

A module for each API, `anthropic_messages`, `openai_chat`, `openai_responses` and `gemini`, turns its requests into a
`Conversation` and writes a `Turn` in its form, whole or streamed. The URL to set, as the vendors' own clients take it:

- Anthropic: `model.url`
- OpenAI: `model.url + "/v1"`
- Gemini: `model.url`

What a player answers may depend on the whole conversation: any function from a `Conversation` to a `Turn` is one.
"""

from support.scripted_model.conversation import Call, Conversation, Player, Result, Turn
from support.scripted_model.play import play
from support.scripted_model.served_model import ServedModel, serve_model

__all__ = ["Call", "Conversation", "Player", "Result", "ServedModel", "Turn", "play", "serve_model"]
