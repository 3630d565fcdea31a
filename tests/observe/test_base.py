from __future__ import annotations

from vivavoce.observe import SessionObserver
from vivavoce.protocol import ClientEvent, ResponseCreate, Unknown


def test_an_observer_writes_only_the_methods_it_needs() -> None:
    class Counting(SessionObserver):
        def __init__(self) -> None:
            self.count = 0

        def on_client_event(self, event: ClientEvent, now: float) -> None:
            self.count += 1

    observer = Counting()
    assert isinstance(observer, SessionObserver)
    observer.on_client_event(ResponseCreate(), 0.0)
    observer.on_server_event(Unknown(type="x", raw={}), 0.0)
    observer.on_session_event(object(), 0.0)
    observer.close(0.0)
    assert observer.count == 1


def test_any_object_with_the_methods_is_one() -> None:
    class Other:
        def on_client_event(self, event: object, now: float) -> None: ...
        def on_server_event(self, event: object, now: float) -> None: ...
        def on_session_event(self, event: object, now: float) -> None: ...
        def close(self, now: float) -> None: ...

    assert isinstance(Other(), SessionObserver)
    assert not isinstance(object(), SessionObserver)
