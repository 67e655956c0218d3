# The image of dingmock: one static binary, no shell, a numeric user that is not root. It needs no writable file system.
#   docker build -t dingmock --build-arg VERSION=v0.0.0 .
FROM golang:1.26 AS modules
WORKDIR /src
# In a layer of their own: a change of the source does not fetch them again.
COPY go.mod go.sum ./
RUN go mod download

FROM modules AS build
ENV CGO_ENABLED=0 GOFLAGS=-buildvcs=false
COPY . .
ARG VERSION=dev
RUN go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/dingmock ./cmd/dingmock && mkdir /out/tls

FROM scratch
ARG VERSION=dev
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="dingmock" \
      org.opencontainers.image.description="A fake of the DingTalk open platform, for tests" \
      org.opencontainers.image.source="https://github.com/dingmock/dingmock" \
      org.opencontainers.image.documentation="https://github.com/dingmock/dingmock#readme" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /out/dingmock /dingmock
# A volume that is mounted here, for --tls-dir /tls, can be written by the user.
COPY --from=build --chown=65532:65532 /out/tls /tls
# docker stop kills after 10 seconds.
ENV DINGMOCK_ADDR=:8080 DINGMOCK_TLS_ADDR=:8443 DINGMOCK_SHUTDOWN_GRACE=8s
EXPOSE 8080 8443
USER 65532:65532
HEALTHCHECK --interval=2s --timeout=6s --retries=3 CMD ["/dingmock", "ready", "--container", "--wait", "5s"]
ENTRYPOINT ["/dingmock"]
CMD ["serve"]
