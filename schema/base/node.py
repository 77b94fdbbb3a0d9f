"""What has an id of its own."""

import strawberry


@strawberry.interface(description="Something with an id of its own: a UUIDv7, unique among all kinds of things.")
class Node:
    """What has an id of its own."""

    id: strawberry.ID
