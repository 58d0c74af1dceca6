"""Glance v2: images; its errors are pages of HTML, as the real one's."""

from __future__ import annotations

import json
from hashlib import md5, sha512
from http import HTTPStatus
from typing import Any, Final

from promise.vim.simulator.api.exchange import Answer, Call, Refused, number, sorts
from promise.vim.simulator.api.paging import page
from promise.vim.simulator.api.service import Service
from promise.vim.simulator.world.errors import ApiError
from promise.vim.simulator.world.images import Image
from promise.vim.simulator.world.names import fresh, zulu

_NEWEST: Final = 17
_OWN: Final = frozenset(
    {
        "id", "name", "owner", "status", "visibility", "protected", "disk_format", "container_format", "checksum",
        "min_ram", "min_disk", "size", "virtual_size", "created_at", "updated_at", "tags", "self", "file", "schema",
        "os_hash_algo", "os_hash_value", "os_hidden", "locations", "direct_url",
    }
)  # fmt: skip


def _shape(refused: Refused) -> Answer:
    error = refused.error
    title = f"{error.status} {HTTPStatus(error.status).phrase}"
    page_ = (
        f"<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n"
        f"  {error.message}<br /><br />\n\n\n </body>\n</html>"
    )
    return Answer(error.status, page_, content_type="text/html")


def versions(call: Call) -> Answer:
    """GET /: the versions, as 300 Multiple Choices."""
    values = [
        {
            "id": f"v2.{minor}",
            "status": "CURRENT" if minor == _NEWEST else "SUPPORTED",
            "links": [{"rel": "self", "href": call.link("v2", "")}],
        }
        for minor in (_NEWEST, 16, 15, 13, 12, 11, 10, 9, 7, 6, 5, 4, 3, 2, 1, 0)
    ]
    return Answer(300, {"versions": values})


def _view(image: Image) -> dict[str, Any]:
    return {
        "id": image.id, "name": image.name, "owner": image.owner, "status": image.status,
        "visibility": image.visibility, "protected": image.protected, "disk_format": image.disk_format,
        "container_format": image.container_format, "checksum": image.checksum, "min_ram": image.min_ram,
        "min_disk": image.min_disk, "size": image.size, "virtual_size": image.size,
        "created_at": zulu(image.created), "updated_at": zulu(image.updated), "tags": image.tags,
        "os_hash_algo": "sha512" if image.digest else None, "os_hash_value": image.digest, "os_hidden": False,
        "self": f"/v2/images/{image.id}", "file": f"/v2/images/{image.id}/file", "schema": "/v2/schemas/image",
        **image.properties,
    }  # fmt: skip


def images(call: Call) -> Answer:
    """GET /v2/images."""
    may = [image for image in call.world.images.values() if image.visible_to(call.token.project_id) or call.token.admin]
    for name in ("name", "status", "visibility", "owner", "disk_format", "container_format", "id"):
        if (wanted := call.asked(name)) is not None:
            accepted = wanted.removeprefix("in:").split(",") if wanted.startswith("in:") else [wanted]
            may = [image for image in may if getattr(image, name) in accepted]
    may.sort(key=lambda image: (-image.created, image.name))
    shown, more = page(call, may, lambda image: image.id)
    body: dict[str, Any] = {
        "images": [_view(image) for image in shown],
        "schema": "/v2/schemas/images",
        "first": "/v2/images",
    }
    if more:
        body["next"] = call.next_page("v2/images", shown[-1].id).removeprefix(call.root)
    return Answer(200, body)


def image_of(call: Call) -> Image:
    """Return the image of the path that the caller may see, or raise Glance's 404."""
    image = call.world.images.get(call.parts["id"])
    if image is None or not (image.visible_to(call.token.project_id) or call.token.admin):
        raise ApiError(404, f"No image found with ID {call.parts['id']}")
    return image


def image(call: Call) -> Answer:
    """GET /v2/images/{id}."""
    return Answer(200, _view(image_of(call)))


def create(call: Call) -> Answer:
    """POST /v2/images: queued until data come."""
    body = call.json()
    sorts(body, {"id": str, "name": str, "visibility": str, "tags": list, "disk_format": str, "container_format": str})
    new = Image(
        str(body.get("id") or fresh()), str(body.get("name") or ""), call.token.project_id, call.now, call.now,
        None, number(body, "min_ram", 0), number(body, "min_disk", 0), str(body.get("visibility", "shared")),
        "queued", bool(body.get("protected", False)), body.get("disk_format"), body.get("container_format"),
        tags=list(body.get("tags") or []),
        properties={key: str(value) for key, value in body.items() if key not in _OWN},
    )  # fmt: skip
    if new.id in call.world.images:
        raise ApiError(409, f"Image ID {new.id} already exists!")
    if new.visibility == "public":
        _need_admin(call)
    call.world.images[new.id] = new
    return Answer(201, _view(new), {"Location": call.link("v2", "images", new.id)})


def _need_admin(call: Call) -> None:
    if not call.token.admin:
        raise ApiError(403, "You are not authorized to complete publicize_image action.")


def upload(call: Call) -> Answer:
    """PUT /v2/images/{id}/file: with its data an image becomes active."""
    found = _mine(call)
    if found.status != "queued":
        raise ApiError(409, f"Image status transition from {found.status} to saving is not allowed")
    data = call.request.data
    found.size, found.status, found.updated = len(data), "active", call.now
    found.checksum = md5(data, usedforsecurity=False).hexdigest()
    found.digest = sha512(data).hexdigest()
    return Answer(204)


def _mine(call: Call) -> Image:
    found = image_of(call)
    if found.owner != call.token.project_id and not call.token.admin:
        raise ApiError(403, "You are not permitted to modify this image.")
    return found


def update(call: Call) -> Answer:
    """PATCH /v2/images/{id}: JSON patch on single members."""
    found = _mine(call)
    try:
        changes = json.loads(call.request.data)
        pairs = [(change["op"], change["path"].lstrip("/"), change.get("value")) for change in changes]
    except (ValueError, KeyError, TypeError):
        raise ApiError(400, "Request body must be a JSON array of operation objects.") from None
    for operation, name, value in pairs:
        if name in {"name", "visibility", "protected", "min_ram", "min_disk", "tags"} and operation != "remove":
            setattr(found, name, value)
        elif name in _OWN:
            raise ApiError(403, f"Attribute '{name}' is read-only.")
        elif operation == "remove":
            found.properties.pop(name, None)
        else:
            found.properties[name] = str(value)
    found.updated = call.now
    return Answer(200, _view(found))


def delete(call: Call) -> Answer:
    """DELETE /v2/images/{id}."""
    found = _mine(call)
    if found.protected:
        raise ApiError(403, f"Image {found.id} is protected and cannot be deleted.")
    del call.world.images[found.id]
    return Answer(204)


def schema(call: Call) -> Answer:
    """GET /v2/schemas/{name}: the names of the members."""
    return Answer(200, {"name": call.parts["name"], "properties": {name: {} for name in sorted(_OWN)}})


SERVICE: Final = Service(
    name="image",
    mount="/image",
    base="/image",
    shape=_shape,
    open_to_all=frozenset({"GET /", "GET /versions"}),
    routes={
        "/": {"GET": versions},
        "/versions": {"GET": versions},
        "/v2/images": {"GET": images, "POST": create},
        "/v2/images/{id}": {"GET": image, "PATCH": update, "DELETE": delete},
        "/v2/images/{id}/file": {"PUT": upload},
        "/v2/schemas/{name}": {"GET": schema},
    },
)
