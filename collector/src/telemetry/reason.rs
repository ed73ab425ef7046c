//! The closed list of reasons for which data is refused, changed or remarked on.
//!
//! Every reason has a stable name (in `/metrics` and the API), a class that says what became of the
//! data, and a hint for whoever has to repair the sender. Nothing is counted under a free-form name:
//! senders must not be able to create label values.

/// What became of the data that a reason was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// The whole request was refused.
    Request,
    /// One item was rejected, its siblings kept.
    Item,
    /// Stored, but something of it was lost: the sender is told in the answer.
    Warning,
    /// Stored in full, with something repaired or doubtful: counted only.
    Note,
}

impl Class {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Item => "item",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

macro_rules! reasons {
    ($( $variant:ident $class:ident $name:literal $hint:literal; )*) => {
        /// Why something was refused, changed or remarked on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Reason { $( $variant, )* }

        impl Reason {
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[ $( Self::$variant, )* ];

            /// Stable snake_case name.
            pub(crate) fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )* }
            }

            pub(crate) fn class(self) -> Class {
                match self { $( Self::$variant => Class::$class, )* }
            }

            /// What to change at the sender; `None` where the message says it all.
            pub(crate) fn hint(self) -> Option<&'static str> {
                let hint = match self { $( Self::$variant => $hint, )* };
                (!hint.is_empty()).then_some(hint)
            }
        }
    };
}

