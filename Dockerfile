# The image that serves is the last stage, and has no TensorFlow; `--target train` builds the one
# that can train and import models. docs/deployment.md says how both are run.

FROM python:3.12-slim-trixie AS base
ENV PYTHONUNBUFFERED=1 PATH=/venv/bin:$PATH
WORKDIR /app

# Installed aside, so that no image has pip's caches, and what changes often comes last.
FROM base AS serving-libraries
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# docker-compose.several.yml adds those of Redis and of buckets.
ARG REQUIREMENTS="requirements-serve.txt"
COPY requirements*.txt ./
RUN python -m venv /venv && for each in $REQUIREMENTS; do /venv/bin/pip install -r "$each" || exit 1; done

FROM base AS training-libraries
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements*.txt ./
RUN python -m venv /venv && /venv/bin/pip install -r requirements.txt

# Everything that is written is under /data: the rest may be read-only, and is nobody's to change.
FROM base AS site
ENV DATA_DIR=/data HOST=0.0.0.0 PORT=8000
# docker-compose.several.yml adds the programs of its PostgreSQL, which `manage.py backup` runs.
ARG PACKAGE=""
# hadolint ignore=DL3008
RUN if [ -n "$PACKAGE" ]; then \
        apt-get update && apt-get install -y --no-install-recommends "$PACKAGE" && rm -rf /var/lib/apt/lists/*; \
    fi
COPY . .
RUN python -m compileall -q . \
    && useradd --system --uid 10001 --user-group --home-dir /data shoplift \
    && install -d -o shoplift -g shoplift -m 0700 /data
ENV PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=5)"]
CMD ["sh", "-c", "python manage.py migrate --verbosity 0 --skip-checks && python manage.py create_first_admin && exec gunicorn --config python:shoplift_site.gunicorn shoplift_site.wsgi"]

FROM site AS train
COPY --from=training-libraries /venv /venv

FROM site AS serve
COPY --from=serving-libraries /venv /venv
