"""The effect of an action on one request: a replaced response, a changed delivery, ended sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from sfr.emulator.http.delivery import Delivery
from sfr.emulator.http.request import Request
from sfr.emulator.http.responses import Response


@dataclass(frozen=True, slots=True)
class Scene:
    """The input of an action. url: the org's own address, as seen by this client."""

    request: Request
    url: str


@dataclass(frozen=True, slots=True)
class Effect:
    """response: None = the org's own response. ends_sessions: all sessions end first."""

    response: Response | None = None
    delivery: Delivery = field(default_factory=Delivery)
    ends_sessions: bool = False


class Action(Protocol):
    """A fault that a scenario can inject. Implementations are frozen dataclasses; their fields are the options."""

    def effect(self, scene: Scene, /) -> Effect:
        """The effect on this request."""
