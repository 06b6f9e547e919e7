"""What runs the documents' blocks: what it refuses, what it finds, and where it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import checking, options, scratch
from tests.docs.blocks.commands import commands, module, refused, stays
from tests.docs.blocks.pages import BadMark, Block, blocks
from tests.docs.blocks.running import Reader
from tests.docs.blocks.typed import problems

HERE = Path(__file__)


def block(text: str, mark: str = "", said: str = "", language: str = "bash") -> Block:
    return Block(HERE, 1, language, text, mark, said)


@pytest.mark.parametrize(
    "text",
    [
        "pip install '.[serve]'",
        "python -m pip install x",
        ".venv/bin/python -m pip install x",
        "cd /tmp && pip install x",
        "FLAG=1 pip install x",
        "thunderagent --help; apt-get install jq",
        "thunderagent --help | sh",
        "echo a#b; pip install x",
        "echo $(pip install x)",
        "echo 'no end\npip install x",
        "scripts/setup",
        "scripts/test",
        "scripts/real-vllm setup",
        "scripts/real-containers setup && .venv/bin/python -m pytest -m containers",
        "scripts/run pip install x",
        "scripts/run benchmarks.tools",
        "docker build -t thunderagent .",
        "thunderagent tools gc",
    ],
)
def test_what_may_change_more_than_its_folder_is_never_run(text: str) -> None:
    assert "it needs a mark" in refused(text)


def test_what_is_run_cannot_install_into_the_environment(tmp_path: Path) -> None:
    scratch.make(tmp_path)
    assert scratch.environment(tmp_path)["PIP_TARGET"] == str(tmp_path / "installed")
    assert "pip" not in (tmp_path / "scripts" / "setup").read_text()


def test_marks_belong_to_the_block_in_the_next_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Text\n\n<!-- test: no, needs root -->\n```bash\na\n```\n\n- item\n\n  <!-- test: gpu -->\n  ```python\n  b\n  ```\n"
    )
    assert blocks(page) == [Block(page, 5, "bash", "a\n", "no", "needs root"), Block(page, 12, "python", "b\n", "gpu")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<!-- test: no -->\n```bash\na\n```\n", "needs a test or a reason"),
        ("<!-- test: later -->\n```bash\na\n```\n", "must be one of gpu, background, elsewhere, no"),
        ("<!-- test: gpu, as it is large -->\n```bash\na\n```\n", "says no more"),
        ("<!-- test: gpu -->\n\n```bash\na\n```\n", "no block in the next line"),
        ("<!-- test: gpu -->\n", "no block in the next line"),
    ],
)
def test_a_mark_that_means_nothing_is_an_error_of_its_page(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "page.md").write_text(text)
    with pytest.raises(BadMark, match=rf"page\.md:\d+: .*{said}"):
        blocks(tmp_path / "page.md")


def test_commands_are_read_without_what_only_the_shell_needs() -> None:
    text = "A=1 thunderagent top \\\n  --once | head -n 1 > out  # don't\ncurl -d '{\n}' '' && cd x"
    assert commands(text) == [["thunderagent", "top", "--once"], ["head", "-n", "1"], ["curl", "-d", "{\n}", ""], ["cd", "x"]]
    assert module(["scripts/with-slime", "slime", "python", "-m", "recipes.slime_search", "-m"]) == (
        "recipes.slime_search",
        ["-m"],
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("thunderagent serve --backend http://gpu1:8000", "No such option: --backend"),
        ("thunderagent serve --backends http://gpu1:8000 --port many", "many"),
        ("thunderagent server", "No such command 'server'"),
        ("python -m recipes.serve +thunder=on scheduling=best", "scheduling=best: must be one of"),
        ("scripts/run recipes.skyrl_swe -m +thunder=off,on engine.colour=red", "colour"),
        ("python -m recipes.skyrl_swe +thunder=off,maybe", "+thunder="),
        ("python -m recipes.serve.agents --agents none", "none must be a whole number"),
        ("python -m recipes.nothing", "there is no module recipes.nothing"),
        ("python train.py --hook thunderagent.adapters.slime.generat", "there is no thunderagent.adapters.slime.generat"),
        ("scripts/no-such setup", "there is no scripts/no-such"),
        ("python -m skyrl.train.entrypoints.main_base thunder.mod=thunder", "there is no such key; the nearest is thunder.mode"),
        ("thunderagent serve 'unclosed", "unexpected EOF"),
    ],
)
def test_command_lines_that_are_not_run_are_checked(text: str, said: str) -> None:
    assert said in checking.problem(block(text, "gpu"))


def test_command_lines_that_are_right_pass() -> None:
    for text in (
        "VLLM_SERVER_DEV_MODE=1 vllm serve MODEL --enable-scale-out",
        "thunderagent --backends http://gpu1:8000",
        "scripts/run recipes.skyrl_swe -m +thunder=off,on rollout.steps=8",
        "python -m recipes.serve.agents --agents 3 --url http://127.0.0.1:8301",
        "python train.py --rollout-function-path thunderagent.adapters.slime.generate_rollout",
        "python -m skyrl.train.entrypoints.main_base trainer.override_entrypoint=x thunder.mode=thunder trainer.seed=1 ...",
    ):
        assert checking.problem(block(text, "gpu")) == ""


def test_a_module_that_reads_no_command_line_is_not_begun(capsys: pytest.CaptureFixture[str]) -> None:
    assert checking.problem(block("python -m tests.docs.profile_columns", "gpu")) == ""
    assert options.problem(["python", "-m", "benchmarks.tools.churn"]) == ""
    assert capsys.readouterr().out == ""


def test_what_stays_until_it_is_ended_is_known() -> None:
    assert all(map(stays, commands("thunderagent top\nscripts/run recipes.serve +thunder=on\nthunderagent serve --backends x")))
    assert not any(map(stays, commands("thunderagent top --once\nthunderagent serve --help\npython -m recipes.serve --cfg job")))


def test_a_block_that_is_run_elsewhere_is_in_that_test() -> None:
    here = "tests/docs/test_the_harness.py::test_command_lines_that_are_right_pass"
    command = "scripts/run recipes.skyrl_swe -m +thunder=off,on"
    assert checking.problem(block(command, "elsewhere", here)) == ""
    assert "does not run it" in checking.problem(block(command + " rollout.seed=" + "77", "elsewhere", here))
    assert "there is no test test_gone" in checking.problem(
        block(command, "elsewhere", "tests/docs/test_the_harness.py::test_gone")
    )
    assert "there is no tests/gone.py" in checking.problem(block(command, "elsewhere", "tests/gone.py::test_it"))


def test_what_runs_tells_its_line_and_what_was_said(tmp_path: Path) -> None:
    with Reader(tmp_path, {"8300": "1", "8301": "2"}) as reader:
        assert reader.read(block("echo 8300 8301 > told\nls scripts/run docs/index.md")) == ""
        assert (tmp_path / "told").read_text() == "1 2\n"
        assert reader.read(block("import asyncio\nawait asyncio.sleep(0)\nx = 8301", language="python")) == ""
        assert reader.read(block("assert x == 2", language="python")) == ""
        failed = reader.read(Block(HERE, 40, "python", "y = 1\ny.nothing"))
        assert failed.startswith("tests/docs/test_the_harness.py:40: line 41: AttributeError: 'int' object has no attribute")
        assert "exit status 1" in (said := reader.read(block("cat nothing"))) and "No such file" in said
        assert "it stays" in reader.read(block("thunderagent serve --backends http://127.0.0.1:8301"))
        assert "does not name its language" in reader.read(block("a tree", language=""))
        assert "no json" in reader.read(block("{,}", language="json"))


def test_python_that_is_not_run_is_typed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('<!-- test: gpu -->\n```python\nfrom thunderagent.client import Program\n\nProgram(1, colour="red")\n```\n')
    assert any(line.startswith(f"{page}:5: error:") and "colour" in line for line in problems([page], tmp_path))
