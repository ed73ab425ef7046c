"""Verifies a delivered webhook with a library that somebody else wrote. Reads a case and writes what it found as JSON."""

import json
import sys
from datetime import datetime, timedelta, timezone

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def verdict(secret, body, headers):
    try:
        Webhook(secret).verify(body, headers)
        return "verified"
    except WebhookVerificationError as error:
        return str(error)


def main():
    case = json.load(sys.stdin)
    headers, body = case["headers"], case["body"]
    found = {secret: verdict(secret, body, headers) for secret in case["secrets"]}
    secret = case["secrets"][0]
    # One character of the body is another.
    found["changed_body"] = verdict(secret, body.replace("firing", "Firing", 1), headers)
    found["other_id"] = verdict(secret, body, {**headers, "webhook-id": "another"})
    # Somebody sends again what was signed well, ten minutes ago.
    then = datetime.now(tz=timezone.utc) - timedelta(minutes=10)
    signature = Webhook(secret).sign(headers["webhook-id"], then, body)
    old = {**headers, "webhook-timestamp": str(int(then.timestamp())), "webhook-signature": signature}
    found["old_timestamp"] = verdict(secret, body, old)
    json.dump(found, sys.stdout)


main()
