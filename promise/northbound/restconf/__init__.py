"""The RESTCONF door (RFC 8040): the same operations and datastores as NETCONF, over HTTP, in JSON and XML.

server ── aiohttp, TLS, limits        the only module that knows how bytes come and go
  │
door ──── who asks, what for          authentication, routes, errors, the access log
  │
  ├─ apidocument /openapi.json, generated from the YANG
  ├─ discovery   host-meta, the entry point, /healthz
  ├─ schemas     {+restconf}/schema: the texts of the modules
  ├─ invocation  {+restconf}/operations
  └─ resources   {+restconf}/data
       paths, query, media            what a request says
       view, annotations, markup      what an answer shows
"""
