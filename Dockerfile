# The same site as `make run`, in a container: one process, everything it writes under /data. It
# serves, and can't train: docs/operate.md says how to do that.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 \
    DATA_DIR=/data HOST=0.0.0.0 PORT=8000
WORKDIR /app

ARG REQUIREMENTS=requirements-serve.txt
COPY requirements*.txt ./
RUN pip install -r $REQUIREMENTS

COPY . .
RUN useradd --system --home-dir /data shoplift && install -d -o shoplift -m 0700 /data
USER shoplift
VOLUME /data
EXPOSE 8000

HEALTHCHECK --start-period=30s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=5)"]
CMD ["sh", "-c", "python manage.py migrate --verbosity 0 --skip-checks && python manage.py create_first_admin && exec gunicorn --config python:shoplift_site.gunicorn shoplift_site.wsgi"]
