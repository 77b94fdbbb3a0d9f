"""The second factor in GraphQL: setting it up, finishing a login with it, stepping up."""

import io
from datetime import datetime

import segno
import strawberry

from app.core.errors import OmsError
from app.flows.identity import view_two_factor
from app.flows.identity.begin_two_factor import begin_two_factor
from app.flows.identity.confirm_two_factor import confirm_two_factor
from app.flows.identity.disable_two_factor import disable_two_factor
from app.flows.identity.renew_recovery_codes import renew_recovery_codes
from app.flows.identity.step_up import step_up
from app.flows.identity.verify_two_factor import verify_two_factor
from app.flows.tenants.demand_two_factor import demand_two_factor
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import UserError, user_errors
from schema.base.permissions import public, scoped, signed_in
from schema.identity.types import LoginPayload, Tenant, TokenPair

QR_SCALE = 4


@strawberry.type(description="How the viewer's second factor stands.")
class TwoFactor:
    """How the viewer's second factor stands."""

    enabled: bool
    confirmed_at: datetime | None
    recovery_codes_left: int = strawberry.field(description="Of ten, those that were not used yet.")
    demanded: bool = strawberry.field(description="True where this tenant demands one of every member.")
    stepped_up: bool = strawberry.field(description="True while this session needs no stepUp.")

    @classmethod
    def of(cls, view: view_two_factor.TwoFactorView) -> "TwoFactor":
        """The type of the value."""
        return cls(
            enabled=view.is_enabled,
            confirmed_at=view.confirmed_at,
            recovery_codes_left=view.recovery_codes_left,
            demanded=view.is_demanded,
            stepped_up=view.is_stepped_up,
        )


@strawberry.type
class TwoFactorEnrolmentPayload:
    """The answer of beginTwoFactor."""

    secret: str | None = strawberry.field(
        default=None, description="In base32, for authenticators that are typed into; never told again."
    )
    uri: str | None = strawberry.field(default=None, description="otpauth://, what the QR code holds.")
    qr_svg: str | None = strawberry.field(default=None, description="The QR code, a whole SVG document.")
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class RecoveryCodesPayload:
    """The answer of confirmTwoFactor and renewRecoveryCodes."""

    recovery_codes: list[str] = strawberry.field(
        default_factory=list, description="Ten, each good once in place of a code; never told again."
    )
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class DisableTwoFactorPayload:
    """The answer of disableTwoFactor."""

    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class StepUpPayload:
    """The answer of stepUp."""

    stepped_up_until: datetime | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class DemandTwoFactorPayload:
    """The answer of demandTwoFactor."""

    tenant: Tenant | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input
class VerifyTwoFactorInput:
    """A challenge of login, and what answers it."""

    challenge: str
    code: str = strawberry.field(description="Six digits of the authenticator, or a recovery code.")


@strawberry.input
class ConfirmTwoFactorInput:
    """The first code of an authenticator."""

    code: str


@strawberry.input
class DisableTwoFactorInput:
    """Both proofs of the person."""

    password: str
    code: str = strawberry.field(description="Six digits of the authenticator, or a recovery code.")


@strawberry.input
class StepUpInput:
    """The proof of the person: the code where there is a second factor, else the password."""

    code: str | None = strawberry.UNSET
    password: str | None = strawberry.UNSET


@strawberry.input
class DemandTwoFactorInput:
    """Whether every member of the tenant needs a second factor."""

    demanded: bool


@strawberry.type
class TwoFactorQuery:
    """Queries of the second factor."""

    @strawberry.field(
        description="How the viewer's second factor stands; null for an API key.",
        extensions=signed_in(serves_enrolment=True),
    )
    async def two_factor(self, info: Info) -> TwoFactor | None:
        """How the viewer's second factor stands."""
        if info.context.principal.session_id is None:
            return None
        return TwoFactor.of(await view_two_factor.view_two_factor(info.context.desk.door, info.context.principal))


