"""How gunicorn serves the site: one process, so that the model is in memory once."""

from __future__ import annotations

import os

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = 1  # a model is in memory once, and one thread analyzes
threads = 64  # a slow upload or a paused player holds one; they are cheap
timeout = 120
graceful_timeout = 15
loglevel = "warning"
control_socket_disable = True
