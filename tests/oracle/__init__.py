"""The independent referee: works out from the sandbox's journal what a correct Ritorno did, and compares.

It shares no code with the product: nothing of `app`, `jobs`, `webhooks` or `connectors` is imported here.
"""

from tests.oracle.compare import compare
from tests.oracle.compute import compute
from tests.oracle.judge import Verdict, judge
from tests.oracle.model import Actual, Expected, StoreSettings

__all__ = ["Actual", "Expected", "StoreSettings", "Verdict", "compare", "compute", "judge"]
