"""The walls between the broker accounts of a tenant, for who is restricted to some of them."""

# The role works under all policies of oms_app, and under these besides. A table that belongs to accounts in another
# way than by its column account_id is named in WALLS; a row without an account is of the whole tenant, for all to see.
_SEEN = "(SELECT nullif(current_setting('app.account_ids', true), '')::uuid[]) @> ARRAY[{column}]"
_OF_ORDER = "EXISTS (SELECT FROM orders AS o WHERE o.tenant_id = {table}.tenant_id AND o.id = {table}.order_id)"
WALLS = {
    "broker_accounts": _SEEN.format(column="id"),
    "order_approvals": _OF_ORDER.format(table="order_approvals"),
    "order_requests": _OF_ORDER.format(table="order_requests"),
}


def wall(table: str, *, is_nullable: bool = False) -> str:
    """The statement that closes a table between accounts."""
    own = WALLS.get(table, _SEEN.format(column="account_id"))
    seen = f"account_id IS NULL OR {own}" if is_nullable else own
    return f"CREATE POLICY granted ON {table} AS RESTRICTIVE TO oms_granted USING ({seen}) WITH CHECK ({own})"
