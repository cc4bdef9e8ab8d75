"""The law of the floors, read off the source: imports point down, files stay small."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "src" / "steepest"

# Lowest first. Packages of one floor do not know each other. `functional` draws random numbers, so
# it stands above `random`.
FLOORS: list[set[str]] = [
    {"errors"},
    {"core"},
    {"primitives"},
    {"tensors"},
    {"autograd", "random"},
    {"functional"},
    {"nn", "optim", "data", "compiler"},
    {"models", "training", "cuda", "linalg", "special", "utils"},  # from "cuda" PyTorch's names
    {"explain", "interop"},
    {"plot"},
    {"lessons"},
    {"studio", "cli"},
]
FLOOR_OF = {package: height for height, floor in enumerate(FLOORS) for package in floor}
# The compiler's stages, in the same way; its doors and pipelines know them all.
STAGES: list[set[str]] = [
    {"graph", "machine", "spans"},
    {"capture", "simplify", "nests"},
    {"memory"},
    {"ir"},
    {"vecmath"},
    {"emit"},
    {"run"},
]
STAGE_OF = {package: height for height, stage in enumerate(STAGES) for package in stage}
# The namespace that a user sees stands above everything.
ABOVE = {"__init__", "api", "__main__"}
HEAVY = {
    "PIL", "anywidget", "joblib", "matplotlib", "mpi4py", "onnx", "pandas", "polars", "pyarrow",
    "rich", "safetensors", "scipy", "sklearn", "starlette", "tomli_w", "torch", "typer", "uvicorn",
    "websockets",
}  # fmt: skip
# The command line is built of typer's decorators, the studio's server of starlette's.
AT_HOME = {"typer": "cli", "starlette": "studio", "uvicorn": "studio"}

FILES = sorted(ROOT.rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]


def package_of(path: Path) -> str:
    """The package (or lone module) of `steepest` to which a file belongs."""
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def dotted(path: Path) -> str:
    parts = ["steepest", *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.Module, path: Path) -> list[tuple[str, ast.stmt]]:
    """Every module that a file imports, with its statement; `from steepest import x` is x."""
    found: list[tuple[str, ast.stmt]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative imports hide the floor"
            if node.module == "steepest":
                found += [(f"steepest.{alias.name}", node) for alias in node.names]
            else:
                found.append((str(node.module), node))
    return found


def for_types_only(tree: ast.Module) -> list[ast.stmt]:
    """What stands under `if TYPE_CHECKING:` and so is never run."""
    tests = [node for node in tree.body if isinstance(node, ast.If)]
    return [s for t in tests if ast.unparse(t.test) == "TYPE_CHECKING" for s in t.body]


@pytest.fixture(params=FILES, ids=NAMES)
def source(request) -> tuple[Path, ast.Module]:
    path = request.param
    return path, ast.parse(path.read_text(encoding="utf-8"))


def test_every_package_has_a_floor():
    found = {package_of(path) for path in FILES} - ABOVE
    assert found <= set(FLOOR_OF), f"no floor for {sorted(found - set(FLOOR_OF))}"


def test_imports_point_down(source):
    path, tree = source
    here = package_of(path)
    if here in ABOVE:
        return
    for name, node in imports(tree, path):
        parts = name.split(".")
        if parts[0] != "steepest":
            continue
        assert len(parts) > 1, f"{path}:{node.lineno} imports the whole namespace"
        there = parts[1]
        assert there not in ABOVE, f"{path}:{node.lineno} imports {name}, which stands above it"
        assert there == here or FLOOR_OF[there] < FLOOR_OF[here], (
            f"{path}:{node.lineno}: {here} (floor {FLOOR_OF[here]}) imports {name}"
        )


def test_stages_of_the_compiler_know_those_before_them(source):
    path, tree = source
    parts = dotted(path).split(".")[1:]
    if parts[:1] != ["compiler"] or len(parts) < 2 or parts[1] not in STAGE_OF:
        return
    for name, node in imports(tree, path):
        if not name.startswith("steepest.compiler."):
            continue
        here, there = parts[1], name.split(".")[2]
        assert there in STAGE_OF, f"{path}:{node.lineno} imports {name}, which stands above stages"
        assert there == here or STAGE_OF[there] < STAGE_OF[here], f"{path}:{node.lineno}: {name}"


def test_imports_stand_at_the_top(source):
    path, tree = source
    if path.parent == ROOT and path.stem in ABOVE:
        return
    inside = [
        f"line {node.lineno} in {function.name}"
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not inside


def test_a_package_has_no_import_cycle():
    """Within a package too, a page only knows pages that come before it."""
    edges: dict[str, set[str]] = {}
    known = {dotted(path) for path in FILES}
    for path in FILES:
        if package_of(path) in ABOVE:
            continue
        targets: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = {f"{node.module}.{alias.name}" for alias in node.names}
                targets |= (names & known) or {node.module}
        edges[dotted(path)] = targets & known
    finished: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join([*way[way.index(module) :], module])
        if module not in finished:
            for target in sorted(edges.get(module, ())):
                visit(target, (*way, module))
            finished.add(module)

    for module in edges:
        visit(module, ())


def test_heavy_packages_are_lazy(source):
    path, tree = source
    for name, node in imports(tree, path):
        package = name.split(".")[0]
        if package in HEAVY and node not in for_types_only(tree):
            home = AT_HOME.get(package)
            assert home == package_of(path), f"{path}:{node.lineno} imports {package}: use lazy"


def test_every_module_says_what_it_is_for_and_what_it_offers(source):
    path, tree = source
    assert ast.get_docstring(tree), f"{path} does not say what it is for"
    if path == ROOT / "__init__.py":  # computes its names
        return
    assigned = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    # A package of pages that list their own names needs no second list.
    stars = any(
        isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in tree.body
    )
    assert "__all__" in assigned or (path.name == "__init__.py" and stars), path


def test_a_package_only_reexports():
    for path in FILES:
        if path.name != "__init__.py" or path.parent == ROOT:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        defined = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)]
        assert not defined, f"{path}:{defined[0].lineno} defines {defined[0].name}"


def test_files_and_functions_stay_small(source):
    path, tree = source
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 400, f"{path}: {lines} lines"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body:
                length = (body[-1].end_lineno or 0) - body[0].lineno + 1
                assert length <= 40, f"{path}:{node.lineno} {node.name} has {length} lines of body"


def test_the_table_knows_no_tensor():
    for path in (ROOT / "primitives").glob("*.py"):
        words = {n.id for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name)}
        assert "Tensor" not in words, path


@pytest.mark.parametrize("first_use", ["steepest", "steepest.sum", "steepest.nn", "steepest.optim"])
def test_the_light_part_loads_nothing_heavy(first_use):
    code = f"import sys, steepest\n{first_use}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & HEAVY


@pytest.mark.parametrize("package", ["core", "primitives", "tensors", "autograd", "functional"])
def test_a_floor_loads_alone(package):
    """Importing a floor loads nothing above it."""
    code = f"import sys, steepest.{package}\nprint(*(m for m in sys.modules if 'steepest.' in m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[1] for name in done.stdout.split()} - {"errors"}
    assert {FLOOR_OF[name] for name in loaded} <= set(range(FLOOR_OF[package] + 1))


def test_a_floor_works_without_the_floors_above():
    """Methods that a higher floor gives to Tensor are out of reach below it."""
    code = """
import numpy as np
from steepest.autograd import functional, gradcheck, gradgradcheck
from steepest.tensors import tensor
x = tensor([0.5, 1.5], dtype=np.float64, requires_grad=True)
assert gradcheck(lambda x: x * x, x) and gradgradcheck(lambda x: x * x, x)
assert functional.hessian(lambda x: x[0] * x[1], x).value.tolist() == [[0, 1], [1, 0]]
x[0].backward()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
