"""`danp-cosim doctor`: things are really broken here, one after the other."""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from sim.doctor import command, packages, simulator
from sim.doctor.child import ask, run
from sim.doctor.finding import Finding
from sim.doctor.machine import look_at_machine
from sim.doctor.packages import look_at_options, look_at_python
from sim.doctor.remedies import system_package
from sim.doctor.requirement import Requirement, meets, parse_requirement
from sim.doctor.simulator import locate, look_at_ngspice
from sim.errors import UserError
from sim.libngspice import find_library

ROOT = Path(__file__).parents[1]
HEAVY = (
    *("hmmlearn", "matplotlib", "plotly", "pyarrow", "schemdraw", "sklearn", "spicelib", "torch"),
    *("dask", "distributed", "optuna", "pooch", "tensorboardX", "xarray"),
)
PATIENT = 60.0  # s; nothing here takes long, but the machine may be busy
IMPATIENT = 1.0  # s; for what hangs
NUMPY = next(
    one for one in map(parse_requirement, requires("danp-cosim") or ()) if one.name == "numpy"
)


def doctor(
    folder: Path, *arguments: str, first: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder; packages under `first` hide the installed ones."""
    path = os.pathsep.join(str(one) for one in (first, ROOT) if one)
    return subprocess.run(
        [sys.executable, "-m", "sim.doctor", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture
def stubs(tmp_path: Path) -> Path:
    """Empty modules in place of what takes seconds to import and no simulation needs."""
    folder = tmp_path / "stubs"
    for name in HEAVY:
        package(folder, name, "")
    return folder


def package(folder: Path, name: str, code: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(code, encoding="utf8")


def program(folder: Path, name: str, code: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(code, encoding="utf8")
    path.chmod(0o755)


def by_name(findings: Iterator[Finding]) -> dict[str, Finding]:
    return {finding.what: finding for finding in findings}


def states(findings: dict[str, Finding]) -> dict[str, str]:
    return {what: finding.state for what, finding in findings.items()}


def lines_of(report: str, what: str) -> list[str]:
    """The line of a finding, with its remedies."""
    lines = report.splitlines()
    at = next(k for k, line in enumerate(lines) if line[11:].startswith(f"{what} "))
    remedies = []
    for line in lines[at + 1 :]:
        if not line.lstrip().startswith("mend: "):
            break
        remedies.append(line.strip())
    return [lines[at].strip(), *remedies]


# --- all is well -------------------------------------------------------------------------------


def test_where_all_is_well_it_says_so_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = doctor(tmp_path, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] is True
    found = {finding["what"]: finding for finding in report["findings"]}
    assert {finding["state"] for finding in found.values()} <= {"ok", "note"}
    wanted = [parse_requirement(text) for text in requires("danp-cosim") or ()]
    assert found.keys() >= {one.name for one in wanted if not one.condition}
    assert found["program"]["found"].endswith("a divider gives 2 V")
    assert found["circuit"]["found"].startswith("ngspice ")
    assert "a divider gives 2 V" in found["circuit"]["found"]
    assert Path(found["shared library"]["found"].removesuffix(", loads")).is_file()
    assert found["code models"]["state"] == "ok"
    assert found["memory"]["found"].endswith(" GiB free")
    assert report["environment"]["PYTHONPATH"] == str(ROOT)
    assert not list(tmp_path.iterdir())


def test_without_site_packages_it_ends_well_and_asks_for_them(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "sim.doctor"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 1
    assert not done.stderr
    line, remedy = lines_of(done.stdout, "numpy")
    assert line.startswith("WRONG    numpy            not installed, wanted >=")
    assert remedy.endswith(f"-m pip install '{NUMPY}'")
    assert done.stdout.splitlines()[-1].startswith("wrong: ")


# --- ngspice -----------------------------------------------------------------------------------


def test_the_library_is_looked_for_where_runs_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (None, str(tmp_path / "libngspice.so"), str(tmp_path), ""):
        if path is None:
            monkeypatch.delenv("NGSPICE_LIBRARY_PATH", raising=False)
        else:
            monkeypatch.setenv("NGSPICE_LIBRARY_PATH", path)
        try:
            wanted = find_library()
        except UserError:
            wanted = None
        assert locate() == wanted


def library_is_wrong(path: Path, says: str, timeout: float = PATIENT) -> None:
    """ngspice's program goes on; all that takes the library is skipped."""
    found = by_name(look_at_ngspice(timeout))
    assert found["program"].state == "ok"
    library = found["shared library"]
    assert library.state == "wrong"
    assert str(path) in library.found
    assert says in library.found
    assert library.remedies[0].startswith("unset NGSPICE_LIBRARY_PATH")
    assert {found[what].state for what in ("OpenMP", "circuit", "code models")} == {"skipped"}


def test_a_library_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "libngspice.so"
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(path))
    library_is_wrong(path, "NGSPICE_LIBRARY_PATH: there is no file")


