from __future__ import annotations

import pytest

from thunderagent.simulation.presets import PRESETS
from thunderagent.simulation.spec import EngineSpec

BYTES_PER_S = 3.35e12 * 0.6
PCIE_BYTES_PER_S = 50e9
ACTIVATION_BYTES = 3.85e9


def test_the_presets_have_the_names_that_users_give() -> None:
    assert list(PRESETS) == ["32b-2xh100", "moe-8xh100", "8b-h100"]
    assert PRESETS["32b-2xh100"]() == EngineSpec.dense_32b_on_2xh100()


def test_the_moe_preset_follows_from_its_roofline() -> None:
    spec = PRESETS["moe-8xh100"]()
    kv_bytes_per_token = 2 * 94 * 4 * 128 * 2 * 2
    expert_bytes = 94 * 128 * 3 * 4096 * 1536
    touched = 1 - (1 - 8 / 128) ** 32

    assert 235e9 - expert_bytes == pytest.approx(8e9, rel=0.05)
    assert spec.decode_step_s == pytest.approx((8e9 + touched * expert_bytes) / (8 * BYTES_PER_S) + 0.009, rel=0.02)
    assert spec.decode_s_per_kv_token == pytest.approx(kv_bytes_per_token / (8 * BYTES_PER_S), rel=0.01)
    assert spec.prefill_tokens_per_s == pytest.approx(8 * 1979e12 * 0.12 / 44e9, rel=0.01)
    assert spec.kv_capacity_tokens == pytest.approx((576e9 - 235e9 - 8 * ACTIVATION_BYTES) / kv_bytes_per_token, rel=0.01)
    assert spec.host_tokens_per_s == pytest.approx(8 * PCIE_BYTES_PER_S / kv_bytes_per_token, rel=0.01)


def test_the_8b_preset_follows_from_its_roofline() -> None:
    spec = PRESETS["8b-h100"]()
    kv_bytes_per_token = 36 * 8 * 128 * 2 * 2

    assert spec.decode_step_s == pytest.approx(16.4e9 / BYTES_PER_S + 0.003, rel=0.02)
    assert spec.decode_s_per_kv_token == pytest.approx(kv_bytes_per_token / BYTES_PER_S, rel=0.01)
    assert spec.prefill_tokens_per_s == pytest.approx(989e12 * 0.4 / 16.4e9, rel=0.01)
    assert spec.kv_capacity_tokens == pytest.approx((72e9 - 16.4e9 - ACTIVATION_BYTES) / kv_bytes_per_token, rel=0.01)
    assert spec.host_tokens_per_s == pytest.approx(PCIE_BYTES_PER_S / kv_bytes_per_token, rel=0.01)
