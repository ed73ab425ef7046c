"""Writes the seeds of the fuzz targets: `python3 fuzz/seeds.py`, with nothing but Python's own library.

A seed begins with the byte that chooses what is done with the rest (see docs/fuzzing.md). `cargo test` holds it to
its name: `good-` is accepted, `bad-` is refused, and of others only the target's own rules are checked. Files that
this program does not know, such as inputs that once failed, are left alone. It writes the same bytes every time, as
far as zlib compresses alike.
"""

import json
import struct
import sys
import zlib
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"

# Early in 2026, in nanoseconds.
TIME = 1_767_225_600_000_000_000
TRACE_ID = bytes.fromhex("5b8efff798038103d269b633813fc60c")
SPAN_ID = bytes.fromhex("eee19b7ec3c1b174")
PARENT_ID = bytes.fromhex("0102030405060708")

TRACES, LOGS, METRICS = 0, 1, 2
# Added to the signal: the bytes are one item, and the target makes a request of it.
ITEM = 3


def choice(number):
    """The first byte: '0' and what follows it in ASCII."""
    return bytes([ord("0") + number])


# Protobuf.


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def key(number, wire_type):
    return varint(number << 3 | wire_type)


def num(number, value):
    return key(number, 0) + varint(value)


def fixed64(number, value):
    return key(number, 1) + struct.pack("<Q", value & (1 << 64) - 1)


def double(number, value):
    return key(number, 1) + struct.pack("<d", value)


def fixed32(number, value):
    return key(number, 5) + struct.pack("<I", value)


def held(number, *parts):
    """Text, bytes, or a message of these fields."""
    content = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return key(number, 2) + varint(len(content)) + content


def signed(number, value):
    return num(number, value << 1 ^ value >> 31)


def attribute(field, name, value):
    return held(field, held(1, name), held(2, value))


def text(value):
    return held(1, value)


def integer(value):
    return num(3, value)


def array(*values):
    return held(5, *[held(1, value) for value in values])


def mapping(**entries):
    return held(6, *[held(1, held(1, name), held(2, value)) for name, value in entries.items()])


def resource(name):
    entity = held(3, held(2, "service"), held(3, "service.name"), held(4, "service.version"))
    owned = [attribute(1, "service.name", text(name)), attribute(1, "service.version", text("1.4.2"))]
    return held(1, *owned, num(2, 1), entity)


def scope():
    return held(1, held(1, "shop.http"), held(2, "0.3"), attribute(3, "short", num(2, 1)), num(4, 0))


def request(name, *items):
    """All signals have their parts under the same numbers."""
    schema = held(3, "https://opentelemetry.io/schemas/1.37.0")
    return held(1, resource(name), held(2, scope(), *[held(2, item) for item in items], schema), schema)


def span(*more):
    ids = held(1, TRACE_ID) + held(2, SPAN_ID)
    own = held(5, "GET /cart") + num(6, 2) + fixed64(7, TIME) + fixed64(8, TIME + 250_000_000)
    return ids + own + b"".join(more)


def full_span():
    thrown = attribute(3, "exception.type", text("Timeout"))
    event = held(11, fixed64(1, TIME + 5), held(2, "exception"), thrown, num(4, 1))
    why = attribute(4, "why", text("retry"))
    link = held(13, held(1, TRACE_ID[::-1]), held(2, PARENT_ID), held(3, "a=1"), why, fixed32(6, 257))
    attributes = [
        attribute(9, "http.request.method", text("GET")),
        attribute(9, "http.response.status_code", integer(503)),
        attribute(9, "http.route", text("/cart/{id}")),
        attribute(9, "retries", array(integer(1), double(4, 0.5), text("x"))),
        attribute(9, "peer", mapping(host=text("db-1"), port=integer(5432), tags=array())),
        attribute(9, "digest", held(7, b"\x00\xff\x80")),
        attribute(9, "empty", b""),
    ]
    own = [held(3, "ot=th:8"), held(4, PARENT_ID), *attributes, num(10, 2), event, num(12, 1), link, num(14, 1)]
    return span(*own, held(15, held(2, "deadline"), num(3, 2)), fixed32(16, 257))


