# The gateway with its scheduler: docker build -t thunderagent . && docker run -p 8300:8300 thunderagent --backends http://gpu1:8000
# BASE needs python3 of 3.11 or newer with venv and pip; the wheel is built from this checkout.
ARG BASE=docker.io/library/python:3.12-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
RUN python3 -m venv /opt/thunderagent
COPY pyproject.toml README.md requirements.lock ./
COPY configs ./configs
COPY recipes ./recipes
COPY thunderagent ./thunderagent
# The versions that the tests ran with, of what the extras need; nothing of pip's cache stays in the layer.
ARG EXTRAS=gateway,kv-events,otel,tools
RUN /opt/thunderagent/bin/pip install --no-cache-dir --disable-pip-version-check --constraint requirements.lock ".[${EXTRAS}]" \
    && /opt/thunderagent/bin/pip uninstall --yes --quiet pip setuptools

FROM ${BASE}
LABEL org.opencontainers.image.title="thunderagent" \
      org.opencontainers.image.description="A program-aware scheduler for LLM agents: an OpenAI-compatible gateway before vLLM and SGLang" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/thunderagent /opt/thunderagent
ENV PATH=/opt/thunderagent/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
WORKDIR /tmp
EXPOSE 8300
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8300/health', timeout=4)"]
ENTRYPOINT ["thunderagent", "serve", "--host", "0.0.0.0"]
CMD ["--help"]