reasons! {
    ProtobufMalformed Request "protobuf_malformed"
        "check that the body is an OTLP export request of this path's signal and not JSON";
    JsonMalformed Request "json_malformed"
        "see the OTLP/JSON mapping: lowerCamelCase keys, integer enum values, hex ids";
    JsonAsProtobuf Request "json_as_protobuf" "";
    ProtobufAsJson Request "protobuf_as_json" "";
    ZipkinMalformed Request "zipkin_malformed"
        "Zipkin's v2 JSON is a list of spans: ids are hex text, times whole microseconds";
    RemoteWriteMalformed Request "remote_write_malformed"
        "check that the sender writes prometheus.WriteRequest, the message of remote write 1.0";
    SnappyMalformed Request "snappy_malformed"
        "remote write uses snappy's block format; the body was cut or is none: check proxies between";
    GzipMalformed Request "gzip_malformed" "the body was cut or is not gzip: check proxies between";
    ZstdMalformed Request "zstd_malformed"
        "the body was cut, is not zstd, or needs a window of more than 8 MiB: check its sender and proxies between";
    DeflateMalformed Request "deflate_malformed" "the body was cut or is not deflate: check proxies between";
    CompressedTwice Request "compressed_twice" "";
    CompressionUndeclared Request "compression_undeclared" "";
    GrpcFrameMalformed Request "grpc_frame_malformed" "this port expects one unary gRPC message";
    BodyUnreadable Request "body_unreadable" "the connection broke while the body was being sent";
    BodyMalformed Request "body_malformed" "the body's chunks are not as HTTP has them: check the sender and proxies between";
    BodyTooSlow Request "body_too_slow" "send smaller batches or check the network";
    RequestTooLarge Request "request_too_large" "send smaller batches, or raise limits.request_bytes";
    UnsupportedMediaType Request "unsupported_media_type"
        "use Content-Type application/x-protobuf or application/json";
    ZipkinUnsupported Request "zipkin_unsupported" "send Zipkin's v2 JSON, Content-Type application/json";
    RemoteWriteUnsupported Request "remote_write_unsupported"
        "send remote write 1.0: Content-Type application/x-protobuf, Content-Encoding snappy";
    UnsupportedEncoding Request "unsupported_encoding" "use zstd, gzip, deflate or no compression";
    MethodNotAllowed Request "method_not_allowed" "telemetry is sent with POST";
    PathUnknown Request "path_unknown"
        "the endpoint's paths are /v1/traces, /v1/logs and /v1/metrics";
    ServiceUnknown Request "service_unknown" "traces, logs and metrics are served";
    ProfilesUnsupported Request "profiles_unsupported"
        "traces, logs and metrics are taken: switch the sender's exporter of profiles off";
    HttpOnGrpcPort Request "http_on_grpc_port" "OTLP/HTTP is served on the other port, 4318 by default";
    GrpcOnHttpPort Request "grpc_on_http_port" "OTLP/gRPC is served on the other port, 4317 by default";
    OtlpOnApiPort Request "otlp_on_api_port" "OTLP/HTTP is served on another port, 4318 by default";
    TlsOnPlaintextPort Request "tls_on_plaintext_port" "";
    NotHttp Request "not_http" "";
    Overloaded Request "overloaded" "";
    StorageUnavailable Request "storage_unavailable" "";
    Internal Request "internal" "this is a fault of the server: its log has the details";
    Unauthenticated Request "unauthenticated"
        "send the header authorization with 'Bearer' and a token of [[auth.tokens]], or Basic credentials of [[auth.users]]";
    RateLimited Request "rate_limited" "send less, or raise the rates of this credential in [auth]";
    OriginNotAllowed Request "origin_not_allowed"
        "name the origin of the page that sends in cors.allowed_origins";
    TlsHandshakeFailed Request "tls_handshake_failed"
        "the client must trust the server's certificate, and have one of its own where tls.client_auth wants it";
    PlaintextOnTlsPort Request "plaintext_on_tls_port" "this port speaks TLS: use an https address";

    TraceIdInvalid Item "trace_id_invalid" "a trace id has 16 bytes and is not all zero; hex in JSON";
    SpanIdInvalid Item "span_id_invalid" "a span id has 8 bytes and is not all zero; hex in JSON";
    PointWithoutValue Item "point_without_value" "set asInt or asDouble, or the no-recorded-value flag";
    TemporalityUnspecified Item "temporality_unspecified" "set the aggregation temporality: delta or cumulative";
    HistogramBucketsInconsistent Item "histogram_buckets_inconsistent"
        "a histogram has one bucket count more than bounds, or none of either";
    HistogramBoundsUnordered Item "histogram_bounds_unordered" "bucket bounds must be strictly increasing";
    HistogramCountMismatch Item "histogram_count_mismatch" "count must be the sum of the bucket counts";
    ExponentialIndexOutOfRange Item "exponential_index_out_of_range"
        "a bucket lies outside the range of 64-bit floats: check scale and offset";
    MetricNameMissing Item "metric_name_missing" "a series of remote write has its name in the label __name__";
    TimestampInvalid Item "timestamp_invalid" "a sample's time is in milliseconds since 1970: check the sender's clock";
    NativeHistogramUnusable Item "native_histogram_unusable"
        "native histograms are stored that count whole numbers, only grow, and have a schema from -4 to 8";
    IdentityTooLarge Item "identity_too_large"
        "resource, scope and metric texts are repeated for every item: shorten them or send fewer items at once";
    SeriesLimit Item "series_limit"
        "the metric has too many series: leave out attributes that tell single requests apart, or raise limits.series_max";

    JsonSnakeCaseKey Warning "json_snake_case_key" "OTLP/JSON keys are lowerCamelCase: resourceSpans, not resource_spans";
    JsonWithoutData Warning "json_without_data" "the body has none of OTLP's keys: check the sender's format";
    StringTableReference Warning "string_table_reference"
        "key_strindex and string_value_strindex belong to profiles only";
    AttributeLimit Warning "attribute_limit" "send fewer attributes of one item, or raise limits.attributes_max";
    AttributeKeyTooLong Warning "attribute_key_too_long" "";
    ValueTruncated Warning "value_truncated" "attributes are cut at limits.attribute_bytes_max, bodies at 1 MiB, names at 1 KiB";
    EventLimit Warning "event_limit" "send fewer events of one span, or raise limits.events_max";
    LinkLimit Warning "link_limit" "send fewer links of one span, or raise limits.links_max";
    EndBeforeStart Warning "end_before_start" "the duration is stored as 0: check the sender's clock";
    TimeOutOfRange Warning "time_out_of_range" "the time is stored as the latest that fits, in the year 2262";
    ValueTooDeep Warning "value_too_deep" "";
    ExemplarWithoutValue Warning "exemplar_without_value" "";
    ExemplarWithoutSample Warning "exemplar_without_sample" "";
    ZipkinKeyUnknown Warning "zipkin_key_unknown" "the path takes version 2 of Zipkin's spans; version 1 has other keys";

    DuplicateAttributeKey Note "duplicate_attribute_key" "keys must be unique; the first value is kept";
    ParentSpanIdInvalid Note "parent_span_id_invalid" "the span is kept as a root";
    LogIdInvalid Note "log_id_invalid" "the log record is kept, not associated with a trace";
    LinkIdInvalid Note "link_id_invalid" "the link is stored under an all-zero id";
    SpanWithoutTime Note "span_without_time" "the span is stored at the start of 1970";
    MetadataWithoutSeries Note "metadata_without_series"
        "types of series are told by their names where metadata comes in requests of its own";
    LogWithoutTime Note "log_without_time" "the time of receipt is used";
}
