# syntax=docker/dockerfile:1
# Two stages: the first has compilers' leftovers and the build backend, the second only what runs.
FROM python:3.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
RUN python -m venv /opt/lics
COPY requirements.lock ./
RUN /opt/lics/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY config config
COPY drivers drivers
COPY lics_actors lics_actors
COPY migrations migrations
COPY web web
RUN /opt/lics/bin/pip install --no-deps .

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/lics --create-home lics
COPY --from=build /opt/lics /opt/lics
ENV PATH=/opt/lics/bin:$PATH PYTHONUNBUFFERED=1 LICS_DATA_DIR=/var/lib/lics/data
USER lics
WORKDIR /var/lib/lics
RUN mkdir -p /var/lib/lics/data
VOLUME /var/lib/lics/data
EXPOSE 8000 8001
ENTRYPOINT ["lics"]
CMD ["web"]
