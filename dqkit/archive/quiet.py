"""pydicom warns and logs with values of the file in its messages: nothing of it may be seen."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_pydicom() -> Iterator[list[warnings.WarningMessage]]:
    """Keep pydicom's warnings and log lines to ourselves; gives the list of the warnings."""
    logger = logging.getLogger("pydicom")
    was_disabled = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield caught
    finally:
        logger.disabled = was_disabled
