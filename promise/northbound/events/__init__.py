"""What consumers are told of what happens: the notifications of a journal entry, and the stream of all of them."""
