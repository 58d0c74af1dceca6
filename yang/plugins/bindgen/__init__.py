"""From pyang's statements to the Python of the bindings: read (`schema`), understand (`model`), write (`render`)."""
