"""``python -m gradeline_train``."""

from .cli import main

if __name__ == "__main__":
    main()
