"""The HTTP APIs of the services as functions from a call to an answer; no sockets, all at once in one thread."""