def test_a_file_that_is_no_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "libngspice.so"
    path.write_text("no library", encoding="utf8")
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(path))
    library_is_wrong(path, "OSError: ")


def test_a_library_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, _ = ask("load", find_library(), timeout=PATIENT)
    path = tmp_path / "libngspice.so"
    path.write_bytes(Path(told["path"]).read_bytes()[:100_000])
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(path))
    library_is_wrong(path, str(path))


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Compile C into a shared library and name it as ngspice's."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("there is no C compiler")

    def make(code: str) -> Path:
        source, path = tmp_path / "fake.c", tmp_path / "libfake.so"
        source.write_text(code, encoding="utf8")
        subprocess.run([compiler, "-shared", "-fPIC", "-o", path, source], check=True)
        monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(path))
        return path

    return make


def test_a_library_that_crashes_when_loaded(compiled: Callable[[str], Path]) -> None:
    path = compiled(
        "#include <signal.h>\n__attribute__((constructor)) void up(void) { raise(SIGSEGV); }\n"
    )
    library_is_wrong(path, "crashed with SIGSEGV")


def test_a_library_that_hangs_when_loaded(compiled: Callable[[str], Path]) -> None:
    path = compiled(
        "#include <unistd.h>\n__attribute__((constructor)) void up(void) { for (;;) pause(); }\n"
    )
    found = by_name(look_at_ngspice(IMPATIENT))
    assert found["shared library"].state == "wrong"
    assert found["shared library"].found == f"{path}: no answer within 1 s"


def test_a_library_that_ends_the_process_when_loaded(compiled: Callable[[str], Path]) -> None:
    path = compiled(
        "#include <unistd.h>\n__attribute__((constructor)) void up(void) { _exit(0); }\n"
    )
    library_is_wrong(path, "ended without a word")


def test_a_library_of_something_else(compiled: Callable[[str], Path]) -> None:
    path = compiled("int nothing(void) { return 0; }\n")
    library_is_wrong(path, "is no ngspice: it lacks ngSpice_Init, ")


def test_a_library_that_crashes_when_started(compiled: Callable[[str], Path]) -> None:
    compiled(
        "#include <signal.h>\nint ngSpice_Init(void) { raise(SIGSEGV); return 0; }\n"
        + "".join(
            f"int {name}(void) {{ return 0; }}\n"
            for name in (
                "ngSpice_Init_Sync",
                "ngSpice_Circ",
                "ngSpice_Command",
                "ngSpice_running",
                "ngGet_Vec_Info",
            )
        )
    )
    found = by_name(look_at_ngspice(PATIENT))
    assert found["shared library"].state == "ok"
    assert found["circuit"].state == "wrong"
    assert "crashed with SIGSEGV" in found["circuit"].found
    assert found["circuit"].remedies[0].startswith("unset NGSPICE_LIBRARY_PATH")
    assert found["code models"].state == "skipped"


