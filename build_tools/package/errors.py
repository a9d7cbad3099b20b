"""What can go wrong with a package, in one class."""


class PackageError(Exception):
    """The package could not be built; the message says what to do."""
