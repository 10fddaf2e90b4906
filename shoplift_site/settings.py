"""The one settings file. docs/settings.md explains each variable that is read here."""

from __future__ import annotations

from pathlib import Path

from shoplift_site import env, logs

BASE_DIR = Path(__file__).resolve().parent.parent

# Where the running site writes.
DATA_DIR = env.writable_folder("DATA_DIR", BASE_DIR / "var")
MEDIA_ROOT = DATA_DIR / "media"
# Beside the media, so that an upload is moved into place and not copied.
FILE_UPLOAD_TEMP_DIR = env.made("DATA_DIR", DATA_DIR / "uploads")

# Where clips, copies and pictures are kept: on the disk, or in a bucket (docs/storage.md).
STORAGES = {
    "default": env.storage("STORAGE_URL"),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STORAGE_ORIGIN = env.origin_of(STORAGES["default"])
STORAGE_TIMEOUT = env.whole("STORAGE_TIMEOUT", 20)  # seconds
STORAGE_CACHE_BYTES = env.whole("STORAGE_CACHE_BYTES", 10 * 1024**3, at_least=0)

# The site.
DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.secret("SECRET_KEY", kept_in=DATA_DIR / "secret_key")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", [])
DEFAULT_EXCEPTION_REPORTER_FILTER = "shoplift_site.errors.ReporterFilter"
ROOT_URLCONF = "shoplift_site.urls"
WSGI_APPLICATION = "shoplift_site.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "video_classifier",
    "whitenoise.runserver_nostatic",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "django_htmx",
    "js_lib_bootstrap5",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
]

MIDDLEWARE = [
    "shoplift_site.middleware.numbered",
    "shoplift_site.metrics.timed",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "shoplift_site.middleware.security_headers",
    "video_classifier.web.stylesheet.serve_stylesheet",
    "corsheaders.middleware.CorsMiddleware",
    "shoplift_site.middleware.no_upload_left",
    "django.contrib.sessions.middleware.SessionMiddleware",
    # Who is it? comes before the CSRF check, which parses the body: what a stranger
    # sends is turned away unread.
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "shoplift_site.middleware.session_seen",
    "shoplift_site.middleware.second_factor_first",
    "shoplift_site.middleware.own_password_first",
    "shoplift_site.middleware.RoomForUploads",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASE_POOL = env.whole("DATABASE_POOL", 20, at_least=0)
DATABASES = {"default": env.database("DATABASE_URL", DATA_DIR / "db.sqlite3", pool=DATABASE_POOL)}

# Language, time, static files.
LANGUAGE_CODE = "en-us"
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")
USE_I18N = False
USE_TZ = True
FORMAT_MODULE_PATH = ["shoplift_site.formats"]
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_USE_FINDERS = True  # no collectstatic before the first start

# Who may come in, and for how long.
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "web:upload"
LOGOUT_REDIRECT_URL = "login"
SESSION_ENGINE = "shoplift_site.session_store"
SESSION_COOKIE_AGE = 12 * 60 * 60  # a long shift
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [{"NAME": "video_classifier.services.accounts.OneTimePasswordValidator"}]

PASSWORD_RESET_TIMEOUT = 24 * 60 * 60  # of an e-mailed link (services.password_links)

# Guessing passwords (shoplift_site.sign_in).
SIGN_IN_ATTEMPTS = env.whole("SIGN_IN_ATTEMPTS", 5)
SIGN_IN_ATTEMPTS_PER_ADDRESS = env.whole("SIGN_IN_ATTEMPTS_PER_ADDRESS", 50)
TRUSTED_PROXIES = env.whole("TRUSTED_PROXIES", 0, at_least=0)
# A second factor beside the password (services.second_factor).
SECOND_FACTOR = env.choice("SECOND_FACTOR", "optional", of=("off", "optional", "required"))
OTP_TOTP_ISSUER = "Shoplift"  # as apps show it
# Asking too often for what is costly (services.limits): so many times as often as usual.
RATE_LIMITS = env.whole("RATE_LIMITS", 1, at_least=0)
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_HANDLER = "shoplift_site.sign_in.SignInHandler"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "ip_address"]  # the handler wants these
AXES_FAILURE_LIMIT = SIGN_IN_ATTEMPTS
AXES_COOLOFF_TIME = env.seconds("SIGN_IN_PAUSE", 15 * 60)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # nobody is kept out for longer by guesses
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "video_classifier.services.clients.client_address"
AXES_USERNAME_CALLABLE = "shoplift_site.sign_in.typed_name"
AXES_LOCKOUT_CALLABLE = "shoplift_site.sign_in.locked"
AXES_DISABLE_ACCESS_LOG = True  # of sign-ins that worked
AXES_ENABLE_ADMIN = False  # of its tables one is used, and video_classifier.admin shows it
AXES_VERBOSE = False
# Who mistakes the field types a password as the name: the log has the address alone.
AXES_SENSITIVE_PARAMETERS = ["username", "csrfmiddlewaretoken"]

HTTPS = env.flag("HTTPS", default=False)
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 30 * 24 * 60 * 60 if HTTPS else 0
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = ["^(healthz|readyz|metrics)$"]  # asked past the proxy, too
SILENCED_SYSTEM_CHECKS = [
    # The site can't promise HTTPS for other hosts below its name, as these would have it.
    "security.W005",  # HSTS for subdomains
    "security.W021",  # HSTS in browsers' own lists
]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"

