# Built in one stage, run in another: the image has no compiler and no pip cache, and runs as nobody in particular.
# Of what requirements/run.txt pins, all has wheels for amd64, and all but daachorse for arm64: there Rust builds it.
#   docker buildx build --platform linux/amd64,linux/arm64 .
# BuildKit says TARGETARCH by itself; a default written here would overrule it.
FROM python:3.12-slim-bookworm AS build-amd64

FROM python:3.12-slim-bookworm AS build-arm64
COPY --from=rust:1.90-slim-bookworm /usr/local/cargo /usr/local/cargo
COPY --from=rust:1.90-slim-bookworm /usr/local/rustup /usr/local/rustup
ENV CARGO_HOME=/usr/local/cargo RUSTUP_HOME=/usr/local/rustup PATH=/usr/local/cargo/bin:$PATH
# The linker alone, in a stage that is thrown away.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*

# One of the two above.
# hadolint ignore=DL3006
FROM build-${TARGETARCH} AS build
WORKDIR /src
COPY requirements/run.txt requirements/run.txt
RUN python -m venv /opt/floatcard && /opt/floatcard/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY gateway gateway
COPY channels channels
COPY cards cards
COPY identity identity
COPY crm crm
COPY mentions mentions
COPY reconcile reconcile
RUN /opt/floatcard/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --create-home floatcard
COPY --from=build /opt/floatcard /opt/floatcard
ENV PATH=/opt/floatcard/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8300
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8300/healthz', timeout=2)"]
ENTRYPOINT ["floatcard"]
CMD ["run", "--config", "/data/floatcard.toml"]
