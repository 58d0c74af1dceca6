"""From the input of each RPC to a use case of a room, and from its answer to the output."""
