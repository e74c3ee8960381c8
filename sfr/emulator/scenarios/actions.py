"""The registry of actions by name; builds an action from a scenario's options."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType, UnionType
from typing import Any, Literal, cast

from sfr.emulator.scenarios import body_actions, pace_actions, response_actions
from sfr.emulator.scenarios.effects import Action

ACTIONS: Mapping[str, type[Action]] = MappingProxyType(
    {
        "answer": body_actions.Faultless,
        "refuse": body_actions.Refuse,
        "reset": body_actions.Reset,
        "close": body_actions.Close,
        "short_length": body_actions.ShortLength,
        "content_length": body_actions.ContentLength,
        "cut_gzip": body_actions.CutGzip,
        "spoilt_gzip": body_actions.SpoiltGzip,
        "cut_content": body_actions.CutContent,
        "close_delimited": body_actions.CloseDelimited,
        "encoding": body_actions.Encoding,
        "plain": body_actions.Plain,
        "delay": pace_actions.Delay,
        "stall": pace_actions.Stall,
        "trickle": pace_actions.Trickle,
        "endless": pace_actions.Endless,
        "gzip_bomb": pace_actions.GzipBomb,
        "empty": response_actions.Empty,
        "html": response_actions.Html,
        "redirect": response_actions.Redirect,
        "oauth_error": response_actions.OAuthError,
        "status": response_actions.Status,
        "lose_sessions": response_actions.LoseSessions,
    }
)


class ScenarioError(ValueError):
    """A scenario is invalid; the text says what is wrong and what is expected."""


def make_action(name: str, options: Mapping[str, Any]) -> Action:
    """Make the action with these options. Raises ScenarioError for unknown names or options and for wrong types."""
    kind = ACTIONS.get(name)
    if kind is None:
        raise ScenarioError(f"action: one of {', '.join(ACTIONS)} is expected, not {name!r}")
    return cast("Action", build(kind, options, f"action {name}"))


def build(kind: type[Any], options: Mapping[str, Any], what: str) -> Any:
    """Make a dataclass instance from a mapping, checking field types. Raises ScenarioError."""
    hints = typing.get_type_hints(kind)
    known = {field.name for field in fields(kind)}
    for key, value in options.items():
        if key not in known:
            expected = ", ".join(sorted(known)) or "no option"
            raise ScenarioError(f"{what}: unknown option {key!r}; expected: {expected}")
        if not _fits(value, hints[key]):
            raise ScenarioError(f"{what}: {key}: {value!r} does not fit; expected: {_type_text(hints[key])}")
    try:
        return kind(**options)
    except ValueError as error:
        raise ScenarioError(f"{what}: {error}") from None


def _fits(value: object, hint: Any) -> bool:
    origin = typing.get_origin(hint)
    if origin is Literal:
        return value in typing.get_args(hint)
    if origin in (UnionType, typing.Union):
        return any(_fits(value, part) for part in typing.get_args(hint))
    if hint is type(None):
        return value is None
    if origin in (tuple, frozenset):
        return isinstance(value, (tuple, list, frozenset, set))
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is Action:
        return hasattr(value, "effect")
    return isinstance(value, hint) if isinstance(hint, type) else True


def _type_text(hint: Any) -> str:
    if typing.get_origin(hint) is Literal:
        return " or ".join(map(repr, typing.get_args(hint)))
    return getattr(hint, "__name__", None) or str(hint)
