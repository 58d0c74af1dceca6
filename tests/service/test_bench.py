"""The tools of the benchmarks measure what they say, at the smallest size."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

from bare import Bare
from northbound import always, costs, creations, netconf, restful
from restconf import Connection
from sessions import closed, opened, spent


async def test_what_the_libraries_cost_alone() -> None:
    with Bare() as bare:
        before = spent(bare.process)
        found = await opened(bare.ssh, 3, bare.process)
        assert (len(found.clients), found.cpu > 0) == (3, True)
        bare.answer(300)
        asks = [netconf(client, creations(seed)) for seed, client in enumerate(found.clients)]
        cost = await costs([*asks, netconf(found.clients[0], always("<get/>"))][:3], bare.process, 0.02, warm=1)
        assert cost.size == 300 + len("<rpc-reply></rpc-reply>")
        assert cost.cpu > 0
        await closed(found.clients)
        connection = await Connection.to(bare.http)
        cost = await costs([restful(connection, "/")], bare.process, 0.02, warm=1)
        assert cost.size == 300
        assert spent(bare.process) - before > found.cpu
        connection.close()
