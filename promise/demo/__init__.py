"""`promise demo`: an orchestrator's whole story, played over NETCONF and told for people."""
