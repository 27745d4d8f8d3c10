"""Every test process prepares its environment as every program does, before numba and BLAS are imported."""

from hypothesis import settings

from contango_common.edge.environment import prepare_environment

prepare_environment()

# A shared machine is slow now and then: no test asserts on time.
settings.register_profile("contango", deadline=None)
settings.load_profile("contango")
