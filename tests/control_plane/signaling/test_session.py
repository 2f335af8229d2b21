"""The signaling session: text in, decisions out."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from control_plane.errors import NotFound
from control_plane.signaling.messages import CLIENT_MESSAGE, SERVER_MESSAGE, Chat, CloseCode, DoneResult, Join
from control_plane.signaling.session import Close, Dispatch, Limits, Output, Send, Session

LIMITS = Limits(frame=1000, rate=10, burst=5, strikes=3, malformed=3)


@pytest.fixture
def session() -> Session:
    return Session(allowed=(Join, Chat), limits=LIMITS)


def text(**message: Any) -> str:
    return json.dumps(message)


def sent(output: Output) -> dict[str, Any]:
    assert isinstance(output, Send)
    SERVER_MESSAGE.validate_json(output.text)
    answer: dict[str, Any] = json.loads(output.text)
    return answer


def test_a_request_is_handed_on(session: Session) -> None:
    [output] = session.receive(text(type="chat", id=1, text="hello"), now=1)
    assert output == Dispatch(Chat(type="chat", id=1, text="hello"))


def test_unknown_fields_are_ignored(session: Session) -> None:
    [output] = session.receive(text(type="chat", text="hello", colour="red"), now=1)
    assert isinstance(output, Dispatch)


@pytest.mark.parametrize("garbage", ["", "{", "[]", "null", "42", '"x"', "\x00", "[" * 900, "{}", '{"type": 3}'])
def test_garbage_gets_an_error_and_the_session_goes_on(session: Session, garbage: str) -> None:
    error = sent(session.receive(garbage, now=1)[0])
    assert error["code"] in {"invalid_request", "unknown_type"}
    assert isinstance(session.receive(text(type="chat", text="still here"), now=1)[0], Dispatch)


def test_an_unknown_type_is_named_as_such(session: Session) -> None:
    error = sent(session.receive(text(type="teleport", id=9), now=1)[0])
    assert (error["code"], error["id"]) == ("unknown_type", 9)


def test_an_invalid_request_learns_which_field_and_keeps_its_id(session: Session) -> None:
    error = sent(session.receive(text(type="chat", id=4, text=7), now=1)[0])
    assert (error["code"], error["id"]) == ("invalid_request", 4)
    assert error["message"].startswith("text:")


def test_an_error_never_repeats_what_was_sent(session: Session) -> None:
    error = sent(session.receive(text(type="join", id=4, token=["s3cret"]), now=1)[0])
    assert "s3cret" not in json.dumps(error)


@pytest.mark.parametrize("request_id", ["x", -1, 1.5, True, 2**60, None, {"a": 1}])
def test_an_id_that_is_none_is_not_echoed(session: Session, request_id: object) -> None:
    error = sent(session.receive(text(type="chat", id=request_id, text=7), now=1)[0])
    assert "id" not in error


def test_what_the_connection_has_no_handler_for_is_not_allowed(session: Session) -> None:
    error = sent(session.receive(text(type="leave", id=2), now=1)[0])
    assert (error["code"], error["id"]) == ("not_allowed", 2)


def test_an_oversized_frame_is_refused_before_it_is_parsed(session: Session) -> None:
    outputs = session.receive("[" * 1001, now=1)
    assert sent(outputs[0])["code"] == "too_large"
    assert outputs[1] == Close(CloseCode.TOO_LARGE, "message too large")


def test_a_flood_is_slowed_down_then_cut_off(session: Session) -> None:
    for _ in range(5):
        assert isinstance(session.receive(text(type="chat", text="x"), now=1)[0], Dispatch)
    error = sent(session.receive(text(type="chat", text="x"), now=1)[0])
    assert (error["code"], error["retryable"]) == ("rate_limited", True)
    assert error["retry_after_ms"] > 0
    session.receive(text(type="chat", text="x"), now=1)
    assert session.receive(text(type="chat", text="x"), now=1)[1] == Close(CloseCode.TOO_FAST, "too many messages")


def test_who_waits_may_go_on(session: Session) -> None:
    for _ in range(6):
        session.receive(text(type="chat", text="x"), now=1)
    assert isinstance(session.receive(text(type="chat", text="x"), now=1.2)[0], Dispatch)


def test_one_of_too_many_requests_still_learns_that_it_was_refused(session: Session) -> None:
    for _ in range(5):
        session.receive(text(type="chat", text="x"), now=1)
    assert sent(session.receive(text(type="chat", id=7, text="x"), now=1)[0])["id"] == 7
    quoted = text(type="chat", text='"id": 5}', id=8)
    assert sent(session.receive(quoted, now=1)[0])["id"] == 8


def test_mistakes_in_messages_do_not_add_up(session: Session) -> None:
    for second in range(10):
        outputs = [
            *session.receive(text(type="chat", text=7), now=second),
            *session.receive(text(type="x"), now=second),
        ]
        assert not any(isinstance(output, Close) for output in outputs)


def test_persistent_malformed_messages_end_the_connection(session: Session) -> None:
    outputs = [output for _ in range(3) for output in session.receive("{", now=1)]
    assert outputs[-1] == Close(CloseCode.PROTOCOL_ERROR, "too many malformed messages")


def test_a_ping_is_answered_without_a_handler(session: Session) -> None:
    [output] = session.receive(text(type="ping", id=3), now=1)
    assert sent(output) == {"type": "reply", "id": 3, "result": {"type": "pong"}}


def test_a_request_without_an_id_gets_no_reply_but_its_error(session: Session) -> None:
    assert session.reply(None, DoneResult()) is None
    assert json.loads(session.error(None, NotFound("It is not here.")))["code"] == "not_found"


def test_events_are_numbered_without_a_gap(session: Session) -> None:
    bodies = [json.loads(session.event('{"type":"track.ended","version":4}')) for _ in range(3)]
    assert [body["seq"] for body in bodies] == [1, 2, 3]
    assert bodies[0]["version"] == 4


def test_an_sdp_of_full_length_fits_into_a_frame() -> None:
    session = Session(allowed=(Chat,))
    message = text(
        type="description", epoch=1, pc="publisher", negotiation=1,
        description={"type": "offer", "sdp": "v=0\r\n" + "a=ssrc:1234567890 cname:abcdefghijklmn\r\n" * 4_990},
    )  # fmt: skip
    assert sent(session.receive(message, now=1)[0])["code"] == "not_allowed"


@pytest.mark.parametrize("name", ["Ann\u202egnp.exe", "Ann\u0007", "\u2066", "   ", "x" * 65])
def test_a_name_that_misleads_others_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        CLIENT_MESSAGE.validate_python({"type": "join", "token": "t", "name": name})
