"""How much of what failures said is shared: enough to read them, bounded for a run in which everything fails."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 4_096  # characters of one message
OF_A_RUN: Final = 262_144  # characters of all different messages of a run; of further ones only this much:
SHORT: Final = 256


class Caps:
    """The messages of one run, in a fixed order. What was capped before comes out as it is."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._left = OF_A_RUN

    def capped(self, text: str) -> str:
        """What is shared of `text`: beginning and end of a long one, its middle counted."""
        if text not in self._known:
            whole = shortened(text, LONGEST)
            if self._left >= len(whole):
                self._left -= len(whole)
            else:
                self._left = 0
                whole = shortened(text, SHORT)
            self._known[text] = whole
        return self._known[text]


def shortened(text: str, most: int) -> str:
    """At most `most` characters: two thirds of them from the beginning, the rest from the end."""
    if len(text) <= most:
        return text
    gap = f"\n[.. {len(text) - most:,} and more characters left out ..]\n"
    kept = most - len(gap)
    end = kept // 3
    return text[: kept - end] + gap + text[len(text) - end :]
