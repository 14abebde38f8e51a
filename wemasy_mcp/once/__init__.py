"""The treatment of repeated calls: a caller wrapped around the client, which writes each intent once."""
