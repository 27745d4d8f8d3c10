"""The advisor as a process: an HTTP client, the port over it, and the loop."""

import uuid
from importlib.metadata import version

import httpx

from contango_common.edge.logs import fields, get_logger
from contango_common.edge.metrics import Metrics
from contango_common.edge.redact import Redactor
from contango_common.runtime.log import Log
from contango_gateway.advisor.http import HttpAdvisor
from contango_gateway.advisor.service import AdvisorService
from contango_gateway.advisor.settings import AdvisorSettings

log = get_logger("advisor")


async def serve(bus: Log, settings: AdvisorSettings, redactor: Redactor, metrics: Metrics) -> None:
    """Advise for ever. ``redactor`` knows the deployment's secrets; the key is masked whether it does or not.

    Raises LogError when another advisor has taken over or the log is not the one it was.
    """
    if settings.key is not None:
        redactor.register(settings.key)
    if settings.exposed:
        log.warning("the advisor's key travels without TLS: use https, or a proxy on this machine")
    log.info("asking %s", settings.model, extra=fields(url=settings.url, deadline_s=settings.deadline_s))
    async with httpx.AsyncClient(trust_env=False) as client:
        advisor = AdvisorService(
            bus,
            HttpAdvisor(settings, client),
            deadline_s=settings.deadline_s,
            redactor=redactor,
            instance=uuid.uuid4().hex,
            build=version("contango-gateway"),
            metrics=metrics,
        )
        await advisor.run()
