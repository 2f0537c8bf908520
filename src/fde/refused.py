"""The one exception meant for a person."""


class Refused(Exception):  # noqa: N818 - not an error of the program
    """Something cannot be done. str() is all a person needs: what happened, where, what to do. Nothing was changed."""
