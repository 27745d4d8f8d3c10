"""Every test process prepares its environment as every program does, before numba and BLAS are imported."""

import os

from hypothesis import settings

from contango_common.edge.environment import prepare_environment

prepare_environment()

# A shared machine is slow now and then: no test asserts on time. What gates a change runs the same examples each time;
# at a desk every run looks at new ones.
settings.register_profile("contango", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("contango")