def log():
    body = held(5, mapping(message=text("payment declined"), amount=double(4, 12.5)))
    times = fixed64(1, TIME) + fixed64(11, TIME + 7)
    severity = num(2, 17) + held(3, "ERROR")
    owned = attribute(6, "order.id", integer(-7)) + num(7, 1) + fixed32(8, 1)
    return times + severity + body + owned + held(9, TRACE_ID) + held(10, SPAN_ID) + held(12, "payment.declined")


def exemplar(number):
    ids = held(4, SPAN_ID) + held(5, TRACE_ID)
    return held(number, attribute(7, "user", text("u1")), fixed64(2, TIME), double(3, 0.25), ids)


def times():
    return fixed64(2, TIME - 10_000_000_000) + fixed64(3, TIME)


def gauge():
    point = held(1, attribute(7, "queue", text("mail")), times(), double(4, float("nan")), exemplar(5))
    stale = held(1, times(), num(8, 1))
    names = held(1, "queue.length") + held(2, "Waiting") + held(3, "{item}") + attribute(12, "a", text("b"))
    return names + held(5, point, stale)


def total():
    return held(1, "requests") + held(7, held(1, times(), fixed64(6, -3)), num(2, 2), num(3, 1))


def histogram():
    counts = held(6, struct.pack("<3Q", 1, 2, 0))
    bounds = held(7, struct.pack("<2d", 0.1, 1.5))
    measured = fixed64(4, 3) + double(5, 2.25) + double(11, 0.05) + double(12, 1.4)
    point = attribute(9, "route", text("/")) + times() + measured + counts + bounds + exemplar(8)
    return held(1, "latency") + held(3, "s") + held(9, held(1, point), num(2, 1))


def exponential():
    positive = held(8, signed(1, -2), held(2, varint(1), varint(300)))
    negative = held(9, signed(1, 4), held(2, varint(2)))
    measured = fixed64(4, 304) + double(5, 9.5) + signed(6, 3) + fixed64(7, 1) + double(14, 0.001)
    point = attribute(1, "dir", text("in")) + times() + measured + positive + negative
    return held(1, "sizes") + held(10, held(1, point), num(2, 2))


def summary():
    quantiles = held(6, double(1, 0.5), double(2, 0.2)) + held(6, double(1, 0.99), double(2, 4.0))
    return held(1, "gc") + held(11, held(1, times(), fixed64(4, 9), double(5, 1.5), quantiles))


def nested(levels):
    value = text("in")
    for _ in range(levels):
        value = mapping(k=value)
    return value


def protobuf():
    good = request("cart", full_span(), span())
    group = key(50, 3) + num(1, 1) + key(50, 4)
    two_values = held(9, held(1, "k"), held(2, text("a")), held(2, integer(1)))
    unpacked = fixed64(6, 1) + fixed64(6, 2) + held(7, struct.pack("<d", 0.5)) + fixed64(4, 3)
    mismatch = fixed64(4, 9) + held(6, struct.pack("<Q", 1))
    metrics = [gauge(), total(), histogram(), exponential(), summary()]

    def explicit(point):
        return choice(ITEM + METRICS) + held(1, "m") + held(9, held(1, times(), point), num(2, 1))

    return {
        "good-traces": choice(TRACES) + good,
        "good-logs": choice(LOGS) + request("cart", log(), b""),
        "good-metrics": choice(METRICS) + request("cart", *metrics),
        "good-span": choice(ITEM + TRACES) + full_span(),
        "good-log": choice(ITEM + LOGS) + log(),
        "good-histogram": choice(ITEM + METRICS) + histogram(),
        "good-exponential": choice(ITEM + METRICS) + exponential(),
        "good-unpacked-counts": explicit(unpacked),
        "good-two-values": choice(ITEM + TRACES) + span(two_values, attribute(9, "k", text("again"))),
        "good-two-status": choice(ITEM + TRACES) + span(held(15, held(2, "message")), held(15, num(3, 2))),
        "good-group": choice(ITEM + TRACES) + span(group, num(99, 7)),
        "good-deep-value": choice(ITEM + TRACES) + span(attribute(9, "deep", nested(26))),
        "good-merged": choice(TRACES) + good + request("other", span()),
        "bad-deeper-than-prost": choice(ITEM + TRACES) + span(attribute(9, "deep", nested(40))),
        "bad-utf8": choice(ITEM + TRACES) + span(held(3, b"\xed\xa0\x80")),
        "bad-wire-type": choice(ITEM + TRACES) + span(num(5, 1)),
        "bad-endless-number": choice(ITEM + TRACES) + span(key(10, 0) + b"\xff" * 9 + b"\x02"),
        "bad-cut": choice(TRACES) + good[:-9],
        "bad-no-ids": choice(ITEM + TRACES) + held(5, "no ids"),
        "bad-histogram": explicit(mismatch),
        "empty": choice(TRACES),
    }