@pytest.mark.parametrize(
    ("manager", "remedy"),
    [
        ("apt-get", "Debian, Ubuntu: sudo apt install libngspice0"),
        ("dnf", "Fedora: sudo dnf install libngspice"),
        ("brew", "macOS: brew install libngspice"),
        ("", ""),
    ],
)
def test_no_library_is_mended_as_the_system_does(
    manager: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if manager:
        program(tmp_path, manager, "#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("NGSPICE_LIBRARY_PATH", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("ctypes.util.find_library", lambda _: None)
    monkeypatch.setattr(simulator, "_USUAL_PLACES", ())
    found = by_name(look_at_ngspice(PATIENT))
    assert found["shared library"].state == "wrong"
    assert found["shared library"].found == "none found"
    if manager:
        assert found["shared library"].remedies == (remedy,)
    else:
        # Of no known system: all of them.
        assert [line.split(":")[0] for line in found["shared library"].remedies] == [
            "Debian, Ubuntu",
            "Fedora",
            "macOS",
        ]


def test_root_needs_no_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "apt-get", "#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert system_package("code models", again=True) == (
        "Debian, Ubuntu: apt install --reinstall ngspice",
    )


def test_a_library_beside_the_linkers_ways_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "lib" / "libngspice.dylib"
    path.parent.mkdir()
    path.touch()
    monkeypatch.delenv("NGSPICE_LIBRARY_PATH", raising=False)
    monkeypatch.setattr("ctypes.util.find_library", lambda _: None)
    pattern = str(tmp_path / "lib" / "libngspice*.dylib").removeprefix("/")
    monkeypatch.setattr(simulator, "_USUAL_PLACES", (pattern,))
    found = by_name(look_at_ngspice(PATIENT))
    assert found["shared library"].remedies == (f"export NGSPICE_LIBRARY_PATH={path}",)


def test_without_the_program_runs_go_on(
    tmp_path: Path, stubs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "dnf", "#!/bin/sh\n")
    done = doctor(tmp_path, first=stubs, PATH=str(tmp_path / "bin"))
    assert done.returncode == 0, done.stdout
    line, remedy = lines_of(done.stdout, "program")
    assert line.startswith("note     program          none on PATH; runs do without; ")
    assert remedy.endswith("dnf install ngspice")
    assert lines_of(done.stdout, "circuit")[0].startswith("ok ")
    assert done.stdout.splitlines()[-1] == "all that runs need is there"
    # The other way round.
    monkeypatch.setenv("NGSPICE_LIBRARY_PATH", str(tmp_path / "none"))
    found = by_name(look_at_ngspice(PATIENT))
    assert (found["program"].state, found["shared library"].state) == ("ok", "wrong")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("#!/bin/sh\nsleep 600 &\nwait\n", "no answer within 1 s"),
        ("#!/bin/sh\nkill -SEGV $$\n", "crashed with SIGSEGV"),
        ("#!/bin/sh\necho 'v(out) = 1.999990e+00'\n", "v(out) = 1.999990e+00"),
        ("#!/bin/sh\necho 'v(out) = nan'\n", "v(out) = nan"),
        ("#!/bin/sh\necho 'no such device' >&2\nexit 4\n", "ended with code 4"),
        ("#!/bin/sh\n", "it prints no voltage"),
        ("#!/no/such/shell\n", "does not start: "),
    ],
)
def test_a_program_that_is_broken_is_a_note(
    code: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "ngspice", code)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    found = next(look_at_ngspice(IMPATIENT if "sleep" in code else PATIENT))
    assert found.what == "program"
    assert found.state == "note"
    assert f"does not simulate a divider: {says}" in found.found
    assert found.remedies[0] == f"take {tmp_path / 'ngspice'} off PATH, or"


