"""The network configuration access control model (RFC 8341): who may run, see, change and be told what; pure.

`rulebook` holds what is configured, `path` the paths that rules name, `rights` decides for one user.
"""