# OTLP/JSON.


def json_attribute(name, value):
    return {"key": name, "value": value}


def json_request(resources, scopes, items, *members):
    service = json_attribute("service.name", {"stringValue": "cart"})
    owner = {"attributes": [service], "droppedAttributesCount": 1}
    schema = "https://opentelemetry.io/schemas/1.37.0"
    of_scope = {"scope": {"name": "shop.http", "version": "0.3"}, items: list(members), "schemaUrl": schema}
    return {resources: [{"resource": owner, scopes: [of_scope]}]}


def json_span():
    attributes = [
        json_attribute("http.route", {"stringValue": "/cart/{id}"}),
        json_attribute("status", {"intValue": "503"}),
        json_attribute("ratio", {"doubleValue": -0.0}),
        json_attribute("bytes", {"bytesValue": "AP+A"}),
        json_attribute("list", {"arrayValue": {"values": [{"boolValue": True}, {}, {"doubleValue": "NaN"}]}}),
        json_attribute("map", {"kvlistValue": {"values": [json_attribute("a", {"intValue": 1}), {"key": "none"}]}}),
    ]
    return {
        "traceId": TRACE_ID.hex(),
        "spanId": SPAN_ID.hex().upper(),
        "parentSpanId": PARENT_ID.hex(),
        "traceState": "ot=th:8",
        "flags": 257,
        "name": "GET /cart",
        "kind": 2,
        "startTimeUnixNano": str(TIME),
        "endTimeUnixNano": TIME + 250_000_000,
        "attributes": attributes,
        "droppedAttributesCount": 2.0,
        "events": [{"timeUnixNano": str(TIME + 5), "name": "exception", "attributes": attributes[:1]}],
        "links": [{"traceId": TRACE_ID[::-1].hex(), "spanId": PARENT_ID.hex(), "flags": 1}],
        "status": {"message": "deadline", "code": 2},
    }


def json_log():
    return {
        "timeUnixNano": str(TIME),
        "observedTimeUnixNano": str(TIME + 7),
        "severityNumber": 17,
        "severityText": "ERROR",
        "body": {"kvlistValue": {"values": [json_attribute("message", {"stringValue": "declined \u20ac"})]}},
        "attributes": [json_attribute("order.id", {"intValue": "-7"})],
        "traceId": TRACE_ID.hex(),
        "spanId": SPAN_ID.hex(),
        "eventName": "payment.declined",
    }


def json_metrics():
    def points(*points, **members):
        at = {"startTimeUnixNano": str(TIME - 10_000_000_000), "timeUnixNano": str(TIME)}
        return {"dataPoints": [{**at, **point} for point in points], **members}

    ids = {"spanId": SPAN_ID.hex(), "traceId": TRACE_ID.hex()}
    exemplars = [{"timeUnixNano": str(TIME), "asDouble": 0.25, **ids}]
    explicit = {"count": "3", "sum": 2.25, "bucketCounts": ["1", 2, "0"], "explicitBounds": [0.1, 1.5]}
    explicit["exemplars"] = exemplars
    buckets = {"offset": -2, "bucketCounts": ["1", "300"]}
    wide = {"count": 302, "scale": 3, "zeroCount": "1", "positive": buckets, "zeroThreshold": 0.001}
    quantiles = {"count": 9, "sum": 1.5, "quantileValues": [{"quantile": 0.5, "value": 0.2}]}
    return [
        {"name": "queue", "unit": "{item}", "gauge": points({"asDouble": "-Infinity"}, {"flags": 1})},
        {"name": "requests", "sum": points({"asInt": "-3"}, aggregationTemporality=2, isMonotonic=True)},
        {"name": "latency", "histogram": points(explicit, aggregationTemporality=1)},
        {"name": "sizes", "exponentialHistogram": points(wide, aggregationTemporality=2)},
        {"name": "gc", "summary": points(quantiles)},
    ]


