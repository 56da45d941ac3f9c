from tests.gateway.http.conftest import folder, furnished, world

__all__ = ["folder", "furnished", "world"]
