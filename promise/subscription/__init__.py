"""Who is told what: subscriptions, what their filters let pass, and the lines that capacity may cross."""
