"""Why a section cannot tell, said once for one cause."""

from rollout.aws import AccountError


class NotToldError(Exception):
    """What a section needs was not told; another section says why."""


def account_reason(error: AccountError) -> str:
    """Return why AWS has no answer; of credentials only section `clouds` says more."""
    if error.is_of_credentials:
        return "It needs credentials of AWS: see section clouds."
    return f"AWS has no answer: {error}"
