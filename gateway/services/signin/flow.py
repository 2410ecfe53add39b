"""A sign-in under way."""

from typing import Self

from pydantic import model_validator

from gateway.services.signin.asked import ResponseType, Wish
from providers.base.errors import Invalid
from schemas.accounts import UserAccountType


class Flow(Wish):
    """One sign-in. `user_id` is the user that a secondary account goes to, `external_id` the checked identity that the
    user is to have; `verifier` is PKCE's, `redirect_uri` where the provider sends the browser back to."""

    application_id: int
    response_type: ResponseType = ResponseType.CODE
    user_id: int | None = None
    external_id: str | None = None
    verifier: str = ""
    redirect_uri: str = ""

    @model_validator(mode="after")
    def _response_fits(self) -> Self:
        if self.response_type not in _RESPONSES[self.role]:
            raise ValueError(f"responseType: {self.response_type} does not go with this kind of sign-in")
        return self


_RESPONSES = {
    None: (ResponseType.CODE, ResponseType.TOKEN),
    UserAccountType.PRIMARY: (ResponseType.COOKIE, ResponseType.CODE),
    UserAccountType.SECONDARY: (ResponseType.NONE,),
}


def response_type(asked: ResponseType | None, role: UserAccountType | None) -> ResponseType:
    """What is asked for, else the usual one; secondary accounts change nothing for the browser, whatever is asked.

    Raises `Invalid` for one that does not go with the kind of sign-in."""
    if role is UserAccountType.SECONDARY:
        return ResponseType.NONE
    chosen = asked or _RESPONSES[role][0]
    if chosen not in _RESPONSES[role]:
        offered = ", ".join(_RESPONSES[role])
        raise Invalid(f"{chosen} is not offered for this sign-in, only {offered}", path="responseType")
    return chosen
