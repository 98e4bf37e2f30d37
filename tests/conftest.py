"""What all tests share."""

import os

from hypothesis import HealthCheck, settings

# A busy machine is no defect: examples have no deadline, and slow generation no health check.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")

# Coverage measures the processes that tests run in; programs that they start would only be slow.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
