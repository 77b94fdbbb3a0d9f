"""What may go wrong with an embedded server."""

from app.core.errors import OmsError


class EmbeddedServerError(OmsError):
    """An embedded server cannot be prepared or started; the message is one line that says what to do."""

    code = "EMBEDDED_SERVER_FAILED"
