"""Find Chromium, or install it: ``python -m tests.browser.chromium`` prints where it is."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# What keeps it quiet and on this machine, and lets it run as root inside a container.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip


def find() -> str:
    """Where Chromium is, "" if it is nowhere. CHROMIUM names one that lies elsewhere."""
    named = os.environ.get("CHROMIUM", "")
    return named or next((path for name in NAMES if (path := shutil.which(name))), "")


def main() -> None:
    """Install Debian's package if there is none."""
    if not find():
        print("Chromium is not here; installing it.", flush=True)
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            sys.exit("Install Chromium (Debian: apt-get install chromium), or set CHROMIUM to where it is.")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]):
            subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    print(find())


if __name__ == "__main__":
    main()
