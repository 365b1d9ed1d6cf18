"""What a notebook shows before anybody runs it."""

import base64
import copy
import io
import json
import random
import sys
from typing import Any

import nbformat
import pytest
from nbformat import v4
from PIL import Image, ImageDraw

import otgen_lite as otg
from tools import notebooks

from .conftest import EXTENSIONS, ROOT, SmallBook

sys.path.append(str(EXTENSIONS))

import colab_outputs

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def png(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG", **options)
    return file.getvalue()


def drawing(width: int = 1300, height: int = 600, mode: str = "RGBA") -> Image.Image:
    """Lines and a soft spot on a transparent ground, as matplotlib draws them."""
    image = Image.new(mode, (width, height))
    pen = ImageDraw.Draw(image)
    for k in range(60):
        pen.ellipse((300 + k, 100 + k, 700 - k, 500 - k), fill=(255, 4 * k, 4 * k, 255))
    pen.line((0, 0, width, height), fill=(0, 0, 255, 255), width=6)
    return image


def cell(*outputs: nbformat.NotebookNode, tags: tuple[str, ...] = (), alt: str = "") -> Any:
    metadata: dict[str, Any] = {"tags": list(tags)}
    if alt:
        metadata["mystnb"] = {"image": {"alt": alt}}
    return v4.new_code_cell("x", metadata=metadata, outputs=list(outputs))


def shown(**data: str) -> nbformat.NotebookNode:
    forms = {name.replace("_", "/"): value for name, value in data.items()}
    return v4.new_output("execute_result", data=forms, execution_count=7)


PICTURE = base64.b64encode(png(drawing())).decode()
EXPLORER = (
    '<figure class="otg-explorer"><img class="otg-picture" src="data:image/png;base64,AA" '
    'alt="The cost is 2 &lt; 3." width="5" height="5"></figure>'
)


# -- which outputs --------------------------------------------------------------------------------


def test_a_figure_is_stored_with_its_alt_text() -> None:
    (output,) = colab_outputs.stored(
        cell(shown(image_png=PICTURE, text_plain="<Figure>"), alt="A line\nand a spot.")
    )
    assert output.output_type == "display_data"
    assert output.metadata == {"image/png": {"alt": "A line and a spot."}}
    assert output.data["text/plain"] == "A line and a spot."
    nbformat.validate(v4.new_notebook(cells=[v4.new_code_cell("x", outputs=[output])]))


def test_forms_of_a_figure_that_only_the_website_uses_stay_out() -> None:
    output = shown(image_png=PICTURE, text_html="<picture>" * 999, text_plain="<Figure>")
    output.data["application/x-narrow"] = PICTURE
    (kept,) = colab_outputs.stored(cell(output))
    assert sorted(kept.data) == ["image/png", "text/plain"]


def test_an_explorer_is_its_first_frame_and_a_line() -> None:
    live = shown(image_png=PICTURE, text_html=EXPLORER, text_plain="Explorer 'e'")
    picture, line = colab_outputs.stored(cell(live))
    assert picture.metadata["image/png"]["alt"] == "The cost is 2 < 3."
    assert "text/html" not in picture.data
    assert line.data["text/markdown"] == "*Run this cell to move the sliders.*"


def test_a_ranking_is_a_line_because_its_script_would_not_run() -> None:
    page = otg.Ranking({"a": 1.0, "b": 2.0}, name="r", question="Which?", score="s").to_html()
    (line,) = colab_outputs.stored(cell(shown(text_html=page, text_plain="Ranking 'r'")))
    assert line.data["text/markdown"] == "*Run this cell to use it.*"


def test_what_the_website_says_in_the_place_of_something_alive() -> None:
    (line,) = colab_outputs.stored(cell(shown(text_markdown="No kernel.", text_plain="TrainingPanel")))
    assert line.data["text/markdown"] == "*Run this cell to use it.*"


def test_printed_text_is_one_output_however_the_kernel_cut_it() -> None:
    """A kernel sends what is printed when it has time to: in one piece, or in several."""
    pieces = [v4.new_output("stream", name="stdout", text=f"{k}\n") for k in range(3)]
    pieces.insert(1, v4.new_output("stream", name="stderr", text="a bar"))
    (kept,) = colab_outputs.stored(cell(*pieces))
    assert kept.text == "0\n1\n2\n"


def test_printed_text_and_certificates_are_kept() -> None:
    stream = v4.new_output("stream", name="stdout", text="0.5\n")
    certificate = shown(text_html="<p>✓ thm</p>", text_plain="✓ thm")
    kept = colab_outputs.stored(cell(stream, certificate))
    assert kept[0] == stream
    assert kept[1].data == {"text/html": "<p>✓ thm</p>", "text/plain": "✓ thm"}


@pytest.mark.parametrize(
    "output",
    [
        v4.new_output("stream", name="stderr", text="100%|████| 60/60\n"),
        v4.new_output("stream", name="stdout", text="long " * 1000),
        shown(text_html="<td>" * 9999, text_plain="a table"),
        v4.new_output("display_data", data={"application/papermill.record/text/plain": "1"}),
    ],
    ids=["a progress bar", "a long text", "a large table", "a number for the text"],
)
def test_what_is_left_out(output: nbformat.NotebookNode) -> None:
    assert colab_outputs.stored(cell(output)) == []


def test_a_cell_that_hides_its_output_stores_none() -> None:
    assert colab_outputs.stored(cell(shown(image_png=PICTURE), tags=("remove-output",))) == []


def test_a_folded_solution_stays_closed(made: SmallBook) -> None:
    cells = {"".join(c["source"]): c for c in made.notebook("01_first.ipynb")["cells"]}
    solution = next(c for source, c in cells.items() if "print(solution)" in source)
    assert solution["outputs"] == []
    figure = next(c for source, c in cells.items() if "subplots()" in source)
    assert figure["outputs"][0]["metadata"]["image/png"]["alt"] == "A line"


# -- small pictures -------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGBA", "RGB"])
def test_a_picture_becomes_small(mode: str) -> None:
    image = drawing(mode="RGBA")
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image, mask=image.getchannel("A"))
    made = colab_outputs.small(png(image if mode == "RGBA" else flat, dpi=(200, 200)))
    with Image.open(io.BytesIO(made)) as result:
        assert (result.mode, result.size) == ("P", (480, 222))
        assert result.info.keys() <= {"transparency"}, "metadata of the picture"
        assert result.convert("RGB").getpixel((400, 5)) == (255, 255, 255)
        assert len(result.getcolors()) <= 64
    assert made == colab_outputs.small(png(image if mode == "RGBA" else flat))


