"""How gunicorn serves the site: one process does jobs, so that the model is in memory once."""

from __future__ import annotations

import os
import resource
import shutil
from typing import Any

from shoplift_site import env, logs, processes

FILES = 4096  # connections, and what threads have open; many shells allow 1024

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
if soft < FILES <= hard:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "shoplift_site.arrivals.ArrivalsWorker"
workers = env.whole("WEB_PROCESSES", 1)
threads = 16  # for pages: more only take turns, and wait for each other's locks
worker_connections = 600  # most of them wait in the event loop, where they cost little
keepalive = 15  # browsers that look after a running analysis keep their connection
limit_request_fields = 60
limit_request_field_size = 8190
sendfile = False  # its sending knows no time limit
timeout = 120
graceful_timeout = 15
loglevel = "warning"
control_socket_disable = True
if os.environ.get("LOG_FORMAT") == "json":
    logconfig_dict = logs.of_gunicorn("json")

if workers > 1:
    _bell = processes.make_bell()
    processes.sweep_figures()
    # Each process counts in a file of its own there, and any of them adds them up.
    _figures = os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(processes.make_folder_of_figures())

    def pre_fork(server: Any, worker: Any) -> None:
        """Another one is first as soon as the first is gone."""
        worker.is_first = not any(each.is_first for each in server.WORKERS.values())

    def post_fork(_: Any, worker: Any) -> None:
        processes.settle_in(os.environ, _bell, first=worker.is_first)

    def on_exit(_: Any) -> None:
        shutil.rmtree(_figures, ignore_errors=True)
