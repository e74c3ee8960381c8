"""The effect of an action on one request: a replaced response, a changed delivery, ended sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from sfr.emulator.http.delivery import Delivery
from sfr.emulator.http.request import Request
from sfr.emulator.http.responses import Response


@dataclass(frozen=True, slots=True)
class Scene:
    """What an action may look at. url: the org's own address, as this client knows it."""

    request: Request
    url: str


@dataclass(frozen=True, slots=True)
class Effect:
    """answer: None = what the org would answer anyway. ends_sessions: all sessions end before that."""

    response: Response | None = None
    delivery: Delivery = field(default_factory=Delivery)
    ends_sessions: bool = False


class Action(Protocol):
    """A fault that a scenario can order. Implementations are frozen dataclasses; their fields are the options."""

    def effect(self, scene: Scene, /) -> Effect:
        """What it does to this request."""
