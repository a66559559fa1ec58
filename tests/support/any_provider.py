"""A provider that takes any resource of its package, and makes none.

It stands in where a preview needs a resource that the sandbox's plugin does not have. It differs
from a real one in everything but this: inputs are passed on as they are, and ids are not known
before deployment. Run as an executable, with the engine's address as its argument.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc


class AnyProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Answers a preview."""

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        del request, context
        return plugin_pb2.PluginInfo(version="7.0.0")

    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        del context
        return provider_pb2.CheckResponse(inputs=request.news)

    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        del request, context
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=False
        )

    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        del context
        return provider_pb2.CheckResponse(inputs=request.news)

    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        if not request.preview:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "this provider only previews")
        return provider_pb2.CreateResponse(properties=request.properties)

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        del request, context
        return empty_pb2.Empty()


if __name__ == "__main__":
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(AnyProvider(), server)
    sys.stdout.write(f"{server.add_insecure_port('127.0.0.1:0')}\n")
    sys.stdout.flush()
    server.start()
    server.wait_for_termination()
