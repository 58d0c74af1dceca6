"""OpenAPI 3.1 from the YANG: JSON schemas of nodes, and the paths of RESTCONF."""
