//! The simulated shop as data: its services, what each operation does step by step, and whom it calls.
//!
//! `unfold` walks these tables to make traces; `EDGES` repeats the map on its own so that tests can hold the
//! two against each other. Nothing here knows of faults, time or OTLP.

/// A deployed service.
#[derive(Debug)]
pub(super) struct Service {
    pub name: &'static str,
    /// `telemetry.sdk.language` and `telemetry.sdk.version`.
    pub sdk: (&'static str, &'static str),
    pub scope: &'static str,
    pub version: &'static str,
    pub n_instances: u32,
    pub port: i64,
    pub semconv: Semconv,
}

/// Which generation of semantic conventions the service's SDK writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Semconv {
    Current,
    Old,
}

/// An endpoint of a service and what it does, in order.
#[derive(Debug)]
pub(super) struct Operation {
    pub service: &'static Service,
    pub protocol: Protocol,
    pub steps: &'static [Step],
    pub refusal: Option<Refusal>,
}

#[derive(Debug)]
pub(super) enum Protocol {
    Http {
        method: &'static str,
        route: &'static str,
    },
    /// `rpc.method`, as in `package.Service/Method`.
    Grpc {
        method: &'static str,
    },
}

#[derive(Debug)]
pub(super) enum Step {
    /// Time in the service itself: the median in microseconds.
    Work(f64),
    /// The same, under an internal span of its own.
    Inside(&'static str, f64),
    Call(&'static Operation),
    /// A call repeated up to three times while the answer is 503.
    CallWithRetries(&'static Operation),
    /// All at once; the slowest decides.
    Together(&'static [Step]),
    Query(&'static Query),
    /// A look-up that is enough nine times in ten; otherwise the steps follow.
    Cached(&'static Query, &'static [Step]),
    Publish(&'static Topic),
    Request(&'static External),
}

/// A refusal that is business as usual: a declined card, a product that is gone.
#[derive(Debug)]
pub(super) struct Refusal {
    pub chance: f64,
    pub status: u16,
    pub error_type: &'static str,
    pub message: &'static str,
}

/// A database or cache.
#[derive(Debug)]
pub(super) struct Store {
    pub name: &'static str,
    pub system: &'static str,
    /// The database on that server; caches have none.
    pub namespace: Option<&'static str>,
    pub port: i64,
    /// Connections per service instance.
    pub pool_size: u32,
}

#[derive(Debug)]
pub(super) struct Query {
    pub store: &'static Store,
    pub operation: &'static str,
    pub collection: &'static str,
    pub text: &'static str,
    pub latency_us: f64,
}

/// A queue with those who read it.
#[derive(Debug)]
pub(super) struct Topic {
    pub system: &'static str,
    pub name: &'static str,
    pub host: &'static str,
    pub consumers: &'static [Consumer],
}

#[derive(Debug)]
pub(super) struct Consumer {
    pub service: &'static Service,
    pub group: &'static str,
    pub steps: &'static [Step],
}

/// Somebody else's service, seen only from our side.
#[derive(Debug)]
pub(super) struct External {
    pub host: &'static str,
    pub method: &'static str,
    pub path: &'static str,
    pub latency_us: f64,
}

/// What a visitor does, with its share of the traffic in percent.
pub(super) static JOURNEYS: [(u32, &Operation); 5] =
    [(30, &HOME), (40, &PRODUCT), (12, &ADD_TO_CART), (12, &CHECKOUT), (6, &LOGIN)];

pub(super) static SERVICES: [&Service; 12] = [
    &WEB,
    &AUTH,
    &CART,
    &CATALOG,
    &PRICING,
    &INVENTORY,
    &ORDERS,
    &PAYMENT,
    &SHIPPING,
    &EMAIL,
    &RECOMMENDATION,
    &CHECKOUT_SERVICE,
];

/// Who talks to whom: service to service, store, topic or external host, and topic to consumer.
pub(super) static EDGES: [(&str, &str); 25] = [
    ("web-frontend", "auth"),
    ("web-frontend", "cart"),
    ("web-frontend", "catalog"),
    ("web-frontend", "checkout"),
    ("web-frontend", "pricing"),
    ("web-frontend", "recommendation"),
    ("auth", "session-cache"),
    ("cart", "cart-cache"),
    ("catalog", "catalog-db"),
    ("checkout", "cart"),
    ("checkout", "inventory"),
    ("checkout", "order-service"),
    ("checkout", "payment-api"),
    ("checkout", "pricing"),
    ("checkout", "shipping"),
    ("inventory", "inventory-db"),
    ("order-service", "order.created"),
    ("order-service", "orders-db"),
    ("order.created", "email-worker"),
    ("order.created", "shipping"),
    ("payment-api", "api.acquirer.example"),
    ("pricing", "price-cache"),
    ("recommendation", "catalog"),
    ("recommendation", "price-cache"),
    ("email-worker", "api.mailer.example"),
];

const NODE: (&str, &str) = ("nodejs", "2.6.0");
const GO: (&str, &str) = ("go", "1.40.0");
const JAVA: (&str, &str) = ("java", "1.58.0");
const PYTHON: (&str, &str) = ("python", "1.39.1");

pub(super) static WEB: Service =
    service("web-frontend", NODE, "@opentelemetry/instrumentation-http", "7.31.2", 3);
pub(super) static AUTH: Service = service("auth", GO, "otelgrpc", "2.9.0", 2);
pub(super) static CART: Service = service("cart", ("dotnet", "1.14.0"), "Microsoft.AspNetCore", "3.4.1", 2);
/// Still instrumented the old way, as many services in the field are.
pub(super) static CATALOG: Service = Service {
    semconv: Semconv::Old,
    ..service("catalog", PYTHON, "opentelemetry.instrumentation.flask", "5.12.0", 2)
};
pub(super) static PRICING: Service = service("pricing", ("rust", "0.31.0"), "pricing", "1.8.3", 2);
pub(super) static INVENTORY: Service = service("inventory", JAVA, "io.opentelemetry.tomcat-10.0", "6.2.5", 3);
pub(super) static ORDERS: Service =
    service("order-service", JAVA, "io.opentelemetry.tomcat-10.0", "4.17.2", 3);
pub(super) static PAYMENT: Service = service("payment-api", GO, "otelhttp", "11.0.4", 2);
pub(super) static SHIPPING: Service = service("shipping", JAVA, "io.opentelemetry.grpc-1.6", "2.3.0", 2);
pub(super) static EMAIL: Service =
    service("email-worker", PYTHON, "opentelemetry.instrumentation.kafka", "1.5.7", 2);
pub(super) static RECOMMENDATION: Service =
    service("recommendation", PYTHON, "opentelemetry.instrumentation.grpc", "9.1.0", 2);
pub(super) static CHECKOUT_SERVICE: Service = service("checkout", GO, "otelgrpc", "8.20.1", 3);

const fn service(
    name: &'static str,
    sdk: (&'static str, &'static str),
    scope: &'static str,
    version: &'static str,
    n_instances: u32,
) -> Service {
    Service { name, sdk, scope, version, n_instances, port: 8080, semconv: Semconv::Current }
}

static SESSION_CACHE: Store = cache("session-cache");
static CART_CACHE: Store = cache("cart-cache");
static PRICE_CACHE: Store = cache("price-cache");
static CATALOG_DB: Store = database("catalog-db", "mysql", 3306);
static INVENTORY_DB: Store = database("inventory-db", "postgresql", 5432);
pub(super) static ORDERS_DB: Store = database("orders-db", "postgresql", 5432);

const fn cache(name: &'static str) -> Store {
    Store { name, system: "redis", namespace: None, port: 6379, pool_size: 10 }
}

const fn database(name: &'static str, system: &'static str, port: i64) -> Store {
    Store { name, system, namespace: Some(name), port, pool_size: 10 }
}

const fn query(
    store: &'static Store,
    operation: &'static str,
    collection: &'static str,
    text: &'static str,
    latency_us: f64,
) -> Query {
    Query { store, operation, collection, text, latency_us }
}

static GET_SESSION: Query = query(&SESSION_CACHE, "GET", "session", "GET session:?", 400.0);
static SET_SESSION: Query = query(&SESSION_CACHE, "SETEX", "session", "SETEX session:? 3600 ?", 500.0);
static GET_CART: Query = query(&CART_CACHE, "HGETALL", "cart", "HGETALL cart:?", 600.0);
static PUT_CART: Query = query(&CART_CACHE, "HSET", "cart", "HSET cart:? ? ?", 600.0);
static GET_PRICES: Query = query(&PRICE_CACHE, "MGET", "price", "MGET price:? price:?", 500.0);
static GET_RANKING: Query = query(&PRICE_CACHE, "ZREVRANGE", "ranking", "ZREVRANGE ranking:? 0 11", 700.0);
static GET_PRODUCT: Query = query(
    &CATALOG_DB,
    "SELECT",
    "products",
    "SELECT id, name, price, stock_hint FROM products WHERE id = ?",
    2_200.0,
);
static LIST_PRODUCTS: Query = query(
    &CATALOG_DB,
    "SELECT",
    "products",
    "SELECT id, name, price FROM products WHERE category_id = ? ORDER BY popularity DESC LIMIT 24",
    4_500.0,
);
static RESERVE_STOCK: Query = query(
    &INVENTORY_DB,
    "UPDATE",
    "stock",
    "UPDATE stock SET reserved = reserved + $1 WHERE sku = $2 AND available >= $1",
    3_500.0,
);
/// The statement that loses its index with the release (see `faults`).
pub(super) static FIND_OPEN_ORDERS: Query = query(
    &ORDERS_DB,
    "SELECT",
    "orders",
    "SELECT id, state FROM orders WHERE customer_ref = $1 AND state = 'open' FOR UPDATE",
    5_000.0,
);
static INSERT_ORDER: Query = query(
    &ORDERS_DB,
    "INSERT",
    "orders",
    "INSERT INTO orders (id, customer_ref, total, currency) VALUES ($1, $2, $3, $4)",
    4_000.0,
);

pub(super) static ACQUIRER: External =
    External { host: "api.acquirer.example", method: "POST", path: "/v2/charges", latency_us: 85_000.0 };
static MAILER: External =
    External { host: "api.mailer.example", method: "POST", path: "/v3/messages", latency_us: 60_000.0 };

pub(super) static ORDER_CREATED: Topic = Topic {
    system: "kafka",
    name: "order.created",
    host: "kafka-0.shop.internal",
    consumers: &[
        Consumer {
            service: &EMAIL,
            group: "email-confirmations",
            steps: &[Step::Inside("render confirmation", 6_000.0), Step::Request(&MAILER)],
        },
        Consumer {
            service: &SHIPPING,
            group: "shipping-labels",
            steps: &[Step::Inside("plan shipment", 9_000.0)],
        },
    ],
};

const fn http(
    service: &'static Service,
    method: &'static str,
    route: &'static str,
    steps: &'static [Step],
) -> Operation {
    Operation { service, protocol: Protocol::Http { method, route }, steps, refusal: None }
}

const fn grpc(service: &'static Service, method: &'static str, steps: &'static [Step]) -> Operation {
    Operation { service, protocol: Protocol::Grpc { method }, steps, refusal: None }
}

static HOME: Operation = http(
    &WEB,
    "GET",
    "/",
    &[
        Step::Work(1_200.0),
        Step::Together(&[Step::Call(&LIST_CATALOG), Step::Call(&RECOMMEND)]),
        Step::Inside("render page", 4_000.0),
    ],
);
static PRODUCT: Operation = http(
    &WEB,
    "GET",
    "/products/{id}",
    &[
        Step::Work(1_000.0),
        Step::Together(&[Step::Call(&CATALOG_ITEM), Step::Call(&QUOTE), Step::Call(&RECOMMEND)]),
        Step::Inside("render page", 5_000.0),
    ],
);
static ADD_TO_CART: Operation =
    http(&WEB, "POST", "/cart", &[Step::Work(800.0), Step::Call(&CHECK_SESSION), Step::Call(&PUT_ITEM)]);
static CHECKOUT: Operation = http(
    &WEB,
    "POST",
    "/checkout",
    &[Step::Work(900.0), Step::Call(&CHECK_SESSION), Step::Call(&PLACE_ORDER)],
);
static LOGIN: Operation = http(&WEB, "POST", "/login", &[Step::Work(700.0), Step::Call(&LOG_IN)]);

static CHECK_SESSION: Operation =
    grpc(&AUTH, "shop.auth.v1.Sessions/Check", &[Step::Query(&GET_SESSION), Step::Work(300.0)]);
static LOG_IN: Operation = grpc(
    &AUTH,
    "shop.auth.v1.Sessions/Create",
    &[Step::Inside("verify password", 48_000.0), Step::Query(&SET_SESSION)],
);
static READ_CART: Operation = http(&CART, "GET", "/carts/{id}", &[Step::Query(&GET_CART), Step::Work(400.0)]);
static PUT_ITEM: Operation = http(
    &CART,
    "PUT",
    "/carts/{id}/items",
    &[Step::Query(&GET_CART), Step::Query(&PUT_CART), Step::Work(500.0)],
);
static LIST_CATALOG: Operation =
    http(&CATALOG, "GET", "/api/products", &[Step::Query(&LIST_PRODUCTS), Step::Work(2_500.0)]);
static CATALOG_ITEM: Operation = Operation {
    refusal: Some(Refusal { chance: 0.008, status: 404, error_type: "404", message: "product is gone" }),
    ..http(&CATALOG, "GET", "/api/products/{id}", &[Step::Query(&GET_PRODUCT), Step::Work(1_500.0)])
};
static QUOTE: Operation =
    grpc(&PRICING, "shop.pricing.v1.Pricing/Quote", &[Step::Query(&GET_PRICES), Step::Work(350.0)]);
static RECOMMEND: Operation = grpc(
    &RECOMMENDATION,
    "shop.recommendation.v1.Recommendations/List",
    &[Step::Cached(&GET_RANKING, &[Step::Call(&LIST_CATALOG)]), Step::Inside("rank", 7_000.0)],
);
static PLACE_ORDER: Operation = grpc(
    &CHECKOUT_SERVICE,
    "shop.checkout.v1.Checkout/PlaceOrder",
    &[
        Step::Work(600.0),
        Step::Call(&READ_CART),
        Step::Together(&[Step::Call(&QUOTE), Step::Call(&QUOTE_SHIPPING)]),
        Step::CallWithRetries(&RESERVE),
        Step::Call(&CHARGE),
        Step::Call(&CREATE_ORDER),
        Step::Work(700.0),
    ],
);
static QUOTE_SHIPPING: Operation = grpc(&SHIPPING, "shop.shipping.v1.Shipping/Quote", &[Step::Work(5_500.0)]);
pub(super) static RESERVE: Operation = Operation {
    refusal: Some(Refusal { chance: 0.005, status: 409, error_type: "409", message: "out of stock" }),
    ..http(&INVENTORY, "POST", "/reservations", &[Step::Work(900.0), Step::Query(&RESERVE_STOCK)])
};
pub(super) static CHARGE: Operation = Operation {
    refusal: Some(Refusal { chance: 0.02, status: 402, error_type: "402", message: "card declined" }),
    ..http(&PAYMENT, "POST", "/charges", &[Step::Work(1_100.0), Step::Request(&ACQUIRER)])
};
pub(super) static CREATE_ORDER: Operation = http(
    &ORDERS,
    "POST",
    "/orders",
    &[
        Step::Work(1_400.0),
        Step::Query(&FIND_OPEN_ORDERS),
        Step::Query(&INSERT_ORDER),
        Step::Publish(&ORDER_CREATED),
    ],
);

impl Operation {
    /// The span name of the serving side, and the operation as read models know it.
    pub(super) fn name(&self) -> String {
        match self.protocol {
            Protocol::Http { method, route } => format!("{method} {route}"),
            Protocol::Grpc { method } => method.to_owned(),
        }
    }
}

impl Query {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.operation, self.collection)
    }
}
