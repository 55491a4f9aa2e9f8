"""Packs the library of prebuilds/ as a wheel for Python, without network: wheel.py TARGET [--libraries FOLDER] [--to FOLDER]

TARGET is linux-x64, linux-arm64, darwin-arm64 or win32-x64. On Linux the wheel says which glibc the library needs, 2.17 at least.
"""

import argparse
import base64
import hashlib
import json
import re
import zipfile
from pathlib import Path
from urllib.parse import urljoin

PYTHON = Path(__file__).resolve().parent
PACKAGE = PYTHON.parent

parser = argparse.ArgumentParser()
parser.add_argument("target")
parser.add_argument("--libraries", type=Path, default=PACKAGE / "prebuilds")
parser.add_argument("--to", type=Path, default=PACKAGE / "release/wheels")
options = parser.parse_args()

manifest = json.loads((PACKAGE / "package.json").read_text())
[library] = (options.libraries / options.target).glob("*tp_operators.*")


def platform_of(target: str, binary: bytes) -> str:
    if target == "darwin-arm64":
        return "macosx_11_0_arm64"
    if target == "win32-x64":
        return "win_amd64"
    versions = [int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", binary)]
    return f"manylinux_2_{max([17, *versions])}_{'aarch64' if target == 'linux-arm64' else 'x86_64'}"


# Links of the page lead to the repository, wherever it is read.
repository = manifest["homepage"].replace("#readme", "/")
readme = re.sub(r"\]\(([^)]+)\)", lambda link: f"]({urljoin(repository, link[1])})", (PACKAGE / "README.md").read_text())

name, version = "tp_operators", manifest["version"]
tag = f"py3-none-{platform_of(options.target, library.read_bytes())}"
metadata = f"""Metadata-Version: 2.4
Name: tp-operators
Version: {version}
Summary: {manifest["description"]}
License-Expression: {manifest["license"]}
License-File: LICENSE
Project-URL: Homepage, {manifest["homepage"]}
Project-URL: Issues, {manifest["bugs"]}
Keywords: {",".join(manifest["keywords"])}
Requires-Python: >=3.8
Description-Content-Type: text/markdown

{readme}"""
wheel = f"Wheel-Version: 1.0\nGenerator: wheel.py\nRoot-Is-Purelib: false\nTag: {tag}\n"

info = f"{name}-{version}.dist-info"
files = {
    f"{name}/__init__.py": (PYTHON / name / "__init__.py").read_bytes(),
    f"{name}/py.typed": b"",
    f"{name}/{library.name}": library.read_bytes(),
    f"{info}/METADATA": metadata.encode(),
    f"{info}/WHEEL": wheel.encode(),
    f"{info}/licenses/LICENSE": (PACKAGE / "../../LICENSE").read_bytes(),
}


def hashed(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


records = [f"{path},{hashed(content)},{len(content)}" for path, content in files.items()]
files[f"{info}/RECORD"] = "\n".join([*records, f"{info}/RECORD,,", ""]).encode()

path = options.to / f"{name}-{version}-{tag}.whl"
path.parent.mkdir(parents=True, exist_ok=True)
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
    for file, content in files.items():
        # The same content is the same wheel, whenever it is packed.
        archive.writestr(zipfile.ZipInfo(file, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
print(path)
