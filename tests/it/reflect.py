"""Stands in for grpcurl where there is none: the arguments that `grpcurl.rs` uses, by reflection alone.

Needs the Python packages grpcio and grpcio-reflection.

  reflect.py -plaintext [-max-time SECONDS] [-H 'NAME: VALUE'] ADDRESS list [SERVICE]
  reflect.py -plaintext [-max-time SECONDS] [-H 'NAME: VALUE'] ADDRESS describe SYMBOL
  reflect.py -plaintext [-max-time SECONDS] [-H 'NAME: VALUE'] -d @ ADDRESS METHOD    (messages on stdin)
"""

import argparse
import json
import sys

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


class WithHeaders(grpc.StreamStreamClientInterceptor):
    """Puts the headers into every call."""

    def __init__(self, headers):
        self.headers = headers

    def intercept_stream_stream(self, continuation, details, requests):
        return continuation(details._replace(metadata=self.headers), requests)


def arguments():
    parser = argparse.ArgumentParser(prefix_chars="-")
    parser.add_argument("-plaintext", action="store_true", required=True)
    parser.add_argument("-max-time", type=float)
    parser.add_argument("-H", action="append", default=[])
    parser.add_argument("-d", choices=["@"])
    parser.add_argument("address")
    parser.add_argument("verb")
    parser.add_argument("symbol", nargs="?")
    return parser.parse_args()


def show_list(database, pool, service):
    if service is None:
        print("\n".join(database.get_services()))
        return
    for method in pool.FindServiceByName(service).methods:
        print(f"{service}.{method.name}")


def describe(database, symbol):
    """Prints the members of a service or message, each below its comment."""
    file = database.FindFileContainingSymbol(symbol)
    name = symbol.removeprefix(file.package + ".")
    for field, members, what in (("service", "method", "rpc "), ("message_type", "field", "")):
        for place, holder in enumerate(getattr(file, field)):
            if holder.name != name:
                continue
            tags = [file.DESCRIPTOR.fields_by_name[field].number, place, 2]
            for at, member in enumerate(getattr(holder, members)):
                comments = [l.leading_comments for l in file.source_code_info.location if list(l.path) == tags + [at]]
                for line in "".join(comments).strip().splitlines():
                    print(f"  // {line.strip()}")
                print(f"  {what}{member.name}")


def messages(text, kind):
    """The JSON values in the text, which follow each other without a comma."""
    decoder, rest = json.JSONDecoder(), text.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        rest = rest[end:].strip()
        yield json_format.ParseDict(value, kind())


def call(channel, pool, name, timeout):
    service, method = name.rsplit(".", 1)
    method = pool.FindServiceByName(service).methods_by_name[method]
    request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    # On the wire every call is a stream; one message each way is a unary call.
    stub = channel.stream_stream(f"/{service}/{method.name}", request.SerializeToString, response.FromString)
    for answer in stub(messages(sys.stdin.read(), request), timeout=timeout):
        print(json_format.MessageToJson(answer, descriptor_pool=pool), flush=True)


def fail(error, pool):
    """Prints a status with its details, read by reflection too."""
    code = "".join(word.capitalize() for word in error.code().name.split("_"))
    print(f"ERROR:\n  Code: {code}\n  Message: {error.details()}", file=sys.stderr)
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = GetMessageClass(pool.FindMessageTypeByName("google.rpc.Status")).FromString(value)
            for detail in status.details:
                kind = pool.FindMessageTypeByName(detail.type_url.rsplit("/", 1)[-1])
                text = json_format.MessageToJson(GetMessageClass(kind).FromString(detail.value))
                print(f"  {detail.type_url} {text}", file=sys.stderr)
    sys.exit(1)


def main():
    given = arguments()
    headers = [tuple(part.strip() for part in header.split(":", 1)) for header in given.H]
    channel = grpc.intercept_channel(grpc.insecure_channel(given.address), WithHeaders(headers))
    database = ProtoReflectionDescriptorDatabase(channel)
    pool = DescriptorPool(database)
    try:
        if given.verb == "list":
            show_list(database, pool, given.symbol)
        elif given.verb == "describe":
            describe(database, given.symbol)
        else:
            call(channel, pool, given.verb, given.max_time)
    except grpc.RpcError as error:
        fail(error, pool)


main()
