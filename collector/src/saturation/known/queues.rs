//! Queues of messages, and how far their consumers are behind.

use super::{Kind, Known};

pub(super) const ALL: &[Known] = &[
    // The Collector's receiver rabbitmq, and RabbitMQ's own exporter. The conventions for messaging have no depth of a queue.
    Known::value("rabbitmq.message.current", Kind::Queue, "Messages in the queue", "{message}")
        .by(&["state"]),
    Known::value("rabbitmq_queue_messages", Kind::Queue, "Messages in the queue", "{message}").by(&["queue"]),
    Known::value(
        "rabbitmq_queue_messages_ready",
        Kind::Queue,
        "Messages that wait for a consumer",
        "{message}",
    )
    .by(&["queue"]),
    // The Collector's receiver kafkametrics, and kafka_exporter. Partitions add up.
    Known::value("kafka.consumer_group.lag", Kind::Lag, "Lag of the group", "{message}").by(&[
        "group",
        "messaging.consumer.group.name",
        "topic",
        "messaging.destination.name",
    ]),
    Known::value("kafka.consumer_group.lag_sum", Kind::Lag, "Lag of the group", "{message}")
        .by(&["group", "messaging.consumer.group.name", "topic", "messaging.destination.name"])
        .unless("kafka.consumer_group.lag"),
    Known::value("kafka_consumergroup_lag", Kind::Lag, "Lag of the group", "{message}")
        .by(&["consumergroup", "topic"]),
    // Kafka's client by the Java agent, by Micrometer, and by Micrometer in Prometheus' names. The largest lag is of one
    // partition.
    Known::value("kafka.consumer.records_lag", Kind::Lag, "Lag of the consumer", "{record}").by(&["topic"]),
    Known::largest("kafka.consumer.records_lag_max", Kind::Lag, "Largest lag of the consumer", "{record}")
        .by(&["topic"]),
    Known::value("kafka.consumer.fetch.manager.records.lag", Kind::Lag, "Lag of the consumer", "{record}")
        .by(&["topic"]),
    Known::largest(
        "kafka.consumer.fetch.manager.records.lag.max",
        Kind::Lag,
        "Largest lag of the consumer",
        "{record}",
    )
    .by(&["topic"]),
    Known::value("kafka_consumer_fetch_manager_records_lag", Kind::Lag, "Lag of the consumer", "{record}")
        .by(&["topic"]),
    Known::largest(
        "kafka_consumer_fetch_manager_records_lag_max",
        Kind::Lag,
        "Largest lag of the consumer",
        "{record}",
    )
    .by(&["topic"]),
];
