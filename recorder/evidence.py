"""What is left of one session of a damaged recording: rows that can be trusted, rows that may be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from recorder import chain
from recorder.commits import Commit, Link, commits, end_row, links
from recorder.remains import Remains


class Evidence:
    """The remains of one session, and its hash chain.

    Args:
        number: Its number.
        trusted: Rows that are what was written; None if there are none.
        doubtful: Rows that may be wrong; None if they are not needed.

    Attributes:
        sources: The remains that are there, those that can be trusted first.
        chain: The remains that hold the better chain.
        is_chain_whole: Whether every row of the chain could be read.
    """

    def __init__(self, number: int, trusted: Remains | None, doubtful: Remains | None) -> None:
        self.number = number
        self.trusted = trusted
        self.doubtful = doubtful
        self.sources = [each for each in (trusted, doubtful) if each is not None]
        self.is_chain_whole = trusted is not None and not trusted.unreadable["chain"]
        self.chain = trusted if self.is_chain_whole or doubtful is None else doubtful

    def pairs(self) -> Iterator[tuple[Commit | None, Commit | None]]:
        """Yield each commit as it can be trusted, and as it may be."""
        return zip_longest(self._commits(self.trusted), self._commits(self.doubtful))

    def last_link(self) -> Link | None:
        """Return the last commit that the chain knows."""
        last = None
        if self.chain is not None:
            for link in links(self.chain.connect, self.number):
                last = link
        return last

    def vouches_for(self, seed: bytes) -> bool:
        """Tell whether what came after it vouches for the first digest of the session."""
        for pair in self.pairs():
            if any(each is not None and each.fits(seed) for each in pair):
                return True
            break
        ends = [end_row(each.connect, self.number) for each in self.sources]
        return any(end is not None and chain.last_digest(seed, end[0]) == end[1] for end in ends)

    def has_fitting_commit(self, seed: bytes | None) -> bool:
        """Tell whether any commit among the doubtful rows is what was committed."""
        before = seed
        for commit in self._commits(self.doubtful):
            if commit.link is not None:
                if before is not None and commit.fits(before):
                    return True
                before = commit.link.digest
        return False

    def partial(self, table: str, *needed: str) -> tuple[dict[str, Any] | None, list[str]]:
        """Return what can be trusted of a row, and the names of what is lost; None if too much is."""
        found = None if self.trusted is None else self.trusted.partial(table, self.number)
        if found is None or any(found[0].get(name) is None for name in needed):
            return None, []
        return found

    def _commits(self, remains: Remains | None) -> Iterator[Commit]:
        if remains is None or self.chain is None:
            return iter(())
        return commits(remains.connect, self.number, links(self.chain.connect, self.number))
