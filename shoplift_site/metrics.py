"""Figures for Prometheus: what the database says at each scrape, and how this process answers."""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from video_classifier.services import backlog, clients, disk, gauges, readiness

Answer = Callable[[HttpRequest], HttpResponse]

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
NEEDED = {"database", "migrations"}  # by what is counted in rows


class SiteCollector(Collector):
    """Asks only when it is asked, so that each web process says the same of the site."""

    def collect(self) -> Iterator[Gauge]:
        found = readiness.recent()
        ready = _gauge("ready", "1 if /readyz finds nothing wrong with it.", "check")
        for each in found:
            ready.add_metric([each.subject], 0 if each.problem else 1)
        yield ready
        yield _gauge("disk_free_bytes", "Left on the disk of DATA_DIR.", value=disk.free())
        broken = {each.subject for each in found if each.problem}
        if not broken & NEEDED:
            yield from _of_jobs()
            yield from _of_alerts_and_cameras()

    def describe(self) -> Iterator[Gauge]:
        """Nothing, so that to register it asks nothing."""
        return iter(())


def _of_jobs() -> Iterator[Gauge]:
    waiting = _gauge("jobs_waiting", "Jobs that a worker may claim now.", "kind")
    running = _gauge("jobs_running", "Jobs whose worker shows life.", "kind")
    oldest = _gauge("jobs_oldest_seconds", "How long the first of these has waited.", "kind")
    for kind, each in backlog.of_each_kind().items():
        waiting.add_metric([kind], each.waiting)
        running.add_metric([kind], each.running)
        oldest.add_metric([kind], each.oldest.total_seconds())
    ended = _gauge("jobs_ended", "Rows of jobs that ended, less those deleted.", "kind", "status")
    for (kind, status), count in backlog.ended().items():
        ended.add_metric([kind, status], count)
    yield from (waiting, running, oldest, ended)


def _of_alerts_and_cameras() -> Iterator[Gauge]:
    alerts = _gauge("alerts", "Alerts of the last 90 days.", "kind")
    for kind, count in gauges.alerts().items():
        alerts.add_metric([kind], count)
    states = _gauge("cameras", "Live cameras by their state.", "state")
    late = _gauge("camera_lag_seconds", "Since the last picture of a camera.", "camera")
    strides = _gauge("camera_stride_seconds", "From one scoring to the next.", "camera")
    found = gauges.cameras()
    for state, count in gauges.by_state(found).items():
        states.add_metric([state], count)
    for each in found:
        if each.lag is not None:
            late.add_metric([str(each.id)], each.lag)
        if each.stride is not None:
            strides.add_metric([str(each.id)], each.stride)
    yield from (alerts, states, late, strides)
    waiting = gauges.waiting_clips()
    yield _gauge(
        "waiting_clips", "Clips of live events that wait for the storage.", value=waiting.count
    )
    yield _gauge(
        "waiting_clips_oldest_seconds",
        "How long the first of these has waited.",
        value=waiting.oldest.total_seconds(),
    )


def _gauge(name: str, help_text: str, *labels: str, value: float | None = None) -> Gauge:
    return Gauge(f"shoplift_{name}", help_text, value=value, labels=labels or None)


registry = CollectorRegistry()
registry.register(SiteCollector())
IS_ONE_OF_SEVERAL = "PROMETHEUS_MULTIPROC_DIR" in os.environ
if IS_ONE_OF_SEVERAL:  # who answers is drawn by lot: no figure may be of that one alone
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
else:
    ProcessCollector(registry=registry)
_seconds = Histogram(
    "shoplift_request_seconds",
    "From a request's arrival as a whole to its answer, by this server.",
    ["method", "status"],
    registry=None if IS_ONE_OF_SEVERAL else registry,
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)


def timed(answer: Answer) -> Answer:
    """Counts requests, and how long they take."""

    def with_time(request: HttpRequest) -> HttpResponse:
        start = time.perf_counter()
        response = answer(request)
        method = request.method if request.method in METHODS else "other"
        status = f"{response.status_code // 100}xx"
        _seconds.labels(method, status).observe(time.perf_counter() - start)
        return response

    return with_time


REFUSED = "These figures are for the networks that METRICS_NETWORKS names.\n"


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not _is_from_inside(request):
        return HttpResponse(REFUSED, content_type="text/plain", status=403)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _is_from_inside(request: HttpRequest) -> bool:
    """A proxy that nobody counted would make everybody its neighbour: who came by one is out."""
    if not settings.TRUSTED_PROXIES and "X-Forwarded-For" in request.headers:
        return False
    try:
        address = ipaddress.ip_address(clients.sender(request) or request.META["REMOTE_ADDR"])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in ipaddress.ip_network(each) for each in settings.METRICS_NETWORKS)
