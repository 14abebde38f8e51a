"""How a model does with this server, and with others: scenarios, a judge of what was written, and a runner.

`python -m tests.eval` plays them with a real model; README.md says how. A scenario is a file in `scenarios/`, and
`scripts/` holds for each what a good model does and what bad ones do, which proves the judge without any model.
"""

import sys
from pathlib import Path

# pytest does so itself; `python -m tests.eval` does not.
sys.path.append(str(Path(__file__).parents[1]))
