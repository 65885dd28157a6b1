"""What the plane does not accept, as an exception that carries the answer."""


class Refusal(Exception):
    """A request that is not accepted. A violation is one that a correct agent would never have sent."""

    def __init__(self, status, reason, installation="", violation=False):
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.installation = installation
        self.violation = violation
