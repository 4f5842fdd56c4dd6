# Only the binary: it needs neither a shell nor a system around it.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN target=$(rustc -vV | sed -n 's/^host: //p') \
 && RUSTFLAGS='-C target-feature=+crt-static' cargo build --release --locked --target "$target" \
 && mv "target/$target/release/linebook" /linebook \
 && install -d -m 0700 /volumes/data

FROM scratch
COPY --from=build /linebook /linebook
COPY --from=build --chown=10001:10001 /volumes /
USER 10001:10001
ENV LINEBOOK_DATA=/data LINEBOOK_LISTEN=0.0.0.0:8080 LINEBOOK_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s CMD ["/linebook", "healthcheck"]
ENTRYPOINT ["/linebook"]
CMD ["serve"]
