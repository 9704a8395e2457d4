"""What the platform costs, each number beside a floor measured in the same run. `python -m benchmarks --help`."""