def is_alive(pid: int) -> bool:
    """Dead but not yet collected by its new parent counts as dead."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_a_hanging_program_started_ends_with_it(tmp_path: Path) -> None:
    program(tmp_path, "hang", '#!/bin/sh\nsleep 600 &\necho $! > "$0.pid"\nwait\n')
    outcome = run([str(tmp_path / "hang")], 2 * IMPATIENT)
    assert outcome.fault == "no answer within 2 s"
    pid = int((tmp_path / "hang.pid").read_text())
    deadline = time.monotonic() + PATIENT
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(pid)


def test_without_code_models_circuits_without_them_run(tmp_path: Path, stubs: Path) -> None:
    done = doctor(tmp_path, first=stubs, SPICE_SCRIPTS="/nowhere")
    assert done.returncode == 1
    assert lines_of(done.stdout, "circuit")[0].startswith("ok ")
    line, remedy = lines_of(done.stdout, "code models")
    assert line.startswith("WRONG    code models      ngspice: XSPICE code models missing")
    assert remedy == "mend: unset SPICE_SCRIPTS"
    assert done.stdout.splitlines()[-1] == "wrong: code models"


def test_code_models_hidden_by_no_variable_come_with_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "apt-get", "#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SPICE_LIB_DIR", "/nowhere")
    monkeypatch.setattr(simulator, "_SCRIPTS", ())
    models = simulator._look_at_code_models(PATIENT)
    assert models.state == "wrong"
    assert "(there is no d_source)" in models.found
    assert models.remedies[0].endswith("apt install ngspice")


def test_openmp_is_told_with_what_it_means(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(runtime: str, *, listed: bool = True) -> Finding:
        return simulator._look_at_openmp(runtime, listed=listed)

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert look("libgomp.so.1").state == "ok"
    assert "danp-cosim sets OMP_NUM_THREADS to 1" in look("libgomp.so.1").found
    assert look("").found.startswith("none comes with ngspice")
    assert look("", listed=False).found.startswith("not known on this system")
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert look("libgomp.so.1").state == "note"
    assert look("libgomp.so.1").remedies == ("export OMP_NUM_THREADS=1",)
    assert look("").state == "ok"


# --- packages ----------------------------------------------------------------------------------


def test_broken_packages_are_told_apart_from_sound_ones(tmp_path: Path, stubs: Path) -> None:
    package(stubs, "networkx", "import ctypes\nctypes.string_at(0)\n")
    package(stubs, "pydantic", "raise RuntimeError('half\\ninstalled')\n")
    package(stubs, "quantiphy", "import os\nos._exit(0)\n")
    package(stubs, "rich", "import sys\nsys.exit('no')\n")
    metadata = stubs / "numpy-1.20.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 1.20.0\n")
    done = doctor(tmp_path, first=stubs)
    assert done.returncode == 1
    assert not done.stderr
    for name, says in (
        ("networkx", "does not import: crashed with SIGSEGV"),
        ("pydantic", "does not import: RuntimeError: half installed"),
        ("quantiphy", "does not import: ended without a word"),
        ("rich", "does not import: SystemExit: no"),
    ):
        line, remedy = lines_of(done.stdout, name)
        assert line.startswith("WRONG"), line
        assert says in line
        assert "-m pip install --force-reinstall" in remedy
    line, remedy = lines_of(done.stdout, "numpy")
    assert line == f"WRONG    numpy            1.20.0, wanted {NUMPY.wanted}"
    assert remedy.endswith(f"-m pip install '{NUMPY}'")
    for sound in ("Python", "click", "scipy", "tomli-w", "torch", "shared library"):
        assert lines_of(done.stdout, sound)[0].startswith("ok "), sound
    assert lines_of(done.stdout, "circuit")[0].startswith("WRONG    circuit          ngspice does")
    assert done.stdout.splitlines()[-1] == (
        "wrong: networkx, numpy, pydantic, quantiphy, rich, circuit"
    )


def test_what_fails_with_numpy_sends_to_numpy(tmp_path: Path, stubs: Path) -> None:
    package(stubs, "numpy", "raise ImportError('libopenblas.so.0: no such file')\n")
    done = doctor(tmp_path, first=stubs)
    assert done.returncode == 1
    line, remedy = lines_of(done.stdout, "numpy")
    assert line.endswith("does not import: ImportError: libopenblas.so.0: no such file")
    assert f"--force-reinstall '{NUMPY}'" in remedy
    assert lines_of(done.stdout, "scipy")[1] == "mend: mend numpy first"
    # ngspice's library is sound, and not to be touched.
    assert lines_of(done.stdout, "shared library")[0].startswith("ok ")
    assert lines_of(done.stdout, "circuit")[1:] == ["mend: mend the packages above first"]
    assert lines_of(done.stdout, "code models")[0].startswith("skipped ")


def test_a_package_that_is_missing_or_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "hangs", "import time\ntime.sleep(600)\n")
    (tmp_path / "hangs-1.0.dist-info").mkdir()
    (tmp_path / "hangs-1.0.dist-info" / "METADATA").write_text("Name: hangs\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    project = {"dependencies": ["hangs>=1", "not-there>=2"], "requires-python": ">=99"}
    monkeypatch.setattr(packages, "_project_of_checkout", lambda: project)
    found = by_name(look_at_python(IMPATIENT))
    assert found["Python"].state == "wrong"
    assert found["Python"].found.endswith(", wanted >=99")
    assert found["hangs"].found == "1.0, does not import: no answer within 1 s"
    assert found["not-there"].found == "not installed, wanted >=2"
    assert found["not-there"].remedies[0].endswith("-m pip install 'not-there>=2'")
    # Installed before: said, but no fault.
    assert found["danp-cosim"].state == "note"
    assert "not-there>=2" in found["danp-cosim"].found


def test_a_checkout_that_was_never_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(packages, "distribution", none)
    monkeypatch.setattr(packages, "_import", lambda wanted, _: {one.name: "" for one in wanted})
    found = by_name(look_at_python(PATIENT))
    assert found["danp-cosim"].state == "wrong"
    assert found["danp-cosim"].found == "not installed"
    assert found["danp-cosim"].remedies[0].endswith(f"-m pip install -e {ROOT}")
    assert found["Python"].state == "ok"
    assert found["numpy"].state == "ok"


def test_what_is_optional_is_never_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "OPTIONAL", {"not-there": "for nothing"})
    (missing,) = look_at_options(PATIENT)
    assert (missing.state, missing.found) == ("note", "not installed; for nothing")
    package(tmp_path, "frail", "raise OSError('broken')\n")
    (tmp_path / "frail-3.dist-info").mkdir()
    (tmp_path / "frail-3.dist-info" / "METADATA").write_text("Name: frail\nVersion: 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(packages, "OPTIONAL", {"frail": "for nothing"})
    (broken,) = look_at_options(PATIENT)
    assert broken.state == "note"
    assert broken.found == "3, does not import: OSError: broken; for nothing"


RELEASES = st.lists(st.integers(0, 30), min_size=1, max_size=4).map(
    lambda numbers: ".".join(map(str, numbers))
)


@given(RELEASES, st.sampled_from([">=", "<=", "==", "!=", "<", ">"]), RELEASES)
def test_versions_compare_as_packaging_compares_them(
    version: str, operator: str, limit: str
) -> None:
    assert meets(version, f"{operator}{limit}") == (version in SpecifierSet(f"{operator}{limit}"))


def test_requirements_are_read_as_metadata_writes_them() -> None:
    assert parse_requirement("numpy>=2.0") == Requirement("numpy", ">=2.0", "")
    assert parse_requirement('pyright[nodejs] >= 1.1 ; extra == "dev"') == Requirement(
        "pyright", ">=1.1", 'extra == "dev"'
    )
    assert parse_requirement("a-b (>=1,<2)") == Requirement("a-b", ">=1,<2", "")
    assert parse_requirement("a-b").module == "a_b"
    assert meets("2.13.0+cpu", ">=2.6,<3")
    assert not meets("2.13.0+cpu", ">=2.6,<2.13")
    assert meets("anything", "")
    for version, wanted in (("unknown", ">=1"), ("1.0", "~=1.0")):
        with pytest.raises(ValueError, match="cannot compare"):
            meets(version, wanted)
    with pytest.raises(ValueError, match="wanted a requirement"):
        parse_requirement(">=2.0")


def test_every_requirement_of_the_project_is_understood() -> None:
    for text in requires("danp-cosim") or ():
        one = parse_requirement(text)
        assert isinstance(meets("1.0", one.wanted), bool)


# --- the machine -------------------------------------------------------------------------------


def test_a_file_in_place_of_the_folder_of_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").write_text("a file", encoding="utf8")
    monkeypatch.chdir(tmp_path)
    found = by_name(look_at_machine())
    assert found["folder of runs"].state == "wrong"
    assert found["folder of runs"].found == "cannot write in runs: Not a directory"
    assert "--out FOLDER" in found["folder of runs"].remedies[0]
    assert states(found)["cores"] == "ok"


def test_a_link_to_nowhere_in_place_of_the_folder_of_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").symlink_to(tmp_path / "nowhere")
    monkeypatch.chdir(tmp_path)
    assert by_name(look_at_machine())["folder of runs"].state == "wrong"


def test_a_current_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert by_name(look_at_machine())["folder of runs"].state == "wrong"


def test_runs_that_are_there_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs" / "first").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert by_name(look_at_machine())["folder of runs"].found == str(tmp_path / "runs")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["first"]


def test_temporary_files_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    found = by_name(look_at_machine())["temporary files"]
    assert found.state == "wrong"
    assert found.remedies[0].startswith("export TMPDIR=")
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "file"))
    found = by_name(look_at_machine())["temporary files"]
    assert found.state == "note"
    assert f"TMPDIR={tmp_path / 'file'} takes none" in found.found


def test_little_memory_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.doctor.machine._memory", lambda: (2**32, 2**28))
    found = by_name(look_at_machine())["memory"]
    assert found.state == "note"
    assert found.found.startswith("4.0 GiB, 0.2 GiB free; ")


# --- the command -------------------------------------------------------------------------------


def test_a_look_that_fails_itself_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: float) -> Iterator[Finding]:
        yield Finding("first", "ok", "fine")
        raise KeyError("unforeseen")

    def nothing(_: float) -> Iterator[Finding]:
        yield Finding("later", "skipped", "not\nnow", ("one way", "another"))

    monkeypatch.setattr(command, "look_at_python", fail)
    monkeypatch.setattr(command, "look_at_ngspice", nothing)
    monkeypatch.setattr(command, "look_at_machine", lambda: iter(()))
    monkeypatch.setattr(command, "look_at_options", nothing)
    assert command.main([]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "Python",
        "  ok       first            fine",
        "  WRONG    the rest         cannot be looked at: KeyError: 'unforeseen'",
        "ngspice",
        "  skipped  later            not now",
        "                            mend: one way",
        "                            mend: another",
        "optional",
        "  skipped  later            not now",
        "                            mend: one way",
        "                            mend: another",
        "wrong: the rest",
    ]
    assert command.main(["--json"]) == 1
    assert json.loads(capsys.readouterr().out)["findings"][1]["state"] == "wrong"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("--no-such-option", "unrecognized arguments: --no-such-option"),
        ("stray", "unrecognized arguments: stray"),
        ("--timeout", "argument --timeout: expected one argument"),
        ("--timeout x", "argument --timeout: wanted more than 0 s to 3600 s, got 'x'"),
        ("--timeout 0", "argument --timeout: wanted more than 0 s to 3600 s, got '0'"),
        ("--timeout nan", "argument --timeout: wanted more than 0 s to 3600 s, got 'nan'"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(
    typed: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(typed.split()) == 2
    complaint = capsys.readouterr().err
    assert complaint == f"error: {says}. See python -m sim.doctor --help.\n"


def test_ctrl_c_ends_it_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(_: float) -> Iterator[Finding]:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "look_at_python", stop)
    assert command.main([]) == 130
    assert capsys.readouterr().err == "error: stopped by Ctrl-C\n"


def test_a_reader_that_leaves_early_is_no_fault(tmp_path: Path, stubs: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sim.doctor"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{stubs}{os.pathsep}{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline() == b"Python\n"
    process.stdout.close()
    assert process.wait(100) == 128 + signal.SIGPIPE
    assert not process.stderr.read()
    process.stderr.close()


def test_a_python_that_is_too_old_is_told_so() -> None:
    path = ROOT / "sim" / "doctor" / "__main__.py"
    ast.parse(path.read_text(encoding="utf8"), feature_version=(3, 7))
    script = (
        "import runpy, sys; sys.version_info = (3, 9, 2)\n"
        "runpy.run_module('sim.doctor', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert not done.stderr
    assert done.stdout.startswith("  WRONG    Python           ")
    assert "wanted 3.11 or newer" in done.stdout
