# One image for all programs of the usage pipeline: docs/containers.md.
# "docker build ." needs nothing but this repository and the npm registry.
ARG NODE_IMAGE=node:26.12.1-bookworm-slim

# The compiler and the bundler stay in this stage.
FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Without chDB, the local ClickHouse of "npm start", which is larger than all the rest. Not "npm ci": see ADR 2.
RUN npm pkg delete optionalDependencies \
 && npm install --omit=dev --no-save --ignore-scripts --no-audit --no-fund
COPY LICENSE ./
COPY schemas schemas
COPY samples samples
COPY deploy deploy
COPY services services
RUN node services/shared/build/assemble.mjs /app

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="usage-pipeline" \
      org.opencontainers.image.description="Counts what a cloud's customers consume, exactly once, and bills it" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Named volumes take the owner of these folders. Nothing else is written: the file system may be read-only.
RUN install --directory --owner=1000 --group=1000 /var/lib/usage /var/lib/commerce
COPY --from=build /app /app
ENV NODE_ENV=production \
    USAGE_LOCAL_DIR=/var/lib/usage \
    COMMERCE_DATA_DIR=/var/lib/commerce
WORKDIR /app
USER 1000:1000
# Readiness is progress: docs/operations.md, "Whether a service can work".
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --retries=6 \
  CMD ["node", "/app/run.mjs", "health"]
ENTRYPOINT ["node", "--enable-source-maps", "/app/run.mjs"]
CMD ["--help"]
