"""Mutations of identity: in, out, and the API keys."""

from datetime import timedelta

import strawberry

from app.core.errors import OmsError
from app.core.ids import ApiKeyId
from app.flows.identity.create_api_key import create_api_key
from app.flows.identity.log_in import log_in
from app.flows.identity.log_out import log_out
from app.flows.identity.refresh_session import refresh_session
from app.flows.identity.register import Registration, register
from app.flows.identity.revoke_api_key import revoke_api_key
from app.flows.identity.rotate_api_key import rotate_api_key
from app.identity.errors import RefreshRefusedError
from app.identity.two_factor.domain import Challenge
from schema.base.context import Info
from schema.base.errors import user_errors
from schema.base.ids import parse_id
from schema.base.permissions import public, signed_in
from schema.identity.grants import asked_grants
from schema.identity.types import (
    ApiKey,
    ApiKeyPayload,
    CreateApiKeyInput,
    LoginInput,
    LoginPayload,
    LogoutPayload,
    RefreshTokenInput,
    RegisterInput,
    RevokeApiKeyInput,
    RotateApiKeyInput,
    TokenPair,
)

DEFAULT_OVERLAP_S = 3600


@strawberry.type
class IdentityMutation:
    """Mutations of identity."""

    @strawberry.mutation(
        description="Asks to open a tenant. Tokens are null: a mail to the address has a link for verifyEmail, which "
        "opens it. The answer is the same whether the address has an account or not.",
        extensions=public(),
    )
    async def register(self, info: Info, input: RegisterInput) -> LoginPayload:  # noqa: A002
        """Leaves word of a registration."""
        registration = Registration(
            tenant_name=input.tenant_name,
            email=input.email,
            password=input.password,
            first_name=input.first_name,
            last_name=input.last_name,
        )
        try:
            await register(info.context.desk.door, registration, info.context.client)
        except OmsError as error:
            return LoginPayload(errors=user_errors(error))
        return LoginPayload()

    @strawberry.mutation(
        description="An address and a password for tokens, or for a challenge where there is a second factor. Whatever "
        "does not fit is UNAUTHENTICATED, told alike; who belongs to several tenants and names none gets "
        "TENANT_CHOICE_REQUIRED in errors. Too many wrong tries are TOO_MANY_ATTEMPTS with retryAfter, in seconds.",
        extensions=public(),
    )
    async def login(self, info: Info, input: LoginInput) -> LoginPayload:  # noqa: A002
        """Opens a session."""
        try:
            entered = await log_in(
                info.context.desk.door,
                email=input.email,
                password=input.password,
                tenant_slug=input.tenant_slug or None,
                client=info.context.client,
            )
        except OmsError as error:
            return LoginPayload(errors=user_errors(error))
        if isinstance(entered, Challenge):
            return LoginPayload(two_factor_challenge=entered.text)
        return LoginPayload(tokens=TokenPair.of(entered, info.context))

    @strawberry.mutation(
        description="A refresh token for the next pair, once. One that was used before revokes its session; but a page "
        "that lost the answer may ask by its cookie again within ten seconds.",
        extensions=public(),
    )
    async def refresh_token(self, info: Info, input: RefreshTokenInput) -> LoginPayload:  # noqa: A002
        """Rotates a refresh token."""
        given = info.context.refresh_token(input.refresh_token)
        try:
            tokens = await refresh_session(
                info.context.desk.door, given, info.context.client, is_page=given != input.refresh_token
            )
        except RefreshRefusedError:
            info.context.take_back()
            raise
        return LoginPayload(tokens=TokenPair.of(tokens, info.context))

    @strawberry.mutation(
        description="Ends the session that asks, with all its tokens.", extensions=signed_in(serves_enrolment=True)
    )
    async def logout(self, info: Info) -> LogoutPayload:
        """Ends the session."""
        try:
            await log_out(info.context.desk.door, info.context.principal)
        except OmsError as error:
            told = LogoutPayload(errors=user_errors(error))
            # A page may hold an API key in its cookies, which has no session to end: it forgets the key.
            info.context.take_back()
            return told
        info.context.take_back()
        return LogoutPayload()

    @strawberry.mutation(
        description="A key for a program, with scopes within the maker's own. The secret is told this once.",
        extensions=signed_in(step_up=True),
    )
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> ApiKeyPayload:  # noqa: A002
        """Makes a key."""
        try:
            issued = await create_api_key(
                info.context.desk.door,
                info.context.principal,
                name=input.name,
                scopes=input.scopes,
                expires_at=input.expires_at or None,
                ip_allowlist=input.ip_allowlist or (),
                requests_per_minute=None
                if input.requests_per_minute is strawberry.UNSET
                else input.requests_per_minute,
                accounts=asked_grants(input.accounts),
            )
        except OmsError as error:
            return ApiKeyPayload(errors=user_errors(error))
        return ApiKeyPayload(api_key=ApiKey.of(issued.api_key), secret=issued.text)

    @strawberry.mutation(
        description="A successor for a key, with the same terms; both hold during the overlap.",
        extensions=signed_in(step_up=True, passes_keys=True),
    )
    async def rotate_api_key(self, info: Info, input: RotateApiKeyInput) -> ApiKeyPayload:  # noqa: A002
        """Makes a successor."""
        overlap_s = DEFAULT_OVERLAP_S if input.overlap_seconds is None else input.overlap_seconds
        try:
            issued = await rotate_api_key(
                info.context.desk.door,
                info.context.principal,
                ApiKeyId(parse_id(input.api_key_id, "apiKeyId")),
                overlap=timedelta(seconds=overlap_s),
            )
        except OmsError as error:
            return ApiKeyPayload(errors=user_errors(error))
        return ApiKeyPayload(api_key=ApiKey.of(issued.api_key), secret=issued.text)

    @strawberry.mutation(description="Ends a key; to end it again is no error.", extensions=signed_in())
    async def revoke_api_key(self, info: Info, input: RevokeApiKeyInput) -> ApiKeyPayload:  # noqa: A002
        """Ends a key."""
        try:
            key = await revoke_api_key(
                info.context.desk.door, info.context.principal, ApiKeyId(parse_id(input.api_key_id, "apiKeyId"))
            )
        except OmsError as error:
            return ApiKeyPayload(errors=user_errors(error))
        return ApiKeyPayload(api_key=ApiKey.of(key))
