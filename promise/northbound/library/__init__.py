"""What this server implements, told by itself: the modules, their texts, and the YANG library (RFC 8525, RFC 6022)."""