@strawberry.type
class TwoFactorMutation:
    """Mutations of the second factor."""

    @strawberry.mutation(
        description="Finishes a login: the challenge that login answered, and a code. A wrong code comes back in "
        "errors, five end the challenge, and a challenge that does not hold is UNAUTHENTICATED.",
        extensions=public(),
    )
    async def verify_two_factor(self, info: Info, input: VerifyTwoFactorInput) -> LoginPayload:  # noqa: A002
        """Opens a session."""
        try:
            tokens = await verify_two_factor(
                info.context.desk.door, challenge=input.challenge, code=input.code, client=info.context.client
            )
        except OmsError as error:
            return LoginPayload(errors=user_errors(error))
        return LoginPayload(tokens=TokenPair.of(tokens, info.context))

    @strawberry.mutation(
        description="A secret for an authenticator, for fifteen minutes; confirmTwoFactor makes it count.",
        extensions=signed_in(step_up=True, serves_enrolment=True),
    )
    async def begin_two_factor(self, info: Info) -> TwoFactorEnrolmentPayload:
        """Begins an enrolment."""
        try:
            enrolment = await begin_two_factor(info.context.desk.door, info.context.principal)
        except OmsError as error:
            return TwoFactorEnrolmentPayload(errors=user_errors(error))
        return TwoFactorEnrolmentPayload(secret=enrolment.secret, uri=enrolment.uri, qr_svg=_qr_of(enrolment.uri))

    @strawberry.mutation(
        description="Makes the authenticator the viewer's second factor, by its first code.",
        extensions=signed_in(serves_enrolment=True),
    )
    async def confirm_two_factor(self, info: Info, input: ConfirmTwoFactorInput) -> RecoveryCodesPayload:  # noqa: A002
        """Ends an enrolment."""
        try:
            codes = await confirm_two_factor(info.context.desk.door, info.context.principal, input.code)
        except OmsError as error:
            return RecoveryCodesPayload(errors=user_errors(error))
        return RecoveryCodesPayload(recovery_codes=codes)

    @strawberry.mutation(
        description="Ten new recovery codes; those before are void.", extensions=signed_in(step_up=True)
    )
    async def renew_recovery_codes(self, info: Info) -> RecoveryCodesPayload:
        """Replaces the recovery codes."""
        try:
            codes = await renew_recovery_codes(info.context.desk.door, info.context.principal)
        except OmsError as error:
            return RecoveryCodesPayload(errors=user_errors(error))
        return RecoveryCodesPayload(recovery_codes=codes)

    @strawberry.mutation(
        description="Takes the second factor away. Password and code are asked here, so that no step-up is.",
        extensions=signed_in(),
    )
    async def disable_two_factor(self, info: Info, input: DisableTwoFactorInput) -> DisableTwoFactorPayload:  # noqa: A002
        """Ends a second factor."""
        try:
            await disable_two_factor(
                info.context.desk.door, info.context.principal, password=input.password, code=input.code
            )
        except OmsError as error:
            return DisableTwoFactorPayload(errors=user_errors(error))
        return DisableTwoFactorPayload()

    @strawberry.mutation(
        description="Proves for ten minutes that this session is its person's: by a code where there is a second "
        "factor, else by the password. To have just signed in counts as well.",
        extensions=signed_in(serves_enrolment=True),
    )
    async def step_up(self, info: Info, input: StepUpInput) -> StepUpPayload:  # noqa: A002
        """Steps up."""
        try:
            until = await step_up(
                info.context.desk.door,
                info.context.principal,
                code=input.code or None,
                password=input.password or None,
            )
        except OmsError as error:
            return StepUpPayload(errors=user_errors(error))
        return StepUpPayload(stepped_up_until=until)

    @strawberry.mutation(
        description="Demands a second factor of every member, or no more: who has none can then only set one up, and "
        "so loses within seconds what was open. API keys go on. Who demands it has one.",
        extensions=scoped(Scope.ADMIN_TENANT, step_up=True),
    )
    async def demand_two_factor(self, info: Info, input: DemandTwoFactorInput) -> DemandTwoFactorPayload:  # noqa: A002
        """Sets the demand."""
        try:
            tenant = await demand_two_factor(info.context.desk.door, info.context.principal, is_demanded=input.demanded)
        except OmsError as error:
            return DemandTwoFactorPayload(errors=user_errors(error))
        return DemandTwoFactorPayload(tenant=Tenant.of(tenant))


def _qr_of(uri: str) -> str:
    # With its namespace, or no browser shows it as an image of its own, and on white, or none reads it on a dark page.
    drawn = io.BytesIO()
    segno.make_qr(uri, error="m").save(
        drawn, kind="svg", scale=QR_SCALE, light="#fff", xmldecl=False, svgns=True, nl=False
    )
    return drawn.getvalue().decode()
