"""Queries of identity."""

import strawberry

from app.flows.identity.view_identity import view_api_keys, view_self, view_sessions
from schema.base.context import Info
from schema.base.permissions import signed_in
from schema.identity.types import ApiKey, Session, Viewer


@strawberry.type
class IdentityQuery:
    """Queries of identity."""

    @strawberry.field(description="Who asks.", extensions=signed_in(serves_enrolment=True))
    async def viewer(self, info: Info) -> Viewer:
        """Who asks."""
        return Viewer.of(await view_self(info.context.desk.door, info.context.principal))

    @strawberry.field(
        description="The API keys that the viewer answers for, newest first; with ADMIN_TENANT all of the tenant.",
        extensions=signed_in(),
    )
    async def api_keys(self, info: Info) -> list[ApiKey]:
        """The keys that the viewer may see."""
        return [ApiKey.of(key) for key in await view_api_keys(info.context.desk.door, info.context.principal)]

    @strawberry.field(
        description="The viewer's live sessions in the tenant, newest first; none for an API key.",
        extensions=signed_in(),
    )
    async def sessions(self, info: Info) -> list[Session]:
        """The viewer's live sessions."""
        principal = info.context.principal
        return [Session.of(session, principal) for session in await view_sessions(info.context.desk.door, principal)]
