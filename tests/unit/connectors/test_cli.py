"""The commands are known at once; what they need is imported when they run."""

import subprocess
import sys


def test_help_does_not_wait_for_heavy_imports() -> None:
    program = "import sys, connectors.cli; print(sorted({'duckdb', 'pyarrow'} & {*sys.modules}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