def plain_json(value):
    return json.dumps(value, separators=(",", ":")).encode()


def json_seeds():
    traces = json_request("resourceSpans", "scopeSpans", "spans", json_span())
    logs = json_request("resourceLogs", "scopeLogs", "logRecords", json_log(), {})
    metrics = json_request("resourceMetrics", "scopeMetrics", "metrics", *json_metrics())
    ids = f'{{"traceId":"{TRACE_ID.hex()}","spanId":"{SPAN_ID.hex()}"'.encode()
    two_values = b'{"key":"k","value":{"intValue":1,"stringValue":"x"}}'
    twice = b',"name":"a","name":null,"name":"b","attributes":[' + two_values + b"]}"
    unknown = b',"future":{"a":[1,{}]},"trace_state":"x","nul\\u0000":"\\ud83d\\ude00"}'

    def deep(levels):
        value = b'{"arrayValue":{"values":[' * levels + b"{}" + b"]}}" * levels
        return choice(ITEM + TRACES) + ids + b',"attributes":[{"key":"k","value":' + value + b"}]}"

    spaced = json.dumps(traces, indent=1).replace("/", "\\/").replace("cart", "\\u0063art").encode()
    return {
        "good-traces": choice(TRACES) + plain_json(traces),
        "good-logs": choice(LOGS) + plain_json(logs),
        "good-metrics": choice(METRICS) + plain_json(metrics),
        "good-span": choice(ITEM + TRACES) + plain_json(json_span()),
        "good-log": choice(ITEM + LOGS) + plain_json(json_log()),
        "good-metric": choice(ITEM + METRICS) + plain_json(json_metrics()[2]),
        "good-spelled-otherwise": choice(TRACES) + spaced,
        "good-members-twice": choice(ITEM + TRACES) + ids + twice,
        "good-unknown-members": choice(ITEM + TRACES) + ids + unknown,
        "good-deep-value": deep(25),
        "bad-too-deep": deep(40),
        "bad-enum-by-name": choice(ITEM + TRACES) + ids + b',"kind":"SPAN_KIND_SERVER"}',
        "bad-lone-surrogate": choice(ITEM + TRACES) + ids + b',"name":"\\ud800"}',
        "bad-cut": choice(TRACES) + plain_json(traces)[:-7],
        "bad-number": choice(ITEM + TRACES) + ids + b',"flags":4294967296}',
        "bad-base64": choice(ITEM + LOGS) + b'{"body":{"bytesValue":"?"}}',
        "bad-no-ids": choice(ITEM + TRACES) + b'{"traceId":"zz","name":"no ids"}',
        "empty": choice(TRACES),
    }


# Zipkin's v2 spans.

# The bytes are one span, or one series.
ONE = 1


def zipkin_span(**members):
    return {
        "traceId": TRACE_ID.hex(),
        "id": SPAN_ID.hex(),
        "name": "get /cart",
        "kind": "CLIENT",
        "timestamp": TIME // 1000,
        "duration": 250_000,
        "localEndpoint": {"serviceName": "web", "ipv4": "10.0.0.1", "port": 8080},
        "remoteEndpoint": {"serviceName": "cart", "ipv6": "2001:db8::1"},
        "tags": {"http.method": "GET", "http.status_code": "503", "error": "deadline", "otel.status_code": "ERROR"},
        **members,
    }


