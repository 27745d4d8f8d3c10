"""Every test process prepares its environment as every program does, before numba and BLAS are imported."""

from contango_common.edge.environment import prepare_environment

prepare_environment()
