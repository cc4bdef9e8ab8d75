"""What a step that is one block of lines reads and writes whole, it does not load again."""

import re

from test_compiler_size import text_of

from steepest import nn
from steepest.compiler.emit.carried import carried

PLACES = {"%m1", "%m2"}


def test_a_place_read_and_written_whole_stays_in_a_register():
    lines = [
        "  %t1 = load <4 x float>, ptr %m2, align 1",
        "  %t2 = fadd <4 x float> %t1, %t1",
        "  store <4 x float> %t2, ptr %m2, align 1",
        "  %t3 = load <4 x float>, ptr %m2, align 1",
    ]
    before, head, inside = carried(lines, "step", PLACES)
    assert before == ["  %kept2first = load <4 x float>, ptr %m2, align 1"]
    assert head == ["  %kept2 = phi <4 x float> [%kept2first, %entry], [%t2, %step]"]
    assert inside == [
        "  %t1 = bitcast <4 x float> %kept2 to <4 x float>",
        *lines[1:3],
        "  %t3 = bitcast <4 x float> %t2 to <4 x float>",
    ]


def test_what_is_written_first_is_not_kept_between_steps():
    lines = ["  store float 0x0, ptr %m1, align 1", "  %t1 = load float, ptr %m1, align 1"]
    assert carried(lines, "step", PLACES) == (
        [],
        [],
        [lines[0], "  %t1 = bitcast float 0x0 to float"],
    )


def test_what_is_seen_in_another_way_as_well_is_loaded():
    load = "  %t1 = load float, ptr %m1, align 1"
    for other in (
        "  %t2 = getelementptr float, ptr %m1, i64 1",  # a part of it
        "  %t2 = load <4 x float>, ptr %m1, align 1",  # more than the one number
        "  store i32 0, ptr %m1, align 1",
        "  %t2 = getelementptr i8, ptr %memory, i64 64",  # maybe to the same place
    ):
        assert carried([load, other], "step", PLACES) == ([], [], [load, other])
    assert carried([load], "join3", PLACES) == ([], [], [load])  # there are branches in between
    assert carried([load], "step", {"%m2"}) == ([], [], [load])  # a part of it has its own pointer


def test_the_weights_of_a_linear_model_are_loaded_once():
    text = text_of(nn.Linear(13, 1), nn.MSELoss(), batch=10)
    step = text[text.index("step:\n") :]
    assert len(re.findall(r"= phi <16 x float>", step)) == 3  # the weights and Adam's two averages
    assert not re.findall(r"load <16 x float>, ptr %m\d+,", step)
