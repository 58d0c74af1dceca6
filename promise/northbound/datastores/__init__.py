"""The datastores: running in the ledger, the candidate in memory, and the rules by which sessions share them."""
