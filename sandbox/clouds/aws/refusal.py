"""What AWS answers to a request that it does not carry out."""

from moto.core.exceptions import ServiceException


class Refusal(ServiceException):
    """An error of an AWS API; the HTTP status follows from the code, by the service's model.

    Attributes:
        code: what boto3 raises as `Error.Code`.
        message: what it shows as `Error.Message`.
    """

    def __init__(self, code: str, message: str) -> None:
        """Keep the error code and the message that the client gets to see."""
        super().__init__(code, message)
        self.code = code
        self.message = message


def raise_if(refusal: Refusal | None) -> None:
    """Raise the refusal that a rule returned, if it returned one."""
    if refusal:
        raise refusal
