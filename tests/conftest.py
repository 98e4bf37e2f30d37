"""What all tests share."""

from hypothesis import HealthCheck, settings

# A busy machine is no defect: examples have no deadline, and slow generation no health check.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")
