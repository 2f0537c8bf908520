"""Who has the board open: a signed cookie that dies with the hub's session, and what only the board remembers."""

import secrets
from dataclasses import dataclass

from itsdangerous import BadSignature, Signer, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from workshop.hub import Person
from workshop.oauth import SignIn, same, session_is

COOKIE = "board"
SECONDS = 3600  # then the page signs in again by itself
MOST_TOKENS = 50


@dataclass(frozen=True)
class Visitor:
    """Somebody at a browser. key: of this one sign-in; form: what each form carries, so that no other page sends it."""

    name: str
    instructor: bool
    key: str
    form: str


class Sessions:
    """Makes and reads the board's cookies. A cookie names its owner; the instructor's token of the hub stays here."""

    def __init__(self, sign_in: SignIn) -> None:
        secret = sign_in.service.secret
        self.sign_in, self.cookies = sign_in, URLSafeTimedSerializer(secret, salt="board")
        self.forms, self.tokens = Signer(secret, salt="board-form"), dict[str, str]()

    def begin(self, response: Response, person: Person, token: str) -> None:
        """Let a person in, by a cookie of this answer."""
        key = secrets.token_urlsafe(24)
        if person.admin:  # an attendee does nothing here, so nothing is kept to do it with
            self.tokens[key] = token
            for oldest in list(self.tokens)[:-MOST_TOKENS]:
                del self.tokens[oldest]
        self.sign_in.keep(response, COOKIE, self.cookies.dumps([person.name, person.admin, person.session, key]))

    def of(self, request: Request) -> Visitor | None:
        """Who sends this. None: nobody, no longer, or an instructor whose token went with a former board."""
        try:
            name, instructor, session, key = self.cookies.loads(request.cookies.get(COOKIE, ""), max_age=SECONDS)
        except BadSignature:
            return None
        if not session_is(request, session) or (instructor and key not in self.tokens):
            return None
        return Visitor(name, instructor, key, self.forms.get_signature(key).decode())

    def token(self, visitor: Visitor) -> str:
        """The token of the hub by which the board acts for an instructor."""
        return self.tokens[visitor.key]


def is_own_form(visitor: Visitor, shown: str) -> bool:
    """Whether a form was made for this visitor."""
    return same(visitor.form, shown)
