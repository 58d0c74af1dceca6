"""The candidate: one working copy that all sessions share (RFC 6241 section 8.3), in memory only; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promise.northbound.datastores.merge import merged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from promise.northbound.datastore import Node, Tree


class Candidate:
    """What is to become of the running configuration; without edits it is the running configuration itself.

    `author` is the session that edited it last, 0 when nobody has.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._nodes = tuple(nodes)
        self._edited: tuple[Tree, Tree] | None = None  # the running configuration that was edited, and what came of it
        self.author = 0

    def over(self, running: Tree) -> Tree:
        """Return the candidate as it stands now that this is the running configuration."""
        if self._edited is None:
            return running
        base, tree = self._edited
        if base != running:
            tree = merged(base, tree, running, self._nodes)
            self._edited = running, tree
        if tree == running:
            self.discard()
        return tree

    def edited(self, running: Tree) -> bool:
        """Tell whether it is different from the running configuration."""
        return self.over(running) != running

    def put(self, running: Tree, tree: Tree, author: int) -> None:
        """Let the candidate be this tree."""
        self._edited, self.author = (running, tree), author

    def committed(self, tree: Tree) -> None:
        """Note that this is in force: only what was edited since is still different."""
        if self._edited is not None:
            self.put(tree, self._edited[1], self.author)
            self.over(tree)

    def discard(self) -> None:
        """Let it be the running configuration again."""
        self._edited, self.author = None, 0
