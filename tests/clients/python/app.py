"""A small shop on Flask, run under `opentelemetry-instrument`.

Serves N orders to itself over HTTP, every fifth fails, and prints as one JSON line what it did,
so that the test can compare each number with what arrived.
"""

import json
import logging
import sys
import threading

import requests
from flask import Flask
from opentelemetry import metrics, trace
from werkzeug.serving import make_server

N_ORDERS = int(sys.argv[1])

app = Flask("shop")
log = logging.getLogger("shop")
log.setLevel(logging.INFO)
tracer = trace.get_tracer("shop.orders", "1.2.3")
meter = metrics.get_meter("shop.orders", "1.2.3")
orders = meter.create_counter("shop.orders", unit="{order}", description="Orders taken")
value = meter.create_histogram("shop.order.value", unit="EUR", description="Value of an order")
stock = meter.create_up_down_counter("shop.stock", unit="{item}", description="Items left")

done = {"orders": 0, "failed": 0, "value_sum": 0.0, "logs": 0, "trace_ids": []}


@app.route("/orders/<int:number>")
def order(number):
    with tracer.start_as_current_span("price order") as span:
        span.set_attribute("order.number", number)
        span.set_attribute("order.express", number % 2 == 0)
        span.set_attribute("order.weight_kg", 0.5 * number)
        span.set_attribute("order.tags", ["blue", "fragile"])
        span.add_event("priced", {"price.cents": 100 * number})
        done["trace_ids"].append(format(span.get_span_context().trace_id, "032x"))
        if number % 5 == 0:
            done["failed"] += 1
            raise ValueError(f"order {number} has no price")
    orders.add(1, {"channel": "web"})
    value.record(10.0 * number, {"channel": "web"})
    stock.add(-1, {"shelf": "a"})
    done["orders"] += 1
    done["value_sum"] += 10.0 * number
    log.info("order %d accepted", number, extra={"order.number": number})
    done["logs"] += 1
    return {"accepted": number}


def main():
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    statuses = {}
    try:
        for number in range(1, N_ORDERS + 1):
            url = f"http://127.0.0.1:{server.server_port}/orders/{number}"
            status = requests.get(url, timeout=10).status_code
            statuses[status] = statuses.get(status, 0) + 1
    finally:
        server.shutdown()
        thread.join()
    done["statuses"] = statuses
    print("DID " + json.dumps(done), flush=True)


main()
