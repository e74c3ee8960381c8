"""Removes the working directory from the module search path, since other users may be able to write to it.

The program's own directory is kept, since a checkout is run in place.
"""

import os

#: The directory that contains the package.
PROGRAM_DIRECTORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def without_working_directory(search_path: list[str]) -> list[str]:
    """The search path without the working directory, however it is written, unless it contains the program.

    Subdirectories are kept: a virtual environment often is one.
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
