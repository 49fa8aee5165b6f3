"""What a person sees who has not installed the extra."""

from __future__ import annotations

import pytest

from actors.shell.terminal import needed


@pytest.mark.parametrize("command", ["shell", "top"])
def test_without_prompt_toolkit_there_is_one_line_with_the_cure(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(needed, "find_spec", lambda name: None)

    with pytest.raises(SystemExit) as exit_:
        needed.need_prompt_toolkit(command)

    assert exit_.value.code == 2
    assert capsys.readouterr().err == (
        f"actors: prompt-toolkit is not installed; `actors {command}` needs it: "
        "python -m pip install 'trio-actors[shell]'\n"
    )
