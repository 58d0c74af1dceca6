"""RESTCONF with client certificates: whose they are, and that a password still does."""

from __future__ import annotations

import base64
import ssl
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from pki import issue, local
from restconf_house import house

from promise.config import ConfigError
from promise.northbound.certificates import fingerprint

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.rfc("8040", "2.2", "HTTPS with X.509 certificates")
@pytest.mark.rfc("8040", "2.3", "certificates of clients are validated up to an authority")
@pytest.mark.rfc("8040", "2.5", "a client certificate tells who asks")
async def test_a_certificate_says_who_asks(tmp_path: Path) -> None:
    ca = issue(tmp_path, "authority", ca=True)
    server, carol, nobody = (
        issue(tmp_path, "server", ca, names=local()),
        issue(tmp_path, "carol", ca),
        issue(tmp_path, "nobody", ca),
    )
    stranger = issue(tmp_path, "alice", issue(tmp_path, "other authority", ca=True))
    entry = {"fingerprint": fingerprint(ca.der), "map_type": "common-name"}
    tls: dict[str, Any] = {"certificate": str(server.file), "ca": str(ca.file), "cert_to_name": [entry]}
    async with house(tmp_path / "state", **tls) as found:

        async def status(client: Any, user: str = "") -> int:
            context = ssl.create_default_context(cafile=str(ca.file))
            if client is not None:
                context.load_cert_chain(client.file)
            fields = {"Authorization": f"Basic {base64.b64encode(f'{user}:{user}'.encode()).decode()}"} if user else {}
            url = f"https://localhost:{found.app.http[1]}/restconf/data/ietf-netconf-acm:nacm"
            async with aiohttp.ClientSession() as http, http.get(url, ssl=context, headers=fields) as answer:
                return answer.status

        assert await status(carol) == 404  # she is carol, who does not see the rules
        assert await status(nobody) == 401
        assert await status(None) == 401
        assert await status(None, "admin") == 200
        assert await status(nobody, "admin") == 200
        with pytest.raises(aiohttp.ClientError):
            await status(stranger)


async def test_authorities_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    server = issue(tmp_path, "server", issue(tmp_path, "authority", ca=True), names=local())
    with pytest.raises(ConfigError, match=r"restconf: ca .*none\.pem"):
        async with house(tmp_path / "state", certificate=str(server.file), ca=str(tmp_path / "none.pem")):
            pass