def zipkin():
    cart = {"serviceName": "cart"}
    server = zipkin_span(kind="SERVER", shared=True, parentId=PARENT_ID.hex(), localEndpoint=cart)
    below = zipkin_span(id="a1", parentId=SPAN_ID.hex(), kind=None, localEndpoint=cart)
    priced = '{"priced": {"cents": 100, "rate": 0.5, "none": null}}'
    texts = ["cache miss", priced, 'retry: {"tags":["a",{"b":1}]}']
    annotations = [{"timestamp": TIME // 1000 + place, "value": text} for place, text in enumerate(texts)]
    scope_tags = {"otel.scope.name": "meter", "otel.library.version": "1"}
    tags = {"service.name": "shop", "w3c.tracestate": "a=1", "flag": True, "n": 1.5, **scope_tags}
    deep = [{"timestamp": 1, "value": "deep: " + '{"a":' * 60 + "1" + "}" * 60}]
    return {
        "good-list": choice(0) + plain_json([zipkin_span(), server, below]),
        "good-span": choice(ONE) + plain_json(zipkin_span(annotations=annotations)),
        "good-resource-in-tags": choice(ONE) + plain_json(zipkin_span(tags=tags)),
        "good-short-ids": choice(ONE) + plain_json(zipkin_span(traceId="abc", id="1", kind="OTHER", debug=True)),
        "good-deep-annotation": choice(ONE) + plain_json(zipkin_span(annotations=deep)),
        "good-without-time": choice(ONE) + plain_json(zipkin_span(timestamp=None, duration="7", unknown=[{}])),
        "bad-no-list": choice(0) + plain_json(zipkin_span()),
        "bad-ids": choice(ONE) + plain_json(zipkin_span(traceId="zz")),
        "bad-cut": choice(0) + plain_json([zipkin_span()])[:-9],
        "bad-tag": choice(ONE) + plain_json(zipkin_span(tags={"a": {}})),
        "empty": choice(0) + b"[]",
    }


# Remote write 1.0.

TIME_MS = TIME // 1_000_000
STALE = 0x7FF0_0000_0000_0002


def labels(field, **pairs):
    return b"".join(held(field, held(1, name), held(2, value)) for name, value in pairs.items())


def series(name, *more, **pairs):
    return labels(1, __name__=name, job="shop/cart", instance="10.0.0.1:80", **pairs) + b"".join(more)


def sample(value, after_ms=0):
    return held(2, double(1, value), num(2, TIME_MS + after_ms))


def native(*more):
    """Buckets 0, 1 and 4 with the counts 2, 3 and 1; the first three fields are count, sum and schema."""
    spans = held(11, signed(1, 0), num(2, 2)) + held(11, signed(1, 2), num(2, 1))
    deltas = held(12, varint(4), varint(2), varint(3))
    return held(4, num(1, 7), double(3, 9.5), signed(4, 3), double(5, 0.001), num(6, 1), spans, deltas, *more)


def remote_write():
    meta = held(3, num(1, 1), held(2, "requests"), held(4, "Requests served"), held(5, "seconds"))
    ids = {"trace_id": TRACE_ID.hex(), "span_id": SPAN_ID.hex()}
    exemplar = held(3, labels(1, **ids, user="u1"), double(2, 0.25), num(3, TIME_MS))
    samples = sample(3.0) + sample(4.0, 15_000)
    counter = series("requests_total", samples, exemplar, otel_scope_name="meter", code="200")
    stale = series("queue", held(2, fixed64(1, STALE), num(2, TIME_MS)), sample(float("inf"), 1))
    bucket = series("latency_bucket", sample(7.0), le="+Inf")
    apart = series("latency_bucket", exemplar, le="+Inf")
    histogram = series("sizes", native(num(15, TIME_MS)), exemplar)
    float_buckets = held(11, signed(1, -1), num(2, 1)) + held(13, struct.pack("<d", 3.0))
    floats = held(4, double(2, 3.0), double(3, 1.0), float_buckets)
    all_series = [held(1, one) for one in (counter, stale, bucket, apart, histogram)]
    return {
        "good-request": choice(0) + b"".join(all_series) + meta,
        "good-counter": choice(ONE) + counter,
        "good-stale": choice(ONE) + stale,
        "good-native": choice(ONE) + histogram,
        "good-native-of-floats": choice(ONE) + series("f", floats),
        "good-many-samples": choice(ONE) + series("m", *[sample(float(n), n) for n in range(40)]),
        "bad-native-gauge": choice(ONE) + series("g", native(num(14, 3), num(15, TIME_MS))),
        "bad-native-schema": choice(ONE) + series("g", native(signed(4, -53), num(15, TIME_MS))),
        "bad-without-name": choice(ONE) + labels(1, job="shop") + sample(1.0),
        "bad-before-1970": choice(ONE) + series("old", held(2, double(1, 1.0), num(2, -1))),
        "bad-cut": choice(0) + held(1, counter)[:-3],
        "metadata-alone": choice(0) + meta,
    }


# Compressed bodies.

GZIP, ZSTD, DEFLATE, SNAPPY = 1, 2, 3, 4
# Places in the target's list of limits, times eight: 1,000 bytes, 64 KiB, 1 MiB.
SMALL, MIDDLE, LARGE = 16, 24, 32

# The small request above, by zstd 1.5 as a stream at level 19, with a checksum and no size.
ZSTD_STREAM = bytes.fromhex(
    "28b52ffd0468450600a20c2819507903d9c8e2e3b7909938cc10e944cd00f8d903676466420fdbdad6b6365260f77dfa902045a1240ae1d4"
    "bf5ba171bbd37b9ba471d5d967411dbb1be75300a4c671ead30f85b8086bd8572e86f8ffe976486c6618c9c52405660cc4620c0ba36459f6"
    "cb853875ec795bb1cee067b3cf6deded1a57eb947637ac73d855d1a7bf576ff07613f167a74e3ef73abc36ac75f5927a453ddf0a466f71f8"
    "e5c75e060e0080c04bad027c0b1f6d771889a7ce6ad5f2bc806f958b0c66c91c135477f439beda66185948ea45"
)
# The same at level 3, with its size and without a checksum.
ZSTD_SIZED = bytes.fromhex(
    "28b52ffd603b006d0600d2cc2922406bab03b8aa3076e317026f987ca9b623dd109d3597f446b4b16ba58989740c732675a94b5d2aa298d8"
    "473f18a254632ddddd897be00063422b2082caa5f348b93311268e040010040577471f68e9255edced29a9bbd1f960dcac94acc59ec214b3"
    "8e94ac23515ad3349d3ce4ee8c41f34a3a170ecfa3bad47a2a97afc010a1a4f36958c6d15bb131a0193264cfbb3f74a2e9f3a0a474df705f"
    "709f711708cdf27166cb37020d0080c04bad027c0b1f6d771889a7ce52ab565a5a20835932c704d51d7d8eafb61906"
)


def zstd_header(descriptor, *fields):
    return b"\x28\xb5\x2f\xfd" + bytes([descriptor]) + b"".join(fields)


def zstd_block(kind, n_bytes, content, is_last=False):
    """Kind 0 holds bytes as they are, kind 1 one byte that is repeated."""
    return struct.pack("<I", n_bytes << 3 | kind << 1 | is_last)[:3] + content


def raw_deflate(content):
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(content) + stream.flush()


def gzipped(content, head=b"\x1f\x8b\x08\0\0\0\0\0\0\xff"):
    return head + raw_deflate(content) + struct.pack("<II", zlib.crc32(content), len(content))


def snappy(n_bytes, *elements):
    return varint(n_bytes) + b"".join(elements)


def literal(content):
    return bytes([len(content) - 1 << 2]) + content


def copied(n_bytes, offset):
    return bytes([n_bytes - 1 << 2 | 2]) + struct.pack("<H", offset)


def inflate():
    content = plain_json(json_request("resourceSpans", "scopeSpans", "spans", json_span()))
    whole = gzipped(content)
    zeros = bytes(1 << 20)
    question = b"where did it break first? "
    # With an extra field, a name, a comment, and a checksum of the header.
    named = bytearray(b"\x1f\x8b\x08\x1e\0\0\0\0\0\xff\x02\0xxname\0comment\0")
    named += struct.pack("<H", zlib.crc32(named) & 0xFFFF)
    skipped = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    raw = zstd_header(0xA0, struct.pack("<I", 5)) + zstd_block(0, 5, b"fault", True)
    # 1 MiB of one byte in four bytes a block, without a size; and one that says that it has 4 GiB.
    blocks = zstd_block(1, 128 << 10, b"\0") * 7 + zstd_block(1, 128 << 10, b"\0", True)
    of_4_gib = zstd_header(0xE0, struct.pack("<Q", 1 << 32))

    def window(exponent):
        return zstd_header(0, bytes([exponent << 3])) + zstd_block(0, 1, b"x", True)

    return {
        "good-identity": choice(LARGE) + content,
        "good-gzip": choice(GZIP + LARGE) + whole,
        "good-gzip-members": choice(GZIP + LARGE) + gzipped(b"first ") + gzipped(b"") + gzipped(b"fault"),
        "good-gzip-with-names": choice(GZIP + LARGE) + gzipped(content, bytes(named)),
        "good-gzip-bomb-below-limit": choice(GZIP + LARGE) + gzipped(zeros),
        "good-zstd-stream": choice(ZSTD + LARGE) + ZSTD_STREAM,
        "good-zstd-sized": choice(ZSTD + LARGE) + ZSTD_SIZED,
        "good-zstd-frames": choice(ZSTD + LARGE) + ZSTD_SIZED + skipped + raw,
        "good-zstd-window": choice(ZSTD + LARGE) + window(13),
        "good-zlib": choice(DEFLATE + LARGE) + zlib.compress(content, 6),
        "good-raw-deflate": choice(DEFLATE + LARGE) + raw_deflate(content),
        "good-snappy": choice(SNAPPY + LARGE) + snappy(53, literal(question), copied(27, len(question))),
        "good-snappy-of-nothing": choice(SNAPPY + LARGE) + snappy(0),
        "bad-snappy-promise": choice(SNAPPY + LARGE) + snappy(1 << 32, literal(b"x")),
        "bad-snappy-ratio": choice(SNAPPY + LARGE) + snappy(1 << 20, literal(b"x")),
        "bad-snappy-bomb": choice(SNAPPY + SMALL) + snappy(6401, literal(b"x"), *[copied(64, 1)] * 100),
        "bad-snappy-offset": choice(SNAPPY + LARGE) + snappy(9, literal(b"x"), copied(8, 2)),
        "bad-gzip-cut": choice(GZIP + LARGE) + whole[:-5],
        "bad-gzip-checksum": choice(GZIP + LARGE) + whole[:-8] + bytes(4) + whole[-4:],
        "bad-gzip-followed": choice(GZIP + LARGE) + whole + b"rest",
        "bad-gzip-bomb": choice(GZIP + SMALL) + gzipped(zeros),
        "bad-zstd-is-gzip": choice(ZSTD + LARGE) + whole,
        "bad-zstd-window": choice(ZSTD + LARGE) + window(14),
        "bad-zstd-bomb": choice(ZSTD + MIDDLE) + zstd_header(0, b"\x68") + blocks,
        "bad-zstd-bomb-by-its-own-words": choice(ZSTD + LARGE) + of_4_gib + blocks,
        "bad-zstd-checksum": choice(ZSTD + LARGE) + ZSTD_STREAM[:-1] + b"\0",
        "bad-zstd-cut": choice(ZSTD + LARGE) + ZSTD_SIZED[:-20],
        "bad-deflate-cut": choice(DEFLATE + LARGE) + raw_deflate(content)[:-4],
        "bad-deflate-followed": choice(DEFLATE + LARGE) + raw_deflate(content) + b"rest",
        "bad-deflate-bomb": choice(DEFLATE + SMALL) + zlib.compress(zeros),
    }


# The log.

AS_IT_IS, SEALED, RECORD, FILE = 0, 1, 2, 3
# Times four: the number that the next file begins with.
NEXT_FILE = 4
PLAIN, LZ4 = 0, 1


def crc32c(content):
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def header(first=1, version=1):
    fields = b"FFWAL\0" + struct.pack("<HQ", version, first)
    return fields + struct.pack("<I", crc32c(fields))


def body(sequence, payload, codec=PLAIN, n_payload_bytes=None, signal=1, zero=0):
    n_payload_bytes = len(payload) if n_payload_bytes is None else n_payload_bytes
    return struct.pack("<QqIBBBB", sequence, TIME, n_payload_bytes, signal, 0, codec, zero) + payload


def frame(content):
    length = struct.pack("<I", len(content))
    return length + struct.pack("<I", crc32c(length + content)) + content


def lz4():
    """A block of 65 bytes: "abc" and what repeats it, then "hello" as it is."""
    return b"\x3fabc" + struct.pack("<H", 3) + bytes([57 - 4 - 15]) + b"\x50hello"


def wal_frame():
    payload = request("cart", span())
    one, two, three = (frame(body(number, payload[number:])) for number in (1, 2, 3))
    hurt = bytearray(two)
    hurt[50] ^= 0x40
    inside = frame(body(2, b"x" * 30 + frame(body(3, b"a frame in a payload")) + b"y" * 30))
    hurt_around = bytearray(inside)
    hurt_around[2] = 0x7F
    fields = struct.pack("<QqBBH", 7, TIME, 1, 1, 300)
    last = (1 << 64) - 1
    return {
        "good-frame": choice(AS_IT_IS) + one,
        "good-frame-of-lz4": choice(AS_IT_IS) + frame(body(9, lz4(), LZ4, 65)),
        "good-sealed": choice(SEALED) + bytes(8) + body(1, payload),
        "good-sealed-lz4": choice(SEALED) + bytes(8) + body(9, lz4(), LZ4, 65),
        "good-record": choice(RECORD) + fields + payload * 3,
        "good-record-of-nothing": choice(RECORD) + fields,
        "good-file": choice(FILE) + header() + one + two + three,
        "good-file-of-version-2": choice(FILE) + header(version=2) + one,
        "good-file-hurt-in-the-middle": choice(FILE) + header() + one + bytes(hurt) + three,
        "good-file-with-a-frame-inside": choice(FILE) + header() + one + bytes(hurt_around) + three,
        "good-file-before-another": choice(FILE + 3 * NEXT_FILE) + header() + bytes(hurt[:40]) + two + three,
        "good-file-cut": choice(FILE) + header() + one + two[:-6],
        "good-file-without-header": choice(FILE) + bytes(20) + one + two,
        "bad-frame-checksum": choice(AS_IT_IS) + one[:-1] + b"\0",
        "bad-frame-cut": choice(AS_IT_IS) + one[:-1],
        "bad-frame-length": choice(AS_IT_IS) + b"\xff\xff\xff\xff" + one[4:],
        "bad-sealed-signal": choice(SEALED) + bytes(8) + body(1, payload, signal=9),
        "bad-sealed-codec": choice(SEALED) + bytes(8) + body(1, payload, codec=7),
        "bad-sealed-newer": choice(SEALED) + bytes(8) + body(1, payload, zero=1),
        "bad-sealed-lz4-of-256-mib": choice(SEALED) + bytes(8) + body(9, lz4(), LZ4, 256 << 20),
        "bad-sealed-lz4-too-short": choice(SEALED) + bytes(8) + body(9, lz4(), LZ4, 20),
        "bad-file-of-another-version": choice(FILE) + header(version=99) + one,
        "bad-file-of-the-last-number": choice(FILE) + header(last) + frame(body(last, b"none can follow")),
        "bad-file-of-zeros": choice(FILE) + header() + bytes(200),
    }


def main():
    seeds = {
        "protobuf": protobuf(),
        "json": json_seeds(),
        "zipkin": zipkin(),
        "remote_write": remote_write(),
        "inflate": inflate(),
        "wal_frame": wal_frame(),
    }
    for target, files in seeds.items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        print(f"{len(files)} seeds in {folder}", file=sys.stderr)


if __name__ == "__main__":
    main()
