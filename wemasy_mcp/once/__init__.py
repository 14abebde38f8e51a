"""What a repeated call becomes: a way to call around the client, in which each intent is written once."""
