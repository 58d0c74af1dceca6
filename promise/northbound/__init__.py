"""How consumers speak to us: YANG, NETCONF, RESTCONF."""
