"""Assertions in the support modules are explained like those in tests."""

import pytest

pytest.register_assert_rewrite("tests.adapters.gateway.reliability.world")
