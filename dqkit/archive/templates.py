"""The templates of the last series, and when a file is recorded to make another."""

from dqkit.archive.header import Header, Pread
from dqkit.archive.template import Recorded, Template, template_of

_TEMPLATES = 4
"""Templates tried in turn: files of several series lie mixed in a folder."""

_TRIES, _WORTH_IT, _MOST_PATIENT = 6, 16, 64
"""Files recorded one after the other before patience with strange files grows; files that templates must read for it
to shrink again; and the most strange files between two recordings. An archive without series costs next to nothing."""

_GOES_ON = 12
"""Files of one series in a row that end patience: to record two takes as long as walking seven more."""


class Templates:
    """Reads files by the templates of the last series.

    Attributes
    ----------
    due
        Whether the present file is to be recorded.
    """

    def __init__(self) -> None:
        self._known: list[Template] = []
        self.due = True
        self._served = self._strange = self._tries = 0
        self._patience = 1
        self._series: bytes | None = None
        self._in_a_row = 0

    def read(self, pread: Pread, size: int, start: bytes) -> Header | None:
        """Read a file that begins with `start`; None where it must be walked.

        Raises
        ------
        UnusualError
            pydicom must read it.
        """
        for index, template in enumerate(self._known):
            header = template.read(pread, size, start)
            if header is not None:
                self._served += 1
                if index:
                    self._known.insert(0, self._known.pop(index))
                return header
        self._strange += 1
        self.due = self._strange >= self._patience
        return None

    def heed(self, series: bytes | None) -> None:
        """Note the SeriesInstanceUID of a file that was walked: patience ends where a series goes on."""
        self._in_a_row = self._in_a_row + 1 if series == self._series else 1
        self._series = series
        if series is not None and self._in_a_row == _GOES_ON and self._patience > 1:
            self._tries, self._patience, self.due = _TRIES - 1, 1, True

    def learn(self, recorded: Recorded | None) -> None:
        """Make a template of a file that was recorded; None where it cannot be one."""
        self._tries = 0 if self._served >= _WORTH_IT else self._tries + 1
        self._patience = 1 if self._tries < _TRIES else min(2 << (self._tries - _TRIES), _MOST_PATIENT)
        self._served = self._strange = 0
        self.due = False
        if recorded is None:
            return
        before = self._like(recorded)
        same = before is not None and before.recorded.series == recorded.series
        changing = before.changing if before else frozenset[int]()
        if before and same:
            changing |= recorded.changed_since(before.recorded)
        template = template_of(recorded, changing)
        if template:
            others = [other for other in self._known if other is not before or not same]
            self._known = [template, *others][:_TEMPLATES]

    def _like(self, recorded: Recorded) -> Template | None:
        """Return a template of the same elements, if there is one: of the same series if possible."""
        alike = [template for template in self._known if template.recorded.keys == recorded.keys]
        return max(alike, key=lambda template: template.recorded.series == recorded.series, default=None)