# Uploads.
CLIP_MAX_BYTES = env.whole("CLIP_MAX_BYTES", 100 * 1024 * 1024)
CLIPS_PER_UPLOAD = env.whole("CLIPS_PER_UPLOAD", 20)
# Resumable ones.
RECORDING_MAX_BYTES = env.whole("RECORDING_MAX_BYTES", 4 * 1024**3)
UPLOAD_EXPIRY = env.seconds("UPLOAD_EXPIRY", 24 * 60 * 60)
UPLOADS_PER_USER = env.whole("UPLOADS_PER_USER", 20)
UPLOADS_MAX_BYTES = env.whole("UPLOADS_MAX_BYTES", 50 * 1024**3)
DATA_UPLOAD_MAX_NUMBER_FILES = CLIPS_PER_UPLOAD + 1000  # those beyond are named, not lost
DISK_FLOOR_BYTES = env.whole("DISK_FLOOR_BYTES", 500 * 1024 * 1024, at_least=0)
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024  # of a form's fields; no form here comes near it
FILE_UPLOAD_HANDLERS = ["video_classifier.http.upload_handlers.ClipUploadHandler"]
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

# The API.
API_RATE = env.whole("API_RATE", 300)  # requests a minute of one user
API_ORIGINS = env.words("API_ORIGINS", [])
CORS_ALLOWED_ORIGINS = API_ORIGINS
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key"]
CORS_EXPOSE_HEADERS = ["Location", "Retry-After"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "video_classifier.api.authentication.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["video_classifier.api.access.WithinScopes"],
    "DEFAULT_THROTTLE_CLASSES": ["video_classifier.api.access.PerUser"],
    "DEFAULT_PARSER_CLASSES": ["video_classifier.api.parsing.SmallJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "video_classifier.api.parsing.AlwaysJSON",
    "DEFAULT_PAGINATION_CLASS": "video_classifier.api.pages.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "video_classifier.api.problems.handler",
    "URL_FORMAT_OVERRIDE": None,
    "URL_FIELD_NAME": "url",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Possible shoplifting in recordings",
    "DESCRIPTION": "Hints for people who look, never accusations. docs/api.md has examples.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["video_classifier.api.access.WithinScopes"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": False},
}

# Live cameras.
LIVE_CLIPS_MAX_BYTES = env.whole("LIVE_CLIPS_MAX_BYTES", 20 * 1024**3)  # of one store
WAITING_CLIPS_MAX_BYTES = env.whole("WAITING_CLIPS_MAX_BYTES", 5 * 1024**3)  # of one machine
WATCHER = env.choice("WATCHER", "child", of=("child", "none"))
WATCHER_CAMERAS = env.whole("WATCHER_CAMERAS", 20)

# Reviews.
REVIEW_BLIND = env.share("REVIEW_BLIND", 0.1)  # of what the queue shows

# The trash.
TRASH_KEEP = env.days("TRASH_DAYS", 30)

# The audit log.
AUDIT_KEEP = env.whole("AUDIT_KEEP", 0, at_least=0)  # months; 0: for ever

# Models and analyses.
MODELS_STORAGE = env.path("MODELS_STORAGE", BASE_DIR / "models_storage")
PERSON_DETECTOR = env.path("PERSON_DETECTOR", MODELS_STORAGE / "person_detector")
DEFAULT_MODEL = env.text("DEFAULT_MODEL", "i3d_person")
RUNNER = env.choice("RUNNER", "thread", of=("thread", "none", "celery"))
BROKER_URL = env.broker("BROKER_URL", is_needed=RUNNER == "celery")
ANALYSIS_LEASE = env.seconds("ANALYSIS_LEASE", 60)
ANALYSIS_HEARTBEAT = env.seconds("ANALYSIS_HEARTBEAT", 5)
ANALYSIS_DEADLINE = env.seconds("ANALYSIS_DEADLINE", 120)
ANALYSIS_DEADLINE_MOST = env.seconds("ANALYSIS_DEADLINE_MOST", 30 * 60)
ANALYSIS_MEMORY = env.whole("ANALYSIS_MEMORY", 2 * 1024**3)
ANALYSIS_ATTEMPTS = env.whole("ANALYSIS_ATTEMPTS", 3)
WAITING_PER_USER = env.whole("WAITING_PER_USER", 100)
PREVIEW_WIDTH = 240  # pixels of a frame in the filmstrip
HISTORY_PAGE_SIZE = env.whole("HISTORY_PAGE_SIZE", 25)

# Live cameras: where their addresses may lead (services.addresses).
CAMERA_NETWORKS = env.networks(
    "CAMERA_NETWORKS", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]
)
CAMERA_DEVICES = env.words("CAMERA_DEVICES", [])

# Alerts, and the e-mail that some of them travel by.
EMAIL_URL = env.text("EMAIL_URL", "")  # "": none can be sent
globals().update(env.email("EMAIL_URL"))
EMAIL_TIMEOUT = 10
EMAIL_FROM = DEFAULT_FROM_EMAIL = env.mailbox("EMAIL_FROM", "noreply@localhost")
SITE_URL = env.site("SITE_URL")
ALERT_NETWORKS = env.networks("ALERT_NETWORKS", [])

# Operations.
WEB_PROCESSES = env.whole("WEB_PROCESSES", 1)  # gunicorn starts them
LOG_FORMAT = env.choice("LOG_FORMAT", "line", of=("line", "json"))
METRICS_NETWORKS = env.networks("METRICS_NETWORKS", ["127.0.0.1/32", "::1/128"])
READY_QUEUE_AGE = env.seconds("READY_QUEUE_AGE", 15 * 60)
LOGGING = logs.configuration(LOG_FORMAT)
