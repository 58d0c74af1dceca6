"""The network configuration access control model (RFC 8341): who may run, see, change and be told what.

`rulebook` holds what is configured, `path` the paths that rules name, `rights` decides for one user, `pruning` and
`changes` apply that to data, `grants` say whose records somebody gets at: all pure. `control` is the one whom the doors
ask, who also counts and logs.
"""
