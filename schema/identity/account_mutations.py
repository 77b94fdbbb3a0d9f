"""Mutations of a person's account: addresses, passwords, sessions, profile, preferences."""

from typing import Any

import strawberry
from strawberry.scalars import JSON

from app.core.errors import OmsError
from app.core.ids import SessionId
from app.flows.identity.change_email import change_email, request_email_verification, verify_email
from app.flows.identity.change_password import change_password
from app.flows.identity.end_sessions import log_out_everywhere, revoke_session
from app.flows.identity.reset_password import request_password_reset, reset_password
from app.flows.identity.update_profile import update_preferences, update_profile
from schema.base.context import Info
from schema.base.errors import UserError, user_errors
from schema.base.ids import parse_id
from schema.base.permissions import public, signed_in
from schema.identity.types import LoginPayload, LogoutPayload, TokenPair, User

_GUESSES = "Too many wrong tries are TOO_MANY_ATTEMPTS with retryAfter, in seconds."


@strawberry.type
class AccountPayload:
    """The answer of what changes a person's account."""

    user: User | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class AcceptedPayload:
    """The answer of what goes on by mail: the same whether the address is known or not."""

    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class EndedSessionsPayload:
    """The answer of logoutEverywhere."""

    ended: int = strawberry.field(default=0, description="How many sessions ended, in all tenants.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input
class VerifyEmailInput:
    """The token of the link in the mail."""

    token: str
    password: str | None = strawberry.field(
        default=strawberry.UNSET, description="The one chosen at the registration, which it finishes; else none."
    )


@strawberry.input
class ChangeEmailInput:
    """The address that is to be the person's."""

    new_email: str
    password: str


@strawberry.input
class ChangePasswordInput:
    """The present password and the next."""

    current_password: str
    new_password: str = strawberry.field(description="12 to 128 characters, hard to guess, none of the last five.")


@strawberry.input
class RequestPasswordResetInput:
    """Whose password is forgotten."""

    email: str


@strawberry.input
class ResetPasswordInput:
    """The token of the link in the mail, and the next password."""

    token: str
    new_password: str = strawberry.field(description="12 to 128 characters, hard to guess, none of the last five.")


@strawberry.input
class RevokeSessionInput:
    """Which session ends."""

    session_id: strawberry.ID


@strawberry.input
class UpdateProfileInput:
    """What changes; what is not given stays."""

    first_name: str | None = strawberry.UNSET
    last_name: str | None = strawberry.UNSET
    phone: str | None = strawberry.field(
        default=strawberry.UNSET, description="With its country, such as +41 44 668 18 00; null or empty takes it away."
    )


@strawberry.input
class UpdatePreferencesInput:
    """All preferences: they take the place of those before."""

    preferences: JSON = strawberry.field(
        description="An object of at most 16 KiB, 100 keys and 8 levels. The keys that begin with dashboard are the "
        "dashboard's; others are anyone's own."
    )


@strawberry.type
class AccountMutation:
    """Mutations of a person's account."""

    @strawberry.mutation(
        description="Proves by the token of a mail that the address is read. It finishes a registration, with the "
        f"password that was chosen then, and answers the first tokens; or it confirms an address. {_GUESSES}",
        extensions=public(),
    )
    async def verify_email(self, info: Info, input: VerifyEmailInput) -> LoginPayload:  # noqa: A002
        """Takes a proof."""
        try:
            tokens = await verify_email(
                info.context.desk.door,
                token=input.token,
                password=_given(input.password),
                client=info.context.client,
            )
        except OmsError as error:
            return LoginPayload(errors=user_errors(error))
        return LoginPayload(tokens=None if tokens is None else TokenPair.of(tokens, info.context))

    @strawberry.mutation(
        description="Mails a link to confirm the person's own address, unless it is confirmed.", extensions=signed_in()
    )
    async def request_email_verification(self, info: Info) -> AcceptedPayload:
        """Mails a link."""
        try:
            await request_email_verification(info.context.desk.door, info.context.principal)
        except OmsError as error:
            return AcceptedPayload(errors=user_errors(error))
        return AcceptedPayload()

    @strawberry.mutation(
        description="Mails a link to the new address, and word of it to the old one: the address changes when the "
        f"link is opened. The answer is the same when the new one is somebody's already. {_GUESSES}",
        extensions=signed_in(),
    )
    async def change_email(self, info: Info, input: ChangeEmailInput) -> AcceptedPayload:  # noqa: A002
        """Mails a link."""
        try:
            await change_email(
                info.context.desk.door, info.context.principal, new_email=input.new_email, password=input.password
            )
        except OmsError as error:
            return AcceptedPayload(errors=user_errors(error))
        return AcceptedPayload()

    @strawberry.mutation(
        description=f"Another password for who knows the present one. All other sessions end. {_GUESSES}",
        extensions=signed_in(),
    )
    async def change_password(self, info: Info, input: ChangePasswordInput) -> AcceptedPayload:  # noqa: A002
        """Changes the password."""
        try:
            await change_password(
                info.context.desk.door,
                info.context.principal,
                current_password=input.current_password,
                new_password=input.new_password,
            )
        except OmsError as error:
            return AcceptedPayload(errors=user_errors(error))
        return AcceptedPayload()

    @strawberry.mutation(
        description="Mails a link for another password to the address, when it is somebody's; it holds 30 minutes. "
        "The answer is the same for every address.",
        extensions=public(),
    )
    async def request_password_reset(self, info: Info, input: RequestPasswordResetInput) -> AcceptedPayload:  # noqa: A002
        """Leaves word."""
        try:
            await request_password_reset(info.context.desk.door, input.email, info.context.client)
        except OmsError as error:
            return AcceptedPayload(errors=user_errors(error))
        return AcceptedPayload()

    @strawberry.mutation(
        description="Another password by the token of a mail, once. All sessions end, and nobody is signed in by it.",
        extensions=public(),
    )
    async def reset_password(self, info: Info, input: ResetPasswordInput) -> AcceptedPayload:  # noqa: A002
        """Resets the password."""
        try:
            await reset_password(
                info.context.desk.door,
                token=input.token,
                new_password=input.new_password,
                client=info.context.client,
            )
        except OmsError as error:
            return AcceptedPayload(errors=user_errors(error))
        return AcceptedPayload()

    @strawberry.mutation(
        description="Ends one of the viewer's sessions in the tenant; to end it again is no error.",
        extensions=signed_in(),
    )
    async def revoke_session(self, info: Info, input: RevokeSessionInput) -> LogoutPayload:  # noqa: A002
        """Ends a session."""
        try:
            session_id = SessionId(parse_id(input.session_id, "sessionId"))
            await revoke_session(info.context.desk.door, info.context.principal, session_id)
        except OmsError as error:
            return LogoutPayload(errors=user_errors(error))
        return LogoutPayload()

    @strawberry.mutation(
        description="Ends all sessions of the viewer in all tenants, the one that asks too.", extensions=signed_in()
    )
    async def logout_everywhere(self, info: Info) -> EndedSessionsPayload:
        """Ends all sessions."""
        try:
            ended = await log_out_everywhere(info.context.desk.door, info.context.principal)
        except OmsError as error:
            return EndedSessionsPayload(errors=user_errors(error))
        return EndedSessionsPayload(ended=ended)

    @strawberry.mutation(description="Other names, another telephone number.", extensions=signed_in())
    async def update_profile(self, info: Info, input: UpdateProfileInput) -> AccountPayload:  # noqa: A002
        """Changes the profile."""
        try:
            user = await update_profile(
                info.context.desk.door,
                info.context.principal,
                first_name=_given(input.first_name),
                last_name=_given(input.last_name),
                phone_number="" if input.phone is None else _given(input.phone),
            )
        except OmsError as error:
            return AccountPayload(errors=user_errors(error))
        return AccountPayload(user=User.of(user))

    @strawberry.mutation(description="Other preferences in place of those before.", extensions=signed_in())
    async def update_preferences(self, info: Info, input: UpdatePreferencesInput) -> AccountPayload:  # noqa: A002
        """Changes the preferences."""
        try:
            user = await update_preferences(info.context.desk.door, info.context.principal, input.preferences)
        except OmsError as error:
            return AccountPayload(errors=user_errors(error))
        return AccountPayload(user=User.of(user))


def _given(value: Any) -> str | None:
    return None if value is strawberry.UNSET else value
