# Two stages on one base: the first installs, the second only carries what was installed.
ARG PYTHON=3.13
FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/basalt
WORKDIR /src
# Dependencies first: this layer stays cached until the lock changes.
COPY requirements.lock ./
RUN /opt/basalt/bin/pip install --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY domain domain
COPY application application
COPY adapters adapters
COPY entrypoints entrypoints
# What only the build needed stays behind, and `check` sees to it that nothing else needed it.
RUN /opt/basalt/bin/pip install --no-build-isolation --no-deps --no-index . \
    && /opt/basalt/bin/pip uninstall --yes hatchling packaging pathspec pluggy tomlkit trove-classifiers \
    && /opt/basalt/bin/pip check \
    && /opt/basalt/bin/pip uninstall --yes pip

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="Basalt" org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/basalt /opt/basalt
# A volume made from this image inherits the folder's owner, so the service can write to it.
RUN install --directory --owner=65532 --group=65532 --mode=0700 /data
ENV PATH=/opt/basalt/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BASALT_DATA_DIR=/data
WORKDIR /data
VOLUME /data
USER 65532:65532
EXPOSE 8000
# Another port on the command line needs another health check too.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=2).read()"]
CMD ["basalt", "serve", "--host", "0.0.0.0"]