def test_a_narrow_picture_keeps_its_size() -> None:
    with Image.open(io.BytesIO(colab_outputs.small(png(drawing(300, 200))))) as result:
        assert result.size == (300, 200)


def test_a_picture_with_much_in_it_gets_fewer_pixels_and_colours() -> None:
    soft = Image.frombytes("RGB", (32, 24), random.Random(0).randbytes(32 * 24 * 3))
    made = colab_outputs.small(png(soft.resize((1300, 975), Image.Resampling.BICUBIC)))
    assert len(made) <= colab_outputs.BYTES
    with Image.open(io.BytesIO(made)) as result:
        assert 350 <= result.width <= 480


# -- when a notebook is stale ----------------------------------------------------------------------


@pytest.fixture
def old(made: SmallBook) -> dict[str, Any]:
    return copy.deepcopy(made.notebook("01_first.ipynb"))


def figure_of(notebook: dict[str, Any]) -> dict[str, Any]:
    return next(c for c in notebook["cells"] if c["id"] == "fig-line")


def test_other_floats_make_no_notebook_stale(made: SmallBook, old: dict[str, Any]) -> None:
    """Another machine draws the same figure with other bytes, and prints another last digit."""
    before = figure_of(old)["outputs"][0]["data"]["image/png"]
    with Image.open(io.BytesIO(base64.b64decode(before))) as picture:
        width, height = picture.size
    other = base64.b64encode(png(drawing(width + 2, height - 1))).decode()
    figure_of(old)["outputs"][0]["data"]["image/png"] = other
    root = next(c for c in old["cells"] if c["cell_type"] == "code" and "sqrt" in str(c["source"]))
    root["outputs"][0]["data"]["text/plain"] = ["1.414213562373096"]
    assert notebooks.what_is_stale(old, made.notebook("01_first.ipynb")) == ""


@pytest.mark.parametrize("change", ["no picture", "another shape", "a text", "one more"])
def test_other_outputs_do(made: SmallBook, old: dict[str, Any], change: str) -> None:
    outputs = figure_of(old)["outputs"]
    if change == "no picture":
        outputs.clear()
    elif change == "another shape":
        outputs[0]["data"]["image/png"] = base64.b64encode(png(drawing(300, 300))).decode()
    elif change == "a text":
        outputs[0]["data"] = {"text/plain": ["A line"]}
    else:
        outputs.append(outputs[0])
    said = notebooks.what_is_stale(old, made.notebook("01_first.ipynb"))
    assert said == "its cell 'fig-line' shows something else"


# -- the notebooks of the repository ----------------------------------------------------------------


def pictures(path: Any) -> list[tuple[str, bytes, dict[str, Any]]]:
    """(cell, picture, its metadata) of each stored picture."""
    return [
        (cell["id"], base64.b64decode("".join(output["data"]["image/png"])), output["metadata"])
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_each_caption_has_its_picture(path: Any) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    drawn = {name for name, _, _ in pictures(path)}
    captions = 0
    for code, text in zip(cells, cells[1:], strict=False):
        if code["cell_type"] == "code" and "".join(text["source"]).startswith("**Fig. "):
            captions += 1
            assert code["id"] in drawn, f"{code['id']}: a caption without a picture"
    assert captions >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_pictures_are_small_and_described(path: Any) -> None:
    for name, picture, metadata in pictures(path):
        assert len(picture) <= colab_outputs.BYTES, name
        assert metadata["image/png"]["alt"], name
        with Image.open(io.BytesIO(picture)) as image:
            assert image.mode == "P", name
            assert image.width <= colab_outputs.WIDTH, name


def test_all_pictures_together_are_small() -> None:
    """Two megabytes, for all chapters of the book."""
    assert sum(len(picture) for path in NOTEBOOKS for _, picture, _ in pictures(path)) <= 2_000_000
