"""Keeps the working directory off the module search path: others may be able to write there.

The program's own directory stays, since a checkout is run from where it lies.
"""

import os

#: The directory that the package lies in.
PROGRAM_DIRECTORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def without_working_directory(search_path: list[str]) -> list[str]:
    """The search path less the working directory, however it is written, unless the program lies there.

    Directories below it stay: a virtual environment often is one.
    """
    try:
        working_directory = os.path.realpath(os.getcwd())
    except OSError:  # it has been removed
        return [entry for entry in search_path if entry]
    is_program = working_directory == os.path.realpath(PROGRAM_DIRECTORY)
    found = []
    for entry in search_path:
        if os.path.realpath(entry) != working_directory:
            found.append(entry)
        elif is_program:
            found.append(PROGRAM_DIRECTORY)
    return found
