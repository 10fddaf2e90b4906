"""What a web server runs."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shoplift_site.settings")

application = get_wsgi_application()

# Only now are the models there.
from shoplift_site import processes, startup  # noqa: E402
from video_classifier.services import disk_sweeps, queue, sender, watcher_process, worker  # noqa: E402

startup.settle()
worker.start()
sender.start()
watcher_process.start()
disk_sweeps.start()
processes.connect(look=worker.wake, tell=queue.subscribe)
