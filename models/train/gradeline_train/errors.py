"""The one error that a user of the training reads."""


class TrainingError(Exception):
    """Says what was found and what was wanted; ``hint`` says what to do.

    The command line prints both and exits with 1; anything else that is raised is a bug and keeps its traceback.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
