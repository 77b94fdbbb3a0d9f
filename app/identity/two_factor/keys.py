"""What second factors are sealed under: people belong to no tenant, so each has a data key of their own."""

from app.core.ids import UserId
from app.identity.repository import AnySession
from app.identity.two_factor import repository
from app.identity.two_factor.repository import SecondFactor
from app.infra.db import WriteSession
from app.infra.vault import Vault, WrappedKey


def sealed_secret(vault: Vault, user_id: UserId, secret: str) -> tuple[WrappedKey, bytes]:
    """The secret sealed under a new data key of the person's, and that key as it is stored."""
    key, wrapped = vault.new_data_key(_purpose(user_id))
    return wrapped, key.seal(secret, *_place(user_id))


def opened_secret(vault: Vault, factor: SecondFactor) -> str:
    """The secret. Raises SecretUnreadableError."""
    return vault.data_key(factor.wrapped_key, _purpose(factor.user_id)).open(
        factor.sealed_secret, *_place(factor.user_id)
    )


async def rewrap(session: WriteSession, vault: Vault, user_id: UserId) -> bool:
    """Wraps the person's data key by the current master key; False where that was done, or there is none.

    Raises SecretUnreadableError.
    """
    factor = await repository.second_factor_for_update(session, user_id)
    if factor is None or factor.wrapped_key.master_version == vault.current:
        return False
    await repository.rewrap_key(session, user_id, vault.rewrap(factor.wrapped_key, _purpose(user_id)))
    return True


async def reseal(session: WriteSession, vault: Vault, user_id: UserId) -> bool:
    """Seals the person's secret under a new data key; False where there is none. Raises SecretUnreadableError."""
    factor = await repository.second_factor_for_update(session, user_id)
    if factor is None:
        return False
    wrapped, sealed = sealed_secret(vault, user_id, opened_secret(vault, factor))
    await repository.reseal_secret(session, user_id, wrapped, sealed)
    return True


async def master_version(session: AnySession, user_id: UserId) -> str | None:
    """The version of the master key that the person's data key is wrapped by; None where there is no such key."""
    factor = await repository.second_factor(session, user_id)
    return None if factor is None else factor.wrapped_key.master_version


def _purpose(user_id: UserId) -> str:
    return f"person {user_id}"


def _place(user_id: UserId) -> tuple[str, ...]:
    return "second_factors", str(user_id), "secret"
