//! Notifications, their attempts, and the receivers that they are for.

use crate::evaluate::{Health, ReceiverStatus};
use alerts::{Attempt, Delivery, DeliveryState, ReplayedRange, ShownRequest, Tried};
use wire::UnixNanos;

pub(in super::super) fn delivery_list(
    now: i64,
    deliveries: Vec<Delivery>,
    truncated: bool,
) -> wire::DeliveryList {
    let deliveries = deliveries.into_iter().map(delivery_row).collect();
    wire::DeliveryList { now: UnixNanos(now), deliveries, truncated }
}

/// What is kept of a notification holds no secret.
pub(in super::super) fn delivery_detail(delivery: Delivery, body: &[u8]) -> wire::DeliveryDetail {
    let body = String::from_utf8_lossy(body).into_owned();
    wire::DeliveryDetail { delivery: delivery_row(delivery), body }
}

pub(super) fn delivery_row(delivery: Delivery) -> wire::DeliveryRow {
    let is_delivered = delivery.state == DeliveryState::Delivered;
    wire::DeliveryRow {
        id: delivery.id,
        alert_id: delivery.alert_id,
        receiver: delivery.receiver,
        kind: delivery.kind,
        event: delivery.event.name().to_owned(),
        is_test: delivery.is_test,
        state: delivery.state.name().to_owned(),
        created_at: UnixNanos(delivery.created_at),
        next_attempt_at: delivery.next_attempt_at.map(UnixNanos),
        delivered_at: delivery.finished_at.filter(|_| is_delivered).map(UnixNanos),
        attempts: delivery.attempts.into_iter().map(attempt_row).collect(),
    }
}

fn attempt_row(attempt: Attempt) -> wire::AttemptRow {
    wire::AttemptRow {
        at: UnixNanos(attempt.at),
        duration_ms: u32::try_from(attempt.duration_ns.max(0) / 1_000_000).unwrap_or(u32::MAX),
        status: attempt.status,
        error: attempt.error,
        answer: attempt.answer,
        address: attempt.address,
    }
}

pub(in super::super) fn receiver_row(receiver: ReceiverStatus) -> wire::ReceiverRow {
    let ReceiverStatus { name, kind, target, health, n_waiting, n_dead } = receiver;
    let (state, trouble, paused_until) = match health {
        Health::Well => ("well", None, None),
        Health::Paused { until } => ("paused", None, Some(UnixNanos(until))),
        Health::Gone { error } => ("gone", Some(error), None),
    };
    let (kind, state) = (kind.to_owned(), state.to_owned());
    wire::ReceiverRow { name, kind, target, state, trouble, paused_until, n_waiting, n_dead }
}

pub(in super::super) fn replayed(id: String, receiver: String) -> wire::Replayed {
    wire::Replayed { id, receiver }
}

pub(in super::super) fn replayed_range(replayed: ReplayedRange) -> wire::ReplayedRange {
    let ReplayedRange { n_queued, n_overtaken, has_more } = replayed;
    wire::ReplayedRange { n_queued, n_overtaken, has_more }
}

pub(in super::super) fn test_answer(tried: Tried) -> wire::TestAnswer {
    let Tried { delivery_id, is_delivered, request, attempt } = tried;
    wire::TestAnswer {
        delivery_id,
        is_delivered,
        request: sent_request(request),
        attempt: attempt_row(attempt),
    }
}

fn sent_request(request: ShownRequest) -> wire::SentRequest {
    let ShownRequest { method, targets, headers, body } = request;
    let header = |(name, value)| wire::SentHeader { name, value };
    wire::SentRequest {
        method: method.to_owned(),
        targets,
        headers: headers.into_iter().map(header).collect(),
        body,
    }
}
