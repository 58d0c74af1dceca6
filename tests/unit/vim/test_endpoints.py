from __future__ import annotations

import pytest

from promise.capacity.provider import Access
from promise.errors import BadValue
from promise.vim.openstack import OpenStack
from promise.vim.openstack.session import keystone_url


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://cloud:5000", "http://cloud:5000/v3"),
        ("http://cloud:5000/", "http://cloud:5000/v3"),
        ("http://cloud:5000/v3", "http://cloud:5000/v3"),
        ("https://cloud/identity/v3/", "https://cloud/identity/v3"),
        ("https://cloud/identity", "https://cloud/identity/v3"),
        ("  http://[::1]:5000 ", "http://[::1]:5000/v3"),
        ("HTTP://Cloud:5000", "http://Cloud:5000/v3"),
    ],
)
def test_an_endpoint_is_taken_with_or_without_its_version(given: str, url: str) -> None:
    assert keystone_url(given) == url


@pytest.mark.parametrize(
    "given",
    [
        "", "cloud:5000", "ftp://cloud/v3", "file:///etc/passwd", "http://", "http:///v3", "http://cloud:99999",
        "http://cloud:x", "http://[::1", "http://eve:sesame@cloud/v3", "http://cloud/v3?x=1", "http://cloud/v3#x",
        "http://cloud:5000/v2.0", "http://cloud:0/v3", "http://clo ud/v3", "http://cloud/v3\r\nX: y",
    ],
)  # fmt: skip
def test_what_is_no_endpoint_is_refused_before_anything_is_asked(given: str) -> None:
    with pytest.raises(BadValue) as caught:
        OpenStack(Access(given, "u", project_name="p"), "sesame")
    assert caught.value.name == "endpoint"
    assert "sesame" not in str(caught.value)
