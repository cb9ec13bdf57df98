from __future__ import annotations

from hypothesis import settings

# Machines that run tests are shared: how long one example takes says nothing.
settings.register_profile("backstay", deadline=None)
settings.load_profile("backstay")
